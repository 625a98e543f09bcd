/*
 * What the files of the peers share: peers.c (life, sending, frames), peer_table.c (who
 * is known), peer_dial.c (our connections to others), peer_accept.c (theirs to us),
 * peer_where.c (addresses). Not for others.
 */
#ifndef SVCD_REPLICA_PEERS_INTERNAL_H
#define SVCD_REPLICA_PEERS_INTERNAL_H

#include "base/log_gate.h"
#include "base/rng.h"
#include "net/resolve.h"
#include "replica/peer_link.h"
#include "replica/peers.h"

#define HANDSHAKE_MS 5000

struct peer;

/* One channel to and from one member. */
struct peer_line {
	struct peer *peer;
	enum peer_channel channel;
	struct peer_link *out;       /* we dialled; NULL: none */
	struct peer_link *in;        /* it dialled, and was welcome; NULL: none */
	struct resolve *question;    /* the host's name is being looked up */
	uint64_t in_boot, in_serial; /* of the newest that was welcome */
	struct timer again;          /* pending: not yet */
	uint32_t backoff_ms;         /* before the next try, when this one fails */
	uint64_t demand_ms;          /* when somebody last wanted to send; 0 never */
	uint64_t dialled_ms;         /* when the last try began */
	uint64_t opened_ms;
	bool up;
};

struct peer {
	struct peers *peers;
	uint64_t node;
	struct peer_line lines[PEER_CHANNELS];
	char address_set[PEER_ADDRESS_BYTES];
	char address_said[PEER_ADDRESS_BYTES];
	char name_set[PEER_NAME_MAX + 1];
	char name[PEER_NAME_MAX + 1]; /* as it said */
	struct err trouble;           /* code 0: none */
	uint64_t complained_ms;       /* in the log; 0: not since it was reached */
	char engine_address[24];      /* as the driver writes it */
};

struct peers {
	struct loop *loop;
	struct tls *tls;
	const struct peers_events *ev;
	void *arg;
	uint64_t cluster, node, boot, serial;
	struct former former;
	bool plain_anywhere;
	char name[PEER_NAME_MAX + 1];
	char address[PEER_ADDRESS_BYTES];
	struct listener *listener;
	struct resolver *resolver;
	struct timer tick;
	uint64_t ticked_ms;
	struct rng rng;
	struct peer *table[PEERS_MAX];
	size_t n;
	uint64_t *forgotten; /* ids of removed members */
	size_t n_forgotten;
	uint64_t in_use_ms; /* since then our node id is another's; 0: it is ours */
	bool in_use_told;
	struct list links;        /* all */
	size_t strangers;         /* of them, those that have not said who they are */
	struct log_gate grumbles; /* lines of what strangers do */
	struct peer_entries entries;
};

/* peer_table.c */
struct peer *peer_find(const struct peers *p, uint64_t node); /* NULL: not known */
/* Also makes it. NULL with code: SVCD_ENOMEM, SVCD_ELIMIT. */
struct peer *peer_get(struct peers *p, uint64_t node, int *code);
void peer_free(struct peer *peer); /* and all its connections */
bool peer_is_forgotten(const struct peers *p, uint64_t node);
void peer_learn(struct peer *peer, const char *name, const char *address);
const char *peer_address(const struct peer *peer); /* "": none is known */
/* That node may have that name. 0, SVCD_EDENIED, SVCD_EEXISTS. */
int peer_check_name(
	const struct peers *p, uint64_t node, const char *name, struct err *why);

/* peer_dial.c */
/* 0, SVCD_ENOMEM. */
int peer_line_init(struct peer_line *line, struct peer *peer, enum peer_channel channel);
void peer_line_fini(struct peer_line *line);
void peer_line_want(struct peer_line *line); /* dials now, or when it may */
void peer_is_there(struct peer *peer); /* it dialled us: no pause before what is wanted */

/* peer_accept.c */
void peers_on_accept(int fd, void *arg);

/* peers.c */
void peers_adopt_link(struct peers *p, struct peer_link *l);
void peers_on_frame(struct peer_link *l, const struct peer_frame *f, void *arg);
void peers_on_drained(struct peer_link *l, void *arg);

/* peer_where.c. An address as members write it, "tcp:HOST:PORT" with a name or a number
 * as HOST, or "unix:PATH". */
struct peer_where {
	struct net_addr at; /* when it is numeric */
	bool numeric;
	char host[PEER_ADDRESS_BYTES]; /* else its name */
	uint16_t port;
};
/* 0, SVCD_EINVAL, SVCD_ERANGE. */
int peer_where_parse(const char *text, struct peer_where *out, struct err *e);
/* 0, or SVCD_EDENIED: without TLS only this host is reached, unless anywhere. */
int peer_where_allowed(const struct net_addr *at, bool tls, bool anywhere, struct err *e);

#endif
