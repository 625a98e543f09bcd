/*
 * One client connection: its messages, its limits, its answers.
 *
 * A session belongs to one worker's thread. It begins with hello; before that nothing
 * else is answered. When it has too many answers outstanding or does not take them, it is
 * not read from until that is better (nothing is refused for it). Its end: later answers
 * are dropped, watches end, leases go as leases_release says.
 */
#ifndef SVCD_SERVER_SESSION_H
#define SVCD_SERVER_SESSION_H

#include "catalog/command.h"
#include "net/conn.h"
#include "server/lease.h"
#include "server/reply.h"
#include "server/watch.h"
#include "wire/frame.h"

struct worker;

enum session_state {
	SESSION_NEW, /* hello is awaited */
	SESSION_READY,
	SESSION_ENDING, /* the connection is being closed by us */
	SESSION_STATES
};

struct session {
	struct list node; /* in its worker's strangers, then sessions */
	struct worker *worker;
	struct conn *conn;
	struct frame_scan scan;
	struct list laters;         /* struct later */
	uint32_t n_soon, n_waiting; /* of them */
	enum session_state state;
	bool paused;
	struct lease_holder leases;
	struct list backups; /* that it has open, backup.c */
	struct watcher watcher;
	uint64_t opened_ms, heard_ms;
	char *actor;   /* "web-1 tcp:10.0.0.7:41022"; set by hello, as is host */
	char host[64]; /* of the client, "10.0.0.7" */
};

/* Takes fd. The session lives until its connection is over. */
void session_open(struct worker *w, int fd);

/* It said who it is; takes actor (from malloc). */
void session_ready(struct session *s, char *actor);

/* From our side, for reason; what is pending is still sent. Leases that the client holds
 * are kept. */
void session_close(struct session *s, int reason);

/* Closes it when it has not said hello in time or has been silent for too long. */
void session_sweep(struct session *s, uint64_t now_ms);

/* No more requests are read; what was asked is answered. True when nothing is
 * outstanding. */
bool session_stop(struct session *s);

/* There is room for more again: reads on. */
void session_relax(struct session *s);

/* Borrows from s. */
struct command_origin session_origin(const struct session *s);
struct session *session_of(const struct watcher *w);

#endif
