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
/* What the status says besides; true, "", false and 0 at the start. */
void fake_replica_quorum(struct replica *r, bool quorum);
void fake_replica_leader(struct replica *r, const char *client_address);
void fake_replica_diverged(struct replica *r, bool diverged);
void fake_replica_joining(struct replica *r, bool joining);
/* 1 at the start; who was told of its role was told of term 1. */
void fake_replica_term(struct replica *r, uint64_t term);
void fake_replica_age(struct replica *r, uint64_t age_ms);

/* A follower whose leader is there: proposals are applied although this one follows, and
 * questions to the leader come to fn, on the replica's thread. fn writes the answer and
 * returns its code. */
void fake_replica_follow(struct replica *r,
	int (*fn)(void *arg, uint32_t kind, struct bytes question, struct buf *answer),
	void *arg);

/* Reads that must be current wait until they are let go, with code. */
void fake_replica_hold_reads(struct replica *r, bool hold, int code);

/* Questions to the leader that it is itself are another member's from now on; else they
 * are of its own workers. */
void fake_replica_asked_by_other(struct replica *r, bool other);

/* The members that replica_members tells; list is copied. */
void fake_replica_members(struct replica *r, const struct replica_member *list, size_t n);
/* How changes of members end; the newest that was asked for goes to *last (its answer is
 * owed to the server and not touched). */
void fake_replica_changes(struct replica *r, int code, struct replica_change *last);

/* The state is replaced as a whole by the result of these commands, without telling which
 * services that changes. */
void fake_replica_replace(struct replica *r, const struct buf *commands, size_t n);

/* Applied commands that came so far. */
uint64_t fake_replica_applied(const struct replica *r);

#endif
