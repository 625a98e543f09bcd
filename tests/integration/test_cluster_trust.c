/* Members that differ are found out; questions reach the leader's server. */
#include "cluster.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/clock.h"
#include "catalog/codec.h"
#include "catalog/member.h"
#include "replica/peers.h"
#include "replica/words.h"

static struct cluster c;

static void setup(void)
{
	cluster_init(&c);
}

static void teardown(void)
{
	cluster_fini(&c);
}

/* ---- differences ------------------------------------------------------- */

/* Writes into the state of a member that does not run what no log entry did. */
static void falsify(int i)
{
	char path[PATH_MAX];
	struct store_options o = {.dir = path};
	struct store *s;
	struct tables *t;
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/state", c.dirs[i]);
	ck_assert_msg(store_open(&o, &s, &e) == 0, "%s", e.text);
	t = store_write_begin(s, &e);
	ck_assert_ptr_nonnull(t);
	table_put(t, TABLE_META, bytes_str("falsified"), bytes_str("yes"));
	ck_assert_int_eq(store_write_commit(s, store_index(t), store_term(t), &e), 0);
	ck_assert_int_eq(store_sync(s, &e), 0);
	store_close(s);
}

static bool is_diverged(struct cluster *k, void *arg)
{
	return cluster_status(k, *(int *)arg).diverged;
}

static bool is_seen_diverged(struct cluster *k, void *arg)
{
	int i = *(int *)arg;

	return cluster_view(k, (i + 1) % 3, i).diverged &&
		cluster_view(k, (i + 2) % 3, i).diverged;
}

static void check_found_out(int i)
{
	cluster_stop(&c, i);
	falsify(i);
	cluster_start(&c, i);
	cluster_wait(&c, is_diverged, &i, "the falsified one to notice");
	cluster_wait(&c, is_seen_diverged, &i, "the others to notice");
	for (int k = 0; k < 3; k++)
		ck_assert_int_eq(cluster_status(&c, k).diverged, k == i);
	ck_assert_int_ne(cluster_wait_leader(&c), i);
	ck_assert_int_eq(cluster_register(&c, (i + 1) % 3, "web", "after"), 0);
}

START_TEST(a_member_that_differs_from_the_majority_is_found_out)
{
	cluster_form(&c, 3);
	ck_assert_int_eq(cluster_register(&c, 0, "web", "a"), 0);
	cluster_wait_equal(&c);
	check_found_out((cluster_leader(&c) + 1) % 3);
}
END_TEST

START_TEST(also_when_it_led)
{
	cluster_form(&c, 3);
	ck_assert_int_eq(cluster_register(&c, 0, "web", "a"), 0);
	cluster_wait_equal(&c);
	check_found_out(cluster_leader(&c));
}
END_TEST

static bool another_leads(struct cluster *k, void *arg)
{
	int leader = cluster_leader(k);

	return leader >= 0 && leader != *(int *)arg;
}

START_TEST(who_differs_gives_up_to_lead)
{
	uint64_t term;
	int i;

	cluster_form(&c, 3);
	i = (cluster_leader(&c) + 1) % 3;
	check_found_out(i);
	term = cluster_status(&c, i).term;
	(void)cluster_change(&c, (i + 1) % 3, CHANGE_TRANSFER, i);
	cluster_wait(&c, another_leads, &i, "another one to lead");
	ck_assert_uint_ge(cluster_status(&c, i).term, term + 2); /* i led between */
	ck_assert_int_eq(cluster_register(&c, i, "web", "later"), 0);
}
END_TEST

static bool is_disputed(struct cluster *k, void *arg)
{
	(void)arg;
	return cluster_view(k, 0, 1).disputed && cluster_view(k, 1, 0).disputed;
}

START_TEST(where_no_majority_says_who_is_wrong_both_say_so)
{
	c.voters = 2;
	cluster_form(&c, 2);
	ck_assert_int_eq(cluster_register(&c, 0, "web", "a"), 0);
	cluster_wait_equal(&c);
	cluster_stop(&c, 1);
	falsify(1);
	cluster_start(&c, 1);
	cluster_wait(&c, is_disputed, NULL, "both to notice");
	for (int k = 0; k < 2; k++) {
		ck_assert(!cluster_status(&c, k).diverged);
		ck_assert(!cluster_view(&c, k, 1 - k).diverged);
	}
}
END_TEST

/* ---- lost entries ------------------------------------------------------ */

/* A copy of the data directory from before, in the place of what there is. */
static void keep_copy(int i)
{
	char command[2 * PATH_MAX];

	snprintf(command, sizeof(command), "cp -r '%s' '%s.copy'", c.dirs[i], c.dirs[i]);
	ck_assert_int_eq(system(command), 0);
}

static void bring_back_copy(int i)
{
	char command[2 * PATH_MAX];

	snprintf(command, sizeof(command), "rm -r '%s' && mv '%s.copy' '%s'", c.dirs[i],
		c.dirs[i], c.dirs[i]);
	ck_assert_int_eq(system(command), 0);
}

static bool is_found_incomplete(struct cluster *k, void *arg)
{
	int i = *(int *)arg;

	return cluster_status(k, i).incomplete &&
		cluster_view(k, (i + 1) % 3, i).incomplete &&
		cluster_view(k, (i + 2) % 3, i).incomplete;
}

/* It takes a read to find out: the leader asks all of them then. */
static void read_until_found(int leader, int i)
{
	uint64_t end = clock_now_ms() + 20000;

	while (!is_found_incomplete(&c, &i)) {
		ck_assert_int_eq(cluster_read(&c, leader), 0);
		ck_assert_msg(clock_now_ms() < end, "nobody notices what is missing");
	}
}

START_TEST(a_member_with_an_older_copy_of_its_data_is_found_out)
{
	int leader, i;

	cluster_form(&c, 3);
	ck_assert_int_eq(cluster_register(&c, 0, "web", "a"), 0);
	cluster_wait_equal(&c);
	leader = cluster_leader(&c);
	i = (leader + 1) % 3;
	cluster_stop(&c, i);
	keep_copy(i);
	cluster_start(&c, i);
	ck_assert_int_eq(cluster_register(&c, i, "web", "b"), 0);
	cluster_wait_equal(&c);
	cluster_stop(&c, i);
	bring_back_copy(i);
	cluster_start(&c, i);
	read_until_found(leader, i);
	ck_assert_int_eq(cluster_leader(&c), leader);
	for (int k = 0; k < 3; k++)
		ck_assert_int_eq(cluster_status(&c, k).incomplete, k == i);
	ck_assert_uint_ge(cluster_view(&c, leader, i).behind, 1);
	ck_assert_int_eq(cluster_register(&c, leader, "web", "c"), 0);
}
END_TEST

/* ---- questions --------------------------------------------------------- */

#define KIND 7

struct asked {
	int member;
	struct replica_question *held; /* answered later */
	bool hold;
};

static void on_question(void *arg, struct replica_question *q)
{
	struct asked *a = arg;
	char text[64];

	ck_assert_uint_eq(q->kind, KIND);
	if (a->hold) {
		a->held = q;
		return;
	}
	snprintf(text, sizeof(text), "%d was asked %.*s by %d", a->member,
		(int)q->question.len, (const char *)q->question.data,
		q->from == cluster_status(&c, a->member).node);
	replica_answer(c.members[a->member], q, 0, bytes_str(text));
}

static struct asked asked[3];

static void listen_all(void)
{
	for (int i = 0; i < 3; i++) {
		asked[i] = (struct asked){.member = i};
		replica_on_ask(c.members[i], c.box, on_question, &asked[i]);
	}
}

struct ask {
	struct replica_ask x; /* first */
	int left;
};

static void on_answer(struct replica_ask *x)
{
	((struct ask *)x)->left = 0;
	loop_stop(c.loop);
}

static bool is_over(struct cluster *k, void *arg)
{
	(void)k;
	return *(int *)arg == 0;
}

static void ask_begin(struct ask *a, int at)
{
	*a = (struct ask){.left = 1};
	a->x.kind = KIND;
	a->x.reply = c.box;
	a->x.done = on_answer;
	buf_put(&a->x.question, "this", 4);
	replica_ask_leader(c.members[at], &a->x);
}

static void ask_end(struct ask *a, int code, const char *answer)
{
	cluster_wait(&c, is_over, &a->left, "an answer");
	ck_assert_int_eq(a->x.code, code);
	if (answer)
		ck_assert(bytes_eq_str(buf_bytes(&a->x.answer), answer));
	buf_fini(&a->x.question);
	buf_fini(&a->x.answer);
}

START_TEST(a_question_of_any_member_is_answered_by_the_leader)
{
	char expected[64];
	struct ask a;
	int leader;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	listen_all();
	for (int i = 0; i < 3; i++) {
		snprintf(expected, sizeof(expected), "%d was asked this by %d", leader,
			i == leader);
		ask_begin(&a, i);
		ask_end(&a, 0, expected);
	}
}
END_TEST

static bool is_held(struct cluster *k, void *arg)
{
	(void)k;
	return ((struct asked *)arg)->held != NULL;
}

/* Who asked may not wait for an answer that cannot come any more. */
START_TEST(a_question_whose_leader_went_is_told_to_be_lost)
{
	struct ask a;
	int leader;

	cluster_form(&c, 3);
	leader = cluster_leader(&c);
	listen_all();
	asked[leader].hold = true;
	ask_begin(&a, (leader + 1) % 3);
	cluster_wait(&c, is_held, &asked[leader], "the question");
	replica_answer(c.members[leader], asked[leader].held, SVCD_EBUSY, BYTES_NONE);
	ask_end(&a, SVCD_EBUSY, NULL);
	asked[leader].held = NULL;
	ask_begin(&a, (leader + 1) % 3);
	cluster_wait(&c, is_held, &asked[leader], "the question");
	ck_assert_int_eq(
		cluster_change(&c, leader, CHANGE_TRANSFER, (leader + 1) % 3), 0);
	ask_end(&a, SVCD_EUNKNOWN, NULL);
	replica_answer(c.members[leader], asked[leader].held, 0, BYTES_NONE);
}
END_TEST

START_TEST(where_nobody_listens_there_is_no_answer)
{
	struct ask a;

	cluster_form(&c, 3);
	ask_begin(&a, 0);
	ask_end(&a, SVCD_ENOLEADER, NULL);
}
END_TEST

/* ---- what one says of another ------------------------------------------ */

#define ROGUE 0x77

/* Somebody who is let in to join, and what it is answered. */
struct rogue {
	struct peers *peers;
	bool up;
	int answers, code;
};

static void rogue_on_up(void *arg, uint64_t node, enum peer_channel channel, bool up)
{
	(void)node;
	((struct rogue *)arg)->up = up && channel == PEER_FORWARD;
}

static void rogue_on_frame(void *arg, uint64_t from, enum peer_channel channel,
	enum peer_kind kind, struct bytes body)
{
	struct rogue *g = arg;
	struct reader in = reader_of(body);

	(void)from, (void)channel;
	if (kind == PEER_BEAT)
		return;
	read_be64(&in);
	if (kind == PEER_PROPOSED) {
		struct outcome o = {0};

		ck_assert_uint_eq(read_varint(&in), 0); /* no index of the log */
		ck_assert(outcome_decode(&in, &o));
		g->code = o.code;
		buf_fini(&o.incarnations);
	} else {
		g->code = -(int)read_varint_max(&in, 1000);
	}
	g->answers++;
}

static void rogue_on_raft(void *arg, struct raft_message *m)
{
	(void)arg, (void)m;
}

static void rogue_on_drained(void *arg, uint64_t node, enum peer_channel channel)
{
	(void)arg, (void)node, (void)channel;
}

static void rogue_on_met(
	void *arg, uint64_t node, const char *name, const char *address, bool joining)
{
	(void)arg, (void)node, (void)name, (void)address, (void)joining;
}

static bool rogue_is_up(struct cluster *k, void *arg)
{
	(void)k;
	return ((struct rogue *)arg)->up;
}

static bool rogue_is_answered(struct cluster *k, void *arg)
{
	(void)k;
	return ((struct rogue *)arg)->answers > 0;
}

static int rogue_sends(
	struct rogue *g, uint64_t of, enum peer_kind kind, struct buf *frame)
{
	g->answers = 0;
	ck_assert_int_eq(
		peers_send(g->peers, of, PEER_FORWARD, kind, buf_bytes(frame)), 0);
	buf_fini(frame);
	cluster_wait(&c, rogue_is_answered, g, "an answer to the rogue");
	return g->code;
}

static int rogue_asks(struct rogue *g, uint64_t of, const struct change_request *q)
{
	struct buf frame = {0};

	buf_put_be64(&frame, 1);
	change_request_put(&frame, q);
	return rogue_sends(g, of, PEER_CHANGE, &frame);
}

/* Removes the record of a member. */
static int rogue_proposes(struct rogue *g, uint64_t of, uint64_t victim)
{
	struct buf frame = {0}, command = {0};

	ck_assert_int_eq(command_member_remove(victim, bytes_str("rogue"),
				 bytes_str("malice"), &command),
		0);
	proposals_put(&frame, 1, buf_bytes(&command));
	buf_fini(&command);
	return rogue_sends(g, of, PEER_PROPOSE, &frame);
}

static void rogue_meets(struct rogue *g, int i)
{
	uint64_t node = cluster_status(&c, i).node;

	ck_assert_int_eq(peers_set_address(g->peers, node, c.peers[i]), 0);
	peers_connect(g->peers, node, PEER_FORWARD);
	g->up = false;
	cluster_wait(&c, rogue_is_up, g, "the rogue to be connected");
}

/* Let in by a cluster of three. */
static void rogue_appears(struct rogue *g)
{
	static const struct peers_events events = {.raft = rogue_on_raft,
		.frame = rogue_on_frame,
		.up = rogue_on_up,
		.drained = rogue_on_drained,
		.met = rogue_on_met};
	struct peers_options o = {.loop = c.loop,
		.node = ROGUE,
		.name = "rogue",
		.events = &events,
		.arg = g};

	cluster_form(&c, 3);
	o.cluster = cluster_status(&c, 0).cluster;
	ck_assert_int_eq(peers_new(&o, &g->peers, NULL), 0);
}

START_TEST(who_is_no_member_can_only_join)
{
	struct rogue g = {0};
	struct change_request q = {.actor = bytes_str("rogue")};
	int leader;
	uint64_t node, victim;

	rogue_appears(&g);
	leader = cluster_wait_leader(&c);
	node = cluster_status(&c, leader).node;
	victim = cluster_status(&c, (leader + 1) % 3).node;
	rogue_meets(&g, leader);
	ck_assert_int_eq(rogue_proposes(&g, node, victim), SVCD_ENOLEADER);
	for (enum peer_kind kind = PEER_READ; kind <= PEER_ASK; kind += 2) {
		struct buf frame = {0};

		buf_put_be64(&frame, 1);
		buf_put_be64(&frame, 1);
		ck_assert_int_eq(rogue_sends(&g, node, kind, &frame), SVCD_ENOLEADER);
	}
	for (q.op = CHANGE_PROMOTE; q.op <= CHANGE_TRANSFER; q.op++) {
		q.node = victim;
		ck_assert_int_eq(rogue_asks(&g, node, &q), SVCD_EDENIED);
	}
	ck_assert_int_eq(cluster_register(&c, leader, "web", "a"), 0);
	ck_assert_int_eq(cluster_wait_leader(&c), leader);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_ne(cluster_view(&c, leader, i).node, 0);
	peers_free(g.peers);
}
END_TEST

START_TEST(nobody_speaks_for_another)
{
	struct rogue g = {0};
	struct change_request q = {.actor = bytes_str("rogue"),
		.name = bytes_str("rogue"),
		.peer = bytes_str("tcp:127.0.0.1:1"),
		.client = bytes_str("")};

	rogue_appears(&g);
	for (int i = 0; i < 3; i++) { /* the leader, and those that pass on */
		uint64_t node = cluster_status(&c, i).node;

		rogue_meets(&g, i);
		q.op = CHANGE_JOIN;
		q.node = ROGUE;
		q.name = bytes_str("other");
		ck_assert_int_eq(rogue_asks(&g, node, &q), SVCD_EDENIED);
		q.name = bytes_str("rogue");
		if (i != cluster_wait_leader(&c))
			continue;
		q.node = ROGUE + 1;
		ck_assert_int_eq(rogue_asks(&g, node, &q), SVCD_EDENIED);
		q.op = CHANGE_ANNOUNCE;
		q.node = cluster_status(&c, (i + 1) % 3).node;
		ck_assert_int_eq(rogue_asks(&g, node, &q), SVCD_EDENIED);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_uint_ne(cluster_view(&c, 0, i).node, 0);
	peers_free(g.peers);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cluster trust");
	TCase *tc = unit_case(s, "trust");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_member_that_differs_from_the_majority_is_found_out);
	tcase_add_test(tc, also_when_it_led);
	tcase_add_test(tc, who_differs_gives_up_to_lead);
	tcase_add_test(tc, where_no_majority_says_who_is_wrong_both_say_so);
	tcase_add_test(tc, a_member_with_an_older_copy_of_its_data_is_found_out);
	tcase_add_test(tc, a_question_of_any_member_is_answered_by_the_leader);
	tcase_add_test(tc, a_question_whose_leader_went_is_told_to_be_lost);
	tcase_add_test(tc, where_nobody_listens_there_is_no_answer);
	tcase_add_test(tc, who_is_no_member_can_only_join);
	tcase_add_test(tc, nobody_speaks_for_another);
	return unit_run(s);
}
