#include "replica/restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "replica/checkpoints.h"
#include "replica/driver.h"
#include "replica/recovery.h"
#include "replica/removed.h"
#include "replica/sole.h"

/* Identity last, when it is put there, and first, when it is taken away. The last one is
 * what a member has that is to join another cluster: nothing of ours. */
static const char *const entries[] = {
	"checkpoint", "state", "log", "clean", "identity", "joining"};
#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))
#define N_MADE (N_ENTRIES - 1)

struct work {
	const struct restore_options *o;
	struct restored *out;
	struct err *e;
	int fd; /* the data directory */
	int lock_fd;
	bool locked;
	char building[PATH_MAX];
};

static int fail_errno(const struct work *w, const char *name)
{
	return err_set(w->e, err_from_errno(errno), "%s/%s: %s", w->o->data_dir, name,
		strerror(errno));
}

/* ---- the directory ----------------------------------------------------- */

/* Calls fn with each file below path, what is inside a folder before the folder. */
static int each_file(const char *path,
	int (*fn)(const char *path, const struct stat *top), const struct stat *top)
{
	char *paths[] = {(char *)(uintptr_t)path, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int rc = walk != NULL ? 0 : -1;

	while (rc == 0 && (entry = fts_read(walk)) != NULL)
		if (entry->fts_info != FTS_D && entry->fts_info != FTS_NS)
			rc = fn(entry->fts_path, top);
	if (walk != NULL)
		fts_close(walk);
	return rc;
}

static int remove_one(const char *path, const struct stat *top)
{
	(void)top;
	return remove(path);
}

static int give_away(const char *path, const struct stat *top)
{
	return lchown(path, top->st_uid, top->st_gid);
}

/* As root for a daemon that is not: the files are its owner's. */
static int keep_owner(const struct work *w)
{
	struct stat top;

	if (geteuid() != 0)
		return 0;
	if (fstat(w->fd, &top) != 0)
		return fail_errno(w, ".");
	if (top.st_uid == 0)
		return 0;
	if (fchownat(w->fd, "lock", top.st_uid, top.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
		return fail_errno(w, "lock");
	return each_file(w->building, give_away, &top) == 0 ? 0
							    : fail_errno(w, "restoring");
}

static int open_directory(struct work *w)
{
	if (mkdir(w->o->data_dir, 0700) != 0 && errno != EEXIST)
		return fail_errno(w, "");
	w->fd = open(w->o->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->fd < 0)
		return fail_errno(w, "");
	w->lock_fd = openat(w->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (w->lock_fd < 0)
		return fail_errno(w, "lock");
	w->locked = flock(w->lock_fd, LOCK_EX | LOCK_NB) == 0;
	if (!w->locked)
		return err_set(w->e, SVCD_EINUSE,
			"data directory %s is in use by a svcd: stop it first",
			w->o->data_dir);
	return 0;
}

static bool has_data(const struct work *w)
{
	for (size_t i = 0; i < N_ENTRIES; i++)
		if (faccessat(w->fd, entries[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	return false;
}

static int check_empty(const struct work *w)
{
	if (!has_data(w))
		return 0;
	if (!w->o->force)
		return err_set(w->e, SVCD_EEXISTS,
			"%s has data of a member: restore into an empty directory, or "
			"put that data aside with --force",
			w->o->data_dir);
	if (faccessat(w->fd, "replaced", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(w->e, SVCD_EEXISTS,
			"%s/replaced has what an earlier restore put aside: remove it, or "
			"keep it elsewhere",
			w->o->data_dir);
	return 0;
}

static int put_aside(struct work *w)
{
	char to[64];

	if (!has_data(w))
		return 0;
	if (mkdirat(w->fd, "replaced", 0700) != 0)
		return fail_errno(w, "replaced");
	for (size_t i = N_ENTRIES; i-- > 0;) {
		snprintf(to, sizeof(to), "replaced/%s", entries[i]);
		if (renameat(w->fd, entries[i], w->fd, to) != 0 && errno != ENOENT)
			return fail_errno(w, entries[i]);
	}
	w->out->replaced = true;
	return fsync(w->fd) == 0 ? 0 : fail_errno(w, ".");
}

static int move_in(const struct work *w)
{
	char from[64];

	for (size_t i = 0; i < N_MADE; i++) {
		if (strcmp(entries[i], "identity") == 0 && fsync(w->fd) != 0)
			return fail_errno(w, ".");
		snprintf(from, sizeof(from), "restoring/%s", entries[i]);
		if (renameat(w->fd, from, w->fd, entries[i]) != 0)
			return fail_errno(w, entries[i]);
	}
	return fsync(w->fd) == 0 ? 0 : fail_errno(w, ".");
}

/* ---- the state --------------------------------------------------------- */

static int put_members(struct tables *t, const struct restored *r)
{
	struct buf value = {0};
	int rc;

	buf_put_be64(&value, r->info.index);
	rc = driver_encode_sole(r->node, &value);
	if (rc == 0)
		rc = value.error;
	if (rc == 0)
		table_put(t, TABLE_META, bytes_str(MEMBERS_KEY), buf_bytes(&value));
	buf_fini(&value);
	return rc == 0 ? t->error : rc;
}

/* The state of the backup under the new identity. commands: the log entry that does the
 * rest, in the history's sight. */
static int change_state(const struct work *w, struct store *s, struct buf *commands)
{
	struct sole sole = {
		.node = w->out->node,
		.actor = w->o->actor,
		.reason = "restored from a backup",
		.wall_ms = w->o->wall_ms,
	};
	struct tables *t = store_write_begin(s, w->e);
	int rc;

	if (t == NULL)
		return w->e->code;
	rc = sole_commands(t, &sole, commands);
	if (rc == 0)
		rc = put_members(t, w->out);
	if (rc == 0) /* they may be members of the cluster that the backup is of */
		removed_clear(t);
	if (rc != 0) {
		store_write_abort(s);
		return err_set(w->e, rc, "the state cannot be written: %s", err_text(rc));
	}
	store_write_cluster(s, w->out->cluster);
	rc = store_write_commit(s, w->out->info.index, w->out->info.term, w->e);
	return rc == 0 ? store_sync(s, w->e) : rc;
}

static int make_state(const struct work *w, const struct datadir *d, struct buf *commands)
{
	char state[PATH_MAX];
	struct store_options o = {.dir = datadir_path(d, "state", state)};
	struct checkpoints list;
	struct checkpoint_info info;
	struct store *s = NULL;
	int rc = store_restore(state, w->o->file, w->e);

	if (rc == 0)
		rc = store_open(&o, &s, w->e);
	if (rc == 0)
		rc = change_state(w, s, commands);
	if (rc == 0) /* makes the folder */
		rc = checkpoints_list(d, &list, w->e);
	if (rc == 0) /* what the log begins behind has to be there in a checkpoint */
		rc = checkpoint_make(d, s, &info, w->e);
	store_close(s);
	return rc;
}

/* ---- the log ----------------------------------------------------------- */

static int write_log(
	const struct work *w, struct journal *j, struct disk *disk, struct bytes commands)
{
	struct sole sole = {.node = w->out->node};
	uint64_t term = w->out->info.term + 1;
	struct ballot ballot;
	int rc = journal_reset(j, w->out->info.index, w->out->info.term);

	if (rc != 0)
		return err_set(w->e, rc, "the log cannot be written: %s", err_text(rc));
	rc = ballot_open(&ballot, disk, w->e);
	if (rc != 0)
		return rc;
	ballot_write(&ballot, term, 0);
	ballot_close(&ballot);
	return sole_append(j, term, &sole, commands, w->e);
}

static int make_log(const struct work *w, const struct datadir *d, struct bytes commands)
{
	struct journal_options o = {.cluster = d->cluster};
	char path[PATH_MAX];
	struct disk *disk = NULL;
	struct journal *j = NULL;
	int rc = disk_open_folder(datadir_path(d, "log", path), &disk, w->e);

	if (rc == 0)
		rc = journal_open(disk, &o, &j, w->e);
	if (rc == 0)
		rc = write_log(w, j, disk, commands);
	journal_close(j);
	disk_close_folder(disk);
	return rc;
}

/* ---- all --------------------------------------------------------------- */

static int build(const struct work *w)
{
	struct buf commands = {0};
	struct datadir d;
	int rc;

	each_file(w->building, remove_one, NULL);
	rc = datadir_open(&d, w->building, w->e);
	if (rc != 0)
		return rc;
	w->out->cluster = d.cluster;
	w->out->node = d.node;
	rc = make_state(w, &d, &commands);
	if (rc == 0)
		rc = make_log(w, &d, buf_bytes(&commands));
	if (rc == 0)
		rc = datadir_mark(&d, true, w->e);
	datadir_close(&d);
	buf_fini(&commands);
	return rc == 0 ? keep_owner(w) : rc;
}

static int restore_steps(struct work *w)
{
	int rc = store_checkpoint_inspect(w->o->file, true, &w->out->info, w->e);

	if (rc == 0)
		rc = open_directory(w);
	if (rc == 0)
		rc = check_empty(w);
	if (rc == 0)
		rc = build(w);
	if (rc == 0)
		rc = put_aside(w);
	return rc == 0 ? move_in(w) : rc;
}

int restore_run(const struct restore_options *o, struct restored *out, struct err *e)
{
	struct work w = {.o = o, .out = out, .e = e, .fd = -1, .lock_fd = -1};
	int rc;

	*out = (struct restored){0};
	if (snprintf(w.building, sizeof(w.building), "%s/restoring", o->data_dir) >=
		DATADIR_PATH_MAX)
		return err_set(
			e, SVCD_EINVAL, "the path of the data directory is too long");
	rc = restore_steps(&w);
	if (w.locked)
		each_file(w.building, remove_one, NULL);
	if (w.lock_fd >= 0)
		close(w.lock_fd);
	if (w.fd >= 0)
		close(w.fd);
	return rc;
}
