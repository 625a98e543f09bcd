/*
 * Lookups on their way: svcd_resolve posts one and waits. When no member can be reached it ends with what is
 * known already: the set of a watch of the same service, else the last good answer to the same query.
 */
#ifndef SVCD_CLIENT_LOOKUP_H
#define SVCD_CLIENT_LOOKUP_H

#include "client/answers.h"
#include "client/call.h"
#include "client/feed.h"

struct lookups {
	struct calls *calls;
	struct feeds *feeds;
	struct answers answers;
	struct list open; /* those whose call is in flight */
};

void lookups_init(struct lookups *ls, struct calls *calls, struct feeds *feeds);
void lookups_fini(struct lookups *ls);       /* none is open; fine when zero-initialised */
void lookups_link_lost(struct lookups *ls);  /* no member could be reached */

#endif
