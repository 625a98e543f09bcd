/*
 * Measuring: latency histogram, and what processes used, from /proc.
 */
#ifndef SVCBENCH_MEASURE_H
#define SVCBENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t now_ns(void); /* CLOCK_MONOTONIC */

/* Log-linear histogram: 32 steps a power of two, so a value is right to 3 %. Nanoseconds.
 */
#define HIST_STEPS 32
#define HIST_BUCKETS (64 * HIST_STEPS)

struct hist {
	uint64_t count[HIST_BUCKETS];
	uint64_t n, max;
};

void hist_clear(struct hist *h);
void hist_add(struct hist *h, uint64_t ns);
uint64_t hist_quantile(const struct hist *h, double q); /* upper edge of the bucket; 0
							   when empty */

/* CPU time of a process and of everything else on the machine since a moment. */
struct usage {
	uint64_t wall_ns;
	double process_s; /* user and system */
	double busy_s;    /* all processors, all processes */
};

void usage_now(struct usage *u, pid_t pid);
double process_rss_mib(pid_t pid);
double process_anon_mib(pid_t pid); /* without mapped files */

#endif
