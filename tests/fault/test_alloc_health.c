/*
 * Health checks without memory: every allocation of a call fails in turn. What is refused
 * changes nothing, what goes on without memory tells nothing false.
 */
#include <stdio.h>
#include <string.h>

#include "../sim/fake_net.h"
#include "../unit/unit.h"
#include "fail_alloc.h"
#include "health/health.h"

#define T0 UINT64_C(1000000)

static struct loop *loop;
static struct health *health;
static int told;
static enum check_state told_state;

static bool on_verdict(void *arg, struct bytes key, uint64_t incarnation,
	enum check_state state, const char *reason)
{
	(void)arg;
	(void)key;
	(void)incarnation;
	(void)reason;
	told++;
	told_state = state;
	return true;
}

static const struct health_events events = {.on_verdict = on_verdict};

static struct fake_fate good(const struct net_addr *to, uint64_t now_ms)
{
	(void)to;
	(void)now_ms;
	return (struct fake_fate){
		.connect_ms = 1, .answer_ms = 1, .answer = "HTTP/1.1 200 OK\r\n\r\n"};
}

static struct fake_name known(const char *host)
{
	(void)host;
	return (struct fake_name){.ms = 1, .address = "tcp:10.0.0.1:80"};
}

static void up(void)
{
	struct health_options o = {0};

	fake = (struct fake_world){.fate = good, .name = known};
	loop = fake_loop_new(T0);
	health = health_new(loop, &o, &events, NULL);
	ck_assert_ptr_nonnull(health);
}

static void down(void)
{
	health_free(health);
	fake_loop_free(loop);
}

static struct health_check check_of(
	const char *name, const char *type, const char *address)
{
	return (struct health_check){
		.name = bytes_str(name),
		.type = bytes_str(type),
		.address = bytes_str(address),
		.port = 80,
		.timeout_ms = 1000,
		.rule = {.rise = 2, .fall = 3, .interval_ms = 1000},
	};
}

static struct health_target target_of(
	const char *key, const struct health_check *checks, uint32_t n)
{
	return (struct health_target){.key = bytes_str(key),
		.incarnation = 1,
		.initial = CHECK_PASSING,
		.checks = checks,
		.n_checks = n};
}

static struct health_stat stat_now(void)
{
	struct health_stat s;

	health_stat(health, &s);
	return s;
}

START_TEST(a_new_one_or_none)
{
	struct health_options o = {0};
	unsigned failures = 0;

	for (bool done = false; !done;) {
		struct health *h;

		fail_alloc_arm(failures);
		h = health_new(loop, &o, &events, NULL);
		done = !fail_alloc_disarm();
		ck_assert_int_eq(h != NULL, done);
		failures += !done;
		health_free(h);
	}
	ck_assert_uint_ge(failures, 1);
}
END_TEST

/* Many, so that the map and the heap grow now and then. */
START_TEST(a_target_that_does_not_fit_changes_nothing)
{
	unsigned failures = 0;
	char key[16] = "";

	for (int i = 0; i < 100; i++) {
		struct health_check checks[2] = {check_of("a", "tcp", "10.0.0.1"),
			check_of("b", "http", "10.0.0.1")};
		struct health_target t = target_of(key, checks, 2);

		snprintf(key, sizeof(key), "web-%d", i);
		t.key = bytes_str(key);
		for (unsigned n = 0, done = 0; !done; n++) {
			struct err e = {0};
			int rc;

			fail_alloc_arm(n);
			rc = health_set(health, &t, &e);
			done = !fail_alloc_disarm();
			ck_assert_int_eq(rc, done ? 0 : SVCD_ENOMEM);
			ck_assert_int_eq(e.code, rc);
			ck_assert_uint_eq(stat_now().targets, (uint64_t)i + done);
			health_check_invariants(health);
			failures += !done;
		}
	}
	ck_assert_uint_ge(failures, 100 + 4 + 4);
}
END_TEST

START_TEST(a_replacement_that_does_not_fit_leaves_the_old_one)
{
	struct health_check checks[8] = {{.port = 0}};
	struct health_target t = target_of("web-1", checks, 1);
	static const char *const labels[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	unsigned failures = 0;

	for (size_t i = 0; i < LENGTH(checks); i++)
		checks[i] = check_of(labels[i], "tcp", "10.0.0.1");
	for (uint32_t round = 0; round < 8; round++) {
		t.n_checks = round + 1;
		for (unsigned n = 0, done = 0; !done; n++) {
			fail_alloc_arm(n);
			health_set(health, &t, NULL);
			done = !fail_alloc_disarm();
			ck_assert_uint_eq(stat_now().checks, round + done);
			health_check_invariants(health);
			failures += !done;
		}
	}
	ck_assert_uint_ge(failures, 8);
}
END_TEST

static const struct {
	const char *type;
	const char *address;
} kinds[] = {
	{"tcp", "10.0.0.1"},
	{"http", "10.0.0.1"},
	{"http", "db1.example"},
};

/* One allocation after the other fails, for a minute each: probes that cannot be made are
 * left out. */
START_TEST(probing_goes_on_as_well_as_it_can)
{
	struct health_check c = check_of("c", kinds[_i].type, kinds[_i].address);
	struct health_target t = target_of("web-1", &c, 1);
	unsigned fired = 0;

	ck_assert_int_eq(health_set(health, &t, NULL), 0);
	for (unsigned n = 0; n < 200; n++) {
		fail_alloc_arm(n);
		fake_run_until(loop, loop_now_ms(loop) + 3000);
		fired += fail_alloc_disarm();
		health_check_invariants(health);
		ck_assert(told == 0 || told_state != CHECK_FAILING);
	}
	fake_run_until(loop, loop_now_ms(loop) + 60000);
	ck_assert_uint_ge(fired, 2);
	ck_assert(told == 0 || told_state == CHECK_PASSING);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("alloc_health");
	TCase *tc = unit_case(s, "health");

	tcase_add_checked_fixture(tc, up, down);
	tcase_add_test(tc, a_new_one_or_none);
	tcase_add_test(tc, a_target_that_does_not_fit_changes_nothing);
	tcase_add_test(tc, a_replacement_that_does_not_fit_leaves_the_old_one);
	tcase_add_loop_test(tc, probing_goes_on_as_well_as_it_can, 0, LENGTH(kinds));
	return unit_run(s);
}
