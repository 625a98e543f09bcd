/*
 * The members: real processes of svcd, started and treated badly by their process ids.
 * The thread that made them uses them; addresses may be asked for by any thread.
 */
#ifndef TESTS_FAULT_CLUSTER_MEMBER_H
#define TESTS_FAULT_CLUSTER_MEMBER_H

#include <stdint.h>
#include <sys/types.h>

#include "caller.h"
#include "net.h"
#include "shim.h"

struct member {
	pid_t pid; /* 0: not running */
	bool frozen;
	bool small_disk; /* its data directory is a file system of its own */
	int starts;
	char name[16], dir[320], log[320];
	char client[64], peer[64]; /* addresses */
	struct shim *shim;
};

struct cluster {
	struct net net;
	int n;
	struct member member[NET_MEMBERS_MAX];
	const char *svcd, *shim; /* programs; shim "": none */
	char base[256];
	bool tls;   /* between the members; see trust.h */
	int deaths; /* members that ended and were not told to */
};

/* Makes directories and addresses for n members below a new directory; nothing runs yet.
 * small_disk: that member's data is on a tmpfs of some MiB (needs root), -1: none. False
 * with a sentence on stderr. */
bool cluster_make(struct cluster *c, int n, bool loopback, int small_disk);
/* Ends what runs; keep: the directory stays. */
void cluster_remove(struct cluster *c, bool keep);

void member_start(struct cluster *c, int i);
/* Waits until it answers clients. False: it does not, or it ended. */
bool member_await(struct cluster *c, int i, int timeout_ms);
void member_kill(struct cluster *c, int i, int sig); /* and waits for its end */
/* SIGTERM: the exit status, or -1 when it had to be killed. */
int member_stop(struct cluster *c, int i, int timeout_ms);
void member_freeze(struct cluster *c, int i, bool frozen);
void member_wipe(struct cluster *c, int i); /* its data directory becomes empty; it is not
					       running */
void member_move(struct cluster *c, int i); /* another port for members, from the next
					       start */
void member_fill_disk(struct cluster *c, int i, bool full);
/* Notes members that ended by themselves. True when there was none. */
bool cluster_look(struct cluster *c);

/* One request with an empty map to member i; see caller_end. */
int member_ask(struct cluster *c, struct caller *to, int i, const char *method);
/* Waits until all members vote. */
bool cluster_await_voters(struct cluster *c, int timeout_ms);
/* The member that says it leads (with the greatest term), -1: none. */
int cluster_leader(struct cluster *c, struct caller *with, uint64_t *term);

#endif
