/*
 * The members that a client may talk to, from the text that the application or the
 * environment gave: "unix:PATH", "tcp:HOST[:PORT]", "HOST", "HOST:PORT", comma separated;
 * blanks around one are ignored. A host that is not numeric is looked up each time it is
 * dialled. Pure.
 */
#ifndef SVCD_CLIENT_SERVERS_H
#define SVCD_CLIENT_SERVERS_H

#include "net/addr.h"

#define SERVERS_MAX 16
#define SERVER_HOST_MAX 253 /* RFC 1035 */

struct server {
	char host[SERVER_HOST_MAX + 1]; /* "" when addr is known already */
	uint16_t port;
	struct net_addr addr;
	char text[SERVER_HOST_MAX + 16]; /* for messages */
};

struct servers {
	size_t n; /* 1..SERVERS_MAX */
	struct server list[SERVERS_MAX];
};

/* text NULL or "": SVCD_ADDR from the environment, else the two default places. 0,
 * SVCD_EINVAL, SVCD_ERANGE with e (may be NULL) filled. */
int servers_parse(const char *text, struct servers *out, struct err *e);

#endif
