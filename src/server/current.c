#include "server/current.h"

#include <stdlib.h>
#include <string.h>

#include "server/request.h"
#include "server/worker.h"

struct waiting_read {
	struct replica_read read; /* first */
	struct later later;
	struct worker *worker;
	const struct method *method;
	uint32_t len;
	uint8_t params[];
};

static void read_refused(const struct waiting_read *x, struct session *s)
{
	struct err e;

	err_set(&e, x->read.code, "%s",
		x->read.code == SVCD_ENOLEADER
			? "no leader confirms that this state is current; lookups with "
			  "consistency \"local\" are answered"
			: err_text(x->read.code));
	session_error(s, x->later.id, &e);
}

static void read_done(struct replica_read *read)
{
	struct waiting_read *x = (struct waiting_read *)read;
	struct session *s = later_end(&x->later);

	x->worker->outstanding--;
	if (s != NULL && read->code != 0)
		read_refused(x, s);
	else if (s != NULL)
		request_again(s, x->later.id, x->method, bytes_of(x->params, x->len));
	free(x);
}

static void read_begin(struct request *r)
{
	struct worker *w = r->session->worker;
	struct waiting_read *x = calloc(1, sizeof(*x) + r->raw.len);

	if (x == NULL) {
		request_fail(r, SVCD_ENOMEM, "out of memory");
		return;
	}
	x->worker = w;
	x->method = r->method;
	x->len = (uint32_t)r->raw.len;
	memcpy(x->params, r->raw.data, r->raw.len);
	x->read.reply = w->box;
	x->read.done = read_done;
	later_begin(&x->later, r, LATER_SOON);
	w->outstanding++;
	replica_read_current(w->server->replica, &x->read);
}

bool current_take(struct request *r)
{
	struct value consistency;

	if (r->current || !value_find(r->params, "consistency", &consistency) ||
		consistency.type == VALUE_NIL)
		return false;
	if (consistency.type == VALUE_STR && bytes_eq_str(consistency.s, "local"))
		return false;
	if (consistency.type == VALUE_STR && bytes_eq_str(consistency.s, "current"))
		read_begin(r);
	else
		request_fail(r, SVCD_EINVAL, "consistency: not local or current");
	return true;
}
