/* health/http_answer.h: heads of answers, whole and in pieces. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "health/http_answer.h"
#include "unit.h"

/* A fault, or a status; neither: not complete. */
static const struct {
	const char *in;
	uint16_t status;
	const char *fault;
} answers[] = {
	{"HTTP/1.1 200 OK\r\n\r\n", 200, NULL},
	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, NULL},
	{"HTTP/1.0 503 Service Unavailable\r\nX: y\r\n\r\n", 503, NULL},
	{"HTTP/1.1 204\r\n\r\n", 204, NULL},
	{"HTTP/1.1 204 \r\n\r\n", 204, NULL},
	{"HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n", 301, NULL},
	{"HTTP/1.1 599 x\n\n", 599, NULL},
	{"HTTP/1.1 200 OK\nA: b\n\n", 200, NULL},
	{"HTTP/1.1 200 \xc3\xa4\r\n\r\n", 200, NULL},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200, NULL},
	{"HTTP/1.1 103 Hints\r\nLink: </s>\r\n\r\nHTTP/1.1 503 No\r\n\r\n", 503, NULL},
	{"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101, NULL},
	{"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", 200, NULL},
	{"HTTP/1.1 200 OK\r\nEmpty:\r\nA:\t\xff\r\n\r\n", 200, NULL},
	{"HTTP/1.1 200 OK\r\n\r\nwhat ever\x01", 200, NULL},

	{"", 0, NULL},
	{"HTTP/1.1 200 OK", 0, NULL},
	{"HTTP/1.1 200 OK\r\n", 0, NULL},
	{"HTTP/1.1 200 OK\r\nA: b\r\n", 0, NULL},
	{"HTTP/1.1 200 OK\r\nA: b\r\n\r", 0, NULL},
	{"HTTP/1.1 100 Continue\r\n\r\n", 0, NULL},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.", 0, NULL},

	{"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 0,
		"not an HTTP answer: 'SSH-2.0-OpenSSH_9.2p1 Debian-2'"},
	{"220 mail.example ESMTP\r\n250", 0,
		"not an HTTP answer: '220 mail.example ESMTP'"},
	{"\r\n", 0, "not an HTTP answer: ''"},
	{"\r\r", 0, "not an HTTP answer: '\\x0d'"},
	{"HTTP/2 200\r\n\r\n", 0, "not an HTTP answer: 'HTTP/2 200'"},
	{"HTTP/1.x 200\r\n", 0, "not an HTTP answer: 'HTTP/1.x 200'"},
	{"HTTP/1.10 200\r\n", 0, "not an HTTP answer: 'HTTP/1.10 200'"},
	{"HTTP/1.1 20\r\n", 0, "not an HTTP answer: 'HTTP/1.1 20'"},
	{"HTTP/1.1 2000\r\n", 0, "not an HTTP answer: 'HTTP/1.1 2000'"},
	{"HTTP/1.1 2x0 OK\r\n", 0, "not an HTTP answer: 'HTTP/1.1 2x0 OK'"},
	{"HTTP/1.1  200 OK\r\n", 0, "not an HTTP answer: 'HTTP/1.1  200 OK'"},
	{"HTTP/1.1 099 OK\r\n", 0, "not an HTTP answer: 'HTTP/1.1 099 OK'"},
	{"HTTP/1.1 600 OK\r\n", 0, "not an HTTP answer: 'HTTP/1.1 600 OK'"},
	{"http/1.1 200 OK\r\n", 0, "not an HTTP answer: 'http/1.1 200 OK'"},
	{"HTTP/1.1 200 OK\rX\r\n", 0, "not an HTTP answer: 'HTTP/1.1 200 OKX'"},
	{"HTTP/1.1 100 C\r\n\r\n+OK POP3\r\n", 0, "not an HTTP answer: '+OK POP3'"},
	{"\x15\x03\x01", 0, "not an HTTP answer but TLS"},
	{"\x16\x03\x03zz", 0, "not an HTTP answer but TLS"},
	{"\x15", 0, "not an HTTP answer: '\\x15'"},
	{"a'\\\"b\x1b[2J\xff", 0, "not an HTTP answer: 'a\\x27\\x5c\"b\\x1b[2J\\xff'"},
	{"GARBAGE that goes on and on, longer than is kept of a line", 0,
		"not an HTTP answer: 'GARBAGE that goes on and on, longer than is kept...'"},
	{"HTTP/1.1 200 OK\r\nno colon\r\n", 0, "malformed header: 'no colon'"},
	{"HTTP/1.1 200 OK\r\nname\r\n", 0, "malformed header: 'name'"},
	{"HTTP/1.1 200 OK\r\n: nameless\r\n", 0, "malformed header: ': nameless'"},
	{"HTTP/1.1 200 OK\r\nA : b\r\n", 0, "malformed header: 'A : b'"},
	{"HTTP/1.1 200 OK\r\nA: b\x07\r\n", 0, "malformed header: 'A: b\\x07'"},
	{"HTTP/1.1 200 OK\r\nA: b\rC: d\r\n", 0, "malformed header: 'A: bC: d'"},
	{"HTTP/1.1 200 OK\r\n\r\r\n", 0, "malformed header: '\\x0d'"},
};

static enum http_answer_end feed(
	struct http_answer *a, const char *in, size_t len, size_t piece)
{
	enum http_answer_end end = HTTP_ANSWER_MORE;

	http_answer_init(a);
	for (size_t i = 0; i < len && end == HTTP_ANSWER_MORE; i += piece)
		end = http_answer_feed(
			a, bytes_of(in + i, len - i < piece ? len - i : piece));
	return end;
}

static void expect(
	const struct http_answer *a, enum http_answer_end end, size_t row, size_t piece)
{
	char words[160];

	if (answers[row].fault != NULL) {
		ck_assert_int_eq(end, HTTP_ANSWER_BAD);
		http_answer_fault_text(a, words, sizeof(words));
		if (piece > 1)
			ck_assert_str_eq(words, answers[row].fault);
	} else if (answers[row].status != 0) {
		ck_assert_int_eq(end, HTTP_ANSWER_DONE);
		ck_assert_uint_eq(a->status, answers[row].status);
	} else {
		ck_assert_int_eq(end, HTTP_ANSWER_MORE);
	}
}

START_TEST(an_answer_at_once)
{
	struct http_answer a;
	const char *in = answers[_i].in;

	expect(&a, feed(&a, in, strlen(in), SIZE_MAX / 2), (size_t)_i, SIZE_MAX / 2);
}
END_TEST

START_TEST(an_answer_byte_by_byte_is_judged_alike)
{
	struct http_answer a;
	const char *in = answers[_i].in;

	expect(&a, feed(&a, in, strlen(in), 1), (size_t)_i, 1);
}
END_TEST

START_TEST(what_comes_after_the_head_changes_nothing)
{
	struct http_answer a;
	const char *in = "HTTP/1.1 200 OK\r\n\r\n";

	ck_assert_int_eq(feed(&a, in, strlen(in), 100), HTTP_ANSWER_DONE);
	ck_assert_int_eq(
		http_answer_feed(&a, bytes_str("SSH-2.0\r\n")), HTTP_ANSWER_DONE);
	ck_assert_uint_eq(a.status, 200);
	ck_assert_int_eq(feed(&a, "SSH", 3, 100), HTTP_ANSWER_BAD);
	ck_assert_int_eq(http_answer_feed(&a, bytes_str("HTTP/1.1 200 OK\r\n\r\n")),
		HTTP_ANSWER_BAD);
}
END_TEST

/* A head of so many bytes in all; the last line fills it up. */
static char *head_of(size_t bytes, const char *line)
{
	char *in = malloc(bytes + 1);
	size_t at = (size_t)sprintf(in, "HTTP/1.1 200 OK\r\n");

	while (at + 2 * strlen(line) + 4 < bytes)
		at += (size_t)sprintf(in + at, "%s", line);
	in[at++] = 'F';
	in[at++] = ':';
	memset(in + at, 'x', bytes - at - 4);
	memcpy(in + bytes - 4, "\r\n\r\n", 5);
	return in;
}

static const struct {
	size_t bytes;
	const char *line;
	enum http_answer_end end;
} heads[] = {
	{HTTP_HEAD_BYTES_MAX - 1, "Name: value\r\n", HTTP_ANSWER_DONE},
	{HTTP_HEAD_BYTES_MAX, "Name: value\r\n", HTTP_ANSWER_DONE},
	{HTTP_HEAD_BYTES_MAX + 1, "Name: value\r\n", HTTP_ANSWER_BAD},
	{HTTP_HEAD_BYTES_MAX + 10000, "Name: value\r\n", HTTP_ANSWER_BAD},
	{HTTP_HEAD_BYTES_MAX, "HTTP/1.1 200 OK\r\n", HTTP_ANSWER_BAD},
	{3 * HTTP_HEAD_BYTES_MAX, "", HTTP_ANSWER_BAD},
};

START_TEST(a_head_is_bounded)
{
	static const size_t pieces[] = {1, 7, 4096, 1 << 20};
	char *in = head_of(
		heads[_i].bytes, heads[_i].line[0] != '\0' ? heads[_i].line : "A: b\r\n");
	struct http_answer a;
	char words[160];

	for (size_t i = 0; i < LENGTH(pieces); i++) {
		enum http_answer_end end = feed(&a, in, heads[_i].bytes, pieces[i]);

		ck_assert_int_eq(end, heads[_i].end);
		if (end == HTTP_ANSWER_BAD && heads[_i].bytes > HTTP_HEAD_BYTES_MAX)
			ck_assert_str_eq(http_answer_fault_text(&a, words, sizeof(words)),
				"headers are larger than 16384 bytes");
	}
	free(in);
}
END_TEST

START_TEST(interim_answers_do_not_go_on_for_ever)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct http_answer a;
	size_t rounds = 0;

	http_answer_init(&a);
	while (http_answer_feed(&a, bytes_str(interim)) == HTTP_ANSWER_MORE)
		rounds++;
	ck_assert_uint_eq(rounds, HTTP_HEAD_BYTES_MAX / strlen(interim));
	ck_assert_int_eq(a.step, HTTP_STEP_BAD);
}
END_TEST

START_TEST(words_fit_whatever_the_bytes)
{
	char in[200];
	char words[160];
	struct http_answer a;

	memset(in, 0x80, sizeof(in));
	feed(&a, in, sizeof(in), sizeof(in));
	http_answer_fault_text(&a, words, sizeof(words));
	ck_assert_uint_lt(strlen(words), 110);
	ck_assert_ptr_nonnull(strstr(words, "\\x80...'"));
	http_answer_fault_text(&a, words, 10);
	ck_assert_str_eq(words, "not an HT");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("health_http");
	TCase *tc = unit_case(s, "answer");

	tcase_add_loop_test(tc, an_answer_at_once, 0, LENGTH(answers));
	tcase_add_loop_test(
		tc, an_answer_byte_by_byte_is_judged_alike, 0, LENGTH(answers));
	tcase_add_test(tc, what_comes_after_the_head_changes_nothing);
	tcase_add_loop_test(tc, a_head_is_bounded, 0, LENGTH(heads));
	tcase_add_test(tc, interim_answers_do_not_go_on_for_ever);
	tcase_add_test(tc, words_fit_whatever_the_bytes);
	return unit_run(s);
}
