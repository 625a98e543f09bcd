/*
 * Who was a member and is none any more: kept with the state, so that a member that was
 * removed is refused by all, for good, whenever it comes back.
 *
 * In TABLE_META, "removed": be64 node ids, the last one first.
 */
#ifndef SVCD_REPLICA_REMOVED_H
#define SVCD_REPLICA_REMOVED_H

#include "catalog/tables.h"

#define REMOVED_MAX 512 /* the oldest are forgotten */

/* The configuration that the state has becomes that one (both as the engine encodes
 * them). SVCD_ENOMEM, SVCD_ECORRUPT, t's error. */
int removed_note(struct tables *t, struct bytes before, struct bytes after);

/* At most REMOVED_MAX; how many. */
size_t removed_read(struct tables *t, uint64_t out[REMOVED_MAX]);

/* In a copy that begins a life of its own. */
void removed_clear(struct tables *t);

#endif
