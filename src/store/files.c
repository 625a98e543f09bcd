/*
 * Folders that hold a state: removed as a whole, put in place as a whole.
 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int path_fail(struct err *e, const char *path)
{
	int code = err_from_errno(errno);

	return err_set(e, code, "%s: %s", path, strerror(errno));
}

int path_with(char *out, const char *path, const char *suffix, struct err *e)
{
	if (snprintf(out, PATH_MAX, "%s%s", path, suffix) < PATH_MAX)
		return 0;
	return err_set(e, SVCD_EINVAL, "%s: the path is too long", path);
}

int path_sync_parent(const char *path)
{
	char copy[PATH_MAX];
	int fd, rc;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

/* It holds data.mdb and lock.mdb, nothing else. Who has them open goes on: LMDB never
 * opens them again. */
void folder_remove(const char *dir)
{
	char path[PATH_MAX];

	if (path_with(path, dir, "/data.mdb", NULL) == 0)
		unlink(path);
	if (path_with(path, dir, "/lock.mdb", NULL) == 0)
		unlink(path);
	rmdir(dir);
}

/* Where folders cannot be exchanged there is a moment without a state, which is then made
 * anew from the checkpoint. */
int folder_swap(const char *dir, const char *tmp, struct err *e)
{
	bool exchanged = renameat2(AT_FDCWD, tmp, AT_FDCWD, dir, RENAME_EXCHANGE) == 0;

	if (!exchanged) {
		folder_remove(dir);
		if (rename(tmp, dir) != 0)
			return path_fail(e, dir);
	}
	if (path_sync_parent(dir) != 0)
		return path_fail(e, dir);
	if (exchanged)
		folder_remove(tmp);
	return 0;
}
