/* wire/pack.h: byte-exact, and read back by our own scanner and parser. */
#include <string.h>

#include "hex.h"
#include "unit.h"
#include "wire/frame.h"
#include "wire/pack.h"
#include "wire/value.h"

/* What was packed must be these bytes, and one whole value for the scanner. */
static void check_packed(struct buf *b, const char *expected)
{
	struct buf want = {0};

	ck_assert_int_eq(b->error, 0);
	ck_assert_msg(bytes_eq(buf_bytes(b), hex(&want, expected)), "not %s", expected);
	ck_assert_uint_eq(frame_value_len(buf_bytes(b)), b->len);
	buf_clear(b);
	buf_fini(&want);
}

START_TEST(unsigned_numbers_take_the_shortest_form)
{
	static const struct {
		uint64_t v;
		const char *packed;
	} rows[] = {
		{0, "00"},
		{127, "7f"},
		{128, "cc 80"},
		{255, "cc ff"},
		{256, "cd 0100"},
		{65535, "cd ffff"},
		{65536, "ce 00010000"},
		{UINT32_MAX, "ce ffffffff"},
		{(uint64_t)UINT32_MAX + 1, "cf 0000000100000000"},
		{UINT64_MAX, "cf ffffffffffffffff"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		pack_u64(&b, rows[i].v);
		check_packed(&b, rows[i].packed);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(signed_numbers_take_the_shortest_form)
{
	static const struct {
		int64_t v;
		const char *packed;
	} rows[] = {
		{0, "00"},
		{127, "7f"},
		{128, "cc 80"},
		{-1, "ff"},
		{-32, "e0"},
		{-33, "d0 df"},
		{-128, "d0 80"},
		{-129, "d1 ff7f"},
		{-32768, "d1 8000"},
		{-32769, "d2 ffff7fff"},
		{INT32_MIN, "d2 80000000"},
		{(int64_t)INT32_MIN - 1, "d3 ffffffff7fffffff"},
		{INT64_MIN, "d3 8000000000000000"},
		{INT64_MAX, "cf 7fffffffffffffff"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		pack_i64(&b, rows[i].v);
		check_packed(&b, rows[i].packed);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(fixed_numbers_have_a_constant_width)
{
	struct buf b = {0};

	pack_u64_fixed(&b, 1);
	check_packed(&b, "cf 0000000000000001");
	pack_u64_fixed(&b, UINT64_MAX);
	check_packed(&b, "cf ffffffffffffffff");
	pack_u32_fixed(&b, 1);
	check_packed(&b, "ce 00000001");
	pack_u32_fixed(&b, UINT32_MAX);
	check_packed(&b, "ce ffffffff");
	buf_fini(&b);
}
END_TEST

START_TEST(simple_values_are_one_byte)
{
	struct buf b = {0};

	pack_nil(&b);
	check_packed(&b, "c0");
	pack_bool(&b, false);
	check_packed(&b, "c2");
	pack_bool(&b, true);
	check_packed(&b, "c3");
	pack_double(&b, 1.5);
	check_packed(&b, "cb 3ff8000000000000");
	pack_double(&b, -0.0);
	check_packed(&b, "cb 8000000000000000");
	buf_fini(&b);
}
END_TEST

/* n bytes of 'x' behind the given head. */
static void check_body(struct buf *b, const char *head, size_t n)
{
	struct buf want = {0};

	hex(&want, head);
	memset(buf_reserve(&want, n), 'x', n);
	want.len += n;
	ck_assert_msg(bytes_eq(buf_bytes(b), buf_bytes(&want)), "not %s", head);
	ck_assert_uint_eq(frame_value_len(buf_bytes(b)), b->len);
	buf_clear(b);
	buf_fini(&want);
}

START_TEST(strings_and_binaries_take_the_shortest_head)
{
	static const struct {
		size_t n;
		const char *str, *bin;
	} rows[] = {
		{0, "a0", "c4 00"},
		{1, "a1", "c4 01"},
		{31, "bf", "c4 1f"},
		{32, "d9 20", "c4 20"},
		{255, "d9 ff", "c4 ff"},
		{256, "da 0100", "c5 0100"},
		{65535, "da ffff", "c5 ffff"},
		{65536, "db 00010000", "c6 00010000"},
	};
	static char text[65536];
	struct buf b = {0};

	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < LENGTH(rows); i++) {
		pack_str(&b, bytes_of(text, rows[i].n));
		check_body(&b, rows[i].str, rows[i].n);
		pack_bin(&b, bytes_of(text, rows[i].n));
		check_body(&b, rows[i].bin, rows[i].n);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(no_text_is_empty_text)
{
	struct buf b = {0};

	pack_str(&b, BYTES_NONE);
	check_packed(&b, "a0");
	pack_cstr(&b, NULL);
	check_packed(&b, "a0");
	pack_bin(&b, BYTES_NONE);
	check_packed(&b, "c4 00");
	buf_fini(&b);
}
END_TEST

START_TEST(what_msgpack_cannot_express_is_too_big)
{
	struct buf b = {0};

	pack_str(&b, bytes_of("", (size_t)UINT32_MAX + 1));
	ck_assert_int_eq(b.error, SVCD_ETOOBIG);
	buf_clear(&b);
	pack_bin(&b, bytes_of("", (size_t)UINT32_MAX + 1));
	ck_assert_int_eq(b.error, SVCD_ETOOBIG);
	ck_assert_uint_eq(b.len, 0);
	buf_fini(&b);
}
END_TEST

START_TEST(container_heads_take_the_shortest_form)
{
	static const struct {
		uint32_t n;
		const char *array, *map;
	} rows[] = {
		{0, "90", "80"},
		{15, "9f", "8f"},
		{16, "dc 0010", "de 0010"},
		{65535, "dc ffff", "de ffff"},
		{65536, "dd 00010000", "df 00010000"},
		{UINT32_MAX, "dd ffffffff", "df ffffffff"},
	};
	struct buf b = {0};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf want = {0};

		pack_array(&b, rows[i].n);
		pack_map(&b, rows[i].n);
		hex(&want, rows[i].array);
		hex(&want, rows[i].map);
		ck_assert(bytes_eq(buf_bytes(&b), buf_bytes(&want)));
		buf_clear(&b);
		buf_fini(&want);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(pairs_are_key_then_value)
{
	struct buf b = {0};

	pack_map(&b, 5);
	pack_kv_u64(&b, "u", 300);
	pack_kv_i64(&b, "i", -1);
	pack_kv_bool(&b, "b", true);
	pack_kv_str(&b, "s", bytes_str("xy"));
	pack_kv_cstr(&b, "c", "z");
	check_packed(&b, "85 a175 cd012c a169 ff a162 c3 a173 a27879 a163 a17a");
	buf_fini(&b);
}
END_TEST

START_TEST(a_late_count_is_filled_in)
{
	struct buf b = {0};
	size_t outer = pack_array_begin(&b);
	size_t inner;

	pack_u64(&b, 1);
	inner = pack_map_begin(&b);
	pack_kv_u64(&b, "a", 1);
	pack_map_end(&b, inner, 1);
	pack_array_end(&b, outer, 2);
	check_packed(&b, "dc 0002 01 de 0001 a161 01");

	outer = pack_array_begin(&b);
	pack_array_end(&b, outer, 0);
	check_packed(&b, "dc 0000");

	outer = pack_array_begin(&b);
	pack_array_end(&b, outer, 0x1234);
	ck_assert_uint_eq(get_be16(b.data + 1), 0x1234);
	buf_fini(&b);
}
END_TEST

START_TEST(a_late_count_over_65535_is_too_big)
{
	struct buf b = {0};
	size_t mark = pack_array_begin(&b);

	pack_array_end(&b, mark, 65535);
	ck_assert_int_eq(b.error, 0);
	pack_array_end(&b, mark, 65536);
	ck_assert_int_eq(b.error, SVCD_ETOOBIG);
	buf_clear(&b);
	mark = pack_map_begin(&b);
	pack_map_end(&b, mark, 65536);
	ck_assert_int_eq(b.error, SVCD_ETOOBIG);
	buf_fini(&b);
}
END_TEST

START_TEST(a_late_count_in_a_full_buffer_is_harmless)
{
	for (size_t max = 1; max < 6; max++) {
		struct buf b;
		size_t mark;

		buf_init(&b, max);
		pack_bool(&b, true);
		mark = pack_array_begin(&b);
		pack_nil(&b);
		pack_nil(&b);
		pack_array_end(&b, mark, 2);
		ck_assert_int_eq(b.error, SVCD_ETOOBIG);
		ck_assert_uint_le(b.len, max);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(errors_stick_to_the_buffer)
{
	struct buf b;

	buf_init(&b, 10);
	pack_array(&b, 3);
	pack_cstr(&b, "0123456789"); /* its head fits, its body does not */
	pack_nil(&b);
	pack_raw(&b, bytes_str("x"));
	ck_assert_int_eq(b.error, SVCD_ETOOBIG);
	buf_fini(&b);
}
END_TEST

START_TEST(messages_have_their_heads)
{
	struct buf b = {0};

	pack_request(&b, 7, "abc");
	pack_map(&b, 0);
	check_packed(&b, "94 00 07 a3616263 91 80");
	pack_notification(&b, "abc");
	pack_map(&b, 0);
	check_packed(&b, "93 02 a3616263 91 80");
	pack_result(&b, UINT32_MAX);
	pack_raw(&b, bytes_str("\xc3"));
	check_packed(&b, "94 01 ceffffffff c0 c3");
	buf_fini(&b);
}
END_TEST

/* The text of the error map in the response that b holds. */
static struct bytes error_text(struct arena *a, const struct buf *b)
{
	struct frame f;
	struct value error, text;

	ck_assert_int_eq(frame_parse(buf_bytes(b), &f), 0);
	ck_assert_int_eq(f.kind, FRAME_RESPONSE);
	ck_assert_int_eq(value_parse(a, f.error, &error), 0);
	ck_assert(value_find(error, "text", &text));
	ck_assert_int_eq(text.type, VALUE_STR);
	return text.s;
}

START_TEST(an_error_response_is_whole)
{
	struct err e = {.code = SVCD_ENOLEADER, .text = "no"};
	struct buf b = {0};

	pack_error(&b, 7, &e, 0, NULL);
	check_packed(&b,
		"94 01 07 83 a4636f6465 f0 a46e616d65 a96e6f5f6c6561646572 a474657874 a26e6f c0");
	pack_error(&b, 7, &e, 250, "n2");
	check_packed(&b,
		"94 01 07 85 a4636f6465 f0 a46e616d65 a96e6f5f6c6561646572 a474657874 a26e6f"
		" ae72657472795f61667465725f6d73 ccfa a66c6561646572 a26e32 c0");
	buf_fini(&b);
}
END_TEST

START_TEST(an_error_response_always_says_something_readable)
{
	static const struct {
		const char *text, *packed;
	} rows[] = {
		{"id: missing", "id: missing"},
		{"", "disk is full or nearly full"},
		{"broken \xff", "disk is full or nearly full"},
		{"two\nlines", "disk is full or nearly full"},
	};
	struct arena *a = arena_new();
	struct buf b = {0};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct err e = {.code = SVCD_ENOSPACE};

		strcpy(e.text, rows[i].text);
		pack_error(&b, 1, &e, 0, NULL);
		ck_assert(bytes_eq_str(error_text(a, &b), rows[i].packed));
		buf_clear(&b);
	}
	buf_fini(&b);
	arena_free(a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire_pack");
	TCase *values = unit_case(s, "values");
	TCase *messages = unit_case(s, "messages");

	tcase_add_test(values, unsigned_numbers_take_the_shortest_form);
	tcase_add_test(values, signed_numbers_take_the_shortest_form);
	tcase_add_test(values, fixed_numbers_have_a_constant_width);
	tcase_add_test(values, simple_values_are_one_byte);
	tcase_add_test(values, strings_and_binaries_take_the_shortest_head);
	tcase_add_test(values, no_text_is_empty_text);
	tcase_add_test(values, what_msgpack_cannot_express_is_too_big);
	tcase_add_test(values, container_heads_take_the_shortest_form);
	tcase_add_test(values, pairs_are_key_then_value);
	tcase_add_test(values, a_late_count_is_filled_in);
	tcase_add_test(values, a_late_count_over_65535_is_too_big);
	tcase_add_test(values, a_late_count_in_a_full_buffer_is_harmless);
	tcase_add_test(values, errors_stick_to_the_buffer);
	tcase_add_test(messages, messages_have_their_heads);
	tcase_add_test(messages, an_error_response_is_whole);
	tcase_add_test(messages, an_error_response_always_says_something_readable);
	return unit_run(s);
}
