/* wire/frame.h: where a message ends, what is refused, and the parts of a message. */
#include <string.h>

#include "base/err.h"
#include "base/rng.h"
#include "hex.h"
#include "unit.h"
#include "wire/frame.h"
#include "wire/pack.h"

/* A head in hex, then n bytes of 'x'; is one whole value. */
static const struct {
	const char *head;
	size_t n;
} values[] = {
	{"00", 0}, /* positive fixint */
	{"7f", 0},
	{"ff", 0}, /* negative fixint */
	{"e0", 0},
	{"c0", 0}, /* nil */
	{"c2", 0}, /* false */
	{"c3", 0}, /* true */
	{"cc 00", 0},
	{"cc ff", 0},
	{"cd 0000", 0},
	{"cd ffff", 0},
	{"ce 00000000", 0},
	{"ce ffffffff", 0},
	{"cf 0000000000000000", 0},
	{"cf ffffffffffffffff", 0},
	{"d0 80", 0},
	{"d1 8000", 0},
	{"d2 80000000", 0},
	{"d3 8000000000000000", 0},
	{"ca 3f800000", 0},
	{"cb 3ff0000000000000", 0},
	{"a0", 0}, /* fixstr */
	{"a1", 1},
	{"bf", 31},
	{"d9 00", 0},
	{"d9 20", 32},
	{"d9 ff", 255},
	{"da 0000", 0},
	{"da 0100", 256},
	{"da ffff", 65535},
	{"db 00000000", 0},
	{"db 00010000", 65536},
	{"c4 00", 0},
	{"c4 ff", 255},
	{"c5 0100", 256},
	{"c5 ffff", 65535},
	{"c6 00000000", 0},
	{"c6 00010000", 65536},
	{"90", 0}, /* fixarray */
	{"91 c0", 0},
	{"91 90", 0},
	{"93 01 02 03", 0},
	{"9f 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f", 0},
	{"dc 0000", 0},
	{"dc 0002 c0 c0", 0},
	{"dd 00000000", 0},
	{"dd 00000002 c0 c0", 0},
	{"80", 0}, /* fixmap */
	{"81 01 02", 0},
	{"82 a1 61 01 a1 62 80", 0},
	{"de 0000", 0},
	{"de 0001 01 02", 0},
	{"df 00000000", 0},
	{"df 00000001 01 02", 0},
	{"81 91 01 92 02 03", 0}, /* a container as key */
	{"93 90 80 92 90 91 91 c0", 0},
	{"91 91 91 c5 0003", 3},
};

static struct bytes value_bytes(struct buf *b, size_t i)
{
	buf_clear(b);
	hex(b, values[i].head);
	for (size_t n = 0; n < values[i].n; n++)
		buf_put_u8(b, 'x');
	return buf_bytes(b);
}

/* One call on a fresh stream. */
static int find(struct bytes in, uint32_t max_bytes, size_t *len)
{
	struct frame_scan s = {.max_bytes = max_bytes};

	return frame_find(&s, in, len);
}

/* Byte after byte. *taken is how many there were when it came to an end. */
static int find_by_bytes(struct bytes in, uint32_t max_bytes, size_t *taken)
{
	struct frame_scan s = {.max_bytes = max_bytes};
	size_t len = 0;
	int rv = SVCD_EAGAIN;

	for (*taken = 0; *taken < in.len && rv == SVCD_EAGAIN; (*taken)++)
		rv = frame_find(&s, bytes_of(in.data, *taken + 1), &len);
	if (rv == 0)
		ck_assert_uint_eq(len, *taken);
	return rv;
}

START_TEST(a_value_ends_where_its_type_says)
{
	struct buf b = {0};

	for (size_t i = 0; i < LENGTH(values); i++) {
		struct bytes in = value_bytes(&b, i);
		size_t len = 0;

		ck_assert_msg(find(in, 0, &len) == 0, "row %zu", i);
		ck_assert_uint_eq(len, in.len);
		ck_assert_uint_eq(frame_value_len(in), in.len);
	}
	buf_fini(&b);
}
END_TEST

/* The first n bytes in a block that ends behind them: the sanitizer sees who reads on. */
static struct shared *exact_copy(struct bytes in, size_t n)
{
	struct shared *copy = shared_new(bytes_of(in.data, n));

	ck_assert_ptr_nonnull(copy);
	return copy;
}

START_TEST(a_value_that_is_cut_anywhere_is_incomplete)
{
	struct buf b = {0};

	for (size_t i = 0; i < LENGTH(values); i++) {
		struct bytes in = value_bytes(&b, i);

		for (size_t n = 0; n < in.len; n++) {
			struct shared *cut = n < 40 ? exact_copy(in, n) : NULL;
			struct bytes part = bytes_of(
				cut != NULL ? cut->data : in.data, n);
			size_t len = 99;

			if (find(part, 0, &len) != SVCD_EAGAIN || len != 99 ||
				frame_value_len(part) != 0)
				ck_abort_msg("row %zu cut after %zu bytes", i, n);
			shared_unref(cut);
		}
	}
	buf_fini(&b);
}
END_TEST

START_TEST(byte_by_byte_finds_the_same_end)
{
	struct buf b = {0};

	for (size_t i = 0; i < LENGTH(values); i++) {
		struct bytes in = value_bytes(&b, i);
		size_t taken;

		ck_assert_int_eq(find_by_bytes(in, 0, &taken), 0);
		ck_assert_uint_eq(taken, in.len);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(ext_types_and_the_unused_byte_are_refused)
{
	static const uint8_t refused[] = {
		0xc1, 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};

	for (size_t i = 0; i < LENGTH(refused); i++) {
		uint8_t alone[] = {refused[i]};
		uint8_t inside[] = {0x92, 0x01, refused[i]};
		size_t len;

		ck_assert_int_eq(find(bytes_of(alone, 1), 0, &len), SVCD_EPROTOCOL);
		ck_assert_int_eq(find(bytes_of(inside, 3), 0, &len), SVCD_EPROTOCOL);
		ck_assert_uint_eq(frame_value_len(bytes_of(alone, 1)), 0);
	}
}
END_TEST

START_TEST(every_other_first_byte_starts_a_value)
{
	uint8_t zeros[64] = {0};
	size_t refused = 0;

	for (int c = 0; c < 256; c++) {
		size_t len;

		zeros[0] = (uint8_t)c;
		refused += find(bytes_of(zeros, sizeof(zeros)), 0, &len) != 0;
	}
	ck_assert_uint_eq(refused, 9);
}
END_TEST

START_TEST(messages_may_follow_each_other)
{
	struct frame_scan s = {0};
	struct buf b = {0};
	size_t found = 0;
	size_t len;

	for (size_t i = 0; i < LENGTH(values); i++) {
		struct buf one = {0};

		buf_put_bytes(&b, value_bytes(&one, i));
		buf_fini(&one);
	}
	while (b.len > 0) {
		ck_assert_int_eq(frame_find(&s, buf_bytes(&b), &len), 0);
		buf_drop_front(&b, len);
		found++;
	}
	ck_assert_uint_eq(found, LENGTH(values));
	ck_assert_int_eq(frame_find(&s, buf_bytes(&b), &len), SVCD_EAGAIN);
	buf_fini(&b);
}
END_TEST

/* n containers, each in the one around it; the innermost is empty. */
static void put_nested(struct buf *b, size_t n, uint8_t outer, uint8_t inner)
{
	for (size_t i = 1; i < n; i++)
		buf_put_u8(b, outer);
	buf_put_u8(b, inner);
}

START_TEST(sixteen_levels_are_the_most)
{
	static const struct {
		size_t depth;
		uint8_t outer, inner;
		int rv;
	} rows[] = {
		{16, 0x91, 0x90, 0},
		{17, 0x91, 0x90, SVCD_ETOOBIG},
		{16, 0x91, 0x80, 0},
		{17, 0x91, 0x80, SVCD_ETOOBIG},
		{1000, 0x91, 0x90, SVCD_ETOOBIG},
		{17, 0x81, 0x81, SVCD_ETOOBIG},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf b = {0};
		size_t len, taken;

		put_nested(&b, rows[i].depth, rows[i].outer, rows[i].inner);
		ck_assert_int_eq(find(buf_bytes(&b), 0, &len), rows[i].rv);
		ck_assert_int_eq(find_by_bytes(buf_bytes(&b), 0, &taken), rows[i].rv);
		ck_assert_uint_eq(taken, rows[i].rv == 0 ? rows[i].depth : 17);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(siblings_do_not_add_to_the_depth)
{
	struct buf b = {0};
	size_t len;

	pack_array(&b, 100);
	for (int i = 0; i < 100; i++)
		put_nested(&b, 15, 0x91, 0x90);
	ck_assert_int_eq(find(buf_bytes(&b), 0, &len), 0);
	ck_assert_uint_eq(len, b.len);
	buf_fini(&b);
}
END_TEST

START_TEST(sixty_five_thousand_elements_are_the_most)
{
	static const struct {
		const char *head; /* followed by as many zeros as there is room for */
		int rv;
		size_t len;
	} rows[] = {
		{"dd 00010000", 0, 5 + 65536}, {"dd 00010001", SVCD_ETOOBIG, 0},
		{"df 00008000", 0, 5 + 65536}, {"df 00008001", SVCD_ETOOBIG, 0},
		{"91 dd 0000ffff", 0, 6 + 65535}, {"91 dd 00010000", SVCD_ETOOBIG, 0},
		{"dd ffffffff", SVCD_ETOOBIG, 0}, {"df ffffffff", SVCD_ETOOBIG, 0},
		{"df 80000000", SVCD_ETOOBIG, 0}, /* twice that is 0 in 32 bits */
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf b = {0};
		size_t len = 0;

		hex(&b, rows[i].head);
		memset(buf_reserve(&b, 80000), 0, 80000);
		b.len += 80000;
		ck_assert_int_eq(find(buf_bytes(&b), 0, &len), rows[i].rv);
		ck_assert_uint_eq(len, rows[i].len);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(elements_are_counted_over_the_whole_message)
{
	for (uint32_t last = 1; last <= 3; last++) {
		struct buf b = {0};
		size_t len;

		pack_array(&b, 2); /* 2 elements, then 65532 and last */
		pack_array(&b, 65532);
		for (int i = 0; i < 65532; i++)
			pack_nil(&b);
		pack_array(&b, last);
		for (uint32_t i = 0; i < last; i++)
			pack_nil(&b);
		ck_assert_int_eq(
			find(buf_bytes(&b), 0, &len), last <= 2 ? 0 : SVCD_ETOOBIG);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(the_count_starts_anew_with_each_message)
{
	struct frame_scan s = {0};
	struct buf b = {0};
	size_t len;

	pack_array(&b, 40000);
	for (int i = 0; i < 40000; i++)
		pack_nil(&b);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(frame_find(&s, buf_bytes(&b), &len), 0);
	buf_fini(&b);
}
END_TEST

START_TEST(too_much_is_refused_as_soon_as_it_is_announced)
{
	static const struct {
		const char *head;
		uint32_t max_bytes;
		int rv;
	} rows[] = {
		{"db 000ffffb", 0, SVCD_EAGAIN}, /* 5 + 1048571 = 1 MiB */
		{"db 000ffffc", 0, SVCD_ETOOBIG},
		{"c6 000ffffb", 0, SVCD_EAGAIN},
		{"c6 000ffffc", 0, SVCD_ETOOBIG},
		{"db ffffffff", 0, SVCD_ETOOBIG},
		{"c6 ffffffff", UINT32_MAX, SVCD_ETOOBIG},
		{"91 db 000ffffa", 0, SVCD_EAGAIN},
		{"91 db 000ffffb", 0, SVCD_ETOOBIG},
		{"92 db 000ffffa", 0, SVCD_EAGAIN}, /* known only after the body */
		{"a5", 6, SVCD_EAGAIN},
		{"a5", 5, SVCD_ETOOBIG},
		{"da 0064", 103, SVCD_EAGAIN},
		{"da 0064", 102, SVCD_ETOOBIG},
		{"db 00200000", 1 << 22, SVCD_EAGAIN}, /* the limit may also be larger */
		{"cf 00", 9, SVCD_EAGAIN},
		{"cf 00", 8, SVCD_ETOOBIG},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf b = {0};
		size_t len;

		ck_assert_msg(find(hex(&b, rows[i].head), rows[i].max_bytes, &len) ==
				rows[i].rv,
			"row %zu", i);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(a_message_may_be_as_long_as_the_limit)
{
	struct buf b = {0};

	for (size_t i = 0; i < LENGTH(values); i++) {
		struct bytes in = value_bytes(&b, i);
		size_t len, taken;

		ck_assert_int_eq(find(in, (uint32_t)in.len, &len), 0);
		ck_assert_int_eq(find_by_bytes(in, (uint32_t)in.len, &taken), 0);
		if (in.len == 1)
			continue;
		ck_assert_int_eq(find(in, (uint32_t)in.len - 1, &len), SVCD_ETOOBIG);
		ck_assert_int_eq(
			find_by_bytes(in, (uint32_t)in.len - 1, &taken), SVCD_ETOOBIG);
		ck_assert_uint_lt(taken, in.len);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(what_follows_a_message_does_not_count_against_its_limit)
{
	struct buf b = {0};
	size_t len;

	hex(&b, "a3 61 62 63");
	memset(buf_reserve(&b, 100), 'x', 100);
	b.len += 100;
	ck_assert_int_eq(find(buf_bytes(&b), 4, &len), 0);
	ck_assert_uint_eq(len, 4);
	buf_fini(&b);
}
END_TEST

START_TEST(a_reset_keeps_the_limit)
{
	struct frame_scan s = {.max_bytes = 10};
	struct buf b = {0};
	size_t len;

	ck_assert_int_eq(frame_find(&s, hex(&b, "92 a3 61"), &len), SVCD_EAGAIN);
	frame_scan_reset(&s);
	ck_assert_uint_eq(s.max_bytes, 10);
	buf_clear(&b);
	ck_assert_int_eq(frame_find(&s, hex(&b, "a1 61"), &len), 0);
	ck_assert_uint_eq(s.max_bytes, 10);
	buf_fini(&b);
}
END_TEST

/* Random bytes that look like msgpack: small containers and strings often, refused ones
 * seldom. */
static void put_noise(struct rng *r, struct buf *b)
{
	static const uint8_t common[] = {
		0x00,
		0x7f,
		0xe0,
		0xc0,
		0xc2,
		0x91,
		0x92,
		0x93,
		0x94,
		0x81,
		0x82,
		0xa0,
		0xa1,
		0xa5,
		0xcc,
		0xcd,
		0xce,
		0xcf,
		0xd9,
		0xda,
		0xc4,
		0xc5,
		0xdc,
		0xde,
		0xdd,
		0xdf,
		0xdb,
		0xc6,
		0xca,
		0xcb,
	};
	size_t n = 1 + rng_below(r, 60);

	buf_clear(b);
	buf_put_u8(b, (uint8_t)(0x91 + rng_below(r, 15)));
	for (size_t i = 0; i < n; i++)
		if (rng_below(r, 3) != 0)
			buf_put_u8(b, common[rng_below(r, LENGTH(common))]);
		else
			buf_put_u8(b,
				(uint8_t)(rng_below(r, 40) == 0 ? rng_below(r, 256) : 0));
}

START_TEST(the_verdict_does_not_depend_on_the_cuts)
{
	struct buf b = {0};
	struct rng r;
	int verdicts[3] = {0};

	rng_seed(&r, 5);
	for (int i = 0; i < 20000; i++) {
		uint32_t max_bytes = (uint32_t)rng_below(&r, 100);
		size_t whole_len = 0, taken;
		int whole, bytewise;

		put_noise(&r, &b);
		whole = find(buf_bytes(&b), max_bytes, &whole_len);
		bytewise = find_by_bytes(buf_bytes(&b), max_bytes, &taken);
		ck_assert_int_eq(whole, bytewise);
		if (whole == 0)
			ck_assert_uint_eq(whole_len, taken);
		verdicts[whole == 0 ? 0 : whole == SVCD_EAGAIN ? 1 : 2]++;
	}
	for (size_t i = 0; i < LENGTH(verdicts); i++)
		ck_assert_int_gt(verdicts[i], 1000); /* the noise is not one-sided */
	buf_fini(&b);
}
END_TEST

/* The slow and obvious way: length of the value at p, or a negative code. depth counts
 * what is open. */
static long model_len(const uint8_t *p, size_t n, int depth, size_t *items);

static long model_items(
	const uint8_t *p, size_t n, size_t head, uint64_t count, int depth, size_t *items)
{
	size_t pos = head;

	if (n < head)
		return SVCD_EAGAIN;
	*items += count > 1000000 ? 1000000 : count;
	if (depth == 16 || *items > 65536)
		return SVCD_ETOOBIG;
	for (uint64_t i = 0; i < count; i++) {
		long len = pos > n ? SVCD_EAGAIN
				   : model_len(p + pos, n - pos, depth + 1, items);

		if (len < 0)
			return len;
		pos += (size_t)len;
	}
	return (long)pos;
}

static uint64_t model_number(const uint8_t *p, size_t n, size_t size)
{
	uint64_t v = 0;

	for (size_t i = 1; i <= size && i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static long model_body(const uint8_t *p, size_t n, size_t size)
{
	size_t whole = 1 + size + model_number(p, n, size);

	return n < 1 + size || n < whole ? SVCD_EAGAIN : (long)whole;
}

static long model_fixed(size_t n, size_t whole)
{
	return n < whole ? SVCD_EAGAIN : (long)whole;
}

static long model_len(const uint8_t *p, size_t n, int depth, size_t *items)
{
	uint8_t c = n > 0 ? p[0] : 0;

	if (n == 0)
		return SVCD_EAGAIN;
	if (c < 0x80 || c >= 0xe0 || c == 0xc0 || c == 0xc2 || c == 0xc3)
		return 1;
	if (c < 0x90)
		return model_items(p, n, 1, 2 * (c & 15u), depth, items);
	if (c < 0xa0)
		return model_items(p, n, 1, c & 15u, depth, items);
	if (c < 0xc0)
		return model_fixed(n, 1 + (c & 31u));
	if (c >= 0xc4 && c <= 0xc6)
		return model_body(p, n, (size_t)1 << (c - 0xc4));
	if (c >= 0xd9 && c <= 0xdb)
		return model_body(p, n, (size_t)1 << (c - 0xd9));
	if (c == 0xca || c == 0xcb)
		return model_fixed(n, c == 0xca ? 5 : 9);
	if (c >= 0xcc && c <= 0xd3)
		return model_fixed(n, 1 + ((size_t)1 << (c & 3)));
	if (c == 0xdc || c == 0xdd)
		return model_items(p, n, c == 0xdc ? 3 : 5,
			model_number(p, n, c == 0xdc ? 2 : 4), depth, items);
	if (c == 0xde || c == 0xdf)
		return model_items(p, n, c == 0xde ? 3 : 5,
			2 * model_number(p, n, c == 0xde ? 2 : 4), depth, items);
	return SVCD_EPROTOCOL;
}

START_TEST(the_scanner_agrees_with_a_recursive_one)
{
	struct buf b = {0};
	struct rng r;

	rng_seed(&r, 6);
	for (int i = 0; i < 50000; i++) {
		size_t items = 0;
		size_t len = 0;
		long expected;
		int rv;

		put_noise(&r, &b);
		expected = model_len(b.data, b.len, 0, &items);
		rv = find(buf_bytes(&b), 1 << 20, &len);
		if (rv == SVCD_ETOOBIG && expected == SVCD_EAGAIN)
			continue; /* a body over the limit; the model has none */
		ck_assert_int_eq(rv == 0 ? (long)len : rv, expected);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(a_slow_peer_costs_linear_work)
{
	struct frame_scan s = {0};
	struct buf b = {0};
	size_t len;
	uint32_t last = 0;

	pack_array(&b, 60000);
	for (int i = 0; i < 60000; i++)
		pack_nil(&b);
	for (size_t n = 1; n < b.len; n++) {
		int rv = frame_find(&s, bytes_of(b.data, n), &len);

		/* never starts over; all but an incomplete head has been looked at */
		if (rv != SVCD_EAGAIN || s.pos < last || s.pos + 4 < n)
			ck_abort_msg("after %zu bytes: %d, at %u", n, rv, s.pos);
		last = s.pos;
	}
	buf_fini(&b);
}
END_TEST

/* Messages and what they are; NULL parts are absent. */
static const struct {
	const char *message;
	enum frame_kind kind;
	uint32_t id;
	const char *method;
	const char *error;
	const char *body;
} messages[] = {
	{"94 00 07 a3 616263 91 80", FRAME_REQUEST, 7, "abc", NULL, "91 80"},
	{"94 00 07 d9 01 61 c0", FRAME_REQUEST, 7, "a", NULL, "c0"},
	{"94 00 07 da 0001 61 c0", FRAME_REQUEST, 7, "a", NULL, "c0"},
	{"94 00 07 db 00000001 61 c0", FRAME_REQUEST, 7, "a", NULL, "c0"},
	{"94 01 07 c0 81 01 02", FRAME_RESPONSE, 7, NULL, "c0", "81 01 02"},
	{"94 01 07 82 01 02 03 91 04 c0", FRAME_RESPONSE, 7, NULL, "82 01 02 03 91 04",
		"c0"},
	{"93 02 a3 616263 91 80", FRAME_NOTIFICATION, 0, "abc", NULL, "91 80"},

	/* numbers and counts in forms that are longer than need be */
	{"94 cc 00 07 a1 61 c0", FRAME_REQUEST, 7, "a", NULL, "c0"},
	{"dc 0004 00 07 a1 61 c0", FRAME_REQUEST, 7, "a", NULL, "c0"},
	{"dd 00000004 01 07 c0 c3", FRAME_RESPONSE, 7, NULL, "c0", "c3"},
	{"dc 0003 02 a1 61 c0", FRAME_NOTIFICATION, 0, "a", NULL, "c0"},
	{"94 00 cc ff a1 61 c0", FRAME_REQUEST, 255, "a", NULL, "c0"},
	{"94 00 cd ffff a1 61 c0", FRAME_REQUEST, 65535, "a", NULL, "c0"},
	{"94 00 ce ffffffff a1 61 c0", FRAME_REQUEST, UINT32_MAX, "a", NULL, "c0"},
	{"94 00 cf 00000000ffffffff a1 61 c0", FRAME_REQUEST, UINT32_MAX, "a", NULL,
		"c0"},
	{"94 00 d0 07 a1 61 c0", FRAME_REQUEST, 7, "a", NULL, "c0"},
	{"94 00 d1 7fff a1 61 c0", FRAME_REQUEST, 32767, "a", NULL, "c0"},
	{"94 00 d2 7fffffff a1 61 c0", FRAME_REQUEST, INT32_MAX, "a", NULL, "c0"},
	{"94 00 d3 0000000000000007 a1 61 c0", FRAME_REQUEST, 7, "a", NULL, "c0"},
};

START_TEST(a_message_comes_apart_into_its_parts)
{
	for (size_t i = 0; i < LENGTH(messages); i++) {
		struct buf b = {0}, error = {0}, body = {0};
		struct bytes in = hex(&b, messages[i].message);
		struct frame f = {0};

		ck_assert_uint_eq(frame_value_len(in), in.len);
		ck_assert_msg(frame_parse(in, &f) == 0, "row %zu", i);
		ck_assert_int_eq(f.kind, messages[i].kind);
		ck_assert_uint_eq(f.id, messages[i].id);
		ck_assert(bytes_eq_str(f.method, messages[i].method));
		if (messages[i].error != NULL)
			ck_assert(bytes_eq(f.error, hex(&error, messages[i].error)));
		else
			ck_assert_uint_eq(f.error.len, 0);
		ck_assert(bytes_eq(f.body, hex(&body, messages[i].body)));
		buf_fini(&b);
		buf_fini(&error);
		buf_fini(&body);
	}
}
END_TEST

START_TEST(what_is_no_message_is_refused)
{
	static const struct {
		const char *value;
		const char *why;
	} rows[] = {
		{"c0", "no array"},
		{"82 00 07 a1 61 c0", "a map"},
		{"90", "empty"},
		{"91 00", "only the kind"},
		{"93 00 07 a1 61", "a request of 3"},
		{"95 00 07 a1 61 c0 c0", "a request of 5"},
		{"dc 0003 00 07 a1 61", "a request of 3, long"},
		{"dd 00000005 00 07 a1 61 c0 c0", "a request of 5, long"},
		{"93 01 07 c0", "a response of 3"},
		{"94 02 a1 61 c0 c0", "a notification of 4"},
		{"94 03 07 a1 61 c0", "kind 3"},
		{"94 ff 07 a1 61 c0", "kind -1"},
		{"94 ce 00000100 07 a1 61 c0", "kind 256"},
		{"94 00 ff a1 61 c0", "id -1"},
		{"94 00 d0 80 a1 61 c0", "id -128"},
		{"94 00 d1 ffff a1 61 c0", "id -1 in 16 bits"},
		{"94 00 d2 80000000 a1 61 c0", "id -2^31"},
		{"94 00 d3 ffffffffffffffff a1 61 c0", "id -1 in 64 bits"},
		{"94 00 d3 0000000100000000 a1 61 c0", "id 2^32, signed"},
		{"94 00 cf 0000000100000000 a1 61 c0", "id 2^32"},
		{"94 00 c0 a1 61 c0", "id nil"},
		{"94 00 ca 00000000 a1 61 c0", "id a float"},
		{"94 01 a1 61 c0 c0", "id a string"},
		{"94 00 07 a0 c0", "method empty"},
		{"94 00 07 d9 00 c0", "method empty, long"},
		{"94 00 07 c4 01 61 c0", "method binary"},
		{"94 00 07 c0 c0", "method nil"},
		{"94 00 07 08 c0", "method a number"},
		{"94 00 07 a1 ff c0", "method not UTF-8"},
		{"94 00 07 a2 61 0a c0", "method with a control character"},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf b = {0};
		struct bytes in = hex(&b, rows[i].value);
		struct frame f = {.id = 99};

		ck_assert_msg(frame_value_len(in) == in.len, "%s", rows[i].why);
		ck_assert_msg(frame_parse(in, &f) == SVCD_EPROTOCOL, "%s", rows[i].why);
		ck_assert_uint_eq(f.id, 99); /* not written */
		buf_fini(&b);
	}
}
END_TEST

START_TEST(a_method_has_64_bytes_at_most)
{
	for (size_t n = 63; n <= 65; n++) {
		struct buf b = {0};
		struct frame f;
		char method[66];

		memset(method, 'm', n);
		method[n] = '\0';
		pack_request(&b, 1, method);
		pack_nil(&b);
		ck_assert_int_eq(
			frame_parse(buf_bytes(&b), &f), n <= 64 ? 0 : SVCD_EPROTOCOL);
		buf_fini(&b);
	}
}
END_TEST

/* Callers give it whole messages; a defect there must not make it read behind the end. */
START_TEST(parsing_a_cut_message_stays_within_it)
{
	for (size_t i = 0; i < LENGTH(messages); i++) {
		struct buf b = {0};
		struct bytes in = hex(&b, messages[i].message);

		for (size_t n = 0; n < in.len; n++) {
			struct shared *cut = exact_copy(in, n);
			struct frame f;

			if (frame_parse(bytes_of(cut->data, n), &f) == 0)
				ck_assert_ptr_eq(f.body.data + f.body.len, cut->data + n);
			shared_unref(cut);
		}
		buf_fini(&b);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire_frame");
	TCase *ends = unit_case(s, "ends");
	TCase *limits = unit_case(s, "limits");
	TCase *parts = unit_case(s, "parts");

	tcase_add_test(ends, a_value_ends_where_its_type_says);
	tcase_add_test(ends, a_value_that_is_cut_anywhere_is_incomplete);
	tcase_add_test(ends, byte_by_byte_finds_the_same_end);
	tcase_add_test(ends, ext_types_and_the_unused_byte_are_refused);
	tcase_add_test(ends, every_other_first_byte_starts_a_value);
	tcase_add_test(ends, messages_may_follow_each_other);
	tcase_add_test(ends, the_verdict_does_not_depend_on_the_cuts);
	tcase_add_test(ends, the_scanner_agrees_with_a_recursive_one);
	tcase_add_test(ends, a_slow_peer_costs_linear_work);

	tcase_add_test(limits, sixteen_levels_are_the_most);
	tcase_add_test(limits, siblings_do_not_add_to_the_depth);
	tcase_add_test(limits, sixty_five_thousand_elements_are_the_most);
	tcase_add_test(limits, elements_are_counted_over_the_whole_message);
	tcase_add_test(limits, the_count_starts_anew_with_each_message);
	tcase_add_test(limits, too_much_is_refused_as_soon_as_it_is_announced);
	tcase_add_test(limits, a_message_may_be_as_long_as_the_limit);
	tcase_add_test(limits, what_follows_a_message_does_not_count_against_its_limit);
	tcase_add_test(limits, a_reset_keeps_the_limit);

	tcase_add_test(parts, a_message_comes_apart_into_its_parts);
	tcase_add_test(parts, what_is_no_message_is_refused);
	tcase_add_test(parts, a_method_has_64_bytes_at_most);
	tcase_add_test(parts, parsing_a_cut_message_stays_within_it);
	return unit_run(s);
}
