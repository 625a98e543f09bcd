#include "server/ageing.h"

#include <stdlib.h>

#include "base/log.h"
#include "server/worker.h"

#define TICK_MS 100
#define IN_FLIGHT_MAX 4
#define RETRY_MS 200
#define WORKER_STALE_MS 1000 /* workers say every 200 ms that they run */
#define COMPARE_MS 10000
#define LINES_PER_SECOND 10

/* One batch of leases whose end is proposed. */
struct ending {
	struct proposal proposal; /* first */
	struct ageing *ageing;
	enum cause_kind cause;
	size_t n;
	uint64_t ids[LIMIT_BATCH];
};

static void ending_free(struct ending *x)
{
	buf_fini(&x->proposal.command);
	buf_fini(&x->proposal.outcome.incarnations);
	free(x);
}

static void ending_log(const struct ending *x)
{
	struct ageing *a = x->ageing;
	const struct outcome *o = &x->proposal.outcome;

	if (log_gate_pass(&a->lines, loop_now_ms(a->loop)))
		log_info("leases_ended", L_STR("cause", cause_name(x->cause)),
			L_U64("leases", x->n), L_U64("instances", o->value),
			L_U64("rev", o->rev));
}

static void ending_done(struct proposal *p)
{
	struct ending *x = (struct ending *)p;
	struct ageing *a = x->ageing;

	a->in_flight--;
	if (p->outcome.code == 0) {
		leases_ended(a->server->leases, x->ids, x->n);
		count(&a->ended, x->n);
		ending_log(x);
	} else {
		leases_refused(a->server->leases, x->ids, x->n);
		a->refused_until_ms = loop_now_ms(a->loop) + RETRY_MS;
	}
	ending_free(x);
}

/* False when there is nothing to end, or no memory to do it. */
static bool ending_propose(struct ageing *a)
{
	struct ending *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return false;
	x->ageing = a;
	x->n = leases_take(a->server->leases, x->ids, LIMIT_BATCH, &x->cause);
	if (x->n == 0) {
		free(x);
		return false;
	}
	if (command_leases_end(x->ids, x->n, x->cause, &x->proposal.command) != 0) {
		leases_refused(a->server->leases, x->ids, x->n);
		ending_free(x);
		return false;
	}
	x->proposal.reply = a->box;
	x->proposal.done = ending_done;
	x->proposal.term = a->term;
	a->in_flight++;
	replica_propose(a->server->replica, &x->proposal);
	return true;
}

static void end_what_is_due(struct ageing *a)
{
	if (!a->leading || loop_now_ms(a->loop) < a->refused_until_ms)
		return;
	while (a->in_flight < IN_FLIGHT_MAX && ending_propose(a))
		;
}

/* ---- may the clock run? ------------------------------------------------ */

static bool workers_run(const struct server *s, uint64_t now_ms)
{
	for (uint32_t i = 0; i < s->n_workers; i++) {
		uint64_t alive_ms = atomic_load_explicit(
			&s->workers[i]->alive_ms, memory_order_relaxed);

		if (now_ms > alive_ms + WORKER_STALE_MS)
			return false;
	}
	return true;
}

static bool is_serving(const struct ageing *a, uint64_t now_ms)
{
	struct replica_status status;

	if (now_ms < a->refused_until_ms || !workers_run(a->server, now_ms))
		return false;
	replica_status(a->server->replica, &status);
	return status.role == ROLE_LEADER && status.term == a->term && status.quorum &&
		!status.space_low;
}

/* ---- what the store has ------------------------------------------------ */

static bool take_in(void *arg, const struct lease *lease)
{
	struct server *s = arg;

	leases_add(s->leases, lease, NULL);
	return true;
}

static void take_in_all(struct ageing *a)
{
	struct tables *t = store_read_begin(a->reader);

	if (t == NULL)
		return;
	catalog_each_lease(t, take_in, a->server);
	store_read_end(a->reader);
}

/* A lease that was granted while the leader changed may be missing here; nobody would
 * ever end it. Twice in a row, because grants and ends are on their way all the time. */
static void compare_with_store(struct ageing *a, uint64_t now_ms)
{
	struct catalog_totals totals;
	struct tables *t;
	bool differs;

	if (now_ms - a->compared_ms < COMPARE_MS ||
		(t = store_read_begin(a->reader)) == NULL)
		return;
	a->compared_ms = now_ms;
	catalog_totals(t, &totals);
	store_read_end(a->reader);
	differs = totals.leases != leases_count(a->server->leases);
	if (differs && a->differed)
		take_in_all(a);
	a->differed = differs;
}

static void ageing_on_tick(void *arg)
{
	struct ageing *a = arg;
	uint64_t now_ms = loop_now_ms(a->loop);

	leases_advance(a->server->leases, now_ms, is_serving(a, now_ms));
	end_what_is_due(a);
	compare_with_store(a, now_ms);
	timer_set(&a->tick, TICK_MS);
}

/* ---- life -------------------------------------------------------------- */

static void poke_deliver(struct mail *m)
{
	struct ageing *a = container_of(m, struct ageing, poke);

	atomic_store(&a->poked, false);
	end_what_is_due(a);
}

void ageing_poke(struct ageing *a)
{
	if (!atomic_exchange(&a->poked, true))
		mailbox_post(a->box, &a->poke);
}

int ageing_init(struct ageing *a, struct server *s, struct loop *l, struct mailbox *box,
	struct reader *reader)
{
	*a = (struct ageing){.server = s, .loop = l, .box = box, .reader = reader};
	a->poke.deliver = poke_deliver;
	log_gate_init(&a->lines, LINES_PER_SECOND);
	return timer_init(&a->tick, l, ageing_on_tick, a);
}

void ageing_fini(struct ageing *a)
{
	timer_fini(&a->tick);
}

void ageing_lead(struct ageing *a, uint64_t term)
{
	a->leading = true;
	a->term = term;
	a->refused_until_ms = 0;
	a->compared_ms = loop_now_ms(a->loop);
	leases_lead(a->server->leases);
	take_in_all(a);
	leases_advance(a->server->leases, loop_now_ms(a->loop), false);
	log_info("leases_lead", L_U64("leases", leases_count(a->server->leases)));
	timer_set(&a->tick, TICK_MS);
}

void ageing_follow(struct ageing *a)
{
	a->leading = false;
	leases_follow(a->server->leases);
	timer_cancel(&a->tick);
}
