/*
 * Cures for defects at the edges of libraft 0.22, each named as in the notes that
 * describe them: what goes wrong, and the evidence, is said at each function.
 */
#ifndef SVCD_REPLICA_CURES_H
#define SVCD_REPLICA_CURES_H

#include "replica/driver_internal.h"

/* before RAFT_START */
void cure_s1_new_term(struct ballot *b, uint64_t node);

/* before RAFT_TIMEOUT */
int cure_s1_vote_first(struct driver *d);
void cure_e3_calm_candidate(struct driver *d);

/* messages that come in; false: drop it */
bool cure_x1_trim(const struct driver *d, struct raft_append_entries *ae);
bool cure_x3_fresh_result(struct driver *d, const struct raft_message *m);
bool cure_x4_vote_result(struct driver *d);
bool cure_p1_newer_snapshot(struct driver *d, struct raft_message *m);
void cure_e2_old_leader(const struct driver *d, struct raft_request_vote *rv);
bool cure_e2_must_vote(
	struct driver *d, struct raft_server *self, struct raft_configuration *saved);
int cure_u1_settle_change(struct driver *d);

/* messages that go out */
void cure_x2_old_request(
	const struct driver *d, const struct raft_event *ev, struct raft_message *m);
void cure_e1_tell_term(const struct driver *d, struct raft_message *m);

/* as leader */
int cure_m2_first_entry(struct driver *d);

#endif
