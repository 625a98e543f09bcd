/*
 * Stream connections and listeners (TCP and Unix sockets), non-blocking, on one loop.
 *
 * Reading goes through one scratch buffer per loop; a connection owns memory only while
 * it holds an incomplete message or unsent output, so that an idle one costs a few
 * hundred bytes. Output is written at once (one send per batch of answers); what the
 * socket does not take is kept up to out_max and sent when it becomes writable.
 *
 * Every ending goes through on_close exactly once, never from inside a call that the
 * owner made (conn_write, conn_close, conn_dial return first): it is deferred to the end
 * of the event or of the round. After the owner called conn_close, on_close is the only
 * callback that still comes.
 */
#ifndef SVCD_NET_CONN_H
#define SVCD_NET_CONN_H

#include <sys/types.h>

#include "base/err.h"
#include "net/addr.h"
#include "net/loop.h"

struct conn;

/* Borrowed by the connection for as long as it lives; best a static const. */
struct conn_events {
	/* Bytes arrived: all that is not consumed yet, contiguous, valid during the call.
	 * Returns how many were consumed (the rest comes again with more behind it, or
	 * after conn_pause was undone), or a negative svcd error, which closes: what was
	 * written before is still sent, for at most a second. */
	ssize_t (*on_data)(struct conn *c, struct bytes in, void *arg);
	/* Everything written before has been taken by the kernel after it had been
	 * refused. May be NULL. */
	void (*on_drained)(struct conn *c, void *arg);
	/* Over. reason: SVCD_ECLOSED (peer), the error of on_data, SVCD_EIO, SVCD_ENOMEM,
	 * SVCD_ETOOBIG (out_max, in_max), SVCD_EUNREACHABLE (conn_dial), or what
	 * conn_close was given. The descriptor is closed already; c is freed after it
	 * returns. */
	void (*on_close)(struct conn *c, int reason, void *arg);
	/* Outgoing connections: established. May be NULL. */
	void (*on_open)(struct conn *c, void *arg);
};

/* NULL with e set (no descriptor, no memory, or "*"); otherwise on_open or on_close
 * follows. What is written before on_open is sent after it. There is no time limit: close
 * it by a timer. */
struct conn *conn_dial(struct loop *l, const struct net_addr *to,
	const struct conn_events *ev, void *arg, struct err *e);

/* Like conn_dial, for those who only ask whether somebody listens, and conn_abort in
 * on_open: unless this loop is slow, the peer's program never sees such a connection. */
struct conn *conn_knock(struct loop *l, const struct net_addr *to,
	const struct conn_events *ev, void *arg, struct err *e);

/* A connection from an accepted stream socket; takes fd (closes it on failure). NULL: out
 * of memory. */
struct conn *conn_adopt(struct loop *l, int fd, const struct conn_events *ev, void *arg);

void conn_set_arg(struct conn *c, void *arg);
void *conn_arg(const struct conn *c);
struct loop *conn_loop(const struct conn *c);

/* out_max: unsent bytes kept (default 4 MiB); in_max: incomplete input kept (default 1
 * MiB + 64). What exceeds them closes with SVCD_ETOOBIG. */
void conn_set_limits(struct conn *c, size_t in_max, size_t out_max);

/* Appends a copy; sent at the end of the current event of c or, outside of one, of the
 * loop's round. Batches beyond 128 KiB are sent earlier. 0, or an error after which
 * on_close will come (SVCD_ETOOBIG, SVCD_ENOMEM, SVCD_EIO, SVCD_ECLOSED). */
int conn_write(struct conn *c, struct bytes v);

/* For many answers in one go: a buffer to append to (only that), then conn_flush, which
 * works and returns like conn_write. Valid until conn_flush. Never NULL; on a closed
 * connection it has an error and takes nothing. */
struct buf *conn_out(struct conn *c);
int conn_flush(struct conn *c);
/* The same, and what the kernel takes is sent at once: when the round may still take
 * long, because the disk is waited for. */
int conn_flush_now(struct conn *c);

/* Sends v at once if nothing is queued, and queues only the rest of it (a copy). For
 * messages that go to many connections: costs no memory while the peer keeps up. Returns
 * like conn_write. */
int conn_send_now(struct conn *c, struct bytes v);

size_t conn_pending(const struct conn *c); /* unsent bytes */

/* Stop / go on reading (back-pressure). While paused, an end of the peer is not noticed
 * either. */
void conn_pause(struct conn *c, bool paused);

/*
 * Ends c for reason (a negative code); an earlier reason stays.
 * linger_ms 0: at the end of the event or round; what is pending is lost. Otherwise
 * reading stops; what is pending is sent, then our end, and the peer's end is awaited
 * (input that nobody read would make the kernel drop our last bytes), all that for at
 * most linger_ms. When the peer has acknowledged all output: like 0.
 */
void conn_close(struct conn *c, int reason, uint32_t linger_ms);

/* Ends c like conn_close(c, reason, 0), but TCP ends with RST instead of FIN: no
 * TIME_WAIT is left behind. For peers from whom nothing more is wanted. */
void conn_abort(struct conn *c, int reason);

/* "tcp:127.0.0.1:4711", "unix:pid=123,uid=0"; also in on_close. cap >= 120 is always
 * enough. */
void conn_peer(const struct conn *c, char *out, size_t cap);

/* TCP: for how long the other host has owed us an acknowledgement of what it was sent,
 * counted from its last one; 0 when it owes none. While its program does not read, the
 * host acknowledges all the same. Only of use where something is sent regularly. */
uint32_t conn_unacknowledged_ms(const struct conn *c);

/* In on_close: errno of the call that ended c (ECONNREFUSED, ETIMEDOUT …), or 0. */
int conn_errno(const struct conn *c);

/*
 * Listener. A Unix socket is made with the permissions that the process's umask leaves. A
 * stale socket file, to which nobody listens, is replaced; two processes that start at
 * the same instant must be kept apart by other means (the data directory's lock).
 */
struct listener;

/* accepts: fd is non-blocking and close-on-exec; the callback takes it (hands it to a
 * worker's loop with conn_adopt) or closes it. Runs on l's thread; may free the listener.
 * When descriptors or memory run out, new peers wait in the backlog and accepting is
 * tried again every 100 ms. NULL with e set; SVCD_EINUSE: says which address. */
struct listener *listener_new(struct loop *l, const struct net_addr *at, uint32_t backlog,
	void (*on_accept)(int fd, void *arg), void *arg, struct err *e);
void listener_free(struct listener *l); /* unlinks its unix socket if it is still ours;
					   NULL is fine */
void listener_addr(const struct listener *l, struct net_addr *out); /* with the kernel's
								       port */

#endif
