/*
 * Time for the threads of a run: they do nothing for a while on purpose, as load that has
 * a rate and faults that last.
 */
#ifndef TESTS_FAULT_CLUSTER_PACE_H
#define TESTS_FAULT_CLUSTER_PACE_H

#include <stdint.h>
#include <time.h>

static inline void nap_ms(uint64_t ms)
{
	struct timespec pause = {
		.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000)};

	nanosleep(&pause, NULL);
}

static inline uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
