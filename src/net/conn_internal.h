/*
 * What conn.c (life), conn_in.c and conn_out.c share about a connection. Not for other
 * folders.
 */
#ifndef SVCD_NET_CONN_INTERNAL_H
#define SVCD_NET_CONN_INTERNAL_H

#include <event2/event_struct.h>
#include <netinet/in.h>

#include "net/conn.h"
#include "net/loop_internal.h"

enum conn_state {
	CONN_CONNECTING,   /* output is collected, nothing is sent */
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
	int fd;
	int reason; /* 0 until something ends it */
	int os_error;
	enum conn_state state;
	short watched; /* what io is added for; 0: not added */
	bool paused;
	bool offer_again; /* reading goes on: what is kept comes first */
	bool blocked;     /* the kernel refused; EV_WRITE is awaited */
};

/* conn.c */
void conn_move(struct conn *c, enum conn_state to);
void conn_end(struct conn *c, int reason); /* now: pending output is lost */
void conn_fail(struct conn *c, int errnum, int reason);
void conn_leave(struct conn *c, int reason, uint32_t linger_ms);
void conn_queue(struct conn *c);  /* settle at the end of the event or round */
bool conn_settle(struct conn *c); /* may free c; whether it called the owner */
void conn_learn_peer(struct conn *c);

/* conn_in.c */
void conn_on_io(evutil_socket_t fd, short what, void *arg);
void conn_receive(struct conn *c, struct bytes fresh);

/* conn_out.c */
void conn_push(struct conn *c); /* one send of what is pending, if that makes sense */

#endif
