/* Bounds, and clients that misbehave. */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/hex.h"
#include "../unit/unit.h"
#include "rpc_fixture.h"
#include "wire/pack.h"

static struct fixture f;

static void setup(void)
{
	fixture_init(&f);
}

static void teardown(void)
{
	fixture_stop(&f);
}

#define ok(conn, ...) \
	ck_assert_msg(rpc_call(conn, __VA_ARGS__) == 0, "%s", rpc_text(conn, ""))

/* ---- what is no message ------------------------------------------------ */

static const struct {
	const char *what, *bytes;
} malformed[] = {
	{"a number", "05"},
	{"a map", "81 a1 61 01"},
	{"an empty array", "90"},
	{"an array of five", "95 00 01 a1 61 90 c0"},
	{"a message of kind 3", "94 03 01 a1 61 90"},
	{"a response", "94 01 01 c0 c0"},
	{"an id below zero", "94 00 ff a4 70696e67 90"},
	{"an id of 64 bits", "94 00 cf 0000000100000000 a4 70696e67 90"},
	{"an id that is text", "94 00 a1 31 a4 70696e67 90"},
	{"a method that is a number", "94 00 01 05 90"},
	{"a method without a name", "94 00 01 a0 90"},
	{"a reserved byte", "c1"},
	{"a reserved byte inside", "94 00 01 a4 70696e67 91 c1"},
	{"an extension type", "94 00 01 a4 70696e67 91 d4 01 00"},
	{"text of HTTP", "474554202f20485454502f312e310d0a0d0a"},
	{"a TLS greeting", "16030100f0010000ec0303"},
	{"nesting of 20",
		"94 00 01 a4 70696e67 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 91 c0"},
	{"an array of 2^32-1", "94 00 01 a4 70696e67 dd ffffffff"},
	{"a string of 2^32-1", "94 00 01 a4 70696e67 91 db ffffffff"},
	{"a map of 2^31", "94 00 01 a4 70696e67 91 df 80000000"},
};

START_TEST(what_is_no_message_is_refused_and_ends_the_connection)
{
	struct buf b = {0};
	struct rpc *c;

	fixture_start(&f);
	for (int said_hello = 0; said_hello < 2; said_hello++) {
		c = said_hello ? rpc_open(&f.tcp_addr) : rpc_dial(&f.unix_addr);
		rpc_raw(c, hex(&b, malformed[_i].bytes));
		ck_assert_msg(rpc_closed(c) == SVCD_EPROTOCOL, "%s", malformed[_i].what);
		rpc_close(c);
	}
	c = rpc_open(&f.tcp_addr);
	ok(c, "ping", "{}");
	rpc_close(c);
	buf_fini(&b);
}
END_TEST

START_TEST(requests_before_a_malformed_message_are_answered)
{
	struct rpc *c;
	uint32_t id;

	fixture_start(&f);
	c = rpc_open(&f.tcp_addr);
	id = rpc_send(c, "ping", "{}");
	rpc_raw(c, bytes_str("\xc1"));
	ck_assert_int_eq(rpc_wait(c, id), 0);
	ck_assert_int_eq(rpc_closed(c), SVCD_EPROTOCOL);
	rpc_close(c);
}
END_TEST

START_TEST(a_message_may_come_byte_by_byte)
{
	struct buf b = {0};
	struct rpc *c;

	fixture_start(&f);
	c = rpc_open(&f.tcp_addr);
	pack_request(&b, 99, "ping");
	pack_map(&b, 0);
	for (size_t i = 0; i < b.len; i++)
		rpc_raw(c, bytes_of(b.data + i, 1));
	ck_assert_int_eq(rpc_wait(c, 99), 0);
	buf_fini(&b);
	rpc_close(c);
}
END_TEST

START_TEST(a_message_of_a_megabyte_is_read_and_a_larger_one_refused)
{
	static const struct {
		size_t pad;
		bool fits;
	} rows[] = {{FRAME_BYTES_MAX - 100, true}, {FRAME_BYTES_MAX, false}};

	fixture_start(&f);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct rpc *c = rpc_open(&f.unix_addr);
		struct buf b = {0};

		pack_request(&b, 99, "ping");
		pack_map(&b, 1);
		pack_cstr(&b, "pad");
		pack_array(&b, 1);
		buf_put_u8(&b, 0xc6);
		buf_put_be32(&b, (uint32_t)rows[i].pad);
		ck_assert_ptr_nonnull(buf_reserve(&b, rows[i].pad));
		memset(b.data + b.len, 0, rows[i].pad);
		b.len += rows[i].pad;
		rpc_raw(c, buf_bytes(&b));
		if (rows[i].fits)
			ck_assert_int_eq(rpc_wait(c, 99), 0);
		else
			ck_assert_int_eq(rpc_closed(c), SVCD_EPROTOCOL);
		buf_fini(&b);
		rpc_close(c);
	}
}
END_TEST

START_TEST(random_bytes_never_hurt)
{
	struct rpc *c;

	fixture_start(&f);
	srand(7);
	for (int round = 0; round < 300; round++) {
		uint8_t bytes[200];
		size_t len = (size_t)rand() % sizeof(bytes);

		for (size_t i = 0; i < len; i++)
			bytes[i] = (uint8_t)rand();
		c = round % 2 ? rpc_open(&f.unix_addr) : rpc_dial(&f.unix_addr);
		if (len > 8 && round % 3 == 0)
			memcpy(bytes, "\x94\x00\x01\xa7resolve", 11 < len ? 11 : len);
		rpc_raw(c, bytes_of(bytes, len));
		shutdown(rpc_fd(c), SHUT_WR);
		rpc_closed(c);
		rpc_close(c);
	}
	fixture_await_connections(&f, 0);
	c = rpc_open(&f.tcp_addr);
	ok(c, "ping", "{}");
	rpc_close(c);
}
END_TEST

/* ---- limits ------------------------------------------------------------ */

START_TEST(who_does_not_say_hello_is_closed)
{
	struct rpc *c;

	f.options.hello_timeout_ms = 100;
	fixture_start(&f);
	c = rpc_dial(&f.tcp_addr);
	ck_assert_int_eq(rpc_closed(c), 0);
	rpc_close(c);
	fixture_await_connections(&f, 0);
}
END_TEST

START_TEST(who_is_silent_is_closed_when_that_is_wanted)
{
	struct rpc *c;
	struct rpc *busy;

	f.options.idle_timeout_ms = 1000;
	fixture_start(&f);
	c = rpc_open(&f.tcp_addr);
	busy = rpc_open(&f.tcp_addr);
	while (fixture_stat(&f).connections == 2) {
		ok(busy, "ping", "{}");
		poll(NULL, 0, 50);
	}
	rpc_closed(c);
	ok(busy, "ping", "{}");
	rpc_close(c);
	rpc_close(busy);
}
END_TEST

START_TEST(one_connection_too_many_is_told_so)
{
	struct rpc *c[3];
	struct rpc *extra;

	f.options.connections_max = 3;
	fixture_start(&f);
	for (int i = 0; i < 3; i++)
		c[i] = rpc_open(&f.tcp_addr);
	for (int i = 0; i < 5; i++) {
		extra = rpc_dial(&f.tcp_addr);
		ck_assert_int_eq(rpc_closed(extra), SVCD_ELIMIT);
		rpc_close(extra);
	}
	rpc_close(c[0]);
	fixture_await_connections(&f, 2);
	c[0] = rpc_open(&f.tcp_addr);
	for (int i = 0; i < 3; i++) {
		ok(c[i], "ping", "{}");
		rpc_close(c[i]);
	}
}
END_TEST

static int open_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 20000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(two_thousand_idle_connections_are_no_burden)
{
	const uint64_t n = 2000;
	struct rpc **c = calloc(n, sizeof(*c));

	fixture_start(&f);
	for (uint64_t i = 0; i < n; i++) {
		c[i] = rpc_open(&f.unix_addr);
		ok(c[i], "watch", "{service:'web'}");
	}
	ck_assert_uint_eq(fixture_stat(&f).connections, n);
	ck_assert_uint_eq(fixture_stat(&f).watches, n);
	ok(c[0], "register", "{instances:[{service:'web',id:'a'}]}");
	for (uint64_t i = 0; i < n; i++) {
		do
			rpc_event(c[i]);
		while (strcmp(rpc_event_text(c[i], "rev"), "1") != 0);
		rpc_close(c[i]);
	}
	fixture_await_connections(&f, 0);
	free(c);
}
END_TEST

START_TEST(connections_that_come_and_go_leave_nothing)
{
	int before;

	fixture_start(&f);
	before = open_descriptors();
	for (int i = 0; i < 500; i++) {
		struct rpc *c = i % 2 ? rpc_open(&f.tcp_addr) : rpc_dial(&f.unix_addr);

		if (i % 3 == 0)
			rpc_reset(c);
		else
			rpc_close(c);
	}
	fixture_await_connections(&f, 0);
	ck_assert_int_le(open_descriptors(), before);
}
END_TEST

/* Asks for much and takes nothing: the server stops reading from it, keeps little and
 * serves the others. */
START_TEST(who_never_reads_is_not_read_from)
{
	struct rpc *slow;
	struct rpc *c;
	uint64_t requests;
	uint64_t before;
	pid_t child;

	fixture_start(&f);
	c = rpc_open(&f.tcp_addr);
	for (int i = 0; i < 20; i++)
		ok(c, "register",
			"{instances:[{service:'web',id:'i%d',meta:{k:'%02000d'}}]}", i,
			i);
	slow = rpc_open(&f.unix_addr);
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 100000; i++)
			rpc_send(slow, "resolve", "{service:'web'}");
		_exit(0);
	}
	requests = 0;
	do {
		before = requests;
		poll(NULL, 0, 100);
		ok(c, "ping", "{}");
		requests = fixture_stat(&f).requests;
	} while (requests - before > 1);
	ck_assert_uint_lt(fixture_stat(&f).bytes_out, 4 << 20);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	rpc_close(slow);
	rpc_close(c);
	fixture_await_connections(&f, 0);
}
END_TEST

/* Each answer fits, together they do not: lookups that waited for the same revision. */
START_TEST(who_makes_too_much_output_at_once_is_closed)
{
	struct rpc *c;
	struct rpc *w;

	f.options.out_bytes_max = 1; /* the least there is: 512 KiB */
	fixture_start(&f);
	c = rpc_open(&f.tcp_addr);
	w = rpc_open(&f.unix_addr);
	for (int i = 0; i < 20; i++)
		ok(c, "register",
			"{instances:[{service:'web',id:'i%d',meta:{k:'%03000d'}}]}", i,
			i);
	for (int i = 0; i < 64; i++)
		rpc_send(w, "resolve", "{service:'web',min_rev:21,wait_ms:60000}");
	ok(w, "resolve", "{service:'web'}");
	ok(c, "register", "{instances:[{service:'db',id:'a'}]}");
	fixture_await_connections(&f, 1);
	ok(c, "ping", "{}");
	rpc_close(w);
	rpc_close(c);
}
END_TEST

/* More than out_bytes_max, alone; and more than one frame holds. */
START_TEST(a_large_service_is_told_in_parts)
{
	struct rpc *c;
	unsigned parts = 0;
	uint32_t instances = 0;

	f.options.out_bytes_max = 1;
	fixture_start(&f);
	c = rpc_open(&f.unix_addr);
	for (int i = 0; i < 4; i++) {
		struct buf b = {0};

		buf_printf(&b, "{instances:[");
		for (int k = 0; k < 150; k++)
			buf_printf(&b, "{service:'web',id:'i%d',meta:{k:'%03900d'}},",
				i * 150 + k, 0);
		buf_printf(&b, "]}%c", 0);
		ok(c, "register", "%s", (const char *)b.data);
		buf_fini(&b);
	}
	ok(c, "watch", "{service:'web'}");
	do {
		rpc_event(c);
		ck_assert_str_eq(rpc_event_text(c, "kind"), "'snapshot'");
		ck_assert_str_eq(rpc_event_text(c, "count"), "600");
		instances += rpc_event_list(c, "instances");
		parts++;
	} while (strcmp(rpc_event_text(c, "more"), "true") == 0);
	ck_assert_uint_eq(instances, 600);
	ck_assert_uint_ge(parts, 3);
	ck_assert_uint_eq(rpc_events_waiting(c), 0);
	rpc_close(c);
}
END_TEST

START_TEST(requests_that_wait_are_bounded)
{
	struct rpc *c;

	fixture_start(&f);
	c = rpc_open(&f.tcp_addr);
	for (int i = 0; i < 64; i++)
		rpc_send(c, "resolve", "{service:'web',min_rev:99,wait_ms:600000}");
	ck_assert_int_eq(rpc_call(c, "resolve", "{service:'web',min_rev:99,wait_ms:1}"),
		SVCD_ELIMIT);
	ck_assert_int_eq(
		rpc_call(c, "barrier", "{service:'web',rev:99,wait_ms:1}"), SVCD_ELIMIT);
	ok(c, "ping", "{}");
	rpc_close(c);
	fixture_await_connections(&f, 0);
}
END_TEST

START_TEST(many_writes_in_flight_are_held_back_and_not_refused)
{
	struct rpc *c;
	uint32_t last = 0;

	f.options.writes_in_flight_max = 4;
	fixture_start(&f);
	c = rpc_open(&f.tcp_addr);
	for (int i = 0; i < 200; i++)
		last = rpc_send(c, "register",
			"{instances:[{service:'web',id:'a',weight:%d}]}", i);
	for (uint32_t id = 0; id != last;) {
		id = rpc_next(c);
		ck_assert_int_eq(rpc_code(c), 0);
	}
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "instances.0.weight"), "199");
	rpc_close(c);
}
END_TEST

START_TEST(a_client_may_leave_with_writes_in_flight)
{
	struct rpc *c;

	fixture_start(&f);
	for (int round = 0; round < 20; round++) {
		c = rpc_open(&f.tcp_addr);
		for (int i = 0; i < 20; i++)
			rpc_send(c, "register", "{instances:[{service:'web',id:'i%d'}]}",
				i);
		if (round % 2)
			rpc_reset(c);
		else
			rpc_close(c);
	}
	fixture_await_connections(&f, 0);
}
END_TEST

START_TEST(a_stop_answers_what_was_asked)
{
	struct rpc *c;
	uint32_t ids[50];

	fixture_start(&f);
	c = rpc_open(&f.tcp_addr);
	for (size_t i = 0; i < LENGTH(ids); i++)
		ids[i] = rpc_send(
			c, "register", "{instances:[{service:'web',id:'i%zu'}]}", i);
	while (fixture_stat(&f).writes < LENGTH(ids))
		poll(NULL, 0, 1);
	fixture_restart(&f);
	for (size_t i = 0; i < LENGTH(ids); i++)
		ck_assert_int_eq(rpc_wait(c, ids[i]), 0);
	ck_assert_int_eq(rpc_closed(c), 0);
	rpc_close(c);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc_limits");
	TCase *tc = unit_case(s, "limits");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_is_no_message_is_refused_and_ends_the_connection, 0,
		LENGTH(malformed));
	tcase_add_test(tc, requests_before_a_malformed_message_are_answered);
	tcase_add_test(tc, a_message_may_come_byte_by_byte);
	tcase_add_test(tc, a_message_of_a_megabyte_is_read_and_a_larger_one_refused);
	tcase_add_test(tc, random_bytes_never_hurt);
	tcase_add_test(tc, who_does_not_say_hello_is_closed);
	tcase_add_test(tc, who_is_silent_is_closed_when_that_is_wanted);
	tcase_add_test(tc, one_connection_too_many_is_told_so);
	tcase_add_test(tc, two_thousand_idle_connections_are_no_burden);
	tcase_add_test(tc, connections_that_come_and_go_leave_nothing);
	tcase_add_test(tc, who_never_reads_is_not_read_from);
	tcase_add_test(tc, who_makes_too_much_output_at_once_is_closed);
	tcase_add_test(tc, a_large_service_is_told_in_parts);
	tcase_add_test(tc, requests_that_wait_are_bounded);
	tcase_add_test(tc, many_writes_in_flight_are_held_back_and_not_refused);
	tcase_add_test(tc, a_client_may_leave_with_writes_in_flight);
	tcase_add_test(tc, a_stop_answers_what_was_asked);
	return unit_run(s);
}
