#include "members.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The address in the line of that event. */
static void take_address(const char *log, const char *event, char out[64])
{
	const char *at = strstr(log, event);

	ck_assert_ptr_nonnull(at);
	at = strstr(at, "address=");
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(sscanf(at, "address=%63[^ \n]", out), 1);
}

/* Reads its log up to the line that it is ready; the rest of the log goes nowhere. */
static void await_ready(struct member *m, int log)
{
	char text[65536] = "";
	size_t len = 0;

	while (strstr(text, "event=ready") == NULL) {
		struct pollfd p = {.fd = log, .events = POLLIN};
		ssize_t n;

		ck_assert_msg(poll(&p, 1, 30000) == 1, "svcd is not ready: %s", text);
		n = read(log, text + len, sizeof(text) - 1 - len);
		ck_assert_msg(n > 0, "svcd ended: %s", text);
		len += (size_t)n;
		text[len] = '\0';
	}
	take_address(text, "event=listening ", m->client);
	take_address(text, "event=listening_for_members", m->peer);
}

static const char *program(void)
{
	static char path[400];
	const char *top = getenv("top_builddir");

	snprintf(path, sizeof(path), "%s/svcd", top != NULL ? top : ".");
	return path;
}

bool member_program_is_there(void)
{
	return access(program(), X_OK) == 0;
}

void member_start(struct member *m, const char *dir, char letter, const char *join)
{
	char name[] = {letter, '\0'};
	int log[2];

	snprintf(m->data, sizeof(m->data), "%s/%s", dir, name);
	ck_assert_int_eq(pipe2(log, O_CLOEXEC), 0);
	/* What nobody reads is lost. */
	ck_assert_int_eq(fcntl(log[1], F_SETFL, O_NONBLOCK), 0);
	m->pid = fork();
	ck_assert_int_ge(m->pid, 0);
	if (m->pid == 0) {
		dup2(log[1], STDERR_FILENO);
		execl(program(), "svcd", "--config", "/dev/null", "--data-dir", m->data,
			"--name", name, "--listen", "tcp:127.0.0.1:0", "--peer-listen",
			"127.0.0.1:0", join != NULL ? "--join" : (char *)NULL, join,
			(char *)NULL);
		_exit(127);
	}
	close(log[1]);
	await_ready(m, log[0]);
}

void member_end(struct member *m, int sig)
{
	if (m->pid == 0)
		return;
	ck_assert_int_eq(kill(m->pid, sig), 0);
	ck_assert_int_eq(waitpid(m->pid, NULL, 0), m->pid);
	m->pid = 0;
}
