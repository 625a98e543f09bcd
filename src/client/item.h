/*
 * One instance as the registry sent it: immutable, reference-counted, one allocation that
 * holds the struct svcd_instance and all it points to. Sets and models of a service share
 * items; whoever lets go last frees, on any thread.
 */
#ifndef SVCD_CLIENT_ITEM_H
#define SVCD_CLIENT_ITEM_H

#include "base/err.h"
#include "wire/value.h"

/* In the order in which a set lists them. From RANK_OTHER on they are not usable. */
enum item_rank { RANK_UP, RANK_WARM, RANK_PENDING, RANK_OTHER, RANKS };

struct item {
	_Atomic uint32_t refs;
	enum item_rank rank;
	uint64_t hash; /* of the bytes as sent: its part of the service's digest */
	struct svcd_instance view; /* ns and service are NULL: a set knows them */
};

/* raw: the bytes of the map seen. One reference for the caller. 0, SVCD_ENOMEM,
 * SVCD_EPROTOCOL. */
int item_new(struct value seen, struct bytes raw, struct item **out);
struct item *item_ref(struct item *it);
void item_unref(struct item *it); /* NULL is fine */

static inline bool item_is_usable(const struct item *it)
{
	return it->rank < RANK_OTHER;
}

#endif
