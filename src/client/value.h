/*
 * The inside of struct svcd_value, and its way to and from the wire. Any thread; a tree
 * is used by one at a time.
 */
#ifndef SVCD_CLIENT_VALUE_H
#define SVCD_CLIENT_VALUE_H

#include "base/err.h"
#include "wire/value.h"

struct value_child {
	char *key; /* NULL in an array */
	struct svcd_value *value;
};

struct svcd_value {
	enum svcd_type type;
	bool is_child; /* owned by another value */
	size_t n;      /* children, or length of bytes */
	size_t cap;    /* room for children */
	union {
		bool truth;
		uint64_t u;
		int64_t i;
		double d;
		char *bytes; /* and a NUL behind them */
		struct value_child *children;
	};
};

struct svcd_value *value_new(enum svcd_type type); /* NULL: out of memory */
/* A copy of in. */
struct svcd_value *value_new_bytes(enum svcd_type type, struct bytes in);

/* 0 or SVCD_ENOMEM; the child is taken on success only. */
int value_put(struct svcd_value *map, struct bytes key, struct svcd_value *child);
int value_add(struct svcd_value *array, struct svcd_value *child);

/* A copy of a parsed document; caller frees. 0, SVCD_ENOMEM, SVCD_EPROTOCOL (a key that
 * is not text). */
int value_from_wire(struct value in, struct svcd_value **out);

/* Appends v. Nested deeper than the protocol allows: SVCD_ETOOBIG sticks to b. */
void value_pack(struct buf *b, const struct svcd_value *v);

/* The same for the entries of a map; their number, 0 when v is no map. */
uint32_t value_pack_pairs(struct buf *b, const struct svcd_value *v);

/* Elements in all, as the protocol's limit counts them. */
size_t value_items(const struct svcd_value *v);

#endif
