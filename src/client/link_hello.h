/*
 * The two halves of a link: link.c decides when there is a connection, link_hello.c
 * speaks on it. Not for other files.
 */
#ifndef SVCD_CLIENT_LINK_HELLO_H
#define SVCD_CLIENT_LINK_HELLO_H

#include "client/link.h"

extern const struct conn_events link_conn_events;

void link_hello(struct link *l); /* writes the request */
void link_ping(struct link *l);

/* link.c */
void link_greet(struct link *l);                        /* connected */
void link_be_ready(struct link *l, bool other_cluster); /* the hello was answered */
void link_end_conn(struct link *l, int code, const char *why);
void link_gone(struct link *l, const struct svcd_fault *why); /* it is closed */

#endif
