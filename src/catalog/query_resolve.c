/* resolve: the instances of a service that a client may use. */
#include "catalog/answer.h"
#include "catalog/read.h"
#include "catalog/validate.h"

struct filter {
	bool states[EFFECTIVE_COUNT];
	struct value tags, meta;
	struct bytes version, zone;
	bool states_given, by_attributes;
};

struct resolve_params {
	struct service_key key;
	struct value states, tags, meta;
	struct bytes version, zone, after;
	uint32_t limit;
};

#define ROW(name, type, member, min, max) \
	{ \
		name, type, offsetof(struct resolve_params, member), false, min, max \
	}

static const struct field rows[] = {
	{"service", FIELD_TEXT, offsetof(struct resolve_params, key.service), true, 1,
		LIMIT_NAME},
	ROW("ns", FIELD_TEXT, key.ns, 1, LIMIT_NAME),
	ROW("states", FIELD_ARRAY, states, 0, EFFECTIVE_COUNT),
	ROW("tags", FIELD_ARRAY, tags, 0, LIMIT_TAGS),
	ROW("meta", FIELD_MAP, meta, 0, LIMIT_META_KEYS),
	ROW("version", FIELD_TEXT, version, 0, LIMIT_VERSION),
	ROW("zone", FIELD_TEXT, zone, 0, LIMIT_LOCALITY),
	ROW("after", FIELD_TEXT, after, 0, LIMIT_ID),
	ROW("limit", FIELD_U32, limit, 0, UINT32_MAX),
};

static int read_states(
	const struct where *w, struct value list, struct filter *f, struct err *e)
{
	f->states_given = list.n > 0;
	for (int i = 0; i < EFFECTIVE_COUNT; i++)
		f->states[i] = !f->states_given &&
			(i == EFFECTIVE_UP || i == EFFECTIVE_WARM ||
				i == EFFECTIVE_PENDING);
	for (uint32_t i = 0; i < list.n; i++) {
		struct value v = value_at(list, i);
		int state = v.type == VALUE_STR ? effective_from_name(v.s) : -1;

		if (state < 0)
			return where_refuse(w, e, "states",
				"'%.*s' is none of up, warm, pending, drain, down",
				v.type == VALUE_STR ? (int)v.s.len : 0,
				(const char *)v.s.data);
		f->states[state] = true;
	}
	return 0;
}

static int check_texts(const struct where *w, const struct filter *f, struct err *e)
{
	struct value key, v;

	for (uint32_t i = 0; i < f->tags.n; i++) {
		if (value_at(f->tags, i).type != VALUE_STR)
			return where_refuse(w, e, "tags", "expected strings");
	}
	for (uint32_t i = 0; i < f->meta.n; i++) {
		value_pair(f->meta, i, &key, &v);
		if (key.type != VALUE_STR || v.type != VALUE_STR)
			return where_refuse(w, e, "meta", "expected strings");
	}
	return 0;
}

static int read_filter(const struct where *w, const struct resolve_params *p,
	struct filter *f, struct err *e)
{
	int rv = read_states(w, p->states, f, e);

	f->tags = p->tags;
	f->meta = p->meta;
	f->version = p->version;
	f->zone = p->zone;
	f->by_attributes = p->tags.n > 0 || p->meta.n > 0 || p->version.len > 0 ||
		p->zone.len > 0;
	return rv != 0 ? rv : check_texts(w, f, e);
}

static bool has_meta(struct bytes spec, struct value meta)
{
	struct value key, v;

	for (uint32_t i = 0; i < meta.n; i++) {
		value_pair(meta, i, &key, &v);
		if (!spec_meta_is(spec, key.s, v.s))
			return false;
	}
	return true;
}

static bool has_attributes(const struct filter *f, struct bytes spec)
{
	if (!f->by_attributes)
		return true;
	if (f->version.len > 0 && !spec_version_is(spec, f->version))
		return false;
	if (f->zone.len > 0 && !spec_zone_is(spec, f->zone))
		return false;
	for (uint32_t i = 0; i < f->tags.n; i++) {
		if (!spec_has_tag(spec, value_at(f->tags, i).s))
			return false;
	}
	return has_meta(spec, f->meta);
}

/* One walk over the service. */
struct walk {
	const struct filter *filter;
	struct page page;
	struct bytes after, last; /* last: id of the last one given */
	uint32_t total;           /* that match */
	bool attributes;          /* any instance had the attributes, in whatever state */
	bool more;
};

/* False ends the walk. */
static bool visit(struct walk *w, const struct instance *i)
{
	if (!has_attributes(w->filter, i->spec))
		return true;
	w->attributes = true;
	if (!w->filter->states[i->state.effective])
		return true;
	w->total++;
	if (w->after.len > 0 && bytes_cmp(i->key.id, w->after) <= 0)
		return true;
	if (w->more || page_full(&w->page)) {
		w->more = true;
		return w->filter->by_attributes; /* only then the total needs the rest */
	}
	seen_encode(w->page.a->out, i);
	page_added(&w->page, seen_items(i));
	w->last = i->key.id;
	return true;
}

static void walk(struct tables *t, struct walk *w, const struct service_key *service)
{
	struct bytes key, record;
	struct key prefix, from;
	struct instance i;
	bool found;

	key_instances(&prefix, service);
	from = prefix;
	if (!w->filter->by_attributes && w->after.len > 0)
		key_instance(&from,
			&(struct instance_key){service->ns, service->service, w->after});
	found = table_seek(t, TABLE_INSTANCE, key_bytes(&from), false, &key, &record) &&
		bytes_has_prefix(key, key_bytes(&prefix));
	while (found && read_instance(t, key, record, &i) && visit(w, &i))
		found = prefix_next(t, TABLE_INSTANCE, key_bytes(&prefix), &key, &record);
}

static uint32_t total_of(const struct service *s, const struct filter *f)
{
	uint32_t total = 0;

	for (int i = 0; i < EFFECTIVE_COUNT; i++)
		total += f->states[i] ? s->by_effective[i] : 0;
	return total;
}

static const char *presence_of(const struct service *s, const struct walk *w)
{
	if (w->total > 0)
		return "present";
	if (s->count == 0)
		return "no_instances";
	if (w->filter->states_given || (w->filter->by_attributes && !w->attributes))
		return "none_match";
	return "none_healthy";
}

static void answer(struct tables *t, struct answer *a, const struct service *s,
	const struct resolve_params *p, const struct filter *f)
{
	struct walk w = {.filter = f, .after = p->after};

	answer_service_key(a, &s->key);
	answer_u64(a, "service_rev", s->rev);
	answer_u64(a, "digest", s->digest);
	answer_u64(a, "count", s->count);
	answer_u64(a, "usable", service_usable(s));
	answer_u64_if(a, "slow_start_ms", s->slow_start_ms);
	answer_str_if(a, "policy", s->policy);
	page_begin(&w.page, a, "instances", p->limit);
	walk(t, &w, &s->key);
	page_end(&w.page);
	if (!f->by_attributes)
		w.total = total_of(s, f);
	answer_u64(a, "total", w.total);
	answer_text(a, "presence", presence_of(s, &w));
	if (w.more)
		answer_str(a, "next", w.last);
}

int query_resolve(struct tables *t, struct value params, struct buf *out, uint32_t *n,
	struct service_key *key, struct err *e)
{
	struct resolve_params p = {.key.ns = bytes_str("default")};
	struct where w = {.method = "resolve"};
	struct answer a = {.out = out};
	struct filter f;
	struct service s;
	int rv = where_decode(
		&w, params, rows, sizeof(rows) / sizeof(rows[0]), &p, NULL, e);

	if (rv == 0)
		rv = read_filter(&w, &p, &f, e);
	if (rv != 0)
		return rv;
	*key = p.key;
	if (!catalog_get_service(t, &p.key, &s))
		return t->error != 0 ? t->error : answer_no_service(&p.key, e);
	answer(t, &a, &s, &p, &f);
	*n += a.n;
	return t->error != 0 ? t->error : out->error;
}
