/*
 * Rounds, waking from other threads, start and stop. One thread at a time; loop_wake and
 * loop_stop from any.
 */
#include "net/loop_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "svcd.h"

#define LAG_HALF_LIFE_MS 5000

void event_drop(struct event *ev)
{
	if (event_initialized(ev))
		event_del(ev);
}

static void loop_refresh_now(struct loop *l)
{
	if (l->now_fresh)
		return;
	l->now_ms = clock_now_ms();
	l->now_fresh = true;
}

void loop_attend(struct loop *l)
{
	if (l->round_end_due)
		return;
	l->round_end_due = true;
	event_active(&l->round_end, EV_TIMEOUT, 0);
}

void loop_enter(struct loop *l)
{
	loop_refresh_now(l);
	loop_attend(l);
}

void loop_defer(struct loop *l, struct deferred *d)
{
	if (!list_empty(&d->node))
		return;
	list_push(&l->deferred, &d->node);
	loop_attend(l);
}

/* Runs what is there now; what that defers in its turn waits for the next call, so that
 * an owner who redials a dead peer in on_close cannot hold the loop for ever. */
static bool loop_run_deferred(struct loop *l)
{
	struct list now;
	struct list *n;
	bool called = false;

	list_init(&now);
	list_splice(&now, &l->deferred);
	while ((n = list_pop(&now)) != NULL) {
		struct deferred *d = container_of(n, struct deferred, node);

		called |= d->fn(d);
	}
	return called;
}

/* Unlike loop_attend it lets the kernel's events in before the next end of a round. */
static void loop_attend_next_round(struct loop *l)
{
	static const struct timeval at_once = {0, 0};

	if (event_add(&l->round_end, &at_once) == 0)
		l->round_end_due = true;
	else
		loop_attend(l);
}

/* What was made due outside of a round stands before the events that the kernel then
 * reports. Moved once a round only: two loops on one base would give way to each other
 * for ever. */
static bool loop_give_way(struct loop *l)
{
	l->put_last = !l->put_last &&
		event_base_get_num_events(l->base, EVENT_BASE_COUNT_ACTIVE) > 0;
	if (l->put_last)
		event_active(&l->round_end, EV_TIMEOUT, 0);
	return l->put_last;
}

static void loop_on_round_end(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	bool again;

	(void)fd;
	(void)what;
	if (loop_give_way(l))
		return;
	loop_refresh_now(l);
	loop_run_deferred(l);
	if (l->idle != NULL)
		l->idle(l->idle_arg);
	again = loop_run_deferred(l) || !list_empty(&l->deferred);
	timers_arm(l);

	l->now_fresh = false;
	l->round_end_due = false;
	if (again)
		loop_attend_next_round(l);
	if (!l->borrowed && atomic_exchange(&l->stop, false))
		event_base_loopbreak(l->base);
}

/* The order woken = false, then drain, pairs with post, then woken = true: a message is
 * either seen by this drain or its poster writes the eventfd again. */
static void loop_on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	uint64_t count;

	(void)what;
	loop_enter(l);
	if (read(fd, &count, sizeof(count)) < 0)
		assert(errno == EAGAIN || errno == EINTR);
	atomic_store(&l->woken, false);
	mailboxes_drain(l);
}

void loop_wake(struct loop *l)
{
	static const uint64_t one = 1;

	if (atomic_exchange(&l->woken, true))
		return;
	while (write(l->wake_fd, &one, sizeof(one)) < 0)
		assert(errno == EINTR);
}

/* NOLOCK: other threads come through wake_fd only. NO_CACHE_TIME: we give libevent no
 * timeouts, so its time of day per round would serve nobody. No changelist: it loses
 * events on fds that were closed and opened again within a round. */
static struct event_base *loop_make_base(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base = NULL;
	int flags = EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV |
		EVENT_BASE_FLAG_NO_CACHE_TIME;

	if (cfg == NULL)
		return NULL;
	if (event_config_set_flag(cfg, flags) == 0)
		base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	return base;
}

static int loop_watch_wake(struct loop *l)
{
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->wake_fd < 0)
		return SVCD_EIO;
	event_assign(
		&l->wake, l->base, l->wake_fd, EV_READ | EV_PERSIST, loop_on_wake, l);
	return event_add(&l->wake, NULL) == 0 ? 0 : SVCD_ENOMEM;
}

static int loop_set_up(struct loop *l)
{
	l->scratch = malloc(LOOP_SCRATCH_BYTES);
	if (l->base == NULL || l->scratch == NULL)
		return SVCD_ENOMEM;
	event_assign(&l->round_end, l->base, -1, 0, loop_on_round_end, l);
	event_priority_set(&l->round_end, event_base_get_npriorities(l->base) - 1);
	if (loop_watch_wake(l) != 0)
		return SVCD_EIO;
	return timers_open(l);
}

static struct loop *loop_make(struct event_base *base, bool borrowed)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		if (base != NULL && !borrowed)
			event_base_free(base);
		return NULL;
	}
	l->base = base;
	l->borrowed = borrowed;
	l->wake_fd = l->timer_fd = -1;
	l->thread = pthread_self();
	list_init(&l->deferred);
	list_init(&l->boxes);
	heap_init(&l->timers);
	if (loop_set_up(l) == 0)
		return l;
	loop_free(l);
	return NULL;
}

struct loop *loop_new(void)
{
	return loop_make(loop_make_base(), false);
}

struct loop *loop_new_on(struct event_base *borrowed)
{
	assert(borrowed != NULL);
	return loop_make(borrowed, true);
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	while (!list_empty(&l->deferred))
		loop_run_deferred(l);
	assert(l->conns == 0);
	assert(list_empty(&l->boxes));

	timers_close(l);
	event_drop(&l->wake);
	event_drop(&l->round_end);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	if (!l->borrowed && l->base != NULL)
		event_base_free(l->base);
	buf_fini(&l->spare);
	free(l->scratch);
	free(l);
}

void loop_run(struct loop *l)
{
	assert(!l->borrowed);
	l->thread = pthread_self();
	event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	loop_wake(l);
}

bool loop_on_thread(const struct loop *l)
{
	return pthread_equal(l->thread, pthread_self()) != 0;
}

uint64_t loop_now_ms(const struct loop *l)
{
	return l->now_fresh ? l->now_ms : clock_now_ms();
}

uint64_t loop_lag_ms(const struct loop *l)
{
	uint64_t halvings = (loop_now_ms(l) - l->lag_at_ms) / LAG_HALF_LIFE_MS;

	return halvings < 64 ? l->lag_ms >> halvings : 0;
}

void loop_on_idle(struct loop *l, void (*fn)(void *arg), void *arg)
{
	l->idle = fn;
	l->idle_arg = arg;
	loop_attend(l);
}

void loop_lend(struct loop *l, struct buf *b)
{
	assert(b->data == NULL);
	b->data = l->spare.data;
	b->cap = l->spare.cap;
	l->spare = (struct buf){0};
}

void loop_take_back(struct loop *l, struct buf *b)
{
	if (l->spare.data == NULL && b->cap <= LOOP_SPARE_BYTES) {
		l->spare.data = b->data;
		l->spare.cap = b->cap;
		*b = (struct buf){0};
	}
	buf_fini(b);
}
