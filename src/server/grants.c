#include "server/grants.h"

#include "wire/pack.h"

/* The catalog is the truth: a lease that the table does not know may still be there,
 * after an election or a repeated grant. Takes it into the table. */
static bool lease_recall(
	struct worker *w, uint64_t id, struct lease_holder *holder, uint64_t *ttl_ms)
{
	struct tables *t = store_read_begin(w->reader);
	struct lease lease;
	bool there;

	if (t == NULL)
		return false;
	there = catalog_get_lease(t, id, &lease) &&
		leases_add(w->server->leases, &lease, holder) == 0;
	if (there && *ttl_ms == 0)
		*ttl_ms = lease.ttl_ms;
	store_read_end(w->reader);
	return there;
}

/* Held by nobody who lives: ends at once, or at its deadline. */
static void lease_orphaned(struct worker *w, const struct lease *lease)
{
	struct lease_holder nobody;

	lease_holder_init(&nobody);
	if (leases_add(w->server->leases, lease, &nobody) == 0)
		worker_leases_released(w,
			leases_release(w->server->leases, &nobody,
				!atomic_load(&w->server->stopping)));
}

void lease_granted(
	struct worker *w, struct session *s, const struct lease *lease, bool repeated)
{
	uint64_t ttl_ms = 0;

	if (repeated) {
		if (s != NULL)
			lease_recall(w, lease->id, &s->leases, &ttl_ms);
	} else if (s == NULL) {
		lease_orphaned(w, lease);
	} else {
		leases_add(w->server->leases, lease, &s->leases);
	}
}

uint32_t lease_entries(struct worker *w, const struct lease *lease, struct buf *entries)
{
	uint64_t interval_ms = lease_interval_ms(
		lease->ttl_ms, leases_count(w->server->leases));

	pack_kv_u64(entries, "lease", lease->id);
	pack_kv_u64(entries, "ttl_ms", lease->ttl_ms);
	pack_kv_u64(entries, "interval_ms", interval_ms);
	pack_kv_u64(entries, "phase_ms", lease_phase_ms(lease->id, interval_ms));
	return 4;
}

/* ---- renew ------------------------------------------------------------- */

struct renewal {
	uint64_t lease;
	struct value leases;
	uint64_t ids[RENEW_MAX];
	uint32_t n;
	uint32_t lost;
	uint64_t ttl_ms;
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

/* The lost ones are left at the front of ids. */
static int renewal_do(struct worker *w, struct session *s, struct renewal *x)
{
	int unknown = leases_renew(
		w->server->leases, x->ids, x->n, &s->leases, x->ids, &x->ttl_ms);

	if (unknown < 0)
		return unknown;
	for (int i = 0; i < unknown; i++)
		if (!lease_recall(w, x->ids[i], &s->leases, &x->ttl_ms))
			x->ids[x->lost++] = x->ids[i];
	count(&w->stat.renewals, x->n - x->lost);
	return 0;
}

static void renewal_answer(struct request *r, const struct renewal *x)
{
	struct worker *w = r->session->worker;
	uint64_t ttl_ms = x->ttl_ms != 0 ? x->ttl_ms : LEASE_TTL_DEFAULT_MS;

	buf_clear(&w->entries);
	pack_kv_u64(&w->entries, "renewed", x->n - x->lost);
	pack_kv_u64(&w->entries, "interval_ms",
		lease_interval_ms(ttl_ms, leases_count(w->server->leases)));
	pack_cstr(&w->entries, "lost");
	pack_array(&w->entries, x->lost);
	for (uint32_t i = 0; i < x->lost; i++)
		pack_u64(&w->entries, x->ids[i]);
	request_result(r, 3, buf_bytes(&w->entries));
}

void method_renew(struct request *r)
{
	struct worker *w = r->session->worker;
	struct renewal x;
	struct err e;

	x.lost = x.n = 0;
	x.lease = x.ttl_ms = 0;
	if (renewal_read(r->params, &x, &e) != 0)
		request_error(r, &e);
	else if (renewal_do(w, r->session, &x) != 0)
		request_fail(r, SVCD_ENOLEADER,
			"this member does not lead: leases are renewed at the leader");
	else if (x.lease != 0 && x.lost != 0)
		request_fail(r, SVCD_ENOLEASE,
			"no lease %llu: it ended or was never granted",
			(unsigned long long)x.lease);
	else
		renewal_answer(r, &x);
}
