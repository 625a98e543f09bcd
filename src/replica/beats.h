/*
 * What members tell each other all the time, as bytes. Pure.
 *
 *	u8 format, u8 flags, varints and be64s in the order of struct beat, blobs
 */
#ifndef SVCD_REPLICA_BEATS_H
#define SVCD_REPLICA_BEATS_H

#include "base/bytes.h"

#define BEAT_MS 200
#define BEAT_POINTS 4  /* newest digests in one beat */
#define POINTS_KEPT 64 /* that each member remembers of itself */

/* The digest of the state with the entries up to index. */
struct point {
	uint64_t index, digest; /* index 0: none */
};

enum beat_flag {
	BEAT_LEADER = 1,
	BEAT_DIVERGED = 2,
	BEAT_JOINING = 4,
	BEAT_REMOVED = 8,    /* the receiver is no member any more, says the leader */
	BEAT_SPACE_LOW = 16, /* its disk is nearly full */
	BEAT_LACKS = 32,     /* the sender lacks entries that it had confirmed */
	BEAT_YOU_LACK = 64,  /* the receiver does, says the leader */
	BEAT_FLAGS = 127
};

struct beat {
	uint8_t flags;
	/* round trips: the sender's clock; the receiver's as it told it last, and how
	 * long ago that came */
	uint64_t sent_us, echo_us, held_us;
	uint64_t term, applied, rev;
	uint64_t time_ms; /* cluster time, when the sender leads */
	uint64_t wall_ms, sync_us, config_hash;
	struct point now; /* at applied */
	struct point points[BEAT_POINTS];
	struct bytes name, version; /* views */
};

void beat_encode(struct buf *out, const struct beat *b);
/* 0, SVCD_EPROTOCOL. Views into in. What a later version appends is not looked at. */
int beat_decode(struct bytes in, struct beat *out);

#endif
