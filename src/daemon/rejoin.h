/*
 * Giving up a cluster of one for another cluster, safely whenever the process or the
 * machine ends meanwhile. Two files of the data directory say how far that is, each with
 * the address to join:
 *
 *	joining   decided: the data of the old cluster is to be removed
 *	join      it is: the cluster at that address is to be joined
 */
#ifndef SVCD_DAEMON_REJOIN_H
#define SVCD_DAEMON_REJOIN_H

#include "base/err.h"

#define REJOIN_ADDRESS_MAX 120

/* Decides; durable on return. */
int rejoin_note(const char *data_dir, const char *address, struct err *e);

/* Before a start, while nobody has the directory open: does what was decided. address is
 * "" when there is nothing to join, also when the directory does not exist. SVCD_EINUSE:
 * another process has it. */
int rejoin_prepare(const char *data_dir, char address[REJOIN_ADDRESS_MAX], struct err *e);

/* This member belongs to the new cluster: nothing is left to do. */
void rejoin_done(const char *data_dir);

#endif
