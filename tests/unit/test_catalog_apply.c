/* catalog/catalog.h: what commands do. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "catalog/query.h"
#include "unit.h"
#include "world.h"

static struct world w;

static void set_up(void)
{
	world_init(&w,
		&(struct catalog_options){.tombstone_ms = 60000, .session_ms = 30000});
}

static void tear_down(void)
{
	ck_assert_str_eq(world_fault(&w), "");
	world_fini(&w);
}

/* Does it, and holds its code against the expected one. */
static void expect(int code, const char *method, const char *params)
{
	int rv = world_do(&w, method, params);

	ck_assert_msg(
		rv == code, "%s %s: %s (%s)", method, params, err_name(rv), w.e.text);
}

static uint64_t lease(const char *params)
{
	expect(0, "lease_grant", params);
	return w.out.value;
}

/* Registers an instance of "web" under a lease; its incarnation. */
static uint64_t put(const char *id, uint64_t lease_id, const char *more)
{
	char params[512];

	snprintf(params, sizeof(params),
		"{lease:%" PRIu64
		",instances:[{service:web,id:'%s',ports:{http:{port:80}}%s}]}",
		lease_id, id, more);
	expect(0, "register", params);
	return w.out.value;
}

#define CHECKED ",checks:[{type:tcp}]"

static void state(const char *id, const char *expected)
{
	ck_assert_str_eq(world_state(&w, "web", id), expected);
}

static struct instance find(const char *id)
{
	struct instance i;

	ck_assert_msg(world_find(&w, "web", id, &i), "%s is not there", id);
	return i;
}

/* ---- revisions --------------------------------------------------------- */

START_TEST(an_accepted_command_is_one_revision_a_refused_one_none)
{
	put("a", 0, "");
	ck_assert(w.out.rev == 1 && catalog_rev(&w.t.base) == 1);
	put("a", 0, ""); /* the same again: accepted, nothing to see */
	ck_assert(w.out.rev == 2 && catalog_rev(&w.t.base) == 2);
	ck_assert_uint_eq(changes_services(w.changes), 0);
	ck_assert(world_service(&w, "web").rev == 1);
	expect(SVCD_ENOINSTANCE, "deregister", "{service:web,id:b}");
	ck_assert(w.out.rev == 0 && catalog_rev(&w.t.base) == 2);
}
END_TEST

START_TEST(a_command_is_applied_whole_or_not_at_all)
{
	put("b", 0, "");
	expect(SVCD_EEXISTS, "register",
		"{if_absent:true,instances:[{service:web,id:a},{service:web,id:b}]}");
	ck_assert_str_eq(w.out.text, "'b' of service 'web' exists");
	state("a", "gone");
	expect(SVCD_ENOINSTANCE, "deregister",
		"{instances:[{service:web,id:b},{service:web,id:c}]}");
	state("b", "up");
}
END_TEST

/* ---- registering ------------------------------------------------------- */

START_TEST(what_is_the_same_changes_nothing)
{
	uint64_t l = lease("{}"), first = put("a", l, ",tags:[x]");

	ck_assert(put("a", l, ",tags:[x]") == first);
	ck_assert_uint_eq(changes_services(w.changes), 0);
	ck_assert(put("a", l, ",tags:[y]") == first);
	ck_assert_uint_eq(changes_services(w.changes), 1);
	ck_assert(find("a").state.rev == w.out.rev);
	ck_assert_int_eq(find("a").state.cause, CAUSE_UPDATED);
}
END_TEST

START_TEST(another_lease_takes_over)
{
	uint64_t first = put("a", lease("{}"), CHECKED), l = lease("{}");
	struct instance i;

	world_verdict(&w, "web", "a", HEALTH_PASSING, "connected");
	state("a", "up");
	ck_assert(put("a", l, CHECKED) > first);
	i = find("a");
	ck_assert(i.state.lease == l && i.state.incarnation == w.out.rev);
	ck_assert_int_eq(i.state.health, HEALTH_STARTING);
	ck_assert_int_eq(i.state.cause, CAUSE_TAKEN_OVER);
	ck_assert(i.state.since_wall_ms == w.now.wall_ms);
	ck_assert(i.state.registered_wall_ms == w.now.wall_ms);
	/* The old owner learns it. */
	expect(SVCD_ESTALE, "register", "{instances:[{service:web,id:a,incarnation:2}]}");
	expect(SVCD_ESTALE, "update", "{service:web,id:a,weight:1,incarnation:2}");
	expect(SVCD_ESTALE, "deregister", "{service:web,id:a,incarnation:2}");
}
END_TEST

START_TEST(who_takes_over_begins_anew)
{
	expect(0, "service_set", "{service:web,slow_start_ms:1000}");
	put("a", lease("{}"), "");
	world_tick(&w, 1000);
	state("a", "up");
	put("a", lease("{}"), "");
	state("a", "warm");
	world_tick(&w, 500);
	put("a", lease("{}"), "");
	world_tick(&w, 500);
	state("a", "warm"); /* the window of the one before is over, its own is not */
	ck_assert(find("a").state.since_wall_ms == w.now.wall_ms - 500);
	ck_assert(find("a").state.registered_wall_ms == w.now.wall_ms - 500);
}
END_TEST

START_TEST(what_somebody_else_decided_survives_a_restart)
{
	put("a", lease("{}"), "");
	put("b", lease("{}"), "");
	expect(0, "update",
		"{service:web,id:a,admin:maintenance,reason:disk,for_ms:5000}");
	expect(0, "update", "{service:web,id:b,admin:draining,self:true}");
	put("a", lease("{}"), "");
	put("b", lease("{}"), "");
	state("a", "down");
	ck_assert(bytes_eq_str(find("a").state.admin_reason, "disk"));
	state("b", "up"); /* its own drain does not */
	world_tick(&w, 5000);
	state("a", "up");
	ck_assert_int_eq(find("a").state.cause, CAUSE_TIMER);
}
END_TEST

START_TEST(an_owner_cannot_end_what_an_operator_set)
{
	uint64_t l = lease("{}");

	put("a", l, "");
	expect(0, "update", "{service:web,id:a,admin:maintenance,reason:disk}");
	expect(SVCD_ECONFLICT, "update", "{service:web,id:a,admin:enabled,self:true}");
	ck_assert_str_eq(
		w.out.text, "maintenance was set by tester, not by the instance itself");
	put("a", l, ",admin:enabled");
	state("a", "down");
	expect(0, "update", "{service:web,id:a,admin:enabled}");
	state("a", "up");
	/* An operator who repeats what the owner said makes it his own. */
	expect(0, "update", "{service:web,id:a,admin:draining,self:true}");
	expect(0, "update", "{service:web,id:a,admin:draining}");
	expect(SVCD_ECONFLICT, "update", "{service:web,id:a,admin:enabled,self:true}");
}
END_TEST

START_TEST(checks_that_come_start_it_anew)
{
	put("a", 0, "");
	state("a", "up");
	put("a", 0, CHECKED);
	ck_assert_int_eq(find("a").state.health, HEALTH_STARTING);
	state("a", "down");
	world_verdict(&w, "web", "a", HEALTH_PASSING, "connected");
	put("a", 0, ",checks:[{type:tcp,rise:5}]"); /* other checks: health stays */
	ck_assert_int_eq(find("a").state.health, HEALTH_PASSING);
	put("a", 0, "");
	ck_assert_int_eq(find("a").state.health, HEALTH_PASSING);
}
END_TEST

START_TEST(a_lease_must_be_there)
{
	uint64_t l = lease("{}");

	expect(SVCD_ENOLEASE, "register", "{lease:99,instances:[{service:web,id:a}]}");
	put("a", l, "");
	expect(0, "lease_revoke", "{lease:1}");
	expect(SVCD_ENOLEASE, "register", "{lease:1,instances:[{service:web,id:a}]}");
	expect(SVCD_ENOLEASE, "lease_revoke", "{lease:1}");
}
END_TEST

START_TEST(one_id_twice_in_a_command_is_one_instance)
{
	expect(0, "register",
		"{instances:[{service:web,id:a,weight:1},{service:web,id:a,weight:2}]}");
	ck_assert_uint_eq(w.out.incarnations.len, 16);
	ck_assert_uint_eq(find("a").state.weight, 2);
	ck_assert_uint_eq(world_service(&w, "web").count, 1);
	ck_assert_uint_eq(changes_service(w.changes, 0)->n, 1);
}
END_TEST

/* ---- removals (promise 2) ---------------------------------------------- */

static const struct {
	const char *how;
	enum cause_kind cause;
	int again; /* registering with its old incarnation */
} removals[] = {
	{"deregister", CAUSE_DEREGISTERED, SVCD_EGONE},
	{"revoke", CAUSE_LEASE_REVOKED, SVCD_EGONE},
	{"expire", CAUSE_LEASE_EXPIRED, 0},
	{"close", CAUSE_LEASE_CLOSED, 0},
};

START_TEST(what_was_removed_on_purpose_does_not_come_back_by_itself)
{
	uint64_t l = lease("{}"), incarnation = put("a", l, "");
	char again[128];

	if (_i == 0)
		expect(0, "deregister", "{service:web,id:a}");
	else if (_i == 1)
		expect(0, "lease_revoke", "{lease:1}");
	else
		world_lease_end(&w, l, removals[_i].cause);
	state("a", "gone");
	ck_assert_uint_eq(changes_services(w.changes), 1);
	ck_assert(changes_instance(w.changes, 0)->gone);
	ck_assert_int_eq(changes_instance(w.changes, 0)->cause, removals[_i].cause);
	snprintf(again, sizeof(again),
		"{instances:[{service:web,id:a,incarnation:%" PRIu64 "}]}", incarnation);
	expect(removals[_i].again, "register", again);
	if (removals[_i].again != 0)
		ck_assert_ptr_nonnull(strstr(w.out.text, cause_name(removals[_i].cause)));
	/* Whoever does not claim to be the old one may. */
	expect(0, "register", "{instances:[{service:web,id:a}]}");
	ck_assert(w.out.value > incarnation);
	ck_assert_uint_eq(mem_tables_len(&w.t, TABLE_TOMBSTONE), 0);
}
END_TEST

START_TEST(who_removed_it_is_remembered_for_a_while)
{
	put("a", 0, "");
	w.actor = "ops";
	expect(0, "deregister", "{service:web,id:a}");
	expect(SVCD_EGONE, "deregister", "{service:web,id:a}");
	ck_assert_str_eq(w.out.text,
		"'a' of service 'web' was removed at revision 2: deregistered by ops");
	world_tick(&w, 59999);
	expect(SVCD_EGONE, "update", "{service:web,id:a,weight:1}");
	world_tick(&w, 1);
	expect(SVCD_ENOINSTANCE, "update", "{service:web,id:a,weight:1}");
}
END_TEST

START_TEST(a_service_that_nobody_set_up_is_forgotten_with_its_last_tombstone)
{
	put("a", 0, "");
	put("b", 0, "");
	expect(0, "deregister", "{service:web,id:a}");
	world_tick(&w, 30000);
	expect(0, "deregister", "{service:web,id:b}");
	world_tick(&w, 30000);
	ck_assert(world_service(&w, "web").rev != 0);
	ck_assert_uint_eq(mem_tables_len(&w.t, TABLE_TOMBSTONE), 1);
	world_tick(&w, 30000);
	ck_assert(world_service(&w, "web").rev == 0);
	ck_assert_uint_eq(changes_services(w.changes), 1);
	ck_assert(changes_service(w.changes, 0)->deleted);
}
END_TEST

START_TEST(a_service_that_was_set_up_stays)
{
	expect(0, "service_set", "{service:web,owner:core}");
	put("a", 0, "");
	expect(SVCD_ECONFLICT, "service_delete", "{service:web}");
	expect(0, "deregister", "{service:web,id:a}");
	world_tick(&w, 60000);
	ck_assert(world_service(&w, "web").configured);
	expect(0, "service_delete", "{service:web}");
	ck_assert(world_service(&w, "web").rev == 0);
	expect(SVCD_ENOSERVICE, "service_delete", "{service:web}");
}
END_TEST

/* ---- leases ------------------------------------------------------------ */

START_TEST(a_lease_takes_all_with_it)
{
	uint64_t l = lease("{ttl_ms:5000,on_close:keep}"), other = lease("{}");
	char id[16];

	ck_assert(w.out.ttl_ms == 10000 && w.out.drop_on_close);
	for (int i = 0; i < 50; i++) {
		snprintf(id, sizeof(id), "i%d", i);
		put(id, i % 2 ? l : other, "");
	}
	world_lease_end(&w, l, CAUSE_LEASE_CLOSED);
	ck_assert_uint_eq(w.out.value, 25);
	ck_assert_uint_eq(world_service(&w, "web").count, 25);
	ck_assert_uint_eq(mem_tables_len(&w.t, TABLE_LEASE_ITEM), 25);
	ck_assert_uint_eq(mem_tables_len(&w.t, TABLE_LEASE), 1);
	world_lease_end(&w, l, CAUSE_LEASE_CLOSED); /* gone already: skipped */
	ck_assert_int_eq(w.out.code, 0);
}
END_TEST

START_TEST(a_lease_with_very_many_instances_ends_in_slices)
{
	uint64_t l = lease("{}");
	char params[64];

	for (int k = 0; k < 2500; k++) {
		snprintf(params, sizeof(params),
			"{lease:%" PRIu64 ",instances:[{service:s%d,id:i%d}]}", l, k % 7,
			k);
		expect(0, "register", params);
	}
	world_lease_end(&w, l, CAUSE_LEASE_EXPIRED);
	ck_assert_uint_eq(w.out.value, 2500);
	ck_assert_uint_eq(mem_tables_len(&w.t, TABLE_INSTANCE), 0);
	ck_assert_uint_eq(changes_services(w.changes), 7);
}
END_TEST

/* ---- health and floor (promise 6) -------------------------------------- */

START_TEST(a_verdict_is_for_one_incarnation)
{
	struct verdict v = {
		.key = default_instance("web", "a"), .health = HEALTH_FAILING};

	put("a", lease("{}"), CHECKED);
	v.incarnation = w.out.value;
	put("a", lease("{}"), CHECKED);
	buf_clear(&w.command);
	command_verdicts(&v, 1, bytes_str("checker"), &w.command);
	ck_assert_int_eq(world_apply(&w), 0);
	ck_assert_int_eq(find("a").state.health, HEALTH_STARTING);
	ck_assert_uint_eq(changes_services(w.changes), 0);
}
END_TEST

START_TEST(the_same_verdict_again_is_no_change)
{
	put("a", 0, CHECKED);
	world_verdict(&w, "web", "a", HEALTH_FAILING, "refused");
	ck_assert_uint_eq(changes_services(w.changes), 1);
	world_verdict(&w, "web", "a", HEALTH_FAILING, "timed out");
	ck_assert_uint_eq(changes_services(w.changes), 0);
	ck_assert(bytes_eq_str(find("a").state.health_reason, "refused"));
}
END_TEST

/* n instances i0, i1 … with checks, all passing. */
static void passing(int n, uint64_t l)
{
	char id[16];

	for (int k = 0; k < n; k++) {
		snprintf(id, sizeof(id), "i%d", k);
		put(id, l, CHECKED);
		world_verdict(&w, "web", id, HEALTH_PASSING, "ok");
	}
}

START_TEST(health_takes_nobody_below_the_floor)
{
	passing(4, 0);
	expect(0, "service_set", "{service:web,floor:2}");
	world_verdict(&w, "web", "i0", HEALTH_FAILING, "refused");
	world_verdict(&w, "web", "i1", HEALTH_FAILING, "refused");
	state("i0", "down");
	state("i1", "down");
	world_verdict(&w, "web", "i2", HEALTH_FAILING, "refused");
	state("i2", "pending");
	ck_assert_int_eq(find("i2").state.health, HEALTH_FAILING); /* truth is not
								      rewritten */
	ck_assert_int_eq(find("i2").state.cause, CAUSE_CHECK);
	world_verdict(&w, "web", "i3", HEALTH_UNKNOWN, "nobody could look");
	state("i2", "pending");
	state("i3", "pending");
	/* One comes back: who failed first is released. */
	world_verdict(&w, "web", "i0", HEALTH_PASSING, "ok");
	state("i0", "up");
	state("i2", "down");
	state("i3", "pending");
	ck_assert_int_eq(find("i2").state.cause, CAUSE_FLOOR);
	ck_assert_uint_eq(changes_service(w.changes, 0)->n, 2); /* one message, both
								   changes */
}
END_TEST

START_TEST(people_may_go_below_the_floor)
{
	passing(2, 0);
	expect(0, "service_set", "{service:web,floor:2}");
	expect(0, "update", "{service:web,id:i0,admin:draining}");
	state("i0", "drain");
	expect(0, "update", "{service:web,id:i1,admin:maintenance}");
	state("i1", "down");
	expect(0, "deregister", "{service:web,id:i0}");
	state("i0", "gone");
}
END_TEST

START_TEST(a_floor_that_is_set_later_holds_at_once)
{
	passing(3, 0);
	for (int k = 0; k < 3; k++)
		world_verdict(&w, "web", (const char *[]){"i0", "i1", "i2"}[k],
			HEALTH_FAILING, "x");
	expect(0, "service_set", "{service:web,floor:2}");
	state("i0", "down");
	state("i1", "pending");
	state("i2", "pending");
	expect(0, "service_set", "{service:web,floor:0}");
	state("i1", "down");
	state("i2", "down");
}
END_TEST

START_TEST(who_was_never_up_is_not_held)
{
	expect(0, "service_set", "{service:web,floor:5}");
	put("a", 0, CHECKED);
	state("a", "down");
}
END_TEST

START_TEST(an_expired_lease_is_held_by_the_floor_until_others_are_up)
{
	uint64_t l = lease("{}"), incarnation;

	passing(2, l);
	incarnation = find("i1").state.incarnation;
	expect(0, "service_set", "{service:web,floor:1}");
	world_lease_end(&w, l, CAUSE_LEASE_EXPIRED);
	state("i0", "pending"); /* at once: the first by key */
	state("i1", "gone");
	ck_assert_int_eq(find("i0").state.life, LIFE_EXPIRED);
	ck_assert_int_eq(find("i0").state.health, HEALTH_PASSING);
	/* It comes back itself. */
	put("i1", lease("{}"), "");
	ck_assert(w.out.value > incarnation);
	state("i1", "up");
	state("i0", "gone");
	ck_assert_int_eq(changes_instance(w.changes, 0)->cause, CAUSE_LEASE_EXPIRED);
}
END_TEST

START_TEST(who_is_held_and_registers_again_is_new)
{
	uint64_t l = lease("{}"), incarnation = put("a", l, "");

	expect(0, "service_set", "{service:web,floor:1}");
	world_lease_end(&w, l, CAUSE_LEASE_EXPIRED);
	state("a", "pending");
	ck_assert(put("a", lease("{}"), "") > incarnation);
	state("a", "up");
	ck_assert_int_eq(find("a").state.cause, CAUSE_REGISTERED);
}
END_TEST

START_TEST(a_closed_lease_is_not_held)
{
	uint64_t l = lease("{}");

	put("a", l, "");
	expect(0, "service_set", "{service:web,floor:1}");
	world_lease_end(&w, l, CAUSE_LEASE_CLOSED);
	state("a", "gone");
}
END_TEST

START_TEST(a_drained_instance_whose_lease_expires_goes)
{
	uint64_t l = lease("{}");

	put("a", l, "");
	expect(0, "service_set", "{service:web,floor:1}");
	expect(0, "update", "{service:web,id:a,admin:draining}");
	world_lease_end(&w, l, CAUSE_LEASE_EXPIRED);
	state("a", "gone");
	put("b", lease("{}"), "");
	world_lease_end(&w, w.out.rev - 1, CAUSE_LEASE_EXPIRED);
	state("b", "pending");
	expect(0, "update", "{service:web,id:b,admin:maintenance}");
	state("b", "gone"); /* nobody holds it any more */
}
END_TEST

/* Otherwise each one that vanishes would lower the floor for the next. */
START_TEST(vanishing_one_by_one_does_not_take_a_floor_in_percent_down)
{
	uint64_t leases[10];
	char id[16];

	expect(0, "service_set", "{service:web,floor_percent:50}");
	for (int k = 0; k < 10; k++) {
		leases[k] = lease("{}");
		snprintf(id, sizeof(id), "i%d", k);
		put(id, leases[k], "");
	}
	for (int k = 0; k < 10; k++)
		world_lease_end(&w, leases[k], CAUSE_LEASE_EXPIRED);
	ck_assert_uint_eq(world_service(&w, "web").by_effective[EFFECTIVE_PENDING], 5);
	/* As long as they are remembered. */
	world_tick(&w, 60000);
	ck_assert_uint_eq(world_service(&w, "web").by_effective[EFFECTIVE_PENDING], 3);
}
END_TEST

START_TEST(what_vanished_counts_for_a_service_that_came_again)
{
	uint64_t l = lease("{}");

	put("a", l, "");
	put("b", l, "");
	world_lease_end(&w, l, CAUSE_LEASE_EXPIRED);
	expect(0, "service_delete", "{service:web}");
	expect(0, "service_set", "{service:web,floor_percent:50}");
	ck_assert_uint_eq(world_service(&w, "web").vanished, 2);
	put("a", 0, "");
	ck_assert_uint_eq(world_service(&w, "web").vanished, 1);
}
END_TEST

/* ---- time -------------------------------------------------------------- */

START_TEST(slow_start_warms_who_comes_into_use)
{
	expect(0, "service_set", "{service:web,slow_start_ms:1000}");
	put("a", 0, "");
	state("a", "warm");
	world_tick(&w, 999);
	state("a", "warm");
	world_tick(&w, 1);
	state("a", "up");
	ck_assert_int_eq(find("a").state.cause, CAUSE_WARMED);
	put("b", 0, CHECKED);
	state("b", "down");
	world_verdict(&w, "web", "b", HEALTH_PASSING, "ok");
	state("b", "warm"); /* from when it is first healthy */
	world_verdict(&w, "web", "b", HEALTH_FAILING, "refused");
	world_tick(&w, 2000);
	state("b", "down"); /* the old end of warming means nothing now */
	expect(0, "update", "{service:web,id:a,weight:5}");
	state("a", "up");
}
END_TEST

START_TEST(an_end_that_was_replaced_does_not_come)
{
	put("a", 0, "");
	expect(0, "update", "{service:web,id:a,admin:draining,for_ms:1000}");
	expect(0, "update", "{service:web,id:a,admin:draining,for_ms:5000}");
	world_tick(&w, 1000);
	state("a", "drain");
	expect(0, "update", "{service:web,id:a,admin:draining}");
	world_tick(&w, 100000);
	state("a", "drain");
	ck_assert_uint_eq(mem_tables_len(&w.t, TABLE_DUE), 0);
	ck_assert(catalog_next_due_ms(&w.t.base) == UINT64_MAX);
}
END_TEST

START_TEST(a_tick_does_a_bounded_part)
{
	char params[128];

	for (int k = 0; k < 1200; k++) {
		snprintf(params, sizeof(params), "{instances:[{service:web,id:i%d}]}", k);
		expect(0, "register", params);
		snprintf(params, sizeof(params),
			"{service:web,id:i%d,admin:draining,for_ms:1000}", k);
		expect(0, "update", params);
	}
	ck_assert(catalog_next_due_ms(&w.t.base) == 2000);
	world_tick(&w, 1000);
	ck_assert_uint_eq(world_service(&w, "web").by_effective[EFFECTIVE_DRAIN], 200);
	ck_assert(catalog_next_due_ms(&w.t.base) == 2000);
	world_tick(&w, 0);
	ck_assert_uint_eq(world_service(&w, "web").by_effective[EFFECTIVE_DRAIN], 0);
}
END_TEST

START_TEST(time_does_not_go_back)
{
	world_tick(&w, 5000);
	w.now.time_ms = 7;
	world_tick(&w, 0);
	ck_assert(catalog_time_ms(&w.t.base) == 6000);
}
END_TEST

/* ---- updating ---------------------------------------------------------- */

START_TEST(an_update_changes_what_it_names)
{
	put("a", 0, ",version:'1',tags:[x],meta:{k:v},locality:{zone:z}");
	expect(0, "update",
		"{service:web,id:a,tags:[y,z],version:'2',weight:7,reason:canary}");
	ck_assert(w.out.value == 1);
	ck_assert_ptr_nonnull(strstr(world_ask(&w, "resolve", "{service:web}"),
		"weight:7,tier:0,since:1700000000000,addresses:['127.0.0.1'],"
		"ports:{http:{port:80}},"
		"locality:{zone:'z'},version:'2',tags:['y','z'],meta:{k:'v'}}"));
	expect(0, "update", "{service:web,id:a,meta:{},tags:[],version:''}");
	ck_assert_ptr_nonnull(strstr(world_ask(&w, "resolve", "{service:web}"),
		"ports:{http:{port:80}},locality:{zone:'z'}}"));
	expect(0, "update", "{service:web,id:a,weight:7}"); /* is 7 already */
	ck_assert_uint_eq(changes_services(w.changes), 0);
}
END_TEST

/* ---- sessions ---------------------------------------------------------- */

START_TEST(a_repeated_write_is_applied_once)
{
	uint64_t rev, incarnation;

	expect(0, "register",
		"{session:5,seq:1,instances:[{service:web,id:a},{service:web,id:b}]}");
	rev = w.out.rev;
	incarnation = w.out.value;
	ck_assert(!w.out.repeated);
	expect(0, "deregister", "{session:5,seq:2,service:web,id:a}");
	world_build(&w, "register",
		"{session:5,seq:1,instances:[{service:web,id:a},{service:web,id:b}]}");
	ck_assert_int_eq(world_apply(&w), 0);
	ck_assert(w.out.repeated && w.out.rev == rev && w.out.value == incarnation);
	ck_assert_uint_eq(w.out.incarnations.len, 16);
	ck_assert(get_be64(w.out.incarnations.data + 8) == incarnation);
	state("a", "gone"); /* and stays so */
	ck_assert(catalog_rev(&w.t.base) == 2);
}
END_TEST

START_TEST(a_repeated_refusal_is_refused_alike)
{
	char text[ERR_TEXT_MAX];

	expect(SVCD_ENOINSTANCE, "update", "{session:5,seq:1,service:web,id:a,weight:1}");
	snprintf(text, sizeof(text), "%s", w.out.text);
	put("a", 0, "");
	expect(SVCD_ENOINSTANCE, "update", "{session:5,seq:1,service:web,id:a,weight:1}");
	ck_assert(w.out.repeated);
	ck_assert_str_eq(w.out.text, text);
	ck_assert_uint_eq(find("a").state.weight, 100);
}
END_TEST

START_TEST(a_repeated_grant_is_the_same_lease)
{
	uint64_t l;

	expect(0, "lease_grant", "{session:5,seq:1,ttl_ms:7000,on_close:keep}");
	l = w.out.value;
	expect(0, "lease_grant", "{session:5,seq:1,ttl_ms:7000,on_close:keep}");
	ck_assert(w.out.repeated && w.out.value == l && w.out.ttl_ms == 7000);
	ck_assert(!w.out.drop_on_close);
	ck_assert_uint_eq(mem_tables_len(&w.t, TABLE_LEASE), 1);
}
END_TEST

START_TEST(what_was_kept_or_taken_over_since_is_answered_truly)
{
	uint64_t first = put("a", 0, ""), l, rev;

	expect(0, "register",
		"{session:5,seq:1,instances:[{service:web,id:a,ports:{http:{port:80}}},"
		"{service:web,id:b}]}");
	rev = w.out.rev;
	expect(0, "register",
		"{session:5,seq:1,instances:[{service:web,id:a,ports:{http:{port:80}}},"
		"{service:web,id:b}]}");
	ck_assert(get_be64(w.out.incarnations.data) == first);
	ck_assert(get_be64(w.out.incarnations.data + 8) == rev);
	l = lease("{}");
	put("a", l, "");
	expect(0, "register",
		"{session:5,seq:1,instances:[{service:web,id:a,ports:{http:{port:80}}},"
		"{service:web,id:b}]}");
	/* Not the new owner's. */
	ck_assert(get_be64(w.out.incarnations.data) < find("a").state.incarnation);
}
END_TEST

static int write_seq(uint64_t seq)
{
	char params[128];

	snprintf(params, sizeof(params),
		"{session:5,seq:%" PRIu64 ",instances:[{service:web,id:i%" PRIu64 "}]}",
		seq, seq);
	return world_do(&w, "register", params);
}

START_TEST(what_is_older_than_the_window_is_stale)
{
	for (uint64_t seq = 1; seq <= 33; seq++)
		ck_assert_int_eq(write_seq(seq), 0);
	ck_assert_int_eq(write_seq(1), SVCD_ESTALE);
	ck_assert_str_eq(w.out.text,
		"seq: 1 is too old, the session is at 33 and 32 are remembered");
	ck_assert_int_eq(write_seq(2), 0);
	ck_assert(w.out.repeated);
	/* Out of order within the window is fine. */
	ck_assert_int_eq(write_seq(40), 0);
	ck_assert_int_eq(write_seq(36), 0);
	ck_assert(!w.out.repeated);
	ck_assert_int_eq(write_seq(36), 0);
	ck_assert(w.out.repeated);
}
END_TEST

START_TEST(an_idle_session_is_forgotten)
{
	ck_assert_int_eq(write_seq(1), 0);
	world_tick(&w, 20000);
	ck_assert_int_eq(write_seq(2), 0);
	world_tick(&w, 29999);
	ck_assert_uint_eq(mem_tables_len(&w.t, TABLE_SESSION), 1);
	world_tick(&w, 1);
	ck_assert_uint_eq(mem_tables_len(&w.t, TABLE_SESSION), 0);
	ck_assert_uint_eq(mem_tables_len(&w.t, TABLE_DUE), 0);
}
END_TEST

/* ---- events (promise 8) ------------------------------------------------ */

START_TEST(the_ring_is_bounded)
{
	struct catalog_totals totals;

	tear_down();
	world_init(&w, &(struct catalog_options){.history_bytes = 2000});
	for (int k = 0; k < 200; k++)
		put("a", 0, k % 2 ? ",weight:1" : ",weight:2");
	catalog_totals(&w.t.base, &totals);
	ck_assert_uint_le(totals.event_bytes, 2000);
	ck_assert_uint_ge(totals.event_bytes, 1900);
	ck_assert_uint_eq(totals.events, mem_tables_len(&w.t, TABLE_EVENT));
	ck_assert(find("a").state.actor.len > 0);
}
END_TEST

START_TEST(every_change_says_who_and_why)
{
	put("a", 0, "");
	w.actor = "alice";
	expect(0, "update", "{service:web,id:a,admin:maintenance,reason:'disk full'}");
	ck_assert_ptr_nonnull(strstr(
		world_ask(&w, "history", "{service:web,id:a,limit:1}"),
		"what:'state',from:'up',to:'down',admin_from:'enabled',admin_to:'maintenance',"
		"incarnation:1,cause:'admin',actor:'alice',reason:'disk full'}],next:2,next_n:0}"));
}
END_TEST

/* ---- batches ----------------------------------------------------------- */

START_TEST(where_a_batch_ends_leaves_no_trace)
{
	static const char *const methods[][2] = {
		{"lease_grant", "{session:1,seq:1}"},
		{"service_set", "{service:web,floor:1,slow_start_ms:10}"},
		{"register",
			"{session:1,seq:2,lease:1,"
			"instances:[{service:web,id:a},{service:s2,id:b}]}"},
		{"service_delete", "{service:none}"},
		{"update", "{session:1,seq:3,service:web,id:a,weight:3}"},
		{"deregister", "{service:s2,id:b}"},
		{"service_delete", "{service:s2}"},
		{"register", "{lease:1,instances:[{service:s2,id:c}]}"},
		{"lease_revoke", "{session:1,seq:4,lease:1}"},
	};
	struct world other;

	world_init(&other, &w.options);
	ck_assert_int_eq(catalog_begin(other.c, &other.t.base, &other.now), 0);
	for (size_t i = 0; i < LENGTH(methods); i++) {
		world_do(&w, methods[i][0], methods[i][1]);
		world_do(&other, methods[i][0], methods[i][1]);
		ck_assert_int_eq(w.out.code, other.out.code);
		ck_assert(w.out.rev == other.out.rev && w.out.value == other.out.value);
	}
	ck_assert_int_eq(catalog_end(other.c), 0);
	ck_assert_int_eq(mem_tables_differ(&w.t, &other.t), TABLE_COUNT);
	world_fini(&other);
}
END_TEST

START_TEST(a_batch_is_one_message_per_service)
{
	struct changes *c = changes_new();
	struct outcome out = {0};

	put("a", 0, "");
	ck_assert_int_eq(catalog_begin(w.c, &w.t.base, &w.now), 0);
	for (int k = 0; k < 6; k++) {
		world_build(&w, "update",
			k % 2 ? "{service:web,id:a,weight:1}"
			      : "{service:web,id:a,weight:2}");
		ck_assert_int_eq(catalog_apply(w.c, &w.t.base, &w.now,
					 buf_bytes(&w.command), &out, c),
			0);
	}
	ck_assert_int_eq(catalog_end(w.c), 0);
	ck_assert_int_eq(changes_finish(c), 0);
	ck_assert_uint_eq(changes_services(c), 1);
	ck_assert(changes_service(c, 0)->from == 1 && changes_service(c, 0)->rev == 7);
	ck_assert_uint_eq(changes_service(c, 0)->n, 1);
	ck_assert(changes_service(c, 0)->digest == world_service(&w, "web").digest);
	buf_fini(&out.incarnations);
	changes_free(c);
}
END_TEST

START_TEST(a_batch_tells_of_checks_that_came_and_went_in_it)
{
	struct changes *c = changes_new();
	struct outcome out = {0};
	static const char *const steps[] = {
		"{instances:[{service:web,id:a,ports:{p:{port:1}},checks:[{type:tcp}]}]}",
		"{instances:[{service:web,id:a}]}",
		"{instances:[{service:web,id:a,weight:1}]}"};

	ck_assert_int_eq(catalog_begin(w.c, &w.t.base, &w.now), 0);
	for (size_t i = 0; i < LENGTH(steps); i++) {
		world_build(&w, "register", steps[i]);
		ck_assert_int_eq(catalog_apply(w.c, &w.t.base, &w.now,
					 buf_bytes(&w.command), &out, c),
			0);
	}
	ck_assert_int_eq(catalog_end(w.c), 0);
	ck_assert_int_eq(changes_finish(c), 0);
	ck_assert(changes_instance(c, 0)->checks);
	buf_fini(&out.incarnations);
	changes_free(c);
}
END_TEST

START_TEST(a_batch_that_is_dropped_is_forgotten)
{
	struct mem_tables before;

	put("a", 0, "");
	mem_tables_copy(&before, &w.t);
	ck_assert_int_eq(catalog_begin(w.c, &w.t.base, &w.now), 0);
	put("b", 0, "");
	/* The transaction is dropped: the tables are as before, and the next batch knows
	 * nothing of it. */
	mem_tables_fini(&w.t);
	w.t = before;
	ck_assert_int_eq(catalog_begin(w.c, &w.t.base, &w.now), 0);
	ck_assert_int_eq(catalog_end(w.c), 0);
	ck_assert_uint_eq(world_service(&w, "web").count, 1);
	ck_assert(catalog_rev(&w.t.base) == 1);
}
END_TEST

/* ---- walks ------------------------------------------------------------- */

static bool count_checked(void *arg, const struct instance *i)
{
	++*(int *)arg;
	ck_assert_uint_gt(i->checks.len, 0);
	return *(int *)arg < 2;
}

static bool count_leases(void *arg, const struct lease *l)
{
	++*(int *)arg;
	ck_assert(l->ttl_ms == 10000 && l->id > 0);
	return true;
}

START_TEST(checks_and_leases_can_be_walked)
{
	int checked = 0, leases = 0;

	lease("{}");
	lease("{}");
	put("a", 0, CHECKED);
	put("b", 0, "");
	put("c", 0, CHECKED);
	put("d", 0, CHECKED);
	catalog_each_checked(&w.t.base, count_checked, &checked);
	catalog_each_lease(&w.t.base, count_leases, &leases);
	ck_assert_int_eq(checked, 2);
	ck_assert_int_eq(leases, 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("catalog_apply");
	TCase *tc = unit_case(s, "apply");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, an_accepted_command_is_one_revision_a_refused_one_none);
	tcase_add_test(tc, a_command_is_applied_whole_or_not_at_all);
	tcase_add_test(tc, what_is_the_same_changes_nothing);
	tcase_add_test(tc, another_lease_takes_over);
	tcase_add_test(tc, who_takes_over_begins_anew);
	tcase_add_test(tc, what_somebody_else_decided_survives_a_restart);
	tcase_add_test(tc, an_owner_cannot_end_what_an_operator_set);
	tcase_add_test(tc, checks_that_come_start_it_anew);
	tcase_add_test(tc, a_lease_must_be_there);
	tcase_add_test(tc, one_id_twice_in_a_command_is_one_instance);
	tcase_add_loop_test(tc, what_was_removed_on_purpose_does_not_come_back_by_itself,
		0, LENGTH(removals));
	tcase_add_test(tc, who_removed_it_is_remembered_for_a_while);
	tcase_add_test(
		tc, a_service_that_nobody_set_up_is_forgotten_with_its_last_tombstone);
	tcase_add_test(tc, a_service_that_was_set_up_stays);
	tcase_add_test(tc, a_lease_takes_all_with_it);
	tcase_add_test(tc, a_lease_with_very_many_instances_ends_in_slices);
	tcase_add_test(tc, a_verdict_is_for_one_incarnation);
	tcase_add_test(tc, the_same_verdict_again_is_no_change);
	tcase_add_test(tc, health_takes_nobody_below_the_floor);
	tcase_add_test(tc, people_may_go_below_the_floor);
	tcase_add_test(tc, a_floor_that_is_set_later_holds_at_once);
	tcase_add_test(tc, who_was_never_up_is_not_held);
	tcase_add_test(tc, an_expired_lease_is_held_by_the_floor_until_others_are_up);
	tcase_add_test(tc, who_is_held_and_registers_again_is_new);
	tcase_add_test(tc, a_closed_lease_is_not_held);
	tcase_add_test(tc, a_drained_instance_whose_lease_expires_goes);
	tcase_add_test(tc, vanishing_one_by_one_does_not_take_a_floor_in_percent_down);
	tcase_add_test(tc, what_vanished_counts_for_a_service_that_came_again);
	tcase_add_test(tc, slow_start_warms_who_comes_into_use);
	tcase_add_test(tc, an_end_that_was_replaced_does_not_come);
	tcase_add_test(tc, a_tick_does_a_bounded_part);
	tcase_add_test(tc, time_does_not_go_back);
	tcase_add_test(tc, an_update_changes_what_it_names);
	tcase_add_test(tc, a_repeated_write_is_applied_once);
	tcase_add_test(tc, a_repeated_refusal_is_refused_alike);
	tcase_add_test(tc, a_repeated_grant_is_the_same_lease);
	tcase_add_test(tc, what_was_kept_or_taken_over_since_is_answered_truly);
	tcase_add_test(tc, what_is_older_than_the_window_is_stale);
	tcase_add_test(tc, an_idle_session_is_forgotten);
	tcase_add_test(tc, the_ring_is_bounded);
	tcase_add_test(tc, every_change_says_who_and_why);
	tcase_add_test(tc, where_a_batch_ends_leaves_no_trace);
	tcase_add_test(tc, a_batch_is_one_message_per_service);
	tcase_add_test(tc, a_batch_tells_of_checks_that_came_and_went_in_it);
	tcase_add_test(tc, a_batch_that_is_dropped_is_forgotten);
	tcase_add_test(tc, checks_and_leases_can_be_walked);
	return unit_run(s);
}
