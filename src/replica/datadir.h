/*
 * The data directory: whose it is, who has it open, and whether its state can be trusted.
 *
 *	joining     see joining.c
 *	lock        held (flock) while a process has the directory
 *	identity    cluster and node, random, made at the first start; the ids that the
 *	            cluster had before
 *	clean       "clean" or "open", and the boot: see datadir_trusted
 *	log/ state/ checkpoint/
 */
#ifndef SVCD_REPLICA_DATADIR_H
#define SVCD_REPLICA_DATADIR_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/former.h"

#define DATADIR_PATH_MAX 3072 /* of the directory; names below it are ours and short */

struct datadir {
	char path[DATADIR_PATH_MAX];
	int fd;
	int lock_fd;
	uint64_t cluster;     /* 0: not known yet, the member is to join one */
	struct former former; /* what is here may be of these, too */
	uint64_t node;        /* never 0 */
	bool fresh;           /* made just now */
};

/* Makes it when missing. SVCD_EINUSE, SVCD_EVERSION, SVCD_ECORRUPT … */
int datadir_open(struct datadir *d, const char *path, struct err *e);
void datadir_close(struct datadir *d);

bool datadir_has(const struct datadir *d, const char *name);
int datadir_remove(const struct datadir *d, const char *name, struct err *e); /* a file;
										 durable
									       */
/* Which cluster it belongs to; 0: to none yet. other_node: with an id that was never
 * used. Durable. */
int datadir_set_cluster(
	struct datadir *d, uint64_t cluster, bool other_node, struct err *e);
/* The cluster gets a new id, and what is here remains its own. Durable. SVCD_ELIMIT: it
 * had too many. */
int datadir_renew_cluster(struct datadir *d, struct err *e);
/* The id of what lies here says that it belongs here. */
bool datadir_owns(const struct datadir *d, uint64_t cluster);
/* Removes log, state and checkpoints; nothing may have them open. Durable. */
int datadir_empty(const struct datadir *d, struct err *e);

/* path/name into out, which has PATH_MAX bytes. Returns out. */
char *datadir_path(const struct datadir *d, const char *name, char *out);

/*
 * The state is written without syncs: it survives the death of the process, but not of
 * the machine. It can be used when it was closed cleanly, or when the machine has not
 * been started again since it was opened.
 */
bool datadir_trusted(const struct datadir *d);
/* Durable on return. */
int datadir_mark(const struct datadir *d, bool clean, struct err *e);

/* Small files, whole: written under another name, synced, renamed. */
int datadir_write(
	const struct datadir *d, const char *name, struct bytes content, struct err *e);
int datadir_read(const struct datadir *d, const char *name, char *out, size_t cap,
	struct err *e); /* with a NUL */

#endif
