/*
 * Connections of this member that ended, and what they held: asks the leader to end those
 * leases, until it says that it will. On the control thread.
 */
#ifndef SVCD_SERVER_CLOSING_H
#define SVCD_SERVER_CLOSING_H

#include "server/leading.h"

struct closing {
	struct server *server;
	struct loop *loop;
	struct mailbox *box;
	struct leading *leading;
	struct timer retry;
	struct mail poke;
	_Atomic bool poked;
	bool ended;
	uint32_t in_flight; /* questions */
};

int closing_init(struct closing *c, struct server *s, struct loop *l, struct mailbox *box,
	struct leading *leading);
void closing_fini(struct closing *c);

/* Any thread: something was queued in server.held. */
void closing_poke(struct closing *c);

/* Asks nothing more; in_flight comes back to 0. */
void closing_end(struct closing *c);

#endif
