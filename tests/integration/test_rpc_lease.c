/* Leases over the wire: granted, renewed, expired, closed, revoked, taken along over a
 * restart. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "rpc_fixture.h"

static struct fixture f;
static struct rpc *c; /* looks and watches */
static struct rpc *h; /* holds */

static void setup(void)
{
	fixture_init(&f);
	fixture_start(&f);
	c = rpc_open(&f.unix_addr);
	h = rpc_open(&f.tcp_addr);
}

static void teardown(void)
{
	rpc_close(c);
	rpc_close(h);
	fixture_stop(&f);
}

#define ok(conn, ...) \
	ck_assert_msg(rpc_call(conn, __VA_ARGS__) == 0, "%s", rpc_text(conn, ""))

static uint64_t grant(struct rpc *conn, uint64_t ttl_ms, const char *on_close)
{
	ok(conn, "lease_grant", "{ttl_ms:%" PRIu64 ",on_close:'%s'}", ttl_ms, on_close);
	return rpc_u64(conn, "lease");
}

static void reg(struct rpc *conn, uint64_t lease, const char *id)
{
	ok(conn, "register", "{lease:%" PRIu64 ",instances:[{service:'web',id:'%s'}]}",
		lease, id);
}

static void watch_web(void)
{
	ok(c, "watch", "{service:'web'}");
	rpc_event(c);
}

/* An event may be told before the table has heard that the lease's end was written. */
static void await_leases(uint64_t n)
{
	while (fixture_stat(&f).leases != n)
		poll(NULL, 0, 1);
}

/* The next event is that id is gone for cause. */
static void expect_gone(const char *id, const char *cause)
{
	rpc_event(c);
	ck_assert_str_eq(rpc_event_text(c, "changes.0.gone"), "true");
	ck_assert_str_eq(rpc_event_text(c, "changes.0.id"), id);
	ck_assert_str_eq(rpc_event_text(c, "changes.0.cause"), cause);
}

START_TEST(a_grant_says_when_to_renew)
{
	uint64_t interval;

	ok(h, "lease_grant", "{}");
	ck_assert_str_eq(rpc_text(h, "ttl_ms"), "10000");
	interval = rpc_u64(h, "interval_ms");
	ck_assert_uint_eq(interval, 3333);
	ck_assert_uint_lt(rpc_u64(h, "phase_ms"), interval);
	ok(h, "renew", "{leases:[%" PRIu64 ",4711]}", rpc_u64(h, "lease"));
	ck_assert_str_eq(rpc_text(h, "renewed"), "1");
	ck_assert_str_eq(rpc_text(h, "lost"), "[4711]");
	ck_assert_uint_eq(rpc_u64(h, "interval_ms"), interval);
	ck_assert_uint_eq(fixture_stat(&f).renewals, 1);
}
END_TEST

START_TEST(renewals_are_not_written)
{
	uint64_t lease = grant(h, 60000, "keep");
	uint64_t index;

	ok(c, "status", "{}");
	index = rpc_u64(c, "log.last");
	for (int i = 0; i < 100; i++)
		ok(h, "renew", "{lease:%" PRIu64 "}", lease);
	ok(c, "status", "{}");
	ck_assert_uint_eq(rpc_u64(c, "log.last"), index);
	ck_assert_str_eq(rpc_text(c, "renewals"), "100");
}
END_TEST

START_TEST(what_is_not_renewed_expires)
{
	uint64_t lease = grant(h, 1000, "keep");

	reg(h, lease, "a");
	watch_web();
	expect_gone("'a'", "'lease_expired'");
	ck_assert_int_eq(
		rpc_call(h, "renew", "{lease:%" PRIu64 "}", lease), SVCD_ENOLEASE);
	ck_assert_int_eq(rpc_call(c, "get", "{service:'web',id:'a'}"), SVCD_EGONE);
	ck_assert_ptr_nonnull(strstr(rpc_text(c, "text"), "lease"));
}
END_TEST

START_TEST(what_is_renewed_lives)
{
	uint64_t kept = grant(h, 1000, "keep");
	uint64_t lost = grant(h, 2000, "keep");

	reg(h, kept, "a");
	reg(h, lost, "b");
	watch_web();
	/* The other one's end is the clock: until then this one is renewed. */
	while (rpc_events_waiting(c) == 0) {
		ok(h, "renew", "{lease:%" PRIu64 "}", kept);
		poll(NULL, 0, 50);
	}
	expect_gone("'b'", "'lease_expired'");
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "count"), "1");
}
END_TEST

/* How a connection can end by its client. */
enum ending { END_FIN, END_RST, ENDINGS };

START_TEST(a_connection_that_ends_takes_its_instances_along)
{
	reg(h, grant(h, 600000, "drop"), "a");
	watch_web();
	if (_i == END_FIN)
		rpc_close(h);
	else
		rpc_reset(h);
	h = NULL;
	expect_gone("'a'", "'lease_closed'");
	fixture_await_connections(&f, 1);
	await_leases(0);
	ck_assert_uint_eq(fixture_stat(&f).expired, 1);
}
END_TEST

START_TEST(a_lease_may_outlive_its_connection)
{
	uint64_t lease = grant(h, 600000, "keep");

	reg(h, lease, "a");
	rpc_close(h);
	fixture_await_connections(&f, 1);
	h = rpc_open(&f.tcp_addr);
	ok(h, "renew", "{lease:%" PRIu64 "}", lease);
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "count"), "1");
}
END_TEST

START_TEST(who_renews_is_the_holder)
{
	struct rpc *other = rpc_open(&f.tcp_addr);
	uint64_t lease = grant(h, 600000, "drop");

	reg(h, lease, "a");
	ok(other, "renew", "{lease:%" PRIu64 "}", lease);
	rpc_close(h);
	h = NULL;
	fixture_await_connections(&f, 2);
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "count"), "1");
	watch_web();
	rpc_close(other);
	expect_gone("'a'", "'lease_closed'");
}
END_TEST

START_TEST(a_client_that_breaks_the_protocol_keeps_its_leases_until_their_end)
{
	reg(h, grant(h, 600000, "drop"), "a");
	rpc_raw(h, bytes_str("\xc1 nonsense"));
	ck_assert_int_eq(rpc_closed(h), SVCD_EPROTOCOL);
	rpc_close(h);
	h = NULL;
	fixture_await_connections(&f, 1);
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "count"), "1");
	ck_assert_uint_eq(fixture_stat(&f).leases, 1);
}
END_TEST

START_TEST(a_server_that_stops_drops_nothing_and_gives_a_whole_ttl_after)
{
	uint64_t lease = grant(h, 600000, "drop");

	reg(h, lease, "a");
	rpc_close(c);
	fixture_restart(&f);
	ck_assert_int_eq(rpc_closed(h), 0);
	rpc_close(h);
	c = rpc_open(&f.unix_addr);
	h = rpc_open(&f.tcp_addr);
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "count"), "1");
	while (rpc_call(h, "renew", "{lease:%" PRIu64 "}", lease) == SVCD_ENOLEADER)
		poll(NULL, 0, 5); /* the control thread has not taken the leases in yet */
	ck_assert_int_eq(rpc_code(h), 0);
	watch_web();
	rpc_close(h);
	h = NULL;
	expect_gone("'a'", "'lease_closed'");
}
END_TEST

START_TEST(a_revoked_lease_takes_its_instances_along)
{
	uint64_t lease = grant(h, 600000, "keep");

	reg(h, lease, "a");
	reg(h, lease, "b");
	watch_web();
	ok(c, "lease_revoke", "{lease:%" PRIu64 "}", lease);
	ck_assert_str_eq(rpc_text(c, "removed"), "2");
	expect_gone("'a'", "'lease_revoked'");
	ck_assert_int_eq(
		rpc_call(h, "renew", "{lease:%" PRIu64 "}", lease), SVCD_ENOLEASE);
	await_leases(0);
}
END_TEST

START_TEST(a_repeated_grant_is_the_same_lease)
{
	uint64_t lease;

	ok(h, "lease_grant", "{ttl_ms:600000,session:9,seq:1}");
	lease = rpc_u64(h, "lease");
	rpc_close(h);
	h = rpc_open(&f.tcp_addr);
	fixture_await_connections(&f, 2);
	/* The answer to the first was lost, and with the connection the lease. */
	ok(h, "lease_grant", "{ttl_ms:600000,session:9,seq:1}");
	ck_assert_uint_eq(rpc_u64(h, "lease"), lease);
	ck_assert_str_eq(rpc_text(h, "repeated"), "true");
}
END_TEST

START_TEST(many_clients_that_die_together_are_ended_in_batches)
{
	struct rpc *many[100];
	uint64_t before;

	for (size_t i = 0; i < LENGTH(many); i++) {
		char id[16];

		snprintf(id, sizeof(id), "i%zu", i);
		many[i] = rpc_open(&f.unix_addr);
		reg(many[i], grant(many[i], 600000, "drop"), id);
	}
	watch_web();
	before = fixture_stat(&f).events_sent;
	for (size_t i = 0; i < LENGTH(many); i++)
		rpc_close(many[i]);
	while (strcmp(rpc_event_text(c, "count"), "0") != 0)
		rpc_event(c);
	ck_assert_uint_le(fixture_stat(&f).events_sent - before, LENGTH(many));
	await_leases(0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc_lease");
	TCase *tc = unit_case(s, "lease");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_grant_says_when_to_renew);
	tcase_add_test(tc, renewals_are_not_written);
	tcase_add_test(tc, what_is_not_renewed_expires);
	tcase_add_test(tc, what_is_renewed_lives);
	tcase_add_loop_test(
		tc, a_connection_that_ends_takes_its_instances_along, 0, ENDINGS);
	tcase_add_test(tc, a_lease_may_outlive_its_connection);
	tcase_add_test(tc, who_renews_is_the_holder);
	tcase_add_test(
		tc, a_client_that_breaks_the_protocol_keeps_its_leases_until_their_end);
	tcase_add_test(tc, a_server_that_stops_drops_nothing_and_gives_a_whole_ttl_after);
	tcase_add_test(tc, a_revoked_lease_takes_its_instances_along);
	tcase_add_test(tc, a_repeated_grant_is_the_same_lease);
	tcase_add_test(tc, many_clients_that_die_together_are_ended_in_batches);
	return unit_run(s);
}
