/* list and get: what is registered, for people and tools. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "catalog/answer.h"
#include "catalog/checks.h"
#include "catalog/effective.h"
#include "catalog/read.h"
#include "catalog/validate.h"
#include "wire/pack.h"

#define ROWS(r) (r), sizeof(r) / sizeof((r)[0])
#define LIST_MAX 2000   /* services in one answer */
#define LIST_ITEMS 24   /* at most, of one service */
#define DETAIL_ITEMS 26 /* at most, of what get adds to an instance */
#define CHECK_ITEMS 28  /* at most, of one check */

struct list_params {
	struct bytes ns, prefix, after;
	uint32_t limit;
};

static const struct field list_rows[] = {
	{"ns", FIELD_TEXT, offsetof(struct list_params, ns), false, 1, LIMIT_NAME},
	{"prefix", FIELD_TEXT, offsetof(struct list_params, prefix), false, 0,
		LIMIT_NAME},
	{"after", FIELD_TEXT, offsetof(struct list_params, after), false, 0,
		2 * LIMIT_NAME + 1},
	{"limit", FIELD_U32, offsetof(struct list_params, limit), false, 1, UINT32_MAX},
};

static void pack_counts(struct answer *a, const struct service *s)
{
	answer_u64(a, "count", s->count);
	for (int i = 0; i < EFFECTIVE_COUNT; i++)
		answer_u64(
			a, effective_name((enum effective_state)i), s->by_effective[i]);
}

static void pack_floor(struct answer *a, const struct service *s)
{
	answer_u64_if(a, "floor", s->floor);
	answer_u64_if(a, "floor_percent", s->floor_percent);
}

static void pack_listed(struct page *p, const struct service *s)
{
	struct answer one = {.out = p->a->out};
	size_t mark = pack_map_begin(one.out);

	answer_service_key(&one, &s->key);
	answer_u64(&one, "rev", s->rev);
	pack_counts(&one, s);
	pack_floor(&one, s);
	pack_map_end(one.out, mark, one.n);
	page_added(p, LIST_ITEMS);
}

/* Where the walk starts, and what all keys on it begin with. */
struct range {
	struct key prefix, from;
	bool after;
};

/* "ns/name" as a key. */
static bool key_from_path(struct key *k, struct bytes path)
{
	const uint8_t *slash = path.len > 0 ? memchr(path.data, '/', path.len) : NULL;
	size_t at = slash != NULL ? (size_t)(slash - path.data) : 0;

	if (slash == NULL)
		return false;
	key_service(k,
		&(struct service_key){
			bytes_of(path.data, at), bytes_of(slash + 1, path.len - at - 1)});
	return true;
}

static int range_of(const struct where *w, const struct list_params *p, struct range *r,
	struct err *e)
{
	r->prefix.len = 0;
	if (p->ns.len > 0)
		key_service(&r->prefix, &(struct service_key){p->ns, p->prefix});
	r->from = r->prefix;
	r->after = p->after.len > 0;
	if (r->after && !key_from_path(&r->from, p->after))
		return where_refuse(w, e, "after", "'%.*s' is not ns/name",
			(int)p->after.len, (const char *)p->after.data);
	if (bytes_cmp(key_bytes(&r->from), key_bytes(&r->prefix)) < 0) {
		r->from = r->prefix;
		r->after = false;
	}
	return 0;
}

static bool listed(
	struct tables *t, struct bytes key, struct bytes record, struct service *s)
{
	return read_or_corrupt(
		t, key_split_service(key, &s->key) && service_decode(record, s));
}

static void pack_next(struct answer *a, const struct service_key *last)
{
	char path[2 * LIMIT_NAME + 2];
	int len = snprintf(path, sizeof(path), "%.*s/%.*s", (int)last->ns.len,
		(const char *)last->ns.data, (int)last->service.len,
		(const char *)last->service.data);

	answer_str(a, "next", bytes_of(path, (size_t)len));
}

static void list(struct tables *t, const struct list_params *p, const struct range *r,
	struct answer *a)
{
	struct service_key last = {0};
	struct bytes key, record;
	struct service s;
	struct page page;
	bool found, more = false;

	page_begin(&page, a, "services", p->limit < LIST_MAX ? p->limit : LIST_MAX);
	found = table_seek(
		t, TABLE_SERVICE, key_bytes(&r->from), r->after, &key, &record);
	while (found && bytes_has_prefix(key, key_bytes(&r->prefix)) &&
		listed(t, key, record, &s)) {
		bool fits = bytes_has_prefix(s.key.service, p->prefix);

		more = fits && page_full(&page);
		if (more)
			break;
		if (fits) {
			pack_listed(&page, &s);
			last = s.key;
		}
		found = table_next(t, TABLE_SERVICE, &key, &record);
	}
	page_end(&page);
	if (more)
		pack_next(a, &last);
}

int query_list(struct tables *t, struct value params, struct buf *out, uint32_t *n,
	struct err *e)
{
	struct list_params p = {.limit = LIMIT_PAGE};
	struct where w = {.method = "list"};
	struct answer a = {.out = out};
	struct range r;
	int rv = where_decode(&w, params, ROWS(list_rows), &p, NULL, e);

	if (rv == 0)
		rv = range_of(&w, &p, &r, e);
	if (rv != 0)
		return rv;
	list(t, &p, &r, &a);
	*n += a.n;
	return t->error != 0 ? t->error : out->error;
}

struct get_params {
	struct service_key key;
	struct bytes id, after;
	uint32_t limit;
};

static const struct field get_rows[] = {
	{"service", FIELD_TEXT, offsetof(struct get_params, key.service), true, 1,
		LIMIT_NAME},
	{"ns", FIELD_TEXT, offsetof(struct get_params, key.ns), false, 1, LIMIT_NAME},
	{"id", FIELD_TEXT, offsetof(struct get_params, id), false, 1, LIMIT_ID},
	{"after", FIELD_TEXT, offsetof(struct get_params, after), false, 0, LIMIT_ID},
	{"limit", FIELD_U32, offsetof(struct get_params, limit), false, 0, UINT32_MAX},
};

static void pack_service(struct answer *a, const struct service *s)
{
	answer_service_key(a, &s->key);
	answer_u64(a, "service_rev", s->rev);
	answer_u64(a, "digest", s->digest);
	pack_counts(a, s);
	answer_u64(a, "usable", service_usable(s));
	pack_floor(a, s);
	if (s->floor > 0 || s->floor_percent > 0)
		answer_u64(a, "floor_demand", floor_demand(s, s->count + s->vanished));
	answer_u64_if(a, "slow_start_ms", s->slow_start_ms);
	answer_u64_if(a, "dns_ttl_s", s->dns_ttl_s);
	answer_str_if(a, "policy", s->policy);
	answer_str_if(a, "owner", s->owner);
}

static void pack_admin(struct answer *a, const struct instance_state *s, uint64_t time_ms)
{
	if (s->admin == ADMIN_ENABLED)
		return;
	answer_str(a, "admin_actor", s->admin_actor);
	answer_str_if(a, "admin_reason", s->admin_reason);
	if (s->admin_until_ms > time_ms)
		answer_u64(a, "admin_for_ms", s->admin_until_ms - time_ms);
}

static void pack_detail(struct page *p, const struct instance *i, uint64_t time_ms)
{
	const struct instance_state *s = &i->state;
	struct answer one = {.out = p->a->out};
	size_t mark = pack_map_begin(one.out);

	seen_entries(one.out, i);
	one.n = SEEN_OWN + i->spec_n;
	answer_u64_if(&one, "lease", s->lease);
	answer_text(&one, "lifecycle", lifecycle_name(s->life));
	answer_u64(&one, "registered", s->registered_wall_ms);
	answer_text(&one, "cause", cause_name(s->cause));
	answer_str(&one, "actor", s->actor);
	answer_str(&one, "reason", s->reason);
	answer_u64(&one, "health_rev", s->health_rev);
	answer_str_if(&one, "health_reason", s->health_reason);
	pack_admin(&one, s, time_ms);
	if (i->checks.len > 0) {
		pack_cstr(one.out, "checks");
		checks_pack_full(one.out, i->checks);
		one.n++;
	}
	pack_map_end(one.out, mark, one.n);
	page_added(
		p, seen_items(i) + DETAIL_ITEMS + checks_count(i->checks) * CHECK_ITEMS);
}

static void get_all(struct tables *t, const struct get_params *p, struct page *page)
{
	uint64_t time_ms = catalog_time_ms(t);
	struct bytes key, record, last = BYTES_NONE;
	struct key prefix, from;
	struct instance i;
	bool found;

	key_instances(&prefix, &p->key);
	key_instance(&from, &(struct instance_key){p->key.ns, p->key.service, p->after});
	found = table_seek(t, TABLE_INSTANCE, key_bytes(&from), p->after.len > 0, &key,
			&record) &&
		bytes_has_prefix(key, key_bytes(&prefix));
	while (found && !page_full(page) && read_instance(t, key, record, &i)) {
		read_words(t, &i);
		pack_detail(page, &i, time_ms);
		last = i.key.id;
		found = prefix_next(t, TABLE_INSTANCE, key_bytes(&prefix), &key, &record);
	}
	page_end(page);
	if (found && t->error == 0)
		answer_str(page->a, "next", last);
}

/* The instance asked for is not there; nor, perhaps, its service. */
static int missing(
	struct tables *t, const struct get_params *p, bool service, struct err *e)
{
	struct instance_key key = {p->key.ns, p->key.service, p->id};
	struct tombstone s;

	if (t->error != 0)
		return t->error;
	if (read_tombstone(t, &key, &s))
		return err_set(e, SVCD_EGONE,
			"'%.*s' of service '%.*s' was removed at revision %" PRIu64
			": %s by %.*s",
			(int)p->id.len, (const char *)p->id.data, (int)p->key.service.len,
			(const char *)p->key.service.data, s.rev, cause_name(s.cause),
			(int)s.actor.len, (const char *)s.actor.data);
	if (!service)
		return answer_no_service(&p->key, e);
	return err_set(e, SVCD_ENOINSTANCE, "no instance '%.*s' of service '%.*s'",
		(int)p->id.len, (const char *)p->id.data, (int)p->key.service.len,
		(const char *)p->key.service.data);
}

static int get(
	struct tables *t, const struct get_params *p, struct answer *a, struct err *e)
{
	struct instance_key key = {p->key.ns, p->key.service, p->id};
	struct instance i;
	struct service s;
	struct page page;
	bool known = catalog_get_service(t, &p->key, &s);

	if (p->id.len > 0 && !catalog_get_instance(t, &key, &i))
		return missing(t, p, known, e);
	if (!known)
		return t->error != 0 ? t->error : answer_no_service(&p->key, e);
	pack_service(a, &s);
	page_begin(&page, a, "instances", p->limit);
	if (p->id.len == 0) {
		get_all(t, p, &page);
		return 0;
	}
	pack_detail(&page, &i, catalog_time_ms(t));
	page_end(&page);
	return 0;
}

int query_get(struct tables *t, struct value params, struct buf *out, uint32_t *n,
	struct err *e)
{
	struct get_params p = {.key.ns = bytes_str("default")};
	struct where w = {.method = "get"};
	struct answer a = {.out = out};
	int rv = where_decode(&w, params, ROWS(get_rows), &p, NULL, e);

	if (rv == 0)
		rv = get(t, &p, &a, e);
	if (rv != 0)
		return rv;
	*n += a.n;
	return t->error != 0 ? t->error : out->error;
}
