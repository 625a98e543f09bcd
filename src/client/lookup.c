#include "client/lookup.h"

#include <assert.h>
#include <stdlib.h>

#include "wire/pack.h"

#define PAGES_MAX 1000

void lookup_free(void *arg)
{
	struct lookup *k = arg;

	if (k == NULL)
		return;
	svcd_set_unref(k->set != NULL ? &k->set->pub : NULL);
	for (size_t i = 0; i < k->n_items; i++)
		item_unref(k->items[i]);
	free(k->items);
	buf_fini(&k->query);
	free(k->ns);
	free(k->service);
	free(k);
}

/* fault NULL: k->set is the answer. */
static void lookup_end(struct lookup *k, const struct svcd_fault *fault)
{
	struct waiter *w = k->waiter;

	assert(k->flying == NULL);
	list_remove(&k->node);
	if (fault != NULL)
		lookup_free(k);
	waiter_say(w, fault, fault == NULL ? k : NULL);
	waiter_unref(w);
}

/* ---- the answer -------------------------------------------------------- */

/* What resolve returns. */
struct wire_answer {
	uint64_t service_rev;
	struct bytes presence;
	struct value instances;
	struct bytes next;
};

#define ROW(field, kind) \
	{ \
#field, kind, offsetof(struct wire_answer, field), false, 0, 0 \
	}
static const struct field rows[] = {
	ROW(service_rev, FIELD_U64),
	ROW(presence, FIELD_TEXT),
	ROW(instances, FIELD_ARRAY),
	ROW(next, FIELD_TEXT),
};
#undef ROW

static enum svcd_presence presence_of(struct bytes name, size_t n)
{
	static const char *const names[] = {
		[SVCD_PRESENT] = "present",
		[SVCD_NONE_MATCH] = "none_match",
		[SVCD_NONE_HEALTHY] = "none_healthy",
		[SVCD_NO_INSTANCES] = "no_instances",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (bytes_eq_str(name, names[i]))
			return (enum svcd_presence)i;
	return n > 0 ? SVCD_PRESENT : SVCD_NONE_MATCH;
}

/* Adds a page. */
static int lookup_take_items(struct lookup *k, struct value list)
{
	uint32_t n = list.type == VALUE_ARRAY ? list.n : 0;
	struct item **items = reallocarray(
		k->items, k->n_items + n + 1, sizeof(struct item *));
	int rv = 0;

	if (items == NULL)
		return SVCD_ENOMEM;
	k->items = items;
	for (uint32_t i = 0; i < n && rv == 0; i++) {
		rv = item_new(value_at(list, i), BYTES_NONE, &items[k->n_items]);
		if (rv == 0)
			k->n_items++;
	}
	return rv;
}

/* The member has left out what was not asked for, so all is shown. */
static int lookup_make_set(struct lookup *k)
{
	const struct link *link = k->owner->calls->link;
	struct set_head head = {
		.ns = k->ns,
		.service = k->service,
		.revision = k->revision,
		.age_ms = link->head.age_ms, /* of this answer: it is the newest */
		.source = link->head.source,
		.presence = k->presence,
		.now_ms = loop_now_ms(link->loop),
		.all_states = true,
	};

	size_t n = k->limit != 0 && k->n_items > k->limit ? k->limit : k->n_items;

	k->set = set_new(&head, k->items, n);
	return k->set != NULL ? 0 : SVCD_ENOMEM;
}

static bool lookup_wants_more(const struct lookup *k, const struct wire_answer *w)
{
	return w->next.len > 0 && k->pages < PAGES_MAX &&
		(k->limit == 0 || k->n_items < k->limit);
}

/* Asks for a page, the first or the one after an id. */
static int lookup_ask(struct lookup *k, struct bytes after);

/* 0: the answer is complete. SVCD_EAGAIN: a further page is on its way. */
static int lookup_take_page(struct lookup *k, const struct value *result)
{
	struct wire_answer w = {0};
	int rv;

	if (fields_decode(*result, rows, sizeof(rows) / sizeof(rows[0]), &w, NULL, "",
		    NULL) != 0)
		return SVCD_EPROTOCOL;
	rv = lookup_take_items(k, w.instances);
	if (rv != 0)
		return rv;
	if (k->pages++ == 0) {
		k->revision = w.service_rev;
		k->presence = presence_of(w.presence, k->n_items);
	}
	if (!lookup_wants_more(k, &w))
		return lookup_make_set(k);
	rv = lookup_ask(k, w.next);
	return rv == 0 ? SVCD_EAGAIN : rv;
}

static int lookup_take_missing(struct lookup *k)
{
	k->presence = SVCD_NO_SERVICE;
	return lookup_make_set(k);
}

/* ---- in its place ------------------------------------------------------ */

static struct set *lookup_find_known(const struct lookup *k)
{
	struct set *s = feeds_find(k->owner->feeds, k->ns, k->service);

	if (s == NULL)
		s = answers_get(&k->owner->answers, buf_bytes(&k->query));
	if (s == NULL || (k->min_revision != 0 && s->pub.revision < k->min_revision))
		return NULL;
	return s;
}

/* True when there was something, and k is ended. */
static bool lookup_fall_back(struct lookup *k)
{
	struct set *known = lookup_find_known(k);

	if (known == NULL)
		return false;
	if (k->flying != NULL)
		calls_cancel(k->owner->calls, k->flying);
	k->flying = NULL;
	svcd_set_ref(&known->pub);
	k->set = known;
	k->is_known = true;
	lookup_end(k, NULL);
	return true;
}

void lookups_link_lost(struct lookups *ls)
{
	struct list *it, *tmp;

	list_each(&ls->open, it, tmp)
		lookup_fall_back(container_of(it, struct lookup, node));
}

/* Did no member answer at all? */
static bool is_absence(int code)
{
	return code == SVCD_ETIMEOUT || code == SVCD_EUNREACHABLE || code == SVCD_ECLOSED;
}

static void lookup_on_answer(
	void *arg, const struct svcd_fault *fault, const struct value *result)
{
	struct lookup *k = arg;
	struct svcd_fault ours;
	int rv;

	k->flying = NULL;
	if (fault == NULL)
		rv = lookup_take_page(k, result);
	else
		rv = fault->code == SVCD_ENOSERVICE ? lookup_take_missing(k)
						    : fault->code;
	if (rv == SVCD_EAGAIN && k->flying != NULL)
		return;
	if (rv == 0) {
		answers_put(&k->owner->answers, buf_bytes(&k->query), k->set);
		lookup_end(k, NULL);
		return;
	}
	if (fault == NULL || fault->code != rv) {
		fault_set(&ours, rv, "resolve: %s", err_text(rv));
		fault = &ours;
	}
	if (!is_absence(rv) || !lookup_fall_back(k))
		lookup_end(k, fault);
}

/* ---- the question ------------------------------------------------------ */

static void lookup_pack(
	const struct lookup *k, struct call *c, uint64_t wait_ms, struct bytes after)
{
	pack_raw(&c->params, buf_bytes(&k->query));
	c->n_params = k->n_query;
	if (k->min_revision != 0) {
		pack_kv_u64(&c->params, "min_rev", k->min_revision);
		pack_kv_u64(&c->params, "wait_ms", wait_ms);
		c->n_params += 2;
	}
	if (after.len > 0) {
		pack_kv_str(&c->params, "after", after);
		c->n_params++;
	}
}

static int lookup_ask(struct lookup *k, struct bytes after)
{
	uint64_t now = loop_now_ms(k->owner->calls->link->loop);
	uint64_t left_ms = k->deadline_ms > now ? k->deadline_ms - now : 1;
	struct call *c = call_new("resolve", (uint32_t)left_ms);
	int rv;

	if (c == NULL)
		return SVCD_ENOMEM;
	c->done = lookup_on_answer;
	c->arg = k;
	/* The member's "not yet" shall come before our own deadline. */
	lookup_pack(k, c, left_ms - left_ms / 8, after);
	k->flying = c;
	rv = calls_submit(k->owner->calls, c);
	if (rv != 0)
		k->flying = NULL;
	return rv;
}

void lookup_start(struct mail *m)
{
	struct lookup *k = container_of(m, struct lookup, mail);
	struct lookups *ls = k->owner;
	struct svcd_fault fault;
	int rv;

	if (ls->feeds->link_lost && lookup_fall_back(k))
		return;
	list_push(&ls->open, &k->node);
	rv = lookup_ask(k, BYTES_NONE);
	if (rv == 0)
		return;
	fault_code(&fault, rv);
	lookup_end(k, &fault);
}

void lookups_init(struct lookups *ls, struct calls *calls, struct feeds *feeds)
{
	*ls = (struct lookups){.calls = calls, .feeds = feeds};
	answers_init(&ls->answers);
	list_init(&ls->open);
}

void lookups_fini(struct lookups *ls)
{
	if (ls->calls == NULL)
		return;
	assert(list_empty(&ls->open));
	answers_fini(&ls->answers);
}
