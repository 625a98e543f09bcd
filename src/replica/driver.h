/*
 * The consensus engine with a disk, a network and a clock: libraft's raft_step() is a
 * pure state machine, the driver does what its updates ask for, in the one order that is
 * safe (driver_event in driver.c).
 *
 * Single-threaded and deterministic: disk, network, state machine and random seed are
 * given, time comes in with every call. So many drivers run in one process on simulated
 * disks and networks.
 *
 * Functions that return int give 0 or a negative code; SVCD_ECORRUPT, SVCD_EIO and
 * SVCD_ENOMEM are the end of this member: the caller logs and ends the process. A failed
 * write or sync has ended it already.
 */
#ifndef SVCD_REPLICA_DRIVER_H
#define SVCD_REPLICA_DRIVER_H

#include "replica/ballot.h"
#include "replica/journal.h"

struct driver;
struct raft_message;

enum entry_type {
	ENTRY_COMMANDS = 1,
	ENTRY_BARRIER,
	ENTRY_MEMBERS
}; /* as enum raft_entry_type */

struct driver_entry {
	uint64_t index, term;
	enum entry_type type;
	struct bytes payload; /* valid during the call */
	void *ticket; /* of driver_submit, when it was proposed here in this term; else
			 NULL */
};

/* The replicated state, as one transaction at a time: begin, entry …, commit; or abort.
 */
struct driver_machine {
	int (*begin)(void *arg);
	int (*entry)(void *arg, const struct driver_entry *e);
	int (*commit)(void *arg, uint64_t index, uint64_t term);
	/* After any of them failed. SVCD_ENOSPACE is tried again later with the same
	 * entries. */
	void (*abort)(void *arg);
	/* A ticket will not come back by an entry: SVCD_ENOLEADER (surely not applied),
	 * SVCD_EUNKNOWN. */
	void (*lost)(void *arg, void *ticket, int code);
	/* Role, leader, term or readiness have changed. */
	void (*changed)(void *arg);
};

/* Messages to other members; the callee copies what it needs. NULL: there are none. */
struct driver_transport {
	void (*send)(void *arg, const struct raft_message *m);
};

/* What the machine has when the driver starts: all entries up to index. */
struct driver_snapshot {
	uint64_t index, term; /* 0: nothing */
	uint64_t members_index;
	struct bytes members; /* encoded configuration as of index */
};

struct driver_options {
	uint64_t node;           /* this member's id */
	struct journal *journal; /* borrowed; it reaches from snapshot.index + 1 or before
				    to there or behind */
	struct ballot *ballot;   /* borrowed */
	struct driver_snapshot snapshot;
	const struct driver_machine *machine;
	const struct driver_transport *transport;
	void *arg; /* for both */
	uint32_t election_ms, heartbeat_ms;
	uint32_t seed;
};

/* Makes an empty journal the log of a cluster whose one voter is node. Durable. 0,
 * SVCD_ENOSPACE … */
int driver_bootstrap(struct journal *j, struct ballot *b, uint64_t node);

/* A sole voter is the leader, with all its log applied, on return. */
int driver_start(const struct driver_options *o, uint64_t now_ms, struct driver **out,
	struct err *e);
void driver_free(struct driver *d); /* answers what is pending with SVCD_EUNKNOWN; NULL is
				       fine */

/* Proposes one entry. 0: the ticket comes back by machine->entry or lost, maybe during
 * the call. Else nothing was taken: SVCD_ENOLEADER, SVCD_EAGAIN (not ready, or enough in
 * flight: again after the next commit), SVCD_ENOSPACE, SVCD_ETOOBIG. */
int driver_submit(struct driver *d, uint64_t now_ms, struct bytes payload, void *ticket);
bool driver_may_submit(const struct driver *d); /* driver_submit would not say ENOLEADER
						   or EAGAIN */

int driver_tick(struct driver *d, uint64_t now_ms);
uint64_t driver_due_ms(const struct driver *d); /* when driver_tick has something to do;
						   UINT64_MAX: never */

/* A message from another member; m and what it points to are the caller's. */
int driver_receive(struct driver *d, uint64_t now_ms, struct raft_message *m);

/* A checkpoint of that index is durable: the engine forgets what is before it, and the
 * log is cut up to keep <= index. Does nothing when the members changed since (take a
 * newer checkpoint). */
int driver_checkpointed(struct driver *d, uint64_t now_ms, uint64_t index, uint64_t keep);

enum driver_role { DRIVER_FOLLOWER, DRIVER_CANDIDATE, DRIVER_LEADER };

struct driver_status {
	enum driver_role role;
	bool ready;      /* leader, and everything of earlier terms is applied */
	uint64_t leader; /* 0 unknown */
	uint64_t term, first_index, last_index, commit_index, applied_index;
	unsigned voters;
};
void driver_status(const struct driver *d, struct driver_status *out);

#endif
