/*
 * One LMDB environment: opened, shared, closed by the last to leave.
 */
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const table_names[TABLE_COUNT] = {
	[TABLE_META] = "meta",
	[TABLE_SERVICE] = "service",
	[TABLE_INSTANCE] = "instance",
	[TABLE_LEASE] = "lease",
	[TABLE_LEASE_ITEM] = "lease_item",
	[TABLE_TOMBSTONE] = "tombstone",
	[TABLE_SESSION] = "session",
	[TABLE_DUE] = "due",
	[TABLE_EVENT] = "event",
	[TABLE_NODE] = "node",
};

int store_error(int mdb)
{
	switch (mdb) {
	case MDB_MAP_FULL:
		return SVCD_ENOSPACE;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_PANIC:
		return SVCD_ECORRUPT;
	case MDB_VERSION_MISMATCH:
		return SVCD_EVERSION;
	case MDB_READERS_FULL:
		return SVCD_ELIMIT;
	case MDB_BAD_VALSIZE:
		return SVCD_ETOOBIG;
	default:
		return mdb > 0 ? err_from_errno(mdb) : SVCD_EIO;
	}
}

int store_fail(struct err *e, int mdb, const char *what)
{
	return err_set(e, store_error(mdb), "%s: %s", what, mdb_strerror(mdb));
}

/* ---- references --------------------------------------------------------- */

static struct env *env_alloc(void)
{
	struct env *env = calloc(1, sizeof(*env));

	if (!env)
		return NULL;
	env->dir_fd = env->data_fd = -1;
	env->refs = 1;
	return env;
}

struct env *env_take(struct store *s)
{
	struct env *env;

	pthread_mutex_lock(&s->lock);
	env = s->env;
	atomic_fetch_add_explicit(&env->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&s->lock);
	return env;
}

static void *close_main(void *arg)
{
	struct env *env = arg;

	if (env->mdb)
		mdb_env_close(env->mdb);
	if (env->dir_fd >= 0)
		close(env->dir_fd);
	free(env);
	return NULL;
}

/* The memory and the blocks of a large state take tens of milliseconds to be given back.
 * Whoever is the last one in has other things to do, and nobody waits for it. */
static bool close_beside(struct env *env)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, close_main, env) != 0)
		return false;
	pthread_detach(thread);
	return true;
}

void env_leave(struct env *env)
{
	if (!env || atomic_fetch_sub_explicit(&env->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (!env->replaced || !close_beside(env))
		close_main(env);
}

/* ---- opening ------------------------------------------------------------ */

static int lock_dir(struct env *env, const char *dir, struct err *e)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return path_fail(e, dir);
	env->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (env->dir_fd < 0)
		return path_fail(e, dir);
	if (flock(env->dir_fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, SVCD_EINUSE, "%s: in use by another process", dir);
	return 0;
}

static int map_dir(const struct store *s, struct env *env, const char *dir, struct err *e)
{
	const unsigned flags = MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOTLS | MDB_NOMEMINIT |
		MDB_NORDAHEAD | MDB_WRITEMAP;
	int rc = mdb_env_create(&env->mdb);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(env->mdb, TABLE_COUNT);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(env->mdb, s->readers);
	if (rc == 0)
		rc = mdb_env_set_mapsize(env->mdb, s->map_bytes);
	if (rc == 0)
		rc = mdb_env_open(env->mdb, dir, flags, 0600);
	return rc == 0 ? 0 : store_fail(e, rc, dir);
}

static int map_file(struct env *env, const char *path, struct err *e)
{
	const unsigned flags = MDB_RDONLY | MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS;
	int rc = mdb_env_create(&env->mdb);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(env->mdb, TABLE_COUNT);
	if (rc == 0)
		rc = mdb_env_open(env->mdb, path, flags, 0600);
	return rc == 0 ? 0 : store_fail(e, rc, path);
}

static int tables_open(struct env *env, unsigned txn_flags, unsigned flags, struct err *e)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(env->mdb, NULL, txn_flags, &txn);

	if (rc != 0)
		return store_fail(e, rc, "cannot read the state");
	rc = mdb_dbi_open(txn, NULL, 0, &env->main);
	for (int t = 0; rc == 0 && t < TABLE_COUNT; t++)
		rc = mdb_dbi_open(txn, table_names[t], flags, &env->tables[t]);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return store_fail(e, rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc,
			"cannot open the tables");
	}
	rc = mdb_txn_commit(txn);
	return rc == 0 ? 0 : store_fail(e, rc, "cannot open the tables");
}

static int position_load(struct env *env, struct err *e)
{
	struct txn t = {0};
	MDB_txn *txn;
	int rc = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return store_fail(e, rc, "cannot read the state");
	txn_bind(&t, NULL, env, txn);
	env->position = *txn_position(&t);
	mdb_txn_abort(txn);
	if (t.tables.error)
		return err_set(e, t.tables.error,
			"the state's position cannot be read: %s",
			err_text(t.tables.error));
	return 0;
}

/* A fresh state has format 0: the first commit writes ours. */
static int position_judge(const struct store *s, struct env *env, struct err *e)
{
	struct position *p = &env->position;
	uint64_t cluster = s->cluster;

	if (p->format == 0)
		*p = (struct position){.format = STORE_FORMAT, .cluster = cluster};
	if (p->format != STORE_FORMAT)
		return err_set(e, SVCD_EVERSION,
			"the state has format %llu, this version reads format %d",
			(unsigned long long)p->format, STORE_FORMAT);
	if (former_has(s->former, p->cluster))
		p->cluster = cluster;
	if (cluster && p->cluster != cluster)
		return err_set(e, SVCD_ECONFLICT,
			"the state belongs to another cluster (%016llx, not %016llx): "
			"give each member its own directory",
			(unsigned long long)p->cluster, (unsigned long long)cluster);
	return 0;
}

static int open_steps(
	const struct store *s, struct env *env, const char *path, struct err *e)
{
	bool copy = s->dir == NULL;
	int rc = copy ? map_file(env, path, e) : lock_dir(env, path, e);

	if (rc == 0 && !copy)
		rc = map_dir(s, env, path, e);
	if (rc == 0 && !copy)
		rc = space_init(s, env, e);
	if (rc == 0)
		rc = tables_open(env, copy ? MDB_RDONLY : 0, copy ? 0 : MDB_CREATE, e);
	if (rc == 0)
		rc = position_load(env, e);
	if (rc == 0)
		rc = position_judge(s, env, e);
	if (rc == 0 && !copy)
		space_note(env);
	return rc;
}

int env_open_state(
	const struct store *s, const char *dir, struct env **out, struct err *e)
{
	struct env *env = env_alloc();
	int rc;

	if (!env)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	rc = open_steps(s, env, dir, e);
	if (rc != 0) {
		env_leave(env);
		return rc;
	}
	*out = env;
	return 0;
}
