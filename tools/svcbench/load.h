/*
 * Work that clients do in a closed loop: each connection sends its next request when the
 * answer to the last one came. A load is one side's way to do it: svcd's, or that of what
 * it is compared with. The loop, its clock and its counting are the same for all.
 */
#ifndef SVCBENCH_LOAD_H
#define SVCBENCH_LOAD_H

#include "svcbench/engine.h"
#include "svcbench/message.h"
#include "svcbench/peer.h"

struct load {
	/* Starts the one server that is asked. NULL: only members of a cluster are. */
	void (*start)(struct peer *p, const struct bench_options *o);
	/* What the server has to have before the loop begins. NULL: nothing. */
	void (*fill)(const struct peer *p);
	/* What a connection says first, answered before all else. NULL: nothing. */
	void (*greet)(struct link *l);
	/* Where an answer ends, as engine.answer. */
	size_t (*answer)(struct link *l, const unsigned char *p, size_t n, bool *failed);
	/* Puts the i-th request (from 0, over all connections) on l. */
	void (*put)(struct link *l, uint64_t i);
};

/* Not to be moved once it is made: the engine points to it. */
struct loop {
	struct engine e;
	const struct load *load;
	int depth;     /* requests on their way on each connection, 1 to DEPTH_MAX */
	uint64_t next; /* number of the next request */
};

#define NOTE_MAX 320

struct result {
	double rate; /* operations a second */
	double p50_us, p99_us, p999_us;
	double server_us; /* server CPU an operation */
	double rss_mib;
	double noise; /* processors kept busy by others */
	uint64_t errors;
	char note[NOTE_MAX];
};

/* The caller dials the connections of loop->e, and ends it with engine_fini. */
void loop_init(struct loop *loop, const struct load *load, int depth);
/* Warms up, counts for o->seconds, fills r. server: whose processor time and memory are
 * told. */
void loop_measure(
	struct loop *loop, const struct bench_options *o, pid_t server, struct result *r);

/* Puts a request, which consists of as many requests of the protocol as answers are
 * given, on a connection of its own. The last answer is copied to out (at most cap), its
 * length returned; 0 when one of them failed or the server cannot be asked. */
size_t ask(const struct peer *p, const struct load *load, const struct message *request,
	unsigned answers, unsigned char *out, size_t cap);

#endif
