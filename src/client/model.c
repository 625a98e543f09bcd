#include "client/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "client/raw.h"

/* Room for more items. */
static int draft_reserve(struct draft *d, size_t more)
{
	struct item **items;

	if (more <= d->cap - d->n && d->items != NULL)
		return 0;
	items = reallocarray(d->items, d->n + more + 1, sizeof(struct item *));
	if (items == NULL)
		return SVCD_ENOMEM;
	d->items = items;
	d->cap = d->n + more;
	return 0;
}

static void draft_fini(struct draft *d)
{
	for (size_t i = 0; i < d->n; i++)
		item_unref(d->items[i]);
	free(d->items);
	*d = (struct draft){0};
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
		memmove(&d->items[at + 1], &d->items[at],
			(d->n - at) * sizeof(struct item *));
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
	int rv = walk.left == n ? draft_reserve(d, n) : SVCD_EPROTOCOL;

	for (uint32_t i = 0; i < n && rv == 0; i++) {
		struct item *it;
		struct bytes id;

		rv = event_change(value_at(ev->list, i), raw_walk_next(&walk), &id, &it);
		if (rv == 0 && it != NULL)
			draft_put(d, it);
		else if (rv == 0)
			draft_remove(d, id);
	}
	return rv;
}

/* The items as they are, as what a delta changes. */
static int draft_init(struct draft *d, const struct model *m)
{
	*d = (struct draft){0};
	if (draft_reserve(d, m->n) != 0)
		return SVCD_ENOMEM;
	for (size_t i = 0; i < m->n; i++)
		d->items[i] = item_ref(m->items[i]);
	d->n = m->n;
	d->digest = m->digest;
	return 0;
}

/* Takes d. */
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

/* Takes d, the items after ev, or throws it away. */
static enum model_verdict model_advance(
	struct model *m, const struct event *ev, struct draft *d, bool trust)
{
	bool is_same = m->known && !m->missing && ev->rev == m->rev &&
		d->digest == m->digest;
	bool is_wrong = ev->has_digest && ev->digest != d->digest && !trust;

	if (is_wrong || is_same) {
		draft_fini(d);
		return is_wrong ? MODEL_WRONG : MODEL_SAME;
	}
	model_take(m, d, ev->rev);
	return ev->kind == EVENT_SNAPSHOT ? MODEL_SNAPSHOT : MODEL_CHANGE;
}

static void model_forget_parts(struct model *m)
{
	draft_fini(&m->parts);
	m->next_part = 0;
}

static int model_take_snapshot(
	struct model *m, const struct event *ev, bool trust, enum model_verdict *verdict)
{
	struct draft d;
	int rv;

	if (ev->rev < m->newest) {
		*verdict = MODEL_SAME;
		return 0;
	}
	if (ev->part == 0)
		model_forget_parts(m);
	if (ev->part != m->next_part || (ev->part > 0 && ev->rev != m->parts_rev)) {
		model_forget_parts(m);
		*verdict = MODEL_GAP;
		return 0;
	}
	rv = draft_apply(&m->parts, ev);
	if (rv != 0) {
		model_forget_parts(m);
		return rv;
	}
	if (ev->more) {
		m->parts_rev = ev->rev;
		m->next_part = ev->part + 1;
		*verdict = MODEL_PART;
		return 0;
	}
	d = m->parts;
	m->parts = (struct draft){0};
	m->next_part = 0;
	*verdict = model_advance(m, ev, &d, trust);
	return 0;
}

static int model_take_delta(
	struct model *m, const struct event *ev, enum model_verdict *verdict)
{
	struct draft d = {0};
	int rv = 0;

	if (ev->rev <= m->newest) {
		*verdict = MODEL_SAME;
		return 0;
	}
	if (ev->from != 0 && ev->from != m->rev) {
		*verdict = MODEL_GAP;
		return 0;
	}
	if (ev->from != 0)
		rv = draft_init(&d, m);
	if (rv == 0)
		rv = draft_apply(&d, ev);
	if (rv == 0)
		*verdict = model_advance(m, ev, &d, false);
	else
		draft_fini(&d);
	return rv;
}

static enum model_verdict model_take_missing(
	struct model *m, const struct event *ev, uint64_t member_rev)
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
	draft_fini(&m->parts);
	*m = (struct model){0};
}

void model_check(const struct model *m)
{
	uint64_t digest = 0;

	assert(m->rev <= m->newest);
	assert(!m->missing || (m->n == 0 && m->rev == 0));
	for (size_t i = 0; i < m->n; i++) {
		assert(i == 0 ||
			strcmp(m->items[i - 1]->view.id, m->items[i]->view.id) < 0);
		digest += m->items[i]->hash;
	}
	assert(digest == m->digest);
}
