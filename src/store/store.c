/*
 * Opening and closing the environment, and its one writer.
 */
#include "store/internal.h"

#include <assert.h>
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

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
	return value ? value : fallback;
}

static struct store *store_alloc(void)
{
	struct store *s = calloc(1, sizeof(*s));

	if (s)
		s->dir_fd = s->data_fd = -1;
	return s;
}

static int lock_dir(struct store *s, const char *dir, struct err *e)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_set(e, err_from_errno(errno), "%s: %s", dir, strerror(errno));
	s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return err_set(e, err_from_errno(errno), "%s: %s", dir, strerror(errno));
	if (flock(s->dir_fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(e, SVCD_EINUSE, "%s: in use by another process", dir);
	return 0;
}

static int env_open(struct store *s, const struct store_options *o, struct err *e)
{
	const unsigned flags = MDB_NOSYNC | MDB_NOMETASYNC | MDB_NOTLS | MDB_NOMEMINIT |
		MDB_NORDAHEAD | MDB_WRITEMAP;
	uint64_t map = or_default(o->map_bytes, MAP_BYTES_DEFAULT) / STORE_PAGE *
		STORE_PAGE;
	int rc = mdb_env_create(&s->env);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, TABLE_COUNT);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(
			s->env, (unsigned)or_default(o->readers, READERS_DEFAULT));
	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, map);
	if (rc == 0)
		rc = mdb_env_open(s->env, o->dir, flags, 0600);
	if (rc != 0)
		return store_fail(e, rc, o->dir);
	return 0;
}

static int tables_open(struct store *s, unsigned txn_flags, unsigned flags, struct err *e)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, txn_flags, &txn);

	if (rc != 0)
		return store_fail(e, rc, "cannot read the state");
	rc = mdb_dbi_open(txn, NULL, 0, &s->main);
	for (int t = 0; rc == 0 && t < TABLE_COUNT; t++)
		rc = mdb_dbi_open(txn, table_names[t], flags, &s->tables[t]);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return store_fail(e, rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc,
			"cannot open the tables");
	}
	rc = mdb_txn_commit(txn);
	return rc == 0 ? 0 : store_fail(e, rc, "cannot open the tables");
}

static int position_load(struct store *s, struct err *e)
{
	struct txn t = {0};
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return store_fail(e, rc, "cannot read the state");
	txn_bind(&t, s, txn);
	s->position = *txn_position(&t);
	mdb_txn_abort(txn);
	if (t.tables.error)
		return err_set(e, t.tables.error,
			"the state's position cannot be read: %s",
			err_text(t.tables.error));
	return 0;
}

/* A fresh state has format 0: the first commit writes ours. */
static int position_judge(struct store *s, uint64_t cluster, struct err *e)
{
	struct position *p = &s->position;

	if (p->format == 0)
		*p = (struct position){.format = STORE_FORMAT, .cluster = cluster};
	if (p->format != STORE_FORMAT)
		return err_set(e, SVCD_EVERSION,
			"the state has format %llu, this version reads format %d",
			(unsigned long long)p->format, STORE_FORMAT);
	if (cluster && p->cluster != cluster)
		return err_set(e, SVCD_ECONFLICT,
			"the state belongs to another cluster (%016llx, not %016llx): "
			"give each member its own directory",
			(unsigned long long)p->cluster, (unsigned long long)cluster);
	return 0;
}

static int open_steps(struct store *s, const struct store_options *o, struct err *e)
{
	int rc = lock_dir(s, o->dir, e);

	if (rc == 0)
		rc = env_open(s, o, e);
	if (rc == 0)
		rc = space_init(s, e);
	if (rc == 0)
		rc = tables_open(s, 0, MDB_CREATE, e);
	if (rc == 0)
		rc = position_load(s, e);
	if (rc == 0)
		rc = position_judge(s, o->cluster, e);
	if (rc == 0)
		space_note(s);
	return rc;
}

int store_open(const struct store_options *o, struct store **out, struct err *e)
{
	struct store *s = store_alloc();
	int rc;

	if (!s)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	s->reserve_bytes = or_default(o->reserve_bytes, RESERVE_BYTES_DEFAULT);
	rc = open_steps(s, o, e);
	if (rc != 0) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

int store_open_copy(const char *path, struct store **out, struct err *e)
{
	struct store *s = store_alloc();
	int rc;

	if (!s)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	rc = mdb_env_create(&s->env);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, TABLE_COUNT);
	if (rc == 0)
		rc = mdb_env_open(s->env, path,
			MDB_RDONLY | MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOTLS, 0600);
	rc = rc == 0 ? tables_open(s, MDB_RDONLY, 0, e) : store_fail(e, rc, path);
	if (rc == 0)
		rc = position_load(s, e);
	if (rc == 0)
		rc = position_judge(s, 0, e);
	if (rc != 0) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	assert(s->write.mdb == NULL);
	if (s->env)
		mdb_env_close(s->env);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	free(s);
}

int store_sync(struct store *s, struct err *e)
{
	int rc = mdb_env_sync(s->env, 1);

	return rc == 0 ? 0 : store_fail(e, rc, "cannot sync the state");
}

/* ---- the writer -------------------------------------------------------- */

struct tables *store_write_begin(struct store *s, struct err *e)
{
	struct txn *t = &s->write;
	MDB_txn *txn;
	int rc;

	assert(t->mdb == NULL);
	if (space_begin(s, e) != 0)
		return NULL;
	rc = mdb_txn_begin(s->env, NULL, 0, &txn);
	if (rc != 0) {
		store_fail(e, rc, "cannot begin a transaction");
		return NULL;
	}
	txn_bind(t, s, txn);
	t->writing = true;
	t->position = s->position;
	t->position_known = true;
	return &t->tables;
}

/* LMDB frees the cursors of a write transaction when it ends. */
static void write_end(struct store *s)
{
	s->write.mdb = NULL;
	memset(s->write.point, 0, sizeof(s->write.point));
	memset(s->write.walk, 0, sizeof(s->write.walk));
}

static int put_position(struct txn *t)
{
	MDB_val k = {.mv_size = 4, .mv_data = (void *)(uintptr_t) "svcd"};
	MDB_val v = {.mv_size = sizeof(t->position), .mv_data = &t->position};

	return mdb_put(t->mdb, t->store->main, &k, &v, 0);
}

int store_write_commit(struct store *s, uint64_t index, uint64_t term, struct err *e)
{
	struct txn *t = &s->write;
	int rc;

	if (t->tables.error) {
		rc = err_set(e, t->tables.error, "the state cannot be written: %s",
			err_text(t->tables.error));
		store_write_abort(s);
		return rc;
	}
	t->position.index = index;
	t->position.term = term;
	rc = put_position(t);
	if (rc != 0) {
		store_write_abort(s);
		return store_fail(e, rc, "cannot write the state");
	}
	rc = mdb_txn_commit(t->mdb); /* frees it in any case */
	write_end(s);
	if (rc != 0)
		return store_fail(e, rc, "cannot write the state");
	s->position = t->position;
	space_note(s);
	return 0;
}

void store_write_abort(struct store *s)
{
	if (s->write.mdb)
		mdb_txn_abort(s->write.mdb);
	write_end(s);
}
