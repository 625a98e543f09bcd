/* Which step follows which, as a table; and the public state that the application sees of
 * it. */
#include "client/register.h"

#include <assert.h>

#define LOOK_EVERY 4 /* renewals of the lease */

/* May phase a be followed by phase b? */
static const bool legal[PHASES][PHASES] = {
	[PHASE_WAITING] = {[PHASE_ASKING] = true,
		[PHASE_CHECKING] = true,
		[PHASE_LEAVING] = true,
		[PHASE_OVER] = true},
	[PHASE_ASKING] = {[PHASE_WAITING] = true,
		[PHASE_ASKING] = true,
		[PHASE_UP] = true,
		[PHASE_TELLING] = true,
		[PHASE_LEAVING] = true,
		[PHASE_OVER] = true},
	[PHASE_CHECKING] = {[PHASE_WAITING] = true,
		[PHASE_ASKING] = true,
		[PHASE_UP] = true,
		[PHASE_TELLING] = true,
		[PHASE_LEAVING] = true,
		[PHASE_OVER] = true},
	[PHASE_UP] = {[PHASE_WAITING] = true,
		[PHASE_ASKING] = true,
		[PHASE_CHECKING] = true,
		[PHASE_TELLING] = true,
		[PHASE_LEAVING] = true,
		[PHASE_OVER] = true},
	[PHASE_TELLING] = {[PHASE_WAITING] = true,
		[PHASE_ASKING] = true,
		[PHASE_UP] = true,
		[PHASE_TELLING] = true,
		[PHASE_LEAVING] = true,
		[PHASE_OVER] = true},
	[PHASE_LEAVING] = {[PHASE_OVER] = true},
	[PHASE_OVER] = {[PHASE_OVER] = true},
};

static void registration_move(struct svcd_registration *r, enum phase to)
{
	assert(legal[r->phase][to]);
	r->phase = to;
}

/* ---- what the application sees ----------------------------------------- */

void registration_tell(struct svcd_registration *r, enum svcd_registration_state state,
	const struct svcd_fault *fault)
{
	bool changed;

	pthread_mutex_lock(&r->lock);
	changed = r->state != state;
	r->state = state;
	r->seen_incarnation = r->incarnation;
	fault_copy(&r->fault, fault);
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	if ((!changed && fault == NULL) || r->on_state == NULL || !gate_enter(&r->gate))
		return;
	r->on_state(r->arg, r, state, fault);
	gate_leave(&r->gate);
}

/* Remembers why it takes so long, for those who wait. */
static void registration_note(struct svcd_registration *r, const struct svcd_fault *fault)
{
	pthread_mutex_lock(&r->lock);
	if (r->state == SVCD_REGISTERING)
		fault_copy(&r->fault, fault);
	pthread_mutex_unlock(&r->lock);
}

/* It was confirmed, and cannot be now. */
static void registration_unconfirm(struct svcd_registration *r)
{
	const struct svcd_fault *trouble = &r->owner->calls->link->trouble;

	pthread_mutex_lock(&r->lock);
	if (r->state != SVCD_REGISTERED)
		trouble = NULL;
	pthread_mutex_unlock(&r->lock);
	if (trouble != NULL)
		registration_tell(
			r, SVCD_REGISTERING, trouble->code != 0 ? trouble : NULL);
}

/* ---- steps ------------------------------------------------------------- */

static void drop_call(struct svcd_registration *r)
{
	if (r->call != NULL)
		calls_cancel(r->owner->calls, r->call);
	r->call = NULL;
}

static void wait_and_retry(struct svcd_registration *r)
{
	registration_move(r, PHASE_WAITING);
	timer_set(&r->timer, backoff_next_ms(&r->backoff, r->owner->calls->rng));
}

static void start_call(struct svcd_registration *r, enum phase phase,
	bool (*call)(struct svcd_registration *r))
{
	timer_cancel(&r->timer);
	if (call(r))
		registration_move(r, phase);
	else if (r->phase == PHASE_WAITING)
		timer_set(&r->timer, backoff_next_ms(&r->backoff, r->owner->calls->rng));
	else
		wait_and_retry(r);
}

void registration_end_leave(struct svcd_registration *r, const struct svcd_fault *fault)
{
	struct registrations *rs = r->owner;

	registration_move(r, PHASE_OVER);
	registration_tell(r, SVCD_DEREGISTERED, NULL);
	if (r->leaver != NULL) {
		waiter_say(r->leaver, fault, NULL);
		waiter_unref(r->leaver);
		r->leaver = NULL;
	}
	list_remove(&r->node);
	registration_free(r);
	rs->n--;
	rs->on_left(rs->arg);
}

static void leave(struct svcd_registration *r, const struct svcd_fault *fault)
{
	struct svcd_fault no_memory;

	(void)fault;
	drop_call(r);
	timer_cancel(&r->timer);
	if (r->incarnation == 0 && !r->may_be_there) {
		registration_end_leave(r, NULL);
	} else if (registration_call_deregister(r)) {
		registration_move(r, PHASE_LEAVING);
	} else {
		fault_code(&no_memory, SVCD_ENOMEM);
		registration_end_leave(r, &no_memory);
	}
}

static void ask(struct svcd_registration *r, const struct svcd_fault *fault)
{
	(void)fault;
	if (r->lease->state == LEASE_HELD)
		start_call(r, PHASE_ASKING, registration_call_register);
	else if (r->phase != PHASE_WAITING)
		registration_move(r, PHASE_WAITING);
}

/* The call before is done: what is still to do? */
static void settle(struct svcd_registration *r, const struct svcd_fault *fault)
{
	if (r->is_leaving)
		leave(r, fault);
	else if (r->lease->state != LEASE_HELD)
		registration_move(r, PHASE_WAITING);
	else if (r->wanted != r->good)
		ask(r, fault);
	else if (r->drain_wanted != r->drain_good)
		start_call(r, PHASE_TELLING, registration_call_update);
	else if (r->phase != PHASE_UP)
		registration_move(r, PHASE_UP);
}

static void confirmed(struct svcd_registration *r, const struct svcd_fault *fault)
{
	backoff_reset(&r->backoff);
	r->renewals = 0;
	registration_tell(r, SVCD_REGISTERED, NULL);
	settle(r, fault);
}

/* What was under the same lease and is wanted as it was is probably still there: a cheap
 * look tells. */
void registration_begin(struct svcd_registration *r, const struct svcd_fault *fault)
{
	bool is_likely_there = r->incarnation != 0 && r->wanted == r->good &&
		r->under_lease == r->lease->id;

	if (r->lease->state != LEASE_HELD)
		return;
	if (is_likely_there)
		start_call(r, PHASE_CHECKING, registration_call_get);
	else
		ask(r, fault);
}

static void look(struct svcd_registration *r, const struct svcd_fault *fault)
{
	(void)fault;
	if (++r->renewals < LOOK_EVERY)
		return;
	r->renewals = 0;
	start_call(r, PHASE_CHECKING, registration_call_get);
}

static void unconfirm(struct svcd_registration *r, const struct svcd_fault *fault)
{
	(void)fault;
	timer_cancel(&r->timer);
	registration_unconfirm(r);
}

static void lose(struct svcd_registration *r, const struct svcd_fault *fault)
{
	drop_call(r);
	registration_move(r, PHASE_WAITING);
	unconfirm(r, fault);
	if (r->is_leaving)
		leave(r, fault);
}

/* A register that may have arrived is not forgotten. */
static void try_again(struct svcd_registration *r, const struct svcd_fault *fault)
{
	registration_note(r, fault);
	wait_and_retry(r);
	if (r->is_leaving)
		leave(r, fault);
}

void registration_end_for_good(struct svcd_registration *r,
	enum svcd_registration_state state, const struct svcd_fault *fault)
{
	timer_cancel(&r->timer);
	r->incarnation = 0;
	r->may_be_there = false;
	if (r->is_leaving) {
		registration_end_leave(r, NULL);
		return;
	}
	registration_move(r, PHASE_OVER);
	list_remove(&r->node);
	list_push(&r->owner->over, &r->node);
	registration_tell(r, state, fault);
}

static void removed(struct svcd_registration *r, const struct svcd_fault *fault)
{
	registration_end_for_good(r, SVCD_REMOVED, fault);
}

/* A change is refused, and what was before still stands: that is wanted again. */
static void refused(struct svcd_registration *r, const struct svcd_fault *fault)
{
	if (r->good == NULL || r->good == r->asked) {
		registration_end_for_good(r, SVCD_REFUSED, fault);
		return;
	}
	if (r->wanted == r->asked) {
		spec_unref(r->wanted);
		r->wanted = spec_ref(r->good);
	}
	registration_tell(r, SVCD_REGISTERED, fault);
	settle(r, fault);
}

static void drain_refused(struct svcd_registration *r, const struct svcd_fault *fault)
{
	r->drain_wanted = r->drain_good;
	registration_tell(r, SVCD_REGISTERED, fault);
	settle(r, fault);
}

/* Whatever the answer: it is not there, or not ours. */
static void left(struct svcd_registration *r, const struct svcd_fault *fault)
{
	(void)fault;
	registration_end_leave(r, NULL);
}

static void leave_failed(struct svcd_registration *r, const struct svcd_fault *fault)
{
	registration_end_leave(r, fault);
}

static void note_leaving(struct svcd_registration *r, const struct svcd_fault *fault)
{
	(void)r; /* is_leaving is set: the answer in flight goes on to leave */
	(void)fault;
}

typedef void step_fn(struct svcd_registration *r, const struct svcd_fault *fault);

static step_fn *const steps[PHASES][HAPPENINGS] = {
	[PHASE_WAITING] =
		{
			[H_LEASE] = registration_begin,
			[H_TIMER] = registration_begin,
			[H_NO_LEASE] = unconfirm,
			[H_DOWN] = unconfirm,
			[H_LEAVE] = leave,
		},
	[PHASE_ASKING] =
		{
			[H_NO_LEASE] = lose,
			[H_LEAVE] = note_leaving,
			[H_OK] = confirmed,
			[H_AGAIN] = try_again,
			[H_REFUSED] = refused,
			[H_REMOVED] = removed,
		},
	[PHASE_CHECKING] =
		{
			[H_NO_LEASE] = lose,
			[H_LEAVE] = leave,
			[H_OK] = confirmed,
			[H_AGAIN] = try_again,
			[H_DIFFERS] = ask,
		},
	[PHASE_UP] =
		{
			[H_NO_LEASE] = lose,
			[H_DOWN] = lose,
			[H_CHANGED] = settle,
			[H_LOOK] = look,
			[H_LEAVE] = leave,
		},
	[PHASE_TELLING] =
		{
			[H_NO_LEASE] = lose,
			[H_LEAVE] = leave,
			[H_OK] = settle,
			[H_AGAIN] = try_again,
			[H_DIFFERS] = ask,
			[H_REFUSED] = drain_refused,
			[H_REMOVED] = removed,
		},
	[PHASE_LEAVING] =
		{
			[H_OK] = left,
			[H_DIFFERS] = left,
			[H_REMOVED] = left,
			[H_AGAIN] = leave_failed,
			[H_REFUSED] = leave_failed,
		},
	[PHASE_OVER] =
		{
			[H_LEAVE] = leave,
		},
};

void registration_happen(
	struct svcd_registration *r, enum happening h, const struct svcd_fault *fault)
{
	step_fn *step = steps[r->phase][h];

	if (step != NULL)
		step(r, fault);
}
