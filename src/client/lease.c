#include "client/lease.h"

#include <assert.h>
#include <stdlib.h>

#include "wire/pack.h"

#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000
#define INTERVAL_MIN_MS 10
#define INTERVAL_DEFAULT_MS 3000
#define RENEW_TIMEOUT_MIN_MS 1000

/* May state a be followed by state b? */
static const bool legal[LEASE_STATES][LEASE_STATES] = {
	[LEASE_NONE] = {[LEASE_GRANTING] = true},
	[LEASE_GRANTING] = {[LEASE_NONE] = true, [LEASE_HELD] = true},
	[LEASE_HELD] = {[LEASE_NONE] = true, [LEASE_UNSURE] = true},
	[LEASE_UNSURE] = {[LEASE_NONE] = true, [LEASE_HELD] = true},
};

static void lease_move(struct lease *l, enum lease_state to)
{
	assert(legal[l->state][to]);
	l->state = to;
	if (to == LEASE_NONE)
		l->id = 0;
}

static void lease_retry_later(struct lease *l)
{
	timer_set(&l->timer, backoff_next_ms(&l->backoff, l->calls->rng));
}

/* ---- grant ------------------------------------------------------------- */

struct wire_lease {
	uint64_t lease;
	uint32_t interval_ms, phase_ms;
};

#define ROW(field, kind) \
	{ \
#field, kind, offsetof(struct wire_lease, field), false, 0, 0 \
	}
static const struct field rows[] = {
	ROW(lease, FIELD_U64),
	ROW(interval_ms, FIELD_U32),
	ROW(phase_ms, FIELD_U32),
};
#undef ROW

static bool take_lease(const struct value *result, struct wire_lease *out)
{
	*out = (struct wire_lease){0};
	return fields_decode(*result, rows, sizeof(rows) / sizeof(rows[0]), out, NULL, "",
		       NULL) == 0;
}

static void lease_take_interval(struct lease *l, uint32_t interval_ms)
{
	if (interval_ms != 0)
		l->interval_ms = interval_ms > INTERVAL_MIN_MS ? interval_ms
							       : INTERVAL_MIN_MS;
}

static bool is_refusal(int code)
{
	return code == SVCD_EINVAL || code == SVCD_ERANGE || code == SVCD_EDENIED ||
		code == SVCD_ENOMETHOD;
}

static void lease_granted(struct lease *l, const struct wire_lease *w)
{
	l->id = w->lease;
	l->interval_ms = l->ttl_ms != 0 ? l->ttl_ms / 3 : INTERVAL_DEFAULT_MS;
	lease_take_interval(l, w->interval_ms);
	lease_move(l, LEASE_HELD);
	timer_set(&l->timer, w->phase_ms != 0 ? w->phase_ms : l->interval_ms);
	l->news(l, LEASE_IS_HELD, NULL);
}

static void lease_on_granted(
	void *arg, const struct svcd_fault *fault, const struct value *result)
{
	struct lease *l = arg;
	struct wire_lease w;

	l->call = NULL;
	if (fault == NULL && take_lease(result, &w) && w.lease != 0) {
		lease_granted(l, &w);
		return;
	}
	lease_move(l, LEASE_NONE);
	if (fault != NULL && is_refusal(fault->code))
		l->news(l, LEASE_IS_REFUSED, fault);
	else if (fault == NULL || fault->code != SVCD_ECLOSED)
		lease_retry_later(l);
}

static void lease_submit(struct lease *l, struct call *c)
{
	l->call = c;
	if (calls_submit(l->calls, c) != 0)
		l->call = NULL;
}

static void lease_grant(struct lease *l)
{
	struct call *c = call_new("lease_grant", 0);

	if (c != NULL) {
		c->flags = CALL_ON_LINK | CALL_PATIENT;
		c->done = lease_on_granted;
		c->arg = l;
		c->n_params = 1u + (l->ttl_ms != 0);
		pack_kv_cstr(&c->params, "on_close", l->keep ? "keep" : "drop");
		if (l->ttl_ms != 0)
			pack_kv_u64(&c->params, "ttl_ms", l->ttl_ms);
		lease_submit(l, c);
	}
	if (l->call != NULL)
		lease_move(l, LEASE_GRANTING);
	else
		lease_retry_later(l);
}

void lease_want(struct lease *l)
{
	if (l->state == LEASE_NONE && !list_empty(&l->users) &&
		link_is_ready(l->calls->link) && !timer_pending(&l->timer))
		lease_grant(l);
}

/* ---- renewal ----------------------------------------------------------- */

static void lease_lose(struct lease *l)
{
	timer_cancel(&l->timer);
	lease_move(l, LEASE_NONE);
	l->news(l, LEASE_IS_LOST, NULL);
	if (l->backoff.tries++ == 0)
		lease_want(l);
	else
		lease_retry_later(l); /* it is lost as soon as it is granted */
}

static bool is_lost(const struct lease *l, const struct value *result)
{
	struct value lost;

	if (!value_find(*result, "lost", &lost) || lost.type != VALUE_ARRAY)
		return false;
	for (uint32_t i = 0; i < lost.n; i++) {
		struct value id = value_at(lost, i);

		if (id.type == VALUE_UINT && id.u == l->id)
			return true;
	}
	return false;
}

static void lease_renewed(struct lease *l, const struct value *result)
{
	bool was_unsure = l->state == LEASE_UNSURE;
	struct wire_lease w;

	if (take_lease(result, &w))
		lease_take_interval(l, w.interval_ms);
	timer_set(&l->timer, l->interval_ms);
	if (was_unsure)
		lease_move(l, LEASE_HELD);
	else
		backoff_reset(&l->backoff);
	l->news(l, was_unsure ? LEASE_IS_HELD : LEASE_IS_RENEWED, NULL);
}

static void lease_on_renewed(
	void *arg, const struct svcd_fault *fault, const struct value *result)
{
	struct lease *l = arg;

	l->call = NULL;
	if (fault == NULL && !is_lost(l, result))
		lease_renewed(l, result);
	else if (fault == NULL || fault->code == SVCD_ENOLEASE)
		lease_lose(l);
	else if (fault->code != SVCD_ECLOSED)
		timer_set(&l->timer, l->interval_ms / 4);
}

static void lease_renew(struct lease *l)
{
	uint32_t timeout = l->interval_ms > RENEW_TIMEOUT_MIN_MS ? l->interval_ms
								 : RENEW_TIMEOUT_MIN_MS;
	struct call *c = call_new("renew", timeout);

	if (c != NULL) {
		c->flags = CALL_ON_LINK | CALL_PATIENT | CALL_URGENT;
		c->done = lease_on_renewed;
		c->arg = l;
		c->n_params = 1;
		pack_cstr(&c->params, "leases");
		pack_array(&c->params, 1);
		pack_u64(&c->params, l->id);
		lease_submit(l, c);
	}
	if (l->call == NULL)
		timer_set(&l->timer, l->interval_ms / 4);
}

static void lease_on_timer(void *arg)
{
	struct lease *l = arg;

	if (!link_is_ready(l->calls->link))
		return; /* lease_link_up goes on */
	if (l->state == LEASE_NONE)
		lease_want(l);
	else if (l->call != NULL)
		return;
	else if (list_empty(&l->users))
		lease_move(l, LEASE_NONE); /* it runs out by itself */
	else
		lease_renew(l);
}

/* ---- what happens around ----------------------------------------------- */

void lease_link_up(struct lease *l)
{
	timer_cancel(&l->timer);
	if (l->state == LEASE_UNSURE && list_empty(&l->users))
		lease_move(l, LEASE_NONE);
	else if (l->state == LEASE_UNSURE)
		lease_renew(l);
	else
		lease_want(l);
}

void lease_link_down(struct lease *l)
{
	assert(l->call == NULL);
	timer_cancel(&l->timer);
	if (l->state == LEASE_HELD)
		lease_move(l, LEASE_UNSURE);
	l->news(l, LEASE_IS_UNSURE, NULL);
}

void lease_is_unknown(struct lease *l, uint64_t id)
{
	if (l->id != id || id == 0)
		return;
	if (l->call != NULL)
		calls_cancel(l->calls, l->call);
	l->call = NULL;
	lease_lose(l);
}

struct lease *lease_new(
	struct calls *calls, uint32_t ttl_ms, bool keep, lease_news_fn *news, void *owner)
{
	struct lease *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	list_init(&l->node);
	list_init(&l->users);
	l->calls = calls;
	l->ttl_ms = ttl_ms;
	l->keep = keep;
	l->news = news;
	l->owner = owner;
	l->backoff = (struct backoff){.min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS};
	if (timer_init(&l->timer, calls->link->loop, lease_on_timer, l) == 0)
		return l;
	free(l);
	return NULL;
}

void lease_free(struct lease *l)
{
	if (l == NULL)
		return;
	assert(list_empty(&l->users));
	if (l->call != NULL)
		calls_cancel(l->calls, l->call);
	list_remove(&l->node);
	timer_fini(&l->timer);
	free(l);
}
