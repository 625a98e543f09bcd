/*
 * Clusters under random trouble, some thousand of them: sim.h says what is simulated,
 * sim_check.c what must hold. tests/sim/run does any number.
 */
#include "../unit/unit.h"
#include "sim.h"

#ifdef __SANITIZE_ADDRESS__
#define SEEDS_A_TEST 3 /* each takes thirty times as long */
#else
#define SEEDS_A_TEST 50
#endif

START_TEST(three_voters_keep_every_promise)
{
	struct sim_counts counts = {0};

	sim_run_seeds((uint64_t)_i * SEEDS_A_TEST, SEEDS_A_TEST, 3, &counts);
	ck_assert_uint_gt(counts.writes, 0);
	ck_assert_uint_gt(counts.reads, 0);
}
END_TEST

START_TEST(five_voters_keep_every_promise)
{
	struct sim_counts counts = {0};

	sim_run_seeds((uint64_t)_i * SEEDS_A_TEST, SEEDS_A_TEST, 5, &counts);
	ck_assert_uint_gt(counts.writes, 0);
	ck_assert_uint_gt(counts.elections, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("driver_cluster");
	TCase *tc = unit_case(s, "trouble");

	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, three_voters_keep_every_promise, 0, 32);
	tcase_add_loop_test(tc, five_voters_keep_every_promise, 0, 8);
	return unit_run(s);
}
