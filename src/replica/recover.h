/*
 * After the loss of a quorum: what the log of a member that is stopped holds, and how
 * this member becomes the one voter of its cluster. The cluster gets a new id for that:
 * those that are given up may come back, as a majority of what it was.
 *
 * Offline, one thread. Opening does what a start of the member would do: the end of an
 * interrupted write is cut off, a state that cannot be trusted is built again.
 */
#ifndef SVCD_REPLICA_RECOVER_H
#define SVCD_REPLICA_RECOVER_H

#include "replica/driver.h"
#include "replica/recovery.h"

#define RECOVER_MEMBERS_MAX 64

struct recover_member {
	uint64_t node;
	bool voter;
	char name[64], peer[120]; /* "" when no record tells */
};

struct recover {
	struct datadir dir;
	struct recovered files;
	bool opened;

	/* What is there. */
	uint64_t last_index, last_term;
	uint64_t commit_index; /* surely committed: it was applied */
	uint64_t term;         /* newest that the member knows of */
	uint64_t rev;          /* as applied */
	size_t n_members;      /* in the newest configuration of the log */
	struct recover_member members[RECOVER_MEMBERS_MAX];
	bool is_member, is_voter, is_sole;
};

/* Opens and looks. SVCD_ENOTFOUND (no data), SVCD_EINUSE, SVCD_ECORRUPT … with e filled;
 * recover_close on success. */
int recover_open(struct recover *r, const char *data_dir, struct err *e);

/* Gives the cluster another id (dir.cluster; dir.former.id[0] is the one of before), and
 * writes the log entries that make this member the one voter, in a new term. actor: who,
 * for the history, which has both ids. Durable on return; after a crash it is done again.
 * SVCD_ECONFLICT: it is that already, or the log is empty. SVCD_ELIMIT … */
int recover_run(struct recover *r, const char *actor, uint64_t wall_ms, struct err *e);

void recover_close(struct recover *r);

#endif
