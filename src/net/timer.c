/*
 * Timers of a loop: one heap, one timerfd set to its minimum.
 *
 * Not libevent's timeouts: those run on CLOCK_MONOTONIC_COARSE, which is up to 4 ms
 * behind and stands still while the machine sleeps, so that a timer could fire before its
 * own due_ms. The timerfd has the clock of clock_now_ms(). It is set at most once a
 * round, and only when the minimum became earlier or it has fired; so setting a timer
 * later again and again costs no call.
 */
#include <assert.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "net/loop_internal.h"
#include "svcd.h"

int timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg)
{
	*t = (struct timer){.loop = l, .fn = fn, .arg = arg};
	/* In the heap from now on, so that timer_set only moves it and cannot fail. */
	if (heap_push(&l->timers, &t->node, TIMER_NEVER) != 0) {
		t->loop = NULL;
		return SVCD_ENOMEM;
	}
	return 0;
}

void timer_fini(struct timer *t)
{
	if (t->loop == NULL)
		return;
	heap_remove(&t->loop->timers, &t->node);
	t->loop = NULL;
	t->due_ms = 0;
}

static void timer_move(struct timer *t, uint64_t key)
{
	int rc = heap_push(&t->loop->timers, &t->node, key);

	assert(rc == 0);
	t->due_ms = key == TIMER_NEVER ? 0 : key;
}

void timer_set(struct timer *t, uint64_t after_ms)
{
	uint64_t now = loop_now_ms(t->loop);

	/* Set by a timer callback it waits for the next run, or 0 would never end. */
	if (t->loop->in_timers && after_ms == 0)
		after_ms = 1;
	if (after_ms > TIMER_NEVER - 1 - now)
		after_ms = TIMER_NEVER - 1 - now;
	timer_move(t, now + after_ms);
	loop_attend(t->loop);
}

void timer_cancel(struct timer *t)
{
	if (t->due_ms != 0)
		timer_move(t, TIMER_NEVER);
}

bool timer_pending(const struct timer *t)
{
	return t->due_ms != 0;
}

static void timer_note_lag(struct loop *l, uint64_t late_ms)
{
	if (late_ms < loop_lag_ms(l))
		return;
	l->lag_ms = late_ms;
	l->lag_at_ms = l->now_ms;
}

static struct timer *timer_due(const struct loop *l)
{
	struct heap_node *n = heap_min(&l->timers);

	if (n == NULL || n->key > l->now_ms)
		return NULL;
	return container_of(n, struct timer, node);
}

static void loop_on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	struct timer *t;

	(void)fd;
	(void)what;
	loop_enter(l);
	l->armed_ms = 0;
	l->in_timers = true;
	while ((t = timer_due(l)) != NULL) {
		timer_note_lag(l, l->now_ms - t->due_ms);
		timer_move(t, TIMER_NEVER);
		t->fn(t->arg);
	}
	l->in_timers = false;
}

/* Setting it also clears that it fired; therefore nobody reads it. */
void timers_arm(struct loop *l)
{
	const struct heap_node *first = heap_min(&l->timers);
	uint64_t due = first != NULL ? first->key : TIMER_NEVER;
	uint64_t seconds = due / 1000 < INT32_MAX ? due / 1000 : INT32_MAX;
	struct itimerspec at = {0};
	int rc;

	if (l->armed_ms != 0 && due >= l->armed_ms)
		return;
	if (due != TIMER_NEVER) {
		at.it_value.tv_sec = (time_t)seconds;
		at.it_value.tv_nsec = (long)(due % 1000) * 1000000;
	}
	rc = timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
	assert(rc == 0);
	l->armed_ms = due;
}

int timers_open(struct loop *l)
{
	l->armed_ms = TIMER_NEVER;
	l->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->timer_fd < 0)
		return SVCD_EIO;
	event_assign(
		&l->tick, l->base, l->timer_fd, EV_READ | EV_PERSIST, loop_on_tick, l);
	return event_add(&l->tick, NULL) == 0 ? 0 : SVCD_EIO;
}

void timers_close(struct loop *l)
{
	assert(heap_min(&l->timers) == NULL);
	event_drop(&l->tick);
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	heap_fini(&l->timers);
}
