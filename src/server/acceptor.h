/*
 * The listeners: each accepted connection goes to the next worker, or hears that there
 * are too many.
 */
#ifndef SVCD_SERVER_ACCEPTOR_H
#define SVCD_SERVER_ACCEPTOR_H

#include "server/core.h"
#include "base/log_gate.h"
#include "server/listeners.h"

struct acceptor {
	struct server *server;
	struct loop *loop;
	struct listeners listeners;
	uint32_t next;    /* worker */
	uint32_t parting; /* connections that are being told */
	struct log_gate lines;
};

/* 0, or an error with e filled; acceptor_close is fine then too. */
int acceptor_open(struct acceptor *a, struct server *s, struct loop *l,
	const struct server_options *o, struct err *e);
void acceptor_close(struct acceptor *a);

#endif
