/*
 * What watch.c (who watches what), watch_prefix.c and watch_tell.c (telling them) share.
 * Not for other files.
 */
#ifndef SVCD_SERVER_WATCH_INTERNAL_H
#define SVCD_SERVER_WATCH_INTERNAL_H

#include "base/map.h"
#include "server/watch.h"

/* A service that is watched, or tallied; it need not exist. */
struct watched {
	struct list watches;
	struct list tallies;
	uint32_t mark; /* of the walk that saw it last */
	uint8_t ns_len, name_len;
	uint8_t key[]; /* as service_map_key */
};

struct prefix_watch {
	struct list node; /* in the registry's prefixes */
	struct list of_watcher;
	struct watcher *watcher;
	bool synced; /* it was told so */
	uint8_t ns_len, prefix_len;
	uint8_t text[]; /* namespace, prefix */
};

/* One of these per watcher and service: keep it small. */
struct watch {
	struct list of_service;
	struct list of_watcher; /* in its current (last told at the end) or its behind */
	struct watched *service;
	struct watcher *watcher;
	struct prefix_watch *prefix; /* that brought it; NULL when asked by name only */
	uint64_t sent; /* what it was told, or said to hold; 0: that there is none */
	uint64_t acked;
	bool told;   /* sent means something */
	bool behind; /* which list it is in */
	bool named;  /* asked by name */
};

struct watches {
	const struct watch_ops *ops;
	size_t budget;
	size_t members_max;
	struct map services;
	struct list prefixes;
	struct list attention;
	uint64_t n;       /* watches */
	uint64_t members; /* of them by prefix only */
	uint64_t events_sent;
	uint32_t mark;
	struct buf entries, message; /* scratch */
	struct watched *kept_of; /* whose snapshot is kept, for those who come together */
	uint64_t kept_rev;
	struct buf kept;
};

struct service_key watched_key(const struct watched *s);
struct watched *watched_find(const struct watches *ws, const struct service_key *key);
struct watched *watched_get(struct watches *ws, const struct service_key *key); /* made if
										   need be
										 */
void watched_release(struct watches *ws, struct watched *s); /* freed when nobody needs it
							      */

struct watch *watch_attach(struct watches *ws, struct watcher *w, struct watched *s,
	struct prefix_watch *prefix);
void watch_detach(struct watches *ws, struct watch *w); /* s is not released */
void watch_set_behind(struct watches *ws, struct watch *w, bool behind);

/* watch_prefix.c */
bool prefix_matches(const struct prefix_watch *p, const struct service_key *key);
void prefix_free(struct prefix_watch *p);
/* Joins all services of t that p asks for and has not. 0, SVCD_ENOMEM, SVCD_ELIMIT … */
int prefix_catch_up(struct watches *ws, struct prefix_watch *p, struct tables *t);

#endif
