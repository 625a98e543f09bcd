#include "fake_net.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/heap.h"

struct loop {
	uint64_t now_ms;
	uint64_t lag_ms;
	struct heap events; /* connections and names, by when something happens to them */
	struct heap timers; /* those that are set */
	unsigned timers_there;
};

struct event_of {
	struct heap_node node;
	void (*fn)(struct event_of *e);
	struct loop *loop;
};

struct conn {
	struct event_of event;
	const struct conn_events *ev;
	void *arg;
	struct fake_fate fate;
	struct buf out;
	int reason;
	int os_error;
};

struct fake_world fake;

static void event_at(struct event_of *e, uint64_t at_ms)
{
	int rc = heap_push(&e->loop->events, &e->node, at_ms);

	assert(rc == 0);
}

static void event_after(struct event_of *e, uint32_t ms)
{
	heap_remove(&e->loop->events, &e->node);
	if (ms != FAKE_NEVER)
		event_at(e, e->loop->now_ms + ms);
}

/* ---- loop and timers */

struct loop *fake_loop_new(uint64_t now_ms)
{
	struct loop *l = calloc(1, sizeof(*l));

	assert(l != NULL);
	l->now_ms = now_ms;
	heap_init(&l->events);
	heap_init(&l->timers);
	return l;
}

void fake_loop_free(struct loop *l)
{
	fake_run_until(l, l->now_ms);
	assert(fake.open == 0 && l->timers_there == 0);
	heap_fini(&l->events);
	heap_fini(&l->timers);
	free(l);
}

uint64_t loop_now_ms(const struct loop *l)
{
	return l->now_ms;
}

uint64_t loop_lag_ms(const struct loop *l)
{
	return l->lag_ms;
}

void fake_set_lag(struct loop *l, uint64_t lag_ms)
{
	l->lag_ms = lag_ms;
}

void fake_stall(struct loop *l, uint64_t ms)
{
	l->now_ms += ms;
}

int timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg)
{
	*t = (struct timer){.loop = l, .fn = fn, .arg = arg};
	l->timers_there++;
	return 0;
}

void timer_fini(struct timer *t)
{
	timer_cancel(t);
	t->loop->timers_there--;
}

void timer_set(struct timer *t, uint64_t after_ms)
{
	int rc;

	t->due_ms = t->loop->now_ms + (after_ms > 0 ? after_ms : 1);
	rc = heap_push(&t->loop->timers, &t->node, t->due_ms);
	assert(rc == 0);
}

void timer_cancel(struct timer *t)
{
	heap_remove(&t->loop->timers, &t->node);
	t->due_ms = 0;
}

bool timer_pending(const struct timer *t)
{
	return t->due_ms != 0;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Of what is due by now, timers are first: the harder order for whoever judges by the
 * clock. */
static bool run_event(struct loop *l, uint64_t until_ms)
{
	struct heap_node *n = heap_min(&l->events);
	struct heap_node *t = heap_min(&l->timers);

	if (n == NULL || n->key > until_ms)
		return false;
	if (t != NULL && later(t->key, l->now_ms) <= later(n->key, l->now_ms))
		return false;
	heap_remove(&l->events, n);
	l->now_ms = later(n->key, l->now_ms);
	container_of(n, struct event_of, node)
		->fn(container_of(n, struct event_of, node));
	return true;
}

static bool run_timer(struct loop *l, uint64_t until_ms)
{
	struct heap_node *n = heap_min(&l->timers);
	struct timer *t;

	if (n == NULL || n->key > until_ms)
		return false;
	t = container_of(n, struct timer, node);
	l->now_ms = later(n->key, l->now_ms);
	if (l->now_ms - n->key > l->lag_ms)
		l->lag_ms = l->now_ms - n->key;
	timer_cancel(t);
	t->fn(t->arg);
	return true;
}

void fake_run_until(struct loop *l, uint64_t ms)
{
	while (run_event(l, ms) || run_timer(l, ms))
		;
	l->now_ms = later(ms, l->now_ms);
}

/* ---- connections */

static void conn_over(struct event_of *e)
{
	struct conn *c = container_of(e, struct conn, event);

	c->ev->on_close(c, c->reason, c->arg);
	fake.open--;
	buf_fini(&c->out);
	free(c);
}

static void conn_finish(struct conn *c, int reason, int os_error)
{
	c->reason = reason;
	c->os_error = os_error;
	c->event.fn = conn_over;
	event_after(&c->event, 0);
}

/* The whole request is there: the fate comes to it. */
static void conn_answered(struct event_of *e)
{
	struct conn *c = container_of(e, struct conn, event);
	const char *answer = c->fate.answer;

	if (answer == NULL) {
		conn_finish(c, SVCD_ECLOSED, 0);
		return;
	}
	c->fate.answer = NULL;
	event_after(e, 1);
	c->ev->on_data(c, bytes_str(answer), c->arg);
}

static void conn_connected(struct event_of *e)
{
	struct conn *c = container_of(e, struct conn, event);

	if (c->fate.connect_errno != 0) {
		conn_finish(c, SVCD_EUNREACHABLE, c->fate.connect_errno);
		return;
	}
	e->fn = conn_answered;
	event_after(e, c->fate.answer_ms);
	c->ev->on_open(c, c->arg);
}

struct conn *conn_dial(struct loop *l, const struct net_addr *to,
	const struct conn_events *ev, void *arg, struct err *e)
{
	struct fake_fate fate = fake.fate(to, l->now_ms);
	struct conn *c;

	fake.dials++;
	if (fate.dial_errno != 0) {
		errno = fate.dial_errno;
		err_set(e, err_from_errno(errno), "no socket for %s: %m", to->text);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		err_set(e, SVCD_ENOMEM, "no memory for a connection to %s", to->text);
		return NULL;
	}
	c->event.loop = l;
	c->event.fn = conn_connected;
	c->ev = ev;
	c->arg = arg;
	c->fate = fate;
	fake.open++;
	fake.open_most = fake.open > fake.open_most ? fake.open : fake.open_most;
	event_after(&c->event, fate.connect_ms);
	return c;
}

struct conn *conn_knock(struct loop *l, const struct net_addr *to,
	const struct conn_events *ev, void *arg, struct err *e)
{
	return conn_dial(l, to, ev, arg, e);
}

void conn_abort(struct conn *c, int reason)
{
	fake.aborts++;
	conn_finish(c, reason, 0);
}

void conn_set_arg(struct conn *c, void *arg)
{
	c->arg = arg;
}

int conn_errno(const struct conn *c)
{
	return c->os_error;
}

struct buf *conn_out(struct conn *c)
{
	return &c->out;
}

int conn_flush(struct conn *c)
{
	return c->out.error;
}

/* ---- names */

struct resolver {
	struct loop *loop;
};

struct resolve {
	struct event_of event;
	struct fake_name name;
	resolve_fn *fn;
	void *arg;
};

bool resolve_numeric(const char *host, uint16_t port, struct net_addr *out)
{
	char text[300];

	snprintf(text, sizeof(text), "tcp:%s:%u", host, port);
	return net_addr_parse(text, 0, out, NULL) == 0;
}

struct resolver *resolver_new(struct loop *l)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r != NULL)
		r->loop = l;
	return r;
}

void resolver_free(struct resolver *r)
{
	free(r);
}

static void resolve_done(struct event_of *e)
{
	struct resolve *q = container_of(e, struct resolve, event);
	struct net_addr to = {0};

	if (q->name.rc == 0 && net_addr_parse(q->name.address, 0, &to, NULL) != 0)
		abort();
	q->fn(q->arg, q->name.rc, &to, "the name's words");
	free(q);
}

struct resolve *resolve_start(
	struct resolver *r, const char *host, uint16_t port, resolve_fn *fn, void *arg)
{
	struct resolve *q = calloc(1, sizeof(*q));

	(void)port;
	if (q == NULL)
		return NULL;
	q->event.loop = r->loop;
	q->event.fn = resolve_done;
	q->name = fake.name(host);
	q->fn = fn;
	q->arg = arg;
	event_after(&q->event, q->name.ms);
	return q;
}

void resolve_cancel(struct resolve *q)
{
	heap_remove(&q->event.loop->events, &q->event.node);
	free(q);
}
