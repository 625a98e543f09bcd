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
	struct list laters; /* struct later */
	uint32_t n_laters;
	enum session_state state;
	bool paused;
	struct lease_holder leases;
	struct watcher watcher;
	uint64_t opened_ms, heard_ms;
	char *actor; /* "web-1 tcp:10.0.0.7:41022"; set by hello */
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

struct command_origin session_origin(const struct session *s, char address[64]);
struct session *session_of(const struct watcher *w);

/* ---- requests ---------------------------------------------------------- */

/* One request while it is handled; views into the connection's input and the worker's
 * arena. */
struct request {
	struct session *session;
	uint32_t id;
	bool notification;   /* nobody waits for an answer */
	struct bytes raw;    /* the parameters as sent */
	struct value params; /* the map; an empty one when none was sent. Not set for raw
				methods. */
};

/* 0, or SVCD_EINVAL with e filled: from the raw parameters to the map. */
int request_parse(struct request *r, struct err *e);
void request_result(struct request *r, uint32_t n, struct bytes entries);
void request_ok(struct request *r); /* a result that is only the head */
void request_error(struct request *r, const struct err *e);
void request_fail(struct request *r, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, to requests whose struct is gone. */
void session_result(struct session *s, uint32_t id, const struct head *head, uint32_t n,
	struct bytes entries);
void session_error(struct session *s, uint32_t id, const struct err *e);

/* ---- answers that come later ------------------------------------------- */

/* Part of whatever the answer waits for; knows whether there is still somebody to tell.
 */
struct later {
	struct list node;
	struct session *session; /* NULL: over */
	uint32_t id;
};

void later_begin(struct later *l, const struct request *r);
/* The session to answer to, or NULL. */
struct session *later_end(struct later *l);

#endif
