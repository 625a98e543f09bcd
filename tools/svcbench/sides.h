/*
 * The sides of a comparison: svcd, and what does the nearest work to its own.
 */
#ifndef SVCBENCH_SIDES_H
#define SVCBENCH_SIDES_H

#include "svcbench/load.h"
#include "svcbench/trio.h"

/* What svcd is compared with. */
struct rival {
	const char *name;
	bool (*installed)(const struct bench_options *o);
};

extern const struct rival rival_redis, rival_zookeeper;

/* ---- svcd */
extern const struct load svcd_registers, svcd_resolves;
extern const struct cluster svcd_cluster;

/* The request that opens a session; for engine.on_open. */
void svcd_hello(struct link *l);
/* Walks an answer or event to its end; for engine.answer. */
size_t svcd_message(struct link *l, const unsigned char *p, size_t n, bool *failed);
/* Registers n instances, 10 a service, in batches, through connections of its own. */
void svcd_fill(const struct peer *p, uint64_t n);
size_t svcd_ask(const struct peer *p, const struct message *request, unsigned char *out,
	size_t cap);
/* The revision that a member has; 0: it does not say. */
uint64_t svcd_rev(const struct peer *p);

/* ---- Redis */
extern const struct load redis_hset, redis_get;

size_t redis_answer(struct link *l, const unsigned char *p, size_t n, bool *failed);

/* ---- ZooKeeper */
extern const struct cluster zookeeper_cluster;

/* A lookup's answer, as svcd gave it last (or about as long), for a side that only
 * keeps bytes. */
extern unsigned char lookup_sample[65536];
extern size_t lookup_sample_len;
#define LOOKUP_SERVICES 10000
#define FILL_BATCH 100

uint64_t random_service(void); /* of those */

#endif
