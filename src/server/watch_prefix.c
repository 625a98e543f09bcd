/* Watching a prefix: watching each service that has it. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/watch_internal.h"

static bool prefix_is(const struct prefix_watch *p, struct bytes ns, struct bytes prefix)
{
	return bytes_eq(bytes_of(p->text, p->ns_len), ns) &&
		bytes_eq(bytes_of(p->text + p->ns_len, p->prefix_len), prefix);
}

bool prefix_matches(const struct prefix_watch *p, const struct service_key *key)
{
	return (p->ns_len == 0 || bytes_eq(bytes_of(p->text, p->ns_len), key->ns)) &&
		bytes_has_prefix(
			key->service, bytes_of(p->text + p->ns_len, p->prefix_len));
}

static struct prefix_watch *prefix_find(
	const struct watcher *w, struct bytes ns, struct bytes prefix)
{
	struct list *n;

	for (n = w->prefixes.next; n != &w->prefixes; n = n->next) {
		struct prefix_watch *p = container_of(n, struct prefix_watch, of_watcher);

		if (prefix_is(p, ns, prefix))
			return p;
	}
	return NULL;
}

static struct prefix_watch *prefix_new(
	struct watches *ws, struct watcher *w, struct bytes ns, struct bytes prefix)
{
	struct prefix_watch *p = calloc(1, sizeof(*p) + ns.len + prefix.len);

	if (p == NULL)
		return NULL;
	p->watcher = w;
	p->ns_len = (uint8_t)ns.len;
	p->prefix_len = (uint8_t)prefix.len;
	if (ns.len > 0)
		memcpy(p->text, ns.data, ns.len);
	if (prefix.len > 0)
		memcpy(p->text + ns.len, prefix.data, prefix.len);
	list_push(&ws->prefixes, &p->node);
	list_push(&w->prefixes, &p->of_watcher);
	return p;
}

void prefix_free(struct prefix_watch *p)
{
	list_remove(&p->node);
	list_remove(&p->of_watcher);
	free(p);
}

/* Watches that w has already become p's too, and their services are marked. */
static void prefix_adopt(struct prefix_watch *p, struct list *watches, uint32_t mark)
{
	struct list *n;
	struct list *tmp;

	list_each(watches, n, tmp) {
		struct watch *watch = container_of(n, struct watch, of_watcher);
		struct service_key key = watched_key(watch->service);

		watch->service->mark = mark;
		if (watch->prefix == NULL && prefix_matches(p, &key))
			watch->prefix = p;
	}
}

static int prefix_join(
	struct watches *ws, struct prefix_watch *p, const struct service_key *key)
{
	struct watched *s = watched_get(ws, key);
	struct watch *watch;

	if (s == NULL)
		return SVCD_ENOMEM;
	if (s->mark == ws->mark)
		return 0;
	if (ws->members >= ws->members_max) {
		watched_release(ws, s);
		return SVCD_ELIMIT;
	}
	watch = watch_attach(ws, p->watcher, s, p);
	if (watch == NULL) {
		watched_release(ws, s);
		return SVCD_ENOMEM;
	}
	watch_set_behind(ws, watch, true);
	return 0;
}

/* Joins all services of t that p asks for. */
static int prefix_join_all(struct watches *ws, struct prefix_watch *p, struct tables *t)
{
	struct bytes from = bytes_of(p->text, p->ns_len);
	struct bytes key;
	struct bytes value;
	int rc = 0;

	for (bool more = table_seek(t, TABLE_SERVICE, from, false, &key, &value);
		more && rc == 0; more = table_next(t, TABLE_SERVICE, &key, &value)) {
		const uint8_t *nul = memchr(key.data, 0, key.len);
		struct service_key service;

		assert(nul != NULL);
		service.ns = bytes_of(key.data, (size_t)(nul - key.data));
		service.service = bytes_of(nul + 1, key.len - service.ns.len - 1);
		if (p->ns_len > 0 && bytes_cmp(service.ns, from) > 0)
			break;
		if (prefix_matches(p, &service))
			rc = prefix_join(ws, p, &service);
	}
	return rc != 0 ? rc : t->error;
}

int prefix_catch_up(struct watches *ws, struct prefix_watch *p, struct tables *t)
{
	ws->mark++;
	prefix_adopt(p, &p->watcher->current, ws->mark);
	prefix_adopt(p, &p->watcher->behind, ws->mark);
	return prefix_join_all(ws, p, t);
}

int watch_prefix(struct watches *ws, struct watcher *w, struct tables *t, struct bytes ns,
	struct bytes prefix)
{
	struct prefix_watch *p = prefix_find(w, ns, prefix);
	int rc;

	if (p != NULL)
		unwatch_prefix(ws, w, ns, prefix);
	p = prefix_new(ws, w, ns, prefix);
	if (p == NULL)
		return SVCD_ENOMEM;
	w->n++;
	rc = prefix_catch_up(ws, p, t);
	if (rc != 0)
		unwatch_prefix(ws, w, ns, prefix);
	else if (list_empty(&w->attention))
		list_push(&ws->attention, &w->attention); /* for its "synced" */
	return rc;
}

static struct prefix_watch *prefix_other(
	const struct watcher *w, const struct watch *watch)
{
	struct service_key key = watched_key(watch->service);
	struct list *n;

	for (n = w->prefixes.next; n != &w->prefixes; n = n->next) {
		struct prefix_watch *p = container_of(n, struct prefix_watch, of_watcher);

		if (p != watch->prefix && prefix_matches(p, &key))
			return p;
	}
	return NULL;
}

static void prefix_leave(struct watches *ws, struct prefix_watch *p, struct list *watches)
{
	struct list *n;
	struct list *tmp;

	list_each(watches, n, tmp) {
		struct watch *watch = container_of(n, struct watch, of_watcher);
		struct watched *s = watch->service;

		if (watch->prefix != p)
			continue;
		watch->prefix = prefix_other(p->watcher, watch);
		if (watch->prefix != NULL || watch->named)
			continue;
		watch_detach(ws, watch);
		watched_release(ws, s);
	}
}

int unwatch_prefix(
	struct watches *ws, struct watcher *w, struct bytes ns, struct bytes prefix)
{
	struct prefix_watch *p = prefix_find(w, ns, prefix);

	if (p == NULL)
		return SVCD_ENOTFOUND;
	prefix_leave(ws, p, &w->current);
	prefix_leave(ws, p, &w->behind);
	prefix_free(p);
	w->n--;
	return 0;
}
