/*
 * Output: appended to one buffer, sent by one send at the end of the event. The buffer's
 * memory is the loop's spare one unless the peer is slow; then it is the connection's
 * own.
 */
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include "net/conn_internal.h"

#define SEND_EARLY_BYTES ((size_t)128 << 10) /* a batch is not collected beyond this */
#define KEPT_SLACK_BYTES 4096

size_t conn_pending(const struct conn *c)
{
	return c->out.len - c->out_at;
}

ssize_t conn_send_plain(struct conn *c, const uint8_t *data, size_t len)
{
	ssize_t n;

	do
		n = send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		return 0;
	conn_fail(c, errno,
		err_from_errno(errno) == SVCD_ECLOSED ? SVCD_ECLOSED : SVCD_EIO);
	return -1;
}

static ssize_t conn_send(struct conn *c, const uint8_t *data, size_t len)
{
	return c->layer != NULL ? c->layer->send(c, data, len)
				: conn_send_plain(c, data, len);
}

static void conn_out_done(struct conn *c)
{
	c->out_at = 0;
	loop_take_back(c->loop, &c->out);
}

/* The peer is slow. If what is left is small, it moves to memory of its size, and the
 * large buffer goes back to the loop. That also bounds what is sent already and still in
 * the buffer: never more than about half of it. */
static void conn_out_shrink(struct conn *c)
{
	struct buf rest = {.max = c->out.max};

	if (c->out.cap / 2 < conn_pending(c) + KEPT_SLACK_BYTES)
		return;
	buf_put(&rest, c->out.data + c->out_at, conn_pending(c));
	if (rest.error != 0)
		return; /* no memory: then it stays where it is */
	conn_out_done(c);
	c->out = rest;
}

void conn_push(struct conn *c)
{
	ssize_t n;

	if (c->state != CONN_OPEN && c->state != CONN_FLUSHING)
		return;
	if (c->out.error != 0 && c->state == CONN_OPEN) {
		conn_end(c, c->out.error);
		return;
	}
	if (c->blocked || conn_pending(c) == 0)
		return;
	n = conn_send(c, c->out.data + c->out_at, conn_pending(c));
	if (n < 0)
		return;
	c->out_at += (size_t)n;
	if (conn_pending(c) == 0) {
		conn_out_done(c);
		return;
	}
	/* A short count means that the kernel's buffer is full: no second call to be told
	 * so. */
	c->blocked = true;
	conn_out_shrink(c);
}

struct buf *conn_out(struct conn *c)
{
	if (c->state >= CONN_FLUSHING) {
		c->out.error = SVCD_ECLOSED;
		return &c->out;
	}
	if (c->out.data == NULL && !c->blocked)
		loop_lend(c->loop, &c->out);
	c->out.max = c->out_max + c->out_at;
	return &c->out;
}

int conn_flush(struct conn *c)
{
	if (c->state >= CONN_FLUSHING)
		return c->reason;
	if (c->out.error != 0)
		conn_end(c, c->out.error);
	else if (conn_pending(c) >= SEND_EARLY_BYTES)
		conn_push(c);
	conn_queue(c);
	return c->reason;
}

int conn_flush_now(struct conn *c)
{
	if (c->state >= CONN_FLUSHING)
		return c->reason;
	conn_push(c);
	conn_queue(c);
	return c->reason;
}

int conn_write(struct conn *c, struct bytes v)
{
	buf_put_bytes(conn_out(c), v);
	return conn_flush(c);
}

int conn_send_now(struct conn *c, struct bytes v)
{
	ssize_t n;

	if (c->state == CONN_OPEN && conn_pending(c) == 0 && v.len > 0) {
		n = conn_send(c, v.data, v.len);
		if (n < 0)
			return c->reason;
		if ((size_t)n == v.len)
			return 0;
		c->blocked = true;
		v = bytes_of(v.data + n, v.len - (size_t)n);
	}
	return conn_write(c, v);
}
