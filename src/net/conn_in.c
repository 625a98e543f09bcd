/*
 * What the kernel reports about a connection, one step per state, and the way of input to
 * on_data.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "net/conn_internal.h"

#define LAST_OUTPUT_MS \
	1000 /* for what is pending when the peer ended or on_data failed */

/* A kept rest moves to memory of its size when it would hold much more than that. */
#define KEPT_SLACK_BYTES 4096

static void conn_keep_copy(struct conn *c, struct bytes rest)
{
	struct buf kept;

	buf_init(&kept, c->in_max + 2 * LOOP_SCRATCH_BYTES);
	buf_put_bytes(&kept, rest);
	buf_fini(&c->in);
	c->in = kept;
	if (kept.error != 0)
		conn_end(c, kept.error);
}

/* rest is what on_data left, at the end of in or of the scratch buffer. */
static void conn_keep(struct conn *c, struct bytes rest, size_t used)
{
	if (rest.len == 0)
		buf_fini(&c->in);
	else if (rest.len > c->in_max && !c->paused)
		conn_end(c, SVCD_ETOOBIG);
	else if (c->in.len == 0 || c->in.cap / 4 > rest.len + KEPT_SLACK_BYTES)
		conn_keep_copy(c, rest);
	else
		buf_drop_front(&c->in, used);
}

void conn_receive(struct conn *c, struct bytes fresh)
{
	struct bytes all = fresh;
	ssize_t used;

	c->offer_again = false;
	if (c->in.len > 0) {
		buf_put_bytes(&c->in, fresh);
		all = buf_bytes(&c->in);
	}
	if (c->in.error != 0) {
		conn_end(c, c->in.error);
		return;
	}
	used = c->ev->on_data(c, all, c->arg);
	if (c->state != CONN_OPEN)
		return;
	if (used < 0) {
		conn_leave(c, (int)used, LAST_OUTPUT_MS);
		return;
	}
	assert((size_t)used <= all.len);
	conn_keep(c, bytes_of(all.data + used, all.len - (size_t)used), (size_t)used);
}

void conn_pause(struct conn *c, bool paused)
{
	if (paused == c->paused)
		return;
	c->paused = paused;
	c->offer_again = !paused;
	conn_queue(c);
}

/* One recv per readiness; level triggering brings us back for more. */
ssize_t conn_recv_plain(struct conn *c)
{
	ssize_t n = recv(c->fd, c->loop->scratch, LOOP_SCRATCH_BYTES, MSG_DONTWAIT);
	int code;

	if (n >= 0 || errno == EAGAIN || errno == EINTR)
		return n;
	code = err_from_errno(errno);
	conn_fail(c, errno,
		code == SVCD_ECLOSED || code == SVCD_ETIMEOUT ? SVCD_ECLOSED : SVCD_EIO);
	return -1;
}

void conn_read(struct conn *c)
{
	ssize_t n = c->layer != NULL ? c->layer->recv(c) : conn_recv_plain(c);

	if (n > 0) {
		conn_receive(c, bytes_of(c->loop->scratch, (size_t)n));
	} else if (n == 0) {
		conn_leave(c, SVCD_ECLOSED, LAST_OUTPUT_MS);
	}
}

/* A TCP socket that dials a free port of its own host may get that very port as its own
 * and so connect to itself (simultaneous open, RFC 9293 section 3.5). */
static bool connected_to_itself(int fd)
{
	struct sockaddr_storage here = {0};
	struct sockaddr_storage there = {0};
	socklen_t here_len = sizeof(here);
	socklen_t there_len = sizeof(there);

	if (getsockname(fd, (struct sockaddr *)&here, &here_len) != 0 ||
		getpeername(fd, (struct sockaddr *)&there, &there_len) != 0)
		return false;
	return here.ss_family != AF_UNIX && here_len == there_len &&
		memcmp(&here, &there, here_len) == 0;
}

static void conn_opened(struct conn *c)
{
	conn_move(c, CONN_OPEN);
	if (c->ev->on_open != NULL)
		c->ev->on_open(c, c->arg);
}

/* The first bytes may have come together with the last ones of the handshake. */
static void conn_shake(struct conn *c)
{
	if (c->layer->handshake(c) != 0)
		return;
	c->more_in = true;
	conn_opened(c);
}

static void connecting_step(struct conn *c, short what)
{
	socklen_t len = sizeof(int);
	int error = 0;

	(void)what;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error == 0 && connected_to_itself(c->fd))
		error = ECONNREFUSED;
	if (error != 0) {
		conn_fail(c, error, SVCD_EUNREACHABLE);
		return;
	}
	conn_learn_peer(c);
	if (c->layer != NULL) {
		conn_move(c, CONN_SHAKING);
		conn_shake(c);
	} else {
		conn_opened(c);
	}
}

static void shaking_step(struct conn *c, short what)
{
	(void)what;
	conn_shake(c);
}

static void open_step(struct conn *c, short what)
{
	if (what & EV_WRITE) {
		c->blocked = false;
		conn_push(c);
		if (c->state == CONN_OPEN && !c->blocked && c->ev->on_drained != NULL)
			c->ev->on_drained(c, c->arg);
	}
	if ((what & EV_READ) && c->state == CONN_OPEN && !c->paused)
		conn_read(c);
}

static void flushing_step(struct conn *c, short what)
{
	if (what & EV_WRITE)
		c->blocked = false; /* settling sends */
}

static void awaiting_end_step(struct conn *c, short what)
{
	(void)what;
	if (conn_recv_plain(c) == 0)
		conn_end(c, c->reason);
}

/* Ended from elsewhere while this event was on its way. */
static void over_step(struct conn *c, short what)
{
	(void)c;
	(void)what;
}

void conn_on_io(evutil_socket_t fd, short what, void *arg)
{
	static void (*const steps[CONN_STATES])(struct conn * c, short what) = {
		[CONN_CONNECTING] = connecting_step,
		[CONN_SHAKING] = shaking_step,
		[CONN_OPEN] = open_step,
		[CONN_FLUSHING] = flushing_step,
		[CONN_AWAITING_END] = awaiting_end_step,
		[CONN_OVER] = over_step,
	};
	struct conn *c = arg;

	(void)fd;
	loop_enter(c->loop);
	steps[c->state](c, what);
	conn_settle(c);
}
