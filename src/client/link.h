/*
 * The connection to the cluster: one member at a time, in the order of the list. Dials,
 * says hello, notices silence, and begins again with the next member for as long as it
 * lives. A round is one attempt at every member; after a round without success it rests
 * (back-off, and what the members asked for).
 *
 * On the loop's thread. Every ending of an attempt or a connection goes through
 * link_ended().
 */
#ifndef SVCD_CLIENT_LINK_H
#define SVCD_CLIENT_LINK_H

#include "client/backoff.h"
#include "client/fault.h"
#include "client/servers.h"
#include "net/conn.h"
#include "net/resolve.h"
#include "wire/frame.h"

enum link_state {
	LINK_IDLE,     /* not started, or closed for good */
	LINK_RESTING,  /* waits before the next round */
	LINK_LOOKING,  /* asks for the addresses of a name */
	LINK_DIALING,  /* waits for the connection */
	LINK_GREETING, /* waits for the answer to hello */
	LINK_READY,
	LINK_STATES
};

struct link_options {
	const char *name;            /* of the application; borrowed */
	const char *token;           /* NULL: none; borrowed */
	uint32_t connect_timeout_ms; /* look-up, dial and hello of one member together */
	struct backoff backoff;
	uint32_t settled_ms;   /* a connection that lasted so long resets the back-off */
	uint32_t ping_ms;      /* silence after which the member is asked */
	uint32_t ping_wait_ms; /* and how long it has to answer */
};

/* What a member says at the head of every result. */
struct link_head {
	uint64_t rev; /* the highest seen on this connection */
	uint64_t age_ms;
	enum svcd_source source;
};

struct link_events {
	/* A member answered; other_cluster: not the cluster of before. */
	void (*on_up)(void *arg, bool other_cluster);
	/* It was ready and is not any more; trouble says why. */
	void (*on_down)(void *arg);
	void (*on_round_failed)(void *arg);
	/* fault or result is NULL. Valid during the call, the bytes of the message too.
	 */
	void (*on_response)(void *arg, uint32_t id, const struct svcd_fault *fault,
		const struct value *result);
	/* A watch event: its map, parsed and as bytes. Negative: the connection is ended
	 * for it. */
	int (*on_event)(void *arg, struct value map, struct bytes raw);
	void (*on_room)(void *arg);   /* what was written before has left */
	void (*on_closed)(void *arg); /* after link_close: nothing is left open */
};

struct link {
	struct loop *loop;
	struct resolver *resolver;
	struct rng *rng;
	const struct servers *servers;
	struct link_options opt;
	struct backoff backoff;
	const struct link_events *ev;
	void *arg;

	enum link_state state;
	bool dropping; /* ready no more, but on_close has not come yet */
	bool closing;  /* link_close was called */
	size_t at;     /* servers->list[at] is the member of this attempt or connection */
	size_t tried;  /* members of this round that are done */
	struct resolve *question; /* while LINK_LOOKING */
	struct conn *conn;        /* from LINK_DIALING on; also while dropping */
	struct timer timer;       /* end of the rest or of the attempt */
	struct timer watchdog;    /* silence; only while ready */
	struct frame_scan scan;
	struct arena *arena;

	uint32_t last_id; /* of requests on this connection */
	uint32_t hello_id;
	uint64_t ready_at_ms;
	uint64_t heard_at_ms;
	uint64_t pinged_at_ms;
	uint32_t retry_after_ms; /* asked for in this round */
	char cluster[40];        /* of the last hello; "" before the first */
	struct link_head head;
	/* Why this connection or attempt is being ended; code 0: not said. */
	struct svcd_fault why;
	struct svcd_fault round;   /* what went wrong in this round */
	struct svcd_fault trouble; /* code 0: all is well */
	uint64_t rounds_failed;
};

/* 0 or SVCD_ENOMEM. servers, rng and ev are borrowed. */
int link_init(struct link *l, struct loop *loop, struct rng *rng,
	const struct servers *servers, const struct link_options *opt,
	const struct link_events *ev, void *arg);
/* After link_close; on_closed may still come. Fine when zero-initialised. */
void link_fini(struct link *l);
void link_start(struct link *l);

/* Ends it for good; what is written is still sent, for at most linger_ms. on_closed
 * follows. */
void link_close(struct link *l, uint32_t linger_ms);

bool link_is_ready(const struct link *l);
bool link_has_choice(const struct link *l); /* there is more than one member */
uint32_t link_next_id(struct link *l);

/* A buffer to append whole messages to, then link_flush. Only while ready. */
struct buf *link_out(struct link *l);
void link_flush(struct link *l);
/* For the last words before link_close(l, 0). */
void link_send_now(struct link *l, struct bytes messages);
bool link_has_room(const struct link *l); /* false: wait for on_room */

/* Ends the connection; the next member is tried. */
void link_drop(struct link *l, int code, const char *why);

#endif
