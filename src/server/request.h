/*
 * One request: from the message to its method, and the answers.
 */
#ifndef SVCD_SERVER_REQUEST_H
#define SVCD_SERVER_REQUEST_H

#include "server/session.h"

/* Takes one whole message of s. 0, or SVCD_EPROTOCOL when it is none that a client sends.
 */
int request_take(struct session *s, struct bytes message);

struct method;

/* One request while it is handled; views into the connection's input and the worker's
 * arena. */
struct request {
	struct session *session;
	uint32_t id;
	const struct method *method;
	bool notification; /* nobody waits for an answer */
	uint64_t rev; /* of the transaction that the answer is from; 0: none of its own */
	bool current; /* the state is as new as consistency "current" asks */
	struct bytes raw;    /* the parameters as sent */
	struct value params; /* the map; empty when none was sent; not for METHOD_RAW */
};

/* 0, or SVCD_EINVAL with e filled: from the raw parameters to the map. */
int request_parse(struct request *r, struct err *e);
void request_result(struct request *r, uint32_t n, struct bytes entries);
void request_ok(struct request *r); /* a result that is only the head */
void request_error(struct request *r, const struct err *e);
void request_fail(struct request *r, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Handles a request again, whose struct is gone: what it waited for has come. */
void request_again(
	struct session *s, uint32_t id, const struct method *m, struct bytes raw);

/* The same, to requests whose struct is gone. */
void session_result(struct session *s, uint32_t id, const struct head *head, uint32_t n,
	struct bytes entries);
void session_error(struct session *s, uint32_t id, const struct err *e);

/* ---- answers that come later ------------------------------------------- */

/* Part of whatever the answer waits for; knows whether there is still somebody to tell.
 * Those that come soon, as fast as the server can, hold back reading when they are many;
 * those that wait for something else to happen are refused beyond a limit. */
enum later_kind { LATER_SOON, LATER_WAITING };

struct later {
	struct list node;
	struct session *session; /* NULL: over */
	uint32_t id;
	enum later_kind kind;
};

/* False when too many wait already; r was told so. */
bool later_begin(struct later *l, struct request *r, enum later_kind kind);
/* The session to answer to, or NULL. */
struct session *later_end(struct later *l);

#endif
