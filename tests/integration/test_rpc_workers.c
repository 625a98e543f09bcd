/* Several workers at once, driven by several threads: what is promised across
 * connections. Worth most under ThreadSanitizer. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "rpc_fixture.h"

#define WORKERS 4
#define THREADS 4
#define ROUNDS 60

static struct fixture f;

static void setup(void)
{
	fixture_init(&f);
	f.options.workers = WORKERS;
	fixture_start(&f);
}

static void teardown(void)
{
	fixture_stop(&f);
}

#define ok(conn, ...) \
	ck_assert_msg(rpc_call(conn, __VA_ARGS__) == 0, "%s", rpc_text(conn, ""))

static void in_threads(void *(*fn)(void *))
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, fn, (void *)(uintptr_t)i), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Writes on one connection, reads on others, which the server gave to other workers. */
static void *write_here_read_there(void *arg)
{
	struct rpc *writer = rpc_open(&f.unix_addr);
	struct rpc *readers[WORKERS];
	uint64_t rev;
	char weight[16];

	for (int i = 0; i < WORKERS; i++)
		readers[i] = rpc_open(i % 2 ? &f.unix_addr : &f.tcp_addr);
	for (int n = 0; n < ROUNDS; n++) {
		ok(writer, "register", "{instances:[{service:'s%zu',id:'a',weight:%d}]}",
			(size_t)(uintptr_t)arg, n);
		rev = rpc_u64(writer, "rev");
		snprintf(weight, sizeof(weight), "%d", n);
		for (int i = 0; i < WORKERS; i++) {
			ok(readers[i], "resolve", "{service:'s%zu'}",
				(size_t)(uintptr_t)arg);
			ck_assert_str_eq(
				rpc_text(readers[i], "instances.0.weight"), weight);
			ck_assert_uint_ge(rpc_u64(readers[i], "rev"), rev);
			ok(readers[i], "resolve", "{service:'s%zu',min_rev:%" PRIu64 "}",
				(size_t)(uintptr_t)arg, rev);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		rpc_close(readers[i]);
	rpc_close(writer);
	return NULL;
}

START_TEST(a_write_that_was_answered_is_read_everywhere)
{
	in_threads(write_here_read_there);
}
END_TEST

/* Watches a service that others write to, acks, and holds the order against what it is
 * told. */
static void *watch_and_ack(void *arg)
{
	struct rpc *w = rpc_open((uintptr_t)arg % 2 ? &f.unix_addr : &f.tcp_addr);
	struct rpc *c = rpc_open(&f.unix_addr);
	uint64_t held = 0;
	uint64_t rev = 0;

	ok(w, "watch", "{service:'web'}");
	for (int n = 0; n < ROUNDS; n++) {
		ok(c, "register", "{instances:[{service:'web',id:'i%zu',weight:%d}]}",
			(size_t)(uintptr_t)arg, n);
		rev = rpc_u64(c, "rev");
		while (held < rev) {
			rpc_event(w);
			if (strcmp(rpc_event_text(w, "kind"), "'delta'") == 0)
				ck_assert_uint_eq(rpc_event_u64(w, "from"), held);
			held = rpc_event_u64(w, "rev");
		}
		rpc_notify(w, "ack", "{service:'web',rev:%" PRIu64 "}", held);
	}
	rpc_close(c);
	rpc_close(w);
	return NULL;
}

START_TEST(every_watcher_is_told_everything_in_order)
{
	in_threads(watch_and_ack);
}
END_TEST

START_TEST(a_barrier_counts_the_watchers_of_all_workers)
{
	const size_t n = 3 * WORKERS;
	struct rpc *w[3 * WORKERS];
	struct rpc *c = rpc_open(&f.tcp_addr);
	uint32_t id;

	ok(c, "register", "{instances:[{service:'web',id:'a'}]}");
	for (size_t i = 0; i < n; i++) {
		w[i] = rpc_open(&f.unix_addr);
		ok(w[i], "watch", "{service:'web'}");
		rpc_event(w[i]);
	}
	ok(c, "barrier", "{service:'web',rev:1,wait_ms:100}");
	ck_assert_uint_eq(rpc_u64(c, "watchers"), n);
	ck_assert_str_eq(rpc_text(c, "acked"), "0");
	id = rpc_send(c, "barrier", "{service:'web',rev:1,wait_ms:20000}");
	for (size_t i = 0; i < n; i++)
		ok(w[i], "ack", "{service:'web',rev:1}");
	ck_assert_int_eq(rpc_wait(c, id), 0);
	ck_assert_uint_eq(rpc_u64(c, "acked"), n);
	for (size_t i = 0; i < n; i++)
		rpc_close(w[i]);
	rpc_close(c);
}
END_TEST

static void *lease_and_leave(void *arg)
{
	for (int n = 0; n < ROUNDS / 4; n++) {
		struct rpc *c = rpc_open(&f.unix_addr);
		struct rpc *other = rpc_open(&f.tcp_addr);
		uint64_t lease;

		ok(c, "lease_grant", "{ttl_ms:60000}");
		lease = rpc_u64(c, "lease");
		ok(c, "register",
			"{lease:%" PRIu64 ",instances:[{service:'web',id:'i%zu-%d'}]}",
			lease, (size_t)(uintptr_t)arg, n);
		ok(other, "renew", "{lease:%" PRIu64 "}", lease);
		ok(other, "get", "{service:'web',id:'i%zu-%d'}", (size_t)(uintptr_t)arg,
			n);
		ok(other, "barrier", "{service:'web',rev:%" PRIu64 ",wait_ms:1}", lease);
		if (n % 2)
			rpc_reset(c);
		else
			rpc_close(c);
		rpc_close(other);
	}
	return NULL;
}

START_TEST(leases_of_clients_that_come_and_go_leave_nothing)
{
	struct rpc *c = rpc_open(&f.unix_addr);

	ok(c, "watch", "{service:'web'}");
	in_threads(lease_and_leave);
	/* leases are forgotten after their end was told: there may be no event behind it
	 */
	while (fixture_stat(&f).leases != 0)
		ok(c, "ping", "{}");
	do
		rpc_event(c);
	while (strcmp(rpc_event_text(c, "kind"), "'no_service'") == 0 ||
		rpc_event_u64(c, "count") != 0);
	rpc_close(c);
}
END_TEST

static void *churn(void *arg)
{
	for (int n = 0; n < ROUNDS; n++) {
		struct rpc *c = rpc_open(n % 2 ? &f.unix_addr : &f.tcp_addr);

		ok(c, "watch", "{prefix:''}");
		rpc_send(c, "register", "{instances:[{service:'s%d',id:'i%zu'}]}", n % 7,
			(size_t)(uintptr_t)arg);
		rpc_send(c, "status", "{}");
		rpc_send(c, "resolve", "{service:'s0',min_rev:1000000,wait_ms:5}");
		rpc_send(c, "barrier", "{service:'s0',rev:1000000,wait_ms:5}");
		if (n % 3 != 0)
			ok(c, "ping", "{}");
		rpc_close(c);
	}
	return NULL;
}

START_TEST(a_stop_in_the_middle_of_it_all_is_clean)
{
	struct rpc *left[10];

	in_threads(churn);
	for (size_t i = 0; i < LENGTH(left); i++) {
		struct rpc *c = left[i] = rpc_open(&f.unix_addr);

		rpc_send(c, "barrier", "{service:'s0',rev:1000000,wait_ms:60000}");
		rpc_send(c, "resolve", "{service:'s0',min_rev:1000000,wait_ms:60000}");
		rpc_send(c, "get", "{service:'s0',id:'i0'}");
		rpc_send(c, "register", "{instances:[{service:'s0',id:'x'}]}");
		if (i % 2) {
			rpc_close(c);
			left[i] = NULL;
		}
	}
	server_stop(f.server, 50);
	for (size_t i = 0; i < LENGTH(left); i++)
		rpc_close(left[i]);
	ck_assert_int_eq(server_start(f.replica, &f.options, &f.server, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc_workers");
	TCase *tc = unit_case(s, "workers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_write_that_was_answered_is_read_everywhere);
	tcase_add_test(tc, every_watcher_is_told_everything_in_order);
	tcase_add_test(tc, a_barrier_counts_the_watchers_of_all_workers);
	tcase_add_test(tc, leases_of_clients_that_come_and_go_leave_nothing);
	tcase_add_test(tc, a_stop_in_the_middle_of_it_all_is_clean);
	return unit_run(s);
}
