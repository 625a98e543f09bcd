#include "store/internal.h"

#include <assert.h>
#include <stdlib.h>

/* The transaction is begun and reset at once: that takes the slot, and says whether there
 * is one. */
struct reader *store_reader_new(struct store *s)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->txn.store = s;
	if (mdb_txn_begin(s->env, NULL, MDB_RDONLY, &r->txn.mdb) != 0) {
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
	for (int table = 0; table < TABLE_COUNT; table++)
		if (r->txn.walk[table])
			mdb_cursor_close(r->txn.walk[table]);
	mdb_txn_abort(r->txn.mdb);
	free(r);
}

struct tables *store_read_begin(struct reader *r)
{
	assert(!r->started);
	if (mdb_txn_renew(r->txn.mdb) != 0)
		return NULL;
	txn_bind(&r->txn, r->txn.store, r->txn.mdb);
	r->started = true;
	return &r->txn.tables;
}

void store_read_end(struct reader *r)
{
	assert(r->started);
	r->started = false;
	mdb_txn_reset(r->txn.mdb);
}
