/* wire/value.h: fields_decode: a map becomes a struct, or a sentence says why not. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "hex.h"
#include "unit.h"
#include "wire/pack.h"
#include "wire/value.h"

struct target {
	struct bytes id;
	struct bytes blob;
	uint64_t revision;
	uint32_t ttl;
	uint16_t weight;
	bool tls;
	struct value meta;
	struct value tags;
	struct value any;
};

#define AT(member) offsetof(struct target, member)

static const struct field rows[] = {
	{"id", FIELD_TEXT, AT(id), true, 1, 8},
	{"blob", FIELD_BYTES, AT(blob), false, 2, 4},
	{"revision", FIELD_U64, AT(revision), false, 0, 0},
	{"ttl", FIELD_U32, AT(ttl), false, 10, 0},
	{"weight", FIELD_U16, AT(weight), false, 0, 1000},
	{"tls", FIELD_BOOL, AT(tls), false, 0, 0},
	{"meta", FIELD_MAP, AT(meta), false, 0, 2},
	{"tags", FIELD_ARRAY, AT(tags), false, 1, 3},
	{"any", FIELD_ANY, AT(any), false, 0, 0},
};

enum { ID, BLOB, REVISION, TTL, WEIGHT, TLS, META, TAGS, ANY };

static struct arena *arena;
static struct buf input;
static struct err error;

static void set_up(void)
{
	arena = arena_new();
}

static void tear_down(void)
{
	arena_free(arena);
	buf_fini(&input);
}

/* Decodes what input holds. */
static int decode(struct target *out, uint64_t *present, const char *where)
{
	struct value map;

	ck_assert_int_eq(value_parse(arena, buf_bytes(&input), &map), 0);
	return fields_decode(map, rows, LENGTH(rows), out, present, where, &error);
}

/* A map of n pairs follows, id among them. */
static void begin(uint32_t n)
{
	buf_clear(&input);
	pack_map(&input, n);
	pack_kv_cstr(&input, "id", "a1");
}

START_TEST(every_type_is_stored)
{
	struct target t = {0};
	uint64_t present = 0;

	begin(9);
	pack_cstr(&input, "blob");
	pack_bin(&input, bytes_of("\0\xff", 2));
	pack_kv_u64(&input, "revision", UINT64_MAX);
	pack_kv_u64(&input, "ttl", UINT32_MAX);
	pack_kv_u64(&input, "weight", 1000);
	pack_kv_bool(&input, "tls", true);
	hex(&input, "a4 6d657461 81 a161 a162");
	hex(&input, "a4 74616773 92 a161 a162");
	hex(&input, "a3 616e79 cb 3ff8000000000000");
	ck_assert_int_eq(decode(&t, &present, ""), 0);
	ck_assert(present == 0x1ff);
	ck_assert(bytes_eq_str(t.id, "a1"));
	ck_assert(bytes_eq(t.blob, bytes_of("\0\xff", 2)));
	ck_assert(t.revision == UINT64_MAX);
	ck_assert_uint_eq(t.ttl, UINT32_MAX);
	ck_assert_uint_eq(t.weight, 1000);
	ck_assert(t.tls);
	ck_assert(t.meta.type == VALUE_MAP && t.meta.n == 1);
	ck_assert(t.tags.type == VALUE_ARRAY && t.tags.n == 2);
	ck_assert_double_eq(t.any.f, 1.5);
}
END_TEST

START_TEST(what_is_absent_or_nil_keeps_its_default)
{
	struct target t = {.weight = 100, .ttl = 7, .tls = true};
	uint64_t present = 0;

	begin(4);
	pack_cstr(&input, "weight");
	pack_nil(&input);
	pack_cstr(&input, "any");
	pack_nil(&input);
	pack_kv_bool(&input, "tls", false);
	ck_assert_int_eq(decode(&t, &present, ""), 0);
	ck_assert_uint_eq(t.weight, 100);
	ck_assert_uint_eq(t.ttl, 7);
	ck_assert(!t.tls);
	ck_assert(present == (1 << ID | 1 << TLS));
	ck_assert_int_eq(decode(&t, NULL, ""), 0);
}
END_TEST

START_TEST(unknown_keys_are_ignored)
{
	struct target t = {0};

	begin(5);
	pack_kv_u64(&input, "new_in_version_2", 1);
	pack_kv_u64(&input, "new_in_version_2", 1);
	pack_u64(&input, 5); /* a key that is not text */
	pack_nil(&input);
	pack_bin(&input, bytes_str("weight"));
	pack_nil(&input);
	ck_assert_int_eq(decode(&t, NULL, ""), 0);
	ck_assert(bytes_eq_str(t.id, "a1"));
}
END_TEST

/* Maps, and the sentence that refuses them; NULL: accepted. a2 6964 is "id". */
static const struct {
	const char *map;
	const char *text;
} refusals[] = {
	{"81 a26964 a161", NULL},
	{"80", "id: missing"},
	{"81 a26964 c0", "id: missing"},
	{"81 a26964 a0", "id: empty"},
	{"81 a26964 a8 6162636465666768", NULL},
	{"81 a26964 a9 616263646566676869", "id: 9 bytes, at most 8"},
	{"81 a26964 a1 ff", "id: not valid UTF-8 text"},
	{"81 a26964 a2 610a", "id: not valid UTF-8 text"},
	{"81 a26964 01", "id: expected string, got integer"},
	{"81 a26964 c4 01 61", "id: expected string, got binary"},
	{"82 a26964 a161 a26964 a161", "id: given twice"},
	{"82 a26964 a161 a26964 c0", "id: given twice"},
	{"82 a26964 c0 a26964 a161", "id: given twice"},

	{"82 a26964 a161 a4626c6f62 a26162", NULL}, /* a string is bytes too */
	{"82 a26964 a161 a4626c6f62 c40161", "blob: 1 byte, at least 2"},
	{"82 a26964 a161 a4626c6f62 c400", "blob: empty"},
	{"82 a26964 a161 a4626c6f62 c4056162636465", "blob: 5 bytes, at most 4"},
	{"82 a26964 a161 a4626c6f62 90", "blob: expected binary, got array"},

	{"82 a26964 a161 a6776569676874 cd03e8", NULL},
	{"82 a26964 a161 a6776569676874 cd03e9", "weight: 1001 is not within 0..1000"},
	{"82 a26964 a161 a6776569676874 ce00011170",
		"weight: 70000 is not within 0..1000"},
	{"82 a26964 a161 a6776569676874 ff", "weight: -1 is not within 0..1000"},
	{"82 a26964 a161 a6776569676874 d38000000000000000",
		"weight: -9223372036854775808 is not within 0..1000"},
	{"82 a26964 a161 a6776569676874 ca3f800000",
		"weight: expected integer, got float"},
	{"82 a26964 a161 a6776569676874 a131", "weight: expected integer, got string"},
	{"83 a26964 a161 a6776569676874 01 a6776569676874 01", "weight: given twice"},

	{"82 a26964 a161 a374746c 09", "ttl: 9 is not within 10..4294967295"},
	{"82 a26964 a161 a374746c 0a", NULL},
	{"82 a26964 a161 a374746c cf0000000100000000",
		"ttl: 4294967296 is not within 10..4294967295"},

	{"82 a26964 a161 a8 7265766973696f6e ff",
		"revision: -1 is not within 0..18446744073709551615"},

	{"82 a26964 a161 a3746c73 01", "tls: expected boolean, got integer"},
	{"82 a26964 a161 a46d657461 90", "meta: expected map, got array"},
	{"82 a26964 a161 a46d657461 80", NULL},
	{"82 a26964 a161 a46d657461 83 010102020303", "meta: 3 pairs, at most 2"},
	{"82 a26964 a161 a474616773 a161", "tags: expected array, got string"},
	{"82 a26964 a161 a474616773 90", "tags: empty"},
	{"82 a26964 a161 a474616773 94 01020304", "tags: 4 elements, at most 3"},

	{"90", "expected map, got array"},
	{"c0", "expected map, got nil"},
};

START_TEST(what_is_wrong_is_said)
{
	for (size_t i = 0; i < LENGTH(refusals); i++) {
		struct target t = {.ttl = 7};
		uint64_t present = 99;
		int rv;

		buf_clear(&input);
		hex(&input, refusals[i].map);
		memset(&error, 0, sizeof(error));
		rv = decode(&t, &present, "");
		ck_assert_msg(
			rv == (refusals[i].text == NULL ? 0 : SVCD_EINVAL), "row %zu", i);
		ck_assert_int_eq(error.code, rv);
		ck_assert_str_eq(
			error.text, refusals[i].text == NULL ? "" : refusals[i].text);
		if (rv != 0) {
			ck_assert_ptr_null(t.id.data); /* nothing is written */
			ck_assert_uint_eq(t.ttl, 7);
			ck_assert(present == 99);
		}
	}
}
END_TEST

START_TEST(where_it_is_wrong_is_said)
{
	struct target t = {0};

	buf_clear(&input);
	hex(&input, "80");
	ck_assert_int_eq(decode(&t, NULL, "register.instances[3]"), SVCD_EINVAL);
	ck_assert_str_eq(error.text, "register.instances[3].id: missing");
	buf_clear(&input);
	hex(&input, "a161");
	ck_assert_int_eq(decode(&t, NULL, "params"), SVCD_EINVAL);
	ck_assert_str_eq(error.text, "params: expected map, got string");
}
END_TEST

START_TEST(nobody_needs_to_want_the_sentence)
{
	struct target t = {0};
	struct value map;

	hex(&input, "80");
	ck_assert_int_eq(value_parse(arena, buf_bytes(&input), &map), 0);
	ck_assert_int_eq(
		fields_decode(map, rows, LENGTH(rows), &t, NULL, "x", NULL), SVCD_EINVAL);
}
END_TEST

START_TEST(rows_are_judged_in_their_own_order)
{
	struct target t = {0};

	buf_clear(&input);
	hex(&input, "82 a6776569676874 ff a26964 a0");
	ck_assert_int_eq(decode(&t, NULL, ""), SVCD_EINVAL);
	ck_assert_str_eq(error.text, "id: empty");
}
END_TEST

START_TEST(a_prefix_of_a_name_is_another_name)
{
	struct target t = {0};

	begin(3);
	pack_kv_u64(&input, "weigh", 1);
	pack_kv_u64(&input, "weights", 2);
	ck_assert_int_eq(decode(&t, NULL, ""), 0);
	ck_assert_uint_eq(t.weight, 0);
}
END_TEST

START_TEST(sixty_four_rows_are_possible)
{
	struct field many[65];
	char names[65][8];
	uint64_t out[65] = {0};
	uint64_t present = 0;
	struct value map;

	pack_map(&input, 64);
	for (size_t i = 0; i < 65; i++) {
		snprintf(names[i], sizeof(names[i]), "k%zu", i);
		many[i] = (struct field){
			names[i], FIELD_U64, i * sizeof(out[0]), true, 0, 0};
		if (i < 64)
			pack_kv_u64(&input, names[i], i + 1);
	}
	ck_assert_int_eq(value_parse(arena, buf_bytes(&input), &map), 0);
	ck_assert_int_eq(fields_decode(map, many, 64, out, &present, "", &error), 0);
	ck_assert(present == UINT64_MAX);
	for (size_t i = 0; i < 64; i++)
		ck_assert(out[i] == i + 1);
	ck_assert_int_eq(fields_decode(map, NULL, 0, NULL, &present, "", &error), 0);
	ck_assert(present == 0);
}
END_TEST

START_TEST(more_rows_are_a_defect)
{
	struct field many[65] = {0};
	struct value map;

	hex(&input, "80");
	ck_assert_int_eq(value_parse(arena, buf_bytes(&input), &map), 0);
	fields_decode(map, many, 65, NULL, NULL, "", &error);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("wire_fields");
	TCase *tc = unit_case(s, "fields");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, every_type_is_stored);
	tcase_add_test(tc, what_is_absent_or_nil_keeps_its_default);
	tcase_add_test(tc, unknown_keys_are_ignored);
	tcase_add_test(tc, what_is_wrong_is_said);
	tcase_add_test(tc, where_it_is_wrong_is_said);
	tcase_add_test(tc, nobody_needs_to_want_the_sentence);
	tcase_add_test(tc, rows_are_judged_in_their_own_order);
	tcase_add_test(tc, a_prefix_of_a_name_is_another_name);
	tcase_add_test(tc, sixty_four_rows_are_possible);
	unit_add_abort_test(tc, more_rows_are_a_defect);
	return unit_run(s);
}
