/*
 * What the driver's sources share.
 */
#ifndef SVCD_REPLICA_DRIVER_INTERNAL_H
#define SVCD_REPLICA_DRIVER_INTERNAL_H

#include <raft.h>

#include "replica/driver.h"

#define IN_FLIGHT_MAX 2 /* entries of ours that are not applied yet */

struct ticket {
	uint64_t index, term;
	void *user;
};

struct driver {
	struct raft core;
	struct driver_options o;
	uint64_t now_ms;
	uint64_t last_tick_ms;
	uint64_t heard_ms;   /* from a leader of the current term, or when we started */
	uint64_t term_first; /* as leader: index of our term's first entry (M2) */
	uint64_t applied;    /* by the machine */
	uint64_t settled;  /* up to here changes of the members were told to the engine */
	uint64_t retry_ms; /* the machine had no space: not before then; 0: no wait */
	uint64_t members_index; /* of the last applied change of the members */
	struct buf members;
	uint64_t snapshot_index, snapshot_term; /* as the engine knows it */
	struct ticket tickets[IN_FLIGHT_MAX];
	size_t n_tickets;
	struct buf scratch;
	bool was_ready;
};

/* An event with all that it causes, up to applied entries. */
int driver_event(struct driver *d, struct raft_event *ev);
/* Only the engine, log and messages: inside of driver_event. */
int driver_feed(struct driver *d, struct raft_event *ev);

bool driver_sole_voter(const struct driver *d);

/* driver_apply.c */
int driver_apply(struct driver *d);
void driver_lose_tickets(struct driver *d);
void driver_forget_ticket(struct driver *d, const void *user); /* it was refused */

/* driver_messages.c */
void driver_post(
	struct driver *d, const struct raft_event *ev, const struct raft_update *up);

#endif
