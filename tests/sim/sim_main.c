/*
 * Any number of simulated clusters:
 *
 *	tests/sim/run --seeds N [--first S] [--nodes 3|5] [--jobs J] [--trace]
 *
 * Each seed is run in one of J processes; the first that fails is told with how to see it
 * again. Exit status 0: all went well.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

#define JOBS_MAX 64
#define CHUNK 16

/* In memory that all processes see. */
struct board {
	_Atomic uint64_t next;
	_Atomic bool failed;
	uint64_t running[JOBS_MAX];
	struct sim_counts counts[JOBS_MAX];
	uint64_t done[JOBS_MAX];
};

struct run {
	uint64_t first, seeds;
	unsigned nodes, jobs;
	bool trace;
};

/* Seeds from *from on, in order, so that the first failure is near the lowest. */
static bool take_chunk(const struct run *r, struct board *b, uint64_t *from, uint64_t *to)
{
	uint64_t end = r->first + r->seeds;

	*from = atomic_fetch_add(&b->next, CHUNK);
	*to = *from + CHUNK < end ? *from + CHUNK : end;
	return *from < end && !b->failed;
}

static void work(const struct run *r, struct board *b, unsigned job)
{
	uint64_t from, to;

	while (take_chunk(r, b, &from, &to)) {
		for (uint64_t seed = from; seed < to; seed++) {
			b->running[job] = seed;
			sim_run_seeds(seed, 1, r->nodes, &b->counts[job]);
			b->done[job]++;
		}
	}
}

static pid_t start_job(const struct run *r, struct board *b, unsigned job)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (pid == 0) {
		work(r, b, job);
		_exit(0);
	}
	return pid;
}

static void wait_job(struct board *b, pid_t pid, unsigned job)
{
	int status;

	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		WEXITSTATUS(status) == 0)
		return;
	b->failed = true;
	printf("seed %" PRIu64 " failed%s\n", b->running[job],
		WIFSIGNALED(status) ? ", by a signal" : "");
}

static void tell(const struct run *r, const struct board *b, double seconds)
{
	struct sim_counts c = {0};
	uint64_t done = 0;

	for (unsigned j = 0; j < r->jobs; j++) {
		uint64_t *to = (uint64_t *)&c;
		const uint64_t *from = (const uint64_t *)&b->counts[j];

		for (size_t i = 0; i < sizeof(c) / sizeof(*to); i++)
			to[i] += from[i];
		done += b->done[j];
	}
	printf("%" PRIu64 " of %" PRIu64 " seeds from %" PRIu64
	       ", %u voters wanted, %.0f s: "
	       "%" PRIu64 " steps, %" PRIu64 " writes acknowledged, %" PRIu64
	       " of unknown or no effect, %" PRIu64 " current reads (%" PRIu64
	       " lost), %" PRIu64 " elections, %" PRIu64 " crashes, %" PRIu64
	       " checkpoints, %" PRIu64 " installs, %" PRIu64
	       " changes of members, %" PRIu64 " transfers, %" PRIu64
	       " full disks, %" PRIu64 " renewals, %" PRIu64 " leases expired\n",
		done, r->seeds, r->first, r->nodes, seconds, c.steps, c.writes, c.lost,
		c.reads, c.reads_lost, c.elections, c.crashes, c.checkpoints, c.installs,
		c.changes, c.transfers, c.full, c.renewals, c.expired);
}

static void run_traced(const struct run *r)
{
	for (uint64_t seed = r->first; seed < r->first + r->seeds; seed++) {
		struct sim *s = sim_new(seed, r->nodes, true);

		sim_run(s);
		sim_free(s);
	}
}

static int usage(void)
{
	fprintf(stderr,
		"usage: run --seeds N [--first S] [--nodes 3|5] [--jobs J] "
		"[--trace]\n");
	return 2;
}

static int parse(int argc, char **argv, struct run *r)
{
	static const struct option options[] = {
		{"seeds", required_argument, NULL, 's'},
		{"first", required_argument, NULL, 'f'},
		{"nodes", required_argument, NULL, 'n'},
		{"jobs", required_argument, NULL, 'j'},
		{"trace", no_argument, NULL, 't'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			r->seeds = strtoull(optarg, NULL, 10);
		else if (c == 'f')
			r->first = strtoull(optarg, NULL, 10);
		else if (c == 'n')
			r->nodes = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'j')
			r->jobs = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 't')
			r->trace = true;
		else
			return usage();
	}
	if (r->seeds == 0 || r->nodes < 1 || r->nodes > 5 || r->jobs < 1 ||
		r->jobs > JOBS_MAX)
		return usage();
	return 0;
}

int main(int argc, char **argv)
{
	struct run r = {.nodes = 3, .jobs = 1};
	struct timespec began, ended;
	pid_t pids[JOBS_MAX];
	struct board *b;

	if (parse(argc, argv, &r) != 0)
		return 2;
	if (r.trace) {
		run_traced(&r);
		return 0;
	}
	b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	if (b == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	b->next = r.first;
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (unsigned j = 0; j < r.jobs; j++)
		pids[j] = start_job(&r, b, j);
	for (unsigned j = 0; j < r.jobs; j++)
		wait_job(b, pids[j], j);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	tell(&r, b, (double)(ended.tv_sec - began.tv_sec));
	return b->failed ? 1 : 0;
}
