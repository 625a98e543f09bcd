/*
 * What a member under test is made to believe of its wall clock and its disk; shared
 * through a mapped file, see shim.c.
 */
#ifndef TESTS_FAULT_CLUSTER_SHIM_H
#define TESTS_FAULT_CLUSTER_SHIM_H

struct shim {
	volatile long wall_step_s; /* added to the wall clock */
	volatile long sync_ms;     /* that each sync takes longer */
};

#endif
