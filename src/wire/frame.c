/*
 * One table says for every first byte what follows it. The loop keeps the count of the
 * innermost container in a register and the counts of those around it in scan->left.
 *
 * Whether and why a stream is refused depends on its bytes only, never on how they were
 * cut.
 */
#include "wire/frame.h"

#include "svcd.h"

#define METHOD_BYTES_MAX 64

enum shape_kind {
	SHAPE_BAD,   /* ext types and 0xc1 */
	SHAPE_WHOLE, /* size bytes in all */
	SHAPE_BODY,  /* a length of size bytes, then the body */
	SHAPE_ARRAY, /* a count of size bytes; size 0: the count is in the first byte */
	SHAPE_MAP,
};

struct shape {
	uint8_t kind;
	uint8_t size;
};

/* Four fixstr: the length is in the low five bits. */
#define STR4(c) \
	[(c)] = {SHAPE_WHOLE, ((c)&31) + 1}, [(c) + 1] = {SHAPE_WHOLE, ((c)&31) + 2}, \
	[(c) + 2] = {SHAPE_WHOLE, ((c)&31) + 3}, [(c) + 3] = {SHAPE_WHOLE, ((c)&31) + 4}

static const struct shape shapes[256] = {
	[0x00 ... 0x7f] = {SHAPE_WHOLE, 1}, /* positive fixint */
	[0x80 ... 0x8f] = {SHAPE_MAP, 0},
	[0x90 ... 0x9f] = {SHAPE_ARRAY, 0},
	STR4(0xa0),
	STR4(0xa4),
	STR4(0xa8),
	STR4(0xac),
	STR4(0xb0),
	STR4(0xb4),
	STR4(0xb8),
	STR4(0xbc),
	[0xc0] = {SHAPE_WHOLE, 1}, /* nil */
	[0xc2] = {SHAPE_WHOLE, 1}, /* false */
	[0xc3] = {SHAPE_WHOLE, 1}, /* true */
	[0xc4] = {SHAPE_BODY, 1},  /* bin */
	[0xc5] = {SHAPE_BODY, 2},
	[0xc6] = {SHAPE_BODY, 4},
	[0xca] = {SHAPE_WHOLE, 5}, /* float */
	[0xcb] = {SHAPE_WHOLE, 9},
	[0xcc] = {SHAPE_WHOLE, 2}, /* uint */
	[0xcd] = {SHAPE_WHOLE, 3},
	[0xce] = {SHAPE_WHOLE, 5},
	[0xcf] = {SHAPE_WHOLE, 9},
	[0xd0] = {SHAPE_WHOLE, 2}, /* int */
	[0xd1] = {SHAPE_WHOLE, 3},
	[0xd2] = {SHAPE_WHOLE, 5},
	[0xd3] = {SHAPE_WHOLE, 9},
	[0xd9] = {SHAPE_BODY, 1}, /* str */
	[0xda] = {SHAPE_BODY, 2},
	[0xdb] = {SHAPE_BODY, 4},
	[0xdc] = {SHAPE_ARRAY, 2},
	[0xdd] = {SHAPE_ARRAY, 4},
	[0xde] = {SHAPE_MAP, 2},
	[0xdf] = {SHAPE_MAP, 4},
	[0xe0 ... 0xff] = {SHAPE_WHOLE, 1}, /* negative fixint */
};

/* A frame_scan while it runs, kept in registers. */
struct walk {
	uint64_t pos;    /* may be behind the end of the bytes that are there */
	uint64_t limit;  /* no byte from here on is looked at */
	uint32_t *outer; /* scan->left: elements missing in the containers around the
			    innermost one */
	uint32_t left;   /* elements missing in the innermost container */
	uint32_t depth;  /* open containers */
	uint32_t items;
};

void frame_scan_reset(struct frame_scan *s)
{
	s->pos = 0;
	s->items = 0;
	s->depth = 0;
}

static inline uint32_t get_number(const uint8_t *p, uint8_t size)
{
	return size == 1 ? p[0] : size == 2 ? get_be16(p) : get_be32(p);
}

/* An element ends: closes the containers that it was the last of. */
static inline void end_element(struct walk *w)
{
	while (w->depth > 0 && w->left == 0)
		if (--w->depth > 0)
			w->left = w->outer[w->depth - 1];
}

static inline int open_container(struct walk *w, uint64_t n)
{
	if (w->depth == FRAME_DEPTH_MAX || n > FRAME_ITEMS_MAX - w->items)
		return SVCD_ETOOBIG;
	if (w->depth > 0)
		w->outer[w->depth - 1] = w->left;
	w->depth++;
	w->items += (uint32_t)n;
	w->left = (uint32_t)n;
	return 0;
}

/* A container, or what has a length: reads its head and steps over the body. */
static inline int step_head(struct walk *w, const uint8_t *p, struct shape shape)
{
	uint64_t n = p[0] & 15;
	int rv = 0;

	if (shape.kind == SHAPE_BAD)
		return SVCD_EPROTOCOL;
	if (w->pos + 1 + shape.size > w->limit)
		return SVCD_EAGAIN;
	if (shape.size > 0)
		n = get_number(p + 1, shape.size);
	w->pos += 1u + shape.size;
	w->left--;
	if (shape.kind == SHAPE_BODY)
		w->pos += n;
	else
		rv = open_container(w, shape.kind == SHAPE_MAP ? 2 * n : n);
	return rv;
}

/* Walks until the value is complete (0) or the bytes end (SVCD_EAGAIN). */
static inline int walk(struct walk *w, const uint8_t *data)
{
	while (w->pos < w->limit) {
		struct shape shape = shapes[data[w->pos]];
		int rv = 0;

		if (shape.kind == SHAPE_WHOLE) {
			w->pos += shape.size;
			w->left--;
		} else {
			rv = step_head(w, data + w->pos, shape);
		}
		if (rv != 0)
			return rv;
		end_element(w);
		if (w->depth == 0)
			return 0;
	}
	return SVCD_EAGAIN;
}

static int suspend(struct frame_scan *s, const struct walk *w)
{
	s->pos = (uint32_t)w->pos;
	s->items = w->items;
	s->depth = w->depth;
	if (w->depth > 0)
		s->left[w->depth - 1] = w->left;
	return SVCD_EAGAIN;
}

int frame_find(struct frame_scan *s, struct bytes in, size_t *len)
{
	uint64_t max = s->max_bytes == 0 ? FRAME_BYTES_MAX : s->max_bytes;
	struct walk w = {
		.pos = s->pos,
		.limit = in.len < max ? in.len : max,
		.outer = s->left,
		.left = s->depth > 0 ? s->left[s->depth - 1] : 1,
		.depth = s->depth,
		.items = s->items,
	};
	bool only_body_missing = s->pos > 0 && s->depth == 0;
	int rv = only_body_missing ? 0 : walk(&w, in.data);

	if (rv != 0 && rv != SVCD_EAGAIN)
		return rv;
	if (w.pos > max || (rv == SVCD_EAGAIN && w.limit == max))
		return SVCD_ETOOBIG;
	if (rv == SVCD_EAGAIN || w.pos > in.len)
		return suspend(s, &w);
	frame_scan_reset(s);
	*len = (size_t)w.pos;
	return 0;
}

size_t frame_value_len(struct bytes in)
{
	struct frame_scan scan = {0};
	size_t len;

	return frame_find(&scan, in, &len) == 0 ? len : 0;
}

static struct bytes skip(struct bytes in, size_t n)
{
	return bytes_of(in.data + n, in.len - n);
}

static uint64_t get_be(const uint8_t *p, size_t size)
{
	uint64_t v = 0;

	for (size_t i = 0; i < size; i++)
		v = v << 8 | p[i];
	return v;
}

/* Takes a number of 0..2^32-1 in any of its forms; some clients send small ones as
 * signed. */
static int take_u32(struct bytes *in, uint32_t *out)
{
	uint8_t first = in->len > 0 ? in->data[0] : 0xc1;
	size_t size = 0;
	uint64_t v = first;

	if (first >= 0xcc && first <= 0xd3)
		size = (size_t)1 << (first & 3);
	else if (first > 0x7f)
		return SVCD_EPROTOCOL;
	if (in->len < 1 + size)
		return SVCD_EPROTOCOL;
	if (size > 0)
		v = get_be(in->data + 1, size);
	if (v > UINT32_MAX || (first >= 0xd0 && (in->data[1] & 0x80) != 0))
		return SVCD_EPROTOCOL;
	*in = skip(*in, 1 + size);
	*out = (uint32_t)v;
	return 0;
}

/* Takes the head of an array in any of its forms. */
static int take_array(struct bytes *in, uint32_t *n)
{
	uint8_t first = in->len > 0 ? in->data[0] : 0xc1;
	size_t size = shapes[first].size;

	if (shapes[first].kind != SHAPE_ARRAY || in->len < 1 + size)
		return SVCD_EPROTOCOL;
	*n = size == 0 ? first & 15u : (uint32_t)get_be(in->data + 1, size);
	*in = skip(*in, 1 + size);
	return 0;
}

/* The head of a string: how many bytes it has, and how long the string is. 0: not a
 * string. */
static size_t str_head(struct bytes in, size_t *len)
{
	uint8_t first = in.len > 0 ? in.data[0] : 0xc1;
	uint8_t size;

	if (first >= 0xa0 && first <= 0xbf) {
		*len = first & 31;
		return 1;
	}
	if (first < 0xd9 || first > 0xdb)
		return 0;
	size = shapes[first].size;
	if (in.len < 1u + size)
		return 0;
	*len = get_number(in.data + 1, size);
	return 1u + size;
}

static int take_method(struct bytes *in, struct bytes *out)
{
	size_t len = 0;
	size_t head = str_head(*in, &len);
	struct bytes text;

	if (head == 0 || len == 0 || len > METHOD_BYTES_MAX || len > in->len - head)
		return SVCD_EPROTOCOL;
	text = bytes_of(in->data + head, len);
	if (!bytes_is_text(text))
		return SVCD_EPROTOCOL;
	*in = skip(*in, head + len);
	*out = text;
	return 0;
}

static int take_value(struct bytes *in, struct bytes *out)
{
	size_t len = frame_value_len(*in);

	if (len == 0)
		return SVCD_EPROTOCOL;
	*out = bytes_of(in->data, len);
	*in = skip(*in, len);
	return 0;
}

static int take_head(struct bytes *in, struct frame *f)
{
	static const uint32_t counts[] = {
		[FRAME_REQUEST] = 4,
		[FRAME_RESPONSE] = 4,
		[FRAME_NOTIFICATION] = 3,
	};
	uint32_t n = 0;
	uint32_t kind = 0;

	if (take_array(in, &n) != 0 || take_u32(in, &kind) != 0)
		return SVCD_EPROTOCOL;
	if (kind > FRAME_NOTIFICATION || n != counts[kind])
		return SVCD_EPROTOCOL;
	f->kind = (enum frame_kind)kind;
	return kind == FRAME_NOTIFICATION ? 0 : take_u32(in, &f->id);
}

int frame_parse(struct bytes message, struct frame *out)
{
	struct frame f = {0};
	int rv = take_head(&message, &f);

	if (rv == 0 && f.kind == FRAME_RESPONSE)
		rv = take_value(&message, &f.error);
	else if (rv == 0)
		rv = take_method(&message, &f.method);
	if (rv != 0)
		return rv;
	f.body = message; /* the last part: what is left of a whole message */
	*out = f;
	return 0;
}
