/*
 * The catalog's tables on LMDB: transactions with a sticky error, checkpoints, digest.
 *
 * One writer (the replica's thread), many readers (one struct reader per thread, which
 * keeps its slot and renews its transaction). LMDB runs with MDB_NOSYNC: the raft log is
 * the durable truth; the applied index is stored in the same transaction as the state, so
 * that replay after a crash is exact. A crash of the process leaves the environment
 * intact; after a crash of the machine it may not be, and the owner rebuilds it from a
 * checkpoint and the log (replica/recovery.h decides).
 *
 * The only home of <lmdb.h>.
 */
#ifndef SVCD_STORE_STORE_H
#define SVCD_STORE_STORE_H

#include "base/err.h"
#include "base/former.h"
#include "catalog/tables.h"

struct store;

struct store_options {
	const char *dir;        /* made when missing, mode 0700 */
	uint64_t map_bytes;     /* upper bound of the state; 0: 64 GiB of address space */
	uint32_t readers;       /* reader slots; 0: 256 */
	uint64_t reserve_bytes; /* free disk below which writes are refused; 0: 64 MiB */
	uint64_t cluster;       /* kept in the state; another's is refused. 0: any */
	const struct former *former; /* during the call; a state of one of these becomes
					the cluster's with the next commit */
};

/* 0; SVCD_EINUSE, SVCD_ECORRUPT, SVCD_EVERSION (format of another version: says which),
 * SVCD_EIO … */
int store_open(const struct store_options *o, struct store **out, struct err *e);
/* All readers must be freed, no transaction open; NULL is fine. */
void store_close(struct store *s);
/* Makes what was committed survive a crash of the machine: before a clean stop. */
int store_sync(struct store *s, struct err *e);

/* ---- writing: the one writer's thread ---------------------------------- */

/* NULL with e set when no transaction can be begun. */
struct tables *store_write_begin(struct store *s, struct err *e);
/* Commits with the position in the log that this state is the result of. On any error
 * nothing of the transaction is visible: SVCD_ENOSPACE (disk or map full), SVCD_EIO, or
 * the tables' sticky error. */
int store_write_commit(struct store *s, uint64_t index, uint64_t term, struct err *e);
void store_write_abort(struct store *s);

/* Between begin and commit: the state becomes that of another cluster. For a copy that
 * begins a life of its own. */
void store_write_cluster(struct store *s, uint64_t cluster);

/* ---- reading ----------------------------------------------------------- */

struct reader;                                    /* belongs to one thread */
struct reader *store_reader_new(struct store *s); /* NULL: out of memory or of slots */
void store_reader_free(struct reader *r);
/* The newest committed state; NULL when LMDB cannot. Must be ended soon: an old reader
 * keeps pages of old states alive. Not nested. */
struct tables *store_read_begin(struct reader *r);
void store_read_end(struct reader *r);

/* Log position of a transaction's state (also of a write transaction's base). */
uint64_t store_index(struct tables *t);
uint64_t store_term(struct tables *t);

/* Sum mod 2^64 of the XXH3 of every (table, key, value) of the replicated tables, kept
 * incrementally by the writer: equal states have equal digests (promise 5).
 * store_digest_recompute walks everything. */
uint64_t store_digest(struct tables *t);
uint64_t store_digest_recompute(struct tables *t);

/* ---- checkpoints ------------------------------------------------------- */

/*
 * Writes a compacted, synced, self-describing copy of the newest state into the new file
 * path (by way of path.tmp and rename). Any thread; does not stop the writer. *index and
 * *term say what it holds.
 */
int store_checkpoint(struct store *s, const char *path, uint64_t *index, uint64_t *term,
	struct err *e);

/* Reads a checkpoint file's description and checks format and size; when deep also the
 * hash of the whole file, LMDB's structure and the digest. SVCD_ECORRUPT says what is
 * wrong. */
struct checkpoint_info {
	uint64_t index, term, rev, digest, bytes;
	uint64_t cluster;
	uint64_t hash; /* of the file: equal hashes, equal bytes */
	uint64_t format;
};
int store_checkpoint_inspect(
	const char *path, bool deep, struct checkpoint_info *out, struct err *e);

/* Appends one value of a checkpoint that a deep inspection found good to out; nothing
 * when it is absent. */
int store_checkpoint_get(const char *path, enum table table, struct bytes key,
	struct buf *out, struct err *e);

/* Makes dir a fresh state from a checkpoint (checked copy, sync, atomic swap of the old
 * one). The store must be closed. */
int store_restore(const char *dir, const char *checkpoint, struct err *e);
/*
 * Replaces the state by a checkpoint's while readers go on. store_stage copies and checks
 * deeply, in any thread, as long as that takes, and leaves a state beside the present
 * one; store_swap (the writer's thread, no transaction open) makes it the present one,
 * durably, within milliseconds: reading transactions begun before end on the old one,
 * those begun after see the new one. A staged state that is not swapped in is replaced by
 * the next one; store_open removes it.
 */
int store_stage(struct store *s, const char *checkpoint, struct err *e);
int store_swap(struct store *s, struct err *e);

/* Removes the state in dir, to begin with an empty one. The store must be closed. */
void store_remove(const char *dir);

/* ---- figures ----------------------------------------------------------- */

struct store_stat {
	uint64_t map_bytes, used_bytes, free_disk_bytes;
};
void store_stat(struct store *s, struct store_stat *out); /* any thread */
/* 0, or SVCD_ENOSPACE while less than reserve_bytes of disk or map are left. Cheap; any
 * thread. */
int store_space(struct store *s);

#endif
