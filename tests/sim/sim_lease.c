/*
 * The leases of a member of a sim: the table and the rules that ship (server/lease.c,
 * server/expiry.c), and what ageing.c, leading.c and the replica do around them.
 */
#include <stdlib.h>

#include "sim.h"

#define QUEUE_MS 5 /* until the driver is asked again whether it takes one more */
#define EXPIRIES_PER_SECOND 2000

/* ---- reading the truth ------------------------------------------------- */

struct sim_lease *sim_lease(struct sim *s, uint64_t id)
{
	for (unsigned i = s->n_leases; i-- > 0;)
		if (s->leases[i].id == id)
			return &s->leases[i];
	return NULL;
}

/* ---- in office --------------------------------------------------------- */

static bool take_in(void *arg, const struct lease *lease)
{
	struct member *m = arg;

	sim_assert(m->sim, leases_add(m->leases, lease, NULL) == 0);
	return true;
}

static void lead(struct member *m, uint64_t term)
{
	expiry_lead(&m->expiry, term, m->sim->now_ms);
	m->age_at_ms = 0;
	catalog_each_lease(&m->tables.base, take_in, m);
	heap_push(&m->sim->timers, &m->ageing, m->sim->now_ms + 1);
}

/* As propose.c refuses what waits when there is nobody to take it. */
static void drop_endings(struct member *m, bool also_proposed)
{
	for (unsigned i = 0; i < EXPIRY_IN_FLIGHT_MAX; i++)
		if (m->ending[i].state == ENDING_QUEUED ||
			(also_proposed && m->ending[i].state == ENDING_PROPOSED))
			sim_lease_over(m, &m->ending[i], SVCD_ENOLEADER);
}

static void follow(struct member *m)
{
	expiry_follow(&m->expiry);
	drop_endings(m, false);
	heap_remove(&m->sim->timers, &m->ageing);
}

/* Told of the role as control.c is: another term is another office. */
void sim_lease_role(struct member *m)
{
	struct driver_status st;

	driver_status(m->driver, &st);
	if (!m->sim->p.leases ||
		(st.ready == m->expiry.leading &&
			(!st.ready || st.term == m->expiry.term)))
		return;
	if (m->expiry.leading)
		follow(m);
	if (st.ready)
		lead(m, st.term);
}

void sim_lease_start(struct member *m)
{
	m->leases = leases_new(EXPIRIES_PER_SECOND);
	lease_holder_init(&m->holder);
	expiry_init(&m->expiry, m->leases);
	for (unsigned i = 0; i < EXPIRY_IN_FLIGHT_MAX; i++)
		m->ending[i].state = ENDING_NONE;
}

/* The process is over, and all that it had in memory. */
void sim_lease_stop(struct member *m)
{
	follow(m);
	drop_endings(m, true);
	sim_assert(m->sim, m->expiry.in_flight == 0);
	leases_free(m->leases);
	m->leases = NULL;
}

/* ---- ends -------------------------------------------------------------- */

void sim_lease_over(struct member *m, struct sim_ending *x, int code)
{
	x->state = ENDING_NONE;
	expiry_over(&m->expiry, m->sim->now_ms, x->term, x->ids, x->n, code);
}

struct sim_ending *sim_lease_ending(struct member *m, uint32_t write)
{
	for (unsigned i = 0; i < EXPIRY_IN_FLIGHT_MAX; i++)
		if (m->ending[i].state == ENDING_PROPOSED && m->ending[i].write == write)
			return &m->ending[i];
	return NULL;
}

/* It waits for the driver as proposals do in the replica. */
static void propose(struct member *m, struct sim_ending *x)
{
	static struct buf command;
	struct sim *s = m->sim;
	int rc;

	if (!driver_may_submit(m->driver))
		return;
	buf_clear(&command);
	sim_assert(
		s, command_leases_end(x->ids, x->n, CAUSE_LEASE_EXPIRED, &command) == 0);
	x->write = s->n_writes + 1;
	x->state = ENDING_PROPOSED;
	sim_note_end(s, x);
	rc = sim_submit(m, buf_bytes(&command));
	if (rc != 0)
		sim_note_drop(s, x->write);
	if (rc != 0 && sim_up(m) && sim_lease_ending(m, x->write) == x)
		sim_lease_over(m, x, rc);
}

static bool works(const struct member *m)
{
	return sim_up(m) && m->expiry.leading;
}

static void propose_queue(struct member *m)
{
	for (unsigned i = 0; i < EXPIRY_IN_FLIGHT_MAX && works(m); i++)
		if (m->ending[i].state == ENDING_QUEUED)
			propose(m, &m->ending[i]);
}

static struct sim_ending *free_slot(struct member *m)
{
	for (unsigned i = 0; i < EXPIRY_IN_FLIGHT_MAX; i++)
		if (m->ending[i].state == ENDING_NONE)
			return &m->ending[i];
	sim_fail(m->sim, "more ends are under way than allowed");
}

static bool take_some(struct member *m)
{
	struct sim_ending x = {.state = ENDING_QUEUED,
		.term = m->expiry.term,
		.taken_ms = m->sim->now_ms};
	enum cause_kind cause;

	x.n = expiry_take(&m->expiry, m->sim->now_ms, x.ids, SIM_BATCH, &cause);
	if (x.n == 0)
		return false;
	sim_assert(m->sim, cause == CAUSE_LEASE_EXPIRED);
	*free_slot(m) = x;
	return true;
}

/* ---- time -------------------------------------------------------------- */

static void let_time_pass(struct member *m)
{
	uint64_t before = leases_clock_ms(m->leases);
	struct driver_status st;
	struct expiry_sight seen;

	driver_status(m->driver, &st);
	seen = (struct expiry_sight){
		.term = st.term,
		.leads = st.ready,
		.has_space = m->space_ms == 0,
		.takes_renewals = true,
	};
	expiry_tick(&m->expiry, m->sim->now_ms, &seen);
	sim_check_clock(m, leases_clock_ms(m->leases) - before);
}

static void ask_the_voters(struct member *m)
{
	uint64_t term = m->expiry.term;
	int rc;

	if (!expiry_ask(&m->expiry, m->sim->now_ms))
		return;
	sim_begin(m);
	m->reads++;
	rc = driver_read(
		m->driver, m->sim->now_ms, (void *)(uintptr_t)(SIM_LEASE_READ | term));
	if (rc != 0) {
		m->reads--;
		expiry_asked(&m->expiry, term, rc);
	}
	sim_end(m, 0);
}

static bool is_queued(const struct member *m)
{
	for (unsigned i = 0; i < EXPIRY_IN_FLIGHT_MAX; i++)
		if (m->ending[i].state == ENDING_QUEUED)
			return true;
	return false;
}

void sim_lease_tick(struct member *m)
{
	struct sim *s = m->sim;

	if (m->busy_ms > s->now_ms) {
		heap_push(&s->timers, &m->ageing, m->busy_ms);
		return;
	}
	if (s->now_ms >= m->age_at_ms) {
		m->age_at_ms = s->now_ms + EXPIRY_TICK_MS;
		let_time_pass(m);
		ask_the_voters(m);
		while (works(m) && take_some(m))
			;
	}
	propose_queue(m);
	if (works(m))
		heap_push(&s->timers, &m->ageing,
			is_queued(m) ? s->now_ms + QUEUE_MS : m->age_at_ms);
}

/* ---- renewals ---------------------------------------------------------- */

/* As a lease of the catalog that the table does not know is found in leading.c. */
static bool recall(struct member *m, uint64_t id)
{
	struct lease lease;

	return catalog_get_lease(&m->tables.base, id, &lease) &&
		leases_add(m->leases, &lease, &m->holder) == 0;
}

enum sim_renewed sim_lease_renew(struct member *m, uint64_t id)
{
	uint64_t unknown = id, ttl_ms;
	int n;

	if (!leases_leading(m->leases) || leases_doubted(m->leases, m->sim->now_ms))
		return RENEW_REFUSED;
	n = leases_renew(m->leases, &id, 1, &m->holder, &unknown, &ttl_ms);
	if (n == 1 && !recall(m, id))
		return RENEW_LOST;
	sim_check_renewed(m, id);
	return RENEW_DONE;
}

/* ---- what comes back --------------------------------------------------- */

/* Of driver_read. */
void sim_lease_read(struct member *m, uint64_t ticket, int code)
{
	expiry_asked(&m->expiry, ticket & ~SIM_LEASE_READ, code);
}

/* A write of this member was applied, and all that came before. */
void sim_lease_done(struct member *m, uint32_t write)
{
	struct sim_ending *x = sim_lease_ending(m, write);
	struct lease lease;

	if (x)
		sim_lease_over(m, x, 0);
	else if (sim_granted(m->sim, write, &lease) && m->expiry.leading)
		sim_assert(m->sim,
			leases_add(m->leases, &lease, &m->holder) == 0 ||
				!leases_leading(m->leases));
}

void sim_lease_lost(struct member *m, uint32_t write, int code)
{
	struct sim_ending *x = sim_lease_ending(m, write);

	if (x)
		sim_lease_over(m, x, code);
}
