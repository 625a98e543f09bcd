/* Bodies of watch events. */
#include "catalog/answer.h"
#include "catalog/read.h"
#include "wire/pack.h"

#define GONE_ITEMS 8

static const char *presence_of(uint32_t count, uint32_t usable)
{
	return usable > 0 ? "present" : count > 0 ? "none_healthy" : "no_instances";
}

/* What all kinds begin with. */
struct event_head {
	const char *kind;
	struct service_key key;
	uint64_t from, rev, digest;
	uint32_t count, usable;
};

static void pack_head(struct answer *a, const struct event_head *h)
{
	answer_text(a, "kind", h->kind);
	answer_service_key(a, &h->key);
	answer_u64(a, "from", h->from);
	answer_u64(a, "rev", h->rev);
	answer_u64(a, "digest", h->digest);
	answer_text(a, "presence", presence_of(h->count, h->usable));
	answer_u64(a, "count", h->count);
	answer_u64(a, "usable", h->usable);
}

static void pack_service_head(
	struct answer *a, const char *kind, const struct service *s, uint64_t from)
{
	struct event_head h = {
		.kind = kind,
		.key = s->key,
		.from = from,
		.rev = s->rev,
		.digest = s->digest,
		.count = s->count,
		.usable = service_usable(s),
	};

	pack_head(a, &h);
}

static void pack_no_service(
	struct answer *a, const struct service_key *key, uint64_t from, uint64_t rev)
{
	answer_text(a, "kind", "no_service");
	answer_service_key(a, key);
	answer_u64(a, "from", from);
	answer_u64(a, "rev", rev);
}

static void pack_seen(struct page *p, const struct instance *i)
{
	seen_encode(p->a->out, i);
	page_added(p, seen_items(i));
}

/* All instances of the service that changed after from. */
static void pack_instances(struct tables *t, struct page *p,
	const struct service_key *service, uint64_t from)
{
	struct bytes key, record;
	struct key prefix;
	struct instance i;
	bool found;

	key_instances(&prefix, service);
	found = prefix_first(t, TABLE_INSTANCE, key_bytes(&prefix), &key, &record);
	while (found && read_instance(t, key, record, &i)) {
		if (i.state.rev > from)
			pack_seen(p, &i);
		found = prefix_next(t, TABLE_INSTANCE, key_bytes(&prefix), &key, &record);
	}
}

/* Those behind an id, as many as fit; the id of the last one when there are more. */
static struct bytes pack_part(struct tables *t, struct page *p,
	const struct service_key *service, struct bytes after)
{
	struct bytes key, record, last = BYTES_NONE;
	struct key prefix, from;
	struct instance i;
	bool found;

	key_instances(&prefix, service);
	key_instance(&from, &(struct instance_key){service->ns, service->service, after});
	found = table_seek(t, TABLE_INSTANCE, key_bytes(&from), after.len > 0, &key,
			&record) &&
		bytes_has_prefix(key, key_bytes(&prefix));
	while (found && !page_full(p) && read_instance(t, key, record, &i)) {
		pack_seen(p, &i);
		last = i.key.id;
		found = prefix_next(t, TABLE_INSTANCE, key_bytes(&prefix), &key, &record);
	}
	return found ? last : BYTES_NONE;
}

static void pack_gone(
	struct page *p, struct bytes id, uint64_t incarnation, enum cause_kind cause)
{
	struct answer one = {.out = p->a->out};

	pack_map(one.out, 4);
	answer_str(&one, "id", id);
	pack_kv_bool(one.out, "gone", true);
	answer_u64(&one, "incarnation", incarnation);
	answer_text(&one, "cause", cause_name(cause));
	page_added(p, GONE_ITEMS);
}

/* All removals after from. */
static void pack_removals(struct tables *t, struct page *p,
	const struct service_key *service, uint64_t from)
{
	struct bytes key, record;
	struct instance_key name;
	struct tombstone s;
	struct key prefix;
	bool found;

	key_instances(&prefix, service);
	found = prefix_first(t, TABLE_TOMBSTONE, key_bytes(&prefix), &key, &record);
	while (found && read_or_corrupt(t, key_split_instance(key, &name)) &&
		read_or_corrupt(t, tombstone_decode(record, &s))) {
		if (s.rev > from)
			pack_gone(p, name.id, s.incarnation, s.cause);
		found = prefix_next(
			t, TABLE_TOMBSTONE, key_bytes(&prefix), &key, &record);
	}
}

int query_snapshot(struct tables *t, const struct service_key *key, struct buf *out,
	uint32_t *n, uint64_t *rev)
{
	struct answer a = {.out = out};
	struct service s;
	struct page page;

	if (catalog_get_service(t, key, &s)) {
		pack_service_head(&a, "snapshot", &s, 0);
		page_begin(&page, &a, "instances", 0);
		pack_instances(t, &page, key, 0);
		page_end(&page);
	} else {
		s.rev = 0;
		pack_no_service(&a, key, 0, 0);
	}
	if (t->error != 0 || out->error != 0)
		return t->error != 0 ? t->error : out->error;
	*n += a.n;
	*rev = s.rev;
	return 0;
}

int query_snapshot_part(struct tables *t, const struct service_key *key,
	struct bytes *after, struct buf *out, uint32_t *n, uint64_t *rev)
{
	struct answer a = {.out = out};
	struct bytes next = BYTES_NONE;
	struct service s;
	struct page page;

	if (catalog_get_service(t, key, &s)) {
		pack_service_head(&a, "snapshot", &s, 0);
		answer_str_if(&a, "after", *after);
		page_begin(&page, &a, "instances", 0);
		next = pack_part(t, &page, key, *after);
		page_end(&page);
		answer_str_if(&a, "next", next);
	} else {
		s.rev = 0;
		pack_no_service(&a, key, 0, 0);
	}
	if (t->error != 0 || out->error != 0)
		return t->error != 0 ? t->error : out->error;
	*n += a.n;
	*rev = s.rev;
	*after = next;
	return 0;
}

int query_delta(struct tables *t, const struct service_key *key, uint64_t from,
	struct buf *out, uint32_t *n, uint64_t *rev)
{
	struct answer a = {.out = out};
	size_t mark = out->len;
	struct service s;
	struct page page;

	if (!catalog_get_service(t, key, &s))
		s = (struct service){.key = *key};
	if (t->error != 0)
		return t->error;
	*rev = s.rev;
	if (s.rev == from)
		return 0;
	if (s.rev < from || from < s.known_from)
		return SVCD_EAGAIN;
	pack_service_head(&a, "delta", &s, from);
	page_begin(&page, &a, "changes", 0);
	pack_instances(t, &page, key, from);
	pack_removals(t, &page, key, from);
	page_end(&page);
	if (t->error == 0 && out->error == 0 && page_full(&page)) {
		out->len = mark;
		return SVCD_EAGAIN;
	}
	*n += a.n;
	return t->error != 0 ? t->error : out->error;
}

static void pack_changes(
	struct answer *a, const struct changes *c, const struct service_change *s)
{
	struct page page;

	page_begin(&page, a, "changes", 0);
	for (size_t k = s->first; k < s->first + s->n; k++) {
		const struct instance_change *i = changes_instance(c, k);

		if (i->gone) {
			pack_gone(&page, i->id, i->incarnation, i->cause);
			continue;
		}
		pack_raw(a->out, i->map);
		page_added(&page, spec_items(i->map) - 1);
	}
	page_end(&page);
	if (page_full(&page) && a->out->error == 0)
		a->out->error = SVCD_ETOOBIG;
}

void query_change(const struct changes *c, const struct service_change *s,
	struct buf *out, uint32_t *n)
{
	struct answer a = {.out = out};
	struct event_head h = {
		.kind = "delta",
		.key = s->key,
		.from = s->from,
		.rev = s->rev,
		.digest = s->digest,
		.count = s->count,
		.usable = s->usable,
	};

	if (s->deleted) {
		pack_no_service(&a, &s->key, s->from, s->rev);
	} else {
		pack_head(&a, &h);
		pack_changes(&a, c, s);
	}
	*n += a.n;
}
