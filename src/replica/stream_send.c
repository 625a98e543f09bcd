#include "replica/stream_send.h"

#include <assert.h>

static void move(struct sending *x, enum sending_phase to, uint64_t now_ms)
{
	x->phase = to;
	x->moved_ms = now_ms;
}

/* A member that just said it has it is about to say so to the engine too. */
void sending_start(struct sending *x, uint64_t leader_term, uint64_t now_ms)
{
	bool again = x->phase == SENDING_FOLLOWED &&
		now_ms >= x->moved_ms + SENDING_REST_MS;

	if (x->phase == SENDING_NOT || again) {
		*x = (struct sending){.offer.leader_term = leader_term};
		move(x, SENDING_SEARCHING, now_ms);
	} else if (leader_term > x->offer.leader_term) {
		x->offer.leader_term = leader_term;
		sending_broken(x);
	}
}

void sending_found(struct sending *x, uint64_t stream, const struct stream_offer *offer)
{
	uint64_t leader_term = x->offer.leader_term;

	assert(x->phase == SENDING_SEARCHING);
	x->stream = stream;
	x->offer = *offer;
	x->offer.leader_term = leader_term;
	x->sent = x->received = 0;
	x->offered = false;
	x->phase = SENDING_OFFERING;
}

void sending_lost(struct sending *x)
{
	x->phase = SENDING_SEARCHING;
}

bool sending_offer_due(const struct sending *x)
{
	return x->phase == SENDING_OFFERING && !x->offered;
}

void sending_offered(struct sending *x, uint64_t now_ms)
{
	x->offered = true;
	x->answer_by_ms = now_ms + SENDING_ANSWER_MS;
}

void sending_refill(struct sending *x, uint64_t now_ms, bool busy)
{
	uint64_t passed = now_ms - x->credit_ms;

	x->credit_ms = now_ms;
	if (!busy || passed > 1000 * SENDING_WINDOW / SENDING_RATE)
		x->credit = SENDING_WINDOW;
	else
		x->credit += passed * SENDING_RATE / 1000;
	if (x->credit > SENDING_WINDOW)
		x->credit = SENDING_WINDOW;
}

/* 0: none is left, or must wait for the member. */
static size_t chunk_in_window(const struct sending *x)
{
	uint64_t left = x->offer.bytes - x->sent;
	size_t n = left < STREAM_CHUNK_BYTES ? (size_t)left : STREAM_CHUNK_BYTES;

	return x->phase == SENDING_CHUNKS && x->sent - x->received + n <= SENDING_WINDOW
		? n
		: 0;
}

uint64_t sending_wait_ms(const struct sending *x)
{
	size_t n = chunk_in_window(x);

	return n > x->credit ? (n - x->credit) * 1000 / SENDING_RATE + 1 : 0;
}

bool sending_next(const struct sending *x, uint64_t *offset, size_t *len)
{
	size_t n = chunk_in_window(x);

	if (n == 0 || n > x->credit)
		return false;
	*offset = x->sent;
	*len = n;
	return true;
}

void sending_sent(struct sending *x, size_t len)
{
	x->sent += len;
	x->credit -= len;
}

void sending_broken(struct sending *x)
{
	if (x->phase != SENDING_OFFERING && x->phase != SENDING_CHUNKS &&
		x->phase != SENDING_CHECKED)
		return;
	x->phase = SENDING_OFFERING;
	x->offered = false;
}

/* ---- answers ------------------------------------------------------------ */

/* The answer to an offer, or what came is no good from there on. Going back is no
 * movement. */
static void on_want(struct sending *x, uint64_t offset, uint64_t now_ms)
{
	bool answers = x->phase == SENDING_OFFERING;

	if ((!answers && x->phase != SENDING_CHUNKS && x->phase != SENDING_CHECKED) ||
		offset > x->offer.bytes)
		return;
	if (answers || offset > x->received)
		x->moved_ms = now_ms;
	x->phase = SENDING_CHUNKS;
	x->sent = x->received = offset;
}

static void on_received(struct sending *x, const struct stream_frame *f, uint64_t now_ms)
{
	if (f->stage == STAGE_DONE && x->phase != SENDING_FOLLOWED) {
		move(x, SENDING_FOLLOWED, now_ms);
	} else if (f->stage == STAGE_CHECKING &&
		(x->phase == SENDING_CHUNKS || x->phase == SENDING_OFFERING ||
			x->phase == SENDING_CHECKED)) {
		x->received = x->sent = x->offer.bytes;
		move(x, SENDING_CHECKED, now_ms);
	} else if (x->phase == SENDING_CHUNKS && f->offset > x->received &&
		f->offset <= x->sent) {
		x->received = f->offset;
		x->moved_ms = now_ms;
	}
}

/* Rests are no movement: who declines for a minute is given up. */
static void on_declined(struct sending *x, enum stream_reason reason, uint64_t now_ms)
{
	if (x->phase == SENDING_FOLLOWED)
		return;
	if (reason == REASON_HAVE) {
		move(x, SENDING_FOLLOWED, now_ms);
		return;
	}
	if (reason == REASON_OLD) {
		x->phase = SENDING_NOT;
		return;
	}
	x->phase = SENDING_RESTING;
	x->rest_until_ms = now_ms +
		(reason == REASON_SPACE || reason == REASON_REFUSED ? SENDING_LONG_REST_MS
								    : SENDING_REST_MS);
}

void sending_on_frame(struct sending *x, const struct stream_frame *f, uint64_t now_ms)
{
	if (x->phase == SENDING_NOT || x->phase == SENDING_SEARCHING ||
		x->phase == SENDING_RESTING || f->stream != x->stream)
		return;
	if (f->kind == PEER_WANT)
		on_want(x, f->offset, now_ms);
	else if (f->kind == PEER_RECEIVED)
		on_received(x, f, now_ms);
	else if (f->kind == PEER_DECLINED)
		on_declined(x, f->reason, now_ms);
}

/* ---- the member's log, and time ----------------------------------------- */

void sending_progress(struct sending *x, uint64_t match, uint64_t last, uint64_t now_ms)
{
	if (x->phase == SENDING_NOT || x->phase == SENDING_SEARCHING)
		return;
	if (match > x->match) {
		x->match = match;
		x->moved_ms = now_ms;
	}
	if (match < x->offer.index)
		return;
	if (x->phase != SENDING_FOLLOWED)
		move(x, SENDING_FOLLOWED, now_ms);
	if (x->goal == 0)
		x->goal = last > x->offer.index ? last : x->offer.index;
	if (match >= x->goal)
		x->phase = SENDING_NOT;
}

void sending_time(struct sending *x, uint64_t now_ms)
{
	if (x->phase == SENDING_NOT)
		return;
	if (now_ms >= x->moved_ms + SENDING_STILL_MS)
		x->phase = SENDING_NOT;
	else if (x->phase == SENDING_RESTING && now_ms >= x->rest_until_ms)
		x->phase = SENDING_SEARCHING;
	else if (x->phase == SENDING_OFFERING && x->offered && now_ms >= x->answer_by_ms)
		x->offered = false;
}

uint64_t sending_keep(const struct sending *x)
{
	switch (x->phase) {
	case SENDING_NOT:
	case SENDING_SEARCHING:
		return UINT64_MAX;
	case SENDING_FOLLOWED:
		return x->match > x->offer.index ? x->match : x->offer.index;
	default:
		return x->offer.index;
	}
}
