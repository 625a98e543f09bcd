/*
 * The watches of one worker: who watches which service, and what each has been told.
 *
 * A publication becomes one message per changed service, encoded once, sent to every
 * watcher that was told the revision before it and whose connection keeps up. All others
 * are only marked behind (no bytes): they get the difference to the newest state, or all
 * of it, from a read transaction when their connection has room again. So a watcher sees
 * revisions in order and without gaps, and one that stalls costs nothing (promise 4).
 *
 * Watching a prefix is watching each service that has it, and those that will come. A
 * watcher (one connection) has at most one watch of a service, whoever asked for it.
 *
 * Knows no sockets: it sends through struct watch_ops. One worker's; not shared.
 */
#ifndef SVCD_SERVER_WATCH_H
#define SVCD_SERVER_WATCH_H

#include "base/list.h"
#include "catalog/query.h"

struct watches;

/* One connection as a watcher; part of its session. */
struct watcher {
	struct list current; /* watches that were told everything */
	struct list behind;  /* watches that something is to be told */
	struct list prefixes;
	struct list attention; /* in the registry's list while something can be sent */
	uint32_t n;            /* what was asked for: names and prefixes */
	uint32_t mark;
};

struct watch_ops {
	size_t (*pending)(const struct watcher *w);          /* unsent bytes */
	void (*send)(struct watcher *w, struct bytes event); /* at once if possible */
	void (*put)(struct watcher *w, struct bytes event);  /* at the end of the round */
	void (*lost)(struct watcher *w); /* no memory to tell it: end it, but not now */
};

/* budget_bytes: unsent bytes beyond which a watcher is not sent more. members_max:
 * services watched by prefix, in all. NULL when out of memory. */
struct watches *watches_new(
	const struct watch_ops *ops, size_t budget_bytes, size_t members_max);
void watches_free(struct watches *ws); /* all watchers have ended */

void watcher_init(struct watcher *w);
void watcher_end(struct watches *ws, struct watcher *w); /* the connection is over */

/* A watch by name. has_rev: the client holds rev already (0: knows that there is none).
 * Repeated: starts anew from rev. SVCD_ENOMEM. */
int watch_service(struct watches *ws, struct watcher *w, const struct service_key *key,
	bool has_rev, uint64_t rev);
/* Everything in ns (all namespaces when empty) whose name begins with prefix.
 * SVCD_ENOMEM, SVCD_ELIMIT. */
int watch_prefix(struct watches *ws, struct watcher *w, struct tables *t, struct bytes ns,
	struct bytes prefix);
/* SVCD_ENOTFOUND */
int unwatch_service(struct watches *ws, struct watcher *w, const struct service_key *key);
int unwatch_prefix(
	struct watches *ws, struct watcher *w, struct bytes ns, struct bytes prefix);

/* The watcher has applied rev. */
void watch_ack(struct watches *ws, struct watcher *w, const struct service_key *key,
	uint64_t rev);

/* What just became visible; publications come in order. */
void watches_publish(struct watches *ws, const struct changes *c);

/* The state was replaced as a whole, it is t's now: everybody is told what differs from
 * what they were told, services that came and went included. */
void watches_reset(struct watches *ws, struct tables *t);

/* The connection has room again. */
void watcher_drained(struct watches *ws, struct watcher *w);

/* Tells those that are behind, as of t, at most max watchers. Called at the end of a
 * round, when what was put before has been offered to the sockets: a watcher over its
 * budget then waits for watcher_drained. */
bool watches_waiting(const struct watches *ws);
void watches_attend(struct watches *ws, struct tables *t, uint32_t max);

uint64_t watches_count(const struct watches *ws);
uint64_t watches_events_sent(const struct watches *ws);

/*
 * A running count of the watchers of a service, and of those that have applied rev.
 * on_change is called after each change of the counts, not for the first ones.
 */
struct tally {
	struct list node;
	void *service;
	uint64_t rev;
	uint32_t watchers, acked;
	void (*on_change)(struct tally *t);
};
int tally_begin(struct watches *ws, const struct service_key *key, uint64_t rev,
	struct tally *t); /* SVCD_ENOMEM */
void tally_end(struct watches *ws, struct tally *t);

void watches_check(const struct watches *ws); /* asserts the invariants; O(n), for tests
					       */

#endif
