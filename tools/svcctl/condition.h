/*
 * What `wait --for` waits for. Pure.
 */
#ifndef SVCCTL_CONDITION_H
#define SVCCTL_CONDITION_H

#include "svcctl/known.h"

struct condition {
	enum {
		CONDITION_HEALTHY,
		CONDITION_UNHEALTHY,
		CONDITION_GONE,
		CONDITION_COUNT
	} kind;
	uint64_t count; /* at least so many */
};

/* "healthy", "unhealthy", "gone", "count>=3" */
bool condition_parse(const char *text, struct condition *c);

/* s NULL: the service does not exist. id NULL: the service is meant. */
bool condition_holds(
	const struct condition *c, const struct known_service *s, const char *id);

size_t known_count_up(const struct known_service *s); /* up or warm; s may be NULL */

#endif
