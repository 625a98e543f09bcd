/* The closed loop, and single questions. */
#include "svcbench/load.h"

#include <string.h>

#define WARM_SECONDS 0.5 /* before anything counts */
#define ASK_SECONDS 10

static void put_next(struct link *l)
{
	struct loop *loop = l->engine->arg;

	l->user++; /* requests of this connection */
	loop->load->put(l, loop->next++);
	link_sent(l);
}

static void begin(struct link *l)
{
	struct loop *loop = l->engine->arg;

	for (int i = 0; i < loop->depth; i++)
		put_next(l);
}

static void on_open(struct link *l)
{
	struct loop *loop = l->engine->arg;

	if (loop->load->greet == NULL) {
		begin(l);
		return;
	}
	loop->load->greet(l);
	link_sent(l);
}

static void on_answer(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	(void)p, (void)n, (void)failed;
	if (l->user == 0) /* greeted */
		begin(l);
	else
		put_next(l);
}

void loop_init(struct loop *loop, const struct load *load, int depth)
{
	engine_init(&loop->e);
	loop->load = load;
	loop->depth = depth;
	loop->next = 0;
	loop->e.arg = loop;
	loop->e.answer = load->answer;
	loop->e.on_open = on_open;
	loop->e.on_answer = on_answer;
}

void loop_measure(
	struct loop *loop, const struct bench_options *o, pid_t server, struct result *r)
{
	struct engine *e = &loop->e;
	struct usage before, after;
	uint64_t answers;
	double wall;

	engine_for(e, WARM_SECONDS);
	hist_clear(&e->hist);
	answers = e->answers;
	e->errors = 0;
	usage_now(&before, server);
	engine_for(e, o->seconds);
	usage_now(&after, server);
	answers = e->answers - answers;
	wall = (double)(after.wall_ns - before.wall_ns) / 1e9;
	memset(r, 0, sizeof *r);
	r->rate = (double)answers / wall;
	r->p50_us = (double)hist_quantile(&e->hist, 0.50) / 1e3;
	r->p99_us = (double)hist_quantile(&e->hist, 0.99) / 1e3;
	r->p999_us = (double)hist_quantile(&e->hist, 0.999) / 1e3;
	r->server_us = answers
		? (after.process_s - before.process_s) * 1e6 / (double)answers
		: 0;
	r->rss_mib = process_rss_mib(server);
	r->noise = (after.busy_s - before.busy_s) / wall -
		(after.process_s - before.process_s) / wall - 1.0;
	r->errors = e->errors + (uint64_t)e->closed + (answers == 0);
}

struct question {
	const struct load *load;
	const struct message *request;
	unsigned left; /* answers to come */
	unsigned char *out;
	size_t cap, len;
	bool failed;
};

static void question_put(struct link *l)
{
	struct question *q = l->engine->arg;

	l->user = 1;
	link_put(l, q->request->data, q->request->len);
}

static void question_open(struct link *l)
{
	struct question *q = l->engine->arg;

	if (q->load->greet != NULL)
		q->load->greet(l);
	else
		question_put(l);
}

static void question_answered(
	struct link *l, const unsigned char *p, size_t n, bool failed)
{
	struct question *q = l->engine->arg;

	q->failed |= failed;
	if (l->user == 0) {
		question_put(l);
		return;
	}
	if (q->left == 0 || --q->left > 0)
		return;
	q->len = q->failed || n > q->cap ? 0 : n;
	memcpy(q->out, p, q->len);
}

size_t ask(const struct peer *p, const struct load *load, const struct message *request,
	unsigned answers, unsigned char *out, size_t cap)
{
	uint64_t end = now_ns() + ASK_SECONDS * UINT64_C(1000000000);
	struct question q = {.load = load,
		.request = request,
		.left = answers,
		.out = out,
		.cap = cap};
	struct engine e;

	engine_init(&e);
	e.arg = &q;
	e.answer = load->answer;
	e.on_open = question_open;
	e.on_answer = question_answered;
	engine_dial(&e, p->host, p->port);
	while (q.left > 0 && e.closed == 0 && now_ns() < end)
		engine_poll(&e, 10);
	engine_fini(&e);
	return q.len;
}
