/*
 * What the edges of the streams share: files, threads, connections around the decisions
 * of stream_send.h and stream_receive.h.
 */
#ifndef SVCD_REPLICA_STREAM_INTERNAL_H
#define SVCD_REPLICA_STREAM_INTERNAL_H

#include <limits.h>
#include <pthread.h>

#include "replica/recovery.h"
#include "replica/stream.h"
#include "replica/stream_part.h"
#include "replica/stream_receive.h"
#include "replica/stream_send.h"

/* To one member. The file stays open, so that it can be sent to its end when newer
 * checkpoints push it out of the folder. */
struct source {
	uint64_t node; /* 0: not used */
	int fd;        /* -1: none */
	struct sending x;
};

/* From one member. While the thread runs, path, info, members and error are its own. */
struct intake {
	struct receiving x;
	struct part *part; /* NULL: none is open */
	char path[PATH_MAX];

	pthread_t thread;
	bool checking; /* the thread is to be joined */
	struct mail mail;
	struct staged staged;
	struct buf members;
	struct err error;
};

struct streams {
	struct streams_options o;
	struct mailbox *box;
	struct timer timer;
	struct timer pace;     /* a chunk waits for its time */
	uint64_t log_last;     /* where our log ended when it was looked at */
	uint64_t log_moved_ms; /* and when that was another place than before */
	struct source sources[PEERS_MAX];
	uint64_t last_stream;
	uint64_t distrusted; /* index of a checkpoint that a member found damaged */
	uint64_t wanted_ms;  /* when want_checkpoint was called last; 0: never */
	struct intake in;
	struct buf frame;  /* encoded */
	struct buf answer; /* encoded; while a chunk may be in frame */
	uint8_t *chunk;    /* STREAM_CHUNK_BYTES */
};

/* stream.c */
void streams_arm(struct streams *s); /* the timer, while there is something to wait for */

/* stream_source.c */
struct source *source_of(struct streams *s, uint64_t node);   /* or NULL */
struct source *source_take(struct streams *s, uint64_t node); /* NULL: too many */
void source_step(struct streams *s, struct source *p); /* all that can be done now */
void source_on_frame(struct streams *s, struct source *p, const struct stream_frame *f);
void source_settle(struct source *p); /* closes what is not needed any more */

/* stream_intake.c */
void intake_fini(struct streams *s);
void intake_on_frame(struct streams *s, uint64_t from, const struct stream_frame *f);
void intake_time(struct streams *s);
void intake_sweep(struct streams *s); /* removes parts that nobody will go on with */

#endif
