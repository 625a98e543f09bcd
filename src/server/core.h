/*
 * What the threads of one server share: its options, its workers, the lease table. Fixed
 * after the start but for the atomics. Not for other folders.
 */
#ifndef SVCD_SERVER_CORE_H
#define SVCD_SERVER_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/lease.h"
#include "server/server.h"

#define SERVER_WORKERS_MAX 64

/* Bounds that nobody needs to set. */
#define CLIENT_NAME_MAX 64
#define TOKEN_MAX 4096
#define PREFIX_MEMBERS_MAX 1000000 /* services watched by prefix, per worker */
#define RENEW_MAX 1000             /* leases in one request */
#define WAIT_MAX_MS 600000         /* wait_ms of any request */
#define WAITING_MAX 64u            /* requests of a connection that wait so */
#define LINGER_MS 1000             /* for the last words to a client */
#define BACKUPS_MAX 4u             /* open at once */

/* Unsent bytes of a connection: beyond HIGH its requests are not read; out_bytes_max is
 * at least MIN, above what one event may collect; one answer may exceed it, alone. */
#define PENDING_HIGH_BYTES ((size_t)256 << 10)
#define OUT_BYTES_MIN ((uint32_t)512 << 10)
#define ANSWER_BYTES_MAX ((size_t)64 << 20)

struct control;
struct worker;

struct server {
	struct server *left;           /* the next one that waits for server_reap */
	struct server_options options; /* defaults are in place; listen is not kept */
	struct replica *replica;
	struct store *store;
	struct leases *leases;    /* the leader's */
	struct leases *held;      /* by connections of this member */
	struct lease_holder self; /* this member, in the leader's table */
	pthread_mutex_t closing;  /* while the end of held leases is being asked for */
	_Atomic uint64_t lease_total; /* that the leader told last */
	struct control *control;
	struct worker *workers[SERVER_WORKERS_MAX];
	uint32_t n_workers;
	uint64_t started_ms;
	_Atomic uint32_t connections; /* accepted and not over */
	_Atomic uint32_t backups;     /* open, and being made */
	_Atomic uint32_t backup_ids;
	_Atomic bool stopping; /* connections that end from now on keep their leases */
};

/* A statistic: one thread writes, any reads. */
struct counter {
	_Atomic uint64_t value;
};

static inline void count(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->value,
		atomic_load_explicit(&c->value, memory_order_relaxed) + n,
		memory_order_relaxed);
}

static inline void count_set(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->value, n, memory_order_relaxed);
}

static inline uint64_t counted(const struct counter *c)
{
	return atomic_load_explicit(&c->value, memory_order_relaxed);
}

#endif
