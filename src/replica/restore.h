/*
 * A data directory from a backup: a new cluster of one, with the data of the backup.
 *
 * Offline. All is built in the folder "restoring" of the directory and then moved into
 * place, the file "identity" last: without it a directory is not started.
 */
#ifndef SVCD_REPLICA_RESTORE_H
#define SVCD_REPLICA_RESTORE_H

#include "replica/datadir.h"
#include "store/store.h"

struct restore_options {
	const char *file;     /* the backup, which is a checkpoint */
	const char *data_dir; /* made when missing */
	bool force;           /* when there is data: into the folder "replaced" with it */
	const char *actor;    /* who, for the history */
	uint64_t wall_ms;
};

struct restored {
	struct checkpoint_info info; /* of the backup */
	uint64_t cluster, node;      /* new ones */
	bool replaced;
};

/* Checks the backup deeply first. SVCD_ECORRUPT, SVCD_EVERSION, SVCD_EEXISTS (there is
 * data), SVCD_EINUSE, SVCD_ENOSPACE … with e filled; the directory is then as it was, but
 * for the folder "restoring" that the next try replaces. */
int restore_run(const struct restore_options *o, struct restored *out, struct err *e);

#endif
