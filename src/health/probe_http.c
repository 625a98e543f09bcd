/* One GET. The status decides, redirects included; the body is not read. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "health/http_answer.h"
#include "health/probe.h"

struct probe_http {
	struct probe probe; /* first */
	struct http_answer answer;
};

static const char *path_of(const struct probe_spec *spec)
{
	return spec->path[0] != '\0' ? spec->path : "/";
}

/* RFC 9112 section 3.2: IPv6 within [ ]; a Unix socket has no name of its own. */
static void put_host(struct buf *out, const struct probe_spec *spec)
{
	if (spec->host[0] != '\0')
		buf_printf(out, "%s", spec->host);
	else if (strncmp(spec->address, "unix:", 5) == 0)
		buf_printf(out, "localhost");
	else
		buf_printf(out, strchr(spec->address, ':') != NULL ? "[%s]:%u" : "%s:%u",
			spec->address, spec->port);
}

static void http_on_open(struct conn *c, void *arg)
{
	struct probe *p = arg;
	struct buf *out = conn_out(c);

	buf_printf(out, "GET %s HTTP/1.1\r\nHost: ", path_of(&p->spec));
	put_host(out, &p->spec);
	buf_printf(
		out, "\r\nUser-Agent: svcd\r\nAccept: */*\r\nConnection: close\r\n\r\n");
	p->doing = "waiting for the answer";
	conn_flush(c);
}

static void http_judge(struct probe_http *h)
{
	uint16_t status = h->answer.status;
	bool good = status >= h->probe.spec.status_min &&
		status <= h->probe.spec.status_max;

	probe_end(&h->probe, good ? PROBE_PASSED : PROBE_FAILED, "status %u", status);
}

static void http_refuse(struct probe_http *h)
{
	char words[PROBE_REASON_MAX];

	http_answer_fault_text(&h->answer, words, sizeof(words));
	probe_end(&h->probe, PROBE_FAILED, "%s", words);
}

static ssize_t http_on_data(struct conn *c, struct bytes in, void *arg)
{
	struct probe_http *h = arg;
	enum http_answer_end end = http_answer_feed(&h->answer, in);

	(void)c;
	h->probe.heard = true;
	h->probe.doing = "in the middle of the answer";
	if (end == HTTP_ANSWER_DONE)
		http_judge(h);
	else if (end == HTTP_ANSWER_BAD)
		http_refuse(h);
	return (ssize_t)in.len;
}

static const struct conn_events http_events = {
	.on_open = http_on_open,
	.on_data = http_on_data,
	.on_close = probe_on_close,
};

static void http_start(struct probe *p)
{
	struct probe_http *h = (struct probe_http *)p;

	http_answer_init(&h->answer);
	probe_dial(p, conn_dial, &http_events);
}

static void http_describe(const struct probe_spec *spec, char *out, size_t cap)
{
	snprintf(out, cap, "GET %s", path_of(spec));
}

const struct probe_type probe_http = {
	.name = "http",
	.bytes = sizeof(struct probe_http),
	.start = http_start,
	.cancel = probe_hang_up,
	.describe = http_describe,
};
