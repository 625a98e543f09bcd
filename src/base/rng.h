/*
 * Seeded pseudo-random numbers (xoshiro256**, Blackman and Vigna 2018; seeded by
 * splitmix64). Cores take a struct rng, so a run can be repeated from its seed. Not for
 * secrets: rng_secure() fills bytes from the kernel.
 */
#ifndef SVCD_BASE_RNG_H
#define SVCD_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0..n-1 without bias; n > 0 */
double rng_unit(struct rng *r);                /* [0, 1) */
void rng_secure(void *out, size_t len);        /* getrandom(2); asserts that it works */

#endif
