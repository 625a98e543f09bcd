#include "catalog/codec.h"

#define VARINT_MAX 10 /* bytes */

uint64_t reader_fail(struct reader *r)
{
	r->bad = true;
	r->p = r->end;
	return 0;
}

uint64_t read_long_varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && r->p < r->end; shift += 7) {
		uint8_t byte = *r->p++;

		if (shift == 63 && byte > 1)
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return v;
	}
	return reader_fail(r);
}

uint64_t read_varint_max(struct reader *r, uint64_t max)
{
	uint64_t v = read_varint(r);

	return v <= max ? v : reader_fail(r);
}

uint16_t read_be16(struct reader *r)
{
	struct bytes v = read_bytes(r, 2);

	return v.len == 2 ? get_be16(v.data) : 0;
}

uint32_t read_be32(struct reader *r)
{
	struct bytes v = read_bytes(r, 4);

	return v.len == 4 ? get_be32(v.data) : 0;
}

uint64_t read_be64(struct reader *r)
{
	struct bytes v = read_bytes(r, 8);

	return v.len == 8 ? get_be64(v.data) : 0;
}

struct bytes read_bytes(struct reader *r, size_t n)
{
	struct bytes v = {r->p, n};

	if (n > reader_left(r)) {
		reader_fail(r);
		return BYTES_NONE;
	}
	r->p += n;
	return v;
}

struct bytes read_blob(struct reader *r, size_t max)
{
	return read_bytes(r, (size_t)read_varint_max(r, max));
}

struct bytes read_rest(struct reader *r)
{
	return read_bytes(r, reader_left(r));
}

size_t reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->p);
}

bool reader_done(const struct reader *r)
{
	return !r->bad && r->p == r->end;
}

void put_varint(struct buf *b, uint64_t v)
{
	uint8_t out[VARINT_MAX];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		out[n++] = (uint8_t)(v | 0x80);
	out[n++] = (uint8_t)v;
	buf_put(b, out, n);
}

void put_blob(struct buf *b, struct bytes v)
{
	put_varint(b, v.len);
	buf_put_bytes(b, v);
}
