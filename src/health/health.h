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
	uint32_t in_flight_max;         /* 0: 1000; each takes a descriptor */
	uint64_t seed; /* of places and jitter; another one for each member, the same
			  after a restart */
};

/* Copied. Zero is a default only where it says so. */
struct health_check {
	struct bytes name;    /* unique within the target; text of at most 63 bytes */
	struct bytes type;    /* "tcp", "http" */
	struct bytes address; /* numeric host, host name (resolved for each probe), or
				 "unix:/path" */
	uint16_t port;        /* none for unix: */
	struct bytes path;    /* http; empty: "/". Visible ASCII, as is host */
	struct bytes host;    /* http Host header; empty: address:port */
	uint16_t status_min;  /* http; 0: 200 */
	uint16_t status_max;  /* http; 0: 399 */
	uint32_t timeout_ms;  /* 1 .. 10 minutes */
	/* Intervals 1 ms .. a day; fast and slow 0: as interval_ms. stale_after_ms is
	 * raised to what a check that runs on time needs (verdict_stale_min_ms). */
	struct verdict_rule rule;
};

struct health_target {
	struct bytes key;         /* opaque, unique */
	uint64_t incarnation;     /* opaque; given back with verdicts */
	enum check_state initial; /* what the owner knows: state of checks that are new to
				     us, and what need not be told */
	const struct health_check *checks;
	uint32_t n_checks; /* 1..8 */
};

struct health_events {
	/* The combined state is not what the owner knows (what it accepted last, or the
	 * initial one). reason: one line of text, <= 255 bytes, names the check: "http:
	 * GET /health: status 503 (3 of 3 failed)". Return false when the owner could not
	 * take it now (busy): it is reported again with the next result. May call
	 * health_set and health_remove, not health_free. */
	bool (*on_verdict)(void *arg, struct bytes key, uint64_t incarnation,
		enum check_state state, const char *reason);
};

struct health *health_new(struct loop *l, const struct health_options *o,
	const struct health_events *ev, void *arg);
void health_free(struct health *h); /* cancels all probes */

/* Adds or replaces a target. Checks that are the same as before keep their state, phase
 * and running probe, unless the incarnation changed; others begin with t->initial. What
 * differs from t->initial is reported with the next result. Never calls on_verdict.
 * 0, SVCD_ENOMEM, SVCD_EINVAL, SVCD_ERANGE, SVCD_ETOOBIG (e names the check and why);
 * on failure everything stays as it was. */
int health_set(struct health *h, const struct health_target *t, struct err *e);
void health_remove(struct health *h, struct bytes key); /* unknown is fine */

/* What is known of a target's checks; views are valid for the call. */
struct health_evidence {
	struct bytes check;
	enum check_state state;
	uint64_t last_ms;   /* loop time of the last result that counted; 0: none yet */
	uint32_t took_us;   /* of the last probe */
	const char *reason; /* of the last probe: "ok: status 200", "status 503",
			       "ignored: this member was late by 700 ms" */
	uint32_t passes, failures; /* in the ring of the last results */
	uint32_t streak;
};
/* Calls fn per check; returns the number of checks, 0 when the target is unknown. */
uint32_t health_evidence(const struct health *h, struct bytes key,
	void (*fn)(void *arg, const struct health_evidence *e), void *arg);

struct health_stat {
	uint64_t targets, checks, in_flight, probes_total;
	uint64_t late_total; /* probes that started more than 100 ms after they were due
			      */
};
void health_stat(const struct health *h, struct health_stat *out);

/* Asserts the invariants; O(n), for tests. */
void health_check_invariants(const struct health *h);

#endif
