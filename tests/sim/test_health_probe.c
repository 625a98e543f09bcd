/*
 * Probes on a real loop against servers that behave as told: each ending has its words.
 * The servers run on the same loop; nothing sleeps, only timeouts of probes pass.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>

#include "../unit/test_net.h"
#include "health/health.h"
#include "health/http_answer.h"
#include "health/probe.h"

#define BORED_MS 60 /* timeout of probes that must run into it */
#define PATIENT_MS 20000

static struct loop *loop;
static struct probe_world world;

/* ---- the probe and its end */

static struct probe_result result;
static int ends;

static void on_end(struct probe_world *w, void *owner, const struct probe_result *r)
{
	ck_assert_ptr_eq(w, &world);
	ck_assert_ptr_eq(owner, &result);
	result = *r;
	ends++;
}

static void on_deadline(void *arg)
{
	probe_timeout(arg);
}

static struct probe *begin(const char *type, const struct probe_spec *spec)
{
	int row = probe_type_row(bytes_str(type), NULL);
	struct probe *p;

	ck_assert_int_ge(row, 0);
	ends = 0;
	p = probe_new(&world, probe_type_at((uint32_t)row), spec, &result);
	ck_assert_ptr_nonnull(p);
	return p;
}

/* Runs a probe to its end, as its owner does. */
static void probe(const char *type, const struct probe_spec *spec)
{
	struct probe *p = begin(type, spec);
	struct timer deadline;

	ck_assert_int_eq(timer_init(&deadline, loop, on_deadline, p), 0);
	timer_set(&deadline, spec->timeout_ms);
	probe_start(p);
	if (ends == 0)
		run_until(loop, &ends, 1);
	timer_fini(&deadline);
	ck_assert_int_eq(ends, 1);
}

static void expect(enum probe_outcome outcome, const char *reason)
{
	ck_assert_str_eq(result.reason, reason);
	ck_assert_int_eq(result.outcome, outcome);
}

/* ---- the servers */

enum manner {
	HANG,        /* accepts, reads, says nothing */
	RESET,       /* RST at once */
	CLOSE,       /* an end at once */
	ANSWER,      /* text, then an end */
	ANSWER_STAY, /* text, and stays */
	DRIP,        /* text byte by byte */
	ANSWER_RESET /* text, then RST */
};

static struct server {
	struct listener *listener;
	struct net_addr at;
	enum manner manner;
	const char *text;
	char heard[1024];
	size_t heard_len;
	struct conn *conns[8]; /* those that are there */
	int accepted;
	int closed;
	int close_errno;
	struct timer drip;
	size_t dripped;
} server;

static void reset(int fd)
{
	struct linger l = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(fd);
}

static void on_drip(void *arg)
{
	struct conn *c = arg;

	conn_send_now(c, bytes_of(server.text + server.dripped++, 1));
	if (server.text[server.dripped] != '\0')
		timer_set(&server.drip, 1);
}

static void act(struct conn *c)
{
	switch (server.manner) {
	case ANSWER:
		conn_send_now(c, bytes_str(server.text));
		conn_close(c, SVCD_ECLOSED, 1000);
		break;
	case ANSWER_STAY:
		conn_send_now(c, bytes_str(server.text));
		break;
	case ANSWER_RESET:
		conn_send_now(c, bytes_str(server.text));
		conn_abort(c, SVCD_ECLOSED);
		break;
	case DRIP:
		ck_assert_int_eq(timer_init(&server.drip, loop, on_drip, c), 0);
		timer_set(&server.drip, 1);
		break;
	default:
		break;
	}
}

static ssize_t on_server_data(struct conn *c, struct bytes in, void *arg)
{
	(void)arg;
	ck_assert_uint_lt(server.heard_len + in.len, sizeof(server.heard));
	memcpy(server.heard + server.heard_len, in.data, in.len);
	server.heard_len += in.len;
	server.heard[server.heard_len] = '\0';
	if (strstr(server.heard, "\r\n\r\n") != NULL)
		act(c);
	return (ssize_t)in.len;
}

/* Puts a connection where another one, or none, is now. */
static void remember(const struct conn *now, struct conn *then)
{
	size_t i = 0;

	while (i < LENGTH(server.conns) && server.conns[i] != now)
		i++;
	ck_assert_uint_lt(i, LENGTH(server.conns));
	server.conns[i] = then;
}

static void on_server_close(struct conn *c, int reason, void *arg)
{
	(void)reason;
	(void)arg;
	server.closed++;
	server.close_errno = conn_errno(c);
	remember(c, NULL);
	timer_fini(&server.drip);
}

static const struct conn_events server_events = {
	.on_data = on_server_data,
	.on_close = on_server_close,
};

static void on_accept(int fd, void *arg)
{
	(void)arg;
	if (server.manner == RESET)
		reset(fd);
	else if (server.manner == CLOSE)
		close(fd);
	else
		remember(NULL, conn_adopt(loop, fd, &server_events, NULL));
	server.accepted++;
}

static uint16_t port_of(const struct net_addr *a)
{
	struct sockaddr_in sin;

	memcpy(&sin, a->sockaddr, sizeof(sin)); /* the port of IPv6 lies there too */
	return ntohs(sin.sin_port);
}

static void serve_at(const char *at, enum manner manner, const char *text)
{
	struct net_addr a = addr_of(at);
	struct err e = {0};

	server.manner = manner;
	server.text = text;
	server.listener = listener_new(loop, &a, 16, on_accept, NULL, &e);
	ck_assert_msg(server.listener != NULL, "%s", e.text);
	listener_addr(server.listener, &server.at);
}

static struct probe_spec spec_of(uint32_t timeout_ms)
{
	return (struct probe_spec){
		.address = "127.0.0.1",
		.path = "/health",
		.host = "",
		.port = port_of(&server.at),
		.status_min = 200,
		.status_max = 399,
		.timeout_ms = timeout_ms,
	};
}

static struct probe_spec serve(enum manner manner, const char *text, uint32_t timeout_ms)
{
	serve_at("tcp:127.0.0.1:0", manner, text);
	return spec_of(timeout_ms);
}

static void up(void)
{
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
	world = (struct probe_world){.loop = loop, .on_end = on_end};
}

static void down(void)
{
	listener_free(server.listener);
	for (size_t i = 0; i < LENGTH(server.conns); i++)
		if (server.conns[i] != NULL)
			conn_close(server.conns[i], SVCD_ESHUTDOWN, 0);
	resolver_free(world.names);
	loop_free(loop);
}

/* ---- tcp */

START_TEST(tcp_passes_where_somebody_listens)
{
	struct probe_spec spec = serve(HANG, NULL, PATIENT_MS);

	probe("tcp", &spec);
	expect(PROBE_PASSED, "connected");
	ck_assert_uint_gt(result.took_us, 0);
	ck_assert_uint_lt(result.took_us, PATIENT_MS * 1000);
}
END_TEST

/* Connections are accepted in their order: were the probe's there, it would be the first
 * of two. */
START_TEST(tcp_is_not_noticed_by_the_program)
{
	struct probe_spec spec = serve(HANG, NULL, PATIENT_MS);
	int fd;

	probe("tcp", &spec);
	fd = raw_connect(&server.at);
	run_until(loop, &server.accepted, 1);
	close(fd);
	run_until(loop, &server.closed, 1);
	ck_assert_int_eq(server.accepted, 1);
}
END_TEST

START_TEST(http_leaves_by_a_reset)
{
	struct probe_spec spec = serve(
		ANSWER_STAY, "HTTP/1.1 200 OK\r\n\r\n", PATIENT_MS);

	probe("http", &spec);
	if (server.closed == 0)
		run_until(loop, &server.closed, 1);
	ck_assert_int_eq(server.close_errno, ECONNRESET);
}
END_TEST

static uint16_t free_port(void)
{
	struct probe_spec spec = serve(HANG, NULL, 0);

	listener_free(server.listener);
	server.listener = NULL;
	return spec.port;
}

static const char *const both[] = {"tcp", "http"};

START_TEST(nobody_listens)
{
	struct probe_spec spec = spec_of(PATIENT_MS);

	spec.port = free_port();
	probe(both[_i], &spec);
	expect(PROBE_FAILED, "connect refused");
}
END_TEST

/* A listener whose queue is full ignores further handshakes, as a dead host does. */
START_TEST(nobody_answers_the_handshake)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct probe_spec spec = spec_of(BORED_MS);
	int callers[3];

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, len), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	for (size_t i = 0; i < LENGTH(callers); i++) {
		callers[i] = socket(
			AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(callers[i], (struct sockaddr *)&sin, len);
	}
	spec.port = ntohs(sin.sin_port);
	probe(both[_i], &spec);
	expect(PROBE_TIMED_OUT, "timed out after 60 ms (connecting)");
	for (size_t i = 0; i < LENGTH(callers); i++)
		close(callers[i]);
	close(fd);
}
END_TEST

START_TEST(a_unix_socket)
{
	char dir[32], path[64], at[80];
	struct probe_spec spec = spec_of(PATIENT_MS);

	raw_socket_path(dir, path);
	snprintf(at, sizeof(at), "unix:%s", path);
	spec.address = at;
	probe(both[_i], &spec);
	expect(PROBE_FAILED, "no such socket");

	serve_at(at, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
	probe(both[_i], &spec);
	expect(PROBE_PASSED, _i == 0 ? "connected" : "status 200");
	if (_i == 1)
		ck_assert_ptr_nonnull(strstr(server.heard, "\r\nHost: localhost\r\n"));
	listener_free(server.listener);
	server.listener = NULL;
	raw_remove_dir(dir, path);
}
END_TEST

START_TEST(a_dead_unix_socket_and_a_path_that_is_too_long)
{
	char dir[32], path[64], at[200];
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct probe_spec spec = spec_of(PATIENT_MS);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	raw_socket_path(dir, path);
	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	snprintf(at, sizeof(at), "unix:%s", path);
	spec.address = at;
	probe("tcp", &spec);
	expect(PROBE_FAILED, "connect refused");
	raw_remove_dir(dir, path);

	memset(at, 'x', sizeof(at));
	memcpy(at, "unix:/", 6);
	at[150] = '\0';
	probe("tcp", &spec);
	expect(PROBE_FAILED, "the path of its socket is too long");
}
END_TEST

START_TEST(a_unix_socket_with_a_full_queue)
{
	char dir[32], path[64], at[80];
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct probe_spec spec = spec_of(PATIENT_MS);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int caller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	raw_socket_path(dir, path);
	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	ck_assert_int_eq(connect(caller, (struct sockaddr *)&sun, sizeof(sun)), 0);
	snprintf(at, sizeof(at), "unix:%s", path);
	spec.address = at;
	probe("tcp", &spec);
	expect(PROBE_FAILED, "connect refused: too many wait to be accepted");
	close(caller);
	close(fd);
	raw_remove_dir(dir, path);
}
END_TEST

/* ---- http: what comes and what is said of it */

static char huge[3 * HTTP_HEAD_BYTES_MAX];

static const struct {
	const char *what;
	enum manner manner;
	const char *text;
	uint32_t timeout_ms;
	enum probe_outcome outcome;
	const char *reason;
} meetings[] = {
	{"a good answer", ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		PATIENT_MS, PROBE_PASSED, "status 200"},
	{"a server that does not close", ANSWER_STAY, "HTTP/1.1 204 No Content\r\n\r\n",
		PATIENT_MS, PROBE_PASSED, "status 204"},
	{"a redirect", ANSWER, "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", PATIENT_MS,
		PROBE_PASSED, "status 302"},
	{"a server in need", ANSWER, "HTTP/1.1 503 Service Unavailable\r\n\r\n",
		PATIENT_MS, PROBE_FAILED, "status 503"},
	{"a slow one", DRIP, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", PATIENT_MS, PROBE_PASSED,
		"status 200"},
	{"one too slow", DRIP, huge, BORED_MS, PROBE_TIMED_OUT,
		"timed out after 60 ms (in the middle of the answer)"},
	{"somebody else", ANSWER_STAY, "SSH-2.0-OpenSSH_9.2\r\n", PATIENT_MS,
		PROBE_FAILED, "not an HTTP answer: 'SSH-2.0-OpenSSH_9.2'"},
	{"somebody with TLS", ANSWER, "\x15\x03\x01\x02\x02\x28", PATIENT_MS,
		PROBE_FAILED, "not an HTTP answer but TLS"},
	{"garbage in the headers", ANSWER, "HTTP/1.1 200 OK\r\ngarbage\r\n\r\n",
		PATIENT_MS, PROBE_FAILED, "malformed header: 'garbage'"},
	{"huge headers", ANSWER_STAY, huge, PATIENT_MS, PROBE_FAILED,
		"headers are larger than 16384 bytes"},
	{"silence", HANG, NULL, BORED_MS, PROBE_TIMED_OUT,
		"timed out after 60 ms (waiting for the answer)"},
	{"half an answer, then silence", ANSWER_STAY, "HTTP/1.1 200 OK\r\nA:", BORED_MS,
		PROBE_TIMED_OUT, "timed out after 60 ms (in the middle of the answer)"},
	{"an early end", CLOSE, NULL, PATIENT_MS, PROBE_FAILED, NULL},
	{"a reset", RESET, NULL, PATIENT_MS, PROBE_FAILED, NULL},
	{"an end without an answer", ANSWER, "", PATIENT_MS, PROBE_FAILED,
		"closed before an answer"},
	{"an end within the headers", ANSWER, "HTTP/1.1 200 OK\r\nA: b\r\n", PATIENT_MS,
		PROBE_FAILED, "closed in the middle of the answer"},
	{"a reset without an answer", ANSWER_RESET, "", PATIENT_MS, PROBE_FAILED,
		"reset before an answer"},
	{"a continuation, then the answer", ANSWER,
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 Oh\r\n\r\n", PATIENT_MS,
		PROBE_FAILED, "status 500"},
};

/* Where the kernel's order decides between two true words. */
static void expect_lost(void)
{
	ck_assert_int_eq(result.outcome, PROBE_FAILED);
	ck_assert_msg(strcmp(result.reason, "closed before an answer") == 0 ||
			strcmp(result.reason, "reset before an answer") == 0 ||
			strcmp(result.reason, "reset while connecting") == 0,
		"%s", result.reason);
}

START_TEST(an_http_server_of_any_kind)
{
	struct probe_spec spec = serve(
		meetings[_i].manner, meetings[_i].text, meetings[_i].timeout_ms);

	probe("http", &spec);
	if (meetings[_i].reason != NULL)
		expect(meetings[_i].outcome, meetings[_i].reason);
	else
		expect_lost();
}
END_TEST

static const struct {
	uint16_t min, max;
	enum probe_outcome outcome;
} ranges[] = {
	{200, 399, PROBE_PASSED},
	{204, 204, PROBE_PASSED},
	{200, 203, PROBE_FAILED},
	{205, 599, PROBE_FAILED},
};

START_TEST(the_status_range_decides)
{
	struct probe_spec spec = serve(
		ANSWER, "HTTP/1.1 204 No Content\r\n\r\n", PATIENT_MS);

	spec.status_min = ranges[_i].min;
	spec.status_max = ranges[_i].max;
	probe("http", &spec);
	expect(ranges[_i].outcome, "status 204");
}
END_TEST

static const struct {
	const char *listen, *address, *path, *host, *first_lines;
} requests[] = {
	{"tcp:127.0.0.1:0", "127.0.0.1", "/health", "",
		"GET /health HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"},
	{"tcp:127.0.0.1:0", "127.0.0.1", "", "",
		"GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"},
	{"tcp:127.0.0.1:0", "127.0.0.1", "/x?y=%41", "shop.example",
		"GET /x?y=%41 HTTP/1.1\r\nHost: shop.example\r\n"},
	{"tcp:[::1]:0", "::1", "/", "", "GET / HTTP/1.1\r\nHost: [::1]:%u\r\n"},
	{"tcp:127.0.0.1:0", "localhost", "/", "",
		"GET / HTTP/1.1\r\nHost: localhost:%u\r\n"},
};

/* text, with the port where it says %u */
static void put_port(char *out, size_t cap, const char *text, uint16_t port)
{
	const char *at = strstr(text, "%u");

	if (at == NULL)
		snprintf(out, cap, "%s", text);
	else
		snprintf(out, cap, "%.*s%u%s", (int)(at - text), text, port, at + 2);
}

START_TEST(a_request_in_full)
{
	static const char rest[] =
		"User-Agent: svcd\r\nAccept: */*\r\nConnection: close\r\n\r\n";
	struct probe_spec spec;
	char wanted[300];

	serve_at(requests[_i].listen, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
	spec = spec_of(PATIENT_MS);
	spec.address = requests[_i].address;
	spec.path = requests[_i].path;
	spec.host = requests[_i].host;
	probe("http", &spec);
	expect(PROBE_PASSED, "status 200");
	put_port(wanted, sizeof(wanted), requests[_i].first_lines, spec.port);
	strcat(wanted, rest);
	ck_assert_str_eq(server.heard, wanted);
}
END_TEST

/* ---- life */

START_TEST(a_cancelled_probe_is_silent)
{
	struct probe_spec spec = serve(HANG, NULL, PATIENT_MS);
	struct probe *p = begin("http", &spec);

	probe_start(p);
	if (_i == 1)
		run_until(loop, &server.accepted, 1);
	probe_cancel(p);
	if (_i == 1)
		run_until(loop, &server.closed, 1);
	ck_assert_int_eq(ends, 0);
}
END_TEST

START_TEST(a_probe_follows_its_owner)
{
	struct probe_spec spec = serve(ANSWER, "HTTP/1.1 200 OK\r\n\r\n", PATIENT_MS);
	struct probe_spec moved = spec;
	struct probe *p = begin("http", &spec);
	char path[] = "/health";

	p->owner = NULL;
	probe_start(p);
	moved.path = path;
	spec.path = NULL;
	probe_adopt(p, &moved, &result);
	run_until(loop, &ends, 1);
	expect(PROBE_PASSED, "status 200");
}
END_TEST

START_TEST(descriptors_that_run_out_say_nothing_of_the_target)
{
	struct probe_spec spec = serve(HANG, NULL, PATIENT_MS);
	struct rlimit limit = {64, 64};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (dup(0) >= 0)
		; /* the process ends with the test */
	probe("tcp", &spec);
	ck_assert_int_eq(result.outcome, PROBE_NOT_RUN);
	ck_assert_ptr_nonnull(strstr(result.reason, "Too many open files"));
}
END_TEST

static const struct {
	const char *name;
	int row;
	const char *words;
} types[] = {
	{"tcp", 0, NULL},
	{"http", 1, NULL},
	{"htp", -1, "no check type \"htp\"; did you mean \"http\"?"},
	{"grpc-web", -1, "no check type \"grpc-web\""},
	{"", -1, "no check type \"\""},
	{"tcp\n", -1, "no check type of that name"},
	{"a name that is far too long to be said again", -1,
		"no check type of that name"},
};

START_TEST(types_are_rows_of_a_table)
{
	struct err e = {0};
	int row = probe_type_row(bytes_str(types[_i].name), &e);

	if (types[_i].words == NULL) {
		ck_assert_int_eq(row, types[_i].row);
		ck_assert_str_eq(probe_type_at((uint32_t)row)->name, types[_i].name);
	} else {
		ck_assert_int_eq(row, SVCD_EINVAL);
		ck_assert_str_eq(e.text, types[_i].words);
	}
}
END_TEST

/* ---- all of it on a real loop */

static int verdicts;
static enum check_state verdict;

static bool on_verdict(void *arg, struct bytes key, uint64_t incarnation,
	enum check_state state, const char *reason)
{
	ck_assert_ptr_eq(arg, &verdicts);
	ck_assert(bytes_eq_str(key, "web-1"));
	ck_assert_uint_eq(incarnation, 7);
	ck_assert_ptr_nonnull(reason);
	verdict = state;
	verdicts++;
	return true;
}

START_TEST(checks_follow_a_server_that_goes_away)
{
	static const struct health_events events = {.on_verdict = on_verdict};
	struct probe_spec spec = serve(ANSWER, "HTTP/1.1 200 OK\r\n\r\n", PATIENT_MS);
	struct health_check check = {.name = bytes_str("c"),
		.type = bytes_str(both[_i]),
		.address = bytes_str("127.0.0.1"),
		.port = spec.port,
		.timeout_ms = spec.timeout_ms,
		.rule = {.rise = 2, .fall = 3, .interval_ms = 20}};
	struct health_target target = {.key = bytes_str("web-1"),
		.incarnation = 7,
		.checks = &check,
		.n_checks = 1};
	struct health_options options = {0};
	struct health *h = health_new(loop, &options, &events, &verdicts);

	ck_assert_int_eq(health_set(h, &target, NULL), 0);
	run_until(loop, &verdicts, 1);
	ck_assert_int_eq(verdict, CHECK_PASSING);
	listener_free(server.listener);
	server.listener = NULL;
	run_until(loop, &verdicts, 2);
	ck_assert_int_eq(verdict, CHECK_FAILING);
	health_check_invariants(h);
	health_free(h);
}
END_TEST

static void fill_huge(void)
{
	size_t at = (size_t)sprintf(huge, "HTTP/1.1 200 OK\r\n");

	while (at + 20 < sizeof(huge))
		at += (size_t)sprintf(huge + at, "Name: value\r\n");
}

int main(void)
{
	Suite *s = suite_create("health_probe");
	TCase *tc = unit_case(s, "probe");

	fill_huge();
	tcase_add_checked_fixture(tc, up, down);
	tcase_add_test(tc, tcp_passes_where_somebody_listens);
	tcase_add_test(tc, tcp_is_not_noticed_by_the_program);
	tcase_add_test(tc, http_leaves_by_a_reset);
	tcase_add_loop_test(tc, nobody_listens, 0, LENGTH(both));
	tcase_add_loop_test(tc, nobody_answers_the_handshake, 0, LENGTH(both));
	tcase_add_loop_test(tc, a_unix_socket, 0, LENGTH(both));
	tcase_add_test(tc, a_dead_unix_socket_and_a_path_that_is_too_long);
	tcase_add_test(tc, a_unix_socket_with_a_full_queue);
	tcase_add_loop_test(tc, an_http_server_of_any_kind, 0, LENGTH(meetings));
	tcase_add_loop_test(tc, the_status_range_decides, 0, LENGTH(ranges));
	tcase_add_loop_test(tc, a_request_in_full, 0, LENGTH(requests));
	tcase_add_loop_test(tc, a_cancelled_probe_is_silent, 0, 2);
	tcase_add_test(tc, a_probe_follows_its_owner);
	tcase_add_test(tc, descriptors_that_run_out_say_nothing_of_the_target);
	tcase_add_loop_test(tc, checks_follow_a_server_that_goes_away, 0, LENGTH(both));
	tcase_add_loop_test(tc, types_are_rows_of_a_table, 0, LENGTH(types));
	return unit_run(s);
}
