/* server/http_request.h: heads of requests; server/metrics.h: what is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_request.h"
#include "server/metrics.h"
#include "unit.h"

/* ---- requests ---------------------------------------------------------- */

static const struct {
	const char *in;
	int code;
	const char *method, *path;
} heads[] = {
	{"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 0, "GET", "/metrics"},
	{"GET /metrics HTTP/1.0\r\n\r\n", 0, "GET", "/metrics"},
	{"GET /metrics HTTP/1.0\n\n", 0, "GET", "/metrics"},
	{"\r\nHEAD / HTTP/1.1\r\nhOST:\r\n\r\n", 0, "HEAD", "/"},
	{"GET /m?a=/b?c HTTP/1.1\r\nHost: a\r\n\r\n", 0, "GET", "/m"},
	{"GET http://a.example:80/m?x HTTP/1.1\r\nHost: a\r\n\r\n", 0, "GET", "/m"},
	{"GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", 0, "GET", "/"},
	{"GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n", 0, "GET", "/"},
	{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0, "OPTIONS", "*"},
	{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", 0, "POST", "/"},
	{"M-X / HTTP/1.9\r\nHost: a\r\nX:\t\xff y \r\n\r\n", 0, "M-X", "/"},

	{"", SVCD_EAGAIN, NULL, NULL},
	{"\r\n\r\n", SVCD_EAGAIN, NULL, NULL},
	{"GET / HTTP/1.1", SVCD_EAGAIN, NULL, NULL},
	{"GET / HTTP/1.1\r\n", SVCD_EAGAIN, NULL, NULL},
	{"GET / HTTP/1.1\r\nHost: a\r\n", SVCD_EAGAIN, NULL, NULL},
	{"GET / HTTP/1.1\r\nHost: a\r\n\r", SVCD_EAGAIN, NULL, NULL},

	{"GET / HTTP/2.0\r\n", SVCD_EVERSION, NULL, NULL},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SVCD_EVERSION, NULL, NULL},
	{"GET /\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET / \r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET  / HTTP/1.1\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET / HTTP/1.1 \r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET / http/1.1\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET / HTTP/11\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{" GET / HTTP/1.1\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"G(T / HTTP/1.1\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET metrics HTTP/1.1\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET http:///m HTTP/1.1\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET *x HTTP/1.1\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"CONNECT a:80 HTTP/1.1\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET /\x80 HTTP/1.1\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET /\x01 HTTP/1.1\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET / HTTP/1.1\r\n\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET / HTTP/1.1\r\nHost : a\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET / HTTP/1.1\r\nX: a\r\n b\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET / HTTP/1.1\r\nX\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET / HTTP/1.1\r\n: x\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"GET / HTTP/1.1\r\nX: a\rb\r\n", SVCD_EPROTOCOL, NULL, NULL},
	{"\x16\x03\x01\x02\n", SVCD_EPROTOCOL, NULL, NULL},
	{"\x94\x01\x01\xa5hello\n", SVCD_EPROTOCOL, NULL, NULL},
};

START_TEST(a_head_is_taken_or_refused)
{
	struct http_request r = {BYTES_NONE, BYTES_NONE};

	ck_assert_int_eq(http_request_parse(bytes_str(heads[_i].in), &r), heads[_i].code);
	if (heads[_i].code == 0) {
		ck_assert(bytes_eq_str(r.method, heads[_i].method));
		ck_assert(bytes_eq_str(r.path, heads[_i].path));
	} else {
		ck_assert_ptr_null(r.method.data); /* written on success only */
	}
}
END_TEST

START_TEST(a_head_may_have_so_many_bytes)
{
	static const char start[] = "GET / HTTP/1.0\r\nX: ";
	char *in = malloc(HTTP_REQUEST_MAX + 1);
	struct http_request r;

	memset(in, 'x', HTTP_REQUEST_MAX + 1);
	memcpy(in, start, strlen(start));
	memcpy(in + HTTP_REQUEST_MAX - 4, "\r\n\r\n", 4);
	ck_assert_int_eq(http_request_parse(bytes_of(in, HTTP_REQUEST_MAX), &r), 0);
	memcpy(in + HTTP_REQUEST_MAX - 4, "x\r\n\r\n", 5);
	ck_assert_int_eq(
		http_request_parse(bytes_of(in, HTTP_REQUEST_MAX), &r), SVCD_EAGAIN);
	ck_assert_int_eq(
		http_request_parse(bytes_of(in, HTTP_REQUEST_MAX + 1), &r), SVCD_ETOOBIG);
	free(in);
}
END_TEST

/* ---- metrics ----------------------------------------------------------- */

static struct metrics m;
static struct buf text;

static void metrics_setup(void)
{
	m = (struct metrics){.certificate_ms = METRICS_NEVER};
	buf_init(&text, 0);
}

static void metrics_teardown(void)
{
	buf_fini(&text);
}

static void write_all(void)
{
	buf_clear(&text);
	metrics_write(&text, &m);
	buf_put_u8(&text, 0);
	ck_assert_int_eq(text.error, 0);
}

/* A whole line. */
static bool has(const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	return strstr((const char *)text.data, whole) != NULL;
}

START_TEST(an_alarm_is_a_one)
{
	m.n_members = 2;
	strcpy(m.members[0].name, "a");
	strcpy(m.members[1].name, "b");
	write_all();
	ck_assert(has("svcd_diverged 0"));
	ck_assert(has("svcd_incomplete 0"));
	ck_assert(has("svcd_member_diverged{member=\"b\"} 0"));
	m.member.diverged = m.member.incomplete = true;
	m.members[1].diverged = m.members[1].disputed = m.members[1].incomplete = true;
	write_all();
	ck_assert(has("svcd_diverged 1"));
	ck_assert(has("svcd_incomplete 1"));
	ck_assert(has("svcd_member_diverged{member=\"a\"} 0"));
	ck_assert(has("svcd_member_diverged{member=\"b\"} 1"));
	ck_assert(has("svcd_member_disputed{member=\"b\"} 1"));
	ck_assert(has("svcd_member_incomplete{member=\"b\"} 1"));
}
END_TEST

START_TEST(values_are_in_base_units)
{
	m.n_members = 1;
	m.members[0] = (struct replica_member){.node = 0xab,
		.heard_ms = METRICS_NEVER,
		.rtt_us = 1500,
		.wall_diff_ms = -1250,
		.applied = UINT64_MAX};
	m.member.age_ms = 20;
	m.server.requests = 7;
	m.catalog.by_effective[EFFECTIVE_PENDING] = 3;
	write_all();
	ck_assert(has("svcd_state_age_seconds 0.020"));
	ck_assert(has("svcd_certificate_left_seconds +Inf"));
	ck_assert(has("# TYPE svcd_requests_total counter\nsvcd_requests_total 7"));
	ck_assert(has("# TYPE svcd_connections gauge\nsvcd_connections 0"));
	ck_assert(has("svcd_instances{state=\"pending\"} 3"));
	ck_assert(has("svcd_member_silence_seconds{member=\"00000000000000ab\"} +Inf"));
	ck_assert(has("svcd_member_round_trip_seconds{member=\"00000000000000ab\"} "
		      "0.001500"));
	ck_assert(has("svcd_member_clock_difference_seconds{member=\"00000000000000ab\"} "
		      "-1.250"));
	ck_assert(has("svcd_member_applied_index{member=\"00000000000000ab\"} "
		      "18446744073709551615"));
	m.members[0].wall_diff_ms = INT64_MIN;
	write_all();
	ck_assert(has("svcd_member_clock_difference_seconds{member=\"00000000000000ab\"} "
		      "-9223372036854775.808"));
}
END_TEST

START_TEST(labels_are_escaped)
{
	m.n_members = 1;
	strcpy(m.members[0].name, "a\"b\\c\nd");
	write_all();
	ck_assert(has("svcd_member_leader{member=\"a\\\"b\\\\c\\nd\"} 0"));
}
END_TEST

START_TEST(what_does_not_fit_is_an_error)
{
	struct buf small;

	buf_init(&small, 1000);
	metrics_write(&small, &m);
	ck_assert_int_eq(small.error, SVCD_ETOOBIG);
	buf_fini(&small);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("server_http");
	TCase *tc = unit_case(s, "requests");

	tcase_add_loop_test(tc, a_head_is_taken_or_refused, 0, LENGTH(heads));
	tcase_add_test(tc, a_head_may_have_so_many_bytes);
	tc = unit_case(s, "metrics");
	tcase_add_checked_fixture(tc, metrics_setup, metrics_teardown);
	tcase_add_test(tc, an_alarm_is_a_one);
	tcase_add_test(tc, values_are_in_base_units);
	tcase_add_test(tc, labels_are_escaped);
	tcase_add_test(tc, what_does_not_fit_is_an_error);
	return unit_run(s);
}
