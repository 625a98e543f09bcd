/*
 * Callbacks of the application that must not be called any more once it said so, from any
 * thread.
 *
 * The loop's thread holds the gate while it calls. Another thread that shuts it therefore
 * waits for a call that is under way; the loop's thread, which may be inside of that very
 * call, just notes it.
 */
#ifndef SVCD_CLIENT_GATE_H
#define SVCD_CLIENT_GATE_H

#include <pthread.h>
#include <stdbool.h>

struct gate {
	pthread_mutex_t lock;
	bool shut;
};

static inline void gate_init(struct gate *g)
{
	pthread_mutex_init(&g->lock, NULL);
	g->shut = false;
}

static inline void gate_fini(struct gate *g)
{
	pthread_mutex_destroy(&g->lock);
}

/* Loop's thread. False: it is shut. Otherwise gate_leave after the call. */
static inline bool gate_enter(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	if (!g->shut)
		return true;
	pthread_mutex_unlock(&g->lock);
	return false;
}

static inline void gate_leave(struct gate *g)
{
	pthread_mutex_unlock(&g->lock);
}

/* inside: this is the loop's thread. */
static inline void gate_shut(struct gate *g, bool inside)
{
	if (!inside)
		pthread_mutex_lock(&g->lock);
	g->shut = true;
	if (!inside)
		pthread_mutex_unlock(&g->lock);
}

#endif
