/*
 * Clusters of three on this machine, of svcd or of what it is compared with.
 */
#ifndef SVCBENCH_TRIO_H
#define SVCBENCH_TRIO_H

#include "svcbench/load.h"

#define MEMBERS 3

enum role { ROLE_NONE, ROLE_FOLLOWER, ROLE_LEADER }; /* none: takes no part (yet) */

struct trio;

/* What a kind of cluster has to do for the cases. */
struct cluster {
	const char *settings; /* for the note of a result */
	double warm_seconds;  /* of trio_warm before a rate counts; a quarter before a
				 failover */
	const struct load *registers; /* in a closed loop, one session each connection */
	const struct load *writes; /* one by one; what was written outlives its session */
	/* Member i is started on fresh data; the members before it were. */
	void (*start)(struct trio *t, int i);
	/* Its process again, on the data that it has. Does not wait for it. */
	void (*run)(struct peer *p, const struct bench_options *o);
	enum role (*role)(const struct peer *p);
	/* How many of the n writes, of which known[i] != 0 were acknowledged, member i
	 * does not have although they were. */
	uint64_t (*lost)(
		const struct trio *t, int i, const unsigned char *known, uint64_t n);
};

struct trio {
	const struct cluster *kind;
	struct bench_options o; /* as given, but on any processor */
	int client_cpu;
	struct peer m[MEMBERS];
};

/* Returns when one leads and the others follow. */
void trio_start(
	struct trio *t, const struct cluster *kind, const struct bench_options *o);
void trio_remove(struct trio *t);
/* 64 clients of all members write. 0 seconds: none do. */
void trio_warm(const struct trio *t, double seconds);
/* The member that leads, -1: not (yet) one leader whom all others follow. */
int trio_leader(const struct trio *t);
int trio_await_leader(const struct trio *t);

#define START_SECONDS 60

_Noreturn void give_up(const char *what);

#endif
