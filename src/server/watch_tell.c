/* What watchers are told: changes as they are published, and what they missed. */
#include <assert.h>

#include "server/event.h"
#include "server/watch_internal.h"
#include "wire/pack.h"

#define KEPT_SNAPSHOT_MAX ((size_t)4 << 20)

/* From the map entries in ws->entries to the whole event. Empty when memory ran out. */
static struct bytes event_message(struct watches *ws, uint32_t n)
{
	buf_clear(&ws->message);
	event_pack(&ws->message, buf_bytes(&ws->entries), n);
	if (ws->entries.error != 0 || ws->message.error != 0)
		return BYTES_NONE;
	return buf_bytes(&ws->message);
}

static void watch_told(struct watches *ws, struct watch *watch, uint64_t rev)
{
	watch->told = true;
	watch->sent = rev;
	watch_set_behind(ws, watch, false);
}

/* A service that is gone is not remembered for the sake of a prefix. */
static void watch_forget_missing(struct watches *ws, struct watch *watch)
{
	if (watch->sent == 0 && !watch->named)
		watch_detach(ws, watch);
}

/* ---- changes as they come ---------------------------------------------- */

/* All prefix watches that ask for a new service join it, knowing nothing of it as the
 * client does. */
static void prefixes_join(struct watches *ws, struct watched *s)
{
	struct service_key key = watched_key(s);
	struct list *n;
	struct list *tmp;

	ws->mark++;
	list_each(&s->watches, n, tmp)
		container_of(n, struct watch, of_service)->watcher->mark = ws->mark;
	list_each(&ws->prefixes, n, tmp) {
		struct prefix_watch *p = container_of(n, struct prefix_watch, node);
		struct watch *watch;

		if (p->watcher->mark == ws->mark || !prefix_matches(p, &key))
			continue;
		p->watcher->mark = ws->mark;
		watch = watch_attach(ws, p->watcher, s, p);
		if (watch == NULL)
			ws->ops->lost(p->watcher);
		else
			watch->told = true;
	}
}

static bool prefix_wanted(const struct watches *ws, const struct service_key *key)
{
	struct list *n;

	for (n = ws->prefixes.next; n != &ws->prefixes; n = n->next)
		if (prefix_matches(container_of(n, struct prefix_watch, node), key))
			return true;
	return false;
}

/* *message is made for the first one who needs it. */
static void publish_to(struct watches *ws, struct watch *watch, const struct changes *c,
	const struct service_change *change, struct bytes *message)
{
	uint32_t n = 0;

	if (watch->behind || watch->sent >= change->rev)
		return;
	if (watch->sent != change->from ||
		ws->ops->pending(watch->watcher) >= ws->budget) {
		watch_set_behind(ws, watch, true);
		return;
	}
	if (message->len == 0) {
		buf_clear(&ws->entries);
		query_change(c, change, &ws->entries, &n);
		*message = event_message(ws, n);
	}
	if (message->len == 0) {
		watch_set_behind(ws, watch, true);
		return;
	}
	ws->ops->send(watch->watcher, *message);
	ws->events_sent++;
	watch_told(ws, watch, change->deleted ? 0 : change->rev);
	watch_forget_missing(ws, watch);
}

static void publish_change(
	struct watches *ws, const struct changes *c, const struct service_change *change)
{
	struct watched *s = watched_find(ws, &change->key);
	struct bytes message = BYTES_NONE;
	struct list *n;
	struct list *tmp;

	if (change->from == 0 && prefix_wanted(ws, &change->key)) {
		s = watched_get(ws, &change->key);
		if (s != NULL)
			prefixes_join(ws, s);
	}
	if (s == NULL)
		return;
	list_each(&s->watches, n, tmp)
		publish_to(ws, container_of(n, struct watch, of_service), c, change,
			&message);
	watched_release(ws, s);
}

void watches_publish(struct watches *ws, const struct changes *c)
{
	for (size_t i = 0; i < changes_services(c); i++)
		publish_change(ws, c, changes_service(c, i));
}

/* ---- all at once --------------------------------------------------------- */

/* What each was told stays what it is: catch_up compares it with the new state. */
void watches_reset(struct watches *ws, struct tables *t)
{
	const struct watched *s;
	struct list *n;
	struct list *tmp;
	size_t at = 0;

	ws->kept_of = NULL;
	while ((s = map_next(&ws->services, &at)) != NULL)
		for (n = s->watches.next; n != &s->watches; n = n->next)
			watch_set_behind(
				ws, container_of(n, struct watch, of_service), true);
	list_each(&ws->prefixes, n, tmp) {
		struct prefix_watch *p = container_of(n, struct prefix_watch, node);

		if (prefix_catch_up(ws, p, t) != 0)
			ws->ops->lost(p->watcher);
	}
}

/* ---- catching up ------------------------------------------------------- */

static struct bytes snapshot_message(
	struct watches *ws, struct watched *s, struct tables *t, uint64_t *rev)
{
	struct service_key key = watched_key(s);
	struct bytes message;
	uint32_t n = 0;

	if (ws->kept_of == s && ws->kept_rev == *rev)
		return buf_bytes(&ws->kept);
	buf_clear(&ws->entries);
	query_snapshot(t, &key, &ws->entries, &n, rev);
	message = event_message(ws, n);
	if (message.len == 0 || message.len > KEPT_SNAPSHOT_MAX || *rev == 0)
		return message;
	ws->kept_of = s;
	ws->kept_rev = *rev;
	buf_clear(&ws->kept);
	buf_put_bytes(&ws->kept, message);
	if (ws->kept.error != 0)
		ws->kept_of = NULL;
	return message;
}

/* From what the watcher holds to *rev, the newest; a snapshot when the difference is not
 * known any more. */
static struct bytes difference_message(
	struct watches *ws, struct watch *watch, struct tables *t, uint64_t *rev)
{
	struct service_key key = watched_key(watch->service);
	uint32_t n = 0;
	int rc;

	buf_clear(&ws->entries);
	rc = query_delta(t, &key, watch->sent, &ws->entries, &n, rev);
	if (rc == 0)
		return event_message(ws, n);
	return snapshot_message(ws, watch->service, t, rev);
}

enum telling { TELL_NOTHING, TELL_DIFFERENCE, TELL_ALL };

/* now: the service's revision as of t, 0 when it is missing. */
static enum telling what_to_tell(
	const struct watch *watch, struct tables *t, uint64_t now)
{
	if (!watch->told)
		return TELL_ALL;
	if (watch->sent == now)
		return TELL_NOTHING;
	if (watch->sent > catalog_rev(t))
		return TELL_NOTHING; /* it was told by a member that is ahead of us */
	return watch->sent != 0 && now > watch->sent ? TELL_DIFFERENCE : TELL_ALL;
}

/* False when memory ran out. */
static bool catch_up(struct watches *ws, struct watch *watch, struct tables *t)
{
	struct service_key key = watched_key(watch->service);
	struct service service;
	uint64_t now = catalog_get_service(t, &key, &service) ? service.rev : 0;
	enum telling telling = what_to_tell(watch, t, now);
	struct bytes message;

	if (telling == TELL_NOTHING) {
		watch_set_behind(ws, watch, false);
		return true;
	}
	message = telling == TELL_ALL ? snapshot_message(ws, watch->service, t, &now)
				      : difference_message(ws, watch, t, &now);
	if (message.len == 0 || t->error != 0)
		return false;
	ws->ops->put(watch->watcher, message);
	ws->events_sent++;
	watch_told(ws, watch, now);
	return true;
}

static void tell_synced(struct watches *ws, struct prefix_watch *p, struct tables *t)
{
	struct bytes ns = bytes_of(p->text, p->ns_len);
	uint32_t n = ns.len > 0 ? 4 : 3;

	buf_clear(&ws->entries);
	pack_kv_cstr(&ws->entries, "kind", "synced");
	if (ns.len > 0)
		pack_kv_str(&ws->entries, "ns", ns);
	pack_kv_str(&ws->entries, "prefix", bytes_of(p->text + p->ns_len, p->prefix_len));
	pack_kv_u64(&ws->entries, "rev", catalog_rev(t));
	ws->ops->put(p->watcher, event_message(ws, n));
	ws->events_sent++;
	p->synced = true;
}

static void tell_prefixes_synced(struct watches *ws, struct watcher *w, struct tables *t)
{
	struct list *n;
	struct list *tmp;

	list_each(&w->prefixes, n, tmp) {
		struct prefix_watch *p = container_of(n, struct prefix_watch, of_watcher);

		if (!p->synced)
			tell_synced(ws, p, t);
	}
}

/* Until its budget is used up. True when it was told everything. */
static bool attend_to(struct watches *ws, struct watcher *w, struct tables *t)
{
	while (!list_empty(&w->behind)) {
		struct watch *watch = container_of(
			w->behind.next, struct watch, of_watcher);
		struct watched *s = watch->service;

		if (ws->ops->pending(w) >= ws->budget)
			return false;
		if (!catch_up(ws, watch, t)) {
			ws->ops->lost(w);
			return true;
		}
		watch_forget_missing(ws, watch);
		watched_release(ws, s);
	}
	tell_prefixes_synced(ws, w, t);
	return true;
}

bool watches_waiting(const struct watches *ws)
{
	return !list_empty(&ws->attention);
}

void watches_attend(struct watches *ws, struct tables *t, uint32_t max)
{
	struct list again;
	struct list *n;

	list_init(&again);
	while (max-- > 0 && (n = list_pop(&ws->attention)) != NULL) {
		struct watcher *w = container_of(n, struct watcher, attention);

		if (ws->ops->pending(w) < ws->budget && !attend_to(ws, w, t))
			list_push(&again, &w->attention);
	}
	list_splice(&ws->attention, &again);
}

void watcher_drained(struct watches *ws, struct watcher *w)
{
	bool unsynced = false;
	struct list *n;

	for (n = w->prefixes.next; n != &w->prefixes; n = n->next)
		unsynced |= !container_of(n, struct prefix_watch, of_watcher)->synced;
	if ((unsynced || !list_empty(&w->behind)) && list_empty(&w->attention))
		list_push(&ws->attention, &w->attention);
}
