/*
 * Lookups on their way: svcd_resolve posts one and waits. When no member can be reached
 * it ends with what is known already: the set of a watch of the same service, else the
 * last good answer to the same query.
 */
#ifndef SVCD_CLIENT_LOOKUP_H
#define SVCD_CLIENT_LOOKUP_H

#include "client/answers.h"
#include "client/call.h"
#include "client/feed.h"
#include "client/waiter.h"

struct lookups {
	struct calls *calls;
	struct feeds *feeds;
	struct answers answers;
	struct list open; /* those whose call is in flight */
};

/* The loop's thread owns it until it is said to the waiter, who gets it as the result. */
struct lookup {
	struct mail mail;
	struct list node; /* in lookups->open */
	struct lookups *owner;
	struct waiter *waiter;
	struct call *flying; /* for a page of the answer */
	struct buf query;    /* what is asked, as the key of the answer */
	uint32_t n_query;    /* its entries */
	char *ns, *service;
	uint32_t limit;
	uint64_t min_revision;
	uint64_t deadline_ms;

	struct item **items; /* of the pages that came */
	size_t n_items;
	size_t pages;
	uint64_t revision; /* of the first page, like presence */
	enum svcd_presence presence;

	struct set *set;
	bool is_known; /* set was known before, and is not yet narrowed to the query */
};

/* The loop's thread. */
void lookups_init(struct lookups *ls, struct calls *calls, struct feeds *feeds);
void lookups_fini(struct lookups *ls);      /* none is open; fine when zero-initialised */
void lookups_link_lost(struct lookups *ls); /* no member could be reached */
void lookup_start(struct mail *m);          /* begins one that was posted */

/* Any thread; nothing is in flight. Also half-made; NULL is fine. */
void lookup_free(void *k);

#endif
