/*
 * Backups: a checkpoint that one connection reads, piece by piece.
 *
 * The file is made by a thread of its own, opened, and then has no name any more: it
 * lives as long as the connection keeps it open, and nothing of it is left after a crash.
 */
#ifndef SVCD_SERVER_BACKUP_H
#define SVCD_SERVER_BACKUP_H

#include "server/core.h"

struct request;
struct session;

void method_backup_open(struct request *r);
void method_backup_read(struct request *r);
void method_backup_close(struct request *r);

/* The connection is over. */
void backups_end(struct session *s);

/* Removes what a crash may have left in dir; NULL is fine. */
void backups_sweep(const char *dir);

#endif
