/*
 * The servers under load: started here on a processor of their own, stopped by their
 * process id.
 */
#ifndef SVCBENCH_PEER_H
#define SVCBENCH_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#define FAILOVERS_MAX 200

struct peer {
	pid_t pid;           /* 0: not running */
	int port, peer_port; /* peer_port 0: a cluster of one */
	char host[32];
	char join[64]; /* address of another member; "": makes a cluster */
	char dir[256];
	char program[256];
};

struct bench_options {
	const char *svcd, *redis;     /* programs; redis NULL: not there */
	const char *java, *zookeeper; /* program and its archive; NULL: not there */
	int server_cpu, client_cpu;
	double seconds;
	int rounds;
	int failovers, other_failovers; /* of svcd; of what it is compared with */
	unsigned long instances, watchers, leases;
	bool json;
};

/* A directory of its own, the name of its program; 127.0.0.1. Its port is the caller's.
 */
void peer_prepare(struct peer *p, const char *program);
/* An address of its own within 127/8 for member index of a cluster, so that its ports are
 * free when it comes back. */
void peer_place(struct peer *p, int index);
/* Runs argv, ended by NULL; what it says goes to log.txt in p->dir. Waits for nothing. */
void peer_spawn(struct peer *p, const struct bench_options *o, const char *const argv[]);

/* Starts and waits until it takes connections. Exits with a message when it does not. */
void peer_start_svcd(struct peer *p, const struct bench_options *o);
void peer_start_redis(struct peer *p, const struct bench_options *o, bool durable);
/* Again, on the same data; run does not wait. */
void peer_run_svcd(struct peer *p, const struct bench_options *o);
void peer_restart_svcd(struct peer *p, const struct bench_options *o);
void peer_kill(struct peer *p, int sig); /* and waits */
void peer_remove(struct peer *p);        /* kills, and removes its directory */

/* One member of a cluster, placed as index; peer_restart_svcd starts it again. */
void peer_start_member(struct peer *p, const struct bench_options *o, int index,
	const struct peer *join);

void pin_to(int cpu); /* -1: any */
/* Path of redis-server, or NULL. */
const char *find_program(const char *name, char *out, size_t cap);

#endif
