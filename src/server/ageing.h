/*
 * Makes the leases age and ends them: the driver of expiry.h on the control thread.
 */
#ifndef SVCD_SERVER_AGEING_H
#define SVCD_SERVER_AGEING_H

#include "base/log_gate.h"
#include "server/core.h"
#include "server/expiry.h"

struct ageing {
	struct server *server;
	struct loop *loop;
	struct mailbox *box;
	struct reader *reader;
	struct timer tick;
	struct mail poke;
	_Atomic bool poked;
	struct expiry expiry;
	void (*on_asked)(void *arg); /* a majority has said whether we lead, or will not
				      */
	void *arg;
	uint32_t questions;   /* to it, under way */
	uint64_t compared_ms; /* with the catalog's count */
	bool differed;
	struct counter ended;
	struct log_gate lines;
};

int ageing_init(struct ageing *a, struct server *s, struct loop *l, struct mailbox *box,
	struct reader *reader);
void ageing_fini(struct ageing *a);
void ageing_on_asked(struct ageing *a, void (*fn)(void *arg), void *arg);
bool ageing_is_owed(const struct ageing *a); /* proposals or questions will come back */

/* This member leads: all leases of the store begin a whole TTL. Or it does not any more.
 */
void ageing_lead(struct ageing *a, uint64_t term);
void ageing_follow(struct ageing *a);

/* Any thread: leases of closed connections wait. */
void ageing_poke(struct ageing *a);

#endif
