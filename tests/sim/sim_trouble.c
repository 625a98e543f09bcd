/*
 * What goes wrong in a sim, and what its operators and clients do.
 */
#include <string.h>

#include "sim.h"

bool sim_chance(struct sim *s, unsigned one_of)
{
	return one_of > 0 && rng_below(&s->rng, one_of) == 0;
}

void sim_profile_of(struct sim *s)
{
	static const unsigned losses[] = {0, 16, 8};
	static const unsigned delays[] = {2, 15, 30};
	static const unsigned trails[] = {0, 10, 60};

	s->p = (struct sim_profile){
		.drop = losses[rng_below(&s->rng, 3)],
		.dup = losses[rng_below(&s->rng, 3)],
		.delay_ms = delays[rng_below(&s->rng, 3)],
		.late = sim_chance(s, 2),
		.grown = sim_chance(s, 3),
		.change = !sim_chance(s, 3),
		.min_voters = 1 + (unsigned)rng_below(&s->rng, 2),
		.trailing = trails[rng_below(&s->rng, 3)],
		.checkpoint_every = 20 + (unsigned)rng_below(&s->rng, 60),
		.crashes = !sim_chance(s, 4),
		.cuts = !sim_chance(s, 4),
		.cut_every = sim_chance(s, 3) ? 80 : 15,
		.stalls = sim_chance(s, 2),
		.full = sim_chance(s, 3),
		.slow = sim_chance(s, 3),
		.news_later = sim_chance(s, 2),
		.leases = true,
		.election_ms = sim_chance(s, 6) ? 4 * SIM_ELECTION_MS : SIM_ELECTION_MS,
		.chaos_ms = 2500,
	};
}

static struct member *anybody(struct sim *s)
{
	struct member *m = &s->members[rng_below(&s->rng, SIM_SLOTS)];

	return m->life == SIM_NOBODY ? NULL : m;
}

/* ---- faults ------------------------------------------------------------ */

/* In the middle of what it does next; also of a start. */
static void break_down(struct sim *s)
{
	struct member *m = anybody(s);

	if (m && !m->disk.crashed && m->disk.crash_at == 0)
		fake_disk_crash_in(&m->disk, rng_below(&s->rng, 20), &s->rng);
}

static void cut_off(struct sim *s, unsigned slot)
{
	for (unsigned i = 0; i < SIM_SLOTS; i++)
		s->cut[slot][i] = s->cut[i][slot] = true;
}

static void break_links(struct sim *s)
{
	unsigned a = (unsigned)rng_below(&s->rng, SIM_SLOTS),
		 b = (unsigned)rng_below(&s->rng, SIM_SLOTS);
	const struct member *leader = sim_leader(s);

	switch (rng_below(&s->rng, 8)) {
	case 0:
	case 1:
		s->cut[a][b] = true; /* one way */
		break;
	case 2:
		s->cut[a][b] = s->cut[b][a] = true;
		break;
	case 3:
		cut_off(s, leader && sim_chance(s, 2) ? leader->slot : a);
		break;
	default:
		memset(s->cut, 0, sizeof(s->cut));
		break;
	}
}

static uint64_t used(const struct member *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->disk.now.n; i++)
		sum += m->disk.now.at[i].inode->len;
	return sum;
}

static void fill_up(struct sim *s)
{
	struct member *m = anybody(s);

	if (!m || m->space_ms)
		return;
	m->space_ms = s->now_ms + rng_below(&s->rng, 1500);
	if (sim_chance(s, 3))
		m->machine_full = true;
	else
		m->disk.capacity = used(m);
}

static void make_room(struct sim *s)
{
	for (size_t i = 0; i < SIM_SLOTS; i++) {
		struct member *m = &s->members[i];

		if (m->life == SIM_NOBODY || !m->space_ms ||
			(s->now_ms < m->space_ms && !s->calm))
			continue;
		m->space_ms = m->disk.capacity = 0;
		m->machine_full = false;
	}
}

static void stall(struct sim *s)
{
	struct member *m = anybody(s);

	if (m && sim_up(m))
		m->busy_ms = s->now_ms + rng_below(&s->rng, 500);
}

static void trouble(struct sim *s)
{
	if (s->p.crashes && sim_chance(s, 60))
		break_down(s);
	if (s->p.cuts && sim_chance(s, s->p.cut_every))
		break_links(s);
	if (s->p.cuts && sim_chance(s, 15)) {
		struct member *a = anybody(s), *b = anybody(s);

		if (a && b)
			sim_suspect(a, b->node);
	}
	if (s->p.stalls && sim_chance(s, 80))
		stall(s);
	if (s->p.full && sim_chance(s, 60))
		fill_up(s);
}

/* ---- operators --------------------------------------------------------- */

static bool in(const struct driver_member *members, size_t n, uint64_t node)
{
	for (size_t i = 0; i < n; i++)
		if (members[i].node == node)
			return true;
	return false;
}

static void add_some(struct member *leader, const struct driver_member *members, size_t n)
{
	struct sim *s = leader->sim;

	for (size_t i = 0; i < SIM_SLOTS; i++) {
		struct member *m = &s->members[i];

		if (m->life != SIM_NOBODY && !m->was_member && !in(members, n, m->node)) {
			sim_change(leader, DRIVER_ADD_STANDBY, m->node);
			return;
		}
	}
	if (!s->calm) {
		struct member *m = sim_add(s);

		if (m)
			sim_start(m);
	}
}

static void promote_some(
	struct member *leader, const struct driver_member *members, size_t n)
{
	struct driver_status st;

	driver_status(leader->driver, &st);
	for (size_t i = 0; i < n; i++)
		if (!members[i].voter && members[i].match + 20 >= st.last_index) {
			sim_change(leader, DRIVER_PROMOTE, members[i].node);
			return;
		}
}

static unsigned voters_of(const struct driver_member *members, size_t n)
{
	unsigned voters = 0;

	for (size_t i = 0; i < n; i++)
		voters += members[i].voter;
	return voters;
}

/* A leader hands over before it goes. */
static void take_out(struct member *leader, const struct driver_member *members, size_t n,
	enum driver_change change)
{
	struct sim *s = leader->sim;
	const struct driver_member *one = &members[rng_below(&s->rng, n)];

	if (one->voter && voters_of(members, n) <= s->p.min_voters)
		return;
	sim_change(leader, change, one->node);
	if (one->node == leader->node)
		sim_transfer(leader, 0);
}

static void change_members(struct sim *s)
{
	struct member *leader = sim_leader(s);
	struct driver_member members[SIM_SLOTS];
	size_t n;

	if (!leader)
		return;
	n = driver_members(leader->driver, members, SIM_SLOTS);
	if (voters_of(members, n) < s->voters && sim_chance(s, 2)) {
		promote_some(leader, members, n);
		return;
	}
	switch (s->p.change && !s->calm ? rng_below(&s->rng, 8) : 2) {
	case 0:
		take_out(leader, members, n, DRIVER_DEMOTE);
		break;
	case 1:
		take_out(leader, members, n, DRIVER_REMOVE);
		break;
	default:
		add_some(leader, members, n);
		break;
	}
}

/* Whoever is out for good may go on for a while, and is then switched off. */
static void throw_away(struct sim *s)
{
	struct member *m = anybody(s);

	if (!m || !m->was_member || m->disk.crashed)
		return;
	for (unsigned i = 0; i < s->n_members; i++)
		if (s->members_now[i] == m->node)
			return;
	sim_retire(m);
}

static void hand_over(struct sim *s)
{
	struct member *leader = sim_leader(s), *to = anybody(s);

	if (leader)
		sim_transfer(leader, to && sim_chance(s, 2) ? to->node : 0);
}

static void take_checkpoints(struct sim *s)
{
	struct member *m = anybody(s);

	if (m && sim_up(m) &&
		m->at.index >= s->p.checkpoint_every +
				(m->checkpoint ? m->checkpoint->index : 0))
		sim_take_checkpoint(m);
}

/* ---- clients ----------------------------------------------------------- */

static void use(struct sim *s)
{
	struct member *leader = sim_leader(s), *m = anybody(s);

	if (leader && sim_chance(s, 2))
		sim_propose(leader);
	if (m && sim_up(m) && sim_chance(s, 4))
		sim_propose(m);
	m = anybody(s);
	if (m && sim_up(m) && sim_chance(s, 2))
		sim_read(m);
}

void sim_operate(struct sim *s)
{
	use(s);
	sim_clients_act(s);
	make_room(s);
	take_checkpoints(s);
	if (sim_chance(s, s->p.change || s->p.grown ? 6 : 0))
		change_members(s);
	if (s->calm)
		return;
	trouble(s);
	if (sim_chance(s, 100))
		hand_over(s);
	if (s->p.change && sim_chance(s, 20))
		throw_away(s);
}

void sim_heal(struct sim *s)
{
	s->calm = true;
	memset(s->cut, 0, sizeof(s->cut));
	for (size_t i = 0; i < SIM_SLOTS; i++)
		s->members[i].disk.crash_at = 0;
	make_room(s);
}
