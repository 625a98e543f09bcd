/* tests/vectors/: conversations byte by byte, with a server that is one of several
 * members, or is none yet. Against tests/unit/fake_replica.h. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/fake_replica.h"
#include "../unit/unit.h"
#include "rpc_fixture.h"
#include "server/lease_ask.h"
#include "vectors.h"

static struct fixture f;
static struct vectors x;
static struct rpc *other; /* to see when what was changed is in force */

static const struct replica_member three[] = {
	{.node = 0xa1,
		.name = "n1",
		.peer = "tcp:10.0.0.1:7821",
		.client = "tcp:10.0.0.1:7820",
		.self = true,
		.leader = true,
		.voter = true,
		.reachable = true,
		.applied = 700,
		.rev = 501,
		.sync_us = 240,
		.version = "0.1.0",
		.config_hash = 0x1122334455667788},
	{.node = 0xb2,
		.name = "n2",
		.peer = "tcp:10.0.0.2:7821",
		.client = "tcp:10.0.0.2:7820",
		.voter = true,
		.reachable = true,
		.heard_ms = 12,
		.applied = 690,
		.rev = 495,
		.behind = 10,
		.rtt_us = 310,
		.sync_us = 1200,
		.wall_diff_ms = -3,
		.version = "0.1.0",
		.config_hash = 0x1122334455667788,
		.snapshot_done = 1 << 20,
		.snapshot_bytes = 3 << 20},
	{.node = 0xc3,
		.name = "n3",
		.peer = "tcp:10.0.0.3:7821",
		.joining = true,
		.heard_ms = UINT64_MAX,
		.trouble = "connection refused",
		.trouble_code = SVCD_EUNREACHABLE},
};

/* The leader of the others knows the leases below 1000. */
static int leader_answers(
	void *arg, uint32_t kind, struct bytes question, struct buf *answer)
{
	int n = kind == ASK_LEASES ? lease_ask_count(question) : -1;

	(void)arg;
	ck_assert_int_ge(n, 0);
	buf_put_be64(answer, 2);
	for (size_t i = 0; i < (size_t)n; i++) {
		enum lease_wish wish;
		uint64_t id;

		lease_ask_at(question, i, &wish, &id);
		buf_put_be32(answer, wish == LEASE_RENEW && id < 1000 ? 15000 : 0);
	}
	return 0;
}

/* Until the threads of the server know that this member follows. */
static void await_follower(void)
{
	while (fixture_stat(&f).leases != 0 || rpc_call(other, "renew", "{lease:9}") != 0)
		poll(NULL, 0, 1);
}

static void become_follower(void)
{
	fake_replica_leader(f.replica, "tcp:10.0.0.2:7820");
	fake_replica_follow(f.replica, leader_answers, NULL);
	await_follower();
}

static void become_leaderless(void)
{
	fake_replica_leader(f.replica, "");
	fake_replica_quorum(f.replica, false);
	fake_replica_refuse(f.replica, SVCD_ENOLEADER);
	fake_replica_hold_reads(f.replica, false, SVCD_ENOLEADER);
	fake_replica_follow(f.replica, NULL, NULL);
}

static void become_member(void)
{
	fake_replica_members(f.replica, three, LENGTH(three));
}

static void become_joining(void)
{
	fake_replica_joining(f.replica, true);
}

static void become_diverged(void)
{
	fake_replica_joining(f.replica, false);
	fake_replica_diverged(f.replica, true);
	fake_replica_leader(f.replica, "tcp:10.0.0.2:7820");
}

static void become_unable(void)
{
	fake_replica_changes(f.replica, SVCD_ETIMEOUT, NULL);
}

static bool become(struct rpc *conn, const char *what)
{
	static const struct {
		const char *what;
		void (*become)(void);
	} rows[] = {
		{"a follower", become_follower},
		{"without a leader", become_leaderless},
		{"the leader of three", become_member},
		{"joining", become_joining},
		{"diverged", become_diverged},
		{"a leader whose changes take too long", become_unable},
	};

	(void)conn;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		if (strcmp(rows[i].what, what) != 0)
			continue;
		rows[i].become();
		return true;
	}
	return false;
}

static void on_join(void *arg, struct server_join *j)
{
	(void)arg;
	server_join_answer(j, 0, "");
}

static void setup(void)
{
	fixture_init(&f);
	f.options.on_join = on_join;
	fixture_start(&f);
	other = rpc_open(&f.tcp_addr);
	vectors_init(&x, rpc_dial(&f.unix_addr), true);
	x.become = become;
}

static void teardown(void)
{
	rpc_close(x.conn);
	rpc_close(other);
	vectors_fini(&x);
	fixture_stop(&f);
}

static const char *const files[] = {"members.txt", "follower.txt", "unfit.txt"};

START_TEST(the_bytes_are_as_written_down)
{
	vectors_run(&x, files[_i]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc_vectors_cluster");
	TCase *tc = unit_case(s, "vectors");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, the_bytes_are_as_written_down, 0, LENGTH(files));
	return unit_run(s);
}
