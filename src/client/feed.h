/*
 * Feeds: what the registry sends about one service (or about all with a prefix), once per
 * client, however many handles of the application watch it. A feed holds the last good
 * set and never gives it up for an error.
 *
 * On the loop's thread, but for the part of a handle that its gate and lock guard.
 */
#ifndef SVCD_CLIENT_FEED_H
#define SVCD_CLIENT_FEED_H

#include "client/call.h"
#include "client/gate.h"
#include "client/model.h"
#include "client/set.h"

enum feed_state {
	FEED_WANTED, /* to be asked for: at once, or when the link is ready */
	FEED_ASKED,  /* the request is in flight */
	FEED_LIVE,
	FEED_REFUSED, /* for good, on this connection */
	FEED_STATES
};

struct feed {
	struct list node; /* in feeds->all */
	struct feeds *owner;
	bool is_raw; /* a prefix; no model and no set */
	char *ns;    /* NULL: all (raw only) */
	char *name;  /* service, or prefix */
	char *key;   /* of the map: "ns/service" */
	enum feed_state state;
	struct call *call;
	struct list handles; /* struct svcd_watch */
	struct model model;
	struct set *set;         /* NULL before the first good one */
	bool ask_all;            /* the next request says that we know nothing */
	unsigned wrong;          /* digests that did not fit, one after the other */
	bool is_lost;            /* the handles were told so */
	bool came_back;          /* live again, and they were not told yet */
	struct svcd_fault fault; /* why it is not live; code 0 otherwise */
};

struct feeds {
	struct calls *calls;
	struct map by_key; /* those that are not raw */
	struct list all;
	struct list orphans; /* no memory for them; the timer tries again */
	size_t n_raw;
	struct timer retry; /* for orphans and for those in FEED_WANTED */
	bool link_lost;     /* no member could be reached; cleared when one is */
};

struct svcd_watch {
	struct mail open_mail;
	struct mail close_mail;
	struct svcd_client *client; /* for the public functions only */
	struct list node;           /* in feed->handles */
	struct feed *feed;
	bool is_raw;
	char *ns, *name;

	struct gate gate; /* of the callbacks */
	svcd_watch_fn *on_event;
	svcd_event_fn *on_raw;
	void *arg;

	/* Guards these two; held for as long as it takes to count a reference. */
	pthread_mutex_t lock;
	struct set *set;
	struct svcd_fault fault;
};

int feeds_init(struct feeds *fs, struct calls *calls); /* 0 or SVCD_ENOMEM */
void feeds_fini(struct feeds *fs); /* frees all handles; fine when zero-initialised */

void feeds_link_up(struct feeds *fs, bool other_cluster);
void feeds_link_down(struct feeds *fs); /* after calls_link_down */
void feeds_link_lost(struct feeds *fs); /* no member could be reached */
void feeds_idle(struct feeds *fs);      /* end of a round of the loop */

/* A watch event. Errors: the connection is not worth keeping. */
int feeds_take(struct feeds *fs, struct value map, struct bytes raw);

/* Takes w: it gets the set that is there at once. */
void feeds_open(struct feeds *fs, struct svcd_watch *w);
void feeds_close(struct feeds *fs, struct svcd_watch *w); /* frees it */

/* The last good set of a service that is watched, or NULL; borrowed. */
struct set *feeds_find(struct feeds *fs, const char *ns, const char *service);

void watch_free(struct svcd_watch *w); /* in no feed; also half-made */

#endif
