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
	struct env *env;
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
 * One LMDB environment: a state in a folder of its own. A store has one that is present,
 * maybe one that is staged, and those of earlier that a reader is still in; each of them
 * holds a reference, and the last to leave closes it.
 *
 * room: pages [0, backed_pages) have disk blocks behind them, so that a store to the map
 * never meets a full disk (which would be a SIGBUS). Kept ahead of what a transaction can
 * use.
 */
struct env {
	MDB_env *mdb;
	MDB_dbi tables[TABLE_COUNT];
	MDB_dbi main;
	_Atomic uint32_t refs;
	bool replaced; /* by a newer one: its folder is gone already */
	int dir_fd;    /* flocked while it is open; -1: a checkpoint's */
	int data_fd;   /* LMDB's own */
	uint64_t map_pages;
	uint64_t step_pages;
	uint64_t reserve_disk_bytes;
	uint64_t backed_pages;
	_Atomic uint64_t used_pages;
	struct position position; /* as found */
};

struct store {
	char *dir; /* NULL: a checkpoint's */
	uint64_t map_bytes;
	uint32_t readers;
	uint64_t reserve_bytes;
	uint64_t cluster;
	const struct former *former; /* while it is being opened */
	_Atomic bool low; /* as of the last look: less than the reserve is left */
	/* Only the writer changes it, under lock; he reads it without, readers compare it
	 * without (the one that they hold cannot come back at the same address). */
	_Atomic(struct env *) env;
	pthread_mutex_t lock;     /* env, staged */
	struct env *staged;       /* in the folder that staging_path says; or NULL */
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
void txn_bind(struct txn *t, struct store *s, struct env *env, MDB_txn *mdb);
const struct position *txn_position(struct txn *t);
int txn_fail(struct txn *t, int mdb);

/* env.c */
/* Opens the state in dir, made when missing; the caller has the one reference. */
int env_open_state(
	const struct store *s, const char *dir, struct env **out, struct err *e);
struct env *env_take(struct store *s); /* the present one, with a reference */
void env_leave(struct env *env);       /* gives a reference back; NULL is fine */

/* swap.c */
void stage_discard(struct store *s); /* what is staged, also what a crash left of it */

/* space.c */
int space_init(const struct store *s, struct env *env, struct err *e);
bool space_look(struct store *s, struct env *env); /* low? */
int space_begin(struct store *s, struct err *e);   /* before a write transaction */
/* backs at least so many more than are backed; 0, SVCD_ENOSPACE */
int space_extend(struct store *s, uint64_t pages);
void space_note(struct env *env); /* after a commit */

/* digest.c */
uint64_t digest_item(enum table table, struct bytes key, struct bytes value);

/* checkpoint.c */
/* out: the description of a checkpoint that was found good. synced: the copy is on disk
 * when this returns. */
int checkpoint_copy(const char *checkpoint, const char *to_path, bool synced,
	struct checkpoint_info *out, struct err *e);
/* Whether the state in the LMDB file path is the one described: every record of it is
 * looked at. */
int checkpoint_verify(const char *path, const struct checkpoint_info *i, struct err *e);
/* Opens the LMDB file of a checkpoint to be read; closed with store_close. */
int store_open_copy(const char *path, struct store **out, struct err *e);

/* files.c: a state's folder, and what is whole or not there */
int path_with(char *out, const char *path, const char *suffix, struct err *e);
int path_fail(struct err *e, const char *path); /* says errno */
int path_sync_parent(const char *path);         /* -1 with errno */
void folder_remove(const char *dir);
/* Puts the folder tmp in the place of dir, durably; what was there is removed. */
int folder_swap(const char *dir, const char *tmp, struct err *e);

#endif
