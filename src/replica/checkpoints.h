/*
 * The files of checkpoint/: at most two, named by the log index that they hold.
 */
#ifndef SVCD_REPLICA_CHECKPOINTS_H
#define SVCD_REPLICA_CHECKPOINTS_H

#include "replica/datadir.h"
#include "store/store.h"

#define CHECKPOINTS_MAX 2

struct checkpoints {
	size_t n;
	uint64_t index[CHECKPOINTS_MAX + 1]; /* newest first */
};

/* Those that are there, without looking into them; removes what an interrupted one left.
 */
int checkpoints_list(const struct datadir *d, struct checkpoints *out, struct err *e);
char *checkpoint_path(const struct datadir *d, uint64_t index, char *out); /* PATH_MAX */

/* Makes the folder of a state from the newest whole one that holds index at_least or
 * more; damaged ones are passed over with a log line. 0 with *index; SVCD_ENOTFOUND;
 * another error when the state cannot be written. */
int checkpoints_restore(const struct datadir *d, const struct checkpoints *c,
	uint64_t at_least, const char *state, uint64_t *index, struct err *e);

/* Makes one of s; *info says what it holds. Any thread; one at a time. */
int checkpoint_make(const struct datadir *d, struct store *s,
	struct checkpoint_info *info, struct err *e);
/* Gives a checkpoint that came from a leader, and was found good, its name, durably, and
 * notes durably before that it came so: unlike one of our own it may go beyond our log.
 * Any thread. */
int checkpoint_receive(const struct datadir *d, const char *path,
	const struct checkpoint_info *info, struct err *e);
/* The one that was received last: 0, SVCD_ENOTFOUND, or SVCD_ECORRUPT. */
int checkpoint_received(const struct datadir *d, uint64_t *index, uint64_t *term);

/* Notes a new one and removes those beyond the newest two. */
void checkpoints_add(const struct datadir *d, struct checkpoints *c, uint64_t index);

#endif
