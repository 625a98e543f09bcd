/*
 * What load balancing reads of an instance: one pure function of its admin state, health
 * and lifecycle, and of its service's floor.
 *
 * The floor is how many instances of a service must stay usable. When health or ended
 * leases would take it below, those that failed last are held: still handed out, marked
 * pending. Health itself is never rewritten. What people do (draining, maintenance,
 * deregistering) is never held, and an instance that has never been up is not either.
 *
 * A floor in percent is one of the registered and of those that vanished (their leases
 * expired) not long ago: otherwise instances that vanish one after the other would take
 * the floor down with them.
 */
#ifndef SVCD_CATALOG_EFFECTIVE_H
#define SVCD_CATALOG_EFFECTIVE_H

#include "catalog/types.h"

/* An instance by itself, the floor left aside. */
enum base_state {
	BASE_UP, /* up or warm */
	BASE_DRAIN,
	BASE_DOWN,   /* nothing to hold: maintenance, starting */
	BASE_FAILED, /* health or lease takes it down; the floor may hold it */
};

enum base_state effective_base(const struct instance_state *s);
bool effective_usable(enum effective_state s); /* up, warm, pending */

/* Since which revision health or lease takes it down (it is BASE_FAILED). */
uint64_t effective_failed_rev(const struct instance_state *s);

/* How many must be usable, of so many that are registered or have vanished. */
uint32_t floor_demand(const struct service *s, uint32_t base);
/* How many of the failed are held when `up` are up or warm. */
uint32_t floor_hold(const struct service *s, uint32_t base, uint32_t up, uint32_t failed);

/* A failed instance. */
struct candidate {
	uint64_t failed_rev;
	uint32_t order; /* breaks ties: smaller first; unique */
	bool held;      /* out */
	void *item;     /* the caller's */
};

/* Decides for all failed instances of a service who is held; sorts them, the held ones
 * first. Returns how many are. */
uint32_t floor_choose(const struct service *s, uint32_t base, uint32_t up,
	struct candidate *failed, uint32_t n);

#endif
