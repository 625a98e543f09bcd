/*
 * One worker thread: a loop with its sessions, their watches and its kept answers.
 *
 * Shares nothing with other workers but the replica, the store and the lease table.
 * Before it answers anything it looks whether the replica has published more than it has
 * seen and takes that in first (worker_refresh): so whoever was told that a write is done
 * finds it here.
 */
#ifndef SVCD_SERVER_WORKER_H
#define SVCD_SERVER_WORKER_H

#include "net/loop.h"
#include "server/answers.h"
#include "server/core.h"
#include "base/log_gate.h"
#include "server/reply.h"
#include "server/watch.h"

struct worker_counters {
	struct counter connections, watches, requests, lookups, lookups_kept, writes,
		events_sent;
	struct counter bytes_in, bytes_out, renewals, errors;
};

struct worker {
	struct server *server;
	uint32_t index;
	pthread_t thread;
	struct loop *loop;
	struct mailbox *box;
	struct subscription *subscription;
	struct reader *reader;
	struct arena *arena;
	struct buf entries;    /* scratch: an answer's map entries */
	struct list strangers; /* sessions that have not said hello, oldest first */
	struct list sessions;
	struct answers *answers;
	struct watches *watches;
	struct list parked;   /* lookups that wait for a revision, resolve.c */
	struct list barriers; /* that were asked for here, barrier.c */
	struct renewals *renewals;
	struct timer sweep, again, parking;
	struct head head;     /* as of the last refresh */
	uint64_t published;   /* publications taken in */
	uint64_t rev_seen;    /* the newest that a publication or an own write told of */
	uint64_t now_ms;      /* as of the last refresh */
	uint32_t outstanding; /* answers that others owe us: the mailbox must live */
	bool diverged;        /* our state is wrong, nothing of it is told */
	bool ignorant; /* we joined or were away, and have not caught up yet: likewise */
	bool stopping;
	bool closing; /* its grace is over */
	uint64_t stop_by_ms;
	struct log_gate refusals;  /* of lines about clients that misbehave */
	_Atomic uint64_t alive_ms; /* it ran then */
	struct worker_counters stat;
};

/* 0 with the thread running. */
int worker_start(struct server *s, uint32_t index, struct worker **out);
/* From another thread, in this order for all workers: answers what was asked and closes
 * all within grace_ms; waits for the end of the thread; takes in what others still
 * posted; frees (NULL is fine). */
void worker_stop(struct worker *w, uint32_t grace_ms);
void worker_join(struct worker *w);
void worker_drain(struct worker *w);
void worker_free(struct worker *w);
/* Lets go of the state, but not of the mailbox: worker_free comes later. */
void worker_leave(struct worker *w);

/* Hands over an accepted connection; any thread. Closes fd when that is not possible. */
void worker_adopt(struct worker *w, int fd);

/* Takes in what was published, and with it the head of the next answers. Delivers mail:
 * not from a delivery, which would then be overtaken. */
void worker_refresh(struct worker *w);

/* A publication or the answer to a write told of it. */
void worker_saw(struct worker *w, uint64_t rev);

/* Told by the sessions: leases were queued to be ended; a connection is over. */
void worker_leases_released(struct worker *w, size_t queued);
void worker_session_over(struct worker *w);

#endif
