/*
 * The HTTP face, on the control thread: GET or HEAD of /metrics.
 *
 * One request a connection, without TLS. At most HTTP_CONNECTIONS_MAX connections, the
 * next ones are closed at once; each has hello_timeout_ms from its start to its request.
 */
#ifndef SVCD_SERVER_HTTP_H
#define SVCD_SERVER_HTTP_H

#include "server/core.h"
#include "server/listeners.h"

#define HTTP_CONNECTIONS_MAX 64u

struct http {
	struct server *server;
	struct loop *loop;
	struct reader *reader; /* borrowed */
	struct listeners listeners;
	uint32_t connections;
	struct list clients; /* in the order in which they came */
	struct timer patience;
	struct buf body;
};

/* 0, or an error with e filled; http_close is fine then too, and also where there was no
 * http_open but only zeros. */
int http_open(struct http *h, struct server *s, struct loop *l, struct reader *reader,
	const struct server_options *o, struct err *e);
/* No more connections from now on. On the loop's thread, or when it does not run. */
void http_refuse(struct http *h);
/* Begins to end those that are there: over when h->connections is 0. */
void http_stop(struct http *h);
void http_close(struct http *h);

#endif
