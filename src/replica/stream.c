/*
 * Checkpoints on their way, both directions: what comes from outside finds its place.
 */
#include "replica/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "replica/stream_internal.h"

#define TIME_MS 1000

/* ---- time --------------------------------------------------------------- */

static bool has_work(const struct streams *s)
{
	bool any = s->in.x.phase != RECEIVING_NOT;

	for (size_t i = 0; i < PEERS_MAX; i++)
		any |= s->sources[i].node != 0;
	return any;
}

void streams_arm(struct streams *s)
{
	if (!timer_pending(&s->timer) && has_work(s))
		timer_set(&s->timer, TIME_MS);
}

static void on_timer(void *arg)
{
	struct streams *s = arg;

	intake_time(s);
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct source *p = &s->sources[i];

		if (p->node == 0)
			continue;
		sending_time(&p->x, loop_now_ms(s->o.loop));
		source_step(s, p);
	}
	streams_arm(s);
}

static void on_pace(void *arg)
{
	struct streams *s = arg;

	for (size_t i = 0; i < PEERS_MAX; i++)
		if (s->sources[i].x.phase == SENDING_CHUNKS)
			source_step(s, &s->sources[i]);
}

/* ---- life --------------------------------------------------------------- */

static int start_steps(struct streams *s)
{
	s->box = mailbox_new(s->o.loop);
	s->chunk = malloc(STREAM_CHUNK_BYTES);
	if (!s->box || !s->chunk)
		return SVCD_ENOMEM;
	if (timer_init(&s->timer, s->o.loop, on_timer, s) != 0 ||
		timer_init(&s->pace, s->o.loop, on_pace, s) != 0)
		return SVCD_ENOMEM;
	rng_secure(&s->last_stream, sizeof(s->last_stream));
	return 0;
}

int streams_new(const struct streams_options *o, struct streams **out)
{
	struct streams *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return SVCD_ENOMEM;
	s->o = *o;
	for (size_t i = 0; i < PEERS_MAX; i++)
		s->sources[i].fd = -1;
	rc = start_steps(s);
	if (rc != 0) {
		streams_free(s);
		return rc;
	}
	intake_sweep(s);
	*out = s;
	return 0;
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	intake_fini(s);
	for (size_t i = 0; i < PEERS_MAX; i++) {
		s->sources[i].x.phase = SENDING_NOT;
		source_settle(&s->sources[i]);
	}
	timer_fini(&s->timer);
	timer_fini(&s->pace);
	mailbox_free(s->box);
	buf_fini(&s->frame);
	buf_fini(&s->answer);
	free(s->chunk);
	free(s);
}

/* ---- as leader ---------------------------------------------------------- */

void streams_send(struct streams *s, uint64_t to, uint64_t term)
{
	struct source *p = source_take(s, to);

	if (!p)
		return; /* asked again */
	sending_start(&p->x, term, loop_now_ms(s->o.loop));
	source_step(s, p);
}

void streams_checkpointed(struct streams *s)
{
	s->wanted_ms = 0;
	intake_sweep(s);
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (s->sources[i].x.phase == SENDING_SEARCHING)
			source_step(s, &s->sources[i]);
}

void streams_progress(
	struct streams *s, uint64_t node, uint64_t match_index, uint64_t now_ms)
{
	struct source *p = source_of(s, node);
	uint64_t first = 0, last = 0;

	if (!p)
		return;
	if (s->o.log_range)
		s->o.log_range(s->o.arg, &first, &last);
	sending_progress(&p->x, match_index, last, now_ms);
	sending_time(&p->x, now_ms);
	source_step(s, p);
}

uint64_t streams_keep_index(const struct streams *s)
{
	uint64_t keep = UINT64_MAX;

	for (size_t i = 0; i < PEERS_MAX; i++) {
		uint64_t one = s->sources[i].node ? sending_keep(&s->sources[i].x)
						  : UINT64_MAX;

		keep = one < keep ? one : keep;
	}
	return keep;
}

/* ---- connections -------------------------------------------------------- */

void streams_on_frame(
	struct streams *s, uint64_t from, enum peer_kind kind, struct bytes body)
{
	struct source *p = source_of(s, from);
	struct stream_frame f;

	if (stream_decode(kind, body, &f) != 0)
		log_warn("stream_malformed", L_U64("from", from), L_U64("kind", kind));
	else if (kind == PEER_OFFER || kind == PEER_CHUNK)
		intake_on_frame(s, from, &f);
	else if (p)
		source_on_frame(s, p, &f);
}

void streams_on_up(struct streams *s, uint64_t node, bool up)
{
	struct source *p = source_of(s, node);

	(void)up; /* gone: the offer dials again */
	if (!p)
		return;
	sending_broken(&p->x);
	source_step(s, p);
}

void streams_on_drained(struct streams *s, uint64_t node)
{
	struct source *p = source_of(s, node);

	if (p)
		source_step(s, p);
}

/* ---- status ------------------------------------------------------------- */

void streams_status(const struct streams *s, uint64_t node, struct stream_progress *out)
{
	const struct receiving *in = &s->in.x;

	*out = (struct stream_progress){0};
	if (in->phase != RECEIVING_NOT && (in->from == node || node == 0))
		*out = (struct stream_progress){.active = true,
			.index = in->offer.index,
			.done = in->got,
			.bytes = in->offer.bytes};
	for (size_t i = 0; i < PEERS_MAX; i++) {
		const struct source *p = &s->sources[i];

		if (node != 0 && p->node == node && p->x.phase >= SENDING_OFFERING &&
			p->x.phase <= SENDING_RESTING)
			*out = (struct stream_progress){.active = true,
				.sending = true,
				.index = p->x.offer.index,
				.done = p->x.received,
				.bytes = p->x.offer.bytes};
	}
}
