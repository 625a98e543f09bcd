/* What is said of checks: verdicts to the owner, evidence to whoever asks. */
#include <stdio.h>

#include "health/health_internal.h"

#define REASON_BYTES 256 /* with NUL */

static const struct check *target_culprit(
	const struct target *t, const struct check *first, enum check_state state)
{
	if (first->verdict.state == state)
		return first;
	for (uint8_t i = 0; i < t->n_checks; i++)
		if (t->checks[i].verdict.state == state)
			return &t->checks[i];
	return first;
}

/* " (3 of 3 failed)": of as many as a change of the verdict takes. */
static void put_evidence(const struct check *c, char *out, size_t cap)
{
	bool passing = c->verdict.state == CHECK_PASSING;
	uint32_t seen = results_seen(&c->results, passing ? c->rule.rise : c->rule.fall);
	uint32_t passes = results_passes(&c->results, seen);

	out[0] = '\0';
	if (seen > 0 && (passing || c->verdict.state == CHECK_FAILING))
		snprintf(out, cap, " (%u of %u %s)", passing ? passes : seen - passes,
			seen, passing ? "passed" : "failed");
}

/* "http: GET /health: status 503 (3 of 3 failed)" */
static void put_verdict_reason(const struct check *c, char *out, size_t cap)
{
	const struct probe_type *type = probe_type_at(c->type);
	const char *why = c->reason != NULL ? c->reason->text : "not checked yet";
	char what[64] = "";
	char evidence[40];
	struct probe_spec spec;

	check_spec(c, &spec);
	if (type->describe != NULL)
		type->describe(&spec, what, sizeof(what));
	put_evidence(c, evidence, sizeof(evidence));
	snprintf(out, cap, "%s: %s%s%s%s", check_text(c, c->name), what,
		what[0] != '\0' ? ": " : "", why, evidence);
}

static enum check_state target_state(const struct target *t)
{
	enum check_state states[TARGET_CHECKS_MAX];

	for (uint8_t i = 0; i < t->n_checks; i++)
		states[i] = t->checks[i].verdict.state;
	return check_combine(states, t->n_checks);
}

void health_report(struct health *h, const struct check *c)
{
	struct target *t = check_target(c);
	enum check_state state = target_state(t);
	enum check_state before = t->reported;
	char reason[REASON_BYTES];

	if (state == before)
		return;
	put_verdict_reason(target_culprit(t, c, state), reason, sizeof(reason));
	t->reported = (uint8_t)state;
	h->reporting = t;
	if (!h->ev.on_verdict(h->arg, target_key(t), t->incarnation, state, reason) &&
		h->reporting == t)
		t->reported = (uint8_t)before;
	h->reporting = NULL;
}

static void check_put_evidence(const struct check *c,
	void (*fn)(void *arg, const struct health_evidence *e), void *arg)
{
	uint32_t passes = results_passes(&c->results, RESULTS_MAX);
	const char *why = c->reason != NULL ? c->reason->text : "not checked yet";
	char reason[PROBE_REASON_MAX + 32];

	snprintf(reason, sizeof(reason), "%s%s", c->ok ? "ok: " : "", why);
	fn(arg,
		&(struct health_evidence){
			.check = bytes_str(check_text(c, c->name)),
			.state = c->verdict.state,
			.last_ms = c->verdict.last_ms,
			.took_us = c->took_us,
			.reason = reason,
			.passes = passes,
			.failures = results_seen(&c->results, RESULTS_MAX) - passes,
			.streak = c->verdict.streak,
		});
}

uint32_t health_evidence(const struct health *h, struct bytes key,
	void (*fn)(void *arg, const struct health_evidence *e), void *arg)
{
	const struct target *t = map_get(&h->targets, key);

	if (t == NULL)
		return 0;
	for (uint8_t i = 0; i < t->n_checks; i++)
		check_put_evidence(&t->checks[i], fn, arg);
	return t->n_checks;
}
