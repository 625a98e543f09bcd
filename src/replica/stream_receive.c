#include "replica/stream_receive.h"

#include <assert.h>

static bool same_file(const struct stream_offer *a, const struct stream_offer *b)
{
	return a->index == b->index && a->term == b->term && a->bytes == b->bytes &&
		a->hash == b->hash;
}

static enum offer_verdict resume(
	struct receiving *x, uint64_t from, const struct stream_frame *f)
{
	x->from = from;
	x->stream = f->stream;
	x->offer = f->offer;
	x->asked = true;
	return x->phase == RECEIVING_CHECK ? OFFER_CHECKING : OFFER_RESUMED;
}

enum offer_verdict receiving_on_offer(struct receiving *x, uint64_t from,
	const struct stream_frame *f, uint64_t applied)
{
	if (f->offer.index <= applied)
		return OFFER_HAVE;
	if (x->phase == RECEIVING_NOT)
		return OFFER_NEW;
	if (f->offer.leader_term < x->offer.leader_term)
		return OFFER_OLD;
	if (same_file(&x->offer, &f->offer))
		return resume(x, from, f);
	if (x->phase == RECEIVING_CHECK)
		return OFFER_BUSY;
	return OFFER_NEW;
}

void receiving_begin(
	struct receiving *x, uint64_t from, const struct stream_frame *f, uint64_t got)
{
	assert(got <= f->offer.bytes);
	*x = (struct receiving){.phase = RECEIVING_CHUNKS,
		.from = from,
		.stream = f->stream,
		.offer = f->offer,
		.got = got,
		.stored = got,
		.asked = true};
}

enum chunk_verdict receiving_on_chunk(
	struct receiving *x, uint64_t from, const struct stream_frame *f)
{
	bool next = f->offset == x->got;

	if (x->phase != RECEIVING_CHUNKS || from != x->from || f->stream != x->stream ||
		f->offset < x->got || (!next && x->asked))
		return CHUNK_IGNORE;
	if (next && f->sound && f->data.len <= x->offer.bytes - x->got)
		return CHUNK_TAKE;
	x->asked = true;
	return CHUNK_ASK;
}

void receiving_took(struct receiving *x, size_t len)
{
	x->asked = false;
	x->got += len;
}

bool receiving_stored(struct receiving *x, size_t len)
{
	x->stored += len;
	assert(x->stored <= x->got);
	if (x->stored < x->offer.bytes)
		return false;
	x->phase = RECEIVING_CHECK;
	return true;
}

void receiving_check(struct receiving *x)
{
	assert(x->stored == x->offer.bytes);
	x->phase = RECEIVING_CHECK;
}

bool receiving_damaged(struct receiving *x)
{
	if (++x->broken >= 2) {
		x->phase = RECEIVING_NOT;
		return false;
	}
	x->phase = RECEIVING_CHUNKS;
	x->got = x->stored = 0;
	x->asked = true;
	return true;
}
