/*
 * struct svcd_value: a tree of documents. Every node is one allocation, strings and the
 * tables of children are further ones; pointers to children therefore stay good while
 * their siblings come and go.
 */
#include "client/value.h"

#include <stdlib.h>
#include <string.h>

#define CHILDREN_MIN 8

static bool value_holds_bytes(const struct svcd_value *v)
{
	return v->type == SVCD_STRING || v->type == SVCD_BINARY;
}

static bool value_holds_children(const struct svcd_value *v)
{
	return v->type == SVCD_ARRAY || v->type == SVCD_MAP;
}

static void value_destroy(struct svcd_value *v)
{
	if (value_holds_bytes(v))
		free(v->bytes);
	if (value_holds_children(v)) {
		for (size_t i = 0; i < v->n; i++) {
			value_destroy(v->children[i].value);
			free(v->children[i].key);
		}
		free(v->children);
	}
	free(v);
}

struct svcd_value *value_new(enum svcd_type type)
{
	struct svcd_value *v = calloc(1, sizeof(*v));

	if (v != NULL)
		v->type = type;
	return v;
}

struct svcd_value *value_new_bytes(enum svcd_type type, struct bytes in)
{
	struct svcd_value *v = value_new(type);

	if (v == NULL)
		return NULL;
	v->bytes = malloc(in.len + 1);
	if (v->bytes == NULL) {
		free(v);
		return NULL;
	}
	if (in.len > 0)
		memcpy(v->bytes, in.data, in.len);
	v->bytes[in.len] = '\0';
	v->n = in.len;
	return v;
}

struct svcd_value *svcd_value_new_map(void)
{
	return value_new(SVCD_MAP);
}

struct svcd_value *svcd_value_new_array(void)
{
	return value_new(SVCD_ARRAY);
}

void svcd_value_free(struct svcd_value *v)
{
	if (v != NULL && !v->is_child)
		value_destroy(v);
}

/* ---- setting ----------------------------------------------------------- */

static int value_make_room(struct svcd_value *v)
{
	size_t cap = v->cap == 0 ? CHILDREN_MIN : 2 * v->cap;
	struct value_child *children;

	if (v->n < v->cap)
		return 0;
	children = reallocarray(v->children, cap, sizeof(*children));
	if (children == NULL)
		return SVCD_ENOMEM;
	v->children = children;
	v->cap = cap;
	return 0;
}

static struct value_child *value_find_child(
	const struct svcd_value *map, struct bytes key)
{
	for (size_t i = 0; i < map->n; i++)
		if (bytes_eq_str(key, map->children[i].key))
			return &map->children[i];
	return NULL;
}

/* key is a part of a message: no NUL behind it. Caller frees. */
static char *copy_key(struct bytes key)
{
	char *copy = malloc(key.len + 1);

	if (copy == NULL)
		return NULL;
	if (key.len > 0)
		memcpy(copy, key.data, key.len);
	copy[key.len] = '\0';
	return copy;
}

static int value_append(struct svcd_value *v, struct bytes key, struct svcd_value *child)
{
	char *name = NULL;

	if (value_make_room(v) != 0)
		return SVCD_ENOMEM;
	if (v->type == SVCD_MAP) {
		name = copy_key(key);
		if (name == NULL)
			return SVCD_ENOMEM;
	}
	v->children[v->n++] = (struct value_child){.key = name, .value = child};
	child->is_child = true;
	return 0;
}

int value_put(struct svcd_value *map, struct bytes key, struct svcd_value *child)
{
	struct value_child *old = value_find_child(map, key);

	if (old == NULL)
		return value_append(map, key, child);
	value_destroy(old->value);
	old->value = child;
	child->is_child = true;
	return 0;
}

int value_add(struct svcd_value *array, struct svcd_value *child)
{
	return value_append(array, BYTES_NONE, child);
}

static bool value_takes(const struct svcd_value *v, const char *key)
{
	return v != NULL && v->type == (key != NULL ? SVCD_MAP : SVCD_ARRAY);
}

int svcd_value_set(struct svcd_value *v, const char *key, struct svcd_value *child)
{
	int rv;

	if (child == NULL)
		return SVCD_ENOMEM; /* a svcd_value_new_…() that failed is handed on */
	if (child->is_child || child == v)
		return SVCD_EINVAL;
	if (!value_takes(v, key))
		rv = SVCD_EINVAL;
	else if (key != NULL)
		rv = value_put(v, bytes_str(key), child);
	else
		rv = value_add(v, child);
	if (rv != 0)
		value_destroy(child);
	return rv;
}

int svcd_value_set_str(struct svcd_value *v, const char *key, const char *text)
{
	if (!value_takes(v, key) || text == NULL)
		return SVCD_EINVAL;
	return svcd_value_set(v, key, value_new_bytes(SVCD_STRING, bytes_str(text)));
}

int svcd_value_set_uint(struct svcd_value *v, const char *key, uint64_t number)
{
	struct svcd_value *child;

	if (!value_takes(v, key))
		return SVCD_EINVAL;
	child = value_new(SVCD_UINT);
	if (child != NULL)
		child->u = number;
	return svcd_value_set(v, key, child);
}

int svcd_value_set_int(struct svcd_value *v, const char *key, int64_t number)
{
	struct svcd_value *child;

	if (number >= 0)
		return svcd_value_set_uint(v, key, (uint64_t)number);
	if (!value_takes(v, key))
		return SVCD_EINVAL;
	child = value_new(SVCD_INT);
	if (child != NULL)
		child->i = number;
	return svcd_value_set(v, key, child);
}

int svcd_value_set_bool(struct svcd_value *v, const char *key, bool truth)
{
	struct svcd_value *child;

	if (!value_takes(v, key))
		return SVCD_EINVAL;
	child = value_new(SVCD_BOOL);
	if (child != NULL)
		child->truth = truth;
	return svcd_value_set(v, key, child);
}

/* ---- reading ----------------------------------------------------------- */

enum svcd_type svcd_value_type(const struct svcd_value *v)
{
	return v != NULL ? v->type : SVCD_NIL;
}

size_t svcd_value_count(const struct svcd_value *v)
{
	return v != NULL && value_holds_children(v) ? v->n : 0;
}

const struct svcd_value *svcd_value_get(const struct svcd_value *map, const char *key)
{
	struct value_child *child;

	if (map == NULL || map->type != SVCD_MAP || key == NULL)
		return NULL;
	child = value_find_child(map, bytes_str(key));
	return child != NULL ? child->value : NULL;
}

const struct svcd_value *svcd_value_at(const struct svcd_value *v, size_t i)
{
	return i < svcd_value_count(v) ? v->children[i].value : NULL;
}

const char *svcd_value_key(const struct svcd_value *map, size_t i)
{
	return i < svcd_value_count(map) ? map->children[i].key : NULL;
}

const char *svcd_value_str(const struct svcd_value *v, const char *fallback)
{
	return v != NULL && v->type == SVCD_STRING ? v->bytes : fallback;
}

const char *svcd_value_bytes(const struct svcd_value *v, size_t *len)
{
	bool there = v != NULL && value_holds_bytes(v);

	*len = there ? v->n : 0;
	return there ? v->bytes : NULL;
}

uint64_t svcd_value_uint(const struct svcd_value *v, uint64_t fallback)
{
	return v != NULL && v->type == SVCD_UINT ? v->u : fallback;
}

int64_t svcd_value_int(const struct svcd_value *v, int64_t fallback)
{
	if (v != NULL && v->type == SVCD_INT)
		return v->i;
	if (v != NULL && v->type == SVCD_UINT && v->u <= INT64_MAX)
		return (int64_t)v->u;
	return fallback;
}

double svcd_value_double(const struct svcd_value *v, double fallback)
{
	switch (svcd_value_type(v)) {
	case SVCD_DOUBLE:
		return v->d;
	case SVCD_UINT:
		return (double)v->u;
	case SVCD_INT:
		return (double)v->i;
	default:
		return fallback;
	}
}

bool svcd_value_bool(const struct svcd_value *v, bool fallback)
{
	return v != NULL && v->type == SVCD_BOOL ? v->truth : fallback;
}
