/* Members that run out of memory for a moment: nothing is lost but time. */
#include "test_certs.h"
#include "test_peers.h"
#include "fail_alloc.h"

static struct cert_dir dir;

static struct tls *tls_of(const char *name, const struct cert *by)
{
	struct cert c = cert_member(name, by);

	cert_write_all(&dir, name, by, &c);
	cert_free(&c);
	return cert_tls(&dir, name);
}

START_TEST(making_them_fails_or_works)
{
	bool done = false;

	for (unsigned n = 0; !done; n++) {
		struct member m = {0};
		struct peers_options o = options_of(&m, 1, "a");
		struct err e = {0};
		int rc;

		fail_alloc_arm(n);
		rc = peers_new(&o, &m.peers, &e);
		done = !fail_alloc_disarm();
		ck_assert_msg(rc == 0 || e.code == rc, "%d", rc);
		ck_assert(rc == 0 || !done);
		peers_free(rc == 0 ? m.peers : NULL);
	}
}
END_TEST

/* Check allocates too: nothing here asserts. */
static void count_up_or_down(void *arg, uint64_t node, enum peer_channel channel, bool up)
{
	struct member *m = arg;

	(void)node;
	(void)channel;
	m->ups += up;
}

static const struct peers_events quiet_events = {
	.raft = on_raft,
	.frame = on_frame,
	.up = count_up_or_down,
	.drained = on_drained,
	.met = on_met,
};

static bool both_up(const void *what)
{
	const struct member *m = what;

	return m[0].ups > 0 && m[1].ups > 0;
}

static bool got_entries(const void *what)
{
	const struct member *m = what;
	char payload[] = "payload";
	struct raft_entry e = {
		.term = 1, .type = RAFT_COMMAND, .buf = {payload, sizeof(payload)}};
	struct raft_message msg = {
		.type = RAFT_APPEND_ENTRIES,
		.server_id = 2,
		.append_entries = {.entries = &e, .n_entries = 1},
	};

	if (m[1].raft_entries == 0)
		peers_send_raft(m[0].peers, &msg);
	return m[1].raft_entries > 0;
}

/* With sanitizers only our own allocations fail. Otherwise those of OpenSSL do too, and
 * they are thousands: then less often, the later they are. */
#ifdef SVCD_SANITIZED
#define TLS_STRIDE 0
#else
#define TLS_STRIDE 16
#endif

static unsigned next(unsigned n, unsigned stride)
{
	return n + 1 + (stride != 0 ? n / stride : 0);
}

/* One allocation fails somewhere between dialling and the first message: it arrives all
 * the same, as the engine sends again. */
static void connect_with_faults(struct tls *a, struct tls *b, unsigned stride)
{
	bool done = false;

	for (unsigned n = 0; !done; n = next(n, stride)) {
		struct member m[2] = {0};
		struct peers_options o[2] = {
			options_of(&m[0], 1, "a"), options_of(&m[1], 2, "b")};

		o[0].events = o[1].events = &quiet_events;
		o[0].tls = a;
		o[1].tls = b;
		member_open(&m[0], &o[0]);
		member_open(&m[1], &o[1]);
		introduce(&m[0], &m[1]);
		fail_alloc_arm(n);
		peers_connect(m[0].peers, 2, PEER_RAFT);
		peers_connect(m[1].peers, 1, PEER_RAFT);
		run_until_holds(both_up, m);
		run_until_holds(got_entries, m);
		done = !fail_alloc_disarm();
		peers_free(m[0].peers);
		peers_free(m[1].peers);
	}
}

START_TEST(members_connect_all_the_same)
{
	connect_with_faults(NULL, NULL, 0);
}
END_TEST

START_TEST(members_with_tls_connect_all_the_same)
{
	struct cert ca = cert_authority("authority");
	struct tls *a;
	struct tls *b;

	cert_dir_up(&dir);
	a = tls_of("a", &ca);
	b = tls_of("b", &ca);
	connect_with_faults(a, b, TLS_STRIDE);
	tls_free(a);
	tls_free(b);
	cert_free(&ca);
	cert_dir_down(&dir);
}
END_TEST

START_TEST(reading_certificates_fails_or_works)
{
	struct cert ca = cert_authority("authority");
	bool done = false;
	struct tls *t;

	cert_dir_up(&dir);
	t = tls_of("a", &ca);
	for (unsigned n = 0; !done; n = next(n, TLS_STRIDE)) {
		struct err e = {0};
		int rc;

		fail_alloc_arm(n);
		rc = tls_reload(t, NULL, &e);
		done = !fail_alloc_disarm();
		ck_assert_msg(rc == 0 || (e.code == rc && e.text[0] != '\0'), "%d", rc);
		ck_assert(rc == 0 || !done);
		ck_assert_int_gt(tls_valid_for_s(t), 0);
	}
	tls_free(t);
	cert_free(&ca);
	cert_dir_down(&dir);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("alloc_peers");
	TCase *tc = unit_case(s, "faults");

	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, making_them_fails_or_works);
	tcase_add_test(tc, members_connect_all_the_same);
	tcase_add_test(tc, members_with_tls_connect_all_the_same);
	tcase_add_test(tc, reading_certificates_fails_or_works);
	return unit_run(s);
}
