/* All registrations of a client: their leases, how they are made and end. */
#include <assert.h>
#include <stdlib.h>

#include "client/register.h"

#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000
#define ORPHANS_AGAIN_MS 100

/* ---- leases ------------------------------------------------------------ */

static void lease_tell_users(
	struct lease *l, enum happening h, const struct svcd_fault *fault)
{
	struct list now;
	struct list *n;

	list_init(&now);
	list_splice(&now, &l->users);
	while ((n = list_pop(&now)) != NULL) {
		list_push(&l->users, n);
		registration_happen(
			container_of(n, struct svcd_registration, node), h, fault);
	}
}

/* Those that leave have nothing to do with it any more. */
static void lease_refuse_users(struct lease *l, const struct svcd_fault *fault)
{
	struct list *it, *tmp;

	list_each(&l->users, it, tmp) {
		struct svcd_registration *r = container_of(
			it, struct svcd_registration, node);

		if (r->phase == PHASE_WAITING)
			registration_end_for_good(r, SVCD_REFUSED, fault);
	}
}

static void on_lease_news(
	struct lease *l, enum lease_news news, const struct svcd_fault *fault)
{
	static const enum happening happenings[] = {
		[LEASE_IS_HELD] = H_LEASE,
		[LEASE_IS_RENEWED] = H_LOOK,
		[LEASE_IS_UNSURE] = H_DOWN,
		[LEASE_IS_LOST] = H_NO_LEASE,
	};

	if (news == LEASE_IS_REFUSED)
		lease_refuse_users(l, fault);
	else
		lease_tell_users(l, happenings[news], fault);
}

static struct lease *registrations_lease(
	struct registrations *rs, uint32_t ttl_ms, bool keep)
{
	struct list *it, *tmp;
	struct lease *l;

	list_each(&rs->leases, it, tmp) {
		l = container_of(it, struct lease, node);
		if (l->ttl_ms == ttl_ms && l->keep == keep)
			return l;
	}
	l = lease_new(rs->calls, ttl_ms, keep, on_lease_news, rs);
	if (l != NULL)
		list_push(&rs->leases, &l->node);
	return l;
}

/* ---- life -------------------------------------------------------------- */

static void registration_on_timer(void *arg)
{
	registration_happen(arg, H_TIMER, NULL);
}

static int registration_join(struct registrations *rs, struct svcd_registration *r)
{
	r->lease = registrations_lease(rs, r->ttl_ms, r->keep_on_close);
	if (r->lease == NULL)
		return SVCD_ENOMEM;
	if (timer_init(&r->timer, rs->calls->link->loop, registration_on_timer, r) != 0)
		return SVCD_ENOMEM;
	list_push(&r->lease->users, &r->node);
	lease_want(r->lease);
	registration_begin(r, NULL);
	return 0;
}

static void registration_join_or_wait(
	struct registrations *rs, struct svcd_registration *r)
{
	if (registration_join(rs, r) == 0)
		return;
	list_push(&rs->orphans, &r->node);
	timer_set(&rs->again, ORPHANS_AGAIN_MS);
}

static void registrations_on_again(void *arg)
{
	struct registrations *rs = arg;
	struct list now;
	struct list *n;

	list_init(&now);
	list_splice(&now, &rs->orphans);
	while ((n = list_pop(&now)) != NULL)
		registration_join_or_wait(
			rs, container_of(n, struct svcd_registration, node));
}

void registration_start(struct registrations *rs, struct svcd_registration *r)
{
	r->owner = rs;
	r->backoff = (struct backoff){.min_ms = RETRY_MIN_MS, .max_ms = RETRY_MAX_MS};
	rs->n++;
	registration_join_or_wait(rs, r);
}

void registration_want(struct svcd_registration *r, struct spec *wanted)
{
	spec_unref(r->wanted);
	r->wanted = wanted;
	registration_happen(r, H_CHANGED, NULL);
}

void registration_want_drain(struct svcd_registration *r, bool drain, char *reason)
{
	free(r->drain_reason);
	r->drain_reason = reason;
	r->drain_wanted = drain;
	registration_happen(r, H_CHANGED, NULL);
}

void registration_leave(struct svcd_registration *r, uint32_t within_ms)
{
	r->is_leaving = true;
	r->leave_ms = within_ms;
	registration_happen(r, H_LEAVE, NULL);
}

void registration_free(struct svcd_registration *r)
{
	if (r == NULL)
		return;
	assert(r->call == NULL);
	timer_fini(&r->timer);
	spec_unref(r->wanted);
	spec_unref(r->asked);
	spec_unref(r->good);
	free(r->drain_reason);
	free(r->ns);
	free(r->service);
	free(r->id);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
	gate_fini(&r->gate);
	free(r);
}

int registrations_init(struct registrations *rs, struct calls *calls,
	void (*on_left)(void *arg), void *arg)
{
	*rs = (struct registrations){.calls = calls, .on_left = on_left, .arg = arg};
	list_init(&rs->leases);
	list_init(&rs->over);
	list_init(&rs->orphans);
	return timer_init(&rs->again, calls->link->loop, registrations_on_again, rs);
}

void registrations_fini(struct registrations *rs)
{
	struct list *n;

	assert(rs->n == 0);
	if (rs->calls == NULL)
		return;
	timer_fini(&rs->again);
	while ((n = list_pop(&rs->leases)) != NULL)
		lease_free(container_of(n, struct lease, node));
}

void registrations_link_up(struct registrations *rs)
{
	struct list *it, *tmp;

	list_each(&rs->leases, it, tmp)
		lease_link_up(container_of(it, struct lease, node));
}

void registrations_link_down(struct registrations *rs)
{
	struct list *it, *tmp;

	list_each(&rs->leases, it, tmp)
		lease_link_down(container_of(it, struct lease, node));
}

/* Calls fn for every registration of a list; it may free that one. */
static void list_each_registration(struct list *list,
	void (*fn)(struct svcd_registration *r, uint32_t within_ms), uint32_t within_ms)
{
	struct list now;
	struct list *n;

	list_init(&now);
	list_splice(&now, list);
	while ((n = list_pop(&now)) != NULL) {
		list_push(list, n);
		fn(container_of(n, struct svcd_registration, node), within_ms);
	}
}

static void registrations_each(struct registrations *rs,
	void (*fn)(struct svcd_registration *r, uint32_t within_ms), uint32_t within_ms)
{
	struct list *it, *tmp;

	list_each(&rs->leases, it, tmp)
		list_each_registration(
			&container_of(it, struct lease, node)->users, fn, within_ms);
	list_each_registration(&rs->over, fn, within_ms);
	list_each_registration(&rs->orphans, fn, within_ms);
}

void registrations_leave_all(struct registrations *rs, uint32_t within_ms)
{
	registrations_each(rs, registration_leave, within_ms);
}

static void end_now(struct svcd_registration *r, uint32_t within_ms)
{
	struct svcd_fault fault;

	(void)within_ms;
	assert(r->call == NULL);
	fault_code(&fault, SVCD_ECANCELLED);
	r->phase = PHASE_LEAVING;
	registration_end_leave(r, &fault);
}

void registrations_pack_last(struct registrations *rs, struct buf *out)
{
	struct list *it, *tmp, *n, *tmp2;

	list_each(&rs->leases, it, tmp) {
		struct lease *l = container_of(it, struct lease, node);

		list_each(&l->users, n, tmp2)
			registration_pack_deregister(
				container_of(n, struct svcd_registration, node), out);
	}
}

void registrations_free_all(struct registrations *rs)
{
	registrations_each(rs, end_now, 0);
}
