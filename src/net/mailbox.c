/*
 * Mailboxes. The posting side is the mutex, the list and loop_wake; all else belongs to
 * the receiver's thread.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "net/loop_internal.h"

struct mailbox {
	struct list node; /* in its loop's boxes */
	struct loop *loop;
	pthread_mutex_t lock;
	struct list posted; /* under lock */
	struct list taken;  /* receiver only: not delivered yet; before all posted */
	unsigned draining;  /* depth: deliver may drain again */
	bool doomed;        /* freed by a delivery */
};

struct mailbox *mailbox_new(struct loop *receiver)
{
	struct mailbox *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->loop = receiver;
	pthread_mutex_init(&b->lock, NULL);
	list_init(&b->posted);
	list_init(&b->taken);
	list_push(&receiver->boxes, &b->node);
	return b;
}

static void mailbox_destroy(struct mailbox *b)
{
	assert(list_empty(&b->posted) && list_empty(&b->taken));
	pthread_mutex_destroy(&b->lock);
	free(b);
}

void mailbox_free(struct mailbox *b)
{
	if (b == NULL)
		return;
	assert(!b->doomed);
	list_remove(&b->node);
	b->doomed = true;
	mailbox_drain(b);
}

/* Once unlocked, the receiver may take the last message and free the box and its loop: so
 * it is woken before. */
static void mailbox_wake_and_unlock(struct mailbox *b, bool was_empty)
{
	if (was_empty)
		loop_wake(b->loop);
	pthread_mutex_unlock(&b->lock);
}

void mailbox_post_many(struct mailbox *b, struct list *mails)
{
	bool was_empty;

	if (list_empty(mails))
		return;
	pthread_mutex_lock(&b->lock);
	was_empty = list_empty(&b->posted);
	list_splice(&b->posted, mails);
	mailbox_wake_and_unlock(b, was_empty);
}

void mailbox_post(struct mailbox *b, struct mail *m)
{
	bool was_empty;

	pthread_mutex_lock(&b->lock);
	was_empty = list_empty(&b->posted);
	list_push(&b->posted, &m->node);
	mailbox_wake_and_unlock(b, was_empty);
}

static bool mailbox_take(struct mailbox *b)
{
	pthread_mutex_lock(&b->lock);
	list_splice(&b->taken, &b->posted);
	pthread_mutex_unlock(&b->lock);
	return !list_empty(&b->taken);
}

void mailbox_drain(struct mailbox *b)
{
	struct list *n;

	b->draining++;
	/* A box that ends is emptied to the last message; otherwise what arrives while
	 * we deliver waits for the next round, so that posters cannot hold the loop. */
	do {
		if (!mailbox_take(b))
			break;
		while ((n = list_pop(&b->taken)) != NULL) {
			struct mail *m = container_of(n, struct mail, node);

			m->deliver(m);
		}
	} while (b->doomed);
	if (--b->draining == 0 && b->doomed)
		mailbox_destroy(b);
}

/* A delivery may free or make any mailbox, therefore each is back in its list before it
 * is drained. */
void mailboxes_drain(struct loop *l)
{
	struct list now;
	struct list *n;

	list_init(&now);
	list_splice(&now, &l->boxes);
	while ((n = list_pop(&now)) != NULL) {
		list_push(&l->boxes, n);
		mailbox_drain(container_of(n, struct mailbox, node));
	}
}
