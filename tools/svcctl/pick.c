#include "svcctl/pick.h"

#include <stdlib.h>

static int by_tier(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->tier != y->tier)
		return x->tier < y->tier ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

void pick_sort(struct candidate *c, size_t n)
{
	qsort(c, n, sizeof(*c), by_tier);
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* One of c[0..n) by weight; all weights 0: any. */
static size_t draw_one(const struct candidate *c, size_t n, uint64_t *state)
{
	uint64_t sum = 0, at;

	for (size_t i = 0; i < n; i++)
		sum += c[i].weight;
	if (sum == 0)
		return next_random(state) % n;
	at = next_random(state) % sum;
	for (size_t i = 0; i < n; i++) {
		if (at < c[i].weight)
			return i;
		at -= c[i].weight;
	}
	return n - 1;
}

/* How many of c[0..n), which is sorted, are of the first one's tier. */
static size_t tier_length(const struct candidate *c, size_t n)
{
	size_t len = 0;

	while (len < n && c[len].tier == c[0].tier)
		len++;
	return len;
}

void pick_draw(struct candidate *c, size_t n, size_t want, uint64_t seed)
{
	size_t left = 0; /* of the tier that is drawn from */

	pick_sort(c, n);
	for (size_t i = 0; i < want; i++) {
		size_t j;
		struct candidate drawn;

		if (left == 0)
			left = tier_length(c + i, n - i);
		j = i + draw_one(c + i, left, &seed);
		drawn = c[j];
		c[j] = c[i];
		c[i] = drawn;
		left--;
	}
}
