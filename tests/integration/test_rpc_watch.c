/* Watches, acks and barriers over the wire. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/notation.h"
#include "../unit/unit.h"
#include "rpc_fixture.h"

static struct fixture f;
static struct rpc *c; /* writes */
static struct rpc *w; /* watches */

static void setup(void)
{
	fixture_init(&f);
	fixture_start(&f);
	c = rpc_open(&f.unix_addr);
	w = rpc_open(&f.unix_addr);
}

static void teardown(void)
{
	rpc_close(c);
	rpc_close(w);
	fixture_stop(&f);
}

#define ok(conn, ...) \
	ck_assert_msg(rpc_call(conn, __VA_ARGS__) == 0, "%s", rpc_text(conn, ""))

static void reg(const char *service, const char *id)
{
	ok(c, "register", "{instances:[{service:'%s',id:'%s'}]}", service, id);
}

static void expect(const char *kind, const char *service)
{
	rpc_event(w);
	ck_assert_str_eq(rpc_event_text(w, "kind"), kind);
	ck_assert_str_eq(rpc_event_text(w, "service"), service);
}

START_TEST(a_watch_is_answered_first_then_told)
{
	ok(w, "watch", "{service:'web'}");
	expect("'no_service'", "'web'");
	reg("web", "a");
	expect("'delta'", "'web'");
	ck_assert_str_eq(rpc_event_text(w, "from"), "0");
	ck_assert_str_eq(rpc_event_text(w, "changes.0.id"), "'a'");
	ok(c, "deregister", "{service:'web',id:'a'}");
	expect("'delta'", "'web'");
	ck_assert_str_eq(rpc_event_text(w, "changes"),
		"[{id:'a',gone:true,incarnation:1,cause:'deregistered'}]");
	ck_assert_str_eq(rpc_event_text(w, "presence"), "'no_instances'");
	ok(c, "service_delete", "{service:'web'}");
	expect("'no_service'", "'web'");
	ck_assert_uint_eq(rpc_events_waiting(w), 0);
}
END_TEST

START_TEST(no_visible_change_is_no_message)
{
	reg("web", "a");
	ok(w, "watch", "{service:'web'}");
	expect("'snapshot'", "'web'");
	reg("web", "a");
	ok(c, "lease_grant", "{}");
	ok(c, "update", "{service:'web',id:'a',weight:100}");
	reg("db", "a");
	ck_assert_uint_eq(rpc_events_waiting(w), 0);
}
END_TEST

START_TEST(one_command_is_one_message_however_many_instances_it_has)
{
	ok(w, "watch", "{service:'web'}");
	expect("'no_service'", "'web'");
	ok(c, "register",
		"{instances:[{service:'web',id:'a'},{service:'web',id:'b'},"
		"{service:'db',id:'c'}]}");
	expect("'delta'", "'web'");
	ck_assert_str_eq(rpc_event_text(w, "count"), "2");
	ck_assert_uint_eq(rpc_events_waiting(w), 0);
}
END_TEST

START_TEST(a_watch_from_a_revision_gets_what_came_after)
{
	uint64_t rev;

	reg("web", "a");
	reg("web", "b");
	rev = rpc_u64(c, "rev");
	ok(w, "watch", "{service:'web',rev:%" PRIu64 "}", rev);
	ck_assert_uint_eq(rpc_events_waiting(w), 0);
	ok(w, "unwatch", "{service:'web'}");
	reg("web", "c");
	ck_assert_uint_eq(rpc_events_waiting(w), 0);
	ok(w, "watch", "{service:'web',rev:%" PRIu64 "}", rev);
	expect("'delta'", "'web'");
	ck_assert_str_eq(rpc_event_text(w, "from"), "2");
	ck_assert_str_eq(rpc_event_text(w, "changes.0.id"), "'c'");
}
END_TEST

START_TEST(a_prefix_is_a_snapshot_of_each_then_synced)
{
	ok(c, "register",
		"{instances:[{service:'web',id:'a'},{service:'web-2',id:'a'},"
		"{ns:'o',service:'web',id:'a'},"
		"{service:'db',id:'a'}]}");
	ok(w, "watch", "{ns:'default',prefix:'web'}");
	expect("'snapshot'", "'web'");
	expect("'snapshot'", "'web-2'");
	expect("'synced'", "");
	ck_assert_str_eq(rpc_event_text(w, "ns"), "'default'");
	reg("web-3", "z");
	expect("'delta'", "'web-3'");
	ok(w, "unwatch", "{ns:'default',prefix:'web'}");
	reg("web-4", "z");
	ck_assert_uint_eq(rpc_events_waiting(w), 0);
	ok(w, "watch", "{prefix:''}");
	for (int i = 0; i < 6; i++)
		rpc_event(w);
	expect("'synced'", "");
}
END_TEST

/* ---- who is slow ------------------------------------------------------- */

/* All instances change at once: a message of some 200 kB. */
static void write_large(unsigned n)
{
	struct buf b = {0};

	buf_printf(&b, "{instances:[");
	for (int i = 0; i < 50; i++)
		buf_printf(&b, "{service:'web',id:'i%d',meta:{n:'%u',pad:'%03900u'}},", i,
			n, 0);
	buf_printf(&b, "]}%c", 0);
	ok(c, "register", "%s", (const char *)b.data);
	buf_fini(&b);
}

/* The kernel takes some 200 kB for a local reader that does not read. */
static uint64_t write_until_stalled(unsigned *writes)
{
	uint64_t before;
	uint64_t sent = 0;

	do {
		before = sent;
		for (int k = 0; k < 3; k++)
			write_large((*writes)++);
		sent = fixture_stat(&f).events_sent;
	} while (sent != before);
	return sent;
}

START_TEST(a_stalled_watcher_costs_nothing_and_gets_the_newest_when_it_reads)
{
	unsigned writes = 0;
	uint64_t sent;
	uint64_t rev;

	reg("web", "a");
	ok(w, "watch", "{service:'web'}");
	sent = write_until_stalled(&writes);
	ck_assert_uint_lt(sent, writes);
	rev = rpc_u64(c, "rev");
	for (uint64_t held = 0; held != rev;) {
		rpc_event(w);
		if (held != 0)
			ck_assert_uint_eq(rpc_event_u64(w, "from"), held);
		held = rpc_event_u64(w, "rev");
	}
	ck_assert_uint_eq(rpc_events_waiting(w), 0);
	ck_assert_uint_le(fixture_stat(&f).events_sent, sent + 1);
}
END_TEST

START_TEST(a_large_prefix_is_told_bit_by_bit)
{
	const int n = 400;

	for (int i = 0; i < n; i++)
		ok(c, "register",
			"{instances:[{service:'web-%d',id:'a',meta:{pad:'%02000d'}}]}", i,
			0);
	ok(w, "watch", "{prefix:'web'}");
	for (int i = 0; i < n; i++) {
		rpc_event(w);
		ck_assert_str_eq(rpc_event_text(w, "kind"), "'snapshot'");
	}
	expect("'synced'", "");
}
END_TEST

/* ---- acks and barriers ------------------------------------------------- */

static uint64_t drain_web(void)
{
	ok(c, "update", "{service:'web',id:'a',admin:'draining'}");
	return rpc_u64(c, "rev");
}

START_TEST(a_barrier_waits_for_the_acks)
{
	uint64_t rev;
	uint32_t id;

	reg("web", "a");
	ok(w, "watch", "{service:'web'}");
	expect("'snapshot'", "'web'");
	rev = drain_web();
	ok(c, "barrier", "{service:'web',rev:%" PRIu64 ",wait_ms:50}", rev);
	ck_assert_str_eq(rpc_text(c, "watchers"), "1");
	ck_assert_str_eq(rpc_text(c, "acked"), "0");
	id = rpc_send(c, "barrier", "{service:'web',rev:%" PRIu64 ",wait_ms:20000}", rev);
	expect("'delta'", "'web'");
	rpc_notify(w, "ack", "{service:'web',rev:%" PRIu64 "}", rev);
	ck_assert_int_eq(rpc_wait(c, id), 0);
	ck_assert_str_eq(rpc_text(c, "watchers"), "1");
	ck_assert_str_eq(rpc_text(c, "acked"), "1");
}
END_TEST

START_TEST(a_barrier_does_not_wait_for_watchers_that_leave)
{
	uint64_t rev;
	uint32_t id;

	reg("web", "a");
	ok(w, "watch", "{prefix:'w'}");
	expect("'snapshot'", "'web'");
	rev = drain_web();
	id = rpc_send(c, "barrier", "{service:'web',rev:%" PRIu64 ",wait_ms:20000}", rev);
	ck_assert_int_eq(rpc_call(c, "ping", "{}"), 0);
	rpc_close(w);
	w = NULL;
	ck_assert_int_eq(rpc_wait(c, id), 0);
	ck_assert_str_eq(rpc_text(c, "watchers"), "0");
}
END_TEST

START_TEST(a_barrier_on_what_was_no_visible_change_does_not_wait)
{
	reg("web", "a");
	ok(w, "watch", "{service:'web'}");
	expect("'snapshot'", "'web'");
	ok(w, "ack", "{service:'web',rev:1}");
	reg("web", "a"); /* revision 2, nothing changed */
	ok(c, "barrier", "{service:'web',rev:2,wait_ms:20000}");
	ck_assert_str_eq(rpc_text(c, "acked"), "1");
	ok(c, "barrier", "{service:'nobody',rev:2,wait_ms:20000}");
	ck_assert_str_eq(rpc_text(c, "watchers"), "0");
}
END_TEST

START_TEST(who_asked_for_a_barrier_may_leave)
{
	uint64_t rev;
	struct rpc *other = rpc_open(&f.tcp_addr);

	reg("web", "a");
	ok(w, "watch", "{service:'web'}");
	rev = drain_web();
	rpc_send(other, "barrier", "{service:'web',rev:%" PRIu64 ",wait_ms:20000}", rev);
	ck_assert_int_eq(rpc_call(other, "ping", "{}"), 0);
	rpc_reset(other);
	fixture_await_connections(&f, 2);
	expect("'snapshot'", "'web'");
}
END_TEST

START_TEST(a_barrier_ends_with_the_server)
{
	reg("web", "a");
	ok(w, "watch", "{service:'web'}");
	rpc_send(c, "barrier", "{service:'web',rev:1,wait_ms:600000}");
	ck_assert_int_eq(rpc_call(c, "ping", "{}"), 0);
	fixture_restart(&f);
}
END_TEST

START_TEST(watches_per_connection_are_bounded)
{
	rpc_close(c);
	rpc_close(w);
	fixture_stop(&f);
	fixture_init(&f);
	f.options.watches_max = 2;
	fixture_start(&f);
	c = rpc_open(&f.unix_addr);
	w = rpc_open(&f.tcp_addr);
	ok(w, "watch", "{service:'a'}");
	ok(w, "watch", "{prefix:'b'}");
	ck_assert_int_eq(rpc_call(w, "watch", "{service:'c'}"), SVCD_ELIMIT);
	ok(w, "unwatch", "{service:'a'}");
	ok(w, "watch", "{service:'c'}");
	ok(c, "watch", "{service:'a'}");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc_watch");
	TCase *tc = unit_case(s, "watch");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_watch_is_answered_first_then_told);
	tcase_add_test(tc, no_visible_change_is_no_message);
	tcase_add_test(tc, one_command_is_one_message_however_many_instances_it_has);
	tcase_add_test(tc, a_watch_from_a_revision_gets_what_came_after);
	tcase_add_test(tc, a_prefix_is_a_snapshot_of_each_then_synced);
	tcase_add_test(
		tc, a_stalled_watcher_costs_nothing_and_gets_the_newest_when_it_reads);
	tcase_add_test(tc, a_large_prefix_is_told_bit_by_bit);
	tcase_add_test(tc, a_barrier_waits_for_the_acks);
	tcase_add_test(tc, a_barrier_does_not_wait_for_watchers_that_leave);
	tcase_add_test(tc, a_barrier_on_what_was_no_visible_change_does_not_wait);
	tcase_add_test(tc, who_asked_for_a_barrier_may_leave);
	tcase_add_test(tc, a_barrier_ends_with_the_server);
	tcase_add_test(tc, watches_per_connection_are_bounded);
	return unit_run(s);
}
