/*
 * What the driver's sources share.
 */
#ifndef SVCD_REPLICA_DRIVER_INTERNAL_H
#define SVCD_REPLICA_DRIVER_INTERNAL_H

#include <raft.h>

#include "base/rng.h"
#include "replica/driver.h"

#define IN_FLIGHT_MAX 2 /* entries of ours that are not applied yet */
#define MEMBERS_MAX 32
#define RETRY_MS 1000 /* after there was no space */

struct ticket {
	uint64_t index, term;
	void *user;
};

/* Another member, as we know it while we lead. */
struct peer {
	uint64_t node;
	uint64_t heard_ms; /* its last answer; 0: none */
	uint64_t told;     /* it can know that this much is committed */
	uint64_t round;    /* of reads: the newest that it confirmed */
	uint64_t snapshot; /* index of the one that it was last to be sent; 0: none */
	/* What it had confirmed when a round of reads began: its answer to that round
	 * says how far its log goes. asked 0: it has answered. */
	uint64_t asked, asked_ms, had;
	uint64_t has, lack_term; /* its log ends there, before what it had confirmed */
};

/* Reads that wait for the confirmation that we lead. Those that come while a round is
 * under way wait for the next one: its answers could be older than they are. */
struct read_list {
	void **tickets;
	size_t n, cap;
};
struct reads {
	struct read_list waiting, asked;
	bool busy; /* a round for those in asked is under way */
	uint64_t term, round, index, sent_ms;
};

/* Leadership is being handed over: nothing is proposed. */
struct transfer {
	bool active;
	uint64_t node; /* 0: whoever is most advanced */
	uint64_t until_ms, sent_ms;
};

/* What a follower's leader had committed when it sent a message. */
struct heard {
	uint64_t commit, ms;
};

/* What machine->changed was told of last. */
struct seen {
	int state;
	bool ready, transferring;
	uint64_t term, leader, members, uncommitted;
};

/* The leader is probably dead: its connection broke, and nothing was heard since. */
struct suspicion {
	uint64_t since_ms; /* 0: none */
	uint64_t due_ms;   /* an election begins; 0: it has begun */
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
	struct seen seen;
	struct peer peers[MEMBERS_MAX];
	size_t n_peers;
	struct reads reads;
	struct transfer transfer;
	uint64_t first_retry_ms; /* no space for our term's first entry; 0: no wait */
	uint64_t leader_term;    /* the leader that the engine names is this term's */
	uint64_t contact_ms, current_ms; /* as in driver_status */
	struct heard newest, pending;    /* pending: not applied yet; ms 0: none */
	uint64_t sync_us;
	struct suspicion suspicion;
	struct rng rng;
	const struct driver_snapshot *staged; /* inside of driver_install */
	bool installed;
};

/* An event with all that it causes, up to applied entries. */
int driver_event(struct driver *d, struct raft_event *ev);
/* What may follow from any event: reads, the transfer, news for others and for our owner.
 */
int driver_after(struct driver *d);
/* Only the engine, log and messages: inside of driver_event. */
int driver_feed(struct driver *d, struct raft_event *ev);
void driver_set_now(struct driver *d, uint64_t now_ms);
bool driver_leads(const struct driver *d);
bool driver_ready(const struct driver *d);
/* Of an entry that was checked to be allowed and to have room. */
int driver_propose(
	struct driver *d, enum raft_entry_type type, struct bytes payload, void *user);

bool driver_sole_voter(const struct driver *d);

/* driver_members.c */
struct raft_server *driver_server(const struct driver *d, uint64_t node);
/* An encoded configuration that the engine may decode: it does not look at bounds. */
bool driver_members_valid(struct bytes encoded);
int driver_parse_members(struct bytes encoded, struct raft_configuration *out);
const char *driver_address(uint64_t node, char out[24]);

/* driver_peers.c */
struct peer *driver_peer(struct driver *d, uint64_t node); /* NULL: no other member */
void driver_forget_peers(struct driver *d);
void driver_note_sent(struct driver *d, const struct raft_message *m);
void driver_tell_commit(struct driver *d);

/* driver_suspect.c */
bool driver_leader_is_gone(const struct driver *d);
void driver_suspicion_tick(struct driver *d);

/* driver_transfer.c */
int driver_transfer_step(struct driver *d);

/* driver_read.c */
void driver_read_step(struct driver *d);
void driver_read_lose(struct driver *d);

/* driver_snapshot.c */
int driver_swap(struct driver *d, struct raft_snapshot_metadata *m);

/* driver_status.c */
void driver_note_contact(struct driver *d, uint64_t term);
void driver_note_commit(struct driver *d, uint64_t leader_commit);
void driver_note_applied(struct driver *d);

/* driver_apply.c */
int driver_apply(struct driver *d);
void driver_lose_tickets(struct driver *d);
void driver_forget_ticket(struct driver *d, const void *user); /* it was refused */

/* driver_messages.c */
void driver_post(
	struct driver *d, const struct raft_event *ev, const struct raft_update *up);

#endif
