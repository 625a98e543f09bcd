#include "server/reads.h"

#include "base/clock.h"
#include "server/current.h"
#include "server/evidence.h"
#include "server/request.h"
#include "server/worker.h"
#include "wire/pack.h"

void method_ping(struct request *r)
{
	struct buf *entries = &r->session->worker->entries;

	buf_clear(entries);
	pack_kv_u64(entries, "wall_ms", clock_wall_ms());
	request_result(r, 1, buf_bytes(entries));
}

/* All of them have this shape: entries to out, their number to *n. */
typedef int query_fn(struct tables *t, struct value params, struct buf *out, uint32_t *n,
	struct err *e);

/* Runs one query into the worker's entries. */
static int query_run(struct request *r, query_fn *query, uint32_t *n, struct err *e)
{
	struct worker *w = r->session->worker;
	struct tables *t = store_read_begin(w->reader);
	int rc;

	if (t == NULL)
		return err_set(e, SVCD_EIO, "the state cannot be read");
	r->rev = catalog_rev(t);
	buf_clear(&w->entries);
	*n = 0;
	rc = query(t, r->params, &w->entries, n, e);
	if (t->error != 0)
		rc = err_set(e, t->error, "%s", err_text(t->error));
	else if (rc == 0 && w->entries.error != 0)
		rc = err_set(e, w->entries.error,
			"the answer is too big: use limit and after");
	store_read_end(w->reader);
	return rc;
}

static void query_answer(struct request *r, query_fn *query)
{
	struct err e;
	uint32_t n;

	if (current_take(r))
		return;
	if (query_run(r, query, &n, &e) != 0)
		request_error(r, &e);
	else
		request_result(r, n, buf_bytes(&r->session->worker->entries));
}

void method_list(struct request *r)
{
	query_answer(r, query_list);
}

void method_history(struct request *r)
{
	query_answer(r, query_history);
}

/* One instance also has what its checks have seen: that is with the checks' thread. */
void method_get(struct request *r)
{
	struct value id;
	struct err e;
	uint32_t n;

	if (current_take(r))
		return;
	if (query_run(r, query_get, &n, &e) != 0)
		request_error(r, &e);
	else if (!value_find(r->params, "id", &id) ||
		!evidence_ask(r, n, buf_bytes(&r->session->worker->entries)))
		request_result(r, n, buf_bytes(&r->session->worker->entries));
}
