/* A cluster of three in one process: it forms, replicates, fails over, changes. */
#include "cluster.h"

#include <stdio.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/clock.h"

static struct cluster c;

static void setup(void)
{
	cluster_init(&c);
}

static void teardown(void)
{
	cluster_fini(&c);
}

START_TEST(three_members_become_a_cluster)
{
	uint64_t cluster;

	cluster_form(&c, 3);
	cluster = cluster_status(&c, 0).cluster;
	for (int i = 0; i < 3; i++) {
		struct replica_status s = cluster_status(&c, i);

		ck_assert_uint_eq(s.cluster, cluster);
		ck_assert(s.voter);
		ck_assert(!s.joining);
		ck_assert(s.quorum);
		ck_assert_str_eq(s.name, c.names[i]);
		ck_assert_str_eq(s.leader_client, c.names[cluster_leader(&c)]);
	}
}
END_TEST

START_TEST(a_write_at_any_member_is_there_for_who_was_answered)
{
	char id[16];

	cluster_form(&c, 3);
	for (int n = 0; n < 30; n++) {
		snprintf(id, sizeof(id), "i-%d", n);
		ck_assert_int_eq(cluster_register(&c, n % 3, "web", id), 0);
		ck_assert(cluster_has(&c, n % 3, "web", id));
	}
	cluster_wait_equal(&c);
	ck_assert_uint_eq(cluster_digest(&c, 0), cluster_digest(&c, 1));
	ck_assert_uint_eq(cluster_digest(&c, 0), cluster_digest(&c, 2));
}
END_TEST

START_TEST(many_writes_at_a_follower_are_all_done)
{
	int at;

	cluster_form(&c, 3);
	at = cluster_other_than(cluster_leader(&c));
	ck_assert_int_eq(cluster_register_many(&c, at, "web", "i", 5000, 10), 5000);
	ck_assert(cluster_has(&c, at, "web", "i-4999"));
	cluster_wait_equal(&c);
	ck_assert_uint_eq(cluster_digest(&c, 0), cluster_digest(&c, 1));
	ck_assert_uint_eq(cluster_digest(&c, 0), cluster_digest(&c, 2));
}
END_TEST

START_TEST(the_two_that_are_left_go_on)
{
	int leader, at;

	cluster_form(&c, 3);
	ck_assert_int_eq(cluster_register(&c, 0, "web", "before"), 0);
	leader = cluster_leader(&c);
	at = cluster_other_than(leader);
	cluster_stop(&c, leader);
	/* not refused: it waits for the next leader */
	ck_assert_int_eq(cluster_register(&c, at, "web", "after"), 0);
	ck_assert(cluster_has(&c, at, "web", "before"));
	cluster_start(&c, leader);
	cluster_wait_leader(&c);
	cluster_wait_equal(&c);
	ck_assert(cluster_has(&c, leader, "web", "after"));
	ck_assert_uint_eq(cluster_digest(&c, 0), cluster_digest(&c, 1));
	ck_assert_uint_eq(cluster_digest(&c, 0), cluster_digest(&c, 2));
}
END_TEST

static bool is_candidate(struct cluster *k, void *arg)
{
	return cluster_status(k, *(int *)arg).role == ROLE_CANDIDATE;
}

START_TEST(a_minority_refuses_writes_and_reads_that_must_be_current)
{
	uint64_t alone_ms, passed;
	int leader, left;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	left = cluster_other_than(leader);
	for (int i = 0; i < 3; i++)
		if (i != left)
			cluster_stop(&c, i);
	alone_ms = clock_now_ms();
	ck_assert_int_eq(cluster_register(&c, left, "web", "a"), SVCD_ENOLEADER);
	ck_assert_int_eq(cluster_read(&c, left), SVCD_ENOLEADER);
	ck_assert(!cluster_status(&c, left).quorum);
	/* it goes on knowing how old its state is */
	cluster_wait(&c, is_candidate, &left, "the one that is left to want to lead");
	passed = clock_now_ms() - alone_ms;
	ck_assert_uint_ge(cluster_status(&c, left).age_ms, passed);
	ck_assert_uint_gt(passed, 0);
	ck_assert_uint_le(cluster_status(&c, left).age_ms, 2 * CLUSTER_WAIT_MS);
}
END_TEST

START_TEST(a_current_read_sees_what_was_written_elsewhere)
{
	char id[16];

	cluster_form(&c, 3);
	for (int n = 0; n < 30; n++) {
		snprintf(id, sizeof(id), "i-%d", n);
		ck_assert_int_eq(cluster_register(&c, n % 3, "web", id), 0);
		ck_assert_int_eq(cluster_read(&c, (n + 1) % 3), 0);
		ck_assert(cluster_has(&c, (n + 1) % 3, "web", id));
	}
}
END_TEST

/* The history has told of three members and two promotions, each a revision. */
static bool is_told(struct cluster *k, void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		if (cluster_status(k, i).rev < 5)
			return false;
	return true;
}

/* What may have been applied is asked again, and applied once: every command that is
 * applied makes one revision. */
static void move_leadership_under_load(int at)
{
	uint64_t before;

	cluster_wait(&c, is_told, NULL, "the history of the members");
	before = cluster_status(&c, at).rev;
	ck_assert_uint_eq(before, 5);
	cluster_register_begin(&c, at, "web", "i", 4000);
	for (int n = 0; n < 4; n++) {
		int to = (cluster_wait_leader(&c) + 1) % 3;

		ck_assert_int_eq(cluster_change(&c, at, CHANGE_TRANSFER, to), 0);
	}
	ck_assert_int_eq(cluster_register_end(&c), 4000);
	cluster_wait_equal(&c);
	ck_assert_uint_eq(cluster_status(&c, at).rev, before + 4000);
}

START_TEST(a_change_of_leader_is_a_pause_and_no_error)
{
	cluster_form(&c, 3);
	move_leadership_under_load(_i);
	ck_assert_uint_eq(cluster_digest(&c, 0), cluster_digest(&c, 1));
	ck_assert_uint_eq(cluster_digest(&c, 0), cluster_digest(&c, 2));
}
END_TEST

START_TEST(the_end_of_the_leader_is_a_pause_and_no_error)
{
	int leader, at;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	at = cluster_other_than(leader);
	cluster_register_begin(&c, at, "web", "i", 3000);
	cluster_stop(&c, leader);
	ck_assert_int_eq(cluster_register_end(&c), 3000);
}
END_TEST

#define LONG_MS 6000

/* Its connections broke, and no heartbeat comes: no member waits for the timeout. */
START_TEST(who_saw_the_leader_end_does_not_wait_for_the_timeout)
{
	int leader, at;
	uint64_t before;

	c.election_ms = LONG_MS;
	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	at = cluster_other_than(leader);
	before = clock_now_ms();
	cluster_stop(&c, leader);
	ck_assert_int_eq(cluster_register(&c, at, "web", "a"), 0);
	ck_assert_uint_lt(clock_now_ms() - before, LONG_MS);
}
END_TEST

/* What waits for a leader is bounded; who comes then is told at once. */
START_TEST(too_many_writes_are_refused_and_not_queued)
{
	uint64_t then_ms;
	int left;

	c.election_ms = LONG_MS;
	cluster_form(&c, 3);
	left = cluster_other_than(cluster_leader(&c));
	for (int i = 0; i < 3; i++)
		if (i != left)
			cluster_stop(&c, i);
	then_ms = clock_now_ms();
	cluster_register_begin(&c, left, "web", "queued", REPLICA_QUEUE_MAX);
	ck_assert_int_eq(cluster_register(&c, left, "web", "more"), SVCD_EBUSY);
	ck_assert_uint_lt(clock_now_ms() - then_ms, LONG_MS);
	cluster_stop(&c, left);
	ck_assert_int_eq(cluster_register_end(&c), 0);
}
END_TEST

static bool is_current(struct cluster *k, void *arg)
{
	(void)arg;
	for (int i = 0; i < 3; i++)
		if (cluster_status(k, i).age_ms > 1000)
			return false;
	return true;
}

static bool has_passed(struct cluster *k, void *arg)
{
	int leader = cluster_leader(k);

	return leader >= 0 && cluster_status(k, leader).time_ms >= *(uint64_t *)arg;
}

/* Also the time in which nothing was written counts for the next leader: it knows it from
 * the beats of the one before. */
START_TEST(cluster_time_goes_on_over_leaders)
{
	uint64_t until;
	int leader;

	cluster_form(&c, 3);
	for (int n = 0; n < 3; n++) {
		leader = cluster_wait_leader(&c);
		ck_assert_int_eq(cluster_register(&c, leader, "web", "a"), 0);
		until = cluster_status(&c, leader).time_ms + 1000;
		cluster_wait(&c, has_passed, &until, "time to pass");
		cluster_wait(&c, is_current, NULL, "states that are current");
		ck_assert_uint_eq(cluster_status(&c, leader).age_ms, 0);
		ck_assert_int_eq(
			cluster_change(&c, 0, CHANGE_TRANSFER, (leader + 1) % 3), 0);
		leader = cluster_wait_leader(&c);
		ck_assert_uint_ge(cluster_status(&c, leader).time_ms + 500, until);
	}
	ck_assert_uint_lt(until, 60000); /* of this cluster, not of the machine */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cluster");
	TCase *tc = unit_case(s, "cluster");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, three_members_become_a_cluster);
	tcase_add_test(tc, a_write_at_any_member_is_there_for_who_was_answered);
	tcase_add_test(tc, many_writes_at_a_follower_are_all_done);
	tcase_add_test(tc, the_two_that_are_left_go_on);
	tcase_add_test(tc, a_minority_refuses_writes_and_reads_that_must_be_current);
	tcase_add_test(tc, too_many_writes_are_refused_and_not_queued);
	tcase_add_test(tc, a_current_read_sees_what_was_written_elsewhere);
	tcase_add_loop_test(tc, a_change_of_leader_is_a_pause_and_no_error, 0, 3);
	tcase_add_test(tc, the_end_of_the_leader_is_a_pause_and_no_error);
	tcase_add_test(tc, who_saw_the_leader_end_does_not_wait_for_the_timeout);
	tcase_add_test(tc, cluster_time_goes_on_over_leaders);
	return unit_run(s);
}
