/* config-check: asks svcd itself whether it would take a configuration file. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "svcctl/handlers.h"
#include "svcctl/mem.h"

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

/* What is run: with a slash a file, without one it is looked for in PATH. Caller frees.
 */
static char *find_svcd(void)
{
	char *path = find_beside("");

	if (path == NULL)
		path = find_beside("../sbin/");
	return path != NULL ? path : mem_copy("svcd");
}

static enum outcome not_started(int error)
{
	report_error("cannot run svcd: %s", strerror(error));
	report_hint(
		"svcd checks the file; it was looked for beside svcctl, in ../sbin and in PATH");
	return OUT_FAILED;
}

static enum outcome run_svcd(const char *svcd, const char *file)
{
	char *argv[] = {(char *)(uintptr_t)svcd, (char *)(uintptr_t) "--config",
		(char *)(uintptr_t)file, (char *)(uintptr_t) "--check-config", NULL};
	int error, how = 0;
	pid_t pid;

	fflush(stdout);
	error = posix_spawnp(&pid, svcd, NULL, NULL, argv, environ);
	if (error != 0)
		return not_started(error);
	while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(how) && WEXITSTATUS(how) == 0)
		return OUT_OK;
	return WIFEXITED(how) && WEXITSTATUS(how) == 127 ? not_started(ENOENT)
							 : OUT_FAILED;
}

enum outcome cmd_config_check(struct ctl *c, const struct args *a)
{
	char *svcd = find_svcd();
	enum outcome out;

	(void)c;
	out = run_svcd(svcd, a->words[0]);
	free(svcd);
	return out;
}
