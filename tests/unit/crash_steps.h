/*
 * A process that dies before the n-th of the calls that change names, write, or make
 * durable. The program is linked with CRASH_STEPS_WRAPS; one source includes this.
 */
#ifndef TESTS_UNIT_CRASH_STEPS_H
#define TESTS_UNIT_CRASH_STEPS_H

#include <check.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int crash_steps_left; /* 0: never */

static void crash_step(void)
{
	if (crash_steps_left > 0 && --crash_steps_left == 0)
		_exit(9);
}

#define CRASH_STEP(type, name, parameters, arguments) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		crash_step(); \
		return __real_##name arguments; \
	}

CRASH_STEP(int, renameat2,
	(int a, const char *from, int b, const char *to, unsigned flags),
	(a, from, b, to, flags))
CRASH_STEP(
	int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
CRASH_STEP(int, rename, (const char *from, const char *to), (from, to))
CRASH_STEP(int, fsync, (int fd), (fd))
CRASH_STEP(int, fdatasync, (int fd), (fd))
CRASH_STEP(int, unlink, (const char *path), (path))
CRASH_STEP(int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags))
CRASH_STEP(int, rmdir, (const char *path), (path))
CRASH_STEP(int, mkdir, (const char *path, mode_t mode), (path, mode))
CRASH_STEP(ssize_t, write, (int fd, const void *data, size_t n), (fd, data, n))
CRASH_STEP(ssize_t, pwrite, (int fd, const void *data, size_t n, off_t at),
	(fd, data, n, at))

/* Runs fn in a process that dies at that step. True when it came to its end before. */
static inline bool crash_in_child(int steps, void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		crash_steps_left = steps;
		fn();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "step %d: status %x", steps, (unsigned)status);
	ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9);
	return WEXITSTATUS(status) == 0;
}

#endif
