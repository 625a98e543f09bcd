/*
 * A cluster in one process: real drivers with real catalogs, on simulated disks and a
 * simulated network, under a clock that jumps from event to event. Everything follows
 * from a seed. What must hold is looked at after every step of every member
 * (sim_check.c); a violation prints how to see it again and aborts.
 *
 * sim.c runs it; sim_member.c is a member with its machine, sim_lease.c with its leases,
 * sim_net.c the network, sim_stream.c how checkpoints get to other members, sim_trouble.c
 * what goes wrong and what operators do, sim_client.c what those do who hold leases
 * (sim_check_lease.c).
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <raft.h>

#include "../unit/mem_tables.h"
#include "base/heap.h"
#include "base/rng.h"
#include "catalog/catalog.h"
#include "fake_disk.h"
#include "replica/driver.h"
#include "server/expiry.h"

#define SIM_SLOTS 7
#define SIM_STREAMS 8
#define SIM_ELECTION_MS 150
#define SIM_HEARTBEAT_MS 40
#define SIM_WRITES_MAX 4096
#define SIM_INDEX_MAX 6144
#define SIM_TERM_MAX 8192
#define SIM_CLIENTS 4 /* that hold leases */
#define SIM_LEASES_MAX 256
#define SIM_NOTES_MAX 2048
#define SIM_BATCH 8                        /* leases that end together */
#define SIM_LEASE_READ (UINT64_C(1) << 48) /* tickets of driver_read */
#define SIM_ENTRIES_MAX 6 /* different ones at an index, over all terms */

struct sim;

/* A state as of an index: a checkpoint. Shared by whoever has it. */
struct image {
	unsigned refs;
	struct mem_tables tables;
	uint64_t index, term, members_index, chain;
	struct buf members;
};

/* What the machine has applied. */
struct position {
	uint64_t index, term, members_index;
	uint64_t chain; /* hash of all that was applied and of what came of it */
};

/* Leases whose end a leader has taken. */
struct sim_ending {
	enum { ENDING_NONE, ENDING_QUEUED, ENDING_PROPOSED } state;
	uint32_t write;
	uint64_t term, taken_ms;
	size_t n;
	uint64_t ids[SIM_BATCH];
};

enum sim_life { SIM_NOBODY, SIM_DOWN, SIM_UP };

struct member {
	struct sim *sim;
	unsigned slot;
	uint64_t node; /* never used again */
	enum sim_life life;
	struct heap_node timer; /* next tick, or start when it is down */
	uint64_t busy_ms;       /* it does nothing before then: a stall, or a slow disk */
	bool retired;           /* removed, and only waits to be thrown away */
	bool was_member;        /* in a committed configuration */

	struct fake_disk disk;
	struct journal *journal;
	struct ballot ballot;
	struct driver *driver;

	struct mem_tables tables;
	struct position at;
	struct buf members;
	uint64_t began; /* newest entry that the machine has seen in this life */
	bool machine_full;
	uint64_t space_ms;  /* full disks have room again */
	uint32_t acking[4]; /* writes answered by the transaction under way */
	uint64_t acking_at[4];
	unsigned n_acking;

	struct image *checkpoint, *taking;
	struct heap_node taken; /* when taking is durable */
	struct image *staged;   /* what came of it, by a stream */
	unsigned staged_chunks;

	struct leases *leases;
	struct lease_holder holder; /* everybody's clients */
	struct expiry expiry;
	struct heap_node ageing; /* next tick of the leases */
	uint64_t age_at_ms;
	struct sim_ending ending[EXPIRY_IN_FLIGHT_MAX];
	uint64_t heard_ms[SIM_SLOTS];
	uint64_t voters, voters_ms; /* hash of their nodes, and since when */

	/* as of the last look */
	uint16_t *terms; /* of the entries in the log; 0: none */
	uint64_t last, commit, durable, known_term, known_vote, led_term;
	uint64_t owed;    /* up to here a start must find what was durable: known to be
			     committed at the crash. Behind it a step that the crash cut off
			     may have truncated. */
	unsigned tickets; /* proposals that have not come back */
	unsigned reads;
	uint64_t slow_ms, ops_before, ticks, ticks_since_ms;
};

enum letter_kind { LETTER_RAFT, LETTER_PING, LETTER_PONG, LETTER_RENEW, LETTER_RENEWED };

struct letter {
	struct heap_node node; /* by time of arrival */
	enum letter_kind kind;
	uint64_t from, to; /* nodes */
	uint64_t term, round, last;
	uint64_t lease; /* of a client; how that went */
	unsigned client, renewed;
	struct raft_message m;
	struct raft_entry *entries;
	uint8_t *bodies;
};

struct stream {
	struct heap_node node;
	bool active;
	uint64_t from, to, term;
	struct image *image;
	unsigned done, chunks;
};

/* Of one index of the log, over all members. */
struct truth {
	uint64_t chain;                   /* 0: nobody applied it yet */
	uint64_t digest;                  /* of the tables; 0: not known */
	uint64_t committed, committed_in; /* term of the entry; term at which it was seen
					   */
	uint32_t acked_id;
	struct {
		uint32_t term, prev_term;
		uint64_t hash;
	} entries[SIM_ENTRIES_MAX];
};

/* What is true of a lease. */
struct sim_lease {
	uint64_t id;
	uint32_t ttl_ms;
	uint64_t sure_ms; /* it was renewed then */
	bool ended, left; /* left: nobody renews it any more */
};

/* A write about leases: the end of some, or a grant. */
struct sim_note {
	uint32_t write;
	bool applied;
	uint64_t begun_ms, lease;
	struct sim_ending end;
};

struct sim_client {
	uint32_t granting; /* write; 0: none is under way */
	uint64_t lease;    /* 0: none */
	uint64_t next_ms, renewed;
	bool registered;
};

enum sim_renewed { RENEW_REFUSED, RENEW_LOST, RENEW_DONE };

enum write_fate { WRITE_UNKNOWN, WRITE_APPLIED, WRITE_REFUSED };

struct sim_profile {
	unsigned drop, dup; /* one of so many; 0: never */
	unsigned delay_ms;
	bool late;   /* some messages come when nobody expects them any more */
	bool grown;  /* begins with one voter, the others join */
	bool change; /* members come and go */
	unsigned min_voters;
	unsigned trailing; /* entries kept behind a checkpoint */
	unsigned checkpoint_every;
	bool crashes, cuts, stalls, full, slow;
	bool news_later; /* as the replica does it */
	bool leases;
	unsigned election_ms, cut_every;
	unsigned chaos_ms;
};

struct sim {
	uint64_t seed;
	struct rng rng;
	uint64_t now_ms, seq;
	unsigned voters; /* wanted */
	struct sim_profile p;
	struct member members[SIM_SLOTS];
	bool cut[SIM_SLOTS][SIM_SLOTS]; /* from, to */
	bool calm;
	bool by_hand; /* letters wait in mail until the test delivers them */
	struct heap mail, timers;
	struct heap_node operator_node;
	struct stream streams[SIM_STREAMS];
	struct catalog *catalog;
	uint64_t next_node;

	struct truth *truth;  /* SIM_INDEX_MAX */
	uint64_t *leader_of;  /* SIM_TERM_MAX: node */
	uint64_t *elected_ms; /* SIM_TERM_MAX */
	struct sim_lease leases[SIM_LEASES_MAX];
	struct sim_note notes[SIM_NOTES_MAX];
	struct sim_client clients[SIM_CLIENTS];
	unsigned n_leases, n_notes;
	uint8_t fate[SIM_WRITES_MAX];
	uint32_t applied_at[SIM_WRITES_MAX];
	uint32_t n_writes;
	uint64_t committed;     /* the highest index anybody knows to be committed */
	uint64_t acked;         /* the highest index of an acknowledged write */
	uint64_t members_index; /* of the newest committed configuration */
	uint64_t members_now[SIM_SLOTS]; /* the nodes in it */
	unsigned n_members;

	bool trace;
	struct sim_counts {
		uint64_t steps, writes, reads, reads_lost, elections, crashes, installs,
			changes, transfers, checkpoints, full, lost, renewals, expired;
	} counts;
};

/* ---- sim.c ------------------------------------------------------------- */

/* nodes: voters wanted. Random profile of the seed. */
struct sim *sim_new(uint64_t seed, unsigned nodes, bool trace);
void sim_free(struct sim *s);
/* A new, empty sim for a test by hand: members 1 … n, all voters, letters by hand. */
struct sim *sim_by_hand(unsigned n);
void sim_run_for(struct sim *s, uint64_t ms);
/* Trouble, then peace, then everything must be well. */
void sim_run(struct sim *s);
/* All of seed first … first + n - 1; adds up what happened. */
void sim_run_seeds(uint64_t first, uint64_t n, unsigned nodes, struct sim_counts *sum);

bool sim_chance(struct sim *s, unsigned one_of); /* 0: never */
void sim_trace(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_fail(const struct sim *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));
#define sim_assert(s, cond) \
	do { \
		if (!(cond)) \
			sim_fail(s, "%s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)

/* ---- sim_member.c ------------------------------------------------------ */

struct member *sim_member(struct sim *s, uint64_t node); /* NULL: nobody */
/* In an empty slot, NULL when there is none; its disk is new, and it is down. */
struct member *sim_add(struct sim *s);
/* Writes the first entry of a new cluster with these voters. */
void sim_bootstrap(struct member *m, const uint64_t *nodes, size_t n);
void sim_start(struct member *m);
void sim_stop(struct member *m);
void sim_crash(struct member *m); /* the disk has crashed, or does so now */
void sim_retire(struct member *m);
void sim_suspect(struct member *m, uint64_t node); /* its connection to node broke */
bool sim_up(const struct member *m);
/* Around every call of the driver: sees what it did. */
void sim_begin(struct member *m);
void sim_end(struct member *m, int rc);
void sim_tick(struct member *m);
struct member *sim_leader(struct sim *s); /* that may propose; the one of the newest term
					   */
bool sim_propose(struct member *m);       /* a write; false: refused */
/* The same of one command, or of some without any. 0, or why it was not taken. */
int sim_submit(struct member *m, struct bytes command);
void sim_read(struct member *m);
void sim_change(struct member *m, enum driver_change change, uint64_t node);
void sim_transfer(struct member *m, uint64_t node);
void sim_take_checkpoint(struct member *m); /* durable later */
void sim_checkpoint_taken(struct member *m);
void sim_image_drop(struct image *i); /* NULL is fine */
struct image *sim_image_of(struct member *m);
extern const struct driver_machine sim_machine;

/* ---- sim_lease.c ------------------------------------------------------- */

void sim_lease_start(struct member *m);
void sim_lease_stop(struct member *m);
void sim_lease_role(struct member *m); /* after each step */
void sim_lease_tick(struct member *m);
void sim_lease_read(struct member *m, uint64_t ticket, int code);
void sim_lease_done(struct member *m, uint32_t write);
void sim_lease_lost(struct member *m, uint32_t write, int code);
struct sim_ending *sim_lease_ending(struct member *m, uint32_t write); /* NULL: none */
void sim_lease_over(struct member *m, struct sim_ending *x, int code);
enum sim_renewed sim_lease_renew(struct member *m, uint64_t id);
struct sim_lease *sim_lease(struct sim *s, uint64_t id); /* NULL: there was none */

/* ---- sim_client.c ------------------------------------------------------ */

void sim_clients_act(struct sim *s);
void sim_client_grant(struct member *m, unsigned client, unsigned ttl_ms);
void sim_client_told(struct sim *s, uint32_t write);
void sim_client_renew(struct member *m, unsigned client); /* asks m */
void sim_client_answered(
	struct sim *s, unsigned client, uint64_t lease, enum sim_renewed how);
void sim_client_leave(struct sim *s, unsigned client);
void sim_note_end(struct sim *s, const struct sim_ending *x);
void sim_note_drop(struct sim *s, uint32_t write);
void sim_lease_applied(struct sim *s, uint32_t write, const struct outcome *out);
bool sim_granted(struct sim *s, uint32_t write, struct lease *out);

/* ---- sim_check_lease.c ------------------------------------------------- */

void sim_check_renewed(struct member *m, uint64_t id);
void sim_check_ended(struct sim *s, const struct sim_ending *x);
void sim_check_heard(struct member *m, uint64_t from);
void sim_check_clock(struct member *m, uint64_t moved_ms);
bool sim_lease_left(const struct sim *s); /* one that nobody renews has not ended */

/* ---- sim_net.c --------------------------------------------------------- */

extern const struct driver_transport sim_transport;
void sim_deliver(struct sim *s, struct letter *l);                   /* takes it */
void sim_forward(struct member *m, unsigned client, uint64_t lease); /* to its leader */
/* By hand: the first letter (in order of sending) that fits is delivered, lost, or taken
 * out. kind 0: any raft message; from, to 0: anybody. */
struct letter *sim_take(struct sim *s, uint64_t from, uint64_t to, int type);
bool sim_pass(struct sim *s, uint64_t from, uint64_t to, int type);
unsigned sim_lose(struct sim *s, uint64_t from, uint64_t to, int type);
void sim_letter_free(struct letter *l);
const char *sim_letter_name(const struct letter *l); /* valid until the next call */

/* ---- sim_stream.c ------------------------------------------------------ */

void sim_stream_begin(struct member *from, uint64_t to, uint64_t term);
void sim_stream_step(struct sim *s, struct stream *st);
uint64_t sim_stream_keep(const struct sim *s, uint64_t from);
void sim_stream_end(struct sim *s, struct stream *st);

/* ---- sim_check.c ------------------------------------------------------- */

void sim_check_step(struct member *m);
void sim_check_log(struct member *m);   /* what is new in its log, and what has left */
void sim_check_start(struct member *m); /* after a start: what a crash may have taken */
void sim_check_entry(struct member *m, const struct driver_entry *e, uint64_t chain);
void sim_check_commit(struct member *m);
void sim_check_ack(struct member *m, uint64_t index, uint32_t id);
void sim_check_read(struct member *m, uint64_t floor, uint64_t index);
/* Empty: everything is well, everybody agrees. Else what is not, in words. */
const char *sim_disagreement(struct sim *s);
uint64_t sim_digest(struct mem_tables *t);

/* ---- sim_trouble.c ----------------------------------------------------- */

void sim_profile_of(struct sim *s);
void sim_operate(struct sim *s); /* once in a while */
void sim_heal(struct sim *s);

/* ---- sim_write.c ------------------------------------------------------- */

/* A payload of the command, or of some when it is empty; id is in its stamp. Valid until
 * the next call. */
struct bytes sim_payload(struct sim *s, uint32_t id, struct bytes command);

#endif
