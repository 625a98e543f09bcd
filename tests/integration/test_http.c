/* The HTTP face, over real connections, before tests/unit/fake_replica.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/fake_replica.h"
#include "../unit/unit.h"
#include "rpc_fixture.h"
#include "server/http.h"
#include "server/http_request.h"

#define PATIENCE_MS 20000 /* of the test */
#define ANSWER_MAX 65536

static struct fixture f;
static struct net_addr http;
static char answer[ANSWER_MAX];

static void start_with(uint32_t hello_timeout_ms)
{
	fixture_init(&f);
	f.options.http[0] = "tcp:127.0.0.1:0";
	f.options.n_http = 1;
	f.options.hello_timeout_ms = hello_timeout_ms;
	fixture_start(&f);
	server_http_addr(f.server, 0, &http);
}

static void setup(void)
{
	start_with(0);
}

static void teardown(void)
{
	fixture_stop(&f);
}

static int dial(void)
{
	struct sockaddr_storage sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	memcpy(&sa, http.sockaddr, sizeof(http.sockaddr));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, http.len), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

	/* Who was closed at once hears that. */
	ck_assert(n == (ssize_t)len || errno == EPIPE || errno == ECONNRESET);
}

/* Everything up to the server's end, then closes. */
static const char *hear(int fd)
{
	size_t len = 0;
	ssize_t n;

	do {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "the server is silent");
		n = read(fd, answer + len, ANSWER_MAX - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	ck_assert_msg(n == 0 || errno == ECONNRESET, "%m");
	close(fd);
	answer[len] = '\0';
	return answer;
}

static const char *ask(const char *request)
{
	int fd = dial();

	say(fd, request);
	return hear(fd);
}

static const char *body(void)
{
	const char *end = strstr(answer, "\r\n\r\n");

	ck_assert_ptr_nonnull(end);
	return end + 4;
}

static bool has(const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	return strstr(answer, whole) != NULL;
}

#define GET "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"

static const struct {
	const char *request, *status, *also;
} answers[] = {
	{GET, "HTTP/1.1 200 OK\r\n", "\nContent-Type: text/plain; version=0.0.4"},
	{"GET /metrics?x HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n",
		"\nConnection: close\r\n"},
	{"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "/metrics"},
	{"GET /metrics/ HTTP/1.0\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "/metrics"},
	{"POST /metrics HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 405 Method Not Allowed\r\n", "\nAllow: GET, HEAD\r\n"},
	{"GET /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "not an HTTP"},
	{"\x94\x01\x01\xa5hello\x91\x80\n", "HTTP/1.1 400 Bad Request\r\n",
		"not an HTTP"},
	{"GET /metrics HTTP/3.0\r\n\r\n", "HTTP/1.1 505 ", "HTTP/1.1 is spoken"},
};

START_TEST(a_request_is_answered_and_the_connection_ends)
{
	char length[64];

	ask(answers[_i].request);
	ck_assert_msg(
		strncmp(answer, answers[_i].status, strlen(answers[_i].status)) == 0,
		"%s", answer);
	ck_assert_ptr_nonnull(strstr(answer, answers[_i].also));
	snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n", strlen(body()));
	ck_assert_ptr_nonnull(strstr(answer, length));
}
END_TEST

START_TEST(head_has_no_body)
{
	ask("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	ck_assert_str_eq(body(), "");
}
END_TEST

START_TEST(a_head_that_is_too_long_is_told_so)
{
	char *head = calloc(1, 2 * HTTP_REQUEST_MAX);
	int fd = dial();

	strcpy(head, "GET /metrics HTTP/1.1\r\nX: ");
	memset(head + strlen(head), 'x', HTTP_REQUEST_MAX);
	say(fd, head);
	free(head);
	ck_assert_ptr_nonnull(strstr(hear(fd), "HTTP/1.1 431 "));
}
END_TEST

START_TEST(a_request_may_come_byte_by_byte)
{
	int fd = dial();

	for (const char *c = GET; *c != '\0'; c++)
		say(fd, (char[]){*c, '\0'});
	ck_assert_ptr_nonnull(strstr(hear(fd), "HTTP/1.1 200 OK\r\n"));
}
END_TEST

START_TEST(numbers_are_those_of_the_member)
{
	struct rpc *c = rpc_open(&f.unix_addr);

	ck_assert_int_eq(
		rpc_call(c, "register", "{instances:[{service:'web',id:'a'}]}"), 0);
	ck_assert_int_eq(rpc_call(c, "resolve", "{service:'web'}"), 0);
	ask(GET);
	ck_assert(has("svcd_leader 1"));
	ck_assert(has("svcd_connections 1"));
	ck_assert(has("svcd_services 1"));
	ck_assert(has("svcd_instances{state=\"up\"} 1"));
	ck_assert(has("svcd_writes_total 1"));
	ck_assert(has("svcd_lookups_total 1"));
	fake_replica_role(f.replica, ROLE_FOLLOWER);
	fake_replica_space_low(f.replica, true);
	ask(GET);
	ck_assert(has("svcd_leader 0"));
	ck_assert(has("svcd_space_low 1"));
	rpc_close(c);
}
END_TEST

/* Item by item as the replica says it: also where lookups are refused. */
START_TEST(a_digest_that_differs_is_an_alarm)
{
	struct replica_member members[] = {
		{.node = 1, .name = "a", .self = true},
		{.node = 2, .name = "b"},
	};

	fake_replica_members(f.replica, members, 2);
	ask(GET);
	ck_assert(has("svcd_diverged 0"));
	ck_assert(has("svcd_member_diverged{member=\"b\"} 0"));
	fake_replica_diverged(f.replica, true);
	members[1].diverged = true;
	fake_replica_members(f.replica, members, 2);
	ask(GET);
	ck_assert(has("svcd_diverged 1"));
	ck_assert(has("svcd_member_diverged{member=\"a\"} 0"));
	ck_assert(has("svcd_member_diverged{member=\"b\"} 1"));
}
END_TEST

/* ---- who takes what is scarce ------------------------------------------- */

START_TEST(who_says_nothing_is_closed)
{
	int silent, half;

	start_with(50);
	silent = dial();
	half = dial();
	say(half, "GET /metrics HT");
	ck_assert_str_eq(hear(silent), "");
	ck_assert_str_eq(hear(half), "");
	ck_assert_ptr_nonnull(strstr(ask(GET), "HTTP/1.1 200 OK\r\n"));
}
END_TEST

START_TEST(connections_are_bounded)
{
	int fds[HTTP_CONNECTIONS_MAX];

	for (uint32_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
		fds[i] = dial();
	ck_assert_str_eq(hear(dial()), "");
	say(fds[0], GET);
	ck_assert_ptr_nonnull(strstr(hear(fds[0]), "HTTP/1.1 200 OK\r\n"));
	/* The place is free when the server has noticed our end. */
	do
		ask(GET);
	while (answer[0] == '\0');
	ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 200 OK\r\n"));
	for (uint32_t i = 1; i < HTTP_CONNECTIONS_MAX; i++)
		close(fds[i]);
}
END_TEST

START_TEST(a_stop_ends_connections)
{
	int fd = dial();

	ask(GET); /* so the other one was accepted, too */
	fixture_restart(&f);
	ck_assert_str_eq(hear(fd), "");
}
END_TEST

START_TEST(an_address_in_use_is_refused)
{
	struct server_options o = f.options;
	struct server *other;
	struct err e;

	o.n_listen = 0;
	o.http[0] = http.text;
	ck_assert_int_eq(server_start(f.replica, &o, &other, &e), SVCD_EINUSE);
	ck_assert_ptr_nonnull(strstr(e.text, http.text));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http");
	TCase *tc = unit_case(s, "http");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
		tc, a_request_is_answered_and_the_connection_ends, 0, LENGTH(answers));
	tcase_add_test(tc, head_has_no_body);
	tcase_add_test(tc, a_head_that_is_too_long_is_told_so);
	tcase_add_test(tc, a_request_may_come_byte_by_byte);
	tcase_add_test(tc, numbers_are_those_of_the_member);
	tcase_add_test(tc, a_digest_that_differs_is_an_alarm);
	tcase_add_test(tc, connections_are_bounded);
	tcase_add_test(tc, a_stop_ends_connections);
	tcase_add_test(tc, an_address_in_use_is_refused);
	tc = unit_case(s, "patience");
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, who_says_nothing_is_closed);
	return unit_run(s);
}
