/*
 * Health checks of the catalog's instances: feeds struct health, proposes its verdicts.
 *
 * On the control thread. Targets follow the publications; a verdict that could not be
 * proposed or was refused for now is kept, the newest per instance, and proposed again.
 * Truth about an instance is only ever written for the incarnation that was probed.
 */
#ifndef SVCD_SERVER_CHECKS_H
#define SVCD_SERVER_CHECKS_H

#include "health/health.h"
#include "server/core.h"

struct checks;

struct checks *checks_new(struct server *s, struct loop *l, struct mailbox *box,
	struct reader *reader);     /* NULL: no memory */
void checks_free(struct checks *c); /* nothing is in flight; NULL is fine */

/* Begins with everything that the store has, as the leader of term; ends. */
void checks_begin(struct checks *c, uint64_t term);
void checks_end(struct checks *c);

void checks_follow(struct checks *c, const struct changes *changes);
/* End of a round: verdicts of the round go out together. */
void checks_flush(struct checks *c);

/* Proposals that are not answered. */
uint32_t checks_in_flight(const struct checks *c);
/* What was seen of an instance, see health_evidence. */
uint32_t checks_evidence(const struct checks *c, struct bytes key,
	void (*fn)(void *arg, const struct health_evidence *e), void *arg);
void checks_stat(const struct checks *c, struct server_stat *out); /* any thread */

#endif
