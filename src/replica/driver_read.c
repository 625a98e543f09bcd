/*
 * Reads that must be current: read index (Ongaro, thesis 6.4). The index is the commit
 * index when the round begins; a majority of the voters that still follows us after that
 * proves that nobody else could have committed more by then.
 */
#include "replica/driver_internal.h"

#include <stdlib.h>

static int push(struct read_list *l, void *ticket)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		void **more = realloc(l->tickets, cap * sizeof(*more));

		if (!more)
			return SVCD_ENOMEM;
		l->tickets = more;
		l->cap = cap;
	}
	l->tickets[l->n++] = ticket;
	return 0;
}

/* The list is taken away first: whoever is answered may ask again. */
static void answer(struct driver *d, struct read_list *l, int code, uint64_t index)
{
	struct read_list taken = *l;

	*l = (struct read_list){0};
	for (size_t i = 0; i < taken.n; i++)
		d->o.machine->read(d->o.arg, taken.tickets[i], code, index);
	free(taken.tickets);
}

void driver_read_lose(struct driver *d)
{
	d->reads.busy = false;
	answer(d, &d->reads.asked, SVCD_ENOLEADER, 0);
	answer(d, &d->reads.waiting, SVCD_ENOLEADER, 0);
}

/* ---- who follows ------------------------------------------------------- */

/* By the newest configuration, committed or not. */
static bool confirmed(struct driver *d)
{
	const struct raft_configuration *c = &d->core.configuration;
	unsigned voters = 0, yes = 0;

	for (unsigned i = 0; i < c->n; i++) {
		const struct peer *p;

		if (c->servers[i].role != RAFT_VOTER)
			continue;
		voters++;
		p = driver_peer(d, c->servers[i].id);
		yes += c->servers[i].id == d->o.node || (p && p->round == d->reads.round);
	}
	return 2 * yes > voters;
}

static void ping(struct driver *d)
{
	const struct raft_configuration *c = &d->core.configuration;

	d->reads.sent_ms = d->now_ms;
	for (unsigned i = 0; d->o.transport && i < c->n; i++) {
		struct peer *p = driver_peer(d, c->servers[i].id);

		if (p && p->round != d->reads.round)
			d->o.transport->ping(
				d->o.arg, p->node, d->reads.term, d->reads.round);
	}
}

/* ---- logs that lost entries --------------------------------------------- */

/* An answer takes its time, and the next round may begin before. */
static void note_confirmed(struct driver *d)
{
	for (size_t i = 0; i < d->n_peers; i++) {
		struct peer *p = &d->peers[i];
		raft_index match;

		if ((p->asked != 0 && d->now_ms - p->asked_ms < d->o.election_ms) ||
			raft_match_index(&d->core, p->node, &match) != 0)
			continue;
		p->asked = d->reads.round;
		p->asked_ms = d->now_ms;
		p->had = match;
	}
}

/* What a member confirmed in our term nobody takes from its log: entries of it got lost,
 * on a bad disk or because an older copy was put in its place. The engine takes its
 * rejections for late ones, and sends it nothing more. */
static void compare_with_confirmed(
	struct driver *d, struct peer *p, uint64_t round, uint64_t last)
{
	if (round != p->asked)
		return;
	p->asked = 0;
	p->has = last;
	p->lack_term = last < p->had ? raft_current_term(&d->core) : 0;
}

/* ---- a round ----------------------------------------------------------- */

static void begin(struct driver *d)
{
	struct reads *r = &d->reads;
	struct read_list empty = r->asked;

	r->asked = r->waiting;
	r->waiting = empty;
	r->busy = true;
	r->round++;
	r->index = raft_commit_index(&d->core);
	note_confirmed(d);
	if (!confirmed(d))
		ping(d);
}

static bool may_begin(const struct driver *d)
{
	return !d->reads.busy && d->reads.waiting.n && d->term_first != 0 &&
		d->applied >= d->term_first;
}

void driver_read_step(struct driver *d)
{
	struct reads *r = &d->reads;

	if (r->asked.n + r->waiting.n == 0)
		return;
	if (!driver_leads(d) || raft_current_term(&d->core) != r->term) {
		driver_read_lose(d);
		return;
	}
	if (may_begin(d))
		begin(d);
	while (r->busy && confirmed(d)) {
		r->busy = false;
		answer(d, &r->asked, 0, r->index);
		if (may_begin(d))
			begin(d);
	}
	if (r->busy && d->now_ms - r->sent_ms >= d->o.heartbeat_ms)
		ping(d);
}

/* ---- interface --------------------------------------------------------- */

int driver_read(struct driver *d, uint64_t now_ms, void *ticket)
{
	int rc;

	driver_set_now(d, now_ms);
	if (!driver_leads(d))
		return SVCD_ENOLEADER;
	d->reads.term = raft_current_term(&d->core);
	rc = push(&d->reads.waiting, ticket);
	if (rc == 0)
		driver_read_step(d);
	return rc;
}

int driver_receive_ping(
	struct driver *d, uint64_t now_ms, uint64_t from, uint64_t term, uint64_t round)
{
	driver_set_now(d, now_ms);
	if (d->core.state == RAFT_FOLLOWER && raft_current_term(&d->core) == term &&
		d->core.follower_state.current_leader.id == from && d->o.transport)
		d->o.transport->pong(
			d->o.arg, from, term, round, raft_last_index(&d->core));
	return 0;
}

int driver_receive_pong(struct driver *d, uint64_t now_ms, uint64_t from, uint64_t term,
	uint64_t round, uint64_t last)
{
	struct peer *p;

	driver_set_now(d, now_ms);
	if (!driver_leads(d) || raft_current_term(&d->core) != term)
		return 0;
	p = driver_peer(d, from);
	if (!p)
		return 0;
	compare_with_confirmed(d, p, round, last);
	if (!d->reads.busy || round != d->reads.round)
		return 0;
	p->round = round;
	driver_read_step(d);
	return 0;
}
