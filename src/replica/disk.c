#include "replica/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	struct disk disk; /* first */
	int fd;
};

static int folder_fd(const struct disk *d)
{
	return ((const struct folder *)d)->fd;
}

static int result(int rc)
{
	return rc < 0 ? err_from_errno(errno) : 0;
}

static int disk_open(struct disk *d, const char *name, bool create, int *file)
{
	int fd = openat(
		folder_fd(d), name, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);

	if (fd >= 0)
		*file = fd;
	return result(fd);
}

static void disk_close(struct disk *d, int file)
{
	(void)d;
	close(file);
}

static int disk_size(struct disk *d, int file, uint64_t *out)
{
	struct stat st;

	(void)d;
	if (fstat(file, &st) != 0)
		return result(-1);
	*out = (uint64_t)st.st_size;
	return 0;
}

static int disk_read(struct disk *d, int file, uint64_t at, void *out, size_t len)
{
	uint8_t *p = out;

	(void)d;
	while (len > 0) {
		ssize_t n = pread(file, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? result(-1) : SVCD_EIO;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int disk_write(struct disk *d, int file, uint64_t at, const void *data, size_t len)
{
	const uint8_t *p = data;

	(void)d;
	while (len > 0) {
		ssize_t n = pwrite(file, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return result(-1);
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* File systems that cannot reserve give the error when the file is filled with zeros. */
static int disk_reserve(struct disk *d, int file, uint64_t bytes)
{
	int rc;

	(void)d;
	do
		rc = fallocate(file, 0, 0, (off_t)bytes);
	while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno == EOPNOTSUPP)
		rc = ftruncate(file, (off_t)bytes);
	return result(rc);
}

static void disk_push(struct disk *d, int file, uint64_t at, uint64_t len)
{
	(void)d;
	sync_file_range(file, (off_t)at, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

static int disk_sync(struct disk *d, int file)
{
	(void)d;
	return result(fdatasync(file));
}

static int disk_remove(struct disk *d, const char *name)
{
	return result(unlinkat(folder_fd(d), name, 0));
}

static int disk_rename(struct disk *d, const char *from, const char *to)
{
	return result(renameat(folder_fd(d), from, folder_fd(d), to));
}

static int disk_sync_dir(struct disk *d)
{
	return result(fsync(folder_fd(d)));
}

static int disk_list(struct disk *d, void (*each)(void *arg, const char *name), void *arg)
{
	int fd = openat(folder_fd(d), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir) {
		int rc = result(-1);

		if (fd >= 0)
			close(fd);
		return rc;
	}
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			each(arg, entry->d_name);
	closedir(dir);
	return 0;
}

static const struct disk_ops folder_ops = {
	.open = disk_open,
	.close = disk_close,
	.size = disk_size,
	.read = disk_read,
	.write = disk_write,
	.reserve = disk_reserve,
	.push = disk_push,
	.sync = disk_sync,
	.remove = disk_remove,
	.rename = disk_rename,
	.sync_dir = disk_sync_dir,
	.list = disk_list,
};

int disk_open_folder(const char *path, struct disk **out, struct err *e)
{
	struct folder *f = calloc(1, sizeof(*f));

	if (!f)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	f->disk.ops = &folder_ops;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		f->fd = -1;
	else
		f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0) {
		int code = err_from_errno(errno);

		err_set(e, code, "%s: %s", path, strerror(errno));
		free(f);
		return code;
	}
	*out = &f->disk;
	return 0;
}

void disk_close_folder(struct disk *d)
{
	if (!d)
		return;
	close(folder_fd(d));
	free(d);
}
