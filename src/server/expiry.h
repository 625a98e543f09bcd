/*
 * When the leases of the leader age, and when their end is proposed: the rules, without
 * the loop, the threads and the replica of ageing.c. The simulator
 * (tests/sim/sim_lease.c) runs the same ones.
 *
 * The clock of the leases runs while this member leads, a majority of the voters says so
 * (leases_doubted), its disk has room, its proposals get through and those who take
 * renewals run. Ends are proposed in batches, and what is refused is tried again.
 *
 * One thread; the table has its own lock. Times are of a clock that also counts sleep.
 */
#ifndef SVCD_SERVER_EXPIRY_H
#define SVCD_SERVER_EXPIRY_H

#include "server/lease.h"

#define EXPIRY_TICK_MS 100 /* how often to call expiry_tick */
#define EXPIRY_IN_FLIGHT_MAX 4u
#define EXPIRY_RETRY_MS 200

struct expiry {
	struct leases *leases; /* borrowed */
	uint64_t term;         /* in which it leads */
	uint64_t refused_until_ms;
	uint64_t asked_ms;  /* the majority */
	uint32_t in_flight; /* batches, also of earlier terms */
	bool leading;
	bool asking;
};

/* What this member knows of itself. */
struct expiry_sight {
	uint64_t term;
	bool leads;     /* in term; all of earlier terms is applied */
	bool has_space; /* its disk */
	bool takes_renewals;
};

void expiry_init(struct expiry *x, struct leases *leases);

/* An empty table: leases_add all that the store has, then expiry_tick after each
 * EXPIRY_TICK_MS. */
void expiry_lead(struct expiry *x, uint64_t term, uint64_t now_ms);
void expiry_follow(struct expiry *x);

void expiry_tick(struct expiry *x, uint64_t now_ms, const struct expiry_sight *seen);

/* Whether the voters are to be asked now if we lead still, in x->term: a read index
 * tells. expiry_asked takes the answer, of a question in that term; 0: yes, and that
 * after the question was asked. */
bool expiry_ask(struct expiry *x, uint64_t now_ms);
void expiry_asked(struct expiry *x, uint64_t term, int code);

/* The leases whose end is to be proposed now, only for the time that we lead in x->term,
 * and how that went: x->term at that time, and 0 or why nothing has happened. */
size_t expiry_take(struct expiry *x, uint64_t now_ms, uint64_t *ids, size_t max,
	enum cause_kind *cause);
void expiry_over(struct expiry *x, uint64_t now_ms, uint64_t term, const uint64_t *ids,
	size_t n, int code);

#endif
