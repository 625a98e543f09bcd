#include "server/renewals.h"

#include <stdlib.h>

#include "server/grants.h"
#include "server/lease_ask.h"

#define GAP_MS 10 /* between two questions */

/* Who waits for the answer to items first … first + n of a question. */
struct waiter {
	struct list node;
	struct later later;
	uint32_t first, n;
	bool one;
};

/* What is asked together. */
struct batch {
	struct replica_ask ask; /* first */
	struct renewals *owner;
	struct list waiters;
	uint32_t n; /* items */
};

struct renewals {
	struct worker *worker;
	struct batch *next; /* being filled; NULL: nothing to ask */
	struct timer timer;
	bool asking, stopped;
};

static void batch_free(struct batch *b)
{
	buf_fini(&b->ask.question);
	buf_fini(&b->ask.answer);
	free(b);
}

/* ---- the answer -------------------------------------------------------- */

static void waiter_refused(struct waiter *x, struct session *s, int code)
{
	struct err e;

	err_set(&e, code, "%s",
		code == SVCD_ENOLEADER
			? "no leader renews leases now; meanwhile they do not age"
			: err_text(code));
	session_error(s, x->later.id, &e);
}

/* From the items of the question to the outcome that grants.c tells. */
static void waiter_answer(const struct batch *b, struct waiter *x, struct session *s)
{
	struct bytes answer = buf_bytes(&b->ask.answer);
	struct renewed out = {.n = x->n, .one = x->one};
	uint64_t ids[RENEW_MAX], lost[RENEW_MAX];

	for (uint32_t i = 0; i < x->n; i++) {
		uint32_t ttl_ms = lease_answer_at(answer, x->first + i);
		enum lease_wish wish;

		lease_ask_at(buf_bytes(&b->ask.question), x->first + i, &wish, &ids[i]);
		if (ttl_ms == 0)
			lost[out.n_lost++] = ids[i];
		else if (out.ttl_ms == 0)
			out.ttl_ms = ttl_ms;
	}
	out.ids = ids;
	out.lost = lost;
	renewed_answer(s, x->later.id, &out);
}

static void waiters_end(struct batch *b, int code)
{
	struct list *n;

	while ((n = list_pop(&b->waiters)) != NULL) {
		struct waiter *x = container_of(n, struct waiter, node);
		struct session *s = later_end(&x->later);

		if (s != NULL && code != 0)
			waiter_refused(x, s, code);
		else if (s != NULL)
			waiter_answer(b, x, s);
		free(x);
	}
}

static void batch_done(struct replica_ask *ask)
{
	struct batch *b = (struct batch *)ask;
	struct renewals *x = b->owner;
	int code = ask->code;

	x->asking = false;
	x->worker->outstanding--;
	if (code == 0)
		code = lease_answer_check(buf_bytes(&ask->answer), b->n);
	if (code == 0)
		atomic_store(&x->worker->server->lease_total,
			lease_answer_total(buf_bytes(&ask->answer)));
	waiters_end(b, code);
	batch_free(b);
	if (!x->stopped)
		timer_set(&x->timer, GAP_MS);
}

/* ---- the question ------------------------------------------------------ */

static void batch_send(struct renewals *x)
{
	struct batch *b = x->next;

	x->next = NULL;
	if (b->ask.question.error != 0) {
		waiters_end(b, b->ask.question.error);
		batch_free(b);
		return;
	}
	b->ask.kind = ASK_LEASES;
	b->ask.reply = x->worker->box;
	b->ask.done = batch_done;
	x->asking = true;
	x->worker->outstanding++;
	replica_ask_leader(x->worker->server->replica, &b->ask);
}

static void renewals_on_timer(void *arg)
{
	struct renewals *x = arg;

	if (x->next != NULL && !x->asking)
		batch_send(x);
}

/* The first question after a pause goes at once, with all of its round. */
void renewals_flush(struct renewals *x)
{
	if (x->next != NULL && !x->asking && !timer_pending(&x->timer))
		batch_send(x);
}

/* With room for n items; NULL when out of memory. */
static struct batch *batch_with_room(struct renewals *x, uint32_t n)
{
	if (x->next != NULL && x->next->n + n > LEASE_ITEMS_MAX)
		return NULL;
	if (x->next != NULL)
		return x->next;
	x->next = calloc(1, sizeof(*x->next));
	if (x->next == NULL)
		return NULL;
	x->next->owner = x;
	list_init(&x->next->waiters);
	return x->next;
}

void renewals_ask(
	struct renewals *x, struct request *r, const uint64_t *ids, uint32_t n, bool one)
{
	struct batch *b = x->stopped ? NULL : batch_with_room(x, n);
	struct waiter *waiter = b != NULL ? calloc(1, sizeof(*waiter)) : NULL;

	if (waiter == NULL) {
		request_fail(r, SVCD_EBUSY, "too many renewals wait for the leader");
		return;
	}
	waiter->first = b->n;
	waiter->n = n;
	waiter->one = one;
	later_begin(&waiter->later, r, LATER_SOON);
	list_push(&b->waiters, &waiter->node);
	for (uint32_t i = 0; i < n; i++)
		lease_ask_put(&b->ask.question, LEASE_RENEW, ids[i]);
	b->n += n;
}

void renewals_tell(struct renewals *x, int wish, uint64_t id)
{
	struct batch *b = x->stopped ? NULL : batch_with_room(x, 1);

	if (b == NULL)
		return;
	lease_ask_put(&b->ask.question, (enum lease_wish)wish, id);
	b->n++;
}

/* ---- life -------------------------------------------------------------- */

struct renewals *renewals_new(struct worker *w)
{
	struct renewals *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->worker = w;
	if (timer_init(&x->timer, w->loop, renewals_on_timer, x) == 0)
		return x;
	free(x);
	return NULL;
}

void renewals_stop(struct renewals *x)
{
	x->stopped = true;
	timer_cancel(&x->timer);
	if (x->next == NULL)
		return;
	waiters_end(x->next, SVCD_ESHUTDOWN);
	batch_free(x->next);
	x->next = NULL;
}

void renewals_free(struct renewals *x)
{
	if (x == NULL)
		return;
	renewals_stop(x);
	timer_fini(&x->timer);
	free(x);
}
