#include "server/request.h"

#include <stdarg.h>
#include <stdio.h>

#include "server/methods.h"
#include "server/worker.h"

/* ---- answers ----------------------------------------------------------- */

/* Everything that goes out to a session ends here. */
static void session_sent(struct session *s, size_t pending_before)
{
	struct worker *w = s->worker;

	count(&w->stat.bytes_out, conn_pending(s->conn) - pending_before);
	conn_flush(s->conn);
	if (pending_before > w->server->options.out_bytes_max)
		session_close(s, SVCD_ETOOBIG);
}

void session_result(struct session *s, uint32_t id, const struct head *head, uint32_t n,
	struct bytes entries)
{
	struct buf *out = conn_out(s->conn);
	size_t before = conn_pending(s->conn);

	reply_result(out, id, head, n, entries);
	session_sent(s, before);
}

void session_error(struct session *s, uint32_t id, const struct err *e)
{
	struct replica_status status = {0};
	struct buf *out = conn_out(s->conn);
	size_t before = conn_pending(s->conn);

	count(&s->worker->stat.errors, 1);
	if (error_names_leader(e->code))
		replica_status(s->worker->server->replica, &status);
	reply_error(out, id, e, status.leader_client);
	session_sent(s, before);
}

void request_result(struct request *r, uint32_t n, struct bytes entries)
{
	struct head head = r->session->worker->head;

	if (r->rev > head.rev)
		head.rev = r->rev;
	if (!r->notification)
		session_result(r->session, r->id, &head, n, entries);
}

void request_ok(struct request *r)
{
	request_result(r, 0, BYTES_NONE);
}

void request_error(struct request *r, const struct err *e)
{
	if (!r->notification)
		session_error(r->session, r->id, e);
}

void request_fail(struct request *r, int code, const char *fmt, ...)
{
	struct err e = {.code = code};
	va_list args;

	va_start(args, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, args);
	va_end(args);
	request_error(r, &e);
}

static uint32_t *later_count(const struct later *l)
{
	return l->kind == LATER_SOON ? &l->session->n_soon : &l->session->n_waiting;
}

bool later_begin(struct later *l, struct request *r, enum later_kind kind)
{
	if (kind == LATER_WAITING && r->session->n_waiting >= WAITING_MAX) {
		request_fail(r, SVCD_ELIMIT,
			"%u requests of this connection wait, the limit", WAITING_MAX);
		return false;
	}
	l->session = r->session;
	l->id = r->id;
	l->kind = kind;
	list_push(&l->session->laters, &l->node);
	++*later_count(l);
	return true;
}

struct session *later_end(struct later *l)
{
	struct session *s = l->session;

	if (s == NULL)
		return NULL;
	list_remove(&l->node);
	--*later_count(l);
	l->session = NULL;
	session_relax(s);
	return s;
}

/* ---- requests ---------------------------------------------------------- */

int request_parse(struct request *r, struct err *e)
{
	struct value params;
	int rc = value_parse(r->session->worker->arena, r->raw, &params);

	if (rc != 0)
		return err_set(e, rc, "params: %s", err_text(rc));
	r->params = (struct value){.type = VALUE_MAP};
	if (params.type == VALUE_ARRAY && params.n > 0)
		r->params = value_at(params, 0);
	if (params.type != VALUE_ARRAY || r->params.type != VALUE_MAP)
		return err_set(e, SVCD_EINVAL, "params: expected an array of one map");
	return 0;
}

static void refuse_before_hello(struct request *r)
{
	request_fail(r, SVCD_EPROTOCOL, "the first call must be hello");
	session_close(r->session, SVCD_EPROTOCOL);
}

/* True: what this member holds says nothing, and r was told so (promises 5 and 10). */
static bool refuse_unfit(struct request *r)
{
	const struct worker *w = r->session->worker;

	if (w->diverged)
		request_fail(r, SVCD_ECORRUPT,
			"this member's state differs from that of the others: it answers "
			"nothing until it has been given theirs; ask another member");
	else if (w->ignorant)
		request_fail(r, SVCD_ENOTREADY,
			"this member has just come into its cluster, or back, and does not "
			"know the registry yet; ask another member");
	return w->diverged || w->ignorant;
}

static void request_handle(struct request *r, const struct method *m)
{
	struct err e;
	int rc = 0;

	if (!(m->flags & METHOD_RAW))
		rc = request_parse(r, &e);
	if (rc != 0)
		request_error(r, &e);
	else
		m->handle(r);
	arena_reset(r->session->worker->arena);
}

void request_again(
	struct session *s, uint32_t id, const struct method *m, struct bytes raw)
{
	struct request r = {
		.session = s, .id = id, .method = m, .raw = raw, .current = true};

	request_handle(&r, m);
}

static void request_dispatch(struct request *r, struct bytes name)
{
	const struct method *m = method_find(name);

	r->method = m;
	if (r->session->state == SESSION_NEW && (m == NULL || !(m->flags & METHOD_HELLO)))
		refuse_before_hello(r);
	else if (m == NULL)
		request_fail(r, SVCD_ENOMETHOD, "no method \"%.*s\"", (int)name.len,
			(const char *)name.data);
	else if (!(m->flags & METHOD_ALWAYS) && refuse_unfit(r))
		return;
	else if (!r->notification || (m->flags & METHOD_NOTIFY))
		request_handle(r, m);
}

int request_take(struct session *s, struct bytes message)
{
	struct frame f;
	struct request r = {.session = s};
	int rc = frame_parse(message, &f);

	if (rc != 0 || f.kind == FRAME_RESPONSE)
		return SVCD_EPROTOCOL;
	count(&s->worker->stat.requests, 1);
	r.id = f.id;
	r.notification = f.kind == FRAME_NOTIFICATION;
	r.raw = f.body;
	request_dispatch(&r, f.method);
	return 0;
}
