/* Targets come and go; their checks keep what they know. */
#include "health/health.h"

#include <assert.h>
#include <stdlib.h>

#include "health/health_internal.h"

#define PROBES_PER_SECOND_DEFAULT 10000
#define IN_FLIGHT_DEFAULT 1000
#define BURST_SHARE 50 /* the token bucket holds so much of a second: 20 ms */
#define NEVER UINT64_MAX

static struct bytes target_map_key(const void *item)
{
	return target_key(item);
}

static void check_drop(struct health *h, struct check *c)
{
	if (c->probe != NULL)
		probe_cancel(c->probe);
	h->in_flight -= c->phase == PHASE_RUNNING;
	list_remove(&c->queue);
	heap_remove(&h->wakes, &c->wake);
	reasons_drop(&h->reasons, &c->reason);
	h->stat.checks--;
}

static void target_drop(struct health *h, struct target *t)
{
	if (h->reporting == t)
		h->reporting = NULL;
	for (uint8_t i = 0; i < t->n_checks; i++)
		check_drop(h, &t->checks[i]);
	h->stat.targets--;
	free(t);
}

/* Puts its checks into the heap, for a time that never comes. */
static int target_join_heap(struct health *h, struct target *t)
{
	for (uint8_t i = 0; i < t->n_checks; i++) {
		if (heap_push(&h->wakes, &t->checks[i].wake, NEVER) == 0)
			continue;
		while (i-- > 0)
			heap_remove(&h->wakes, &t->checks[i].wake);
		return SVCD_ENOMEM;
	}
	return 0;
}

static void target_leave_heap(struct health *h, struct target *t)
{
	for (uint8_t i = 0; i < t->n_checks; i++)
		heap_remove(&h->wakes, &t->checks[i].wake);
}

static uint32_t check_place(const struct health *h, const struct check *c)
{
	struct bytes name = bytes_str(check_text(c, c->name));
	uint64_t hash = bytes_hash_seed(target_key(check_target(c)), h->seed);

	return (uint32_t)bytes_hash_seed(name, hash);
}

static void check_begin(
	struct health *h, struct check *c, enum check_state initial, uint64_t now_ms)
{
	uint32_t interval;

	check_verdict_init(&c->verdict, initial, now_ms);
	interval = check_verdict_interval(&c->verdict, &c->rule);
	c->place = check_place(h, c);
	c->start_ms = schedule_first(c->place, interval, now_ms) +
		schedule_jitter(interval, &h->rng);
}

/* Everything that c's predecessor knows, and its probe and turn. What is left of it may
 * be dropped. */
static void check_inherit(struct check *c, struct check *from)
{
	struct probe_spec spec;

	c->verdict = from->verdict;
	c->results = from->results;
	c->took_us = from->took_us;
	c->place = from->place;
	c->start_ms = from->start_ms;
	c->reason = from->reason;
	c->ok = from->ok;
	from->reason = NULL;
	c->phase = from->phase;
	if (c->phase != PHASE_IDLE)
		list_insert_after(&from->queue, &c->queue);
	list_remove(&from->queue);
	from->phase = PHASE_IDLE;
	c->probe = from->probe;
	from->probe = NULL;
	check_spec(c, &spec);
	if (c->probe != NULL)
		probe_adopt(c->probe, &spec, c);
}

static void target_begin(struct health *h, struct target *t, struct target *old)
{
	uint64_t now = loop_now_ms(h->world.loop);
	bool known = old != NULL && old->incarnation == t->incarnation;

	for (uint8_t i = 0; i < t->n_checks; i++) {
		struct check *c = &t->checks[i];
		struct check *from = known ? target_find(old, check_text(c, c->name))
					   : NULL;

		if (from != NULL && check_same(c, from))
			check_inherit(c, from);
		else
			check_begin(h, c, t->reported, now);
		check_arm(h, c);
	}
	h->stat.targets++;
	h->stat.checks += t->n_checks;
}

/* Takes t, also on failure. */
static int target_install(struct health *h, struct target *t)
{
	struct target *old;
	int rc = target_join_heap(h, t);

	if (rc != 0) {
		free(t);
		return rc;
	}
	old = map_remove(&h->targets, target_key(t));
	rc = map_put(&h->targets, t);
	if (rc != 0) {
		assert(old == NULL); /* its place in the map would be free */
		target_leave_heap(h, t);
		free(t);
		return rc;
	}
	target_begin(h, t, old);
	if (old != NULL)
		target_drop(h, old);
	health_set_timer(h);
	return 0;
}

/* The same checks in the same order: nothing moves. */
static bool target_same(const struct target *a, const struct target *b)
{
	if (a->incarnation != b->incarnation || a->n_checks != b->n_checks)
		return false;
	for (uint8_t i = 0; i < a->n_checks; i++)
		if (!check_same(&a->checks[i], &b->checks[i]))
			return false;
	return true;
}

int health_set(struct health *h, const struct health_target *target, struct err *e)
{
	struct target *known = map_get(&h->targets, target->key);
	struct target *t;
	int rc = target_new(target, &t, e);

	if (rc != 0)
		return rc;
	if (known != NULL && target_same(known, t)) {
		known->reported = t->reported;
		if (h->reporting == known)
			h->reporting = NULL;
		free(t);
		return 0;
	}
	rc = target_install(h, t);
	return rc == 0 ? 0 : err_set(e, rc, "out of memory");
}

void health_remove(struct health *h, struct bytes key)
{
	struct target *t = map_remove(&h->targets, key);

	if (t != NULL)
		target_drop(h, t);
}

/* ---- the whole */

struct health *health_new(struct loop *l, const struct health_options *o,
	const struct health_events *ev, void *arg)
{
	uint32_t rate = o->probes_per_second_max != 0 ? o->probes_per_second_max
						      : PROBES_PER_SECOND_DEFAULT;
	struct health *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->world = (struct probe_world){.loop = l, .on_end = check_on_result};
	h->in_flight_max = o->in_flight_max != 0 ? o->in_flight_max : IN_FLIGHT_DEFAULT;
	h->seed = o->seed;
	h->ev = *ev;
	h->arg = arg;
	heap_init(&h->wakes);
	list_init(&h->ready);
	map_init(&h->targets, target_map_key);
	reasons_init(&h->reasons);
	rng_seed(&h->rng, o->seed);
	bucket_init(&h->rate, rate, rate / BURST_SHARE + 1, loop_now_ms(l));
	if (timer_init(&h->timer, l, health_on_timer, h) == 0)
		return h;
	free(h);
	return NULL;
}

void health_free(struct health *h)
{
	struct target *t;
	size_t cursor = 0;

	if (h == NULL)
		return;
	assert(h->reporting == NULL && !h->turning);
	while ((t = map_next(&h->targets, &cursor)) != NULL) {
		map_remove(&h->targets, target_key(t));
		target_drop(h, t);
	}
	timer_fini(&h->timer);
	resolver_free(h->world.names);
	heap_fini(&h->wakes);
	map_fini(&h->targets);
	reasons_fini(&h->reasons);
	free(h);
}

void health_stat(const struct health *h, struct health_stat *out)
{
	*out = h->stat;
	out->in_flight = h->in_flight;
}

static void check_invariants(const struct health *h, const struct check *c)
{
	assert(heap_has(&c->wake) && h->wakes.nodes[c->wake.pos - 1] == &c->wake);
	assert(c->phase < PHASES);
	assert(list_empty(&c->queue) == (c->phase != PHASE_READY));
	assert((c->probe != NULL) == (c->phase == PHASE_RUNNING));
	assert(c->probe == NULL || c->probe->owner == c);
	assert(c->rule.stale_after_ms >= verdict_stale_min_ms(&c->rule, c->timeout_ms));
}

static size_t list_len(const struct list *l)
{
	size_t n = 0;

	for (const struct list *it = l->next; it != l; it = it->next)
		n++;
	return n;
}

void health_check_invariants(const struct health *h)
{
	const struct target *t;
	uint32_t phases[PHASES] = {0};
	uint64_t checks = 0;
	size_t cursor = 0;

	while ((t = map_next(&h->targets, &cursor)) != NULL) {
		for (uint8_t i = 0; i < t->n_checks; i++) {
			check_invariants(h, &t->checks[i]);
			phases[t->checks[i].phase]++;
		}
		checks += t->n_checks;
	}
	assert(h->stat.targets == map_len(&h->targets) && h->stat.checks == checks);
	assert(h->wakes.len == checks);
	assert(h->in_flight == phases[PHASE_RUNNING] && h->in_flight <= h->in_flight_max);
	assert(list_len(&h->ready) == phases[PHASE_READY]);
	heap_check(&h->wakes);
	map_check(&h->targets);
}
