/*
 * What the driver knows of itself and, as a follower, of how old its state is.
 */
#include "replica/driver_internal.h"

/* A message of the leader of term, which is not older than ours. */
void driver_note_contact(struct driver *d, uint64_t term)
{
	if (term < raft_current_term(&d->core))
		return;
	if (term != d->leader_term)
		d->newest = d->pending = (struct heard){0};
	d->leader_term = term;
	d->suspicion = (struct suspicion){0};
	d->heard_ms = d->contact_ms = d->now_ms;
}

/* One that was overtaken on its way says nothing about now. */
void driver_note_commit(struct driver *d, uint64_t leader_commit)
{
	if (leader_commit < d->newest.commit)
		return;
	d->newest = (struct heard){.commit = leader_commit, .ms = d->now_ms};
	if (d->pending.ms == 0)
		d->pending = d->newest;
}

/* The oldest that is not applied yet is waited for: under constant writes the newest
 * never would be reached. */
void driver_note_applied(struct driver *d)
{
	if (d->pending.ms == 0 || d->applied < d->pending.commit)
		return;
	d->current_ms = d->pending.ms;
	d->pending = (struct heard){0};
	if (d->applied >= d->newest.commit)
		d->current_ms = d->newest.ms;
	else
		d->pending = d->newest;
}

static enum driver_role role_of(const struct driver *d)
{
	switch (d->core.state) {
	case RAFT_LEADER:
		return DRIVER_LEADER;
	case RAFT_CANDIDATE:
		return DRIVER_CANDIDATE;
	default:
		return DRIVER_FOLLOWER;
	}
}

/* The engine goes on naming the leader of an earlier term. */
static uint64_t leader_of(const struct driver *d)
{
	if (driver_leads(d))
		return d->o.node;
	if (d->core.state != RAFT_FOLLOWER ||
		d->leader_term != raft_current_term(&d->core))
		return 0;
	return d->core.follower_state.current_leader.id;
}

void driver_status(const struct driver *d, struct driver_status *out)
{
	*out = (struct driver_status){
		.role = role_of(d),
		.ready = driver_ready(d),
		.leader = leader_of(d),
		.term = raft_current_term(&d->core),
		.first_index = journal_first(d->o.journal),
		.last_index = journal_last(d->o.journal),
		.commit_index = raft_commit_index(&d->core),
		.applied_index = d->applied,
		.transferring = d->transfer.active,
		.changing = d->core.configuration_uncommitted_index != 0,
		.contact_ms = d->contact_ms,
		.current_ms = d->current_ms,
		.sync_us = d->sync_us,
	};
	for (unsigned i = 0; i < d->core.configuration.n; i++)
		out->voters += d->core.configuration.servers[i].role == RAFT_VOTER;
}
