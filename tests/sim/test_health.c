/*
 * health.h on a fake clock and network: days of probes in a second. What an owner sees:
 * verdicts, evidence, and that probes are spread, bounded and fair.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/rng.h"
#include "fake_net.h"
#include "health/health.h"

#define T0 UINT64_C(1000000)
#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static struct loop *loop;
static struct health *health;
static struct health_options options;

/* ---- the owner */

static struct {
	int calls;
	bool busy; /* refuses */
	char key[32];
	uint64_t incarnation;
	enum check_state state;
	char reason[256];
	uint64_t at_ms;
	void (*then)(void); /* done within the call */
} told;

static bool on_verdict(void *arg, struct bytes key, uint64_t incarnation,
	enum check_state state, const char *reason)
{
	ck_assert_ptr_eq(arg, &told);
	ck_assert_uint_lt(key.len, sizeof(told.key));
	ck_assert_uint_lt(strlen(reason), sizeof(told.reason));
	memcpy(told.key, key.data, key.len);
	told.key[key.len] = '\0';
	told.incarnation = incarnation;
	told.state = state;
	strcpy(told.reason, reason);
	told.at_ms = loop_now_ms(loop);
	told.calls++;
	if (told.then != NULL)
		told.then();
	return !told.busy;
}

static const struct health_events events = {.on_verdict = on_verdict};

static void expect_told(int calls, enum check_state state, const char *reason)
{
	ck_assert_int_eq(told.calls, calls);
	ck_assert_int_eq(told.state, state);
	ck_assert_str_eq(told.reason, reason);
}

/* ---- the network: by port, unless a test has a fate of its own */

#define GOOD 80
#define BAD 81  /* refuses */
#define DEAD 82 /* no answer to the handshake */
#define WILD 83 /* what `wild` says */

static struct fake_fate wild = {.connect_ms = 1};

static uint16_t port_of(const struct net_addr *to)
{
	return (uint16_t)atoi(strrchr(to->text, ':') + 1);
}

static struct fake_fate fate_by_port(const struct net_addr *to, uint64_t now_ms)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";

	(void)now_ms;
	switch (port_of(to)) {
	case GOOD:
		return (struct fake_fate){
			.connect_ms = 1, .answer_ms = 1, .answer = answer};
	case BAD:
		return (struct fake_fate){.connect_ms = 1, .connect_errno = ECONNREFUSED};
	case DEAD:
		return (struct fake_fate){.connect_ms = FAKE_NEVER};
	default:
		return wild;
	}
}

static struct fake_name wild_name;

static struct fake_name name_of(const char *host)
{
	(void)host;
	return wild_name;
}

static void start(void)
{
	health = health_new(loop, &options, &events, &told);
	ck_assert_ptr_nonnull(health);
}

static void up(void)
{
	memset(&told, 0, sizeof(told));
	fake = (struct fake_world){.fate = fate_by_port, .name = name_of};
	loop = fake_loop_new(T0);
	start();
}

static void down(void)
{
	if (health != NULL)
		health_check_invariants(health);
	health_free(health);
	fake_loop_free(loop);
}

static void restart_with(struct health_options o)
{
	health_free(health);
	options = o;
	start();
}

static void run(uint64_t ms)
{
	fake_run_until(loop, loop_now_ms(loop) + ms);
	health_check_invariants(health);
}

/* ---- targets */

static struct health_check check_of(const char *name, const char *type, uint16_t port)
{
	return (struct health_check){
		.name = bytes_str(name),
		.type = bytes_str(type),
		.address = bytes_str("10.0.0.1"),
		.port = port,
		.path = bytes_str("/health"),
		.timeout_ms = 1000,
		.rule =
			{
				.rise = 2,
				.fall = 3,
				.interval_ms = 10000,
				.fast_interval_ms = 1000,
				.slow_interval_ms = 20000,
				.stale_after_ms = 41000,
			},
	};
}

static int set_as(const char *key, uint64_t incarnation, enum check_state initial,
	const struct health_check *checks, uint32_t n)
{
	struct health_target t = {
		.key = bytes_str(key),
		.incarnation = incarnation,
		.initial = initial,
		.checks = checks,
		.n_checks = n,
	};
	struct err e = {0};
	int rc = health_set(health, &t, &e);

	ck_assert_int_eq(rc, e.code);
	return rc;
}

static void set(
	const char *key, enum check_state initial, const struct health_check *check)
{
	ck_assert_int_eq(set_as(key, 1, initial, check, 1), 0);
}

static void set_port(const char *key, enum check_state initial, uint16_t port)
{
	struct health_check c = check_of("tcp", "tcp", port);

	set(key, initial, &c);
}

static struct health_evidence seen;
static char seen_reason[256];
static char seen_check[64];

static char page[] = "page", stays[] = "stays", fresh[] = "new";

static void on_evidence(void *arg, const struct health_evidence *e)
{
	if (arg != NULL && !bytes_eq_str(e->check, arg))
		return;
	seen = *e;
	snprintf(seen_reason, sizeof(seen_reason), "%s", e->reason);
	snprintf(seen_check, sizeof(seen_check), "%.*s", (int)e->check.len,
		(const char *)e->check.data);
}

static void look(const char *key)
{
	ck_assert_uint_eq(health_evidence(health, bytes_str(key), on_evidence, NULL), 1);
}

static struct health_stat stat_now(void)
{
	struct health_stat s;

	health_stat(health, &s);
	return s;
}

/* ---- verdicts */

START_TEST(a_good_target_starts_to_pass)
{
	set_port("web-1", CHECK_STARTING, GOOD);
	run(3 * SECOND);
	expect_told(1, CHECK_PASSING, "tcp: connected (2 of 2 passed)");
	ck_assert_str_eq(told.key, "web-1");
	ck_assert_uint_eq(told.incarnation, 1);
	ck_assert_uint_le(told.at_ms, T0 + 2700);
	run(HOUR);
	ck_assert_int_eq(told.calls, 1);
}
END_TEST

START_TEST(a_bad_target_starts_to_fail)
{
	set_port("web-1", CHECK_STARTING, BAD);
	run(5 * SECOND);
	expect_told(1, CHECK_FAILING, "tcp: connect refused (3 of 3 failed)");
	run(HOUR);
	ck_assert_int_eq(told.calls, 1);
}
END_TEST

START_TEST(http_verdicts_say_what_was_asked)
{
	struct health_check c = check_of("web", "http", WILD);

	wild.answer = "HTTP/1.1 503 No\r\n\r\n";
	set("web-1", CHECK_PASSING, &c);
	run(MINUTE);
	expect_told(1, CHECK_FAILING, "web: GET /health: status 503 (3 of 3 failed)");
	wild.answer = "HTTP/1.1 200 OK\r\n\r\n";
	run(MINUTE);
	expect_told(2, CHECK_PASSING, "web: GET /health: status 200 (2 of 2 passed)");
}
END_TEST

START_TEST(a_dead_host_is_found_in_time)
{
	set_port("web-1", CHECK_PASSING, DEAD);
	run(MINUTE);
	expect_told(1, CHECK_FAILING,
		"tcp: timed out after 1000 ms (connecting) (3 of 3 failed)");
	/* an interval, then at most three times one and a half fast ones, jitter and a
	 * timeout */
	ck_assert_uint_le(told.at_ms - T0, 10000 + 10000 / 16 + 3 * (1500 + 63 + 1000));
}
END_TEST

START_TEST(after_a_restart_nothing_flaps)
{
	set_port("web-1", CHECK_PASSING, WILD);
	wild.connect_errno = ECONNREFUSED;
	while (fake.dials < 2)
		run(4);
	run(4);
	look("web-1");
	ck_assert_uint_eq(seen.streak, 2);
	wild.connect_errno = 0;
	run(HOUR);
	ck_assert_int_eq(told.calls, 0);
	look("web-1");
	ck_assert_int_eq(seen.state, CHECK_PASSING);
}
END_TEST

START_TEST(a_busy_owner_is_told_again)
{
	told.busy = true;
	set_port("web-1", CHECK_STARTING, GOOD);
	run(2700);
	ck_assert_int_eq(told.calls, 1);
	run(3 * 10625);
	ck_assert_int_ge(told.calls, 3);
	told.busy = false;
	run(10625);
	ck_assert_int_ge(told.calls, 4);
	expect_told(told.calls, CHECK_PASSING, "tcp: connected (2 of 2 passed)");
	told.calls = 0;
	run(HOUR);
	ck_assert_int_eq(told.calls, 0);
}
END_TEST

START_TEST(what_changed_back_while_the_owner_was_busy_is_not_told)
{
	told.busy = true;
	set_port("web-1", CHECK_PASSING, WILD);
	wild.connect_errno = ECONNREFUSED;
	while (told.calls == 0)
		run(4);
	wild.connect_errno = 0;
	do {
		told.calls = 0;
		run(1500);
		look("web-1");
	} while (seen.state != CHECK_PASSING);
	told.busy = false;
	told.calls = 0;
	run(HOUR);
	ck_assert_int_eq(told.calls, 0);
}
END_TEST

START_TEST(a_busy_owner_is_not_told_without_a_result)
{
	told.busy = true;
	set_port("web-1", CHECK_STARTING, WILD);
	while (told.calls == 0)
		run(4);
	wild.dial_errno = EMFILE;
	run(35 * SECOND);
	look("web-1");
	ck_assert_int_eq(strncmp(seen_reason, "not probed: ", 12), 0);
	ck_assert_int_eq(told.calls, 1);
}
END_TEST

/* The result of another check is the occasion to tell it again. */
START_TEST(the_culprit_is_named_whoever_brings_it_up)
{
	struct health_check checks[] = {
		check_of("port", "tcp", GOOD),
		check_of("page", "tcp", BAD),
	};

	told.busy = true;
	checks[1].rule.slow_interval_ms = 600000;
	ck_assert_int_eq(set_as("web-1", 1, CHECK_PASSING, checks, 2), 0);
	run(2 * MINUTE);
	ck_assert_int_ge(told.calls, 5);
	expect_told(told.calls, CHECK_FAILING, "page: connect refused (3 of 3 failed)");
}
END_TEST

START_TEST(the_worst_check_is_named)
{
	struct health_check checks[] = {
		check_of("port", "tcp", GOOD),
		check_of("page", "http", WILD),
	};

	wild.answer = "HTTP/1.1 200 OK\r\n\r\n";
	ck_assert_int_eq(set_as("web-1", 7, CHECK_STARTING, checks, 2), 0);
	run(MINUTE);
	ck_assert_int_eq(told.calls, 1);
	ck_assert_int_eq(told.state, CHECK_PASSING);
	wild.answer = "nonsense\r\n";
	run(MINUTE);
	expect_told(2, CHECK_FAILING,
		"page: GET /health: not an HTTP answer: 'nonsense' (3 of 3 failed)");
	ck_assert_uint_eq(told.incarnation, 7);
	wild.answer = NULL;
	run(MINUTE);
	ck_assert_int_eq(told.calls, 2);
	ck_assert_uint_eq(
		health_evidence(health, bytes_str("web-1"), on_evidence, page), 2);
	ck_assert_str_eq(seen_reason, "closed before an answer");
}
END_TEST

/* ---- what cannot be judged */

START_TEST(a_check_that_gets_no_turn_becomes_unknown)
{
	char key[32];

	restart_with((struct health_options){.in_flight_max = 1});
	set_port("web-1", CHECK_PASSING, GOOD);
	for (int i = 0; i < 100; i++) { /* each holds the only place for a second */
		snprintf(key, sizeof(key), "dead-%d", i);
		set_port(key, CHECK_FAILING, DEAD);
	}
	fake.open_most = 0;
	while (told.calls == 0 || strcmp(told.key, "web-1") != 0)
		run(4);
	ck_assert_int_eq(told.state, CHECK_UNKNOWN);
	ck_assert_str_eq(told.reason, "tcp: no result for 41000 ms");
	look("web-1");
	if (seen.last_ms == 0)
		seen.last_ms = T0;
	ck_assert_uint_ge(told.at_ms, seen.last_ms + 41000);
	ck_assert_uint_le(told.at_ms, seen.last_ms + 41000 + 4);
	ck_assert_uint_le(fake.open_most, 2); /* one, and one that is closing */
}
END_TEST

START_TEST(no_descriptors_is_not_the_targets_fault)
{
	wild.dial_errno = EMFILE;
	set_port("web-1", CHECK_PASSING, WILD);
	run(15 * SECOND);
	look("web-1");
	ck_assert_int_eq(seen.state, CHECK_PASSING);
	ck_assert_uint_eq(seen.passes + seen.failures, 0);
	ck_assert_str_eq(seen_reason,
		"not probed: no socket for tcp:10.0.0.1:83: Too many open files");
	ck_assert_int_eq(told.calls, 0);
	run(MINUTE);
	expect_told(1, CHECK_UNKNOWN, "tcp: no result for 41000 ms");
	wild.dial_errno = 0;
	run(MINUTE);
	expect_told(2, CHECK_PASSING, "tcp: connected (2 of 2 passed)");
}
END_TEST

START_TEST(a_late_member_does_not_judge)
{
	set_port("web-1", CHECK_PASSING, DEAD);
	fake_set_lag(loop, 700);
	run(35 * SECOND);
	look("web-1");
	ck_assert_int_eq(seen.state, CHECK_PASSING);
	ck_assert_str_eq(seen_reason, "ignored: this member was late by 700 ms");
	ck_assert_uint_eq(seen.streak, 0);
	ck_assert_int_eq(told.calls, 0);
	run(15 * SECOND);
	ck_assert_int_eq(told.calls, 1);
	ck_assert_int_eq(told.state, CHECK_UNKNOWN);
	fake_set_lag(loop, 100);
	run(MINUTE);
	expect_told(2, CHECK_FAILING,
		"tcp: timed out after 1000 ms (connecting) (3 of 3 failed)");
}
END_TEST

START_TEST(a_late_member_still_takes_answers)
{
	fake_set_lag(loop, 5000);
	set_port("web-1", CHECK_STARTING, GOOD);
	set_port("web-2", CHECK_PASSING, BAD);
	run(MINUTE);
	ck_assert_int_eq(told.calls, 2);
	look("web-1");
	ck_assert_int_eq(seen.state, CHECK_PASSING);
	look("web-2");
	ck_assert_int_eq(seen.state, CHECK_FAILING);
}
END_TEST

/* The answers came in time, but this member slept: 300 ms, within what counts as well. */
START_TEST(a_probe_gets_back_the_time_that_the_member_slept)
{
	struct health_check c = check_of("web", "http", WILD);

	c.timeout_ms = 100;
	c.rule.fall = 1;
	wild = (struct fake_fate){
		.connect_ms = 5, .answer_ms = 5, .answer = "HTTP/1.1 200 OK\r\n\r\n"};
	set("web-1", CHECK_PASSING, &c);
	for (int i = 0; i < 20; i++) {
		uint64_t before = fake.dials;

		while (fake.dials == before)
			run(4);
		fake_stall(loop, 300);
		run(500);
		look("web-1");
		ck_assert_str_eq(seen_reason, "ok: status 200");
	}
	ck_assert_int_eq(told.calls, 0);
}
END_TEST

static const struct {
	struct fake_name name;
	enum check_state state;
	const char *reason;
} names[] = {
	{{.ms = 20, .address = "tcp:10.0.0.1:80"}, CHECK_PASSING, "ok: connected"},
	{{.ms = 20, .rc = SVCD_ENOTFOUND}, CHECK_FAILING, "the name's words"},
	{{.ms = 20, .rc = SVCD_EUNREACHABLE}, CHECK_UNKNOWN,
		"not probed: the name's words"},
	{{.ms = FAKE_NEVER}, CHECK_UNKNOWN,
		"not probed: timed out after 1000 ms (resolving the name)"},
};

START_TEST(a_host_name_is_resolved_for_each_probe)
{
	struct health_check c = check_of("tcp", "tcp", 80);

	c.address = bytes_str("db1.example");
	wild_name = names[_i].name;
	set("web-1", CHECK_STARTING, &c);
	run(2 * MINUTE);
	look("web-1");
	ck_assert_int_eq(seen.state, names[_i].state);
	ck_assert_str_eq(seen_reason, names[_i].reason);
	ck_assert_int_eq(told.calls, 1);
	run(17); /* often in the middle of a question when all is freed */
}
END_TEST

/* ---- evidence */

START_TEST(evidence_is_kept)
{
	struct health_check c = check_of("web", "http", WILD);

	wild.answer = "HTTP/1.1 200 OK\r\n\r\n";
	set("web-1", CHECK_STARTING, &c);
	look("web-1");
	ck_assert_str_eq(seen_check, "web");
	ck_assert_str_eq(seen_reason, "not checked yet");
	ck_assert_uint_eq(seen.last_ms, 0);
	run(10 * MINUTE);
	look("web-1");
	ck_assert_str_eq(seen_reason, "ok: status 200");
	ck_assert_uint_eq(seen.passes, 32);
	ck_assert_uint_eq(seen.failures, 0);
	ck_assert_uint_ge(seen.last_ms, loop_now_ms(loop) - 10625);
	wild.answer = "HTTP/1.1 500 Oh\r\n\r\n";
	while (seen.streak < 2) {
		run(100);
		look("web-1");
	}
	ck_assert_str_eq(seen_reason, "status 500");
	ck_assert_uint_eq(seen.passes, 30);
	ck_assert_uint_eq(seen.failures, 2);
	ck_assert_uint_eq(
		health_evidence(health, bytes_str("web-2"), on_evidence, NULL), 0);
}
END_TEST

/* ---- targets that come, change and go */

START_TEST(the_same_again_changes_nothing)
{
	set_port("web-1", CHECK_STARTING, DEAD);
	while (stat_now().in_flight == 0)
		run(4);
	for (int i = 0; i < 10; i++) {
		set_port("web-1", CHECK_STARTING, DEAD);
		run(100);
	}
	look("web-1");
	ck_assert_str_eq(seen_reason, "timed out after 1000 ms (connecting)");
	ck_assert_uint_eq(stat_now().checks, 1);
}
END_TEST

START_TEST(checks_that_stay_keep_what_they_know)
{
	struct health_check checks[] = {
		check_of("gone", "tcp", GOOD),
		check_of("stays", "tcp", WILD),
		check_of("new", "tcp", GOOD),
	};

	wild = (struct fake_fate){.connect_ms = 500};
	ck_assert_int_eq(set_as("web-1", 1, CHECK_STARTING, checks, 2), 0);
	run(MINUTE);
	expect_told(1, CHECK_PASSING, told.reason);
	while (stat_now().in_flight == 0)
		run(4);
	fake.dials = 0;
	ck_assert_int_eq(set_as("web-1", 1, CHECK_PASSING, checks + 1, 2), 0);
	health_check_invariants(health);
	ck_assert_uint_le(stat_now().in_flight, 1);
	run(600);
	health_evidence(health, bytes_str("web-1"), on_evidence, stays);
	ck_assert_uint_ge(seen.passes, 5);
	ck_assert_uint_ge(seen.last_ms, loop_now_ms(loop) - 11000);
	health_evidence(health, bytes_str("web-1"), on_evidence, fresh);
	ck_assert_int_eq(seen.state, CHECK_PASSING);
	run(MINUTE);
	ck_assert_int_eq(told.calls, 1);
}
END_TEST

static void change_port(struct health_check *c)
{
	c->port = BAD;
}

static void change_path(struct health_check *c)
{
	c->path = bytes_str("/live");
}

static void change_host(struct health_check *c)
{
	c->host = bytes_str("shop.example");
}

static void change_address(struct health_check *c)
{
	c->address = bytes_str("10.0.0.2");
}

static void change_type(struct health_check *c)
{
	c->type = bytes_str("tcp");
}

static void change_status(struct health_check *c)
{
	c->status_max = 200;
}

static void change_timeout(struct health_check *c)
{
	c->timeout_ms = 999;
}

static void change_rule(struct health_check *c)
{
	c->rule.rise = 3;
}

static void change_name(struct health_check *c)
{
	c->name = bytes_str("other");
}

static void change_nothing(struct health_check *c)
{
	(void)c;
}

static const struct {
	void (*change)(struct health_check *c);
	uint64_t incarnation;
	bool anew;
} changes[] = {
	{change_port, 1, true},
	{change_path, 1, true},
	{change_host, 1, true},
	{change_address, 1, true},
	{change_type, 1, true},
	{change_status, 1, true},
	{change_timeout, 1, true},
	{change_rule, 1, true},
	{change_name, 1, true},
	{change_nothing, 2, true},
	{change_nothing, 1, false},
};

START_TEST(a_check_that_changed_begins_anew)
{
	struct health_check c = check_of("web", "http", GOOD);

	set("web-1", CHECK_STARTING, &c);
	run(MINUTE);
	changes[_i].change(&c);
	ck_assert_int_eq(
		set_as("web-1", changes[_i].incarnation, CHECK_STARTING, &c, 1), 0);
	look("web-1");
	ck_assert_int_eq(seen.state, changes[_i].anew ? CHECK_STARTING : CHECK_PASSING);
	ck_assert_int_eq(seen.passes == 0, changes[_i].anew);
	ck_assert_uint_eq(stat_now().targets, 1);
	ck_assert_uint_eq(stat_now().checks, 1);
}
END_TEST

START_TEST(what_the_owner_lost_is_told_again)
{
	set_port("web-1", CHECK_STARTING, GOOD);
	run(MINUTE);
	ck_assert_int_eq(told.calls, 1);
	set_port("web-1", CHECK_STARTING, GOOD); /* it never heard of passing */
	run(10625 + 10);
	expect_told(2, CHECK_PASSING, "tcp: connected (2 of 2 passed)");
}
END_TEST

START_TEST(a_failing_check_that_was_taken_away_is_forgotten)
{
	struct health_check checks[] = {
		check_of("good", "tcp", GOOD), check_of("bad", "tcp", BAD)};

	ck_assert_int_eq(set_as("web-1", 1, CHECK_PASSING, checks, 2), 0);
	run(MINUTE);
	expect_told(1, CHECK_FAILING, "bad: connect refused (3 of 3 failed)");
	ck_assert_int_eq(set_as("web-1", 1, CHECK_FAILING, checks, 1), 0);
	run(MINUTE);
	expect_told(2, CHECK_PASSING, "good: connected (2 of 2 passed)");
}
END_TEST

START_TEST(a_removed_target_is_silent)
{
	set_port("web-1", CHECK_STARTING, DEAD);
	while (stat_now().in_flight == 0)
		run(4);
	health_remove(health, bytes_str("web-1"));
	health_remove(health, bytes_str("web-1"));
	ck_assert_uint_eq(stat_now().in_flight, 0);
	ck_assert_uint_eq(stat_now().targets, 0);
	run(HOUR);
	ck_assert_int_eq(told.calls, 0);
	ck_assert_uint_eq(fake.dials, 1);
}
END_TEST

START_TEST(freeing_ends_what_is_in_flight)
{
	char key[32];

	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "web-%d", i);
		set_port(key, CHECK_STARTING, DEAD);
	}
	run(500);
	ck_assert_uint_gt(stat_now().in_flight, 0);
	health_free(health);
	health = NULL;
}
END_TEST

static void remove_it(void)
{
	health_remove(health, bytes_str("web-1"));
}

static void set_it_again(void)
{
	set_port("web-1", told.state, GOOD);
}

static void set_another_check(void)
{
	struct health_check c = check_of("other", "http", GOOD);

	set("web-1", told.state, &c);
}

static void set_more_targets(void)
{
	char key[32];

	for (int i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "more-%d-%d", told.calls, i);
		set_port(key, CHECK_PASSING, GOOD);
	}
}

static void remove_everything(void)
{
	char key[32];

	remove_it();
	for (int i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "web-%d", i);
		health_remove(health, bytes_str(key));
	}
}

static void (*const deeds[])(void) = {
	remove_it, set_it_again, set_another_check, set_more_targets, remove_everything};

START_TEST(an_owner_may_do_anything_when_it_is_told)
{
	char key[32];

	for (int i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "web-%d", i);
		set_port(key, i % 2 == 0 ? CHECK_STARTING : CHECK_FAILING, GOOD);
	}
	told.then = deeds[_i / 2];
	told.busy = _i % 2;
	for (int i = 0; i < 100; i++)
		run(300);
	ck_assert_int_ge(told.calls, 1);
}
END_TEST

/* ---- refused */

static const struct {
	const char *what;
	struct health_check check;
	int code;
	const char *text;
} refusals[] = {
	{"no name", {.name = {NULL, 0}}, SVCD_EINVAL,
		"check \"?\": its name is empty, too long or not text"},
	{"an unknown type", {.type = {(const uint8_t *)"htpp", 4}}, SVCD_EINVAL,
		"check \"c\": no check type \"htpp\"; did you mean \"http\"?"},
	{"no address", {.address = {(const uint8_t *)"", 0}}, SVCD_EINVAL,
		"check \"c\": it has no address"},
	{"all addresses", {.address = {(const uint8_t *)"*", 1}}, SVCD_EINVAL,
		"check \"c\": its address is not one"},
	{"a line's end in the address", {.address = {(const uint8_t *)"a\nb", 3}},
		SVCD_EINVAL, "check \"c\": its address is not one"},
	{"NUL in the address", {.address = {(const uint8_t *)"a\0b", 3}}, SVCD_EINVAL,
		"check \"c\": its address is not one"},
	{"a path without /", {.path = {(const uint8_t *)"x", 1}}, SVCD_EINVAL,
		"check \"c\": its path does not begin with / or has other than visible ASCII"},
	{"a request within the path",
		{.path = {(const uint8_t *)"/ HTTP/1.1\r\nX: y", 17}}, SVCD_EINVAL,
		"check \"c\": its path does not begin with / or has other than visible ASCII"},
	{"a blank in the path", {.path = {(const uint8_t *)"/a b", 4}}, SVCD_EINVAL,
		"check \"c\": its path does not begin with / or has other than visible ASCII"},
	{"a header within the host", {.host = {(const uint8_t *)"a\r\nX: y", 7}},
		SVCD_EINVAL, "check \"c\": its host header has other than visible ASCII"},
};

static void take(struct bytes *to, struct bytes from)
{
	if (from.data != NULL)
		*to = from;
}

START_TEST(a_check_that_makes_no_sense_is_refused)
{
	struct health_check c = check_of("c", "http", GOOD);
	struct health_target t = {.key = bytes_str("web-1"), .checks = &c, .n_checks = 1};
	struct err e = {0};

	take(&c.type, refusals[_i].check.type);
	take(&c.address, refusals[_i].check.address);
	take(&c.path, refusals[_i].check.path);
	take(&c.host, refusals[_i].check.host);
	if (_i == 0)
		c.name = BYTES_NONE;
	ck_assert_int_eq(health_set(health, &t, &e), refusals[_i].code);
	ck_assert_str_eq(e.text, refusals[_i].text);
	ck_assert_uint_eq(stat_now().targets, 0);
	ck_assert_int_eq(health_set(health, &t, NULL), refusals[_i].code);
}
END_TEST

static const struct {
	size_t at; /* of a number in struct health_check */
	size_t size;
	uint32_t value;
	int code;
} numbers[] = {
	{offsetof(struct health_check, port), 2, 0, SVCD_EINVAL},
	{offsetof(struct health_check, port), 2, 65535, 0},
	{offsetof(struct health_check, timeout_ms), 4, 0, SVCD_ERANGE},
	{offsetof(struct health_check, timeout_ms), 4, 600001, SVCD_ERANGE},
	{offsetof(struct health_check, timeout_ms), 4, 600000, 0},
	{offsetof(struct health_check, rule.rise), 2, 0, SVCD_ERANGE},
	{offsetof(struct health_check, rule.fall), 2, 0, SVCD_ERANGE},
	{offsetof(struct health_check, rule.interval_ms), 4, 0, SVCD_ERANGE},
	{offsetof(struct health_check, rule.interval_ms), 4, 86400001, SVCD_ERANGE},
	{offsetof(struct health_check, rule.fast_interval_ms), 4, 0, 0},
	{offsetof(struct health_check, rule.fast_interval_ms), 4, UINT32_MAX,
		SVCD_ERANGE},
	{offsetof(struct health_check, rule.slow_interval_ms), 4, 0, 0},
	{offsetof(struct health_check, rule.slow_interval_ms), 4, 86400001, SVCD_ERANGE},
	{offsetof(struct health_check, rule.stale_after_ms), 4, 0, 0},
	{offsetof(struct health_check, status_min), 2, 400, SVCD_EINVAL},
	{offsetof(struct health_check, status_min), 2, 399, 0},
	{offsetof(struct health_check, status_max), 2, 199, SVCD_EINVAL},
};

START_TEST(numbers_are_within_their_bounds)
{
	struct health_check c = check_of("c", "tcp", GOOD);

	memcpy((char *)&c + numbers[_i].at, &numbers[_i].value,
		numbers[_i].size); /* little
				      endian
				    */
	ck_assert_int_eq(set_as("web-1", 1, CHECK_PASSING, &c, 1), numbers[_i].code);
}
END_TEST

START_TEST(so_many_checks_and_texts_and_no_more)
{
	struct health_check checks[9];
	static char labels[9][8];
	static char path[20000];

	for (size_t i = 0; i < LENGTH(checks); i++) {
		snprintf(labels[i], sizeof(labels[i]), "c%zu", i);
		checks[i] = check_of(labels[i], "http", GOOD);
	}
	ck_assert_int_eq(set_as("web-1", 1, CHECK_PASSING, checks, 0), SVCD_EINVAL);
	ck_assert_int_eq(set_as("web-1", 1, CHECK_PASSING, checks, 9), SVCD_EINVAL);
	ck_assert_int_eq(set_as("web-1", 1, CHECK_PASSING, checks, 8), 0);
	checks[7].name = checks[0].name;
	ck_assert_int_eq(set_as("web-1", 1, CHECK_PASSING, checks, 8), SVCD_EINVAL);
	memset(path, '/', sizeof(path));
	for (size_t i = 0; i < 4; i++)
		checks[i].path = bytes_of(path, sizeof(path));
	ck_assert_int_eq(set_as("web-1", 1, CHECK_PASSING, checks, 4), SVCD_ETOOBIG);
	ck_assert_int_eq(set_as("web-1", 1, CHECK_PASSING, checks, 3), 0);
	run(MINUTE);
	ck_assert_uint_eq(stat_now().checks, 3);
}
END_TEST

START_TEST(a_long_verdict_is_cut)
{
	struct health_check c = check_of(
		"a-name-of-63-characters-is-the-longest-that-a-check-can-have-xx", "http",
		WILD);
	char path[300];

	memset(path, '/', sizeof(path));
	c.path = bytes_of(path, sizeof(path));
	wild.answer = "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
		      "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80";
	set("web-1", CHECK_PASSING, &c);
	run(MINUTE);
	ck_assert_int_eq(told.calls, 1);
	ck_assert_ptr_nonnull(strstr(told.reason, ": not an HTTP answer: '\\x80"));
	ck_assert_uint_le(strlen(told.reason), 255);
}
END_TEST

/* ---- many */

static void set_many(int n, enum check_state initial, uint16_t port)
{
	char key[32];

	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "web-%d", i);
		set_port(key, initial, port);
	}
}

START_TEST(a_day_of_fifty_checks)
{
	set_many(50, CHECK_PASSING, GOOD);
	run(24 * HOUR);
	ck_assert_int_eq(told.calls, 0);
	ck_assert_uint_le(stat_now().probes_total, 50 * 8641);
	ck_assert_uint_ge(stat_now().probes_total, 50 * 8639);
	ck_assert_uint_eq(stat_now().late_total, 0);
	ck_assert_uint_eq(fake.dials, stat_now().probes_total);
}
END_TEST

START_TEST(ten_thousand_are_spread_over_the_interval)
{
	uint64_t before = 0;
	uint64_t most = 0;
	uint64_t least = UINT64_MAX;

	set_many(10000, CHECK_PASSING, GOOD);
	for (int i = 0; i < 600; i++) {
		uint64_t n;

		fake_run_until(loop, T0 + 1000 + 100 * (uint64_t)i);
		n = fake.dials - before;
		before = fake.dials;
		most = i > 0 && n > most ? n : most;
		least = i > 0 && n < least ? n : least;
	}
	/* 100 in each tenth of a second; three standard deviations and the grid's step of
	 * 4 ms */
	ck_assert_uint_ge(least, 60);
	ck_assert_uint_le(most, 145);
	ck_assert_uint_le(fake.open_most, 60);
	ck_assert_int_eq(told.calls, 0);
}
END_TEST

/* All of them begin at once, and more than the rate allows. */
START_TEST(the_rate_is_bounded_and_fair)
{
	uint64_t most = 0;

	restart_with((struct health_options){.probes_per_second_max = 200});
	set_many(1000, CHECK_STARTING, GOOD);
	for (int i = 0; i < 60; i++) {
		uint64_t before = fake.dials;

		run(SECOND);
		most = fake.dials - before > most ? fake.dials - before : most;
	}
	ck_assert_uint_le(most, 200 + 5);
	ck_assert_uint_ge(fake.dials, 59 * 100); /* 1000 every 10 s when all is quiet */
	ck_assert_int_eq(told.calls, 1000);
	ck_assert_uint_gt(stat_now().late_total, 0);
	for (int i = 0; i < 1000; i++) {
		char key[32];

		snprintf(key, sizeof(key), "web-%d", i);
		look(key);
		ck_assert_int_eq(seen.state, CHECK_PASSING);
	}
}
END_TEST

START_TEST(probes_in_flight_are_bounded)
{
	restart_with((struct health_options){.in_flight_max = 50});
	set_many(1000, CHECK_PASSING, DEAD);
	for (int i = 0; i < 100; i++) {
		run(SECOND);
		ck_assert_uint_le(stat_now().in_flight, 50);
	}
	ck_assert_uint_ge(fake.dials, 100 * 45);
}
END_TEST

START_TEST(two_members_do_not_probe_at_the_same_instants)
{
	uint64_t first[2] = {0};

	for (uint64_t member = 0; member < 2; member++) {
		restart_with((struct health_options){.seed = member});
		fake.dials = 0;
		set_port("web-1", CHECK_PASSING, GOOD);
		while (fake.dials == 0)
			run(4);
		first[member] = loop_now_ms(loop) % 10000;
	}
	/* further apart than by jitter */
	ck_assert_uint_gt((first[0] + 10000 - first[1]) % 10000, 630);
	ck_assert_uint_gt((first[1] + 10000 - first[0]) % 10000, 630);
}
END_TEST

/* Everything at random, invariants at every step. */
static struct fake_fate fate_at_random(const struct net_addr *to, uint64_t now_ms)
{
	static struct rng rng;
	static const char *const answers[] = {"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 503 x\r\n\r\n", "HTTP/1.1 2", "junk\n", NULL, ""};
	static const int errnums[] = {
		ECONNREFUSED, EHOSTUNREACH, EADDRNOTAVAIL, ECONNRESET, EBADF};

	(void)to;
	if (rng.s[0] == 0)
		rng_seed(&rng, now_ms);
	return (struct fake_fate){
		.connect_ms = rng_below(&rng, 9) == 0 ? FAKE_NEVER
						      : (uint32_t)rng_below(&rng, 1500),
		.connect_errno = rng_below(&rng, 3) != 0
			? 0
			: errnums[rng_below(&rng, LENGTH(errnums))],
		.dial_errno = rng_below(&rng, 20) == 0 ? EMFILE : 0,
		.answer_ms = rng_below(&rng, 9) == 0 ? FAKE_NEVER
						     : (uint32_t)rng_below(&rng, 1500),
		.answer = answers[rng_below(&rng, LENGTH(answers))],
	};
}

static void do_something(struct rng *rng)
{
	struct health_check checks[3];
	static const char *const types[] = {"tcp", "http"};
	static const char *const check_names[] = {"a", "b", "c"};
	char key[16];
	uint32_t n = 1 + (uint32_t)rng_below(rng, LENGTH(checks));

	snprintf(key, sizeof(key), "t%u", (unsigned)rng_below(rng, 40));
	if (rng_below(rng, 4) == 0) {
		health_remove(health, bytes_str(key));
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		checks[i] = check_of(check_names[i], types[rng_below(rng, 2)], GOOD);
		checks[i].rule.interval_ms = 1000 + 1000 * (uint32_t)rng_below(rng, 2);
		if (rng_below(rng, 4) == 0)
			checks[i].address = bytes_str("db1.example");
	}
	set_as(key, 1 + rng_below(rng, 2), (enum check_state)rng_below(rng, 4), checks,
		n);
}

START_TEST(anything_at_any_time)
{
	struct rng rng;

	rng_seed(&rng, (uint64_t)_i);
	restart_with((struct health_options){
		.in_flight_max = 1 + (uint32_t)rng_below(&rng, 30),
		.probes_per_second_max = 1 + (uint32_t)rng_below(&rng, 100),
		.seed = (uint64_t)_i,
	});
	fake.fate = fate_at_random;
	for (int i = 0; i < 3000; i++) {
		wild_name = (struct fake_name){.ms = (uint32_t)rng_below(&rng, 3000),
			.rc = rng_below(&rng, 3) == 0 ? SVCD_ENOTFOUND : 0,
			.address = "tcp:10.0.0.3:80"};
		told.busy = rng_below(&rng, 4) == 0;
		if (rng_below(&rng, 3) == 0)
			do_something(&rng);
		if (rng_below(&rng, 50) == 0)
			fake_stall(loop, rng_below(&rng, 2000));
		if (rng_below(&rng, 50) == 0)
			fake_set_lag(loop, 0);
		run(rng_below(&rng, 300));
	}
	ck_assert_int_gt(told.calls, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("health");
	TCase *tc = unit_case(s, "health");

	tcase_add_checked_fixture(tc, up, down);
	tcase_add_test(tc, a_good_target_starts_to_pass);
	tcase_add_test(tc, a_bad_target_starts_to_fail);
	tcase_add_test(tc, http_verdicts_say_what_was_asked);
	tcase_add_test(tc, a_dead_host_is_found_in_time);
	tcase_add_test(tc, after_a_restart_nothing_flaps);
	tcase_add_test(tc, a_busy_owner_is_told_again);
	tcase_add_test(tc, what_changed_back_while_the_owner_was_busy_is_not_told);
	tcase_add_test(tc, a_busy_owner_is_not_told_without_a_result);
	tcase_add_test(tc, the_culprit_is_named_whoever_brings_it_up);
	tcase_add_test(tc, the_worst_check_is_named);
	tcase_add_test(tc, a_check_that_gets_no_turn_becomes_unknown);
	tcase_add_test(tc, no_descriptors_is_not_the_targets_fault);
	tcase_add_test(tc, a_late_member_does_not_judge);
	tcase_add_test(tc, a_late_member_still_takes_answers);
	tcase_add_test(tc, a_probe_gets_back_the_time_that_the_member_slept);
	tcase_add_loop_test(tc, a_host_name_is_resolved_for_each_probe, 0, LENGTH(names));
	tcase_add_test(tc, evidence_is_kept);
	tcase_add_test(tc, the_same_again_changes_nothing);
	tcase_add_test(tc, checks_that_stay_keep_what_they_know);
	tcase_add_loop_test(tc, a_check_that_changed_begins_anew, 0, LENGTH(changes));
	tcase_add_test(tc, what_the_owner_lost_is_told_again);
	tcase_add_test(tc, a_failing_check_that_was_taken_away_is_forgotten);
	tcase_add_test(tc, a_removed_target_is_silent);
	tcase_add_test(tc, freeing_ends_what_is_in_flight);
	tcase_add_loop_test(
		tc, an_owner_may_do_anything_when_it_is_told, 0, 2 * LENGTH(deeds));
	tcase_add_loop_test(
		tc, a_check_that_makes_no_sense_is_refused, 0, LENGTH(refusals));
	tcase_add_loop_test(tc, numbers_are_within_their_bounds, 0, LENGTH(numbers));
	tcase_add_test(tc, so_many_checks_and_texts_and_no_more);
	tcase_add_test(tc, a_long_verdict_is_cut);
	tcase_add_test(tc, a_day_of_fifty_checks);
	tcase_add_test(tc, ten_thousand_are_spread_over_the_interval);
	tcase_add_test(tc, the_rate_is_bounded_and_fair);
	tcase_add_test(tc, probes_in_flight_are_bounded);
	tcase_add_test(tc, two_members_do_not_probe_at_the_same_instants);
	tcase_add_loop_test(tc, anything_at_any_time, 0, 20);
	return unit_run(s);
}
