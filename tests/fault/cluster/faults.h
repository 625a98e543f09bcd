/*
 * What happens to the members: one fault after the other, drawn from a seed, each begun,
 * held for a while and undone.
 */
#ifndef TESTS_FAULT_CLUSTER_FAULTS_H
#define TESTS_FAULT_CLUSTER_FAULTS_H

#include "base/rng.h"
#include "load.h"

enum fault_kind {
	FAULT_KILL, /* kill -9, and started again */
	FAULT_KILL_LEADER,
	FAULT_KILL_ALL,
	FAULT_FREEZE, /* SIGSTOP */
	FAULT_FREEZE_LEADER,
	FAULT_STOP, /* SIGTERM, and started again */
	FAULT_CUT_ONE_WAY,
	FAULT_CUT_PAIR,
	FAULT_ISOLATE, /* from the other members */
	FAULT_ISOLATE_LEADER,
	FAULT_UNPLUG, /* also from the clients */
	FAULT_CLOCK,  /* the wall clock is set */
	FAULT_SLOW_DISK,
	FAULT_FULL_DISK,
	FAULT_TRANSFER,
	FAULT_MOVE,    /* kill -9, and started again with another address for members */
	FAULT_REPLACE, /* removed from the cluster, and a new one joins in its place */
	FAULT_KINDS
};

const char *fault_name(enum fault_kind k);

struct fault_stat {
	uint64_t times;
	uint64_t worst_gap_ms, sum_gap_ms; /* between acknowledged writes, of each time */
};

struct faults {
	struct cluster *cluster;
	struct load *load;
	struct caller caller;
	struct rng rng;
	bool enabled[FAULT_KINDS];
	struct fault_stat stat[FAULT_KINDS];
	int small_disk;     /* the member that FAULT_FULL_DISK can happen to, -1: none */
	bool loud, changes; /* changes: of the members are possible */
	uint64_t failed;    /* what could not be undone: a member does not come back */
};

/* loopback: only what needs no network of our own. */
void faults_init(struct faults *f, struct cluster *c, struct load *l, uint64_t seed,
	bool loopback, int small_disk);
void faults_fini(struct faults *f);
/* One fault: begun, held, undone, and the cluster left alone for a moment. */
void faults_round(struct faults *f);
/* Every member runs, and nothing is in its way. */
void faults_heal(struct faults *f);

#endif
