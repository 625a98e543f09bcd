#include "health/results.h"

void results_add(struct results *r, bool pass)
{
	r->passes = r->passes << 1 | pass;
	if (r->n < RESULTS_MAX)
		r->n++;
}

uint32_t results_seen(const struct results *r, uint32_t last)
{
	return last < r->n ? last : r->n;
}

uint32_t results_passes(const struct results *r, uint32_t last)
{
	uint64_t mask = (UINT64_C(1) << results_seen(r, last)) - 1;

	return (uint32_t)__builtin_popcountll(r->passes & mask);
}
