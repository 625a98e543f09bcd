/*
 * The requests of a client: each is answered exactly once, by a member or by its
 * deadline.
 *
 * A call waits in a queue until the link is ready, is sent, and finds its answer by its
 * id. When the connection ends, or a member says that it cannot just now, it is sent
 * again until its deadline, as far as its method allows that. Writes carry (session,
 * seq), so that one which arrives twice is applied once; a member remembers the last
 * CALL_WINDOW outcomes of a session, so no more than that may be open.
 *
 * On the loop's thread, but for call_new and filling in the params.
 */
#ifndef SVCD_CLIENT_CALL_H
#define SVCD_CLIENT_CALL_H

#include "base/map.h"
#include "client/link.h"
#include "client/method.h"

#define CALL_WINDOW 32          /* open writes of a session */
#define CALLS_IN_FLIGHT_MAX 256 /* sent and not answered */
#define CALLS_MAX 65536         /* known in all; more are refused with SVCD_ELIMIT */
#define CALL_METHOD_MAX 64
#define CALL_NO_DEADLINE UINT64_MAX

enum call_state {
	CALL_NEW,
	CALL_QUEUED,  /* waits for the link, or for its turn */
	CALL_SENT,    /* waits for the answer */
	CALL_RESTING, /* waits before it is sent again */
	CALL_STATES
};

enum call_flag {
	CALL_ON_LINK = 1, /* of this connection: SVCD_ECLOSED when it ends */
	CALL_URGENT = 2,  /* goes before others; for reads */
	CALL_PATIENT = 4  /* our own: goes on when the cluster refuses us */
};

/* result is a view, valid during the call; NULL when fault is not. The call is freed
 * already. */
typedef void call_done_fn(
	void *arg, const struct svcd_fault *fault, const struct value *result);

struct call {
	struct list node;       /* in its state's list */
	struct list write_node; /* in calls->writes, by seq, while seq != 0 */
	struct heap_node due;   /* deadline or end of the rest, whichever is first */
	enum call_state state;
	enum method_kind kind;
	unsigned flags;
	char method[CALL_METHOD_MAX + 1];
	struct buf params; /* entries of the params map */
	uint32_t n_params;
	uint64_t deadline_ms;
	uint64_t retry_at_ms;
	uint32_t timeout_ms; /* for messages */
	uint32_t id;
	uint64_t seq;           /* 0: none yet, or no write */
	uint32_t tries;         /* errors that may pass */
	uint32_t losses;        /* connections that ended while it was in flight */
	bool uncertain;         /* an earlier try may have been applied */
	struct svcd_fault last; /* of the last try; code 0: none */
	call_done_fn *done;
	void *arg;
};

struct calls {
	struct link *link;
	struct rng *rng;
	uint64_t session;
	uint64_t last_seq;
	struct list urgent, reads, queued_writes; /* CALL_QUEUED */
	struct list sent, resting;
	struct list writes; /* those with a seq, ascending */
	struct map by_id;   /* CALL_SENT */
	struct heap due;    /* all */
	size_t n;
	struct timer timer;
	uint32_t trouble_enough_ms;
	uint64_t no_leader_ms; /* since when writes were answered so; 0: they are not */
	uint64_t not_ready_ms; /* likewise, of all calls */
	bool closed;           /* calls_end was called */
};

/* Any thread. timeout_ms 0: no deadline. NULL: out of memory. The caller fills in flags,
 * params and n_params (errors stick to params), done, arg; then calls_submit, or
 * call_free. */
struct call *call_new(const char *method, uint32_t timeout_ms);
void call_free(struct call *c); /* never submitted; NULL is fine */

/* trouble_enough_ms: after how long without a leader, or not ready, another member is
 * tried. 0 or SVCD_ENOMEM. */
int calls_init(
	struct calls *cs, struct link *link, struct rng *rng, uint32_t trouble_enough_ms);
void calls_fini(struct calls *cs); /* after calls_end; fine when zero-initialised */

/* Takes c. done follows, never from within. On an error (SVCD_ENOMEM, SVCD_ETOOBIG,
 * SVCD_ELIMIT, SVCD_ECANCELLED after calls_end) c is freed and done is not called. */
int calls_submit(struct calls *cs, struct call *c);

/* Forgets and frees it; done is not called. */
void calls_cancel(struct calls *cs, struct call *c);

/* What the link tells. */
void calls_link_up(struct calls *cs);
void calls_link_down(struct calls *cs);
void calls_answer(struct calls *cs, uint32_t id, const struct svcd_fault *fault,
	const struct value *result);
void calls_room(struct calls *cs);
/* The cluster refuses us: ends all that wait and are not patient. */
void calls_refuse(struct calls *cs, const struct svcd_fault *fault);

/* Ends all with SVCD_ECANCELLED and takes no more. */
void calls_end(struct calls *cs);

#endif
