/* replica/peers.h with net/tls.h: members that prove who they are. */
#include "test_certs.h"
#include "test_peers.h"

static struct cert_dir dir;
static struct cert ca, other_ca;

/* Writes files for name, signed by by, and reads them. */
static struct tls *tls_of(const char *name, const struct cert *by)
{
	struct cert c = cert_member(name, by);

	cert_write_all(&dir, name, by, &c);
	cert_free(&c);
	return cert_tls(&dir, name);
}

static void secure_up(struct member *m, uint64_t node, const char *name, struct tls *tls)
{
	struct peers_options o = options_of(m, node, name);

	o.tls = tls;
	member_open(m, &o);
}

/* Two members that can reach each other. */
struct couple {
	struct member a, b;
	struct tls *tls_a, *tls_b;
};

static void couple_up(struct couple *c)
{
	c->tls_a = tls_of("a", &ca);
	c->tls_b = tls_of("b", &ca);
	secure_up(&c->a, 1, "a", c->tls_a);
	secure_up(&c->b, 2, "b", c->tls_b);
	introduce(&c->a, &c->b);
}

static void couple_down(struct couple *c)
{
	peers_free(c->a.peers);
	peers_free(c->b.peers);
	tls_free(c->tls_a);
	tls_free(c->tls_b);
}

static void set_up(void)
{
	loop_up();
	cert_dir_up(&dir);
	ca = cert_authority("our authority");
	other_ca = cert_authority("another authority");
}

static void tear_down(void)
{
	loop_down();
	cert_free(&ca);
	cert_free(&other_ca);
	cert_dir_down(&dir);
}

START_TEST(members_with_certificates_exchange_frames)
{
	struct couple c = {.b.echo = true};
	struct raft_message m = {.type = RAFT_TIMEOUT_NOW, .server_id = 1};

	couple_up(&c);
	connect_all(&c.a, &c.b);
	connect_all(&c.b, &c.a);
	ck_assert_str_eq(c.b.met_name, "a");
	ck_assert_int_eq(
		peers_send(c.a.peers, 2, PEER_FORWARD, PEER_ASK, bytes_str("hi")), 0);
	run_until(loop, &c.a.frames, 1);
	ck_assert_str_eq(c.a.seen[0].text, "hi");
	ck_assert_int_eq(peers_send_raft(c.b.peers, &m), 0);
	run_until(loop, &c.a.rafts, 1);
	ck_assert_uint_eq(c.a.raft.server_id, 2);
	couple_down(&c);
}
END_TEST

START_TEST(the_largest_frame_crosses)
{
	struct couple c = {0};
	struct buf body = {0};

	couple_up(&c);
	connect_all(&c.a, &c.b);
	memset(buf_reserve(&body, PEER_FRAME_BYTES_MAX), 'x', PEER_FRAME_BYTES_MAX);
	ck_assert_int_eq(peers_send(c.a.peers, 2, PEER_BULK, PEER_CHUNK,
				 bytes_of(body.data, PEER_FRAME_BYTES_MAX)),
		0);
	ck_assert_int_eq(peers_send(c.a.peers, 2, PEER_BULK, PEER_CHUNK,
				 bytes_of(body.data, PEER_FRAME_BYTES_MAX)),
		SVCD_EAGAIN);
	run_until(loop, &c.a.drains, 1);
	run_until(loop, &c.b.frames, 1);
	ck_assert_uint_eq(c.b.seen[0].len, PEER_FRAME_BYTES_MAX);
	buf_fini(&body);
	couple_down(&c);
}
END_TEST

START_TEST(a_name_must_be_the_certificates)
{
	struct member a = {0};
	struct member b = {0};
	struct tls *tls_a = tls_of("a", &ca);
	struct tls *tls_b = tls_of("b", &ca);

	secure_up(&a, 1, "boaster", tls_a);
	secure_up(&b, 2, "b", tls_b);
	introduce(&a, &b);
	/* The dialler's, and the acceptor's. */
	expect_trouble(&a, 2,
		"has the certificate of \"a\", but its name is \"boaster\": set member.name");
	expect_trouble(
		&b, 1, "has the certificate of \"a\", but its name is \"boaster\"");
	ck_assert_int_eq(a.ups + b.ups, 0);
	ck_assert_int_eq(b.meets, 0);
	peers_free(a.peers);
	peers_free(b.peers);
	tls_free(tls_a);
	tls_free(tls_b);
}
END_TEST

/* A good certificate, and the node id of another member. */
START_TEST(a_node_id_is_bound_to_its_name)
{
	struct member a = {0};
	struct member thief = {0};
	struct tls *tls_a = tls_of("a", &ca);
	struct tls *tls_c = tls_of("c", &ca);

	secure_up(&a, 1, "a", tls_a);
	secure_up(&thief, 2, "c", tls_c);
	ck_assert_int_eq(peers_set_name(a.peers, 2, "b"), 0);
	introduce(&a, &thief);
	expect_trouble(&thief, 1,
		"node id 0000000000000002 is the member \"b\", and not \"c\": a member "
		"keeps the name of its certificate; for another name remove it");
	expect_trouble(&a, 2, "node id 0000000000000002 is the member \"b\", and not");
	ck_assert_int_eq(a.meets + a.ups + thief.ups, 0);
	/* as its record says it, it is welcome */
	ck_assert_int_eq(peers_set_name(a.peers, 2, "c"), 0);
	connect_all(&thief, &a);
	connect_all(&a, &thief);
	ck_assert_str_eq(peers_name(a.peers, 2), "c");
	peers_free(a.peers);
	peers_free(thief.peers);
	tls_free(tls_a);
	tls_free(tls_c);
}
END_TEST

/* Which node a certificate speaks for the table says, as long as that one runs. */
START_TEST(two_members_with_one_name_are_not_connected)
{
	struct couple c = {0};
	struct member twin = {0};

	couple_up(&c);
	ck_assert_int_eq(peers_set_name(c.a.peers, 2, "b"), 0);
	connect_all(&c.b, &c.a);
	secure_up(&twin, 3, "b", c.tls_b);
	introduce(&c.a, &twin);
	expect_trouble(&twin, 1,
		"there is a member \"b\" already, with node id 0000000000000002, and it "
		"runs: give this one another name");
	expect_trouble(&c.a, 3, "there is a member \"b\" already");
	ck_assert_int_eq(c.a.meets, PEER_CHANNELS);
	peers_free(c.b.peers); /* its successor is let in */
	c.b.peers = NULL;
	connect_all(&twin, &c.a);
	peers_free(twin.peers);
	couple_down(&c);
}
END_TEST

START_TEST(members_of_another_authority_are_refused)
{
	struct member a = {0};
	struct member b = {0};
	struct tls *tls_a = tls_of("a", &other_ca);
	struct tls *tls_b = tls_of("b", &ca);

	secure_up(&a, 1, "a", tls_a);
	secure_up(&b, 2, "b", tls_b);
	introduce(&a, &b);
	expect_trouble(&a, 2, "the certificate of \"b\" is of an unknown authority");
	expect_trouble(&b, 1, "the certificate of \"a\" is of an unknown authority");
	ck_assert_int_eq(a.meets + b.meets, 0);
	peers_free(a.peers);
	peers_free(b.peers);
	tls_free(tls_a);
	tls_free(tls_b);
}
END_TEST

START_TEST(all_members_have_tls_or_none)
{
	struct member secure = {0};
	struct member plain = {0};
	struct tls *tls = tls_of("secure", &ca);

	secure_up(&secure, 1, "secure", tls);
	member_up(&plain, 2, "plain");
	introduce(&secure, &plain);
	expect_trouble(&secure, 2, "it does not speak TLS");
	expect_trouble(&plain, 1, "did not say in time who it is: does it want TLS?");
	ck_assert_int_eq(secure.meets + plain.meets, 0);
	peers_free(secure.peers);
	peers_free(plain.peers);
	tls_free(tls);
}
END_TEST

static void pong(struct member *m, const struct seen *s)
{
	if (s->kind == PEER_PING)
		peers_reply(m->peers, s->from, s->channel, PEER_PONG, bytes_str(s->text));
}

static void exchange(struct couple *c, int rounds)
{
	int wanted = c->a.frames;

	for (int i = 0; i < rounds; i++) {
		ck_assert_int_eq(peers_send(c->a.peers, 2, PEER_RAFT, PEER_PING,
					 bytes_str("still there?")),
			0);
		run_until(loop, &c->a.frames, ++wanted);
	}
}

/* What runs goes on; who connects anew shows and sees the new certificates. */
START_TEST(certificates_are_renewed_under_traffic)
{
	struct couple c = {.b.on_frame = pong};
	struct err e = {0};
	struct cert renewed;

	couple_up(&c);
	connect_all(&c.a, &c.b);
	exchange(&c, 20);
	/* Another authority is trusted as well, then certificates are of that one. */
	for (int step = 0; step < 2; step++) {
		char path[96];

		for (int i = 0; i < 2; i++) {
			const char *file = i == 0 ? "a.ca" : "b.ca";
			FILE *f = fopen(cert_path(&dir, file, path), "w");

			ck_assert_int_eq(PEM_write_X509(f, ca.x509), 1);
			ck_assert_int_eq(PEM_write_X509(f, other_ca.x509), 1);
			fclose(f);
		}
		if (step == 1) {
			renewed = cert_member("b", &other_ca);
			cert_write(&dir, "b.cert", &renewed);
			cert_write_key(&dir, "b.key", &renewed);
			cert_free(&renewed);
		}
		ck_assert_msg(tls_reload(c.tls_a, NULL, &e) == 0, "%s", e.text);
		ck_assert_msg(tls_reload(c.tls_b, NULL, &e) == 0, "%s", e.text);
		exchange(&c, 20);
	}
	ck_assert_int_eq(c.a.downs, 0);
	peers_forget(c.a.peers, 2);
	introduce(&c.a, &c.b);
	connect_all(&c.a, &c.b);
	exchange(&c, 20);
	couple_down(&c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("replica_peer_tls");
	TCase *tc = unit_case(s, "members");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, members_with_certificates_exchange_frames);
	tcase_add_test(tc, the_largest_frame_crosses);
	tcase_add_test(tc, a_name_must_be_the_certificates);
	tcase_add_test(tc, a_node_id_is_bound_to_its_name);
	tcase_add_test(tc, two_members_with_one_name_are_not_connected);
	tcase_add_test(tc, members_of_another_authority_are_refused);
	tcase_add_test(tc, all_members_have_tls_or_none);
	tcase_add_test(tc, certificates_are_renewed_under_traffic);
	return unit_run(s);
}
