/* net/tls.h: files, handshakes and what goes wrong in them, connections. */
#include <errno.h>
#include <openssl/ssl.h>

#include "base/rng.h"
#include "test_certs.h"
#include "test_net.h"

static struct loop *loop;
static int happened; /* anything, on any side */
static struct cert_dir dir;
static struct cert ca, other_ca;
static struct tls *tls_a, *tls_b;

/* One end of a connection, and what happened to it. */
struct side {
	struct conn *conn;
	struct buf got;
	int opened, drained, closed;
	int reason, os_error;
	char name[64], trouble[ERR_TEXT_MAX];
	bool echo;
	size_t take_max; /* on_data takes no more at a time; 0: all */
};

static ssize_t on_data(struct conn *c, struct bytes in, void *arg)
{
	struct side *s = arg;
	size_t n = s->take_max != 0 && in.len > s->take_max ? s->take_max : in.len;

	ck_assert_int_eq(s->opened, 1);
	buf_put(&s->got, in.data, n);
	happened++;
	if (s->echo)
		conn_write(c, bytes_of(in.data, n));
	return (ssize_t)n;
}

static void on_drained(struct conn *c, void *arg)
{
	struct side *s = arg;

	(void)c;
	s->drained++;
	happened++;
}

static void on_open(struct conn *c, void *arg)
{
	struct side *s = arg;

	s->opened++;
	happened++;
	snprintf(s->name, sizeof(s->name), "%s", conn_peer_name(c));
}

static void on_close(struct conn *c, int reason, void *arg)
{
	struct side *s = arg;

	s->closed++;
	happened++;
	s->reason = reason;
	s->os_error = conn_errno(c);
	snprintf(s->trouble, sizeof(s->trouble), "%s", conn_tls_trouble(c));
	s->conn = NULL;
}

static const struct conn_events events = {
	.on_data = on_data,
	.on_drained = on_drained,
	.on_open = on_open,
	.on_close = on_close,
};

/* ---- listening */

struct door {
	struct listener *listener;
	struct net_addr at;
	struct tls *tls;
	struct side *side;
	int accepted;
};

static void on_accept(int fd, void *arg)
{
	struct door *d = arg;

	d->accepted++;
	d->side->conn = conn_adopt_tls(loop, fd, d->tls, &events, d->side);
	ck_assert_ptr_nonnull(d->side->conn);
}

static void door_open(struct door *d, struct tls *tls, struct side *side)
{
	struct net_addr any = addr_of("tcp:127.0.0.1:0");
	struct err e = {0};

	*d = (struct door){.tls = tls, .side = side};
	d->listener = listener_new(loop, &any, 8, on_accept, d, &e);
	ck_assert_msg(d->listener != NULL, "%s", e.text);
	listener_addr(d->listener, &d->at);
}

static void side_dial(struct side *s, const struct door *d, struct tls *tls)
{
	struct err e = {0};

	s->conn = conn_dial_tls(loop, &d->at, tls, &events, s, &e);
	ck_assert_msg(s->conn != NULL, "%s", e.text);
}

static void side_end(struct side *s)
{
	if (s->conn != NULL) {
		conn_close(s->conn, SVCD_ECANCELLED, 0);
		run_until(loop, &s->closed, 1);
	}
	buf_fini(&s->got);
}

/* Both are open. */
static void pair_up(struct door *d, struct side *dials, struct side *accepts)
{
	door_open(d, tls_b, accepts);
	side_dial(dials, d, tls_a);
	run_until(loop, &dials->opened, 1);
	run_until(loop, &accepts->opened, 1);
}

static void pair_down(struct door *d, struct side *dials, struct side *accepts)
{
	side_end(dials);
	side_end(accepts);
	listener_free(d->listener);
}

static void run_until_got(struct side *s, size_t bytes)
{
	while (s->got.len < bytes && s->closed == 0)
		run_until(loop, &happened, happened + 1);
	ck_assert_uint_eq(s->got.len, bytes);
}

static void set_up(void)
{
	struct cert a, b;

	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
	cert_dir_up(&dir);
	ca = cert_authority("our authority");
	other_ca = cert_authority("another authority");
	a = cert_member("a.example", &ca);
	b = cert_member("b.example", &ca);
	cert_write_all(&dir, "a", &ca, &a);
	cert_write_all(&dir, "b", &ca, &b);
	cert_free(&a);
	cert_free(&b);
	tls_a = cert_tls(&dir, "a");
	tls_b = cert_tls(&dir, "b");
}

static void tear_down(void)
{
	loop_free(loop);
	tls_free(tls_a);
	tls_free(tls_b);
	cert_free(&ca);
	cert_free(&other_ca);
	cert_dir_down(&dir);
}

/* ---- connections */

START_TEST(both_sides_open_and_know_the_others_name)
{
	struct side dials = {0};
	struct side accepts = {0};
	struct door d;

	pair_up(&d, &dials, &accepts);
	ck_assert_str_eq(dials.name, "b.example");
	ck_assert_str_eq(accepts.name, "a.example");
	ck_assert_int_eq(dials.opened, 1);
	ck_assert_int_eq(accepts.opened, 1);
	pair_down(&d, &dials, &accepts);
}
END_TEST

START_TEST(what_is_written_before_open_is_sent_after_it)
{
	struct side dials = {0};
	struct side accepts = {.echo = true};
	struct door d;

	door_open(&d, tls_b, &accepts);
	side_dial(&dials, &d, tls_a);
	ck_assert_int_eq(conn_write(dials.conn, bytes_str("early")), 0);
	run_until_got(&dials, 5);
	ck_assert(bytes_eq_str(buf_bytes(&dials.got), "early"));
	pair_down(&d, &dials, &accepts);
}
END_TEST

static void fill(struct buf *b, size_t len, uint64_t seed)
{
	struct rng r;

	rng_seed(&r, seed);
	while (b->len < len)
		buf_put_be64(b, rng_next(&r));
	b->len = len;
}

/* Much more than the kernel takes, in both directions, read in odd pieces. */
START_TEST(megabytes_cross_in_both_directions)
{
	enum { BYTES = 6000000 };
	struct side dials = {.take_max = 70001};
	struct side accepts = {0};
	struct buf there = {0};
	struct buf back = {0};
	struct door d;

	fill(&there, BYTES, 1);
	fill(&back, BYTES, 2);
	pair_up(&d, &dials, &accepts);
	conn_set_limits(dials.conn, BYTES, BYTES);
	conn_set_limits(accepts.conn, BYTES, BYTES);
	ck_assert_int_eq(conn_write(dials.conn, buf_bytes(&there)), 0);
	ck_assert_int_eq(conn_write(accepts.conn, buf_bytes(&back)), 0);
	while (dials.got.len < BYTES || accepts.got.len < BYTES)
		run_until(loop, &happened, happened + 1);
	ck_assert(bytes_eq(buf_bytes(&dials.got), buf_bytes(&back)));
	ck_assert(bytes_eq(buf_bytes(&accepts.got), buf_bytes(&there)));
	buf_fini(&there);
	buf_fini(&back);
	pair_down(&d, &dials, &accepts);
}
END_TEST

START_TEST(a_reader_that_pauses_gets_all_when_it_goes_on)
{
	enum { BYTES = 20000000 };
	struct side dials = {0};
	struct side accepts = {0};
	struct buf there = {0};
	struct door d;

	fill(&there, BYTES, 3);
	pair_up(&d, &dials, &accepts);
	conn_pause(accepts.conn, true);
	conn_set_limits(dials.conn, BYTES, BYTES);
	ck_assert_int_eq(conn_write(dials.conn, buf_bytes(&there)), 0);
	run_for(loop, 50);
	ck_assert_uint_eq(accepts.got.len, 0);
	ck_assert_uint_gt(conn_pending(dials.conn), 0);
	conn_pause(accepts.conn, false);
	run_until(loop, &dials.drained, 1);
	run_until_got(&accepts, BYTES);
	ck_assert(bytes_eq(buf_bytes(&accepts.got), buf_bytes(&there)));
	buf_fini(&there);
	pair_down(&d, &dials, &accepts);
}
END_TEST

/* A read that was full ends within a record: what the library still holds makes no
 * descriptor readable. */
START_TEST(what_the_library_holds_already_is_delivered)
{
	enum { FIRST = 50, SECOND = 65536 }; /* the loop's scratch buffer has 65536 */
	struct side dials = {0};
	struct side accepts = {0};
	struct buf there = {0};
	struct door d;

	fill(&there, FIRST + SECOND, 5);
	pair_up(&d, &dials, &accepts);
	conn_pause(accepts.conn, true);
	ck_assert_int_eq(conn_send_now(dials.conn, bytes_of(there.data, FIRST)), 0);
	ck_assert_int_eq(
		conn_send_now(dials.conn, bytes_of(there.data + FIRST, SECOND)), 0);
	ck_assert_uint_eq(conn_pending(dials.conn), 0);
	run_for(loop, 5);
	conn_pause(accepts.conn, false);
	run_until_got(&accepts, FIRST + SECOND);
	ck_assert(bytes_eq(buf_bytes(&accepts.got), buf_bytes(&there)));
	buf_fini(&there);
	pair_down(&d, &dials, &accepts);
}
END_TEST

START_TEST(what_was_written_before_a_lingering_end_arrives)
{
	enum { BYTES = 2000000 };
	struct side dials = {0};
	struct side accepts = {0};
	struct buf there = {0};
	struct door d;

	fill(&there, BYTES, 4);
	pair_up(&d, &dials, &accepts);
	ck_assert_int_eq(conn_write(dials.conn, buf_bytes(&there)), 0);
	conn_close(dials.conn, SVCD_ESHUTDOWN, 5000);
	run_until(loop, &accepts.closed, 1);
	ck_assert_int_eq(accepts.reason, SVCD_ECLOSED);
	ck_assert_uint_eq(accepts.got.len, BYTES);
	ck_assert_str_eq(accepts.trouble, "");
	run_until(loop, &dials.closed, 1);
	ck_assert_int_eq(dials.reason, SVCD_ESHUTDOWN);
	buf_fini(&there);
	pair_down(&d, &dials, &accepts);
}
END_TEST

START_TEST(an_end_without_goodbye_is_an_end)
{
	struct side dials = {0};
	struct side accepts = {0};
	struct door d;

	pair_up(&d, &dials, &accepts);
	conn_close(dials.conn, SVCD_ECANCELLED, 0);
	run_until(loop, &accepts.closed, 1);
	ck_assert_int_eq(accepts.reason, SVCD_ECLOSED);
	pair_down(&d, &dials, &accepts);
}
END_TEST

START_TEST(a_reset_is_an_end)
{
	struct side dials = {0};
	struct side accepts = {0};
	struct door d;

	pair_up(&d, &dials, &accepts);
	conn_abort(dials.conn, SVCD_ECANCELLED);
	run_until(loop, &accepts.closed, 1);
	ck_assert_int_eq(accepts.reason, SVCD_ECLOSED);
	pair_down(&d, &dials, &accepts);
}
END_TEST

START_TEST(nobody_listens)
{
	struct side dials = {0};
	struct side accepts = {0};
	struct door d;

	door_open(&d, tls_b, &accepts);
	listener_free(d.listener);
	d.listener = NULL;
	side_dial(&dials, &d, tls_a);
	run_until(loop, &dials.closed, 1);
	ck_assert_int_eq(dials.reason, SVCD_EUNREACHABLE);
	ck_assert_int_eq(dials.os_error, ECONNREFUSED);
	pair_down(&d, &dials, &accepts);
}
END_TEST

START_TEST(connections_outlive_what_they_were_made_with)
{
	struct side dials = {0};
	struct side accepts = {.echo = true};
	struct door d;

	pair_up(&d, &dials, &accepts);
	tls_free(tls_a);
	tls_free(tls_b);
	conn_write(dials.conn, bytes_str("still here"));
	run_until_got(&dials, 10);
	pair_down(&d, &dials, &accepts);
	tls_a = tls_b = NULL;
}
END_TEST

/* ---- who is refused */

/* A certificate that tls_new would not take for its own, shown to the other side by a
 * client that cares for nothing. */
struct stranger {
	pthread_t thread;
	struct net_addr to;
	const struct cert *cert; /* NULL: shows none */
	int max_version;
	const char *plain; /* no TLS: sends this */
};

static void stranger_talk(struct stranger *s, int fd)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	char byte;

	SSL_CTX_set_max_proto_version(ctx, s->max_version);
	if (s->cert != NULL) {
		SSL_CTX_use_certificate(ctx, s->cert->x509);
		SSL_CTX_use_PrivateKey(ctx, s->cert->key);
	}
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) == 1)
		SSL_read(ssl, &byte, 1);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

static void *stranger_main(void *arg)
{
	struct stranger *s = arg;
	int fd = raw_connect(&s->to);
	char byte;

	signal(SIGPIPE, SIG_IGN);
	if (s->plain != NULL) {
		raw_send(fd, s->plain, strlen(s->plain));
		while (read(fd, &byte, 1) > 0)
			;
	} else {
		stranger_talk(s, fd);
	}
	close(fd);
	return NULL;
}

static void expect_refused(struct stranger *s, const char *words)
{
	struct side accepts = {0};
	struct door d;

	door_open(&d, tls_b, &accepts);
	s->to = d.at;
	ck_assert_int_eq(pthread_create(&s->thread, NULL, stranger_main, s), 0);
	run_until(loop, &accepts.closed, 1);
	ck_assert_int_eq(accepts.reason, SVCD_EDENIED);
	ck_assert_int_eq(accepts.opened, 0);
	ck_assert_msg(strstr(accepts.trouble, words) != NULL, "\"%s\" is not in \"%s\"",
		words, accepts.trouble);
	pthread_join(s->thread, NULL);
	side_end(&accepts);
	listener_free(d.listener);
}

START_TEST(certificates_that_are_refused)
{
	static const struct {
		struct cert_spec spec;
		bool other_authority;
		const char *words;
	} rows[] = {
		{{.name = "x", .dns = "DNS:x.example"}, true,
			"\"x.example\" is of an unknown authority"},
		{{.name = "old", .from_s = -2 * CERT_DAY, .to_s = -CERT_DAY}, false,
			"\"old\" expired on 20"},
		{{.name = "young", .from_s = CERT_DAY, .to_s = 2 * CERT_DAY}, false,
			"\"young\" is not valid before 20"},
		{{.name = "server", .usage = "serverAuth"}, false,
			"\"server\" must be for both servers and clients"},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct cert c = cert_make(
			&rows[i].spec, rows[i].other_authority ? &other_ca : &ca);
		struct stranger s = {.cert = &c};

		expect_refused(&s, rows[i].words);
		cert_free(&c);
	}
}
END_TEST

START_TEST(who_shows_no_certificate_is_refused)
{
	struct stranger s = {0};

	expect_refused(&s, "it showed no certificate");
}
END_TEST

START_TEST(older_versions_are_refused)
{
	struct cert c = cert_member("x.example", &ca);
	struct stranger s = {.cert = &c, .max_version = TLS1_2_VERSION};

	expect_refused(&s, "it does not speak TLS 1.3");
	cert_free(&c);
}
END_TEST

START_TEST(who_does_not_speak_tls_is_refused)
{
	struct stranger http = {.plain = "GET / HTTP/1.1\r\n\r\n"};
	struct stranger other = {.plain = "hello, is anybody there?"};

	expect_refused(&http, "not speak TLS, but HTTP");
	expect_refused(&other, "it does not speak TLS");
}
END_TEST

/* Both sides say why, each in its words. */
START_TEST(members_of_different_authorities_refuse_each_other)
{
	struct side dials = {0};
	struct side accepts = {0};
	struct cert c = cert_member("c.example", &other_ca);
	struct tls *tls_c;
	struct door d;

	cert_write_all(&dir, "c", &other_ca, &c);
	cert_free(&c);
	tls_c = cert_tls(&dir, "c");
	door_open(&d, tls_b, &accepts);
	side_dial(&dials, &d, tls_c);
	run_until(loop, &dials.closed, 1);
	run_until(loop, &accepts.closed, 1);
	ck_assert_int_eq(dials.reason, SVCD_EDENIED);
	ck_assert_int_eq(dials.opened, 0);
	ck_assert_str_eq(dials.trouble,
		"the certificate of \"b.example\" is of an unknown authority");
	ck_assert_int_eq(accepts.reason, SVCD_EDENIED);
	ck_assert_str_eq(accepts.trouble, "it does not know our certificate's authority");
	pair_down(&d, &dials, &accepts);
	tls_free(tls_c);
}
END_TEST

/* The dialler has found all good already when it hears of it. */
START_TEST(who_is_refused_hears_why)
{
	struct side dials = {0};
	struct side accepts = {0};
	struct cert c = cert_member("c.example", &other_ca);
	struct tls *tls_c;
	struct door d;

	cert_write_all(&dir, "c", &other_ca, &c);
	cert_write(&dir, "both.ca", &ca);
	cert_free(&c);
	{
		char path[96];
		FILE *f = fopen(cert_path(&dir, "both.ca", path), "a");

		PEM_write_X509(f, other_ca.x509);
		fclose(f);
	}
	ck_assert_int_eq(cert_try(&dir, "both.ca", "c.cert", "c.key", &tls_c, NULL), 0);
	door_open(&d, tls_b, &accepts);
	side_dial(&dials, &d, tls_c);
	run_until(loop, &dials.closed, 1);
	run_until(loop, &accepts.closed, 1);
	ck_assert_int_eq(dials.reason, SVCD_EDENIED);
	ck_assert_str_eq(dials.trouble, "it does not know our certificate's authority");
	ck_assert_int_eq(accepts.opened, 0);
	pair_down(&d, &dials, &accepts);
	tls_free(tls_c);
}
END_TEST

/* ---- files */

static void write_bad_files(void)
{
	struct cert_spec expired = {
		.name = "old", .from_s = -2 * CERT_DAY, .to_s = -CERT_DAY};
	struct cert_spec nameless = {.name = ""};
	struct cert old = cert_make(&expired, &ca);
	struct cert foreign = cert_member("c.example", &other_ca);
	struct cert nobody = cert_make(&nameless, &ca);

	cert_write_all(&dir, "old", &ca, &old);
	cert_write_all(&dir, "c", &other_ca, &foreign);
	cert_write_all(&dir, "nobody", &ca, &nobody);
	cert_write_text(&dir, "empty", "");
	cert_write_text(&dir, "text", "-----BEGIN CERTIFICATE-----\nnonsense\n");
	cert_free(&old);
	cert_free(&foreign);
	cert_free(&nobody);
}

START_TEST(files_that_are_refused)
{
	static const struct {
		const char *ca, *cert, *key;
		int rc;
		const char *words;
	} rows[] = {
		{"missing", "a.cert", "a.key", SVCD_ENOTFOUND,
			"cannot read the authority's certificate"},
		{"a.ca", "missing", "a.key", SVCD_ENOTFOUND,
			"cannot read the certificate"},
		{"a.ca", "a.cert", "missing", SVCD_ENOTFOUND, "cannot read the key"},
		{"empty", "a.cert", "a.key", SVCD_EINVAL,
			"empty holds no certificate of an authority"},
		{"a.ca", "text", "a.key", SVCD_EINVAL, "text holds no certificate"},
		{"a.ca", "a.cert", "text", SVCD_EINVAL, "text holds no private key"},
		{"a.ca", "a.cert", "b.key", SVCD_EINVAL,
			"is not that of the certificate"},
		{"a.ca", "old.cert", "old.key", SVCD_EINVAL, "\"old\" expired on 20"},
		{"a.ca", "c.cert", "c.key", SVCD_EINVAL, "is of an unknown authority"},
		{"a.ca", "nobody.cert", "nobody.key", SVCD_EINVAL, "names nobody"},
	};
	struct tls *t = NULL;

	write_bad_files();
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct err e = {0};
		int rc = cert_try(&dir, rows[i].ca, rows[i].cert, rows[i].key, &t, &e);

		ck_assert_msg(rc == rows[i].rc, "row %zu: %d %s", i, rc, e.text);
		ck_assert_msg(strstr(e.text, rows[i].words) != NULL, "row %zu: \"%s\"", i,
			e.text);
		ck_assert_ptr_null(t);
	}
}
END_TEST

START_TEST(a_certificate_says_who_and_how_long)
{
	struct cert_spec named = {
		.name = "only.common", .from_s = -10, .to_s = 2 * CERT_DAY};
	struct cert c = cert_make(&named, &ca);
	struct tls *t;
	char name[64];

	ck_assert_str_eq(tls_name(tls_a, name), "a.example");
	cert_write_all(&dir, "n", &ca, &c);
	cert_free(&c);
	t = cert_tls(&dir, "n");
	ck_assert_str_eq(tls_name(t, name), "only.common");
	ck_assert_int_gt(tls_valid_for_s(t), CERT_DAY);
	ck_assert_int_le(tls_valid_for_s(t), 2 * CERT_DAY);
	tls_free(t);
}
END_TEST

START_TEST(a_reload_is_for_new_connections)
{
	struct side old = {0};
	struct side old_accepts = {.echo = true};
	struct side new = {0};
	struct side new_accepts = {0};
	struct door d, d2;
	struct cert renewed = cert_member("renewed.example", &ca);
	struct err e = {0};

	pair_up(&d, &old, &old_accepts);
	cert_write_all(&dir, "b", &ca, &renewed);
	cert_free(&renewed);
	ck_assert_msg(tls_reload(tls_b, NULL, &e) == 0, "%s", e.text);
	conn_write(old.conn, bytes_str("as before"));
	run_until_got(&old, 9);
	pair_up(&d2, &new, &new_accepts);
	ck_assert_str_eq(new.name, "renewed.example");
	pair_down(&d, &old, &old_accepts);
	pair_down(&d2, &new, &new_accepts);
}
END_TEST

START_TEST(a_reload_that_fails_changes_nothing)
{
	struct side dials = {0};
	struct side accepts = {0};
	struct err e = {0};
	struct door d;

	cert_write_text(&dir, "b.cert", "half a fi");
	ck_assert_int_eq(tls_reload(tls_b, NULL, &e), SVCD_EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "b.cert holds no certificate"));
	pair_up(&d, &dials, &accepts);
	ck_assert_str_eq(dials.name, "b.example");
	pair_down(&d, &dials, &accepts);
}
END_TEST

START_TEST(a_reload_does_not_take_the_certificate_of_somebody_else)
{
	struct cert other = cert_member("other.example", &ca);
	struct err e = {0};
	char name[64];

	cert_write_all(&dir, "b", &ca, &other);
	cert_free(&other);
	ck_assert_int_eq(tls_reload(tls_b, "b.example", &e), SVCD_EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "other.example"));
	ck_assert_str_eq(tls_name(tls_b, name), "b.example");
	ck_assert_int_eq(tls_reload(tls_b, "other.example", &e), 0);
	ck_assert_str_eq(tls_name(tls_b, name), "other.example");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("net_tls");
	TCase *tc = unit_case(s, "connections");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, both_sides_open_and_know_the_others_name);
	tcase_add_test(tc, what_is_written_before_open_is_sent_after_it);
	tcase_add_test(tc, megabytes_cross_in_both_directions);
	tcase_add_test(tc, a_reader_that_pauses_gets_all_when_it_goes_on);
	tcase_add_test(tc, what_the_library_holds_already_is_delivered);
	tcase_add_test(tc, what_was_written_before_a_lingering_end_arrives);
	tcase_add_test(tc, an_end_without_goodbye_is_an_end);
	tcase_add_test(tc, a_reset_is_an_end);
	tcase_add_test(tc, nobody_listens);
	tcase_add_test(tc, connections_outlive_what_they_were_made_with);

	tc = unit_case(s, "refusals");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, certificates_that_are_refused);
	tcase_add_test(tc, who_shows_no_certificate_is_refused);
	tcase_add_test(tc, older_versions_are_refused);
	tcase_add_test(tc, who_does_not_speak_tls_is_refused);
	tcase_add_test(tc, members_of_different_authorities_refuse_each_other);
	tcase_add_test(tc, who_is_refused_hears_why);

	tc = unit_case(s, "files");
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, files_that_are_refused);
	tcase_add_test(tc, a_certificate_says_who_and_how_long);
	tcase_add_test(tc, a_reload_is_for_new_connections);
	tcase_add_test(tc, a_reload_that_fails_changes_nothing);
	tcase_add_test(tc, a_reload_does_not_take_the_certificate_of_somebody_else);
	return unit_run(s);
}
