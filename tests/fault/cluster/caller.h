/*
 * A client for tests under fault: one connection, one request at a time, every wait has a
 * limit, and nothing that the other side does ends the test. One thread each.
 */
#ifndef TESTS_FAULT_CLUSTER_CALLER_H
#define TESTS_FAULT_CLUSTER_CALLER_H

#include "base/bytes.h"
#include "wire/frame.h"
#include "wire/value.h"

/* Beside the codes of the registry: the connection ended or the time was over, with the
 * request sent; or no connection could be made, so that nothing was sent. */
#define CALLER_LOST (-1000)
#define CALLER_UNREACHED (-1001)

struct caller {
	char address[64]; /* "10.0.0.1:7820" */
	int fd;           /* -1: not connected */
	uint32_t id;
	struct buf in, out;
	struct frame_scan scan;
	struct arena *arena;
	struct value result; /* of the last answer: result or error; or the last event */
	struct bytes event;  /* the last event as it was sent */
	size_t taken;        /* bytes of that message, at the front of in */
};

void caller_init(struct caller *c);
void caller_fini(struct caller *c);
void caller_close(struct caller *c);
/* Closes when the address is another one. The connection is made by the next call. */
void caller_to(struct caller *c, const char *address);

/* Starts a request: the caller packs one map into the buffer that is returned. */
struct buf *caller_begin(struct caller *c, const char *method);
/* Sends it and waits. 0, the error's code, CALLER_LOST or CALLER_UNREACHED (both close).
 */
int caller_end(struct caller *c, int timeout_ms);

/* Waits for the next event, which is then c->result. 0, SVCD_ETIMEOUT, CALLER_LOST
 * (closes). */
int caller_event(struct caller *c, int timeout_ms);

/* Of the last answer; the fallback when there is no such key, or it is something else. */
uint64_t caller_u64(const struct caller *c, const char *key, uint64_t fallback);
struct bytes caller_text(const struct caller *c, const char *key);
bool caller_bool(const struct caller *c, const char *key);
uint64_t value_u64(struct value map, const char *key, uint64_t fallback);
struct bytes value_text(struct value map, const char *key);

#endif
