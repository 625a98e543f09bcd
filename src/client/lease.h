/*
 * A lease: granted once there is somebody to hold it for, renewed when the server said,
 * granted anew when it was lost. Whether it is lost is the server's to say, never our
 * clock's: its leases stop ageing while it cannot serve. On the loop's thread.
 */
#ifndef SVCD_CLIENT_LEASE_H
#define SVCD_CLIENT_LEASE_H

#include "client/call.h"

enum lease_state {
	LEASE_NONE,
	LEASE_GRANTING, /* the grant is in flight */
	LEASE_HELD,     /* confirmed on this connection */
	LEASE_UNSURE,   /* was held on a connection that ended; a renewal will tell */
	LEASE_STATES
};

enum lease_news {
	LEASE_IS_HELD,    /* granted, or confirmed on a new connection */
	LEASE_IS_RENEWED, /* as planned */
	LEASE_IS_UNSURE,
	LEASE_IS_LOST,
	LEASE_IS_REFUSED /* the server will not grant such a lease; fault says why */
};

struct lease;
typedef void lease_news_fn(
	struct lease *l, enum lease_news news, const struct svcd_fault *fault);

struct lease {
	struct list node; /* its owner's */
	void *owner;
	lease_news_fn *news;
	struct calls *calls;
	uint32_t ttl_ms; /* asked for; 0: the server's default */
	bool keep;       /* a closed connection does not end it */
	/* The owner's. When there is none the lease is not renewed any more. */
	struct list users;

	enum lease_state state;
	uint64_t id;          /* 0 in LEASE_NONE and LEASE_GRANTING */
	uint32_t interval_ms; /* between renewals */
	struct call *call;    /* grant or renewal in flight */
	struct timer timer;   /* next renewal, or next try to get it granted */
	struct backoff backoff;
};

/* Half-made is fine for lease_free. NULL: out of memory. */
struct lease *lease_new(struct calls *calls, uint32_t ttl_ms, bool keep,
	lease_news_fn *news, void *owner);
void lease_free(struct lease *l); /* users is empty; NULL is fine */

void lease_want(struct lease *l); /* there is a user: gets it granted if it is not */
void lease_link_up(struct lease *l);
void lease_link_down(struct lease *l);               /* after calls_link_down */
void lease_is_unknown(struct lease *l, uint64_t id); /* a member said so of id */

#endif
