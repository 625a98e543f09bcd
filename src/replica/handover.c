/* Before a planned stop: leadership goes to another voter. */
#include "replica/replica_internal.h"

#include <errno.h>
#include <time.h>

/* On the waiter's stack, until the replica's thread has let go of it. */
struct handover {
	struct mail begin, detach;
	struct replica *replica;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool over;     /* handed over, or there is nobody */
	bool detached; /* the replica's thread does not know it any more */
};

static void tell(struct handover *h, bool detached)
{
	pthread_mutex_lock(&h->lock);
	h->over = true;
	h->detached |= detached;
	pthread_cond_signal(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

/* Without a quorum nobody can be elected, however long one waits. */
static bool has_quorum(const struct replica *r)
{
	size_t voters = 0, reachable = 0;

	for (size_t i = 0; i < r->roster.n; i++) {
		const struct view *v = &r->roster.views[i];

		voters += v->voter;
		reachable += v->voter && members_reachable(r, v);
	}
	return reachable > voters / 2;
}

/* True: there is nothing to wait for. */
static bool try(struct replica *r)
{
	struct driver_status s;
	int rc;

	if (!has_quorum(r))
		return true;
	driver_status(r->driver, &s);
	if (s.role != DRIVER_LEADER)
		return s.role == DRIVER_FOLLOWER && (s.leader != 0 || !r->peers);
	if (s.voters < 2)
		return true;
	if (s.transferring)
		return false;
	rc = driver_transfer(r->driver, replica_now_ms(r), 0);
	return rc == SVCD_ENOTFOUND;
}

void handover_check(struct replica *r)
{
	if (r->handover && try(r))
		tell(r->handover, false);
}

static void on_begin(struct mail *m)
{
	struct handover *h = container_of(m, struct handover, begin);

	h->replica->handover = h;
	handover_check(h->replica);
}

static void on_detach(struct mail *m)
{
	struct handover *h = container_of(m, struct handover, detach);

	h->replica->handover = NULL;
	tell(h, true);
}

static void wait_over(struct handover *h, const struct timespec *until)
{
	int rc = 0;

	pthread_mutex_lock(&h->lock);
	while (!h->over && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&h->changed, &h->lock, until);
	pthread_mutex_unlock(&h->lock);
}

static void wait_detached(struct handover *h)
{
	pthread_mutex_lock(&h->lock);
	while (!h->detached)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
}

static struct timespec after(uint32_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

void replica_hand_over(struct replica *r, uint32_t max_ms)
{
	struct handover h = {.replica = r, .lock = PTHREAD_MUTEX_INITIALIZER};
	struct timespec until = after(max_ms);
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h.changed, &attr);
	pthread_condattr_destroy(&attr);
	h.begin.deliver = on_begin;
	h.detach.deliver = on_detach;
	mailbox_post(r->box, &h.begin);
	wait_over(&h, &until);
	mailbox_post(r->box, &h.detach);
	wait_detached(&h);
	pthread_cond_destroy(&h.changed);
}
