/*
 * Term and vote on disk, written together: two slots in one file, the newer valid one
 * counts, so a write that a crash interrupted leaves the older one.
 */
#ifndef SVCD_REPLICA_BALLOT_H
#define SVCD_REPLICA_BALLOT_H

#include "replica/disk.h"

struct ballot {
	struct disk *disk;
	int file;
	uint64_t seq;
	uint64_t term, vote; /* as durable */
};

/* Makes the file "vote" when it is missing (term and vote 0). SVCD_ECORRUPT when no slot
 * is valid. */
int ballot_open(struct ballot *b, struct disk *d, struct err *e);
void ballot_close(struct ballot *b);
/* Durable on return; ends the process on failure. */
void ballot_write(struct ballot *b, uint64_t term, uint64_t vote);

#endif
