#include "health/verdict.h"

void check_verdict_init(
	struct check_verdict *v, enum check_state initial, uint64_t now_ms)
{
	*v = (struct check_verdict){.state = initial, .since_ms = now_ms};
}

static void verdict_become(
	struct check_verdict *v, enum check_state state, uint64_t now_ms)
{
	v->state = state;
	v->streak = 0;
	v->since_ms = now_ms;
}

static bool verdict_agrees(enum check_state state, bool pass)
{
	return state == (pass ? CHECK_PASSING : CHECK_FAILING);
}

static void verdict_count(struct check_verdict *v, bool pass)
{
	if (v->streak_passes != pass)
		v->streak = 0;
	v->streak_passes = pass;
	if (v->streak < UINT16_MAX)
		v->streak++;
}

bool check_verdict_result(
	struct check_verdict *v, const struct verdict_rule *r, bool pass, uint64_t now_ms)
{
	v->last_ms = now_ms;
	if (verdict_agrees(v->state, pass)) {
		v->streak = 0;
		return false;
	}
	verdict_count(v, pass);
	if (v->streak < (pass ? r->rise : r->fall))
		return false;
	verdict_become(v, pass ? CHECK_PASSING : CHECK_FAILING, now_ms);
	return true;
}

uint64_t check_verdict_stale_ms(
	const struct check_verdict *v, const struct verdict_rule *r)
{
	uint64_t known_ms = v->last_ms != 0 ? v->last_ms : v->since_ms;

	return v->state == CHECK_UNKNOWN ? UINT64_MAX : known_ms + r->stale_after_ms;
}

bool check_verdict_tick(
	struct check_verdict *v, const struct verdict_rule *r, uint64_t now_ms)
{
	if (now_ms < check_verdict_stale_ms(v, r) || v->state == CHECK_UNKNOWN)
		return false;
	verdict_become(v, CHECK_UNKNOWN, now_ms);
	return true;
}

uint32_t check_verdict_interval(
	const struct check_verdict *v, const struct verdict_rule *r)
{
	if (v->state == CHECK_STARTING || v->streak > 0)
		return r->fast_interval_ms;
	return v->state == CHECK_FAILING ? r->slow_interval_ms : r->interval_ms;
}

bool check_result_counts(bool timed_out, uint64_t lag_ms)
{
	return !timed_out || lag_ms <= VERDICT_LAG_MAX_MS;
}

/* Between two results lie at most one and a half intervals (schedule_next), the jitter of
 * a sixteenth and the time of a probe. */
uint32_t verdict_stale_min_ms(const struct verdict_rule *r, uint32_t timeout_ms)
{
	uint64_t longest = r->interval_ms;
	uint64_t min;

	if (longest < r->slow_interval_ms)
		longest = r->slow_interval_ms;
	if (longest < r->fast_interval_ms)
		longest = r->fast_interval_ms;
	min = 2 * longest + timeout_ms;
	return min < UINT32_MAX ? (uint32_t)min : UINT32_MAX;
}

static uint32_t verdict_badness(enum check_state state)
{
	static const uint8_t badness[] = {
		[CHECK_PASSING] = 0,
		[CHECK_STARTING] = 1,
		[CHECK_UNKNOWN] = 2,
		[CHECK_FAILING] = 3,
	};

	return badness[state];
}

enum check_state check_combine(const enum check_state *states, uint32_t n)
{
	enum check_state worst = CHECK_PASSING;

	for (uint32_t i = 0; i < n; i++)
		if (verdict_badness(states[i]) > verdict_badness(worst))
			worst = states[i];
	return worst;
}
