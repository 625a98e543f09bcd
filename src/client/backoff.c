#include "client/backoff.h"

#define DOUBLINGS_MAX 20

static uint64_t ceiling_ms(const struct backoff *b)
{
	uint64_t doublings = b->tries < DOUBLINGS_MAX ? b->tries : DOUBLINGS_MAX;
	uint64_t ms = (uint64_t)b->min_ms << doublings;

	return ms < b->max_ms ? ms : b->max_ms;
}

uint64_t backoff_next_ms(struct backoff *b, struct rng *rng)
{
	uint64_t ceiling = ceiling_ms(b);

	if (b->tries < UINT32_MAX)
		b->tries++;
	return ceiling - rng_below(rng, ceiling / 2 + 1);
}

void backoff_reset(struct backoff *b)
{
	b->tries = 0;
}
