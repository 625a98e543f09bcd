/*
 * Hash map from bytes to pointers: open addressing, one array, no node allocations.
 *
 * The map stores item pointers and asks for an item's key through a callback, so the key
 * lives inside the item (which must not change it while it is in the map). Keys come from
 * the network: the hash is seeded per process (from the kernel, at first use) against
 * collision attacks.
 */
#ifndef SVCD_BASE_MAP_H
#define SVCD_BASE_MAP_H

#include "base/bytes.h"

typedef struct bytes map_key_fn(const void *item);

struct map_slot {
	uint64_t hash; /* 0 = never used, 1 = deleted */
	void *item;
};

struct map {
	struct map_slot *slots;
	size_t cap;  /* power of two, or 0 */
	size_t len;  /* items */
	size_t used; /* items and deleted slots */
	map_key_fn *key;
};

void map_init(struct map *m, map_key_fn *key);
void map_fini(struct map *m); /* frees the table, never the items */
void *map_get(const struct map *m, struct bytes key);
int map_put(struct map *m, void *item);            /* 0, SVCD_EEXISTS, SVCD_ENOMEM */
void *map_remove(struct map *m, struct bytes key); /* the item, or NULL */
size_t map_len(const struct map *m);

/* Iteration in table order: *cursor starts at 0; NULL at the end. Removing the item that
 * was just returned is allowed while iterating, adding is not. */
void *map_next(const struct map *m, size_t *cursor);

void map_check(const struct map *m); /* asserts the invariants; O(n), for tests */

#endif
