/*
 * A registry that does what a test tells it: a thread with plain sockets that speaks the
 * protocol.
 *
 * Left alone it answers as a registry with one lease and one instance would. Rules change
 * that, each for one request of its method, in the order they were given. All functions
 * are the test's thread's; those that wait do so for something that the client does, and
 * fail the test after ten seconds.
 */
#ifndef TESTS_INTEGRATION_FAKE_H
#define TESTS_INTEGRATION_FAKE_H

#include "base/bytes.h"

enum fake_do {
	/* With text, a map in notation.h; a head is put before it unless it begins with
	   rev. */
	FAKE_ANSWER,
	FAKE_ERROR,  /* with text, likewise */
	FAKE_SILENT, /* never */
	FAKE_DROP,   /* ends the connection instead of an answer */
	FAKE_CHANGE, /* as without a rule, then ends the connection: the answer is lost */
	FAKE_BYTES   /* text as it is, which is not the protocol */
};

struct fake;
struct fake *fake_start(void);
void fake_stop(struct fake *f);              /* and frees; NULL is fine */
const char *fake_addr(const struct fake *f); /* "tcp:127.0.0.1:PORT" */

void fake_rule(struct fake *f, const char *method, enum fake_do what, const char *text);
/* Between renewals; otherwise 10 s. */
void fake_set_interval(struct fake *f, unsigned ms);
void fake_set_cluster(struct fake *f, const char *name);

void fake_drop(struct fake *f); /* ends all connections */
void fake_away(struct fake *f); /* and takes no new ones */
void fake_back(struct fake *f); /* takes them again, at the same address */

/* How often a method was asked and dealt with. */
unsigned fake_count(struct fake *f, const char *method);
/* Waits until it was, at least so often. */
void fake_wait(struct fake *f, const char *method, unsigned count);

/* Params of the request of that method before the last back ones, in notation.h; valid
 * until the next call.
 * "" when there was none. */
const char *fake_params(struct fake *f, const char *method, unsigned back);

/* Sends a watch event in notation.h, as it is. */
void fake_event(struct fake *f, const char *event);
/* With a digest that fits. instances, changes, after (the instances then): lists in
 * notation.h. */
void fake_snapshot(
	struct fake *f, const char *service, unsigned rev, const char *instances);
void fake_delta(struct fake *f, const char *service, unsigned from, unsigned rev,
	const char *changes, const char *after);

#endif
