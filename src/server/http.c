#include "server/http.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/http_request.h"
#include "server/metrics.h"

#define BACKLOG 128
#define BODY_MAX ((size_t)1 << 20)
#define INPUT_MAX (HTTP_REQUEST_MAX + 1) /* so that the parser says what is too much */

struct client {
	struct list node;
	struct http *http;
	struct conn *conn;
	uint64_t until_ms;
	bool answered;
};

/* ---- answers ----------------------------------------------------------- */

struct answer {
	const char *status; /* "200 OK" */
	const char *type;
	const char *more; /* further headers, or "" */
};

/* RFC 9110 section 5.6.7 */
static void put_date(struct buf *out)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	char text[64];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_printf(out, "Date: %s\r\n", text);
}

static void client_answer(
	struct client *x, const struct answer *a, struct bytes body, bool head_only)
{
	struct buf *out = conn_out(x->conn);

	buf_printf(out, "HTTP/1.1 %s\r\n", a->status);
	put_date(out);
	buf_printf(out,
		"Content-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
		"%sConnection: close\r\n\r\n",
		a->type, body.len, a->more);
	if (!head_only)
		buf_put_bytes(out, body);
	conn_flush(x->conn);
	x->answered = true;
	conn_close(x->conn, SVCD_ECLOSED, LINGER_MS);
}

static void client_refuse(
	struct client *x, const char *status, const char *more, const char *text)
{
	struct answer a = {status, "text/plain; charset=utf-8", more};

	client_answer(x, &a, bytes_str(text), false);
}

static void client_metrics(struct client *x, bool head_only)
{
	static const struct answer a = {"200 OK", METRICS_CONTENT_TYPE, ""};
	struct http *h = x->http;
	struct metrics m;

	if (metrics_collect(h->server, h->reader, &m) != 0) {
		client_refuse(
			x, "503 Service Unavailable", "", "the state cannot be read\n");
		return;
	}
	buf_clear(&h->body);
	metrics_write(&h->body, &m);
	if (h->body.error != 0)
		client_refuse(x, "503 Service Unavailable", "", "out of memory\n");
	else
		client_answer(x, &a, buf_bytes(&h->body), head_only);
}

static void client_serve(struct client *x, const struct http_request *r)
{
	bool head_only = bytes_eq_str(r->method, "HEAD");

	if (!bytes_eq_str(r->path, "/metrics"))
		client_refuse(
			x, "404 Not Found", "", "not found; there is /metrics here\n");
	else if (!head_only && !bytes_eq_str(r->method, "GET"))
		client_refuse(x, "405 Method Not Allowed", "Allow: GET, HEAD\r\n",
			"/metrics can only be read: GET or HEAD\n");
	else
		client_metrics(x, head_only);
}

static void client_blame(struct client *x, int code)
{
	if (code == SVCD_ETOOBIG)
		client_refuse(x, "431 Request Header Fields Too Large", "",
			"the head of a request may have 8 KiB\n");
	else if (code == SVCD_EVERSION)
		client_refuse(x, "505 HTTP Version Not Supported", "",
			"HTTP/1.1 is spoken here\n");
	else
		client_refuse(x, "400 Bad Request", "", "not an HTTP request\n");
}

/* ---- connections ------------------------------------------------------- */

static ssize_t client_on_data(struct conn *c, struct bytes in, void *arg)
{
	struct client *x = arg;
	struct http_request r;
	int rc;

	(void)c;
	rc = http_request_parse(in, &r);
	if (rc == SVCD_EAGAIN)
		return 0;
	if (rc == 0)
		client_serve(x, &r);
	else
		client_blame(x, rc);
	return (ssize_t)in.len;
}

static void client_on_close(struct conn *c, int reason, void *arg)
{
	struct client *x = arg;

	(void)c;
	(void)reason;
	list_remove(&x->node);
	x->http->connections--;
	free(x);
}

static const struct conn_events client_events = {
	.on_data = client_on_data,
	.on_close = client_on_close,
};

/* All have the same patience: the first to come is the first to go. */
static void http_on_patience(void *arg)
{
	struct http *h = arg;
	uint64_t now_ms = loop_now_ms(h->loop);
	struct list *n;
	struct list *tmp;

	list_each(&h->clients, n, tmp) {
		struct client *x = container_of(n, struct client, node);

		if (x->until_ms > now_ms) {
			timer_set(&h->patience, x->until_ms - now_ms);
			return;
		}
		if (!x->answered)
			conn_close(x->conn, SVCD_ETIMEOUT, 0);
	}
}

static void http_on_accept(int fd, void *arg)
{
	struct http *h = arg;
	struct client *x;

	if (h->connections >= HTTP_CONNECTIONS_MAX) {
		close(fd);
		return;
	}
	x = calloc(1, sizeof(*x));
	if (x == NULL) {
		close(fd);
		return;
	}
	x->http = h;
	x->until_ms = loop_now_ms(h->loop) + h->server->options.hello_timeout_ms;
	x->conn = conn_adopt(h->loop, fd, &client_events, x);
	if (x->conn == NULL) {
		free(x);
		return;
	}
	conn_set_limits(x->conn, INPUT_MAX, BODY_MAX + INPUT_MAX);
	list_push(&h->clients, &x->node);
	h->connections++;
	if (!timer_pending(&h->patience))
		timer_set(&h->patience, h->server->options.hello_timeout_ms);
}

/* ---- start and stop ---------------------------------------------------- */

int http_open(struct http *h, struct server *s, struct loop *l, struct reader *reader,
	const struct server_options *o, struct err *e)
{
	*h = (struct http){.server = s, .loop = l, .reader = reader};
	list_init(&h->clients);
	buf_init(&h->body, BODY_MAX);
	if (timer_init(&h->patience, l, http_on_patience, h) != 0)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	return listeners_open(&h->listeners, l, o->http, o->n_http, SVCD_PORT_HTTP,
		BACKLOG, http_on_accept, h, e);
}

void http_refuse(struct http *h)
{
	listeners_close(&h->listeners);
}

void http_stop(struct http *h)
{
	struct list *n;
	struct list *tmp;

	http_refuse(h);
	list_each(&h->clients, n, tmp)
		conn_close(container_of(n, struct client, node)->conn, SVCD_ESHUTDOWN, 0);
}

void http_close(struct http *h)
{
	http_refuse(h);
	timer_fini(&h->patience);
	buf_fini(&h->body);
}
