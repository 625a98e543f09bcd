/*
 * A store: the environment that is present, and its one writer.
 */
#include "store/internal.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAP_BYTES_DEFAULT ((uint64_t)64 << 30)
#define READERS_DEFAULT 256
#define RESERVE_BYTES_DEFAULT ((uint64_t)64 << 20)

static uint64_t or_default(uint64_t value, uint64_t fallback)
{
	return value ? value : fallback;
}

/* ---- opening ------------------------------------------------------------ */

static struct store *store_alloc(const struct store_options *o)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	s->map_bytes = or_default(o->map_bytes, MAP_BYTES_DEFAULT) / STORE_PAGE *
		STORE_PAGE;
	s->readers = (uint32_t)or_default(o->readers, READERS_DEFAULT);
	s->reserve_bytes = or_default(o->reserve_bytes, RESERVE_BYTES_DEFAULT);
	s->cluster = o->cluster;
	s->former = o->former;
	if (o->dir) {
		s->dir = strdup(o->dir);
		if (!s->dir) {
			store_close(s);
			return NULL;
		}
	}
	return s;
}

static int open_at(const struct store_options *o, const char *path, struct store **out,
	struct err *e)
{
	struct store *s = store_alloc(o);
	struct env *env;
	int rc;

	if (!s)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	rc = env_open_state(s, path, &env, e);
	if (rc != 0) {
		store_close(s);
		return rc;
	}
	s->former = NULL;
	s->env = env;
	s->position = env->position;
	*out = s;
	return 0;
}

int store_open(const struct store_options *o, struct store **out, struct err *e)
{
	struct store *s;
	int rc = open_at(o, o->dir, &s, e);

	if (rc != 0)
		return rc;
	stage_discard(s);
	space_look(s, s->env);
	*out = s;
	return 0;
}

int store_open_copy(const char *path, struct store **out, struct err *e)
{
	return open_at(&(struct store_options){0}, path, out, e);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	assert(s->write.mdb == NULL);
	if (s->dir && s->env)
		stage_discard(s);
	env_leave(s->env);
	pthread_mutex_destroy(&s->lock);
	free(s->dir);
	free(s);
}

int store_sync(struct store *s, struct err *e)
{
	int rc = mdb_env_sync(s->env->mdb, 1);

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
	rc = mdb_txn_begin(s->env->mdb, NULL, 0, &txn);
	if (rc != 0) {
		store_fail(e, rc, "cannot begin a transaction");
		return NULL;
	}
	txn_bind(t, s, s->env, txn);
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

	return mdb_put(t->mdb, t->env->main, &k, &v, 0);
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
	space_note(s->env);
	return 0;
}

void store_write_cluster(struct store *s, uint64_t cluster)
{
	assert(s->write.mdb != NULL);
	s->write.position.cluster = cluster;
}

void store_write_abort(struct store *s)
{
	if (s->write.mdb)
		mdb_txn_abort(s->write.mdb);
	write_end(s);
}
