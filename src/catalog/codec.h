/*
 * Reading and writing the catalog's own records and commands, and what members say to
 * each other: varints (LEB128), numbers of fixed size, length-prefixed blobs. The
 * reader's error sticks: after it every read gives zero or nothing; look at bad once.
 */
#ifndef SVCD_CATALOG_CODEC_H
#define SVCD_CATALOG_CODEC_H

#include "base/bytes.h"

struct reader {
	const uint8_t *p, *end;
	bool bad; /* sticky: the bytes ended early or were malformed */
};

static inline struct reader reader_of(struct bytes in)
{
	return (struct reader){
		.p = in.data, .end = in.len > 0 ? in.data + in.len : in.data};
}

uint64_t reader_fail(struct reader *r); /* sets bad; 0 */
uint64_t read_long_varint(struct reader *r);

static inline uint8_t read_u8(struct reader *r)
{
	return r->p != r->end ? *r->p++ : (uint8_t)reader_fail(r);
}

static inline uint64_t read_varint(struct reader *r)
{
	return r->p != r->end && *r->p < 0x80 ? *r->p++ : read_long_varint(r);
}

uint64_t read_varint_max(struct reader *r, uint64_t max); /* larger is malformed */
uint16_t read_be16(struct reader *r);
uint32_t read_be32(struct reader *r);
uint64_t read_be64(struct reader *r);
struct bytes read_bytes(struct reader *r, size_t n);
struct bytes read_blob(struct reader *r, size_t max); /* longer is malformed */
struct bytes read_rest(struct reader *r);
size_t reader_left(const struct reader *r); /* bytes */
bool reader_done(const struct reader *r);   /* all read, nothing bad */

void put_varint(struct buf *b, uint64_t v);
void put_blob(struct buf *b, struct bytes v);

#endif
