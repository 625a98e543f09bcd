/* wire/value.h: parsing into a tree of views. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "hex.h"
#include "repack.h"
#include "unit.h"
#include "wire/frame.h"
#include "wire/pack.h"
#include "wire/value.h"

static struct arena *arena;
static struct buf input;

static void set_up(void)
{
	arena = arena_new();
}

static void tear_down(void)
{
	arena_free(arena);
	buf_fini(&input);
}

static int parse_rv(const char *text, struct value *out)
{
	return value_parse(arena, hex(&input, text), out);
}

/* The input stays where it is until the next call. */
static struct value parse(const char *text)
{
	struct value v;

	buf_clear(&input);
	ck_assert_msg(parse_rv(text, &v) == 0, "%s", text);
	return v;
}

START_TEST(numbers_are_unsigned_or_negative)
{
	static const struct {
		const char *packed;
		enum value_type type;
		uint64_t u;
	} rows[] = {
		{"00", VALUE_UINT, 0},
		{"7f", VALUE_UINT, 127},
		{"cc ff", VALUE_UINT, 255},
		{"cc 01", VALUE_UINT, 1}, /* longer than it must be: fine */
		{"cd ffff", VALUE_UINT, 65535},
		{"ce ffffffff", VALUE_UINT, UINT32_MAX},
		{"cf ffffffffffffffff", VALUE_UINT, UINT64_MAX},
		{"cf 0000000000000000", VALUE_UINT, 0},
		{"d0 7f", VALUE_UINT, 127}, /* a signed type with a positive number */
		{"d1 7fff", VALUE_UINT, 32767},
		{"d2 7fffffff", VALUE_UINT, INT32_MAX},
		{"d3 7fffffffffffffff", VALUE_UINT, INT64_MAX},
		{"d3 0000000000000000", VALUE_UINT, 0},
		{"ff", VALUE_INT, (uint64_t)-1},
		{"e0", VALUE_INT, (uint64_t)-32},
		{"d0 80", VALUE_INT, (uint64_t)-128},
		{"d1 8000", VALUE_INT, (uint64_t)-32768},
		{"d2 80000000", VALUE_INT, (uint64_t)INT32_MIN},
		{"d3 8000000000000000", VALUE_INT, (uint64_t)INT64_MIN},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct value v = parse(rows[i].packed);

		ck_assert_int_eq(v.type, rows[i].type);
		/* u and i share their bits */
		ck_assert_msg(v.u == rows[i].u, "row %zu", i);
	}
}
END_TEST

START_TEST(simple_values_are_themselves)
{
	ck_assert_int_eq(parse("c0").type, VALUE_NIL);
	ck_assert_int_eq(parse("c2").type, VALUE_BOOL);
	ck_assert(!parse("c2").boolean);
	ck_assert(parse("c3").boolean);
	ck_assert_int_eq(parse("ca 3fc00000").type, VALUE_FLOAT);
	ck_assert_double_eq(parse("ca 3fc00000").f, 1.5);
	ck_assert_double_eq(parse("cb bff8000000000000").f, -1.5);
	ck_assert(isnan(parse("cb 7ff8000000000000").f));
	ck_assert(isinf(parse("ca 7f800000").f));
}
END_TEST

START_TEST(strings_point_into_the_input)
{
	struct value v = parse("a3 61 00 ff");

	ck_assert_int_eq(v.type, VALUE_STR);
	ck_assert_uint_eq(v.s.len, 3);
	ck_assert_ptr_eq(v.s.data, input.data + 1);
	v = parse("c4 02 00 01");
	ck_assert_int_eq(v.type, VALUE_BIN);
	ck_assert_uint_eq(v.s.len, 2);
	ck_assert_ptr_eq(v.s.data, input.data + 2);
	ck_assert_uint_eq(parse("a0").s.len, 0);
	ck_assert_uint_eq(parse("c4 00").s.len, 0);
}
END_TEST

START_TEST(arrays_and_maps_hold_values)
{
	struct value v = parse("93 01 a1 61 92 c0 c3");
	struct value key, val;

	ck_assert_int_eq(v.type, VALUE_ARRAY);
	ck_assert_uint_eq(v.n, 3);
	ck_assert(value_at(v, 0).u == 1);
	ck_assert(bytes_eq_str(value_at(v, 1).s, "a"));
	ck_assert_uint_eq(value_at(v, 2).n, 2);
	ck_assert(value_at(value_at(v, 2), 1).boolean);

	v = parse("82 a1 61 01 02 81 03 04");
	ck_assert_int_eq(v.type, VALUE_MAP);
	ck_assert_uint_eq(v.n, 2);
	value_pair(v, 1, &key, &val);
	ck_assert(key.u == 2);
	ck_assert_int_eq(val.type, VALUE_MAP);
	value_pair(val, 0, &key, &val);
	ck_assert(key.u == 3 && val.u == 4);

	ck_assert_uint_eq(parse("90").n, 0);
	ck_assert_uint_eq(parse("80").n, 0);
	ck_assert_uint_eq(parse("de 0000").n, 0);
}
END_TEST

START_TEST(an_element_behind_the_end_is_a_defect)
{
	value_at(parse("92 01 02"), 2);
}
END_TEST

START_TEST(a_pair_of_an_array_is_a_defect)
{
	struct value key, val;

	value_pair(parse("92 01 02"), 0, &key, &val);
}
END_TEST

START_TEST(keys_are_found_by_their_whole_name)
{
	struct value map = parse("85 a2 61 62 01 c4 01 61 02 03 04 a1 61 05 a1 61 06");
	struct value v = {.u = 99};

	ck_assert(value_find(map, "ab", &v));
	ck_assert(v.u == 1);
	ck_assert(value_find(map, "a", &v)); /* not the binary one; the first of two */
	ck_assert(v.u == 5);
	v.u = 99;
	ck_assert(!value_find(map, "abc", &v));
	ck_assert(!value_find(map, "", &v));
	ck_assert(!value_find(parse("91 a1 61"), "a", &v));
	ck_assert(!value_find(parse("c0"), "a", &v));
	ck_assert(v.u == 99);
	ck_assert(value_find(parse("81 a0 07"), "", &v));
	ck_assert(v.u == 7);
}
END_TEST

START_TEST(only_one_whole_value_is_a_document)
{
	static const struct {
		const char *packed;
		int rv;
	} rows[] = {
		{"", SVCD_EPROTOCOL},
		{"c0 c0", SVCD_EPROTOCOL}, /* two */
		{"92 c0", SVCD_EPROTOCOL}, /* cut */
		{"a3 61 62", SVCD_EPROTOCOL},
		{"da 01", SVCD_EPROTOCOL},
		{"cf 00", SVCD_EPROTOCOL},
		{"c1", SVCD_EPROTOCOL},
		{"d4 00 00", SVCD_EPROTOCOL},          /* ext */
		{"91 d6 ff 00000000", SVCD_EPROTOCOL}, /* a timestamp */
		{"c7 00 00", SVCD_EPROTOCOL},
		{"dd ffffffff", SVCD_ETOOBIG}, /* a gigabyte of objects, announced in 5
						  bytes */
		{"df ffffffff", SVCD_ETOOBIG},
		{"91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 90", SVCD_ETOOBIG},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct value v = {.n = 99};

		buf_clear(&input);
		ck_assert_msg(parse_rv(rows[i].packed, &v) == rows[i].rv, "row %zu", i);
		ck_assert_uint_eq(v.n, 99);
	}
}
END_TEST

START_TEST(the_deepest_and_the_widest_document_can_be_read)
{
	struct value v = parse("91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 07");

	for (int depth = 0; depth < FRAME_DEPTH_MAX; depth++)
		v = value_at(v, 0);
	ck_assert(v.u == 7);

	buf_clear(&input);
	pack_map(&input, FRAME_ITEMS_MAX / 2);
	for (uint32_t i = 0; i < FRAME_ITEMS_MAX; i++)
		pack_u64(&input, i);
	ck_assert_int_eq(value_parse(arena, buf_bytes(&input), &v), 0);
	ck_assert_uint_eq(v.n, FRAME_ITEMS_MAX / 2);
	for (uint32_t i = 0; i < v.n; i++) {
		struct value key, val;

		value_pair(v, i, &key, &val);
		if (key.u != 2 * i || val.u != 2 * i + 1)
			ck_abort_msg("pair %u", i);
	}
}
END_TEST

START_TEST(a_document_of_one_mebibyte_is_the_longest)
{
	static uint8_t zeros[FRAME_BYTES_MAX];
	struct value v;

	pack_bin(&input, bytes_of(zeros, FRAME_BYTES_MAX - 5));
	ck_assert_int_eq(value_parse(arena, buf_bytes(&input), &v), 0);
	ck_assert_uint_eq(v.s.len, FRAME_BYTES_MAX - 5);
	buf_clear(&input);
	pack_bin(&input, bytes_of(zeros, FRAME_BYTES_MAX - 4));
	ck_assert_int_eq(value_parse(arena, buf_bytes(&input), &v), SVCD_ETOOBIG);
}
END_TEST

START_TEST(several_documents_live_in_one_arena)
{
	static const uint8_t one[] = {0x92, 0x01, 0x02};
	static const uint8_t two[] = {0x92, 0x03, 0x04};
	struct value docs[100];

	for (size_t i = 0; i < LENGTH(docs); i++)
		ck_assert_int_eq(
			value_parse(arena, bytes_of(i % 2 == 0 ? one : two, 3), &docs[i]),
			0);
	for (size_t i = 0; i < LENGTH(docs); i++)
		ck_assert(value_at(docs[i], 1).u == (i % 2 == 0 ? 2 : 4));
	arena_reset(arena);
	ck_assert_int_eq(value_parse(arena, bytes_of(one, 3), &docs[0]), 0);
	ck_assert(value_at(docs[0], 0).u == 1);
}
END_TEST

START_TEST(types_have_names)
{
	ck_assert_str_eq(value_type_name(VALUE_NIL), "nil");
	ck_assert_str_eq(value_type_name(VALUE_BOOL), "boolean");
	ck_assert_str_eq(value_type_name(VALUE_UINT), "integer");
	ck_assert_str_eq(value_type_name(VALUE_INT), "integer");
	ck_assert_str_eq(value_type_name(VALUE_FLOAT), "float");
	ck_assert_str_eq(value_type_name(VALUE_STR), "string");
	ck_assert_str_eq(value_type_name(VALUE_BIN), "binary");
	ck_assert_str_eq(value_type_name(VALUE_ARRAY), "array");
	ck_assert_str_eq(value_type_name(VALUE_MAP), "map");
}
END_TEST

/* Packs a random value; the same numbers of r give the same value. */
static void put_random(struct rng *r, struct buf *b, int depth)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
	uint64_t n = rng_below(r, depth == 0 ? 6 : 20);

	switch (rng_below(r, depth == 0 ? 7 : 9)) {
	case 0:
		pack_nil(b);
		break;
	case 1:
		pack_bool(b, n % 2 == 0);
		break;
	case 2:
		pack_u64(b, rng_next(r) >> rng_below(r, 64));
		break;
	case 3:
		pack_i64(b,
			(int64_t)(rng_next(r) >> rng_below(r, 64)) *
				(n % 2 == 0 ? 1 : -1));
		break;
	case 4:
		pack_double(b, rng_unit(r));
		break;
	case 5:
		pack_str(b, bytes_of(letters, n * 2));
		break;
	case 6:
		pack_bin(b, bytes_of(letters, n * 2));
		break;
	case 7:
		pack_array(b, (uint32_t)n);
		for (uint64_t i = 0; i < n; i++)
			put_random(r, b, depth - 1);
		break;
	default:
		pack_map(b, (uint32_t)n);
		for (uint64_t i = 0; i < 2 * n; i++)
			put_random(r, b, depth - 1);
		break;
	}
}

START_TEST(what_is_packed_is_read_back)
{
	struct buf again = {0};
	struct rng r;

	rng_seed(&r, 10);
	for (int i = 0; i < 3000; i++) {
		struct value v;

		buf_clear(&input);
		buf_clear(&again);
		arena_reset(arena);
		put_random(&r, &input, 3);
		ck_assert_uint_eq(frame_value_len(buf_bytes(&input)), input.len);
		ck_assert_int_eq(value_parse(arena, buf_bytes(&input), &v), 0);
		repack(&again, v);
		ck_assert(bytes_eq(buf_bytes(&again), buf_bytes(&input)));
	}
	buf_fini(&again);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire_value");
	TCase *tc = unit_case(s, "value");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, numbers_are_unsigned_or_negative);
	tcase_add_test(tc, simple_values_are_themselves);
	tcase_add_test(tc, strings_point_into_the_input);
	tcase_add_test(tc, arrays_and_maps_hold_values);
	unit_add_abort_test(tc, an_element_behind_the_end_is_a_defect);
	unit_add_abort_test(tc, a_pair_of_an_array_is_a_defect);
	tcase_add_test(tc, keys_are_found_by_their_whole_name);
	tcase_add_test(tc, only_one_whole_value_is_a_document);
	tcase_add_test(tc, the_deepest_and_the_widest_document_can_be_read);
	tcase_add_test(tc, a_document_of_one_mebibyte_is_the_longest);
	tcase_add_test(tc, several_documents_live_in_one_arena);
	tcase_add_test(tc, types_have_names);
	tcase_add_test(tc, what_is_packed_is_read_back);
	return unit_run(s);
}
