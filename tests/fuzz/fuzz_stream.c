/*
 * Frames of a checkpoint on its way, of any bytes, in any order: what decodes encodes to
 * the same bytes, and neither side's decisions leave their bounds.
 *
 *	input: any number of { u8 event, u8 length high, u8 low, length bytes }
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "replica/stream_receive.h"
#include "replica/stream_send.h"

#define FROM 21 /* nodes */
#define STREAM 9

struct world {
	struct sending s;
	struct receiving r;
	uint64_t now_ms;
	uint64_t applied;
	struct buf again;
};

/* The number of an event is the kind of a frame, or less. */
enum event { EVENT_START, EVENT_BREAK, EVENT_TIME, EVENT_SEND, EVENT_PROGRESS };

static void check_sending(const struct sending *x)
{
	uint64_t offset;
	size_t len;

	REQUIRE(x->received <= x->sent && x->sent <= x->offer.bytes);
	REQUIRE(x->sent - x->received <= SENDING_WINDOW);
	REQUIRE(x->credit <= SENDING_WINDOW && sending_wait_ms(x) < 1000);
	if (sending_next(x, &offset, &len))
		REQUIRE(len > 0 && len <= STREAM_CHUNK_BYTES &&
			offset + len <= x->offer.bytes);
	REQUIRE(sending_keep(x) == UINT64_MAX || sending_keep(x) >= x->offer.index);
}

static void check_receiving(const struct receiving *x)
{
	REQUIRE(x->stored <= x->got && x->got <= x->offer.bytes);
	REQUIRE(x->phase != RECEIVING_CHECK || x->got == x->offer.bytes);
	REQUIRE(x->phase == RECEIVING_NOT || x->offer.bytes > 0);
}

/* Data that is damaged has another sum: only its bytes come back. */
static void check_again(struct world *w, const struct stream_frame *f, struct bytes body)
{
	stream_encode(f, &w->again);
	REQUIRE(w->again.error == 0 && w->again.len == body.len);
	if (f->kind == PEER_CHUNK && !f->sound)
		return;
	REQUIRE(bytes_eq(buf_bytes(&w->again), body));
}

static void receive(struct world *w, const struct stream_frame *f)
{
	if (f->kind == PEER_OFFER) {
		if (receiving_on_offer(&w->r, FROM, f, w->applied) == OFFER_NEW)
			receiving_begin(&w->r, FROM, f, 0);
		return;
	}
	if (receiving_on_chunk(&w->r, FROM, f) != CHUNK_TAKE)
		return;
	receiving_took(&w->r, f->data.len);
	if (f->data.data[0] % 4 == 0)
		return; /* slow disk */
	if (receiving_stored(&w->r, w->r.got - w->r.stored) && f->data.data[0] % 2 != 0)
		receiving_damaged(&w->r);
}

static void on_frame(struct world *w, uint8_t kind, struct bytes body)
{
	struct stream_frame f;

	if (stream_decode((enum peer_kind)kind, body, &f) != 0)
		return;
	check_again(w, &f, body);
	if (f.kind == PEER_OFFER || f.kind == PEER_CHUNK)
		receive(w, &f);
	else
		sending_on_frame(&w->s, &f, w->now_ms);
}

static void start(struct world *w, struct bytes body)
{
	struct stream_offer o = {.index = 100, .term = 2, .hash = 3};

	o.bytes = (2 + (body.len ? body.data[0] : 0)) * (uint64_t)STREAM_PAGE * 16;
	sending_start(&w->s, 3 + body.len, w->now_ms);
	if (w->s.phase == SENDING_SEARCHING)
		sending_found(&w->s, STREAM, &o);
	if (sending_offer_due(&w->s))
		sending_offered(&w->s, w->now_ms);
}

static void on_event(struct world *w, uint8_t event, struct bytes body)
{
	uint64_t number = body.len >= 8 ? get_be64(body.data) : body.len;
	uint64_t offset;
	size_t len;

	switch ((enum event)event) {
	case EVENT_START:
		start(w, body);
		return;
	case EVENT_BREAK:
		sending_broken(&w->s);
		return;
	case EVENT_TIME:
		w->now_ms += number % 100000;
		sending_time(&w->s, w->now_ms);
		return;
	case EVENT_SEND:
		sending_refill(&w->s, w->now_ms, body.len % 2 != 0);
		while (sending_next(&w->s, &offset, &len))
			sending_sent(&w->s, len);
		return;
	case EVENT_PROGRESS:
		sending_progress(&w->s, number, number % 512, w->now_ms);
		w->applied = number % 4;
		return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {.now_ms = 1000};

	while (size >= 3) {
		size_t len = (size_t)(data[1] << 8 | data[2]);
		struct bytes body;

		len = len < size - 3 ? len : size - 3;
		body = bytes_of(data + 3, len);
		if (data[0] <= EVENT_PROGRESS)
			on_event(&w, data[0], body);
		else
			on_frame(&w, data[0], body);
		check_sending(&w.s);
		check_receiving(&w.r);
		data += 3 + len;
		size -= 3 + len;
	}
	buf_fini(&w.again);
	return 0;
}
