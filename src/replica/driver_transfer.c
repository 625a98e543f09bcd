/*
 * Handing leadership over: proposals stop, everything that was proposed gets committed,
 * the heir has all of it, and only then it is told to stand for election. The engine
 * alone would say so once, maybe too early, and never again.
 */
#include "replica/driver_internal.h"

static bool is_heir(const struct driver *d, const struct raft_server *s)
{
	return s && s->role == RAFT_VOTER && s->id != d->o.node;
}

static bool has_heir(const struct driver *d)
{
	for (unsigned i = 0; i < d->core.configuration.n; i++)
		if (is_heir(d, &d->core.configuration.servers[i]))
			return true;
	return false;
}

/* Of those that have everything, the one that was heard last. 0: nobody yet. */
static uint64_t choose(struct driver *d)
{
	const struct raft_configuration *c = &d->core.configuration;
	uint64_t best = 0, best_ms = 0;

	for (unsigned i = 0; i < c->n; i++) {
		const struct raft_server *s = &c->servers[i];
		struct peer *p = driver_peer(d, s->id);
		raft_index match;

		if (!is_heir(d, s) || (d->transfer.node && d->transfer.node != s->id) ||
			raft_match_index(&d->core, s->id, &match) != 0 ||
			match != raft_last_index(&d->core))
			continue;
		if (!best || (p && p->heard_ms > best_ms)) {
			best = s->id;
			best_ms = p ? p->heard_ms : 0;
		}
	}
	return best;
}

/* The engine refuses a second transfer while it waits for the first. */
static void forget_in_engine(struct driver *d)
{
	if (!driver_leads(d))
		return;
	d->core.leader_state.transferee = 0;
	d->core.leader_state.transferring = false;
}

static bool over(const struct driver *d)
{
	const struct transfer *t = &d->transfer;

	return !driver_leads(d) || d->now_ms >= t->until_ms ||
		(t->node && !is_heir(d, driver_server(d, t->node)));
}

int driver_transfer_step(struct driver *d)
{
	struct raft_event ev = {.type = RAFT_TRANSFER};
	struct transfer *t = &d->transfer;

	if (!t->active)
		return 0;
	if (over(d)) {
		forget_in_engine(d);
		*t = (struct transfer){0};
		return 0;
	}
	if (raft_commit_index(&d->core) != raft_last_index(&d->core) ||
		(t->sent_ms && d->now_ms - t->sent_ms < d->o.heartbeat_ms))
		return 0;
	ev.transfer.server_id = choose(d);
	if (ev.transfer.server_id == 0)
		return 0;
	forget_in_engine(d);
	t->sent_ms = d->now_ms;
	return driver_feed(d, &ev);
}

int driver_transfer(struct driver *d, uint64_t now_ms, uint64_t node)
{
	driver_set_now(d, now_ms);
	if (!driver_leads(d))
		return SVCD_ENOLEADER;
	if (d->transfer.active)
		return SVCD_EBUSY;
	if (node ? !is_heir(d, driver_server(d, node)) : !has_heir(d))
		return SVCD_ENOTFOUND;
	d->transfer = (struct transfer){
		.active = true,
		.node = node,
		.until_ms = d->now_ms + d->o.election_ms,
	};
	return driver_after(d);
}
