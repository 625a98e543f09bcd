/*
 * The last good answer of each query, for when no member can be reached. Bounded: the one
 * that was used longest ago goes first. On the loop's thread.
 */
#ifndef SVCD_CLIENT_ANSWERS_H
#define SVCD_CLIENT_ANSWERS_H

#include "base/list.h"
#include "base/map.h"
#include "client/set.h"

#define ANSWERS_MAX 256

struct answers {
	struct map by_query;
	struct list by_age; /* used longest ago first */
};

void answers_init(struct answers *as);
void answers_fini(struct answers *as); /* fine when zero-initialised */

/* Remembers set for query (bytes that say all of it); without memory it does not. */
void answers_put(struct answers *as, struct bytes query, struct set *set);

/* Borrowed; NULL: there is none. */
struct set *answers_get(struct answers *as, struct bytes query);

#endif
