#include "health/schedule.h"

#include <assert.h>

#define JITTER_SHARE 16
#define LATE_MIN_MS 20 /* less is the noise of any machine */
#define GRACE_MAX_MS 1000
#define TOKEN 1000

uint64_t schedule_first(uint32_t place, uint32_t interval_ms, uint64_t not_before_ms)
{
	uint64_t offset = place % interval_ms;
	uint64_t since = (not_before_ms + interval_ms - offset) % interval_ms;

	return since == 0 ? not_before_ms : not_before_ms + interval_ms - since;
}

uint64_t schedule_next(
	uint32_t place, uint32_t interval_ms, uint64_t started_ms, uint64_t now_ms)
{
	uint64_t earliest = started_ms + interval_ms / 2;

	return schedule_first(place, interval_ms, earliest > now_ms ? earliest : now_ms);
}

uint32_t schedule_jitter(uint32_t interval_ms, struct rng *rng)
{
	return (uint32_t)rng_below(rng, interval_ms / JITTER_SHARE + UINT64_C(1));
}

uint64_t schedule_grace(uint64_t due_ms, uint64_t now_ms)
{
	uint64_t late = now_ms > due_ms ? now_ms - due_ms : 0;

	if (late < LATE_MIN_MS)
		return 0;
	return now_ms + (late < GRACE_MAX_MS ? late : GRACE_MAX_MS);
}

void bucket_init(
	struct token_bucket *b, uint32_t per_second, uint32_t burst, uint64_t now_ms)
{
	assert(per_second > 0 && burst > 0);
	*b = (struct token_bucket){
		.per_second = per_second,
		.burst = burst,
		.level = (uint64_t)burst * TOKEN,
		.at_ms = now_ms,
	};
}

static void bucket_fill(struct token_bucket *b, uint64_t now_ms)
{
	uint64_t full = (uint64_t)b->burst * TOKEN;
	uint64_t ms = now_ms > b->at_ms ? now_ms - b->at_ms : 0;

	b->at_ms += ms;
	/* A token a second is TOKEN in TOKEN milliseconds. */
	if (ms >= full || b->level + ms * b->per_second > full)
		b->level = full;
	else
		b->level += ms * b->per_second;
}

bool bucket_take(struct token_bucket *b, uint64_t now_ms)
{
	bucket_fill(b, now_ms);
	if (b->level < TOKEN)
		return false;
	b->level -= TOKEN;
	return true;
}

uint64_t bucket_wait_ms(struct token_bucket *b, uint64_t now_ms)
{
	bucket_fill(b, now_ms);
	if (b->level >= TOKEN)
		return 0;
	return (TOKEN - b->level + b->per_second - 1) / b->per_second;
}
