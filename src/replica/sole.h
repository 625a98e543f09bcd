/*
 * The entries that make one node the only member of a cluster, written into a log without
 * anybody's vote: for what is done offline, when nobody else is left or wanted.
 */
#ifndef SVCD_REPLICA_SOLE_H
#define SVCD_REPLICA_SOLE_H

#include "catalog/catalog.h"
#include "replica/journal.h"

struct sole {
	uint64_t node;
	const char *actor;  /* who does it, for the history */
	const char *reason; /* what it is, likewise */
	uint64_t wall_ms;
	/* Borrowed: members as the log has them. The state may be older, when it was made
	 * again from a checkpoint: their records come with the log in front of these. */
	const uint64_t *logged;
	size_t n_logged;
};

/* Appended to payload: a log entry of commands that removes the records of all members in
 * t and of those logged but node's, which is written again with the reason. 0,
 * SVCD_ENOMEM, t's error. */
int sole_commands(struct tables *t, const struct sole *s, struct buf *payload);

/* Appends both entries behind the last one in that term: first the commands, then the
 * configuration with the one voter, so that a crash between the two leaves a log that
 * changes nothing. Durable on return. SVCD_ENOSPACE … */
int sole_append(struct journal *j, uint64_t term, const struct sole *s,
	struct bytes commands, struct err *e);

#endif
