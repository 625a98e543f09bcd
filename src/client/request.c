/* svcd_call and svcd_call_async: any method of the protocol, with documents as the
 * application has them. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "client/value.h"
#include "client/waiter.h"

/* The library's thread answers at the deadline; this is for when it is busy. */
#define GRACE_MS 1000
#define ITEMS_AROUND 16 /* of the message around the params */

/* A call of the application's on its way to the loop's thread, and who is told of its
 * end. */
struct request {
	struct mail mail;
	struct svcd_client *client;
	struct call *call;     /* until it is submitted */
	struct waiter *waiter; /* a thread that waits, or NULL: */
	svcd_call_fn *done;
	void *arg;
};

static void request_free(struct request *q)
{
	if (q == NULL)
		return;
	call_free(q->call);
	free(q);
}

/* Takes result. */
static void request_end(
	struct request *q, const struct svcd_fault *fault, struct svcd_value *result)
{
	struct request told = *q;

	request_free(q);
	if (told.waiter != NULL) {
		waiter_say(told.waiter, fault, result);
		waiter_unref(told.waiter);
	} else {
		told.done(told.arg, fault, result);
		svcd_value_free(result);
	}
}

static void request_on_answer(
	void *arg, const struct svcd_fault *fault, const struct value *result)
{
	struct svcd_value *copy = NULL;
	struct svcd_fault ours;
	int rv = 0;

	if (fault == NULL)
		rv = value_from_wire(*result, &copy);
	if (rv != 0) {
		fault_set(&ours, rv, "the answer cannot be taken: %s", err_text(rv));
		fault = &ours;
	}
	request_end(arg, fault, copy);
}

static void request_start(struct mail *m)
{
	struct request *q = container_of(m, struct request, mail);
	struct call *c = q->call;
	struct svcd_fault fault;
	int rv;

	q->call = NULL;
	rv = calls_submit(&q->client->calls, c);
	if (rv == 0)
		return;
	fault_code(&fault, rv);
	request_end(q, &fault, NULL);
}

/* The entries of params, unless the application has its own session: then it retries by
 * itself. */
static void pack_params(struct call *c, const struct svcd_value *params)
{
	c->n_params = value_pack_pairs(&c->params, params);
	if (c->params.error == 0 && value_items(params) > FRAME_ITEMS_MAX - ITEMS_AROUND)
		buf_fail(&c->params, SVCD_ETOOBIG);
	if (svcd_value_get(params, "session") != NULL && c->kind == METHOD_WRITE)
		c->kind = METHOD_ONCE;
}

static int request_new(struct svcd_client *client, const char *method,
	const struct svcd_value *params, uint32_t timeout_ms, struct request **out)
{
	struct request *q = calloc(1, sizeof(*q));
	int rv;

	if (q == NULL)
		return SVCD_ENOMEM;
	q->mail.deliver = request_start;
	q->client = client;
	q->call = call_new(method, timeout_ms);
	rv = SVCD_ENOMEM;
	if (q->call != NULL) {
		pack_params(q->call, params);
		q->call->done = request_on_answer;
		q->call->arg = q;
		rv = q->call->params.error;
	}
	if (rv == 0)
		*out = q;
	else
		request_free(q);
	return rv;
}

static bool is_callable(const char *method)
{
	if (method == NULL || *method == '\0' || strlen(method) > CALL_METHOD_MAX)
		return false;
	return method_kind(method) != METHOD_OURS;
}

static bool is_params(const struct svcd_value *params)
{
	return params == NULL || svcd_value_type(params) == SVCD_MAP;
}

int svcd_call_async(struct svcd_client *client, const char *method,
	const struct svcd_value *params, uint32_t timeout_ms, svcd_call_fn *done,
	void *arg)
{
	struct request *q;
	int rv;

	if (!is_callable(method) || !is_params(params) || done == NULL)
		return SVCD_EINVAL;
	rv = request_new(client, method, params,
		timeout_ms != 0 ? timeout_ms : client->request_timeout_ms, &q);
	if (rv != 0)
		return rv;
	q->done = done;
	q->arg = arg;
	client_post(client, &q->mail);
	return 0;
}

/* ---- with waiting ------------------------------------------------------ */

static void drop_value(void *result)
{
	svcd_value_free(result);
}

static int request_wait(struct svcd_client *client, struct request *q,
	uint32_t timeout_ms, struct svcd_value **result, struct svcd_fault *fault)
{
	struct waiter *w = waiter_new(drop_value);
	void *value = NULL;
	int rv;

	if (w == NULL) {
		request_free(q);
		return fault_code(fault, SVCD_ENOMEM);
	}
	q->waiter = w;
	client_post(client, &q->mail);
	rv = waiter_wait(w, (uint64_t)timeout_ms + GRACE_MS,
		result != NULL ? &value : NULL, fault);
	waiter_unref(w);
	if (rv == 0 && result != NULL)
		*result = value;
	return rv;
}

int svcd_call(struct svcd_client *client, const char *method,
	const struct svcd_value *params, uint32_t timeout_ms, struct svcd_value **result,
	struct svcd_fault *fault)
{
	struct request *q;
	int rv;

	if (!is_callable(method) || !is_params(params))
		return fault_set(fault, SVCD_EINVAL,
			"this method cannot be called, or params is no map");
	if (!client_can_wait(client))
		return fault_set(fault, SVCD_EINVAL,
			"the library's own thread cannot wait for itself");
	timeout_ms = timeout_ms != 0 ? timeout_ms : client->request_timeout_ms;
	rv = request_new(client, method, params, timeout_ms, &q);
	if (rv != 0)
		return fault_code(fault, rv);
	return request_wait(client, q, timeout_ms, result, fault);
}
