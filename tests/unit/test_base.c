/* base/err.h, text.h, log.h, rng.h, clock.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/text.h"
#include "unit.h"

START_TEST(every_code_has_a_name_that_leads_back)
{
	for (int code = SVCD_ENOTFOUND; code <= 0; code++) {
		ck_assert_str_ne(err_name(code), "unknown");
		ck_assert_str_ne(err_text(code), "unknown");
		ck_assert_int_eq(err_from_name(err_name(code)), code);
	}
}
END_TEST

START_TEST(an_unknown_code_is_called_unknown)
{
	ck_assert_str_eq(err_name(1), "unknown");
	ck_assert_str_eq(err_text(SVCD_ENOTFOUND - 1), "unknown");
	ck_assert_int_eq(err_from_name("no_such_name"), SVCD_EINTERNAL);
	ck_assert_int_eq(err_from_name(""), SVCD_EINTERNAL);
}
END_TEST

START_TEST(foreign_errors_become_ours)
{
	static const struct {
		int errnum, code;
	} rows[] = {
		{0, 0},
		{ENOSPC, SVCD_ENOSPACE},
		{EDQUOT, SVCD_ENOSPACE},
		{EADDRINUSE, SVCD_EINUSE},
		{ENOMEM, SVCD_ENOMEM},
		{EAGAIN, SVCD_EAGAIN},
		{EACCES, SVCD_EDENIED},
		{ENOENT, SVCD_ENOTFOUND},
		{ECONNREFUSED, SVCD_EUNREACHABLE},
		{ECONNRESET, SVCD_ECLOSED},
		{ETIMEDOUT, SVCD_ETIMEOUT},
		{EMFILE, SVCD_ELIMIT},
		{EIO, SVCD_EIO},
		{ENOTTY, SVCD_EIO}, /* what is not in the table */
		{-1, SVCD_EIO},
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		ck_assert_int_eq(err_from_errno(rows[i].errnum), rows[i].code);
}
END_TEST

START_TEST(an_error_carries_code_and_sentence)
{
	struct err e = {0};

	ck_assert_int_eq(
		err_set(&e, SVCD_EINVAL, "weight: %d is not within 0..65535", 70000),
		SVCD_EINVAL);
	ck_assert_int_eq(e.code, SVCD_EINVAL);
	ck_assert_str_eq(e.text, "weight: 70000 is not within 0..65535");
	err_prefix(&e, "register.instances[%d]", 3);
	ck_assert_int_eq(e.code, SVCD_EINVAL);
	ck_assert_str_eq(
		e.text, "register.instances[3]: weight: 70000 is not within 0..65535");
}
END_TEST

START_TEST(nobody_needs_to_want_the_sentence)
{
	ck_assert_int_eq(err_set(NULL, SVCD_EBUSY, "x"), SVCD_EBUSY);
	err_prefix(NULL, "x");
}
END_TEST

START_TEST(the_old_sentence_may_be_part_of_the_new_one)
{
	struct err e;

	err_set(&e, SVCD_EIO, "disk");
	err_set(&e, SVCD_ECORRUPT, "after %s: %s", e.text, err_name(e.code));
	ck_assert_str_eq(e.text, "after disk: io");
}
END_TEST

START_TEST(a_long_sentence_is_cut_between_characters)
{
	static const char *const ends[] = {
		"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	char fill[ERR_TEXT_MAX + 1];

	for (size_t i = 0; i < LENGTH(ends); i++)
		for (size_t before = ERR_TEXT_MAX - 6; before < ERR_TEXT_MAX; before++) {
			struct err e;
			size_t whole = before + strlen(ends[i]);

			memset(fill, 'x', before);
			fill[before] = '\0';
			err_set(&e, SVCD_EIO, "%s%s%s", fill, ends[i], "yyyyyyyy");
			ck_assert(bytes_is_text(bytes_str(e.text)));
			ck_assert_uint_eq(strlen(e.text),
				whole <= ERR_TEXT_MAX - 1 ? ERR_TEXT_MAX - 1 : before);
		}
}
END_TEST

START_TEST(names_are_dns_labels)
{
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
		{"a", true},
		{"0", true},
		{"payments-api2", true},
		{"a--b", true},
		{"", false},
		{"-a", false},
		{"a-", false},
		{"-", false},
		{"A", false},
		{"a.b", false},
		{"a_b", false},
		{"a b", false},
		{"\xc3\xbc", false},
		{"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc",
			true}, /* 63 */
		{"abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcd",
			false},
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		ck_assert_msg(text_is_dns_label(bytes_str(rows[i].name)) == rows[i].good,
			"%s", rows[i].name);
	ck_assert(!text_is_dns_label(BYTES_NONE));
	ck_assert(!text_is_dns_label(bytes_of("a\0b", 3)));
}
END_TEST

START_TEST(numbers_are_plain_decimals_within_bounds)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		int rv;
		uint64_t value;
	} rows[] = {
		{"0", 0, 10, 0, 0},
		{"10", 0, 10, 0, 10},
		{"007", 0, 10, 0, 7},
		{"11", 0, 10, SVCD_ERANGE, 0},
		{"4", 5, 10, SVCD_ERANGE, 0},
		{"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551616", 0, UINT64_MAX, SVCD_ERANGE, 0},
		{"99999999999999999999999", 0, UINT64_MAX, SVCD_ERANGE, 0},
		{"99999999999999999999999x", 0, UINT64_MAX, SVCD_EINVAL, 0},
		{"", 0, 10, SVCD_EINVAL, 0},
		{NULL, 0, 10, SVCD_EINVAL, 0},
		{"-1", 0, 10, SVCD_EINVAL, 0},
		{"+1", 0, 10, SVCD_EINVAL, 0},
		{" 1", 0, 10, SVCD_EINVAL, 0},
		{"1 ", 0, 10, SVCD_EINVAL, 0},
		{"0x1", 0, 10, SVCD_EINVAL, 0},
		{"1.5", 0, 10, SVCD_EINVAL, 0},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		uint64_t v = 99;

		ck_assert_msg(text_parse_u64(rows[i].text, rows[i].min, rows[i].max,
				      &v) == rows[i].rv,
			"row %zu", i);
		ck_assert(v == (rows[i].rv == 0 ? rows[i].value : 99));
	}
}
END_TEST

static const struct {
	const char *text;
	int rv;
	uint64_t ms;
} durations[] = {
	{"0", 0, 0},
	{"0s", 0, 0},
	{"250ms", 0, 250},
	{"10s", 0, 10000},
	{"5m", 0, 300000},
	{"2h", 0, 7200000},
	{"1d", 0, 86400000},
	{"1h30m", 0, 5400000},
	{"2d3h", 0, 183600000},
	{"90m", 0, 5400000},
	{"1s500ms", 0, 1500},
	{"1d1h1m1s1ms", 0, 90061001},
	{"18446744073709551615ms", 0, UINT64_MAX},
	{"18446744073709551616ms", SVCD_EINVAL, 0},
	{"18446744073709551615ms0s", SVCD_EINVAL, 0},
	{"213503982335d", SVCD_EINVAL, 0},
	{"18446744073709551s999ms", SVCD_EINVAL, 0},
	{"5", SVCD_EINVAL, 0},
	{"00", SVCD_EINVAL, 0},
	{"", SVCD_EINVAL, 0},
	{NULL, SVCD_EINVAL, 0},
	{"s", SVCD_EINVAL, 0},
	{"-1s", SVCD_EINVAL, 0},
	{"1.5s", SVCD_EINVAL, 0},
	{"1 s", SVCD_EINVAL, 0},
	{"1S", SVCD_EINVAL, 0},
	{"1sec", SVCD_EINVAL, 0},
	{"1w", SVCD_EINVAL, 0},
	{"1h30", SVCD_EINVAL, 0},
	{"30m1h", SVCD_EINVAL, 0}, /* largest unit first */
	{"1h1h", SVCD_EINVAL, 0},
};

START_TEST(durations_have_a_unit)
{
	for (size_t i = 0; i < LENGTH(durations); i++) {
		uint64_t ms = 99;

		ck_assert_msg(
			text_parse_duration_ms(durations[i].text, &ms) == durations[i].rv,
			"row %zu", i);
		ck_assert(ms == (durations[i].rv == 0 ? durations[i].ms : 99));
	}
}
END_TEST

START_TEST(sizes_have_a_binary_unit_or_are_bytes)
{
	static const struct {
		const char *text;
		int rv;
		uint64_t bytes;
	} rows[] = {
		{"0", 0, 0},
		{"1500", 0, 1500},
		{"64KiB", 0, 65536},
		{"16MiB", 0, 16777216},
		{"4GiB", 0, UINT64_C(4294967296)},
		{"17179869183GiB", 0, UINT64_C(17179869183) << 30},
		{"17179869184GiB", SVCD_EINVAL, 0},
		{"4GB", SVCD_EINVAL, 0},
		{"4gib", SVCD_EINVAL, 0},
		{"4 GiB", SVCD_EINVAL, 0},
		{"KiB", SVCD_EINVAL, 0},
		{"1KiB1", SVCD_EINVAL, 0},
		{"1KiB1MiB", SVCD_EINVAL, 0},
		{"-1", SVCD_EINVAL, 0},
		{"", SVCD_EINVAL, 0},
		{NULL, SVCD_EINVAL, 0},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		uint64_t bytes = 99;

		ck_assert_msg(text_parse_size(rows[i].text, &bytes) == rows[i].rv,
			"row %zu", i);
		ck_assert(bytes == (rows[i].rv == 0 ? rows[i].bytes : 99));
	}
}
END_TEST

START_TEST(durations_are_shown_in_two_units_at_most)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{0, "0ms"},
		{250, "250ms"},
		{999, "999ms"},
		{1000, "1s"},
		{1500, "1s500ms"},
		{10000, "10s"},
		{300000, "5m"},
		{5400000, "1h30m"},
		{183600000, "2d3h"},
		{90061001, "1d1h"},
		{86399999, "23h59m"},
		{86400000 + 60000, "1d"}, /* the second unit is the next one */
		{UINT64_C(99999999) * 86400000 + 23 * 3600000, "99999999d23h"},
		{UINT64_C(100000000) * 86400000 + 23 * 3600000, "100000000d"},
		{UINT64_MAX, "213503982334d"},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		char out[16];

		ck_assert_str_eq(
			text_format_duration(rows[i].ms, out, sizeof(out)), rows[i].text);
	}
}
END_TEST

START_TEST(a_shown_duration_can_be_read)
{
	struct rng rng;

	rng_seed(&rng, 4);
	for (int i = 0; i < 10000; i++) {
		uint64_t ms = rng_next(&rng) >> rng_below(&rng, 64);
		uint64_t back;
		char out[16], again[16];

		ck_assert_int_eq(
			text_parse_duration_ms(
				text_format_duration(ms, out, sizeof(out)), &back),
			0);
		ck_assert(back <= ms);
		ck_assert_str_eq(text_format_duration(back, again, sizeof(again)), out);
	}
}
END_TEST

START_TEST(typing_errors_are_guessed)
{
	static const char *const words[] = {
		"register", "deregister", "resolve", "watch", "up", NULL};
	static const struct {
		const char *word, *guess;
	} rows[] = {
		{"register", "register"},
		{"regsiter", "register"}, /* swapped: one */
		{"registr", "register"},
		{"reegister", "register"},
		{"rexister", "register"},
		{"rexixtxr", "register"}, /* three: just within 8/3 + 1 */
		{"xexixtxr", NULL},       /* four */
		{"wtach", "watch"},
		{"wacht", "watch"},
		{"ip", "up"},
		{"", NULL},
		{"pu", "up"},
		{"xyz", NULL},
	};
	char longest[100];

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *guess = text_did_you_mean(rows[i].word, words);

		if (rows[i].guess == NULL)
			ck_assert_ptr_null(guess);
		else
			ck_assert_pstr_eq(guess, rows[i].guess);
	}
	memset(longest, 'x', sizeof(longest));
	longest[99] = '\0';
	ck_assert_ptr_null(
		text_did_you_mean(longest, (const char *const[]){longest, NULL}));
	ck_assert_ptr_null(text_did_you_mean("x", (const char *const[]){longest, NULL}));
	ck_assert_ptr_null(text_did_you_mean("x", (const char *const[]){NULL}));
	longest[64] = '\0';
	ck_assert_pstr_eq(
		text_did_you_mean(longest, (const char *const[]){longest, NULL}),
		longest);
}
END_TEST

START_TEST(the_first_of_equally_near_words_is_guessed)
{
	ck_assert_pstr_eq(
		text_did_you_mean("cat", (const char *const[]){"bat", "hat", NULL}),
		"bat");
	ck_assert_pstr_eq(
		text_did_you_mean("hat", (const char *const[]){"bat", "hat", NULL}),
		"hat");
}
END_TEST

START_TEST(hex_has_sixteen_digits)
{
	char out[17];

	ck_assert_str_eq(text_hex64(0, out), "0000000000000000");
	ck_assert_str_eq(
		text_hex64(UINT64_C(0x0123456789abcdef), out), "0123456789abcdef");
	ck_assert_str_eq(text_hex64(UINT64_MAX, out), "ffffffffffffffff");
}
END_TEST

START_TEST(escaped_text_is_safe_and_bounded)
{
	static const struct {
		const char *in;
		size_t len, max;
		const char *out;
	} rows[] = {
		{"", 0, 10, ""}, {"plain \xc3\xbc", 8, 10, "plain \xc3\xbc"},
		{"a\"b\\c", 5, 10, "a\\\"b\\\\c"}, {"\n\r\t", 3, 10, "\\n\\r\\t"},
		{"\x00\x1b\x7f\xff", 4, 10, "\\x00\\x1b\\x7f\\xff"},
		{"\xc2\x9b", 2, 10, "\\xc2\\x9b"}, {"\xc3", 1, 10, "\\xc3"},
		{"abcdef", 6, 6, "abcdef"}, {"abcdef", 6, 5, "abcde..."},
		{"abcdef", 6, 0, "..."},
		{"ab\xe2\x82\xac!", 6, 3, "ab\xe2\x82\xac..."}, /* a character is never
								   cut */
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf out = {0};

		text_put_escaped(&out, bytes_of(rows[i].in, rows[i].len), rows[i].max);
		ck_assert_msg(bytes_eq_str(buf_bytes(&out), rows[i].out), "row %zu", i);
		buf_fini(&out);
	}
}
END_TEST

#define LINE_START "ts=2026-11-23T12:00:00.123Z level=info event=test"
#define LINE_MS UINT64_C(1795435200123)

/* The line for one field. Borrowed until the next call. */
static const char *line_of(struct log_field field)
{
	static struct buf out;

	buf_clear(&out);
	log_format(&out, LINE_MS, LOG_INFO, "test",
		(const struct log_field[]){field, L_END});
	buf_put_u8(&out, 0);
	ck_assert_int_eq(out.error, 0);
	return (const char *)out.data;
}

START_TEST(values_are_quoted_when_they_must_be)
{
	ck_assert_str_eq(
		line_of(L_U64("n", UINT64_MAX)), LINE_START " n=18446744073709551615");
	ck_assert_str_eq(
		line_of(L_I64("n", INT64_MIN)), LINE_START " n=-9223372036854775808");
	ck_assert_str_eq(line_of(L_ERR(SVCD_ENOTFOUND)), LINE_START " error=not_found");
	ck_assert_str_eq(line_of(L_STR("k", "plain/1.2:3")), LINE_START " k=plain/1.2:3");
	ck_assert_str_eq(line_of(L_STR("k", "")), LINE_START " k=\"\"");
	ck_assert_str_eq(line_of(L_STR("k", NULL)), LINE_START " k=\"\"");
	ck_assert_str_eq(line_of(L_STR("k", "two words")), LINE_START " k=\"two words\"");
	ck_assert_str_eq(line_of(L_STR("k", "a=b")), LINE_START " k=\"a=b\"");
	ck_assert_str_eq(line_of(L_STR("k", "\xc3\xbc")), LINE_START " k=\"\xc3\xbc\"");
	ck_assert_str_eq(
		line_of(L_BYTES("k", bytes_of("a\0b", 3))), LINE_START " k=\"a\\x00b\"");
}
END_TEST

START_TEST(a_peer_cannot_forge_a_line_or_a_field)
{
	const char *line = line_of(
		L_STR("peer", "x\nlevel=error event=\"fire\" \x1b[2J\xff"));

	ck_assert_str_eq(line,
		LINE_START " peer=\"x\\nlevel=error event=\\\"fire\\\" \\x1b[2J\\xff\"");
}
END_TEST

START_TEST(a_long_value_is_cut)
{
	char text[5000];
	const char *line;

	memset(text, 'x', sizeof(text));
	line = line_of(L_BYTES("k", bytes_of(text, sizeof(text))));
	ck_assert_uint_eq(strlen(line), strlen(LINE_START " k=\"\"...") + 1024);
	ck_assert_str_eq(line + strlen(line) - 5, "x...\"");
}
END_TEST

START_TEST(an_event_without_fields_is_a_line)
{
	struct buf out = {0};

	log_format(&out, 0, LOG_ERROR, "test", (const struct log_field[]){L_END});
	ck_assert(bytes_eq_str(
		buf_bytes(&out), "ts=1970-01-01T00:00:00.000Z level=error event=test"));
	buf_fini(&out);
}
END_TEST

START_TEST(lines_below_the_level_are_dropped)
{
	char text[512];
	int ends[2];
	ssize_t n;

	ck_assert_int_eq(pipe(ends), 0);
	log_set_fd(ends[1]);
	log_set_level(LOG_WARN);
	ck_assert_int_eq(log_get_level(), LOG_WARN);
	log_info("dropped", L_U64("n", 1));
	log_debug("dropped");
	log_warn("kept", L_U64("n", 2));
	log_error("kept_too");
	n = read(ends[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_null(strstr(text, "dropped"));
	ck_assert_ptr_nonnull(strstr(text, " level=warn event=kept n=2\n"));
	ck_assert_ptr_nonnull(strstr(text, " level=error event=kept_too\n"));
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(levels_have_names)
{
	ck_assert_int_eq(log_level_from_name("debug"), LOG_DEBUG);
	ck_assert_int_eq(log_level_from_name("info"), LOG_INFO);
	ck_assert_int_eq(log_level_from_name("warn"), LOG_WARN);
	ck_assert_int_eq(log_level_from_name("error"), LOG_ERROR);
	ck_assert_int_eq(log_level_from_name("Error"), -1);
	ck_assert_int_eq(log_level_from_name(""), -1);
}
END_TEST

/* First numbers of xoshiro256** with the state {1, 2, 3, 4}, as the authors' own code
 * gives them. */
START_TEST(random_numbers_are_those_of_the_paper)
{
	static const uint64_t expected[] = {
		11520,
		0,
		1509978240,
		1215971899390074240,
		1216172134540287360,
		607988272756665600,
	};
	struct rng r = {.s = {1, 2, 3, 4}};

	for (size_t i = 0; i < LENGTH(expected); i++)
		ck_assert(rng_next(&r) == expected[i]);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_numbers)
{
	struct rng a, b, c;

	rng_seed(&a, 7);
	rng_seed(&b, 7);
	rng_seed(&c, 8);
	ck_assert(a.s[0] == UINT64_C(0x63cbe1e459320dd7)); /* splitmix64 of 7 */
	for (int i = 0; i < 100; i++) {
		uint64_t v = rng_next(&a);

		ck_assert(v == rng_next(&b));
		ck_assert(v != rng_next(&c));
	}
}
END_TEST

START_TEST(bounded_numbers_are_spread_evenly)
{
	unsigned seen[10] = {0};
	struct rng r;

	rng_seed(&r, 9);
	for (int i = 0; i < 100000; i++) {
		double unit = rng_unit(&r);

		seen[rng_below(&r, 10)]++;
		ck_assert(unit >= 0 && unit < 1);
	}
	for (size_t i = 0; i < 10; i++)
		ck_assert(seen[i] > 9500 && seen[i] < 10500);
	ck_assert(rng_below(&r, 1) == 0);
	for (int i = 0; i < 100; i++)
		ck_assert(rng_below(&r, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
}
END_TEST

/* Drawn modulo n, numbers below 2^62 would come twice as often as the others. */
START_TEST(a_bound_that_does_not_divide_2_to_the_64_gives_no_bias)
{
	uint64_t third = UINT64_C(1) << 62;
	unsigned low = 0;
	struct rng r;

	rng_seed(&r, 11);
	for (int i = 0; i < 30000; i++)
		low += rng_below(&r, 3 * third) < third;
	ck_assert(low > 9500 && low < 10500);
}
END_TEST

START_TEST(secure_bytes_differ)
{
	uint8_t a[1000] = {0}, b[1000] = {0};

	rng_secure(a, sizeof(a));
	rng_secure(b, sizeof(b));
	rng_secure(a, 0);
	ck_assert_mem_ne(a, b, sizeof(a));
	ck_assert_mem_ne(a + 990, b + 990, 10);
}
END_TEST

START_TEST(time_does_not_go_backwards)
{
	uint64_t last = clock_now_us();

	for (int i = 0; i < 1000; i++) {
		uint64_t now = clock_now_us();

		ck_assert(now >= last);
		last = now;
	}
	ck_assert(clock_now_ms() >= last / 1000);
	ck_assert(clock_wall_ms() > UINT64_C(1700000000000));
}
END_TEST

START_TEST(wall_time_is_shown_as_rfc3339)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{LINE_MS, "2026-11-23T12:00:00.123Z"},
		{UINT64_C(1709164800999), "2024-02-29T00:00:00.999Z"},
		{UINT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
		{UINT64_MAX, "9999-12-31T23:59:59.999Z"},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		char out[25];

		ck_assert_str_eq(
			clock_format_wall(rows[i].ms, out, sizeof(out)), rows[i].text);
	}
}
END_TEST

START_TEST(a_boot_has_one_identity)
{
	char a[37], b[37];

	clock_boot_id(a);
	clock_boot_id(b);
	ck_assert_str_eq(a, b);
	ck_assert(strlen(a) == 36 || strlen(a) == 0);
}
END_TEST

static void add_text_tests(Suite *s)
{
	TCase *tc = unit_case(s, "text");

	tcase_add_test(tc, names_are_dns_labels);
	tcase_add_test(tc, numbers_are_plain_decimals_within_bounds);
	tcase_add_test(tc, durations_have_a_unit);
	tcase_add_test(tc, sizes_have_a_binary_unit_or_are_bytes);
	tcase_add_test(tc, durations_are_shown_in_two_units_at_most);
	tcase_add_test(tc, a_shown_duration_can_be_read);
	tcase_add_test(tc, typing_errors_are_guessed);
	tcase_add_test(tc, the_first_of_equally_near_words_is_guessed);
	tcase_add_test(tc, hex_has_sixteen_digits);
	tcase_add_test(tc, escaped_text_is_safe_and_bounded);
}

int main(void)
{
	Suite *s = suite_create("base");
	TCase *err = unit_case(s, "err");
	TCase *log = unit_case(s, "log");
	TCase *rng = unit_case(s, "rng");
	TCase *clock = unit_case(s, "clock");

	tcase_add_test(err, every_code_has_a_name_that_leads_back);
	tcase_add_test(err, an_unknown_code_is_called_unknown);
	tcase_add_test(err, foreign_errors_become_ours);
	tcase_add_test(err, an_error_carries_code_and_sentence);
	tcase_add_test(err, nobody_needs_to_want_the_sentence);
	tcase_add_test(err, the_old_sentence_may_be_part_of_the_new_one);
	tcase_add_test(err, a_long_sentence_is_cut_between_characters);
	add_text_tests(s);
	tcase_add_test(log, values_are_quoted_when_they_must_be);
	tcase_add_test(log, a_peer_cannot_forge_a_line_or_a_field);
	tcase_add_test(log, a_long_value_is_cut);
	tcase_add_test(log, an_event_without_fields_is_a_line);
	tcase_add_test(log, lines_below_the_level_are_dropped);
	tcase_add_test(log, levels_have_names);
	tcase_add_test(rng, random_numbers_are_those_of_the_paper);
	tcase_add_test(rng, the_same_seed_gives_the_same_numbers);
	tcase_add_test(rng, bounded_numbers_are_spread_evenly);
	tcase_add_test(rng, a_bound_that_does_not_divide_2_to_the_64_gives_no_bias);
	tcase_add_test(rng, secure_bytes_differ);
	tcase_add_test(clock, time_does_not_go_backwards);
	tcase_add_test(clock, wall_time_is_shown_as_rfc3339);
	tcase_add_test(clock, a_boot_has_one_identity);
	return unit_run(s);
}
