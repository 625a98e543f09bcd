/* Kept answers, how answers begin, and the gate before the log. */
#include <stdio.h>
#include <string.h>

#include "hex.h"
#include "server/answers.h"
#include "base/log_gate.h"
#include "server/reply.h"
#include "unit.h"

#define ROOM 100000

static struct answers *a;

static void setup(void)
{
	a = answers_new(ROOM);
}

static void teardown(void)
{
	answers_check(a);
	answers_free(a);
}

static struct service_key service(const char *name)
{
	return (struct service_key){
		.ns = bytes_str("default"), .service = bytes_str(name)};
}

static void keep(const char *params, const char *name, const char *entries)
{
	struct service_key key = service(name);
	struct answer answer = {.n = 1, .entries = bytes_str(entries)};

	answers_keep(a, bytes_str(params), &key, &answer);
	answers_check(a);
}

static bool has(const char *params)
{
	return answers_find(a, bytes_str(params)) != NULL;
}

static void drop(const char *name)
{
	struct service_key key = service(name);

	answers_drop(a, &key);
	answers_check(a);
}

START_TEST(what_was_kept_is_found)
{
	const struct answer *kept;

	keep("p1", "web", "entries");
	kept = answers_find(a, bytes_str("p1"));
	ck_assert_ptr_nonnull(kept);
	ck_assert_uint_eq(kept->n, 1);
	ck_assert_int_eq(kept->code, 0);
	ck_assert(bytes_eq_str(kept->entries, "entries"));
	ck_assert(!has("p2"));
}
END_TEST

START_TEST(a_change_drops_the_answers_of_its_service_only)
{
	keep("p1", "web", "x");
	keep("p2", "web", "y");
	keep("p3", "db", "z");
	drop("web");
	ck_assert(!has("p1") && !has("p2") && has("p3"));
	drop("nobody");
	drop("db");
	ck_assert_uint_eq(answers_count(a), 0);
	ck_assert_uint_eq(answers_bytes(a), 0);
}
END_TEST

START_TEST(services_of_different_namespaces_are_not_mixed)
{
	struct service_key one = {.ns = bytes_str("ab"), .service = bytes_str("c")};
	struct service_key two = {.ns = bytes_str("a"), .service = bytes_str("bc")};
	struct answer answer = {.n = 1, .entries = bytes_str("x")};

	answers_keep(a, bytes_str("p1"), &one, &answer);
	answers_keep(a, bytes_str("p2"), &two, &answer);
	answers_drop(a, &one);
	ck_assert(!has("p1") && has("p2"));
}
END_TEST

START_TEST(that_there_is_none_is_kept_too)
{
	struct service_key key = service("web");
	struct answer no = {
		.code = SVCD_ENOSERVICE, .entries = bytes_str("no service web")};

	answers_keep(a, bytes_str("p"), &key, &no);
	ck_assert_int_eq(answers_find(a, bytes_str("p"))->code, SVCD_ENOSERVICE);
	drop("web");
	ck_assert(!has("p"));
}
END_TEST

START_TEST(bytes_are_bounded_and_used_answers_stay_longer)
{
	char params[32];
	char entries[1000];

	memset(entries, 'x', sizeof(entries) - 1);
	entries[sizeof(entries) - 1] = '\0';
	keep("hot", "hot", entries);
	for (int i = 0; i < 1000; i++) {
		ck_assert_msg(has("hot"), "after %d others", i);
		snprintf(params, sizeof(params), "p%d", i);
		keep(params, params, entries);
		ck_assert_uint_le(answers_bytes(a), ROOM);
	}
	ck_assert_uint_gt(answers_count(a), 50);
	ck_assert(!has("p0") && has("p999"));
}
END_TEST

START_TEST(one_answer_does_not_push_out_all_others)
{
	static char large[ROOM / 8 + 1];

	memset(large, 'x', sizeof(large) - 1);
	keep("p1", "web", "x");
	keep("p2", "web", large);
	ck_assert(has("p1") && !has("p2"));
}
END_TEST

START_TEST(results_begin_with_the_head)
{
	struct head head = {.rev = 0x0102030405060708, .age_ms = 7, .leader = true};
	struct buf out = {0};
	struct buf expected = {0};

	hex(&expected, "94 01 ce 0000002a c0 de 0004 a3 726576 cf 0102030405060708");
	hex(&expected,
		"a6 6167655f6d73 ce 00000007 a6 736f75726365 a6 6c6561646572 a1 61 01");
	reply_result(&out, 42, &head, 1,
		bytes_of("\xa1"
			 "a\x01",
			3));
	ck_assert(bytes_eq(buf_bytes(&out), buf_bytes(&expected)));
	buf_clear(&out);
	head.leader = false;
	reply_result(&out, 42, &head, 0, BYTES_NONE);
	ck_assert_uint_eq(out.len, expected.len - 3 + 2);
	ck_assert_int_eq(memcmp(out.data + out.len - 9,
				 "\xa8"
				 "follower",
				 9),
		0);
	buf_fini(&out);
	buf_fini(&expected);
}
END_TEST

START_TEST(only_what_passes_by_itself_may_be_tried_again)
{
	static const int again[] = {SVCD_EBUSY, SVCD_ENOLEADER, SVCD_EUNKNOWN,
		SVCD_ENOSPACE, SVCD_ESHUTDOWN, SVCD_ENOTREADY, SVCD_ELIMIT, SVCD_ENOMEM};
	static const int never[] = {SVCD_EINVAL, SVCD_ENOSERVICE, SVCD_EGONE, SVCD_ESTALE,
		SVCD_ENOMETHOD, SVCD_EPROTOCOL, SVCD_ENOLEASE, SVCD_EEXISTS};

	for (size_t i = 0; i < LENGTH(again); i++)
		ck_assert_uint_gt(retry_after_ms(again[i]), 0);
	for (size_t i = 0; i < LENGTH(never); i++)
		ck_assert_uint_eq(retry_after_ms(never[i]), 0);
}
END_TEST

START_TEST(the_gate_lets_so_many_lines_through_a_second)
{
	struct log_gate g;
	unsigned passed = 0;

	log_gate_init(&g, 10);
	for (int i = 0; i < 100; i++)
		passed += log_gate_pass(&g, 5000);
	ck_assert_uint_eq(passed, 10);
	ck_assert_uint_eq(log_gate_report(&g, 5500), 0);
	ck_assert_uint_eq(log_gate_report(&g, 6000), 90);
	ck_assert_uint_eq(log_gate_report(&g, 7000), 0);
	ck_assert(log_gate_pass(&g, 7000));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("server_answers");
	TCase *tc = unit_case(s, "answers");
	TCase *plain = unit_case(s, "replies");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_was_kept_is_found);
	tcase_add_test(tc, a_change_drops_the_answers_of_its_service_only);
	tcase_add_test(tc, services_of_different_namespaces_are_not_mixed);
	tcase_add_test(tc, that_there_is_none_is_kept_too);
	tcase_add_test(tc, bytes_are_bounded_and_used_answers_stay_longer);
	tcase_add_test(tc, one_answer_does_not_push_out_all_others);
	tcase_add_test(plain, results_begin_with_the_head);
	tcase_add_test(plain, only_what_passes_by_itself_may_be_tried_again);
	tcase_add_test(plain, the_gate_lets_so_many_lines_through_a_second);
	return unit_run(s);
}
