/*
 * Checkpoints from the leader to a member whose log does not reach what the leader still
 * has.
 *
 * The sender offers its newest checkpoint (index, term, size, hash), the receiver wants
 * it from an offset (what it has staged of the same file already), chunks follow with a
 * small window, so that neither side holds more than a few of them. The receiver stages
 * into a file, checks all of it in a thread of its own, prepares the state
 * (store_stage), and only then tells its owner. A break is resumed at the offset. A
 * stream of a leader that is none any more does no harm: what it carries is committed.
 *
 * No treadmill: while a stream runs, and until the member has caught up behind it, the
 * sender keeps the log behind the offered checkpoint (stream_keep_index).
 *
 * One thread (the replica's loop), but for the checking.
 */
#ifndef SVCD_REPLICA_STREAM_H
#define SVCD_REPLICA_STREAM_H

#include "replica/checkpoints.h"
#include "replica/peers.h"

struct streams;

struct staged {
	uint64_t from, leader_term; /* who sent it, as the leader of which term */
	struct checkpoint_info info;
	char path[4096]; /* under checkpoint/, as one of our own */
	uint64_t members_index;
	struct bytes members; /* encoded configuration as of info.index */
};

struct streams_options {
	struct loop *loop;
	struct datadir *dir;
	struct store *store;
	struct peers *peers;             /* used for PEER_BULK */
	struct checkpoints *checkpoints; /* of this member; the receiver does not add to
					  * it, its owner does */
	/* A checkpoint is whole, checked, named, durable, and the state made of it lies
	 * ready for store_swap. */
	void (*staged)(void *arg, const struct staged *s);
	/* One begins to come in: the log is to be reset soon. May be NULL. */
	void (*coming)(void *arg);
	/* None is there to be sent: please make one (replica_checkpoint), without waiting
	 * for it in the call. Asked again when none came. */
	void (*want_checkpoint)(void *arg);
	/* First and last index of our log: only a checkpoint that it continues is sent,
	 * and the log is kept until the member has what it held when the member got it.
	 * NULL: not looked at. */
	void (*log_range)(void *arg, uint64_t *first, uint64_t *last);
	void *arg;
};

int streams_new(const struct streams_options *o, struct streams **out);
void streams_free(struct streams *s); /* waits for the checking; NULL is fine */

/* driver_transport.send_snapshot. Does nothing while one to that member runs. */
void streams_send(struct streams *s, uint64_t to, uint64_t term);
/* A new checkpoint exists. */
void streams_checkpointed(struct streams *s);
/* peers_events of PEER_BULK. */
void streams_on_frame(
	struct streams *s, uint64_t from, enum peer_kind kind, struct bytes body);
void streams_on_up(struct streams *s, uint64_t node, bool up);
void streams_on_drained(struct streams *s, uint64_t node);
/* As leader: what the members have; ends what is kept for those that have caught up.
 * now_ms: gives up on members that do not move for a minute. */
void streams_progress(
	struct streams *s, uint64_t node, uint64_t match_index, uint64_t now_ms);

/* The log must be kept behind this index; UINT64_MAX: nothing is needed. */
uint64_t streams_keep_index(const struct streams *s);

/* To that member, or else from it; of node 0: from whomever. */
struct stream_progress {
	bool active;
	bool sending;         /* else receiving */
	uint64_t index;       /* of the checkpoint */
	uint64_t done, bytes; /* of it */
};
void streams_status(const struct streams *s, uint64_t node, struct stream_progress *out);

#endif
