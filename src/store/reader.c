/*
 * Readers. One is in an environment with a slot that it keeps; it moves to the present
 * one when a transaction begins, so it keeps an old one from being closed until then.
 */
#include "store/internal.h"

#include <assert.h>
#include <stdlib.h>

/* Begins a transaction in env, whose reference r takes over when it succeeds. */
static int enter(struct reader *r, struct env *env)
{
	int rc = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &r->txn.mdb);

	if (rc == 0)
		r->txn.env = env;
	return rc;
}

static void leave(struct txn *t)
{
	for (int table = 0; table < TABLE_COUNT; table++)
		if (t->walk[table])
			mdb_cursor_close(t->walk[table]);
	mdb_txn_abort(t->mdb);
	env_leave(t->env);
}

/* The transaction is begun and reset at once: that takes the slot, and says whether there
 * is one. */
struct reader *store_reader_new(struct store *s)
{
	struct reader *r = calloc(1, sizeof(*r));
	struct env *env;

	if (!r)
		return NULL;
	r->txn.store = s;
	env = env_take(s);
	if (enter(r, env) != 0) {
		env_leave(env);
		free(r);
		return NULL;
	}
	mdb_txn_reset(r->txn.mdb);
	return r;
}

void store_reader_free(struct reader *r)
{
	if (!r)
		return;
	assert(!r->started);
	leave(&r->txn);
	free(r);
}

/* A reader that cannot enter the new state stays in the old one, and tries again. */
static int move(struct reader *r)
{
	struct reader moved = {.txn.store = r->txn.store};
	struct env *env = env_take(r->txn.store);
	int rc = enter(&moved, env);

	if (rc != 0) {
		env_leave(env);
		return rc;
	}
	leave(&r->txn);
	*r = moved;
	return 0;
}

struct tables *store_read_begin(struct reader *r)
{
	struct store *s = r->txn.store;
	int rc;

	assert(!r->started);
	if (atomic_load_explicit(&s->env, memory_order_acquire) == r->txn.env)
		rc = mdb_txn_renew(r->txn.mdb);
	else
		rc = move(r);
	if (rc != 0)
		return NULL;
	txn_bind(&r->txn, s, r->txn.env, r->txn.mdb);
	r->started = true;
	return &r->txn.tables;
}

void store_read_end(struct reader *r)
{
	assert(r->started);
	r->started = false;
	mdb_txn_reset(r->txn.mdb);
}
