/*
 * msgpack-c builds the tree; struct value shows one node of it. The frame scanner runs
 * first, so msgpack-c sees well-formed, small input only and can fail for want of memory
 * only.
 */
#include "wire/value.h"

#include <assert.h>
#include <msgpack.h>
#include <stdlib.h>

#include "wire/frame.h"

#define CHUNK_BYTES 8192

struct arena {
	msgpack_zone zone;
};

struct arena *arena_new(void)
{
	struct arena *a = malloc(sizeof(*a));

	if (a == NULL)
		return NULL;
	if (!msgpack_zone_init(&a->zone, CHUNK_BYTES)) {
		free(a);
		return NULL;
	}
	return a;
}

void arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	msgpack_zone_destroy(&a->zone);
	free(a);
}

void arena_reset(struct arena *a)
{
	msgpack_zone_clear(&a->zone);
}

static struct value from_bytes(enum value_type type, const char *data, uint32_t len)
{
	return (struct value){.type = type, .s = bytes_of(data, len)};
}

static struct value from_items(enum value_type type, const void *items, uint32_t n)
{
	return (struct value){.type = type, .n = n, .items = items};
}

static struct value from_object(const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_BOOLEAN:
		return (struct value){.type = VALUE_BOOL, .boolean = o->via.boolean};
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return (struct value){.type = VALUE_UINT, .u = o->via.u64};
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return (struct value){.type = VALUE_INT, .i = o->via.i64};
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return (struct value){.type = VALUE_FLOAT, .f = o->via.f64};
	case MSGPACK_OBJECT_STR:
		return from_bytes(VALUE_STR, o->via.str.ptr, o->via.str.size);
	case MSGPACK_OBJECT_BIN:
		return from_bytes(VALUE_BIN, o->via.bin.ptr, o->via.bin.size);
	case MSGPACK_OBJECT_ARRAY:
		return from_items(VALUE_ARRAY, o->via.array.ptr, o->via.array.size);
	case MSGPACK_OBJECT_MAP:
		return from_items(VALUE_MAP, o->via.map.ptr, o->via.map.size);
	default: /* nil; the scanner lets no ext type through */
		return (struct value){.type = VALUE_NIL};
	}
}

/* 0 when in is one value within the limits and nothing else. */
static int scan_whole(struct bytes in)
{
	struct frame_scan scan = {0};
	size_t len;
	int rv = frame_find(&scan, in, &len);

	if (rv == SVCD_EAGAIN || (rv == 0 && len != in.len))
		return SVCD_EPROTOCOL;
	return rv;
}

int value_parse(struct arena *a, struct bytes in, struct value *out)
{
	msgpack_object root;
	size_t off = 0;
	int rv = scan_whole(in);

	if (rv != 0)
		return rv;
	if (msgpack_unpack((const char *)in.data, in.len, &off, &a->zone, &root) !=
		MSGPACK_UNPACK_SUCCESS)
		return SVCD_ENOMEM;
	*out = from_object(&root);
	return 0;
}

struct value value_at(struct value array, uint32_t i)
{
	const msgpack_object *items = array.items;

	assert(array.type == VALUE_ARRAY && i < array.n);
	return from_object(&items[i]);
}

void value_pair(struct value map, uint32_t i, struct value *key, struct value *val)
{
	const msgpack_object_kv *items = map.items;

	assert(map.type == VALUE_MAP && i < map.n);
	*key = from_object(&items[i].key);
	*val = from_object(&items[i].val);
}

bool value_find(struct value map, const char *key, struct value *out)
{
	const msgpack_object_kv *items = map.items;
	struct bytes name = bytes_str(key);

	if (map.type != VALUE_MAP)
		return false;
	for (uint32_t i = 0; i < map.n; i++) {
		const msgpack_object *k = &items[i].key;

		if (k->type != MSGPACK_OBJECT_STR)
			continue;
		if (!bytes_eq(bytes_of(k->via.str.ptr, k->via.str.size), name))
			continue;
		*out = from_object(&items[i].val);
		return true;
	}
	return false;
}

const char *value_type_name(enum value_type t)
{
	static const char *const names[] = {
		[VALUE_NIL] = "nil",
		[VALUE_BOOL] = "boolean",
		[VALUE_UINT] = "integer",
		[VALUE_INT] = "integer",
		[VALUE_FLOAT] = "float",
		[VALUE_STR] = "string",
		[VALUE_BIN] = "binary",
		[VALUE_ARRAY] = "array",
		[VALUE_MAP] = "map",
	};

	return names[t];
}
