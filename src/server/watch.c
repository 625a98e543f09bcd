/* Who watches what. See watch_tell.c for what they are told. */
#include "server/watch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/answers.h"
#include "server/watch_internal.h"

struct service_key watched_key(const struct watched *s)
{
	return (struct service_key){
		.ns = bytes_of(s->key, s->ns_len),
		.service = bytes_of(s->key + s->ns_len + 1, s->name_len),
	};
}

static struct bytes watched_map_key(const void *item)
{
	const struct watched *s = item;

	return bytes_of(s->key, (size_t)s->ns_len + 1 + s->name_len);
}

struct watched *watched_find(const struct watches *ws, const struct service_key *key)
{
	uint8_t space[SERVICE_MAP_KEY_MAX];

	return map_get(&ws->services, service_map_key(key, space));
}

struct watched *watched_get(struct watches *ws, const struct service_key *key)
{
	struct watched *s = watched_find(ws, key);

	if (s != NULL)
		return s;
	s = calloc(1, sizeof(*s) + key->ns.len + 1 + key->service.len);
	if (s == NULL)
		return NULL;
	list_init(&s->watches);
	list_init(&s->tallies);
	s->ns_len = (uint8_t)key->ns.len;
	s->name_len = (uint8_t)key->service.len;
	service_map_key(key, s->key);
	if (map_put(&ws->services, s) == 0)
		return s;
	free(s);
	return NULL;
}

void watched_release(struct watches *ws, struct watched *s)
{
	if (!list_empty(&s->watches) || !list_empty(&s->tallies))
		return;
	if (ws->kept_of == s) {
		ws->kept_of = NULL;
		buf_fini(&ws->kept);
	}
	map_remove(&ws->services, watched_map_key(s));
	free(s);
}

struct watches *watches_new(
	const struct watch_ops *ops, size_t budget_bytes, size_t members_max)
{
	struct watches *ws = calloc(1, sizeof(*ws));

	if (ws == NULL)
		return NULL;
	ws->ops = ops;
	ws->budget = budget_bytes;
	ws->members_max = members_max;
	map_init(&ws->services, watched_map_key);
	list_init(&ws->prefixes);
	list_init(&ws->attention);
	return ws;
}

void watches_free(struct watches *ws)
{
	if (ws == NULL)
		return;
	assert(map_len(&ws->services) == 0 && list_empty(&ws->prefixes));
	map_fini(&ws->services);
	buf_fini(&ws->entries);
	buf_fini(&ws->message);
	buf_fini(&ws->kept);
	free(ws);
}

void watcher_init(struct watcher *w)
{
	*w = (struct watcher){0};
	list_init(&w->current);
	list_init(&w->behind);
	list_init(&w->prefixes);
	list_init(&w->attention);
}

/* ---- tallies ----------------------------------------------------------- */

/* The counts that a watch makes up in the tallies of its service come or go. */
static void tallies_count(const struct watch *w, bool there)
{
	struct list *n;
	struct list *tmp;
	uint32_t one = there ? 1 : UINT32_MAX; /* modulo 2^32 */

	list_each(&w->service->tallies, n, tmp) {
		struct tally *t = container_of(n, struct tally, node);

		t->watchers += one;
		if (w->acked >= t->rev)
			t->acked += one;
		t->on_change(t);
	}
}

static void watch_set_acked(struct watch *w, uint64_t rev)
{
	struct list *n;
	struct list *tmp;
	uint64_t before = w->acked;

	w->acked = rev;
	list_each(&w->service->tallies, n, tmp) {
		struct tally *t = container_of(n, struct tally, node);

		if ((before >= t->rev) == (rev >= t->rev))
			continue;
		t->acked += rev >= t->rev ? 1 : UINT32_MAX;
		t->on_change(t);
	}
}

int tally_begin(
	struct watches *ws, const struct service_key *key, uint64_t rev, struct tally *t)
{
	struct watched *s = watched_get(ws, key);
	struct list *n;
	struct list *tmp;

	if (s == NULL)
		return SVCD_ENOMEM;
	t->service = s;
	t->rev = rev;
	t->watchers = t->acked = 0;
	list_each(&s->watches, n, tmp) {
		t->watchers++;
		t->acked += container_of(n, struct watch, of_service)->acked >= rev;
	}
	list_push(&s->tallies, &t->node);
	return 0;
}

void tally_end(struct watches *ws, struct tally *t)
{
	list_remove(&t->node);
	watched_release(ws, t->service);
}

/* ---- single watches ---------------------------------------------------- */

struct watch *watch_attach(struct watches *ws, struct watcher *w, struct watched *s,
	struct prefix_watch *prefix)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->service = s;
	watch->watcher = w;
	watch->prefix = prefix;
	watch->named = prefix == NULL;
	list_push(&s->watches, &watch->of_service);
	list_push(&w->current, &watch->of_watcher);
	ws->n++;
	ws->members += prefix != NULL;
	tallies_count(watch, true);
	return watch;
}

void watch_detach(struct watches *ws, struct watch *watch)
{
	tallies_count(watch, false);
	list_remove(&watch->of_service);
	list_remove(&watch->of_watcher);
	ws->n--;
	ws->members -= !watch->named;
	free(watch);
}

void watch_set_behind(struct watches *ws, struct watch *watch, bool behind)
{
	struct watcher *w = watch->watcher;

	watch->behind = behind;
	list_remove(&watch->of_watcher);
	list_push(behind ? &w->behind : &w->current, &watch->of_watcher);
	if (behind && list_empty(&w->attention))
		list_push(&ws->attention, &w->attention);
}

/* From the end, where those lie that were told last: what is looked for is most often an
 * ack's. */
static struct watch *find_in(struct list *watches, const struct watched *s)
{
	struct list *n;

	for (n = watches->prev; n != watches; n = n->prev) {
		struct watch *watch = container_of(n, struct watch, of_watcher);

		if (watch->service == s)
			return watch;
	}
	return NULL;
}

static struct watch *watch_find(
	const struct watches *ws, struct watcher *w, const struct service_key *key)
{
	struct watched *s = watched_find(ws, key);
	struct watch *watch;

	if (s == NULL)
		return NULL;
	watch = find_in(&w->current, s);
	return watch != NULL ? watch : find_in(&w->behind, s);
}

static struct watch *watch_make(
	struct watches *ws, struct watcher *w, const struct service_key *key)
{
	struct watched *s = watched_get(ws, key);
	struct watch *watch;

	if (s == NULL)
		return NULL;
	watch = watch_attach(ws, w, s, NULL);
	if (watch == NULL)
		watched_release(ws, s);
	else
		w->n++;
	return watch;
}

int watch_service(struct watches *ws, struct watcher *w, const struct service_key *key,
	bool has_rev, uint64_t rev)
{
	struct watch *watch = watch_find(ws, w, key);

	if (watch == NULL)
		watch = watch_make(ws, w, key);
	else if (!watch->named) {
		watch->named = true;
		w->n++;
		ws->members--;
	}
	if (watch == NULL)
		return SVCD_ENOMEM;
	watch->told = has_rev;
	watch->sent = has_rev ? rev : 0;
	watch_set_acked(watch, watch->sent);
	watch_set_behind(ws, watch, true);
	return 0;
}

int unwatch_service(struct watches *ws, struct watcher *w, const struct service_key *key)
{
	struct watch *watch = watch_find(ws, w, key);
	struct watched *s;

	if (watch == NULL || !watch->named)
		return SVCD_ENOTFOUND;
	w->n--;
	if (watch->prefix != NULL) {
		watch->named = false;
		ws->members++;
		return 0;
	}
	s = watch->service;
	watch_detach(ws, watch);
	watched_release(ws, s);
	return 0;
}

void watch_ack(struct watches *ws, struct watcher *w, const struct service_key *key,
	uint64_t rev)
{
	struct watch *watch = watch_find(ws, w, key);

	if (watch == NULL)
		return;
	if (rev > watch->acked && rev <= watch->sent)
		watch_set_acked(watch, rev);
	if (watch->behind)
		return;
	list_remove(&watch->of_watcher); /* out of the way of the next ack */
	list_insert_after(&w->current, &watch->of_watcher);
}

/* ---- the end ------------------------------------------------------------ */

static void end_all(struct watches *ws, struct list *watches)
{
	while (!list_empty(watches)) {
		struct watch *watch = container_of(
			watches->next, struct watch, of_watcher);
		struct watched *s = watch->service;

		watch_detach(ws, watch);
		watched_release(ws, s);
	}
}

void watcher_end(struct watches *ws, struct watcher *w)
{
	end_all(ws, &w->current);
	end_all(ws, &w->behind);
	while (!list_empty(&w->prefixes))
		prefix_free(
			container_of(w->prefixes.next, struct prefix_watch, of_watcher));
	list_remove(&w->attention);
	w->n = 0;
}

/* ---- figures ----------------------------------------------------------- */

uint64_t watches_count(const struct watches *ws)
{
	return ws->n;
}

uint64_t watches_events_sent(const struct watches *ws)
{
	return ws->events_sent;
}

static uint64_t check_service(struct watched *s)
{
	struct list *n;
	struct list *tmp;
	uint64_t count = 0;

	list_each(&s->watches, n, tmp) {
		const struct watch *watch = container_of(n, struct watch, of_service);

		assert(watch->service == s && (watch->named || watch->prefix != NULL));
		assert(watch->behind || watch->told);
		assert(!watch->behind || !list_empty(&watch->watcher->behind));
		assert(watch->acked <= watch->sent || watch->sent == 0);
		count++;
	}
	assert(count > 0 || !list_empty(&s->tallies));
	return count;
}

void watches_check(const struct watches *ws)
{
	struct watched *s;
	uint64_t count = 0;
	size_t at = 0;

	map_check(&ws->services);
	while ((s = map_next(&ws->services, &at)) != NULL)
		count += check_service(s);
	assert(count == ws->n && ws->members <= ws->n);
}
