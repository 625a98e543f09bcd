/*
 * One LMDB transaction as struct tables.
 *
 * Every table has two cursors: one for single keys and one for walking, so that a get in
 * the middle of a walk does not move it. They are opened at first use.
 */
#include "store/internal.h"

#include <assert.h>
#include <string.h>

/* An upper bound for the new pages of one put, as a mean over a transaction: the leaf,
 * its split, and a share of the branches above. */
#define PAGES_PER_PUT 4

static struct txn *txn_of(struct tables *t)
{
	return (struct txn *)t;
}

static MDB_val val_of(struct bytes b)
{
	return (MDB_val){.mv_size = b.len, .mv_data = (void *)(uintptr_t)b.data};
}

static struct bytes of_val(const MDB_val *v)
{
	return bytes_of(v->mv_data, v->mv_size);
}

int txn_fail(struct txn *t, int mdb)
{
	if (t->tables.error == 0)
		t->tables.error = store_error(mdb);
	return t->tables.error;
}

static bool key_fits(struct txn *t, struct bytes key)
{
	if (key.len > 0 && key.len <= TABLE_KEY_MAX)
		return true;
	txn_fail(t, MDB_BAD_VALSIZE);
	return false;
}

static MDB_cursor *point_cursor(struct txn *t, enum table table)
{
	int rc;

	if (t->point[table])
		return t->point[table];
	rc = mdb_cursor_open(t->mdb, t->env->tables[table], &t->point[table]);
	if (rc != 0) {
		t->point[table] = NULL;
		txn_fail(t, rc);
	}
	return t->point[table];
}

/* A reader keeps its cursors over its transactions, as it keeps its slot. */
static MDB_cursor *walk_cursor(struct txn *t, enum table table)
{
	int rc;

	if (t->walk[table] && t->fresh[table])
		return t->walk[table];
	if (t->walk[table])
		rc = mdb_cursor_renew(t->mdb, t->walk[table]);
	else
		rc = mdb_cursor_open(t->mdb, t->env->tables[table], &t->walk[table]);
	if (rc != 0) {
		txn_fail(t, rc);
		return NULL;
	}
	t->fresh[table] = true;
	return t->walk[table];
}

/* ---- reading ----------------------------------------------------------- */

static int found(struct txn *t, int rc, const MDB_val *v, struct bytes *value)
{
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return txn_fail(t, rc);
	*value = of_val(v);
	return 1;
}

static int txn_get(
	struct tables *tables, enum table table, struct bytes key, struct bytes *value)
{
	struct txn *t = txn_of(tables);
	MDB_val k = val_of(key), v;
	MDB_cursor *c;

	if (tables->error)
		return tables->error;
	if (!key_fits(t, key))
		return tables->error;
	if (!t->writing)
		return found(
			t, mdb_get(t->mdb, t->env->tables[table], &k, &v), &v, value);
	c = point_cursor(t, table);
	if (!c)
		return tables->error;
	return found(t, mdb_cursor_get(c, &k, &v, MDB_SET), &v, value);
}

static int step(struct txn *t, MDB_cursor *c, MDB_cursor_op op, MDB_val k,
	struct bytes *key, struct bytes *value)
{
	MDB_val v;
	int rc = found(t, mdb_cursor_get(c, &k, &v, op), &v, value);

	if (rc > 0)
		*key = of_val(&k);
	return rc;
}

static int txn_seek(struct tables *tables, enum table table, struct bytes from,
	bool after, struct bytes *key, struct bytes *value)
{
	struct txn *t = txn_of(tables);
	MDB_cursor *c;
	struct bytes k, v;
	int rc;

	if (tables->error)
		return tables->error;
	c = walk_cursor(t, table);
	if (!c)
		return tables->error;
	rc = step(t, c, from.len ? MDB_SET_RANGE : MDB_FIRST, val_of(from), &k, &v);
	if (rc > 0 && after && bytes_eq(k, from))
		rc = step(t, c, MDB_NEXT, val_of(BYTES_NONE), &k, &v);
	if (rc > 0) {
		*key = k;
		*value = v;
	}
	return rc;
}

static int txn_move(struct tables *tables, enum table table, MDB_cursor_op op,
	struct bytes *key, struct bytes *value)
{
	struct txn *t = txn_of(tables);
	MDB_cursor *c;

	if (tables->error)
		return tables->error;
	c = walk_cursor(t, table);
	if (!c)
		return tables->error;
	return step(t, c, op, val_of(BYTES_NONE), key, value);
}

static int txn_next(
	struct tables *tables, enum table table, struct bytes *key, struct bytes *value)
{
	return txn_move(tables, table, MDB_NEXT, key, value);
}

static int txn_last(
	struct tables *tables, enum table table, struct bytes *key, struct bytes *value)
{
	return txn_move(tables, table, MDB_LAST, key, value);
}

/* ---- writing ----------------------------------------------------------- */

/* Before the pages are used: a store to a page without a block behind it would end the
 * process. */
static int take_room(struct txn *t, struct bytes value)
{
	uint64_t pages = PAGES_PER_PUT + value.len / STORE_PAGE;
	int rc;

	if (t->room_pages < pages) {
		rc = space_extend(t->store, pages);
		if (rc != 0) {
			t->tables.error = rc;
			return rc;
		}
		t->room_pages += t->env->step_pages;
	}
	t->room_pages -= pages;
	return 0;
}

/* The cursor for a write, or NULL with the error set. */
static MDB_cursor *write_cursor(
	struct txn *t, enum table table, struct bytes key, struct bytes value)
{
	assert(t->writing);
	if (t->tables.error || !key_fits(t, key) || take_room(t, value) != 0)
		return NULL;
	return point_cursor(t, table);
}

static int txn_put(
	struct tables *tables, enum table table, struct bytes key, struct bytes value)
{
	struct txn *t = txn_of(tables);
	MDB_cursor *c = write_cursor(t, table, key, value);
	MDB_val k = val_of(key), v = val_of(value);
	uint64_t change;
	int rc;

	if (!c)
		return tables->error;
	change = digest_item(table, key, value);
	rc = mdb_cursor_put(c, &k, &v, MDB_NOOVERWRITE);
	if (rc == MDB_KEYEXIST) {
		/* v is the old value, and the cursor stands on it. */
		change -= digest_item(table, key, of_val(&v));
		v = val_of(value);
		rc = mdb_cursor_put(c, &k, &v, MDB_CURRENT);
	}
	if (rc != 0)
		return txn_fail(t, rc);
	t->position.digest += change;
	return 0;
}

static int txn_del(struct tables *tables, enum table table, struct bytes key)
{
	struct txn *t = txn_of(tables);
	MDB_cursor *c = write_cursor(t, table, key, BYTES_NONE);
	MDB_val k = val_of(key), v;
	uint64_t old;
	int rc;

	if (!c)
		return tables->error;
	rc = mdb_cursor_get(c, &k, &v, MDB_SET);
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc != 0)
		return txn_fail(t, rc);
	old = digest_item(table, key, of_val(&v));
	rc = mdb_cursor_del(c, 0);
	if (rc != 0)
		return txn_fail(t, rc);
	t->position.digest -= old;
	return 0;
}

static const struct tables_ops txn_ops = {
	.get = txn_get,
	.put = txn_put,
	.del = txn_del,
	.seek = txn_seek,
	.next = txn_next,
	.last = txn_last,
};

void txn_bind(struct txn *t, struct store *s, struct env *env, MDB_txn *mdb)
{
	t->tables.ops = &txn_ops;
	t->tables.error = 0;
	t->store = s;
	t->env = env;
	t->mdb = mdb;
	t->position_known = false;
	for (int table = 0; table < TABLE_COUNT; table++)
		t->fresh[table] = false;
}

/* ---- position ---------------------------------------------------------- */

static void read_position(struct txn *t)
{
	MDB_val k = {.mv_size = 4, .mv_data = (void *)(uintptr_t) "svcd"}, v;
	int rc = mdb_get(t->mdb, t->env->main, &k, &v);

	t->position = (struct position){0};
	t->position_known = true;
	if (rc == 0 && v.mv_size == sizeof(t->position))
		/* LMDB aligns to 2 */
		memcpy(&t->position, v.mv_data, sizeof(t->position));
	else if (rc != MDB_NOTFOUND)
		txn_fail(t, rc != 0 ? rc : MDB_CORRUPTED);
}

const struct position *txn_position(struct txn *t)
{
	if (!t->position_known)
		read_position(t);
	return &t->position;
}

uint64_t store_index(struct tables *t)
{
	return txn_position(txn_of(t))->index;
}

uint64_t store_term(struct tables *t)
{
	return txn_position(txn_of(t))->term;
}
