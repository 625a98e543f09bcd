/* catalog/effective.h: what load balancing reads; who is held by the floor. */
#include "catalog/effective.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static const struct {
	enum admin_state admin;
	enum health_state health;
	enum lifecycle life;
	enum base_state expected;
} base_rows[] = {
	{ADMIN_ENABLED, HEALTH_PASSING, LIFE_REGISTERED, BASE_UP},
	{ADMIN_ENABLED, HEALTH_DEGRADED, LIFE_REGISTERED, BASE_UP},
	{ADMIN_ENABLED, HEALTH_STARTING, LIFE_REGISTERED, BASE_DOWN},
	{ADMIN_ENABLED, HEALTH_FAILING, LIFE_REGISTERED, BASE_FAILED},
	{ADMIN_ENABLED, HEALTH_UNKNOWN, LIFE_REGISTERED, BASE_FAILED},
	{ADMIN_ENABLED, HEALTH_DAMPED, LIFE_REGISTERED, BASE_FAILED},
	{ADMIN_DRAINING, HEALTH_PASSING, LIFE_REGISTERED, BASE_DRAIN},
	{ADMIN_DRAINING, HEALTH_FAILING, LIFE_REGISTERED, BASE_DRAIN},
	{ADMIN_MAINTENANCE, HEALTH_PASSING, LIFE_REGISTERED, BASE_DOWN},
	{ADMIN_MAINTENANCE, HEALTH_FAILING, LIFE_REGISTERED, BASE_DOWN},
	{ADMIN_ENABLED, HEALTH_PASSING, LIFE_EXPIRED, BASE_FAILED},
	{ADMIN_ENABLED, HEALTH_FAILING, LIFE_EXPIRED, BASE_FAILED},
	/* Nothing to hold: it was never up, or somebody took it out of use. */
	{ADMIN_ENABLED, HEALTH_STARTING, LIFE_EXPIRED, BASE_DOWN},
	{ADMIN_DRAINING, HEALTH_PASSING, LIFE_EXPIRED, BASE_DOWN},
	{ADMIN_MAINTENANCE, HEALTH_PASSING, LIFE_EXPIRED, BASE_DOWN},
};

START_TEST(an_instance_by_itself)
{
	const struct instance_state s = {
		.admin = base_rows[_i].admin,
		.health = base_rows[_i].health,
		.life = base_rows[_i].life,
	};

	ck_assert_int_eq(effective_base(&s), base_rows[_i].expected);
}
END_TEST

START_TEST(only_three_states_are_handed_out)
{
	ck_assert(effective_usable(EFFECTIVE_UP));
	ck_assert(effective_usable(EFFECTIVE_WARM));
	ck_assert(effective_usable(EFFECTIVE_PENDING));
	ck_assert(!effective_usable(EFFECTIVE_DRAIN));
	ck_assert(!effective_usable(EFFECTIVE_DOWN));
}
END_TEST

START_TEST(bad_health_counts_from_when_it_became_bad)
{
	struct instance_state s = {
		.health = HEALTH_FAILING, .health_rev = 5, .expired_rev = 9};

	ck_assert_uint_eq(effective_failed_rev(&s), 5);
	s.health = HEALTH_PASSING;
	ck_assert_uint_eq(effective_failed_rev(&s), 9);
}
END_TEST

static const struct {
	uint32_t floor;
	uint8_t percent;
	uint32_t count, expected;
} demand_rows[] = {
	{0, 0, 10, 0},
	{3, 0, 10, 3},
	{0, 50, 10, 5},
	{0, 50, 11, 6}, /* rounded up */
	{0, 1, 1, 1},
	{0, 100, 7, 7},
	{2, 50, 10, 5}, /* the larger demand */
	{6, 50, 10, 6},
	{0, 50, 0, 0},
	{0, 100, UINT32_MAX, UINT32_MAX},
};

START_TEST(the_larger_demand_holds)
{
	const struct service s = {
		.floor = demand_rows[_i].floor, .floor_percent = demand_rows[_i].percent};

	ck_assert_uint_eq(
		floor_demand(&s, demand_rows[_i].count), demand_rows[_i].expected);
}
END_TEST

/* Failed ones in the order of their keys: since which revision; held: one letter each. */
static const struct {
	uint32_t floor;
	uint8_t percent;
	uint32_t base, up;
	const char *failed;
	const char *held;
} floor_rows[] = {
	{0, 0, 4, 2, "5 6", ".."},
	{2, 0, 4, 2, "5 6", ".."},
	{3, 0, 4, 2, "5 6", ".h"}, /* who failed last */
	{3, 0, 4, 2, "6 5", "h."},
	{3, 0, 4, 2, "5 5", "h."}, /* at once: by key */
	{4, 0, 4, 2, "5 6", "hh"},
	{9, 0, 4, 2, "5 6", "hh"},
	{1, 0, 3, 0, "7 9 8", ".h."},
	{0, 50, 4, 1, "5 6 7", "..h"},
	{0, 60, 5, 1, "5 6 7 8", "..hh"},
	{0, 100, 3, 0, "5 6 7", "hhh"},
	{2, 0, 0, 0, "", ""},
};

static uint32_t read_failed(const char *text, struct candidate *out)
{
	uint32_t n = 0;

	while (*text != '\0') {
		char *end;

		out[n] = (struct candidate){.order = n};
		out[n++].failed_rev = strtoull(text, &end, 10);
		text = end + (*end == ' ');
	}
	return n;
}

START_TEST(who_failed_last_is_held)
{
	const struct service s = {
		.floor = floor_rows[_i].floor, .floor_percent = floor_rows[_i].percent};
	struct candidate failed[8];
	uint32_t n = read_failed(floor_rows[_i].failed, failed), held = 0;
	char got[9] = {0};

	ck_assert_uint_eq(n, strlen(floor_rows[_i].held));
	held = floor_choose(&s, floor_rows[_i].base, floor_rows[_i].up, failed, n);
	for (uint32_t i = 0; i < n; i++) {
		got[failed[i].order] = failed[i].held ? 'h' : '.';
		ck_assert_int_eq(failed[i].held, i < held);
	}
	ck_assert_str_eq(got, floor_rows[_i].held);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("catalog_effective");
	TCase *tc = unit_case(s, "effective");

	tcase_add_loop_test(tc, an_instance_by_itself, 0, LENGTH(base_rows));
	tcase_add_test(tc, only_three_states_are_handed_out);
	tcase_add_test(tc, bad_health_counts_from_when_it_became_bad);
	tcase_add_loop_test(tc, the_larger_demand_holds, 0, LENGTH(demand_rows));
	tcase_add_loop_test(tc, who_failed_last_is_held, 0, LENGTH(floor_rows));
	return unit_run(s);
}
