#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/log.h"

#define CALM_MS 2500
#define PATIENCE_MS 8000

/* ---- saying ------------------------------------------------------------ */

void sim_trace(struct sim *s, const char *fmt, ...)
{
	va_list args;

	if (!s->trace)
		return;
	fprintf(stderr, "%6" PRIu64 " ", s->now_ms);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
}

void sim_fail(const struct sim *s, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "at %" PRIu64 " ms: ", s->now_ms);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	if (!s->by_hand)
		fprintf(stderr,
			"\nagain: tests/sim/run --first %" PRIu64
			" --seeds 1 --nodes %u --trace",
			s->seed, s->voters);
	fprintf(stderr, "\n");
	abort();
}

/* ---- beginning and end ------------------------------------------------- */

static struct sim *new_empty(unsigned nodes)
{
	static const struct catalog_options catalog = {.history_bytes = 4096};
	struct sim *s = calloc(1, sizeof(*s));

	log_set_level(LOG_ERROR);
	s->voters = nodes;
	s->truth = calloc(SIM_INDEX_MAX, sizeof(*s->truth));
	s->leader_of = calloc(SIM_TERM_MAX, sizeof(*s->leader_of));
	s->elected_ms = calloc(SIM_TERM_MAX, sizeof(*s->elected_ms));
	s->catalog = catalog_new(&catalog);
	heap_init(&s->mail);
	heap_init(&s->timers);
	return s;
}

static void found(struct sim *s, unsigned voters)
{
	uint64_t nodes[SIM_SLOTS];
	struct member *m[SIM_SLOTS];

	for (unsigned i = 0; i < voters; i++) {
		m[i] = sim_add(s);
		nodes[i] = m[i]->node;
	}
	for (unsigned i = 0; i < voters; i++)
		sim_bootstrap(m[i], nodes, voters);
	for (unsigned i = 0; i < voters; i++)
		sim_start(m[i]);
}

struct sim *sim_new(uint64_t seed, unsigned nodes, bool trace)
{
	struct sim *s = new_empty(nodes);

	s->seed = seed;
	s->trace = trace;
	rng_seed(&s->rng, seed * 8 + nodes);
	sim_profile_of(s);
	found(s, s->p.grown ? 1 : nodes);
	heap_push(&s->timers, &s->operator_node, 1);
	return s;
}

struct sim *sim_by_hand(unsigned n)
{
	struct sim *s = new_empty(n);

	rng_seed(&s->rng, 1);
	s->by_hand = true;
	s->p = (struct sim_profile){
		.delay_ms = 1, .min_voters = 1, .election_ms = SIM_ELECTION_MS};
	s->now_ms = 1000;
	if (n)
		found(s, n);
	return s;
}

void sim_free(struct sim *s)
{
	struct heap_node *n;

	for (size_t i = 0; i < SIM_STREAMS; i++)
		if (s->streams[i].active)
			sim_stream_end(s, &s->streams[i]);
	for (size_t i = 0; i < SIM_SLOTS; i++)
		if (s->members[i].life != SIM_NOBODY)
			sim_retire(&s->members[i]);
	while ((n = heap_min(&s->mail)) != NULL) {
		heap_remove(&s->mail, n);
		sim_letter_free(container_of(n, struct letter, node));
	}
	heap_fini(&s->mail);
	heap_fini(&s->timers);
	catalog_free(s->catalog);
	free(s->truth);
	free(s->leader_of);
	free(s->elected_ms);
	free(s);
}

/* ---- the run ----------------------------------------------------------- */

static struct stream *stream_of(struct sim *s, const struct heap_node *n)
{
	for (size_t i = 0; i < SIM_STREAMS; i++)
		if (&s->streams[i].node == n)
			return &s->streams[i];
	return NULL;
}

static void member_timer(struct sim *s, const struct heap_node *n)
{
	for (size_t i = 0; i < SIM_SLOTS; i++) {
		struct member *m = &s->members[i];

		if (n == &m->taken)
			sim_checkpoint_taken(m);
		else if (n == &m->timer && m->life == SIM_UP)
			sim_tick(m);
		else if (n == &m->ageing)
			sim_lease_tick(m);
		else if (n == &m->timer)
			sim_start(m);
	}
}

static void run_timer(struct sim *s, struct heap_node *n)
{
	struct stream *st = stream_of(s, n);

	heap_remove(&s->timers, n);
	if (n == &s->operator_node) {
		sim_operate(s);
		heap_push(&s->timers, n, s->now_ms + 2 + rng_below(&s->rng, 10));
	} else if (st) {
		sim_stream_step(s, st);
	} else {
		member_timer(s, n);
	}
}

static uint64_t mail_ms(const struct heap_node *n)
{
	return n ? n->key >> 24 : UINT64_MAX;
}

static bool step(struct sim *s, uint64_t end)
{
	struct heap_node *mail = heap_min(&s->mail), *timer = heap_min(&s->timers);
	uint64_t at = timer ? timer->key : UINT64_MAX;

	if (mail_ms(mail) < at)
		at = mail_ms(mail);
	if (at > end)
		return false;
	if (at > s->now_ms)
		s->now_ms = at;
	if (mail_ms(mail) == at) {
		heap_remove(&s->mail, mail);
		sim_deliver(s, container_of(mail, struct letter, node));
	} else {
		run_timer(s, timer);
	}
	return true;
}

void sim_run_for(struct sim *s, uint64_t ms)
{
	uint64_t end = s->now_ms + ms;

	while (step(s, end))
		;
	s->now_ms = end;
}

void sim_run(struct sim *s)
{
	const char *why = "";
	uint64_t acked;

	sim_run_for(s, s->p.chaos_ms);
	sim_heal(s);
	acked = s->acked;
	sim_run_for(s, CALM_MS);
	/* nothing new, and everybody gets what there is */
	heap_remove(&s->timers, &s->operator_node);
	for (int i = 0; i < PATIENCE_MS / 50; i++) {
		sim_run_for(s, 50);
		why = sim_disagreement(s);
		if (!*why)
			break;
	}
	if (*why)
		sim_fail(s, "after it healed: %s", why);
	if (s->acked <= acked && s->n_writes + 1 < SIM_WRITES_MAX)
		sim_fail(s, "after it healed nothing was acknowledged");
}

static void add_counts(struct sim_counts *sum, const struct sim_counts *one)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)one;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

void sim_run_seeds(uint64_t first, uint64_t n, unsigned nodes, struct sim_counts *sum)
{
	for (uint64_t seed = first; seed < first + n; seed++) {
		struct sim *s = sim_new(seed, nodes, false);

		sim_run(s);
		add_counts(sum, &s->counts);
		sim_free(s);
	}
}
