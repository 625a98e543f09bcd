/*
 * The ids that a cluster had before: each recovery after the loss of a quorum gives it
 * another one. What a member wrote under them is its own.
 */
#ifndef SVCD_BASE_FORMER_H
#define SVCD_BASE_FORMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORMER_MAX 16

struct former {
	uint64_t id[FORMER_MAX]; /* the last one first */
	size_t n;
};

/* NULL: there are none. */
static inline bool former_has(const struct former *f, uint64_t id)
{
	for (size_t i = 0; f && i < f->n; i++)
		if (f->id[i] == id)
			return true;
	return false;
}

#endif
