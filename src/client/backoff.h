/*
 * How long to wait before trying again: exponential, with jitter over the upper half, so
 * that clients which failed together do not come back together. Pure.
 */
#ifndef SVCD_CLIENT_BACKOFF_H
#define SVCD_CLIENT_BACKOFF_H

#include "base/rng.h"

struct backoff {
	uint32_t min_ms; /* > 0 */
	uint32_t max_ms;
	uint32_t tries; /* failures since the last reset */
};

/* Within half of min and min at first, later within half of max and max. */
uint64_t backoff_next_ms(struct backoff *b, struct rng *rng);
void backoff_reset(struct backoff *b);

#endif
