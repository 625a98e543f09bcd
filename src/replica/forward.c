/*
 * Proposals of a member that does not lead: they go to the leader in frames, outcomes
 * come back with the index of the log that they are of, and are delivered when this
 * member has applied that index. And the other end: proposals of other members, which the
 * leader handles like its own.
 *
 *	PEER_PROPOSE    n times: be64 id, be32 length, command
 *	PEER_PROPOSED   n times: be64 id, varint index (0: refused), outcome
 *
 * What was sent and is not answered when the leader changes may have been applied. A
 * command with a session and a sequence number is then asked again (it is applied once,
 * whoever asks how often), any other is answered SVCD_EUNKNOWN.
 */
#include "replica/replica_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define SENT_MAX 8192 /* proposals under way to the leader; the others wait here */
#define BACK_OFF_MS 20
#define REPLY_BYTES_MAX ((size_t)4 << 20)

/* A frame of another member, with its proposals; freed with the last answer. */
struct guest_frame {
	uint64_t node;
	uint32_t open;
	uint8_t *bytes;
	struct proposal proposals[];
};

void forward_init(struct forwards *f)
{
	list_init(&f->again);
	list_init(&f->sent);
	list_init(&f->settling);
	buf_init(&f->frame, 2 * PAYLOAD_BYTES_MAX);
}

void forward_fini(struct forwards *f)
{
	buf_fini(&f->frame);
	for (size_t i = 0; i < REPLICA_MEMBERS_MAX; i++)
		buf_fini(&f->replies[i]);
}

static struct proposal *proposal_of(struct list *n)
{
	return container_of(n, struct proposal, mail.node);
}

/* ---- to the leader ----------------------------------------------------- */

/* Moves what fits into one frame from waiting to batch. */
static void fill_frame(struct replica *r, struct list *batch)
{
	struct forwards *f = &r->forwards;
	size_t n = 0;

	buf_clear(&f->frame);
	while (!list_empty(&r->waiting) && n < PAYLOAD_COMMANDS_MAX) {
		struct proposal *p = proposal_of(r->waiting.next);

		if (n > 0 &&
			f->frame.len + p->command.len + PROPOSAL_HEAD_BYTES >
				PAYLOAD_BYTES_MAX)
			break;
		p->internal[PROPOSAL_ID] = ++f->next_id;
		proposals_put(&f->frame, f->next_id, buf_bytes(&p->command));
		list_remove(&p->mail.node);
		list_push(batch, &p->mail.node);
		n++;
	}
	f->n_sent += n;
}

/* Nobody passes on what another member has passed on: it asks again itself. Nor what only
 * a leader may propose. */
static void refuse_what_stays(struct replica *r)
{
	struct list *it, *tmp;

	list_each(&r->waiting, it, tmp) {
		struct proposal *p = proposal_of(it);

		if (!forward_is_guest(p) && p->term == 0)
			continue;
		list_remove(it);
		propose_refuse_one(r, p, SVCD_ENOLEADER, err_text(SVCD_ENOLEADER));
	}
}

static size_t list_length(struct list *l)
{
	struct list *it, *tmp;
	size_t n = 0;

	list_each(l, it, tmp)
		n++;
	return n;
}

/* False: nothing more can be sent now. */
static bool send_frame(struct replica *r, uint64_t leader)
{
	struct forwards *f = &r->forwards;
	struct list batch;
	int rc;

	list_init(&batch);
	fill_frame(r, &batch);
	rc = f->frame.error ? f->frame.error
			    : peers_send(r->peers, leader, PEER_FORWARD, PEER_PROPOSE,
				      buf_bytes(&f->frame));
	if (rc == 0) {
		list_splice(&f->sent, &batch);
		return true;
	}
	f->n_sent -= list_length(&batch);
	list_splice(&batch, &r->waiting);
	list_splice(&r->waiting, &batch);
	return false;
}

void forward_round(struct replica *r, uint64_t leader)
{
	struct forwards *f = &r->forwards;

	refuse_what_stays(r);
	if (list_empty(&r->waiting) || leader == 0 || !list_empty(&f->again) ||
		replica_now_ms(r) < f->not_before_ms)
		return;
	if (!peers_connected(r->peers, leader, PEER_FORWARD)) {
		peers_connect(r->peers, leader, PEER_FORWARD);
		return;
	}
	f->leader = leader;
	while (!list_empty(&r->waiting) && f->n_sent < SENT_MAX)
		if (!send_frame(r, leader))
			return;
}

/* ---- what does not come back ------------------------------------------- */

/* In the order in which it was proposed: only when all of it is back. */
void forward_again(struct replica *r)
{
	struct forwards *f = &r->forwards;

	if (list_empty(&f->again) || !list_empty(&f->sent))
		return;
	list_splice(&f->again, &r->waiting);
	list_splice(&r->waiting, &f->again);
}

void forward_lost(struct replica *r)
{
	struct forwards *f = &r->forwards;
	struct list *n;

	f->not_before_ms = 0;
	f->n_sent = 0;
	while ((n = list_pop(&f->sent)) != NULL)
		propose_lost_one(r, proposal_of(n), SVCD_EUNKNOWN);
	forward_again(r);
}

/* ---- answers ----------------------------------------------------------- */

void forward_give_up(struct replica *r, uint64_t older_than_ms)
{
	struct forwards *f = &r->forwards;

	while (!list_empty(&f->settling)) {
		struct proposal *p = proposal_of(f->settling.next);

		if (p->internal[PROPOSAL_ID] > older_than_ms)
			return;
		list_remove(&p->mail.node);
		propose_refuse_one(r, p, SVCD_EUNKNOWN, err_text(SVCD_EUNKNOWN));
	}
}

void forward_applied(struct replica *r)
{
	struct forwards *f = &r->forwards;

	while (!list_empty(&f->settling)) {
		struct proposal *p = proposal_of(f->settling.next);

		if (p->internal[PROPOSAL_INDEX] > r->applied_index)
			break;
		list_remove(&p->mail.node);
		propose_done(r, p);
	}
}

/* Answers come in the order of the questions, but for refusals. */
static struct proposal *take_sent(struct forwards *f, uint64_t id)
{
	struct list *it, *tmp;

	list_each(&f->sent, it, tmp) {
		struct proposal *p = proposal_of(it);

		if (p->internal[PROPOSAL_ID] != id)
			continue;
		list_remove(it);
		f->n_sent--;
		return p;
	}
	return NULL;
}

static void on_refused(struct replica *r, struct proposal *p)
{
	int code = p->outcome.code;

	if (code == SVCD_ENOLEADER)
		r->forwards.not_before_ms = replica_now_ms(r) + BACK_OFF_MS;
	if (code == SVCD_ENOLEADER || code == SVCD_EUNKNOWN)
		propose_lost_one(r, p, code);
	else
		propose_refuse_one(r, p, code, p->outcome.text);
}

static void on_outcome(struct replica *r, struct proposal *p, uint64_t index)
{
	if (index == 0) {
		on_refused(r, p);
		return;
	}
	p->internal[PROPOSAL_INDEX] = index;
	p->internal[PROPOSAL_ID] = replica_now_ms(r);
	list_push(&r->forwards.settling, &p->mail.node);
}

void forward_on_proposed(struct replica *r, uint64_t from, struct bytes body)
{
	struct reader in = reader_of(body);

	while (!reader_done(&in) && !in.bad) {
		uint64_t id = read_be64(&in), index = read_varint(&in);
		struct proposal *p = from == r->forwards.leader
			? take_sent(&r->forwards, id)
			: NULL;
		bool whole = outcome_decode(&in, p ? &p->outcome : &r->nobody);

		if (p && whole)
			on_outcome(r, p, index);
		else if (p)
			propose_lost_one(r, p, SVCD_EUNKNOWN);
	}
	if (in.bad)
		log_warn("peer_frame_damaged", L_STR("kind", "proposed"),
			L_U64("from", from));
	forward_applied(r);
}

/* ---- the other end ----------------------------------------------------- */

static struct guest_frame *frame_of(const struct proposal *p)
{
	return (struct guest_frame *)(uintptr_t)p->internal[PROPOSAL_FRAME];
}

bool forward_is_guest(const struct proposal *p)
{
	return p->internal[PROPOSAL_FRAME] != 0;
}

static struct guest_frame *frame_new(uint64_t from, struct bytes body, uint32_t n)
{
	struct guest_frame *f = calloc(1, sizeof(*f) + n * sizeof(f->proposals[0]));

	if (!f)
		return NULL;
	f->bytes = malloc(body.len);
	if (!f->bytes) {
		free(f);
		return NULL;
	}
	memcpy(f->bytes, body.data, body.len);
	f->node = from;
	f->open = n;
	return f;
}

static void frame_close_one(struct guest_frame *f, struct proposal *p)
{
	buf_fini(&p->outcome.incarnations);
	if (--f->open > 0)
		return;
	free(f->bytes);
	free(f);
}

static void take_guest(
	struct replica *r, struct guest_frame *f, struct proposal *p, struct reader *in)
{
	struct bytes command;

	p->internal[PROPOSAL_REPLICA] = (uintptr_t)r;
	p->internal[PROPOSAL_FRAME] = (uintptr_t)f;
	command = proposals_next(in, &p->internal[PROPOSAL_ID]);
	p->command.data = (uint8_t *)(uintptr_t)command.data; /* the frame's */
	p->command.len = command.len;
	propose_take(r, p, f->node);
}

void forward_on_propose(struct replica *r, uint64_t from, struct bytes body)
{
	uint32_t n = proposals_count(body);
	struct guest_frame *f = n ? frame_new(from, body, n) : NULL;
	struct reader in;

	if (!f) {
		log_warn("peer_frame_damaged", L_STR("kind", "propose"),
			L_U64("from", from));
		return;
	}
	in = reader_of(bytes_of(f->bytes, body.len));
	for (uint32_t i = 0; i < n; i++)
		take_guest(r, f, &f->proposals[i], &in);
}

static struct buf *reply_of(struct forwards *f, uint64_t node)
{
	for (size_t i = 0; i < f->n_replies; i++)
		if (f->reply_nodes[i] == node)
			return &f->replies[i];
	if (f->n_replies == REPLICA_MEMBERS_MAX)
		return NULL;
	f->reply_nodes[f->n_replies] = node;
	return &f->replies[f->n_replies++];
}

/* A reply that finds no way is no loss: who asked sees that the connection is over. */
static void flush_reply(struct replica *r, uint64_t node, struct buf *b)
{
	if (b->len > 0 && b->error == 0)
		(void)peers_reply(
			r->peers, node, PEER_FORWARD, PEER_PROPOSED, buf_bytes(b));
	buf_clear(b);
}

void forward_reply(struct replica *r, struct proposal *p)
{
	struct guest_frame *f = frame_of(p);
	struct buf *out = reply_of(&r->forwards, f->node);

	if (!out) {
		forward_flush(r);
		out = reply_of(&r->forwards, f->node);
	}
	buf_put_be64(out, p->internal[PROPOSAL_ID]);
	put_varint(out, p->internal[PROPOSAL_INDEX]);
	outcome_encode(out, &p->outcome);
	if (out->len > REPLY_BYTES_MAX)
		flush_reply(r, f->node, out);
	frame_close_one(f, p);
}

void forward_flush(struct replica *r)
{
	struct forwards *f = &r->forwards;

	for (size_t i = 0; i < f->n_replies; i++)
		flush_reply(r, f->reply_nodes[i], &f->replies[i]);
	f->n_replies = 0;
}
