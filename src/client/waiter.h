/*
 * Where one thread waits for what the loop's thread will say. Two references: whoever
 * lets go last frees, so that the waiting one may give up. Times are of CLOCK_MONOTONIC.
 */
#ifndef SVCD_CLIENT_WAITER_H
#define SVCD_CLIENT_WAITER_H

#include <pthread.h>

#include "client/fault.h"

/* Initialises cond for waits until a time of CLOCK_MONOTONIC. */
void waiter_init_cond(pthread_cond_t *cond);

/* now + after_ms, for pthread_cond_timedwait. */
struct timespec waiter_deadline(uint64_t after_ms);

struct waiter {
	_Atomic int refs;
	pthread_mutex_t lock;
	pthread_cond_t said_cond;
	bool said;               /* under lock, like all that follows */
	struct svcd_fault fault; /* code 0: success */
	void *result;            /* until somebody takes it */
	void (*drop)(void *result);
};

/* drop frees a result that nobody took. NULL: out of memory. */
struct waiter *waiter_new(void (*drop)(void *result));
void waiter_unref(struct waiter *w);

/* Loop's thread: the outcome; result is taken. Then waiter_unref. */
void waiter_say(struct waiter *w, const struct svcd_fault *fault, void *result);

/* Waits for it, at most for timeout_ms. The code said, with *result (may be NULL: it is
 * dropped) taken out and *fault (may be NULL) filled when it is not 0; SVCD_ETIMEOUT when
 * nothing was said. Then waiter_unref. */
int waiter_wait(
	struct waiter *w, uint64_t timeout_ms, void **result, struct svcd_fault *fault);

#endif
