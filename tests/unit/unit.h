/*
 * What every Check program here begins and ends with.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>
#include <signal.h>
#include <stddef.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

/* A test that passes when an assertion of ours stops it. */
#define unit_add_abort_test(tc, test) tcase_add_test_raise_signal(tc, test, SIGABRT)

static inline TCase *unit_case(Suite *s, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return tc;
}

/* Runs and frees s; main()'s exit status. */
static inline int unit_run(Suite *s)
{
	SRunner *runner = srunner_create(s);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
