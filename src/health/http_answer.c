#include "health/http_answer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LINE_SHOWN 80 /* bytes of a fault's words; binary takes four for one */
#define HTTP_VERSION_START "HTTP/1."
#define VERSION_LEN (sizeof(HTTP_VERSION_START) - 1)
#define STATUS_AT (VERSION_LEN + 2) /* after the minor version and a space */
#define STATUS_END (STATUS_AT + 3)

void http_answer_init(struct http_answer *a)
{
	*a = (struct http_answer){.step = HTTP_STEP_STATUS};
}

static void answer_fail(struct http_answer *a, enum http_answer_fault fault)
{
	if (a->fault == HTTP_FAULT_NONE)
		a->fault = fault;
}

static void answer_next_line(struct http_answer *a, enum http_answer_step step)
{
	a->step = step;
	a->line_len = 0;
	a->named = false;
	a->cr = false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static uint16_t digits3(const char *p)
{
	return (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
}

/* "HTTP/1.1 200 OK"; the space before an empty reason is often left out. 0: it is none.
 */
static uint16_t status_of(const char *line, uint32_t len)
{
	uint16_t status;

	if (len < STATUS_END || !is_digit(line[VERSION_LEN]) ||
		line[VERSION_LEN + 1] != ' ')
		return 0;
	for (uint32_t i = STATUS_AT; i < STATUS_END; i++)
		if (!is_digit(line[i]))
			return 0;
	if (len > STATUS_END && line[STATUS_END] != ' ')
		return 0;
	status = digits3(line + STATUS_AT);
	return status >= 100 && status <= 599 ? status : 0;
}

static void answer_end_status(struct http_answer *a)
{
	uint16_t status = status_of(a->line, a->line_len);

	if (status == 0) {
		answer_fail(a, HTTP_FAULT_NOT_HTTP);
		return;
	}
	a->status = status;
	answer_next_line(a, HTTP_STEP_HEADERS);
}

static bool is_interim(uint16_t status)
{
	return status < 200 && status != 101;
}

static void answer_end_header(struct http_answer *a)
{
	if (a->line_len == 0)
		answer_next_line(
			a, is_interim(a->status) ? HTTP_STEP_STATUS : HTTP_STEP_DONE);
	else if (!a->named)
		answer_fail(a, HTTP_FAULT_HEADER);
	else
		answer_next_line(a, HTTP_STEP_HEADERS);
}

/* RFC 9110 section 5.6.2 */
static bool is_token(uint8_t c)
{
	return c > ' ' && c < 127 && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
}

static void answer_check_status(struct http_answer *a, uint8_t c)
{
	if (a->line_len < VERSION_LEN && c != HTTP_VERSION_START[a->line_len])
		answer_fail(a, HTTP_FAULT_NOT_HTTP);
}

static void answer_check_header(struct http_answer *a, uint8_t c)
{
	bool blank = c == ' ' || c == '\t';

	if (c == ':' && a->line_len > 0)
		a->named = true;
	else if (blank && a->line_len == 0) /* section 5.2: continues the line before */
		a->named = true;
	else if (a->named ? c < ' ' && !blank : !is_token(c))
		answer_fail(a, HTTP_FAULT_HEADER);
}

static void answer_put(struct http_answer *a, uint8_t c)
{
	if (a->line_len < HTTP_LINE_KEPT)
		a->line[a->line_len] = (char)c;
	a->line_len++;
}

static void answer_end_line(struct http_answer *a)
{
	if (a->step == HTTP_STEP_STATUS)
		answer_end_status(a);
	else
		answer_end_header(a);
}

/* A line ends with CR LF, or LF alone (section 2.2). */
static void answer_byte(struct http_answer *a, uint8_t c)
{
	if (c == '\n') {
		answer_end_line(a);
		return;
	}
	if (c == '\r' && !a->cr) {
		a->cr = true;
		return;
	}
	if (a->cr)
		answer_fail(a,
			a->step == HTTP_STEP_STATUS ? HTTP_FAULT_NOT_HTTP
						    : HTTP_FAULT_HEADER);
	else if (a->step == HTTP_STEP_STATUS)
		answer_check_status(a, c);
	else
		answer_check_header(a, c);
	answer_put(a, c);
}

/* A fault is found at one byte; the rest of the line that is there makes better words. */
static void answer_finish_line(struct http_answer *a, struct bytes rest)
{
	for (size_t i = 0; i < rest.len && rest.data[i] != '\r' && rest.data[i] != '\n';
		i++)
		answer_put(a, rest.data[i]);
	a->step = HTTP_STEP_BAD;
}

enum http_answer_end http_answer_feed(struct http_answer *a, struct bytes in)
{
	for (size_t i = 0; i < in.len && a->step < HTTP_STEP_DONE; i++) {
		if (a->bytes++ == HTTP_HEAD_BYTES_MAX)
			answer_fail(a, HTTP_FAULT_TOO_BIG);
		else
			answer_byte(a, in.data[i]);
		if (a->fault != HTTP_FAULT_NONE)
			answer_finish_line(a, bytes_of(in.data + i + 1, in.len - i - 1));
	}
	if (a->step == HTTP_STEP_BAD)
		return HTTP_ANSWER_BAD;
	return a->step == HTTP_STEP_DONE ? HTTP_ANSWER_DONE : HTTP_ANSWER_MORE;
}

/* One character or "\xNN"; 0 when it does not fit. */
static size_t put_printable(char *out, size_t cap, uint8_t c)
{
	bool plain = c >= ' ' && c < 127 && c != '\\' && c != '\'';
	int n = snprintf(out, cap, plain ? "%c" : "\\x%02x", c);

	if (n > 0 && (size_t)n < cap)
		return (size_t)n;
	out[0] = '\0';
	return 0;
}

/* cap >= 4 */
static void put_line(const struct http_answer *a, char *out, size_t cap)
{
	uint32_t kept = a->line_len < HTTP_LINE_KEPT ? a->line_len : HTTP_LINE_KEPT;
	size_t room = cap - strlen("...");
	size_t at = 0;
	uint32_t i = 0;

	out[0] = '\0';
	for (; i < kept; i++) {
		size_t n = put_printable(out + at, room - at, (uint8_t)a->line[i]);

		if (n == 0)
			break;
		at += n;
	}
	if (i < a->line_len)
		snprintf(out + at, cap - at, "...");
}

/* A TLS alert or handshake record (RFC 8446 section 5.1). */
static bool line_is_tls(const struct http_answer *a)
{
	return a->line_len >= 2 && (a->line[0] == 0x15 || a->line[0] == 0x16) &&
		a->line[1] == 3;
}

char *http_answer_fault_text(const struct http_answer *a, char *out, size_t cap)
{
	char line[LINE_SHOWN + sizeof("...")];

	assert(a->step == HTTP_STEP_BAD);
	put_line(a, line, sizeof(line));
	if (a->fault == HTTP_FAULT_TOO_BIG)
		snprintf(out, cap, "headers are larger than %d bytes",
			HTTP_HEAD_BYTES_MAX);
	else if (a->fault == HTTP_FAULT_HEADER)
		snprintf(out, cap, "malformed header: '%s'", line);
	else if (line_is_tls(a))
		snprintf(out, cap, "not an HTTP answer but TLS");
	else
		snprintf(out, cap, "not an HTTP answer: '%s'", line);
	return out;
}
