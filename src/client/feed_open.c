/* Handles come to feeds and leave them; feeds are made and freed. */
#include <stdlib.h>
#include <string.h>

#include "client/feed_internal.h"
#include "wire/pack.h"

static struct bytes feed_map_key(const void *item)
{
	const struct feed *f = item;

	return bytes_str(f->key);
}

static char *copy_or_null(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

static char *join_key(const char *ns, const char *name)
{
	size_t len = strlen(ns) + strlen(name) + 2;
	char *key = malloc(len);

	if (key == NULL)
		return NULL;
	strcpy(key, ns);
	strcat(key, "/");
	strcat(key, name);
	return key;
}

static void feed_forget_call(struct feed *f)
{
	if (f->call != NULL)
		calls_cancel(f->owner->calls, f->call);
	f->call = NULL;
}

static void feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	feed_forget_call(f);
	if (f->is_raw && !list_empty(&f->node))
		f->owner->n_raw--;
	list_remove(&f->node);
	if (f->key != NULL && map_get(&f->owner->by_key, bytes_str(f->key)) == f)
		map_remove(&f->owner->by_key, bytes_str(f->key));
	model_fini(&f->model);
	feed_take_set(f, NULL);
	free(f->ns);
	free(f->name);
	free(f->key);
	free(f);
}

static struct feed *feed_new(
	struct feeds *fs, bool is_raw, const char *ns, const char *name)
{
	struct feed *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	list_init(&f->node);
	list_init(&f->handles);
	f->owner = fs;
	f->is_raw = is_raw;
	f->ns = copy_or_null(ns);
	f->name = strdup(name);
	f->key = is_raw ? NULL : join_key(ns, name);
	if (f->name == NULL || (ns != NULL && f->ns == NULL) ||
		(!is_raw && f->key == NULL) ||
		(!is_raw && map_put(&fs->by_key, f) != 0)) {
		feed_free(f);
		return NULL;
	}
	list_push(&fs->all, &f->node);
	fs->n_raw += is_raw;
	return f;
}

struct feed *feeds_get(struct feeds *fs, struct bytes ns, struct bytes service)
{
	struct buf key = {0};
	struct feed *f;

	buf_put_bytes(&key, ns);
	buf_put_u8(&key, '/');
	buf_put_bytes(&key, service);
	f = key.error == 0 ? map_get(&fs->by_key, buf_bytes(&key)) : NULL;
	buf_fini(&key);
	return f;
}

static struct feed *feeds_find_raw(struct feeds *fs, const char *ns, const char *prefix)
{
	struct list *it, *tmp;

	list_each(&fs->all, it, tmp) {
		struct feed *f = container_of(it, struct feed, node);
		bool same_ns = ns == NULL || f->ns == NULL ? ns == f->ns
							   : strcmp(ns, f->ns) == 0;

		if (f->is_raw && same_ns && strcmp(f->name, prefix) == 0)
			return f;
	}
	return NULL;
}

static struct feed *feeds_find_for(struct feeds *fs, const struct svcd_watch *w)
{
	return w->is_raw ? feeds_find_raw(fs, w->ns, w->name)
			 : feeds_get(fs, bytes_str(w->ns), bytes_str(w->name));
}

/* What a handle is told that comes to a feed which others watch already. */
static void watch_join(struct svcd_watch *w, const struct feed *f)
{
	if (w->is_raw)
		return;
	if (f->set != NULL)
		watch_tell(w, SVCD_WATCH_SNAPSHOT);
	if (f->state == FEED_REFUSED)
		watch_tell(w, SVCD_WATCH_REFUSED);
	else if (f->is_lost)
		watch_tell(w, SVCD_WATCH_LOST);
}

/* Raw events cannot be told again from memory: the registry does it for all handles. */
static void feed_begin(struct feed *f, bool is_new)
{
	struct feeds *fs = f->owner;

	if (is_new && fs->link_lost) {
		f->fault = fs->calls->link->trouble;
		feed_lose(f);
	}
	if (!is_new && f->is_raw && f->state == FEED_LIVE)
		feed_move(f, FEED_WANTED);
	if (f->state == FEED_WANTED && link_is_ready(fs->calls->link))
		feed_ask(f);
}

void feeds_open(struct feeds *fs, struct svcd_watch *w)
{
	struct feed *f = feeds_find_for(fs, w);
	bool is_new = f == NULL;

	if (is_new)
		f = feed_new(fs, w->is_raw, w->ns, w->name);
	if (f == NULL) {
		list_push(&fs->orphans, &w->node);
		timer_set(&fs->retry, FEED_RETRY_MS);
		return;
	}
	w->feed = f;
	list_push(&f->handles, &w->node);
	watch_join(w, f);
	feed_begin(f, is_new);
}

static void feeds_on_retry(void *arg)
{
	struct feeds *fs = arg;
	struct list now;
	struct list *n;

	list_init(&now);
	list_splice(&now, &fs->orphans);
	while ((n = list_pop(&now)) != NULL)
		feeds_open(fs, container_of(n, struct svcd_watch, node));
	feeds_ask_wanted(fs);
}

/* Nobody wants to know any more. */
static void feed_say_unwatch(struct feed *f)
{
	struct buf *b;

	if (!link_is_ready(f->owner->calls->link) ||
		(f->state != FEED_LIVE && f->state != FEED_ASKED))
		return;
	b = link_out(f->owner->calls->link);
	/* Nobody waits for the answer. */
	pack_request(b, link_next_id(f->owner->calls->link), "unwatch");
	pack_map(b, f->ns != NULL ? 2 : 1);
	feed_pack_key(b, f);
	link_flush(f->owner->calls->link);
}

void feeds_close(struct feeds *fs, struct svcd_watch *w)
{
	struct feed *f = w->feed;

	(void)fs;
	list_remove(&w->node);
	watch_free(w);
	if (f == NULL || !list_empty(&f->handles))
		return;
	feed_say_unwatch(f);
	feed_free(f);
}

struct set *feeds_find(struct feeds *fs, const char *ns, const char *service)
{
	struct feed *f = feeds_get(fs, bytes_str(ns), bytes_str(service));

	return f != NULL ? f->set : NULL;
}

void watch_free(struct svcd_watch *w)
{
	if (w == NULL)
		return;
	svcd_set_unref(w->set != NULL ? &w->set->pub : NULL);
	pthread_mutex_destroy(&w->lock);
	gate_fini(&w->gate);
	free(w->ns);
	free(w->name);
	free(w);
}

int feeds_init(struct feeds *fs, struct calls *calls)
{
	*fs = (struct feeds){.calls = calls};
	list_init(&fs->all);
	list_init(&fs->orphans);
	map_init(&fs->by_key, feed_map_key);
	return timer_init(&fs->retry, calls->link->loop, feeds_on_retry, fs);
}

static void handles_free(struct list *handles)
{
	while (!list_empty(handles)) {
		struct svcd_watch *w = container_of(
			handles->next, struct svcd_watch, node);

		list_remove(&w->node);
		watch_free(w);
	}
}

void feeds_fini(struct feeds *fs)
{
	if (fs->calls == NULL)
		return;
	while (!list_empty(&fs->all)) {
		struct feed *f = container_of(fs->all.next, struct feed, node);

		handles_free(&f->handles);
		feed_free(f);
	}
	handles_free(&fs->orphans);
	timer_fini(&fs->retry);
	map_fini(&fs->by_key);
}
