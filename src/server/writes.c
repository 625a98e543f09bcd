#include "server/writes.h"

#include <stdlib.h>

#include "server/grants.h"
#include "server/request.h"
#include "server/worker.h"
#include "wire/pack.h"

struct write;

/* One kind of write. The result's own entries come after the head; finish may be NULL. */
struct write_kind {
	int (*build)(struct value params, const struct command_origin *from,
		struct buf *out, struct err *e);
	uint32_t (*finish)(struct write *x, struct buf *entries);
};

struct write {
	struct proposal proposal; /* first */
	struct later later;
	struct worker *worker;
	const struct write_kind *kind;
	uint64_t lease; /* lease_revoke: which */
};

static void write_free(struct write *x)
{
	buf_fini(&x->proposal.command);
	buf_fini(&x->proposal.outcome.incarnations);
	free(x);
}

static void write_refused(const struct write *x, struct session *s)
{
	const struct outcome *o = &x->proposal.outcome;
	struct err e;

	err_set(&e, o->code, "%s", o->text[0] != '\0' ? o->text : err_text(o->code));
	session_error(s, x->later.id, &e);
}

/* Also without a session: a grant has to be undone then. */
static void write_finish(struct write *x)
{
	const struct outcome *o = &x->proposal.outcome;
	struct buf *entries = &x->worker->entries;
	struct head head = x->worker->head;
	uint32_t n = 0;

	buf_clear(entries);
	if (x->kind->finish != NULL)
		n = x->kind->finish(x, entries);
	if (o->repeated) {
		pack_kv_bool(entries, "repeated", true);
		n++;
	}
	head.rev = o->rev;
	if (x->later.session != NULL)
		session_result(
			x->later.session, x->later.id, &head, n, buf_bytes(entries));
}

static void write_done(struct proposal *p)
{
	struct write *x = (struct write *)p;
	struct session *s = x->later.session;

	x->worker->outstanding--;
	worker_saw(x->worker, p->outcome.rev);
	if (p->outcome.code == 0)
		write_finish(x);
	else if (s != NULL)
		write_refused(x, s);
	later_end(&x->later);
	write_free(x);
}

static struct write *write_new(struct request *r, const struct write_kind *kind)
{
	struct write *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->worker = r->session->worker;
	x->kind = kind;
	x->proposal.reply = x->worker->box;
	x->proposal.done = write_done;
	return x;
}

static int write_build(struct write *x, const struct request *r, struct err *e)
{
	struct command_origin from = session_origin(r->session);
	int rc = x->kind->build(r->params, &from, &x->proposal.command, e);

	if (rc == 0 && x->proposal.command.error != 0)
		rc = err_set(e, x->proposal.command.error, "%s",
			err_text(x->proposal.command.error));
	return rc;
}

static void write_begin(struct request *r, const struct write_kind *kind)
{
	struct write *x = write_new(r, kind);
	struct value lease;
	struct err e;

	if (x == NULL) {
		request_fail(r, SVCD_ENOMEM, "out of memory");
		return;
	}
	if (write_build(x, r, &e) != 0) {
		request_error(r, &e);
		write_free(x);
		return;
	}
	if (value_find(r->params, "lease", &lease) && lease.type == VALUE_UINT)
		x->lease = lease.u;
	later_begin(&x->later, r, LATER_SOON);
	x->worker->outstanding++;
	count(&x->worker->stat.writes, 1);
	replica_propose(x->worker->server->replica, &x->proposal);
}

/* ---- kinds ------------------------------------------------------------- */

static uint32_t finish_register(struct write *x, struct buf *entries)
{
	const struct buf *list = &x->proposal.outcome.incarnations;

	pack_cstr(entries, "incarnations");
	pack_array(entries, (uint32_t)(list->len / 8));
	for (size_t i = 0; i + 8 <= list->len; i += 8)
		pack_u64(entries, get_be64(list->data + i));
	return 1;
}

static uint32_t finish_removed(struct write *x, struct buf *entries)
{
	pack_kv_u64(entries, "removed", x->proposal.outcome.value);
	return 1;
}

static uint32_t finish_update(struct write *x, struct buf *entries)
{
	pack_kv_u64(entries, "incarnation", x->proposal.outcome.value);
	return 1;
}

static uint32_t finish_grant(struct write *x, struct buf *entries)
{
	const struct outcome *o = &x->proposal.outcome;
	struct lease lease = {
		.id = o->value, .ttl_ms = o->ttl_ms, .drop_on_close = o->drop_on_close};

	lease_granted(x->worker, x->later.session, &lease, o->repeated);
	return lease_entries(x->worker, &lease, entries);
}

static uint32_t finish_revoke(struct write *x, struct buf *entries)
{
	lease_revoked(x->worker, x->lease);
	return finish_removed(x, entries);
}

void method_register(struct request *r)
{
	static const struct write_kind kind = {command_register, finish_register};

	write_begin(r, &kind);
}

void method_deregister(struct request *r)
{
	static const struct write_kind kind = {command_deregister, finish_removed};

	write_begin(r, &kind);
}

void method_update(struct request *r)
{
	static const struct write_kind kind = {command_update, finish_update};

	write_begin(r, &kind);
}

void method_lease_grant(struct request *r)
{
	static const struct write_kind kind = {command_lease_grant, finish_grant};

	write_begin(r, &kind);
}

void method_lease_revoke(struct request *r)
{
	static const struct write_kind kind = {command_lease_revoke, finish_revoke};

	write_begin(r, &kind);
}

void method_service_set(struct request *r)
{
	static const struct write_kind kind = {command_service_set, NULL};

	write_begin(r, &kind);
}

void method_service_delete(struct request *r)
{
	static const struct write_kind kind = {command_service_delete, NULL};

	write_begin(r, &kind);
}
