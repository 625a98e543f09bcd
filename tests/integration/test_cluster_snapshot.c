/* Members whose log does not reach what the leader still has get a checkpoint. */
#include "cluster.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "../unit/unit.h"

#define MIB ((uint64_t)1 << 20)

static struct cluster c;

static void setup(void)
{
	cluster_init(&c);
	c.log_bytes_max = MIB;
}

static void teardown(void)
{
	cluster_fini(&c);
}

/* Until the log of the leader does not begin at its first entry any more. */
static void cut_log(int at)
{
	char prefix[16];

	for (int n = 0; n < 100; n++) {
		if (cluster_status(&c, cluster_wait_leader(&c)).first_index > 1)
			return;
		snprintf(prefix, sizeof(prefix), "r%d", n);
		cluster_register_many(&c, at, "web", prefix, 500, 3900);
	}
	ck_abort_msg("the log was never cut");
}

static bool is_voter(struct cluster *k, void *arg)
{
	return cluster_status(k, *(int *)arg).voter &&
		!cluster_status(k, *(int *)arg).joining;
}

static void check_equal(int n)
{
	cluster_wait_equal(&c);
	for (int i = 1; i < n; i++)
		ck_assert_uint_eq(cluster_digest(&c, i), cluster_digest(&c, 0));
}

START_TEST(a_new_member_gets_a_checkpoint)
{
	int fresh = 1;

	cluster_form(&c, 1);
	cut_log(0);
	cluster_start(&c, fresh);
	cluster_wait(&c, is_voter, &fresh, "the new one to vote");
	ck_assert_uint_gt(cluster_status(&c, fresh).first_index, 1);
	ck_assert_int_eq(cluster_register(&c, fresh, "web", "a"), 0);
	check_equal(2);
	/* and what it was given is there after a start */
	cluster_stop(&c, fresh);
	cluster_start(&c, fresh);
	check_equal(2);
	ck_assert(cluster_has(&c, fresh, "web", "a"));
}
END_TEST

static bool counts_as_voter(struct cluster *k, void *arg)
{
	int leader = cluster_leader(k);

	return leader >= 0 && cluster_view(k, leader, *(int *)arg).voter;
}

/* A voter that has nothing would count for the quorum, and could confirm nothing. */
START_TEST(a_new_member_votes_only_when_it_has_caught_up)
{
	int fresh = 2;

	cluster_form(&c, 2);
	cut_log(0);
	cluster_start(&c, fresh);
	cluster_wait(&c, counts_as_voter, &fresh, "the new one to vote");
	ck_assert_uint_gt(cluster_status(&c, fresh).first_index, 1);
	check_equal(3);
}
END_TEST

struct seen {
	int resets;
	uint64_t rev;
};

static void on_publication(void *arg, struct publication *p)
{
	struct seen *s = arg;

	s->resets += p->reset;
	ck_assert_uint_gt(p->rev, s->rev);
	s->rev = p->rev;
}

START_TEST(a_member_that_was_away_gets_a_checkpoint_and_its_watchers_are_told)
{
	int leader, away;
	struct subscription *s;
	struct seen seen = {0};

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	away = leader == 0 ? 1 : 0;
	cluster_stop(&c, away);
	cut_log(leader);
	cluster_start(&c, away);
	s = replica_subscribe(c.members[away], c.box, on_publication, &seen);
	check_equal(3);
	/* delivered in order: the last one is there when this is answered */
	ck_assert_int_eq(cluster_register(&c, away, "web", "a"), 0);
	ck_assert_int_ge(seen.resets, 1);
	ck_assert_uint_eq(seen.rev, cluster_status(&c, away).rev);
	replica_unsubscribe(s);
}
END_TEST

START_TEST(writes_go_on_while_a_checkpoint_is_sent)
{
	int leader, away;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	away = leader == 0 ? 1 : 0;
	cluster_stop(&c, away);
	cut_log(leader);
	cluster_start(&c, away);
	for (int n = 0; n < 10; n++) {
		char prefix[16];

		snprintf(prefix, sizeof(prefix), "more%d", n);
		ck_assert_int_gt(
			cluster_register_many(&c, leader, "web", prefix, 200, 1000), 0);
	}
	check_equal(3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cluster snapshot");
	TCase *tc = unit_case(s, "snapshot");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_new_member_gets_a_checkpoint);
	tcase_add_test(tc, a_new_member_votes_only_when_it_has_caught_up);
	tcase_add_test(
		tc, a_member_that_was_away_gets_a_checkpoint_and_its_watchers_are_told);
	tcase_add_test(tc, writes_go_on_while_a_checkpoint_is_sent);
	return unit_run(s);
}
