/* replica/stream.h over replica/peers.h: checkpoints through real connections. */
#include <string.h>

#include "base/log.h"
#include "replica/peers.h"
#include "scratch_dir.h"
#include "stream_member.h"
#include "unit.h"

#define MIB ((uint64_t)1 << 20)

static struct scratch scratch;
static struct loop *loop;
static struct timer kick;
static bool (*done)(void); /* ends the loop */
static struct sm a, b;

static void on_raft(void *arg, struct raft_message *m)
{
	(void)arg;
	(void)m;
}

static void on_frame(void *arg, uint64_t from, enum peer_channel channel,
	enum peer_kind kind, struct bytes body)
{
	ck_assert_int_eq(channel, PEER_BULK);
	streams_on_frame(((struct sm *)arg)->streams, from, kind, body);
}

static void on_up(void *arg, uint64_t node, enum peer_channel channel, bool up)
{
	if (channel == PEER_BULK)
		streams_on_up(((struct sm *)arg)->streams, node, up);
}

static void on_drained(void *arg, uint64_t node, enum peer_channel channel)
{
	if (channel == PEER_BULK)
		streams_on_drained(((struct sm *)arg)->streams, node);
}

static void on_met(
	void *arg, uint64_t node, const char *name, const char *address, bool joining)
{
	(void)arg;
	(void)node;
	(void)name;
	(void)address;
	(void)joining;
}

static const struct peers_events events = {
	.raft = on_raft,
	.frame = on_frame,
	.up = on_up,
	.drained = on_drained,
	.met = on_met,
};

static void connect_member(struct sm *m, const char *name)
{
	struct peers_options o = {.loop = loop,
		.cluster = 7,
		.node = m->node,
		.name = name,
		.listen = "tcp:127.0.0.1:0",
		.events = &events,
		.arg = m};
	struct err e = {0};

	ck_assert_msg(peers_new(&o, &m->peers, &e) == 0, "%s", e.text);
	sm_streams(m, loop);
}

static void on_round(void *arg)
{
	(void)arg;
	if (done())
		loop_stop(loop);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void run_until(bool (*condition)(void))
{
	done = condition;
	timer_set(&kick, 0);
	loop_run(loop);
}

static void make_world(void)
{
	log_set_level(LOG_ERROR);
	scratch_make(&scratch);
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(timer_init(&kick, loop, nothing, NULL), 0);
	loop_on_idle(loop, on_round, NULL);
	sm_start(&a, scratch_path(&scratch, "a"), 1);
	sm_start(&b, scratch_path(&scratch, "b"), 2);
	connect_member(&a, "a");
	connect_member(&b, "b");
}

static void end_world(void)
{
	sm_stop(&a);
	sm_stop(&b);
	peers_free(a.peers);
	peers_free(b.peers);
	timer_fini(&kick);
	loop_free(loop);
	scratch_remove(&scratch);
}

static void introduce(void)
{
	ck_assert_int_eq(peers_set_address(a.peers, 2, peers_address(b.peers)), 0);
}

static void lead(size_t kib)
{
	sm_fill(&a, 20, kib);
	sm_checkpoint(&a);
	introduce();
	streams_send(a.streams, 2, 3);
}

static bool b_has_it(void)
{
	return b.staged > 0;
}

static bool b_has_some(void)
{
	struct stream_progress p;

	streams_status(b.streams, 1, &p);
	return p.done > 4 * MIB;
}

static bool a_is_through(void)
{
	struct stream_progress p;

	streams_status(a.streams, 2, &p);
	return !p.active;
}

START_TEST(a_checkpoint_crosses_a_connection)
{
	lead(20000);
	run_until(b_has_it);
	ck_assert_uint_eq(b.info.index, 20);
	ck_assert_uint_eq(sm_digest(&b), sm_digest(&a));
	run_until(a_is_through);
	streams_progress(a.streams, 2, 20, 1);
	ck_assert_uint_eq(streams_keep_index(a.streams), UINT64_MAX);
}
END_TEST

/* The member is gone in the middle, and comes back at another address. */
START_TEST(a_member_that_comes_back_goes_on_where_it_was)
{
	struct stream_progress p;
	uint64_t had;

	lead(20000);
	run_until(b_has_some);
	streams_status(b.streams, 1, &p);
	had = p.done;
	streams_free(b.streams);
	peers_free(b.peers);
	connect_member(&b, "b");
	introduce();
	run_until(b_has_some); /* not from the beginning: it has that at once */
	streams_status(b.streams, 1, &p);
	ck_assert_uint_ge(p.done, had);
	run_until(b_has_it);
	ck_assert_uint_eq(sm_digest(&b), sm_digest(&a));
}
END_TEST

/* A member whose sender goes away and comes back as leader again. */
START_TEST(a_leader_that_comes_back_goes_on_where_it_was)
{
	struct stream_progress p;
	uint64_t had;

	lead(20000);
	run_until(b_has_some);
	streams_status(b.streams, 1, &p);
	had = p.done;
	streams_free(a.streams);
	peers_free(a.peers);
	connect_member(&a, "a");
	introduce();
	streams_send(a.streams, 2, 5);
	run_until(b_has_it);
	ck_assert_uint_ge(b.info.bytes, had);
	ck_assert_uint_eq(b.staged_term, 5);
	ck_assert_uint_eq(sm_digest(&b), sm_digest(&a));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("replica_stream_net");
	TCase *tc = unit_case(s, "net");

	tcase_add_checked_fixture(tc, make_world, end_world);
	tcase_add_test(tc, a_checkpoint_crosses_a_connection);
	tcase_add_test(tc, a_member_that_comes_back_goes_on_where_it_was);
	tcase_add_test(tc, a_leader_that_comes_back_goes_on_where_it_was);
	return unit_run(s);
}
