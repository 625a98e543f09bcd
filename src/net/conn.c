/*
 * The life of a connection: made, settled after each event, ended through on_close.
 */
#include "net/conn.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net/conn_internal.h"

#define IN_MAX_DEFAULT (((size_t)1 << 20) + 64)
#define OUT_MAX_DEFAULT ((size_t)4 << 20)

static const struct {
	const char *name;
	unsigned next; /* bit set of states */
} states[CONN_STATES] = {
	[CONN_CONNECTING] = {"connecting",
		1u << CONN_SHAKING | 1u << CONN_OPEN | 1u << CONN_OVER},
	[CONN_SHAKING] = {"shaking hands", 1u << CONN_OPEN | 1u << CONN_OVER},
	[CONN_OPEN] = {"open", 1u << CONN_FLUSHING | 1u << CONN_OVER},
	[CONN_FLUSHING] = {"flushing", 1u << CONN_AWAITING_END | 1u << CONN_OVER},
	[CONN_AWAITING_END] = {"awaiting the end", 1u << CONN_OVER},
	[CONN_OVER] = {"over", 0},
};

void conn_move(struct conn *c, enum conn_state to)
{
	assert(states[c->state].next & 1u << to);
	c->state = to;
}

static void conn_check(const struct conn *c)
{
	assert(c->out_at <= c->out.len);
	assert(c->state == CONN_OVER || !c->blocked || conn_pending(c) > 0);
	assert(c->fd >= 0);
	assert((c->reason != 0) == (c->state >= CONN_FLUSHING));
	assert(c->linger == NULL || c->state >= CONN_FLUSHING);
}

/* ---- endings */

void conn_queue(struct conn *c)
{
	loop_defer(c->loop, &c->settling);
}

void conn_end(struct conn *c, int reason)
{
	if (c->state == CONN_OVER)
		return;
	if (c->reason == 0)
		c->reason = reason;
	conn_move(c, CONN_OVER);
	conn_queue(c);
}

void conn_fail(struct conn *c, int errnum, int reason)
{
	c->os_error = errnum;
	conn_end(c, reason);
}

static void conn_on_linger_end(void *arg)
{
	struct conn *c = arg;

	conn_end(c, c->reason);
}

static bool conn_start_linger(struct conn *c, uint32_t linger_ms)
{
	struct timer *t = malloc(sizeof(*t));

	if (t == NULL)
		return false;
	if (timer_init(t, c->loop, conn_on_linger_end, c) != 0) {
		free(t);
		return false;
	}
	timer_set(t, linger_ms);
	c->linger = t;
	return true;
}

/* Whether ending at once could lose output: ours, or what the kernel took and the peer
 * has not acknowledged, which close(2) drops when there is input that nobody read (RFC
 * 2525 section 2.17). */
static bool conn_has_last_words(const struct conn *c)
{
	int unacknowledged = 0;

	if (c->state != CONN_OPEN)
		return false;
	if (conn_pending(c) > 0)
		return true;
	return ioctl(c->fd, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged > 0;
}

void conn_leave(struct conn *c, int reason, uint32_t linger_ms)
{
	if (linger_ms == 0 || !conn_has_last_words(c) ||
		!conn_start_linger(c, linger_ms)) {
		conn_end(c, reason);
		return;
	}
	c->reason = reason;
	conn_move(c, CONN_FLUSHING);
	conn_queue(c);
}

void conn_close(struct conn *c, int reason, uint32_t linger_ms)
{
	assert(reason < 0);
	if (c->state < CONN_FLUSHING || linger_ms == 0)
		conn_leave(c, reason, linger_ms);
}

/* All is sent. The peer reads to our end and then ends its side; if it has ended before,
 * the next event says so. */
static void conn_say_end(struct conn *c)
{
	if (c->layer != NULL)
		c->layer->say_end(c);
	if (shutdown(c->fd, SHUT_WR) != 0)
		conn_end(c, c->reason);
	else
		conn_move(c, CONN_AWAITING_END);
}

static void conn_free(struct conn *c)
{
	if (c->linger != NULL)
		timer_fini(c->linger);
	free(c->linger);
	if (c->layer != NULL)
		c->layer->free(c);
	buf_fini(&c->in);
	buf_fini(&c->out);
	c->loop->conns--;
	free(c);
}

static void conn_finish(struct conn *c)
{
	list_remove(&c->settling.node);
	if (c->watched != 0)
		event_del(&c->io);
	close(c->fd);
	c->ev->on_close(c, c->reason, c->arg);
	conn_free(c);
}

/* ---- settling */

static short conn_wants(const struct conn *c)
{
	short writing = c->blocked ? EV_WRITE : 0;

	switch (c->state) {
	case CONN_CONNECTING:
		return EV_WRITE;
	case CONN_SHAKING:
		return c->layer_writes ? EV_WRITE : EV_READ;
	case CONN_OPEN:
		return c->paused ? writing : writing | EV_READ;
	case CONN_FLUSHING:
		return writing;
	case CONN_AWAITING_END:
		return EV_READ;
	default:
		return 0;
	}
}

static void conn_watch(struct conn *c)
{
	short want = conn_wants(c);

	if (want == c->watched)
		return;
	if (c->watched != 0)
		event_del(&c->io);
	c->watched = 0;
	if (want == 0)
		return;
	event_assign(&c->io, c->loop->base, c->fd, want | EV_PERSIST, conn_on_io, c);
	if (event_add(&c->io, NULL) != 0)
		conn_fail(c, errno, SVCD_EIO);
	else
		c->watched = want;
}

static bool conn_may_offer(const struct conn *c)
{
	return c->offer_again && c->in.len > 0 && c->state == CONN_OPEN;
}

static bool conn_may_read_on(const struct conn *c)
{
	return c->more_in && !c->paused && c->state == CONN_OPEN;
}

bool conn_settle(struct conn *c)
{
	bool offer = conn_may_offer(c);
	bool read_on;

	if (offer)
		conn_receive(c, BYTES_NONE);
	read_on = conn_may_read_on(c);
	if (read_on)
		conn_read(c);
	conn_push(c);
	if (c->state == CONN_FLUSHING && conn_pending(c) == 0)
		conn_say_end(c);
	conn_watch(c);
	conn_check(c);
	if (c->state == CONN_OVER) {
		conn_finish(c);
		return true;
	}
	list_remove(&c->settling.node); /* all that was asked for so far is done */
	if (conn_may_offer(c) || conn_may_read_on(c))
		conn_queue(c);
	return offer || read_on;
}

static bool conn_on_settling(struct deferred *d)
{
	return conn_settle(container_of(d, struct conn, settling));
}

/* ---- made */

void conn_learn_peer(struct conn *c)
{
	struct ucred cred = {0};
	socklen_t len = sizeof(c->peer);

	if (getpeername(c->fd, &c->peer.any, &len) != 0)
		c->peer.any.sa_family = AF_UNSPEC;
	if (c->peer.any.sa_family != AF_UNIX)
		return;
	len = sizeof(cred);
	getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	c->peer.local.pid = cred.pid;
	c->peer.local.uid = cred.uid;
}

/* Takes fd, also on failure. */
static struct conn *conn_make(struct loop *l, int fd, enum conn_state state,
	const struct conn_events *ev, void *arg)
{
	struct conn *c = calloc(1, sizeof(*c));

	assert(ev->on_data != NULL && ev->on_close != NULL);
	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->settling.fn = conn_on_settling;
	c->loop = l;
	c->ev = ev;
	c->arg = arg;
	c->fd = fd;
	c->state = state;
	c->in_max = IN_MAX_DEFAULT;
	c->out_max = OUT_MAX_DEFAULT;
	l->conns++;
	return c;
}

/* Nobody knows c yet: it goes without on_close. */
static struct conn *conn_unmake(struct conn *c)
{
	list_remove(&c->settling.node);
	close(c->fd);
	conn_free(c);
	return NULL;
}

/* Requests and answers are whole messages: Nagle's algorithm would only delay them. */
static void set_nodelay(int fd)
{
	static const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void conn_layer_on(struct conn *c, const struct conn_layering *with)
{
	if (with == NULL)
		return;
	c->layer = with->layer;
	c->layer_data = with->data;
}

struct conn *conn_adopt_layered(struct loop *l, int fd, const struct conn_layering *with,
	const struct conn_events *ev, void *arg)
{
	struct conn *c = conn_make(
		l, fd, with == NULL ? CONN_OPEN : CONN_SHAKING, ev, arg);

	if (c == NULL)
		return NULL;
	conn_learn_peer(c);
	if (c->peer.any.sa_family != AF_UNIX)
		set_nodelay(fd);
	conn_watch(c);
	if (c->state == CONN_OVER)
		return conn_unmake(c);
	conn_layer_on(c, with);
	return c;
}

struct conn *conn_adopt(struct loop *l, int fd, const struct conn_events *ev, void *arg)
{
	return conn_adopt_layered(l, fd, NULL, ev, arg);
}

/* The answer comes as writability, also when connect is done at once (Unix sockets). */
static void conn_start_connect(struct conn *c, const struct net_addr *to)
{
	struct sockaddr_storage sa;

	memcpy(&sa, to->sockaddr, sizeof(to->sockaddr));
	if (to->len <= sizeof(c->peer) && sa.ss_family != AF_UNIX)
		memcpy(&c->peer, to->sockaddr, to->len);
	if (connect(c->fd, (struct sockaddr *)&sa, to->len) != 0 &&
		errno != EINPROGRESS && errno != EINTR)
		conn_fail(c, errno, SVCD_EUNREACHABLE);
}

/* Without "quick" the kernel keeps the last ACK of the handshake back for the data that
 * may follow it. */
static void set_no_quick_ack(int fd)
{
	static const int off = 0;

	setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
}

static struct conn *conn_dial_tuned(struct loop *l, const struct net_addr *to,
	void (*tune)(int fd), const struct conn_events *ev, void *arg, struct err *e)
{
	int family = net_addr_family(to);
	struct conn *c;
	int fd;

	if (strncmp(to->text, "tcp:*", 5) == 0) {
		err_set(e, SVCD_EINVAL, "cannot connect to %s: \"*\" is for listeners",
			to->text);
		return NULL;
	}
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		err_set(e, err_from_errno(errno), "no socket for %s: %m", to->text);
		return NULL;
	}
	if (family != AF_UNIX)
		tune(fd);
	c = conn_make(l, fd, CONN_CONNECTING, ev, arg);
	if (c == NULL) {
		err_set(e, SVCD_ENOMEM, "no memory for a connection to %s", to->text);
		return NULL;
	}
	conn_start_connect(c, to);
	conn_watch(c);
	if (c->state == CONN_OVER && c->reason != SVCD_EUNREACHABLE) {
		err_set(e, c->reason, "cannot watch the socket for %s", to->text);
		return conn_unmake(c);
	}
	return c;
}

struct conn *conn_dial_layered(struct loop *l, const struct net_addr *to,
	const struct conn_layering *with, const struct conn_events *ev, void *arg,
	struct err *e)
{
	struct conn *c = conn_dial_tuned(l, to, set_nodelay, ev, arg, e);

	if (c != NULL)
		conn_layer_on(c, with);
	return c;
}

struct conn *conn_dial(struct loop *l, const struct net_addr *to,
	const struct conn_events *ev, void *arg, struct err *e)
{
	return conn_dial_tuned(l, to, set_nodelay, ev, arg, e);
}

struct conn *conn_knock(struct loop *l, const struct net_addr *to,
	const struct conn_events *ev, void *arg, struct err *e)
{
	return conn_dial_tuned(l, to, set_no_quick_ack, ev, arg, e);
}

/* ---- asked and set */

void conn_set_arg(struct conn *c, void *arg)
{
	c->arg = arg;
}

void *conn_arg(const struct conn *c)
{
	return c->arg;
}

struct loop *conn_loop(const struct conn *c)
{
	return c->loop;
}

void conn_set_limits(struct conn *c, size_t in_max, size_t out_max)
{
	assert(in_max > 0 && out_max > 0);
	c->in_max = in_max;
	c->out_max = out_max;
}

uint32_t conn_unacknowledged_ms(const struct conn *c)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (c->peer.any.sa_family == AF_UNIX || c->state == CONN_OVER ||
		getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
		return 0;
	return info.tcpi_unacked > 0 ? info.tcpi_last_ack_recv : 0;
}

int conn_errno(const struct conn *c)
{
	return c->os_error;
}

void conn_peer(const struct conn *c, char *out, size_t cap)
{
	struct net_addr a;

	switch (c->peer.any.sa_family) {
	case AF_UNSPEC:
		snprintf(out, cap, "unknown");
		return;
	case AF_UNIX:
		snprintf(out, cap, "unix:pid=%ld,uid=%lu", (long)c->peer.local.pid,
			(unsigned long)c->peer.local.uid);
		return;
	default:
		net_addr_from_sockaddr(&c->peer.any, sizeof(c->peer), &a);
		snprintf(out, cap, "%s", a.text);
	}
}

void conn_abort(struct conn *c, int reason)
{
	static const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	conn_close(c, reason, 0);
}
