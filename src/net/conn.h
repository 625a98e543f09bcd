/*
 * Stream connections and listeners (TCP and Unix sockets), non-blocking, on one loop.
 *
 * Reading goes through one scratch buffer per loop; a connection owns memory only while it holds
 * an incomplete message or unsent output, so that an idle one costs a few hundred bytes.
 * Output is written at once (one send per batch of answers); what the socket does not take is
 * kept up to out_max and sent when it becomes writable.
 *
 * Every ending goes through on_close exactly once, never from inside a call that the owner made
 * (conn_write, conn_close return first): it is deferred to the end of the event.
 */
#ifndef SVCD_NET_CONN_H
#define SVCD_NET_CONN_H

#include <sys/types.h>

#include "base/err.h"
#include "net/loop.h"

struct conn;

struct conn_events {
	/* Bytes arrived: all that is not consumed yet, contiguous. Returns how many were consumed
	 * (the rest comes again with more behind it), or a negative svcd error, which closes. */
	ssize_t (*on_data)(struct conn *c, struct bytes in, void *arg);
	/* Everything written before has been taken by the kernel after it had been refused. May be NULL. */
	void (*on_drained)(struct conn *c, void *arg);
	/* Over. reason: SVCD_ECLOSED (peer), the error of on_data, SVCD_EIO, SVCD_ETOOBIG (out_max), or
	 * what conn_close was given. c is freed after it returns. */
	void (*on_close)(struct conn *c, int reason, void *arg);
	/* Outgoing connections: established. May be NULL. */
	void (*on_open)(struct conn *c, void *arg);
};

/* Addresses as text: "tcp:HOST:PORT", "tcp:[V6]:PORT", "unix:PATH". Numeric hosts only, but
 * "localhost" means 127.0.0.1; "*" in a listener means all. Port 0 asks the kernel. */
struct net_addr {
	uint8_t sockaddr[128];
	uint32_t len;
	char text[120]; /* canonical text */
};

int net_addr_parse(const char *text, uint16_t default_port, struct net_addr *out, struct err *e);

struct conn *conn_dial(struct loop *l, const struct net_addr *to, const struct conn_events *ev, void *arg,
	struct err *e); /* NULL with e set; on_open or on_close follows */
void conn_set_arg(struct conn *c, void *arg);
void *conn_arg(const struct conn *c);
struct loop *conn_loop(const struct conn *c);

/* out_max: unsent bytes kept (default 4 MiB); in_max: incomplete input kept (default 1 MiB + 64). */
void conn_set_limits(struct conn *c, size_t in_max, size_t out_max);

/* Appends and sends at the end of the current event (or at once when outside of one).
 * 0, or an error after which on_close will come. */
int conn_write(struct conn *c, struct bytes v);

/* For many answers in one go: a buffer to append to, then conn_flush. Valid until conn_flush. */
struct buf *conn_out(struct conn *c);
int conn_flush(struct conn *c);

/* Sends v at once if nothing is queued, and queues only the rest of it (a copy). For messages
 * that go to many connections: costs no memory while the peer keeps up. */
int conn_send_now(struct conn *c, struct bytes v);

size_t conn_pending(const struct conn *c); /* unsent bytes */
void conn_pause(struct conn *c, bool paused); /* stop / go on reading (back-pressure) */

/* Sends what is pending for at most linger_ms, then on_close(reason). 0: at once. */
void conn_close(struct conn *c, int reason, uint32_t linger_ms);

/* "tcp:127.0.0.1:4711", "unix:pid=123,uid=0" */
void conn_peer(const struct conn *c, char *out, size_t cap);

/* Listener. */
struct listener;
/* accepts: fd is non-blocking and close-on-exec; the callback takes it (hands it to a worker's loop
 * with conn_adopt) or closes it. Runs on l's thread. */
struct listener *listener_new(struct loop *l, const struct net_addr *at, uint32_t backlog,
	void (*on_accept)(int fd, void *arg), void *arg, struct err *e); /* SVCD_EINUSE: says which address */
void listener_free(struct listener *l); /* unlinks its unix socket; NULL is fine */
void listener_addr(const struct listener *l, struct net_addr *out); /* with the kernel's port */

/* A connection from an accepted fd; takes fd (closes it on failure). */
struct conn *conn_adopt(struct loop *l, int fd, const struct conn_events *ev, void *arg);

#endif
