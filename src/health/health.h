/*
 * Health checks: probes on a schedule, judged, reported as changes only.
 *
 * Knows targets and their checks, nothing of the catalog. One struct health belongs to
 * one loop. The owner feeds it targets (server/checks.c does, from the catalog) and gets
 * a call when an instance's verdict changes; it decides what to do with it.
 *
 * Probe types are a table (probe.h): tcp and http now. Starts are spread over the
 * interval by a hash of the target and the check; intervals adapt (fast while changing,
 * slow while down); probes in flight and probes per second are bounded. Reasons, not
 * booleans: "connect refused", "timed out after 1000 ms", "status 503".
 */
#ifndef SVCD_HEALTH_HEALTH_H
#define SVCD_HEALTH_HEALTH_H

#include "health/verdict.h"
#include "net/conn.h"

struct health;

struct health_options {
	uint32_t probes_per_second_max; /* 0: 10000 */
	uint32_t in_flight_max;         /* 0: 1000 */
	uint64_t seed;                  /* of the spreading jitter */
};

struct health_check {
	struct bytes name;    /* unique within the target */
	struct bytes type;    /* "tcp", "http" */
	struct bytes address; /* numeric host, or host name (resolved at each probe), or
				 "unix:/path" */
	uint16_t port;
	struct bytes path; /* http */
	struct bytes host; /* http Host header; empty: address:port */
	uint16_t status_min, status_max;
	uint32_t timeout_ms;
	struct verdict_rule rule;
};

struct health_target {
	struct bytes key;         /* opaque, unique */
	uint64_t incarnation;     /* opaque; given back with verdicts */
	enum check_state initial; /* what is known of it from before (restart of the
				     daemon) */
	const struct health_check *checks;
	uint32_t n_checks; /* 1..8 */
};

struct health_events {
	/* The combined state changed (never called for the initial one). reason: one line
	 * of text, <= 255 bytes, names the check: "http: GET /health: status 503 (3 of 3
	 * failed)". Return false when the owner could not take it now (busy): it is
	 * reported again with the next result. */
	bool (*on_verdict)(void *arg, struct bytes key, uint64_t incarnation,
		enum check_state state, const char *reason);
};

struct health *health_new(struct loop *l, const struct health_options *o,
	const struct health_events *ev, void *arg);
void health_free(struct health *h); /* cancels all probes */

/* Adds or replaces a target (all of it is copied). Checks that are the same as before
 * keep their state and phase, unless the incarnation changed. 0, SVCD_ENOMEM, SVCD_EINVAL
 * (unknown type: e names it). */
int health_set(struct health *h, const struct health_target *t, struct err *e);
void health_remove(struct health *h, struct bytes key); /* unknown is fine */

/* What is known of a target's checks; views are valid for the call. */
struct health_evidence {
	struct bytes check;
	enum check_state state;
	uint64_t last_ms;          /* age of the last result: now - last_ms */
	uint32_t took_us;          /* of the last probe */
	const char *reason;        /* of the last result, "ok: status 200" included */
	uint32_t passes, failures; /* in the ring of the last results */
	uint32_t streak;
};
/* Calls fn per check; returns the number of checks, 0 when the target is unknown. */
uint32_t health_evidence(const struct health *h, struct bytes key,
	void (*fn)(void *arg, const struct health_evidence *e), void *arg);

struct health_stat {
	uint64_t targets, checks, in_flight, probes_total, late_total;
};
void health_stat(const struct health *h, struct health_stat *out);

void health_check(const struct health *h); /* asserts the invariants; O(n), for tests */

#endif
