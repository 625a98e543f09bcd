#include "server/grants.h"

#include "server/lease_ask.h"
#include "server/renewals.h"
#include "wire/pack.h"

/* ---- in the tables ----------------------------------------------------- */

/* The catalog is the truth: a lease that the leader's table does not know may still be
 * there, after an election or a repeated grant. Takes it into the table; its TTL, 0: it
 * is not there. */
static uint64_t lease_recall(struct worker *w, uint64_t id)
{
	struct tables *t = store_read_begin(w->reader);
	struct lease lease;
	bool there;

	if (t == NULL)
		return 0;
	there = catalog_get_lease(t, id, &lease) &&
		leases_add(w->server->leases, &lease, &w->server->self) == 0;
	store_read_end(w->reader);
	return there ? lease.ttl_ms : 0;
}

/* Held by a connection that is over: its end is asked for, or it is left alone. */
static void lease_orphaned(struct worker *w, const struct lease *lease)
{
	struct lease_holder nobody;

	lease_holder_init(&nobody);
	if (leases_add(w->server->held, lease, &nobody) == 0)
		worker_leases_released(w,
			leases_release(w->server->held, &nobody,
				!atomic_load(&w->server->stopping)));
}

/* What the leader's table does not learn by this it learns from the first renewal. */
void lease_granted(
	struct worker *w, struct session *s, const struct lease *lease, bool repeated)
{
	if (repeated && s == NULL)
		return;
	if (!repeated &&
		leases_add(w->server->leases, lease, &w->server->self) == SVCD_ENOLEADER)
		renewals_tell(w->renewals, LEASE_RENEW, lease->id);
	if (s == NULL)
		lease_orphaned(w, lease);
	else
		leases_add(w->server->held, lease, &s->leases);
}

void lease_revoked(struct worker *w, uint64_t id)
{
	leases_remove(w->server->held, id);
	if (leases_leading(w->server->leases))
		leases_remove(w->server->leases, id);
	else
		renewals_tell(w->renewals, LEASE_FORGET, id);
}

/* Many leases are renewed less often: of the leader's count. */
static uint64_t interval_ms(const struct server *s, uint64_t ttl_ms)
{
	uint64_t n = leases_leading(s->leases) ? leases_count(s->leases)
					       : atomic_load(&s->lease_total);

	return lease_interval_ms(ttl_ms, n);
}

uint32_t lease_entries(struct worker *w, const struct lease *lease, struct buf *entries)
{
	uint64_t interval = interval_ms(w->server, lease->ttl_ms);

	pack_kv_u64(entries, "lease", lease->id);
	pack_kv_u64(entries, "ttl_ms", lease->ttl_ms);
	pack_kv_u64(entries, "interval_ms", interval);
	pack_kv_u64(entries, "phase_ms", lease_phase_ms(lease->id, interval));
	return 4;
}

/* ---- what the connection holds ----------------------------------------- */

/* At once, before anybody is asked: a lease whose other connection ends now is saved, or
 * its end has been asked for already and the renewal comes behind that. */
static void hold_known(
	struct worker *w, struct session *s, const uint64_t *ids, uint32_t n)
{
	uint64_t unknown[RENEW_MAX];
	uint64_t ttl_ms;

	if (leases_renew(w->server->held, ids, n, &s->leases, unknown, &ttl_ms) == 0)
		return;
	pthread_mutex_lock(&w->server->closing);
	pthread_mutex_unlock(&w->server->closing);
}

static void hold_new(struct session *s, const struct renewed *x)
{
	struct leases *held = s->worker->server->held;
	uint32_t k = 0;

	for (uint32_t i = 0; i < x->n; i++) {
		/* whether it is to be dropped, the leader knows */
		struct lease lease = {.id = x->ids[i], .drop_on_close = true};

		if (k < x->n_lost && x->lost[k] == x->ids[i])
			k++;
		else if (!leases_has(held, x->ids[i]))
			leases_add(held, &lease, &s->leases);
	}
}

/* ---- renew ------------------------------------------------------------- */

struct renewal {
	uint64_t lease;
	struct value leases;
	uint64_t ids[RENEW_MAX], lost[RENEW_MAX];
	uint32_t n;
};

static const struct field renewal_fields[] = {
	{"lease", FIELD_U64, offsetof(struct renewal, lease), false, 1, UINT64_MAX},
	{"leases", FIELD_ARRAY, offsetof(struct renewal, leases), false, 0, RENEW_MAX},
};

static int renewal_read(struct value params, struct renewal *x, struct err *e)
{
	uint64_t present;
	int rc = fields_decode(params, renewal_fields, 2, x, &present, "renew", e);

	if (rc != 0)
		return rc;
	if (present != 1 && present != 2)
		return err_set(e, SVCD_EINVAL, "renew: either lease or leases is needed");
	if (present == 1) {
		x->ids[0] = x->lease;
		x->n = 1;
		return 0;
	}
	for (x->n = 0; x->n < x->leases.n; x->n++) {
		struct value id = value_at(x->leases, x->n);

		if (id.type != VALUE_UINT)
			return err_set(e, SVCD_EINVAL,
				"renew.leases[%u]: expected integer, got %s", x->n,
				value_type_name(id.type));
		x->ids[x->n] = id.u;
	}
	return 0;
}

static void renewed_put(struct worker *w, const struct renewed *x)
{
	uint64_t ttl_ms = x->ttl_ms != 0 ? x->ttl_ms : LEASE_TTL_DEFAULT_MS;

	buf_clear(&w->entries);
	pack_kv_u64(&w->entries, "renewed", x->n - x->n_lost);
	pack_kv_u64(&w->entries, "interval_ms", interval_ms(w->server, ttl_ms));
	pack_cstr(&w->entries, "lost");
	pack_array(&w->entries, x->n_lost);
	for (uint32_t i = 0; i < x->n_lost; i++)
		pack_u64(&w->entries, x->lost[i]);
}

void renewed_answer(struct session *s, uint32_t id, const struct renewed *x)
{
	struct worker *w = s->worker;
	struct err e;

	hold_new(s, x);
	count(&w->stat.renewals, x->n - x->n_lost);
	if (x->one && x->n_lost != 0) {
		err_set(&e, SVCD_ENOLEASE, "no lease %llu: it ended or was never granted",
			(unsigned long long)x->ids[0]);
		session_error(s, id, &e);
		return;
	}
	renewed_put(w, x);
	session_result(s, id, &w->head, 3, buf_bytes(&w->entries));
}

/* As the leader. False: this member is none. */
static bool renew_here(struct request *r, struct renewal *x)
{
	struct worker *w = r->session->worker;
	struct renewed out = {
		.ids = x->ids, .lost = x->lost, .n = x->n, .one = x->lease != 0};
	int unknown;

	if (leases_doubted(w->server->leases, w->now_ms))
		return false;
	unknown = leases_renew(
		w->server->leases, x->ids, x->n, &w->server->self, x->lost, &out.ttl_ms);
	if (unknown < 0)
		return false;
	for (int i = 0; i < unknown; i++) {
		uint64_t ttl_ms = lease_recall(w, x->lost[i]);

		if (ttl_ms == 0)
			x->lost[out.n_lost++] = x->lost[i];
		else if (out.ttl_ms == 0)
			out.ttl_ms = ttl_ms;
	}
	renewed_answer(r->session, r->id, &out);
	return true;
}

void method_renew(struct request *r)
{
	struct worker *w = r->session->worker;
	struct renewal x;
	struct err e;

	x.n = 0;
	x.lease = 0;
	if (renewal_read(r->params, &x, &e) != 0) {
		request_error(r, &e);
		return;
	}
	hold_known(w, r->session, x.ids, x.n);
	if (!renew_here(r, &x))
		renewals_ask(w->renewals, r, x.ids, x.n, x.lease != 0);
}
