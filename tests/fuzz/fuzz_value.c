/*
 * Any bytes as one document: the parser takes what the scanner takes; what was read can
 * be packed and read again; a table of fields either fits or says why, in text.
 */
#include <stdlib.h>

#include "fuzz.h"
#include "../unit/repack.h"
#include "wire/frame.h"

struct target {
	struct bytes text, bytes;
	uint64_t u64;
	uint32_t u32;
	uint16_t u16;
	bool boolean;
	struct value map, array, any;
};

#define AT(member) offsetof(struct target, member)

static const struct field rows[] = {
	{"t", FIELD_TEXT, AT(text), false, 1, 8},
	{"b", FIELD_BYTES, AT(bytes), false, 0, 4},
	{"u64", FIELD_U64, AT(u64), false, 5, 0},
	{"u32", FIELD_U32, AT(u32), false, 0, 0},
	{"u16", FIELD_U16, AT(u16), false, 0, 1000},
	{"bool", FIELD_BOOL, AT(boolean), false, 0, 0},
	{"m", FIELD_MAP, AT(map), false, 0, 2},
	{"a", FIELD_ARRAY, AT(array), false, 1, 3},
	{"any", FIELD_ANY, AT(any), false, 0, 0},
};

static void check_fields(struct value v)
{
	struct target t = {0};
	struct err e = {0};
	uint64_t present = 0;
	int rv = fields_decode(
		v, rows, sizeof(rows) / sizeof(rows[0]), &t, &present, "fuzz", &e);

	REQUIRE(rv == 0 || rv == SVCD_EINVAL);
	REQUIRE(rv == 0 ||
		(e.code == rv && e.text[0] != '\0' && bytes_is_text(bytes_str(e.text))));
	if (rv != 0)
		return;
	REQUIRE(v.type == VALUE_MAP);
	REQUIRE(t.text.len <= 8 && bytes_is_text(t.text) && t.bytes.len <= 4);
	REQUIRE((present & 1 << 2) == 0 || t.u64 >= 5);
	REQUIRE(t.u16 <= 1000 && t.map.n <= 2 && t.array.n <= 3);
}

/* Packing makes the forms short, so the second time the bytes must be the same. */
static void check_round_trip(struct arena *a, struct value v)
{
	struct buf once = {0};
	struct buf twice = {0};
	struct value again;

	repack(&once, v);
	REQUIRE(value_parse(a, buf_bytes(&once), &again) == 0);
	REQUIRE(again.type == v.type && again.n == v.n);
	repack(&twice, again);
	REQUIRE(bytes_eq(buf_bytes(&once), buf_bytes(&twice)));
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct arena *a = arena_new();
	struct value v;
	int rv = value_parse(a, in, &v);

	REQUIRE(rv == 0 || rv == SVCD_EPROTOCOL || rv == SVCD_ETOOBIG);
	REQUIRE((rv == 0) == (size > 0 && frame_value_len(in) == size));
	if (rv == 0) {
		check_round_trip(a, v);
		check_fields(v);
	}
	arena_free(a);
	return 0;
}
