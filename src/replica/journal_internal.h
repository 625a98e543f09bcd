/*
 * What the sources of the journal share.
 */
#ifndef SVCD_REPLICA_JOURNAL_INTERNAL_H
#define SVCD_REPLICA_JOURNAL_INTERNAL_H

#include "base/rng.h"
#include "replica/journal.h"

#define SEGMENT_BYTES_DEFAULT ((uint64_t)16 << 20)
#define SPARE_NAME "spare"
#define SEGMENT_NAME_MAX 24

/* An open segment. */
struct piece {
	struct segment_head head;
	int file;
	uint64_t size;
	uint64_t end; /* offset behind the last record */
};

/* Where an entry is; its piece follows from its index. */
struct item {
	uint64_t term;
	uint32_t at;
	uint8_t type;
};

/*
 * The next segment, made ready while the current one fills up: first its blocks are
 * reserved, then it is written with zeros, then synced; by the disk beside all else, or
 * where it cannot, here, little by little. A file that leaves the log at the front is
 * used again.
 */
struct spare {
	int file; /* -1: none */
	uint64_t size;
	uint64_t filled;
	bool beside; /* the disk is at it */
	bool ready;
};

/*
 * items[i] is the entry journal_first + i. pieces are in order, at least one; a piece
 * begins where the one before ended (head.prev_index is the last index of that one).
 * durable <= last; everything before the last piece is durable.
 */
struct journal {
	struct disk *disk;
	uint64_t segment_bytes;
	uint64_t cluster;
	struct rng rng;
	struct piece *pieces;
	size_t n_pieces, cap_pieces;
	struct item *items;
	size_t n_items, cap_items;
	uint64_t durable;
	uint64_t unsynced_bytes;
	struct buf stage;
	struct spare spare;
};

struct piece *journal_tail(struct journal *j);
/* The one that holds the entry. */
const struct piece *journal_piece(const struct journal *j, uint64_t index);
void journal_name(uint64_t seq, char out[SEGMENT_NAME_MAX]);
int journal_push_piece(struct journal *j, const struct piece *p);
int journal_push_item(struct journal *j, const struct item *i);
int journal_zero(struct journal *j, int file, uint64_t from, uint64_t to);

/* journal_spare.c */
void spare_discard(struct journal *j); /* at open: what is there is of unknown worth */
void spare_close(struct journal *j);   /* at close */
int spare_reserve(struct journal *j);  /* 0 or SVCD_ENOSPACE …: after it a spare can be
					  finished */
int spare_finish(struct journal *j);   /* now, whatever it takes; same errors */
/* some of the work, when the time has come */
void spare_step(struct journal *j, uint64_t bytes);
void spare_recycle(struct journal *j, struct piece *p); /* p leaves the log: keep or
							   remove its file */
/* Makes the spare the next segment of the log. 0 or SVCD_ENOSPACE. */
int spare_activate(
	struct journal *j, uint64_t prev_index, uint64_t prev_term, bool restart);

#endif
