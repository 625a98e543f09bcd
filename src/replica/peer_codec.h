/*
 * What travels between members: frames, and the engine's messages in them. Pure.
 *
 * A frame, all numbers big-endian:
 *
 *	u32 length    of kind and body: 1 .. 1 + the limit
 *	u32 crc       CRC-32C of kind and body; 0 on a connection with TLS, which has
 *better u8  kind      1..15 handshake (peer_hello.h), 16..31 the engine's, 32..127 enum
 *	              peer_kind
 *	body
 *
 * The engine's messages have kind 16 + enum raft_message_type. Each begins with
 *
 *	u8 version, u64 term
 *
 * version being the engine's own of that message, which decides what it believes. Then
 *
 *	append entries   u64 previous index, u64 previous term, u64 commit, u32 n,
 *	                 n times {u64 term, u8 type, u32 length}, n payloads
 *	its result       u64 rejected, u64 last index, u16 features, u16 capacity
 *	request vote     u64 candidate, u64 last index, u64 last term,
 *	                 u8 flags (1 disrupts the leader, 2 pre-vote)
 *	its result       u8 flags (1 granted, 2 pre-vote), u16 features, u16 capacity
 *	timeout now      u64 last index, u64 last term
 *
 * and nothing behind. Snapshots do not travel this way (stream.h).
 */
#ifndef SVCD_REPLICA_PEER_CODEC_H
#define SVCD_REPLICA_PEER_CODEC_H

#include "base/bytes.h"

struct raft_entry;
struct raft_message;

#define PEER_HEAD_BYTES 9 /* of a frame, kind included */
#define PEER_RAFT_FIRST 16
#define PEER_RAFT_LAST 31

struct peer_frame {
	uint8_t kind;
	struct bytes body; /* within the input */
};

/* The frame at the start of in, body at most max bytes. 0 with *len, what to skip;
 * SVCD_EAGAIN (more bytes are needed), SVCD_ETOOBIG, SVCD_EPROTOCOL, SVCD_ECORRUPT. */
int peer_frame_next(
	struct bytes in, size_t max, bool checked, struct peer_frame *out, size_t *len);

/* Appends the head of a frame; what is appended then is its body. begin returns what end
 * wants. After an error of out both do nothing. */
size_t peer_frame_begin(struct buf *out, uint8_t kind);
void peer_frame_end(struct buf *out, size_t begin, bool checked);

/* Bytes of the body that peer_put_raft makes of entries first .. first + n - 1 of m (n 0
 * for other messages). */
size_t peer_raft_bytes(const struct raft_message *m, unsigned first, unsigned n);

/* How many entries of m, from first on, fit into a body of max bytes; at least one while
 * there is one. 0 for other messages. */
unsigned peer_raft_fits(const struct raft_message *m, unsigned first, size_t max);

/* Kind of m's frame; 0: m is none that travels. */
uint8_t peer_raft_kind(const struct raft_message *m);

/* Appends the body of m. Of entries, those from first on: a message of a part of the
 * entries is one that the leader could have sent. */
void peer_put_raft(
	const struct raft_message *m, unsigned first, unsigned n, struct buf *out);

/* Memory of the entries' table between messages. Zero-initialised is valid. */
struct peer_entries {
	struct raft_entry *table;
	size_t room;
};
void peer_entries_fini(struct peer_entries *e);

/* Payloads point into body, the table belongs to entries; batch is NULL, server_id and
 * server_address are the caller's to fill. 0, SVCD_EPROTOCOL, SVCD_ENOMEM. */
int peer_get_raft(uint8_t kind, struct bytes body, struct peer_entries *entries,
	struct raft_message *out);

#endif
