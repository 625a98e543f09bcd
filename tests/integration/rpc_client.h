/*
 * A small client for tests: blocking, one connection, text in and text out (notation.h).
 *Everything that does not come within 20 s fails the test.
 *
 *	struct rpc *c = rpc_open(&addr);
 *	ck_assert_int_eq(rpc_call(c, "resolve", "{service:'%s'}", "web"), 0);
 *	ck_assert_str_eq(rpc_text(c, "instances.0.id"), "'a'");
 */
#ifndef TESTS_INTEGRATION_RPC_CLIENT_H
#define TESTS_INTEGRATION_RPC_CLIENT_H

#include "net/addr.h"
#include "wire/frame.h"
#include "wire/value.h"

struct rpc;

struct rpc *rpc_dial(const struct net_addr *to); /* connected, nothing said */
struct rpc *rpc_open(const struct net_addr *to); /* and hello said, as "test" */
void rpc_close(struct rpc *c);                   /* NULL is fine */
void rpc_reset(struct rpc *c);                   /* closed by RST; frees */
int rpc_fd(const struct rpc *c);

/* Sends a request and waits for its answer. 0, or the error's code. Events that come
 * meanwhile are kept. */
int rpc_call(struct rpc *c, const char *method, const char *params, ...)
	__attribute__((format(printf, 3, 4)));
/* Only sends; returns the id. */
uint32_t rpc_send(struct rpc *c, const char *method, const char *params, ...)
	__attribute__((format(printf, 3, 4)));
void rpc_notify(struct rpc *c, const char *method, const char *params, ...)
	__attribute__((format(printf, 3, 4)));
void rpc_raw(struct rpc *c, struct bytes v);
int rpc_wait(struct rpc *c, uint32_t id); /* for the answer with this id; others are
					     dropped */
uint32_t rpc_next(struct rpc *c); /* for any answer: its id; rpc_code has the code */
int rpc_code(const struct rpc *c);

/* Of the last answer: result or error. Text as in notation.h; "" when there is no such
 * place. Valid until the next call of the same function; values until the next answer. */
const char *rpc_text(struct rpc *c, const char *path);
uint64_t rpc_u64(struct rpc *c, const char *path);
struct value rpc_result(const struct rpc *c);
void rpc_take_raw(struct rpc *c, struct buf *out); /* the next message of any kind, as it
						      came */

/* Waits for the next event, which is then the current one. */
void rpc_event(struct rpc *c);
const char *rpc_event_text(struct rpc *c, const char *path);
uint64_t rpc_event_u64(struct rpc *c, const char *path);
uint32_t rpc_event_list(struct rpc *c, const char *path); /* length of a list */
struct value rpc_event_value(const struct rpc *c);
/* Events that came and were not looked at, after a ping: what the server had to say it
 * has said. */
uint32_t rpc_events_waiting(struct rpc *c);

/* Waits until the server closes; what it says before is read and dropped, except answers
 * with id 0: the code of the last one, else 0. */
int rpc_closed(struct rpc *c);

#endif
