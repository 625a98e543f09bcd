#include "svcctl/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "svcctl/mem.h"

static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP};

void child_prepare(struct child *k)
{
	sigemptyset(&k->signals);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&k->signals, passed_on[i]);
	sigaddset(&k->signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &k->signals, &k->before);
	signal(SIGPIPE, SIG_IGN);
}

/* After fork: only calls that are safe in a signal handler, for other threads may have
 * held locks. */
static void run_command(
	const struct child *k, char *const *argv, char *const *environment, int report_fd)
{
	int error;

	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &k->before, NULL);
	execvpe(argv[0], argv, environment);
	error = errno;
	while (write(report_fd, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(127);
}

static bool is_same_variable(const char *a, const char *b)
{
	size_t len = strcspn(a, "=");

	return strncmp(a, b, len + 1) == 0;
}

/* Ours and the extra ones, which win. The array is the caller's to free. */
static char **make_environment(char *const *extra)
{
	size_t n = 0, n_ours = 0, n_extra = 0;
	char **all;

	while (environ[n_ours] != NULL)
		n_ours++;
	while (extra[n_extra] != NULL)
		n_extra++;
	all = mem_zero(n_ours + n_extra + 1, sizeof(*all));
	for (size_t i = 0; i < n_extra; i++)
		all[n++] = extra[i];
	for (size_t i = 0; i < n_ours; i++) {
		size_t k = 0;

		while (k < n_extra && !is_same_variable(extra[k], environ[i]))
			k++;
		if (k == n_extra)
			all[n++] = environ[i];
	}
	return all;
}

/* What came through the pipe: nothing when exec closed it. */
static int read_report(int fd)
{
	int error = 0;
	ssize_t n;

	do
		n = read(fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(error) ? error : 0;
}

/* fork, exec, and what exec said. */
static int start(
	struct child *k, char *const *argv, char *const *environment, const int fds[2])
{
	k->pid = fork();
	if (k->pid < 0)
		return errno;
	if (k->pid == 0)
		run_command(k, argv, environment, fds[1]);
	return 0;
}

int child_start(struct child *k, char *const *argv, char *const *extra)
{
	char **environment;
	int fds[2], error;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return errno;
	environment = make_environment(extra);
	error = start(k, argv, environment, fds);
	free(environment);
	close(fds[1]);
	if (error == 0) {
		error = read_report(fds[0]);
		if (error != 0)
			waitpid(k->pid, NULL, 0);
	}
	close(fds[0]);
	return error;
}

static bool child_is_in_our_group(const struct child *k)
{
	return getpgid(k->pid) == getpgrp();
}

int child_next_signal(struct child *k, int timeout_ms, bool *from_terminal)
{
	struct timespec t = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
	siginfo_t info;
	int signal;

	do
		signal = timeout_ms < 0 ? sigwaitinfo(&k->signals, &info)
					: sigtimedwait(&k->signals, &info, &t);
	while (signal < 0 && errno == EINTR);
	if (signal < 0)
		return 0;
	/* A key or a hang-up reaches the whole foreground group; twice may mean something
	 * else to the child. */
	*from_terminal = info.si_code == SI_KERNEL && child_is_in_our_group(k);
	return signal;
}

bool child_ended(struct child *k, int *status)
{
	int how;

	if (waitpid(k->pid, &how, WNOHANG) != k->pid)
		return false;
	*status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
	return true;
}

void child_signal(const struct child *k, int signal)
{
	kill(k->pid, signal);
}
