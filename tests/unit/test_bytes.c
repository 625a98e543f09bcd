/* base/bytes.h: views, text, the growing buffer, shared bytes. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "unit.h"

static struct bytes b(const char *text)
{
	return bytes_str(text);
}

START_TEST(views_compare_by_content_then_length)
{
	static const struct {
		const char *a, *b;
		int order;
	} rows[] = {
		{"", "", 0},
		{"", "a", -1},
		{"a", "a", 0},
		{"a", "b", -1},
		{"b", "a", 1},
		{"ab", "a", 1},
		{"a", "ab", -1},
		{"b", "ab", 1},
		{"\xff", "a", 1},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		int order = bytes_cmp(b(rows[i].a), b(rows[i].b));

		ck_assert_int_eq((order > 0) - (order < 0), rows[i].order);
		ck_assert_int_eq(bytes_eq(b(rows[i].a), b(rows[i].b)), order == 0);
		ck_assert_int_eq(bytes_eq_str(b(rows[i].a), rows[i].b), order == 0);
	}
}
END_TEST

START_TEST(no_bytes_are_equal_to_empty_bytes)
{
	ck_assert(bytes_eq(BYTES_NONE, b("")));
	ck_assert(bytes_eq_str(BYTES_NONE, NULL));
	ck_assert(bytes_has_prefix(BYTES_NONE, BYTES_NONE));
	ck_assert_int_eq(bytes_cmp(BYTES_NONE, BYTES_NONE), 0);
	ck_assert(bytes_hash(BYTES_NONE) == bytes_hash(b("")));
	ck_assert_ptr_null(bytes_str(NULL).data);
}
END_TEST

START_TEST(prefixes_end_where_the_text_ends)
{
	ck_assert(bytes_has_prefix(b("payments"), b("")));
	ck_assert(bytes_has_prefix(b("payments"), b("pay")));
	ck_assert(bytes_has_prefix(b("pay"), b("pay")));
	ck_assert(!bytes_has_prefix(b("pay"), b("payments")));
	ck_assert(!bytes_has_prefix(b("pay"), b("pax")));
}
END_TEST

/* They are on disk and compared between members: another value would break clusters. */
START_TEST(hashes_never_change)
{
	ck_assert(bytes_hash(b("")) == UINT64_C(0x2d06800538d394c2));
	ck_assert(bytes_hash(b("a")) == UINT64_C(0xe6c632b61e964e1f));
	ck_assert(bytes_hash(b("abc")) == UINT64_C(0x78af5f94892f3950));
	ck_assert(bytes_hash_seed(b("abc"), 0) == bytes_hash(b("abc")));
	ck_assert(bytes_hash_seed(b("abc"), 1) != bytes_hash(b("abc")));
}
END_TEST

START_TEST(text_is_strict_utf8_without_control_characters)
{
	static const struct {
		const char *bytes;
		bool text;
	} rows[] = {
		{"", true},
		{"payments-api ~!", true},
		{"\x1f", false},
		{"a\nb", false},
		{"a\tb", false},
		{"\x7f", false},
		{"gr\xc3\xbc\xc3\x9f", true},
		{"\xc2\x80", false},         /* U+0080, a control character */
		{"\xc2\x9b", false},         /* U+009B, CSI of terminals */
		{"\xc2\xa0", true},          /* U+00A0, the first after them */
		{"\xdf\xbf", true},          /* U+07FF */
		{"\xc0\xaf", false},         /* overlong */
		{"\xc1\xbf", false},         /* overlong */
		{"\xe0\x9f\xbf", false},     /* overlong */
		{"\xe0\xa0\x80", true},      /* U+0800 */
		{"\xe2\x82\xac", true},      /* euro sign */
		{"\xed\x9f\xbf", true},      /* U+D7FF */
		{"\xed\xa0\x80", false},     /* surrogate */
		{"\xed\xbf\xbf", false},     /* surrogate */
		{"\xee\x80\x80", true},      /* U+E000 */
		{"\xef\xbf\xbf", true},      /* U+FFFF */
		{"\xf0\x8f\xbf\xbf", false}, /* overlong */
		{"\xf0\x90\x80\x80", true},  /* U+10000 */
		{"\xf4\x8f\xbf\xbf", true},  /* U+10FFFF */
		{"\xf4\x90\x80\x80", false}, /* beyond */
		{"\xf5\x80\x80\x80", false}, /* beyond */
		{"\xff", false},
		{"\x80", false},             /* continuation without a start */
		{"\xc3", false},             /* cut */
		{"\xe2\x82", false},         /* cut */
		{"\xf0\x90\x80", false},     /* cut */
		{"\xe2\x28\xa1", false},     /* bad second byte */
		{"\xe2\x82\x28", false},     /* bad third byte */
		{"\xf0\x90\x80\x28", false}, /* bad fourth byte */
		{"ok\xc3\xbc then \xc3(", false},
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		ck_assert_msg(
			bytes_is_text(b(rows[i].bytes)) == rows[i].text, "row %zu", i);
	ck_assert(!bytes_is_text(bytes_of("a\0b", 3)));
}
END_TEST

/* Encodes c as UTF-8; surrogates too. */
static size_t encode(uint32_t c, uint8_t *out)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 63));
		out[2] = (uint8_t)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 63));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 63));
	out[3] = (uint8_t)(0x80 | (c & 63));
	return 4;
}

START_TEST(every_code_point_is_judged_rightly)
{
	for (uint32_t c = 0; c < 0x200000; c++) {
		uint8_t out[4];
		size_t n = encode(c, out);
		bool control = c < 0x20 || (c >= 0x7f && c < 0xa0);
		bool surrogate = c >= 0xd800 && c < 0xe000;
		bool good = !control && !surrogate && c <= 0x10ffff;

		if (bytes_text_char(bytes_of(out, n)) != (good ? n : 0))
			ck_abort_msg("U+%04X", c);
	}
}
END_TEST

START_TEST(a_character_is_measured_without_what_follows)
{
	ck_assert_uint_eq(bytes_text_char(b("")), 0);
	ck_assert_uint_eq(bytes_text_char(b("ab")), 1);
	ck_assert_uint_eq(bytes_text_char(b("\xe2\x82\xac\xff")), 3);
	ck_assert_uint_eq(bytes_text_char(b("\xff")), 0);
}
END_TEST

START_TEST(big_endian_numbers_come_back)
{
	static const uint8_t expected[] = {
		0xab,
		0x01,
		0x02,
		0x03,
		0x04,
		0x05,
		0x06,
		0xf7,
		0xf8,
		0xf9,
		0xfa,
		0xfb,
		0xfc,
		0xfd,
		0xfe,
	};
	struct buf buf = {0};

	buf_put_u8(&buf, 0xab);
	buf_put_be16(&buf, 0x0102);
	buf_put_be32(&buf, 0x03040506);
	buf_put_be64(&buf, UINT64_C(0xf7f8f9fafbfcfdfe));
	ck_assert(bytes_eq(buf_bytes(&buf), bytes_of(expected, sizeof(expected))));
	ck_assert_uint_eq(get_be16(buf.data + 1), 0x0102);
	ck_assert_uint_eq(get_be32(buf.data + 3), 0x03040506);
	ck_assert(get_be64(buf.data + 7) == UINT64_C(0xf7f8f9fafbfcfdfe));
	buf_fini(&buf);
}
END_TEST

START_TEST(a_zeroed_buffer_is_ready)
{
	struct buf buf = {0};

	ck_assert_uint_eq(buf_bytes(&buf).len, 0);
	buf_put(&buf, NULL, 0);
	buf_drop_front(&buf, 0);
	buf_clear(&buf);
	ck_assert_int_eq(buf.error, 0);
	ck_assert_ptr_nonnull(buf_reserve(&buf, 0));
	buf_put(&buf, "x", 1);
	ck_assert(bytes_eq_str(buf_bytes(&buf), "x"));
	buf_fini(&buf);
	buf_fini(&buf);
}
END_TEST

START_TEST(a_buffer_holds_exactly_its_maximum)
{
	static const size_t maxima[] = {1, 63, 64, 65, 1000, 4096};

	for (size_t i = 0; i < LENGTH(maxima); i++) {
		struct buf buf;

		buf_init(&buf, maxima[i]);
		for (size_t n = 0; n < maxima[i]; n++)
			buf_put_u8(&buf, (uint8_t)n);
		ck_assert_int_eq(buf.error, 0);
		ck_assert_uint_eq(buf.len, maxima[i]);
		buf_put_u8(&buf, 0);
		ck_assert_int_eq(buf.error, SVCD_ETOOBIG);
		ck_assert_uint_eq(buf.len, maxima[i]);
		ck_assert_uint_le(buf.cap, maxima[i]);
		buf_fini(&buf);
		ck_assert_uint_eq(buf.max, maxima[i]);
	}
}
END_TEST

START_TEST(the_default_maximum_bounds_a_buffer)
{
	struct buf buf = {0};

	ck_assert_ptr_null(buf_reserve(&buf, BUF_MAX_DEFAULT + 1));
	ck_assert_int_eq(buf.error, SVCD_ETOOBIG);
	buf_clear(&buf);
	ck_assert_ptr_null(buf_reserve(&buf, SIZE_MAX));
	ck_assert_int_eq(buf.error, SVCD_ETOOBIG);
	buf_fini(&buf);
}
END_TEST

START_TEST(an_error_sticks)
{
	struct buf buf;

	buf_init(&buf, 4);
	buf_put(&buf, "abc", 3);
	buf_put(&buf, "de", 2);
	buf_put(&buf, "f", 1);
	buf_printf(&buf, "%s", "");
	buf_put_be64(&buf, 1);
	ck_assert_ptr_null(buf_reserve(&buf, 0));
	buf_fail(&buf, SVCD_ENOMEM);
	ck_assert_int_eq(buf.error, SVCD_ETOOBIG);
	ck_assert(bytes_eq_str(buf_bytes(&buf), "abc"));
	buf_clear(&buf);
	buf_put(&buf, "wxyz", 4);
	ck_assert_int_eq(buf.error, 0);
	ck_assert(bytes_eq_str(buf_bytes(&buf), "wxyz"));
	buf_fini(&buf);
}
END_TEST

START_TEST(reserving_does_not_change_the_length)
{
	struct buf buf = {0};
	uint8_t *room = buf_reserve(&buf, 100);

	ck_assert_ptr_nonnull(room);
	ck_assert_uint_eq(buf.len, 0);
	memset(room, 'x', 100);
	ck_assert_ptr_eq(buf_reserve(&buf, 100), room);
	buf_fini(&buf);
}
END_TEST

START_TEST(appending_does_work_in_proportion)
{
	struct buf buf = {0};
	size_t grown = 0;
	size_t cap = 0;

	for (int i = 0; i < 1000000; i++) {
		buf_put_u8(&buf, (uint8_t)i);
		grown += buf.cap != cap;
		cap = buf.cap;
	}
	ck_assert_uint_lt(grown, 30);
	for (size_t i = 0; i < buf.len; i++)
		if (buf.data[i] != (uint8_t)i)
			ck_abort_msg("byte %zu", i);
	buf_fini(&buf);
}
END_TEST

START_TEST(printing_fills_a_buffer_to_the_last_byte)
{
	struct buf buf;

	buf_init(&buf, 10);
	buf_printf(&buf, "%s-%d", "abc", 42);
	buf_printf(&buf, "%s", "wxyz");
	ck_assert_int_eq(buf.error, 0);
	ck_assert(bytes_eq_str(buf_bytes(&buf), "abc-42wxyz"));
	buf_printf(&buf, "%c", 'x');
	ck_assert_int_eq(buf.error, SVCD_ETOOBIG);
	ck_assert(bytes_eq_str(buf_bytes(&buf), "abc-42wxyz"));
	buf_fini(&buf);
}
END_TEST

START_TEST(dropping_from_the_front_keeps_the_rest)
{
	struct buf buf = {0};

	buf_put_bytes(&buf, b("one two"));
	buf_drop_front(&buf, 4);
	ck_assert(bytes_eq_str(buf_bytes(&buf), "two"));
	buf_drop_front(&buf, 3);
	ck_assert_uint_eq(buf.len, 0);
	buf_put_bytes(&buf, b("three"));
	ck_assert(bytes_eq_str(buf_bytes(&buf), "three"));
	buf_fini(&buf);
}
END_TEST

START_TEST(dropping_more_than_is_there_is_a_defect)
{
	struct buf buf = {0};

	buf_put_bytes(&buf, b("one"));
	buf_drop_front(&buf, 4);
}
END_TEST

START_TEST(shared_bytes_are_a_copy)
{
	char text[] = "snapshot";
	struct shared *s = shared_new(b(text));

	text[0] = 'X';
	ck_assert(bytes_eq_str(bytes_of(s->data, s->len), "snapshot"));
	ck_assert_ptr_eq(shared_ref(s), s);
	shared_unref(s);
	ck_assert(bytes_eq_str(bytes_of(s->data, s->len), "snapshot"));
	shared_unref(s);
	shared_unref(NULL);
}
END_TEST

START_TEST(shared_bytes_may_be_empty)
{
	struct shared *s = shared_new(BYTES_NONE);

	ck_assert_uint_eq(s->len, 0);
	shared_unref(s);
	ck_assert_ptr_null(shared_new(bytes_of("x", SIZE_MAX)));
}
END_TEST

static void *ref_and_unref(void *arg)
{
	for (int i = 0; i < 20000; i++)
		shared_unref(shared_ref(arg));
	shared_unref(arg);
	return NULL;
}

START_TEST(the_last_of_several_threads_frees)
{
	struct shared *s = shared_new(b("x"));
	pthread_t threads[4];

	for (size_t i = 0; i < LENGTH(threads); i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, ref_and_unref, shared_ref(s)),
			0);
	shared_unref(s);
	for (size_t i = 0; i < LENGTH(threads); i++)
		pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bytes");
	TCase *views = unit_case(s, "views");
	TCase *buffer = unit_case(s, "buffer");
	TCase *shared = unit_case(s, "shared");

	tcase_add_test(views, views_compare_by_content_then_length);
	tcase_add_test(views, no_bytes_are_equal_to_empty_bytes);
	tcase_add_test(views, prefixes_end_where_the_text_ends);
	tcase_add_test(views, hashes_never_change);
	tcase_add_test(views, text_is_strict_utf8_without_control_characters);
	tcase_add_test(views, every_code_point_is_judged_rightly);
	tcase_add_test(views, a_character_is_measured_without_what_follows);
	tcase_add_test(views, big_endian_numbers_come_back);

	tcase_add_test(buffer, a_zeroed_buffer_is_ready);
	tcase_add_test(buffer, a_buffer_holds_exactly_its_maximum);
	tcase_add_test(buffer, the_default_maximum_bounds_a_buffer);
	tcase_add_test(buffer, an_error_sticks);
	tcase_add_test(buffer, reserving_does_not_change_the_length);
	tcase_add_test(buffer, appending_does_work_in_proportion);
	tcase_add_test(buffer, printing_fills_a_buffer_to_the_last_byte);
	tcase_add_test(buffer, dropping_from_the_front_keeps_the_rest);
	unit_add_abort_test(buffer, dropping_more_than_is_there_is_a_defect);

	tcase_add_test(shared, shared_bytes_are_a_copy);
	tcase_add_test(shared, shared_bytes_may_be_empty);
	tcase_add_test(shared, the_last_of_several_threads_frees);
	return unit_run(s);
}
