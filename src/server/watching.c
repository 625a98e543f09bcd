#include "server/watching.h"

#include "server/request.h"
#include "server/worker.h"

struct watching {
	struct bytes ns, service, prefix;
	uint64_t rev;
	bool by_prefix, has_rev;
};

static const struct field watching_fields[] = {
	{"ns", FIELD_TEXT, offsetof(struct watching, ns), false, 1, LIMIT_NAME},
	{"service", FIELD_TEXT, offsetof(struct watching, service), false, 1, LIMIT_NAME},
	{"prefix", FIELD_TEXT, offsetof(struct watching, prefix), false, 0, LIMIT_NAME},
	{"rev", FIELD_U64, offsetof(struct watching, rev), false, 0, UINT64_MAX},
};

enum { GIVEN_SERVICE = 1 << 1, GIVEN_PREFIX = 1 << 2, GIVEN_REV = 1 << 3 };

/* Either service or prefix. Without ns a service is in "default", a prefix is of all
 * namespaces. */
static int watching_read(
	struct request *r, const char *method, struct watching *x, struct err *e)
{
	uint64_t present;
	int rc;

	*x = (struct watching){0};
	rc = fields_decode(r->params, watching_fields, 4, x, &present, method, e);
	if (rc != 0)
		return rc;
	x->by_prefix = (present & GIVEN_PREFIX) != 0;
	x->has_rev = (present & GIVEN_REV) != 0;
	if (x->by_prefix == ((present & GIVEN_SERVICE) != 0))
		return err_set(
			e, SVCD_EINVAL, "%s: either service or prefix is needed", method);
	if (!x->by_prefix && x->ns.len == 0)
		x->ns = bytes_str("default");
	return 0;
}

static int watch_one(struct request *r, const struct watching *x)
{
	struct session *s = r->session;
	struct service_key key = {.ns = x->ns, .service = x->service};

	return watch_service(s->worker->watches, &s->watcher, &key, x->has_rev, x->rev);
}

static int watch_many(struct request *r, const struct watching *x)
{
	struct worker *w = r->session->worker;
	struct tables *t = store_read_begin(w->reader);
	int rc;

	if (t == NULL)
		return SVCD_EIO;
	rc = watch_prefix(w->watches, &r->session->watcher, t, x->ns, x->prefix);
	store_read_end(w->reader);
	return rc;
}

/* The answer goes first; what there is to tell follows at the end of the round. */
void method_watch(struct request *r)
{
	const struct server_options *o = &r->session->worker->server->options;
	struct watching x;
	struct err e;
	int rc = watching_read(r, "watch", &x, &e);

	if (rc == 0 && r->session->watcher.n >= o->watches_max)
		rc = err_set(&e, SVCD_ELIMIT, "this connection has %u watches, the limit",
			o->watches_max);
	if (rc == 0) {
		rc = x.by_prefix ? watch_many(r, &x) : watch_one(r, &x);
		if (rc != 0)
			err_set(&e, rc, "%s", err_text(rc));
	}
	if (rc != 0)
		request_error(r, &e);
	else
		request_ok(r);
}

void method_unwatch(struct request *r)
{
	struct session *s = r->session;
	struct watches *ws = s->worker->watches;
	struct watching x;
	struct err e;
	int rc = watching_read(r, "unwatch", &x, &e);

	if (rc != 0) {
		request_error(r, &e);
		return;
	}
	if (x.by_prefix)
		rc = unwatch_prefix(ws, &s->watcher, x.ns, x.prefix);
	else
		rc = unwatch_service(ws, &s->watcher,
			&(struct service_key){.ns = x.ns, .service = x.service});
	if (rc != 0)
		request_fail(r, rc, "no such watch on this connection");
	else
		request_ok(r);
}

void method_ack(struct request *r)
{
	struct session *s = r->session;
	struct watching x;
	struct err e;
	int rc = watching_read(r, "ack", &x, &e);

	if (rc == 0 && (x.by_prefix || !x.has_rev))
		rc = err_set(&e, SVCD_EINVAL, "ack: service and rev are needed");
	if (rc != 0) {
		request_error(r, &e);
		return;
	}
	watch_ack(s->worker->watches, &s->watcher,
		&(struct service_key){.ns = x.ns, .service = x.service}, x.rev);
	request_ok(r);
}
