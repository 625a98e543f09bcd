/*
 * When probes start: spread, jitter, a bounded rate. Pure: time and randomness come in.
 *
 * Each check has a place: a hash, which puts its starts on a grid of its interval's width
 * that does not move (place mod interval). So ten thousand checks stay spread evenly for
 * ever, also after a stall, after a restart and when all of them change their interval at
 * once. A jitter, drawn anew for each start and not added up, keeps two members and
 * periodic work of a target from meeting again and again.
 */
#ifndef SVCD_HEALTH_SCHEDULE_H
#define SVCD_HEALTH_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

/* The first point of the grid that is not before a time. interval_ms >= 1. */
uint64_t schedule_first(uint32_t place, uint32_t interval_ms, uint64_t not_before_ms);

/* The next one after a start: at least half an interval later (intervals change), at most
 * one and a half, and not in the past. */
uint64_t schedule_next(
	uint32_t place, uint32_t interval_ms, uint64_t started_ms, uint64_t now_ms);

/* 0 .. interval / 16 */
uint32_t schedule_jitter(uint32_t interval_ms, struct rng *rng);

/* A wake-up that was due then comes now. Later than it should: answers may wait to be
 * read, and the probes get the lost time back. Until when no probe may be called too
 * late; 0: it came in time. */
uint64_t schedule_grace(uint64_t due_ms, uint64_t now_ms);

/* Token bucket: `per_second` in the long run, at most `burst` at once. Starts full. */
struct token_bucket {
	uint32_t per_second; /* >= 1 */
	uint32_t burst;      /* >= 1 */
	uint64_t level;      /* thousandths of a token; <= 1000 * burst */
	uint64_t at_ms;      /* of level */
};

void bucket_init(
	struct token_bucket *b, uint32_t per_second, uint32_t burst, uint64_t now_ms);
bool bucket_take(struct token_bucket *b, uint64_t now_ms);
uint64_t bucket_wait_ms(struct token_bucket *b, uint64_t now_ms); /* until there is a
								     token; 0: now */

#endif
