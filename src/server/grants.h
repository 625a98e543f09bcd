/*
 * Leases as clients see them: granted, renewed. The table is lease.h, its ageing is in
 * ageing.c; on a member that does not lead the leader is asked (renewals.h).
 */
#ifndef SVCD_SERVER_GRANTS_H
#define SVCD_SERVER_GRANTS_H

#include "server/request.h"
#include "server/worker.h"

/* A grant was applied. s NULL: its client is gone, a lease that wants it ends at once. */
void lease_granted(
	struct worker *w, struct session *s, const struct lease *lease, bool repeated);
/* It was revoked. */
void lease_revoked(struct worker *w, uint64_t id);
/* The map entries that tell a client how to renew; returns their number. */
uint32_t lease_entries(struct worker *w, const struct lease *lease, struct buf *entries);

void method_renew(struct request *r);

/* What became of a renewal. */
struct renewed {
	const uint64_t *ids, *lost; /* lost is a part of ids, in the same order */
	uint32_t n, n_lost;
	uint64_t ttl_ms; /* of the first one renewed; 0: none */
	bool one;        /* asked as "lease": a lost one is an error */
};
/* The connection holds what is not lost; the client is told. */
void renewed_answer(struct session *s, uint32_t id, const struct renewed *x);

#endif
