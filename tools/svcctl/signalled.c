#include "svcctl/signalled.h"

#include <errno.h>

void signalled_init(struct signalled *s, int value)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	s->value = value;
}

void signalled_fini(struct signalled *s)
{
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

void signalled_set(struct signalled *s, int value)
{
	pthread_mutex_lock(&s->lock);
	s->value = value;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

int signalled_get(struct signalled *s)
{
	int value;

	pthread_mutex_lock(&s->lock);
	value = s->value;
	pthread_mutex_unlock(&s->lock);
	return value;
}

int signalled_wait(struct signalled *s, unsigned until, const struct deadline *d)
{
	int value, rv = 0;

	pthread_mutex_lock(&s->lock);
	while ((until & (1U << s->value)) == 0 && rv != ETIMEDOUT)
		rv = d != NULL ? pthread_cond_timedwait(&s->changed, &s->lock, &d->at)
			       : pthread_cond_wait(&s->changed, &s->lock);
	value = s->value;
	pthread_mutex_unlock(&s->lock);
	return value;
}
