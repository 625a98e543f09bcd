/* The life of a probe, and what all kinds that use a connection have in common. */
#include "health/probe.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static const struct probe_type *const types[] = {
	&probe_tcp,
	&probe_http,
};

#define N_TYPES (sizeof(types) / sizeof(types[0]))

const struct probe_type *probe_type_at(uint32_t row)
{
	assert(row < N_TYPES);
	return types[row];
}

static int type_unknown(struct bytes name, struct err *e)
{
	const char *names[N_TYPES + 1] = {NULL};
	char word[32] = "";
	const char *near;

	for (size_t i = 0; i < N_TYPES; i++)
		names[i] = types[i]->name;
	if (!bytes_is_text(name) || name.len >= sizeof(word))
		return err_set(e, SVCD_EINVAL, "no check type of that name");
	memcpy(word, name.data, name.len);
	near = text_did_you_mean(word, names);
	return err_set(e, SVCD_EINVAL, "no check type \"%s\"%s%s%s", word,
		near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
		near != NULL ? "\"?" : "");
}

int probe_type_row(struct bytes name, struct err *e)
{
	for (size_t i = 0; i < N_TYPES; i++)
		if (bytes_eq_str(name, types[i]->name))
			return (int)i;
	return type_unknown(name, e);
}

/* ---- life */

struct probe *probe_new(struct probe_world *w, const struct probe_type *type,
	const struct probe_spec *spec, void *owner)
{
	struct probe *p = calloc(1, type->bytes);

	if (p == NULL)
		return NULL;
	p->type = type;
	p->world = w;
	p->doing = "starting";
	probe_adopt(p, spec, owner);
	return p;
}

void probe_start(struct probe *p)
{
	p->started_us = clock_now_us();
	p->type->start(p);
}

void probe_adopt(struct probe *p, const struct probe_spec *spec, void *owner)
{
	p->spec = *spec;
	p->owner = owner;
}

void probe_cancel(struct probe *p)
{
	p->type->cancel(p);
	free(p);
}

void probe_end(struct probe *p, enum probe_outcome outcome, const char *fmt, ...)
{
	struct probe_result result = {.outcome = outcome};
	uint64_t took_us = clock_now_us() - p->started_us;
	struct probe_world *world = p->world;
	void *owner = p->owner;
	va_list args;

	va_start(args, fmt);
	vsnprintf(result.reason, sizeof(result.reason), fmt, args);
	va_end(args);
	result.took_us = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
	probe_cancel(p);
	world->on_end(world, owner, &result);
}

/* A name server that does not answer says nothing of the target. */
void probe_timeout(struct probe *p)
{
	enum probe_outcome outcome = p->name != NULL ? PROBE_NOT_RUN : PROBE_TIMED_OUT;

	probe_end(p, outcome, "timed out after %u ms (%s)", p->spec.timeout_ms, p->doing);
}

/* ---- over a connection */

/* Without waiting for the peer's end, and without leaving the port in TIME_WAIT. */
void probe_hang_up(struct probe *p)
{
	if (p->name != NULL)
		resolve_cancel(p->name);
	p->name = NULL;
	if (p->conn == NULL)
		return;
	conn_set_arg(p->conn, NULL);
	conn_abort(p->conn, SVCD_ECANCELLED);
	p->conn = NULL;
}

/* Failures to connect that have words of their own. */
static const struct connect_fault {
	int errnum;
	enum probe_outcome outcome;
	const char *words;
} connect_faults[] = {
	{ECONNREFUSED, PROBE_FAILED, "connect refused"},
	{ECONNRESET, PROBE_FAILED, "reset while connecting"},
	{ETIMEDOUT, PROBE_FAILED, "connect timed out"},
	{EHOSTUNREACH, PROBE_FAILED, "host unreachable"},
	{ENETUNREACH, PROBE_FAILED, "network unreachable"},
	{ENOENT, PROBE_FAILED, "no such socket"},
	{EAGAIN, PROBE_FAILED,
		"connect refused: too many wait to be accepted"}, /* Unix
								     sockets
								   */
	{EADDRNOTAVAIL, PROBE_NOT_RUN, "no local port or address is free"},
	{ENOBUFS, PROBE_NOT_RUN, "out of memory"},
	{ENOMEM, PROBE_NOT_RUN, "out of memory"},
};

static void probe_connect_failed(struct probe *p, int errnum)
{
	for (size_t i = 0; i < sizeof(connect_faults) / sizeof(connect_faults[0]); i++) {
		const struct connect_fault *f = &connect_faults[i];

		if (f->errnum == errnum) {
			probe_end(p, f->outcome, "%s", f->words);
			return;
		}
	}
	probe_end(p, PROBE_FAILED, "connect failed: %s", strerrordesc_np(errnum));
}

static void probe_answer_lost(struct probe *p, int reason, int errnum)
{
	const char *when = p->heard ? "in the middle of the answer" : "before an answer";

	if (errnum == ECONNRESET || errnum == EPIPE)
		probe_end(p, PROBE_FAILED, "reset %s", when);
	else if (reason == SVCD_ECLOSED)
		probe_end(p, PROBE_FAILED, "closed %s", when);
	else if (reason == SVCD_ENOMEM)
		probe_end(p, PROBE_NOT_RUN, "out of memory");
	else
		probe_end(p, PROBE_FAILED, "connection lost %s: %s", when,
			errnum != 0 ? strerrordesc_np(errnum) : err_text(reason));
}

void probe_on_close(struct conn *c, int reason, void *arg)
{
	struct probe *p = arg;

	if (p == NULL)
		return;
	p->conn = NULL;
	if (reason == SVCD_EUNREACHABLE)
		probe_connect_failed(p, conn_errno(c));
	else
		probe_answer_lost(p, reason, conn_errno(c));
}

static void probe_connect(struct probe *p, const struct net_addr *to)
{
	struct err e;

	p->doing = "connecting";
	p->conn = p->dial(p->world->loop, to, p->ev, p, &e);
	if (p->conn == NULL)
		probe_end(p, e.code == SVCD_EINVAL ? PROBE_FAILED : PROBE_NOT_RUN, "%s",
			e.text);
}

static void probe_on_name(
	void *arg, int code, const struct net_addr *to, const char *words)
{
	struct probe *p = arg;

	p->name = NULL;
	if (code == 0)
		probe_connect(p, to);
	else
		probe_end(p, code == SVCD_ENOTFOUND ? PROBE_FAILED : PROBE_NOT_RUN, "%s",
			words);
}

static void probe_resolve(struct probe *p)
{
	struct probe_world *w = p->world;

	p->doing = "resolving the name";
	if (w->names == NULL)
		w->names = resolver_new(w->loop);
	if (w->names != NULL)
		p->name = resolve_start(
			w->names, p->spec.address, p->spec.port, probe_on_name, p);
	if (p->name == NULL)
		probe_end(p, PROBE_NOT_RUN,
			"cannot resolve names now: too many are waiting");
}

void probe_dial(struct probe *p, probe_dial_fn *dial, const struct conn_events *ev)
{
	const char *address = p->spec.address;
	bool local = strncmp(address, "unix:", 5) == 0;
	struct net_addr to;

	p->dial = dial;
	p->ev = ev;
	if (local ? net_addr_parse(address, 0, &to, NULL) == 0
		  : resolve_numeric(address, p->spec.port, &to))
		probe_connect(p, &to);
	else if (local)
		probe_end(p, PROBE_FAILED, "the path of its socket is too long");
	else
		probe_resolve(p);
}
