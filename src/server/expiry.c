#include "server/expiry.h"

void expiry_init(struct expiry *x, struct leases *leases)
{
	*x = (struct expiry){.leases = leases};
}

void expiry_lead(struct expiry *x, uint64_t term, uint64_t now_ms)
{
	x->leading = true;
	x->term = term;
	x->refused_until_ms = 0;
	x->asking = false;
	leases_lead(x->leases);
	leases_advance(x->leases, now_ms, false);
}

void expiry_follow(struct expiry *x)
{
	x->leading = false;
	leases_follow(x->leases);
}

static bool clock_runs(
	const struct expiry *x, uint64_t now_ms, const struct expiry_sight *seen)
{
	return seen->leads && seen->term == x->term && seen->has_space &&
		seen->takes_renewals && now_ms >= x->refused_until_ms &&
		!leases_doubted(x->leases, now_ms);
}

void expiry_tick(struct expiry *x, uint64_t now_ms, const struct expiry_sight *seen)
{
	leases_advance(x->leases, now_ms, clock_runs(x, now_ms, seen));
}

bool expiry_ask(struct expiry *x, uint64_t now_ms)
{
	if (!x->leading || x->asking)
		return false;
	x->asking = true;
	x->asked_ms = now_ms;
	return true;
}

void expiry_asked(struct expiry *x, uint64_t term, int code)
{
	if (!x->leading || term != x->term)
		return;
	x->asking = false;
	if (code == 0)
		leases_confirm(x->leases, x->asked_ms);
}

size_t expiry_take(struct expiry *x, uint64_t now_ms, uint64_t *ids, size_t max,
	enum cause_kind *cause)
{
	size_t n = 0;

	if (x->leading && now_ms >= x->refused_until_ms &&
		x->in_flight < EXPIRY_IN_FLIGHT_MAX)
		n = leases_take(x->leases, ids, max, cause);
	x->in_flight += n > 0;
	return n;
}

/* What was refused in an earlier term may be on its way out in this one. */
void expiry_over(struct expiry *x, uint64_t now_ms, uint64_t term, const uint64_t *ids,
	size_t n, int code)
{
	x->in_flight--;
	if (code == 0) {
		leases_ended(x->leases, ids, n);
	} else if (term == x->term) {
		leases_refused(x->leases, ids, n);
		x->refused_until_ms = now_ms + EXPIRY_RETRY_MS;
	}
}
