#include "caller.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/pack.h"

#define CONNECT_MS 500

void caller_init(struct caller *c)
{
	memset(c, 0, sizeof *c);
	c->fd = -1;
	c->arena = arena_new();
	assert(c->arena != NULL);
}

void caller_close(struct caller *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_clear(&c->in);
	c->taken = 0;
	frame_scan_reset(&c->scan);
}

void caller_fini(struct caller *c)
{
	caller_close(c);
	buf_fini(&c->in);
	buf_fini(&c->out);
	arena_free(c->arena);
}

void caller_to(struct caller *c, const char *address)
{
	if (strcmp(c->address, address) == 0)
		return;
	caller_close(c);
	snprintf(c->address, sizeof c->address, "%s", address);
}

static bool ready(int fd, short events, uint64_t deadline_ms)
{
	uint64_t now = clock_now_ms();
	struct pollfd p = {.fd = fd, .events = events};

	return now < deadline_ms && poll(&p, 1, (int)(deadline_ms - now)) == 1;
}

static bool parse_address(const char *text, struct sockaddr_in *out)
{
	const char *colon = strrchr(text, ':');
	char host[64];

	if (colon == NULL)
		return false;
	snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
	memset(out, 0, sizeof *out);
	out->sin_family = AF_INET;
	out->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	return inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

static bool dial(struct caller *c)
{
	uint64_t deadline = clock_now_ms() + CONNECT_MS;
	struct sockaddr_in to;
	int failed = 0, one = 1;
	socklen_t len = sizeof failed;

	if (!parse_address(c->address, &to))
		return false;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return false;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0)
		return true;
	return errno == EINPROGRESS && ready(c->fd, POLLOUT, deadline) &&
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 &&
		failed == 0;
}

static bool put(struct caller *c, struct bytes v, uint64_t deadline_ms)
{
	while (v.len > 0) {
		ssize_t n = send(c->fd, v.data, v.len, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0 && !ready(c->fd, POLLOUT, deadline_ms))
			return false;
		if (n > 0)
			v = bytes_of(v.data + n, v.len - (size_t)n);
	}
	return true;
}

/* Length of the message at the front of c->in; 0: it does not come. */
static size_t get(struct caller *c, uint64_t deadline_ms)
{
	size_t len;
	int rc;

	while ((rc = c->in.len == 0 ? SVCD_EAGAIN
				    : frame_find(&c->scan, buf_bytes(&c->in), &len)) ==
		SVCD_EAGAIN) {
		uint8_t *room = buf_reserve(&c->in, 65536);
		ssize_t n;

		if (!ready(c->fd, POLLIN, deadline_ms))
			return 0;
		n = recv(c->fd, room, 65536, 0);
		if (n <= 0)
			return 0;
		c->in.len += (size_t)n;
	}
	return rc == 0 ? len : 0;
}

static int take(struct caller *c, const struct frame *f)
{
	bool failed = !(f->error.len == 1 && f->error.data[0] == 0xc0);
	struct value code;

	arena_reset(c->arena);
	if (value_parse(c->arena, failed ? f->error : f->body, &c->result) != 0)
		return CALLER_LOST;
	if (!failed)
		return 0;
	if (!value_find(c->result, "code", &code) || code.type != VALUE_INT)
		return CALLER_LOST;
	return (int)code.i;
}

static int answer(struct caller *c, uint64_t deadline_ms)
{
	for (;;) {
		size_t len = get(c, deadline_ms);
		struct frame f;

		if (len == 0 || frame_parse(bytes_of(c->in.data, len), &f) != 0)
			return CALLER_LOST;
		/* the values point into c->in, which stays until the next call */
		c->taken = len;
		if (f.kind == FRAME_RESPONSE && f.id == c->id)
			return take(c, &f);
		buf_drop_front(&c->in, len);
	}
}

struct buf *caller_begin(struct caller *c, const char *method)
{
	buf_clear(&c->out);
	pack_request(&c->out, ++c->id, method);
	return &c->out;
}

static bool greet(struct caller *c, uint64_t deadline_ms)
{
	static const char greeting[] = "\x94\x00\x00\xa5hello\x91\x82\xa7version\x01"
				       "\xa6"
				       "client\xa5"
				       "fault";
	uint32_t id = c->id;
	bool ok;

	c->id = 0;
	ok = put(c, bytes_of(greeting, sizeof greeting - 1), deadline_ms) &&
		answer(c, deadline_ms) == 0;
	c->id = id;
	return ok;
}

int caller_end(struct caller *c, int timeout_ms)
{
	uint64_t deadline = clock_now_ms() + (uint64_t)timeout_ms;
	int code;

	assert(c->out.error == 0);
	buf_clear(&c->in); /* one request at a time: nothing else is expected */
	frame_scan_reset(&c->scan);
	if (c->fd < 0 && (!dial(c) || !greet(c, deadline))) {
		caller_close(c);
		return CALLER_UNREACHED;
	}
	buf_clear(&c->in);
	c->taken = 0;
	frame_scan_reset(&c->scan);
	code = put(c, buf_bytes(&c->out), deadline) ? answer(c, deadline) : CALLER_LOST;
	if (code == CALLER_LOST) {
		close(c->fd);
		c->fd = -1;
	}
	return code;
}

int caller_event(struct caller *c, int timeout_ms)
{
	uint64_t deadline = clock_now_ms() + (uint64_t)timeout_ms;
	struct frame f;
	struct value list;

	if (c->fd < 0)
		return CALLER_LOST;
	do {
		buf_drop_front(&c->in, c->taken);
		c->taken = get(c, deadline);
		if (c->taken == 0 && clock_now_ms() >= deadline)
			return SVCD_ETIMEOUT;
		if (c->taken == 0 ||
			frame_parse(bytes_of(c->in.data, c->taken), &f) != 0) {
			caller_close(c);
			return CALLER_LOST;
		}
	} while (f.kind != FRAME_NOTIFICATION);
	arena_reset(c->arena);
	if (value_parse(c->arena, f.body, &list) != 0 || list.type != VALUE_ARRAY ||
		list.n != 1) {
		caller_close(c);
		return CALLER_LOST;
	}
	c->result = value_at(list, 0);
	c->event = bytes_of(f.body.data + 1, f.body.len - 1); /* without the array's head
							       */
	return 0;
}

uint64_t value_u64(struct value map, const char *key, uint64_t fallback)
{
	struct value v;

	return value_find(map, key, &v) && v.type == VALUE_UINT ? v.u : fallback;
}

struct bytes value_text(struct value map, const char *key)
{
	struct value v;

	return value_find(map, key, &v) && v.type == VALUE_STR ? v.s : BYTES_NONE;
}

uint64_t caller_u64(const struct caller *c, const char *key, uint64_t fallback)
{
	return value_u64(c->result, key, fallback);
}

struct bytes caller_text(const struct caller *c, const char *key)
{
	return value_text(c->result, key);
}

bool caller_bool(const struct caller *c, const char *key)
{
	struct value v;

	return value_find(c->result, key, &v) && v.type == VALUE_BOOL && v.boolean;
}
