/*
 * From a data directory to an open log and a state that fit together: the decisions of a
 * start.
 */
#ifndef SVCD_REPLICA_RECOVERY_H
#define SVCD_REPLICA_RECOVERY_H

#include "replica/ballot.h"
#include "replica/checkpoints.h"
#include "replica/datadir.h"
#include "replica/journal.h"

#define MEMBERS_KEY \
	"members" /* in TABLE_META: be64 index, the members as of it as the engine \
		     encodes them */

struct recovery_options {
	uint64_t segment_bytes; /* of the log; 0: default */
	uint64_t map_bytes;     /* of the state; 0: default */
	uint64_t reserve_bytes;
};

struct recovered {
	struct disk *disk;
	struct journal *journal;
	struct ballot ballot;
	struct store *store;
	struct checkpoints checkpoints;
	uint64_t applied, applied_term; /* position of the state */
	uint64_t members_index;
	struct buf members; /* as of applied; empty when there are none */
	bool empty;         /* a new member: nothing was ever written */
};

/* Everything in out is open on success and nothing otherwise. The state may be older than
 * the log (its entries must then be applied), never newer. A checkpoint that came from a
 * leader and whose install a crash interrupted is installed here. */
int recovery_open(const struct datadir *d, const struct recovery_options *o,
	struct recovered *out, struct err *e);
void recovered_close(struct recovered *r);

#endif
