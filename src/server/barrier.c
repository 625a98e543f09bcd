#include "server/barrier.h"

#include <stdlib.h>
#include <string.h>

#include "server/request.h"
#include "server/worker.h"
#include "wire/pack.h"

#define COUNTING_MS 20 /* that the other workers have counted, also without a wait */

/* One worker's part. */
struct part {
	struct mail mail; /* to the worker: begin; then to the origin: done */
	struct mail end;  /* to the worker */
	struct barrier *barrier;
	struct worker *worker;
	struct tally tally;
	bool tallying;
	bool reported;
	_Atomic uint32_t watchers, acked;
};

struct barrier {
	_Atomic uint32_t refs; /* origin, each part, each report on its way */
	struct list node;      /* in the origin's barriers */
	struct worker *origin;
	struct later later;
	struct timer deadline;
	uint64_t rev;
	uint32_t done; /* parts that have reported */
	uint32_t n;
	uint8_t ns_len, name_len;
	uint8_t text[2 * LIMIT_NAME];
	struct part parts[];
};

static void barrier_unref(struct barrier *b)
{
	if (atomic_fetch_sub(&b->refs, 1) == 1)
		free(b);
}

/* ---- at the origin ----------------------------------------------------- */

static void barrier_answer(struct barrier *b, struct session *s)
{
	struct buf *entries = &b->origin->entries;
	uint64_t watchers = 0;
	uint64_t acked = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		watchers += b->parts[i].watchers;
		acked += b->parts[i].acked;
	}
	buf_clear(entries);
	pack_kv_u64(entries, "watchers", watchers);
	pack_kv_u64(entries, "acked", acked);
	session_result(s, b->later.id, &b->origin->head, 2, buf_bytes(entries));
}

static void barrier_finish(struct barrier *b)
{
	struct session *s = later_end(&b->later);

	if (s != NULL)
		barrier_answer(b, s);
	list_remove(&b->node);
	timer_fini(&b->deadline);
	for (uint32_t i = 0; i < b->n; i++)
		mailbox_post(b->parts[i].worker->box, &b->parts[i].end);
	barrier_unref(b);
}

static bool barrier_over(const struct barrier *b)
{
	return list_empty(&b->node);
}

static void barrier_on_deadline(void *arg)
{
	barrier_finish(arg);
}

static void part_done_deliver(struct mail *m)
{
	struct part *p = container_of(m, struct part, mail);
	struct barrier *b = p->barrier;

	b->done++;
	if (b->done == b->n && !barrier_over(b))
		barrier_finish(b);
	barrier_unref(b);
}

void barriers_sweep(struct worker *w, bool all)
{
	struct list *n;
	struct list *tmp;

	list_each(&w->barriers, n, tmp) {
		struct barrier *b = container_of(n, struct barrier, node);

		if (all || b->later.session == NULL)
			barrier_finish(b);
	}
}

/* ---- at each worker ---------------------------------------------------- */

static void part_count(struct part *p)
{
	p->watchers = p->tally.watchers;
	p->acked = p->tally.acked;
	if (p->reported || p->tally.acked < p->tally.watchers)
		return;
	p->reported = true;
	atomic_fetch_add(&p->barrier->refs, 1);
	p->mail.deliver = part_done_deliver;
	mailbox_post(p->barrier->origin->box, &p->mail);
}

static void part_on_change(struct tally *t)
{
	part_count(container_of(t, struct part, tally));
}

static void part_begin_deliver(struct mail *m)
{
	struct part *p = container_of(m, struct part, mail);
	const struct barrier *b = p->barrier;
	struct service_key key = {
		.ns = bytes_of(b->text, b->ns_len),
		.service = bytes_of(b->text + b->ns_len, b->name_len),
	};

	/* What the revision published was posted before: it is taken in. Watchers that
	 * were not told yet count as they stand: they hold the barrier up. */
	p->tally.on_change = part_on_change;
	p->tallying = tally_begin(p->worker->watches, &key, b->rev, &p->tally) == 0;
	if (p->tallying)
		part_count(p);
}

static void part_end_deliver(struct mail *m)
{
	struct part *p = container_of(m, struct part, end);

	if (p->tallying)
		tally_end(p->worker->watches, &p->tally);
	barrier_unref(p->barrier);
}

/* ---- asked for --------------------------------------------------------- */

struct asked {
	struct bytes ns, service;
	uint64_t rev;
	uint32_t wait_ms;
};

static const struct field asked_fields[] = {
	{"ns", FIELD_TEXT, offsetof(struct asked, ns), false, 1, LIMIT_NAME},
	{"service", FIELD_TEXT, offsetof(struct asked, service), true, 1, LIMIT_NAME},
	{"rev", FIELD_U64, offsetof(struct asked, rev), true, 0, UINT64_MAX},
	{"wait_ms", FIELD_U32, offsetof(struct asked, wait_ms), false, 0, WAIT_MAX_MS},
};

static uint64_t revision_to_await(struct worker *w, const struct asked *a)
{
	struct service_key key = {.ns = a->ns, .service = a->service};
	struct tables *t = store_read_begin(w->reader);
	struct service service;
	uint64_t rev = a->rev;

	if (t == NULL)
		return rev;
	if (catalog_rev(t) >= rev) {
		uint64_t now = catalog_get_service(t, &key, &service) ? service.rev : 0;

		rev = now < rev ? now : rev;
	}
	store_read_end(w->reader);
	return rev;
}

static void part_init(struct barrier *b, uint32_t i, struct worker *w)
{
	struct part *p = &b->parts[i];

	p->barrier = b;
	p->worker = w;
	p->mail.deliver = part_begin_deliver;
	p->end.deliver = part_end_deliver;
}

static struct barrier *barrier_new(struct worker *w, const struct asked *a)
{
	uint32_t n = w->server->n_workers;
	struct barrier *b = calloc(1, sizeof(*b) + n * sizeof(struct part));

	if (b == NULL)
		return NULL;
	if (timer_init(&b->deadline, w->loop, barrier_on_deadline, b) != 0) {
		free(b);
		return NULL;
	}
	b->refs = 1 + n;
	b->origin = w;
	b->n = n;
	b->rev = revision_to_await(w, a);
	b->ns_len = (uint8_t)a->ns.len;
	b->name_len = (uint8_t)a->service.len;
	memcpy(b->text, a->ns.data, a->ns.len);
	memcpy(b->text + a->ns.len, a->service.data, a->service.len);
	for (uint32_t i = 0; i < n; i++)
		part_init(b, i, w->server->workers[i]);
	return b;
}

/* Nobody knows of it yet. */
static void barrier_discard(struct barrier *b)
{
	timer_fini(&b->deadline);
	free(b);
}

void method_barrier(struct request *r)
{
	struct worker *w = r->session->worker;
	struct asked a = {.ns = bytes_str("default")};
	struct barrier *b;
	struct err e;

	if (fields_decode(r->params, asked_fields, 4, &a, NULL, "barrier", &e) != 0) {
		request_error(r, &e);
		return;
	}
	b = barrier_new(w, &a);
	if (b == NULL) {
		request_fail(r, SVCD_ENOMEM, "out of memory");
		return;
	}
	if (!later_begin(&b->later, r, LATER_WAITING)) {
		barrier_discard(b);
		return;
	}
	list_push(&w->barriers, &b->node);
	timer_set(&b->deadline, a.wait_ms > COUNTING_MS ? a.wait_ms : COUNTING_MS);
	for (uint32_t i = 0; i < b->n; i++)
		mailbox_post(b->parts[i].worker->box, &b->parts[i].mail);
}
