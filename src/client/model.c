#include "client/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "client/raw.h"

/* The items as they will be; becomes the model's or is thrown away. */
struct draft {
	struct item **items;
	size_t n;
	size_t cap;
	uint64_t digest;
};

static int draft_init(struct draft *d, size_t cap)
{
	*d = (struct draft){.cap = cap};
	d->items = calloc(cap + 1, sizeof(struct item *));
	return d->items != NULL ? 0 : SVCD_ENOMEM;
}

static void draft_fini(struct draft *d)
{
	for (size_t i = 0; i < d->n; i++)
		item_unref(d->items[i]);
	free(d->items);
}

/* Where id is, or would be. */
static size_t draft_find(const struct draft *d, struct bytes id, bool *found)
{
	size_t low = 0;
	size_t high = d->n;

	*found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = bytes_cmp(bytes_str(d->items[mid]->view.id), id);

		if (order == 0) {
			*found = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Takes it. */
static void draft_put(struct draft *d, struct item *it)
{
	bool found;
	size_t at = draft_find(d, bytes_str(it->view.id), &found);

	d->digest += it->hash;
	if (found) {
		d->digest -= d->items[at]->hash;
		item_unref(d->items[at]);
	} else {
		assert(d->n < d->cap);
		memmove(&d->items[at + 1], &d->items[at], (d->n - at) * sizeof(struct item *));
		d->n++;
	}
	d->items[at] = it;
}

static void draft_remove(struct draft *d, struct bytes id)
{
	bool found;
	size_t at = draft_find(d, id, &found);

	if (!found)
		return;
	d->digest -= d->items[at]->hash;
	item_unref(d->items[at]);
	d->n--;
	memmove(&d->items[at], &d->items[at + 1], (d->n - at) * sizeof(struct item *));
}

static int draft_apply(struct draft *d, const struct event *ev)
{
	struct raw_walk walk = raw_walk_array(ev->raw_list);
	uint32_t n = ev->list.type == VALUE_ARRAY ? ev->list.n : 0;

	if (walk.left != n)
		return SVCD_EPROTOCOL;
	for (uint32_t i = 0; i < n; i++) {
		struct item *it;
		struct bytes id;
		int rv = event_change(value_at(ev->list, i), raw_walk_next(&walk), &id, &it);

		if (rv != 0)
			return rv;
		if (it != NULL)
			draft_put(d, it);
		else
			draft_remove(d, id);
	}
	return 0;
}

static int draft_init_from(struct draft *d, const struct model *m, const struct event *ev)
{
	size_t old = ev->kind == EVENT_DELTA && ev->from != 0 ? m->n : 0;

	if (draft_init(d, old + ev->list.n) != 0)
		return SVCD_ENOMEM;
	for (size_t i = 0; i < old; i++)
		d->items[i] = item_ref(m->items[i]);
	d->n = old;
	d->digest = old > 0 ? m->digest : 0;
	return 0;
}

static void model_take(struct model *m, struct draft *d, uint64_t rev)
{
	struct draft old = {.items = m->items, .n = m->n};

	m->items = d->items;
	m->n = d->n;
	m->digest = d->digest;
	m->rev = rev;
	m->newest = rev > m->newest ? rev : m->newest;
	m->known = true;
	m->missing = false;
	draft_fini(&old);
}

/* The whole of a snapshot or delta that is known to fit. */
static int model_advance(struct model *m, const struct event *ev, bool trust,
	enum model_verdict *verdict)
{
	struct draft d;
	int rv = draft_init_from(&d, m, ev);

	if (rv != 0)
		return rv;
	rv = draft_apply(&d, ev);
	if (rv == 0 && ev->has_digest && ev->digest != d.digest && !trust)
		*verdict = MODEL_WRONG;
	else if (rv == 0 && m->known && !m->missing && ev->rev == m->rev && d.digest == m->digest)
		*verdict = MODEL_SAME;
	else if (rv == 0) {
		model_take(m, &d, ev->rev);
		*verdict = ev->kind == EVENT_SNAPSHOT ? MODEL_SNAPSHOT : MODEL_CHANGE;
		return 0;
	}
	draft_fini(&d);
	return rv;
}

static int model_take_snapshot(struct model *m, const struct event *ev, bool trust,
	enum model_verdict *verdict)
{
	if (ev->rev < m->newest) {
		*verdict = MODEL_SAME;
		return 0;
	}
	return model_advance(m, ev, trust, verdict);
}

static int model_take_delta(struct model *m, const struct event *ev, enum model_verdict *verdict)
{
	if (ev->rev <= m->newest) {
		*verdict = MODEL_SAME;
		return 0;
	}
	if (ev->from != 0 && ev->from != m->rev) {
		*verdict = MODEL_GAP;
		return 0;
	}
	return model_advance(m, ev, false, verdict);
}

static enum model_verdict model_take_missing(struct model *m, const struct event *ev,
	uint64_t member_rev)
{
	uint64_t newest = m->newest > ev->rev ? m->newest : ev->rev;

	if (m->known && m->missing)
		return MODEL_SAME;
	if (ev->rev < m->newest && member_rev < m->newest)
		return MODEL_SAME; /* the member has not come to what we know */
	model_fini(m);
	*m = (struct model){.known = true, .missing = true, .newest = newest};
	return MODEL_SNAPSHOT;
}

int model_apply(struct model *m, const struct event *ev, uint64_t member_rev, bool trust,
	enum model_verdict *verdict)
{
	switch (ev->kind) {
	case EVENT_SNAPSHOT:
		return model_take_snapshot(m, ev, trust, verdict);
	case EVENT_DELTA:
		return model_take_delta(m, ev, verdict);
	case EVENT_NO_SERVICE:
		*verdict = model_take_missing(m, ev, member_rev);
		return 0;
	default:
		*verdict = MODEL_SAME;
		return 0;
	}
}

void model_restart(struct model *m)
{
	m->rev = 0;
	m->newest = 0;
}

void model_fini(struct model *m)
{
	struct draft d = {.items = m->items, .n = m->n};

	draft_fini(&d);
	*m = (struct model){0};
}

void model_check(const struct model *m)
{
	uint64_t digest = 0;

	assert(m->rev <= m->newest);
	assert(!m->missing || (m->n == 0 && m->rev == 0));
	for (size_t i = 0; i < m->n; i++) {
		assert(i == 0 || strcmp(m->items[i - 1]->view.id, m->items[i]->view.id) < 0);
		digest += m->items[i]->hash;
	}
	assert(digest == m->digest);
}
