/*
 * A leader whose process ended is followed by another one sooner than by the election
 * timeout: the kernel closes its connections at once. That is a hint, no proof. So a
 * heartbeat has to be missing as well, and what begins is a pre-vote, which disturbs
 * nobody who still hears the leader. The members that saw it wait for different times, so
 * that they do not split the vote.
 */
#include "replica/driver_internal.h"

#define SLACK_MS 10 /* a heartbeat may be a little late */

void driver_suspect(struct driver *d, uint64_t now_ms, uint64_t node)
{
	struct driver_status s;

	driver_set_now(d, now_ms);
	driver_status(d, &s);
	if (s.role != DRIVER_FOLLOWER || s.leader != node || d->suspicion.since_ms != 0)
		return;
	d->suspicion.since_ms = d->now_ms;
	d->suspicion.due_ms = d->now_ms + d->o.heartbeat_ms + SLACK_MS +
		rng_below(&d->rng, d->o.election_ms / 3 + 1);
}

bool driver_leader_is_gone(const struct driver *d)
{
	return d->suspicion.since_ms != 0 &&
		d->now_ms - d->suspicion.since_ms >= d->o.heartbeat_ms;
}

/* The engine's timer of a follower runs out now. */
void driver_suspicion_tick(struct driver *d)
{
	if (d->suspicion.due_ms == 0 || d->now_ms < d->suspicion.due_ms)
		return;
	d->suspicion.due_ms = 0;
	if (d->core.state == RAFT_FOLLOWER)
		d->core.election_timer_start = 0;
}
