/*
 * What conn.c (life), conn_in.c, conn_out.c and tls_conn.c share about a connection. Not
 * for other folders.
 */
#ifndef SVCD_NET_CONN_INTERNAL_H
#define SVCD_NET_CONN_INTERNAL_H

#include <event2/event_struct.h>
#include <netinet/in.h>

#include "net/conn.h"
#include "net/loop_internal.h"

enum conn_state {
	CONN_CONNECTING,   /* output is collected, nothing is sent */
	CONN_SHAKING,      /* likewise: the layer's handshake */
	CONN_OPEN,         /* the only state that calls on_data and on_drained */
	CONN_FLUSHING,     /* the owner or the peer ended it; pending output goes first */
	CONN_AWAITING_END, /* all is sent, and our end; input is thrown away */
	CONN_OVER,         /* on_close comes at the next settling */
	CONN_STATES
};

/* Who is on the other side, asked once, because the kernel forgets it with the
 * connection. */
union conn_peer {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct {
		sa_family_t family;
		pid_t pid;
		uid_t uid;
	} local;
};

/*
 * What lies between a connection and its socket: TLS (tls_conn.c), whose library conn.c
 * does not know, so that programs without TLS need not link it. All may call conn_fail.
 */
struct conn_layer {
	/* 0 when it is done, SVCD_EAGAIN (layer_writes says for what it waits), or -1: c
	 * has failed. */
	int (*handshake)(struct conn *c);
	/* As conn_recv: into the loop's scratch buffer. Sets more_in when there is more
	 * that the socket does not know of. */
	ssize_t (*recv)(struct conn *c);
	/* As conn_send: what was taken, less than len when the kernel refused. */
	ssize_t (*send)(struct conn *c, const uint8_t *data, size_t len);
	void (*say_end)(struct conn *c); /* before the socket's own end */
	void (*free)(struct conn *c);
};

struct conn {
	struct event io;
	struct deferred settling;
	struct loop *loop;
	const struct conn_events *ev;
	void *arg;
	struct buf in;  /* what on_data did not consume; no memory while empty */
	struct buf out; /* no memory while empty */
	size_t out_at;  /* the first out_at bytes of out are sent; out_at <= out.len */
	size_t in_max;
	size_t out_max;
	struct timer *linger; /* only in CONN_FLUSHING and CONN_AWAITING_END */
	union conn_peer peer;
	const struct conn_layer *layer; /* NULL: none */
	void *layer_data;
	int fd;
	int reason; /* 0 until something ends it */
	int os_error;
	enum conn_state state;
	short watched; /* what io is added for; 0: not added */
	bool paused;
	bool offer_again;  /* reading goes on: what is kept comes first */
	bool blocked;      /* the kernel refused; EV_WRITE is awaited */
	bool layer_writes; /* CONN_SHAKING: EV_WRITE is awaited, not EV_READ */
	bool more_in;      /* the layer has input already */
};

/* conn.c */
void conn_move(struct conn *c, enum conn_state to);
void conn_end(struct conn *c, int reason); /* now: pending output is lost */
void conn_fail(struct conn *c, int errnum, int reason);
void conn_leave(struct conn *c, int reason, uint32_t linger_ms);
void conn_queue(struct conn *c);  /* settle at the end of the event or round */
bool conn_settle(struct conn *c); /* may free c; whether it called the owner */
void conn_learn_peer(struct conn *c);

/* As conn_dial and conn_adopt, with a layer; on_open comes after its handshake, for both.
 */
struct conn_layering {
	const struct conn_layer *layer;
	void *data; /* taken on success */
};
struct conn *conn_dial_layered(struct loop *l, const struct net_addr *to,
	const struct conn_layering *with, const struct conn_events *ev, void *arg,
	struct err *e);
struct conn *conn_adopt_layered(struct loop *l, int fd, const struct conn_layering *with,
	const struct conn_events *ev, void *arg);

/* conn_in.c */
void conn_on_io(evutil_socket_t fd, short what, void *arg);
void conn_receive(struct conn *c, struct bytes fresh);
void conn_read(struct conn *c);
/* What came into the loop's scratch buffer: 0 the peer's end, -1 nothing. */
ssize_t conn_recv_plain(struct conn *c);

/* conn_out.c */
void conn_push(struct conn *c); /* one send of what is pending, if that makes sense */
/* What the kernel took, perhaps 0; -1: c has failed. */
ssize_t conn_send_plain(struct conn *c, const uint8_t *data, size_t len);

#endif
