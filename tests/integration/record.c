#include "record.h"

#include <assert.h>
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINES_MAX 4096
#define LINE_MAX 512
#define WAIT_SECONDS 10

struct record {
	pthread_mutex_t lock;
	pthread_cond_t more;
	/* Not allocated one by one: some tests let allocations fail. */
	char lines[LINES_MAX][LINE_MAX];
	size_t n;
	size_t read;
};

struct record *record_new(void)
{
	struct record *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->more, NULL);
	return r;
}

void record_free(struct record *r)
{
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->more);
	free(r);
}

void record_put(struct record *r, const char *fmt, ...)
{
	va_list args;

	pthread_mutex_lock(&r->lock);
	assert(r->n < LINES_MAX); /* Check's own would allocate */
	va_start(args, fmt);
	vsnprintf(r->lines[r->n++], LINE_MAX, fmt, args);
	va_end(args);
	pthread_cond_broadcast(&r->more);
	pthread_mutex_unlock(&r->lock);
}

/* Under the lock. NULL after ten seconds. */
static const char *next_line(struct record *r)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_SECONDS;
	while (r->read == r->n)
		if (pthread_cond_timedwait(&r->more, &r->lock, &until) == ETIMEDOUT)
			return NULL;
	return r->lines[r->read++];
}

static void expect(struct record *r, const char *line, bool skip)
{
	const char *got;

	pthread_mutex_lock(&r->lock);
	do {
		got = next_line(r);
		if (got == NULL)
			ck_abort_msg("waited for \"%s\"; the last line was \"%s\"", line,
				r->n > 0 ? r->lines[r->n - 1] : "");
	} while (skip && strcmp(got, line) != 0);
	pthread_mutex_unlock(&r->lock);
	ck_assert_str_eq(got, line);
}

void record_expect(struct record *r, const char *line)
{
	expect(r, line, false);
}

void record_await(struct record *r, const char *line)
{
	expect(r, line, true);
}

size_t record_unread(struct record *r)
{
	size_t n;

	pthread_mutex_lock(&r->lock);
	n = r->n - r->read;
	pthread_mutex_unlock(&r->lock);
	return n;
}

void record_on_state(void *arg, struct svcd_registration *reg,
	enum svcd_registration_state state, const struct svcd_fault *fault)
{
	static const char *const names[] = {
		[SVCD_REGISTERING] = "registering",
		[SVCD_REGISTERED] = "registered",
		[SVCD_REFUSED] = "refused",
		[SVCD_REMOVED] = "removed",
		[SVCD_DEREGISTERED] = "deregistered",
	};

	(void)reg;
	if (fault != NULL && state != SVCD_REGISTERING)
		record_put(arg, "%s: %s", names[state], fault->text);
	else
		record_put(arg, "%s", names[state]);
}

static const char *presence_text(const struct svcd_set *set)
{
	static const char *const names[] = {
		[SVCD_PRESENT] = "",
		[SVCD_NONE_MATCH] = "none match",
		[SVCD_NONE_HEALTHY] = "none healthy",
		[SVCD_NO_INSTANCES] = "no instances",
		[SVCD_NO_SERVICE] = "no service",
	};

	return names[set->presence];
}

void record_on_watch(void *arg, enum svcd_watch_event event, const struct svcd_set *set)
{
	static const char *const names[] = {
		[SVCD_WATCH_SNAPSHOT] = "snapshot",
		[SVCD_WATCH_CHANGE] = "change",
		[SVCD_WATCH_LOST] = "lost",
		[SVCD_WATCH_BACK] = "back",
		[SVCD_WATCH_REFUSED] = "refused",
	};
	char ids[128] = "";

	if (set == NULL) {
		record_put(arg, "%s, no set", names[event]);
		return;
	}
	for (size_t i = 0; i < set->n_instances; i++)
		strncat(ids, set->instances[i].id, sizeof(ids) - strlen(ids) - 1);
	record_put(arg, "%s %llu %s%s%s", names[event], (unsigned long long)set->revision,
		ids, presence_text(set), set->source == SVCD_FROM_CACHE ? " cached" : "");
}

void record_on_raw(void *arg, const struct svcd_value *event)
{
	const char *kind = svcd_value_str(svcd_value_get(event, "kind"), "?");
	const char *service = svcd_value_str(svcd_value_get(event, "service"), NULL);

	if (service == NULL)
		record_put(arg, "%s", kind);
	else
		record_put(arg, "%s %s %llu", kind, service,
			(unsigned long long)svcd_value_uint(
				svcd_value_get(event, "rev"), 0));
}

void record_on_call(
	void *arg, const struct svcd_fault *fault, const struct svcd_value *result)
{
	ck_assert((fault == NULL) != (result == NULL));
	if (fault == NULL)
		record_put(arg, "ok");
	else
		record_put(arg, "%s: %s", svcd_error_name(fault->code), fault->text);
}
