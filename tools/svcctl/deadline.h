/* A moment on the monotonic clock. */
#ifndef SVCCTL_DEADLINE_H
#define SVCCTL_DEADLINE_H

#include <stdint.h>
#include <time.h>

struct deadline {
	struct timespec at; /* CLOCK_MONOTONIC */
};

static inline struct deadline deadline_in(uint64_t ms)
{
	struct deadline d;

	clock_gettime(CLOCK_MONOTONIC, &d.at);
	d.at.tv_sec += (time_t)(ms / 1000);
	d.at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (d.at.tv_nsec >= 1000000000) {
		d.at.tv_sec++;
		d.at.tv_nsec -= 1000000000;
	}
	return d;
}

/* 0 when it has passed; rounded up, so that a wait for it does not end too early. */
static inline uint64_t deadline_left_ms(const struct deadline *d)
{
	struct timespec now;
	int64_t left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left = (int64_t)(d->at.tv_sec - now.tv_sec) * 1000000000 +
		(d->at.tv_nsec - now.tv_nsec);
	return left > 0 ? (uint64_t)(left + 999999) / 1000000 : 0;
}

#endif
