/* Leases of three real members that are renewed by way of one that follows: none ends
 * early, whoever dies, and those that nobody renews do end. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/scratch_dir.h"
#include "../unit/unit.h"
#include "base/clock.h"
#include "base/err.h"
#include "members.h"
#include "rpc_client.h"

#define MEMBERS 3
#define LEASES 10000
#define TOGETHER 1000 /* in one request */
#define GRANTS 200    /* on their way */
#define TTL_MS 5000
#define MARKED 100 /* so many of the leases carry an instance */
#define MARKED_TEXT "100"

static struct scratch scratch;
static struct member members[MEMBERS];
static uint64_t leases[LEASES];

static struct rpc *dial(const struct member *m)
{
	struct net_addr addr;

	ck_assert_int_eq(net_addr_parse(m->client, 0, &addr, NULL), 0);
	return rpc_open(&addr);
}

static void begin(void)
{
	scratch_make(&scratch);
	for (int i = 0; i < MEMBERS; i++)
		member_start(&members[i], scratch.dir, (char)('a' + i),
			i > 0 ? members[0].peer : NULL);
}

/* For what is said of one leader, however slow the machine is. */
static void begin_calmly(void)
{
	ck_assert_int_eq(setenv("SVCD_CLUSTER_ELECTION", "10s", 1), 0);
	begin();
}

static void end(void)
{
	for (int i = 0; i < MEMBERS; i++)
		member_end(&members[i], SIGKILL);
	scratch_remove(&scratch);
}

/* -1: not all of them vote yet, or nobody leads. */
static int leader_of(struct rpc *c)
{
	int leader = -1;

	ck_assert_int_eq(rpc_call(c, "members", "{}"), 0);
	for (int i = 0; i < MEMBERS; i++) {
		char path[32];

		snprintf(path, sizeof(path), "members.%d.voter", i);
		if (strcmp(rpc_text(c, path), "true") != 0)
			return -1;
		snprintf(path, sizeof(path), "members.%d.leader", i);
		if (strcmp(rpc_text(c, path), "true") != 0)
			continue;
		snprintf(path, sizeof(path), "members.%d.name", i);
		leader = rpc_text(c, path)[1] - 'a';
	}
	return leader;
}

static void await_known(const struct member *m)
{
	struct rpc *c = dial(m);
	int code;

	while ((code = rpc_call(c, "list", "{}")) == SVCD_ENOTREADY)
		poll(NULL, 0, 20);
	ck_assert_int_eq(code, 0);
	rpc_close(c);
}

/* All of them vote and know the registry. */
static int await_leader(void)
{
	struct rpc *c = dial(&members[0]);
	int leader;

	while ((leader = leader_of(c)) < 0)
		poll(NULL, 0, 20);
	rpc_close(c);
	for (int i = 0; i < MEMBERS; i++)
		await_known(&members[i]);
	return leader;
}

static void grant_all(struct rpc *c)
{
	for (int done = 0; done < LEASES; done += GRANTS) {
		for (int i = 0; i < GRANTS; i++)
			rpc_send(c, "lease_grant", "{ttl_ms:%d}", TTL_MS);
		for (int i = 0; i < GRANTS; i++) {
			rpc_next(c);
			ck_assert_msg(rpc_code(c) == 0, "%s", rpc_text(c, "text"));
			leases[done + i] = rpc_u64(c, "lease");
		}
	}
}

static void register_some(struct rpc *c)
{
	for (int i = 0; i < LEASES; i += LEASES / MARKED)
		ck_assert_int_eq(rpc_call(c, "register",
					 "{lease:%" PRIu64
					 ",instances:[{service:'web',id:'i%d'}]}",
					 leases[i], i),
			0);
}

static const char *list_of(int first, int step)
{
	static char text[TOGETHER * 24];
	size_t len = 0;

	for (int i = 0; i < TOGETHER; i += step)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%" PRIu64,
			i > 0 ? "," : "", leases[first + i]);
	return text;
}

/* Every step-th lease, until each request was answered; how many are lost. */
static uint64_t renew_all(struct rpc *c, int step)
{
	uint64_t renewed = 0;

	for (int first = 0; first < LEASES; first += TOGETHER) {
		int code;

		do
			code = rpc_call(
				c, "renew", "{leases:[%s]}", list_of(first, step));
		while (code == SVCD_ENOLEADER || code == SVCD_EUNKNOWN ||
			code == SVCD_EBUSY);
		ck_assert_msg(code == 0, "renew: %s", rpc_text(c, "text"));
		renewed += rpc_u64(c, "renewed");
	}
	return (uint64_t)(LEASES / step) - renewed;
}

START_TEST(no_lease_ends_early_when_the_leader_dies)
{
	int leader = await_leader();
	struct rpc *c = dial(&members[(leader + 1) % MEMBERS]);
	struct rpc *watcher = dial(&members[(leader + 2) % MEMBERS]);
	uint64_t until_ms;

	grant_all(c);
	register_some(c);
	ck_assert_int_eq(rpc_call(watcher, "watch", "{service:'web'}"), 0);
	do
		rpc_event(watcher);
	while (strcmp(rpc_event_text(watcher, "count"), MARKED_TEXT) != 0);
	ck_assert_uint_eq(renew_all(c, 1), 0);
	member_end(&members[leader], SIGKILL);
	until_ms = clock_now_ms() + 2 * TTL_MS;
	while (clock_now_ms() < until_ms) {
		ck_assert_uint_eq(renew_all(c, 1), 0);
		poll(NULL, 0, TTL_MS / 10);
	}
	ck_assert_uint_eq(rpc_events_waiting(watcher), 0);
	/* and every other one that is not renewed ends, the others do not */
	do {
		ck_assert_uint_eq(renew_all(c, 2), 0);
		ck_assert_int_eq(rpc_call(watcher, "status", "{}"), 0);
		poll(NULL, 0, TTL_MS / 10);
	} while (rpc_u64(watcher, "leases") > LEASES / 2);
	ck_assert_uint_eq(rpc_u64(watcher, "leases"), LEASES / 2);
	rpc_close(c);
	rpc_close(watcher);
}
END_TEST

/* What a connection to a follower holds ends with it, at once and without its TTL. */
START_TEST(a_connection_to_a_follower_takes_its_leases_with_it)
{
	int leader = await_leader();
	struct rpc *c = dial(&members[(leader + 1) % MEMBERS]);
	struct rpc *watcher = dial(&members[(leader + 2) % MEMBERS]);

	ck_assert_int_eq(rpc_call(watcher, "watch", "{service:'web'}"), 0);
	rpc_event(watcher);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(
			rpc_call(c, "lease_grant", "{ttl_ms:600000,on_close:'%s'}",
				i == 1 ? "keep" : "drop"),
			0);
		leases[i] = rpc_u64(c, "lease");
		ck_assert_int_eq(
			rpc_call(c, "register",
				"{lease:%" PRIu64 ",instances:[{service:'web',id:'%d'}]}",
				leases[i], i),
			0);
		rpc_event(watcher);
	}
	/* the last one is renewed by another connection: that one holds it now */
	ck_assert_int_eq(rpc_call(watcher, "renew", "{lease:%" PRIu64 "}", leases[2]), 0);
	rpc_close(c);
	rpc_event(watcher);
	ck_assert_str_eq(rpc_event_text(watcher, "changes.0.id"), "'0'");
	ck_assert_str_eq(rpc_event_text(watcher, "changes.0.cause"), "'lease_closed'");
	ck_assert_uint_eq(rpc_event_u64(watcher, "count"), 2);
	ck_assert_uint_eq(rpc_events_waiting(watcher), 0);
	rpc_close(watcher);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("members and leases");
	TCase *tc = unit_case(s, "leases");

	if (!member_program_is_there()) {
		fprintf(stderr, "svcd is not built\n");
		return 77;
	}
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, no_lease_ends_early_when_the_leader_dies);
	tc = unit_case(s, "closing");
	tcase_add_checked_fixture(tc, begin_calmly, end);
	tcase_add_test(tc, a_connection_to_a_follower_takes_its_leases_with_it);
	return unit_run(s);
}
