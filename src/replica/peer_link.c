#include "replica/peer_link.h"

#include <assert.h>
#include <raft.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"

#define LAST_WORDS_MS 1000
#define SLACK_BYTES 4096

/* An acknowledgement that is owed for so long at two ticks in a row: nobody is there. */
#define UNANSWERED_MS 600
/* The dialler says something every tick. */
#define SILENT_MS 5000

/* What may wait to be sent. One frame may always. */
static const size_t out_max[PEER_CHANNELS] = {
	[PEER_RAFT] = (size_t)16 << 20,
	[PEER_BULK] = (size_t)8 << 20,
	[PEER_FORWARD] = (size_t)16 << 20,
};

/* ---- ending */

static void link_end(struct peer_link *l, const struct err *why, uint32_t linger_ms)
{
	if (l->state == PEER_LINK_OVER)
		return;
	l->state = PEER_LINK_OVER;
	l->why = *why;
	timer_cancel(&l->limit);
	conn_close(l->conn, why->code, linger_ms);
}

void peer_link_close(struct peer_link *l, int code, const char *fmt, ...)
{
	struct err why = {.code = code};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why.text, sizeof(why.text), fmt, ap);
	va_end(ap);
	link_end(l, &why, 0);
}

void peer_link_part(struct peer_link *l)
{
	static const struct err why = {.code = SVCD_ECLOSED, .text = "all was said"};

	link_end(l, &why, LAST_WORDS_MS);
}

void peer_link_drop(struct peer_link *l)
{
	if (l == NULL)
		return;
	l->ev = NULL;
	l->owner = NULL;
	l->state = PEER_LINK_OVER;
	timer_cancel(&l->limit);
	list_remove(&l->node);
	conn_close(l->conn, SVCD_ECLOSED, 0);
}

/* In words, when nobody but the connection knows. */
static void link_explain(struct peer_link *l, struct conn *c, int reason)
{
	bool handshake = l->state < PEER_LINK_OPEN;

	if (l->state == PEER_LINK_OVER)
		return;
	if (conn_tls_trouble(c)[0] != '\0')
		err_set(&l->why, reason, "%s: %s", l->address, conn_tls_trouble(c));
	else if (conn_errno(c) != 0)
		err_set(&l->why, reason, "%s: %s", l->address, strerror(conn_errno(c)));
	else if (reason == SVCD_ECLOSED && handshake)
		err_set(&l->why, reason,
			"%s closed the connection before it said who it is", l->address);
	else
		err_set(&l->why, reason, "%s: %s", l->address, err_text(reason));
}

static void link_on_close(struct conn *c, int reason, void *arg)
{
	struct peer_link *l = arg;

	link_explain(l, c, reason);
	l->state = PEER_LINK_OVER;
	timer_fini(&l->limit);
	list_remove(&l->node);
	if (l->ev != NULL)
		l->ev->closed(l, &l->why, l->arg);
	free(l);
}

static void link_on_limit(void *arg)
{
	struct peer_link *l = arg;

	if (l->state == PEER_LINK_CONNECTING)
		peer_link_close(l, SVCD_EUNREACHABLE, "%s does not answer", l->address);
	else
		peer_link_close(l, SVCD_ETIMEOUT, "%s did not say in time who it is%s",
			l->address,
			l->dialled && l->checked ? ": does it want TLS?" : "");
}

/* ---- out */

/* Sends what was put since begin. */
static int link_flush(struct peer_link *l, struct buf *out, size_t begin)
{
	peer_frame_end(out, begin, l->checked);
	l->wrote = true;
	return conn_flush(l->conn) == 0 ? 0 : SVCD_EUNREACHABLE;
}

static int link_flush_now(struct peer_link *l, struct buf *out, size_t begin)
{
	peer_frame_end(out, begin, l->checked);
	l->wrote = true;
	return conn_flush_now(l->conn) == 0 ? 0 : SVCD_EUNREACHABLE;
}

static bool link_has_room(const struct peer_link *l, size_t bytes)
{
	size_t pending = conn_pending(l->conn);

	return pending == 0 || pending + bytes <= out_max[l->hello.channel];
}

int peer_link_send(struct peer_link *l, uint8_t kind, struct bytes body)
{
	struct buf *out;
	size_t begin;

	if (l->state != PEER_LINK_OPEN)
		return SVCD_EUNREACHABLE;
	if (body.len > PEER_FRAME_BYTES_MAX)
		return SVCD_ETOOBIG;
	if (!link_has_room(l, body.len))
		return SVCD_EAGAIN;
	out = conn_out(l->conn);
	begin = peer_frame_begin(out, kind);
	buf_put_bytes(out, body);
	return link_flush(l, out, begin);
}

static int link_send_part(
	struct peer_link *l, const struct raft_message *m, unsigned first, unsigned n)
{
	size_t bytes = peer_raft_bytes(m, first, n);
	struct buf *out;
	size_t begin;

	if (bytes > PEER_FRAME_BYTES_MAX)
		return SVCD_ETOOBIG;
	if (!link_has_room(l, bytes))
		return SVCD_EAGAIN;
	out = conn_out(l->conn);
	begin = peer_frame_begin(out, peer_raft_kind(m));
	peer_put_raft(m, first, n, out);
	/* The sync of our own log comes next: the disks of the others work meanwhile. */
	return link_flush_now(l, out, begin);
}

int peer_link_send_raft(struct peer_link *l, const struct raft_message *m)
{
	unsigned all = m->type == RAFT_APPEND_ENTRIES ? m->append_entries.n_entries : 0;
	unsigned first = 0;
	unsigned n;
	int rc;

	if (peer_raft_kind(m) == 0)
		return SVCD_EINVAL;
	if (l->state != PEER_LINK_OPEN)
		return SVCD_EUNREACHABLE;
	do {
		n = peer_raft_fits(m, first, PEER_FRAME_BYTES_MAX);
		rc = link_send_part(l, m, first, n);
		first += n;
	} while (rc == 0 && first < all);
	return rc;
}

size_t peer_link_pending(const struct peer_link *l)
{
	return conn_pending(l->conn);
}

/* ---- handshake */

static void link_say(
	struct peer_link *l, enum peer_handshake_kind kind, const struct buf *body)
{
	struct buf *out = conn_out(l->conn);
	size_t begin = peer_frame_begin(out, (uint8_t)kind);

	buf_put_bytes(out, buf_bytes(body));
	link_flush(l, out, begin);
}

/* The other side is told, when it is one that listens to reasons: who dialled. */
static void link_refuse(struct peer_link *l, const struct err *why)
{
	struct buf body = {0};

	if (!l->dialled) {
		peer_put_refusal(why, &body);
		link_say(l, PEER_REFUSAL, &body);
		buf_fini(&body);
	}
	link_end(l, why, LAST_WORDS_MS);
}

static void link_challenge(struct peer_link *l)
{
	struct buf body = {0};

	rng_secure(l->nonce, sizeof(l->nonce));
	peer_put_challenge(l->nonce, &body);
	link_say(l, PEER_CHALLENGE, &body);
	buf_fini(&body);
}

static void link_open(struct peer_link *l)
{
	l->state = PEER_LINK_OPEN;
	timer_cancel(&l->limit);
	conn_set_limits(l->conn, PEER_FRAME_BYTES_MAX + PEER_HEAD_BYTES,
		out_max[l->hello.channel] + PEER_FRAME_BYTES_MAX + SLACK_BYTES);
	l->ev->open(l, l->arg);
}

static bool link_greeted(struct peer_link *l)
{
	struct err why = {0};
	int rc = l->ev->greeted(l, l->arg, &why);

	if (rc == 0)
		return l->state != PEER_LINK_OVER;
	why.code = rc;
	link_refuse(l, &why);
	return false;
}

static void link_protocol_error(struct peer_link *l)
{
	peer_link_close(l, SVCD_EPROTOCOL,
		"%s does not talk like a member of svcd: is that a port for peers?",
		l->address);
}

static void hello_arrived(struct peer_link *l, const struct peer_frame *f)
{
	struct buf body = {0};

	if (f->kind != PEER_HELLO || peer_get_hello(f->body, &l->hello) != 0) {
		link_protocol_error(l);
		return;
	}
	if (!link_greeted(l))
		return;
	peer_put_welcome(&l->welcome, &body);
	link_say(l, PEER_WELCOME, &body);
	buf_fini(&body);
	link_open(l);
}

static void challenge_arrived(struct peer_link *l, const struct peer_frame *f)
{
	struct buf body = {0};
	uint16_t protocol;

	if (f->kind != PEER_CHALLENGE ||
		peer_get_challenge(f->body, &protocol, l->hello.nonce) != 0) {
		link_protocol_error(l);
		return;
	}
	l->hello.protocol = PEER_PROTOCOL; /* if that is not theirs, they say so */
	peer_put_hello(&l->hello, &body);
	link_say(l, PEER_HELLO, &body);
	buf_fini(&body);
	l->state = PEER_LINK_ANSWERING;
}

static void greeting_step(struct peer_link *l, const struct peer_frame *f)
{
	if (l->dialled)
		challenge_arrived(l, f);
	else
		hello_arrived(l, f);
}

static void answering_step(struct peer_link *l, const struct peer_frame *f)
{
	struct err why;

	if (f->kind == PEER_REFUSAL && peer_get_refusal(f->body, &why) == 0)
		link_end(l, &why, 0);
	else if (f->kind != PEER_WELCOME || peer_get_welcome(f->body, &l->welcome) != 0)
		link_protocol_error(l);
	else if (link_greeted(l))
		link_open(l);
}

/* ---- in */

static void open_step(struct peer_link *l, const struct peer_frame *f)
{
	if (f->kind == PEER_ALIVE)
		return;
	if (f->kind < PEER_RAFT_FIRST || f->kind > PEER_KIND_MAX)
		link_protocol_error(l);
	else
		l->ev->frame(l, f, l->arg);
}

/* Nothing is to come while TCP or TLS are being set up. */
static void early_step(struct peer_link *l, const struct peer_frame *f)
{
	(void)f;
	link_protocol_error(l);
}

static void link_step(struct peer_link *l, const struct peer_frame *f)
{
	static void (*const steps[PEER_LINK_STATES])(
		struct peer_link * l, const struct peer_frame *f) = {
		[PEER_LINK_CONNECTING] = early_step,
		[PEER_LINK_GREETING] = greeting_step,
		[PEER_LINK_ANSWERING] = answering_step,
		[PEER_LINK_OPEN] = open_step,
	};

	steps[l->state](l, f);
}

/* A hello of TLS (RFC 8446 section 5.1: handshake, 3) to a member without it. */
static bool link_hears_tls(const struct peer_link *l, struct bytes in)
{
	return l->state == PEER_LINK_GREETING && in.len >= 2 && in.data[0] == 22 &&
		in.data[1] == 3;
}

/* 0 when a frame was handled; SVCD_EAGAIN. */
static int link_take(struct peer_link *l, struct bytes in, size_t *len)
{
	size_t max = l->state == PEER_LINK_OPEN ? PEER_FRAME_BYTES_MAX
						: PEER_HANDSHAKE_MAX;
	struct peer_frame f;
	int rc = peer_frame_next(in, max, l->checked, &f, len);

	if (rc == 0)
		link_step(l, &f);
	else if (link_hears_tls(l, in))
		peer_link_close(l, SVCD_EPROTOCOL,
			"%s speaks TLS, and this member does not: set peers.tls on all "
			"members, or on none",
			l->address);
	else if (rc == SVCD_ECORRUPT && l->state == PEER_LINK_OPEN)
		peer_link_close(
			l, rc, "a frame from %s was damaged on its way", l->address);
	else if (rc != SVCD_EAGAIN)
		link_protocol_error(l);
	return rc;
}

static ssize_t link_on_data(struct conn *c, struct bytes in, void *arg)
{
	struct peer_link *l = arg;
	size_t used = 0;
	size_t len;

	l->heard_ms = loop_now_ms(conn_loop(c));
	while (l->state != PEER_LINK_OVER &&
		link_take(l, bytes_of(in.data + used, in.len - used), &len) == 0)
		used += len;
	return (ssize_t)used;
}

static void link_on_drained(struct conn *c, void *arg)
{
	struct peer_link *l = arg;

	(void)c;
	if (l->state == PEER_LINK_OPEN)
		l->ev->drained(l, l->arg);
}

static void link_on_open(struct conn *c, void *arg)
{
	struct peer_link *l = arg;

	(void)c;
	if (l->state != PEER_LINK_CONNECTING)
		return;
	l->state = PEER_LINK_GREETING;
	timer_set(&l->limit, l->handshake_ms);
	if (!l->dialled)
		link_challenge(l);
}

/* ---- life */

void peer_link_tick(struct peer_link *l, uint64_t now_ms)
{
	bool unanswered;

	if (l->state != PEER_LINK_OPEN)
		return;
	unanswered = conn_unacknowledged_ms(l->conn) >= UNANSWERED_MS;
	if (unanswered && l->unanswered)
		peer_link_close(
			l, SVCD_EUNREACHABLE, "%s does not answer any more", l->address);
	else if (!l->dialled && now_ms - l->heard_ms > SILENT_MS)
		peer_link_close(l, SVCD_ETIMEOUT, "%s has been silent for %d s",
			l->address, SILENT_MS / 1000);
	else if (l->dialled && !l->wrote)
		peer_link_send(l, PEER_ALIVE, BYTES_NONE);
	l->unanswered = unanswered;
	l->wrote = false;
}

static const struct conn_events conn_events = {
	.on_data = link_on_data,
	.on_drained = link_on_drained,
	.on_close = link_on_close,
	.on_open = link_on_open,
};

static struct peer_link *link_new(const struct peer_link_options *o)
{
	struct peer_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	if (timer_init(&l->limit, o->loop, link_on_limit, l) != 0) {
		free(l);
		return NULL;
	}
	l->ev = o->ev;
	l->arg = o->arg;
	l->checked = o->tls == NULL;
	l->handshake_ms = o->handshake_ms;
	l->heard_ms = loop_now_ms(o->loop);
	return l;
}

static void link_unmake(struct peer_link *l)
{
	timer_fini(&l->limit);
	free(l);
}

static void link_begin(struct peer_link *l, const struct peer_link_options *o)
{
	conn_set_limits(l->conn, PEER_HANDSHAKE_MAX + PEER_HEAD_BYTES,
		PEER_FRAME_BYTES_MAX + SLACK_BYTES);
	timer_set(&l->limit, o->connect_ms != 0 ? o->connect_ms : o->handshake_ms);
}

struct peer_link *peer_link_dial(const struct peer_link_options *o,
	const struct net_addr *to, const struct peer_hello *hello, struct err *e)
{
	struct peer_link *l = link_new(o);

	if (l == NULL) {
		err_set(e, SVCD_ENOMEM, "no memory for a connection to %s", to->text);
		return NULL;
	}
	l->dialled = true;
	l->hello = *hello;
	snprintf(l->address, sizeof(l->address), "%s", to->text);
	l->conn = o->tls != NULL ? conn_dial_tls(o->loop, to, o->tls, &conn_events, l, e)
				 : conn_dial(o->loop, to, &conn_events, l, e);
	if (l->conn == NULL) {
		link_unmake(l);
		return NULL;
	}
	link_begin(l, o);
	return l;
}

struct peer_link *peer_link_accept(const struct peer_link_options *o, int fd)
{
	struct peer_link *l = link_new(o);

	if (l == NULL) {
		close(fd);
		return NULL;
	}
	l->conn = o->tls != NULL ? conn_adopt_tls(o->loop, fd, o->tls, &conn_events, l)
				 : conn_adopt(o->loop, fd, &conn_events, l);
	if (l->conn == NULL) {
		link_unmake(l);
		return NULL;
	}
	conn_peer(l->conn, l->address, sizeof(l->address));
	link_begin(l, o);
	if (o->tls == NULL)
		link_on_open(l->conn, l);
	return l;
}
