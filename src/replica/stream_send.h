/*
 * How a checkpoint is sent to one member: the decisions, without file and connection.
 *
 * The log is kept behind the checkpoint from the offer until the member follows by the
 * log again and has what the log held when it said it was done; else it would need
 * another checkpoint before it has used this one.
 *
 * While the leader writes, chunks leave at SENDING_RATE and no faster: disks, network and
 * processors that are shared with its writes stay theirs for the most part.
 */
#ifndef SVCD_REPLICA_STREAM_SEND_H
#define SVCD_REPLICA_STREAM_SEND_H

#include "replica/stream_frame.h"

#define SENDING_WINDOW (4 * (uint64_t)STREAM_CHUNK_BYTES) /* sent and not received */
#define SENDING_RATE ((uint64_t)48 << 20)                 /* bytes per second */
#define SENDING_STILL_MS 60000 /* nothing moves for so long: given up */
#define SENDING_ANSWER_MS 5000 /* an offer without an answer is made again */
#define SENDING_REST_MS 1000   /* after a refusal that soon passes, or a success */
#define SENDING_LONG_REST_MS \
	10000 /* after one that somebody has to do something about \
	       */

enum sending_phase {
	SENDING_NOT,
	SENDING_SEARCHING, /* for a checkpoint that will do */
	SENDING_OFFERING,
	SENDING_CHUNKS,
	SENDING_CHECKED, /* the member has all, and looks at it */
	SENDING_RESTING, /* it declined: try again later */
	SENDING_FOLLOWED /* it has it, and follows by the log */
};

struct sending {
	enum sending_phase phase;
	uint64_t stream; /* of the offer */
	struct stream_offer offer;
	bool offered;          /* OFFERING: on its way */
	uint64_t sent;         /* CHUNKS: up to here */
	uint64_t received;     /* by the member */
	uint64_t credit;       /* bytes that may leave, at most a window */
	uint64_t credit_ms;    /* as of then */
	uint64_t match, goal;  /* of the log: has, must have; goal 0: not known yet */
	uint64_t moved_ms;     /* last time that something went forward */
	uint64_t answer_by_ms; /* OFFERING */
	uint64_t rest_until_ms;
};

/* The engine wants it; it may say so again and again. */
void sending_start(struct sending *x, uint64_t leader_term, uint64_t now_ms);
/* SEARCHING: this one; what is in offer besides the leader's term. */
void sending_found(struct sending *x, uint64_t stream, const struct stream_offer *offer);
/* The checkpoint cannot be read any more, or was refused as damaged. */
void sending_lost(struct sending *x);

bool sending_offer_due(const struct sending *x);
void sending_offered(struct sending *x, uint64_t now_ms);
/* Time has passed. busy: the leader has written lately. */
void sending_refill(struct sending *x, uint64_t now_ms, bool busy);
/* How long until a chunk may leave that only waits for credit; 0: none does. */
uint64_t sending_wait_ms(const struct sending *x);
/* The next chunk; false: none may be sent now. */
bool sending_next(const struct sending *x, uint64_t *offset, size_t *len);
void sending_sent(struct sending *x, size_t len);
/* The connection is over: all is offered again. */
void sending_broken(struct sending *x);

/* WANT, RECEIVED or DECLINED from that member. */
void sending_on_frame(struct sending *x, const struct stream_frame *f, uint64_t now_ms);
/* The member has the log up to match; ours ends at last, 0 when that is not known. */
void sending_progress(struct sending *x, uint64_t match, uint64_t last, uint64_t now_ms);
void sending_time(struct sending *x, uint64_t now_ms);

/* The log is needed behind this index; UINT64_MAX: not at all. */
uint64_t sending_keep(const struct sending *x);

#endif
