#include "server/ageing.h"

#include <stdlib.h>

#include "base/log.h"
#include "server/worker.h"

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

static void ending_over(const struct ending *x, int code)
{
	struct ageing *a = x->ageing;

	expiry_over(
		&a->expiry, loop_now_ms(a->loop), x->proposal.term, x->ids, x->n, code);
}

static void ending_done(struct proposal *p)
{
	struct ending *x = (struct ending *)p;
	struct ageing *a = x->ageing;

	ending_over(x, p->outcome.code);
	if (p->outcome.code == 0) {
		count(&a->ended, x->n);
		ending_log(x);
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
	x->n = expiry_take(
		&a->expiry, loop_now_ms(a->loop), x->ids, LIMIT_BATCH, &x->cause);
	if (x->n == 0) {
		free(x);
		return false;
	}
	x->proposal.term = a->expiry.term;
	if (command_leases_end(x->ids, x->n, x->cause, &x->proposal.command) != 0) {
		ending_over(x, SVCD_ENOMEM);
		ending_free(x);
		return false;
	}
	x->proposal.reply = a->box;
	x->proposal.done = ending_done;
	replica_propose(a->server->replica, &x->proposal);
	return true;
}

static void end_what_is_due(struct ageing *a)
{
	while (ending_propose(a))
		;
}

/* ---- do we lead still? ------------------------------------------------- */

struct asking {
	struct replica_read read; /* first */
	struct ageing *ageing;
	uint64_t term;
};

/* Who lost its leadership has been told so before: the question may have gone on to the
 * next leader, whose answer is none for us. */
static void asking_done(struct replica_read *read)
{
	struct asking *x = (struct asking *)read;
	struct ageing *a = x->ageing;

	a->questions--;
	expiry_asked(&a->expiry, x->term, read->code);
	free(x);
	a->on_asked(a->arg);
}

static void ask_the_voters(struct ageing *a)
{
	struct asking *x = calloc(1, sizeof(*x));

	if (x == NULL || !expiry_ask(&a->expiry, loop_now_ms(a->loop))) {
		free(x);
		return;
	}
	x->ageing = a;
	x->term = a->expiry.term;
	x->read.reply = a->box;
	x->read.done = asking_done;
	a->questions++;
	replica_read_current(a->server->replica, &x->read);
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

static void let_time_pass(struct ageing *a, uint64_t now_ms)
{
	struct replica_status status;
	struct expiry_sight seen;

	replica_status(a->server->replica, &status);
	seen = (struct expiry_sight){
		.term = status.term,
		.leads = status.role == ROLE_LEADER && status.quorum,
		.has_space = !status.space_low,
		.takes_renewals = workers_run(a->server, now_ms),
	};
	expiry_tick(&a->expiry, now_ms, &seen);
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

	let_time_pass(a, now_ms);
	ask_the_voters(a);
	end_what_is_due(a);
	compare_with_store(a, now_ms);
	timer_set(&a->tick, EXPIRY_TICK_MS);
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
	expiry_init(&a->expiry, s->leases);
	log_gate_init(&a->lines, LINES_PER_SECOND);
	return timer_init(&a->tick, l, ageing_on_tick, a);
}

void ageing_fini(struct ageing *a)
{
	timer_fini(&a->tick);
}

void ageing_on_asked(struct ageing *a, void (*fn)(void *arg), void *arg)
{
	a->on_asked = fn;
	a->arg = arg;
}

bool ageing_is_owed(const struct ageing *a)
{
	return a->expiry.in_flight + a->questions > 0;
}

void ageing_lead(struct ageing *a, uint64_t term)
{
	a->compared_ms = loop_now_ms(a->loop);
	expiry_lead(&a->expiry, term, a->compared_ms);
	ask_the_voters(a);
	take_in_all(a);
	log_info("leases_lead", L_U64("leases", leases_count(a->server->leases)));
	timer_set(&a->tick, EXPIRY_TICK_MS);
}

void ageing_follow(struct ageing *a)
{
	expiry_follow(&a->expiry);
	timer_cancel(&a->tick);
}
