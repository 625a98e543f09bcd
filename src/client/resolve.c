/* svcd_resolve: the side of the thread that asks and waits. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/client.h"
#include "client/query.h"

/* The library's thread answers at the deadline; this is for when it is busy. */
#define GRACE_MS 1000

static struct lookup *lookup_new(
	struct lookups *ls, const struct svcd_query *q, uint32_t timeout_ms)
{
	struct lookup *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->mail.deliver = lookup_start;
	k->owner = ls;
	k->limit = q->limit;
	k->min_revision = q->min_revision;
	k->deadline_ms = clock_now_ms() + timeout_ms;
	k->ns = strdup(q->ns != NULL ? q->ns : QUERY_DEFAULT_NS);
	k->service = strdup(q->service);
	k->n_query = query_pack(&k->query, q);
	if (k->ns != NULL && k->service != NULL && k->query.error == 0)
		return k;
	lookup_free(k);
	return NULL;
}

/* Takes k. What was known before is narrowed to what is asked. */
static int lookup_finish(
	struct lookup *k, const struct svcd_query *q, const struct svcd_set **out)
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
static struct lookup *lookup_wait(struct svcd_client *client, struct lookup *k,
	uint32_t timeout_ms, struct svcd_fault *fault)
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

int svcd_resolve(struct svcd_client *client, const struct svcd_query *query,
	uint32_t timeout_ms, const struct svcd_set **set, struct svcd_fault *fault)
{
	struct svcd_fault f = {0};
	struct lookup *k;
	int rv;

	if (!client_can_wait(client) || query == NULL || set == NULL ||
		!query_is_sound(query))
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
