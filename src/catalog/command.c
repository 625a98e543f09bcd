/* Building the commands of all writes but registrations (command_register.c). */
#include "catalog/command.h"

#include "catalog/command_head.h"
#include "catalog/ref.h"
#include "catalog/settings.h"
#include "catalog/spec_pack.h"
#include "catalog/update.h"
#include "wire/pack.h"

#define ROWS(r) (r), sizeof(r) / sizeof((r)[0])

/* ---- deregister -------------------------------------------------------- */

struct deregister_params {
	struct write_params write; /* first */
	struct value instances;
};

static const struct field deregister_rows[] = {
	WRITE_ROWS,
	{"instances", FIELD_ARRAY, offsetof(struct deregister_params, instances), false,
		1, LIMIT_BATCH},
};

#define REF_ROWS(type, member) \
	{"service", FIELD_TEXT, offsetof(type, member.key.service), true, 1, \
		UINT64_MAX}, \
		{"id", FIELD_TEXT, offsetof(type, member.key.id), true, 1, LIMIT_ID}, \
		{"ns", FIELD_TEXT, offsetof(type, member.key.ns), false, 1, UINT64_MAX}, \
	{ \
		"incarnation", FIELD_U64, offsetof(type, member.incarnation), false, 0, \
			UINT64_MAX \
	}

struct only_ref {
	struct ref ref;
};

static const struct field ref_rows[] = {REF_ROWS(struct only_ref, ref)};

static int check_service_key(
	const struct where *w, const struct service_key *k, struct err *e)
{
	int rv = validate_label(w, "ns", k->ns, e);

	return rv != 0 ? rv : validate_label(w, "service", k->service, e);
}

static int check_ref(const struct where *w, const struct ref *r, struct err *e)
{
	return check_service_key(w, &(struct service_key){r->key.ns, r->key.service}, e);
}

static int put_ref(
	const struct where *w, struct value map, struct buf *out, struct err *e)
{
	struct only_ref p = {.ref.key.ns = bytes_str("default")};
	int rv = where_decode(w, map, ROWS(ref_rows), &p, NULL, e);

	if (rv == 0)
		rv = check_ref(w, &p.ref, e);
	if (rv == 0)
		ref_put(out, &p.ref);
	return rv;
}

int command_deregister(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e)
{
	struct where w = {.method = "deregister"};
	struct deregister_params p = {.instances.type = VALUE_NIL};
	size_t mark = out->len;
	int rv = where_decode(&w, params, ROWS(deregister_rows), &p, NULL, e);

	if (rv == 0)
		rv = write_params_check(&w, &p.write, e);
	if (rv != 0)
		return rv;
	command_begin(out, COMMAND_DEREGISTER, &p.write, from->actor);
	if (p.instances.type == VALUE_NIL) {
		put_varint(out, 1);
		return command_finish(out, mark, put_ref(&w, params, out, e), e);
	}
	put_varint(out, p.instances.n);
	w.list = "instances";
	for (w.index = 0; w.index < p.instances.n && rv == 0; w.index++)
		rv = put_ref(&w, value_at(p.instances, w.index), out, e);
	return command_finish(out, mark, rv, e);
}

/* ---- update ------------------------------------------------------------ */

struct update_params {
	struct write_params write; /* first */
	struct ref ref;
	uint16_t weight;
	uint32_t tier;
	struct value tags, meta;
	struct bytes version, admin, reason;
	uint64_t for_ms;
	bool self;
};

#define ROW(name, type, member, min, max) \
	{ \
		name, type, offsetof(struct update_params, member), false, min, max \
	}

enum {
	UPDATE_WEIGHT,
	UPDATE_TIER,
	UPDATE_TAGS,
	UPDATE_META,
	UPDATE_VERSION,
	UPDATE_ADMIN
};

static const struct field update_rows[] = {
	[UPDATE_WEIGHT] = ROW("weight", FIELD_U16, weight, 0, UINT16_MAX),
	[UPDATE_TIER] = ROW("tier", FIELD_U32, tier, 0, UINT8_MAX),
	[UPDATE_TAGS] = ROW("tags", FIELD_ARRAY, tags, 0, LIMIT_TAGS),
	[UPDATE_META] = ROW("meta", FIELD_MAP, meta, 0, LIMIT_META_KEYS),
	[UPDATE_VERSION] = ROW("version", FIELD_TEXT, version, 0, LIMIT_VERSION),
	[UPDATE_ADMIN] = ROW("admin", FIELD_TEXT, admin, 1, UINT64_MAX),
	ROW("reason", FIELD_TEXT, reason, 0, LIMIT_REASON),
	ROW("for_ms", FIELD_U64, for_ms, 1, LIMIT_FOR_MS),
	ROW("self", FIELD_BOOL, self, 0, 0),
	REF_ROWS(struct update_params, ref),
	WRITE_ROWS,
};

static bool given(uint64_t present, int row)
{
	return (present >> row & 1) != 0;
}

static int read_admin(const struct where *w, const struct update_params *p,
	struct update *u, struct err *e)
{
	int admin = u->has_admin ? admin_from_name(p->admin) : ADMIN_ENABLED;

	if (admin < 0)
		return where_refuse(w, e, "admin",
			"'%.*s' is none of enabled, draining, maintenance",
			(int)p->admin.len, (const char *)p->admin.data);
	if (p->for_ms != 0 && admin == ADMIN_ENABLED)
		return where_refuse(
			w, e, "for_ms", "only with admin draining or maintenance");
	u->admin = (enum admin_state)admin;
	return 0;
}

/* Values of the parts into parts, one after the other; an empty one is taken out of the
 * spec. */
static int pack_parts(const struct where *w, const struct update_params *p,
	struct update *u, struct buf *parts, struct err *e)
{
	size_t version_at, tags_at, meta_at;
	int rv = 0;

	version_at = parts->len;
	if (p->version.len > 0)
		pack_str(parts, p->version);
	tags_at = parts->len;
	if (p->tags.n > 0)
		rv = spec_pack_tags(w, p->tags, parts, e);
	meta_at = parts->len;
	if (rv == 0 && p->meta.n > 0)
		rv = spec_pack_meta(w, p->meta, parts, e);
	if (rv == 0 && parts->error != 0)
		rv = err_set(e, parts->error, "%s", err_text(parts->error));
	if (rv != 0 || parts->len == 0)
		return rv;
	u->parts[SPEC_VERSION] = bytes_of(parts->data + version_at, tags_at - version_at);
	u->parts[SPEC_TAGS] = bytes_of(parts->data + tags_at, meta_at - tags_at);
	u->parts[SPEC_META] = bytes_of(parts->data + meta_at, parts->len - meta_at);
	return 0;
}

static int build_update(const struct where *w, const struct update_params *p,
	uint64_t present, struct update *u, struct buf *parts, struct err *e)
{
	int rv;

	*u = (struct update){
		.has_weight = given(present, UPDATE_WEIGHT),
		.has_tier = given(present, UPDATE_TIER),
		.has_admin = given(present, UPDATE_ADMIN),
		.self = p->self,
		.weight = p->weight,
		.tier = (uint8_t)p->tier,
		.for_ms = p->for_ms,
		.reason = p->reason,
		.given = {[SPEC_VERSION] = given(present, UPDATE_VERSION),
			[SPEC_TAGS] = given(present, UPDATE_TAGS),
			[SPEC_META] = given(present, UPDATE_META)},
	};
	rv = read_admin(w, p, u, e);
	return rv != 0 ? rv : pack_parts(w, p, u, parts, e);
}

int command_update(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e)
{
	struct update_params p = {.ref.key.ns = bytes_str("default")};
	struct where w = {.method = "update"};
	struct buf parts = {0};
	struct update u;
	size_t mark = out->len;
	uint64_t present;
	int rv = where_decode(&w, params, ROWS(update_rows), &p, &present, e);

	if (rv == 0)
		rv = write_params_check(&w, &p.write, e);
	if (rv == 0)
		rv = check_ref(&w, &p.ref, e);
	if (rv == 0)
		rv = build_update(&w, &p, present, &u, &parts, e);
	if (rv == 0) {
		command_begin(out, COMMAND_UPDATE, &p.write, from->actor);
		ref_put(out, &p.ref);
		update_put(out, &u);
	}
	buf_fini(&parts);
	return command_finish(out, mark, rv, e);
}

/* ---- leases ------------------------------------------------------------ */

struct grant_params {
	struct write_params write; /* first */
	uint64_t ttl_ms;
	struct bytes on_close;
};

static const struct field grant_rows[] = {
	WRITE_ROWS,
	{"ttl_ms", FIELD_U64, offsetof(struct grant_params, ttl_ms), false,
		LEASE_TTL_MIN_MS, LEASE_TTL_MAX_MS},
	{"on_close", FIELD_TEXT, offsetof(struct grant_params, on_close), false, 1,
		UINT64_MAX},
};

int command_lease_grant(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e)
{
	struct grant_params p = {
		.ttl_ms = LEASE_TTL_DEFAULT_MS, .on_close = bytes_str("drop")};
	struct where w = {.method = "lease_grant"};
	size_t mark = out->len;
	int rv = where_decode(&w, params, ROWS(grant_rows), &p, NULL, e);

	if (rv == 0)
		rv = write_params_check(&w, &p.write, e);
	if (rv != 0)
		return rv;
	if (!bytes_eq_str(p.on_close, "drop") && !bytes_eq_str(p.on_close, "keep"))
		return where_refuse(&w, e, "on_close", "'%.*s' is none of drop, keep",
			(int)p.on_close.len, (const char *)p.on_close.data);
	command_begin(out, COMMAND_LEASE_GRANT, &p.write, from->actor);
	put_varint(out, p.ttl_ms);
	buf_put_u8(out, bytes_eq_str(p.on_close, "drop"));
	return command_finish(out, mark, 0, e);
}

struct revoke_params {
	struct write_params write; /* first */
	uint64_t lease;
};

static const struct field revoke_rows[] = {
	WRITE_ROWS,
	{"lease", FIELD_U64, offsetof(struct revoke_params, lease), true, 1, UINT64_MAX},
};

static void put_leases(
	struct buf *out, enum cause_kind cause, const uint64_t *leases, size_t n)
{
	buf_put_u8(out, (uint8_t)cause);
	put_varint(out, n);
	for (size_t i = 0; i < n; i++)
		put_varint(out, leases[i]);
}

int command_lease_revoke(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e)
{
	struct revoke_params p = {0};
	struct where w = {.method = "lease_revoke"};
	size_t mark = out->len;
	int rv = where_decode(&w, params, ROWS(revoke_rows), &p, NULL, e);

	if (rv == 0)
		rv = write_params_check(&w, &p.write, e);
	if (rv != 0)
		return rv;
	command_begin(out, COMMAND_LEASE_REVOKE, &p.write, from->actor);
	put_leases(out, CAUSE_LEASE_REVOKED, &p.lease, 1);
	return command_finish(out, mark, 0, e);
}

int command_leases_end(
	const uint64_t *leases, size_t n, enum cause_kind cause, struct buf *out)
{
	size_t mark = out->len;

	if (n > LIMIT_BATCH)
		return SVCD_ETOOBIG;
	command_begin(out, COMMAND_LEASE_REVOKE, NULL, bytes_str("svcd"));
	put_leases(out, cause, leases, n);
	return command_finish(out, mark, 0, NULL);
}

/* ---- services ---------------------------------------------------------- */

struct service_params {
	struct write_params write; /* first */
	struct service_key key;
	struct settings s;
};

#define SERVICE_ROWS \
	{"service", FIELD_TEXT, offsetof(struct service_params, key.service), true, 1, \
		UINT64_MAX}, \
		{"ns", FIELD_TEXT, offsetof(struct service_params, key.ns), false, 1, \
			UINT64_MAX}, \
		WRITE_ROWS

#define SETTING(name, type, member, max) \
	{ \
		name, type, offsetof(struct service_params, s.member), false, 0, max \
	}

#define SLOW_START_MAX_MS 86400000
#define DNS_TTL_MAX_S 86400

static const struct field service_rows[] = {
	[SETTING_FLOOR] = SETTING("floor", FIELD_U32, floor, 1000000),
	[SETTING_FLOOR_PERCENT] = SETTING("floor_percent", FIELD_U32, floor_percent, 100),
	[SETTING_SLOW_START] = SETTING(
		"slow_start_ms", FIELD_U32, slow_start_ms, SLOW_START_MAX_MS),
	[SETTING_DNS_TTL] = SETTING("dns_ttl_s", FIELD_U32, dns_ttl_s, DNS_TTL_MAX_S),
	[SETTING_POLICY] = SETTING("policy", FIELD_TEXT, policy, LIMIT_POLICY),
	[SETTING_OWNER] = SETTING("owner", FIELD_TEXT, owner, LIMIT_OWNER),
	SERVICE_ROWS,
};

static const struct field delete_rows[] = {SERVICE_ROWS};

int command_service_set(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e)
{
	struct service_params p = {.key.ns = bytes_str("default")};
	struct where w = {.method = "service_set"};
	size_t mark = out->len;
	int rv = where_decode(&w, params, ROWS(service_rows), &p, &p.s.given, e);

	if (rv == 0)
		rv = write_params_check(&w, &p.write, e);
	if (rv == 0)
		rv = check_service_key(&w, &p.key, e);
	if (rv != 0)
		return rv;
	p.s.given &= (1 << SETTING_COUNT) - 1;
	command_begin(out, COMMAND_SERVICE_SET, &p.write, from->actor);
	service_key_put(out, &p.key);
	settings_put(out, &p.s);
	return command_finish(out, mark, 0, e);
}

int command_service_delete(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e)
{
	struct service_params p = {.key.ns = bytes_str("default")};
	struct where w = {.method = "service_delete"};
	size_t mark = out->len;
	int rv = where_decode(&w, params, ROWS(delete_rows), &p, NULL, e);

	if (rv == 0)
		rv = write_params_check(&w, &p.write, e);
	if (rv == 0)
		rv = check_service_key(&w, &p.key, e);
	if (rv != 0)
		return rv;
	command_begin(out, COMMAND_SERVICE_DELETE, &p.write, from->actor);
	service_key_put(out, &p.key);
	return command_finish(out, mark, 0, e);
}

/* ---- what the server itself says --------------------------------------- */

int command_verdicts(
	const struct verdict *verdicts, size_t n, struct bytes actor, struct buf *out)
{
	size_t mark = out->len;

	command_begin(out, COMMAND_VERDICT, NULL, actor);
	put_varint(out, n);
	for (size_t i = 0; i < n; i++) {
		const struct verdict *v = &verdicts[i];

		ref_put(out, &(struct ref){v->key, v->incarnation});
		buf_put_u8(out, (uint8_t)v->health);
		put_blob(out, text_cut(v->reason, LIMIT_REASON));
	}
	return command_finish(out, mark, 0, NULL);
}

int command_tick(struct buf *out)
{
	size_t mark = out->len;

	command_begin(out, COMMAND_TICK, NULL, BYTES_NONE);
	return command_finish(out, mark, 0, NULL);
}
