/* Members come, go, change their role, and hand over. */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/clock.h"
#include "catalog/member.h"

static struct cluster c;

static void setup(void)
{
	cluster_init(&c);
}

static void teardown(void)
{
	cluster_fini(&c);
}

static bool voter_of(int i)
{
	int leader = cluster_leader(&c);

	return leader >= 0 && cluster_view(&c, leader, i).voter;
}

static bool is_voter(struct cluster *k, void *arg)
{
	(void)k;
	return voter_of(*(int *)arg);
}

static bool is_member(struct cluster *k, void *arg)
{
	int leader = cluster_leader(k);

	return leader >= 0 && cluster_view(k, leader, *(int *)arg).node != 0 &&
		!cluster_status(k, *(int *)arg).joining;
}

START_TEST(a_fourth_member_stays_a_standby_that_reads)
{
	int fourth = 3;

	cluster_form(&c, 3);
	cluster_start(&c, fourth);
	cluster_wait(&c, is_member, &fourth, "the fourth to be a member");
	ck_assert_int_eq(cluster_register(&c, fourth, "web", "a"), 0);
	ck_assert(cluster_has(&c, fourth, "web", "a"));
	ck_assert_int_eq(cluster_read(&c, fourth), 0);
	ck_assert(!voter_of(fourth));
	ck_assert(!cluster_status(&c, fourth).voter);
}
END_TEST

/* As long as nobody promotes it again, also when there are too few voters. */
START_TEST(who_was_demoted_by_hand_stays_a_standby)
{
	int at, target;

	cluster_form(&c, 3);
	at = cluster_leader(&c);
	target = cluster_other_than(at);
	ck_assert_int_eq(cluster_change(&c, target, CHANGE_DEMOTE, target), 0);
	ck_assert(!voter_of(target));
	ck_assert_int_eq(cluster_change(&c, at, CHANGE_DEMOTE, target), 0);
	for (int n = 0; n < 20; n++) /* rules had their turns */
		ck_assert_int_eq(cluster_change(&c, at, CHANGE_TRANSFER, at), 0);
	cluster_stop(&c, target);
	cluster_start(&c, target);
	ck_assert_int_eq(cluster_register(&c, target, "web", "a"), 0);
	ck_assert(!voter_of(target));
	ck_assert_int_eq(cluster_change(&c, at, CHANGE_PROMOTE, target), 0);
	ck_assert(voter_of(target));
}
END_TEST

START_TEST(leadership_goes_where_it_is_sent)
{
	int leader, to;

	cluster_form(&c, 3);
	for (int n = 0; n < 5; n++) {
		leader = cluster_wait_leader(&c);
		to = (leader + 1) % 3;
		ck_assert_int_eq(cluster_change(&c, n % 3, CHANGE_TRANSFER, to), 0);
		ck_assert_int_eq(cluster_wait_leader(&c), to);
		ck_assert_int_eq(cluster_register(&c, n % 3, "web", "a"), 0);
	}
}
END_TEST

/* To try it would stop all writes for nothing. */
START_TEST(who_is_down_can_neither_lead_nor_become_a_voter)
{
	uint64_t term;
	int leader, down;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	down = cluster_other_than(leader);
	ck_assert_int_eq(cluster_change(&c, leader, CHANGE_DEMOTE, down), 0);
	cluster_stop(&c, down);
	ck_assert_int_eq(
		cluster_change(&c, leader, CHANGE_PROMOTE, down), SVCD_ECONFLICT);
	ck_assert_ptr_nonnull(strstr(cluster_change_text(), "cannot be reached"));
	ck_assert(!voter_of(down));
	cluster_start(&c, down);
	ck_assert_int_eq(cluster_change(&c, leader, CHANGE_PROMOTE, down), 0);
	cluster_stop(&c, down);
	term = cluster_status(&c, leader).term;
	ck_assert_int_eq(
		cluster_change(&c, leader, CHANGE_TRANSFER, down), SVCD_ECONFLICT);
	ck_assert_ptr_nonnull(strstr(cluster_change_text(), "cannot be reached"));
	ck_assert_uint_eq(cluster_status(&c, leader).term, term);
}
END_TEST

static bool is_removed(struct cluster *k, void *arg)
{
	return cluster_status(k, *(int *)arg).removed;
}

static void remove_and_check(int target, int at)
{
	ck_assert_msg(cluster_change(&c, at, CHANGE_REMOVE, target) == 0, "%s",
		cluster_change_text());
	cluster_wait(&c, is_removed, &target, "the removed one to notice");
	ck_assert(!cluster_status(&c, target).voter);
	ck_assert_int_eq(cluster_register(&c, at, "web", "after"), 0);
	ck_assert_uint_eq(cluster_view(&c, at, target).node, 0);
}

START_TEST(a_follower_is_removed)
{
	int leader;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	remove_and_check(cluster_other_than(leader), leader);
}
END_TEST

START_TEST(the_leader_itself_is_removed)
{
	int leader;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	remove_and_check(leader, cluster_other_than(leader));
	ck_assert_int_ne(cluster_wait_leader(&c), leader);
}
END_TEST

/* It was away, and nobody who runs remembers it. */
START_TEST(who_was_removed_while_away_is_told_when_it_comes_back)
{
	int leader, away;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	away = cluster_other_than(leader);
	cluster_stop(&c, away);
	ck_assert_int_eq(cluster_change(&c, leader, CHANGE_REMOVE, away), 0);
	for (int i = 0; i < 3; i++)
		if (i != away)
			cluster_stop(&c, i);
	for (int i = 0; i < 3; i++)
		if (i != away)
			cluster_start(&c, i);
	cluster_wait_leader(&c);
	cluster_start(&c, away);
	cluster_wait(&c, is_removed, &away, "the removed one to be told");
	ck_assert_int_eq(cluster_register(&c, leader, "web", "a"), 0);
}
END_TEST

START_TEST(what_is_done_already_is_a_success)
{
	int leader, target;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	target = cluster_other_than(leader);
	ck_assert_int_eq(cluster_change(&c, target, CHANGE_PROMOTE, target), 0);
	ck_assert_int_eq(cluster_change(&c, target, CHANGE_TRANSFER, leader), 0);
	ck_assert_int_eq(cluster_change(&c, leader, CHANGE_PROMOTE, 4), SVCD_ENOTFOUND);
}
END_TEST

START_TEST(the_only_voter_cannot_go)
{
	cluster_form(&c, 1);
	ck_assert_int_eq(cluster_change(&c, 0, CHANGE_DEMOTE, 0), SVCD_ECONFLICT);
	ck_assert_int_eq(cluster_change(&c, 0, CHANGE_REMOVE, 0), SVCD_ECONFLICT);
	ck_assert_int_eq(cluster_change(&c, 0, CHANGE_TRANSFER, -1), SVCD_ENOTFOUND);
}
END_TEST

/* With an empty directory and another name, in the place of one that is gone. */
START_TEST(a_dead_member_is_replaced)
{
	int leader, dead, fresh = 3;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	dead = cluster_other_than(leader);
	cluster_stop(&c, dead);
	ck_assert_int_eq(cluster_change(&c, leader, CHANGE_REMOVE, dead), 0);
	cluster_start(&c, fresh);
	cluster_wait(&c, is_voter, &fresh, "the new one to vote");
	ck_assert_int_eq(cluster_register(&c, fresh, "web", "a"), 0);
}
END_TEST

START_TEST(a_member_that_stops_hands_over_first)
{
	int leader;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	replica_hand_over(c.members[leader], 5000);
	ck_assert_int_ne(cluster_status(&c, leader).role, ROLE_LEADER);
	ck_assert_uint_ne(cluster_status(&c, leader).leader, 0);
	cluster_stop(&c, leader);
	ck_assert_int_eq(cluster_register(&c, cluster_other_than(leader), "web", "a"), 0);
}
END_TEST

START_TEST(a_member_alone_has_nobody_to_hand_over_to)
{
	cluster_form(&c, 1);
	replica_hand_over(c.members[0], 5000);
	ck_assert_int_eq(cluster_status(&c, 0).role, ROLE_LEADER);
}
END_TEST

/* By the clock: with a limit that is far from what it may take. */
static uint64_t ms_since(uint64_t then_ms)
{
	return clock_now_ms() - then_ms;
}

/* The leader, and who follows nobody any more. */
START_TEST(a_member_without_a_quorum_stops_at_once)
{
	int leader, last;
	uint64_t then_ms;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	last = _i == 0 ? leader : cluster_other_than(leader);
	for (int i = 0; i < 3; i++)
		if (i != last)
			cluster_stop(&c, i);
	then_ms = clock_now_ms();
	replica_hand_over(c.members[last], 30000);
	ck_assert_uint_lt(ms_since(then_ms), 15000);
}
END_TEST

static bool is_unreachable(struct cluster *k, void *arg)
{
	int gone = *(int *)arg;

	for (int i = 0; i < 3; i++)
		if (i != gone && cluster_view(k, i, gone).reachable)
			return false;
	return true;
}

/* Long before the time for which silence is no sign. */
START_TEST(who_closed_its_connections_is_not_reachable)
{
	int gone;
	uint64_t then_ms;

	c.election_ms = 12000;
	c.heartbeat_ms = 50;
	cluster_form(&c, 3);
	gone = cluster_other_than(cluster_leader(&c));
	cluster_stop(&c, gone);
	then_ms = clock_now_ms();
	cluster_wait(&c, is_unreachable, &gone, "the others to see that it is gone");
	ck_assert_uint_lt(ms_since(then_ms), 6000);
}
END_TEST

static bool has_address(struct cluster *k, void *arg)
{
	int i = *(int *)arg, leader = cluster_leader(k);

	return leader >= 0 && strcmp(cluster_view(k, leader, i).peer, k->peers[i]) == 0;
}

START_TEST(a_member_may_come_back_at_another_address)
{
	int leader, moved;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	moved = cluster_other_than(leader);
	cluster_stop(&c, moved);
	strcpy(c.peers[moved], "tcp:127.0.0.1:0");
	cluster_start(&c, moved);
	cluster_wait(&c, has_address, &moved, "the new address to be known");
	ck_assert_int_eq(cluster_register(&c, moved, "web", "a"), 0);
}
END_TEST

START_TEST(all_stop_and_all_come_back)
{
	cluster_form(&c, 3);
	ck_assert_int_eq(cluster_register_many(&c, 1, "web", "i", 500, 10), 500);
	for (int i = 0; i < 3; i++)
		cluster_stop(&c, i);
	for (int i = 0; i < 3; i++)
		cluster_start(&c, i);
	cluster_wait_leader(&c);
	ck_assert_int_eq(cluster_register(&c, 2, "web", "more"), 0);
	cluster_wait_equal(&c);
	for (int i = 0; i < 3; i++) {
		ck_assert(cluster_has(&c, i, "web", "i-499"));
		ck_assert_uint_eq(cluster_digest(&c, i), cluster_digest(&c, 0));
	}
}
END_TEST

START_TEST(a_member_that_was_not_taken_in_yet_goes_on_joining)
{
	int joiner = 1;

	cluster_form(&c, 1);
	cluster_start(&c, joiner);
	cluster_stop(&c, joiner);
	cluster_start(&c, joiner);
	cluster_wait(&c, is_voter, &joiner, "the joiner to vote");
	ck_assert_int_eq(cluster_register(&c, joiner, "web", "a"), 0);
}
END_TEST

/* Nobody leads when it asks first: its contact waits for votes. */
START_TEST(who_comes_during_an_election_is_taken_in)
{
	int joiner = 3;

	cluster_form(&c, 3);
	for (int i = 0; i < 3; i++)
		cluster_stop(&c, i);
	cluster_start(&c, 0);
	cluster_start(&c, joiner);
	ck_assert_int_eq(cluster_leader(&c), -1);
	ck_assert(cluster_status(&c, joiner).joining);
	cluster_start(&c, 1);
	cluster_start(&c, 2);
	cluster_wait(&c, is_member, &joiner, "the joiner to be a member");
	ck_assert_int_eq(cluster_register(&c, joiner, "web", "a"), 0);
}
END_TEST

static bool has_joined(struct cluster *k, void *arg)
{
	return !cluster_status(k, *(int *)arg).joining;
}

/* Whom it found has no quorum, and then is gone. */
START_TEST(a_joiner_asks_another_member_when_its_contact_is_of_no_use)
{
	int joiner = 3;
	struct replica_options o = {.data_dir = c.dirs[joiner],
		.member_name = c.names[joiner],
		.peer_listen = "tcp:127.0.0.1:0",
		.n_join = 3};
	struct err e = {0};

	cluster_form(&c, 3);
	for (int i = 0; i < 3; i++)
		o.join[i] = c.peers[i];
	cluster_stop(&c, 1);
	cluster_stop(&c, 2);
	ck_assert_msg(replica_start(&o, &c.members[joiner], &e) == 0, "%s", e.text);
	cluster_stop(&c, 0);
	cluster_start(&c, 1);
	cluster_start(&c, 2);
	cluster_wait(&c, has_joined, &joiner, "the joiner to be taken in");
	ck_assert(cluster_status(&c, joiner).cluster == cluster_status(&c, 1).cluster);
}
END_TEST

START_TEST(a_cluster_of_one_is_given_up_to_join_another)
{
	int joiner = 1;
	struct replica *alone;
	struct replica_options o = {.data_dir = c.dirs[1],
		.member_name = "m1",
		.peer_listen = "tcp:127.0.0.1:0"};
	struct replica_status before;
	struct err e = {0};

	cluster_form(&c, 1);
	ck_assert_msg(replica_start(&o, &alone, &e) == 0, "%s", e.text);
	replica_status(alone, &before);
	ck_assert_int_eq(replica_note_join(alone, "nonsense:1", &e), SVCD_EINVAL);
	ck_assert_msg(replica_note_join(alone, c.peers[0], &e) == 0, "%s", e.text);
	replica_stop(alone);
	cluster_start(&c, joiner);
	cluster_wait(&c, is_voter, &joiner, "the joiner to vote");
	ck_assert_uint_eq(cluster_status(&c, 1).cluster, cluster_status(&c, 0).cluster);
	ck_assert_uint_ne(cluster_status(&c, 1).node, before.node);
	ck_assert_int_eq(replica_note_join(c.members[1], c.peers[0], &e), SVCD_ECONFLICT);
}
END_TEST

START_TEST(two_members_cannot_have_one_name)
{
	struct replica_member all[REPLICA_MEMBERS_MAX];

	cluster_form(&c, 1);
	strcpy(c.names[1], c.names[0]);
	cluster_start(&c, 1);
	/* it asks, is refused, and stays outside */
	for (int n = 0; n < 20; n++)
		ck_assert_int_eq(cluster_read(&c, 0), 0);
	ck_assert_uint_eq(replica_members(c.members[0], all, REPLICA_MEMBERS_MAX), 1);
	ck_assert(cluster_status(&c, 1).joining);
}
END_TEST

static bool is_not_who_was_meant(struct cluster *k, void *arg)
{
	int i = *(int *)arg;
	struct replica_member m = cluster_view(k, (i + 1) % 3, i);

	return strstr(m.trouble, "not the member that was meant") != NULL;
}

/* A new member, whose name is taken by what it was. */
START_TEST(a_member_whose_disk_was_emptied_comes_in_when_its_former_self_is_removed)
{
	char command[600];
	uint64_t former;
	int at, i;

	cluster_form(&c, 3);
	i = cluster_leader(&c) == 1 ? 2 : 1;
	at = (i + 1) % 3;
	ck_assert_int_eq(cluster_register(&c, i, "web", "a"), 0);
	former = cluster_view(&c, at, i).node;
	cluster_stop(&c, i);
	snprintf(command, sizeof(command), "rm -r '%s'", c.dirs[i]);
	ck_assert_int_eq(system(command), 0);
	cluster_start(&c, i);
	cluster_wait(&c, is_not_who_was_meant, &i, "the others to notice");
	ck_assert(cluster_status(&c, i).joining);
	ck_assert_uint_eq(cluster_view(&c, at, i).node, former);
	ck_assert_int_eq(cluster_change(&c, at, CHANGE_REMOVE, i), 0);
	cluster_wait(&c, is_voter, &i, "the new one to vote");
	ck_assert_uint_ne(cluster_view(&c, at, i).node, former);
	ck_assert(cluster_has(&c, i, "web", "a"));
}
END_TEST

static bool recorded;

static void on_recorded(struct proposal *p)
{
	ck_assert_int_eq(p->outcome.code, 0);
	recorded = true;
	loop_stop(c.loop);
}

static bool is_recorded(struct cluster *k, void *arg)
{
	return recorded && cluster_view(k, *(int *)arg, 3).node == 77;
}

static bool is_forgotten(struct cluster *k, void *arg)
{
	return cluster_view(k, *(int *)arg, 3).node == 0;
}

/* As a leader leaves it that dies between the two steps of taking a member in, or out. */
START_TEST(the_record_of_who_is_no_member_does_not_stay)
{
	struct proposal p = {.reply = c.box, .done = on_recorded};
	struct member m = {
		.node = 77, .name = bytes_str("m3"), .peer = bytes_str("tcp:[::1]:1")};
	int leader;

	cluster_form(&c, 2);
	leader = cluster_leader(&c);
	ck_assert_int_eq(command_member_set(
				 &m, bytes_str("test"), bytes_str("joined"), &p.command),
		0);
	replica_propose(c.members[leader], &p);
	cluster_wait(&c, is_recorded, &leader, "the record to be written");
	cluster_wait(&c, is_forgotten, &leader, "the record to be removed");
	buf_fini(&p.command);
	buf_fini(&p.outcome.incarnations);
}
END_TEST

START_TEST(members_know_of_each_other)
{
	int leader;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < 3; k++) {
			struct replica_member m = cluster_view(&c, i, k);

			ck_assert_str_eq(m.peer, c.peers[k]);
			ck_assert_int_eq(m.self, i == k);
			ck_assert_int_eq(m.leader, k == leader);
			ck_assert(m.voter);
			ck_assert(!m.diverged);
		}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cluster members");
	TCase *tc = unit_case(s, "members");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_fourth_member_stays_a_standby_that_reads);
	tcase_add_test(tc, who_was_demoted_by_hand_stays_a_standby);
	tcase_add_test(tc, leadership_goes_where_it_is_sent);
	tcase_add_test(tc, who_is_down_can_neither_lead_nor_become_a_voter);
	tcase_add_test(tc, a_follower_is_removed);
	tcase_add_test(tc, the_leader_itself_is_removed);
	tcase_add_test(tc, who_was_removed_while_away_is_told_when_it_comes_back);
	tcase_add_test(tc, what_is_done_already_is_a_success);
	tcase_add_test(tc, the_only_voter_cannot_go);
	tcase_add_test(tc, a_dead_member_is_replaced);
	tcase_add_test(tc, a_member_that_stops_hands_over_first);
	tcase_add_test(tc, a_member_alone_has_nobody_to_hand_over_to);
	tcase_add_loop_test(tc, a_member_without_a_quorum_stops_at_once, 0, 2);
	tcase_add_test(tc, who_closed_its_connections_is_not_reachable);
	tcase_add_test(tc, a_member_may_come_back_at_another_address);
	tcase_add_test(tc, all_stop_and_all_come_back);
	tcase_add_test(tc, a_member_that_was_not_taken_in_yet_goes_on_joining);
	tcase_add_test(tc, who_comes_during_an_election_is_taken_in);
	tcase_add_test(tc, a_joiner_asks_another_member_when_its_contact_is_of_no_use);
	tcase_add_test(tc, a_cluster_of_one_is_given_up_to_join_another);
	tcase_add_test(tc, two_members_cannot_have_one_name);
	tcase_add_test(tc,
		a_member_whose_disk_was_emptied_comes_in_when_its_former_self_is_removed);
	tcase_add_test(tc, the_record_of_who_is_no_member_does_not_stay);
	tcase_add_test(tc, members_know_of_each_other);
	return unit_run(s);
}
