/*
 * The cases: what is asked of svcd, and the nearest work that others do.
 */
#ifndef SVCBENCH_CASES_H
#define SVCBENCH_CASES_H

#include "svcbench/sides.h"

struct bench_case;

/* Measures one side: svcd, or (other) what it is compared with. */
typedef void bench_run(const struct bench_case *c, const struct bench_options *o,
	bool other, struct result *r);

enum via { VIA_LEADER, VIA_FOLLOWERS, VIA_ALL }; /* whom the clients of a cluster ask */

enum compared { BY_RATE, BY_LAST, BY_MEDIAN }; /* last: p99_us, the time to the last */

struct bench_case {
	const char *name, *what;
	bench_run *run;
	const struct rival *other; /* NULL: nothing to compare with */
	const char *other_what;    /* its nearest work */
	enum compared compared;
	const struct load *ours, *theirs; /* closed loop of one server */
	int links, depth; /* connections, and requests on their way on each */
	enum via via;
	int signal; /* failover: what happens to the leader */
};

extern const struct bench_case bench_cases[];
extern const unsigned bench_case_count;

bench_run case_watch, case_leases, case_size;
bench_run case_cluster, case_failover, case_catch_up, case_snapshot;

#endif
