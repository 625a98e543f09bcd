/*
 * The frames of a checkpoint on its way, PEER_OFFER to PEER_DECLINED: bodies as bytes and
 * as structs. Integers are big-endian.
 *
 *	OFFER     stream, leader's term, index, term, bytes, hash
 *	WANT      stream, offset
 *	CHUNK     stream, offset, sum, data
 *	RECEIVED  stream, offset, u8 stage
 *	DECLINED  stream, u8 reason, text
 *
 * stream is the sender's number for one offer: what comes late of an earlier one is told
 * apart by it.
 */
#ifndef SVCD_REPLICA_STREAM_FRAME_H
#define SVCD_REPLICA_STREAM_FRAME_H

#include "base/bytes.h"
#include "replica/peers.h"

#define STREAM_CHUNK_BYTES ((size_t)256 << 10)
#define STREAM_TEXT_MAX 200
#define STREAM_PAGE 4096 /* a checkpoint's length is a multiple of it */
#define STREAM_BYTES_MAX ((uint64_t)1 << 46)

enum stream_stage {
	STAGE_TAKING,
	STAGE_CHECKING, /* all is there, and is being looked at */
	STAGE_DONE,     /* it is the receiver's state, or the receiver knew better */
	STAGE_COUNT
};

enum stream_reason {
	REASON_HAVE = 1, /* that much and more */
	REASON_OLD,      /* the leader of a newer term sends already */
	REASON_BUSY,     /* with another one: later */
	REASON_SPACE,
	REASON_DAMAGED, /* what came is no whole checkpoint, twice */
	REASON_REFUSED, /* it cannot become our state, the text says why */
	REASON_END
};

/* What identifies the file: equal offers, equal bytes. */
struct stream_offer {
	uint64_t leader_term;
	uint64_t index, term;
	uint64_t bytes;
	uint64_t hash;
};

struct stream_frame {
	enum peer_kind kind;
	uint64_t stream;
	struct stream_offer offer;
	uint64_t offset; /* WANT, CHUNK, RECEIVED */
	enum stream_stage stage;
	enum stream_reason reason;
	struct bytes data; /* CHUNK; a view */
	bool sound;        /* CHUNK: data has the right sum */
	struct bytes text; /* DECLINED; a view */
};

/* Replaces what is in out. */
void stream_encode(const struct stream_frame *f, struct buf *out);
/* 0; SVCD_EPROTOCOL: it is none, or has values that no sender of ours writes. */
int stream_decode(enum peer_kind kind, struct bytes body, struct stream_frame *out);

#endif
