/*
 * The inside of struct svcd_set: immutable and reference-counted, one allocation with the
 * table of instances; what these point to lives in shared items (item.h).
 *
 * A set knows all items that were known when it was made, and shows either all or the
 * usable ones.
 */
#ifndef SVCD_CLIENT_SET_H
#define SVCD_CLIENT_SET_H

#include "base/list.h"
#include "client/item.h"

struct set {
	struct svcd_set pub; /* its instances are the first pub.n_instances of views */
	_Atomic uint32_t refs;
	uint64_t arrived_ms; /* clock_now_ms() when pub.age_ms was true */
	size_t n_items;
	struct item **items;          /* in the order of ranks, then as given */
	struct svcd_instance views[]; /* n_items */
};

/* What a new set says of itself. */
struct set_head {
	const char *ns, *service;
	uint64_t revision;
	uint64_t age_ms;
	enum svcd_source source;
	enum svcd_presence presence;
	uint64_t now_ms;
	bool all_states; /* show the items that are not usable too */
};

/* References the items, copies the rest. One reference for the caller. NULL: out of
 * memory. */
struct set *set_new(const struct set_head *head, struct item *const *items, size_t n);

/* The head of s as it would be now; ns and service point into s. */
struct set_head set_head_of(const struct set *s, uint64_t now_ms);

/* What q would have given if s were the registry's knowledge: from the cache. Caller
 * unrefs. NULL: out of memory. */
struct set *set_query(const struct set *s, const struct svcd_query *q, uint64_t now_ms);

/* The presence of a service of which these items are all there is. */
enum svcd_presence set_presence(struct item *const *items, size_t n);

static inline struct set *set_of(const struct svcd_set *pub)
{
	return container_of((struct svcd_set *)(uintptr_t)pub, struct set, pub);
}

#endif
