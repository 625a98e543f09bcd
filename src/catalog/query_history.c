/*
 * history: events, newest first.
 *
 * Of a service or an instance the chain of its events is followed. Of everything (and
 * where the chain's end is forgotten) the ring is read backwards, in windows of revisions
 * that grow.
 */
#include "catalog/answer.h"
#include "catalog/read.h"
#include "catalog/validate.h"
#include "wire/pack.h"

#define LIMIT_DEFAULT 100
#define EVENT_ITEMS 40 /* at most, of one event */
#define WINDOW_FIRST 256
#define WINDOW_EVENTS 4096 /* looked at, at once; a revision is never split */

struct history_params {
	struct bytes ns, service, id;
	uint32_t limit, before_n;
	uint64_t before;
};

#define ROW(name, type, member, min, max) \
	{ \
		name, type, offsetof(struct history_params, member), false, min, max \
	}

static const struct field rows[] = {
	ROW("ns", FIELD_TEXT, ns, 1, LIMIT_NAME),
	ROW("service", FIELD_TEXT, service, 1, LIMIT_NAME),
	ROW("id", FIELD_TEXT, id, 1, LIMIT_ID),
	ROW("limit", FIELD_U32, limit, 1, UINT32_MAX),
	ROW("before", FIELD_U64, before, 1, UINT64_MAX),
	ROW("before_n", FIELD_U32, before_n, 0, UINT32_MAX),
};

struct history {
	struct tables *t;
	struct history_params p;
	struct event_ref before; /* only events older than this one */
	struct page page;
	struct event_ref last;
	bool more;
};

static bool older(struct event_ref a, struct event_ref b)
{
	return a.rev != b.rev ? a.rev < b.rev : a.n < b.n;
}

static bool of_member(const struct event *e)
{
	return e->what == EVENT_MEMBER || e->what == EVENT_MEMBER_REMOVED;
}

static bool asked_for(const struct history *h, const struct event *e)
{
	const struct history_params *p = &h->p;

	if (of_member(e)) /* of no namespace: with all that is not of one service */
		return p->service.len == 0 && p->id.len == 0;
	return (p->ns.len == 0 || bytes_eq(p->ns, e->key.ns)) &&
		(p->service.len == 0 || bytes_eq(p->service, e->key.service)) &&
		(p->id.len == 0 || bytes_eq(p->id, e->key.id));
}

static void pack_states(struct answer *a, const struct event *e)
{
	bool registered = e->what == EVENT_REGISTERED;

	if (!registered)
		answer_text(a, "from", effective_name(e->from.effective));
	answer_text(a, "to",
		e->what == EVENT_REMOVED ? "gone" : effective_name(e->to.effective));
	if (e->from.health != e->to.health) {
		answer_text(a, "health_from", health_name(e->from.health));
		answer_text(a, "health_to", health_name(e->to.health));
	}
	if (e->from.admin != e->to.admin) {
		answer_text(a, "admin_from", admin_name(e->from.admin));
		answer_text(a, "admin_to", admin_name(e->to.admin));
	}
}

static void pack_event(struct history *h, const struct event *e)
{
	struct answer one = {.out = h->page.a->out};
	size_t mark = pack_map_begin(one.out);

	answer_u64(&one, "rev", e->self.rev);
	answer_u64(&one, "at", e->wall_ms);
	answer_service_key(&one, &(struct service_key){e->key.ns, e->key.service});
	answer_str_if(&one, of_member(e) ? "member" : "id", e->key.id);
	answer_text(&one, "what", event_what_name(e->what));
	if (e->key.id.len > 0 && !of_member(e)) {
		pack_states(&one, e);
		answer_u64(&one, "incarnation", e->incarnation);
	}
	answer_text(&one, "cause", cause_name(e->cause));
	answer_str(&one, "actor", e->actor);
	answer_str(&one, "reason", e->reason);
	pack_map_end(one.out, mark, one.n);
	page_added(&h->page, EVENT_ITEMS);
	h->last = e->self;
}

/* False: enough. */
static bool take(struct history *h, const struct event *e)
{
	if (!older(e->self, h->before) || !asked_for(h, e))
		return true;
	if (page_full(&h->page)) {
		h->more = true;
		return false;
	}
	pack_event(h, e);
	return true;
}

/* Where a chain begins: at the newest event, or behind the one that the page before ended
 * with. */
static struct event_ref chain_start(
	struct history *h, struct event_ref newest, bool of_instance)
{
	struct event e;

	if (older(h->before, newest) && read_event(h->t, h->before, &e) &&
		asked_for(h, &e))
		return of_instance ? e.prev_of_instance : e.prev_of_service;
	return newest;
}

static void follow(struct history *h, struct event_ref newest, bool of_instance)
{
	struct event_ref at = chain_start(h, newest, of_instance);
	struct event e;

	while (read_event(h->t, at, &e) && take(h, &e))
		at = of_instance ? e.prev_of_instance : e.prev_of_service;
}

struct window {
	struct event_ref refs[WINDOW_EVENTS];
	size_t n;
};

/* Events of revisions lo..hi-1 from before the page; false: too many, take a smaller
 * window. */
static bool fill(struct history *h, struct window *w, uint64_t lo, uint64_t hi)
{
	struct bytes key, record;
	struct event_ref ref;
	struct key from;
	bool found;

	w->n = 0;
	key_event(&from, lo, 0);
	found = table_seek(h->t, TABLE_EVENT, key_bytes(&from), false, &key, &record);
	while (found && read_or_corrupt(h->t, key_split_event(key, &ref.rev, &ref.n)) &&
		ref.rev < hi && older(ref, h->before)) {
		/* Of one revision with very many events the last are kept. */
		if (w->n == WINDOW_EVENTS && hi - lo > 1)
			return false;
		w->refs[w->n++ % WINDOW_EVENTS] = ref;
		found = table_next(h->t, TABLE_EVENT, &key, &record);
	}
	return true;
}

static bool take_window(struct history *h, const struct window *w)
{
	struct event e;
	size_t last = w->n > WINDOW_EVENTS ? w->n - WINDOW_EVENTS : 0;

	for (size_t i = w->n; i > last; i--) {
		if (read_event(h->t, w->refs[(i - 1) % WINDOW_EVENTS], &e) &&
			!take(h, &e))
			return false;
	}
	return true;
}

static bool oldest_rev(struct history *h, uint64_t *rev)
{
	struct bytes key, record;
	uint32_t n;

	return table_seek(h->t, TABLE_EVENT, BYTES_NONE, false, &key, &record) &&
		key_split_event(key, rev, &n);
}

static bool newest_rev(struct history *h, uint64_t *rev)
{
	struct bytes key, record;
	uint32_t n;

	return table_last(h->t, TABLE_EVENT, &key, &record) &&
		key_split_event(key, rev, &n);
}

static void scan(struct history *h)
{
	uint64_t oldest, newest, hi, size = WINDOW_FIRST;
	struct window w;

	if (!oldest_rev(h, &oldest) || !newest_rev(h, &newest))
		return;
	hi = (h->before.rev <= newest ? h->before.rev : newest) + 1;
	while (hi > oldest && h->t->error == 0) {
		uint64_t lo = hi - oldest > size ? hi - size : oldest;

		if (!fill(h, &w, lo, hi)) {
			size = (hi - lo) / 2;
			continue;
		}
		if (!take_window(h, &w))
			return;
		hi = lo;
		size = w.n < WINDOW_EVENTS / 4 ? size * 2 : size;
	}
}

static bool follow_instance(struct history *h)
{
	struct instance_key key = {h->p.ns, h->p.service, h->p.id};
	struct instance i;
	struct tombstone s;

	if (catalog_get_instance(h->t, &key, &i))
		follow(h, (struct event_ref){i.state.rev, i.state.event_n}, true);
	else if (read_tombstone(h->t, &key, &s))
		follow(h, (struct event_ref){s.rev, s.event_n}, true);
	else
		return false;
	return true;
}

static bool follow_service(struct history *h)
{
	struct service s;

	if (!catalog_get_service(h->t, &(struct service_key){h->p.ns, h->p.service}, &s))
		return false;
	follow(h, (struct event_ref){s.rev, s.event_n}, false);
	return true;
}

static void collect(struct history *h)
{
	bool named = h->p.ns.len > 0 && h->p.service.len > 0;

	if (named && h->p.id.len > 0 && follow_instance(h))
		return;
	if (named && h->p.id.len == 0 && follow_service(h))
		return;
	scan(h);
}

int query_history(struct tables *t, struct value params, struct buf *out, uint32_t *n,
	struct err *e)
{
	struct where w = {.method = "history"};
	struct answer a = {.out = out};
	struct history h = {.t = t, .p = {.limit = LIMIT_DEFAULT, .before = UINT64_MAX}};
	int rv = where_decode(
		&w, params, rows, sizeof(rows) / sizeof(rows[0]), &h.p, NULL, e);

	if (rv != 0)
		return rv;
	if (h.p.service.len > 0 && h.p.ns.len == 0)
		h.p.ns = bytes_str("default");
	if (h.p.id.len > 0 && h.p.service.len == 0)
		return where_refuse(&w, e, "id", "only with service");
	h.before = (struct event_ref){h.p.before, h.p.before_n};
	page_begin(&h.page, &a, "events", h.p.limit);
	collect(&h);
	page_end(&h.page);
	if (h.more) {
		answer_u64(&a, "next", h.last.rev);
		answer_u64(&a, "next_n", h.last.n);
	}
	*n += a.n;
	return t->error != 0 ? t->error : out->error;
}
