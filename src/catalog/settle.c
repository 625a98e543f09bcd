/*
 * Effective states after a command.
 *
 * A service without a floor, or whose floor holds nobody or everybody that failed, is
 * settled by its counters alone, whatever its size. Only where the floor must choose are
 * all its instances walked.
 */
#include "catalog/effective.h"
#include "catalog/work.h"

/* The service's counters: all, and those parts of them that are not touched by this
 * command. */
struct tally {
	uint32_t count, up, failed, pending, vanished;
};

static struct tally tally_of(const struct service *s)
{
	return (struct tally){
		.count = s->count,
		.up = s->by_effective[EFFECTIVE_UP] + s->by_effective[EFFECTIVE_WARM],
		.failed = s->failed,
		.pending = s->by_effective[EFFECTIVE_PENDING],
		.vanished = s->vanished,
	};
}

static void tally_add(struct tally *t, const struct instance_state *s, uint32_t one)
{
	enum base_state base = effective_base(s);

	t->count += one;
	t->up += base == BASE_UP ? one : 0;
	t->failed += base == BASE_FAILED ? one : 0;
}

static struct tally tally_untouched(const struct service_slot *s)
{
	struct tally t = tally_of(&s->s);

	for (const struct touch *i = s->touches; i != NULL; i = i->next) {
		if (!i->existed)
			continue;
		tally_add(&t, &i->old.state, (uint32_t)-1);
		t.pending -= i->old.state.effective == EFFECTIVE_PENDING;
	}
	return t;
}

static void stop_warming(struct instance_state *s)
{
	s->warming = false;
	s->warm_until_ms = 0;
}

/* It is up by itself. Coming into use starts the slow start. */
static void settle_up(struct catalog *c, struct touch *t)
{
	struct instance_state *s = &t->now.state;
	uint32_t window = t->slot->s.slow_start_ms;
	bool was_used = t->existed && !t->restart &&
		effective_usable(t->old.state.effective);

	if (!was_used && window > 0) {
		s->warming = true;
		s->warm_until_ms = c->meta.time_ms + window;
	}
	s->effective = s->warming ? EFFECTIVE_WARM : EFFECTIVE_UP;
}

/* Everything but the choice among the failed. */
static void settle_base(struct catalog *c, struct touch *t)
{
	struct instance_state *s = &t->now.state;
	enum base_state base = effective_base(s);

	if (base == BASE_UP) {
		settle_up(c, t);
		return;
	}
	stop_warming(s);
	s->effective = base == BASE_DRAIN ? EFFECTIVE_DRAIN : EFFECTIVE_DOWN;
}

static void settle_failed(struct touch *t, bool held)
{
	if (t->live && effective_base(&t->now.state) == BASE_FAILED)
		t->now.state.effective = held ? EFFECTIVE_PENDING : EFFECTIVE_DOWN;
}

/* A failed instance on the walk: touched already, or where the table has it. */
struct walked {
	struct touch *touch;
	struct bytes key, record;
	enum effective_state effective;
};

struct walk {
	struct candidate *candidates;
	struct walked *items;
	uint32_t n, max;
};

static void walk_note(struct catalog *c, struct walk *w, const struct walked *one,
	const struct instance_state *s)
{
	if (effective_base(s) != BASE_FAILED)
		return;
	if (w->n == w->max) {
		c->t->error = SVCD_ECORRUPT; /* the counter of failed ones is wrong */
		return;
	}
	w->items[w->n] = *one;
	w->candidates[w->n] = (struct candidate){
		.failed_rev = effective_failed_rev(s),
		.order = w->n,
		.item = &w->items[w->n],
	};
	w->n++;
}

static void walk_one(
	struct catalog *c, struct walk *w, struct bytes key, struct bytes record)
{
	struct touch *t = touch_find(c, key);
	struct walked one = {.touch = t, .key = key, .record = record};
	struct instance_state s;

	if (t != NULL) {
		if (t->live)
			walk_note(c, w, &one, &t->now.state);
		return;
	}
	if (!instance_decode_state(record, &s)) {
		c->t->error = SVCD_ECORRUPT;
		return;
	}
	one.effective = s.effective;
	walk_note(c, w, &one, &s);
}

static void walk_service(struct catalog *c, struct walk *w, const struct service_slot *s)
{
	struct bytes at, record;
	struct key prefix;
	bool found;

	key_instances(&prefix, &s->s.key);
	found = prefix_first(c->t, TABLE_INSTANCE, key_bytes(&prefix), &at, &record);
	while (found) {
		walk_one(c, w, at, record);
		found = prefix_next(
			c->t, TABLE_INSTANCE, key_bytes(&prefix), &at, &record);
	}
}

static void hold(struct catalog *c, const struct walked *one, bool held)
{
	enum effective_state wanted = held ? EFFECTIVE_PENDING : EFFECTIVE_DOWN;
	struct touch *t = one->touch;

	if (t == NULL) {
		if (one->effective == wanted)
			return;
		t = touch_loaded(c, one->key, one->record);
	}
	if (t != NULL)
		t->now.state.effective = wanted;
}

/* The floor holds some of the failed, not all: who failed last. */
static void choose(struct catalog *c, struct service_slot *s, const struct tally *all)
{
	struct walk w = {.max = all->failed};

	w.candidates = scratch_alloc(&c->scratch, w.max * sizeof(*w.candidates));
	w.items = scratch_alloc(&c->scratch, w.max * sizeof(*w.items));
	if (w.candidates == NULL || w.items == NULL) {
		c->nomem = true;
		return;
	}
	walk_service(c, &w, s);
	if (c->t->error != 0)
		return;
	floor_choose(&s->s, all->count + all->vanished, all->up, w.candidates, w.n);
	for (uint32_t i = 0; i < w.n; i++)
		hold(c, w.candidates[i].item, w.candidates[i].held);
}

/* A lease that ended and is not held: the instance goes. What only the floor changed says
 * so. */
static void settle_rest(struct touch *t)
{
	struct instance_state *s = &t->now.state;
	bool moved = !t->existed || s->effective != t->old.state.effective;

	if (!t->live)
		return;
	if (s->life == LIFE_EXPIRED && s->effective == EFFECTIVE_DOWN) {
		touch_change(t, CAUSE_LEASE_EXPIRED, bytes_str("svcd"),
			bytes_str("the floor does not hold it any more"));
		t->cause = CAUSE_LEASE_EXPIRED;
		t->live = false;
	} else if (moved) {
		touch_change(t, CAUSE_FLOOR, bytes_str("svcd"),
			s->effective == EFFECTIVE_PENDING
				? bytes_str("held by the floor")
				: bytes_str("the floor does not hold it any more"));
	}
}

void settle_service(struct catalog *c, struct service_slot *s)
{
	struct tally others = tally_untouched(s), all = others;
	uint32_t held;

	for (struct touch *t = s->touches; t != NULL; t = t->next) {
		if (!t->live)
			continue;
		tally_add(&all, &t->now.state, 1);
		all.vanished -= tombstone_vanished(&t->tombstone);
		settle_base(c, t);
	}
	held = floor_hold(&s->s, all.count + all.vanished, all.up, all.failed);
	if (held == 0 && others.pending == 0) {
		for (struct touch *t = s->touches; t != NULL; t = t->next)
			settle_failed(t, false);
	} else if (held == all.failed && others.pending == others.failed) {
		for (struct touch *t = s->touches; t != NULL; t = t->next)
			settle_failed(t, true);
	} else {
		choose(c, s, &all);
	}
	for (struct touch *t = s->touches; t != NULL; t = t->next)
		settle_rest(t);
}
