/* replica/peers.h: several members on one loop, over the loopback interface. */
#include <linux/filter.h>

#include "base/clock.h"
#include "base/rng.h"
#include "replica/peer_codec.h"
#include "replica/peer_hello.h"
#include "test_peers.h"

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

START_TEST(three_members_reach_each_other_on_all_channels)
{
	struct member m[3] = {0};

	for (int i = 0; i < 3; i++)
		member_up(&m[i], 1 + (uint64_t)i, "abc" + i);
	for (int i = 0; i < 3; i++)
		introduce(&m[i], &m[(i + 1) % 3]);
	for (int i = 0; i < 3; i++) {
		connect_all(&m[i], &m[(i + 1) % 3]);
		connect_all(&m[i], &m[(i + 2) % 3]);
	}
	for (int i = 0; i < 3; i++)
		for (int c = 0; c < PEER_CHANNELS; c++)
			for (int to = 1; to <= 2; to++)
				ck_assert_int_eq(
					peers_send(m[i].peers, m[(i + to) % 3].node,
						(enum peer_channel)c, PEER_BEAT,
						bytes_str("x")),
					0);
	for (int i = 0; i < 3; i++)
		run_until(loop, &m[i].frames, 2 * PEER_CHANNELS);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(m[i].downs, 0);
		peers_free(m[i].peers);
	}
}
END_TEST

START_TEST(messages_longer_than_a_frame_arrive_as_several)
{
	enum { N = 7, BYTES = 2 << 20 };
	struct member a = {0};
	struct member b = {0};
	struct raft_entry entries[N];
	char *payload = calloc(1, BYTES);
	struct raft_message m = {
		.type = RAFT_APPEND_ENTRIES,
		.server_id = 2,
		.append_entries = {.prev_log_index = 5,
			.entries = entries,
			.n_entries = N},
	};

	for (int i = 0; i < N; i++)
		entries[i] = (struct raft_entry){
			.term = 1, .type = RAFT_COMMAND, .buf = {payload, BYTES}};
	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	introduce(&a, &b);
	connect_all(&a, &b);
	ck_assert_int_eq(peers_send_raft(a.peers, &m), 0);
	run_until(loop, &b.rafts, 3);
	ck_assert_uint_eq(b.raft_entries, N);
	ck_assert_uint_eq(b.raft_bytes, (uint64_t)N * BYTES);
	ck_assert_uint_eq(b.raft.append_entries.prev_log_index, 5 + 6);
	peers_free(a.peers);
	peers_free(b.peers);
	free(payload);
}
END_TEST

START_TEST(frames_have_a_largest_size)
{
	struct member a = {0};
	struct member b = {0};
	struct buf body = {0};

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	introduce(&a, &b);
	connect_all(&a, &b);
	memset(buf_reserve(&body, PEER_FRAME_BYTES_MAX + 1), 'x',
		PEER_FRAME_BYTES_MAX + 1);
	ck_assert_int_eq(peers_send(a.peers, 2, PEER_BULK, PEER_CHUNK,
				 bytes_of(body.data, PEER_FRAME_BYTES_MAX + 1)),
		SVCD_ETOOBIG);
	ck_assert_int_eq(peers_send(a.peers, 2, PEER_BULK, PEER_CHUNK,
				 bytes_of(body.data, PEER_FRAME_BYTES_MAX)),
		0);
	run_until(loop, &b.frames, 1);
	ck_assert_uint_eq(b.seen[0].len, PEER_FRAME_BYTES_MAX);
	ck_assert_int_eq(a.downs, 0);
	buf_fini(&body);
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

/* The table of members need not know who says hello. */
START_TEST(a_stranger_says_where_it_is)
{
	struct member a = {0};
	struct member b = {.echo = true};

	member_up(&a, 1, "newcomer");
	member_up(&b, 2, "b");
	dial(&a, 2, &b);
	connect_all(&a, &b);
	ck_assert_int_eq(b.meets, PEER_CHANNELS);
	ck_assert(b.met_joining);
	ck_assert_str_eq(b.met_name, "newcomer");
	ck_assert_str_eq(a.met_name, "b");
	ck_assert(!a.met_joining);
	connect_all(&b, &a);
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

START_TEST(a_member_that_went_is_reached_when_it_is_back)
{
	struct member a = {0};
	struct member b = {0};
	struct peers_options o;
	char where[120];

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	introduce(&a, &b);
	connect_all(&a, &b);
	snprintf(where, sizeof(where), "%s", peers_address(b.peers));
	peers_free(b.peers);
	run_until(loop, &a.downs, PEER_CHANNELS);
	expect_trouble(&a, 2, where);
	ck_assert_int_eq(peers_send(a.peers, 2, PEER_RAFT, PEER_PING, BYTES_NONE),
		SVCD_EUNREACHABLE);
	o = options_of(&b, 2, "b");
	o.listen = where;
	member_open(&b, &o);
	run_until(loop, &a.ups, PEER_CHANNELS + 1);
	ck_assert_str_eq(peers_trouble(a.peers, 2), "");
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

START_TEST(a_wish_lasts_until_the_member_is_there)
{
	struct member a = {0};
	struct member b = {0};
	struct peers_options o;
	char where[120];

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	snprintf(where, sizeof(where), "%s", peers_address(b.peers));
	peers_free(b.peers);
	ck_assert_int_eq(peers_set_address(a.peers, 2, where), 0);
	peers_connect(a.peers, 2, PEER_FORWARD);
	run_until_holds(are_there,
		&(struct expected){peers_trouble(a.peers, 2), "Connection refused"});
	ck_assert_int_eq(peers_trouble_code(a.peers, 2), SVCD_EUNREACHABLE);
	o = options_of(&b, 2, "b");
	o.listen = where;
	member_open(&b, &o);
	run_until(loop, &a.ups, 1);
	ck_assert_int_eq(peers_trouble_code(a.peers, 2), 0);
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

START_TEST(addresses_that_lead_nowhere)
{
	struct member a = {0};

	member_up(&a, 1, "a");
	ck_assert_int_eq(peers_set_address(a.peers, 2, "10.0.0.1"), SVCD_EINVAL);
	ck_assert_int_eq(peers_set_address(a.peers, 2, "tcp:"), SVCD_EINVAL);
	ck_assert_int_eq(peers_set_address(a.peers, 1, "tcp:127.0.0.1:1"), SVCD_EINVAL);
	ck_assert_int_eq(peers_set_address(a.peers, 0, "tcp:127.0.0.1:1"), SVCD_EINVAL);
	ck_assert_int_eq(peers_set_address(a.peers, 9, NULL), 0);
	ck_assert_int_eq(peers_send(a.peers, 9, PEER_RAFT, PEER_PING, BYTES_NONE),
		SVCD_EUNREACHABLE);
	ck_assert_str_eq(peers_trouble(a.peers, 9), "");
	ck_assert_int_eq(peers_set_address(a.peers, 2, "tcp:127.0.0.1:1"), 0);
	expect_trouble(&a, 2, "Connection refused");
	ck_assert_int_eq(peers_set_address(a.peers, 3, "tcp:nowhere.invalid:7821"), 0);
	expect_trouble(&a, 3, "nowhere.invalid");
	ck_assert_int_eq(peers_set_address(a.peers, 4, "tcp:10.0.0.1:7821"), 0);
	expect_trouble(&a, 4, "members would talk in the clear at tcp:10.0.0.1:7821");
	ck_assert_int_eq(peers_set_address(a.peers, 5, "tcp:127.0.0.1:1"), 0);
	ck_assert_int_eq(peers_set_address(a.peers, 5, ""), 0);
	expect_trouble(&a, 5, "address is not known");
	peers_free(a.peers);
}
END_TEST

START_TEST(names_of_hosts_are_looked_up)
{
	struct member a = {0};
	struct member b = {0};
	char address[120];

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	snprintf(address, sizeof(address), "tcp:localhost%s",
		strrchr(peers_address(b.peers), ':'));
	ck_assert_int_eq(peers_set_address(a.peers, 2, address), 0);
	connect_all(&a, &b);
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

START_TEST(settings_that_are_refused)
{
	static const struct {
		const char *name, *listen, *advertise;
		int rc;
		const char *words;
	} rows[] = {
		{"", "tcp:127.0.0.1:0", NULL, SVCD_EINVAL, "member.name"},
		{"a\nb", "tcp:127.0.0.1:0", NULL, SVCD_EINVAL, "member.name"},
		{"a", "nonsense", NULL, SVCD_EINVAL, "peers.listen"},
		{"a", "tcp:*:0", NULL, SVCD_EDENIED, "peers.tls.ca"},
		{"a", "tcp:0.0.0.0:0", NULL, SVCD_EDENIED,
			"in the clear at tcp:0.0.0.0:0"},
		{"a", "tcp:127.0.0.1:0", "nonsense", SVCD_EINVAL, "peers.advertise"},
	};
	struct member a = {0};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct peers_options o = options_of(&a, 1, rows[i].name);
		struct err e = {0};
		int rc;

		o.listen = rows[i].listen;
		o.advertise = rows[i].advertise;
		rc = peers_new(&o, &a.peers, &e);
		ck_assert_msg(rc == rows[i].rc, "row %zu: %d %s", i, rc, e.text);
		expect_words(e.text, rows[i].words);
	}
}
END_TEST

START_TEST(anywhere_is_allowed_when_it_is_said)
{
	struct member a = {0};
	struct peers_options o = options_of(&a, 1, "a");
	struct err e = {0};

	o.plain_anywhere = true;
	o.listen = "tcp:*:0";
	ck_assert_int_eq(peers_new(&o, &a.peers, &e), SVCD_EINVAL);
	expect_words(e.text, "set peers.advertise");
	o.advertise = "tcp:a.example:7821";
	member_open(&a, &o);
	ck_assert_str_eq(peers_address(a.peers), "tcp:a.example:7821");
	peers_free(a.peers);
}
END_TEST

START_TEST(an_address_in_use_is_named)
{
	struct member a = {0};
	struct member b = {0};
	struct peers_options o;
	struct err e = {0};

	member_up(&a, 1, "a");
	o = options_of(&b, 2, "b");
	o.listen = peers_address(a.peers);
	ck_assert_int_eq(peers_new(&o, &b.peers, &e), SVCD_EINUSE);
	expect_words(e.text, peers_address(a.peers));
	peers_free(a.peers);
}
END_TEST

/* ---- refusals: both sides in words; here those of the dialler */

START_TEST(another_cluster_is_refused)
{
	struct member a = {0};
	struct member b = {0};
	struct peers_options o = options_of(&b, 2, "b");

	o.cluster = CLUSTER + 1;
	member_up(&a, 1, "a");
	member_open(&b, &o);
	dial(&a, 2, &b);
	expect_trouble(&a, 2, "is of another cluster (00000000000000c2");
	ck_assert_int_eq(b.meets, 0);
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

/* Its removal is known, or not yet. */
START_TEST(who_was_left_behind_by_a_recovery_is_told)
{
	static const struct former before = {.id = {7, CLUSTER}, .n = 2};
	struct member recovered = {0};
	struct member old = {0};
	struct peers_options o = options_of(&recovered, 1, "a");

	o.cluster = CLUSTER + 1;
	o.former = &before;
	member_open(&recovered, &o);
	member_up(&old, 2, "b");
	if (_i == 1)
		peers_forget(recovered.peers, 2);
	dial(&old, 1, &recovered);
	expect_trouble(&old, 1,
		"the cluster was recovered without b and is 00000000000000c2 now: remove "
		"the data directory of b, and start it with --join tcp:");
	run_until(loop, &old.removals, _i);
	ck_assert_int_eq(old.removals, _i);
	ck_assert_int_eq(recovered.meets, 0);
	peers_free(recovered.peers);
	peers_free(old.peers);
}
END_TEST

START_TEST(the_node_id_of_the_other_side_is_refused)
{
	struct member a = {0};
	struct member b = {0};

	member_up(&a, 1, "a");
	member_up(&b, 1, "copy");
	dial(&b, 2, &a);
	expect_trouble(&b, 2, "node id 0000000000000001 is in use by a at tcp:");
	expect_trouble(&b, 2, "a copied data directory?");
	ck_assert_int_eq(peers_trouble_code(b.peers, 2), SVCD_EINUSE);
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

START_TEST(ones_own_address_is_noticed)
{
	struct member a = {0};

	member_up(&a, 1, "a");
	dial(&a, 2, &a);
	expect_trouble(&a, 2, "is this member's own address");
	peers_free(a.peers);
}
END_TEST

START_TEST(another_member_at_the_address_is_noticed)
{
	struct member a = {0};
	struct member b = {0};

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	dial(&a, 3, &b);
	expect_trouble(&a, 3, "is b (0000000000000002), not the member that was meant");
	expect_trouble(&a, 3, "when it lost its data, remove the one that it was");
	ck_assert_int_eq(b.meets, 0);
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

/* Log lines since log_catch. */
static FILE *caught;

static void log_catch(void)
{
	caught = tmpfile();
	ck_assert_ptr_nonnull(caught);
	log_set_fd(fileno(caught));
	log_set_level(LOG_INFO);
}

static int log_caught(const char *event)
{
	char line[1024];
	int n = 0;

	log_set_fd(2);
	log_set_level(LOG_ERROR);
	rewind(caught);
	while (fgets(line, sizeof(line), caught) != NULL)
		n += strstr(line, event) != NULL;
	fclose(caught);
	return n;
}

START_TEST(removed_members_are_refused)
{
	struct member a = {0};
	struct member b = {0};

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	introduce(&a, &b);
	connect_all(&a, &b);
	connect_all(&b, &a);
	peers_forget(a.peers, 2);
	ck_assert(!peers_connected(a.peers, 2, PEER_RAFT));
	run_until(loop, &b.downs, PEER_CHANNELS);
	expect_trouble(&b, 1, "b (0000000000000002) was removed from this cluster");
	ck_assert_int_eq(peers_send(a.peers, 2, PEER_RAFT, PEER_PING, BYTES_NONE),
		SVCD_EUNREACHABLE);
	/* The table of members is right when it names it again. */
	introduce(&a, &b);
	connect_all(&b, &a);
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

/* Who logs that it was removed needs no other advice; who does not needs this one. */
START_TEST(a_removal_is_advised_about_once)
{
	struct member a = {0};
	struct member b = {0};

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	b.untold = _i == 1;
	peers_forget(a.peers, 2);
	dial(&b, 1, &a);
	log_catch();
	expect_trouble(&b, 1, "b (0000000000000002) was removed from this cluster");
	ck_assert_int_ge(b.removals, 1);
	ck_assert_int_eq(log_caught("event=peer_unreachable"), _i);
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

/* Two processes with one node id: the second is refused while the first lives, also when
 * nobody sends anything. */
START_TEST(a_copy_of_a_living_member_is_refused)
{
	struct member a = {0};
	struct member b = {0};
	struct member copy = {0};

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	member_up(&copy, 2, "copy");
	dial(&b, 1, &a);
	dial(&copy, 1, &a);
	peers_connect(b.peers, 1, PEER_RAFT);
	run_until(loop, &b.ups, 1);
	run_for(loop, 1500);
	log_catch();
	expect_trouble(&copy, 1, "node id 0000000000000002 is in use by b at tcp:");
	for (int i = 0; i < 10; i++) { /* it goes on trying */
		peers_connect(copy.peers, 1, PEER_RAFT);
		run_for(loop, 300);
	}
	ck_assert_int_eq(log_caught("level=error event=node_id_in_use"), 1);
	ck_assert_int_eq(b.downs, 0);
	peers_free(b.peers);
	run_until(loop, &copy.ups, 1);
	ck_assert_str_eq(a.met_name, "copy");
	peers_free(a.peers);
	peers_free(copy.peers);
}
END_TEST

/* ---- by hand: what no member of ours would say */

struct hand {
	struct conn *conn;
	struct buf got;
	int closed;
	int frames;
	struct err refusal;
	uint8_t nonce[PEER_NONCE_BYTES];
	uint8_t last; /* kind of the last frame */
};

static void hand_take(struct hand *h, const struct peer_frame *f)
{
	uint16_t protocol;

	h->frames++;
	h->last = f->kind;
	if (f->kind == PEER_CHALLENGE)
		ck_assert_int_eq(peer_get_challenge(f->body, &protocol, h->nonce), 0);
	if (f->kind == PEER_REFUSAL)
		ck_assert_int_eq(peer_get_refusal(f->body, &h->refusal), 0);
}

static ssize_t hand_on_data(struct conn *c, struct bytes in, void *arg)
{
	struct hand *h = arg;
	struct peer_frame f;
	size_t used = 0;
	size_t len;

	(void)c;
	while (peer_frame_next(bytes_of(in.data + used, in.len - used),
		       PEER_FRAME_BYTES_MAX, true, &f, &len) == 0) {
		hand_take(h, &f);
		used += len;
	}
	return (ssize_t)used;
}

static void hand_on_close(struct conn *c, int reason, void *arg)
{
	struct hand *h = arg;

	(void)c;
	(void)reason;
	h->closed++;
	h->conn = NULL;
}

static const struct conn_events hand_events = {
	.on_data = hand_on_data,
	.on_close = hand_on_close,
};

/* Connected, and challenged. */
static void hand_up(struct hand *h, const struct member *to)
{
	struct net_addr at = addr_of(peers_address(to->peers));

	*h = (struct hand){0};
	h->conn = conn_dial(loop, &at, &hand_events, h, NULL);
	ck_assert_ptr_nonnull(h->conn);
	run_until(loop, &h->frames, 1);
	ck_assert_uint_eq(h->last, PEER_CHALLENGE);
}

static void hand_send(struct hand *h, uint8_t kind, struct bytes body)
{
	struct buf out = {0};
	size_t begin = peer_frame_begin(&out, kind);

	buf_put_bytes(&out, body);
	peer_frame_end(&out, begin, true);
	ck_assert_int_eq(conn_write(h->conn, buf_bytes(&out)), 0);
	buf_fini(&out);
}

static struct peer_hello hand_hello(const struct hand *h)
{
	struct peer_hello hello = {
		.protocol = PEER_PROTOCOL,
		.channel = PEER_RAFT,
		.cluster = CLUSTER,
		.node = 7,
		.boot = 70,
		.serial = 1,
		.name = "hand",
	};

	memcpy(hello.nonce, h->nonce, sizeof(hello.nonce));
	return hello;
}

static void hand_write_hello(struct hand *h, const struct peer_hello *hello)
{
	struct buf body = {0};

	peer_put_hello(hello, &body);
	hand_send(h, PEER_HELLO, buf_bytes(&body));
	buf_fini(&body);
}

/* The answer's kind is in h->last. */
static void hand_say(struct hand *h, const struct peer_hello *hello)
{
	hand_write_hello(h, hello);
	run_until(loop, &h->frames, 2);
}

static void hand_down(struct hand *h)
{
	if (h->conn == NULL)
		return;
	conn_close(h->conn, SVCD_ECANCELLED, 0);
	run_until(loop, &h->closed, 1);
}

static void expect_hello_refused(struct member *a, struct hand *h,
	struct peer_hello hello, int code, const char *words)
{
	hand_say(h, &hello);
	ck_assert_uint_eq(h->last, PEER_REFUSAL);
	ck_assert_int_eq(h->refusal.code, code);
	expect_words(h->refusal.text, words);
	run_until(loop, &h->closed, 1);
	ck_assert_int_eq(a->meets, 0);
}

START_TEST(a_hello_that_was_recorded_is_refused)
{
	struct member a = {0};
	struct hand first, second;
	struct peer_hello recorded;

	member_up(&a, 1, "a");
	hand_up(&first, &a);
	recorded = hand_hello(&first);
	hand_up(&second, &a);
	expect_hello_refused(&a, &second, recorded, SVCD_EDENIED, "challenge");
	hand_down(&first);
	peers_free(a.peers);
}
END_TEST

/* An older one, and newer ones. */
static const uint16_t other_protocols[] = {PEER_PROTOCOL - 1, PEER_PROTOCOL + 1, 65535};

START_TEST(another_protocol_is_refused_in_words)
{
	struct member a = {0};
	struct hand h;
	struct peer_hello hello;

	member_up(&a, 1, "a");
	hand_up(&h, &a);
	hello = hand_hello(&h);
	hello.protocol = other_protocols[_i];
	expect_hello_refused(&a, &h, hello, SVCD_EVERSION,
		"speaks protocol 1 with other members, and tcp:");
	expect_words(h.refusal.text, "run versions of svcd that fit together");
	peers_free(a.peers);
}
END_TEST

START_TEST(a_hello_without_a_node_is_refused)
{
	struct member a = {0};
	struct hand h;
	struct peer_hello hello;

	member_up(&a, 1, "a");
	hand_up(&h, &a);
	hello = hand_hello(&h);
	hello.node = 0;
	expect_hello_refused(&a, &h, hello, SVCD_EPROTOCOL, "node id");
	peers_free(a.peers);
}
END_TEST

/* One FIFO for each member: what the older connection still brings is thrown away. */
START_TEST(a_newer_connection_replaces_the_older)
{
	struct member a = {0};
	struct hand older, newer, late;
	struct peer_hello hello;

	member_up(&a, 1, "a");
	hand_up(&older, &a);
	hand_up(&newer, &a);
	hand_up(&late, &a);
	hello = hand_hello(&older);
	hand_say(&older, &hello);
	ck_assert_uint_eq(older.last, PEER_WELCOME);
	hello = hand_hello(&newer);
	hello.serial = 3;
	hand_write_hello(&newer, &hello);
	hand_send(&older, PEER_PING, bytes_str("old"));
	run_until(loop, &newer.frames, 2);
	ck_assert_uint_eq(newer.last, PEER_WELCOME);
	hand_send(&newer, PEER_PING, bytes_str("new"));
	run_until(loop, &a.frames, 1);
	run_until(loop, &older.closed, 1);
	ck_assert_int_eq(a.frames, 1);
	ck_assert_str_eq(a.seen[0].text, "new");
	/* One that was dialled before, and says hello only now. */
	hello = hand_hello(&late);
	hello.serial = 2;
	hand_say(&late, &hello);
	ck_assert_uint_eq(late.last, PEER_REFUSAL);
	ck_assert_int_eq(late.refusal.code, SVCD_ESTALE);
	hand_down(&newer);
	hand_down(&late);
	peers_free(a.peers);
}
END_TEST

/* Not seen to end, but silent: sooner or later the next process of that member gets in.
 */
START_TEST(a_process_that_died_silently_makes_way)
{
	struct member a = {0};
	struct hand dead, living;
	struct peer_hello hello;

	member_up(&a, 1, "a");
	hand_up(&dead, &a);
	hello = hand_hello(&dead);
	hand_say(&dead, &hello);
	do {
		hand_up(&living, &a);
		hello = hand_hello(&living);
		hello.boot = 71;
		hello.channel = PEER_BULK;
		hand_say(&living, &hello);
		if (living.last == PEER_REFUSAL) {
			run_for(loop, 100);
			hand_down(&living);
		}
	} while (living.last == PEER_REFUSAL);
	ck_assert_uint_eq(living.last, PEER_WELCOME);
	run_until(loop, &dead.closed, 1);
	hand_down(&living);
	peers_free(a.peers);
}
END_TEST

START_TEST(frames_out_of_place_end_the_connection)
{
	static const struct {
		enum peer_channel channel;
		uint8_t kind;
		const char *body;
	} rows[] = {
		{PEER_RAFT, PEER_HELLO, ""},
		{PEER_RAFT, 15, ""},
		{PEER_RAFT, PEER_KIND_MAX + 1, ""},
		{PEER_RAFT, PEER_RAFT_FIRST + RAFT_APPEND_ENTRIES, "malformed"},
		{PEER_RAFT, PEER_RAFT_FIRST + RAFT_INSTALL_SNAPSHOT, ""},
		{PEER_BULK, PEER_RAFT_FIRST + RAFT_TIMEOUT_NOW,
			"\1"
			"12345678"
			"12345678"
			"12345678"},
	};
	struct member a = {0};

	member_up(&a, 1, "a");
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct hand h;
		struct peer_hello hello;

		hand_up(&h, &a);
		hello = hand_hello(&h);
		hello.channel = rows[i].channel;
		hello.serial = i + 1;
		hand_say(&h, &hello);
		ck_assert_uint_eq(h.last, PEER_WELCOME);
		hand_send(&h, rows[i].kind, bytes_str(rows[i].body));
		run_until(loop, &h.closed, 1);
	}
	ck_assert_int_eq(a.rafts, 0);
	ck_assert_int_eq(a.frames, 0);
	peers_free(a.peers);
}
END_TEST

START_TEST(damaged_frames_end_the_connection)
{
	static const uint8_t damaged[] = {0, 0, 0, 2, 1, 2, 3, 4, PEER_PING, 'x'};
	struct member a = {0};
	struct hand h;
	struct peer_hello hello;

	member_up(&a, 1, "a");
	hand_up(&h, &a);
	hello = hand_hello(&h);
	hand_say(&h, &hello);
	conn_write(h.conn, bytes_of(damaged, sizeof(damaged)));
	run_until(loop, &h.closed, 1);
	ck_assert_int_eq(a.frames, 0);
	peers_free(a.peers);
}
END_TEST

/* ---- strangers */

START_TEST(random_bytes_end_in_a_closed_connection_and_one_line_a_second)
{
	uint64_t begin_ms = clock_now_ms();
	struct member a = {0};
	struct rng r;
	int lines;

	rng_seed(&r, 1);
	member_up(&a, 1, "a");
	log_catch();
	for (int i = 0; i < 50; i++) {
		uint8_t noise[64];
		struct hand h;

		hand_up(&h, &a);
		for (size_t j = 0; j < sizeof(noise); j++)
			noise[j] = (uint8_t)rng_next(&r);
		noise[0] |= 1; /* or it might be the start of something longer */
		conn_write(h.conn, bytes_of(noise, sizeof(noise)));
		run_until(loop, &h.closed, 1);
	}
	lines = log_caught("peer_refused");
	ck_assert_int_ge(lines, 1);
	ck_assert_int_le(lines, 1 + (int)((clock_now_ms() - begin_ms) / 1000));
	ck_assert_int_eq(a.meets, 0);
	peers_free(a.peers);
}
END_TEST

/* The last comers find a closed door; who does not say hello is put out after the time of
 * the handshake, and who is silent behind it as well; then there is room again. */
START_TEST(strangers_are_bounded_in_number_and_time)
{
	enum { MANY = 64 };
	static struct hand h[MANY];
	struct member a = {0};
	struct hand more = {0};
	struct hand silent;
	struct peer_hello hello;
	struct net_addr at;

	member_up(&a, 1, "a");
	at = addr_of(peers_address(a.peers));
	hand_up(&silent, &a);
	hello = hand_hello(&silent);
	hand_say(&silent, &hello);
	ck_assert_uint_eq(silent.last, PEER_WELCOME);
	for (int i = 0; i < MANY; i++)
		hand_up(&h[i], &a);
	more.conn = conn_dial(loop, &at, &hand_events, &more, NULL);
	run_until(loop, &more.closed, 1);
	ck_assert_int_eq(more.frames, 0);
	for (int i = 0; i < MANY; i++)
		run_until(loop, &h[i].closed, 1);
	run_until(loop, &silent.closed, 1);
	hand_up(&more, &a);
	hand_down(&more);
	peers_free(a.peers);
}
END_TEST

/* ---- who does not read, or does not answer */

struct wall {
	struct listener *listener;
	struct net_addr at;
	int accepted;
	int fd[8];
};

static void wall_on_accept(int fd, void *arg)
{
	struct wall *w = arg;

	if (w->accepted < 8)
		w->fd[w->accepted] = fd;
	else
		close(fd);
	w->accepted++;
}

static void wall_up(struct wall *w)
{
	struct net_addr any = addr_of("tcp:127.0.0.1:0");

	*w = (struct wall){0};
	w->listener = listener_new(loop, &any, 8, wall_on_accept, w, NULL);
	ck_assert_ptr_nonnull(w->listener);
	listener_addr(w->listener, &w->at);
}

static void wall_down(struct wall *w)
{
	listener_free(w->listener);
	for (int i = 0; i < w->accepted && i < 8; i++)
		close(w->fd[i]);
}

/* It accepts and says nothing: on the raft channel the next try comes within little more
 * than a second. */
START_TEST(a_member_that_does_not_answer_is_tried_again)
{
	struct member a = {0};
	struct wall w;

	member_up(&a, 1, "a");
	wall_up(&w);
	ck_assert_int_eq(peers_set_address(a.peers, 2, w.at.text), 0);
	peers_connect(a.peers, 2, PEER_RAFT);
	run_until(loop, &w.accepted, 2);
	expect_words(peers_trouble(a.peers, 2), "did not say in time who it is");
	peers_free(a.peers);
	wall_down(&w);
}
END_TEST

/* The rest of a handshake, by hand, on a raw socket. */
static void wall_welcome(int fd, uint64_t node)
{
	struct peer_welcome w = {
		.cluster = CLUSTER, .node = node, .boot = 9, .name = "wall"};
	uint8_t nonce[PEER_NONCE_BYTES] = {0};
	struct buf body = {0};
	struct buf out = {0};
	size_t begin = peer_frame_begin(&out, PEER_CHALLENGE);

	peer_put_challenge(nonce, &out);
	peer_frame_end(&out, begin, true);
	begin = peer_frame_begin(&out, PEER_WELCOME);
	peer_put_welcome(&w, &out);
	peer_frame_end(&out, begin, true);
	raw_send(fd, out.data, out.len);
	buf_fini(&out);
	buf_fini(&body);
}

/* As if the cable had been cut: nothing that comes to fd is acknowledged any more. */
static void wall_cut(int fd)
{
	struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog filter = {.len = 1, .filter = nothing};

	ck_assert_int_eq(
		setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)), 0);
}

START_TEST(a_member_that_is_cut_off_is_noticed)
{
	struct member a = {0};
	struct wall w;

	member_up(&a, 1, "a");
	wall_up(&w);
	ck_assert_int_eq(peers_set_address(a.peers, 2, w.at.text), 0);
	peers_connect(a.peers, 2, PEER_RAFT);
	run_until(loop, &w.accepted, 1);
	wall_welcome(w.fd[0], 2);
	run_until(loop, &a.ups, 1);
	wall_cut(w.fd[0]);
	run_until(loop, &a.downs, 1);
	expect_words(peers_trouble(a.peers, 2), "does not answer any more");
	peers_connect(a.peers, 2, PEER_RAFT);
	run_until(loop, &w.accepted, 2);
	peers_free(a.peers);
	wall_down(&w);
}
END_TEST

static size_t drink(int fd)
{
	static char sink[1 << 16];
	size_t all = 0;
	ssize_t n;

	while ((n = recv(fd, sink, sizeof(sink), MSG_DONTWAIT)) > 0)
		all += (size_t)n;
	return all;
}

struct drinker {
	int fd;
	const struct member *m;
};

static bool has_drained(const void *what)
{
	const struct drinker *d = what;

	drink(d->fd);
	return d->m->drains > 0;
}

/* A member that stopped reading: its connection stays, what waits for it is bounded, and
 * it gets all of it when it goes on. */
START_TEST(output_to_a_slow_member_is_bounded)
{
	enum { CHUNK = 1 << 20 };
	struct member a = {0};
	char *payload = calloc(1, CHUNK);
	struct drinker d;
	struct wall w;
	int sent = 0;
	int rc;

	member_up(&a, 1, "a");
	wall_up(&w);
	ck_assert_int_eq(peers_set_address(a.peers, 2, w.at.text), 0);
	peers_connect(a.peers, 2, PEER_RAFT);
	run_until(loop, &w.accepted, 1);
	wall_welcome(w.fd[0], 2);
	run_until(loop, &a.ups, 1);
	while ((rc = peers_send(a.peers, 2, PEER_RAFT, PEER_BEAT,
			bytes_of(payload, CHUNK))) == 0) {
		sent++;
		run_for(loop, 1);
	}
	ck_assert_int_eq(rc, SVCD_EAGAIN);
	ck_assert_uint_le(peers_pending(a.peers, 2, PEER_RAFT), 16 << 20);
	ck_assert_uint_gt(peers_pending(a.peers, 2, PEER_RAFT), 14 << 20);
	run_for(loop, 2000);
	ck_assert(peers_connected(a.peers, 2, PEER_RAFT));
	ck_assert_int_eq(a.drains, 0);
	d = (struct drinker){w.fd[0], &a};
	run_until_holds(has_drained, &d);
	ck_assert_uint_eq(peers_pending(a.peers, 2, PEER_RAFT), 0);
	ck_assert_int_eq(
		peers_send(a.peers, 2, PEER_RAFT, PEER_BEAT, bytes_of(payload, 1)), 0);
	ck_assert_int_ge(sent, 15);
	peers_free(a.peers);
	wall_down(&w);
	free(payload);
}
END_TEST

/* ---- owners that change their mind within a callback */

static void forget_sender(struct member *m, const struct seen *s)
{
	peers_forget(m->peers, s->from);
}

static void free_all(struct member *m, const struct seen *s)
{
	(void)s;
	peers_free(m->peers);
	m->peers = NULL;
}

START_TEST(a_callback_may_forget_the_sender)
{
	struct member a = {0};
	struct member b = {.on_frame = forget_sender};

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	introduce(&a, &b);
	connect_all(&a, &b);
	for (int i = 0; i < 3; i++)
		peers_send(a.peers, 2, PEER_RAFT, PEER_PING, bytes_str("x"));
	run_until(loop, &a.downs, PEER_CHANNELS);
	ck_assert_int_eq(b.frames, 1);
	peers_free(a.peers);
	peers_free(b.peers);
}
END_TEST

START_TEST(a_callback_may_free_everything)
{
	struct member a = {0};
	struct member b = {.on_frame = free_all};

	member_up(&a, 1, "a");
	member_up(&b, 2, "b");
	introduce(&a, &b);
	connect_all(&a, &b);
	connect_all(&b, &a);
	for (int i = 0; i < 3; i++)
		peers_send(a.peers, 2, PEER_RAFT, PEER_PING, bytes_str("x"));
	run_until(loop, &a.downs, PEER_CHANNELS);
	ck_assert_int_eq(b.frames, 1);
	ck_assert_ptr_null(b.peers);
	peers_free(a.peers);
}
END_TEST

/* ---- discovery: a member on a thread of its own */

struct hermit {
	pthread_t thread;
	struct loop *loop;
	struct member m;
};

static void *hermit_main(void *arg)
{
	struct hermit *h = arg;

	loop_run(h->loop);
	return NULL;
}

static void hermit_up(struct hermit *h, uint64_t node, const char *name)
{
	struct peers_options o = options_of(&h->m, node, name);

	h->loop = loop_new();
	o.loop = h->loop;
	member_open(&h->m, &o);
	ck_assert_int_eq(pthread_create(&h->thread, NULL, hermit_main, h), 0);
}

static void hermit_down(struct hermit *h)
{
	loop_stop(h->loop);
	pthread_join(h->thread, NULL);
	peers_free(h->m.peers);
	loop_free(h->loop);
}

START_TEST(a_newcomer_finds_the_cluster)
{
	struct hermit h = {0};
	struct peer_found found = {0};
	struct err e = {0};
	const char *addresses[] = {"tcp:127.0.0.1:1", "nonsense", NULL};

	hermit_up(&h, 5, "hermit");
	addresses[2] = peers_address(h.m.peers);
	ck_assert_msg(
		peers_discover(addresses, 3, NULL, false, 5000, NULL, &found, &e) == 0,
		"%s", e.text);
	ck_assert_uint_eq(found.cluster, CLUSTER);
	ck_assert_uint_eq(found.node, 5);
	ck_assert_str_eq(found.name, "hermit");
	ck_assert_str_eq(found.address, addresses[2]);
	hermit_down(&h);
	ck_assert_int_eq(h.m.meets, 0);
}
END_TEST

START_TEST(a_newcomer_hears_of_every_address_why_not)
{
	static const char *const addresses[] = {
		"tcp:127.0.0.1:1", "nonsense", "tcp:10.1.2.3:4", "tcp:nowhere.invalid"};
	struct peer_found found = {0};
	struct err e = {0};

	ck_assert_int_eq(
		peers_discover(addresses, 1, NULL, false, 5000, NULL, &found, &e),
		SVCD_EUNREACHABLE);
	expect_words(e.text, "tcp:127.0.0.1:1: Connection refused");
	ck_assert_int_ne(
		peers_discover(addresses, 4, NULL, false, 5000, NULL, &found, &e), 0);
	expect_words(e.text, "Connection refused; ");
	expect_words(e.text, "\"nonsense\" does not begin with");
	expect_words(e.text, "in the clear");
	ck_assert_int_eq(peers_discover(NULL, 0, NULL, false, 5000, NULL, &found, &e),
		SVCD_EINVAL);
	ck_assert_uint_eq(found.node, 0);
}
END_TEST

static void *stop_soon(void *arg)
{
	*(_Atomic bool *)arg = true;
	return NULL;
}

/* Nobody answers, but there is no need to wait for the time limit. */
START_TEST(a_search_can_be_ended)
{
	_Atomic bool stop = false;
	struct peer_found found = {0};
	struct err e = {0};
	const char *addresses[1];
	pthread_t thread;
	struct wall w;

	wall_up(&w);
	addresses[0] = w.at.text;
	ck_assert_int_eq(pthread_create(&thread, NULL, stop_soon, &stop), 0);
	ck_assert_int_ne(
		peers_discover(addresses, 1, NULL, false, 600000, &stop, &found, &e), 0);
	pthread_join(thread, NULL);
	wall_down(&w);
}
END_TEST

START_TEST(a_search_has_a_time_limit)
{
	struct peer_found found = {0};
	struct err e = {0};
	const char *addresses[1];
	struct wall w;

	wall_up(&w);
	addresses[0] = w.at.text;
	ck_assert_int_eq(peers_discover(addresses, 1, NULL, false, 200, NULL, &found, &e),
		SVCD_EUNREACHABLE);
	expect_words(e.text, "there was no answer in time: when its cluster uses TLS");
	wall_down(&w);
}
END_TEST

/* ---- two threads */

static void echo_ping(struct member *m, const struct seen *s)
{
	if (s->kind == PEER_PING)
		peers_reply(m->peers, s->from, PEER_RAFT, PEER_PONG, bytes_str(s->text));
}

START_TEST(members_on_two_threads)
{
	enum { ROUNDS = 2000, WINDOW = 30 };
	struct hermit h = {.m = {.on_frame = echo_ping}};
	struct member a = {0};

	member_up(&a, 1, "a");
	hermit_up(&h, 2, "hermit");
	dial(&a, 2, &h.m);
	connect_all(&a, &h.m);
	for (int sent = 0; sent < ROUNDS; sent++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", sent);
		ck_assert_int_eq(
			peers_send(a.peers, 2, PEER_RAFT, PEER_PING, bytes_str(text)), 0);
		run_until(loop, &a.frames, sent - WINDOW);
	}
	run_until(loop, &a.frames, ROUNDS);
	ck_assert_str_eq(a.seen[(ROUNDS - 1) % FRAMES_MAX].text, "1999");
	ck_assert_int_eq(a.seen[0].kind, PEER_PONG);
	hermit_down(&h);
	peers_free(a.peers);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("replica_peers");
	TCase *tc = unit_case(s, "members");

	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, two_members_exchange_frames);
	tcase_add_test(tc, raft_messages_arrive_with_their_sender);
	tcase_add_test(tc, three_members_reach_each_other_on_all_channels);
	tcase_add_test(tc, messages_longer_than_a_frame_arrive_as_several);
	tcase_add_test(tc, frames_have_a_largest_size);
	tcase_add_test(tc, a_stranger_says_where_it_is);
	tcase_add_test(tc, a_member_that_went_is_reached_when_it_is_back);
	tcase_add_test(tc, a_wish_lasts_until_the_member_is_there);
	tcase_add_test(tc, members_on_two_threads);
	tcase_add_test(tc, a_callback_may_forget_the_sender);
	tcase_add_test(tc, a_callback_may_free_everything);

	tc = unit_case(s, "addresses");
	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, addresses_that_lead_nowhere);
	tcase_add_test(tc, names_of_hosts_are_looked_up);
	tcase_add_test(tc, settings_that_are_refused);
	tcase_add_test(tc, anywhere_is_allowed_when_it_is_said);
	tcase_add_test(tc, an_address_in_use_is_named);

	tc = unit_case(s, "refusals");
	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, another_cluster_is_refused);
	tcase_add_loop_test(tc, who_was_left_behind_by_a_recovery_is_told, 0, 2);
	tcase_add_test(tc, the_node_id_of_the_other_side_is_refused);
	tcase_add_test(tc, ones_own_address_is_noticed);
	tcase_add_test(tc, another_member_at_the_address_is_noticed);
	tcase_add_test(tc, removed_members_are_refused);
	tcase_add_loop_test(tc, a_removal_is_advised_about_once, 0, 2);
	tcase_add_test(tc, a_copy_of_a_living_member_is_refused);
	tcase_add_test(tc, a_hello_that_was_recorded_is_refused);
	tcase_add_loop_test(tc, another_protocol_is_refused_in_words, 0,
		sizeof(other_protocols) / sizeof(other_protocols[0]));
	tcase_add_test(tc, a_hello_without_a_node_is_refused);
	tcase_add_test(tc, a_newer_connection_replaces_the_older);
	tcase_add_test(tc, a_process_that_died_silently_makes_way);
	tcase_add_test(tc, frames_out_of_place_end_the_connection);
	tcase_add_test(tc, damaged_frames_end_the_connection);
	tcase_add_test(tc, random_bytes_end_in_a_closed_connection_and_one_line_a_second);
	tcase_add_test(tc, strangers_are_bounded_in_number_and_time);

	tc = unit_case(s, "slow");
	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, a_member_that_does_not_answer_is_tried_again);
	tcase_add_test(tc, a_member_that_is_cut_off_is_noticed);
	tcase_add_test(tc, output_to_a_slow_member_is_bounded);

	tc = unit_case(s, "discovery");
	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, a_newcomer_finds_the_cluster);
	tcase_add_test(tc, a_newcomer_hears_of_every_address_why_not);
	tcase_add_test(tc, a_search_can_be_ended);
	tcase_add_test(tc, a_search_has_a_time_limit);
	return unit_run(s);
}
