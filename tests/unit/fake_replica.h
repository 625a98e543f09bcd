/*
 * A replica without a log, for tests of the server: the same door (replica/replica.h),
 * the real catalog and store behind it, one thread that applies, and handles to make it
 * misbehave. Linked instead of libreplica.
 */
#ifndef SVCD_TESTS_FAKE_REPLICA_H
#define SVCD_TESTS_FAKE_REPLICA_H

#include "replica/replica.h"

/* From now on proposals are answered with code (0: applied again). */
void fake_replica_refuse(struct replica *r, int code);
/* Proposals wait and are neither applied nor answered until it is released. */
void fake_replica_hold(struct replica *r, bool hold);
void fake_replica_role(struct replica *r, enum replica_role role);
void fake_replica_space_low(struct replica *r, bool low);
/* Applied commands that came so far. */
uint64_t fake_replica_applied(const struct replica *r);

#endif
