/*
 * The server: workers that speak the protocol to clients, leases, watches, health checks.
 *
 * server_start makes N worker threads (one loop each), one control thread (leases,
 * checks) and the listeners. A worker owns its sessions, their watches and its kept
 * answers; it shares nothing with other workers but the replica's mailbox, the store's
 * readers and the lease table. See the files' heads: worker.h, session.h, watch.h,
 * answers.h, lease.h, checks.h.
 */
#ifndef SVCD_SERVER_SERVER_H
#define SVCD_SERVER_SERVER_H

#include "base/err.h"
#include "net/conn.h"
#include "replica/replica.h"

#define SERVER_LISTEN_MAX 8

/* member_join: this member shall give up its cluster of one and join the cluster at
 * address. Whoever started the server answers, once, on any thread, before it stops the
 * server. */
struct server_join {
	char address[120];
};
void server_join_answer(struct server_join *j, int code, const char *text);

struct server_options {
	const char *listen[SERVER_LISTEN_MAX]; /* "unix:PATH", "tcp:HOST:PORT" */
	uint32_t n_listen;
	const char *http[SERVER_LISTEN_MAX]; /* the same, for /metrics */
	uint32_t n_http;
	uint32_t workers;             /* 0: one per CPU this process may use, at most 8 */
	uint32_t connections_max;     /* more are told `limit` and closed; 0: 20000 */
	uint32_t watches_max;         /* per connection; 0: 1000 */
	uint32_t hello_timeout_ms;    /* a stranger that is silent is closed; 0: 10000 */
	uint32_t idle_timeout_ms;     /* 0: never */
	uint32_t out_bytes_max;       /* unsent per connection, more: closed; 0: 4 MiB */
	uint32_t watch_budget_bytes;  /* unsent per watcher, more: coalesced; 0: 64 KiB */
	uint64_t answers_bytes_max;   /* kept answers per worker; 0: 32 MiB */
	uint32_t expiries_per_second; /* pacing of lease expiry; 0: 2000 */
	uint32_t writes_in_flight_max; /* per connection; 0: 256 */
	bool checks_enabled;
	struct tls *peer_tls;   /* of members; for status; NULL: they talk in the clear */
	const char *backup_dir; /* on the state's disk; NULL: no backups */
	/* A worker's thread; NULL: joining is refused. */
	void (*on_join)(void *arg, struct server_join *j);
	void *arg;
};

struct server;
/* 0 with everything listening, or an error with e filled and nothing left running. */
int server_start(struct replica *r, const struct server_options *o, struct server **out,
	struct err *e);
/* The addresses it listens on, with the ports that the kernel gave. */
void server_addr(const struct server *s, uint32_t i, struct net_addr *out);
void server_http_addr(const struct server *s, uint32_t i, struct net_addr *out);
/* Graceful: stops accepting, answers what was asked (at most grace_ms), closes, joins,
 * frees. Leases of connections that end this way are kept: the clients come back after a
 * restart. Answers that the replica owes then, and for SERVER_PATIENCE_MS more does not
 * give, keep some memory alive until server_reap. */
#define SERVER_PATIENCE_MS 1000
void server_stop(struct server *s, uint32_t grace_ms);
/* After replica_stop, which has given all its answers: frees what server_stop had to
 * leave. Only by the thread that stopped the servers. */
void server_reap(void);

struct server_stat {
	uint64_t connections, watches, requests, lookups, lookups_kept, writes,
		events_sent, bytes_in, bytes_out;
	uint64_t leases, renewals, expired;
	uint64_t checks, probes;
};
void server_stat(const struct server *s, struct server_stat *out); /* any thread */

#endif
