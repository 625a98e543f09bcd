#include "daemon/rejoin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "replica/datadir.h"

#define DECIDED "joining"
#define EMPTIED "join"

static int fail(struct err *e, const char *data_dir, const char *what)
{
	return err_set(e, err_from_errno(errno), "data directory %s: %s: %s", data_dir,
		what, strerror(errno));
}

/* Only the folder: no lock, no identity. 0 with d->fd -1 when there is none. */
static int folder_open(struct datadir *d, const char *data_dir, struct err *e)
{
	*d = (struct datadir){.fd = -1, .lock_fd = -1};
	if (strlen(data_dir) >= sizeof(d->path))
		return err_set(
			e, SVCD_EINVAL, "the path of the data directory is too long");
	strcpy(d->path, data_dir);
	d->fd = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0 && errno != ENOENT)
		return fail(e, data_dir, "open");
	return 0;
}

int rejoin_note(const char *data_dir, const char *address, struct err *e)
{
	struct datadir d;
	int rc = folder_open(&d, data_dir, e);

	if (rc == 0)
		rc = datadir_write(&d, DECIDED, bytes_str(address), e);
	datadir_close(&d);
	return rc;
}

static bool has(const struct datadir *d, const char *name)
{
	return faccessat(d->fd, name, F_OK, 0) == 0;
}

/* ---- emptying ---------------------------------------------------------- */

static int remove_entry(
	const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static bool is_kept(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		strcmp(name, "lock") == 0 || strcmp(name, DECIDED) == 0;
}

static int empty_folder(const struct datadir *d, DIR *dir, struct err *e)
{
	char path[PATH_MAX];
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		if (is_kept(entry->d_name))
			continue;
		datadir_path(d, entry->d_name, path);
		if (nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) != 0)
			return fail(e, path, "remove");
	}
	return 0;
}

/* With the lock held, so that no process that runs loses its files. */
static int empty_locked(struct datadir *d, struct err *e)
{
	DIR *dir = opendir(d->path);
	int rc;

	if (dir == NULL)
		return fail(e, d->path, "open");
	rc = empty_folder(d, dir, e);
	closedir(dir);
	if (rc == 0 && fsync(d->fd) != 0)
		rc = fail(e, d->path, "sync");
	if (rc == 0 &&
		(renameat(d->fd, DECIDED, d->fd, EMPTIED) != 0 || fsync(d->fd) != 0))
		rc = fail(e, d->path, EMPTIED);
	if (rc == 0)
		log_info("data_removed", L_STR("data_dir", d->path),
			L_STR("text", "as decided, to join another cluster"));
	return rc;
}

static int empty(struct datadir *d, struct err *e)
{
	int rc;

	d->lock_fd = openat(d->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (d->lock_fd < 0)
		return fail(e, d->path, "lock");
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, SVCD_EINUSE,
			"data directory %s is in use by another svcd: stop that one",
			d->path);
	rc = empty_locked(d, e);
	close(d->lock_fd);
	d->lock_fd = -1;
	return rc;
}

int rejoin_prepare(const char *data_dir, char address[REJOIN_ADDRESS_MAX], struct err *e)
{
	struct datadir d;
	int rc = folder_open(&d, data_dir, e);

	address[0] = '\0';
	if (rc != 0 || d.fd < 0)
		return rc;
	if (has(&d, DECIDED))
		rc = empty(&d, e);
	if (rc == 0 && has(&d, EMPTIED))
		rc = datadir_read(&d, EMPTIED, address, REJOIN_ADDRESS_MAX, e);
	datadir_close(&d);
	return rc;
}

void rejoin_done(const char *data_dir)
{
	struct datadir d;

	if (folder_open(&d, data_dir, NULL) != 0 || d.fd < 0)
		return;
	if (unlinkat(d.fd, EMPTIED, 0) == 0)
		fsync(d.fd);
	datadir_close(&d);
}
