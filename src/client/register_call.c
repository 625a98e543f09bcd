/* What a registration asks the registry, and what the answers mean to it. */
#include <stdlib.h>

#include "client/register.h"
#include "wire/pack.h"

#define GET_TIMEOUT_MS 5000

/* What an error says to a registration; what is not in the table may pass. */
static const struct {
	int code;
	enum happening happening;
} meanings[] = {
	{SVCD_ESTALE, H_REMOVED},
	{SVCD_EGONE, H_REMOVED},
	{SVCD_ENOINSTANCE, H_DIFFERS},
	{SVCD_ENOSERVICE, H_DIFFERS},
	{SVCD_EINVAL, H_REFUSED},
	{SVCD_ERANGE, H_REFUSED},
	{SVCD_ETOOBIG, H_REFUSED},
	{SVCD_EEXISTS, H_REFUSED},
	{SVCD_ECONFLICT, H_REFUSED},
	{SVCD_EDENIED, H_REFUSED},
	{SVCD_ENOMETHOD, H_REFUSED},
	{SVCD_EVERSION, H_REFUSED},
	{SVCD_EFLOOR, H_REFUSED},
};

static enum happening meaning_of(int code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].code == code)
			return meanings[i].happening;
	return H_AGAIN;
}

static bool submit(
	struct svcd_registration *r, struct call *c, unsigned flags, call_done_fn *done)
{
	c->flags = flags | CALL_PATIENT;
	c->done = done;
	c->arg = r;
	r->call = c;
	if (calls_submit(r->owner->calls, c) == 0)
		return true;
	r->call = NULL;
	return false;
}

/* ns, service, id: three entries */
static void pack_key(struct buf *b, const struct spec *s)
{
	pack_kv_cstr(b, "ns", s->ns);
	pack_kv_cstr(b, "service", s->service);
	pack_kv_cstr(b, "id", s->id);
}

/* ---- register ---------------------------------------------------------- */

/* The first number of the array under key, or 0. */
static uint64_t first_number(const struct value *result, const char *key)
{
	struct value list, v;

	if (!value_find(*result, key, &list) || list.type != VALUE_ARRAY || list.n == 0)
		return 0;
	v = value_at(list, 0);
	return v.type == VALUE_UINT ? v.u : 0;
}

static void take_incarnation(struct svcd_registration *r, uint64_t incarnation)
{
	if (r->incarnation != incarnation)
		r->drain_good = false; /* it is new; we tell it again, with the reason */
	r->incarnation = incarnation;
	r->may_be_there = false;
	spec_unref(r->good);
	r->good = spec_ref(r->asked);
}

static void lease_was_unknown(struct svcd_registration *r, const struct svcd_fault *fault)
{
	if (r->lease->id == r->under_lease)
		/* This tells all its users, r too. */
		lease_is_unknown(r->lease, r->under_lease);
	else
		registration_happen(r, H_AGAIN, fault); /* there is a new one already */
}

static void on_registered(
	void *arg, const struct svcd_fault *fault, const struct value *result)
{
	struct svcd_registration *r = arg;
	uint64_t incarnation = fault == NULL ? first_number(result, "incarnations") : 0;

	r->call = NULL;
	if (incarnation != 0) {
		take_incarnation(r, incarnation);
		registration_happen(r, H_OK, NULL);
	} else if (fault == NULL) {
		registration_happen(r, H_AGAIN, NULL);
	} else if (fault->code == SVCD_ENOLEASE) {
		lease_was_unknown(r, fault);
	} else {
		enum happening h = meaning_of(fault->code);

		registration_happen(r, h == H_DIFFERS ? H_AGAIN : h, fault);
	}
}

static void pack_register(struct buf *b, const struct svcd_registration *r)
{
	const struct spec *s = r->wanted;

	pack_cstr(b, "instances");
	pack_array(b, 1);
	pack_map(b, s->n + r->drain_wanted + (r->incarnation != 0));
	pack_raw(b, buf_bytes(&s->pairs));
	if (r->drain_wanted)
		pack_kv_cstr(b, "admin", "draining");
	if (r->incarnation != 0)
		pack_kv_u64(b, "incarnation", r->incarnation);
	pack_kv_u64(b, "lease", r->lease->id);
}

bool registration_call_register(struct svcd_registration *r)
{
	struct call *c = call_new("register", 0);

	if (c == NULL)
		return false;
	pack_register(&c->params, r);
	c->n_params = 2;
	spec_unref(r->asked);
	r->asked = spec_ref(r->wanted);
	r->under_lease = r->lease->id;
	if (!submit(r, c, CALL_ON_LINK, on_registered))
		return false;
	r->may_be_there = true;
	return true;
}

/* ---- get --------------------------------------------------------------- */

static uint64_t found_incarnation(const struct value *result)
{
	struct value list, v;

	if (!value_find(*result, "instances", &list) || list.type != VALUE_ARRAY ||
		list.n == 0)
		return 0;
	return value_find(value_at(list, 0), "incarnation", &v) && v.type == VALUE_UINT
		? v.u
		: 0;
}

/* Only "it is there" counts: the member may be behind. For all else register asks the
 * leader. */
static void on_got(void *arg, const struct svcd_fault *fault, const struct value *result)
{
	struct svcd_registration *r = arg;
	bool is_there = fault == NULL && found_incarnation(result) == r->incarnation;
	bool is_unknown = fault != NULL && meaning_of(fault->code) == H_AGAIN;

	r->call = NULL;
	registration_happen(r, is_there ? H_OK : is_unknown ? H_AGAIN : H_DIFFERS, fault);
}

bool registration_call_get(struct svcd_registration *r)
{
	struct call *c = call_new("get", GET_TIMEOUT_MS);

	if (c == NULL)
		return false;
	pack_key(&c->params, r->wanted);
	c->n_params = 3;
	return submit(r, c, CALL_ON_LINK, on_got);
}

/* ---- update: drain and undrain ----------------------------------------- */

static void on_updated(
	void *arg, const struct svcd_fault *fault, const struct value *result)
{
	struct svcd_registration *r = arg;

	(void)result;
	r->call = NULL;
	if (fault == NULL)
		r->drain_good = r->drain_asked;
	registration_happen(r, fault == NULL ? H_OK : meaning_of(fault->code), fault);
}

bool registration_call_update(struct svcd_registration *r)
{
	struct call *c = call_new("update", 0);
	struct buf *b;

	if (c == NULL)
		return false;
	b = &c->params;
	pack_key(b, r->wanted);
	pack_kv_u64(b, "incarnation", r->incarnation);
	pack_kv_cstr(b, "admin", r->drain_wanted ? "draining" : "enabled");
	pack_kv_bool(b, "self", true);
	c->n_params = 6;
	if (r->drain_wanted && r->drain_reason != NULL) {
		pack_kv_cstr(b, "reason", r->drain_reason);
		c->n_params++;
	}
	r->drain_asked = r->drain_wanted;
	return submit(r, c, CALL_ON_LINK, on_updated);
}

/* ---- deregister -------------------------------------------------------- */

static void on_deregistered(
	void *arg, const struct svcd_fault *fault, const struct value *result)
{
	struct svcd_registration *r = arg;

	(void)result;
	r->call = NULL;
	registration_happen(r, fault == NULL ? H_OK : meaning_of(fault->code), fault);
}

bool registration_call_deregister(struct svcd_registration *r)
{
	struct call *c = call_new("deregister", r->leave_ms);

	if (c == NULL)
		return false;
	pack_key(&c->params, r->wanted);
	c->n_params = 3;
	if (r->incarnation != 0) {
		pack_kv_u64(&c->params, "incarnation", r->incarnation);
		c->n_params++;
	}
	return submit(r, c, 0, on_deregistered);
}

void registration_pack_deregister(const struct svcd_registration *r, struct buf *out)
{
	if (r->incarnation == 0)
		return;
	pack_request(out, link_next_id(r->owner->calls->link), "deregister");
	pack_map(out, 4);
	pack_key(out, r->wanted);
	pack_kv_u64(out, "incarnation", r->incarnation);
}
