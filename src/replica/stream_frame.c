#include "replica/stream_frame.h"

#include <string.h>

#include "base/err.h"

#define CHUNK_HEAD_BYTES 24

static uint64_t chunk_sum(uint64_t offset, struct bytes data)
{
	return bytes_hash_seed(data, offset);
}

void stream_encode(const struct stream_frame *f, struct buf *out)
{
	buf_clear(out);
	buf_put_be64(out, f->stream);
	switch (f->kind) {
	case PEER_OFFER:
		buf_put_be64(out, f->offer.leader_term);
		buf_put_be64(out, f->offer.index);
		buf_put_be64(out, f->offer.term);
		buf_put_be64(out, f->offer.bytes);
		buf_put_be64(out, f->offer.hash);
		return;
	case PEER_WANT:
		buf_put_be64(out, f->offset);
		return;
	case PEER_CHUNK:
		buf_put_be64(out, f->offset);
		buf_put_be64(out, chunk_sum(f->offset, f->data));
		buf_put_bytes(out, f->data);
		return;
	case PEER_RECEIVED:
		buf_put_be64(out, f->offset);
		buf_put_u8(out, (uint8_t)f->stage);
		return;
	case PEER_DECLINED:
		buf_put_u8(out, (uint8_t)f->reason);
		buf_put_bytes(out, f->text);
		return;
	default:
		buf_fail(out, SVCD_EINTERNAL);
	}
}

/* ---- reading ------------------------------------------------------------ */

static bool decode_offer(struct bytes b, struct stream_frame *f)
{
	struct stream_offer *o = &f->offer;

	if (b.len != 48)
		return false;
	o->leader_term = get_be64(b.data + 8);
	o->index = get_be64(b.data + 16);
	o->term = get_be64(b.data + 24);
	o->bytes = get_be64(b.data + 32);
	o->hash = get_be64(b.data + 40);
	return o->index > 0 && o->term > 0 && o->term <= o->leader_term &&
		o->bytes >= 2 * STREAM_PAGE && o->bytes % STREAM_PAGE == 0 &&
		o->bytes <= STREAM_BYTES_MAX;
}

static bool decode_want(struct bytes b, struct stream_frame *f)
{
	if (b.len != 16)
		return false;
	f->offset = get_be64(b.data + 8);
	return f->offset <= STREAM_BYTES_MAX;
}

static bool decode_chunk(struct bytes b, struct stream_frame *f)
{
	if (b.len <= CHUNK_HEAD_BYTES || b.len > CHUNK_HEAD_BYTES + STREAM_CHUNK_BYTES)
		return false;
	f->offset = get_be64(b.data + 8);
	f->data = bytes_of(b.data + CHUNK_HEAD_BYTES, b.len - CHUNK_HEAD_BYTES);
	f->sound = get_be64(b.data + 16) == chunk_sum(f->offset, f->data);
	return f->offset <= STREAM_BYTES_MAX;
}

static bool decode_received(struct bytes b, struct stream_frame *f)
{
	if (b.len != 17 || b.data[16] >= STAGE_COUNT)
		return false;
	f->offset = get_be64(b.data + 8);
	f->stage = (enum stream_stage)b.data[16];
	return f->offset <= STREAM_BYTES_MAX;
}

static bool decode_declined(struct bytes b, struct stream_frame *f)
{
	if (b.len < 9 || b.len > 9 + STREAM_TEXT_MAX || b.data[8] == 0 ||
		b.data[8] >= REASON_END)
		return false;
	f->reason = (enum stream_reason)b.data[8];
	f->text = bytes_of(b.data + 9, b.len - 9);
	return bytes_is_text(f->text);
}

static bool decode_body(struct bytes b, struct stream_frame *f)
{
	switch (f->kind) {
	case PEER_OFFER:
		return decode_offer(b, f);
	case PEER_WANT:
		return decode_want(b, f);
	case PEER_CHUNK:
		return decode_chunk(b, f);
	case PEER_RECEIVED:
		return decode_received(b, f);
	case PEER_DECLINED:
		return decode_declined(b, f);
	default:
		return false;
	}
}

int stream_decode(enum peer_kind kind, struct bytes body, struct stream_frame *out)
{
	struct stream_frame f = {.kind = kind};

	if (body.len < 8)
		return SVCD_EPROTOCOL;
	f.stream = get_be64(body.data);
	if (!decode_body(body, &f))
		return SVCD_EPROTOCOL;
	*out = f;
	return 0;
}
