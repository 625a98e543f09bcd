/* Questions of the server's own to the server of the leader. */
#include "replica/replica_internal.h"

#include <stdlib.h>
#include <string.h>

#define QUESTIONS_MAX 65536 /* at the server at once */

/* ---- who asks ---------------------------------------------------------- */

static void deliver_answer(struct mail *m)
{
	struct replica_ask *x = container_of(m, struct replica_ask, mail);

	x->done(x);
}

static void finish(struct replica_ask *x, int code, struct bytes answer)
{
	x->code = code;
	buf_put_bytes(&x->answer, answer);
	if (x->answer.error)
		x->code = x->answer.error;
	x->mail.deliver = deliver_answer;
	mailbox_post(x->reply, &x->mail);
}

static void on_over(struct replica *r, struct call *c, int code, struct bytes answer)
{
	(void)r;
	finish(c->arg, code, answer);
}

static void on_ask(struct mail *m)
{
	struct replica_ask *x = container_of(m, struct replica_ask, mail);
	struct replica *r = (struct replica *)(uintptr_t)x->internal[0];
	struct call *c = call_new(PEER_ASK, on_over, x);

	if (!c) {
		finish(x, SVCD_ENOMEM, BYTES_NONE);
		return;
	}
	buf_put_be32(&c->body, x->kind);
	buf_put_bytes(&c->body, buf_bytes(&x->question));
	call_send(r, c);
}

void replica_ask_leader(struct replica *r, struct replica_ask *x)
{
	x->internal[0] = (uintptr_t)r;
	x->mail.deliver = on_ask;
	mailbox_post(r->box, &x->mail);
}

/* ---- who answers ------------------------------------------------------- */

struct question {
	struct replica_question q; /* first: what the server gives back */
	struct replica *replica;
	struct origin from;
	void (*fn)(void *arg, struct replica_question *q);
	void *arg;
	int code;
	struct buf answer;
	uint8_t bytes[];
};

static void deliver_question(struct mail *m)
{
	struct question *q = container_of(m, struct question, q.mail);

	q->fn(q->arg, &q->q);
}

static struct question *question_new(
	struct replica *r, struct origin from, uint32_t kind, struct bytes body)
{
	struct question *q = malloc(sizeof(*q) + body.len);

	if (!q)
		return NULL;
	*q = (struct question){.replica = r, .from = from};
	if (body.len > 0)
		memcpy(q->bytes, body.data, body.len);
	q->q.kind = kind;
	q->q.from = from.node ? from.node : r->dir.node;
	q->q.question = bytes_of(q->bytes, body.len);
	q->q.mail.deliver = deliver_question;
	return q;
}

static bool give_to_server(struct replica *r, struct question *q)
{
	struct mailbox *box;

	pthread_mutex_lock(&r->ask_lock);
	q->fn = r->on_ask;
	q->arg = r->ask_arg;
	box = r->ask_box;
	if (box)
		mailbox_post(box, &q->q.mail);
	pthread_mutex_unlock(&r->ask_lock);
	return box != NULL;
}

void asks_serve(struct replica *r, struct origin from, struct bytes body)
{
	struct reader in = reader_of(body);
	uint32_t kind = read_be32(&in);
	struct bytes rest = read_rest(&in);
	struct question *q = NULL;

	if (in.bad) {
		calls_answer(r, from, PEER_ASK, SVCD_EPROTOCOL, BYTES_NONE);
		return;
	}
	if (r->calls.questions < QUESTIONS_MAX)
		q = question_new(r, from, kind, rest);
	if (!q) {
		calls_answer(r, from, PEER_ASK, SVCD_EBUSY, BYTES_NONE);
		return;
	}
	if (give_to_server(r, q)) {
		r->calls.questions++;
		return;
	}
	free(q);
	calls_answer(r, from, PEER_ASK, SVCD_ENOLEADER, BYTES_NONE);
}

static void on_answer(struct mail *m)
{
	struct question *q = container_of(m, struct question, q.mail);

	q->replica->calls.questions--;
	calls_answer(q->replica, q->from, PEER_ASK, q->code, buf_bytes(&q->answer));
	buf_fini(&q->answer);
	free(q);
}

void replica_answer(
	struct replica *r, struct replica_question *x, int code, struct bytes answer)
{
	struct question *q = container_of(x, struct question, q);

	buf_put_bytes(&q->answer, answer);
	q->code = q->answer.error ? q->answer.error : code;
	q->q.mail.deliver = on_answer;
	mailbox_post(r->box, &q->q.mail);
}

void replica_on_ask(struct replica *r, struct mailbox *box,
	void (*fn)(void *arg, struct replica_question *q), void *arg)
{
	pthread_mutex_lock(&r->ask_lock);
	r->ask_box = box;
	r->on_ask = fn;
	r->ask_arg = arg;
	pthread_mutex_unlock(&r->ask_lock);
}

void replica_off_ask(struct replica *r)
{
	replica_on_ask(r, NULL, NULL, NULL);
}
