#include "client/lookup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/client.h"
#include "client/query.h"
#include "client/waiter.h"
#include "wire/pack.h"

#define GRACE_MS 1000 /* the library's thread answers at the deadline; this is for when it is busy */

/* The loop's thread owns it until it is said to the waiter, who gets it as the result. */
struct lookup {
	struct mail mail;
	struct list node; /* in lookups->open */
	struct lookups *owner;
	struct waiter *waiter;
	struct call *call;   /* not submitted yet */
	struct call *flying; /* submitted */
	struct buf query;    /* what is asked, as the key of the answer */
	char *ns, *service;
	uint64_t min_revision;
	struct set *set;
	bool is_known; /* set was known before, and is not yet narrowed to the query */
};

static void lookup_free(void *arg)
{
	struct lookup *k = arg;

	if (k == NULL)
		return;
	assert(k->flying == NULL);
	svcd_set_unref(k->set != NULL ? &k->set->pub : NULL);
	call_free(k->call);
	buf_fini(&k->query);
	free(k->ns);
	free(k->service);
	free(k);
}

/* fault NULL: k->set is the answer. */
static void lookup_end(struct lookup *k, const struct svcd_fault *fault)
{
	struct waiter *w = k->waiter;

	list_remove(&k->node);
	if (fault != NULL)
		lookup_free(k);
	waiter_say(w, fault, fault == NULL ? k : NULL);
	waiter_unref(w);
}

/* ---- the answer ---- */

/* What resolve returns. */
struct wire_answer {
	uint64_t service_rev;
	struct bytes presence;
	struct value instances;
};

#define ROW(field, kind) {#field, kind, offsetof(struct wire_answer, field), false, 0, 0}
static const struct field rows[] = {
	ROW(service_rev, FIELD_U64),
	ROW(presence, FIELD_TEXT),
	ROW(instances, FIELD_ARRAY),
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

static void items_drop(struct item **items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		item_unref(items[i]);
	free(items);
}

/* Every element of list as an item. */
static int items_take(struct value list, struct item ***out)
{
	struct item **items = calloc((size_t)list.n + 1, sizeof(struct item *));
	int rv = items != NULL ? 0 : SVCD_ENOMEM;

	for (uint32_t i = 0; i < list.n && rv == 0; i++)
		rv = item_new(value_at(list, i), BYTES_NONE, &items[i]);
	if (rv == 0)
		*out = items;
	else if (items != NULL)
		items_drop(items, list.n);
	return rv;
}

/* The member has left out what was not asked for, so all is shown. */
static int lookup_make_set(struct lookup *k, const struct wire_answer *w, enum svcd_presence presence)
{
	const struct link *link = k->owner->calls->link;
	struct set_head head = {
		.ns = k->ns,
		.service = k->service,
		.revision = w->service_rev,
		.age_ms = link->head.age_ms, /* of this answer: it is the newest */
		.source = link->head.source,
		.presence = presence,
		.now_ms = loop_now_ms(link->loop),
		.all_states = true,
	};
	struct item **items = NULL;
	uint32_t n = w->instances.type == VALUE_ARRAY ? w->instances.n : 0;
	int rv = n > 0 ? items_take(w->instances, &items) : 0;

	if (rv != 0)
		return rv;
	k->set = set_new(&head, items, n);
	items_drop(items, n);
	return k->set != NULL ? 0 : SVCD_ENOMEM;
}

static int lookup_take_answer(struct lookup *k, const struct value *result)
{
	struct wire_answer w = {0};

	if (fields_decode(*result, rows, sizeof(rows) / sizeof(rows[0]), &w, NULL, "", NULL) != 0)
		return SVCD_EPROTOCOL;
	return lookup_make_set(k, &w, presence_of(w.presence, w.instances.n));
}

/* ---- in its place ---- */

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

static void lookup_on_answer(void *arg, const struct svcd_fault *fault, const struct value *result)
{
	struct lookup *k = arg;
	struct wire_answer nothing = {0};
	struct svcd_fault ours;
	int rv = fault != NULL ? fault->code : lookup_take_answer(k, result);

	k->flying = NULL;
	if (rv == SVCD_ENOSERVICE)
		rv = lookup_make_set(k, &nothing, SVCD_NO_SERVICE);
	if (rv == 0) {
		answers_put(&k->owner->answers, buf_bytes(&k->query), k->set);
		lookup_end(k, NULL);
		return;
	}
	if (fault == NULL) {
		fault_set(&ours, rv, "resolve: %s", err_text(rv));
		fault = &ours;
	}
	if (!is_absence(rv) || !lookup_fall_back(k))
		lookup_end(k, fault);
}

static void lookup_start(struct mail *m)
{
	struct lookup *k = container_of(m, struct lookup, mail);
	struct lookups *ls = k->owner;
	struct svcd_fault fault;
	int rv;

	if (ls->feeds->link_lost && lookup_fall_back(k))
		return;
	list_push(&ls->open, &k->node);
	k->flying = k->call;
	k->call = NULL;
	rv = calls_submit(ls->calls, k->flying);
	if (rv == 0)
		return;
	k->flying = NULL;
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

/* ---- the caller's thread ---- */

static void lookup_pack(struct lookup *k, const struct svcd_query *q, uint32_t timeout_ms)
{
	struct call *c = k->call;

	c->n_params = query_pack(&c->params, q);
	buf_put_bytes(&k->query, buf_bytes(&c->params));
	if (q->min_revision == 0)
		return;
	pack_kv_u64(&c->params, "min_rev", q->min_revision);
	pack_kv_u64(&c->params, "wait_ms", timeout_ms);
	c->n_params += 2;
}

static struct lookup *lookup_new(struct lookups *ls, const struct svcd_query *q, uint32_t timeout_ms)
{
	struct lookup *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->mail.deliver = lookup_start;
	k->owner = ls;
	k->min_revision = q->min_revision;
	k->ns = strdup(q->ns != NULL ? q->ns : QUERY_DEFAULT_NS);
	k->service = strdup(q->service);
	k->call = call_new("resolve", timeout_ms);
	if (k->call != NULL) {
		k->call->done = lookup_on_answer;
		k->call->arg = k;
		lookup_pack(k, q, timeout_ms);
	}
	if (k->call != NULL && k->ns != NULL && k->service != NULL && k->query.error == 0 &&
		k->call->params.error == 0)
		return k;
	lookup_free(k);
	return NULL;
}

/* Takes k. What was known before is narrowed to what is asked. */
static int lookup_finish(struct lookup *k, const struct svcd_query *q, const struct svcd_set **out)
{
	struct set *s = k->set;

	if (k->is_known)
		s = set_query(k->set, q, clock_now_ms());
	else
		svcd_set_ref(&s->pub);
	lookup_free(k);
	if (s == NULL)
		return SVCD_ENOMEM;
	*out = &s->pub;
	return 0;
}

/* Posts it and waits; a lookup or NULL with fault filled. */
static struct lookup *lookup_wait(struct svcd_client *client, struct lookup *k, uint32_t timeout_ms,
	struct svcd_fault *fault)
{
	struct waiter *w = waiter_new(lookup_free);
	void *result = NULL;

	if (w == NULL) {
		lookup_free(k);
		fault_code(fault, SVCD_ENOMEM);
		return NULL;
	}
	k->waiter = w;
	client_post(client, &k->mail);
	waiter_wait(w, (uint64_t)timeout_ms + GRACE_MS, &result, fault);
	waiter_unref(w);
	return result;
}

int svcd_resolve(struct svcd_client *client, const struct svcd_query *query, uint32_t timeout_ms,
	const struct svcd_set **set, struct svcd_fault *fault)
{
	struct svcd_fault f = {0};
	struct lookup *k;
	int rv;

	if (!client_can_wait(client) || query == NULL || set == NULL || !query_is_sound(query))
		return fault_code(fault, SVCD_EINVAL);
	timeout_ms = timeout_ms != 0 ? timeout_ms : client->request_timeout_ms;
	k = lookup_new(&client->lookups, query, timeout_ms);
	if (k == NULL)
		return fault_code(fault, SVCD_ENOMEM);
	k = lookup_wait(client, k, timeout_ms, &f);
	if (k == NULL) {
		fault_copy(fault, &f);
		return f.code;
	}
	rv = lookup_finish(k, query, set);
	return rv != 0 ? fault_code(fault, rv) : 0;
}
