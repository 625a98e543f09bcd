/*
 * Scenes played by hand: the messages are delivered, lost and repeated one by one, so
 * that what random trouble meets rarely happens for certain. Each defect of the engine
 * that cures.c names has the scene that shows it when the cure is missing.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "sim.h"

#define VOTE RAFT_REQUEST_VOTE
#define VOTED RAFT_REQUEST_VOTE_RESULT
#define APPEND RAFT_APPEND_ENTRIES
#define APPENDED RAFT_APPEND_ENTRIES_RESULT

/* ---- directing --------------------------------------------------------- */

static struct driver_status status_of(struct sim *s, uint64_t node)
{
	struct driver_status st;

	driver_status(sim_member(s, node)->driver, &st);
	return st;
}

static void settle(struct sim *s)
{
	while (sim_pass(s, 0, 0, 0))
		;
}

static void lose_all(struct sim *s)
{
	sim_lose(s, 0, 0, 0);
}

static void tick(struct sim *s, uint64_t node)
{
	sim_tick(sim_member(s, node));
}

static void ask(struct sim *s, uint64_t node, const uint64_t *voters)
{
	for (; *voters; voters++) {
		sim_pass(s, node, *voters, VOTE);
		sim_pass(s, *voters, node, VOTED);
	}
}

/* Only these voters hear of it; nothing that the new leader sends has arrived yet. They
 * may have voted in that term: then it takes another. */
static void elect(struct sim *s, uint64_t node, const uint64_t *voters)
{
	for (int i = 0; i < 3 && status_of(s, node).role != DRIVER_LEADER; i++) {
		s->now_ms += 3 * SIM_ELECTION_MS;
		tick(s, node);
		ask(s, node, voters); /* would they? */
		ask(s, node, voters);
		sim_lose(s, 0, 0, VOTE);
		sim_lose(s, 0, 0, VOTED);
	}
	ck_assert_int_eq(status_of(s, node).role, DRIVER_LEADER);
}

#define ELECT(s, node, ...) elect(s, node, (const uint64_t[]){__VA_ARGS__, 0})

/* All that these two have to say to each other. */
static void talk(struct sim *s, uint64_t a, uint64_t b)
{
	while (sim_pass(s, a, b, 0) || sim_pass(s, b, a, 0))
		;
}

static struct letter *copy_of(const struct letter *l)
{
	const struct raft_append_entries *ae = &l->m.append_entries;
	struct letter *c = malloc(sizeof(*c));
	size_t bytes = 0;

	*c = *l;
	c->node = (struct heap_node){0};
	if (!l->entries)
		return c;
	for (unsigned i = 0; i < ae->n_entries; i++)
		bytes += ae->entries[i].buf.len;
	c->bodies = malloc(bytes + 1);
	memcpy(c->bodies, l->bodies, bytes);
	c->entries = malloc(ae->n_entries * sizeof(*c->entries));
	memcpy(c->entries, l->entries, ae->n_entries * sizeof(*c->entries));
	for (unsigned i = 0; i < ae->n_entries; i++)
		c->entries[i].buf.base = c->bodies +
			((uint8_t *)l->entries[i].buf.base - l->bodies);
	c->m.append_entries.entries = c->entries;
	return c;
}

/* From here on time passes and messages arrive by themselves. */
static void go_on(struct sim *s)
{
	s->by_hand = false;
	s->calm = true;
	for (size_t i = 0; i < SIM_SLOTS; i++)
		if (sim_up(&s->members[i]))
			sim_tick(&s->members[i]);
}

static void go_on_for(struct sim *s, uint64_t ms)
{
	go_on(s);
	sim_run_for(s, ms);
}

static struct member *join(struct sim *s, uint64_t leader)
{
	struct member *m = sim_add(s);

	sim_start(m);
	sim_change(sim_member(s, leader), DRIVER_ADD_STANDBY, m->node);
	return m;
}

static uint64_t match_of(struct sim *s, uint64_t leader, uint64_t node)
{
	struct driver_member members[SIM_SLOTS];
	size_t n = driver_members(sim_member(s, leader)->driver, members, SIM_SLOTS);

	for (size_t i = 0; i < n; i++)
		if (members[i].node == node)
			return members[i].match;
	ck_abort_msg("no such member");
}

static void checkpoint(struct sim *s, uint64_t node)
{
	struct member *m = sim_member(s, node);

	sim_take_checkpoint(m);
	heap_remove(&s->timers, &m->taken);
	sim_checkpoint_taken(m);
}

/* ---- Raft as it is written --------------------------------------------- */

/* Figure 8 of the paper: an entry of an earlier term is on a majority and still not
 * committed. */
START_TEST(figure_8_loses_nothing_that_was_committed)
{
	struct sim *s = sim_by_hand(5);
	struct letter *l;

	ELECT(s, 1, 2, 3); /* (a) S1 leads, its entry 2 is with S2 */
	sim_pass(s, 1, 2, APPEND);
	sim_pass(s, 2, 1, APPENDED);
	sim_pass(s, 1, 2, APPEND);
	lose_all(s);
	ck_assert_uint_eq(status_of(s, 2).last_index, 2);
	sim_stop(sim_member(s, 1));
	ELECT(s, 5, 3, 4); /* (b) S5 leads, with another entry 2 */
	lose_all(s);
	sim_stop(sim_member(s, 5));
	sim_start(sim_member(s, 1));
	ELECT(s, 1, 2, 3, 4); /* (c) S1 again: its old entry reaches S3 */
	sim_pass(s, 1, 3, APPEND);
	sim_pass(s, 3, 1, APPENDED); /* rejected: it has nothing behind 1 */
	l = sim_take(s, 1, 3, APPEND);
	ck_assert_ptr_nonnull(l);
	ck_assert_uint_eq(l->m.append_entries.prev_log_index, 1);
	ck_assert_uint_ge(l->m.append_entries.n_entries, 1);
	l->m.append_entries.n_entries = 1;
	sim_deliver(s, l);
	ck_assert(sim_pass(s, 3, 1, APPENDED));
	ck_assert_uint_eq(match_of(s, 1, 3), 2);
	ck_assert_uint_eq(status_of(s, 1).commit_index, 1);
	lose_all(s);
	sim_stop(sim_member(s, 1));
	sim_start(sim_member(s, 5));
	ELECT(s, 5, 2, 3, 4); /* (d) S5 overwrites it */
	settle(s);
	ck_assert_uint_ge(status_of(s, 5).commit_index, 2);
	sim_start(sim_member(s, 1));
	go_on_for(s, 1000);
	ck_assert_str_eq(sim_disagreement(s), "");
	sim_free(s);
}
END_TEST

START_TEST(the_end_of_a_process_is_noticed_at_once)
{
	struct sim *s = sim_by_hand(3);
	struct member *leader;

	ELECT(s, 1, 2, 3);
	settle(s);
	sim_stop(sim_member(s, 1));
	sim_suspect(sim_member(s, 2), 1);
	sim_suspect(sim_member(s, 3), 1);
	go_on_for(s, SIM_HEARTBEAT_MS + 10 + SIM_ELECTION_MS / 3 + 20);
	leader = sim_leader(s);
	ck_assert_ptr_nonnull(leader);
	sim_suspect(leader->node == 2 ? sim_member(s, 3) : sim_member(s, 2),
		leader->node); /* only its connection broke */
	sim_run_for(s, 2000);
	ck_assert_int_eq(status_of(s, leader->node).role, DRIVER_LEADER);
	ck_assert_uint_eq(status_of(s, leader->node).term, 3);
	sim_free(s);
}
END_TEST

/* 3 hears nothing for long, then asks for votes, and all answers arrive. */
START_TEST(a_follower_that_does_not_hear_the_leader_does_not_throw_it_out)
{
	struct sim *s = sim_by_hand(3);

	ELECT(s, 1, 2, 3);
	settle(s);
	for (int i = 0; i < 20; i++) {
		s->now_ms += SIM_HEARTBEAT_MS;
		tick(s, 1);
		sim_lose(s, 1, 3, 0);
		talk(s, 1, 2);
	}
	tick(s, 3);
	ck_assert_int_eq(status_of(s, 3).role, DRIVER_CANDIDATE);
	settle(s);
	ck_assert_int_eq(status_of(s, 1).role, DRIVER_LEADER);
	ck_assert_uint_eq(status_of(s, 3).term, 2);
	sim_free(s);
}
END_TEST

/* ---- cures ------------------------------------------------------------- */

START_TEST(x1_a_late_message_on_a_cut_log_is_no_news)
{
	struct sim *s = sim_by_hand(1);
	struct letter *l, *late;
	uint64_t last;

	for (int i = 0; i < 3; i++)
		ck_assert(sim_propose(sim_member(s, 1)));
	join(s, 1);
	sim_pass(s, 1, 2, APPEND);
	sim_pass(s, 2, 1, APPENDED);
	l = sim_take(s, 1, 2, APPEND);
	ck_assert_uint_eq(l->m.append_entries.prev_log_index, 0);
	ck_assert_uint_gt(l->m.append_entries.n_entries, 0);
	late = copy_of(l);
	sim_deliver(s, l);
	settle(s);
	ck_assert(sim_propose(sim_member(s, 1)));
	settle(s);
	last = status_of(s, 2).last_index;
	checkpoint(s, 2);
	sim_deliver(s, late);
	ck_assert_uint_eq(status_of(s, 2).last_index, last);
	ck_assert(sim_propose(sim_member(s, 1)));
	settle(s);
	ck_assert_uint_eq(status_of(s, 2).applied_index, last + 1);
	sim_free(s);
}
END_TEST

/* The answer to a message of an old term reaches its sender as the leader of the new
 * one. */
START_TEST(x2_an_answer_to_the_past_confirms_nothing)
{
	struct sim *s = sim_by_hand(3);
	struct letter *l, *late;
	uint64_t has;

	ELECT(s, 1, 2, 3);
	settle(s);
	join(s, 1);
	ck_assert(sim_pass(s, 1, 4, APPEND));
	ck_assert(sim_pass(s, 4, 1, APPENDED));
	l = sim_take(s, 1, 4, APPEND);
	ck_assert_uint_eq(l->m.append_entries.prev_log_index, 0);
	late = copy_of(l);
	sim_deliver(s, l);
	settle(s);
	ELECT(s, 2, 1, 3);
	settle(s);
	ELECT(s, 1, 2, 3);
	settle(s);
	has = status_of(s, 4).last_index;
	ck_assert(sim_propose(sim_member(s, 1)));
	sim_lose(s, 1, 4, APPEND);
	sim_deliver(s, late);
	sim_pass(s, 4, 1, APPENDED);
	ck_assert_uint_le(match_of(s, 1, 4), has);
	sim_free(s);
}
END_TEST

/* A rejection that comes again when the follower has caught up long ago. */
START_TEST(x3_a_late_rejection_does_not_stop_a_follower)
{
	struct sim *s = sim_by_hand(3);
	struct letter *l, *late;

	ELECT(s, 1, 2, 3);
	talk(s, 1, 2);
	for (int i = 0; i < 3; i++) {
		ck_assert(sim_propose(sim_member(s, 1)));
		talk(s, 1, 2);
	}
	lose_all(s);
	ELECT(s, 2, 1, 3); /* begins to send to 3 from its own end */
	sim_pass(s, 2, 3, APPEND);
	l = sim_take(s, 3, 2, APPENDED);
	ck_assert_uint_gt(l->m.append_entries_result.rejected, 0);
	late = copy_of(l);
	sim_deliver(s, l);
	settle(s);
	ck_assert_uint_eq(match_of(s, 2, 3), status_of(s, 2).last_index);
	/* 3 is silent for a while: the leader probes at its end, and there it comes */
	s->now_ms += SIM_HEARTBEAT_MS;
	tick(s, 2);
	sim_pass(s, 2, 1, APPEND);
	sim_pass(s, 1, 2, APPENDED);
	lose_all(s);
	s->now_ms += SIM_HEARTBEAT_MS;
	tick(s, 2);
	sim_pass(s, 2, 1, APPEND);
	sim_pass(s, 1, 2, APPENDED);
	lose_all(s);
	late->m.append_entries_result.rejected = match_of(s, 2, 3);
	late->m.append_entries_result.term = status_of(s, 2).term;
	sim_deliver(s, late);
	for (int i = 0; i < 3; i++) {
		ck_assert(sim_propose(sim_member(s, 2)));
		settle(s);
		s->now_ms += SIM_HEARTBEAT_MS;
		tick(s, 2);
		settle(s);
	}
	ck_assert_uint_eq(match_of(s, 2, 3), status_of(s, 2).last_index);
	sim_free(s);
}
END_TEST

START_TEST(x4_a_vote_that_comes_late_changes_no_term)
{
	struct sim *s = sim_by_hand(3);
	struct letter *late;

	s->now_ms += 3 * SIM_ELECTION_MS;
	tick(s, 1);
	sim_pass(s, 1, 3, VOTE);
	late = sim_take(s, 3, 1, VOTED);
	ck_assert_ptr_nonnull(late);
	late->m.request_vote_result.term += 5;
	lose_all(s);
	ELECT(s, 1, 2, 3);
	settle(s);
	sim_deliver(s, late);
	ck_assert_uint_eq(status_of(s, 1).term, 2);
	ck_assert_int_eq(status_of(s, 1).role, DRIVER_LEADER);
	sim_free(s);
}
END_TEST

static void set_term(struct sim *s, uint64_t node, uint64_t term)
{
	struct member *m = sim_member(s, node);
	struct err e;

	ck_assert_int_eq(ballot_open(&m->ballot, &m->disk.disk, &e), 0);
	ballot_write(&m->ballot, term, 0);
	ballot_close(&m->ballot);
}

/* The best log has the lowest term, and the other way round: everybody refuses
 * everybody. */
START_TEST(e1_the_best_log_learns_the_highest_term)
{
	struct sim *s = sim_by_hand(3);

	ELECT(s, 1, 2, 3);
	talk(s, 1, 2);
	lose_all(s);
	ck_assert(sim_propose(sim_member(s, 1)));
	lose_all(s);
	ck_assert_uint_gt(status_of(s, 1).last_index, status_of(s, 2).last_index);
	ck_assert_uint_gt(status_of(s, 2).last_index, status_of(s, 3).last_index);
	for (uint64_t node = 1; node <= 3; node++) {
		sim_stop(sim_member(s, node));
		set_term(s, node, 4 * node);
		sim_start(sim_member(s, node));
	}
	go_on_for(s, 5000);
	ck_assert_str_eq(sim_disagreement(s), "");
	sim_free(s);
}
END_TEST

/* 3 does not know yet that it votes, and still believes in the leader that died. */
START_TEST(e2_who_does_not_know_that_it_votes_must_vote)
{
	struct sim *s = sim_by_hand(2);

	ELECT(s, 1, 2);
	settle(s);
	join(s, 1);
	settle(s);
	sim_change(sim_member(s, 1), DRIVER_PROMOTE, 3);
	sim_lose(s, 1, 3, 0);
	while (sim_pass(s, 1, 2, 0) || sim_pass(s, 2, 1, 0))
		sim_lose(s, 1, 3, 0);
	ck_assert_uint_eq(status_of(s, 2).voters, 3);
	ck_assert_uint_eq(status_of(s, 3).voters, 2);
	sim_stop(sim_member(s, 1));
	go_on_for(s, 3000);
	ck_assert(status_of(s, 2).ready);
	ck_assert_uint_eq(status_of(s, 3).voters, 3);
	sim_free(s);
}
END_TEST

/* Promoted before it got anything: silly, but no reason for the cluster to die. */
START_TEST(e2_a_member_without_a_log_votes)
{
	struct sim *s = sim_by_hand(1);

	ck_assert(sim_propose(sim_member(s, 1)));
	join(s, 1);
	lose_all(s);
	sim_change(sim_member(s, 1), DRIVER_PROMOTE, 2);
	lose_all(s);
	sim_stop(sim_member(s, 1));
	sim_start(sim_member(s, 1));
	go_on_for(s, 3000);
	ck_assert_str_eq(sim_disagreement(s), "");
	sim_free(s);
}
END_TEST

/* A second change arrives before it is known that the first is committed, and is lost
 * again: then the first counts. */
START_TEST(u1_a_change_is_settled_before_the_next)
{
	struct sim *s = sim_by_hand(5);
	struct driver_member members[SIM_SLOTS];

	ELECT(s, 1, 2, 3, 4, 5);
	settle(s);
	join(s, 1);
	for (uint64_t node = 2; node <= 5; node++)
		ck_assert(sim_pass(s, 1, node, APPEND));
	sim_lose(s, 2, 1, 0);
	for (uint64_t node = 3; node <= 5; node++)
		ck_assert(sim_pass(s, node, 1, APPENDED));
	ck_assert(!status_of(s, 1).changing);
	ck_assert(status_of(s, 2).changing);
	lose_all(s);
	join(s, 1);
	ck_assert(sim_pass(s, 1, 2, APPEND)); /* the second change, and news of the first
					       */
	ck_assert_uint_eq(
		driver_members(sim_member(s, 2)->driver, members, SIM_SLOTS), 7);
	lose_all(s);
	sim_stop(sim_member(s, 1));
	ELECT(s, 3, 4, 5);
	talk(s, 3, 2);
	ck_assert_uint_eq(
		driver_members(sim_member(s, 2)->driver, members, SIM_SLOTS), 6);
	sim_free(s);
}
END_TEST

START_TEST(e3_a_candidate_asks_politely_the_second_time)
{
	struct sim *s = sim_by_hand(3);
	struct letter *l;

	ELECT(s, 1, 2, 3);
	settle(s);
	sim_transfer(sim_member(s, 1), 2);
	ck_assert(sim_pass(s, 1, 2, RAFT_TIMEOUT_NOW));
	l = sim_take(s, 2, 3, VOTE);
	ck_assert(l->m.request_vote.disrupt_leader && !l->m.request_vote.pre_vote);
	sim_letter_free(l);
	lose_all(s);
	s->now_ms += 3 * SIM_ELECTION_MS;
	tick(s, 2);
	l = sim_take(s, 2, 3, VOTE);
	ck_assert(!l->m.request_vote.disrupt_leader && l->m.request_vote.pre_vote);
	sim_letter_free(l);
	sim_free(s);
}
END_TEST

/* A letter that nobody wrote. */
static void forge(struct sim *s, uint64_t from, uint64_t to, struct raft_message m)
{
	struct letter *l = calloc(1, sizeof(*l));

	l->kind = LETTER_RAFT;
	l->from = from;
	l->to = to;
	l->m = m;
	sim_deliver(s, l);
}

/* 1 is the one voter, 2 does not know it yet. */
static struct sim *one_voter_left(void)
{
	struct sim *s = sim_by_hand(2);

	ELECT(s, 1, 2);
	settle(s);
	sim_change(sim_member(s, 1), DRIVER_DEMOTE, 2);
	lose_all(s);
	ck_assert_uint_eq(status_of(s, 1).voters, 1);
	ck_assert_uint_eq(status_of(s, 1).applied_index, status_of(s, 1).last_index);
	return s;
}

START_TEST(s1_a_sole_voter_votes_before_it_leads)
{
	struct sim *s = one_voter_left();
	struct member *m = sim_member(s, 1);

	forge(s, 1, 2,
		(struct raft_message){.type = RAFT_TIMEOUT_NOW, /* an old one */
			.timeout_now = {.term = 2,
				.last_log_index = status_of(s, 2).last_index,
				.last_log_term = 2}});
	ck_assert(sim_pass(s, 2, 1, VOTE));
	ck_assert_int_eq(status_of(s, 1).role, DRIVER_FOLLOWER);
	ck_assert_uint_eq(status_of(s, 1).term, 3);
	lose_all(s);
	s->now_ms += 3 * SIM_ELECTION_MS;
	tick(s, 1);
	ck_assert_int_eq(status_of(s, 1).role, DRIVER_LEADER);
	ck_assert_uint_eq(status_of(s, 1).term, 4);
	ck_assert_uint_eq(m->ballot.vote, 1);
	sim_free(s);
}
END_TEST

START_TEST(s1_a_sole_voter_is_told_by_nobody_to_lead)
{
	struct sim *s = one_voter_left();
	struct driver_status st = status_of(s, 1);

	forge(s, 2, 1,
		(struct raft_message){.type = APPEND,
			.append_entries = {.term = 9,
				.prev_log_index = st.last_index,
				.prev_log_term = 2,
				.leader_commit = 1}});
	ck_assert_int_eq(status_of(s, 1).role, DRIVER_FOLLOWER);
	forge(s, 2, 1,
		(struct raft_message){.type = RAFT_TIMEOUT_NOW,
			.timeout_now = {.term = 9,
				.last_log_index = st.last_index,
				.last_log_term = 2}});
	ck_assert_int_eq(status_of(s, 1).role, DRIVER_FOLLOWER);
	sim_free(s);
}
END_TEST

/* It crashes between sending and syncing, again and again. */
START_TEST(s1_a_sole_voter_never_gives_a_place_to_two_entries)
{
	struct sim *s = sim_by_hand(1);

	join(s, 1);
	settle(s);
	join(s, 1);
	go_on(s);
	for (int i = 0; i < 200; i++) {
		struct member *m = sim_member(s, 1);

		if (m->life == SIM_UP && !m->disk.crashed && m->disk.crash_at == 0 &&
			i % 3 == 0)
			fake_disk_crash_in(&m->disk, rng_below(&s->rng, 8), &s->rng);
		if (sim_up(m) && status_of(s, 1).ready)
			sim_propose(m);
		sim_run_for(s, rng_below(&s->rng, 60));
	}
	sim_heal(s);
	sim_run_for(s, 1000);
	ck_assert_str_eq(sim_disagreement(s), "");
	ck_assert_uint_gt(s->counts.crashes, 20);
	ck_assert_uint_gt(s->acked, 20);
	sim_free(s);
}
END_TEST

/* 1 has written and cut its log, 2 is being sent a snapshot; 1 writes more. */
static struct sim *snapshot_under_way(void)
{
	struct sim *s = sim_by_hand(1);
	struct member *m = sim_member(s, 1);

	for (int i = 0; i < 10; i++)
		ck_assert(sim_propose(m));
	checkpoint(s, 1);
	join(s, 1);
	settle(s); /* the leader hears that it needs one, and sends it */
	ck_assert(s->streams[0].active);
	for (int i = 0; i < 10; i++)
		ck_assert(sim_propose(m));
	settle(s);
	return s;
}

static void let_it_arrive(struct sim *s)
{
	while (s->streams[0].active) {
		s->now_ms += 10;
		heap_remove(&s->timers, &s->streams[0].node);
		sim_stream_step(s, &s->streams[0]);
	}
	ck_assert_uint_eq(s->counts.installs, 1);
}

/* Another one is taken, and the answer to the first is lost. */
START_TEST(p1_a_snapshot_whose_answer_is_lost_is_sent_again)
{
	struct sim *s = snapshot_under_way();

	let_it_arrive(s);
	lose_all(s);
	checkpoint(s, 1);
	go_on_for(s, 2000);
	ck_assert_str_eq(sim_disagreement(s), "");
	sim_free(s);
}
END_TEST

/* The log was cut meanwhile, up to what was being sent: it goes on with entries. */
START_TEST(behind_an_installed_snapshot_the_log_goes_on)
{
	struct sim *s = snapshot_under_way();

	checkpoint(s, 1);
	let_it_arrive(s);
	go_on_for(s, 2000);
	ck_assert_str_eq(sim_disagreement(s), "");
	ck_assert_uint_eq(s->counts.installs, 1);
	sim_free(s);
}
END_TEST

/* ---- members ----------------------------------------------------------- */

START_TEST(a_leader_hands_over_before_it_is_removed)
{
	struct sim *s = sim_by_hand(3);
	struct member *m;
	char ticket;

	ELECT(s, 1, 2, 3);
	settle(s);
	m = sim_member(s, 1);
	ck_assert_int_eq(driver_change(m->driver, s->now_ms, DRIVER_REMOVE, 1, &ticket),
		SVCD_ECONFLICT);
	ck_assert_int_eq(driver_change(m->driver, s->now_ms, DRIVER_DEMOTE, 1, &ticket),
		SVCD_ECONFLICT);
	sim_transfer(m, 0);
	ck_assert(!driver_may_submit(m->driver));
	go_on_for(s, 200);
	ck_assert_int_eq(status_of(s, 1).role, DRIVER_FOLLOWER);
	m = sim_leader(s);
	ck_assert_ptr_nonnull(m);
	sim_change(m, DRIVER_REMOVE, 1);
	sim_run_for(s, 2000);
	ck_assert_uint_eq(status_of(s, m->node).voters, 2);
	ck_assert_uint_eq(status_of(s, m->node).term, 3); /* the removed one disturbs
							     nobody */
	ck_assert(sim_propose(m));
	sim_run_for(s, 200);
	ck_assert_str_eq(sim_disagreement(s), "");
	sim_free(s);
}
END_TEST

START_TEST(a_joiner_gets_a_snapshot_and_becomes_a_voter)
{
	struct sim *s = sim_by_hand(1);
	struct member *m = sim_member(s, 1), *joiner;

	for (int i = 0; i < 300; i++)
		ck_assert(sim_propose(m));
	checkpoint(s, 1);
	for (int i = 0; i < 10; i++)
		ck_assert(sim_propose(m));
	ck_assert_uint_gt(status_of(s, 1).first_index, 1);
	joiner = join(s, 1);
	go_on_for(s, 1000);
	ck_assert_uint_eq(s->counts.installs, 1);
	ck_assert_uint_eq(joiner->at.index, m->at.index);
	sim_change(m, DRIVER_PROMOTE, joiner->node);
	sim_run_for(s, 500);
	ck_assert_uint_eq(status_of(s, joiner->node).voters, 2);
	sim_stop(joiner); /* now nothing goes without it */
	ck_assert(sim_propose(m));
	sim_run_for(s, 100);
	ck_assert_uint_lt(status_of(s, 1).commit_index, status_of(s, 1).last_index);
	sim_start(joiner);
	sim_run_for(s, 2000);
	ck_assert_str_eq(sim_disagreement(s), "");
	sim_free(s);
}
END_TEST

START_TEST(changes_of_the_members_are_answered_as_said)
{
	static const struct {
		enum driver_change change;
		uint64_t node;
		int rc;
	} rows[] = {
		{DRIVER_ADD_STANDBY, 1, SVCD_EEXISTS},
		{DRIVER_ADD_STANDBY, 4, SVCD_EEXISTS},
		{DRIVER_PROMOTE, 2, SVCD_EEXISTS},
		{DRIVER_PROMOTE, 9, SVCD_ENOTFOUND},
		{DRIVER_DEMOTE, 4, SVCD_EEXISTS},
		{DRIVER_DEMOTE, 9, SVCD_ENOTFOUND},
		{DRIVER_DEMOTE, 1, SVCD_ECONFLICT},
		{DRIVER_REMOVE, 1, SVCD_ECONFLICT},
		{DRIVER_REMOVE, 9, SVCD_EEXISTS},
	};
	struct sim *s = sim_by_hand(3);
	struct member *leader = sim_member(s, 1);

	ck_assert_int_eq(driver_change(leader->driver, s->now_ms, DRIVER_REMOVE, 2, s),
		SVCD_ENOLEADER);
	ELECT(s, 1, 2, 3);
	/* M2: nothing of its own term is committed yet */
	ck_assert_int_eq(driver_change(leader->driver, s->now_ms, DRIVER_REMOVE, 2, s),
		SVCD_EAGAIN);
	settle(s);
	join(s, 1);
	ck_assert(status_of(s, 1).changing);
	ck_assert_int_eq(driver_change(leader->driver, s->now_ms, DRIVER_REMOVE, 2, s),
		SVCD_EBUSY);
	settle(s);
	ck_assert(!status_of(s, 1).changing);
	for (size_t i = 0; i < LENGTH(rows); i++)
		ck_assert_int_eq(driver_change(leader->driver, s->now_ms, rows[i].change,
					 rows[i].node, s),
			rows[i].rc);
	sim_free(s);
}
END_TEST

/* ---- handing over ------------------------------------------------------ */

START_TEST(a_handover_whose_message_is_lost_is_repeated)
{
	struct sim *s = sim_by_hand(3);

	ELECT(s, 1, 2, 3);
	settle(s);
	sim_transfer(sim_member(s, 1), 3);
	ck_assert_uint_eq(sim_lose(s, 1, 3, RAFT_TIMEOUT_NOW), 1);
	s->now_ms += SIM_HEARTBEAT_MS;
	tick(s, 1);
	ck_assert(sim_pass(s, 1, 3, RAFT_TIMEOUT_NOW));
	settle(s);
	ck_assert_int_eq(status_of(s, 3).role, DRIVER_LEADER);
	ck_assert_uint_eq(status_of(s, 1).leader, 3);
	sim_free(s);
}
END_TEST

/* Its heir does not answer. */
START_TEST(a_handover_waits_for_the_heir_and_gives_up)
{
	struct sim *s = sim_by_hand(3);
	struct member *leader = sim_member(s, 1);

	ELECT(s, 1, 2, 3);
	settle(s);
	ck_assert(sim_propose(leader));
	sim_transfer(leader, 2);
	ck_assert(status_of(s, 1).transferring);
	ck_assert(!status_of(s, 1).ready);
	ck_assert(!sim_propose(leader));
	ck_assert_int_eq(driver_transfer(leader->driver, s->now_ms, 2), SVCD_EBUSY);
	for (uint64_t ms = 0; ms <= SIM_ELECTION_MS; ms += SIM_HEARTBEAT_MS) {
		ck_assert(status_of(s, 1).transferring);
		ck_assert_uint_eq(sim_lose(s, 1, 0, RAFT_TIMEOUT_NOW), 0);
		talk(s, 1, 3);
		s->now_ms += SIM_HEARTBEAT_MS;
		tick(s, 1);
	}
	ck_assert(!status_of(s, 1).transferring);
	ck_assert(status_of(s, 1).ready);
	ck_assert(sim_propose(leader));
	sim_free(s);
}
END_TEST

/* ---- speed and reads --------------------------------------------------- */

START_TEST(followers_apply_without_waiting_for_a_heartbeat)
{
	struct sim *s = sim_by_hand(3);
	unsigned letters = 0;

	ELECT(s, 1, 2, 3);
	settle(s);
	ck_assert(sim_propose(sim_member(s, 1)));
	while (sim_pass(s, 0, 0, 0))
		letters++;
	ck_assert_uint_eq(status_of(s, 1).applied_index, 3);
	ck_assert_uint_eq(status_of(s, 2).applied_index, 3);
	ck_assert_uint_eq(status_of(s, 3).applied_index, 3);
	ck_assert_uint_le(letters, 8); /* entry, answer, commit, answer; for two */
	ck_assert_uint_eq(status_of(s, 2).current_ms, s->now_ms);
	sim_free(s);
}
END_TEST

START_TEST(news_of_a_commit_travel_with_entries_that_are_under_way)
{
	struct sim *s = sim_by_hand(3);
	unsigned letters = 0;

	ELECT(s, 1, 2, 3);
	settle(s);
	ck_assert(sim_propose(sim_member(s, 1)));
	ck_assert(sim_propose(sim_member(s, 1)));
	while (sim_pass(s, 0, 0, 0))
		letters++;
	ck_assert_uint_eq(status_of(s, 3).applied_index, 4);
	ck_assert_uint_le(letters, 12);
	sim_free(s);
}
END_TEST

START_TEST(a_current_read_needs_a_majority_after_it)
{
	struct sim *s = sim_by_hand(3);
	struct member *leader = sim_member(s, 1);

	ELECT(s, 1, 2, 3);
	sim_read(leader); /* waits for the first entry of the term */
	ck_assert_uint_eq(s->counts.reads, 0);
	settle(s);
	ck_assert_uint_eq(s->counts.reads, 1);
	for (int i = 0; i < 10; i++)
		sim_read(leader); /* the first has a round, the others share the next */
	ck_assert(sim_pass(s, 1, 2, -LETTER_PING));
	ck_assert(sim_pass(s, 2, 1, -LETTER_PONG));
	ck_assert_uint_eq(s->counts.reads, 2);
	lose_all(s);
	s->now_ms += SIM_HEARTBEAT_MS;
	tick(s, 1); /* lost pings are sent again */
	ck_assert(sim_pass(s, 1, 3, -LETTER_PING));
	ck_assert(sim_pass(s, 3, 1, -LETTER_PONG));
	ck_assert_uint_eq(s->counts.reads, 11);
	sim_free(s);
}
END_TEST

START_TEST(who_follows_another_term_confirms_no_read)
{
	struct sim *s = sim_by_hand(3);
	struct member *old = sim_member(s, 1);

	ELECT(s, 1, 2, 3);
	settle(s);
	s->cut[0][1] = s->cut[0][2] = s->cut[1][0] = s->cut[2][0] = true;
	ELECT(s, 2, 3);
	settle(s);
	ck_assert(sim_propose(sim_member(s, 2)));
	settle(s);
	memset(s->cut, 0, sizeof(s->cut));
	ck_assert_int_eq(status_of(s, 1).role, DRIVER_LEADER);
	sim_read(old);
	while (sim_pass(s, 0, 0, -LETTER_PING) || sim_pass(s, 0, 0, -LETTER_PONG))
		;
	ck_assert_uint_eq(s->counts.reads, 0);
	settle(s);
	s->now_ms += SIM_HEARTBEAT_MS;
	tick(s, 1);
	settle(s);
	ck_assert_uint_eq(s->counts.reads_lost, 1);
	sim_free(s);
}
END_TEST

START_TEST(a_sole_voter_reads_at_once)
{
	struct sim *s = sim_by_hand(1);

	join(s, 1);
	settle(s);
	sim_read(sim_member(s, 1));
	ck_assert_uint_eq(s->counts.reads, 1);
	sim_read(sim_member(s, 2));
	ck_assert_uint_eq(s->counts.reads + s->counts.reads_lost, 1);
	sim_free(s);
}
END_TEST

/* ---- encoded members --------------------------------------------------- */

START_TEST(encoded_members_are_looked_at_before_they_are_believed)
{
	struct buf b = {0};
	struct driver_member m[2];
	struct bytes whole;

	ck_assert_int_eq(driver_encode_sole(7, &b), 0);
	whole = buf_bytes(&b);
	ck_assert_int_eq(driver_decode_members(whole, m, 2), 1);
	ck_assert_uint_eq(m[0].node, 7);
	ck_assert(m[0].voter);
	for (size_t n = 0; n < 27; n++) /* up to the role */
		ck_assert_int_eq(
			driver_decode_members(bytes_of(whole.data, n), m, 2), -1);
	b.data[1] = 2; /* two of them */
	ck_assert_int_eq(driver_decode_members(whole, m, 2), -1);
	b.data[1] = 0;
	ck_assert_int_eq(driver_decode_members(whole, m, 2), -1);
	b.data[1] = 1;
	b.data[0] = 9;
	ck_assert_int_eq(driver_decode_members(whole, m, 2), -1);
	buf_fini(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("driver_scenes");
	TCase *raft = unit_case(s, "raft");
	TCase *cures = unit_case(s, "cures");
	TCase *members = unit_case(s, "members");
	TCase *reads = unit_case(s, "reads");

	tcase_add_test(raft, figure_8_loses_nothing_that_was_committed);
	tcase_add_test(raft, the_end_of_a_process_is_noticed_at_once);
	tcase_add_test(
		raft, a_follower_that_does_not_hear_the_leader_does_not_throw_it_out);

	tcase_add_test(cures, u1_a_change_is_settled_before_the_next);
	tcase_add_test(cures, x1_a_late_message_on_a_cut_log_is_no_news);
	tcase_add_test(cures, x2_an_answer_to_the_past_confirms_nothing);
	tcase_add_test(cures, x3_a_late_rejection_does_not_stop_a_follower);
	tcase_add_test(cures, x4_a_vote_that_comes_late_changes_no_term);
	tcase_add_test(cures, e1_the_best_log_learns_the_highest_term);
	tcase_add_test(cures, e2_who_does_not_know_that_it_votes_must_vote);
	tcase_add_test(cures, e2_a_member_without_a_log_votes);
	tcase_add_test(cures, e3_a_candidate_asks_politely_the_second_time);
	tcase_add_test(cures, s1_a_sole_voter_votes_before_it_leads);
	tcase_add_test(cures, s1_a_sole_voter_is_told_by_nobody_to_lead);
	tcase_add_test(cures, s1_a_sole_voter_never_gives_a_place_to_two_entries);
	tcase_add_test(cures, p1_a_snapshot_whose_answer_is_lost_is_sent_again);

	tcase_add_test(members, behind_an_installed_snapshot_the_log_goes_on);
	tcase_add_test(members, a_leader_hands_over_before_it_is_removed);
	tcase_add_test(members, a_joiner_gets_a_snapshot_and_becomes_a_voter);
	tcase_add_test(members, changes_of_the_members_are_answered_as_said);
	tcase_add_test(members, a_handover_whose_message_is_lost_is_repeated);
	tcase_add_test(members, a_handover_waits_for_the_heir_and_gives_up);
	tcase_add_test(members, encoded_members_are_looked_at_before_they_are_believed);

	tcase_add_test(reads, followers_apply_without_waiting_for_a_heartbeat);
	tcase_add_test(reads, news_of_a_commit_travel_with_entries_that_are_under_way);
	tcase_add_test(reads, a_current_read_needs_a_majority_after_it);
	tcase_add_test(reads, who_follows_another_term_confirms_no_read);
	tcase_add_test(reads, a_sole_voter_reads_at_once);
	return unit_run(s);
}
