/*
 * What callbacks report, as lines of text that a test awaits one after the other.
 */
#ifndef TESTS_INTEGRATION_RECORD_H
#define TESTS_INTEGRATION_RECORD_H

#include <stddef.h>

#include "svcd.h"

struct record;
struct record *record_new(void);
void record_free(struct record *r);

void record_put(struct record *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Waits for the next line and fails the test when it is another, or after ten seconds. */
void record_expect(struct record *r, const char *line);
/* Skips lines until this one. */
void record_await(struct record *r, const char *line);
size_t record_unread(struct record *r); /* lines that nobody awaited */

/* Callbacks; arg is the record. */
/* "registering" "registered" "refused" "removed" "deregistered", and ": text" when there
 * is a fault */
void record_on_state(void *arg, struct svcd_registration *reg,
	enum svcd_registration_state state, const struct svcd_fault *fault);
/* "snapshot 5 ab": event, revision, ids of what is shown; "no set"; with presence when it
 * is empty, and "cached" */
void record_on_watch(void *arg, enum svcd_watch_event event, const struct svcd_set *set);
/* "snapshot web 5", "lost" */
void record_on_raw(void *arg, const struct svcd_value *event);
/* "ok", or "busy: text" */
void record_on_call(
	void *arg, const struct svcd_fault *fault, const struct svcd_value *result);

#endif
