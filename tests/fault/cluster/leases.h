/*
 * Clients that hold a lease each and renew it through any member, under fault: a lease
 * must not end before its time to live has passed since the last renewal that was
 * answered, and when it is renewed no more it must end.
 */
#ifndef TESTS_FAULT_CLUSTER_LEASES_H
#define TESTS_FAULT_CLUSTER_LEASES_H

#include "member.h"

struct leases_stat {
	uint64_t granted, renewed;
	uint64_t ended; /* as they should: nothing was renewed for a time to live */
	uint64_t early; /* violations */
	uint64_t never; /* violations: still there long after the end of the renewals */
};

struct keepers;

struct keepers *keepers_start(struct cluster *c, int n, uint64_t seed);
/* The cluster is well: nothing is renewed from now on, and all have to end. Frees. */
void keepers_end(struct keepers *k, struct leases_stat *out);

#endif
