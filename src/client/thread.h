/*
 * A thread inside somebody else's process: all signals are the host's, so they are
 * blocked in it.
 */
#ifndef SVCD_CLIENT_THREAD_H
#define SVCD_CLIENT_THREAD_H

#include <pthread.h>

/* 0 or SVCD_ELIMIT, SVCD_ENOMEM. */
int thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif
