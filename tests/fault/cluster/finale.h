/*
 * What must hold when all is over: every member has everything, they are equal to the
 * byte, and none has complained in its log.
 */
#ifndef TESTS_FAULT_CLUSTER_FINALE_H
#define TESTS_FAULT_CLUSTER_FINALE_H

#include "member.h"

/* Each waits or looks, tells on stderr what is wrong, and gives the number of faults. */
uint64_t finale_caught_up(struct cluster *c, int timeout_ms); /* nobody writes any more */
uint64_t finale_equal(struct cluster *c, uint64_t *services);
uint64_t finale_stop(struct cluster *c); /* SIGTERM: exit status 0 of each */
uint64_t finale_logs(struct cluster *c);

#endif
