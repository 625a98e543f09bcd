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

#include <sys/types.h>

#include "replica/ballot.h"
#include "replica/journal.h"

struct driver;
struct raft_message;

enum entry_type {
	ENTRY_COMMANDS = 1,
	ENTRY_BARRIER,
	ENTRY_MEMBERS
}; /* as enum raft_entry_type */

struct driver_snapshot;

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
	/* Role, leader, term, readiness or the members have changed. */
	void (*changed)(void *arg);
	/* The state becomes the staged snapshot s, all of it; the log is empty behind it
	 * already. An error is the end of this member (the next start finds the
	 * checkpoint). NULL: snapshots are not accepted. */
	int (*install)(void *arg, const struct driver_snapshot *s);
	/* Of driver_read. code 0: a state that holds the entries up to index is as new as
	 * the call; SVCD_ENOLEADER: ask again. */
	void (*read)(void *arg, void *ticket, int code, uint64_t index);
};

/* What leaves for other members; the callee copies what it needs. NULL: there are none.
 */
struct driver_transport {
	void (*send)(void *arg, const struct raft_message *m);
	/* The member "to" needs entries that have left the log: send it a checkpoint, in
	 * our name as the leader of term. Asked again up to once a round trip while that
	 * goes on. */
	void (*send_snapshot)(void *arg, uint64_t to, uint64_t term);
	/* "Do you still follow me?" and "yes", for driver_read: arguments of
	 * driver_receive_ping and driver_receive_pong over there. last: where the log of
	 * this member ends. */
	void (*ping)(void *arg, uint64_t to, uint64_t term, uint64_t round);
	void (*pong)(
		void *arg, uint64_t to, uint64_t term, uint64_t round, uint64_t last);
};

/* All entries up to index: what the machine has when the driver starts, or will have when
 * it installs. */
struct driver_snapshot {
	uint64_t index, term; /* 0: nothing */
	uint64_t members_index;
	struct bytes members; /* encoded configuration as of index */
};

/* A transaction of the machine always ends at indexes that are multiples of this, on
 * every member: there digests can be compared. */
#define DRIVER_POINT 256

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
	bool news_later; /* the owner calls driver_tell_news */
};

/* Makes an empty journal the log of a cluster whose one voter is node. Durable. 0,
 * SVCD_ENOSPACE … */
int driver_bootstrap(struct journal *j, struct ballot *b, uint64_t node);

/* A sole voter is the leader, with all its log applied, on return. With an empty log and
 * no snapshot: a follower without members that waits to be added. */
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

/* With news_later: tells the members what was committed and no message has told them. To
 * be called when nothing more is proposed for now: a new entry carries it for nothing. */
void driver_tell_news(struct driver *d);

int driver_tick(struct driver *d, uint64_t now_ms);
uint64_t driver_due_ms(const struct driver *d); /* when driver_tick has something to do;
						   UINT64_MAX: never */

/* The connection to the leader node broke, as it does when its process ends. When nothing
 * is heard of it for a heartbeat, an election begins without waiting for the timeout; a
 * pre-vote of another member that saw the same is granted. */
void driver_suspect(struct driver *d, uint64_t now_ms, uint64_t node);

/* ---- members ----------------------------------------------------------- */

/* A standby gets all entries and counts for nothing. */
enum driver_change { DRIVER_ADD_STANDBY, DRIVER_PROMOTE, DRIVER_DEMOTE, DRIVER_REMOVE };

/*
 * Proposes one change of the members. 0: the ticket comes back as that of driver_submit,
 * with an entry of type ENTRY_MEMBERS (or lost). Repeating one that is done gives
 * SVCD_EEXISTS (removing somebody unknown, too: ids are never used again). Otherwise
 * nothing was proposed: SVCD_ENOLEADER, SVCD_EAGAIN (not ready, or enough in flight),
 * SVCD_EBUSY (another change is under way), SVCD_ECONFLICT (demotes or removes the leader
 * itself: transfer first; or the last voter), SVCD_ENOTFOUND (promotes or demotes no
 * member), SVCD_ELIMIT (32 members), SVCD_ENOSPACE.
 */
int driver_change(struct driver *d, uint64_t now_ms, enum driver_change change,
	uint64_t node, void *ticket);

/* Hands leadership to node, or to the most advanced voter when 0: no proposals are taken
 * until that is over, which changed tells. Gives up after an election timeout. 0,
 * SVCD_ENOLEADER, SVCD_ENOTFOUND (no such voter), SVCD_EBUSY (one is under way). */
int driver_transfer(struct driver *d, uint64_t now_ms, uint64_t node);

struct driver_member {
	uint64_t node;
	bool voter;
	uint64_t match;    /* as leader: it has the log up to here; else 0 */
	bool incomplete;   /* as leader: it lacks entries that it had confirmed, says its
			      answer to a round of reads */
	uint64_t heard_ms; /* as leader: last answer; 0 never */
};
/* In the newest configuration, committed or not. Returns how many there are. */
size_t driver_members(const struct driver *d, struct driver_member *out, size_t max);

/* Encoded configurations (struct driver_snapshot, ENTRY_MEMBERS) for those who do not
 * know the engine. How many; -1: damaged. */
ssize_t driver_decode_members(
	struct bytes encoded, struct driver_member *out, size_t max);
/* The configuration that has node as its one voter. */
int driver_encode_sole(uint64_t node, struct buf *out);

/* ---- snapshots --------------------------------------------------------- */

/* A checkpoint that the leader of term sent has been staged completely, or is one whose
 * index we have applied already (nothing needs to be staged then: this answers it). 0
 * with *taken: machine->install was called; not taken when we have its entries (the
 * leader is told so) or when there is nobody to follow now (it is offered again). A
 * sender that was deposed meanwhile does no harm. SVCD_ENOSPACE: nothing was done, again
 * later. SVCD_EINVAL: s makes no sense. */
int driver_install(struct driver *d, uint64_t now_ms, uint64_t from, uint64_t term,
	const struct driver_snapshot *s, bool *taken);

/* ---- reads that must be current ---------------------------------------- */

/* Read index (Ongaro, thesis 6.4): one round to the voters confirms that we lead; all
 * reads that wait share a round. The answers tell as well whether the logs still have
 * what was confirmed (driver_member.incomplete). 0: machine->read comes, maybe during the
 * call; SVCD_ENOLEADER, SVCD_ENOMEM. */
int driver_read(struct driver *d, uint64_t now_ms, void *ticket);
int driver_receive_ping(
	struct driver *d, uint64_t now_ms, uint64_t from, uint64_t term, uint64_t round);
int driver_receive_pong(struct driver *d, uint64_t now_ms, uint64_t from, uint64_t term,
	uint64_t round, uint64_t last);

/* ---- messages, checkpoints, status ------------------------------------- */

/* A message from another member; m and what it points to are the caller's. */
int driver_receive(struct driver *d, uint64_t now_ms, struct raft_message *m);

/* A checkpoint of that index is durable: the engine forgets what is before it, and the
 * log is cut so that a member with a state as of keep <= index can go on from it. Does
 * nothing when the members changed since (take a newer checkpoint). */
int driver_checkpointed(struct driver *d, uint64_t now_ms, uint64_t index, uint64_t keep);

enum driver_role { DRIVER_FOLLOWER, DRIVER_CANDIDATE, DRIVER_LEADER };

struct driver_status {
	enum driver_role role;
	bool ready;      /* leader, and everything of earlier terms is applied */
	uint64_t leader; /* 0 unknown */
	uint64_t term, first_index, last_index, commit_index, applied_index;
	unsigned voters;
	bool transferring;
	bool changing;       /* a change of the members is not committed yet */
	uint64_t contact_ms; /* as follower: last word of a leader; 0 never */
	uint64_t current_ms; /* as follower: when we last had applied all that the leader
				had committed, as its message said; 0 never */
	uint64_t sync_us; /* duration of a sync of the log, smoothed (of the real clock)
			   */
};
void driver_status(const struct driver *d, struct driver_status *out);

#endif
