/*
 * Reading msgpack: one parsed document as a tree of views (msgpack-c's unpacker
 * underneath).
 *
 * Strings and binaries point into the parsed bytes (zero copy); the tree lives in a
 * reusable arena. Both must outlive the values. The same limits as in frame.h hold for
 * every parse, so stored bytes and network bytes are read by the same code.
 */
#ifndef SVCD_WIRE_VALUE_H
#define SVCD_WIRE_VALUE_H

#include "base/bytes.h"
#include "base/err.h"

enum value_type {
	VALUE_NIL,
	VALUE_BOOL,
	VALUE_UINT, /* 0 .. 2^64-1 */
	VALUE_INT,  /* negative */
	VALUE_FLOAT,
	VALUE_STR, /* perhaps not UTF-8: FIELD_TEXT checks that */
	VALUE_BIN,
	VALUE_ARRAY,
	VALUE_MAP,
};

struct value {
	enum value_type type;
	uint32_t n; /* elements of an array, pairs of a map */
	union {
		bool boolean;
		uint64_t u;
		int64_t i;
		double f;
		struct bytes s;
		const void *items; /* opaque */
	};
};

struct arena;                      /* one per thread that parses; not shared */
struct arena *arena_new(void);     /* NULL when out of memory */
void arena_free(struct arena *a);  /* NULL is fine */
void arena_reset(struct arena *a); /* its values become invalid; keeps some memory */

/* in must be exactly one value. 0, SVCD_EPROTOCOL, SVCD_ETOOBIG, SVCD_ENOMEM. Several
 * documents may live in one arena at once. ext types are refused. */
int value_parse(struct arena *a, struct bytes in, struct value *out);

struct value value_at(struct value array, uint32_t i); /* i < n */
void value_pair(struct value map, uint32_t i, struct value *key, struct value *val);

/* The value of the first pair with that text as key. False also when map is no map. */
bool value_find(struct value map, const char *key, struct value *out);

const char *value_type_name(enum value_type t); /* "string", "map" … for messages */

/*
 * Table-driven decoding of a map into a struct. Unknown keys are ignored (versions may
 * differ); a known key given twice, of the wrong type or out of range is an error with a
 * sentence: "weight: 70000 is not within 0..65535", "id: missing", "tags: expected array,
 * got string".
 */
enum field_type {
	FIELD_TEXT,  /* struct bytes; UTF-8, no control characters; min..max bytes */
	FIELD_BYTES, /* struct bytes; str or bin; min..max bytes */
	FIELD_U64,   /* uint64_t; min..max */
	FIELD_U32,   /* uint32_t */
	FIELD_U16,   /* uint16_t */
	FIELD_BOOL,  /* bool */
	FIELD_MAP,   /* struct value; max pairs */
	FIELD_ARRAY, /* struct value; max elements */
	FIELD_ANY,   /* struct value */
};

/* max 0: no limit of its own (the C type's, or the message's). */
struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	bool required;
	uint64_t min;
	uint64_t max;
};

/*
 * All or nothing: out and *present are written on success only. Fields that are absent
 * leave the struct as it was: put the defaults there first. Bit i of *present (may be
 * NULL) is set when row i was given; nil counts as not given. n <= 64.
 *
 * 0 or SVCD_EINVAL with e filled; where is the path before the messages
 * ("register.instances[3]" gives "register.instances[3].id: missing"), "" for none.
 */
int fields_decode(struct value map, const struct field *rows, size_t n, void *out,
	uint64_t *present, const char *where, struct err *e);

#endif
