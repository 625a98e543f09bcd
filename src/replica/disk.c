#include "replica/disk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILL_STEP_BYTES ((size_t)128 << 10)

/* One file that is being filled, by a thread of its own. */
struct filler {
	pthread_t thread;
	int file; /* -1: none */
	uint64_t bytes;
	int result;
	_Atomic bool done;
};

struct folder {
	struct disk disk; /* first */
	int fd;
	struct filler filler;
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

/* ---- filling ------------------------------------------------------------ */

/* A little at a time and waited for, so that a sync of the log is never behind more than
 * that. */
static int fill(struct filler *f)
{
	static const uint8_t zeros[FILL_STEP_BYTES];
	int rc = 0;

	for (uint64_t at = 0; rc == 0 && at < f->bytes; at += FILL_STEP_BYTES) {
		uint64_t left = f->bytes - at;
		size_t n = left < FILL_STEP_BYTES ? (size_t)left : FILL_STEP_BYTES;

		rc = disk_write(NULL, f->file, at, zeros, n);
		if (rc == 0)
			sync_file_range(f->file, (off_t)at, (off_t)n,
				SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
	}
	return rc == 0 ? disk_sync(NULL, f->file) : rc;
}

static void *fill_main(void *arg)
{
	struct filler *f = arg;

	pthread_setname_np(pthread_self(), "log-spare");
	f->result = fill(f);
	atomic_store_explicit(&f->done, true, memory_order_release);
	return NULL;
}

static struct filler *filler_of(struct disk *d)
{
	return &((struct folder *)d)->filler;
}

static int disk_fill_begin(struct disk *d, int file, uint64_t bytes)
{
	struct filler *f = filler_of(d);

	if (f->file >= 0)
		return SVCD_EBUSY;
	f->file = file;
	f->bytes = bytes;
	f->done = false;
	if (pthread_create(&f->thread, NULL, fill_main, f) == 0)
		return 0;
	f->file = -1;
	return SVCD_ENOMEM;
}

static int disk_fill_end(struct disk *d, bool wait)
{
	struct filler *f = filler_of(d);

	if (f->file < 0)
		return SVCD_EINVAL;
	if (!wait && !atomic_load_explicit(&f->done, memory_order_acquire))
		return SVCD_EAGAIN;
	pthread_join(f->thread, NULL);
	f->file = -1;
	return f->result;
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
	.fill_begin = disk_fill_begin,
	.fill_end = disk_fill_end,
};

int disk_open_folder(const char *path, struct disk **out, struct err *e)
{
	struct folder *f = calloc(1, sizeof(*f));

	if (!f)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	f->disk.ops = &folder_ops;
	f->filler.file = -1;
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
	assert(filler_of(d)->file < 0);
	close(folder_fd(d));
	free(d);
}
