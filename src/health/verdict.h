/*
 * Verdict of one check: rise/fall hysteresis over single results, with reasons.
 *
 * Pure: results and time go in, a verdict comes out. A verdict changes after `rise`
 * passes or `fall` failures in a row; while a streak against the present verdict is
 * running the check is "changing" and is probed at the fast interval.
 */
#ifndef SVCD_HEALTH_VERDICT_H
#define SVCD_HEALTH_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

enum check_state { CHECK_STARTING, CHECK_PASSING, CHECK_FAILING, CHECK_UNKNOWN };

struct verdict_rule {
	uint16_t rise, fall; /* >= 1 */
	uint32_t interval_ms, fast_interval_ms, slow_interval_ms;
	uint32_t stale_after_ms; /* no result for so long: unknown, never passing */
};

struct check_verdict {
	enum check_state state;
	uint16_t streak;    /* results in a row against the state */
	bool streak_passes; /* what they are: starting and unknown have both kinds against
			       them */
	uint64_t since_ms;  /* when state became what it is */
	uint64_t last_ms;   /* of the last result; 0: none yet */
};

void check_verdict_init(
	struct check_verdict *v, enum check_state initial, uint64_t now_ms);
/* Takes one result. True when the state changed. */
bool check_verdict_result(struct check_verdict *v, const struct verdict_rule *r,
	bool pass, uint64_t now_ms);
/* Time passes without a result. True when the state changed (to CHECK_UNKNOWN). */
bool check_verdict_tick(
	struct check_verdict *v, const struct verdict_rule *r, uint64_t now_ms);
/* When the tick will say unknown if no result comes; UINT64_MAX when it is unknown
 * already. */
uint64_t check_verdict_stale_ms(
	const struct check_verdict *v, const struct verdict_rule *r);
/* Milliseconds from one start of a probe to the next, without jitter. */
uint32_t check_verdict_interval(
	const struct check_verdict *v, const struct verdict_rule *r);

/* Whether a result may count against its target. A member that is itself late loses its
 * vote: what it calls a timeout may be an answer that it did not get round to reading. */
#define VERDICT_LAG_MAX_MS 500
bool check_result_counts(bool timed_out, uint64_t lag_ms);

/* The least stale_after_ms with which a check that runs on time never goes stale. */
uint32_t verdict_stale_min_ms(const struct verdict_rule *r, uint32_t timeout_ms);

/* Of all checks of an instance: failing if any is failing, else unknown if any is, else
 * starting if any is, else passing. n == 0: passing. */
enum check_state check_combine(const enum check_state *states, uint32_t n);

#endif
