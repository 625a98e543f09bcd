/*
 * What must hold of leases, whoever leads, counted in the one time that the sim has and
 * its members cannot know:
 *
 *   - none is ended earlier than its TTL after a renewal that a leader said yes to. It
 *     counts from when the leader handled it, which is later than when its client asked,
 *     and whether or not the answer arrived; a grant counts from when it was proposed.
 *   - none is ended earlier than its TTL after the election of the leader that ended it;
 *   - no clock of leases moves at a leader that has not heard a majority of its voters
 *     within LEASE_TRUST_MS;
 *   - who is left alone ends when all is well (sim_disagreement asks sim_lease_left).
 *
 * An end happens when its leader takes it, before it is written.
 */
#include "sim.h"

void sim_check_renewed(struct member *m, uint64_t id)
{
	struct sim *s = m->sim;
	struct sim_lease *l = sim_lease(s, id);

	sim_assert(s, l != NULL);
	if (l->ended)
		sim_fail(s, "%llu renews lease %llu, which has ended",
			(unsigned long long)m->node, (unsigned long long)id);
	l->sure_ms = s->now_ms;
	sim_trace(s, "%llu renews lease %llu", (unsigned long long)m->node,
		(unsigned long long)id);
}

static void check_end(struct sim *s, struct sim_lease *l, const struct sim_ending *x)
{
	uint64_t elected_ms = s->elected_ms[x->term];

	if (x->taken_ms < l->sure_ms + l->ttl_ms)
		sim_fail(s, "lease %llu of %u ms ended %lld ms after a renewal",
			(unsigned long long)l->id, l->ttl_ms,
			(long long)(x->taken_ms - l->sure_ms));
	if (x->taken_ms < elected_ms + l->ttl_ms)
		sim_fail(s, "lease %llu of %u ms ended %lld ms after the election",
			(unsigned long long)l->id, l->ttl_ms,
			(long long)(x->taken_ms - elected_ms));
	s->counts.expired += !l->ended;
	l->ended = true;
}

void sim_check_ended(struct sim *s, const struct sim_ending *x)
{
	for (size_t i = 0; i < x->n; i++) {
		struct sim_lease *l = sim_lease(s, x->ids[i]);

		sim_assert(s, l != NULL);
		check_end(s, l, x);
		sim_trace(s, "lease %llu ends, taken at %llu", (unsigned long long)l->id,
			(unsigned long long)x->taken_ms);
	}
}

/* ---- the clock --------------------------------------------------------- */

void sim_check_heard(struct member *m, uint64_t from)
{
	const struct member *other = sim_member(m->sim, from);

	if (other)
		m->heard_ms[other->slot] = m->sim->now_ms;
}

/* A majority of the voters, by what arrived. *all: which they are. */
static bool hears_majority(struct member *m, uint64_t since_ms, uint64_t *all)
{
	struct driver_member members[SIM_SLOTS];
	size_t n = driver_members(m->driver, members, SIM_SLOTS);
	unsigned voters = 0, heard = 0;

	*all = 0;
	for (size_t i = 0; i < n; i++) {
		const struct member *other = sim_member(m->sim, members[i].node);

		if (!members[i].voter)
			continue;
		voters++;
		*all += members[i].node * members[i].node;
		heard += other && (other == m || m->heard_ms[other->slot] >= since_ms);
	}
	return 2 * heard > voters;
}

/* Who became a voter a moment ago was not asked. */
void sim_check_clock(struct member *m, uint64_t moved_ms)
{
	struct sim *s = m->sim;
	uint64_t since_ms = s->now_ms > LEASE_TRUST_MS ? s->now_ms - LEASE_TRUST_MS : 0;
	uint64_t voters;
	bool heard = hears_majority(m, since_ms, &voters);

	if (voters != m->voters) {
		m->voters = voters;
		m->voters_ms = s->now_ms;
	}
	if (moved_ms > 0 && !heard && m->voters_ms < since_ms)
		sim_fail(s, "%llu lets leases age, and no majority is heard",
			(unsigned long long)m->node);
}

/* ---- at the end -------------------------------------------------------- */

bool sim_lease_left(const struct sim *s)
{
	for (unsigned i = 0; i < s->n_leases; i++)
		if (s->leases[i].left && !s->leases[i].ended)
			return true;
	return false;
}
