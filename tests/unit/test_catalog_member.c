/* catalog/member.h: records of the members, their commands and their history. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/member.h"
#include "unit.h"
#include "world.h"

static struct world w;

static void setup(void)
{
	world_init(&w, NULL);
}

static void teardown(void)
{
	ck_assert_str_eq(world_fault(&w), "");
	world_fini(&w);
}

static struct member member_of(uint64_t node, const char *name)
{
	return (struct member){.node = node,
		.name = bytes_str(name),
		.peer = bytes_str("tcp:127.0.0.1:7821"),
		.client = bytes_str("tcp:127.0.0.1:7820")};
}

static int set(const struct member *m, const char *reason)
{
	buf_clear(&w.command);
	ck_assert_int_eq(
		command_member_set(m, bytes_str("ops"), bytes_str(reason), &w.command),
		0);
	return world_apply(&w);
}

static int set_named(uint64_t node, const char *name)
{
	struct member m = member_of(node, name);

	return set(&m, "");
}

static int remove_node(uint64_t node)
{
	buf_clear(&w.command);
	ck_assert_int_eq(command_member_remove(node, bytes_str("ops"),
				 bytes_str("disk broken"), &w.command),
		0);
	return world_apply(&w);
}

static const char *history(const char *params)
{
	return world_ask(&w, "history", params);
}

START_TEST(a_member_comes_back_as_it_was_set)
{
	struct member m = member_of(7, "a"), back;

	m.standby = true;
	ck_assert_int_eq(set(&m, ""), 0);
	ck_assert(catalog_get_member(&w.t.base, 7, &back));
	ck_assert_uint_eq(back.node, 7);
	ck_assert(bytes_eq(back.name, m.name));
	ck_assert(bytes_eq(back.peer, m.peer));
	ck_assert(bytes_eq(back.client, m.client));
	ck_assert(back.standby);
	ck_assert(!catalog_get_member(&w.t.base, 8, &back));
}
END_TEST

START_TEST(two_members_cannot_have_one_name)
{
	ck_assert_int_eq(set_named(1, "a"), 0);
	ck_assert_int_eq(set_named(2, "a"), SVCD_ECONFLICT);
	ck_assert_ptr_nonnull(strstr(w.e.text, "another member is called 'a'"));
	ck_assert_ptr_nonnull(strstr(w.e.text, "lost its data, remove it first"));
	ck_assert_int_eq(set_named(2, "b"), 0);
	ck_assert_int_eq(remove_node(1), 0);
	ck_assert_int_eq(set_named(2, "a"), 0);
}
END_TEST

START_TEST(there_is_a_largest_cluster)
{
	char name[16];

	for (int i = 1; i <= LIMIT_MEMBERS; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		ck_assert_int_eq(set_named((uint64_t)i, name), 0);
	}
	ck_assert_int_eq(set_named(LIMIT_MEMBERS + 1, "one-more"), SVCD_ELIMIT);
	ck_assert_int_eq(set_named(3, "renamed"), 0);
}
END_TEST

START_TEST(a_name_that_is_none_is_refused_when_the_command_is_built)
{
	static const char *const wrong[] = {"", "Upper", "a b", "-a"};
	struct member m = member_of(1, "a");

	for (size_t i = 0; i < LENGTH(wrong); i++) {
		m.name = bytes_str(wrong[i]);
		buf_clear(&w.command);
		ck_assert_int_eq(
			command_member_set(&m, BYTES_NONE, BYTES_NONE, &w.command),
			SVCD_EINVAL);
	}
}
END_TEST

/* A change that changes nothing is not told, unless a reason is given. */
START_TEST(the_history_tells_changes_of_the_members)
{
	struct member m = member_of(1, "a");
	const char *told;

	ck_assert_int_eq(set_named(1, "a"), 0);
	ck_assert_int_eq(set_named(1, "a"), 0);
	ck_assert_int_eq(set(&m, "became a voter"), 0);
	ck_assert_int_eq(remove_node(1), 0);
	ck_assert_int_eq(remove_node(1), 0);
	told = history("{}");
	ck_assert_msg(strstr(told, "disk broken") != NULL, "%s", told);
	ck_assert_ptr_nonnull(strstr(told, "became a voter"));
	ck_assert_ptr_nonnull(strstr(told, "member_removed"));
	ck_assert_uint_eq(mem_tables_len(&w.t, TABLE_EVENT), 3);
	/* also where one namespace is asked for: members are of none */
	ck_assert_ptr_nonnull(strstr(history("{ns: 'default'}"), "member_removed"));
	ck_assert_ptr_null(strstr(history("{service: 'web'}"), "member_removed"));
}
END_TEST

START_TEST(a_damaged_record_is_noticed)
{
	struct member m = member_of(1, "a"), back;
	struct buf b = {0};

	member_encode(&b, &m);
	ck_assert(member_decode(buf_bytes(&b), &back));
	for (size_t len = 0; len < b.len; len++) {
		uint8_t *cut = malloc(len + 1);

		memcpy(cut, b.data, len);
		ck_assert(!member_decode(bytes_of(cut, len), &back));
		free(cut);
	}
	b.data[0] ^= 1;
	ck_assert(!member_decode(buf_bytes(&b), &back));
	buf_fini(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("catalog member");
	TCase *tc = unit_case(s, "member");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_member_comes_back_as_it_was_set);
	tcase_add_test(tc, two_members_cannot_have_one_name);
	tcase_add_test(tc, there_is_a_largest_cluster);
	tcase_add_test(tc, a_name_that_is_none_is_refused_when_the_command_is_built);
	tcase_add_test(tc, the_history_tells_changes_of_the_members);
	tcase_add_test(tc, a_damaged_record_is_noticed);
	return unit_run(s);
}
