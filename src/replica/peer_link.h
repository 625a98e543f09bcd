/*
 * One connection to another member: handshake, frames, bounds. It knows nothing of other
 * connections; who may talk is its owner's decision (greeted).
 *
 * A link is freed after closed, which comes exactly once and never from inside a call of
 * the owner; after peer_link_drop nothing is called any more.
 */
#ifndef SVCD_REPLICA_PEER_LINK_H
#define SVCD_REPLICA_PEER_LINK_H

#include "base/list.h"
#include "net/conn.h"
#include "net/tls.h"
#include "replica/peer_codec.h"
#include "replica/peer_hello.h"

struct peer_link;

struct peer_link_events {
	/* The other side has said who it is: hello when we accepted (fill welcome),
	 * welcome when we dialled. 0, or a refusal in words; the link is closed then, and
	 * who dialled is told. */
	int (*greeted)(struct peer_link *l, void *arg, struct err *why);
	/* Open: frames may be sent, and will come. */
	void (*open)(struct peer_link *l, void *arg);
	void (*frame)(struct peer_link *l, const struct peer_frame *f, void *arg);
	void (*drained)(struct peer_link *l, void *arg);
	void (*closed)(struct peer_link *l, const struct err *why, void *arg);
};

enum peer_link_state {
	PEER_LINK_CONNECTING, /* TCP, or TLS */
	PEER_LINK_GREETING,   /* the challenge or the answer to it is awaited */
	PEER_LINK_ANSWERING,  /* dialled: hello is said */
	PEER_LINK_OPEN,
	PEER_LINK_OVER, /* closed will come */
	PEER_LINK_STATES
};

/* Fields that are not marked are for reading. */
struct peer_link {
	struct list node; /* the owner's */
	void *owner;      /* the owner's; NULL at first */
	struct conn *conn;
	const struct peer_link_events *ev; /* NULL: dropped */
	void *arg;
	struct timer limit; /* of connecting, then of the handshake */
	uint32_t handshake_ms;
	enum peer_link_state state;
	bool dialled;
	bool checked;    /* frames have CRCs: there is no TLS */
	bool wrote;      /* since the last peer_link_tick */
	bool unanswered; /* at the last peer_link_tick */
	uint64_t heard_ms;
	uint8_t nonce[PEER_NONCE_BYTES];
	char address[PEER_ADDRESS_BYTES]; /* dialled, or of the socket */
	struct peer_hello hello;     /* who dialled; we, as given, or the other side */
	struct peer_welcome welcome; /* who accepted */
	struct err why;              /* code 0 until something ended it */
};

struct peer_link_options {
	struct loop *loop;
	struct tls *tls; /* NULL: plain */
	const struct peer_link_events *ev;
	void *arg;
	uint32_t connect_ms;   /* dialled: for TCP and TLS; 0: as handshake_ms */
	uint32_t handshake_ms; /* for what comes then, until it is open */
};

/* NULL with e set. hello: protocol and nonce are filled in here. */
struct peer_link *peer_link_dial(const struct peer_link_options *o,
	const struct net_addr *to, const struct peer_hello *hello, struct err *e);
/* Takes fd. NULL: no memory. */
struct peer_link *peer_link_accept(const struct peer_link_options *o, int fd);

/* 0; SVCD_EAGAIN: more than the channel's share waits to be sent (drained comes);
 * SVCD_ETOOBIG, SVCD_EINVAL; SVCD_EUNREACHABLE: not open, or it broke just now. */
int peer_link_send(struct peer_link *l, uint8_t kind, struct bytes body);
/* A message whose entries are too many for a frame leaves as several messages. */
int peer_link_send_raft(struct peer_link *l, const struct raft_message *m);
size_t peer_link_pending(const struct peer_link *l);

/* To be called every PEER_TICK_MS: tells the other side that we live when nothing else
 * was sent, and ends a link whose other side is gone without a word. */
#define PEER_TICK_MS 250
void peer_link_tick(struct peer_link *l, uint64_t now_ms);

/* Ends it now: closed will come with these words. */
void peer_link_close(struct peer_link *l, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* All is said: ends it as soon as what was written has left. */
void peer_link_part(struct peer_link *l);
/* Ends it now, and forgets its owner. NULL is fine. */
void peer_link_drop(struct peer_link *l);

#endif
