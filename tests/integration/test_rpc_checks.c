/* Health checks through the whole server: from a registration to a verdict, its evidence
 * and its end. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/unit.h"
#include "rpc_fixture.h"

static struct fixture f;
static struct rpc *c; /* writes */
static struct rpc *w; /* watches */
static int target;    /* listens, or -1 */
static uint16_t port;

#define ok(conn, ...) \
	ck_assert_msg(rpc_call(conn, __VA_ARGS__) == 0, "%s", rpc_text(conn, ""))

/* Being connected to is all that a target of tcp checks has to do: the kernel does it. */
static void target_up(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t len = sizeof(a);
	int on = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	target = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(target, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ck_assert_int_eq(bind(target, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(target, 1000), 0);
	ck_assert_int_eq(getsockname(target, (struct sockaddr *)&a, &len), 0);
	port = ntohs(a.sin_port);
}

static void target_down(void)
{
	close(target);
	target = -1;
}

static void setup(void)
{
	fixture_init(&f);
	fixture_start(&f);
	c = rpc_open(&f.tcp_addr);
	w = rpc_open(&f.unix_addr);
	port = 0;
	target_up();
}

static void teardown(void)
{
	rpc_close(c);
	rpc_close(w);
	if (target >= 0)
		target_down();
	fixture_stop(&f);
}

static void reg(const char *id)
{
	ok(c, "register",
		"{instances:[{service:'web',id:'%s',addresses:['127.0.0.1'],ports:{main:{port:%u}},"
		"checks:[{type:'tcp',interval_ms:100,fast_interval_ms:100,"
		"slow_interval_ms:100,rise:1,fall:2}]}]}",
		id, port);
}

/* Reads events until the first changed instance has this health. */
static void await_health(const char *health)
{
	do
		rpc_event(w);
	while (strcmp(rpc_event_text(w, "changes.0.health"), health) != 0 &&
		strcmp(rpc_event_text(w, "instances.0.health"), health) != 0);
}

static void watch_web(void)
{
	ok(w, "watch", "{service:'web'}");
}

START_TEST(a_checked_instance_starts_passes_fails_and_recovers)
{
	watch_web();
	reg("a");
	await_health("'starting'");
	await_health("'passing'");
	ck_assert_str_eq(rpc_event_text(w, "changes.0.state"), "'up'");
	target_down();
	await_health("'failing'");
	ck_assert_str_eq(rpc_event_text(w, "changes.0.state"), "'down'");
	ok(c, "get", "{service:'web',id:'a'}");
	ck_assert_str_eq(rpc_text(c, "instances.0.cause"), "'check'");
	ck_assert_ptr_nonnull(strstr(rpc_text(c, "instances.0.reason"), "refused"));
	target_up();
	await_health("'passing'");
}
END_TEST

START_TEST(get_shows_what_the_checks_have_seen)
{
	watch_web();
	reg("a");
	await_health("'passing'");
	ok(c, "get", "{service:'web',id:'a'}");
	ck_assert_str_eq(rpc_text(c, "instances.0.checks.0.type"), "'tcp'");
	ck_assert_str_eq(rpc_text(c, "instances.0.checks.0.evidence.state"), "'passing'");
	ck_assert_uint_ge(rpc_u64(c, "instances.0.checks.0.evidence.passes"), 1);
	ck_assert_str_ne(rpc_text(c, "instances.0.checks.0.evidence.reason"), "");
	ck_assert_uint_lt(rpc_u64(c, "instances.0.checks.0.evidence.age_ms"), 60000);
	ck_assert_str_eq(rpc_text(c, "instances.0.id"), "'a'");
	ck_assert_uint_eq(fixture_stat(&f).checks, 1);
	ck_assert_uint_ge(fixture_stat(&f).probes, 1);
}
END_TEST

START_TEST(what_is_removed_is_not_checked_any_more)
{
	watch_web();
	reg("a");
	await_health("'passing'");
	ok(c, "deregister", "{service:'web',id:'a'}");
	while (fixture_stat(&f).checks != 0)
		poll(NULL, 0, 2);
	reg("a");
	await_health("'passing'");
	ok(c, "register", "{instances:[{service:'web',id:'a',ports:{main:{port:%u}}}]}",
		port);
	while (fixture_stat(&f).checks != 0)
		poll(NULL, 0, 2);
}
END_TEST

START_TEST(health_is_known_and_checked_after_a_restart)
{
	watch_web();
	reg("a");
	await_health("'passing'");
	rpc_close(c);
	rpc_close(w);
	target_down();
	fixture_restart(&f);
	c = rpc_open(&f.tcp_addr);
	w = rpc_open(&f.unix_addr);
	watch_web();
	await_health("'failing'");
}
END_TEST

START_TEST(checks_can_be_switched_off)
{
	rpc_close(c);
	rpc_close(w);
	fixture_stop(&f);
	fixture_init(&f);
	f.options.checks_enabled = false;
	fixture_start(&f);
	c = rpc_open(&f.tcp_addr);
	w = rpc_open(&f.unix_addr);
	reg("a");
	ok(c, "get", "{service:'web',id:'a'}");
	ck_assert_str_eq(rpc_text(c, "instances.0.health"), "'starting'");
	ck_assert_str_eq(rpc_text(c, "instances.0.checks.0.evidence"), "");
	ck_assert_uint_eq(fixture_stat(&f).checks, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc_checks");
	TCase *tc = unit_case(s, "checks");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_checked_instance_starts_passes_fails_and_recovers);
	tcase_add_test(tc, get_shows_what_the_checks_have_seen);
	tcase_add_test(tc, what_is_removed_is_not_checked_any_more);
	tcase_add_test(tc, health_is_known_and_checked_after_a_restart);
	tcase_add_test(tc, checks_can_be_switched_off);
	return unit_run(s);
}
