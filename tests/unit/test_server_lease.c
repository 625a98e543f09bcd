/* The lease table: ageing by its own clock, holders, closing, pacing. Time is an
 * argument. */
#include <stdlib.h>

#include "server/lease.h"
#include "unit.h"

#define TTL 10000
#define STEP 100
#define GRACE (TTL / 2) /* of a new leader, before it ends what was closed */

static struct leases *l;
static uint64_t now_ms;
static struct lease_holder holder;

static void setup(void)
{
	l = leases_new(1000);
	now_ms = 1000;
	lease_holder_init(&holder);
	leases_lead(l);
	leases_advance(l, now_ms, true);
	for (int i = 0; i < LEASE_TRUST_MS / STEP; i++)
		leases_advance(l, now_ms += STEP, true);
}

static void teardown(void)
{
	leases_check(l);
	leases_release(l, &holder, false);
	leases_free(l);
}

static void pass(uint64_t ms, bool serving)
{
	for (uint64_t t = 0; t < ms; t += STEP) {
		now_ms += STEP;
		leases_advance(l, now_ms, serving);
	}
}

static int add(uint64_t id, bool drop, struct lease_holder *h)
{
	struct lease lease = {.id = id, .ttl_ms = TTL, .drop_on_close = drop};

	return leases_add(l, &lease, h);
}

static size_t take(uint64_t *ids, enum cause_kind *cause)
{
	size_t n = leases_take(l, ids, LIMIT_BATCH, cause);

	leases_check(l);
	return n;
}

static size_t take_some(void)
{
	uint64_t ids[LIMIT_BATCH];
	enum cause_kind cause;

	return take(ids, &cause);
}

static int renew(uint64_t id, struct lease_holder *h)
{
	uint64_t ttl_ms = 0;

	return leases_renew(l, &id, 1, h, &id, &ttl_ms);
}

START_TEST(a_lease_lives_for_its_ttl_and_no_longer)
{
	uint64_t ids[LIMIT_BATCH];
	enum cause_kind cause;

	add(7, false, &holder);
	pass(TTL, true);
	ck_assert_uint_eq(take(ids, &cause), 0);
	pass(LEASE_SLACK_MS, true);
	ck_assert_uint_eq(take(ids, &cause), 1);
	ck_assert_uint_eq(ids[0], 7);
	ck_assert_int_eq(cause, CAUSE_LEASE_EXPIRED);
	ck_assert_uint_eq(take(ids, &cause), 0);
	leases_ended(l, ids, 1);
	ck_assert_uint_eq(leases_count(l), 0);
}
END_TEST

START_TEST(a_renewal_begins_the_ttl_anew)
{
	add(7, false, &holder);
	for (int i = 0; i < 10; i++) {
		pass(TTL - STEP, true);
		ck_assert_int_eq(renew(7, &holder), 0);
		ck_assert_uint_eq(take_some(), 0);
	}
	pass(TTL + LEASE_SLACK_MS, true);
	ck_assert_uint_eq(take_some(), 1);
}
END_TEST

START_TEST(the_clock_stands_while_the_leader_cannot_serve)
{
	add(7, false, &holder);
	pass(TTL - STEP, true);
	pass(10 * TTL, false);
	ck_assert_uint_eq(take_some(), 0);
	pass(STEP, true);
	ck_assert_uint_eq(take_some(), 0);
	pass(LEASE_SLACK_MS, true);
	ck_assert_uint_eq(take_some(), 1);
}
END_TEST

START_TEST(time_in_which_we_did_not_run_counts_for_little)
{
	add(7, false, &holder);
	now_ms += 100 * TTL;
	leases_advance(l, now_ms, true);
	ck_assert_uint_eq(take_some(), 0);
	pass(TTL - LEASE_STEP_MAX_MS, true);
	ck_assert_uint_eq(take_some(), 0);
	pass(LEASE_SLACK_MS, true);
	ck_assert_uint_eq(take_some(), 1);
}
END_TEST

START_TEST(renewals_are_doubted_when_no_majority_has_confirmed_us_for_a_while)
{
	uint64_t asked_ms = now_ms;

	ck_assert(leases_doubted(l, now_ms));
	leases_confirm(l, asked_ms);
	ck_assert(!leases_doubted(l, now_ms));
	/* it counts from when it was asked */
	ck_assert(!leases_doubted(l, asked_ms + LEASE_TRUST_MS));
	ck_assert(leases_doubted(l, asked_ms + LEASE_TRUST_MS + 1));
	leases_confirm(l, asked_ms + 1);
	ck_assert(!leases_doubted(l, asked_ms + LEASE_TRUST_MS + 1));
	/* what was said of an earlier term says nothing of this one */
	leases_follow(l);
	ck_assert(!leases_doubted(l, now_ms));
	leases_confirm(l, now_ms);
	leases_lead(l);
	ck_assert(leases_doubted(l, now_ms));
}
END_TEST

/* At worst the step that follows a renewal began long before it. */
START_TEST(a_renewal_between_two_steps_has_a_whole_ttl)
{
	uint64_t renewed_ms;

	add(7, false, &holder);
	now_ms += 2 * LEASE_STEP_MAX_MS;
	renewed_ms = now_ms;
	ck_assert_int_eq(renew(7, &holder), 0);
	leases_advance(l, now_ms, true);
	while (take_some() == 0)
		pass(STEP, true);
	ck_assert_uint_ge(now_ms, renewed_ms + TTL);
}
END_TEST

START_TEST(a_closed_connection_takes_what_wants_to_be_dropped)
{
	uint64_t ids[LIMIT_BATCH];
	enum cause_kind cause;

	add(1, true, &holder);
	add(2, false, &holder);
	add(3, true, &holder);
	ck_assert_uint_eq(leases_release(l, &holder, true), 2);
	ck_assert_uint_eq(take(ids, &cause), 2);
	ck_assert_int_eq(cause, CAUSE_LEASE_CLOSED);
	ck_assert_uint_eq(ids[0] + ids[1], 4);
	ck_assert_int_eq(renew(2, &holder), 0);
	ck_assert_int_eq(renew(1, &holder), 1);
}
END_TEST

START_TEST(a_shut_down_server_drops_nothing)
{
	add(1, true, &holder);
	ck_assert_uint_eq(leases_release(l, &holder, false), 0);
	ck_assert_uint_eq(take_some(), 0);
	ck_assert_int_eq(renew(1, &holder), 0);
}
END_TEST

START_TEST(a_renewal_from_another_connection_saves_a_closed_lease)
{
	struct lease_holder other;

	lease_holder_init(&other);
	add(1, true, &holder);
	leases_release(l, &holder, true);
	ck_assert_int_eq(renew(1, &other), 0);
	ck_assert_uint_eq(take_some(), 0);
	ck_assert_uint_eq(leases_release(l, &other, true), 1);
	ck_assert_uint_eq(take_some(), 1);
}
END_TEST

START_TEST(the_last_one_who_renewed_is_the_holder)
{
	struct lease_holder other;

	lease_holder_init(&other);
	add(1, true, &holder);
	renew(1, &other);
	ck_assert_uint_eq(leases_release(l, &holder, true), 0);
	ck_assert_uint_eq(leases_release(l, &other, true), 1);
}
END_TEST

START_TEST(a_refused_end_is_tried_again)
{
	uint64_t ids[LIMIT_BATCH];
	enum cause_kind cause;

	add(1, true, &holder);
	leases_release(l, &holder, true);
	add(2, false, NULL);
	ck_assert_uint_eq(take(ids, &cause), 1);
	leases_refused(l, ids, 1);
	ck_assert_uint_eq(take(ids, &cause), 1);
	ck_assert_int_eq(cause, CAUSE_LEASE_CLOSED);
	pass(TTL + LEASE_SLACK_MS, true);
	ck_assert_uint_eq(take(ids, &cause), 1);
	ck_assert_uint_eq(ids[0], 2);
	leases_refused(l, ids, 1);
	ck_assert_uint_eq(take(ids, &cause), 1);
	ck_assert_int_eq(cause, CAUSE_LEASE_EXPIRED);
}
END_TEST

START_TEST(a_lease_whose_end_was_refused_may_be_renewed)
{
	uint64_t ids[LIMIT_BATCH];
	enum cause_kind cause;

	add(2, false, &holder);
	pass(TTL + LEASE_SLACK_MS, true);
	ck_assert_uint_eq(take(ids, &cause), 1);
	ck_assert_int_eq(renew(2, &holder), 1);
	ck_assert_int_eq(add(2, false, &holder), SVCD_ECONFLICT);
	leases_refused(l, ids, 1);
	ck_assert_int_eq(renew(2, &holder), 0);
	ck_assert_uint_eq(take_some(), 0);
}
END_TEST

START_TEST(many_expiries_are_paced)
{
	size_t total = 0;

	for (uint64_t id = 1; id <= 5000; id++)
		add(id, false, NULL);
	pass(TTL + LEASE_SLACK_MS, true);
	total = take_some();
	ck_assert_uint_le(total, 101); /* a tenth of a second of 1000 a second */
	for (int i = 0; i < 10; i++) {
		pass(STEP, true);
		total += take_some();
	}
	ck_assert_uint_ge(total, 1000);
	ck_assert_uint_le(total, 1101);
}
END_TEST

START_TEST(closed_leases_are_not_paced)
{
	for (uint64_t id = 1; id <= 3000; id++)
		add(id, true, &holder);
	ck_assert_uint_eq(leases_release(l, &holder, true), 3000);
	ck_assert_uint_eq(take_some(), LIMIT_BATCH);
	ck_assert_uint_eq(take_some(), LIMIT_BATCH);
	ck_assert_uint_eq(take_some(), LIMIT_BATCH);
	ck_assert_uint_eq(take_some(), 0);
}
END_TEST

START_TEST(renewed_deadlines_are_moved_without_losing_any)
{
	for (uint64_t id = 1; id <= 20000; id++)
		add(id, false, &holder);
	pass(TTL / 2, true);
	for (uint64_t id = 2; id <= 20000; id += 2)
		renew(id, &holder);
	pass(TTL / 2 + LEASE_SLACK_MS, true);
	for (size_t ended = 0; ended < 10000;) {
		uint64_t ids[LIMIT_BATCH];
		enum cause_kind cause;
		size_t n = take(ids, &cause);

		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(ids[i] % 2, 1);
		leases_ended(l, ids, n);
		ended += n;
		for (uint64_t id = 2; id <= 20000; id += 2)
			renew(id, &holder);
		pass(STEP, true);
	}
	ck_assert_uint_eq(leases_count(l), 10000);
}
END_TEST

START_TEST(a_follower_knows_no_leases)
{
	uint64_t id = 1;
	uint64_t ttl_ms;

	add(1, true, &holder);
	leases_follow(l);
	ck_assert(!leases_leading(l));
	ck_assert_uint_eq(leases_count(l), 0);
	ck_assert_int_eq(leases_renew(l, &id, 1, &holder, &id, &ttl_ms), SVCD_ENOLEADER);
	ck_assert_int_eq(add(1, true, &holder), SVCD_ENOLEADER);
	ck_assert_uint_eq(leases_release(l, &holder, true), 0);
}
END_TEST

START_TEST(a_new_leader_gives_everybody_a_whole_ttl)
{
	add(1, false, &holder);
	pass(TTL - STEP, true);
	leases_follow(l);
	pass(TTL, false);
	leases_lead(l);
	add(1, false, NULL);
	/* the leader before may have confirmed a renewal as long as that */
	pass(LEASE_TRUST_MS + TTL, true);
	ck_assert_uint_eq(take_some(), 0);
	pass(LEASE_SLACK_MS, true);
	ck_assert_uint_eq(take_some(), 1);
}
END_TEST

START_TEST(what_is_known_stays_as_it_is_when_the_store_is_read_again)
{
	add(1, true, &holder);
	pass(TTL / 2, true);
	ck_assert_int_eq(add(1, true, NULL), 0);
	pass(TTL / 2 + LEASE_SLACK_MS, true);
	ck_assert_uint_eq(take_some(), 1);
}
END_TEST

START_TEST(who_holds_it_may_close_it_and_nobody_else)
{
	struct lease_holder other;

	lease_holder_init(&other);
	add(1, true, &holder);
	add(2, false, &holder);
	ck_assert_int_eq(leases_close(l, 1, &other), LEASE_NOT_CLOSED);
	ck_assert_int_eq(leases_close(l, 2, &holder), LEASE_NOT_CLOSED);
	ck_assert_int_eq(leases_close(l, 99, &holder), LEASE_NOT_CLOSED);
	ck_assert_int_eq(leases_close(l, 1, &holder), LEASE_QUEUED);
	ck_assert_int_eq(leases_close(l, 1, &holder), LEASE_NOT_CLOSED);
	ck_assert_uint_eq(take_some(), 1);
}
END_TEST

START_TEST(a_new_leader_gives_those_time_who_come_by_another_member)
{
	struct lease_holder other;

	lease_holder_init(&other);
	leases_lead(l);
	add(1, true, NULL);
	add(2, true, NULL);
	ck_assert_int_eq(leases_close(l, 1, &holder), LEASE_CLOSE_LATER);
	pass(GRACE / 2, true);
	pass(GRACE, false); /* its clock stands */
	ck_assert_int_eq(leases_close(l, 1, &holder), LEASE_CLOSE_LATER);
	renew(1, &other);
	pass(GRACE / 2, true);
	ck_assert_int_eq(leases_close(l, 1, &holder), LEASE_NOT_CLOSED);
	ck_assert_int_eq(leases_close(l, 2, &holder), LEASE_QUEUED);
	leases_release(l, &other, false);
}
END_TEST

/* Who renews only every third of a long TTL has not been heard by a new leader for so
 * long. */
START_TEST(a_new_leader_waits_for_half_a_ttl_before_it_ends_what_was_closed)
{
	struct lease lease = {.id = 1, .ttl_ms = 60000, .drop_on_close = true};

	leases_lead(l);
	ck_assert_int_eq(leases_add(l, &lease, NULL), 0);
	pass(lease_interval_ms(lease.ttl_ms, SIZE_MAX), true);
	ck_assert_int_eq(leases_close(l, 1, &holder), LEASE_CLOSE_LATER);
	pass(lease.ttl_ms / 2 - lease_interval_ms(lease.ttl_ms, SIZE_MAX), true);
	ck_assert_int_eq(leases_close(l, 1, &holder), LEASE_QUEUED);
}
END_TEST

START_TEST(a_table_of_connections_forgets_what_it_is_not_to_end)
{
	struct leases *held = leases_of_connections();
	struct lease lease = {.id = 1, .drop_on_close = true};
	uint64_t ids[LIMIT_BATCH];
	enum cause_kind cause;

	ck_assert_int_eq(leases_add(held, &lease, &holder), 0);
	lease = (struct lease){.id = 2};
	ck_assert_int_eq(leases_add(held, &lease, &holder), 0);
	ck_assert(leases_has(held, 1) && leases_has(held, 2));
	ck_assert_uint_eq(leases_release(held, &holder, true), 1);
	ck_assert(leases_has(held, 1) && !leases_has(held, 2));
	ck_assert_uint_eq(leases_take(held, ids, LIMIT_BATCH, &cause), 1);
	ck_assert(!leases_has(held, 1));
	leases_refused(held, ids, 1);
	ck_assert_uint_eq(leases_take(held, ids, LIMIT_BATCH, &cause), 1);
	leases_ended(held, ids, 1);
	lease.id = 3;
	leases_add(held, &lease, &holder);
	ck_assert_uint_eq(leases_release(held, &holder, false), 0);
	ck_assert_uint_eq(leases_count(held), 0);
	leases_check(held);
	leases_free(held);
}
END_TEST

START_TEST(a_batch_says_which_are_lost)
{
	uint64_t ids[] = {1, 99, 2, 98};
	uint64_t ttl_ms = 0;

	add(1, false, NULL);
	add(2, false, NULL);
	ck_assert_int_eq(leases_renew(l, ids, 4, &holder, ids, &ttl_ms), 2);
	ck_assert_uint_eq(ids[0], 99);
	ck_assert_uint_eq(ids[1], 98);
	ck_assert_uint_eq(ttl_ms, TTL);
}
END_TEST

START_TEST(intervals_leave_room_for_a_lost_renewal)
{
	ck_assert_uint_eq(lease_interval_ms(9000, 10), 3000);
	ck_assert_uint_eq(lease_interval_ms(10000, 500000), 4000);
	for (uint64_t id = 1; id < 1000; id++)
		ck_assert_uint_lt(lease_phase_ms(id, 3000), 3000);
	ck_assert_uint_eq(lease_phase_ms(1, 0), 0);
}
END_TEST

START_TEST(phases_spread_the_clients)
{
	unsigned tenth[10] = {0};

	for (uint64_t id = 1; id <= 10000; id++)
		tenth[lease_phase_ms(id, 3000) / 300]++;
	for (int i = 0; i < 10; i++)
		ck_assert_uint_ge(tenth[i], 850);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("server_lease");
	TCase *tc = unit_case(s, "lease");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_lease_lives_for_its_ttl_and_no_longer);
	tcase_add_test(tc, a_renewal_begins_the_ttl_anew);
	tcase_add_test(tc, the_clock_stands_while_the_leader_cannot_serve);
	tcase_add_test(tc, time_in_which_we_did_not_run_counts_for_little);
	tcase_add_test(
		tc, renewals_are_doubted_when_no_majority_has_confirmed_us_for_a_while);
	tcase_add_test(tc, a_renewal_between_two_steps_has_a_whole_ttl);
	tcase_add_test(tc, a_closed_connection_takes_what_wants_to_be_dropped);
	tcase_add_test(tc, a_shut_down_server_drops_nothing);
	tcase_add_test(tc, a_renewal_from_another_connection_saves_a_closed_lease);
	tcase_add_test(tc, the_last_one_who_renewed_is_the_holder);
	tcase_add_test(tc, a_refused_end_is_tried_again);
	tcase_add_test(tc, a_lease_whose_end_was_refused_may_be_renewed);
	tcase_add_test(tc, many_expiries_are_paced);
	tcase_add_test(tc, closed_leases_are_not_paced);
	tcase_add_test(tc, renewed_deadlines_are_moved_without_losing_any);
	tcase_add_test(tc, a_follower_knows_no_leases);
	tcase_add_test(tc, a_new_leader_gives_everybody_a_whole_ttl);
	tcase_add_test(tc, what_is_known_stays_as_it_is_when_the_store_is_read_again);
	tcase_add_test(tc, who_holds_it_may_close_it_and_nobody_else);
	tcase_add_test(tc, a_new_leader_gives_those_time_who_come_by_another_member);
	tcase_add_test(
		tc, a_new_leader_waits_for_half_a_ttl_before_it_ends_what_was_closed);
	tcase_add_test(tc, a_table_of_connections_forgets_what_it_is_not_to_end);
	tcase_add_test(tc, a_batch_says_which_are_lost);
	tcase_add_test(tc, intervals_leave_room_for_a_lost_renewal);
	tcase_add_test(tc, phases_spread_the_clients);
	return unit_run(s);
}
