/*
 * The state machine: applies commands to tables, deterministically.
 *
 * No clock, no randomness, no I/O: time comes in the batch's stamp (the leader's),
 * storage through struct tables. Same commands in the same order give the same bytes in
 * the replicated tables on every member. A command is applied as a whole or rejected as a
 * whole with a typed error that every member computes alike. Only a failing table
 * (t->error) is not deterministic: the caller then stops.
 *
 * One struct catalog belongs to the thread that applies; it holds scratch memory only, no
 * state.
 */
#ifndef SVCD_CATALOG_CATALOG_H
#define SVCD_CATALOG_CATALOG_H

#include "catalog/command.h"
#include "catalog/tables.h"

struct catalog;

struct catalog_options {
	uint64_t history_bytes; /* ring of events; 0: 16 MiB */
	uint64_t tombstone_ms; /* how long removals are remembered; 0: 1 h of cluster time
				*/
	uint64_t session_ms;   /* how long an idle session's outcomes are; 0: 1 h */
};

struct catalog *catalog_new(const struct catalog_options *o); /* NULL when out of memory
							       */
void catalog_free(struct catalog *c);

/* Stamp of a batch of commands, made by the leader. */
struct stamp {
	uint64_t time_ms; /* cluster time: monotonic over restarts and leaders */
	uint64_t wall_ms; /* display only */
};

/* Result of one command. */
struct outcome {
	int code;     /* 0 or SVCD_E… */
	uint64_t rev; /* revision at which it was applied (also of a repeated one); 0 when
			 rejected */
	uint64_t value;     /* register: incarnation of the first; lease_grant: lease;
			       deregister/revoke: removed */
	uint64_t ttl_ms;    /* lease_grant */
	bool drop_on_close; /* lease_grant */
	bool repeated;      /* answered from the session's memory */
	struct buf incarnations; /* register: be64 each, in the order asked; the caller
				    buf_fini's */
	char text[ERR_TEXT_MAX]; /* when code != 0 */
};

/*
 * What became visible, collected over a batch. Per service at most one entry, with all
 * its changed instances in it (each once, in its last form): one visible change is at
 * most one message.
 */
struct instance_change {
	struct bytes id;
	bool gone;
	bool checks; /* has or had health checks: for the health module */
	uint64_t incarnation;
	struct bytes map; /* the instance as clients see it (msgpack map); empty when gone
			   */
	enum cause_kind cause;
};

struct service_change {
	struct service_key key;
	uint64_t from; /* revision before; 0: new service */
	uint64_t rev;
	uint64_t digest;
	uint32_t count, usable; /* registered; up, warm and pending */
	bool deleted;
	size_t first, n; /* in changes->instances */
};

/* All views point into one block of memory that the struct owns. */
struct changes;
struct changes *changes_new(void);
void changes_free(struct changes *c);
void changes_clear(struct changes *c);
/* Ends collecting: groups by service. Call once per batch before reading. 0 or
 * SVCD_ENOMEM. */
int changes_finish(struct changes *c);
size_t changes_services(const struct changes *c);
const struct service_change *changes_service(const struct changes *c, size_t i);
const struct instance_change *changes_instance(const struct changes *c, size_t i);

/*
 * A batch: begin, any number of catalog_apply, end, all within one write transaction.
 * What many commands touch (revision, totals, service records, sessions) is kept in c
 * meanwhile and written once by end, so t must not be read by others in between. Where
 * batches begin and end leaves no trace in the tables. begin forgets whatever an
 * unfinished batch left behind. end returns 0, t's sticky error or SVCD_ENOMEM: then, and
 * when an apply failed, drop the transaction. stamp may be NULL (each apply brings one).
 * catalog_apply outside of a batch makes one of its own.
 */
int catalog_begin(struct catalog *c, struct tables *t, const struct stamp *stamp);
int catalog_end(struct catalog *c);

/* Applies one command within a write transaction. Returns 0 (out tells the command's own
 * fate), or the sticky error of t or SVCD_ENOMEM: the whole transaction must then be
 * dropped. out must be zero-initialised or from an earlier call. changes may be NULL
 * (replay). */
int catalog_apply(struct catalog *c, struct tables *t, const struct stamp *stamp,
	struct bytes command, struct outcome *out, struct changes *changes);

/* Readings of the state in t. */
uint64_t catalog_rev(struct tables *t);         /* global revision: commands applied */
uint64_t catalog_time_ms(struct tables *t);     /* time of the last stamp */
uint64_t catalog_next_due_ms(struct tables *t); /* earliest cluster time at which a tick
						   has work; UINT64_MAX: none */

bool catalog_get_instance(
	struct tables *t, const struct instance_key *key, struct instance *out);
bool catalog_get_service(
	struct tables *t, const struct service_key *key, struct service *out);
bool catalog_get_lease(struct tables *t, uint64_t lease, struct lease *out);
/* Walks all leases / all instances with checks in key order; stops when fn returns false.
 */
void catalog_each_lease(
	struct tables *t, bool (*fn)(void *arg, const struct lease *l), void *arg);
void catalog_each_checked(
	struct tables *t, bool (*fn)(void *arg, const struct instance *i), void *arg);

/* Recomputes every derived value (counts, digests, effective states, indexes) from the
 * records and compares: 0, or SVCD_ECORRUPT with e naming the first difference. For tests
 * and for doctor. */
int catalog_check(struct tables *t, struct err *e);

/* Totals kept up to date in TABLE_META. */
struct catalog_totals {
	uint64_t services, instances, leases, tombstones, events, event_bytes;
	uint64_t by_effective[EFFECTIVE_COUNT];
};
void catalog_totals(struct tables *t, struct catalog_totals *out);

#endif
