/*
 * Checkpoints on their way to other members: chunk by chunk, slowly, over links that
 * break. What arrived stays staged over a break, sometimes over a crash, and a stream of
 * the same checkpoint goes on from there, whoever sends it. Its sender may have been
 * deposed long ago when it arrives.
 */
#include <stdlib.h>

#include "sim.h"

static struct stream *empty(struct sim *s)
{
	for (size_t i = 0; i < SIM_STREAMS; i++)
		if (!s->streams[i].active)
			return &s->streams[i];
	return NULL;
}

static void again(struct sim *s, struct stream *st, uint64_t after_ms)
{
	sim_assert(s, heap_push(&s->timers, &st->node, s->now_ms + after_ms) == 0);
}

/* A receiver takes from the newest leader only. */
static bool preempt(struct sim *s, uint64_t to, uint64_t term)
{
	for (size_t i = 0; i < SIM_STREAMS; i++) {
		struct stream *st = &s->streams[i];

		if (!st->active || st->to != to)
			continue;
		if (st->term >= term)
			return false;
		if (sim_chance(s, 2))
			sim_stream_end(s, st);
		else
			return false; /* it has not heard of the new one yet */
	}
	return true;
}

void sim_stream_begin(struct member *from, uint64_t to, uint64_t term)
{
	struct sim *s = from->sim;
	struct stream *st = empty(s);

	if (!from->checkpoint && !from->taking)
		sim_take_checkpoint(from);
	if (!st || !from->checkpoint || !preempt(s, to, term))
		return;
	from->checkpoint->refs++;
	*st = (struct stream){
		.active = true,
		.from = from->node,
		.to = to,
		.term = term,
		.image = from->checkpoint,
		.chunks = 1 + (unsigned)rng_below(&s->rng, s->calm ? 4 : 30),
	};
	sim_trace(s, "stream %llu -> %llu of %llu begins", (unsigned long long)st->from,
		(unsigned long long)to, (unsigned long long)st->image->index);
	again(s, st, 1 + rng_below(&s->rng, 10));
}

void sim_stream_end(struct sim *s, struct stream *st)
{
	heap_remove(&s->timers, &st->node);
	sim_image_drop(st->image);
	st->active = false;
}

/* The newest checkpoint of its own is what a receiver starts from after a crash. */
static void keep_as_own(struct member *m, struct image *i)
{
	if (m->checkpoint && m->checkpoint->index >= i->index)
		return;
	sim_image_drop(m->checkpoint);
	i->refs++;
	m->checkpoint = i;
}

/* All of it is staged and durable. */
static void install(struct sim *s, struct stream *st, struct member *to)
{
	struct image *i = to->staged;
	struct driver_snapshot snapshot = {
		.index = i->index,
		.term = i->term,
		.members_index = i->members_index,
		.members = buf_bytes(&i->members),
	};
	bool taken;
	int rc;

	keep_as_own(to, i);
	sim_begin(to);
	rc = driver_install(to->driver, s->now_ms, st->from, st->term, &snapshot, &taken);
	sim_trace(s, "stream %llu -> %llu of %llu %s", (unsigned long long)st->from,
		(unsigned long long)st->to, (unsigned long long)i->index,
		taken ? "installed" : "not taken");
	s->counts.installs += taken;
	if (rc == SVCD_ENOSPACE)
		s->counts.full++;
	sim_end(to, rc == SVCD_ENOSPACE ? 0 : rc);
	sim_image_drop(to->staged);
	to->staged = NULL;
}

static bool broken(const struct sim *s, const struct member *a, const struct member *b)
{
	return !a || !b || !sim_up(a) || !sim_up(b) || s->cut[a->slot][b->slot] ||
		s->cut[b->slot][a->slot];
}

static void chunk(struct member *to, struct stream *st)
{
	if (to->staged != st->image) {
		sim_image_drop(to->staged);
		to->staged = st->image;
		st->image->refs++;
		to->staged_chunks = 0;
	}
	to->staged_chunks++;
}

void sim_stream_step(struct sim *s, struct stream *st)
{
	struct member *from = sim_member(s, st->from), *to = sim_member(s, st->to);

	if (broken(s, from, to) || to->busy_ms > s->now_ms) {
		if (sim_chance(s, s->calm ? 4 : 20) || !from || !to)
			sim_stream_end(s, st);
		else
			again(s, st, 10 + rng_below(&s->rng, 50));
		return;
	}
	chunk(to, st);
	if (to->staged_chunks < st->chunks && st->image->index > to->at.index) {
		again(s, st, 1 + rng_below(&s->rng, 20));
		return;
	}
	install(s, st, to);
	sim_stream_end(s, st);
}

/* The log behind what is being sent must stay. */
uint64_t sim_stream_keep(const struct sim *s, uint64_t from)
{
	uint64_t keep = UINT64_MAX;

	for (size_t i = 0; i < SIM_STREAMS; i++) {
		const struct stream *st = &s->streams[i];

		if (st->active && st->from == from && st->image->index < keep)
			keep = st->image->index;
	}
	return keep;
}
