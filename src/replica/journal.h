/*
 * The raft log on disk: entries with consecutive indexes, and nothing else.
 *
 * Appended entries are durable after journal_sync. Entries leave at the end by truncation
 * (they lost an election) and at the front by segments (a checkpoint has them). A failed
 * write or sync ends the process; a full disk is an error before anything is written.
 *
 * One thread. No clock.
 */
#ifndef SVCD_REPLICA_JOURNAL_H
#define SVCD_REPLICA_JOURNAL_H

#include "base/former.h"
#include "replica/disk.h"
#include "replica/segment.h"

struct journal;

struct journal_options {
	uint64_t segment_bytes; /* 0: 16 MiB; at least a batch of entries must fit into
				   one */
	uint64_t cluster;       /* kept in the files; another one's are refused */
	const struct former *former; /* but for these; during the call */
	uint64_t known_index; /* up to here entries were applied: none of them may be
				 damaged */
	uint64_t seed;        /* of the salts; 0: from the kernel */
};

/* Reads and checks all. An interrupted write at the end is cut off (and logged).
 * SVCD_ECORRUPT, SVCD_EVERSION, SVCD_ECONFLICT (cluster), SVCD_ENOSPACE … with what to
 * do. Borrows d. */
int journal_open(struct disk *d, const struct journal_options *o, struct journal **out,
	struct err *e);
void journal_close(struct journal *j); /* does not sync; NULL is fine */

uint64_t journal_first(const struct journal *j); /* index of the first entry; last + 1
						    when there is none */
uint64_t journal_last(const struct journal *j);
uint64_t journal_durable(const struct journal *j);
uint64_t journal_term(const struct journal *j, uint64_t index); /* first - 1 … last; 0
								   outside */
uint8_t journal_type(const struct journal *j, uint64_t index);  /* first … last */
uint64_t journal_bytes_after(const struct journal *j, uint64_t index); /* on disk, of the
									  entries behind
									  index */

/* 0 when entries with so many bytes of payload in all can be appended at once;
 * SVCD_ENOSPACE, SVCD_ETOOBIG. Reserves disk space when that is needed. */
int journal_room(struct journal *j, size_t n, uint64_t payload_bytes);
/* entries[0].index must be last + 1. Same errors as journal_room, and nothing is changed
 * then. */
int journal_append(struct journal *j, const struct journal_entry *entries, size_t n);
void journal_sync(struct journal *j); /* all that was appended is durable on return */

/* The entry as it is on disk, synced or not; the payload goes into (replaces) scratch,
 * which out's view points into. SVCD_ECORRUPT, SVCD_EIO, SVCD_ENOMEM. */
int journal_read(struct journal *j, uint64_t index, struct buf *scratch,
	struct journal_entry *out);

/* Removes the entries from index on, durably: they never come back. first <= index <=
 * last + 1. */
void journal_truncate(struct journal *j, uint64_t index);
/* Entries up to index are not needed any more: removes whole segments. */
void journal_drop(struct journal *j, uint64_t index);
/* journal_reset is to come: begins to make its segment ready, where the disk does that
 * beside. */
void journal_prepare(struct journal *j);
/* Removes all; the next entry is index + 1, behind one of that term. Durable. 0,
 * SVCD_ENOSPACE, which journal_reset_room says beforehand. */
int journal_reset_room(struct journal *j);
int journal_reset(struct journal *j, uint64_t index, uint64_t term);

void journal_check(const struct journal *j); /* asserts the invariants; O(n), for tests */

#endif
