/*
 * A checkpoint that is coming in, as a file: chunks are written one after the other by a
 * thread of their own, because a write waits for the disk when much is to be written
 * back. A bounded number of chunks waits; who sends them is told only what is written.
 *
 * Called on the loop of the mailbox, and calls back there.
 */
#ifndef SVCD_REPLICA_STREAM_PART_H
#define SVCD_REPLICA_STREAM_PART_H

#include "base/err.h"
#include "net/loop.h"

#define PART_CHUNKS_MAX 8

struct part;

struct part_events {
	/* So many bytes more are written, or e says why not: then nothing more is. */
	void (*written)(void *arg, size_t len, const struct err *e);
	void *arg;
	struct mailbox *box;
};

/* Opens the file, made when missing; *size is what it has, made 0 when that is more than
 * max. */
int part_open(const char *path, uint64_t max, const struct part_events *events,
	struct part **out, uint64_t *size, struct err *e);
/* Copies data. False: PART_CHUNKS_MAX wait already, or there is no memory. */
bool part_write(struct part *p, uint64_t at, struct bytes data);
/* Waits until what was given is written; events are not called any more. NULL is fine. */
void part_close(struct part *p);

#endif
