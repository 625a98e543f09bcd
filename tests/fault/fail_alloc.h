/*
 * Makes one allocation fail, so that a test can go through all that a call makes:
 *
 *	for (unsigned n = 0; !done; n++) {
 *		fail_alloc_arm(n);
 *		rv = call();
 *		done = !fail_alloc_disarm();
 *		ck_assert_int_eq(rv, done ? 0 : SVCD_ENOMEM);
 *	}
 *
 * Counts malloc, calloc and realloc of this thread between arm and disarm. In an
 * ordinary build that is all of the process, foreign libraries too; with sanitizers it is
 * our own code, and the program must be linked with $(WRAP_ALLOC). Arm it only around the
 * call under test: Check allocates as well.
 */
#ifndef TESTS_FAULT_FAIL_ALLOC_H
#define TESTS_FAULT_FAIL_ALLOC_H

#include <stdbool.h>

/* The allocation that comes after n others will fail, once. */
void fail_alloc_arm(unsigned n);

/* Ends it. True when an allocation failed, false when the call made no more than n. */
bool fail_alloc_disarm(void);

#endif
