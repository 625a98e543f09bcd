/*
 * Keeping instances registered. A registration is a state machine (the table in
 * register.c): what happened and the phase give the next step. Its calls belong to the
 * connection; after an outage it is looked at afresh instead of resent, since a closed
 * connection may have dropped what it had registered.
 *
 * On the loop's thread, but for the part under lock.
 */
#ifndef SVCD_CLIENT_REGISTER_H
#define SVCD_CLIENT_REGISTER_H

#include <pthread.h>

#include "client/gate.h"
#include "client/lease.h"
#include "client/spec.h"
#include "client/waiter.h"

enum phase {
	PHASE_WAITING,  /* for its lease, or before it tries again; no call in flight */
	PHASE_ASKING,   /* register is in flight */
	PHASE_CHECKING, /* get is in flight: is it still there? */
	PHASE_UP,       /* confirmed as wanted; no call in flight */
	PHASE_TELLING,  /* update of the admin state is in flight */
	PHASE_LEAVING,  /* deregister is in flight */
	PHASE_OVER,     /* refused, removed or left; no call in flight */
	PHASES
};

struct registrations {
	struct calls *calls;
	struct list leases; /* struct lease */
	/* A registration is a user of a lease, or in PHASE_OVER, or there was no memory
	 * for it; then the timer tries again. */
	struct list over;
	struct list orphans;
	struct timer again;
	size_t n;                   /* registrations in all */
	void (*on_left)(void *arg); /* one was freed */
	void *arg;
};

struct svcd_registration {
	struct mail start_mail;
	struct mail leave_mail;
	struct svcd_client *client; /* for the public functions only */
	struct registrations *owner;
	struct list node; /* in lease->users or owner->over */
	struct lease *lease;
	enum phase phase;
	struct call *call;  /* in flight; see the phases */
	struct timer timer; /* before the next try */
	struct backoff backoff;

	struct spec *wanted; /* as the application wants it */
	struct spec *asked;  /* as the register in flight has it */
	struct spec *good;   /* as last confirmed; NULL: never */
	bool drain_wanted;
	bool drain_asked; /* by the update in flight */
	bool drain_good;
	char *drain_reason;
	uint64_t incarnation;  /* 0: never confirmed */
	uint64_t under_lease;  /* id of the lease under which it was confirmed */
	bool may_be_there;     /* a register was sent whose outcome we do not know */
	bool is_leaving;       /* svcd_deregister was called */
	uint32_t leave_ms;     /* how long to try; 0: for as long as the client lives */
	unsigned renewals;     /* of the lease since the last look */
	struct waiter *leaver; /* who waits for the end; NULL: nobody */

	bool keep_on_close;
	uint32_t ttl_ms;
	char *ns, *service, *id; /* they never change */

	pthread_mutex_t lock; /* guards these four */
	pthread_cond_t changed;
	enum svcd_registration_state state;
	struct svcd_fault fault; /* why it is REFUSED or REMOVED, or the last trouble */
	uint64_t seen_incarnation;

	struct gate gate; /* of on_state */
	void (*on_state)(void *arg, struct svcd_registration *r,
		enum svcd_registration_state state, const struct svcd_fault *fault);
	void *arg;
};

/* 0 or SVCD_ENOMEM. on_left is called when one was freed. */
int registrations_init(struct registrations *rs, struct calls *calls,
	void (*on_left)(void *arg), void *arg);
void registrations_fini(struct registrations *rs); /* none is left; zero is fine */

void registrations_link_up(struct registrations *rs);
void registrations_link_down(struct registrations *rs); /* after calls_link_down */
void registrations_leave_all(struct registrations *rs, uint32_t within_ms);
void registrations_free_all(struct registrations *rs); /* as they are; after calls_end */

/* Appends requests that end all that is registered; nobody will take the answers. */
void registrations_pack_last(struct registrations *rs, struct buf *out);

/* Takes r, which wants to be there from now on. */
void registration_start(struct registrations *rs, struct svcd_registration *r);
void registration_want(struct svcd_registration *r, struct spec *wanted); /* takes it */
/* Takes reason, which may be NULL. */
void registration_want_drain(struct svcd_registration *r, bool drain, char *reason);
/* It is freed when that is done. */
void registration_leave(struct svcd_registration *r, uint32_t within_ms);

void registration_free(struct svcd_registration *r); /* in no list; also half-made */

/* ---- register.c, register_call.c and registrations.c only -------------- */

enum happening {
	H_LEASE,    /* the lease is held */
	H_NO_LEASE, /* the lease is lost */
	H_DOWN,     /* the connection ended; calls on it have ended before */
	H_CHANGED,  /* something else is wanted */
	H_LOOK,     /* time to look whether it is still there */
	H_TIMER,    /* time to try again */
	H_LEAVE,
	H_OK,      /* the call in flight succeeded */
	H_AGAIN,   /* it failed in a way that may pass */
	H_DIFFERS, /* the registry does not have it as we thought */
	H_REFUSED, /* for good */
	H_REMOVED, /* somebody else removed or took it over */
	HAPPENINGS
};

void registration_happen(
	struct svcd_registration *r, enum happening h, const struct svcd_fault *fault);

void registration_begin(struct svcd_registration *r, const struct svcd_fault *fault);
void registration_tell(struct svcd_registration *r, enum svcd_registration_state state,
	const struct svcd_fault *fault); /* the application */
void registration_end_for_good(struct svcd_registration *r,
	enum svcd_registration_state state, const struct svcd_fault *fault);
void registration_end_leave(
	struct svcd_registration *r, const struct svcd_fault *fault); /* frees it */

/* Start a call; false: out of memory. */
bool registration_call_register(struct svcd_registration *r);
bool registration_call_get(struct svcd_registration *r);
bool registration_call_update(struct svcd_registration *r);
bool registration_call_deregister(struct svcd_registration *r);
void registration_pack_deregister(const struct svcd_registration *r, struct buf *out);

#endif
