/*
 * What members say to each other beside beats and the engine's messages, as bytes:
 * outcomes of commands, proposals on their way to the leader, requests for changes of the
 * members. Pure.
 */
#ifndef SVCD_REPLICA_WORDS_H
#define SVCD_REPLICA_WORDS_H

#include "catalog/catalog.h"
#include "catalog/codec.h"
#include "replica/payload.h"

void outcome_encode(struct buf *out, const struct outcome *o);
/* Reads one off r, which goes bad when it is none. out must be zero-initialised or from
 * an earlier call. False: r is bad, or memory is short (out->incarnations.error). */
bool outcome_decode(struct reader *r, struct outcome *out);

/* A frame of proposals: n times be64 id, be32 length, command. */
#define PROPOSAL_HEAD_BYTES 12
void proposals_put(struct buf *out, uint64_t id, struct bytes command);
/* How many there are; 0: it is damaged, or has more than PAYLOAD_COMMANDS_MAX. */
uint32_t proposals_count(struct bytes frame);
/* To be called so many times. */
struct bytes proposals_next(struct reader *r, uint64_t *id);

/* Operations beside enum replica_change_kind: what a member says of itself, and the wish
 * of one to be. */
enum { CHANGE_ANNOUNCE = 16, CHANGE_JOIN };

struct change_request {
	uint8_t op;
	uint64_t node;
	struct bytes actor, name, peer, client; /* views; the last three of announce and
						   join */
};
void change_request_put(struct buf *out, const struct change_request *q);
bool change_request_read(struct bytes in, struct change_request *q);

#endif
