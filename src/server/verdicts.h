/*
 * Verdicts on their way from the checks into the log: the newest per instance, in
 * batches, tried again when the replica cannot take them now. Control thread only.
 */
#ifndef SVCD_SERVER_VERDICTS_H
#define SVCD_SERVER_VERDICTS_H

#include "health/verdict.h"
#include "server/core.h"

struct verdicts;

struct verdicts *verdicts_new(
	struct server *s, struct loop *l, struct mailbox *box); /* NULL: no memory */
void verdicts_free(struct verdicts *v); /* nothing is in flight; NULL is fine */

/* False: no memory, ask again. key: as key_instance makes it. */
bool verdicts_put(struct verdicts *v, struct bytes key, uint64_t incarnation,
	enum check_state state, struct bytes reason);
/* The instance is gone: nothing more to say of it. */
void verdicts_forget(struct verdicts *v, struct bytes key);
/* This member checks no more: what comes back is not tried again; or it does, as the
 * leader of term. */
void verdicts_end(struct verdicts *v);
void verdicts_begin(struct verdicts *v, uint64_t term);

void verdicts_flush(struct verdicts *v);
uint32_t verdicts_in_flight(const struct verdicts *v);

#endif
