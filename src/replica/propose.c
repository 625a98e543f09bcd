/*
 * From waiting proposals to one log entry, and from applied entries back to those who
 * asked.
 */
#include "replica/replica_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define BOXES_MAX \
	64 /* mailboxes answered with one post each; more are answered one by one */

/* ---- answers ----------------------------------------------------------- */

static void deliver_done(struct mail *m)
{
	struct proposal *p = container_of(m, struct proposal, mail);

	p->done(p);
}

struct answers {
	size_t n;
	struct mailbox *boxes[BOXES_MAX];
	struct list lists[BOXES_MAX];
};

static struct list *answers_for(struct answers *a, struct mailbox *box)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->boxes[i] == box)
			return &a->lists[i];
	if (a->n == BOXES_MAX)
		return NULL;
	a->boxes[a->n] = box;
	list_init(&a->lists[a->n]);
	return &a->lists[a->n++];
}

static void answers_add(struct replica *r, struct answers *a, struct proposal *p)
{
	struct list *list = answers_for(a, p->reply);

	atomic_fetch_sub_explicit(&r->queued, 1, memory_order_relaxed);
	p->mail.deliver = deliver_done;
	if (list)
		list_push(list, &p->mail.node);
	else
		mailbox_post(p->reply, &p->mail);
}

static void answers_post(struct answers *a)
{
	for (size_t i = 0; i < a->n; i++)
		mailbox_post_many(a->boxes[i], &a->lists[i]);
}

static void refuse(struct proposal *p, int code, const char *text)
{
	p->outcome.code = code;
	p->outcome.rev = 0;
	p->outcome.value = 0;
	p->outcome.repeated = false;
	snprintf(p->outcome.text, sizeof(p->outcome.text), "%s", text);
}

/* ---- coming in --------------------------------------------------------- */

static struct replica *replica_of(const struct proposal *p)
{
	return (struct replica *)(uintptr_t)p->internal[0];
}

static void on_proposal(struct mail *m)
{
	struct proposal *p = container_of(m, struct proposal, mail);
	struct replica *r = replica_of(p);

	if (p->term != 0 && (r->role != ROLE_LEADER || r->role_term != p->term)) {
		atomic_fetch_sub_explicit(&r->queued, 1, memory_order_relaxed);
		refuse(p, SVCD_ENOLEADER, err_text(SVCD_ENOLEADER));
		p->mail.deliver = deliver_done;
		mailbox_post(p->reply, &p->mail);
		return;
	}
	list_push(&r->waiting, &p->mail.node);
	if (r->stopping)
		propose_refuse(r, SVCD_ESHUTDOWN, "shutting down");
}

static void refuse_busy(struct replica *r, struct proposal *p)
{
	atomic_fetch_sub_explicit(&r->queued, 1, memory_order_relaxed);
	refuse(p, SVCD_EBUSY, "too many writes are waiting, retry later");
	p->mail.deliver = deliver_done;
	mailbox_post(p->reply, &p->mail);
}

void replica_propose(struct replica *r, struct proposal *p)
{
	p->internal[0] = (uintptr_t)r;
	if (atomic_fetch_add_explicit(&r->queued, 1, memory_order_relaxed) >=
		REPLICA_QUEUE_MAX) {
		refuse_busy(r, p);
		return;
	}
	p->mail.deliver = on_proposal;
	mailbox_post(r->box, &p->mail);
}

void propose_init(struct replica *r)
{
	list_init(&r->waiting);
	list_init(&r->free_batches);
	for (size_t i = 0; i < BATCHES; i++)
		list_push(&r->free_batches, &r->batches[i].node);
	buf_init(&r->payload, 2 * PAYLOAD_BYTES_MAX);
}

void propose_refuse(struct replica *r, int code, const char *text)
{
	struct answers a = {0};
	struct list *n;

	while ((n = list_pop(&r->waiting)) != NULL) {
		struct proposal *p = container_of(n, struct proposal, mail.node);

		refuse(p, code, text);
		answers_add(r, &a, p);
	}
	answers_post(&a);
}

/* ---- one entry --------------------------------------------------------- */

static bool fits(const struct replica *r, const struct batch *b, const struct proposal *p)
{
	return b->n < PAYLOAD_COMMANDS_MAX &&
		(b->n == 0 || r->payload.len + p->command.len + 4 <= PAYLOAD_BYTES_MAX);
}

static struct batch *batch_begin(struct replica *r)
{
	struct batch *b = container_of(list_pop(&r->free_batches), struct batch, node);
	struct stamp stamp = {.time_ms = replica_time_ms(r), .wall_ms = clock_wall_ms()};

	b->n = 0;
	b->has_tick = timing_tick_due(r);
	payload_begin(&r->payload, &stamp);
	if (b->has_tick)
		payload_put(&r->payload, buf_bytes(&r->tick_command));
	return b;
}

static void batch_fill(struct replica *r, struct batch *b)
{
	while (!list_empty(&r->waiting)) {
		struct proposal *p = container_of(
			r->waiting.next, struct proposal, mail.node);

		if (!fits(r, b, p))
			break;
		list_remove(&p->mail.node);
		payload_put(&r->payload, buf_bytes(&p->command));
		b->proposals[b->n++] = p;
	}
	payload_end(&r->payload, b->n + b->has_tick);
}

static void batch_release(struct replica *r, struct batch *b)
{
	if (b->has_tick)
		timing_tick_over(r);
	list_push(&r->free_batches, &b->node);
}

static void batch_refuse(struct replica *r, struct batch *b, int code, const char *text)
{
	struct answers a = {0};

	for (uint32_t i = 0; i < b->n; i++) {
		refuse(b->proposals[i], code, text);
		answers_add(r, &a, b->proposals[i]);
	}
	batch_release(r, b);
	answers_post(&a);
}

static void batch_submit(struct replica *r, struct batch *b)
{
	int rc = r->payload.error;

	if (b->has_tick)
		timing_tick_begun(r);
	if (rc == 0)
		rc = driver_submit(
			r->driver, replica_now_ms(r), buf_bytes(&r->payload), b);
	if (rc == SVCD_ECORRUPT || rc == SVCD_EIO)
		replica_fatal(rc, "submit");
	if (rc != 0)
		batch_refuse(r, b, rc, err_text(rc));
}

/* 0, or why nothing that waits can be written now. */
static int judge(struct replica *r, const char **text)
{
	struct driver_status s;

	driver_status(r->driver, &s);
	*text = err_text(SVCD_ENOLEADER);
	if (s.role != DRIVER_LEADER)
		return SVCD_ENOLEADER;
	*text = "the disk is nearly full, writes are refused until there is room";
	return store_space(r->files.store);
}

void propose_round(struct replica *r)
{
	const char *text;
	int rc;

	if (list_empty(&r->waiting) && !timing_tick_due(r))
		return;
	rc = judge(r, &text);
	if (rc != 0) {
		propose_refuse(r, rc, text);
		return;
	}
	while ((!list_empty(&r->waiting) || timing_tick_due(r)) &&
		driver_may_submit(r->driver)) {
		struct batch *b = batch_begin(r);

		batch_fill(r, b);
		batch_submit(r, b);
	}
}

/* ---- after the commit -------------------------------------------------- */

void propose_answer(struct replica *r)
{
	struct answers a = {0};
	struct list *n;

	while ((n = list_pop(&r->applied)) != NULL) {
		struct batch *b = container_of(n, struct batch, node);

		for (uint32_t i = 0; i < b->n; i++)
			answers_add(r, &a, b->proposals[i]);
		batch_release(r, b);
	}
	answers_post(&a);
}

void propose_lost(struct replica *r, struct batch *b, int code)
{
	batch_refuse(r, b, code, err_text(code));
}
