/*
 * Connections to the other members, on the replica's loop.
 *
 * Three channels to each member, each a connection of its own, so that bulk never delays
 * a heartbeat: raft messages, checkpoints, forwarded requests. Each member dials each
 * other one; frames go from the one that dialled, and only answers (peers_reply) come
 * back on the same connection. A connection that breaks is dialled again (with back-off)
 * when there is something to send; what was on its way is lost, which on the raft channel
 * nobody minds. Who tried to send, or called peers_connect, is served for 5 s: up comes
 * as soon as it is possible. A newer connection of a member replaces its older one:
 * frames of the older are thrown away. A member that is cut off without a word is noticed
 * within little more than a second; one that is only slow keeps its connection.
 *
 * Protocol: the side that accepted speaks first with a challenge; the dialler's hello
 * answers it with protocol version, cluster id, node id, name, advertised address and
 * channel; the acceptor then says welcome, or why not, in words. Frames have a length, a
 * kind and a body; the codec is peer_codec.h. With TLS both sides have certificates of
 * one authority, the name in the hello must be the certificate's, and node id and name
 * must be those of one member, where the table of the members has them.
 *
 * One thread, except where said.
 */
#ifndef SVCD_REPLICA_PEERS_H
#define SVCD_REPLICA_PEERS_H

#include "base/former.h"
#include "net/conn.h"
#include "net/tls.h"

struct peers;
struct raft_message;

enum peer_channel { PEER_RAFT, PEER_BULK, PEER_FORWARD, PEER_CHANNELS };

/* Kinds of frames; raft messages have kinds of their own below these. */
enum peer_kind {
	PEER_PING = 32, /* raft channel */
	PEER_PONG,
	PEER_BEAT,
	PEER_PROPOSE = 48, /* forward channel: requests, and what replies to them */
	PEER_PROPOSED,
	PEER_READ,
	PEER_READ_DONE,
	PEER_ASK,
	PEER_ANSWER,
	PEER_CHANGE,
	PEER_CHANGED,
	PEER_OFFER = 64, /* bulk channel: stream.h */
	PEER_WANT,
	PEER_CHUNK,
	PEER_RECEIVED,
	PEER_DECLINED,
	PEER_KIND_MAX = 127
};

#define PEER_FRAME_BYTES_MAX ((size_t)8 << 20) /* a raft message with a full batch */
#define PEER_NAME_MAX 63
#define PEERS_MAX 32 /* members, at most */

struct peers_events {
	/* A raft message; m and what it points to are valid during the call. server_id is
	 * the sender. */
	void (*raft)(void *arg, struct raft_message *m);
	/* Any other frame. reply: it came on a connection that from dialled, answer it
	 * with peers_reply; otherwise it is a reply to one of ours. */
	void (*frame)(void *arg, uint64_t from, enum peer_channel channel,
		enum peer_kind kind, struct bytes body);
	/* Our connection to node is there (up), or over: what was sent and not replied to
	 * is lost. */
	void (*up)(void *arg, uint64_t node, enum peer_channel channel, bool up);
	/* Output that had to wait has left. */
	void (*drained)(void *arg, uint64_t node, enum peer_channel channel);
	/* A member said hello: its name and address as it advertises them. A stranger
	 * that wants to join (it has said hello to us, and no address of it was set) has
	 * joining set. */
	void (*met)(void *arg, uint64_t node, const char *name, const char *address,
		bool joining);
	/* A member told us that we were removed from the cluster; why says it, and what
	 * to do. True: that was logged, now or before. May be NULL. */
	bool (*removed)(void *arg, const char *why);
};

struct peers_options {
	struct loop *loop;
	uint64_t cluster, node;
	const struct former *former; /* of the cluster; copied; NULL: none */
	const char *name;            /* of this member */
	const char *listen;          /* "tcp:HOST:PORT"; NULL: nobody can reach us */
	const char *advertise; /* what others dial; NULL: as listen, with the real port */
	struct tls *tls;       /* borrowed; NULL: plain */
	bool plain_anywhere; /* without TLS: addresses other than loopback are allowed */
	const struct peers_events *events;
	void *arg;
};

/* 0; SVCD_EINUSE, SVCD_EINVAL, SVCD_EDENIED (in the clear, and not this host) … with e
 * filled. */
int peers_new(const struct peers_options *o, struct peers **out, struct err *e);
/* Ends all connections; what is pending is lost. Also from within a callback. NULL is
 * fine. */
void peers_free(struct peers *p);

const char *peers_address(const struct peers *p); /* advertised; "" without listen */

/* From the table of the members; a removed one is a member again. What a member says of
 * itself in a hello is used when nothing was set. NULL or "": unknown again. */
int peers_set_address(struct peers *p, uint64_t node, const char *address);
/* Its name, from that table; NULL or "": unknown. With TLS node is refused under another
 * one, and so is another node that has it while that member is connected. SVCD_EINVAL,
 * SVCD_ENOMEM, SVCD_ELIMIT. */
int peers_set_name(struct peers *p, uint64_t node, const char *name);
/* The name that node has said, and with TLS proved; "" before it did. */
const char *peers_name(const struct peers *p, uint64_t node);
/* Closes all that there is with node, and refuses it from now on (removed members). */
void peers_forget(struct peers *p, uint64_t node);

/* 0 when it was queued; SVCD_EUNREACHABLE (not connected: dialling has begun, or no
 * address is known), SVCD_EAGAIN (too much is queued: drained tells), SVCD_ENOMEM. */
int peers_send(struct peers *p, uint64_t node, enum peer_channel channel,
	enum peer_kind kind, struct bytes body);
int peers_send_raft(struct peers *p, const struct raft_message *m);
/* The answer to a frame that node sent on channel; on the connection that it dialled. */
int peers_reply(struct peers *p, uint64_t node, enum peer_channel channel,
	enum peer_kind kind, struct bytes body);
/* Begins to dial what is not connected. */
void peers_connect(struct peers *p, uint64_t node, enum peer_channel channel);
bool peers_connected(const struct peers *p, uint64_t node, enum peer_channel channel);
/* There is a connection to node or from it, on any channel. The kernel closes those of a
 * process that ends. */
bool peers_present(const struct peers *p, uint64_t node);
size_t peers_pending(const struct peers *p, uint64_t node, enum peer_channel channel);
/* Why the last try to reach node failed, in words; "" when it is connected. */
const char *peers_trouble(const struct peers *p, uint64_t node);
/* The error behind it: SVCD_EUNREACHABLE, SVCD_ECLOSED or SVCD_ETIMEOUT when nobody is
 * there, others when somebody is and it cannot be; 0: none. */
int peers_trouble_code(const struct peers *p, uint64_t node);

/*
 * Of a new member that has no cluster yet: asks the addresses in turn which cluster they
 * are of, each once. Blocks at most timeout_ms; any thread; *stop (may be NULL) ends it
 * early. 0 with *cluster and the node that answered; SVCD_EUNREACHABLE, SVCD_EDENIED …
 * with e saying it for each address.
 */
struct peer_found {
	uint64_t cluster, node;
	char name[PEER_NAME_MAX + 1];
	char address[120];
};
int peers_discover(const char *const *addresses, size_t n, struct tls *tls,
	bool plain_anywhere, uint32_t timeout_ms, const _Atomic bool *stop,
	struct peer_found *out, struct err *e);

#endif
