#include "replica/outcomes.h"

#include <string.h>

enum { DROP_ON_CLOSE = 1, REPEATED = 2, FLAGS = 3 };

#define INCARNATIONS_MAX ((size_t)8 * LIMIT_BATCH)
#define CODE_MAX 1000

void outcome_encode(struct buf *out, const struct outcome *o)
{
	buf_put_u8(out,
		(uint8_t)((o->drop_on_close ? DROP_ON_CLOSE : 0) |
			(o->repeated ? REPEATED : 0)));
	put_varint(out, (uint64_t)-o->code);
	put_varint(out, o->rev);
	put_varint(out, o->value);
	put_varint(out, o->ttl_ms);
	put_blob(out, buf_bytes(&o->incarnations));
	put_blob(out, o->code ? bytes_str(o->text) : BYTES_NONE);
}

bool outcome_decode(struct reader *r, struct outcome *out)
{
	uint8_t flags = read_u8(r);
	struct bytes incarnations, text;

	if (flags > FLAGS)
		r->bad = true;
	out->drop_on_close = (flags & DROP_ON_CLOSE) != 0;
	out->repeated = (flags & REPEATED) != 0;
	out->code = -(int)read_varint_max(r, CODE_MAX);
	out->rev = read_varint(r);
	out->value = read_varint(r);
	out->ttl_ms = read_varint(r);
	incarnations = read_blob(r, INCARNATIONS_MAX);
	text = read_blob(r, sizeof(out->text) - 1);
	buf_clear(&out->incarnations);
	buf_put_bytes(&out->incarnations, incarnations);
	if (text.len > 0)
		memcpy(out->text, text.data, text.len);
	out->text[text.len] = '\0';
	return !r->bad && out->incarnations.error == 0;
}
