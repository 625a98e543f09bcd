/* replica/peers.h: several members on one loop, over the loopback interface. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <raft.h>

#include "base/log.h"
#include "replica/peer_codec.h"
#include "replica/peer_hello.h"
#include "replica/peers.h"
#include "test_net.h"

enum { CLUSTER = 0xc1, FRAMES_MAX = 64 };

struct seen {
	uint64_t from;
	enum peer_channel channel;
	int kind;
	size_t len;
	char text[64]; /* start of the body */
};

/* A member, and all that happened to it. */
struct member {
	struct peers *peers;
	uint64_t node;
	int frames, rafts, ups, downs, drains, meets;
	struct seen seen[FRAMES_MAX]; /* the last ones, in a ring */
	struct raft_message raft;     /* the last; entries are gone */
	uint64_t raft_bytes, raft_entries;
	bool echo; /* replies to what comes on the forward channel */
	bool met_joining;
	char met_name[PEER_NAME_MAX + 1];
	char met_address[120];
	void (*on_frame)(struct member *m, const struct seen *s);
};

static struct loop *loop;
static int changes; /* anything happened anywhere */

static void note(void)
{
	changes++;
}

static void on_raft(void *arg, struct raft_message *m)
{
	struct member *me = arg;

	me->rafts++;
	me->raft = *m;
	if (m->type == RAFT_APPEND_ENTRIES) {
		me->raft_entries += m->append_entries.n_entries;
		for (unsigned i = 0; i < m->append_entries.n_entries; i++)
			me->raft_bytes += m->append_entries.entries[i].buf.len;
	}
	note();
}

static void on_frame(void *arg, uint64_t from, enum peer_channel channel,
	enum peer_kind kind, struct bytes body)
{
	struct member *me = arg;
	struct seen *s = &me->seen[me->frames % FRAMES_MAX];
	size_t n = body.len < sizeof(s->text) - 1 ? body.len : sizeof(s->text) - 1;

	*s = (struct seen){from, channel, kind, body.len, ""};
	if (n > 0)
		memcpy(s->text, body.data, n);
	me->frames++;
	note();
	if (me->echo && kind == PEER_ASK)
		peers_reply(me->peers, from, channel, PEER_ANSWER, body);
	if (me->on_frame != NULL)
		me->on_frame(me, s);
}

static void on_up(void *arg, uint64_t node, enum peer_channel channel, bool up)
{
	struct member *me = arg;

	ck_assert_int_eq(peers_connected(me->peers, node, channel), up);
	*(up ? &me->ups : &me->downs) += 1;
	note();
}

static void on_drained(void *arg, uint64_t node, enum peer_channel channel)
{
	struct member *me = arg;

	(void)node;
	(void)channel;
	me->drains++;
	note();
}

static void on_met(
	void *arg, uint64_t node, const char *name, const char *address, bool joining)
{
	struct member *me = arg;

	(void)node;
	me->meets++;
	me->met_joining = joining;
	snprintf(me->met_name, sizeof(me->met_name), "%s", name);
	snprintf(me->met_address, sizeof(me->met_address), "%s", address);
	note();
}

static const struct peers_events events = {
	.raft = on_raft,
	.frame = on_frame,
	.up = on_up,
	.drained = on_drained,
	.met = on_met,
};

static void member_up(struct member *m, uint64_t node, const char *name)
{
	struct peers_options o = {
		.loop = loop,
		.cluster = CLUSTER,
		.node = node,
		.name = name,
		.listen = "tcp:127.0.0.1:0",
		.events = &events,
		.arg = m,
	};
	struct err e = {0};

	m->node = node;
	ck_assert_msg(peers_new(&o, &m->peers, &e) == 0, "%s", e.text);
}

static void introduce(struct member *a, struct member *b)
{
	ck_assert_int_eq(
		peers_set_address(a->peers, b->node, peers_address(b->peers)), 0);
	ck_assert_int_eq(
		peers_set_address(b->peers, a->node, peers_address(a->peers)), 0);
}

static void connect_all(struct member *from, const struct member *to)
{
	int wanted = from->ups + PEER_CHANNELS;

	for (int i = 0; i < PEER_CHANNELS; i++)
		peers_connect(from->peers, to->node, (enum peer_channel)i);
	run_until(loop, &from->ups, wanted);
}

static void loop_up(void)
{
	log_set_level(LOG_ERROR);
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
}

static void loop_down(void)
{
	loop_free(loop);
}

START_TEST(two_members_exchange_frames)
{
	struct member a = {0};
	struct member b = {.echo = true};

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	introduce(&a, &b);
	ck_assert_int_eq(peers_send(a.peers, 2, PEER_FORWARD, PEER_ASK, bytes_str("hi")),
		SVCD_EUNREACHABLE);
	run_until(loop, &a.ups, 1);
	ck_assert_str_eq(peers_trouble(a.peers, 2), "");
	ck_assert_int_eq(
		peers_send(a.peers, 2, PEER_FORWARD, PEER_ASK, bytes_str("hi")), 0);
	run_until(loop, &a.frames, 1);
	ck_assert_int_eq(b.seen[0].kind, PEER_ASK);
	ck_assert_uint_eq(b.seen[0].from, 1);
	ck_assert_str_eq(b.seen[0].text, "hi");
	ck_assert_int_eq(a.seen[0].kind, PEER_ANSWER);
	ck_assert_str_eq(a.seen[0].text, "hi");
	ck_assert_str_eq(b.met_name, "a");
	ck_assert(!b.met_joining);
	ck_assert_str_eq(b.met_address, peers_address(a.peers));
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

START_TEST(raft_messages_arrive_with_their_sender)
{
	struct member a = {0};
	struct member b = {0};
	char payload[] = "abc";
	struct raft_entry entries[2] = {
		{.term = 3, .type = RAFT_COMMAND, .buf = {.base = payload, .len = 3}},
		{.term = 4, .type = RAFT_BARRIER},
	};
	struct raft_message m = {
		.type = RAFT_APPEND_ENTRIES,
		.server_id = 2,
		.append_entries = {.term = 4, .entries = entries, .n_entries = 2},
	};

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	introduce(&a, &b);
	connect_all(&a, &b);
	ck_assert_int_eq(peers_send_raft(a.peers, &m), 0);
	run_until(loop, &b.rafts, 1);
	ck_assert_uint_eq(b.raft.server_id, 1);
	ck_assert_uint_eq(b.raft_entries, 2);
	ck_assert_uint_eq(b.raft_bytes, 3);
	m.type = RAFT_INSTALL_SNAPSHOT;
	ck_assert_int_eq(peers_send_raft(a.peers, &m), SVCD_EINVAL);
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("replica_peers");
	TCase *tc = unit_case(s, "members");

	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, two_members_exchange_frames);
	tcase_add_test(tc, raft_messages_arrive_with_their_sender);
	return unit_run(s);
}
