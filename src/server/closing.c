#include "server/closing.h"

#include <stdlib.h>

#include "server/lease_ask.h"

#define IN_FLIGHT_MAX 4
#define RETRY_MS 200

struct closing_ask {
	struct replica_ask ask; /* first */
	struct closing *closing;
	size_t n;
	uint64_t ids[LIMIT_BATCH];
};

static void closing_flush(struct closing *c);

static void ask_free(struct closing_ask *x)
{
	buf_fini(&x->ask.question);
	buf_fini(&x->ask.answer);
	free(x);
}

/* What became of the i-th: over, or to be asked for again. */
static void one_over(struct closing_ask *x, size_t i, bool over)
{
	struct closing *c = x->closing;

	if (over) {
		leases_ended(c->server->held, &x->ids[i], 1);
		return;
	}
	leases_refused(c->server->held, &x->ids[i], 1);
	if (!timer_pending(&c->retry))
		timer_set(&c->retry, RETRY_MS);
}

static void ask_over(struct closing_ask *x, int code)
{
	struct bytes answer = buf_bytes(&x->ask.answer);

	if (code == 0)
		code = lease_answer_check(answer, x->n);
	for (size_t i = 0; i < x->n; i++)
		one_over(x, i, code == 0 && lease_answer_at(answer, i) == 0);
	ask_free(x);
}

static void ask_done(struct replica_ask *ask)
{
	struct closing_ask *x = (struct closing_ask *)ask;
	struct closing *c = x->closing;

	c->in_flight--;
	ask_over(x, ask->code);
	closing_flush(c);
}

static void close_here(struct closing_ask *x)
{
	for (size_t i = 0; i < x->n; i++)
		one_over(x, i, leading_close(x->closing->leading, x->ids[i]));
	ask_free(x);
}

static void ask_send(struct closing_ask *x)
{
	struct closing *c = x->closing;

	for (size_t i = 0; i < x->n; i++)
		lease_ask_put(&x->ask.question, LEASE_CLOSE, x->ids[i]);
	if (x->ask.question.error != 0) {
		ask_over(x, SVCD_ENOMEM);
		return;
	}
	x->ask.kind = ASK_LEASES;
	x->ask.reply = c->box;
	x->ask.done = ask_done;
	c->in_flight++;
	replica_ask_leader(c->server->replica, &x->ask);
}

/* With server.closing locked: a renewal that finds its lease taken is asked for behind
 * this, and saves it. False: there is nothing to do. */
static bool close_some(struct closing *c)
{
	struct server *s = c->server;
	struct closing_ask *x = calloc(1, sizeof(*x));
	enum cause_kind cause;

	if (x == NULL)
		return false;
	x->closing = c;
	x->n = leases_take(s->held, x->ids, LIMIT_BATCH, &cause);
	if (x->n == 0) {
		free(x);
		return false;
	}
	if (leases_leading(s->leases)) {
		close_here(x);
	} else {
		ask_send(x);
	}
	return true;
}

static void closing_flush(struct closing *c)
{
	bool more = !c->ended && !timer_pending(&c->retry);

	while (more && c->in_flight < IN_FLIGHT_MAX) {
		pthread_mutex_lock(&c->server->closing);
		more = close_some(c) && !timer_pending(&c->retry);
		pthread_mutex_unlock(&c->server->closing);
	}
}

static void closing_on_retry(void *arg)
{
	closing_flush(arg);
}

static void poke_deliver(struct mail *m)
{
	struct closing *c = container_of(m, struct closing, poke);

	atomic_store(&c->poked, false);
	closing_flush(c);
}

void closing_poke(struct closing *c)
{
	if (!atomic_exchange(&c->poked, true))
		mailbox_post(c->box, &c->poke);
}

int closing_init(struct closing *c, struct server *s, struct loop *l, struct mailbox *box,
	struct leading *leading)
{
	*c = (struct closing){.server = s, .loop = l, .box = box, .leading = leading};
	c->poke.deliver = poke_deliver;
	return timer_init(&c->retry, l, closing_on_retry, c);
}

void closing_fini(struct closing *c)
{
	timer_fini(&c->retry);
}

void closing_end(struct closing *c)
{
	c->ended = true;
	timer_cancel(&c->retry);
}
