/* What clients see when the replica is busy, full, slow or does not lead: against
 * tests/unit/fake_replica.h. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "../unit/fake_replica.h"
#include "../unit/unit.h"
#include "base/clock.h"
#include "rpc_fixture.h"

static struct fixture f;
static struct rpc *c;
static struct rpc *h;

static void setup(void)
{
	fixture_init(&f);
	fixture_start(&f);
	c = rpc_open(&f.unix_addr);
	h = rpc_open(&f.tcp_addr);
}

static void teardown(void)
{
	fake_replica_hold(f.replica, false);
	rpc_close(c);
	rpc_close(h);
	fixture_stop(&f);
}

#define ok(conn, ...) \
	ck_assert_msg(rpc_call(conn, __VA_ARGS__) == 0, "%s", rpc_text(conn, ""))

/* Until a statistic is as wanted. */
#define await(field, n) \
	while (fixture_stat(&f).field != (n)) \
	poll(NULL, 0, 1)

static uint64_t grant(struct rpc *conn, uint64_t ttl_ms, const char *on_close)
{
	ok(conn, "lease_grant", "{ttl_ms:%" PRIu64 ",on_close:'%s'}", ttl_ms, on_close);
	return rpc_u64(conn, "lease");
}

static const struct {
	int code;
	bool again;
} refusals[] = {
	{SVCD_EBUSY, true},
	{SVCD_ENOLEADER, true},
	{SVCD_ENOSPACE, true},
	{SVCD_EUNKNOWN, true},
	{SVCD_ESHUTDOWN, true},
	{SVCD_ECONFLICT, false},
};

START_TEST(a_refused_write_says_whether_to_try_again)
{
	char name[64];

	ok(c, "register", "{instances:[{service:'web',id:'a'}]}");
	fake_replica_refuse(f.replica, refusals[_i].code);
	ck_assert_int_eq(rpc_call(c, "register", "{instances:[{service:'web',id:'b'}]}"),
		refusals[_i].code);
	snprintf(name, sizeof(name), "'%s'", err_name(refusals[_i].code));
	ck_assert_str_eq(rpc_text(c, "name"), name);
	ck_assert_str_ne(rpc_text(c, "text"), "''");
	if (refusals[_i].again)
		ck_assert_uint_gt(rpc_u64(c, "retry_after_ms"), 0);
	else
		ck_assert_str_eq(rpc_text(c, "retry_after_ms"), "");
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "count"), "1");
	fake_replica_refuse(f.replica, 0);
	ok(c, "register", "{instances:[{service:'web',id:'b'}]}");
}
END_TEST

START_TEST(who_does_not_lead_answers_lookups_and_says_so)
{
	uint64_t lease = grant(h, 60000, "drop");

	ok(c, "register", "{instances:[{service:'web',id:'a'}]}");
	fake_replica_role(f.replica, ROLE_FOLLOWER);
	await(leases, 0);
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "source"), "'follower'");
	ok(c, "status", "{}");
	ck_assert_str_eq(rpc_text(c, "role"), "'follower'");
	ck_assert_int_eq(
		rpc_call(h, "renew", "{lease:%" PRIu64 "}", lease), SVCD_ENOLEADER);
	ck_assert_uint_gt(rpc_u64(h, "retry_after_ms"), 0);
	ck_assert_int_eq(rpc_call(h, "register", "{instances:[{service:'web',id:'b'}]}"),
		SVCD_ENOLEADER);
	fake_replica_role(f.replica, ROLE_LEADER);
	await(leases, 1);
	ok(h, "renew", "{lease:%" PRIu64 "}", lease);
}
END_TEST

START_TEST(a_lease_that_only_the_store_knows_is_renewed)
{
	uint64_t lease = grant(h, 60000, "drop");

	/* As when it was granted while leadership changed: the table is empty, the store
	 * is not. */
	fake_replica_role(f.replica, ROLE_FOLLOWER);
	await(leases, 0);
	fake_replica_role(f.replica, ROLE_LEADER);
	await(leases, 1);
	ok(h, "renew", "{leases:[%" PRIu64 ",4711]}", lease);
	ck_assert_str_eq(rpc_text(h, "lost"), "[4711]");
}
END_TEST

/* So long that the lease would be over, were its clock running; meanwhile the server is
 * used. */
static void pass_more_than(uint64_t ms)
{
	uint64_t until_ms = clock_now_ms() + ms;

	while (clock_now_ms() < until_ms) {
		ok(c, "ping", "{}");
		poll(NULL, 0, 20);
	}
}

static void low_on_disk(bool low)
{
	fake_replica_space_low(f.replica, low);
}

static void refusing(bool refuse)
{
	fake_replica_refuse(f.replica, refuse ? SVCD_EBUSY : 0);
}

/* It leads as far as it knows, and no majority answers. */
static void alone(bool there)
{
	fake_replica_quorum(f.replica, !there);
}

/* It was deposed and leads again, which it has not heard of yet. */
static void elected_again(bool there)
{
	fake_replica_term(f.replica, there ? 2 : 1);
}

static void (*const troubles[])(bool there) = {
	low_on_disk, refusing, alone, elected_again};

START_TEST(no_lease_ends_while_the_leader_cannot_serve)
{
	uint64_t lease = grant(h, 1000, "keep");

	ok(h, "register", "{lease:%" PRIu64 ",instances:[{service:'web',id:'a'}]}",
		lease);
	ok(c, "watch", "{service:'web'}");
	rpc_event(c);
	troubles[_i](true);
	pass_more_than(1800);
	ck_assert_uint_eq(rpc_events_waiting(c), 0);
	ck_assert_uint_eq(fixture_stat(&f).leases, 1);
	troubles[_i](false);
	rpc_event(c);
	ck_assert_str_eq(rpc_event_text(c, "changes.0.cause"), "'lease_expired'");
}
END_TEST

START_TEST(a_closed_lease_is_ended_once_that_is_possible)
{
	uint64_t lease = grant(h, 60000, "drop");

	ok(h, "register", "{lease:%" PRIu64 ",instances:[{service:'web',id:'a'}]}",
		lease);
	ok(c, "watch", "{service:'web'}");
	rpc_event(c);
	fake_replica_refuse(f.replica, SVCD_EBUSY);
	rpc_close(h);
	h = NULL;
	fixture_await_connections(&f, 1);
	pass_more_than(300);
	ck_assert_uint_eq(rpc_events_waiting(c), 0);
	fake_replica_refuse(f.replica, 0);
	rpc_event(c);
	ck_assert_str_eq(rpc_event_text(c, "changes.0.cause"), "'lease_closed'");
}
END_TEST

START_TEST(a_grant_whose_client_is_gone_is_undone)
{
	fake_replica_hold(f.replica, true);
	rpc_send(h, "lease_grant", "{ttl_ms:600000,on_close:'drop'}");
	await(writes, 1);
	rpc_close(h);
	h = NULL;
	fixture_await_connections(&f, 1);
	fake_replica_hold(f.replica, false);
	await(expired, 1);
	await(leases, 0);
}
END_TEST

START_TEST(a_grant_to_be_kept_is_left_to_its_ttl)
{
	fake_replica_hold(f.replica, true);
	rpc_send(h, "lease_grant", "{ttl_ms:600000,on_close:'keep'}");
	await(writes, 1);
	rpc_close(h);
	h = NULL;
	fixture_await_connections(&f, 1);
	fake_replica_hold(f.replica, false);
	await(leases, 1);
	ck_assert_uint_eq(fixture_stat(&f).expired, 0);
}
END_TEST

START_TEST(reads_do_not_wait_for_writes)
{
	uint32_t id;

	ok(c, "register", "{instances:[{service:'web',id:'a'}]}");
	fake_replica_hold(f.replica, true);
	id = rpc_send(h, "register", "{instances:[{service:'web',id:'b'}]}");
	ok(h, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(h, "count"), "1");
	fake_replica_hold(f.replica, false);
	ck_assert_int_eq(rpc_wait(h, id), 0);
	ok(h, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(h, "count"), "2");
}
END_TEST

START_TEST(a_verdict_that_was_refused_is_proposed_again)
{
	ok(c, "register",
		"{instances:[{service:'web',id:'a',addresses:['127.0.0.1'],ports:{p:{port:1}},"
		"checks:[{type:'tcp',interval_ms:100,fall:1}]}]}");
	ok(c, "watch", "{service:'web'}");
	rpc_event(c);
	fake_replica_refuse(f.replica, SVCD_EBUSY);
	while (fixture_stat(&f).probes < 3)
		poll(NULL, 0, 5);
	fake_replica_refuse(f.replica, 0);
	do
		rpc_event(c);
	while (strcmp(rpc_event_text(c, "changes.0.health"), "'failing'") != 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc_replica");
	TCase *tc = unit_case(s, "replica");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
		tc, a_refused_write_says_whether_to_try_again, 0, LENGTH(refusals));
	tcase_add_test(tc, who_does_not_lead_answers_lookups_and_says_so);
	tcase_add_test(tc, a_lease_that_only_the_store_knows_is_renewed);
	tcase_add_loop_test(
		tc, no_lease_ends_while_the_leader_cannot_serve, 0, LENGTH(troubles));
	tcase_add_test(tc, a_closed_lease_is_ended_once_that_is_possible);
	tcase_add_test(tc, a_grant_whose_client_is_gone_is_undone);
	tcase_add_test(tc, a_grant_to_be_kept_is_left_to_its_ttl);
	tcase_add_test(tc, reads_do_not_wait_for_writes);
	tcase_add_test(tc, a_verdict_that_was_refused_is_proposed_again);
	return unit_run(s);
}
