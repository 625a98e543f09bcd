/*
 * What the sources of store/ share. Nobody outside includes it.
 */
#ifndef SVCD_STORE_INTERNAL_H
#define SVCD_STORE_INTERNAL_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "store/store.h"

#define STORE_FORMAT 1
#define STORE_PAGE ((uint64_t)4096)
#define MAP_BYTES_DEFAULT ((uint64_t)64 << 30)
#define READERS_DEFAULT 256
#define RESERVE_BYTES_DEFAULT ((uint64_t)64 << 20)

/* The one record of LMDB's main database, beside the names of the tables. It is not part
 * of the digest. */
struct position {
	uint64_t format;
	uint64_t cluster;
	uint64_t index;
	uint64_t term;
	uint64_t digest;
};

/* A read or write transaction as the catalog sees it. */
struct txn {
	struct tables tables; /* first: ops cast */
	struct store *store;
	MDB_txn *mdb;
	bool writing;
	bool position_known;            /* readers look it up when first asked */
	struct position position;       /* digest follows every put and del */
	uint64_t room_pages;            /* backed by disk, surely not used by us yet */
	MDB_cursor *point[TABLE_COUNT]; /* get, put, del */
	MDB_cursor *walk[TABLE_COUNT];  /* seek, next, last */
	bool fresh[TABLE_COUNT];        /* the walk cursor belongs to this transaction */
};

/*
 * room: pages [0, backed_pages) have disk blocks behind them, so that a store to the map
 * never meets a full disk (which would be a SIGBUS). Kept ahead of what a transaction can
 * use.
 */
struct store {
	MDB_env *env;
	MDB_dbi tables[TABLE_COUNT];
	MDB_dbi main;
	int dir_fd;  /* flocked while the store is open */
	int data_fd; /* LMDB's own */
	uint64_t map_pages;
	uint64_t reserve_bytes;
	uint64_t reserve_disk_bytes;
	uint64_t step_pages;
	uint64_t backed_pages;
	_Atomic uint64_t used_pages;
	_Atomic bool low;         /* as of the last look: less than the reserve is left */
	struct position position; /* as committed last; the writer's */
	struct txn write;
};

struct reader {
	struct txn txn;
	bool started;
};

int store_error(int mdb); /* the svcd code of an LMDB or errno code */
int store_fail(struct err *e, int mdb, const char *what);

/* txn.c */
void txn_bind(struct txn *t, struct store *s, MDB_txn *mdb);
const struct position *txn_position(struct txn *t);
int txn_fail(struct txn *t, int mdb);

/* space.c */
int space_init(struct store *s, struct err *e);
int space_begin(struct store *s, struct err *e); /* before a write transaction */
/* backs at least so many more than are backed; 0, SVCD_ENOSPACE */
int space_extend(struct store *s, uint64_t pages);
void space_note(struct store *s); /* after a commit */

/* digest.c */
uint64_t digest_item(enum table table, struct bytes key, struct bytes value);

/* Opens the LMDB file of a checkpoint to be read; closed with store_close. */
int store_open_copy(const char *path, struct store **out, struct err *e);

#endif
