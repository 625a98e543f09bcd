/*
 * A small load engine: many non-blocking connections on one epoll, one thread.
 *
 * A protocol is two functions: where an answer ends, and what to send next. The engine
 * keeps the clock: the latency of an answer counts from the moment its request was handed
 * to the connection.
 */
#ifndef SVCBENCH_ENGINE_H
#define SVCBENCH_ENGINE_H

#include <stddef.h>

#include "svcbench/measure.h"

#define DEPTH_MAX 256

struct engine;

struct link {
	struct engine *engine;
	int fd;
	int index;
	bool connected, writing;
	unsigned char *in, *out;
	size_t in_len, in_cap, out_len, out_cap, out_sent;
	uint64_t sent_ns[DEPTH_MAX]; /* ring of requests on their way */
	unsigned head, waiting;
	size_t usual;  /* length of the last answer, 0 before the first: a hint for the
			  protocol */
	uint64_t user; /* the case's own */
};

struct engine {
	int epoll;
	struct link **links;
	int n_links;
	int closed;
	struct hist hist;
	uint64_t answers, errors;
	void *arg;
	/* The connection stands. May be NULL. */
	void (*on_open)(struct link *l);
	/* Length of the answer at p, 0 when it is not whole yet. *failed: it is an error.
	 */
	size_t (*answer)(struct link *l, const unsigned char *p, size_t n, bool *failed);
	/* An answer came (latency_ns 0 for what was not asked). Usually sends the next
	 * request. */
	void (*on_answer)(struct link *l, const unsigned char *p, size_t n, bool failed);
};

void engine_init(struct engine *e);
void engine_fini(struct engine *e);
struct link *engine_dial(struct engine *e, const char *host, int port);
/* A closed link is connected again, from nothing. False: it is refused at once. */
bool link_redial(struct link *l, const char *host, int port);
void link_put(struct link *l, const void *data, size_t n);
void link_sent(struct link *l);  /* one request was put: its clock starts */
void link_flush(struct link *l); /* the engine flushes after on_open and on_answer by
				    itself */
void link_close(struct link *l);
void engine_poll(struct engine *e, int timeout_ms);
/* Polls until *counter >= goal or the time is over. False when it is over. */
bool engine_until(
	struct engine *e, const uint64_t *counter, uint64_t goal, double seconds);
void engine_for(struct engine *e, double seconds);

#endif
