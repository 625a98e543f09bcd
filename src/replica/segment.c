#include "replica/segment.h"

#include <assert.h>
#include <string.h>

#include "replica/crc32c.h"

/* On disk in the byte order of the machine: a data directory does not move to another
 * kind of machine. */
struct head_bytes {
	char magic[8];
	uint32_t crc; /* of all that follows */
	uint32_t format;
	uint64_t seq;
	uint64_t cluster;
	uint64_t prev_index, prev_term;
	uint32_t salt;
	uint32_t restart;
};

struct record_head {
	uint32_t crc; /* of all that follows, with the payload; starts from the salt */
	uint32_t type_len; /* type << 24 | length of the payload */
	uint64_t index;
	uint64_t term;
	uint64_t durable;
};

_Static_assert(sizeof(struct head_bytes) == 56, "layout on disk");
_Static_assert(sizeof(struct record_head) == RECORD_HEAD_BYTES, "layout on disk");

static const char magic[8] = {'s', 'v', 'c', 'd', 'l', 'o', 'g', '\n'};

static uint32_t head_crc(const struct head_bytes *h)
{
	return crc32c(0, &h->format, sizeof(*h) - offsetof(struct head_bytes, format));
}

void segment_head_encode(const struct segment_head *h, uint8_t *out)
{
	struct head_bytes b = {
		.format = SEGMENT_FORMAT,
		.seq = h->seq,
		.cluster = h->cluster,
		.prev_index = h->prev_index,
		.prev_term = h->prev_term,
		.salt = h->salt,
		.restart = h->restart,
	};

	memcpy(b.magic, magic, sizeof(magic));
	b.crc = head_crc(&b);
	memset(out, 0, SEGMENT_HEAD_BYTES);
	memcpy(out, &b, sizeof(b));
}

int segment_head_decode(const uint8_t *in, struct segment_head *out)
{
	struct head_bytes b;

	memcpy(&b, in, sizeof(b));
	if (memcmp(b.magic, magic, sizeof(magic)) != 0 || b.crc != head_crc(&b))
		return SVCD_ECORRUPT;
	if (b.format != SEGMENT_FORMAT)
		return SVCD_EVERSION;
	*out = (struct segment_head){
		.seq = b.seq,
		.cluster = b.cluster,
		.prev_index = b.prev_index,
		.prev_term = b.prev_term,
		.salt = b.salt,
		.restart = b.restart != 0,
	};
	return 0;
}

size_t record_bytes(size_t payload)
{
	return RECORD_HEAD_BYTES + ((payload + 7) & ~(size_t)7);
}

static uint32_t record_crc(const uint8_t *record, size_t payload, uint32_t salt)
{
	return crc32c(salt, record + sizeof(uint32_t),
		RECORD_HEAD_BYTES - sizeof(uint32_t) + payload);
}

void record_encode(
	const struct journal_entry *e, uint32_t salt, uint64_t durable, uint8_t *out)
{
	size_t len = e->payload.len;
	struct record_head h = {
		.type_len = (uint32_t)e->type << 24 | (uint32_t)len,
		.index = e->index,
		.term = e->term,
		.durable = durable,
	};

	assert(len <= RECORD_PAYLOAD_MAX);
	memcpy(out, &h, sizeof(h));
	if (len)
		memcpy(out + sizeof(h), e->payload.data, len);
	memset(out + sizeof(h) + len, 0, record_bytes(len) - sizeof(h) - len);
	h.crc = record_crc(out, len, salt);
	memcpy(out, &h.crc, sizeof(h.crc));
}

bool record_decode(struct bytes in, uint32_t salt, struct record *out)
{
	struct record_head h;
	size_t len;

	if (in.len < RECORD_HEAD_BYTES)
		return false;
	memcpy(&h, in.data, sizeof(h));
	len = h.type_len & RECORD_PAYLOAD_MAX;
	if (h.index == 0 || h.durable >= h.index || in.len < record_bytes(len))
		return false;
	if (h.crc != record_crc(in.data, len, salt))
		return false;
	out->entry = (struct journal_entry){
		.index = h.index,
		.term = h.term,
		.type = (uint8_t)(h.type_len >> 24),
		.payload = bytes_of(in.data + RECORD_HEAD_BYTES, len),
	};
	out->durable = h.durable;
	out->bytes = record_bytes(len);
	return true;
}

/* ---- scanning ---------------------------------------------------------- */

static struct bytes from(struct bytes content, uint64_t at)
{
	return at < content.len ? bytes_of(content.data + at, content.len - at)
				: BYTES_NONE;
}

static bool follows(const struct segment_scan *s, const struct journal_entry *e)
{
	return e->index == s->last_index + 1 && e->term >= s->last_term;
}

/* When the head at the end names the record that should be there, its write was
 * interrupted. */
static void look_for_torn(struct bytes at_end, struct segment_scan *s)
{
	struct record_head h;
	size_t bytes;

	if (at_end.len < sizeof(h))
		return;
	memcpy(&h, at_end.data, sizeof(h));
	if (h.index != s->last_index + 1 || h.durable >= h.index)
		return;
	bytes = record_bytes(h.type_len & RECORD_PAYLOAD_MAX);
	s->torn = true;
	s->debris_end = s->end + (bytes < at_end.len ? bytes : at_end.len);
}

/* Looks for valid records behind the end. Only what could be one is summed: the index
 * must be near. */
static void scan_debris(struct bytes content, uint32_t salt, struct segment_scan *s)
{
	uint64_t at = s->end;

	while (at + RECORD_HEAD_BYTES <= content.len) {
		struct record r;
		uint64_t index;

		memcpy(&index, content.data + at + offsetof(struct record_head, index),
			sizeof(index));
		if (index - s->last_index > content.len / RECORD_HEAD_BYTES ||
			!record_decode(from(content, at), salt, &r)) {
			at += 8;
			continue;
		}
		if (r.durable > s->last_index)
			s->damaged = true;
		at += r.bytes;
		if (s->debris_end < at)
			s->debris_end = at;
	}
}

void segment_scan(struct bytes content, const struct segment_head *h,
	void (*each)(void *arg, const struct record *r, uint64_t at), void *arg,
	struct segment_scan *out)
{
	struct record r;

	*out = (struct segment_scan){
		.end = SEGMENT_HEAD_BYTES,
		.last_index = h->prev_index,
		.last_term = h->prev_term,
	};
	while (record_decode(from(content, out->end), h->salt, &r) &&
		follows(out, &r.entry)) {
		each(arg, &r, out->end);
		out->last_index = r.entry.index;
		out->last_term = r.entry.term;
		out->end += r.bytes;
	}
	look_for_torn(from(content, out->end), out);
	scan_debris(content, h->salt, out);
}
