/*
 * Which instances a caller gets that wants only some: the lowest tiers first, within one
 * by weight. Pure.
 */
#ifndef SVCCTL_PICK_H
#define SVCCTL_PICK_H

#include <stddef.h>
#include <stdint.h>

struct candidate {
	uint32_t tier;
	uint32_t weight; /* 0: only when nothing else is left in the tier */
	size_t index;    /* the caller's */
};

/* Orders all by tier, then index. */
void pick_sort(struct candidate *c, size_t n);
/* Moves `want` drawn ones to the front, in the order they were drawn; want <= n. seed:
 * any number. */
void pick_draw(struct candidate *c, size_t n, size_t want, uint64_t seed);

#endif
