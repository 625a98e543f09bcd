#include "server/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "server/current.h"
#include "server/request.h"
#include "server/worker.h"

#define PARKING_MS 5 /* revisions also rise without a publication */

struct parked {
	struct later later;
	struct list node;
	uint64_t min_rev;
	uint64_t deadline_ms;
	uint32_t len;
	uint8_t params[];
};

struct waiting {
	uint64_t min_rev;
	uint32_t wait_ms;
};

static const struct field waiting_fields[] = {
	{"min_rev", FIELD_U64, offsetof(struct waiting, min_rev), false, 0, UINT64_MAX},
	{"wait_ms", FIELD_U32, offsetof(struct waiting, wait_ms), false, 0, WAIT_MAX_MS},
};

static void answer_send(
	const struct request *r, const struct head *head, const struct answer *a)
{
	struct err e;

	if (a->code == 0) {
		session_result(r->session, r->id, head, a->n, a->entries);
		return;
	}
	err_set(&e, a->code, "%.*s", (int)a->entries.len, (const char *)a->entries.data);
	session_error(r->session, r->id, &e);
}

/* The answer to r->params as of t; entries are w->entries or e's text. *key is set when
 * it may be kept. */
static struct answer answer_make(struct request *r, struct tables *t,
	struct service_key *key, bool *lasting, struct err *e)
{
	struct worker *w = r->session->worker;
	struct answer a = {0};

	buf_clear(&w->entries);
	a.code = query_resolve(t, r->params, &w->entries, &a.n, key, e);
	*lasting = a.code == 0 || a.code == SVCD_ENOSERVICE;
	if (t->error != 0 || w->entries.error != 0) {
		a.code = t->error != 0 ? t->error : w->entries.error;
		err_set(e, a.code, "%s",
			a.code == SVCD_ETOOBIG
				? "the answer is too big: use limit and after"
				: err_text(a.code));
		*lasting = false;
	}
	a.entries = a.code == 0 ? buf_bytes(&w->entries) : bytes_str(e->text);
	return a;
}

/* Answers from t. With keep, the answer is kept for the same parameters. */
static void resolve_from(struct request *r, struct tables *t, bool keep)
{
	struct worker *w = r->session->worker;
	struct head head = w->head;
	struct service_key key;
	struct answer a;
	struct err e;
	bool lasting;

	if (catalog_rev(t) > head.rev)
		head.rev = catalog_rev(t);
	a = answer_make(r, t, &key, &lasting, &e);
	answer_send(r, &head, &a);
	if (keep && lasting && key.ns.len <= LIMIT_NAME && key.service.len <= LIMIT_NAME)
		answers_keep(w->answers, r->raw, &key, &a);
}

static void resolve_park(struct request *r, const struct waiting *wait)
{
	struct worker *w = r->session->worker;
	struct parked *p = malloc(sizeof(*p) + r->raw.len);

	if (p == NULL) {
		request_fail(r, SVCD_ENOMEM, "out of memory");
		return;
	}
	p->min_rev = wait->min_rev;
	p->deadline_ms = w->now_ms + wait->wait_ms;
	p->len = (uint32_t)r->raw.len;
	memcpy(p->params, r->raw.data, r->raw.len);
	if (!later_begin(&p->later, r, LATER_WAITING)) {
		free(p);
		return;
	}
	list_push(&w->parked, &p->node);
	if (!timer_pending(&w->parking))
		timer_set(&w->parking, PARKING_MS);
}

static void refuse_not_ready(
	struct session *s, uint32_t id, uint64_t min_rev, uint64_t rev)
{
	struct err e;

	err_set(&e, SVCD_ENOTREADY,
		"min_rev: revision %llu is not known here yet, %llu is",
		(unsigned long long)min_rev, (unsigned long long)rev);
	session_error(s, id, &e);
}

static void resolve_miss(struct request *r)
{
	struct worker *w = r->session->worker;
	struct waiting wait = {0};
	struct tables *t;
	struct err e;
	int rc = request_parse(r, &e);

	if (rc == 0)
		rc = fields_decode(
			r->params, waiting_fields, 2, &wait, NULL, "resolve", &e);
	if (rc != 0) {
		request_error(r, &e);
	} else if (current_take(r)) {
		return;
	} else if (wait.min_rev > w->head.rev && wait.wait_ms > 0) {
		resolve_park(r, &wait);
	} else if (wait.min_rev > w->head.rev) {
		refuse_not_ready(r->session, r->id, wait.min_rev, w->head.rev);
	} else if ((t = store_read_begin(w->reader)) == NULL) {
		request_fail(r, SVCD_EIO, "the state cannot be read");
	} else {
		resolve_from(r, t, wait.min_rev == 0 && !r->current);
		store_read_end(w->reader);
	}
}

void method_resolve(struct request *r)
{
	struct worker *w = r->session->worker;
	const struct answer *kept = answers_find(w->answers, r->raw);

	count(&w->stat.lookups, 1);
	if (kept == NULL) {
		resolve_miss(r);
		return;
	}
	count(&w->stat.lookups_kept, 1);
	answer_send(r, &w->head, kept);
}

/* ---- parked ------------------------------------------------------------ */

static struct session *parked_take(struct parked *p)
{
	list_remove(&p->node);
	return later_end(&p->later);
}

static void parked_answer(struct worker *w, struct parked *p, struct tables *t)
{
	struct session *s = parked_take(p);
	struct request r = {
		.session = s, .id = p->later.id, .raw = bytes_of(p->params, p->len)};
	struct err e;

	if (s != NULL && request_parse(&r, &e) == 0)
		resolve_from(&r, t, false);
	arena_reset(w->arena);
	free(p);
}

void resolve_unpark(struct worker *w)
{
	struct tables *t;
	struct list *n;
	struct list *tmp;

	if (list_empty(&w->parked) || (t = store_read_begin(w->reader)) == NULL)
		return;
	list_each(&w->parked, n, tmp) {
		struct parked *p = container_of(n, struct parked, node);

		if (p->later.session == NULL || p->min_rev <= catalog_rev(t))
			parked_answer(w, p, t);
	}
	store_read_end(w->reader);
}

static void resolve_expire(struct worker *w)
{
	uint64_t now_ms = loop_now_ms(w->loop);
	struct list *n;
	struct list *tmp;

	list_each(&w->parked, n, tmp) {
		struct parked *p = container_of(n, struct parked, node);
		struct session *s;

		if (now_ms < p->deadline_ms && !w->stopping)
			continue;
		s = parked_take(p);
		if (s != NULL)
			refuse_not_ready(s, p->later.id, p->min_rev, w->head.rev);
		free(p);
	}
}

void resolve_on_parking(void *arg)
{
	struct worker *w = arg;

	worker_refresh(w);
	resolve_unpark(w);
	resolve_expire(w);
	if (!list_empty(&w->parked))
		timer_set(&w->parking, PARKING_MS);
}

void resolve_forget(struct worker *w)
{
	struct list *n;

	while ((n = list_pop(&w->parked)) != NULL) {
		struct parked *p = container_of(n, struct parked, node);

		later_end(&p->later);
		free(p);
	}
}
