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

	/* cluster */
	const char *member_name;      /* NULL or "": made of the node id */
	const char *peer_listen;      /* "tcp:HOST:PORT"; NULL: nobody can join us */
	const char *peer_advertise;   /* NULL: as peer_listen */
	const char *client_advertise; /* where clients reach us, told to others; NULL: ""
				       */
	struct tls *tls;              /* borrowed; NULL: plain */
	bool plain_anywhere;          /* without TLS: beyond loopback */
	const char *join[8]; /* peer addresses: a fresh directory joins their cluster */
	size_t n_join;
	const _Atomic bool *stop; /* ends the waiting for a cluster to join; may be NULL
				   */
	uint32_t voters;      /* standbys that have caught up are promoted while there are
				 fewer; 0: 3 */
	uint64_t config_hash; /* of the settings that have to agree; shown to all */
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
	uint64_t term; /* not 0: only while this member leads in that term, otherwise
			  SVCD_ENOLEADER; never forwarded (what a leader decides for
			  all: the end of a lease) */
	struct outcome outcome; /* set when done is called: SVCD_EBUSY (queue full,
				 * retry), SVCD_ENOLEADER, SVCD_ENOSPACE, SVCD_EUNKNOWN,
				 * SVCD_ESHUTDOWN or the command's own */
	uint64_t internal[4];
};
void replica_propose(struct replica *r, struct proposal *p);
#define REPLICA_QUEUE_MAX 65536 /* proposals waiting; beyond: SVCD_EBUSY */

/* On a follower a proposal goes to the leader, and its answer comes when this member has
 * applied it: who was answered reads its own write here. Without a leader, or when it
 * changed meanwhile: SVCD_ENOLEADER (surely not applied), SVCD_EUNKNOWN (retry with the
 * same session and sequence number). */

/* ---- reading what is current -------------------------------------------- */

/* Linearizable reads: done is delivered on reply's thread when the local state holds all
 * that was acknowledged anywhere before the call. Owned by the caller until then. Any
 * thread. */
struct replica_read {
	struct mail mail;
	struct mailbox *reply;
	void (*done)(struct replica_read *x);
	int code; /* 0, SVCD_ENOLEADER, SVCD_ESHUTDOWN */
	uint64_t internal[6];
};
void replica_read_current(struct replica *r, struct replica_read *x);

/* ---- asking the leader -------------------------------------------------- */

/* A question of the server's own kind (renewals of leases), answered by the leader's
 * server; also when we are it. Any thread. */
struct replica_ask {
	struct mail mail;
	struct mailbox *reply;
	void (*done)(struct replica_ask *x);
	uint32_t kind;
	struct buf question; /* the caller's, to free after done */
	int code; /* of the answer; or SVCD_ENOLEADER, SVCD_EUNKNOWN, SVCD_ESHUTDOWN */
	struct buf answer; /* the caller's to free after done */
	uint64_t internal[6];
};
void replica_ask_leader(struct replica *r, struct replica_ask *x);

/* As the leader: fn is called on box's thread for each question, and answers once, at
 * once or later, on any thread. One for all. */
struct replica_question {
	struct mail mail;
	uint32_t kind;
	uint64_t from; /* node */
	struct bytes question;
	uint64_t internal[8];
};
void replica_on_ask(struct replica *r, struct mailbox *box,
	void (*fn)(void *arg, struct replica_question *q), void *arg);
void replica_off_ask(struct replica *r);
void replica_answer(
	struct replica *r, struct replica_question *q, int code, struct bytes answer);

/* ---- members ------------------------------------------------------------ */

#define REPLICA_MEMBERS_MAX 32

/* What this member knows of one; what is not known is 0 or "". */
struct replica_member {
	uint64_t node;
	char name[64], peer[120], client[120];
	bool self, leader, voter;
	bool joining;          /* self, until the cluster has taken it in */
	bool removed;          /* self, from then on */
	bool reachable;        /* heard from within an election timeout */
	uint64_t heard_ms;     /* ago; UINT64_MAX never */
	uint64_t applied, rev; /* as it said last */
	uint64_t behind;       /* as leader: entries that it lacks */
	uint64_t rtt_us;       /* smoothed */
	uint64_t sync_us;      /* its disk, smoothed */
	int64_t wall_diff_ms;  /* its wall clock against ours */
	char version[32];
	uint64_t config_hash;
	bool diverged;
	bool disputed;   /* its digest is not ours, and no majority says who is wrong */
	bool incomplete; /* its log lacks entries that it had confirmed */
	uint64_t snapshot_done, snapshot_bytes; /* a checkpoint on its way to it */
	char trouble[ERR_TEXT_MAX];             /* why it cannot be reached */
	int trouble_code;                       /* the error behind it; 0: none */
};
/* Any thread; a copy as of at most 200 ms ago. Returns how many. */
size_t replica_members(struct replica *r, struct replica_member *out, size_t max);

enum replica_change_kind {
	CHANGE_PROMOTE = 1,
	CHANGE_DEMOTE,
	CHANGE_REMOVE,   /* also of the leader: it hands over first */
	CHANGE_TRANSFER, /* node 0: to any voter */
};

/* Goes to the leader from any member. done when it is committed (or, a transfer, over).
 * Each can be repeated: what is done already is a success. Any thread. */
struct replica_change {
	struct mail mail;
	struct mailbox *reply;
	void (*done)(struct replica_change *x);
	enum replica_change_kind kind;
	uint64_t node;
	char actor[96]; /* for the history */
	int code;
	char text[ERR_TEXT_MAX];
	uint64_t internal[6];
};
void replica_change(struct replica *r, struct replica_change *x);

/*
 * Notes durably, in the file "joining" of the data directory, that this member gives up
 * its own cluster of one with all its data and joins the one of which a member listens at
 * address (peers). The next replica_start does it, whatever its options say: until then
 * nothing changes. The caller has made sure that nothing worth keeping is lost. Any
 * thread. 0, SVCD_EINVAL (no address), SVCD_ECONFLICT (it has other members, and was not
 * removed from among them), SVCD_EIO …
 */
int replica_note_join(struct replica *r, const char *address, struct err *e);

/* Where clients reach us, when that is known only now (a port from the kernel): in place
 * of options.client_advertise, told to the others. Any thread; nothing when out of
 * memory. */
void replica_advertise(struct replica *r, const char *client_address);

/* Before a planned stop: hands leadership to another voter if there is one; waits at most
 * max_ms. */
void replica_hand_over(struct replica *r, uint32_t max_ms);

/* ---- publishing -------------------------------------------------------- */

/* What became visible by one commit. Shared by all subscribers, read only. */
struct publication {
	uint64_t rev;   /* global revision after it */
	uint64_t index; /* log index */
	bool reset;     /* the state was replaced by a newer one as a whole: anything may
			   have changed, nothing is listed */
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
	uint64_t age_ms;  /* upper bound of how old the state may be; 0 on the leader,
			     UINT64_MAX when nobody has told */
	uint64_t log_bytes;
	uint64_t checkpoint_index, checkpoint_rev, checkpoint_wall_ms;
	uint64_t queue; /* proposals waiting */
	bool space_low;
	bool quorum;  /* a leader is known, and heard from within an election timeout */
	bool joining; /* not a member of the configuration yet */
	bool voter;
	bool removed;    /* from its cluster: what it knows grows old */
	bool diverged;   /* our state differs from that of a majority: serves nothing */
	bool incomplete; /* our log lacks entries that we had confirmed, says the leader
			  */
	uint64_t digest_index, digest; /* newest point */
	char name[64], leader_client[120], peer[120];
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
