/*
 * Clients that watch all services of the load, one at each member, under fault: revisions
 * of a service come in order and without a gap, make up its digest, and at the end each
 * has heard the last word on every service.
 */
#ifndef TESTS_FAULT_CLUSTER_WATCHERS_H
#define TESTS_FAULT_CLUSTER_WATCHERS_H

#include "member.h"

struct watchers_stat {
	uint64_t events, connections;
	uint64_t gaps;  /* violations: a change of something else than was told before */
	uint64_t wrong; /* violations: what was told does not make up the digest */
	uint64_t unheard; /* violations: services whose last revision did not come */
};

struct watchers;

/* Services are named "s-0", "s-1" … */
struct watchers *watchers_start(struct cluster *c);
/* The cluster is well, and nobody writes any more. Frees. */
void watchers_end(struct watchers *w, struct watchers_stat *out);

#endif
