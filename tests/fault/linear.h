/*
 * Is a history linearizable? Wing and Gong's search with Lowe's improvements, for one
 * object: an instance key of the registry (linear_model.h). Linearizability is local
 * (Herlihy and Wing), so a history of many keys is checked key by key.
 *
 *	J. M. Wing, C. Gong: Testing and Verifying Concurrent Objects. Journal of Parallel
 *	and Distributed Computing 17 (1993).
 *	G. Lowe: Testing for Linearizability. Concurrency and Computation: Practice and
 *	Experience 29 (2017): memoised configurations, just-in-time linearization.
 *	M. P. Herlihy, J. M. Wing: Linearizability: A Correctness Condition for Concurrent
 *	Objects. ACM TOPLAS 12 (1990).
 *
 * The search walks through calls and returns in order of time and keeps the set of all
 * configurations that can be: (which of the pending operations took effect already,
 * state). Only when an operation returns, and only where it has not taken effect yet, are
 * pending ones let take effect, in every order that ends with it. A read or a
 * refusal that is possible takes effect at once: it changes nothing, so that can never
 * hurt later. What has
 * no known outcome stays pending to the end.
 *
 * Pure, single-threaded; memory for the configurations is freed on return.
 */
#ifndef TESTS_FAULT_LINEAR_H
#define TESTS_FAULT_LINEAR_H

#include <stddef.h>

#include "linear_model.h"

enum linear_verdict {
	LINEAR_YES,
	LINEAR_NO,
	LINEAR_UNDECIDED /* more than 64 pending at once, or too many configurations */
};

struct linear_report {
	enum linear_verdict verdict;
	size_t failed; /* NO: the operation that could not have happened before it
			  returned; UNDECIDED: where the search gave up. Index in ops. */
	size_t peak;   /* most configurations at once */
};

#define LINEAR_CONFIGURATIONS_MAX ((size_t)1 << 20)

/* ops in any order; operations that touch in time (ret of one is call of the other) count
 * as concurrent. Aborts when out of memory: this is a test's tool. */
void linear_check(const struct linear_op *ops, size_t n, struct linear_report *out);

#endif
