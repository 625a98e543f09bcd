/*
 * The control thread: accepts connections, ages the leases, runs the health checks, tells
 * the log what changed. None of it touches a session; what the leader alone does begins
 * and ends with the role.
 */
#ifndef SVCD_SERVER_CONTROL_H
#define SVCD_SERVER_CONTROL_H

#include "server/core.h"

/* 0 with the listeners bound; control_run then starts the thread. */
int control_new(struct server *s, const struct server_options *o, struct control **out,
	struct err *e);
int control_run(struct control *c);

/* From another thread, in this order: no more connections; the end of the thread, once
 * all its proposals are answered; frees (NULL is fine). */
void control_refuse(struct control *c);
void control_stop(struct control *c);
void control_free(struct control *c);
/* As worker_leave; whether the replica owes it answers. Its thread has ended. */
void control_leave(struct control *c);
bool control_is_owed(const struct control *c);

/* Any thread: there are leases whose connection ended. */
void control_leases_wait(struct control *c);

struct mailbox *control_box(struct control *c);
struct checks *control_checks(struct control *c); /* for messages on control_box */
void control_addr(const struct control *c, uint32_t i, struct net_addr *out);
void control_http_addr(const struct control *c, uint32_t i, struct net_addr *out);
void control_stat(const struct control *c, struct server_stat *out); /* any thread: leases
									and checks */

#endif
