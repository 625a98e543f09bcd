/*
 * A member as far as checkpoints concern it: a directory, a state, streams; its peers are
 * the test's.
 */
#ifndef TESTS_UNIT_STREAM_MEMBER_H
#define TESTS_UNIT_STREAM_MEMBER_H

#include "replica/stream.h"

struct sm {
	uint64_t node;
	struct datadir d;
	struct store *store;
	struct checkpoints checkpoints;
	struct peers *peers;
	struct streams *streams;
	uint64_t first, last; /* of the log */
	int wanted, coming;
	int staged; /* times */
	struct checkpoint_info info;
	uint64_t staged_from, staged_term;
};

/* An empty state in the folder dir; peers and streams are to come. */
void sm_start(struct sm *m, const char *dir, uint64_t node);
void sm_stop(struct sm *m); /* not the peers; one that was not started is fine */
void sm_streams(struct sm *m, struct loop *loop);

/* So many KiB as of that index. */
void sm_fill(struct sm *m, uint64_t index, size_t kib);
void sm_checkpoint(struct sm *m);
uint64_t sm_digest(struct sm *m); /* checked */

#endif
