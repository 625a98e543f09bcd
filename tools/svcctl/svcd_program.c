#include "svcctl/svcd_program.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "svcctl/mem.h"

#define ARGUMENTS_MAX 16

/* svcd in a folder beside our own; NULL: not there. Caller frees. */
static char *find_beside(const char *relative)
{
	char self[PATH_MAX + 1];
	ssize_t n = readlink("/proc/self/exe", self, PATH_MAX);
	char *path;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	path = mem_format("%s/%ssvcd", dirname(self), relative);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *svcd_program(void)
{
	const char *named = getenv("SVCD");
	char *path;

	if (named != NULL && *named != '\0')
		return mem_copy(named);
	path = find_beside("");
	if (path == NULL)
		path = find_beside("../sbin/");
	return path != NULL ? path : mem_copy("svcd");
}

static enum outcome not_started(const char *path, int error)
{
	report_error("cannot run %s: %s", path, strerror(error));
	report_hint("svcd itself does this; it is looked for in $SVCD, beside svcctl, in "
		    "../sbin and in PATH");
	return OUT_FAILED;
}

struct spawn {
	const char *path;
	const char *const *arguments;
	int out_fd; /* its standard output; -1: ours */
	bool quiet;
};

static int spawn(const struct spawn *s, pid_t *pid)
{
	const char *argv[ARGUMENTS_MAX + 2] = {s->path};
	posix_spawn_file_actions_t actions;
	int error;

	for (size_t i = 0; i < ARGUMENTS_MAX && s->arguments[i] != NULL; i++)
		argv[i + 1] = s->arguments[i];
	posix_spawn_file_actions_init(&actions);
	if (s->out_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, s->out_fd, STDOUT_FILENO);
	if (s->quiet)
		posix_spawn_file_actions_addopen(
			&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	fflush(stdout);
	error = posix_spawnp(
		pid, s->path, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* 127 is what posix_spawn's child says when there was nothing to execute. */
static enum outcome wait_for(const struct spawn *s, pid_t pid, int *status)
{
	int how = 0, code;

	while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
		;
	code = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	if (status != NULL)
		*status = code;
	if (code == 127 && !s->quiet)
		return not_started(s->path, ENOENT);
	return code == 0 ? OUT_OK : OUT_FAILED;
}

enum outcome svcd_run(const char *const *arguments, int *status)
{
	char *path = svcd_program();
	struct spawn s = {path, arguments, -1, false};
	enum outcome out;
	pid_t pid;
	int error = spawn(&s, &pid);

	out = error == 0 ? wait_for(&s, pid, status) : not_started(path, error);
	free(path);
	return out;
}

static char *read_all(int fd)
{
	char *text = mem_copy("");
	size_t len = 0;

	for (;;) {
		ssize_t n;

		text = mem_resize(text, len + 4096 + 1, 1);
		n = read(fd, text + len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	return text;
}

enum outcome svcd_read(const char *const *arguments, bool quiet, char **text, int *status)
{
	char *path = svcd_program();
	struct spawn s = {path, arguments, -1, quiet};
	enum outcome out = OUT_FAILED;
	int ends[2] = {-1, -1}, error;
	pid_t pid;

	*text = NULL;
	if (status != NULL)
		*status = -1;
	mem_check(pipe2(ends, O_CLOEXEC) == 0 ? path : NULL);
	s.out_fd = ends[1];
	error = spawn(&s, &pid);
	close(ends[1]);
	if (error == 0) {
		*text = read_all(ends[0]);
		out = wait_for(&s, pid, status);
	} else if (!quiet) {
		not_started(path, error);
	}
	close(ends[0]);
	free(path);
	return out;
}
