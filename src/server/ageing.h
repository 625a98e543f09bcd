/*
 * Makes the leases age and ends them: the driver of lease.h on the control thread.
 *
 * The clock of the leases runs only while this member leads, has room on its disk, gets
 * its proposals through and all its workers run (a renewal that waits in a worker's
 * socket is not late). Ends are proposed in batches; what is refused is tried again.
 */
#ifndef SVCD_SERVER_AGEING_H
#define SVCD_SERVER_AGEING_H

#include "server/core.h"
#include "base/log_gate.h"

struct ageing {
	struct server *server;
	struct loop *loop;
	struct mailbox *box;
	struct reader *reader;
	struct timer tick;
	struct mail poke;
	_Atomic bool poked;
	bool leading;
	uint64_t term;      /* in which it leads */
	uint32_t in_flight; /* proposals */
	uint64_t refused_until_ms;
	uint64_t compared_ms; /* with the catalog's count */
	bool differed;
	struct counter ended;
	struct log_gate lines;
};

int ageing_init(struct ageing *a, struct server *s, struct loop *l, struct mailbox *box,
	struct reader *reader);
void ageing_fini(struct ageing *a);

/* This member leads: all leases of the store begin a whole TTL. Or it does not any more.
 */
void ageing_lead(struct ageing *a, uint64_t term);
void ageing_follow(struct ageing *a);

/* Any thread: leases of closed connections wait. */
void ageing_poke(struct ageing *a);

#endif
