/* libsvcd against the real daemon: what the fake cannot prove. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/scratch_dir.h"
#include "../unit/unit.h"
#include "record.h"

#define MANY 100
#define SHORT_TTL_MS 1000 /* the least that the registry grants */

static struct scratch scratch;
static char binary[400], data[400], listen_on[400];
static pid_t daemon_pid;
static struct record *record;
static struct svcd_client *client;

/* ---- the daemon -------------------------------------------------------- */

/* Reads its log up to the line that it is ready; the rest of the log goes nowhere. */
static void await_ready(int log)
{
	char text[65536] = "";
	size_t len = 0;

	while (strstr(text, "event=ready") == NULL) {
		struct pollfd p = {.fd = log, .events = POLLIN};
		ssize_t n;

		ck_assert_msg(poll(&p, 1, 30000) == 1, "svcd is not ready: %s", text);
		n = read(log, text + len, sizeof(text) - 1 - len);
		ck_assert_msg(n > 0, "svcd ended: %s", text);
		len += (size_t)n;
		text[len] = '\0';
	}
}

static void start_daemon(void)
{
	int log[2];

	ck_assert_int_eq(pipe2(log, O_CLOEXEC), 0);
	/* What nobody reads is lost. */
	ck_assert_int_eq(fcntl(log[1], F_SETFL, O_NONBLOCK), 0);
	daemon_pid = fork();
	ck_assert_int_ge(daemon_pid, 0);
	if (daemon_pid == 0) {
		dup2(log[1], STDERR_FILENO);
		execl(binary, "svcd", "--config", "/dev/null", "--data-dir", data,
			"--listen", listen_on, (char *)NULL);
		_exit(127);
	}
	close(log[1]);
	await_ready(log[0]);
	/* The reading end stays open until the test's process ends, so that nobody gets
	 * SIGPIPE. */
}

static void stop_daemon(int sig)
{
	int status;

	ck_assert_int_eq(kill(daemon_pid, sig), 0);
	ck_assert_int_eq(waitpid(daemon_pid, &status, 0), daemon_pid);
}

static struct svcd_client *new_client(void)
{
	struct svcd_options o = {.servers = listen_on, .name = "live"};
	struct svcd_client *c;

	ck_assert_int_eq(svcd_client_new(&o, &c), 0);
	ck_assert_int_eq(svcd_client_wait(c, 10000), 0);
	return c;
}

static void begin_without_client(void)
{
	scratch_make(&scratch);
	snprintf(data, sizeof(data), "%s/data", scratch.dir);
	snprintf(listen_on, sizeof(listen_on), "unix:%s/s", scratch.dir);
	start_daemon();
	record = record_new();
}

static void begin(void)
{
	begin_without_client();
	client = new_client();
}

static void end(void)
{
	svcd_client_free(client);
	record_free(record);
	stop_daemon(SIGTERM);
	scratch_remove(&scratch);
}

/* ---- what the tests are made of ---------------------------------------- */

static const struct svcd_instance web_a = {.service = "web", .id = "a", .weight = 1};

static struct svcd_registration *register_as(struct svcd_client *c,
	const struct svcd_instance *in, uint32_t ttl_ms, bool keep,
	void (*on_state)(void *arg, struct svcd_registration *r,
		enum svcd_registration_state state, const struct svcd_fault *f))
{
	struct svcd_register_options o = {.ttl_ms = ttl_ms,
		.keep_on_close = keep,
		.on_state = on_state,
		.arg = record};
	struct svcd_registration *r;
	struct svcd_fault fault = {0};

	ck_assert_int_eq(svcd_register(c, in, &o, &r), 0);
	ck_assert_msg(svcd_registration_wait(r, 10000, &fault) == 0, "%s", fault.text);
	return r;
}

static size_t count_web(struct svcd_client *c, uint64_t min_revision)
{
	struct svcd_query q = {.service = "web", .min_revision = min_revision};
	struct svcd_fault fault = {0};
	const struct svcd_set *set;
	size_t n;

	ck_assert_msg(svcd_resolve(c, &q, 10000, &set, &fault) == 0, "%s", fault.text);
	n = set->n_instances;
	svcd_set_unref(set);
	return n;
}

START_TEST(what_one_registers_another_finds)
{
	static const char *const addresses[] = {"10.1.2.3"};
	static const struct svcd_port ports[] = {
		{.name = "http", .number = 8080, .tls = true}};
	static const char *const tags[] = {"blue"};
	static const struct svcd_pair meta[] = {{"build", "77"}};
	struct svcd_instance in = {
		.service = "web",
		.id = "a",
		.addresses = addresses,
		.n_addresses = 1,
		.ports = ports,
		.n_ports = 1,
		.weight = 42,
		.tier = 3,
		.region = "r",
		.zone = "z",
		.version = "1.2.3",
		.tags = tags,
		.n_tags = 1,
		.meta = meta,
		.n_meta = 1,
	};
	struct svcd_client *other = new_client();
	struct svcd_registration *r = register_as(other, &in, 0, false, NULL);
	struct svcd_query q = {
		.service = "web", .min_revision = svcd_registration_incarnation(r)};
	const struct svcd_instance *got;
	const struct svcd_set *set;

	ck_assert_int_eq(svcd_resolve(client, &q, 10000, &set, NULL), 0);
	ck_assert_uint_eq(set->n_instances, 1);
	got = &set->instances[0];
	ck_assert_str_eq(got->id, "a");
	ck_assert_str_eq(got->addresses[0], "10.1.2.3");
	ck_assert_str_eq(got->ports[0].name, "http");
	ck_assert_uint_eq(got->ports[0].number, 8080);
	ck_assert(got->ports[0].tls);
	ck_assert_uint_eq(got->weight, 42);
	ck_assert_uint_eq(got->tier, 3);
	ck_assert_str_eq(got->region, "r");
	ck_assert_str_eq(got->zone, "z");
	ck_assert_str_eq(got->version, "1.2.3");
	ck_assert_str_eq(got->tags[0], "blue");
	ck_assert_str_eq(got->meta[0].value, "77");
	ck_assert_str_eq(got->state, "up");
	ck_assert_uint_eq(got->incarnation, svcd_registration_incarnation(r));
	svcd_set_unref(set);
	svcd_client_free(other);
}
END_TEST

START_TEST(a_watcher_sees_each_change)
{
	struct svcd_client *other = new_client();
	struct svcd_registration *r;
	struct svcd_instance in = web_a;
	struct svcd_watch *w;

	ck_assert_int_eq(svcd_watch(client, NULL, "web", record_on_watch, record, &w), 0);
	record_expect(record, "snapshot 0 no service");
	r = register_as(other, &in, 0, false, NULL);
	record_expect(record, "change 2 a");
	in.weight = 7;
	ck_assert_int_eq(svcd_registration_update(r, &in), 0);
	record_expect(record, "change 3 a");
	ck_assert_int_eq(svcd_drain(r, "test"), 0);
	record_expect(record, "change 4 none healthy");
	ck_assert_int_eq(svcd_undrain(r), 0);
	record_expect(record, "change 5 a");
	ck_assert_int_eq(svcd_deregister(r, 10000), 0);
	record_expect(record, "change 6 no instances");
	svcd_client_free(other);
	ck_assert_uint_eq(record_unread(record), 0);
}
END_TEST

/* How the daemon ends, and whether the instances may vanish from sight meanwhile. */
static const int signals[] = {SIGTERM, SIGKILL};

START_TEST(a_restart_loses_no_registration)
{
	static struct svcd_registration *r[MANY];
	struct svcd_client *other = new_client();
	struct svcd_instance in = {.service = "web", .weight = 1};
	struct svcd_watch *w;
	const struct svcd_set *set;
	uint64_t newest = 0;

	for (size_t i = 0; i < MANY; i++)
		r[i] = register_as(i % 2 ? other : client, &in, 0, i % 4 < 2, NULL);
	ck_assert_int_eq(svcd_watch(client, NULL, "web", NULL, NULL, &w), 0);
	for (int round = 0; round < 2; round++) {
		stop_daemon(signals[_i]);
		start_daemon();
		for (size_t i = 0; i < MANY; i++) {
			struct svcd_fault fault = {0};

			/* It may not have noticed the end yet; the deregister below
			 * proves that it is there. */
			ck_assert_msg(svcd_registration_wait(r[i], 20000, &fault) == 0,
				"%s", fault.text);
		}
		ck_assert_int_eq(svcd_call(client, "ping", NULL, 10000, NULL, NULL), 0);
		ck_assert_int_eq(svcd_call(other, "ping", NULL, 10000, NULL, NULL), 0);
		for (size_t i = 0; i < MANY; i++) {
			ck_assert_int_eq(svcd_registration_wait(r[i], 20000, NULL), 0);
			if (svcd_registration_incarnation(r[i]) > newest)
				newest = svcd_registration_incarnation(r[i]);
		}
		ck_assert_uint_eq(count_web(client, newest), MANY);
	}
	set = svcd_watch_get(w);
	ck_assert_uint_eq(set->n_instances, MANY);
	svcd_set_unref(set);
	for (size_t i = 0; i < MANY; i++)
		ck_assert_int_eq(svcd_deregister(r[i], 10000), 0);
	ck_assert_uint_eq(count_web(client, 0), 0);
	svcd_client_free(other);
}
END_TEST

START_TEST(who_is_taken_over_learns_it)
{
	struct svcd_client *other = new_client();
	struct svcd_registration *first, *second;

	first = register_as(client, &web_a, SHORT_TTL_MS, false, record_on_state);
	record_expect(record, "registered");
	second = register_as(other, &web_a, 0, false, NULL);
	ck_assert_uint_gt(svcd_registration_incarnation(second),
		svcd_registration_incarnation(first));
	record_put(record, "end of wait");
	record_expect(record, "end of wait");
	while (svcd_registration_wait(first, 10, NULL) == 0)
		poll(NULL, 0, 10);
	ck_assert_int_eq(svcd_registration_wait(first, 10000, NULL), SVCD_ESTALE);
	ck_assert_int_eq(svcd_deregister(first, 10000), 0);
	ck_assert_uint_eq(count_web(other, 0), 1);
	svcd_client_free(other);
}
END_TEST

START_TEST(what_an_operator_removed_does_not_come_back)
{
	struct svcd_client *ann = new_client();
	struct svcd_value *params = svcd_value_new_map();
	struct svcd_registration *r = register_as(
		client, &web_a, SHORT_TTL_MS, false, NULL);
	struct svcd_fault fault = {0};

	ck_assert_int_eq(svcd_value_set_str(params, "service", "web"), 0);
	ck_assert_int_eq(svcd_value_set_str(params, "id", "a"), 0);
	ck_assert_msg(svcd_call(ann, "deregister", params, 0, NULL, &fault) == 0, "%s",
		fault.text);
	while (svcd_registration_wait(r, 10, NULL) == 0)
		poll(NULL, 0, 10);
	ck_assert_int_eq(svcd_registration_wait(r, 10000, &fault), SVCD_EGONE);
	ck_assert_uint_eq(count_web(ann, 0), 0);
	svcd_value_free(params);
	svcd_client_free(ann);
}
END_TEST

/* A process that registers, says so, and waits to be killed. */
static pid_t start_process(bool keep)
{
	int ready[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		register_as(new_client(), &web_a, SHORT_TTL_MS, keep, NULL);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

START_TEST(who_dies_is_removed)
{
	pid_t pid = start_process(_i == 1); /* while we have no thread yet */
	struct svcd_watch *w;

	client = new_client();
	ck_assert_int_eq(svcd_watch(client, NULL, "web", record_on_watch, record, &w), 0);
	record_expect(record, "snapshot 2 a");
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	record_expect(record, "change 3 no instances");
}
END_TEST

START_TEST(everything_can_be_watched)
{
	struct svcd_registration *r;
	struct svcd_watch *w;

	r = register_as(client, &web_a, 0, false, NULL);
	ck_assert_int_eq(svcd_watch_raw(client, NULL, "", record_on_raw, record, &w), 0);
	record_expect(record, "snapshot web 2");
	record_expect(record, "synced");
	ck_assert_int_eq(svcd_deregister(r, 10000), 0);
	record_expect(record, "delta web 3");
	stop_daemon(SIGTERM);
	record_expect(record, "lost");
	start_daemon();
	record_expect(record, "snapshot web 3");
	record_expect(record, "synced");
	svcd_unwatch(w);
}
END_TEST

int main(void)
{
	const char *top = getenv("top_builddir");
	Suite *s = suite_create("client and daemon");
	TCase *tc = unit_case(s, "live");

	snprintf(binary, sizeof(binary), "%s/svcd", top != NULL ? top : ".");
	if (access(binary, X_OK) != 0) {
		fprintf(stderr, "svcd is not built\n");
		return 77;
	}
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, what_one_registers_another_finds);
	tcase_add_test(tc, a_watcher_sees_each_change);
	tcase_add_loop_test(tc, a_restart_loses_no_registration, 0, LENGTH(signals));
	tcase_add_test(tc, who_is_taken_over_learns_it);
	tcase_add_test(tc, what_an_operator_removed_does_not_come_back);
	tcase_add_test(tc, everything_can_be_watched);

	tc = unit_case(s, "other processes");
	tcase_add_checked_fixture(tc, begin_without_client, end);
	tcase_add_loop_test(tc, who_dies_is_removed, 0, 2);
	return unit_run(s);
}
