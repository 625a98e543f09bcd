/*
 * Host names to addresses, without holding up the loop.
 *
 * Numeric hosts and "localhost" are done at once by resolve_numeric. Other names are
 * asked of the system (getaddrinfo: hosts file, name servers, what nsswitch.conf says) by
 * a few helper threads, which are started when they are needed. A thread that waits for a
 * dead name server cannot be stopped; the resolver can be freed all the same, and what
 * the thread brings afterwards is thrown away. Nothing is cached.
 */
#ifndef SVCD_NET_RESOLVE_H
#define SVCD_NET_RESOLVE_H

#include "net/addr.h"
#include "net/loop.h"

/* "10.0.0.7", "fe80::1", "localhost". False for anything else, "*" included. Never
 * blocks. */
bool resolve_numeric(const char *host, uint16_t port, struct net_addr *out);

struct resolver;
struct resolver *resolver_new(struct loop *l); /* NULL: out of memory */
void resolver_free(struct resolver *r); /* open questions are dropped without a call; NULL
					   is fine */

/* Called once, on the loop's thread, never from within resolve_start. rc: 0 with the
 * address that the system prefers; SVCD_ENOTFOUND: there is no such host, or it has no
 * address; SVCD_EUNREACHABLE: nobody could tell; SVCD_ENOMEM. words: "no such host: db1";
 * NULL with 0. Both are valid during the call. */
typedef void resolve_fn(void *arg, int rc, const struct net_addr *to, const char *words);

/* NULL: out of memory, or RESOLVE_WAITING_MAX questions are open. */
#define RESOLVE_WAITING_MAX 1000
struct resolve;
struct resolve *resolve_start(
	struct resolver *r, const char *host, uint16_t port, resolve_fn *fn, void *arg);
void resolve_cancel(struct resolve *q); /* without a call; not after the call */

#endif
