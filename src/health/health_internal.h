/*
 * What the files of a struct health share: health.c (targets), turn.c (phases and
 * probes), report.c (words). Not for other folders.
 */
#ifndef SVCD_HEALTH_HEALTH_INTERNAL_H
#define SVCD_HEALTH_HEALTH_INTERNAL_H

#include "health/health.h"
#include "health/schedule.h"
#include "health/target.h"

struct health {
	struct probe_world world;
	struct timer timer;
	uint64_t timer_due_ms; /* what it was set to last */
	bool turning;      /* within health_on_timer, which sets the timer at its end */
	struct heap wakes; /* every check, by when it must be looked at */
	struct list ready; /* checks that are due, in the order in which they became so */
	uint32_t in_flight;
	uint32_t in_flight_max;
	struct token_bucket rate;
	struct rng rng;
	uint64_t seed;
	uint64_t grace_until_ms; /* schedule_grace */
	struct map targets;
	struct reasons reasons;
	struct target *reporting; /* its owner is being told; NULL when it went meanwhile
				   */
	struct health_events ev;
	void *arg;
	struct health_stat stat;
};

/* turn.c */
void health_on_timer(void *arg);
void health_set_timer(struct health *h);           /* follows the heap and the list */
void check_arm(struct health *h, struct check *c); /* its place in the heap, which it is
						      in already */
/* A probe's on_end. */
void check_on_result(struct probe_world *w, void *owner, const struct probe_result *r);

/* report.c */
/* Tells the owner of c's target what it does not know yet. c, which something happened
 * to, and its target may be gone afterwards. */
void health_report(struct health *h, const struct check *c);

#endif
