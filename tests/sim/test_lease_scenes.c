/*
 * What random trouble meets too rarely about leases, played for certain: time passes by
 * itself, who is cut off and who asks whom is said here. sim_check_lease.c judges.
 */
#include <string.h>

#include "../unit/unit.h"
#include "sim.h"

#define TTL_MS 1000u
#define ALL_MS (TTL_MS + LEASE_TRUST_MS + LEASE_SLACK_MS)

/* ---- directing --------------------------------------------------------- */

static struct sim *sim;
static struct member *leader;

/* Three voters, one of which leads; client 0 has a lease and renews it when told to. */
static void begin(unsigned election_ms)
{
	uint64_t nodes[3];

	sim = sim_by_hand(0);
	sim->voters = 3;
	sim->p.leases = true;
	sim->p.election_ms = election_ms;
	for (size_t i = 0; i < 3; i++)
		nodes[i] = sim_add(sim)->node;
	for (size_t i = 0; i < 3; i++)
		sim_bootstrap(&sim->members[i], nodes, 3);
	for (size_t i = 0; i < 3; i++)
		sim_start(&sim->members[i]);
	sim->by_hand = false;
	sim->calm = true;
	for (size_t i = 0; i < 3; i++)
		sim_tick(&sim->members[i]);
	while ((leader = sim_leader(sim)) == NULL)
		sim_run_for(sim, 10);
	sim_client_grant(leader, 0, TTL_MS);
	sim_run_for(sim, LEASE_TRUST_MS + 100);
	ck_assert_uint_ne(sim->clients[0].lease, 0);
}

static const struct sim_lease *lease(void)
{
	return &sim->leases[0];
}

/* Whether m, asked now, confirms it at once. */
static bool renewed_by(struct member *m)
{
	uint64_t before = sim->clients[0].renewed;

	sim_client_renew(m, 0);
	return sim->clients[0].renewed > before;
}

static void isolate(const struct member *m, bool cut)
{
	for (size_t i = 0; i < SIM_SLOTS; i++)
		sim->cut[m->slot][i] = sim->cut[i][m->slot] = cut;
}

/* The others see that the connection to the leader is broken; one of them leads. */
static struct member *elect_another(void)
{
	sim_run_for(sim, 2 * SIM_HEARTBEAT_MS);
	for (size_t i = 0; i < 3; i++)
		sim_suspect(&sim->members[i], leader->node);
	for (int i = 0; i < 100 && sim_leader(sim) == leader; i++)
		sim_run_for(sim, 10);
	ck_assert_ptr_ne(sim_leader(sim), leader);
	return sim_leader(sim);
}

/* Left alone it ends, and not before it may; that is judged in passing. */
static void end(void)
{
	sim_client_leave(sim, 0);
	sim_run_for(sim, 2 * ALL_MS);
	ck_assert(lease()->ended);
	sim_free(sim);
}

/* ---- scenes ------------------------------------------------------------ */

START_TEST(a_lease_is_renewed_through_any_member_and_then_ends)
{
	uint64_t until;

	begin(SIM_ELECTION_MS);
	until = sim->now_ms + 5 * TTL_MS;
	for (size_t i = 0; sim->now_ms < until; i++) {
		sim_client_renew(&sim->members[i % 3], 0);
		sim_run_for(sim, TTL_MS / 3);
	}
	ck_assert_uint_ge(sim->clients[0].renewed, 14);
	ck_assert(!lease()->ended);
	end();
}
END_TEST

/* It goes on for a whole election timeout, and its clients go on asking it; the next one
 * is elected long before. */
START_TEST(an_isolated_leader_confirms_nothing_that_the_next_one_does_not_honour)
{
	begin(2000);
	isolate(leader, true);
	ck_assert(renewed_by(leader));
	elect_another();
	while (renewed_by(leader))
		sim_run_for(sim, 10);
	ck_assert(leases_leading(leader->leases));
	end();
}
END_TEST

START_TEST(a_leader_that_stood_still_confirms_nothing_before_it_has_asked)
{
	begin(SIM_ELECTION_MS);
	leader->busy_ms = sim->now_ms + TTL_MS + LEASE_TRUST_MS;
	elect_another();
	sim_run_for(sim, leader->busy_ms - sim->now_ms - 1);
	sim->now_ms++;
	ck_assert(leases_leading(leader->leases));
	ck_assert(!renewed_by(leader));
	end();
}
END_TEST

/* Nobody else leads meanwhile, and when it can commit again its leases are there. */
START_TEST(the_clock_stands_while_a_leader_hears_no_majority)
{
	begin(4 * ALL_MS);
	ck_assert(renewed_by(leader));
	isolate(leader, true);
	sim_run_for(sim, 3 * ALL_MS);
	ck_assert_ptr_eq(sim_leader(sim), leader);
	ck_assert(!renewed_by(leader));
	isolate(leader, false);
	sim_run_for(sim, TTL_MS / 4);
	ck_assert(renewed_by(leader));
	end();
}
END_TEST

START_TEST(the_clock_stands_while_there_is_no_room_to_end_a_lease)
{
	begin(SIM_ELECTION_MS);
	leader->space_ms = UINT64_MAX;
	sim_run_for(sim, 3 * ALL_MS);
	leader->space_ms = 0;
	ck_assert(!lease()->ended);
	ck_assert(renewed_by(leader));
	end();
}
END_TEST

START_TEST(every_leader_gives_a_whole_ttl)
{
	begin(SIM_ELECTION_MS);
	for (int i = 0; i < 5; i++) {
		sim_run_for(sim, TTL_MS - 2 * SIM_ELECTION_MS);
		sim_transfer(leader, 0);
		sim_run_for(sim, SIM_ELECTION_MS);
		ck_assert_ptr_ne(sim_leader(sim), leader);
		leader = sim_leader(sim);
	}
	ck_assert(!lease()->ended);
	end();
}
END_TEST

/* It is handled before the tick that was due long before it. */
START_TEST(a_renewal_before_a_late_tick_counts_from_when_it_came)
{
	begin(4000);
	leader->busy_ms = sim->now_ms + LEASE_TRUST_MS - EXPIRY_TICK_MS;
	sim_run_for(sim, leader->busy_ms - sim->now_ms - 1);
	sim->now_ms++;
	ck_assert(renewed_by(leader));
	end();
}
END_TEST

/* And while it cannot be proposed time stands, for the other leases, but for the tries.
 */
START_TEST(an_end_that_was_refused_is_proposed_again)
{
	uint64_t clock_ms;

	begin(SIM_ELECTION_MS);
	sim_client_leave(sim, 0);
	leader->disk.capacity = 1;
	for (int i = 0; i < 500 && sim->counts.full == 0; i++) {
		sim_propose(leader);
		sim_run_for(sim, 2);
	}
	ck_assert_uint_gt(sim->counts.full, 0);
	sim_run_for(sim, ALL_MS);
	clock_ms = leases_clock_ms(leader->leases);
	sim_run_for(sim, 4 * ALL_MS);
	ck_assert_uint_gt(sim->counts.full, 1);
	ck_assert_uint_lt(leases_clock_ms(leader->leases), clock_ms + 3 * ALL_MS);
	ck_assert(!lease()->ended);
	leader->disk.capacity = 0;
	sim_run_for(sim, ALL_MS);
	ck_assert(lease()->ended);
	sim_free(sim);
}
END_TEST

START_TEST(a_lease_whose_end_is_proposed_is_not_renewed_any_more)
{
	begin(4000);
	sim_run_for(sim, TTL_MS - LEASE_SLACK_MS);
	isolate(leader, true);
	for (int i = 0; i < 50 && leader->expiry.in_flight == 0; i++)
		sim_run_for(sim, LEASE_TRUST_MS / 50);
	ck_assert_uint_eq(leader->expiry.in_flight, 1);
	isolate(leader, false);
	ck_assert(!renewed_by(leader));
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lease_scenes");
	TCase *tc = unit_case(s, "leases");

	tcase_add_test(tc, a_lease_is_renewed_through_any_member_and_then_ends);
	tcase_add_test(tc,
		an_isolated_leader_confirms_nothing_that_the_next_one_does_not_honour);
	tcase_add_test(
		tc, a_leader_that_stood_still_confirms_nothing_before_it_has_asked);
	tcase_add_test(tc, the_clock_stands_while_a_leader_hears_no_majority);
	tcase_add_test(tc, the_clock_stands_while_there_is_no_room_to_end_a_lease);
	tcase_add_test(tc, every_leader_gives_a_whole_ttl);
	tcase_add_test(tc, a_renewal_before_a_late_tick_counts_from_when_it_came);
	tcase_add_test(tc, an_end_that_was_refused_is_proposed_again);
	tcase_add_test(tc, a_lease_whose_end_is_proposed_is_not_renewed_any_more);
	return unit_run(s);
}
