/* health/verdict.h and health/results.h: plain numbers in, verdicts out. */
#include <string.h>

#include "health/results.h"
#include "health/verdict.h"
#include "unit.h"

/* s starting, P passing, F failing, U unknown */
static const char letters[] = {[CHECK_STARTING] = 's',
	[CHECK_PASSING] = 'P',
	[CHECK_FAILING] = 'F',
	[CHECK_UNKNOWN] = 'U'};

static enum check_state state_of(char letter)
{
	for (size_t i = 0; i < LENGTH(letters); i++)
		if (letters[i] == letter)
			return (enum check_state)i;
	ck_abort_msg("no state %c", letter);
}

static const struct verdict_rule rule = {
	.rise = 2,
	.fall = 3,
	.interval_ms = 10000,
	.fast_interval_ms = 1000,
	.slow_interval_ms = 20000,
	.stale_after_ms = 30000,
};

/* Results: + a pass, - a failure, . nothing until it is stale. One state per result. */
static const struct {
	const char *what;
	uint16_t rise, fall;
	char initial;
	const char *results;
	const char *states;
} stories[] = {
	{"rise passes make it passing", 2, 3, 's', "++", "sP"},
	{"fall failures make it failing", 2, 3, 's', "---", "ssF"},
	{"while starting, the other kind begins anew", 2, 3, 's', "+-+-++", "sssssP"},
	{"a pass resets the streak", 2, 3, 'P', "--+--+---", "PPPPPPPPF"},
	{"a failure resets the streak", 2, 3, 'F', "+-+-++", "FFFFFP"},
	{"no flap after a restart", 2, 3, 'P', "--", "PP"},
	{"a known failure takes rise passes", 2, 3, 'F', "++", "FP"},
	{"1 and 1 follow each result", 1, 1, 's', "+-+-", "PFPF"},
	{"many of one kind", 3, 5, 'P', "-----+++", "PPPPFFFP"},
	{"stale is unknown, never passing", 2, 3, 'P', "..", "UU"},
	{"stale after failing", 2, 3, 'F', ".", "U"},
	{"stale before any result", 2, 3, 's', ".", "U"},
	{"out of unknown by passes", 2, 3, 'P', ".++", "UUP"},
	{"out of unknown by failures", 2, 3, 'P', ".---", "UUUF"},
	{"unknown is no short cut", 2, 3, 'U', "+-+", "UUU"},
	{"becoming stale drops the streak", 2, 3, 'P', "--.--", "PPUUU"},
};

static bool step(
	struct check_verdict *v, const struct verdict_rule *r, char result, uint64_t *now)
{
	if (result == '.') {
		*now += r->stale_after_ms;
		return check_verdict_tick(v, r, *now);
	}
	*now += r->interval_ms;
	return check_verdict_result(v, r, result == '+', *now);
}

START_TEST(a_story_ends_as_told)
{
	struct verdict_rule r = rule;
	struct check_verdict v;
	uint64_t now = 5000;

	r.rise = stories[_i].rise;
	r.fall = stories[_i].fall;
	check_verdict_init(&v, state_of(stories[_i].initial), now);
	for (size_t i = 0; stories[_i].results[i] != '\0'; i++) {
		enum check_state before = v.state;
		bool changed = step(&v, &r, stories[_i].results[i], &now);

		ck_assert_msg(letters[v.state] == stories[_i].states[i],
			"%s: %c after %zu", stories[_i].what, letters[v.state], i + 1);
		ck_assert_int_eq(changed, v.state != before);
		if (changed)
			ck_assert_uint_eq(v.since_ms, now);
	}
}
END_TEST

START_TEST(stale_begins_with_the_last_result)
{
	struct check_verdict v;

	check_verdict_init(&v, CHECK_PASSING, 1000);
	ck_assert_uint_eq(check_verdict_stale_ms(&v, &rule), 31000);
	ck_assert(!check_verdict_tick(&v, &rule, 30999));
	check_verdict_result(&v, &rule, false, 20000);
	ck_assert_uint_eq(check_verdict_stale_ms(&v, &rule), 50000);
	ck_assert(!check_verdict_tick(&v, &rule, 49999));
	ck_assert(check_verdict_tick(&v, &rule, 50000));
	ck_assert_uint_eq(check_verdict_stale_ms(&v, &rule), UINT64_MAX);
	ck_assert(!check_verdict_tick(&v, &rule, 99999));
}
END_TEST

/* Fast while undecided, slow while down. */
static const struct {
	char initial;
	const char *results;
	uint32_t interval_ms;
} paces[] = {
	{'s', "", 1000},
	{'s', "+", 1000},
	{'P', "", 10000},
	{'P', "+", 10000},
	{'P', "-", 1000},
	{'P', "-+", 10000},
	{'P', "---", 20000},
	{'F', "", 20000},
	{'F', "+", 1000},
	{'F', "++", 10000},
	{'P', ".", 10000},
	{'P', ".+", 1000},
};

START_TEST(the_interval_adapts)
{
	struct check_verdict v;
	uint64_t now = 1;

	check_verdict_init(&v, state_of(paces[_i].initial), now);
	for (const char *c = paces[_i].results; *c != '\0'; c++)
		step(&v, &rule, *c, &now);
	ck_assert_uint_eq(check_verdict_interval(&v, &rule), paces[_i].interval_ms);
}
END_TEST

START_TEST(a_long_streak_does_not_wrap)
{
	struct verdict_rule r = rule;
	struct check_verdict v;

	r.fall = UINT16_MAX;
	check_verdict_init(&v, CHECK_PASSING, 1);
	for (uint32_t i = 1; i < UINT16_MAX; i++)
		ck_assert(!check_verdict_result(&v, &r, false, i));
	ck_assert(check_verdict_result(&v, &r, false, UINT16_MAX));
}
END_TEST

static const struct {
	const char *states;
	char combined;
} combinations[] = {
	{"", 'P'},
	{"P", 'P'},
	{"PPP", 'P'},
	{"PsP", 's'},
	{"sU", 'U'},
	{"PU", 'U'},
	{"sUF", 'F'},
	{"FPPPPPPP", 'F'},
	{"PPPPPPPF", 'F'},
};

START_TEST(the_worst_check_speaks_for_the_instance)
{
	enum check_state states[8];
	size_t n = strlen(combinations[_i].states);

	for (size_t i = 0; i < n; i++)
		states[i] = state_of(combinations[_i].states[i]);
	ck_assert_int_eq(
		letters[check_combine(states, (uint32_t)n)], combinations[_i].combined);
}
END_TEST

static const struct {
	bool timed_out;
	uint64_t lag_ms;
	bool counts;
} votes[] = {
	{true, 0, true},
	{true, 499, true},
	{true, 500, true},
	{true, 501, false},
	{true, 700, false},
	{true, UINT64_MAX, false},
	{false, 0, true},
	{false, 700, true},
	{false, UINT64_MAX, true},
};

START_TEST(a_late_member_has_no_vote_on_timeouts)
{
	ck_assert_int_eq(check_result_counts(votes[_i].timed_out, votes[_i].lag_ms),
		votes[_i].counts);
}
END_TEST

static const struct {
	uint32_t normal, fast, slow, timeout, min;
} stale_minima[] = {
	{10000, 1000, 20000, 1000, 41000},
	{10000, 1000, 10000, 1000, 21000},
	{1000, 5000, 1000, 10, 10010},
	{86400000, 1, 1, 600000, 173400000},
	{UINT32_MAX, 1, 1, 1, UINT32_MAX},
};

START_TEST(a_check_on_time_never_goes_stale)
{
	struct verdict_rule r = {
		.interval_ms = stale_minima[_i].normal,
		.fast_interval_ms = stale_minima[_i].fast,
		.slow_interval_ms = stale_minima[_i].slow,
	};

	ck_assert_uint_eq(
		verdict_stale_min_ms(&r, stale_minima[_i].timeout), stale_minima[_i].min);
}
END_TEST

static const struct {
	const char *results;
	uint32_t last, seen, passes;
} rings[] = {
	{"", 3, 0, 0},
	{"+", 3, 1, 1},
	{"-", 3, 1, 0},
	{"+--", 3, 3, 1},
	{"+--", 2, 2, 0},
	{"---++", 3, 3, 2},
	{"+---------------------------------", 32, 32, 0},
	{"--++++++++++++++++++++++++++++++++", 32, 32, 32},
	{"--++++++++++++++++++++++++++++++++", 100, 32, 32},
	{"++++++++++++++++++++++++++++++++-", 32, 32, 31},
	{"+++", 0, 0, 0},
};

START_TEST(the_last_results_are_kept)
{
	struct results r = {0};

	for (const char *c = rings[_i].results; *c != '\0'; c++)
		results_add(&r, *c == '+');
	ck_assert_uint_eq(results_seen(&r, rings[_i].last), rings[_i].seen);
	ck_assert_uint_eq(results_passes(&r, rings[_i].last), rings[_i].passes);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("health_verdict");
	TCase *tc = unit_case(s, "verdict");

	tcase_add_loop_test(tc, a_story_ends_as_told, 0, LENGTH(stories));
	tcase_add_test(tc, stale_begins_with_the_last_result);
	tcase_add_loop_test(tc, the_interval_adapts, 0, LENGTH(paces));
	tcase_add_test(tc, a_long_streak_does_not_wrap);
	tcase_add_loop_test(
		tc, the_worst_check_speaks_for_the_instance, 0, LENGTH(combinations));
	tcase_add_loop_test(tc, a_late_member_has_no_vote_on_timeouts, 0, LENGTH(votes));
	tcase_add_loop_test(
		tc, a_check_on_time_never_goes_stale, 0, LENGTH(stale_minima));
	tcase_add_loop_test(tc, the_last_results_are_kept, 0, LENGTH(rings));
	return unit_run(s);
}
