/*
 * A question is in one place at a time: waiting, with a helper thread, or in the mailbox.
 * What it asks is fixed; fn and arg belong to the loop's thread alone, and fn == NULL
 * means that nobody wants to know any more.
 */
#include "net/resolve.h"

#include <assert.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcd.h"

#define THREADS_MAX 4
#define STACK_BYTES ((size_t)256 << 10)
#define WORDS_MAX 160

/* What outlives the resolver while a thread is still busy. */
struct resolve_pool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct list waiting;
	unsigned n_waiting;
	struct mailbox *box;
	unsigned threads;
	unsigned idle; /* threads that wait, or were woken and did not get here yet */
	bool closed;
};

struct resolver {
	struct resolve_pool *pool;
	struct mailbox *box;
	unsigned open;
	bool closing;
};

struct resolve {
	struct mail mail; /* its node is in pool->waiting first */
	struct resolver *resolver;
	resolve_fn *fn;
	void *arg;
	int rc;
	struct net_addr to;
	char words[WORDS_MAX];
	bool waiting; /* under the pool's lock */
	uint16_t port;
	char host[];
};

bool resolve_numeric(const char *host, uint16_t port, struct net_addr *out)
{
	char text[80];
	int n = snprintf(text, sizeof(text),
		strchr(host, ':') != NULL ? "tcp:[%s]:%u" : "tcp:%s:%u", host, port);

	if (n >= (int)sizeof(text) || strcmp(host, "*") == 0)
		return false;
	return net_addr_parse(text, 0, out, NULL) == 0;
}

/* ---- helper threads */

static const struct {
	int code;
	int rc;
	const char *words;
} faults[] = {
	{EAI_NONAME, SVCD_ENOTFOUND, "no such host"},
	{EAI_NODATA, SVCD_ENOTFOUND, "host has no address"},
	{EAI_ADDRFAMILY, SVCD_ENOTFOUND, "host has no address"},
	{EAI_AGAIN, SVCD_EUNREACHABLE, "no name server could tell the address"},
	{EAI_MEMORY, SVCD_ENOMEM, "out of memory"},
};

static void resolve_failed(struct resolve *q, int code)
{
	q->rc = SVCD_EUNREACHABLE;
	snprintf(q->words, sizeof(q->words), "%s: %s", gai_strerror(code), q->host);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (faults[i].code != code)
			continue;
		q->rc = faults[i].rc;
		snprintf(q->words, sizeof(q->words), "%s: %s", faults[i].words, q->host);
	}
}

static void resolve_ask(struct resolve *q)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	char port[8];
	int code;

	snprintf(port, sizeof(port), "%u", q->port);
	code = getaddrinfo(q->host, port, &hints, &list);
	if (code != 0) {
		resolve_failed(q, code);
		return;
	}
	net_addr_from_sockaddr(list->ai_addr, list->ai_addrlen, &q->to);
	freeaddrinfo(list);
}

static void pool_free(struct resolve_pool *pool)
{
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->more);
	free(pool);
}

/* Under the lock. NULL: the pool was closed. */
static struct resolve *pool_next(struct resolve_pool *pool)
{
	struct resolve *q;

	while (list_empty(&pool->waiting) && !pool->closed) {
		pool->idle++;
		pthread_cond_wait(&pool->more, &pool->lock);
		pool->idle--;
	}
	if (pool->closed)
		return NULL;
	q = container_of(list_pop(&pool->waiting), struct resolve, mail.node);
	pool->n_waiting--;
	q->waiting = false;
	return q;
}

static void *pool_run(void *arg)
{
	struct resolve_pool *pool = arg;
	struct resolve *q;
	bool last;

	pthread_mutex_lock(&pool->lock);
	while ((q = pool_next(pool)) != NULL) {
		pthread_mutex_unlock(&pool->lock);
		resolve_ask(q);
		pthread_mutex_lock(&pool->lock);
		if (pool->closed)
			free(q);
		else
			mailbox_post(pool->box, &q->mail);
	}
	last = --pool->threads == 0;
	pthread_mutex_unlock(&pool->lock);
	if (last)
		pool_free(pool);
	return NULL;
}

/* Signals are for the threads that expect them. */
static int pool_spawn(struct resolve_pool *pool)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;
	int rc;

	if (pthread_attr_init(&attr) != 0)
		return SVCD_ENOMEM;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &attr, pool_run, pool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (rc != 0)
		return SVCD_ENOMEM;
	pool->threads++;
	return 0;
}

/* Under the lock. */
static int pool_add(struct resolve_pool *pool, struct resolve *q)
{
	if (pool->idle <= pool->n_waiting && pool->threads < THREADS_MAX)
		pool_spawn(pool);
	if (pool->threads == 0)
		return SVCD_ENOMEM;
	q->waiting = true;
	list_push(&pool->waiting, &q->mail.node);
	pool->n_waiting++;
	pthread_cond_signal(&pool->more);
	return 0;
}

/* ---- the loop's thread */

static void resolve_deliver(struct mail *m)
{
	struct resolve *q = container_of(m, struct resolve, mail);
	struct resolver *r = q->resolver;

	r->open--;
	if (q->fn != NULL && !r->closing)
		q->fn(q->arg, q->rc, &q->to, q->rc == 0 ? NULL : q->words);
	free(q);
}

struct resolve *resolve_start(
	struct resolver *r, const char *host, uint16_t port, resolve_fn *fn, void *arg)
{
	size_t bytes = strlen(host) + 1;
	struct resolve *q;
	int rc;

	if (r->open >= RESOLVE_WAITING_MAX)
		return NULL;
	q = calloc(1, sizeof(*q) + bytes);
	if (q == NULL)
		return NULL;
	q->mail.deliver = resolve_deliver;
	q->resolver = r;
	q->fn = fn;
	q->arg = arg;
	q->port = port;
	memcpy(q->host, host, bytes);
	pthread_mutex_lock(&r->pool->lock);
	rc = pool_add(r->pool, q);
	pthread_mutex_unlock(&r->pool->lock);
	if (rc != 0) {
		free(q);
		return NULL;
	}
	r->open++;
	return q;
}

void resolve_cancel(struct resolve *q)
{
	struct resolver *r = q->resolver;
	bool waiting;

	q->fn = NULL;
	pthread_mutex_lock(&r->pool->lock);
	waiting = q->waiting;
	if (waiting) {
		list_remove(&q->mail.node);
		r->pool->n_waiting--;
	}
	pthread_mutex_unlock(&r->pool->lock);
	if (!waiting)
		return;
	r->open--;
	free(q);
}

static struct resolve_pool *pool_new(struct mailbox *box)
{
	struct resolve_pool *pool = calloc(1, sizeof(*pool));

	if (pool == NULL)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->more, NULL);
	list_init(&pool->waiting);
	pool->box = box;
	return pool;
}

struct resolver *resolver_new(struct loop *l)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->box = mailbox_new(l);
	r->pool = r->box == NULL ? NULL : pool_new(r->box);
	if (r->pool != NULL)
		return r;
	mailbox_free(r->box);
	free(r);
	return NULL;
}

/* Nothing is posted after this. The last thread frees the pool. */
static void pool_close(struct resolve_pool *pool)
{
	struct list *n;
	bool unused;

	pthread_mutex_lock(&pool->lock);
	pool->closed = true;
	while ((n = list_pop(&pool->waiting)) != NULL)
		free(container_of(n, struct resolve, mail.node));
	unused = pool->threads == 0;
	pthread_cond_broadcast(&pool->more);
	pthread_mutex_unlock(&pool->lock);
	if (unused)
		pool_free(pool);
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	r->closing = true;
	pool_close(r->pool);
	mailbox_free(r->box);
	free(r);
}
