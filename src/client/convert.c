/* struct svcd_value to and from the wire. Recursion ends at the protocol's limit of
 * nesting. */
#include "client/value.h"

#include "wire/frame.h"
#include "wire/pack.h"

static struct svcd_value *new_scalar(struct value in)
{
	static const enum svcd_type types[] = {
		[VALUE_NIL] = SVCD_NIL,
		[VALUE_BOOL] = SVCD_BOOL,
		[VALUE_UINT] = SVCD_UINT,
		[VALUE_INT] = SVCD_INT,
		[VALUE_FLOAT] = SVCD_DOUBLE,
		[VALUE_STR] = SVCD_STRING,
		[VALUE_BIN] = SVCD_BINARY,
		[VALUE_ARRAY] = SVCD_ARRAY,
		[VALUE_MAP] = SVCD_MAP,
	};
	struct svcd_value *v;

	if (in.type == VALUE_STR || in.type == VALUE_BIN)
		return value_new_bytes(types[in.type], in.s);
	v = value_new(types[in.type]);
	if (v == NULL)
		return NULL;
	if (in.type == VALUE_BOOL)
		v->truth = in.boolean;
	else if (in.type == VALUE_FLOAT)
		v->d = in.f;
	else if (in.type == VALUE_INT)
		v->i = in.i;
	else if (in.type == VALUE_UINT)
		v->u = in.u;
	return v;
}

static int copy_pair(struct svcd_value *map, struct value in, uint32_t i)
{
	struct svcd_value *child;
	struct value key, val;
	int rv;

	value_pair(in, i, &key, &val);
	if (key.type != VALUE_STR)
		return SVCD_EPROTOCOL;
	rv = value_from_wire(val, &child);
	if (rv != 0)
		return rv;
	rv = value_put(map, key.s, child);
	if (rv != 0)
		svcd_value_free(child);
	return rv;
}

static int copy_element(struct svcd_value *array, struct value in, uint32_t i)
{
	struct svcd_value *child;
	int rv = value_from_wire(value_at(in, i), &child);

	if (rv != 0)
		return rv;
	rv = value_add(array, child);
	if (rv != 0)
		svcd_value_free(child);
	return rv;
}

int value_from_wire(struct value in, struct svcd_value **out)
{
	struct svcd_value *v = new_scalar(in);
	bool is_map = in.type == VALUE_MAP;
	uint32_t n = is_map || in.type == VALUE_ARRAY ? in.n : 0;
	int rv = v != NULL ? 0 : SVCD_ENOMEM;

	for (uint32_t i = 0; i < n && rv == 0; i++)
		rv = is_map ? copy_pair(v, in, i) : copy_element(v, in, i);
	if (rv != 0)
		svcd_value_free(v);
	else
		*out = v;
	return rv;
}

static void pack_deep(struct buf *b, const struct svcd_value *v, unsigned depth);

static void pack_children(struct buf *b, const struct svcd_value *v, unsigned depth)
{
	if (depth >= FRAME_DEPTH_MAX) {
		buf_fail(b, SVCD_ETOOBIG);
		return;
	}
	for (size_t i = 0; i < v->n; i++) {
		if (v->type == SVCD_MAP)
			pack_cstr(b, v->children[i].key);
		pack_deep(b, v->children[i].value, depth + 1);
	}
}

static void pack_deep(struct buf *b, const struct svcd_value *v, unsigned depth)
{
	switch (v->type) {
	case SVCD_NIL:
		pack_nil(b);
		break;
	case SVCD_BOOL:
		pack_bool(b, v->truth);
		break;
	case SVCD_UINT:
		pack_u64(b, v->u);
		break;
	case SVCD_INT:
		pack_i64(b, v->i);
		break;
	case SVCD_DOUBLE:
		pack_double(b, v->d);
		break;
	case SVCD_STRING:
		pack_str(b, bytes_of(v->bytes, v->n));
		break;
	case SVCD_BINARY:
		pack_bin(b, bytes_of(v->bytes, v->n));
		break;
	case SVCD_ARRAY:
		pack_array(b, (uint32_t)v->n);
		pack_children(b, v, depth);
		break;
	case SVCD_MAP:
		pack_map(b, (uint32_t)v->n);
		pack_children(b, v, depth);
		break;
	}
}

void value_pack(struct buf *b, const struct svcd_value *v)
{
	pack_deep(b, v, 0);
}

/* A request has two levels around its params. */
uint32_t value_pack_pairs(struct buf *b, const struct svcd_value *v)
{
	if (v == NULL || v->type != SVCD_MAP)
		return 0;
	pack_children(b, v, 2);
	return (uint32_t)v->n;
}

size_t value_items(const struct svcd_value *v)
{
	size_t n = svcd_value_count(v);
	size_t sum = svcd_value_type(v) == SVCD_MAP ? 2 * n : n;

	for (size_t i = 0; i < n; i++)
		sum += value_items(v->children[i].value);
	return sum;
}
