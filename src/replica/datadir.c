#include "replica/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"

#define FORMAT 1
#define IDENTITY_BYTES_MAX 1024

static int fail_errno(struct err *e, const struct datadir *d, const char *name)
{
	int code = err_from_errno(errno);

	return err_set(e, code, "%s/%s: %s", d->path, name, strerror(errno));
}

char *datadir_path(const struct datadir *d, const char *name, char *out)
{
	snprintf(out, PATH_MAX, "%s/%s", d->path, name);
	return out;
}

/* ---- small files ------------------------------------------------------- */

static int write_all(int fd, struct bytes content)
{
	while (content.len > 0) {
		ssize_t n = write(fd, content.data, content.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		content = bytes_of(content.data + n, content.len - (size_t)n);
	}
	return 0;
}

int datadir_write(
	const struct datadir *d, const char *name, struct bytes content, struct err *e)
{
	char tmp[64];
	int fd, rc;

	snprintf(tmp, sizeof(tmp), "%s.tmp", name);
	fd = openat(d->fd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail_errno(e, d, tmp);
	rc = write_all(fd, content);
	if (rc == 0)
		rc = fsync(fd);
	if (rc != 0)
		rc = fail_errno(e, d, tmp);
	close(fd);
	if (rc == 0 && (renameat(d->fd, tmp, d->fd, name) != 0 || fsync(d->fd) != 0))
		rc = fail_errno(e, d, name);
	return rc;
}

int datadir_read(
	const struct datadir *d, const char *name, char *out, size_t cap, struct err *e)
{
	int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return fail_errno(e, d, name);
	n = read(fd, out, cap - 1);
	if (n < 0) {
		int rc = fail_errno(e, d, name);

		close(fd);
		return rc;
	}
	close(fd);
	out[n] = '\0';
	return 0;
}

bool datadir_has(const struct datadir *d, const char *name)
{
	return faccessat(d->fd, name, F_OK, 0) == 0;
}

int datadir_remove(const struct datadir *d, const char *name, struct err *e)
{
	if (unlinkat(d->fd, name, 0) != 0 && errno != ENOENT)
		return fail_errno(e, d, name);
	return fsync(d->fd) == 0 ? 0 : fail_errno(e, d, name);
}

static int remove_entry(
	const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

int datadir_empty(const struct datadir *d, struct err *e)
{
	static const char *const names[] = {"state", "checkpoint", "log", "clean"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (datadir_has(d, names[i]) &&
			nftw(datadir_path(d, names[i], path), remove_entry, 8,
				FTW_DEPTH | FTW_PHYS) != 0)
			return fail_errno(e, d, names[i]);
	return fsync(d->fd) == 0 ? 0 : fail_errno(e, d, "");
}

/* ---- opening ----------------------------------------------------------- */

static int open_folder(struct datadir *d, const char *path, struct err *e)
{
	if (strlen(path) >= sizeof(d->path))
		return err_set(
			e, SVCD_EINVAL, "the path of the data directory is too long");
	strcpy(d->path, path);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_set(e, err_from_errno(errno), "data directory %s: %s", path,
			strerror(errno));
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return err_set(e, err_from_errno(errno), "data directory %s: %s", path,
			strerror(errno));
	return 0;
}

static int take_lock(struct datadir *d, struct err *e)
{
	d->lock_fd = openat(d->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (d->lock_fd < 0)
		return fail_errno(e, d, "lock");
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return err_set(e, SVCD_EINUSE,
		"data directory %s is in use by another svcd: "
		"stop that one, or give this one its own directory",
		d->path);
}

/* The engine keeps 63 bits of an id safe from signs in its texts. */
static uint64_t random_id(void)
{
	uint64_t id = 0;

	while (id == 0) {
		rng_secure(&id, sizeof(id));
		id &= INT64_MAX;
	}
	return id;
}

static int write_identity(struct datadir *d, struct err *e)
{
	struct buf b = {0};
	int rc;

	buf_printf(&b, "svcd %d\ncluster %016" PRIx64 "\nnode %016" PRIx64 "\n", FORMAT,
		d->cluster, d->node);
	for (size_t i = 0; i < d->former.n; i++)
		buf_printf(&b, "former %016" PRIx64 "\n", d->former.id[i]);
	rc = b.error ? err_set(e, b.error, "%s", err_text(b.error))
		     : datadir_write(d, "identity", buf_bytes(&b), e);
	buf_fini(&b);
	return rc;
}

static int make_identity(struct datadir *d, struct err *e)
{
	d->fresh = true;
	d->cluster = random_id();
	d->node = random_id();
	return write_identity(d, e);
}

int datadir_set_cluster(
	struct datadir *d, uint64_t cluster, bool other_node, struct err *e)
{
	d->cluster = cluster;
	d->former.n = 0;
	if (other_node)
		d->node = random_id();
	return write_identity(d, e);
}

int datadir_renew_cluster(struct datadir *d, struct err *e)
{
	struct former before = d->former;
	uint64_t id = d->cluster;
	int rc;

	if (before.n == FORMER_MAX)
		return err_set(e, SVCD_ELIMIT,
			"this cluster was recovered %d times already: make a backup of it, and "
			"restore that",
			FORMER_MAX);
	memmove(d->former.id + 1, d->former.id, before.n * sizeof(d->former.id[0]));
	d->former.id[0] = id;
	d->former.n++;
	d->cluster = random_id();
	rc = write_identity(d, e);
	if (rc != 0) {
		d->cluster = id;
		d->former = before;
	}
	return rc;
}

bool datadir_owns(const struct datadir *d, uint64_t cluster)
{
	return cluster == d->cluster || former_has(&d->former, cluster);
}

static void read_former(struct datadir *d, const char *text)
{
	struct former *f = &d->former;
	const char *at = text;

	f->n = 0;
	while (f->n < FORMER_MAX && (at = strstr(at, "\nformer ")) != NULL &&
		sscanf(++at, "former %" SCNx64, &f->id[f->n]) == 1)
		f->n++;
}

static int read_identity(struct datadir *d, struct err *e)
{
	char text[IDENTITY_BYTES_MAX];
	int format, rc = datadir_read(d, "identity", text, sizeof(text), e);

	if (rc != 0)
		return rc;
	if (sscanf(text, "svcd %d\n", &format) == 1 && format != FORMAT)
		return err_set(e, SVCD_EVERSION,
			"data directory %s has format %d, this version of svcd reads format %d",
			d->path, format, FORMAT);
	if (sscanf(text, "svcd %d\ncluster %" SCNx64 "\nnode %" SCNx64, &format,
		    &d->cluster, &d->node) != 3 ||
		d->node == 0)
		return err_set(e, SVCD_ECORRUPT,
			"%s/identity is damaged: restore the directory from a backup",
			d->path);
	read_former(d, text);
	return 0;
}

/* Data without an identity is not ours to take over. */
static int load_identity(struct datadir *d, struct err *e)
{
	if (datadir_has(d, "identity"))
		return read_identity(d, e);
	if (datadir_has(d, "log"))
		return err_set(e, SVCD_ECORRUPT,
			"%s has a log, but no file \"identity\": "
			"restore the directory from a backup",
			d->path);
	return make_identity(d, e);
}

int datadir_open(struct datadir *d, const char *path, struct err *e)
{
	int rc;

	*d = (struct datadir){.fd = -1, .lock_fd = -1};
	rc = open_folder(d, path, e);
	if (rc == 0)
		rc = take_lock(d, e);
	if (rc == 0)
		rc = load_identity(d, e);
	if (rc != 0)
		datadir_close(d);
	return rc;
}

void datadir_close(struct datadir *d)
{
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = d->lock_fd = -1;
}

/* ---- trust ------------------------------------------------------------- */

bool datadir_trusted(const struct datadir *d)
{
	char text[64], boot[37], open_now[64];

	if (datadir_read(d, "clean", text, sizeof(text), NULL) != 0)
		return false;
	if (strncmp(text, "clean ", 6) == 0)
		return true;
	clock_boot_id(boot);
	snprintf(open_now, sizeof(open_now), "open %s\n", boot);
	return boot[0] && strcmp(text, open_now) == 0;
}

int datadir_mark(const struct datadir *d, bool clean, struct err *e)
{
	char text[64], boot[37];

	clock_boot_id(boot);
	snprintf(text, sizeof(text), "%s %s\n", clean ? "clean" : "open", boot);
	return datadir_write(d, "clean", bytes_str(text), e);
}
