/*
 * A target and its checks in memory: one block, with their texts behind them. Made from
 * what the owner gave, after everything in it was judged; knows nothing of time, probes
 * or the loop.
 */
#ifndef SVCD_HEALTH_TARGET_H
#define SVCD_HEALTH_TARGET_H

#include "base/heap.h"
#include "base/list.h"
#include "health/health.h"
#include "health/probe.h"
#include "health/reasons.h"
#include "health/results.h"

#define TARGET_CHECKS_MAX 8
#define TARGET_TEXT_MAX UINT16_MAX /* bytes of all texts of a target */
#define CHECK_NAME_MAX 63
#define CHECK_ADDRESS_MAX 255
#define CHECK_INTERVAL_MAX_MS 86400000
#define CHECK_TIMEOUT_MAX_MS 600000

enum check_phase {
	PHASE_IDLE,    /* its probe is due at start_ms */
	PHASE_READY,   /* due, waits for its turn; in health's list `ready` */
	PHASE_RUNNING, /* has a probe, since start_ms */
	PHASES
};

struct check {
	struct heap_node wake; /* in health's heap, always */
	struct list queue;     /* PHASE_READY only */
	struct check_verdict verdict;
	uint64_t start_ms;
	struct probe *probe;   /* PHASE_RUNNING: not NULL, but while it is started or has
				  ended */
	struct reason *reason; /* what happened last; NULL: nothing yet, or out of memory
				*/
	struct results results;
	struct verdict_rule rule;
	uint32_t place;   /* on the schedule */
	uint32_t took_us; /* of the last probe */
	uint32_t timeout_ms;
	uint16_t port;
	uint16_t status_min, status_max;
	uint16_t name, address, path, host; /* offsets of texts */
	uint8_t type;                       /* row of the table of probe types */
	uint8_t phase;                      /* enum check_phase */
	uint8_t index;                      /* in the target's checks */
	bool ok;                            /* the reason is that of a pass */
};

struct target {
	uint64_t incarnation;
	uint32_t key_len;
	uint8_t n_checks;
	uint8_t reported;      /* enum check_state: what the owner knows */
	struct check checks[]; /* n_checks, then the key, then the texts, each with NUL */
};

/* 0 with *out (plain memory: free() it), SVCD_ENOMEM, SVCD_EINVAL, SVCD_ERANGE,
 * SVCD_ETOOBIG; e says which check and why. The checks are idle and in no list and no
 * heap; place, verdict and start are not set. */
int target_new(const struct health_target *t, struct target **out, struct err *e);

struct bytes target_key(const struct target *t);
struct target *check_target(const struct check *c);
const char *check_text(const struct check *c, uint16_t offset); /* check_text(c, c->name)
								 */
void check_spec(const struct check *c, struct probe_spec *out); /* borrows the check's
								   texts */

/* Whether they would send the same probes at the same intervals and judge alike. */
bool check_same(const struct check *a, const struct check *b);
struct check *target_find(struct target *t, const char *name); /* or NULL */

#endif
