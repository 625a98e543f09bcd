/*
 * What a watcher has been told so far, and what a new event means beside it. Pure.
 *
 * Events are those of svcd_watch_raw: snapshots and deltas of services, no_service,
 * synced, and the library's lost, after which everything comes again.
 */
#ifndef SVCCTL_KNOWN_H
#define SVCCTL_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "svcd.h"

struct known_instance {
	char *id, *state, *health, *admin, *address;
	uint64_t weight, tier, incarnation, rev;
	bool stale; /* not in the snapshot that is being read */
};

struct known_service {
	char *ns, *service;
	struct known_instance *instances; /* by id */
	size_t n;
	bool stale; /* not told again since the connection was lost */
};

struct known {
	struct known_service *services; /* by ns, then name */
	size_t n;
	bool synced; /* all that was there has been told */
};

enum happening_kind {
	HAPPENING_PRESENT,    /* was there before we came */
	HAPPENING_REGISTERED, /* a new one, or a new incarnation */
	HAPPENING_CHANGED,
	HAPPENING_REMOVED,
	HAPPENING_SERVICE_DELETED,
	HAPPENING_SYNCED,
	HAPPENING_LOST,
};

const char *happening_name(enum happening_kind kind); /* "present", "registered" … */

/* All is borrowed for the time of the call. */
struct happening {
	enum happening_kind kind;
	const char *ns, *service; /* NULL: synced, lost */
	const char *id;           /* NULL: of a service, synced, lost */
	uint64_t rev;
	const struct known_instance *before; /* NULL: it was not there */
	const struct known_instance *after;  /* NULL: it is not there any more */
	const struct svcd_value *instance;   /* as it was sent; NULL: there is none */
	const char *text; /* cause of a removal, trouble of a loss; "" otherwise */
};

typedef void happening_fn(void *arg, const struct happening *h);

/* Takes an event in and calls on_happening (may be NULL) for each thing that it means. */
void known_apply(struct known *k, const struct svcd_value *event,
	happening_fn *on_happening, void *arg);

/* NULL: not known (yet). */
const struct known_service *known_find(
	const struct known *k, const char *ns, const char *service);
const struct known_instance *known_find_instance(
	const struct known_service *s, const char *id);

void known_fini(struct known *k); /* zero-initialised is valid and empty */

#endif
