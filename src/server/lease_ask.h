/*
 * What members ask the leader about leases, and its answer: bytes. Pure.
 *
 * A question is a list of items of 9 bytes: what is wanted, the lease. The answer is the
 * number of leases that the leader has (8 bytes) and 4 bytes for each item: of a renewal
 * the time to live in milliseconds, 0 when there is no such lease; of an end whether to
 * ask for it again later (1).
 */
#ifndef SVCD_SERVER_LEASE_ASK_H
#define SVCD_SERVER_LEASE_ASK_H

#include "base/bytes.h"

#define ASK_LEASES 1u /* the kind of these questions, replica_ask.kind */

enum lease_wish {
	LEASE_RENEW = 1,
	LEASE_CLOSE,  /* its connection ended: the lease ends, if it is to be dropped then
		       */
	LEASE_FORGET, /* it was revoked */
};

#define LEASE_ITEM_BYTES 9
#define LEASE_ITEMS_MAX ((size_t)64 << 10) /* of one question */

void lease_ask_put(struct buf *question, enum lease_wish wish, uint64_t id);
/* How many items it has, or SVCD_EPROTOCOL: it is none. */
int lease_ask_count(struct bytes question);
void lease_ask_at(struct bytes question, size_t i, enum lease_wish *wish, uint64_t *id);

/* For a question of n items; 0 or SVCD_EPROTOCOL. */
int lease_answer_check(struct bytes answer, size_t n);
uint64_t lease_answer_total(struct bytes answer);
uint32_t lease_answer_at(struct bytes answer, size_t i);

#endif
