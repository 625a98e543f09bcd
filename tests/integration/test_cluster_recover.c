/* After the loss of a quorum: one member goes on, and those that were given up come back
 * with the data that they have. */
#include "cluster.h"

#include <string.h>

#include "../unit/unit.h"
#include "base/log.h"
#include "replica/recover.h"

#define MIB ((uint64_t)1 << 20)

static struct cluster c;

static void setup(void)
{
	cluster_init(&c);
}

static void teardown(void)
{
	cluster_fini(&c);
}

static void recover(int i)
{
	struct recover r;
	struct err e = {0};

	ck_assert_msg(recover_open(&r, c.dirs[i], &e) == 0, "%s", e.text);
	ck_assert_msg(recover_run(&r, "the test", 1000, &e) == 0, "%s", e.text);
	recover_close(&r);
}

/* Three members with web/a, and one of them in a cluster of its own. */
static uint64_t lose_two(void)
{
	uint64_t cluster;

	cluster_form(&c, 3);
	ck_assert_int_eq(cluster_register(&c, 1, "web", "a"), 0);
	cluster_wait_equal(&c);
	cluster = cluster_status(&c, 0).cluster;
	for (int i = 0; i < 3; i++)
		cluster_stop(&c, i);
	recover(0);
	cluster_start(&c, 0);
	ck_assert_int_eq(cluster_wait_leader(&c), 0);
	ck_assert_uint_ne(cluster_status(&c, 0).cluster, cluster);
	return cluster;
}

static bool both_removed(struct cluster *k, void *arg)
{
	(void)arg;
	return cluster_status(k, 1).removed && cluster_status(k, 2).removed;
}

/* Together they are a majority of what the cluster was. */
static void come_back(void)
{
	cluster_start(&c, 1);
	cluster_start(&c, 2);
	cluster_wait(&c, both_removed, NULL, "those that were given up to be told");
	ck_assert_int_eq(cluster_register(&c, 0, "web", "after"), 0);
	ck_assert_int_eq(cluster_read(&c, 0), 0);
	ck_assert_uint_eq(cluster_view(&c, 0, 1).node, 0);
	ck_assert_int_ne(cluster_register(&c, 1, "web", "lost"), 0);
	ck_assert(!cluster_has(&c, 0, "web", "lost"));
	cluster_stop(&c, 1);
	cluster_stop(&c, 2);
}

START_TEST(those_that_were_given_up_are_refused)
{
	lose_two();
	come_back();
	/* also by a process that was told nothing */
	cluster_stop(&c, 0);
	cluster_start(&c, 0);
	ck_assert_int_eq(cluster_wait_leader(&c), 0);
	come_back();
}
END_TEST

static bool is_voter(struct cluster *k, void *arg)
{
	int i = *(int *)arg;

	return cluster_status(k, i).voter && !cluster_status(k, i).joining;
}

START_TEST(with_an_empty_directory_they_join_anew)
{
	int again = 1;
	uint64_t before = lose_two();

	strcpy(c.dirs[again], scratch_path(&c.scratch, "anew"));
	cluster_start(&c, again);
	cluster_wait(&c, is_voter, &again, "the new one to vote");
	cluster_wait_equal(&c);
	ck_assert(cluster_has(&c, again, "web", "a"));
	ck_assert_uint_eq(
		cluster_status(&c, again).cluster, cluster_status(&c, 0).cluster);
	ck_assert_uint_ne(cluster_status(&c, again).cluster, before);
	ck_assert_uint_eq(cluster_digest(&c, again), cluster_digest(&c, 0));
	/* and once more, with what both were before */
	cluster_stop(&c, 0);
	cluster_stop(&c, again);
	recover(again);
	cluster_start(&c, again);
	ck_assert_int_eq(cluster_wait_leader(&c), again);
	ck_assert(cluster_has(&c, again, "web", "a"));
}
END_TEST

/* What was written before the recovery is no checkpoint of this cluster to others. */
START_TEST(a_new_member_gets_a_checkpoint_of_the_cluster_as_it_is)
{
	int fresh = 3;
	struct err e = {0};

	cluster_form(&c, 3);
	cluster_register_many(&c, 1, "web", "r", 500, 3900);
	cluster_wait_equal(&c);
	for (int i = 0; i < 2; i++)
		ck_assert_msg(
			replica_checkpoint(c.members[0], NULL, &e) == 0, "%s", e.text);
	for (int i = 0; i < 3; i++)
		cluster_stop(&c, i);
	recover(0);
	cluster_start(&c, 0);
	ck_assert_int_eq(cluster_wait_leader(&c), 0);
	cluster_start(&c, fresh);
	cluster_wait(&c, is_voter, &fresh, "the new one to vote");
	cluster_wait_equal(&c);
	ck_assert(cluster_has(&c, fresh, "web", "r-499"));
	ck_assert_uint_eq(cluster_digest(&c, fresh), cluster_digest(&c, 0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cluster recover");
	TCase *tc = unit_case(s, "recover");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, those_that_were_given_up_are_refused);
	tcase_add_test(tc, with_an_empty_directory_they_join_anew);
	tcase_add_test(tc, a_new_member_gets_a_checkpoint_of_the_cluster_as_it_is);
	return unit_run(s);
}
