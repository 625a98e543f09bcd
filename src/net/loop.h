/*
 * Event loop, timers and mailboxes: the only face of libevent that the rest of svcd sees.
 *
 * A loop belongs to the thread that runs it. Everything here is called on that thread,
 * except mailbox_post, mailbox_post_many and loop_stop, which any thread may call. No
 * SIGPIPE is ever raised by this module.
 *
 * A round is one return of the kernel's wait with all callbacks that follow from it. At
 * its end the output that callbacks queued is sent and the idle hook is called; then the
 * loop sleeps.
 */
#ifndef SVCD_NET_LOOP_H
#define SVCD_NET_LOOP_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/heap.h"
#include "base/list.h"

struct loop;
struct event_base;

struct loop *loop_new(void); /* NULL when out of memory or descriptors */

/* A loop on somebody else's base; loop_run and loop_stop are then not used. It keeps
 * events of its own on the base, so event_base_dispatch does not return by itself before
 * loop_free. */
struct loop *loop_new_on(struct event_base *borrowed);

/* Reports first what was closed and not yet reported. No connection, listener, timer or
 * mailbox may be left. NULL is fine. */
void loop_free(struct loop *l);

/* Until loop_stop, which any thread may call, also before; the round is finished first.
 * May be run again. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

bool loop_on_thread(const struct loop *l);  /* the caller runs it, or made it to be run */
uint64_t loop_now_ms(const struct loop *l); /* clock_now_ms() as of this round */
uint64_t loop_lag_ms(const struct loop *l); /* how late timers are; halved every 5 s */

/* Called at the end of each round of the loop, after all events that were ready have been
 * handled and before it sleeps: the place for batched work. What it writes to connections
 * is sent before the loop sleeps; when that calls an owner, another round with the hook
 * follows. NULL removes it. On a borrowed base only rounds count in which something of
 * this loop happened. */
void loop_on_idle(struct loop *l, void (*fn)(void *arg), void *arg);

/*
 * One-shot timer, embedded by its owner. Never fires before due_ms of clock_now_ms(), the
 * time that the machine slept included. Timers fire in the order of due_ms; equal ones in
 * any order.
 */
struct timer {
	struct heap_node node;
	struct loop *loop;
	void (*fn)(void *arg);
	void *arg;
	uint64_t due_ms; /* 0 when not set */
};

/* 0, SVCD_ENOMEM. Ending it is fine when zero-initialised or already done, and inside of
 * fn. */
int timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg);
void timer_fini(struct timer *t);

void timer_set(struct timer *t, uint64_t after_ms); /* replaces an earlier setting */
void timer_cancel(struct timer *t);
bool timer_pending(const struct timer *t);

/*
 * Mailbox: many posting threads, one loop that receives. Messages are intrusive; posting
 * never allocates and never blocks for longer than a list push. The receiver gets the
 * messages in the order they were posted, all that are there at once, on its loop's
 * thread. The loop's eventfd is written only when the box was empty and the loop is not
 * being woken already.
 */
struct mail {
	struct list node;
	void (*deliver)(struct mail *m); /* takes m; runs on the receiver's thread */
};

struct mailbox;
struct mailbox *mailbox_new(struct loop *receiver); /* NULL when out of memory */

/* Receiver's thread, also inside of deliver; delivers what is still in it first. Nobody
 * may post any more. NULL is fine. */
void mailbox_free(struct mailbox *b);

void mailbox_post(struct mailbox *b, struct mail *m);
void mailbox_post_many(struct mailbox *b, struct list *mails); /* mails becomes empty */

/* Receiver's thread: delivers now what is there, without waiting for the loop. */
void mailbox_drain(struct mailbox *b);

#endif
