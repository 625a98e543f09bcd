/* net/loop.h: rounds, timers, mailboxes. */
#include <event2/event.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "test_net.h"

static struct loop *loop;

static void loop_up(void)
{
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
}

static void loop_down(void)
{
	loop_free(loop);
}

/* Work that takes its time; not a wait for something. */
static void burn(uint64_t ms)
{
	uint64_t end = clock_now_ms() + ms;

	while (clock_now_ms() < end)
		;
}

/* ---- start and stop */

START_TEST(a_stop_before_the_run_ends_it)
{
	loop_stop(loop);
	loop_run(loop);
}
END_TEST

static void *stop_from_thread(void *arg)
{
	loop_stop(arg);
	return NULL;
}

START_TEST(another_thread_stops_the_loop_each_time)
{
	pthread_t t;

	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(pthread_create(&t, NULL, stop_from_thread, loop), 0);
		loop_run(loop);
		pthread_join(t, NULL);
	}
}
END_TEST

static void *is_on_thread(void *arg)
{
	return loop_on_thread(arg) ? arg : NULL;
}

START_TEST(only_the_running_thread_is_on_the_loop)
{
	pthread_t t;
	void *answer;

	ck_assert(loop_on_thread(loop));
	ck_assert_int_eq(pthread_create(&t, NULL, is_on_thread, loop), 0);
	pthread_join(t, &answer);
	ck_assert_ptr_null(answer);
}
END_TEST

START_TEST(all_descriptors_close_on_exec)
{
	for (int fd = 3; fd < 64; fd++) {
		int flags = fcntl(fd, F_GETFD);

		/* Check's own pipe may be there; it came before the loop. */
		if (flags >= 0 && fcntl(fd, F_GETPIPE_SZ) < 0 &&
			lseek(fd, 0, SEEK_CUR) < 0)
			ck_assert_msg(flags & FD_CLOEXEC, "fd %d", fd);
	}
}
END_TEST

/* ---- timers */

struct trial {
	struct timer t;
	int id;
	struct timer *cancels;
	uint64_t sets_again_ms;
	uint64_t due_ms; /* as it was set */
};

static int order[16];
static uint64_t dues[16]; /* beside order */
static int fired;

static void on_trial(void *arg)
{
	struct trial *x = arg;

	ck_assert(!timer_pending(&x->t));
	ck_assert_uint_eq(x->t.due_ms, 0);
	ck_assert_uint_ge(clock_now_ms(), x->due_ms);
	dues[fired] = x->due_ms;
	order[fired++] = x->id;
	if (x->cancels != NULL)
		timer_cancel(x->cancels);
	if (x->sets_again_ms != 0) {
		timer_set(&x->t, x->sets_again_ms);
		x->due_ms = x->t.due_ms;
		x->sets_again_ms = 0;
	}
}

static void trial_init(struct trial *x, int id, uint64_t after_ms)
{
	*x = (struct trial){.id = id};
	ck_assert_int_eq(timer_init(&x->t, loop, on_trial, x), 0);
	timer_set(&x->t, after_ms);
	x->due_ms = x->t.due_ms;
	ck_assert(timer_pending(&x->t));
}

/* Not the order of the periods: the machine may pause us between two settings, and then
 * the shorter period is due later. */
static void check_fired_in_order(int n)
{
	ck_assert_int_eq(fired, n);
	for (int i = 1; i < n; i++)
		ck_assert_uint_le(dues[i - 1], dues[i]);
}

START_TEST(timers_fire_in_the_order_of_their_due_times)
{
	static const uint64_t after[] = {30, 5, 20, 1, 10};
	struct trial x[LENGTH(after)];

	for (size_t i = 0; i < LENGTH(after); i++)
		trial_init(&x[i], (int)i, after[i]);
	run_until(loop, &fired, LENGTH(after));
	check_fired_in_order(LENGTH(after));
	for (size_t i = 0; i < LENGTH(after); i++)
		timer_fini(&x[i].t);
}
END_TEST

START_TEST(timers_that_are_all_late_still_fire_in_order)
{
	struct trial x[8];

	for (int i = 0; i < 8; i++)
		trial_init(&x[i], i, (uint64_t)(8 - i));
	burn(12);
	run_until(loop, &fired, 8);
	check_fired_in_order(8);
	for (int i = 0; i < 8; i++)
		timer_fini(&x[i].t);
}
END_TEST

START_TEST(a_timer_cancelled_by_one_that_fires_with_it_does_not_fire)
{
	struct trial first;
	struct trial second;
	struct trial last;

	trial_init(&first, 1, 2);
	trial_init(&second, 2, 3);
	trial_init(&last, 3, 20);
	first.cancels = &second.t;
	burn(5);
	run_until(loop, &fired, 2);
	ck_assert_int_eq(order[0], 1);
	ck_assert_int_eq(order[1], 3);
	timer_fini(&first.t);
	timer_fini(&second.t);
	timer_fini(&last.t);
}
END_TEST

START_TEST(a_timer_may_set_itself_again)
{
	struct trial x;

	trial_init(&x, 1, 1);
	x.sets_again_ms = 2;
	run_until(loop, &fired, 2);
	ck_assert_int_eq(fired, 2);
	timer_fini(&x.t);
}
END_TEST

START_TEST(setting_a_timer_replaces_the_earlier_setting)
{
	struct trial later;
	struct trial sooner;

	trial_init(&later, 1, 1);
	trial_init(&sooner, 2, 60000);
	timer_set(&later.t, 15);
	timer_set(&sooner.t, 5);
	sooner.due_ms = sooner.t.due_ms;
	later.due_ms = later.t.due_ms;
	run_until(loop, &fired, 2);
	check_fired_in_order(2);
	timer_fini(&later.t);
	timer_fini(&sooner.t);
}
END_TEST

static struct timer forever;
static int forever_fired;

static void on_forever(void *arg)
{
	(void)arg;
	forever_fired++;
	timer_set(&forever, 0);
}

START_TEST(a_timer_that_sets_itself_to_0_lets_others_run)
{
	ck_assert_int_eq(timer_init(&forever, loop, on_forever, NULL), 0);
	timer_set(&forever, 0);
	run_for(loop, 10);
	ck_assert_int_ge(forever_fired, 1);
	ck_assert_int_le(forever_fired, 12);
	timer_fini(&forever);
}
END_TEST

static void on_fini_itself(void *arg)
{
	struct timer *t = arg;

	timer_fini(t);
	free(t);
	fired++;
}

START_TEST(a_timer_may_end_its_own_life_when_it_fires)
{
	struct timer *t = malloc(sizeof(*t));

	ck_assert_int_eq(timer_init(t, loop, on_fini_itself, t), 0);
	timer_set(t, 1);
	run_until(loop, &fired, 1);
}
END_TEST

START_TEST(ending_a_timer_twice_or_a_zeroed_one_is_fine)
{
	struct timer zero = {0};
	struct trial x;

	timer_fini(&zero);
	trial_init(&x, 1, 1);
	timer_fini(&x.t);
	timer_fini(&x.t);
	ck_assert(!timer_pending(&x.t));
}
END_TEST

START_TEST(a_timer_may_be_set_beyond_all_time)
{
	struct trial x;

	trial_init(&x, 1, UINT64_MAX);
	run_for(loop, 2);
	ck_assert_int_eq(fired, 0);
	ck_assert(timer_pending(&x.t));
	timer_fini(&x.t);
}
END_TEST

START_TEST(twenty_thousand_timers_all_fire)
{
	enum { MANY = 20000 };
	struct timer *t = calloc(MANY, sizeof(*t));
	int count = 0;

	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(timer_init(&t[i], loop, count_up, &count), 0);
		timer_set(&t[i], (uint64_t)(i * 7919 % 50));
	}
	run_until(loop, &count, MANY);
	run_for(loop, 2);
	ck_assert_int_eq(count, MANY);
	for (int i = 0; i < MANY; i++)
		timer_fini(&t[i]);
	free(t);
}
END_TEST

START_TEST(lag_is_how_late_timers_were)
{
	struct trial x;

	ck_assert_uint_eq(loop_lag_ms(loop), 0);
	trial_init(&x, 1, 1);
	burn(41);
	run_until(loop, &fired, 1);
	ck_assert_uint_ge(loop_lag_ms(loop), 40);
	timer_fini(&x.t);
}
END_TEST

static uint64_t now_first;
static uint64_t now_second;

static void on_look_at_time(void *arg)
{
	(void)arg;
	now_first = loop_now_ms(loop);
	burn(5);
	now_second = loop_now_ms(loop);
}

START_TEST(time_stands_still_within_a_round_only)
{
	struct timer t;
	uint64_t before = loop_now_ms(loop);

	burn(3);
	ck_assert_uint_ge(loop_now_ms(loop), before + 3);
	ck_assert_int_eq(timer_init(&t, loop, on_look_at_time, NULL), 0);
	timer_set(&t, 0);
	run_for(loop, 1);
	ck_assert_uint_eq(now_first, now_second);
	ck_assert_uint_gt(loop_now_ms(loop), now_second);
	timer_fini(&t);
}
END_TEST

/* ---- end of a round */

static int ticks;
static int idles;
static struct timer ticker;

static void on_ticker(void *arg)
{
	(void)arg;
	ck_assert_int_eq(idles, ticks + 1); /* the first one is for loop_on_idle itself */
	ticks++;
	timer_set(&ticker, 1);
}

static void on_idle_count(void *arg)
{
	(void)arg;
	idles++;
	if (ticks == 5)
		loop_stop(loop);
}

START_TEST(idle_is_called_once_at_the_end_of_each_round)
{
	ck_assert_int_eq(timer_init(&ticker, loop, on_ticker, NULL), 0);
	timer_set(&ticker, 1);
	loop_on_idle(loop, on_idle_count, NULL);
	loop_run(loop);
	ck_assert_int_eq(ticks, 5);
	ck_assert_int_eq(idles, 6);
	timer_fini(&ticker);
}
END_TEST

/* ---- somebody else's base */

static struct event_base *base;

static void on_idle_leave(void *arg)
{
	(void)arg;
	if (fired == 1)
		event_base_loopbreak(base);
}

static void mail_count(struct mail *m)
{
	(void)m;
	fired++;
}

START_TEST(a_loop_lives_on_a_borrowed_base)
{
	struct mail m = {.deliver = mail_count};
	struct mailbox *box;
	struct loop *l;

	base = event_base_new();
	if (_i > 0)
		event_base_priority_init(base, _i);
	l = loop_new_on(base);
	ck_assert_ptr_nonnull(l);
	box = mailbox_new(l);
	mailbox_post(box, &m);
	loop_on_idle(l, on_idle_leave, NULL);
	ck_assert_int_eq(event_base_dispatch(base), 0);
	ck_assert_int_eq(fired, 1);
	mailbox_free(box);
	loop_free(l);
	event_base_free(base);
}
END_TEST

static int idles_of[2];

static void on_idle_of(void *arg)
{
	int *mine = arg;

	++*mine;
	if (idles_of[0] > 0 && idles_of[1] > 0)
		event_base_loopbreak(base);
}

START_TEST(two_loops_on_one_base_both_reach_the_end_of_a_round)
{
	struct loop *l[2];

	base = event_base_new();
	for (int i = 0; i < 2; i++) {
		l[i] = loop_new_on(base);
		loop_on_idle(l[i], on_idle_of, &idles_of[i]);
	}
	event_base_dispatch(base);
	ck_assert_int_eq(idles_of[0], 1);
	ck_assert_int_eq(idles_of[1], 1);
	loop_free(l[0]);
	loop_free(l[1]);
	event_base_free(base);
}
END_TEST

START_TEST(a_borrowed_base_serves_its_owner_after_the_loop_is_gone)
{
	struct timeval soon = {0, 1000};

	base = event_base_new();
	loop_free(loop_new_on(base));
	ck_assert_int_eq(event_base_loop(base, EVLOOP_NONBLOCK), 1); /* nothing is left on
									it */
	event_base_loopexit(base, &soon);
	ck_assert_int_eq(event_base_dispatch(base), 0);
	event_base_free(base);
}
END_TEST

/* ---- mailboxes */

enum { POSTERS = 4, PER_POSTER = 100000 };

struct numbered {
	struct mail mail;
	int poster;
	int number;
};

static struct mailbox *box;
static int next_number[POSTERS];
static int delivered;
static bool in_order = true; /* not asserted each time: that costs a message to Check */

static void deliver_numbered(struct mail *m)
{
	struct numbered *n = container_of(m, struct numbered, mail);

	in_order &= n->number == next_number[n->poster]++;
	delivered++;
	free(n);
}

static struct numbered *numbered_new(int poster, int number)
{
	struct numbered *n = malloc(sizeof(*n));

	*n = (struct numbered){{.deliver = deliver_numbered}, poster, number};
	return n;
}

static void *post_singly(void *arg)
{
	for (int i = 0; i < PER_POSTER; i++)
		mailbox_post(box, &numbered_new((int)(intptr_t)arg, i)->mail);
	return NULL;
}

static void *post_in_tens(void *arg)
{
	struct list ten;

	list_init(&ten);
	for (int i = 0; i < PER_POSTER; i++) {
		list_push(&ten, &numbered_new((int)(intptr_t)arg, i)->mail.node);
		if (i % 10 != 9)
			continue;
		mailbox_post_many(box, &ten);
		ck_assert(list_empty(&ten));
	}
	return NULL;
}

START_TEST(mail_of_four_threads_arrives_in_order)
{
	pthread_t t[POSTERS];

	box = mailbox_new(loop);
	for (int i = 0; i < POSTERS; i++)
		ck_assert_int_eq(
			pthread_create(&t[i], NULL, i % 2 ? post_in_tens : post_singly,
				(void *)(intptr_t)i),
			0);
	run_until(loop, &delivered, POSTERS * PER_POSTER);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(t[i], NULL);
	ck_assert(in_order);
	mailbox_free(box);
}
END_TEST

/* Two loops that answer each other: any lost wake-up would stop it for ever. */
struct ball {
	struct mail mail;
	struct mailbox *back;
	int flights;
};

static struct loop *other;
static struct mailbox *other_box;

static void deliver_ball(struct mail *m)
{
	struct ball *b = container_of(m, struct ball, mail);
	struct mailbox *to = b->back;

	b->back = to == box ? other_box : box;
	if (b->flights-- > 0) {
		mailbox_post(to, m);
		return;
	}
	loop_stop(loop);
	loop_stop(other);
}

static void *run_other(void *arg)
{
	loop_run(arg);
	return NULL;
}

START_TEST(no_wake_up_is_lost_between_two_loops)
{
	struct ball ball = {.mail.deliver = deliver_ball, .flights = 20000};
	pthread_t t;

	other = loop_new();
	box = mailbox_new(loop);
	other_box = mailbox_new(other);
	ball.back = box;
	ck_assert_int_eq(pthread_create(&t, NULL, run_other, other), 0);
	mailbox_post(other_box, &ball.mail);
	loop_run(loop);
	pthread_join(t, NULL);
	mailbox_free(box);
	mailbox_free(other_box);
	loop_free(other);
}
END_TEST

START_TEST(a_freed_mailbox_delivers_first)
{
	box = mailbox_new(loop);
	for (int i = 0; i < 3; i++)
		mailbox_post(box, &numbered_new(0, i)->mail);
	mailbox_free(box);
	ck_assert_int_eq(delivered, 3);
	ck_assert(in_order);
	mailbox_free(NULL);
}
END_TEST

START_TEST(draining_by_hand_delivers_without_the_loop)
{
	struct list none;

	box = mailbox_new(loop);
	list_init(&none);
	mailbox_post_many(box, &none);
	mailbox_post(box, &numbered_new(0, 0)->mail);
	mailbox_drain(box);
	ck_assert_int_eq(delivered, 1);
	mailbox_drain(box);
	ck_assert_int_eq(delivered, 1);
	mailbox_free(box);
}
END_TEST

static void deliver_and_drain(struct mail *m)
{
	(void)m;
	mailbox_post(box, &numbered_new(0, 2)->mail);
	mailbox_drain(box);
	ck_assert_int_eq(delivered, 3);
}

START_TEST(draining_within_a_delivery_keeps_the_order)
{
	struct mail nested = {.deliver = deliver_and_drain};

	box = mailbox_new(loop);
	mailbox_post(box, &nested);
	mailbox_post(box, &numbered_new(0, 0)->mail);
	mailbox_post(box, &numbered_new(0, 1)->mail);
	mailbox_drain(box);
	ck_assert_int_eq(delivered, 3);
	ck_assert(in_order);
	mailbox_free(box);
}
END_TEST

static void deliver_and_free(struct mail *m)
{
	(void)m;
	mailbox_post(box, &numbered_new(0, 1)->mail);
	mailbox_free(box);
	mailbox_free(other_box);
	loop_stop(loop);
}

START_TEST(a_delivery_may_free_its_mailbox_and_others)
{
	struct mail last = {.deliver = deliver_and_free};

	box = mailbox_new(loop);
	other_box = mailbox_new(loop);
	mailbox_post(box, &last);
	mailbox_post(box, &numbered_new(0, 0)->mail);
	mailbox_post(other_box, &numbered_new(1, 0)->mail);
	loop_run(loop);
	ck_assert_int_eq(delivered, 3);
	ck_assert(in_order);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("net_loop");
	TCase *tc = unit_case(s, "loop");

	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, a_stop_before_the_run_ends_it);
	tcase_add_test(tc, another_thread_stops_the_loop_each_time);
	tcase_add_test(tc, only_the_running_thread_is_on_the_loop);
	tcase_add_test(tc, all_descriptors_close_on_exec);
	tcase_add_test(tc, idle_is_called_once_at_the_end_of_each_round);
	tcase_add_test(tc, time_stands_still_within_a_round_only);
	tcase_add_loop_test(tc, a_loop_lives_on_a_borrowed_base, 0, 4);
	tcase_add_test(tc, two_loops_on_one_base_both_reach_the_end_of_a_round);
	tcase_add_test(tc, a_borrowed_base_serves_its_owner_after_the_loop_is_gone);

	tc = unit_case(s, "timer");
	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, timers_fire_in_the_order_of_their_due_times);
	tcase_add_test(tc, timers_that_are_all_late_still_fire_in_order);
	tcase_add_test(tc, a_timer_cancelled_by_one_that_fires_with_it_does_not_fire);
	tcase_add_test(tc, a_timer_may_set_itself_again);
	tcase_add_test(tc, setting_a_timer_replaces_the_earlier_setting);
	tcase_add_test(tc, a_timer_that_sets_itself_to_0_lets_others_run);
	tcase_add_test(tc, a_timer_may_end_its_own_life_when_it_fires);
	tcase_add_test(tc, ending_a_timer_twice_or_a_zeroed_one_is_fine);
	tcase_add_test(tc, a_timer_may_be_set_beyond_all_time);
	tcase_add_test(tc, twenty_thousand_timers_all_fire);
	tcase_add_test(tc, lag_is_how_late_timers_were);

	tc = unit_case(s, "mailbox");
	tcase_add_checked_fixture(tc, loop_up, loop_down);
	tcase_add_test(tc, mail_of_four_threads_arrives_in_order);
	tcase_add_test(tc, no_wake_up_is_lost_between_two_loops);
	tcase_add_test(tc, a_freed_mailbox_delivers_first);
	tcase_add_test(tc, draining_by_hand_delivers_without_the_loop);
	tcase_add_test(tc, draining_within_a_delivery_keeps_the_order);
	tcase_add_test(tc, a_delivery_may_free_its_mailbox_and_others);
	return unit_run(s);
}
