#include "client/feed.h"

#include <assert.h>

#include "client/feed_internal.h"
#include "client/value.h"
#include "wire/pack.h"

#define ASK_TIMEOUT_MS 10000
/* After so many digests in a row that do not fit, the snapshot is taken as it is. */
#define WRONG_MAX 2

/* May state a be followed by state b? */
static const bool legal[FEED_STATES][FEED_STATES] = {
	[FEED_WANTED] = {[FEED_ASKED] = true},
	[FEED_ASKED] = {[FEED_WANTED] = true, [FEED_LIVE] = true, [FEED_REFUSED] = true},
	[FEED_LIVE] = {[FEED_WANTED] = true},
	[FEED_REFUSED] = {[FEED_WANTED] = true},
};

void feed_move(struct feed *f, enum feed_state to)
{
	assert(legal[f->state][to]);
	f->state = to;
}

/* ---- asking ------------------------------------------------------------ */

void feed_lose(struct feed *f)
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
	f->is_lost = true;
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

static void feed_on_answer(
	void *arg, const struct svcd_fault *fault, const struct value *result)
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
		timer_set(&f->owner->retry, FEED_RETRY_MS);
}

uint32_t feed_pack_key(struct buf *b, const struct feed *f)
{
	pack_kv_cstr(b, f->is_raw ? "prefix" : "service", f->name);
	if (f->ns == NULL)
		return 1;
	pack_kv_cstr(b, "ns", f->ns);
	return 2;
}

void feed_ask(struct feed *f)
{
	struct call *c = call_new("watch", ASK_TIMEOUT_MS);

	if (c == NULL) {
		timer_set(&f->owner->retry, FEED_RETRY_MS);
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
	timer_set(&f->owner->retry, FEED_RETRY_MS);
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

void feeds_ask_wanted(struct feeds *fs)
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

/* ---- events ------------------------------------------------------------ */

static int feed_take_change(struct feed *f, enum svcd_watch_event event)
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
		return feed_take_change(f, SVCD_WATCH_SNAPSHOT);
	case MODEL_CHANGE:
		return feed_take_change(f, SVCD_WATCH_CHANGE);
	case MODEL_WRONG:
		f->wrong++;
		feed_ask_again(f);
		return 0;
	case MODEL_GAP:
		feed_ask_again(f);
		return 0;
	case MODEL_PART:
		return 0;
	case MODEL_SAME:
		f->ask_all &= ev->kind != EVENT_SNAPSHOT;
		feed_ack(f, ev->rev <= f->model.newest ? ev->rev : 0);
		return 0;
	}
	return 0;
}

static bool feed_covers(const struct feed *f, const struct event *ev)
{
	if (!f->is_raw)
		return false;
	if (ev->kind != EVENT_SYNCED &&
		!bytes_has_prefix(ev->service, bytes_str(f->name)))
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

/* ---- the link ---------------------------------------------------------- */

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

/* What came with the answer has been taken by now; if nothing did, all is as it was. */
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
