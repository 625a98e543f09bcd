#include "replica/words.h"

#include <string.h>

#include "replica/replica.h"

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

/* ---- proposals --------------------------------------------------------- */

void proposals_put(struct buf *out, uint64_t id, struct bytes command)
{
	buf_put_be64(out, id);
	buf_put_be32(out, (uint32_t)command.len);
	buf_put_bytes(out, command);
}

struct bytes proposals_next(struct reader *r, uint64_t *id)
{
	*id = read_be64(r);
	return read_bytes(r, read_be32(r));
}

uint32_t proposals_count(struct bytes frame)
{
	struct reader r = reader_of(frame);
	uint64_t id;
	uint32_t n = 0;

	while (!r.bad && !reader_done(&r)) {
		proposals_next(&r, &id);
		n++;
	}
	return r.bad || n > PAYLOAD_COMMANDS_MAX ? 0 : n;
}

/* ---- changes of the members -------------------------------------------- */

#define NAME_BYTES_MAX 63

void change_request_put(struct buf *out, const struct change_request *q)
{
	buf_put_u8(out, q->op);
	buf_put_be64(out, q->node);
	put_blob(out, q->actor);
	put_blob(out, q->name);
	put_blob(out, q->peer);
	put_blob(out, q->client);
}

static bool known_op(uint8_t op)
{
	return (op >= CHANGE_PROMOTE && op <= CHANGE_TRANSFER) || op == CHANGE_ANNOUNCE ||
		op == CHANGE_JOIN;
}

bool change_request_read(struct bytes in, struct change_request *q)
{
	struct reader r = reader_of(in);

	q->op = read_u8(&r);
	q->node = read_be64(&r);
	q->actor = read_blob(&r, LIMIT_ACTOR);
	q->name = read_blob(&r, NAME_BYTES_MAX);
	q->peer = read_blob(&r, LIMIT_MEMBER_ADDRESS);
	q->client = read_blob(&r, LIMIT_MEMBER_ADDRESS);
	return reader_done(&r) && known_op(q->op);
}
