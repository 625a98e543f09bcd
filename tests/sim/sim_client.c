/*
 * Clients of a sim that hold leases: each has one granted, registers an instance on it,
 * renews it at whatever member comes first, and leaves it alone some day. They know what
 * they were told; what is true is in sim->leases.
 */
#include <stdlib.h>

#include "../unit/world.h"
#include "sim.h"

#define GRANT_PATIENCE_MS 1000
#define TTL_RANGE_MS 500

static struct bytes build(const char *method, const char *params)
{
	static struct world w;
	static bool begun;

	if (!begun)
		world_init(&w, NULL);
	begun = true;
	if (world_build(&w, method, params) != 0)
		abort();
	return buf_bytes(&w.command);
}

/* ---- notes of what was written ----------------------------------------- */

static struct sim_note *note_new(struct sim *s, uint32_t write)
{
	struct sim_note *n;

	sim_assert(s, s->n_notes < SIM_NOTES_MAX);
	n = &s->notes[s->n_notes++];
	*n = (struct sim_note){.write = write, .begun_ms = s->now_ms};
	return n;
}

static struct sim_note *note_of(struct sim *s, uint32_t write)
{
	for (unsigned i = s->n_notes; i-- > 0;)
		if (s->notes[i].write == write)
			return &s->notes[i];
	return NULL;
}

void sim_note_end(struct sim *s, const struct sim_ending *x)
{
	note_new(s, x->write)->end = *x;
}

/* It was not taken: another write has its number. */
void sim_note_drop(struct sim *s, uint32_t write)
{
	struct sim_note *n = note_of(s, write);

	sim_assert(s, n && !n->applied);
	n->write = 0;
}

static void grant_applied(struct sim *s, struct sim_note *n, const struct outcome *out)
{
	sim_assert(s, s->n_leases < SIM_LEASES_MAX);
	n->lease = out->value;
	s->leases[s->n_leases++] = (struct sim_lease){
		.id = out->value,
		.ttl_ms = (uint32_t)out->ttl_ms,
		.sure_ms = n->begun_ms,
		.left = true, /* until its client knows of it */
	};
}

/* By whoever applies it first: all others do the same. */
void sim_lease_applied(struct sim *s, uint32_t write, const struct outcome *out)
{
	struct sim_note *n = note_of(s, write);

	if (!n || n->applied || out->code != 0)
		return;
	n->applied = true;
	if (n->end.n > 0)
		sim_check_ended(s, &n->end);
	else
		grant_applied(s, n, out);
}

bool sim_granted(struct sim *s, uint32_t write, struct lease *out)
{
	const struct sim_note *n = note_of(s, write);
	const struct sim_lease *l = n ? sim_lease(s, n->lease) : NULL;

	if (!l)
		return false;
	*out = (struct lease){.id = l->id, .ttl_ms = l->ttl_ms};
	return true;
}

/* ---- one client -------------------------------------------------------- */

void sim_client_grant(struct member *m, unsigned client, unsigned ttl_ms)
{
	struct sim *s = m->sim;
	struct sim_client *c = &s->clients[client];
	char params[64];

	if (s->n_leases + SIM_CLIENTS >= SIM_LEASES_MAX)
		return;
	snprintf(params, sizeof(params), "{ttl_ms:%u,on_close:keep}", ttl_ms);
	c->granting = s->n_writes + 1;
	note_new(s, c->granting);
	if (sim_submit(m, build("lease_grant", params)) == 0)
		return;
	sim_note_drop(s, c->granting);
	c->granting = 0;
}

/* The client learns that its grant is written. */
void sim_client_told(struct sim *s, uint32_t write)
{
	struct lease lease;

	for (unsigned i = 0; i < SIM_CLIENTS; i++) {
		struct sim_client *c = &s->clients[i];

		if (!write || c->granting != write || !sim_granted(s, write, &lease))
			continue;
		c->granting = 0;
		c->next_ms = s->now_ms;
		c->lease = lease.id;
		c->registered = false;
		sim_lease(s, c->lease)->left = false;
	}
}

static void enlist(struct member *m, unsigned client)
{
	struct sim_client *c = &m->sim->clients[client];
	char params[128];

	snprintf(params, sizeof(params),
		"{lease:%llu,instances:[{service:leased,id:%c}]}",
		(unsigned long long)c->lease, 'a' + (int)client);
	c->registered = sim_submit(m, build("register", params)) == 0;
}

void sim_client_leave(struct sim *s, unsigned client)
{
	struct sim_client *c = &s->clients[client];
	struct sim_lease *l = sim_lease(s, c->lease);

	if (l)
		l->left = true;
	c->lease = 0;
}

/* The answer of the leader, by way of whichever member. */
void sim_client_answered(
	struct sim *s, unsigned client, uint64_t lease, enum sim_renewed how)
{
	struct sim_client *c = &s->clients[client];

	if (c->lease != lease)
		return;
	s->counts.renewals += how == RENEW_DONE;
	c->renewed += how == RENEW_DONE;
	if (how == RENEW_LOST)
		sim_client_leave(s, client);
}

void sim_client_renew(struct member *m, unsigned client)
{
	uint64_t lease = m->sim->clients[client].lease;

	if (leases_leading(m->leases))
		sim_client_answered(m->sim, client, lease, sim_lease_renew(m, lease));
	else
		sim_forward(m, client, lease);
}

/* ---- at random --------------------------------------------------------- */

static struct member *anybody_up(struct sim *s)
{
	size_t from = rng_below(&s->rng, SIM_SLOTS);

	for (size_t i = 0; i < SIM_SLOTS; i++) {
		struct member *m = &s->members[(from + i) % SIM_SLOTS];

		if (sim_up(m) && m->busy_ms <= s->now_ms)
			return m;
	}
	return NULL;
}

static void go_on(struct sim *s, unsigned client)
{
	struct sim_client *c = &s->clients[client];
	struct member *leader = sim_leader(s), *m;
	const struct sim_lease *l = sim_lease(s, c->lease);

	if (!l)
		return;
	c->next_ms = s->now_ms + rng_below(&s->rng, l->ttl_ms / 4);
	if (!c->registered && leader)
		enlist(leader, client);
	m = anybody_up(s);
	if (m)
		sim_client_renew(m, client);
	if (sim_chance(s, 12))
		sim_client_leave(s, client);
}

static void begin(struct sim *s, unsigned client)
{
	struct sim_client *c = &s->clients[client];
	struct member *leader = sim_leader(s);

	c->granting = 0;
	if (!leader)
		return;
	c->next_ms = s->now_ms + GRANT_PATIENCE_MS;
	sim_client_grant(leader, client,
		LEASE_TTL_MIN_MS + (unsigned)rng_below(&s->rng, TTL_RANGE_MS));
}

/* In peace the even ones leave theirs alone, and all of those must end. */
void sim_clients_act(struct sim *s)
{
	for (unsigned i = 0; i < SIM_CLIENTS && s->p.leases; i++) {
		struct sim_client *c = &s->clients[i];

		if (s->calm && i % 2 == 0)
			sim_client_leave(s, i);
		else if (s->now_ms >= c->next_ms && c->lease)
			go_on(s, i);
		else if (s->now_ms >= c->next_ms)
			begin(s, i);
	}
}
