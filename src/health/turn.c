/*
 * Checks through their phases: idle until due, ready until there is room, running until
 * an ending.
 *
 * One heap holds all checks by the time at which each must be looked at next (its start,
 * its deadline, or when it goes stale), one timer follows the heap's minimum. A report to
 * the owner may set and remove targets; so it is the last thing that a function does with
 * a check.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "health/health_internal.h"

#define WAKE_STEP_MS 4 /* checks that are due within it are started together */
#define LATE_MS 100    /* for health_stat */
#define NEVER UINT64_MAX

/* ---- phases */

static const uint8_t phase_next[PHASES] = {
	[PHASE_IDLE] = 1 << PHASE_READY,
	[PHASE_READY] = 1 << PHASE_RUNNING,
	[PHASE_RUNNING] = 1 << PHASE_IDLE,
};

static void check_move(struct health *h, struct check *c, enum check_phase to)
{
	assert(phase_next[c->phase] & 1 << to);
	list_remove(&c->queue);
	if (to == PHASE_READY)
		list_push(&h->ready, &c->queue);
	h->in_flight += to == PHASE_RUNNING;
	h->in_flight -= c->phase == PHASE_RUNNING;
	c->phase = (uint8_t)to;
}

/* When the check must move on by itself. */
static uint64_t check_due_ms(const struct health *h, const struct check *c)
{
	uint64_t deadline = c->start_ms + c->timeout_ms;

	switch (c->phase) {
	case PHASE_IDLE:
		return c->start_ms;
	case PHASE_RUNNING:
		return deadline > h->grace_until_ms ? deadline : h->grace_until_ms;
	default:
		return NEVER;
	}
}

void check_arm(struct health *h, struct check *c)
{
	uint64_t due = check_due_ms(h, c);
	uint64_t stale = check_verdict_stale_ms(&c->verdict, &c->rule);
	int rc = heap_push(&h->wakes, &c->wake, due < stale ? due : stale);

	assert(rc == 0); /* it is in the heap already */
}

static bool may_start(const struct health *h)
{
	return !list_empty(&h->ready) && h->in_flight < h->in_flight_max;
}

static uint64_t health_wake_ms(struct health *h, uint64_t now_ms)
{
	const struct heap_node *first = heap_min(&h->wakes);
	uint64_t wake = first != NULL ? first->key : NEVER;
	uint64_t turn = may_start(h) ? now_ms + bucket_wait_ms(&h->rate, now_ms) : NEVER;

	return wake < turn ? wake : turn;
}

/* Together with others that are due soon. An earlier setting stays: one needless turn is
 * cheap. */
void health_set_timer(struct health *h)
{
	uint64_t now = loop_now_ms(h->world.loop);
	uint64_t wake = h->turning ? NEVER : health_wake_ms(h, now);

	if (wake == NEVER)
		return;
	if (wake < now)
		wake = now;
	wake = (wake + WAKE_STEP_MS - 1) / WAKE_STEP_MS * WAKE_STEP_MS;
	if (timer_pending(&h->timer) && h->timer_due_ms <= wake)
		return;
	h->timer_due_ms = wake;
	timer_set(&h->timer, wake - now);
}

/* ---- results */

static void check_say(struct health *h, struct check *c, bool ok, const char *text)
{
	c->ok = ok;
	reasons_set(&h->reasons, &c->reason, text);
}

/* Time passed without a result. True when that changed the verdict. */
static bool check_goes_stale(struct health *h, struct check *c, uint64_t now_ms)
{
	char text[48];

	if (!check_verdict_tick(&c->verdict, &c->rule, now_ms))
		return false;
	snprintf(text, sizeof(text), "no result for %u ms", c->rule.stale_after_ms);
	check_say(h, c, false, text);
	return true;
}

static void check_schedule(struct health *h, struct check *c, uint64_t now_ms)
{
	uint32_t interval = check_verdict_interval(&c->verdict, &c->rule);

	c->start_ms = schedule_next(c->place, interval, c->start_ms, now_ms) +
		schedule_jitter(interval, &h->rng);
}

static void check_take_result(
	struct health *h, struct check *c, const struct probe_result *r, uint64_t now_ms)
{
	bool pass = r->outcome == PROBE_PASSED;

	check_verdict_result(&c->verdict, &c->rule, pass, now_ms);
	results_add(&c->results, pass);
	check_say(h, c, pass, r->reason);
}

/* Not counted: the check goes on as if nothing had been tried, until it is stale. */
static void check_pass_over(
	struct health *h, struct check *c, const struct probe_result *r)
{
	char text[PROBE_REASON_MAX + 16];

	if (r->outcome == PROBE_NOT_RUN)
		snprintf(text, sizeof(text), "not probed: %s", r->reason);
	else
		snprintf(text, sizeof(text),
			"ignored: this member was late by %" PRIu64 " ms",
			loop_lag_ms(h->world.loop));
	check_say(h, c, false, text);
}

static bool result_counts(const struct health *h, enum probe_outcome outcome)
{
	return outcome != PROBE_NOT_RUN &&
		check_result_counts(
			outcome == PROBE_TIMED_OUT, loop_lag_ms(h->world.loop));
}

void check_on_result(struct probe_world *w, void *owner, const struct probe_result *r)
{
	struct health *h = container_of(w, struct health, world);
	uint64_t now = loop_now_ms(w->loop);
	bool counts = result_counts(h, r->outcome);
	struct check *c = owner;

	c->probe = NULL;
	c->took_us = r->took_us;
	if (counts)
		check_take_result(h, c, r, now);
	else
		check_pass_over(h, c, r);
	check_move(h, c, PHASE_IDLE);
	check_schedule(h, c, now);
	check_arm(h, c);
	health_set_timer(h);
	if (counts || c->verdict.state == CHECK_UNKNOWN)
		health_report(h, c);
}

/* ---- turns */

static void check_start(struct health *h, struct check *c, uint64_t now_ms)
{
	static const struct probe_result no_memory = {PROBE_NOT_RUN, 0, "out of memory"};
	struct probe_spec spec;

	h->stat.probes_total++;
	h->stat.late_total += now_ms - c->start_ms > LATE_MS;
	check_move(h, c, PHASE_RUNNING);
	c->start_ms = now_ms;
	check_arm(h, c);
	check_spec(c, &spec);
	c->probe = probe_new(&h->world, probe_type_at(c->type), &spec, c);
	if (c->probe != NULL)
		probe_start(c->probe);
	else
		check_on_result(&h->world, c, &no_memory);
}

static void health_start_ready(struct health *h, uint64_t now_ms)
{
	while (may_start(h) && bucket_take(&h->rate, now_ms))
		check_start(h, container_of(h->ready.next, struct check, queue), now_ms);
}

static void check_wake(struct health *h, struct check *c, uint64_t now_ms)
{
	bool due = check_due_ms(h, c) <= now_ms;
	bool stale = check_goes_stale(h, c, now_ms);

	if (due && c->phase == PHASE_RUNNING) {
		probe_timeout(c->probe);
		return;
	}
	if (due)
		check_move(h, c, PHASE_READY);
	check_arm(h, c);
	if (stale)
		health_report(h, c);
}

static void health_wake_due(struct health *h, uint64_t now_ms)
{
	struct heap_node *n;

	while ((n = heap_min(&h->wakes)) != NULL && n->key <= now_ms)
		check_wake(h, container_of(n, struct check, wake), now_ms);
}

void health_on_timer(void *arg)
{
	struct health *h = arg;
	uint64_t now = loop_now_ms(h->world.loop);
	uint64_t grace = schedule_grace(h->timer_due_ms, now);

	if (grace > h->grace_until_ms)
		h->grace_until_ms = grace;
	h->turning = true;
	health_wake_due(h, now);
	health_start_ready(h, now);
	h->turning = false;
	health_set_timer(h);
}
