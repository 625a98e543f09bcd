/*
 * The end of the process when the disk fails under what is promised durable: after a
 * failed write or sync nobody knows what is on it, and a restart finds out.
 */
#ifndef SVCD_REPLICA_MUST_H
#define SVCD_REPLICA_MUST_H

void must(int code, const char *what); /* 0 returns; else logs and aborts */

#endif
