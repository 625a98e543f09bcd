/*
 * The addresses of a host name, asked from the system's resolver in a thread of its own, because that may
 * take long and cannot be stopped. The answer comes through the mailbox; a lookup that nobody waits for any
 * more ends unheard, even after its client is gone.
 */
#ifndef SVCD_CLIENT_LOOKUP_H
#define SVCD_CLIENT_LOOKUP_H

#include "net/addr.h"
#include "net/loop.h"

#define LOOKUP_MAX 8 /* addresses of one name that are tried */

struct lookup;

/* n 0: why says what went wrong. Runs on the receiver's thread; the lookup is freed already. */
typedef void lookup_fn(void *arg, const struct net_addr *addrs, size_t n, const char *why);

/* NULL: no memory or no thread. */
struct lookup *lookup_start(struct mailbox *box, const char *host, uint16_t port, lookup_fn *done,
	void *arg);

/* done is not called any more. NULL is fine. Before the mailbox is freed. */
void lookup_abandon(struct lookup *lk);

#endif
