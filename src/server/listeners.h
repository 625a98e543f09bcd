/*
 * The listeners of one kind: all addresses of a list, or none.
 */
#ifndef SVCD_SERVER_LISTENERS_H
#define SVCD_SERVER_LISTENERS_H

#include "net/conn.h"
#include "server/server.h"

struct listeners {
	struct listener *at[SERVER_LISTEN_MAX];
	uint32_t n;
};

/* From zeros. port: where an address has none. on_accept as of listener_new. 0, or an
 * error with e filled; listeners_close is fine then too. */
int listeners_open(struct listeners *ls, struct loop *l, const char *const *addresses,
	uint32_t n, uint16_t port, uint32_t backlog, void (*on_accept)(int fd, void *arg),
	void *arg, struct err *e);
/* On the loop's thread, or when it does not run; may be repeated. */
void listeners_close(struct listeners *ls);
/* Of the i-th, while it is open: with the port that the kernel gave. */
void listeners_addr(const struct listeners *ls, uint32_t i, struct net_addr *out);

#endif
