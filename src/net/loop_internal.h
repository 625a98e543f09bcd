/*
 * What the files of net/ share about a loop. Not for other folders.
 *
 * libevent 2.1 has no hook at the end of a round. Our first callback of a round therefore
 * activates the event round_end, which libevent puts behind everything that is ready; so
 * own and borrowed bases work alike, and it costs no system call.
 */
#ifndef SVCD_NET_LOOP_INTERNAL_H
#define SVCD_NET_LOOP_INTERNAL_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>

#include "net/loop.h"

#define LOOP_SCRATCH_BYTES ((size_t)64 << 10)
#define LOOP_SPARE_BYTES ((size_t)256 << 10) /* a larger buffer is not kept */

/* Work for the end of the round. fn returns whether it called an owner. */
struct deferred {
	struct list node;
	bool (*fn)(struct deferred *d);
};

struct loop {
	struct event_base *base;
	bool borrowed;
	_Atomic pthread_t thread;

	struct event round_end;
	bool round_end_due; /* it is active, or runs */
	bool put_last;      /* it was moved behind the others in this round */
	bool now_fresh;     /* now_ms is of this round */
	uint64_t now_ms;
	void (*idle)(void *arg);
	void *idle_arg;
	struct list deferred;

	struct event wake; /* other threads reach the loop by wake_fd only */
	int wake_fd;
	atomic_bool woken; /* wake_fd is written and not read yet */
	atomic_bool stop;
	struct list boxes;

	struct event tick;
	int timer_fd;
	struct heap timers; /* all initialised ones; TIMER_NEVER when not set */
	uint64_t armed_ms;  /* of timer_fd; 0 after it fired, TIMER_NEVER when off */
	bool in_timers;
	uint64_t lag_ms;
	uint64_t lag_at_ms;

	uint8_t *scratch; /* one recv of one connection; valid during its event */
	struct buf spare; /* memory of an output buffer between two events */
	size_t conns;
};

#define TIMER_NEVER UINT64_MAX

void loop_enter(struct loop *l);  /* first call of every callback from libevent */
void loop_attend(struct loop *l); /* an end of a round must come; also outside of one */
void loop_wake(struct loop *l);   /* any thread */

/* d->fn is called once at the end of the round; fine when it is queued already. */
void loop_defer(struct loop *l, struct deferred *d);

/* The spare memory for an empty buffer, and back. Both leave b valid. */
void loop_lend(struct loop *l, struct buf *b);
void loop_take_back(struct loop *l, struct buf *b);

/* event_del for events that may never have been assigned. */
void event_drop(struct event *ev);

int timers_open(struct loop *l); /* 0, SVCD_EIO */
void timers_close(struct loop *l);
void timers_arm(struct loop *l); /* end of round: at most one system call */

void mailboxes_drain(struct loop *l);

#endif
