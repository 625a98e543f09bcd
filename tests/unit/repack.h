/*
 * Packs a parsed value again, so that a test can compare two documents as bytes.
 */
#ifndef TESTS_UNIT_REPACK_H
#define TESTS_UNIT_REPACK_H

#include "wire/pack.h"
#include "wire/value.h"

static inline void repack(struct buf *b, struct value v)
{
	struct value key, val;

	switch (v.type) {
	case VALUE_NIL:
		pack_nil(b);
		break;
	case VALUE_BOOL:
		pack_bool(b, v.boolean);
		break;
	case VALUE_UINT:
		pack_u64(b, v.u);
		break;
	case VALUE_INT:
		pack_i64(b, v.i);
		break;
	case VALUE_FLOAT:
		pack_double(b, v.f);
		break;
	case VALUE_STR:
		pack_str(b, v.s);
		break;
	case VALUE_BIN:
		pack_bin(b, v.s);
		break;
	case VALUE_ARRAY:
		pack_array(b, v.n);
		for (uint32_t i = 0; i < v.n; i++)
			repack(b, value_at(v, i));
		break;
	case VALUE_MAP:
		pack_map(b, v.n);
		for (uint32_t i = 0; i < v.n; i++) {
			value_pair(v, i, &key, &val);
			repack(b, key);
			repack(b, val);
		}
		break;
	}
}

#endif
