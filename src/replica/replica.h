/*
 * The one door for writes: propose -> raft log (durable) -> apply -> answer and publish.
 *
 * One thread owns the engine (libraft's raft_step), the log and the store's write
 * transaction. Proposals come in through a mailbox, everything that waits when a round
 * starts becomes one log entry with one sync; the state of all entries that became
 * committed together is one LMDB transaction; answers go back in batches to the mailboxes
 * that asked.
 *
 * A cluster of one runs the same code as a cluster of many.
 */
#ifndef SVCD_REPLICA_REPLICA_H
#define SVCD_REPLICA_REPLICA_H

#include "catalog/catalog.h"
#include "net/loop.h"
#include "store/store.h"

struct replica;

struct replica_options {
	const char *data_dir;     /* locked (SVCD_EINUSE when another process has it) */
	const char *cluster_name; /* display */
	uint64_t log_bytes_max; /* beyond: a checkpoint, and the log is cut; 0: 64 MiB */
	uint64_t reserve_bytes; /* see store.h; also for the log */
	struct catalog_options catalog;
	uint32_t election_ms, heartbeat_ms; /* 0: 300, 50 */
};

/* Opens or makes the data directory, recovers (log, checkpoint, state) and starts the
 * thread. Returns when the state is as of the end of the log and, for a sole voter,
 * writes are possible. Refusals are sentences that say what to do: directory of another
 * cluster or in use, damaged record below the known commit, state ahead of log, format of
 * another version. */
int replica_start(const struct replica_options *o, struct replica **out, struct err *e);
/* Answers what is in flight, syncs, notes the clean stop, joins the thread, frees. */
void replica_stop(struct replica *r);

struct store *replica_store(struct replica *r); /* for readers; lives as long as r */

/* ---- proposing --------------------------------------------------------- */

/* Owned by the caller, taken by the replica until done is delivered on reply's thread.
 * Any thread proposes. */
struct proposal {
	struct mail mail;   /* internal; first */
	struct buf command; /* from command_*; the caller's to free after done */
	struct mailbox *reply;
	void (*done)(struct proposal *p);
	struct outcome outcome; /* set when done is called: SVCD_EBUSY (queue full,
				 * retry), SVCD_ENOLEADER, SVCD_ENOSPACE, SVCD_EUNKNOWN,
				 * SVCD_ESHUTDOWN or the command's own */
	uint64_t internal[4];
};
void replica_propose(struct replica *r, struct proposal *p);
#define REPLICA_QUEUE_MAX 65536 /* proposals waiting; beyond: SVCD_EBUSY */

/* ---- publishing -------------------------------------------------------- */

/* What became visible by one commit. Shared by all subscribers, read only. */
struct publication {
	uint64_t rev;   /* global revision after it */
	uint64_t index; /* log index */
	struct changes *changes;
	_Atomic uint32_t refs;
};
struct publication *publication_ref(struct publication *p);
void publication_unref(struct publication *p);

/* on_publication is called on box's thread, in order, for every commit with visible
 * changes after the call. An answer to a proposal is delivered only after the
 * publications it caused have been posted to all subscribers, so a subscriber that drains
 * its mailbox before it answers a lookup reads its own writes. p is borrowed for the
 * call. Only before or after traffic: not thread safe against itself. */
struct subscription;
struct subscription *replica_subscribe(struct replica *r, struct mailbox *box,
	void (*on_publication)(void *arg, struct publication *p), void *arg);
void replica_unsubscribe(struct subscription *s);

/* Count of publications posted so far: a worker compares it with what it has handled. Any
 * thread. */
uint64_t replica_published(const struct replica *r);

/* ---- state ------------------------------------------------------------- */

enum replica_role { ROLE_FOLLOWER, ROLE_CANDIDATE, ROLE_LEADER };

struct replica_status {
	uint64_t cluster, node; /* random identities */
	enum replica_role role;
	uint64_t leader; /* node id, 0 unknown */
	uint64_t term, first_index, last_index, commit_index, applied_index;
	uint64_t rev;     /* of the catalog, as committed */
	uint64_t time_ms; /* cluster time now, as this member knows it */
	uint64_t age_ms;  /* upper bound of how old the state may be; 0 on the leader */
	uint64_t log_bytes;
	uint64_t checkpoint_index, checkpoint_rev, checkpoint_wall_ms;
	uint64_t queue; /* proposals waiting */
	bool space_low;
};
/* Any thread, wait-free (a seqlock or atomics). */
void replica_status(const struct replica *r, struct replica_status *out);

/* Called on box's thread whenever role or leader changes (and once at the start): leases
 * begin or stop here. */
void replica_on_role(struct replica *r, struct mailbox *box,
	void (*fn)(void *arg, enum replica_role role, uint64_t term), void *arg);
/* No more calls are posted to box; what was posted before is still delivered. */
void replica_off_role(struct replica *r, struct mailbox *box);

/* Takes a checkpoint now (also happens by itself). Any thread; waits. path may be NULL
 * (its own place). */
int replica_checkpoint(struct replica *r, const char *path, struct err *e);

#endif
