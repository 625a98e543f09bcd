/*
 * How two members begin to talk. Pure.
 *
 *	acceptor: CHALLENGE   magic[8] "svcdpeer", u16 protocol, nonce[16]
 *	dialler:  HELLO       magic[8], u16 protocol, nonce[16] (the acceptor's), and of
 *this protocol: u8 channel, u64 cluster, u64 node, u64 to, u64 boot, u64 serial, name,
 *address acceptor: WELCOME     u64 cluster, u64 node, u64 boot, name, address or: REFUSAL
 *u16 error (its code, negated), text
 *
 * Texts are u8 length and UTF-8 without control characters. The frames' heads, the
 * challenge, the hello up to the nonce, and the refusal are the same in all protocols for
 * ever, so that members of different ones can tell each other so.
 *
 * The nonce makes a recorded hello worthless. boot is random for each process: two
 * processes with one node id are told apart. serial counts what a process dialled, so
 * that of two connections the newer is known. cluster 0 in a hello only asks who is here
 * (peers_discover): there is a welcome, and then the end. to is the member that the
 * dialler expects, or 0.
 */
#ifndef SVCD_REPLICA_PEER_HELLO_H
#define SVCD_REPLICA_PEER_HELLO_H

#include "base/bytes.h"
#include "base/err.h"
#include "replica/peers.h"

#define PEER_PROTOCOL 1

enum peer_handshake_kind {
	PEER_CHALLENGE = 1,
	PEER_HELLO,
	PEER_WELCOME,
	PEER_REFUSAL,
	PEER_ALIVE, /* no body: nothing else was sent for a while */
};

#define PEER_NONCE_BYTES 16
#define PEER_ADDRESS_BYTES 120  /* with NUL */
#define PEER_HANDSHAKE_MAX 1024 /* bytes of a body */

struct peer_hello {
	uint16_t protocol;
	uint8_t nonce[PEER_NONCE_BYTES];
	enum peer_channel channel;
	uint64_t cluster, node, to, boot, serial;
	char name[PEER_NAME_MAX + 1];
	char address[PEER_ADDRESS_BYTES]; /* "": nobody can dial it */
};

struct peer_welcome {
	uint64_t cluster, node, boot;
	char name[PEER_NAME_MAX + 1];
	char address[PEER_ADDRESS_BYTES];
};

/* Each appends a body. Names and addresses that are too long are cut. */
void peer_put_challenge(const uint8_t nonce[PEER_NONCE_BYTES], struct buf *out);
void peer_put_hello(const struct peer_hello *h, struct buf *out);
void peer_put_welcome(const struct peer_welcome *w, struct buf *out);
void peer_put_refusal(const struct err *why, struct buf *out);

/* 0, SVCD_EPROTOCOL. A hello of another protocol is good up to the nonce; the rest is
 * then zero. A refusal from the future may have a code that we do not know. */
int peer_get_challenge(
	struct bytes body, uint16_t *protocol, uint8_t nonce[PEER_NONCE_BYTES]);
int peer_get_hello(struct bytes body, struct peer_hello *out);
int peer_get_welcome(struct bytes body, struct peer_welcome *out);
int peer_get_refusal(struct bytes body, struct err *out);

#endif
