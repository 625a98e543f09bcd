/*
 * Event loop, timers and mailboxes: the only face of libevent that the rest of svcd sees.
 *
 * A loop belongs to the thread that runs it. Everything here is called on that thread, except
 * mailbox_post, loop_stop and mailbox_post_many, which any thread may call. No SIGPIPE is ever
 * raised by this module.
 */
#ifndef SVCD_NET_LOOP_H
#define SVCD_NET_LOOP_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/list.h"

struct loop;
struct event_base;

struct loop *loop_new(void);                           /* NULL when out of memory or descriptors */
struct loop *loop_new_on(struct event_base *borrowed); /* a loop on somebody else's base; loop_run is then not used */
void loop_free(struct loop *l);                        /* all its objects must be closed before */
void loop_run(struct loop *l);                         /* until loop_stop */
void loop_stop(struct loop *l);                        /* any thread; also before loop_run */
bool loop_on_thread(const struct loop *l);             /* true when the caller is the thread that runs it */
uint64_t loop_now_ms(const struct loop *l);            /* clock_now_ms() as of this round of the loop */
uint64_t loop_lag_ms(const struct loop *l);            /* decaying maximum of how late timers fired */

/* Called at the end of each round of the loop, after all events that were ready have been
 * handled and before it sleeps: the place for batched work. NULL removes it. */
void loop_on_idle(struct loop *l, void (*fn)(void *arg), void *arg);

/* One-shot timer, embedded by its owner. */
struct timer {
	struct loop *loop;
	void *ev;
	void (*fn)(void *arg);
	void *arg;
	uint64_t due_ms; /* 0 when not set */
};

int timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg); /* 0, SVCD_ENOMEM */
void timer_fini(struct timer *t); /* fine when zero-initialised or already done */
void timer_set(struct timer *t, uint64_t after_ms); /* replaces an earlier setting */
void timer_cancel(struct timer *t);
bool timer_pending(const struct timer *t);

/*
 * Mailbox: many posting threads, one loop that receives. Messages are intrusive; posting never
 * allocates and never blocks for longer than a list push. The receiver gets the messages in the
 * order they were posted, all that are there at once, on its loop's thread. The eventfd is
 * written only when the box was empty.
 */
struct mail {
	struct list node;
	void (*deliver)(struct mail *m); /* takes m; runs on the receiver's thread */
};

struct mailbox;
struct mailbox *mailbox_new(struct loop *receiver);
void mailbox_free(struct mailbox *b); /* receiver's thread; delivers what is still in it first */
void mailbox_post(struct mailbox *b, struct mail *m);
void mailbox_post_many(struct mailbox *b, struct list *mails); /* struct mail nodes; list becomes empty */
void mailbox_drain(struct mailbox *b); /* receiver's thread: deliver now what is there, without waiting for the loop */

#endif
