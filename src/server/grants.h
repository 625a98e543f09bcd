/*
 * Leases as clients see them: granted, renewed. The table is lease.h, its ageing is in
 * control.c.
 */
#ifndef SVCD_SERVER_GRANTS_H
#define SVCD_SERVER_GRANTS_H

#include "server/request.h"
#include "server/worker.h"

/* A grant was applied. s NULL: its client is gone, a lease that wants it ends at once. */
void lease_granted(
	struct worker *w, struct session *s, const struct lease *lease, bool repeated);
/* The map entries that tell a client how to renew; returns their number. */
uint32_t lease_entries(struct worker *w, const struct lease *lease, struct buf *entries);

void method_renew(struct request *r);

#endif
