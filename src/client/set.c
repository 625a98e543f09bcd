#include "client/set.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *set_put_text(char **at, const char *text)
{
	char *start = *at;

	*at = stpcpy(start, text) + 1;
	return start;
}

/* Puts the items in the order of their ranks; the number of usable ones. */
static size_t set_take_items(struct set *s, struct item *const *items, size_t n)
{
	size_t usable = 0;
	size_t at = 0;

	for (enum item_rank rank = RANK_UP; rank < RANKS; rank++) {
		if (rank == RANK_OTHER)
			usable = at;
		for (size_t i = 0; i < n; i++)
			if (items[i]->rank == rank)
				s->items[at++] = item_ref(items[i]);
	}
	return usable;
}

static void set_fill_views(struct set *s)
{
	for (size_t i = 0; i < s->n_items; i++) {
		s->views[i] = s->items[i]->view;
		s->views[i].ns = s->pub.ns;
		s->views[i].service = s->pub.service;
	}
}

struct set *set_new(const struct set_head *head, struct item *const *items, size_t n)
{
	size_t views = n * sizeof(struct svcd_instance);
	size_t pointers = n * sizeof(struct item *);
	size_t texts = strlen(head->ns) + strlen(head->service) + 2;
	struct set *s = malloc(sizeof(*s) + views + pointers + texts);
	size_t usable;
	char *at;

	if (s == NULL)
		return NULL;
	at = (char *)&s->views[n];
	*s = (struct set){.arrived_ms = head->now_ms,
		.n_items = n,
		.items = (struct item **)(void *)at};
	atomic_init(&s->refs, 1);
	at += pointers;
	s->pub.ns = set_put_text(&at, head->ns);
	s->pub.service = set_put_text(&at, head->service);
	s->pub.revision = head->revision;
	s->pub.age_ms = head->age_ms;
	s->pub.source = head->source;
	s->pub.presence = head->presence;
	usable = set_take_items(s, items, n);
	set_fill_views(s);
	s->pub.instances = s->views;
	s->pub.n_instances = head->all_states ? n : usable;
	return s;
}

struct set_head set_head_of(const struct set *s, uint64_t now_ms)
{
	return (struct set_head){
		.ns = s->pub.ns,
		.service = s->pub.service,
		.revision = s->pub.revision,
		.age_ms = s->pub.age_ms + (now_ms - s->arrived_ms),
		.source = s->pub.source,
		.presence = s->pub.presence,
		.now_ms = now_ms,
	};
}

const struct svcd_set *svcd_set_ref(const struct svcd_set *set)
{
	if (set != NULL)
		atomic_fetch_add_explicit(&set_of(set)->refs, 1, memory_order_relaxed);
	return set;
}

void svcd_set_unref(const struct svcd_set *set)
{
	struct set *s = set != NULL ? set_of(set) : NULL;

	if (s == NULL ||
		atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < s->n_items; i++)
		item_unref(s->items[i]);
	free(s);
}

enum svcd_presence set_presence(struct item *const *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (item_is_usable(items[i]))
			return SVCD_PRESENT;
	return n > 0 ? SVCD_NONE_HEALTHY : SVCD_NO_INSTANCES;
}

/* ---- queries ----------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

static bool has_tag(const struct svcd_instance *in, const char *tag)
{
	for (size_t i = 0; i < in->n_tags; i++)
		if (same_text(in->tags[i], tag))
			return true;
	return false;
}

static bool has_meta(const struct svcd_instance *in, const struct svcd_pair *pair)
{
	for (size_t i = 0; i < in->n_meta; i++)
		if (same_text(in->meta[i].key, pair->key))
			return same_text(in->meta[i].value, pair->value);
	return false;
}

/* All that a query asks but the state. */
static bool matches(const struct svcd_instance *in, const struct svcd_query *q)
{
	if (q->version != NULL && !same_text(in->version, q->version))
		return false;
	if (q->zone != NULL && !same_text(in->zone, q->zone))
		return false;
	for (size_t i = 0; i < q->n_tags; i++)
		if (!has_tag(in, q->tags[i]))
			return false;
	for (size_t i = 0; i < q->n_meta; i++)
		if (!has_meta(in, &q->meta[i]))
			return false;
	return true;
}

/* Collects what q shows of s; *others: how many match but for their state. */
static size_t pick(const struct set *s, const struct svcd_query *q, struct item **out,
	size_t *others)
{
	size_t n = 0;

	*others = 0;
	for (size_t i = 0; i < s->n_items; i++) {
		if (!matches(&s->items[i]->view, q))
			continue;
		if (item_is_usable(s->items[i]) || q->all_states)
			out[n++] = s->items[i];
		else
			++*others;
	}
	return n;
}

struct set *set_query(const struct set *s, const struct svcd_query *q, uint64_t now_ms)
{
	struct item **found = calloc(s->n_items + 1, sizeof(struct item *));
	struct set_head head = set_head_of(s, now_ms);
	struct set *answer;
	size_t others;
	size_t n;

	if (found == NULL)
		return NULL;
	n = pick(s, q, found, &others);
	if (n > 0)
		head.presence = SVCD_PRESENT;
	else if (s->n_items > 0)
		head.presence = others > 0 ? SVCD_NONE_HEALTHY : SVCD_NONE_MATCH;
	if (q->limit > 0 && n > q->limit)
		n = q->limit;
	head.source = SVCD_FROM_CACHE;
	head.all_states = q->all_states;
	answer = set_new(&head, found, n);
	free(found);
	return answer;
}
