#include "rpc_client.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "../unit/notation.h"
#include "wire/pack.h"

#define PATIENCE_MS 20000

struct event {
	struct list node;
	struct buf message;
};

struct rpc {
	int fd;
	uint32_t next_id;
	struct buf in;
	struct frame_scan scan;
	struct arena *arena; /* of the answer */
	struct buf message;  /* the answer */
	struct value result;
	int code;
	struct arena *event_arena;
	struct buf event_message;
	struct value event;
	struct list events;
	uint32_t n_events;
	struct buf text, event_text;
	bool ended; /* the server has closed */
};

static struct value map_of(struct arena *a, struct bytes raw)
{
	struct value v;

	ck_assert_int_eq(value_parse(a, raw, &v), 0);
	return v;
}

struct rpc *rpc_dial(const struct net_addr *to)
{
	struct rpc *c = calloc(1, sizeof(*c));
	const struct sockaddr *sa = (const struct sockaddr *)to->sockaddr;

	ck_assert_ptr_nonnull(c);
	c->fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(c->fd, 0);
	ck_assert_msg(
		connect(c->fd, sa, to->len) == 0, "%s: %s", to->text, strerror(errno));
	c->arena = arena_new();
	c->event_arena = arena_new();
	c->scan.max_bytes = 64 << 20;
	list_init(&c->events);
	return c;
}

struct rpc *rpc_open(const struct net_addr *to)
{
	struct rpc *c = rpc_dial(to);

	ck_assert_int_eq(rpc_call(c, "hello", "{version:1,client:'test'}"), 0);
	return c;
}

static void event_free(struct event *e)
{
	buf_fini(&e->message);
	free(e);
}

void rpc_close(struct rpc *c)
{
	struct list *n;

	if (c == NULL)
		return;
	close(c->fd);
	while ((n = list_pop(&c->events)) != NULL)
		event_free(container_of(n, struct event, node));
	buf_fini(&c->in);
	buf_fini(&c->message);
	buf_fini(&c->event_message);
	buf_fini(&c->text);
	buf_fini(&c->event_text);
	arena_free(c->arena);
	arena_free(c->event_arena);
	free(c);
}

void rpc_reset(struct rpc *c)
{
	struct linger at_once = {.l_onoff = 1};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	rpc_close(c);
}

int rpc_fd(const struct rpc *c)
{
	return c->fd;
}

/* ---- sending ----------------------------------------------------------- */

void rpc_raw(struct rpc *c, struct bytes v)
{
	while (v.len > 0) {
		ssize_t n = send(c->fd, v.data, v.len, MSG_NOSIGNAL);

		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return; /* what the server said first is still to be read */
		ck_assert_msg(n > 0, "send: %s", strerror(errno));
		v = bytes_of(v.data + n, v.len - (size_t)n);
	}
}

static void pack_params(struct buf *b, const char *format, va_list args)
{
	char *text;

	ck_assert_int_ge(vasprintf(&text, format, args), 0);
	notation_pack(b, text);
	free(text);
}

static uint32_t send_request(
	struct rpc *c, const char *method, const char *params, va_list args)
{
	struct buf b = {0};

	pack_request(&b, ++c->next_id, method);
	pack_params(&b, params, args);
	rpc_raw(c, buf_bytes(&b));
	buf_fini(&b);
	return c->next_id;
}

uint32_t rpc_send(struct rpc *c, const char *method, const char *params, ...)
{
	va_list args;
	uint32_t id;

	va_start(args, params);
	id = send_request(c, method, params, args);
	va_end(args);
	return id;
}

void rpc_notify(struct rpc *c, const char *method, const char *params, ...)
{
	struct buf b = {0};
	va_list args;

	va_start(args, params);
	pack_notification(&b, method);
	pack_params(&b, params, args);
	va_end(args);
	rpc_raw(c, buf_bytes(&b));
	buf_fini(&b);
}

/* ---- receiving --------------------------------------------------------- */

/* False at the end of the stream. */
static bool receive_some(struct rpc *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	uint8_t *room = buf_reserve(&c->in, 65536);
	ssize_t n;

	ck_assert_ptr_nonnull(room);
	ck_assert_msg(
		poll(&p, 1, PATIENCE_MS) == 1, "nothing came within %d ms", PATIENCE_MS);
	n = recv(c->fd, room, 65536, 0);
	if (n > 0)
		c->in.len += (size_t)n;
	c->ended = n <= 0;
	return n > 0;
}

/* The next whole message to c->in's front; 0 at the end of the stream. */
static size_t receive_message(struct rpc *c)
{
	size_t len;
	int rc;

	while ((rc = c->in.len == 0 ? SVCD_EAGAIN
				    : frame_find(&c->scan, buf_bytes(&c->in), &len)) ==
		SVCD_EAGAIN)
		if (!receive_some(c))
			return 0;
	ck_assert_int_eq(rc, 0);
	return len;
}

static void keep_event(struct rpc *c, struct bytes message)
{
	struct event *e = calloc(1, sizeof(*e));

	ck_assert_ptr_nonnull(e);
	buf_put_bytes(&e->message, message);
	list_push(&c->events, &e->node);
	c->n_events++;
}

static void keep_answer(struct rpc *c, struct bytes message)
{
	struct frame f;

	buf_clear(&c->message);
	buf_put_bytes(&c->message, message);
	ck_assert_int_eq(frame_parse(buf_bytes(&c->message), &f), 0);
	arena_reset(c->arena);
	if (f.error.len == 1 && f.error.data[0] == 0xc0) {
		c->result = map_of(c->arena, f.body);
		c->code = 0;
		return;
	}
	c->result = map_of(c->arena, f.error);
	c->code = -1;
	c->code = (int)rpc_u64(c, "code");
}

/* One message of any kind. Its id when it is an answer, UINT32_MAX for an event; false at
 * the end. */
static bool take_message(struct rpc *c, uint32_t *id)
{
	size_t len = receive_message(c);
	struct bytes message = bytes_of(c->in.data, len);
	struct frame f;

	if (len == 0)
		return false;
	ck_assert_int_eq(frame_parse(message, &f), 0);
	ck_assert_int_ne(f.kind, FRAME_REQUEST);
	*id = f.kind == FRAME_RESPONSE ? f.id : UINT32_MAX;
	if (f.kind == FRAME_RESPONSE)
		keep_answer(c, message);
	else
		keep_event(c, message);
	buf_drop_front(&c->in, len);
	return true;
}

uint32_t rpc_next(struct rpc *c)
{
	uint32_t id = UINT32_MAX;

	while (id == UINT32_MAX)
		ck_assert_msg(take_message(c, &id), "the server closed");
	return id;
}

int rpc_wait(struct rpc *c, uint32_t id)
{
	while (rpc_next(c) != id)
		;
	return c->code;
}

int rpc_call(struct rpc *c, const char *method, const char *params, ...)
{
	va_list args;
	uint32_t id;

	va_start(args, params);
	id = send_request(c, method, params, args);
	va_end(args);
	return rpc_wait(c, id);
}

int rpc_code(const struct rpc *c)
{
	return c->code;
}

int rpc_closed(struct rpc *c)
{
	uint32_t id;
	int code = 0;

	while (!c->ended && take_message(c, &id))
		if (id == 0)
			code = c->code;
	return code;
}

/* ---- looking ----------------------------------------------------------- */

static const char *text_at(struct buf *b, struct value root, const char *path)
{
	struct value v;

	buf_clear(b);
	if (notation_find(root, path, &v))
		notation_print(b, v);
	buf_put_u8(b, 0);
	return (const char *)b->data;
}

static uint64_t number_at(struct value root, const char *path)
{
	struct value v;

	ck_assert_msg(notation_find(root, path, &v), "no %s", path);
	ck_assert_msg(
		v.type == VALUE_UINT || v.type == VALUE_INT, "%s is no number", path);
	return v.type == VALUE_UINT ? v.u : (uint64_t)v.i;
}

const char *rpc_text(struct rpc *c, const char *path)
{
	return text_at(&c->text, c->result, path);
}

uint64_t rpc_u64(struct rpc *c, const char *path)
{
	return number_at(c->result, path);
}

struct value rpc_result(const struct rpc *c)
{
	return c->result;
}

void rpc_take_raw(struct rpc *c, struct buf *out)
{
	size_t len = receive_message(c);

	ck_assert_msg(len > 0, "the server closed");
	buf_put(out, c->in.data, len);
	buf_drop_front(&c->in, len);
}

void rpc_event(struct rpc *c)
{
	struct event *e;
	struct frame f;
	uint32_t id;

	while (list_empty(&c->events))
		ck_assert_msg(take_message(c, &id), "the server closed");
	e = container_of(list_pop(&c->events), struct event, node);
	c->n_events--;
	buf_clear(&c->event_message);
	buf_put_bytes(&c->event_message, buf_bytes(&e->message));
	event_free(e);
	ck_assert_int_eq(frame_parse(buf_bytes(&c->event_message), &f), 0);
	ck_assert(bytes_eq_str(f.method, "event"));
	arena_reset(c->event_arena);
	c->event = value_at(map_of(c->event_arena, f.body), 0);
}

const char *rpc_event_text(struct rpc *c, const char *path)
{
	return text_at(&c->event_text, c->event, path);
}

uint64_t rpc_event_u64(struct rpc *c, const char *path)
{
	return number_at(c->event, path);
}

uint32_t rpc_event_list(struct rpc *c, const char *path)
{
	struct value v;

	ck_assert_msg(notation_find(c->event, path, &v), "no %s", path);
	ck_assert_int_eq(v.type, VALUE_ARRAY);
	return v.n;
}

struct value rpc_event_value(const struct rpc *c)
{
	return c->event;
}

uint32_t rpc_events_waiting(struct rpc *c)
{
	ck_assert_int_eq(rpc_call(c, "ping", "{}"), 0);
	return c->n_events;
}
