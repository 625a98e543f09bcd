#include "client/feed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "client/event.h"
#include "wire/pack.h"

#define ASK_TIMEOUT_MS 10000
#define RETRY_MS 1000
#define WRONG_MAX 2 /* after so many digests in a row that do not fit we take the snapshot as it is */

/* May state a be followed by state b? */
static const bool legal[FEED_STATES][FEED_STATES] = {
	[FEED_WANTED] = {[FEED_ASKED] = true},
	[FEED_ASKED] = {[FEED_WANTED] = true, [FEED_LIVE] = true, [FEED_REFUSED] = true},
	[FEED_LIVE] = {[FEED_WANTED] = true},
	[FEED_REFUSED] = {[FEED_WANTED] = true},
};

static void feed_move(struct feed *f, enum feed_state to)
{
	assert(legal[f->state][to]);
	f->state = to;
}

/* ---- telling the handles ---- */

static void watch_tell(struct svcd_watch *w, enum svcd_watch_event event)
{
	struct feed *f = w->feed;
	struct set *old;

	pthread_mutex_lock(&w->lock);
	old = w->set;
	w->set = f->set;
	w->fault = f->fault;
	if (f->set != NULL)
		svcd_set_ref(&f->set->pub);
	pthread_mutex_unlock(&w->lock);
	svcd_set_unref(old != NULL ? &old->pub : NULL);
	if (w->on_event == NULL || !gate_enter(&w->gate))
		return;
	w->on_event(w->arg, event, f->set != NULL ? &f->set->pub : NULL);
	gate_leave(&w->gate);
}

static void feed_tell(struct feed *f, enum svcd_watch_event event)
{
	struct list *it, *tmp;

	list_each(&f->handles, it, tmp)
		watch_tell(container_of(it, struct svcd_watch, node), event);
}

static void feed_tell_raw(struct feed *f, const struct svcd_value *event)
{
	struct list *it, *tmp;

	list_each(&f->handles, it, tmp) {
		struct svcd_watch *w = container_of(it, struct svcd_watch, node);

		if (!gate_enter(&w->gate))
			continue;
		w->on_raw(w->arg, event);
		gate_leave(&w->gate);
	}
}

/* ---- sets ---- */

static void feed_take_set(struct feed *f, struct set *s)
{
	if (f->set != NULL)
		svcd_set_unref(&f->set->pub);
	f->set = s;
}

/* From what the model knows now. */
static int feed_make_set(struct feed *f)
{
	const struct model *m = &f->model;
	const struct link *link = f->owner->calls->link;
	struct set_head head = {
		.ns = f->ns,
		.service = f->name,
		.revision = m->newest,
		.age_ms = link->head.age_ms,
		.source = link->head.source,
		.presence = m->missing ? SVCD_NO_SERVICE : set_presence(m->items, m->n),
		.now_ms = loop_now_ms(link->loop),
	};
	struct set *s = set_new(&head, m->items, m->n);

	if (s == NULL)
		return SVCD_ENOMEM;
	feed_take_set(f, s);
	return 0;
}

/* The same set, from now on of another source. Without memory it stays as it is. */
static void feed_change_source(struct feed *f, enum svcd_source source)
{
	const struct link *link = f->owner->calls->link;
	struct set_head head;
	struct set *s;

	if (f->set == NULL)
		return;
	head = set_head_of(f->set, loop_now_ms(link->loop));
	head.source = source;
	if (source != SVCD_FROM_CACHE)
		head.age_ms = link->head.age_ms;
	s = set_new(&head, f->set->items, f->set->n_items);
	if (s != NULL)
		feed_take_set(f, s);
}

/* ---- asking ---- */

static void feeds_ack(struct feeds *fs, struct bytes ns, struct bytes service, uint64_t rev)
{
	struct buf *b;

	if (!link_is_ready(fs->calls->link) || rev == 0)
		return;
	b = link_out(fs->calls->link);
	pack_notification(b, "ack");
	pack_map(b, 3);
	pack_kv_str(b, "ns", ns);
	pack_kv_str(b, "service", service);
	pack_kv_u64(b, "rev", rev);
	link_flush(fs->calls->link);
}

/* The handles have been told all up to rev. */
static void feed_ack(const struct feed *f, uint64_t rev)
{
	feeds_ack(f->owner, bytes_str(f->ns), bytes_str(f->name), rev);
}

static void feed_lose(struct feed *f)
{
	if (f->is_lost || f->is_raw)
		return;
	f->is_lost = true;
	feed_change_source(f, SVCD_FROM_CACHE);
	feed_tell(f, SVCD_WATCH_LOST);
}

static void feed_refuse(struct feed *f)
{
	feed_move(f, FEED_REFUSED);
	feed_tell(f, SVCD_WATCH_REFUSED);
}

static void feed_be_live(struct feed *f)
{
	feed_move(f, FEED_LIVE);
	f->fault = (struct svcd_fault){0};
	f->came_back = f->is_lost;
	if (!f->ask_all && !f->is_raw)
		feed_ack(f, f->model.rev);
}

static bool is_refusal(int code)
{
	return code == SVCD_EINVAL || code == SVCD_ERANGE || code == SVCD_EDENIED ||
	       code == SVCD_ENOMETHOD;
}

static void feed_on_answer(void *arg, const struct svcd_fault *fault, const struct value *result)
{
	struct feed *f = arg;

	(void)result;
	f->call = NULL;
	if (fault == NULL) {
		feed_be_live(f);
		return;
	}
	f->fault = *fault;
	if (is_refusal(fault->code)) {
		feed_refuse(f);
		return;
	}
	feed_move(f, FEED_WANTED);
	if (fault->code != SVCD_ECLOSED && !timer_pending(&f->owner->retry))
		timer_set(&f->owner->retry, RETRY_MS);
}

static uint32_t feed_pack_key(struct buf *b, const struct feed *f)
{
	pack_kv_cstr(b, f->is_raw ? "prefix" : "service", f->name);
	if (f->ns == NULL)
		return 1;
	pack_kv_cstr(b, "ns", f->ns);
	return 2;
}

static void feed_ask(struct feed *f)
{
	struct call *c = call_new("watch", ASK_TIMEOUT_MS);

	if (c == NULL) {
		timer_set(&f->owner->retry, RETRY_MS);
		return;
	}
	c->flags = CALL_ON_LINK | CALL_PATIENT;
	c->kind = METHOD_READ; /* on the same connection it may be repeated */
	c->done = feed_on_answer;
	c->arg = f;
	c->n_params = feed_pack_key(&c->params, f);
	if (f->model.known && !f->ask_all) {
		pack_kv_u64(&c->params, "rev", f->model.rev);
		c->n_params++;
	}
	f->call = c;
	if (calls_submit(f->owner->calls, c) == 0) {
		feed_move(f, FEED_ASKED);
		return;
	}
	f->call = NULL;
	timer_set(&f->owner->retry, RETRY_MS);
}

static void feed_forget_call(struct feed *f)
{
	if (f->call != NULL)
		calls_cancel(f->owner->calls, f->call);
	f->call = NULL;
}

/* What we know does not fit to what comes: from the beginning. */
static void feed_ask_again(struct feed *f)
{
	if (f->state != FEED_LIVE)
		return; /* it has been asked for already */
	f->ask_all = true;
	feed_move(f, FEED_WANTED);
	feed_ask(f);
}

static void feeds_ask_wanted(struct feeds *fs)
{
	struct list *it, *tmp;

	if (!link_is_ready(fs->calls->link))
		return;
	list_each(&fs->all, it, tmp) {
		struct feed *f = container_of(it, struct feed, node);

		if (f->state == FEED_WANTED)
			feed_ask(f);
	}
}

static void feeds_on_retry(void *arg)
{
	feeds_ask_wanted(arg);
}

/* Nobody wants to know any more. */
static void feed_say_unwatch(struct feed *f)
{
	struct buf *b;

	if (!link_is_ready(f->owner->calls->link) || (f->state != FEED_LIVE && f->state != FEED_ASKED))
		return;
	b = link_out(f->owner->calls->link);
	pack_request(b, link_next_id(f->owner->calls->link), "unwatch"); /* nobody waits for the answer */
	pack_map(b, f->ns != NULL ? 2 : 1);
	feed_pack_key(b, f);
	link_flush(f->owner->calls->link);
}

/* ---- events ---- */

static int feed_take_change(struct feed *f, const struct event *ev, enum svcd_watch_event event)
{
	int rv = feed_make_set(f);

	if (rv != 0)
		return rv;
	f->ask_all = false;
	f->wrong = 0;
	f->is_lost = false;
	f->came_back = false;
	feed_tell(f, event);
	feed_ack(f, f->model.rev);
	return 0;
}

static int feed_take(struct feed *f, const struct event *ev)
{
	uint64_t member_rev = f->owner->calls->link->head.rev;
	enum model_verdict verdict;
	int rv = model_apply(&f->model, ev, member_rev, f->wrong >= WRONG_MAX, &verdict);

	if (rv != 0)
		return rv;
	switch (verdict) {
	case MODEL_SNAPSHOT:
		return feed_take_change(f, ev, SVCD_WATCH_SNAPSHOT);
	case MODEL_CHANGE:
		return feed_take_change(f, ev, SVCD_WATCH_CHANGE);
	case MODEL_WRONG:
		f->wrong++;
		feed_ask_again(f);
		return 0;
	case MODEL_GAP:
		feed_ask_again(f);
		return 0;
	case MODEL_SAME:
		feed_ack(f, ev->rev <= f->model.newest ? ev->rev : 0);
		return 0;
	}
	return 0;
}

static bool feed_covers(const struct feed *f, const struct event *ev)
{
	if (!f->is_raw)
		return false;
	if (ev->kind != EVENT_SYNCED && !bytes_has_prefix(ev->service, bytes_str(f->name)))
		return false;
	return f->ns == NULL || bytes_eq_str(ev->ns, f->ns);
}

static int feeds_take_raw(struct feeds *fs, const struct event *ev, struct value map)
{
	struct svcd_value *copy = NULL;
	struct list *it, *tmp;
	int rv;

	if (fs->n_raw == 0)
		return 0;
	list_each(&fs->all, it, tmp) {
		struct feed *f = container_of(it, struct feed, node);

		if (!feed_covers(f, ev))
			continue;
		rv = copy == NULL ? value_from_wire(map, &copy) : 0;
		if (rv != 0)
			return rv;
		feed_tell_raw(f, copy);
	}
	if (copy != NULL && ev->kind <= EVENT_DELTA)
		feeds_ack(fs, ev->ns, ev->service, ev->rev);
	svcd_value_free(copy);
	return 0;
}

static struct feed *feeds_get(struct feeds *fs, struct bytes ns, struct bytes service)
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

int feeds_take(struct feeds *fs, struct value map, struct bytes raw)
{
	struct event ev;
	struct feed *f;
	int rv = event_parse(map, raw, &ev);

	if (rv != 0)
		return rv;
	f = feeds_get(fs, ev.ns, ev.service);
	rv = f != NULL ? feed_take(f, &ev) : 0;
	return rv != 0 ? rv : feeds_take_raw(fs, &ev, map);
}

/* ---- the link ---- */

void feeds_link_up(struct feeds *fs, bool other_cluster)
{
	struct list *it, *tmp;

	fs->link_lost = false;
	list_each(&fs->all, it, tmp) {
		struct feed *f = container_of(it, struct feed, node);

		if (f->state == FEED_REFUSED)
			feed_move(f, FEED_WANTED);
		if (other_cluster)
			model_restart(&f->model);
		f->ask_all |= other_cluster;
	}
	feeds_ask_wanted(fs);
}

/* Requests in flight have ended already. */
void feeds_link_down(struct feeds *fs)
{
	struct list *it, *tmp;

	timer_cancel(&fs->retry);
	list_each(&fs->all, it, tmp) {
		struct feed *f = container_of(it, struct feed, node);

		f->came_back = false;
		if (f->state != FEED_WANTED)
			feed_move(f, FEED_WANTED);
	}
}

/* For tools, which see the raw events only. */
static void feeds_tell_raw_lost(struct feeds *fs)
{
	struct svcd_value *event = svcd_value_new_map();
	struct list *it, *tmp;
	int rv;

	rv = svcd_value_set_str(event, "kind", "lost");
	if (rv == 0)
		rv = svcd_value_set_str(event, "text", fs->calls->link->trouble.text);
	list_each(&fs->all, it, tmp) {
		struct feed *f = container_of(it, struct feed, node);

		if (rv == 0 && f->is_raw)
			feed_tell_raw(f, event);
	}
	svcd_value_free(event);
}

void feeds_link_lost(struct feeds *fs)
{
	struct list *it, *tmp;

	list_each(&fs->all, it, tmp) {
		struct feed *f = container_of(it, struct feed, node);

		f->fault = fs->calls->link->trouble;
		feed_lose(f);
	}
	if (!fs->link_lost)
		feeds_tell_raw_lost(fs);
	fs->link_lost = true;
}

/* What came with the answer has been taken by now: if nothing did, nothing had changed. */
void feeds_idle(struct feeds *fs)
{
	struct list *it, *tmp;

	list_each(&fs->all, it, tmp) {
		struct feed *f = container_of(it, struct feed, node);

		if (!f->came_back)
			continue;
		f->came_back = false;
		f->is_lost = false;
		if (f->set == NULL)
			continue;
		feed_change_source(f, fs->calls->link->head.source);
		feed_tell(f, SVCD_WATCH_BACK);
	}
}

/* ---- handles ---- */

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

static struct feed *feed_new(struct feeds *fs, bool is_raw, const char *ns, const char *name)
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
	if (f->name == NULL || (ns != NULL && f->ns == NULL) || (!is_raw && f->key == NULL) ||
		(!is_raw && map_put(&fs->by_key, f) != 0)) {
		feed_free(f);
		return NULL;
	}
	list_push(&fs->all, &f->node);
	fs->n_raw += is_raw;
	return f;
}

static struct feed *feeds_find_raw(struct feeds *fs, const char *ns, const char *prefix)
{
	struct list *it, *tmp;

	list_each(&fs->all, it, tmp) {
		struct feed *f = container_of(it, struct feed, node);
		bool same_ns = ns == NULL || f->ns == NULL ? ns == f->ns : strcmp(ns, f->ns) == 0;

		if (f->is_raw && same_ns && strcmp(f->name, prefix) == 0)
			return f;
	}
	return NULL;
}

static struct feed *feeds_find_for(struct feeds *fs, const struct svcd_watch *w)
{
	return w->is_raw ? feeds_find_raw(fs, w->ns, w->name) :
			   feeds_get(fs, bytes_str(w->ns), bytes_str(w->name));
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

int feeds_open(struct feeds *fs, struct svcd_watch *w)
{
	struct feed *f = feeds_find_for(fs, w);
	bool is_new = f == NULL;

	if (is_new)
		f = feed_new(fs, w->is_raw, w->ns, w->name);
	if (f == NULL)
		return SVCD_ENOMEM;
	w->feed = f;
	list_push(&f->handles, &w->node);
	watch_join(w, f);
	feed_begin(f, is_new);
	return 0;
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
	map_init(&fs->by_key, feed_map_key);
	return timer_init(&fs->retry, calls->link->loop, feeds_on_retry, fs);
}

void feeds_fini(struct feeds *fs)
{
	if (fs->calls == NULL)
		return;
	while (!list_empty(&fs->all)) {
		struct feed *f = container_of(fs->all.next, struct feed, node);

		while (!list_empty(&f->handles)) {
			struct svcd_watch *w = container_of(f->handles.next, struct svcd_watch, node);

			list_remove(&w->node);
			watch_free(w);
		}
		feed_free(f);
	}
	timer_fini(&fs->retry);
	map_fini(&fs->by_key);
}
