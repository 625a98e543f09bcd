/*
 * Renewals on a member that does not lead: what clients ask within some milliseconds goes
 * to the leader as one question. One of these per worker, one question at a time.
 */
#ifndef SVCD_SERVER_RENEWALS_H
#define SVCD_SERVER_RENEWALS_H

#include "net/loop.h"
#include "server/core.h"

struct request;
struct renewals;

struct renewals *renewals_new(struct worker *w); /* NULL when out of memory */
void renewals_free(struct renewals *x);          /* nothing is asked; NULL is fine */

/* r is answered when the leader has answered; one: it named its lease as "lease". */
void renewals_ask(
	struct renewals *x, struct request *r, const uint64_t *ids, uint32_t n, bool one);

/* Tells the leader something that nobody waits for; best effort. */
void renewals_tell(struct renewals *x, int wish, uint64_t id);

/* End of a round. */
void renewals_flush(struct renewals *x);

/* Waits for no answer and sends nothing more: those who wait are told so. */
void renewals_stop(struct renewals *x);

#endif
