#include "svcctl/runner.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/child.h"
#include "svcctl/deadline.h"
#include "svcctl/mem.h"

#define PATIENCE_MS 1000   /* before the registry is said to be out of reach */
#define DEREGISTER_MS 1000 /* wait for the answer */

struct runner {
	struct ctl *c;
	const struct run_order *order;
	struct child child;
	struct svcd_registration *registration; /* NULL: none, or no more */
	_Atomic bool confirmed; /* at least once; written by the library's thread */
	_Atomic bool settled;   /* something was said about the registration */
};

/* ---- what the registry says; on the library's thread ------------------- */

static const char *words_of(const struct svcd_fault *fault)
{
	return fault == NULL           ? ""
		: *fault->text != '\0' ? fault->text
				       : svcd_strerror(fault->code);
}

static void on_state(void *arg, struct svcd_registration *registration,
	enum svcd_registration_state state, const struct svcd_fault *fault)
{
	struct runner *r = arg;
	const struct svcd_instance *i = r->order->instance;

	(void)registration;
	switch (state) {
	case SVCD_REGISTERED:
		report_note("registered %s/%s%s", i->service, i->id,
			atomic_load(&r->confirmed) ? " again" : "");
		atomic_store(&r->confirmed, true);
		atomic_store(&r->settled, true);
		break;
	case SVCD_REGISTERING:
		if (atomic_load(&r->confirmed))
			report_note(
				"the registry does not answer; %s runs on, svcctl keeps trying",
				r->order->argv[0]);
		break;
	case SVCD_REFUSED:
		atomic_store(&r->settled, true);
		report_error("the registry refuses %s/%s: %s", i->service, i->id,
			words_of(fault));
		report_hint("%s runs on without being registered", r->order->argv[0]);
		break;
	case SVCD_REMOVED:
		report_note("%s/%s was removed from the registry: %s", i->service, i->id,
			words_of(fault));
		break;
	default:
		break;
	}
}

static void start_registration(struct runner *r)
{
	struct svcd_register_options options = {
		.ttl_ms = r->order->ttl_ms,
		.keep_on_close = r->order->keep,
		.on_state = on_state,
		.arg = r,
	};
	int rv = svcd_register(
		r->c->client, r->order->instance, &options, &r->registration);

	if (rv == 0)
		return;
	r->registration = NULL;
	atomic_store(&r->settled, true);
	report_error("cannot register: %s", svcd_strerror(rv));
	report_hint("%s runs on without being registered", r->order->argv[0]);
}

static void end_registration(struct runner *r)
{
	if (r->registration != NULL)
		svcd_deregister(
			r->registration, atomic_load(&r->confirmed) ? DEREGISTER_MS : 0);
	r->registration = NULL;
}

/* Once: the child is not disturbed by a registry that is out of reach, and people are
 * told. */
static void tell_silence(struct runner *r)
{
	char trouble[256] = "";

	if (atomic_exchange(&r->settled, true))
		return;
	svcd_client_trouble(r->c->client, trouble, sizeof(trouble));
	report_note(
		"the registry cannot be reached yet (%s); %s runs, svcctl keeps trying",
		*trouble != '\0' ? trouble : "no answer", r->order->argv[0]);
}

/* ---- signals ----------------------------------------------------------- */

/* Lets calls in flight end. False when the child ended meanwhile. */
static bool drain(struct runner *r, int *status)
{
	struct deadline d = deadline_in(r->order->grace_ms);
	uint64_t left_ms;

	if (r->registration == NULL || svcd_drain(r->registration, "stopping") != 0)
		return true;
	while ((left_ms = deadline_left_ms(&d)) > 0) {
		bool from_terminal;
		int signal = child_next_signal(&r->child,
			left_ms < INT32_MAX ? (int)left_ms : INT32_MAX, &from_terminal);

		if (signal == SIGCHLD && child_ended(&r->child, status))
			return false;
		if (signal == SIGTERM || signal == SIGINT)
			return true; /* asked again: at once */
	}
	return true;
}

/* Nobody is to be sent to a server that is about to stop: leave first, then tell it. */
static bool stop_child(struct runner *r, int signal, bool from_terminal, int *status)
{
	if (!from_terminal && r->order->grace_ms > 0 && !drain(r, status))
		return false;
	end_registration(r);
	if (!from_terminal)
		child_signal(&r->child, signal);
	return true;
}

/* False when the child has ended; *status is set then. */
static bool take_signal(struct runner *r, int signal, bool from_terminal, int *status)
{
	switch (signal) {
	case SIGCHLD:
		return !child_ended(&r->child, status);
	case SIGTERM:
	case SIGINT:
		return stop_child(r, signal, from_terminal, status);
	case SIGHUP:
		if (!from_terminal)
			child_signal(&r->child, SIGHUP);
		return true;
	default:
		tell_silence(r);
		return true;
	}
}

static int accompany(struct runner *r)
{
	bool from_terminal = false;
	int status = 0, signal;

	do
		signal = child_next_signal(&r->child,
			atomic_load(&r->settled) ? -1 : PATIENCE_MS, &from_terminal);
	while (take_signal(r, signal, from_terminal, &status));
	return status;
}

/* ---- all of it --------------------------------------------------------- */

static int start_child(struct runner *r)
{
	const struct svcd_instance *i = r->order->instance;
	char *service = mem_format("SVCD_SERVICE=%s", i->service);
	char *id = mem_format("SVCD_INSTANCE_ID=%s", i->id);
	int error = child_start(
		&r->child, r->order->argv, (char *const[]){service, id, NULL});

	free(service);
	free(id);
	if (error == 0)
		return 0;
	report_error("cannot run %s: %s", r->order->argv[0], strerror(error));
	return error == ENOENT ? 127 : 126;
}

int runner_run(struct ctl *c, const struct run_order *o)
{
	struct runner r = {.c = c, .order = o};
	int status;

	child_prepare(&r.child);
	status = ctl_open(c);
	if (status != OUT_OK)
		return status;
	status = start_child(&r);
	if (status != 0)
		return status;
	start_registration(&r);
	status = accompany(&r);
	end_registration(&r);
	return status;
}
