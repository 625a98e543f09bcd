/* svcbench/zookeeper.h: the bytes of requests, and where answers end and fail. */
#include <string.h>

#include "hex.h"
#include "svcbench/zookeeper.h"
#include "unit.h"

static struct message message;
static struct buf bytes;

static void setup(void)
{
	message.len = 0;
	buf_init(&bytes, 4096);
}

static void teardown(void)
{
	buf_fini(&bytes);
}

static void check_request(const char *wanted)
{
	struct bytes w = hex(&bytes, wanted);

	ck_assert_uint_eq(message.len, w.len);
	ck_assert_mem_eq(message.data, w.data, w.len);
}

START_TEST(a_session_is_asked_for)
{
	zk_connect(&message, 10000);
	check_request("0000002d 00000000 0000000000000000 00002710 0000000000000000"
		      "00000010 00000000000000000000000000000000 00");
}
END_TEST

START_TEST(a_node_is_created)
{
	zk_create(&message, 7, "/a", "xyz", 3, true);
	check_request("00000034 00000007 00000001 00000002 2f61 00000003 78797a"
		      "00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65"
		      "00000001");
	message.len = 0;
	zk_create(&message, 7, "/a", "", 0, false);
	check_request("00000031 00000007 00000001 00000002 2f61 00000000"
		      "00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65"
		      "00000000");
}
END_TEST

START_TEST(requests_follow_each_other)
{
	zk_sync(&message, 1, "/a");
	zk_children(&message, 2, "/a");
	check_request("0000000e 00000001 00000009 00000002 2f61"
		      "0000000f 00000002 00000008 00000002 2f61 00");
}
END_TEST

static const struct {
	const char *text;
	size_t (*answer)(const unsigned char *p, size_t n, bool *failed);
	size_t len;
	bool failed;
} answers[] = {
	/* a session of 10 s; with the byte of newer servers; an ended one */
	{"00000024 00000000 00002710 0123456789abcdef 00000010"
	 "00000000000000000000000000000000",
		zk_connected, 40, false},
	{"00000025 00000000 00002710 0123456789abcdef 00000010"
	 "00000000000000000000000000000000 00",
		zk_connected, 41, false},
	{"00000025 00000000 00000000 0000000000000000 00000010"
	 "00000000000000000000000000000000 00",
		zk_connected, 41, true},
	{"00000004 00000000", zk_connected, 8, true}, /* too short to be one */
	/* created; the node is there (-110); more follows */
	{"00000016 00000007 0000000100000003 00000000 00000002 2f61", zk_answer, 26,
		false},
	{"00000010 00000007 0000000100000003 ffffff92", zk_answer, 20, true},
	{"00000010 00000007 0000000100000003 00000000 00000010", zk_answer, 20, false},
	{"00000004 00000007", zk_answer, 8, true},
	/* not whole, whatever its length says */
	{"", zk_answer, 0, false},
	{"000000", zk_answer, 0, false},
	{"00000010 00000007 0000000100000003 ffffff", zk_answer, 0, false},
	{"ffffffff 00000007 0000000100000003 00000000", zk_answer, 0, false},
};

START_TEST(answers_end_and_fail)
{
	struct bytes b = hex(&bytes, answers[_i].text);
	bool failed = false;

	ck_assert_uint_eq(answers[_i].answer(b.data, b.len, &failed), answers[_i].len);
	ck_assert_int_eq(failed, answers[_i].failed);
}
END_TEST

START_TEST(names_are_read_one_by_one)
{
	struct bytes b = hex(&bytes,
		"0000001c 00000002 0000000100000003 00000000 00000002"
		"00000001 61 00000003 622d31");
	const unsigned char *name;
	size_t at = 0, len;

	ck_assert(zk_child(b.data, b.len, &at, &name, &len));
	ck_assert_uint_eq(len, 1);
	ck_assert_mem_eq(name, "a", len);
	ck_assert(zk_child(b.data, b.len, &at, &name, &len));
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(name, "b-1", len);
	ck_assert(!zk_child(b.data, b.len, &at, &name, &len));
	for (size_t cut = 0; cut < b.len; cut++) { /* never beyond the end */
		unsigned names = 0;

		for (at = 0; zk_child(b.data, cut, &at, &name, &len); names++)
			ck_assert(name + len <= b.data + cut);
		ck_assert_uint_lt(names, 2);
	}
}
END_TEST

START_TEST(a_server_says_what_it_is)
{
	static const char text[] = "Zookeeper version: 3.8.0\nZxid: 0x3\nMode: leader\n"
				   "Node count: 5\n";
	static const char refusal[] =
		"This ZooKeeper instance is not currently serving requests\n";
	const unsigned char *p = (const unsigned char *)text;
	size_t whole = strlen(text) - strlen("Node count: 5\n");

	for (size_t n = 0; n < whole; n++)
		ck_assert_uint_eq(zk_srvr_answer(p, n), 0);
	ck_assert_uint_eq(zk_srvr_answer(p, strlen(text)), whole);
	ck_assert(zk_srvr_says(p, whole, "leader"));
	ck_assert(!zk_srvr_says(p, whole, "lead"));
	ck_assert(!zk_srvr_says(p, whole, "follower"));
	p = (const unsigned char *)refusal;
	ck_assert_uint_eq(zk_srvr_answer(p, strlen(refusal) - 1), 0);
	ck_assert_uint_eq(zk_srvr_answer(p, strlen(refusal)), strlen(refusal));
	ck_assert(!zk_srvr_says(p, strlen(refusal), "leader"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("svcbench: zookeeper");
	TCase *tc = unit_case(s, "wire");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_session_is_asked_for);
	tcase_add_test(tc, a_node_is_created);
	tcase_add_test(tc, requests_follow_each_other);
	tcase_add_loop_test(tc, answers_end_and_fail, 0, LENGTH(answers));
	tcase_add_test(tc, names_are_read_one_by_one);
	tcase_add_test(tc, a_server_says_what_it_is);
	return unit_run(s);
}
