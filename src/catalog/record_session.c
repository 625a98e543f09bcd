/* Session records. */
#include "catalog/codec.h"
#include "catalog/record.h"

#define FORMAT 1

/* First byte of a memory: the error's number, and whether the value is the revision
 * (registrations). */
#define VALUE_IS_REV 0x80
#define CODE_MASK 0x7f

static void put_memory(struct buf *out, const struct memory *m)
{
	uint8_t code = (uint8_t)-m->code & CODE_MASK;
	bool same = m->value == m->rev;

	put_varint(out, m->seq);
	buf_put_u8(out, same ? code | VALUE_IS_REV : code);
	put_varint(out, m->rev);
	if (!same)
		put_varint(out, m->value);
	if (m->code != 0)
		put_blob(out, m->text);
}

bool session_next(struct bytes *memories, struct memory *out)
{
	struct reader r = reader_of(*memories);
	uint8_t code;

	if (memories->len == 0)
		return false;
	*out = (struct memory){.seq = read_varint(&r)};
	code = read_u8(&r);
	out->code = -(code & CODE_MASK);
	out->rev = read_varint(&r);
	out->value = (code & VALUE_IS_REV) != 0 ? out->rev : read_varint(&r);
	if (out->code != 0)
		out->text = read_blob(&r, MEMORY_TEXT_MAX);
	*memories = read_rest(&r);
	return !r.bad;
}

bool session_decode(struct bytes record, struct session_head *out)
{
	struct reader r = reader_of(record);

	if (read_u8(&r) != FORMAT)
		return false;
	out->used_ms = read_varint(&r);
	out->top = read_varint(&r);
	out->n = read_u8(&r);
	out->memories = read_rest(&r);
	return !r.bad;
}

static bool left_window(const struct session_head *h, uint64_t seq)
{
	return h->top - seq >= LIMIT_SESSION_WINDOW;
}

/* Those at the front that left the window. */
static void drop_front(struct session_head *h)
{
	struct bytes at = h->memories;
	struct memory one;

	while (h->n > 0 && session_next(&at, &one) && left_window(h, one.seq)) {
		h->memories = at;
		h->n--;
	}
}

static void put_head(struct buf *out, const struct session_head *h)
{
	buf_put_u8(out, FORMAT);
	put_varint(out, h->used_ms);
	put_varint(out, h->top);
	buf_put_u8(out, h->n + 1);
}

void session_encode(
	struct buf *out, struct bytes old, uint64_t used_ms, const struct memory *m)
{
	struct session_head head = {0};

	session_decode(old, &head);
	head.used_ms = used_ms;
	if (m->seq > head.top)
		head.top = m->seq;
	drop_front(&head);
	put_head(out, &head);
	buf_put_bytes(out, head.memories);
	put_memory(out, m);
}
