/* Histogram and /proc. */
#include "svcbench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void hist_clear(struct hist *h)
{
	memset(h, 0, sizeof *h);
}

static unsigned bucket_of(uint64_t ns)
{
	unsigned log;

	if (ns < HIST_STEPS)
		return (unsigned)ns;
	log = 63u - (unsigned)__builtin_clzll(ns);
	return (log - 4) * HIST_STEPS + (unsigned)((ns >> (log - 5)) & (HIST_STEPS - 1));
}

static uint64_t edge_of(unsigned bucket)
{
	unsigned log = bucket / HIST_STEPS + 4;

	if (bucket < HIST_STEPS)
		return bucket;
	return ((uint64_t)(HIST_STEPS + bucket % HIST_STEPS) + 1) << (log - 5);
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->count[bucket_of(ns)]++;
	h->n++;
	if (ns > h->max)
		h->max = ns;
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	uint64_t want = (uint64_t)((double)h->n * q), seen = 0;

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->count[i];
		if (h->count[i] > 0 && seen > want)
			return edge_of(i) < h->max ? edge_of(i) : h->max;
	}
	return h->max;
}

static double process_cpu(pid_t pid)
{
	char path[64], line[1024];
	unsigned long user = 0, sys = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fgets(line, sizeof line, f) != NULL) {
		char *after = strrchr(line, ')');

		if (after != NULL)
			sscanf(after + 1,
				" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &sys);
	}
	fclose(f);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static double machine_busy(void)
{
	unsigned long long v[8] = {0};
	FILE *f = fopen("/proc/stat", "r");

	if (f == NULL)
		return 0;
	if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2],
		    &v[3], &v[4], &v[5], &v[6], &v[7]) < 7)
		memset(v, 0, sizeof v);
	fclose(f);
	return (double)(v[0] + v[1] + v[2] + v[5] + v[6]) / (double)sysconf(_SC_CLK_TCK);
}

void usage_now(struct usage *u, pid_t pid)
{
	u->wall_ns = now_ns();
	u->process_s = process_cpu(pid);
	u->busy_s = machine_busy();
}

static double status_mib(pid_t pid, const char *row)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL) {
		size_t len = strlen(row);

		if (strncmp(line, row, len) == 0) {
			kib = strtoul(line + len, NULL, 10);
			break;
		}
	}
	fclose(f);
	return (double)kib / 1024;
}

double process_rss_mib(pid_t pid)
{
	return status_mib(pid, "VmRSS:");
}

double process_anon_mib(pid_t pid)
{
	return status_mib(pid, "RssAnon:");
}
