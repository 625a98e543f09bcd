/*
 * Intrusive binary min-heap over uint64_t keys: deadlines, damping, pacing.
 * A node knows its place, so that changing and removing are O(log n).
 */
#ifndef SVCD_BASE_HEAP_H
#define SVCD_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	uint64_t key;
	size_t pos; /* place + 1, 0 when in no heap */
};

struct heap {
	struct heap_node **nodes;
	size_t len;
	size_t cap;
};

void heap_init(struct heap *h);
void heap_fini(struct heap *h);

/* Puts n in, or moves it when it is in already (that needs no memory). 0, SVCD_ENOMEM. */
int heap_push(struct heap *h, struct heap_node *n, uint64_t key);

struct heap_node *heap_min(const struct heap *h);      /* NULL when empty */
void heap_remove(struct heap *h, struct heap_node *n); /* fine when in no heap */
void heap_check(const struct heap *h); /* asserts the invariants; O(n), for tests */
static inline bool heap_has(const struct heap_node *n)
{
	return n->pos != 0;
}

#endif
