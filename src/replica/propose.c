/*
 * From waiting proposals to one log entry, and from applied entries back to those who
 * asked.
 */
#include "replica/replica_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* ---- answers ----------------------------------------------------------- */

static void deliver_done(struct mail *m)
{
	struct proposal *p = container_of(m, struct proposal, mail);

	p->done(p);
}

static struct list *answers_for(struct answers *a, struct mailbox *box)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->boxes[i] == box)
			return &a->lists[i];
	if (a->n == ANSWER_BOXES_MAX)
		return NULL;
	a->boxes[a->n] = box;
	list_init(&a->lists[a->n]);
	return &a->lists[a->n++];
}

/* Its outcome is set; delivered by the next propose_flush. */
void propose_done(struct replica *r, struct proposal *p)
{
	struct list *list;

	atomic_fetch_sub_explicit(&r->queued, 1, memory_order_relaxed);
	if (forward_is_guest(p)) {
		forward_reply(r, p);
		return;
	}
	list = answers_for(&r->answers, p->reply);
	p->mail.deliver = deliver_done;
	if (list)
		list_push(list, &p->mail.node);
	else
		mailbox_post(p->reply, &p->mail);
}

void propose_flush(struct replica *r)
{
	struct answers *a = &r->answers;

	for (size_t i = 0; i < a->n; i++)
		mailbox_post_many(a->boxes[i], &a->lists[i]);
	a->n = 0;
	forward_flush(r);
}

static void set_refusal(struct proposal *p, int code, const char *text)
{
	p->outcome.code = code;
	p->outcome.rev = 0;
	p->outcome.value = 0;
	p->outcome.repeated = false;
	if (text != p->outcome.text)
		snprintf(p->outcome.text, sizeof(p->outcome.text), "%s", text);
}

/* Whoever asked once before it was lost cannot be told that it was surely not applied. */
void propose_refuse_one(struct replica *r, struct proposal *p, int code, const char *text)
{
	if (p->internal[PROPOSAL_INDEX] == INDEX_MAYBE) {
		code = SVCD_EUNKNOWN;
		text = err_text(code);
	}
	p->internal[PROPOSAL_INDEX] = 0;
	set_refusal(p, code, text);
	propose_done(r, p);
}

static bool has_session(const struct proposal *p)
{
	struct command_head head;

	return command_head(buf_bytes(&p->command), &head) == 0 && head.session != 0;
}

/* SVCD_ENOLEADER: surely not applied, it waits for the next leader. SVCD_EUNKNOWN: what
 * has a session is asked again, for it is applied once. */
void propose_lost_one(struct replica *r, struct proposal *p, int code)
{
	if (r->stopping || forward_is_guest(p) || p->term != 0 ||
		(code == SVCD_EUNKNOWN && !has_session(p))) {
		propose_refuse_one(r, p, code, err_text(code));
		return;
	}
	if (code == SVCD_EUNKNOWN)
		p->internal[PROPOSAL_INDEX] = INDEX_MAYBE;
	list_push(&r->forwards.again, &p->mail.node);
}

/* ---- coming in --------------------------------------------------------- */

static struct replica *replica_of(const struct proposal *p)
{
	return (struct replica *)(uintptr_t)p->internal[PROPOSAL_REPLICA];
}

static void on_proposal(struct mail *m)
{
	struct proposal *p = container_of(m, struct proposal, mail);
	struct replica *r = replica_of(p);

	list_push(&r->waiting, &p->mail.node);
	if (r->stopping)
		propose_refuse(r, SVCD_ESHUTDOWN, "shutting down");
}

static const char too_many[] = "too many writes are waiting, retry later";

static bool count_one(struct replica *r)
{
	return atomic_fetch_add_explicit(&r->queued, 1, memory_order_relaxed) <
		REPLICA_QUEUE_MAX;
}

/* Here already. A good certificate lets in who wants to join, and no more: members alone
 * propose. That is no refusal for good: a leader that was elected this moment may not
 * know a member yet, who then asks again. */
void propose_take(struct replica *r, struct proposal *p, uint64_t from)
{
	if (!count_one(r))
		propose_refuse_one(r, p, SVCD_EBUSY, too_many);
	else if (r->stopping || !members_find(r, from))
		propose_refuse_one(r, p, SVCD_ENOLEADER, err_text(SVCD_ENOLEADER));
	else
		list_push(&r->waiting, &p->mail.node);
}

static void refuse_busy(struct replica *r, struct proposal *p)
{
	atomic_fetch_sub_explicit(&r->queued, 1, memory_order_relaxed);
	set_refusal(p, SVCD_EBUSY, too_many);
	p->mail.deliver = deliver_done;
	mailbox_post(p->reply, &p->mail);
}

void replica_propose(struct replica *r, struct proposal *p)
{
	p->internal[PROPOSAL_REPLICA] = (uintptr_t)r;
	p->internal[PROPOSAL_ID] = 0;
	p->internal[PROPOSAL_INDEX] = 0;
	p->internal[PROPOSAL_FRAME] = 0;
	if (!count_one(r)) {
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

static void refuse_list(struct replica *r, struct list *l, int code, const char *text)
{
	struct list *n;

	while ((n = list_pop(l)) != NULL)
		propose_refuse_one(
			r, container_of(n, struct proposal, mail.node), code, text);
}

void propose_refuse(struct replica *r, int code, const char *text)
{
	refuse_list(r, &r->forwards.again, code, text);
	refuse_list(r, &r->waiting, code, text);
	propose_flush(r);
}

bool propose_pending(const struct replica *r)
{
	return !list_empty(&r->waiting) || !list_empty(&r->forwards.again) ||
		!list_empty(&r->forwards.sent) || !list_empty(&r->forwards.settling) ||
		r->batches_out > 0;
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

	r->batches_out++;
	b->kind = TICKET_BATCH;
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
		if (p->term != 0 && p->term != r->role_term) {
			propose_refuse_one(
				r, p, SVCD_ENOLEADER, err_text(SVCD_ENOLEADER));
			continue;
		}
		payload_put(&r->payload, buf_bytes(&p->command));
		b->proposals[b->n++] = p;
	}
	payload_end(&r->payload, b->n + b->has_tick);
}

static void batch_release(struct replica *r, struct batch *b)
{
	if (b->has_tick)
		timing_tick_over(r);
	r->batches_out--;
	list_push(&r->free_batches, &b->node);
}

void propose_lost(struct replica *r, struct batch *b, int code)
{
	for (uint32_t i = 0; i < b->n; i++)
		propose_lost_one(r, b->proposals[i], code);
	batch_release(r, b);
	propose_flush(r);
}

static void batch_refuse(struct replica *r, struct batch *b, int code)
{
	if (code == SVCD_ENOLEADER) {
		propose_lost(r, b, code);
		return;
	}
	for (uint32_t i = 0; i < b->n; i++)
		propose_refuse_one(r, b->proposals[i], code, err_text(code));
	batch_release(r, b);
	propose_flush(r);
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
		batch_refuse(r, b, rc);
}

/* ---- who takes what waits ---------------------------------------------- */

static void submit_all(struct replica *r)
{
	int rc = store_space(r->files.store);

	if (rc != 0) {
		propose_refuse(r, rc,
			"the disk is nearly full, writes are refused until there is room");
		return;
	}
	while ((!list_empty(&r->waiting) || timing_tick_due(r)) &&
		driver_may_submit(r->driver)) {
		struct batch *b = batch_begin(r);

		batch_fill(r, b);
		if (b->n > 0 || b->has_tick)
			batch_submit(r, b);
		else
			batch_release(r, b);
	}
}

/* Is there anybody who takes writes? A failover is a pause and not an error: what waits
 * is refused when there was nobody for longer than an election takes. */
static bool reachable_leader(struct replica *r, const struct driver_status *s)
{
	if (s->role == DRIVER_LEADER)
		return s->ready;
	return r->peers && s->leader != 0 &&
		peers_connected(r->peers, s->leader, PEER_FORWARD);
}

static uint64_t patience_ms(const struct replica *r)
{
	return r->peers ? (uint64_t)4 * r->election_ms : 0;
}

uint64_t propose_due_ms(const struct replica *r)
{
	uint64_t due = UINT64_MAX;

	if (r->blocked_since_ms != 0 && propose_pending(r))
		due = r->blocked_since_ms + patience_ms(r) + 1;
	if (!list_empty(&r->waiting) && r->forwards.not_before_ms > replica_now_ms(r) &&
		r->forwards.not_before_ms < due)
		due = r->forwards.not_before_ms;
	return due;
}

static void note_reachable(struct replica *r, const struct driver_status *s)
{
	uint64_t now = replica_now_ms(r);

	if (reachable_leader(r, s))
		r->blocked_since_ms = 0;
	else if (r->blocked_since_ms == 0)
		r->blocked_since_ms = now;
	if (r->blocked_since_ms == 0 || now - r->blocked_since_ms < patience_ms(r))
		return;
	propose_refuse(r, SVCD_ENOLEADER, err_text(SVCD_ENOLEADER));
	calls_refuse_leaderless(r);
	reading_refuse(r, SVCD_ENOLEADER);
}

void propose_round(struct replica *r)
{
	struct driver_status s;

	if (!r->peers && list_empty(&r->waiting) && !timing_tick_due(r))
		return;
	driver_status(r->driver, &s);
	if (r->peers || s.role != DRIVER_LEADER)
		note_reachable(r, &s);
	forward_again(r);
	if (s.role == DRIVER_LEADER)
		submit_all(r);
	else if (r->peers)
		forward_round(r, s.leader);
}

/* ---- after the commit -------------------------------------------------- */

void propose_answer(struct replica *r)
{
	struct list *n;

	while ((n = list_pop(&r->applied)) != NULL) {
		struct batch *b = container_of(n, struct batch, node);

		for (uint32_t i = 0; i < b->n; i++) {
			b->proposals[i]->internal[PROPOSAL_INDEX] = r->applied_index;
			propose_done(r, b->proposals[i]);
		}
		batch_release(r, b);
	}
	forward_applied(r);
	propose_flush(r);
}
