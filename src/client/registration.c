/* The public side of registrations: it posts what is asked to the loop's thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"

#define HOST_MAX 63
#define ID_MAX 128

/* ---- register ---------------------------------------------------------- */

static void registration_on_start(struct mail *m)
{
	struct svcd_registration *r = container_of(
		m, struct svcd_registration, start_mail);

	registration_start(&r->client->registrations, r);
}

static void registration_on_leave(struct mail *m)
{
	struct svcd_registration *r = container_of(
		m, struct svcd_registration, leave_mail);

	registration_leave(r, 0);
}

/* HOST-PID-N. N begins anywhere, so that two clients of one process differ. */
static void make_id(struct svcd_client *client, char out[ID_MAX])
{
	char host[HOST_MAX + 1] = "";
	uint32_t n = client->id_number_base + ++client->last_id_number;

	if (gethostname(host, sizeof(host)) != 0 || host[0] == '\0')
		strcpy(host, "host");
	host[HOST_MAX] = '\0';
	snprintf(out, ID_MAX, "%s-%ld-%u", host, (long)getpid(), n);
}

static struct svcd_registration *registration_new(struct svcd_client *client,
	struct spec *spec, const struct svcd_register_options *o)
{
	struct svcd_registration *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		spec_unref(spec);
		return NULL;
	}
	r->start_mail.deliver = registration_on_start;
	r->leave_mail.deliver = registration_on_leave;
	list_init(&r->node);
	r->client = client;
	r->wanted = spec;
	if (o != NULL) {
		r->ttl_ms = o->ttl_ms;
		r->keep_on_close = o->keep_on_close;
		r->on_state = o->on_state;
		r->arg = o->arg;
	}
	gate_init(&r->gate);
	pthread_mutex_init(&r->lock, NULL);
	waiter_init_cond(&r->changed);
	r->ns = strdup(spec->ns);
	r->service = strdup(spec->service);
	r->id = strdup(spec->id);
	if (r->ns != NULL && r->service != NULL && r->id != NULL)
		return r;
	registration_free(r);
	return NULL;
}

int svcd_register(struct svcd_client *client, const struct svcd_instance *instance,
	const struct svcd_register_options *options,
	struct svcd_registration **registration)
{
	struct svcd_registration *r;
	struct spec *spec;
	char id[ID_MAX];
	int rv;

	if (instance == NULL || registration == NULL)
		return SVCD_EINVAL;
	make_id(client, id);
	rv = spec_new(instance, id, &spec);
	if (rv != 0)
		return rv;
	r = registration_new(client, spec, options);
	if (r == NULL)
		return SVCD_ENOMEM;
	*registration = r;
	client_post(client, &r->start_mail);
	return 0;
}

const char *svcd_registration_id(const struct svcd_registration *r)
{
	return r->id;
}

uint64_t svcd_registration_incarnation(const struct svcd_registration *r)
{
	struct svcd_registration *mine = (struct svcd_registration *)(uintptr_t)r;
	uint64_t incarnation;

	pthread_mutex_lock(&mine->lock);
	incarnation = mine->seen_incarnation;
	pthread_mutex_unlock(&mine->lock);
	return incarnation;
}

/* What the state means to one who waits for it to be REGISTERED; under lock. */
static int registration_outcome(const struct svcd_registration *r, struct svcd_fault *f)
{
	if (r->state == SVCD_REGISTERED)
		return 0;
	if (r->state == SVCD_DEREGISTERED)
		return fault_code(f, SVCD_ECANCELLED);
	if (r->state == SVCD_REGISTERING && r->fault.code == 0)
		return fault_set(
			f, SVCD_ETIMEOUT, "the registration is not confirmed yet");
	*f = r->fault;
	if (r->state == SVCD_REGISTERING)
		f->code = SVCD_ETIMEOUT;
	return f->code;
}

static int registration_wait(
	struct svcd_registration *r, uint32_t timeout_ms, struct svcd_fault *f)
{
	struct timespec until = waiter_deadline(timeout_ms);
	bool timed_out = false;
	int rv;

	pthread_mutex_lock(&r->lock);
	while (r->state == SVCD_REGISTERING && !timed_out)
		timed_out = pthread_cond_timedwait(&r->changed, &r->lock, &until) ==
			ETIMEDOUT;
	rv = registration_outcome(r, f);
	pthread_mutex_unlock(&r->lock);
	return rv;
}

int svcd_registration_wait(
	struct svcd_registration *r, uint32_t timeout_ms, struct svcd_fault *fault)
{
	struct svcd_fault f = {0};
	int rv;

	if (!client_can_wait(r->client))
		return fault_code(fault, SVCD_EINVAL);
	rv = registration_wait(r, timeout_ms, &f);
	/* Nothing said why: then it is the connection. */
	if (rv == SVCD_ETIMEOUT)
		client_explain(r->client, &f);
	if (rv != 0)
		fault_copy(fault, &f);
	return rv;
}

/* ---- changes ----------------------------------------------------------- */

/* What is to be changed, on its way to the loop's thread. */
struct change {
	struct mail mail;
	struct svcd_registration *r;
	struct spec *spec; /* NULL: drain */
	bool drain;
	char *reason;
};

static void change_apply(struct mail *m)
{
	struct change *c = container_of(m, struct change, mail);

	if (c->spec != NULL)
		registration_want(c->r, c->spec);
	else
		registration_want_drain(c->r, c->drain, c->reason);
	free(c);
}

static struct change *change_new(struct svcd_registration *r)
{
	struct change *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->mail.deliver = change_apply;
	c->r = r;
	return c;
}

int svcd_drain(struct svcd_registration *r, const char *reason)
{
	struct change *c = change_new(r);

	if (c == NULL)
		return SVCD_ENOMEM;
	c->drain = true;
	c->reason = reason != NULL ? strdup(reason) : NULL;
	if (reason != NULL && c->reason == NULL) {
		free(c);
		return SVCD_ENOMEM;
	}
	client_post(r->client, &c->mail);
	return 0;
}

int svcd_undrain(struct svcd_registration *r)
{
	struct change *c = change_new(r);

	if (c == NULL)
		return SVCD_ENOMEM;
	client_post(r->client, &c->mail);
	return 0;
}

static bool is_same_instance(const struct svcd_registration *r, const struct spec *s)
{
	return strcmp(r->id, s->id) == 0 && strcmp(r->ns, s->ns) == 0 &&
		strcmp(r->service, s->service) == 0;
}

int svcd_registration_update(
	struct svcd_registration *r, const struct svcd_instance *instance)
{
	struct spec *spec;
	struct change *c;
	int rv;

	if (instance == NULL)
		return SVCD_EINVAL;
	rv = spec_new(instance, r->id, &spec);
	if (rv != 0)
		return rv;
	c = change_new(r);
	rv = c == NULL ? SVCD_ENOMEM : is_same_instance(r, spec) ? 0 : SVCD_EINVAL;
	if (rv != 0) {
		free(c);
		spec_unref(spec);
		return rv;
	}
	c->spec = spec;
	client_post(r->client, &c->mail);
	return 0;
}

/* ---- deregister -------------------------------------------------------- */

/* The client ends, which says so and frees it. */
static bool registration_is_over(struct svcd_registration *r)
{
	bool over;

	pthread_mutex_lock(&r->lock);
	over = r->state == SVCD_DEREGISTERED;
	pthread_mutex_unlock(&r->lock);
	return over;
}

int svcd_deregister(struct svcd_registration *r, uint32_t timeout_ms)
{
	struct svcd_client *client;
	struct waiter *w = NULL;
	int rv;

	if (r == NULL)
		return SVCD_EINVAL;
	client = r->client;
	if (registration_is_over(r))
		return 0;
	if (timeout_ms != 0 && !client_can_wait(client))
		return SVCD_EINVAL;
	if (timeout_ms != 0 && (w = waiter_new(NULL)) == NULL)
		return SVCD_ENOMEM;
	gate_shut(&r->gate, client_on_thread(client));
	r->leaver = w;
	client_post(client, &r->leave_mail); /* r may be gone from here on */
	if (w == NULL)
		return 0;
	rv = waiter_wait(w, timeout_ms, NULL, NULL);
	waiter_unref(w);
	return rv;
}
