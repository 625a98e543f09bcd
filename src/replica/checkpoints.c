#include "replica/checkpoints.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define FRESH_NAME "checkpoint/fresh"
#define RECEIVED_NAME "received" /* index and term of the last one from a leader */

char *checkpoint_path(const struct datadir *d, uint64_t index, char *out)
{
	char name[48];

	snprintf(name, sizeof(name), "checkpoint/%016" PRIx64 ".ckpt", index);
	return datadir_path(d, name, out);
}

static void remove_one(const struct datadir *d, uint64_t index)
{
	char path[PATH_MAX];

	unlink(checkpoint_path(d, index, path));
}

void checkpoints_add(const struct datadir *d, struct checkpoints *c, uint64_t index)
{
	size_t at = 0;

	while (at < c->n && c->index[at] > index)
		at++;
	if (at < c->n && c->index[at] == index)
		return;
	if (at == CHECKPOINTS_MAX) {
		remove_one(d, index);
		return;
	}
	memmove(c->index + at + 1, c->index + at, (c->n - at) * sizeof(c->index[0]));
	c->index[at] = index;
	if (++c->n > CHECKPOINTS_MAX)
		remove_one(d, c->index[--c->n]);
}

int checkpoints_list(const struct datadir *d, struct checkpoints *out, struct err *e)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	*out = (struct checkpoints){0};
	unlink(datadir_path(d, FRESH_NAME ".tmp", path));
	unlink(datadir_path(d, FRESH_NAME, path));
	if (mkdir(datadir_path(d, "checkpoint", path), 0700) != 0 && errno != EEXIST)
		return err_set(e, err_from_errno(errno), "%s: %s", path, strerror(errno));
	dir = opendir(path);
	if (!dir)
		return err_set(e, err_from_errno(errno), "%s: %s", path, strerror(errno));
	while ((entry = readdir(dir)) != NULL) {
		uint64_t index;

		if (sscanf(entry->d_name, "%16" SCNx64 ".ckpt", &index) == 1)
			checkpoints_add(d, out, index);
	}
	closedir(dir);
	return 0;
}

static int restore_one(
	const struct datadir *d, uint64_t index, const char *state, struct err *e)
{
	struct checkpoint_info info;
	char path[PATH_MAX];
	int rc = store_checkpoint_inspect(
		checkpoint_path(d, index, path), false, &info, e);

	if (rc == 0 && !datadir_owns(d, info.cluster))
		return err_set(e, SVCD_ECORRUPT, "%s belongs to another cluster", path);
	if (rc == 0 && info.index != index)
		return err_set(
			e, SVCD_ECORRUPT, "%s has the name of another checkpoint", path);
	return rc == 0 ? store_restore(state, path, e) : rc;
}

int checkpoints_restore(const struct datadir *d, const struct checkpoints *c,
	uint64_t at_least, const char *state, uint64_t *index, struct err *e)
{
	for (size_t i = 0; i < c->n && c->index[i] >= at_least; i++) {
		struct err why = {0};
		int rc = restore_one(d, c->index[i], state, &why);

		if (rc == 0) {
			*index = c->index[i];
			return 0;
		}
		if (rc != SVCD_ECORRUPT)
			return err_set(e, rc, "%s", why.text);
		log_warn("checkpoint_damaged", L_STR("text", why.text));
	}
	return SVCD_ENOTFOUND;
}

static int fail_errno(struct err *e, const char *path)
{
	int code = err_from_errno(errno);

	return err_set(e, code, "%s: %s", path, strerror(errno));
}

/* A durable name for what is durable already. */
static int give_name(
	const struct datadir *d, const char *from, uint64_t index, struct err *e)
{
	char path[PATH_MAX];
	int rc = 0, fd;

	if (rename(from, checkpoint_path(d, index, path)) != 0)
		return fail_errno(e, path);
	fd = open(
		datadir_path(d, "checkpoint", path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		rc = fail_errno(e, path);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Its index, and so its name, is known when it is made. */
int checkpoint_make(const struct datadir *d, struct store *s,
	struct checkpoint_info *info, struct err *e)
{
	char fresh[PATH_MAX];
	uint64_t index, term;
	int rc = store_checkpoint(
		s, datadir_path(d, FRESH_NAME, fresh), &index, &term, e);

	if (rc == 0)
		rc = store_checkpoint_inspect(fresh, false, info, e);
	return rc == 0 ? give_name(d, fresh, info->index, e) : rc;
}

/* ---- from a leader ------------------------------------------------------ */

static int sync_file(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc = fd >= 0 && fsync(fd) == 0 ? 0 : fail_errno(e, path);

	if (fd >= 0)
		close(fd);
	return rc;
}

int checkpoint_receive(const struct datadir *d, const char *path,
	const struct checkpoint_info *info, struct err *e)
{
	char text[64];
	int rc = sync_file(path, e);

	snprintf(text, sizeof(text), "index %016" PRIx64 " term %016" PRIx64 "\n",
		info->index, info->term);
	if (rc == 0)
		rc = datadir_write(d, RECEIVED_NAME, bytes_str(text), e);
	return rc == 0 ? give_name(d, path, info->index, e) : rc;
}

int checkpoint_received(const struct datadir *d, uint64_t *index, uint64_t *term)
{
	uint64_t i, t;
	char text[64];

	if (datadir_read(d, RECEIVED_NAME, text, sizeof(text), NULL) != 0)
		return SVCD_ENOTFOUND;
	if (sscanf(text, "index %16" SCNx64 " term %16" SCNx64, &i, &t) != 2)
		return SVCD_ECORRUPT;
	*index = i;
	*term = t;
	return 0;
}
