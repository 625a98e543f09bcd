/* client/value.h: documents as the application has them, to and from the wire. */
#include <string.h>

#include "client/value.h"
#include "svcd.h"
#include "unit.h"
#include "wire/frame.h"

static struct arena *arena;

static void set_up(void)
{
	arena = arena_new();
	ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
	arena_free(arena);
}

/* To the wire and back. */
static struct svcd_value *around(const struct svcd_value *v)
{
	struct svcd_value *copy = NULL;
	struct buf b = {0};
	struct value wire;

	value_pack(&b, v);
	ck_assert_int_eq(b.error, 0);
	ck_assert_int_eq(value_parse(arena, buf_bytes(&b), &wire), 0);
	ck_assert_int_eq(value_from_wire(wire, &copy), 0);
	buf_fini(&b);
	return copy;
}

START_TEST(what_is_set_is_read)
{
	struct svcd_value *v = svcd_value_new_map();
	struct svcd_value *list = svcd_value_new_array();

	ck_assert_int_eq(svcd_value_set_str(v, "name", "web"), 0);
	ck_assert_int_eq(svcd_value_set_uint(v, "port", 80), 0);
	ck_assert_int_eq(svcd_value_set_int(v, "less", -7), 0);
	ck_assert_int_eq(svcd_value_set_int(v, "more", 7), 0);
	ck_assert_int_eq(svcd_value_set_bool(v, "tls", true), 0);
	ck_assert_int_eq(svcd_value_set_str(list, NULL, "a"), 0);
	ck_assert_int_eq(svcd_value_set_str(list, NULL, "b"), 0);
	ck_assert_int_eq(svcd_value_set(v, "tags", list), 0);

	ck_assert_uint_eq(svcd_value_count(v), 6);
	ck_assert_str_eq(svcd_value_str(svcd_value_get(v, "name"), "?"), "web");
	ck_assert_uint_eq(svcd_value_uint(svcd_value_get(v, "port"), 0), 80);
	ck_assert_int_eq(svcd_value_int(svcd_value_get(v, "less"), 0), -7);
	ck_assert_int_eq(svcd_value_type(svcd_value_get(v, "less")), SVCD_INT);
	ck_assert_int_eq(svcd_value_type(svcd_value_get(v, "more")), SVCD_UINT);
	ck_assert(svcd_value_bool(svcd_value_get(v, "tls"), false));
	ck_assert_str_eq(
		svcd_value_str(svcd_value_at(svcd_value_get(v, "tags"), 1), "?"), "b");
	ck_assert_str_eq(svcd_value_key(v, 5), "tags");
	svcd_value_free(v);
}
END_TEST

START_TEST(a_key_is_replaced_where_it_is)
{
	struct svcd_value *v = svcd_value_new_map();

	ck_assert_int_eq(svcd_value_set_uint(v, "a", 1), 0);
	ck_assert_int_eq(svcd_value_set_uint(v, "b", 2), 0);
	ck_assert_int_eq(svcd_value_set_str(v, "a", "new"), 0);
	ck_assert_uint_eq(svcd_value_count(v), 2);
	ck_assert_str_eq(svcd_value_str(svcd_value_at(v, 0), "?"), "new");
	svcd_value_free(v);
}
END_TEST

START_TEST(a_child_stays_where_it_is_while_others_come)
{
	struct svcd_value *v = svcd_value_new_array();
	const struct svcd_value *first;

	ck_assert_int_eq(svcd_value_set_uint(v, NULL, 0), 0);
	first = svcd_value_at(v, 0);
	for (uint64_t i = 1; i < 1000; i++)
		ck_assert_int_eq(svcd_value_set_uint(v, NULL, i), 0);
	ck_assert_ptr_eq(svcd_value_at(v, 0), first);
	ck_assert_uint_eq(svcd_value_uint(svcd_value_at(v, 999), 0), 999);
	svcd_value_free(v);
}
END_TEST

START_TEST(wrong_uses_are_refused)
{
	struct svcd_value *map = svcd_value_new_map();
	struct svcd_value *list = svcd_value_new_array();

	ck_assert_int_eq(svcd_value_set_uint(map, NULL, 1), SVCD_EINVAL);
	ck_assert_int_eq(svcd_value_set_uint(list, "a", 1), SVCD_EINVAL);
	ck_assert_int_eq(svcd_value_set_uint(NULL, "a", 1), SVCD_EINVAL);
	ck_assert_int_eq(svcd_value_set_str(map, "a", NULL), SVCD_EINVAL);
	ck_assert_int_eq(svcd_value_set(map, "a", NULL), SVCD_ENOMEM);
	ck_assert_int_eq(svcd_value_set(map, "a", map), SVCD_EINVAL);
	ck_assert_int_eq(svcd_value_set(map, NULL, svcd_value_new_map()), SVCD_EINVAL);
	ck_assert_int_eq(svcd_value_set(map, "a", list), 0);
	ck_assert_int_eq(svcd_value_set(map, "b", list), SVCD_EINVAL);
	svcd_value_free(list); /* no root: nothing happens */
	ck_assert_uint_eq(svcd_value_count(map), 1);
	svcd_value_free(map);
	svcd_value_free(NULL);
}
END_TEST

START_TEST(reading_gives_the_fallback_for_what_is_not_there)
{
	struct svcd_value *v = svcd_value_new_map();
	size_t len = 7;

	ck_assert_int_eq(svcd_value_set_str(v, "text", "x"), 0);
	ck_assert_int_eq(svcd_value_set_uint(v, "big", UINT64_MAX), 0);
	ck_assert_ptr_null(svcd_value_get(v, "none"));
	ck_assert_ptr_null(svcd_value_get(NULL, "none"));
	ck_assert_ptr_null(svcd_value_at(v, 2));
	ck_assert_ptr_null(svcd_value_key(svcd_value_get(v, "text"), 0));
	ck_assert_int_eq(svcd_value_type(NULL), SVCD_NIL);
	ck_assert_uint_eq(svcd_value_count(svcd_value_get(v, "text")), 0);
	ck_assert_str_eq(svcd_value_str(v, "fallback"), "fallback");
	ck_assert_mem_eq(svcd_value_bytes(svcd_value_get(v, "text"), &len), "x", 1);
	ck_assert_uint_eq(len, 1);
	ck_assert_ptr_null(svcd_value_bytes(svcd_value_get(v, "big"), &len));
	ck_assert_uint_eq(len, 0);
	ck_assert_ptr_null(svcd_value_bytes(NULL, &len));
	ck_assert_uint_eq(svcd_value_uint(svcd_value_get(v, "text"), 9), 9);
	ck_assert_int_eq(svcd_value_int(svcd_value_get(v, "big"), -1), -1);
	ck_assert_double_eq(svcd_value_double(svcd_value_get(v, "text"), 0.5), 0.5);
	ck_assert(svcd_value_bool(NULL, true));
	svcd_value_free(v);
}
END_TEST

START_TEST(a_document_survives_the_wire)
{
	struct svcd_value *v = svcd_value_new_map();
	struct svcd_value *inner = svcd_value_new_map();
	struct svcd_value *copy;

	ck_assert_int_eq(svcd_value_set_uint(v, "u", UINT64_MAX), 0);
	ck_assert_int_eq(svcd_value_set_int(v, "i", INT64_MIN), 0);
	ck_assert_int_eq(svcd_value_set_str(inner, "", "ö"), 0);
	ck_assert_int_eq(svcd_value_set(v, "m", inner), 0);
	copy = around(v);
	ck_assert_uint_eq(svcd_value_uint(svcd_value_get(copy, "u"), 0), UINT64_MAX);
	ck_assert_int_eq(svcd_value_int(svcd_value_get(copy, "i"), 0), INT64_MIN);
	ck_assert_str_eq(
		svcd_value_str(svcd_value_get(svcd_value_get(copy, "m"), ""), "?"), "ö");
	svcd_value_free(copy);
	svcd_value_free(v);
}
END_TEST

START_TEST(what_is_nested_too_deeply_is_not_sent)
{
	struct svcd_value *v = svcd_value_new_array();
	struct buf b = {0};

	for (int i = 0; i < FRAME_DEPTH_MAX; i++) {
		struct svcd_value *outer = svcd_value_new_array();

		ck_assert_int_eq(svcd_value_set(outer, NULL, v), 0);
		v = outer;
	}
	value_pack(&b, v);
	ck_assert_int_eq(b.error, SVCD_ETOOBIG);
	svcd_value_free(v);
	buf_fini(&b);
}
END_TEST

START_TEST(a_key_must_be_text)
{
	static const uint8_t map[] = {0x81, 0x01, 0x02};
	struct svcd_value *v = NULL;
	struct value wire;

	ck_assert_int_eq(value_parse(arena, bytes_of(map, sizeof(map)), &wire), 0);
	ck_assert_int_eq(value_from_wire(wire, &v), SVCD_EPROTOCOL);
	ck_assert_ptr_null(v);
}
END_TEST

START_TEST(errors_have_names_and_texts)
{
	ck_assert_str_eq(svcd_error_name(SVCD_ENOSERVICE), "no_service");
	ck_assert_str_eq(svcd_strerror(SVCD_ENOSERVICE), "no such service");
	ck_assert_str_eq(svcd_strerror(0), "success");
	ck_assert_str_eq(svcd_version(), SVCD_VERSION);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client values");
	TCase *tc = unit_case(s, "value");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, what_is_set_is_read);
	tcase_add_test(tc, a_key_is_replaced_where_it_is);
	tcase_add_test(tc, a_child_stays_where_it_is_while_others_come);
	tcase_add_test(tc, wrong_uses_are_refused);
	tcase_add_test(tc, reading_gives_the_fallback_for_what_is_not_there);
	tcase_add_test(tc, a_document_survives_the_wire);
	tcase_add_test(tc, what_is_nested_too_deeply_is_not_sent);
	tcase_add_test(tc, a_key_must_be_text);
	tcase_add_test(tc, errors_have_names_and_texts);
	return unit_run(s);
}
