/*
 * A place where the library's thread leaves word for the main one.
 */
#ifndef SVCCTL_SIGNALLED_H
#define SVCCTL_SIGNALLED_H

#include <pthread.h>
#include <stdbool.h>

#include "svcctl/deadline.h"

struct signalled {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int value; /* 0..31 */
};

void signalled_init(struct signalled *s, int value);
void signalled_fini(struct signalled *s);
void signalled_set(struct signalled *s, int value);
int signalled_get(struct signalled *s);

/* Waits until the value is one of a set (bit 1 << value) or the moment has come (NULL:
 * for ever). The value then. */
int signalled_wait(struct signalled *s, unsigned until, const struct deadline *d);

#endif
