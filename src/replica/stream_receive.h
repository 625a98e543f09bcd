/*
 * How a checkpoint is received: the decisions, without file, thread and connection.
 *
 * One at a time. A leader of a newer term replaces the one that is coming in, but not one
 * that is being checked already: that is soon over.
 */
#ifndef SVCD_REPLICA_STREAM_RECEIVE_H
#define SVCD_REPLICA_STREAM_RECEIVE_H

#include "replica/stream_frame.h"

enum receiving_phase { RECEIVING_NOT, RECEIVING_CHUNKS, RECEIVING_CHECK };

struct receiving {
	enum receiving_phase phase;
	uint64_t from, stream;
	struct stream_offer offer;
	uint64_t got;    /* bytes, from the beginning */
	uint64_t stored; /* of these; the others are on their way to the disk */
	bool asked;      /* for what begins at got; what is further on is thrown away */
	unsigned broken; /* times that all was there and was no checkpoint */
};

enum offer_verdict {
	OFFER_HAVE,     /* declined: REASON_HAVE */
	OFFER_OLD,      /* declined: REASON_OLD */
	OFFER_BUSY,     /* declined: REASON_BUSY */
	OFFER_CHECKING, /* it is the one that is being checked; noted who asks now */
	OFFER_RESUMED,  /* it is the one that is coming in; goes on at got */
	OFFER_NEW       /* to be begun; what was coming in is to be forgotten */
};
/* applied: index of our state. Changes x for RESUMED and CHECKING only. */
enum offer_verdict receiving_on_offer(struct receiving *x, uint64_t from,
	const struct stream_frame *f, uint64_t applied);
/* got: so much of that file is here from an earlier try. */
void receiving_begin(
	struct receiving *x, uint64_t from, const struct stream_frame *f, uint64_t got);

enum chunk_verdict {
	CHUNK_TAKE,   /* write it behind got, then receiving_took */
	CHUNK_IGNORE, /* late, or of another stream */
	CHUNK_ASK     /* WANT from got: something is missing or damaged */
};
enum chunk_verdict receiving_on_chunk(
	struct receiving *x, uint64_t from, const struct stream_frame *f);
void receiving_took(struct receiving *x, size_t len);
/* So much of it is in the file. True: that was all, it is to be checked. */
bool receiving_stored(struct receiving *x, size_t len);
/* What was all there is to be checked (got is bytes from the beginning on). */
void receiving_check(struct receiving *x);
/* It was found damaged. True: all of it is wanted once more. */
bool receiving_damaged(struct receiving *x);

#endif
