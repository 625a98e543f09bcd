#include "client/waiter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

void waiter_init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

struct timespec waiter_deadline(uint64_t after_ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(after_ms / 1000);
	at.tv_nsec += (long)(after_ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_nsec -= 1000000000;
		at.tv_sec++;
	}
	return at;
}

struct waiter *waiter_new(void (*drop)(void *result))
{
	struct waiter *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	atomic_init(&w->refs, 2);
	pthread_mutex_init(&w->lock, NULL);
	waiter_init_cond(&w->said_cond);
	w->drop = drop;
	return w;
}

void waiter_unref(struct waiter *w)
{
	if (atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (w->result != NULL && w->drop != NULL)
		w->drop(w->result);
	pthread_cond_destroy(&w->said_cond);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void waiter_say(struct waiter *w, const struct svcd_fault *fault, void *result)
{
	pthread_mutex_lock(&w->lock);
	fault_copy(&w->fault, fault);
	w->result = result;
	w->said = true;
	pthread_cond_signal(&w->said_cond);
	pthread_mutex_unlock(&w->lock);
}

int waiter_wait(
	struct waiter *w, uint64_t timeout_ms, void **result, struct svcd_fault *fault)
{
	struct timespec until = waiter_deadline(timeout_ms);
	struct svcd_fault f;

	pthread_mutex_lock(&w->lock);
	while (!w->said)
		if (pthread_cond_timedwait(&w->said_cond, &w->lock, &until) == ETIMEDOUT)
			break;
	if (w->said)
		f = w->fault;
	else
		fault_set(&f, SVCD_ETIMEOUT,
			"timed out; the library's thread is kept busy by a callback");
	if (f.code == 0 && result != NULL) {
		*result = w->result;
		w->result = NULL;
	}
	pthread_mutex_unlock(&w->lock);
	if (f.code != 0)
		fault_copy(fault, &f);
	return f.code;
}
