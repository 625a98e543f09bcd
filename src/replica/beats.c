#include "replica/beats.h"

#include "base/err.h"
#include "catalog/codec.h"

#define FORMAT 1
#define NAME_MAX_BYTES 63
#define VERSION_MAX_BYTES 31

/* Each number once, for both directions. */
#define NUMBERS(X) \
	X(sent_us) \
	X(echo_us) \
	X(held_us) \
	X(term) \
	X(applied) \
	X(rev) \
	X(time_ms) \
	X(wall_ms) \
	X(sync_us)

static void put_point(struct buf *out, const struct point *p)
{
	put_varint(out, p->index);
	buf_put_be64(out, p->digest);
}

static struct point read_point(struct reader *r)
{
	struct point p = {.index = read_varint(r)};

	p.digest = read_be64(r);
	return p;
}

void beat_encode(struct buf *out, const struct beat *b)
{
	buf_put_u8(out, FORMAT);
	buf_put_u8(out, b->flags);
#define PUT(field) put_varint(out, b->field);
	NUMBERS(PUT)
#undef PUT
	buf_put_be64(out, b->config_hash);
	put_point(out, &b->now);
	for (size_t i = 0; i < BEAT_POINTS; i++)
		put_point(out, &b->points[i]);
	put_blob(out, b->name);
	put_blob(out, b->version);
}

int beat_decode(struct bytes in, struct beat *out)
{
	struct reader r = reader_of(in);
	struct beat b = {0};

	if (read_u8(&r) != FORMAT)
		return SVCD_EPROTOCOL;
	b.flags = read_u8(&r) & BEAT_FLAGS;
#define READ(field) b.field = read_varint(&r);
	NUMBERS(READ)
#undef READ
	b.config_hash = read_be64(&r);
	b.now = read_point(&r);
	for (size_t i = 0; i < BEAT_POINTS; i++)
		b.points[i] = read_point(&r);
	b.name = read_blob(&r, NAME_MAX_BYTES);
	b.version = read_blob(&r, VERSION_MAX_BYTES);
	if (r.bad)
		return SVCD_EPROTOCOL;
	*out = b;
	return 0;
}
