/*
 * Members for the tests of the peers, on the loop of the test.
 */
#ifndef TESTS_UNIT_TEST_PEERS_H
#define TESTS_UNIT_TEST_PEERS_H

#include <raft.h>

#include "base/log.h"
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
	int frames, rafts, ups, downs, drains, meets, removals;
	struct seen seen[FRAMES_MAX]; /* the last ones, in a ring */
	struct raft_message raft;     /* the last; entries are gone */
	uint64_t raft_bytes, raft_entries;
	bool echo; /* replies to what comes on the forward channel */
	bool met_joining;
	bool untold; /* does not log that it was removed */
	char met_name[PEER_NAME_MAX + 1];
	char met_address[120];
	void (*on_frame)(struct member *m, const struct seen *s);
};

static struct loop *loop;

static inline void on_raft(void *arg, struct raft_message *m)
{
	struct member *me = arg;

	me->rafts++;
	me->raft = *m;
	if (m->type == RAFT_APPEND_ENTRIES) {
		me->raft_entries += m->append_entries.n_entries;
		for (unsigned i = 0; i < m->append_entries.n_entries; i++)
			me->raft_bytes += m->append_entries.entries[i].buf.len;
	}
}

static inline void on_frame(void *arg, uint64_t from, enum peer_channel channel,
	enum peer_kind kind, struct bytes body)
{
	struct member *me = arg;
	struct seen *s = &me->seen[me->frames % FRAMES_MAX];
	size_t n = body.len < sizeof(s->text) - 1 ? body.len : sizeof(s->text) - 1;

	*s = (struct seen){from, channel, kind, body.len, ""};
	if (n > 0)
		memcpy(s->text, body.data, n);
	me->frames++;
	if (me->echo && kind == PEER_ASK)
		peers_reply(me->peers, from, channel, PEER_ANSWER, body);
	if (me->on_frame != NULL)
		me->on_frame(me, s);
}

static inline void on_up(void *arg, uint64_t node, enum peer_channel channel, bool up)
{
	struct member *me = arg;

	ck_assert_int_eq(peers_connected(me->peers, node, channel), up);
	*(up ? &me->ups : &me->downs) += 1;
}

static inline void on_drained(void *arg, uint64_t node, enum peer_channel channel)
{
	struct member *me = arg;

	(void)node;
	(void)channel;
	me->drains++;
}

static inline void on_met(
	void *arg, uint64_t node, const char *name, const char *address, bool joining)
{
	struct member *me = arg;

	(void)node;
	me->meets++;
	me->met_joining = joining;
	snprintf(me->met_name, sizeof(me->met_name), "%s", name);
	snprintf(me->met_address, sizeof(me->met_address), "%s", address);
}

static inline bool on_removed(void *arg, const char *why)
{
	struct member *me = arg;

	ck_assert_str_ne(why, "");
	me->removals++;
	return !me->untold;
}

static const struct peers_events events = {
	.raft = on_raft,
	.frame = on_frame,
	.up = on_up,
	.drained = on_drained,
	.met = on_met,
	.removed = on_removed,
};

static inline struct peers_options options_of(
	struct member *m, uint64_t node, const char *name)
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

	return o;
}

static inline void member_open(struct member *m, const struct peers_options *o)
{
	struct err e = {0};

	m->node = o->node;
	ck_assert_msg(peers_new(o, &m->peers, &e) == 0, "%s", e.text);
}

static inline void member_up(struct member *m, uint64_t node, const char *name)
{
	struct peers_options o = options_of(m, node, name);

	member_open(m, &o);
}

static inline void introduce(struct member *a, struct member *b)
{
	ck_assert_int_eq(
		peers_set_address(a->peers, b->node, peers_address(b->peers)), 0);
	ck_assert_int_eq(
		peers_set_address(b->peers, a->node, peers_address(a->peers)), 0);
}

static inline void connect_all(struct member *from, const struct member *to)
{
	int wanted = from->ups + PEER_CHANNELS;

	for (int i = 0; i < PEER_CHANNELS; i++)
		peers_connect(from->peers, to->node, (enum peer_channel)i);
	run_until(loop, &from->ups, wanted);
}

/* ---- waiting */

struct condition {
	bool (*holds)(const void *what);
	const void *what;
};

static inline void stop_when_it_holds(void *arg)
{
	const struct condition *c = arg;

	if (c->holds(c->what))
		loop_stop(loop);
}

/* Looked at after each round. */
static inline void run_until_holds(bool (*holds)(const void *what), const void *what)
{
	struct condition c = {holds, what};

	loop_on_idle(loop, stop_when_it_holds, &c);
	loop_run(loop);
	loop_on_idle(loop, NULL, NULL);
}

struct expected {
	const char *text, *words;
};

static inline bool are_there(const void *what)
{
	const struct expected *e = what;

	return strstr(e->text, e->words) != NULL;
}

/* Tries until that is why from does not reach node. */
static inline void expect_trouble(struct member *from, uint64_t node, const char *words)
{
	struct expected e = {peers_trouble(from->peers, node), words};

	peers_connect(from->peers, node, PEER_RAFT);
	run_until_holds(are_there, &e);
}

static inline void expect_words(const char *text, const char *words)
{
	ck_assert_msg(
		strstr(text, words) != NULL, "\"%s\" is not in \"%s\"", words, text);
}

static inline void dial(struct member *from, uint64_t node, const struct member *to)
{
	ck_assert_int_eq(
		peers_set_address(from->peers, node, peers_address(to->peers)), 0);
}

static inline void loop_up(void)
{
	log_set_level(LOG_ERROR);
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
}

static inline void loop_down(void)
{
	loop_free(loop);
}

#endif
