/* health/schedule.h: days of starts in a second. */
#include <stdlib.h>

#include "base/bytes.h"
#include "health/schedule.h"
#include "unit.h"

#define DAY_MS UINT64_C(86400000)

static const struct {
	uint32_t place, interval;
	uint64_t not_before, first;
} firsts[] = {
	{0, 10, 0, 0},
	{0, 10, 1, 10},
	{3, 10, 0, 3},
	{3, 10, 3, 3},
	{3, 10, 4, 13},
	{13, 10, 4, 13},
	{UINT32_MAX, 10, 100, 105},
	{7, 1, 5, 5},
	{5, 1000, 123456789, 123457005},
	{86399999, 86400000, 86400000, 172799999},
};

START_TEST(the_grid_is_fixed)
{
	ck_assert_uint_eq(schedule_first(firsts[_i].place, firsts[_i].interval,
				  firsts[_i].not_before),
		firsts[_i].first);
}
END_TEST

static const struct {
	const char *what;
	uint32_t place, interval;
	uint64_t started, now, next;
} nexts[] = {
	{"one interval later", 3, 1000, 5003, 5010, 6003},
	{"a jitter is not added up", 3, 1000, 5065, 5100, 6003},
	{"the probe took long", 3, 1000, 5003, 6003, 6003},
	{"the probe took longer than the interval", 3, 1000, 5003, 6500, 7003},
	{"a late start skips one", 3, 1000, 5600, 5610, 7003},
	{"a start that is a little late does not", 3, 1000, 5400, 5410, 6003},
	{"after a stall, in time with the others", 3, 1000, 5003, 99400, 100003},
	{"faster: not before half of the new interval", 3, 100, 5080, 5081, 5203},
	{"slower: not before half of the new interval", 3, 10000, 5003, 5100, 10003},
};

START_TEST(the_next_start)
{
	uint64_t next = schedule_next(
		nexts[_i].place, nexts[_i].interval, nexts[_i].started, nexts[_i].now);

	ck_assert_msg(
		next == nexts[_i].next, "%s: %lu", nexts[_i].what, (unsigned long)next);
}
END_TEST

START_TEST(a_jitter_is_at_most_a_sixteenth)
{
	struct rng rng;
	uint32_t max = 0;

	rng_seed(&rng, 1);
	for (int i = 0; i < 100000; i++) {
		uint32_t jitter = schedule_jitter(1600, &rng);

		max = jitter > max ? jitter : max;
	}
	ck_assert_uint_eq(max, 100);
	ck_assert_uint_eq(schedule_jitter(15, &rng), 0);
}
END_TEST

static uint32_t place_of(uint32_t check)
{
	return (uint32_t)bytes_hash_seed(bytes_of(&check, sizeof(check)), 42);
}

/* All starts of a day of 1000 checks every 10 s, counted by the second. */
START_TEST(a_day_is_spread_evenly)
{
	uint32_t *seconds = calloc(DAY_MS / 1000 + 20, sizeof(*seconds));
	uint32_t interval = 10000;
	struct rng rng;
	uint32_t most = 0;
	uint64_t shortest = UINT64_MAX;
	uint64_t longest = 0;

	rng_seed(&rng, 7);
	for (uint32_t check = 0; check < 1000; check++) {
		uint32_t place = place_of(check);
		uint64_t at = schedule_first(place, interval, 0);
		uint64_t before = 0;

		for (; at < DAY_MS; seconds[at / 1000]++) {
			uint64_t gap = before != 0 ? at - before : interval;

			shortest = gap < shortest ? gap : shortest;
			longest = gap > longest ? gap : longest;
			before = at;
			at = schedule_next(place, interval, at, at + 3) +
				schedule_jitter(interval, &rng);
		}
	}
	ck_assert_uint_ge(shortest, 9375);
	ck_assert_uint_le(longest, 10625);
	/* 100 a second in the mean; 10 is the standard deviation of places by chance. */
	for (size_t i = 1; i < DAY_MS / 1000 - 1; i++)
		most = seconds[i] > most ? seconds[i] : most;
	ck_assert_uint_ge(most, 100);
	ck_assert_uint_le(most, 140);
	free(seconds);
}
END_TEST

/* Everybody becomes undecided at one instant, and is spread over the fast interval at
 * once. */
START_TEST(a_change_of_all_is_spread_too)
{
	uint32_t tenths[20] = {0};

	for (uint32_t check = 0; check < 10000; check++) {
		uint64_t next = schedule_next(place_of(check), 1000, 500000, 500100);

		if (next >= 500500 && next < 501500)
			tenths[(next - 500000) / 100]++;
	}
	for (size_t i = 5; i < 15; i++)
		ck_assert(tenths[i] > 850 && tenths[i] < 1150);
}
END_TEST

START_TEST(a_restart_or_a_stall_moves_nobody)
{
	for (uint32_t check = 0; check < 1000; check++) {
		uint64_t restarted = schedule_first(place_of(check), 5000, 123456);
		uint64_t stalled = schedule_next(place_of(check), 5000, 50000, 123456);

		ck_assert_uint_eq(restarted % 5000, place_of(check) % 5000);
		ck_assert_uint_eq(restarted, stalled);
		ck_assert_uint_lt(restarted - 123456, 5000);
	}
}
END_TEST

static const struct {
	uint64_t due, now, grace;
} wakes[] = {
	{1000, 1000, 0},
	{1000, 900, 0},
	{1000, 1019, 0},
	{1000, 1020, 1040},
	{1000, 1300, 1600},
	{1000, 2000, 3000},
	{1000, 61000, 62000},
};

START_TEST(time_that_the_member_slept_is_given_back)
{
	ck_assert_uint_eq(schedule_grace(wakes[_i].due, wakes[_i].now), wakes[_i].grace);
}
END_TEST

/* per second, burst, milliseconds between tries: how many pass in a day */
static const struct {
	uint32_t per_second, burst, step_ms;
	uint64_t expected;
} rates[] = {
	{1, 1, 4, 86400},
	{3, 2, 4, 86400 * 3},
	{100, 3, 4, 8640000},
	{100, 2, 1000, 2 * 86400},
	{1000, 50, 40, 86400000},
};

START_TEST(the_rate_of_a_day_is_bounded)
{
	struct token_bucket b;
	uint64_t taken = 0;
	uint32_t most = 0;

	bucket_init(&b, rates[_i].per_second, rates[_i].burst, 0);
	for (uint64_t now = 0; now < DAY_MS; now += rates[_i].step_ms) {
		uint32_t at_once = 0;

		while (bucket_take(&b, now))
			at_once++;
		most = at_once > most ? at_once : most;
		taken += at_once;
	}
	ck_assert_uint_le(most, rates[_i].burst);
	ck_assert_uint_ge(taken, rates[_i].expected - rates[_i].burst);
	ck_assert_uint_le(taken, rates[_i].expected + rates[_i].burst);
}
END_TEST

START_TEST(a_bucket_says_how_long_to_wait)
{
	struct token_bucket b;

	bucket_init(&b, 3, 1, 1000);
	ck_assert_uint_eq(bucket_wait_ms(&b, 1000), 0);
	ck_assert(bucket_take(&b, 1000));
	ck_assert(!bucket_take(&b, 1000));
	ck_assert_uint_eq(bucket_wait_ms(&b, 1000), 334);
	ck_assert(!bucket_take(&b, 1333));
	ck_assert(bucket_take(&b, 1334));
	ck_assert_uint_eq(bucket_wait_ms(&b, 1000), 334);
	ck_assert_uint_eq(bucket_wait_ms(&b, UINT64_MAX), 0);
	bucket_init(&b, 2, 1, 0);
	ck_assert(bucket_take(&b, 0));
	ck_assert_uint_eq(bucket_wait_ms(&b, UINT64_C(1) << 63), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("health_schedule");
	TCase *tc = unit_case(s, "schedule");

	tcase_add_loop_test(tc, the_grid_is_fixed, 0, LENGTH(firsts));
	tcase_add_loop_test(tc, the_next_start, 0, LENGTH(nexts));
	tcase_add_test(tc, a_jitter_is_at_most_a_sixteenth);
	tcase_add_test(tc, a_day_is_spread_evenly);
	tcase_add_test(tc, a_change_of_all_is_spread_too);
	tcase_add_test(tc, a_restart_or_a_stall_moves_nobody);
	tcase_add_loop_test(
		tc, time_that_the_member_slept_is_given_back, 0, LENGTH(wakes));
	tcase_add_loop_test(tc, the_rate_of_a_day_is_bounded, 0, LENGTH(rates));
	tcase_add_test(tc, a_bucket_says_how_long_to_wait);
	return unit_run(s);
}
