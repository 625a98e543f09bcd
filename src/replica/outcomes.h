/* Outcomes of commands as bytes: from the leader to the member that forwarded them. Pure.
 */
#ifndef SVCD_REPLICA_OUTCOMES_H
#define SVCD_REPLICA_OUTCOMES_H

#include "catalog/catalog.h"
#include "catalog/codec.h"

void outcome_encode(struct buf *out, const struct outcome *o);
/* Reads one off r, which goes bad when it is none. out must be zero-initialised or from
 * an earlier call. False: r is bad, or memory is short (out->incarnations.error). */
bool outcome_decode(struct reader *r, struct outcome *out);

#endif
