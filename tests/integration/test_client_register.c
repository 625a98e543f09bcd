/* How a client keeps its instances registered, against a registry that misbehaves as it
 * is told. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test_client.h"

static struct svcd_registration *reg;

static const struct svcd_instance web = {.service = "web", .id = "a", .weight = 1};
static const struct svcd_instance web_heavier = {
	.service = "web", .id = "a", .weight = 9};

static void register_web(void)
{
	struct svcd_register_options o = {.on_state = record_on_state, .arg = record};

	ck_assert_int_eq(svcd_register(client, &web, &o, &reg), 0);
}

static void registered(void)
{
	register_web();
	record_expect(record, "registered");
}

static void expect_params(const char *method, const char *text)
{
	const char *got = fake_params(fake, method, 0);

	/* Session and number come last; the session is a random number. */
	ck_assert_msg(strncmp(got, text, strlen(text)) == 0, "%s: %s", method, got);
}

START_TEST(an_instance_is_registered_under_a_lease)
{
	struct svcd_register_options o = {
		.ttl_ms = 7000, .on_state = record_on_state, .arg = record};

	ck_assert_int_eq(svcd_register(client, &web, &o, &reg), 0);
	ck_assert_int_eq(svcd_registration_wait(reg, 10000, NULL), 0);
	record_expect(record, "registered");
	ck_assert_str_eq(svcd_registration_id(reg), "a");
	ck_assert_uint_eq(svcd_registration_incarnation(reg), 2);
	expect_params("lease_grant", "{on_close:'drop',ttl_ms:7000,session:");
	expect_params("register",
		"{instances:[{ns:'default',service:'web',id:'a',weight:1}],lease:1,session:");
}
END_TEST

START_TEST(registrations_of_one_kind_share_a_lease)
{
	struct svcd_register_options keep = {.keep_on_close = true};
	struct svcd_instance in = {.service = "web"};
	struct svcd_registration *r[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(
			svcd_register(client, &in, i < 3 ? NULL : &keep, &r[i]), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(svcd_registration_wait(r[i], 10000, NULL), 0);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(
				svcd_registration_id(r[i]), svcd_registration_id(r[j]));
	}
	ck_assert_uint_eq(fake_count(fake, "lease_grant"), 2);
	expect_params("lease_grant", "{on_close:'keep',session:");
}
END_TEST

START_TEST(an_id_is_made_of_host_process_and_a_number)
{
	struct svcd_instance in = {.service = "web"};
	char expected[128] = "";

	ck_assert_int_eq(gethostname(expected, 64), 0);
	snprintf(expected + strlen(expected), 32, "-%ld-", (long)getpid());
	ck_assert_int_eq(svcd_register(client, &in, NULL, &reg), 0);
	ck_assert_int_eq(
		strncmp(svcd_registration_id(reg), expected, strlen(expected)), 0);
}
END_TEST

START_TEST(the_lease_is_renewed_as_often_as_the_registry_says)
{
	fake_set_interval(fake, 10);
	registered();
	fake_wait(fake, "renew", 3);
	expect_params("renew", "{leases:[1]}");
	ck_assert_uint_eq(fake_count(fake, "register"), 1);
}
END_TEST

START_TEST(a_renewal_that_fails_is_tried_again)
{
	fake_set_interval(fake, 20);
	fake_rule(fake, "renew", FAKE_ERROR, "{name:'internal',text:'?'}");
	fake_rule(fake, "renew", FAKE_ERROR, "{name:'busy',text:'b'}");
	registered();
	fake_wait(fake, "renew", 4);
	ck_assert_uint_eq(fake_count(fake, "lease_grant"), 1);
	ck_assert_uint_eq(record_unread(record), 0);
}
END_TEST

/* What happens after a registration was confirmed once: the rules, a dropped connection
 * or not, the states. */
static const struct {
	const char *name;
	bool drop;
	struct {
		const char *method;
		enum fake_do what;
		const char *text;
	} rules[4];
	size_t n_rules;
	const char *states[4];
	uint64_t incarnation;
	unsigned registers;
} lives[] = {
	{"the lease outlived the connection: a look is enough", true, {{0}}, 0,
		{"registering", "registered"}, 2, 1},
	{"the lease ended with the connection", true,
		{{"renew", FAKE_ANSWER, "{renewed:0,lost:[1]}"}}, 1,
		{"registering", "registered"}, 4, 2},
	{"the lease ended, told as an error", true,
		{{"renew", FAKE_ERROR, "{name:'no_lease',text:'l'}"}}, 1,
		{"registering", "registered"}, 4, 2},
	{"somebody else has it", true,
		{{"get", FAKE_ANSWER, "{instances:[{id:'a',state:'up',incarnation:77}]}"},
			{"register", FAKE_ERROR,
				"{name:'stale',text:'taken over by host-9'}"}},
		2, {"registering", "removed: taken over by host-9"}, 0, 2},
	{"an operator removed it", true,
		{{"get", FAKE_ERROR, "{name:'gone',text:'x'}"},
			{"register", FAKE_ERROR,
				"{name:'gone',text:'deregistered by ann'}"}},
		2, {"registering", "removed: deregistered by ann"}, 0, 2},
	{"the member is behind and does not know it yet", true,
		{{"get", FAKE_ERROR, "{name:'no_service',text:'x'}"}}, 1,
		{"registering", "registered"}, 3, 2},
	{"not wanted any more", true,
		{{"renew", FAKE_ANSWER, "{renewed:0,lost:[1]}"},
			{"register", FAKE_ERROR,
				"{name:'invalid',text:'weight: too heavy'}"}},
		2, {"registering", "refused: weight: too heavy"}, 0, 2},
	{"the lease is lost again at once", true,
		{{"renew", FAKE_ANSWER, "{renewed:0,lost:[1]}"},
			{"register", FAKE_ERROR, "{name:'no_lease',text:'l'}"}},
		2, {"registering", "registered"}, 5, 3},
	{"the connection is lost again and again", true,
		{{"renew", FAKE_DROP, NULL}, {"renew", FAKE_DROP, NULL},
			{"get", FAKE_DROP, NULL}},
		3, {"registering", "registered"}, 2, 1},
	{"the lease is lost in the middle of it", false,
		{{"renew", FAKE_ANSWER, "{renewed:0,lost:[1]}"}}, 1,
		{"registering", "registered"}, 4, 2},
	{"taken over in the middle of it", false,
		{{"get", FAKE_ANSWER, "{instances:[{id:'a',state:'up',incarnation:77}]}"},
			{"register", FAKE_ERROR, "{name:'stale',text:'taken over'}"}},
		2, {"removed: taken over"}, 0, 2},
};

START_TEST(a_registration_survives_what_may_be_survived)
{
	size_t i = (size_t)_i;

	if (!lives[i].drop)
		fake_set_interval(fake, 10);
	registered();
	for (size_t k = 0; k < lives[i].n_rules; k++)
		fake_rule(fake, lives[i].rules[k].method, lives[i].rules[k].what,
			lives[i].rules[k].text);
	if (lives[i].drop)
		fake_drop(fake);
	for (size_t k = 0; k < 4 && lives[i].states[k] != NULL; k++)
		record_expect(record, lives[i].states[k]);
	ck_assert_msg(svcd_registration_incarnation(reg) == lives[i].incarnation,
		"%s: incarnation %llu", lives[i].name,
		(unsigned long long)svcd_registration_incarnation(reg));
	ck_assert_msg(fake_count(fake, "register") == lives[i].registers,
		"%s: %u registers", lives[i].name, fake_count(fake, "register"));
	ck_assert_uint_eq(record_unread(record), 0);
}
END_TEST

START_TEST(after_a_lost_lease_the_known_incarnation_is_told)
{
	registered();
	fake_rule(fake, "renew", FAKE_ANSWER, "{renewed:0,lost:[1]}");
	fake_drop(fake);
	record_expect(record, "registering");
	record_expect(record, "registered");
	expect_params("register",
		"{instances:[{ns:'default',service:'web',id:'a',weight:1,incarnation:2}],"
		"lease:3,session:");
}
END_TEST

/* What the first register meets. */
static const struct {
	const char *name;
	enum fake_do what;
	const char *text;
	const char *state; /* the next one */
	unsigned registers;
	int wait;
} firsts[] = {
	{"busy", FAKE_ERROR, "{name:'busy',text:'b',retry_after_ms:10}", "registered", 2,
		0},
	{"no leader", FAKE_ERROR, "{name:'no_leader',text:'b'}", "registered", 2, 0},
	{"outcome unknown", FAKE_ERROR, "{name:'unknown_outcome',text:'b'}", "registered",
		2, 0},
	{"answer lost", FAKE_CHANGE, NULL, "registered", 2, 0},
	{"limit", FAKE_ERROR, "{name:'limit',text:'too many'}", "registered", 2, 0},
	{"a new error", FAKE_ERROR, "{code:-99,name:'new',text:'?'}", "registered", 2, 0},
	{"a malformed answer", FAKE_ANSWER, "{}", "registered", 2, 0},
	{"invalid", FAKE_ERROR, "{name:'invalid',text:'id: too long'}",
		"refused: id: too long", 1, SVCD_EINVAL},
	{"denied", FAKE_ERROR, "{name:'denied',text:'read only'}", "refused: read only",
		1, SVCD_EDENIED},
	{"gone", FAKE_ERROR, "{name:'gone',text:'deregistered by ann'}",
		"removed: deregistered by ann", 1, SVCD_EGONE},
};

START_TEST(the_first_register_may_fail)
{
	struct svcd_fault fault = {0};

	fake_rule(fake, "register", firsts[_i].what, firsts[_i].text);
	register_web();
	ck_assert_int_eq(svcd_registration_wait(reg, 10000, &fault), firsts[_i].wait);
	ck_assert_int_eq(fault.code, firsts[_i].wait);
	record_expect(record, firsts[_i].state);
	ck_assert_msg(fake_count(fake, "register") == firsts[_i].registers, "%s: %u",
		firsts[_i].name, fake_count(fake, "register"));
	ck_assert_uint_eq(record_unread(record), 0);
}
END_TEST

START_TEST(a_lease_that_is_refused_refuses_its_registrations)
{
	fake_rule(fake, "lease_grant", FAKE_ERROR,
		"{name:'out_of_range',text:'ttl_ms: too short'}");
	register_web();
	record_expect(record, "refused: ttl_ms: too short");
	ck_assert_int_eq(svcd_deregister(reg, 1000), 0);
}
END_TEST

START_TEST(a_wait_that_is_in_vain_says_why)
{
	struct svcd_fault fault;

	fake_away(fake);
	register_web();
	ck_assert_int_eq(svcd_registration_wait(reg, 60, &fault), SVCD_ETIMEOUT);
	ck_assert_msg(strstr(fault.text, "no member can be reached: ") == fault.text ||
			strstr(fault.text, "the connection to ") == fault.text,
		"%s", fault.text);
	fake_back(fake);
	ck_assert_int_eq(svcd_registration_wait(reg, 10000, &fault), 0);
}
END_TEST

/* ---- changes ----------------------------------------------------------- */

START_TEST(an_update_is_registered_under_the_same_lease)
{
	registered();
	ck_assert_int_eq(svcd_registration_update(reg, &web_heavier), 0);
	fake_wait(fake, "register", 2);
	expect_params("register",
		"{instances:[{ns:'default',service:'web',id:'a',weight:9,incarnation:2}],"
		"lease:1,session:");
}
END_TEST

START_TEST(an_update_survives_an_outage)
{
	registered();
	fake_away(fake);
	record_expect(record, "registering");
	ck_assert_int_eq(svcd_registration_update(reg, &web_heavier), 0);
	fake_back(fake);
	record_expect(record, "registered");
	ck_assert_uint_eq(fake_count(fake, "get"), 0);
	expect_params("register",
		"{instances:[{ns:'default',service:'web',id:'a',weight:9,incarnation:2}],"
		"lease:1,session:");
}
END_TEST

START_TEST(an_update_that_is_refused_leaves_what_was)
{
	registered();
	fake_rule(fake, "register", FAKE_ERROR,
		"{name:'invalid',text:'weight: too heavy'}");
	ck_assert_int_eq(svcd_registration_update(reg, &web_heavier), 0);
	record_expect(record, "registered: weight: too heavy");
	fake_rule(fake, "renew", FAKE_ANSWER, "{renewed:0,lost:[1]}");
	fake_drop(fake);
	record_expect(record, "registering");
	record_expect(record, "registered");
	expect_params(
		"register", "{instances:[{ns:'default',service:'web',id:'a',weight:1,");
}
END_TEST

START_TEST(another_instance_is_no_update)
{
	struct svcd_instance other = web;

	registered();
	other.id = "b";
	ck_assert_int_eq(svcd_registration_update(reg, &other), SVCD_EINVAL);
	other = web;
	other.service = "db";
	ck_assert_int_eq(svcd_registration_update(reg, &other), SVCD_EINVAL);
	other = web;
	other.ns = "prod";
	ck_assert_int_eq(svcd_registration_update(reg, &other), SVCD_EINVAL);
	ck_assert_int_eq(svcd_registration_update(reg, NULL), SVCD_EINVAL);
	other = web;
	other.id = NULL;
	ck_assert_int_eq(svcd_registration_update(reg, &other), 0);
}
END_TEST

START_TEST(many_updates_become_few)
{
	struct svcd_instance in = web;

	fake_rule(
		fake, "register", FAKE_ERROR, "{name:'busy',text:'b',retry_after_ms:50}");
	register_web();
	fake_wait(fake, "register", 1);
	for (uint16_t weight = 2; weight <= 100; weight++) {
		in.weight = weight;
		ck_assert_int_eq(svcd_registration_update(reg, &in), 0);
	}
	record_expect(record, "registered");
	fake_wait(fake, "register", 3);
	expect_params(
		"register", "{instances:[{ns:'default',service:'web',id:'a',weight:100,");
}
END_TEST

START_TEST(draining_is_told_with_its_reason)
{
	registered();
	ck_assert_int_eq(svcd_drain(reg, "new version"), 0);
	fake_wait(fake, "update", 1);
	expect_params("update",
		"{ns:'default',service:'web',id:'a',incarnation:2,admin:'draining',self:true,"
		"reason:'new version',session:");
	ck_assert_int_eq(svcd_undrain(reg), 0);
	fake_wait(fake, "update", 2);
	expect_params("update",
		"{ns:'default',service:'web',id:'a',incarnation:2,admin:'enabled',"
		"self:true,session:");
}
END_TEST

START_TEST(draining_survives_a_lost_lease)
{
	registered();
	ck_assert_int_eq(svcd_drain(reg, NULL), 0);
	fake_wait(fake, "update", 1);
	fake_rule(fake, "renew", FAKE_ANSWER, "{renewed:0,lost:[1]}");
	fake_drop(fake);
	fake_wait(fake, "update", 2);
	expect_params("register",
		"{instances:[{ns:'default',service:'web',id:'a',weight:1,"
		"admin:'draining',incarnation:2}],");
	expect_params("update",
		"{ns:'default',service:'web',id:'a',incarnation:4,admin:'draining',");
}
END_TEST

static const struct {
	enum fake_do what;
	const char *text;
	const char *state; /* NULL: none */
	unsigned updates, registers;
} drains[] = {
	{FAKE_ERROR, "{name:'busy',text:'b'}", NULL, 2, 1},
	{FAKE_ERROR, "{name:'internal',text:'b'}", NULL, 2, 1},
	{FAKE_ERROR, "{name:'no_instance',text:'n'}", "registered", 2, 2},
	{FAKE_ERROR, "{name:'gone',text:'g'}", "removed: g", 1, 1},
	{FAKE_ERROR, "{name:'floor',text:'too few'}", "registered: too few", 1, 1},
};

START_TEST(draining_may_fail)
{
	registered();
	fake_rule(fake, "update", drains[_i].what, drains[_i].text);
	ck_assert_int_eq(svcd_drain(reg, NULL), 0);
	fake_wait(fake, "update", drains[_i].updates);
	if (drains[_i].state != NULL && strcmp(drains[_i].state, "registered") != 0)
		record_expect(record, drains[_i].state);
	fake_wait(fake, "register", drains[_i].registers);
	ck_assert_uint_eq(fake_count(fake, "update"), drains[_i].updates);
}
END_TEST

/* ---- the end ----------------------------------------------------------- */

static const struct {
	const char *error; /* NULL: success */
	int code;
} departures[] = {
	{NULL, 0},
	{"{name:'busy',text:'b'}", 0},
	{"{name:'gone',text:'g'}", 0},
	{"{name:'no_instance',text:'n'}", 0},
	{"{name:'stale',text:'s'}", 0},
	{"{name:'denied',text:'d'}", SVCD_EDENIED},
	{"{name:'internal',text:'i'}", SVCD_EINTERNAL},
};

START_TEST(deregistering_waits_for_the_answer)
{
	registered();
	if (departures[_i].error != NULL)
		fake_rule(fake, "deregister", FAKE_ERROR, departures[_i].error);
	ck_assert_int_eq(svcd_deregister(reg, 10000), departures[_i].code);
	expect_params("deregister",
		"{ns:'default',service:'web',id:'a',incarnation:2,session:");
	ck_assert_uint_eq(record_unread(record), 0);
}
END_TEST

START_TEST(deregistering_without_waiting_is_still_done)
{
	registered();
	ck_assert_int_eq(svcd_deregister(reg, 0), 0);
	fake_wait(fake, "deregister", 1);
	ck_assert_int_eq(svcd_deregister(NULL, 0), SVCD_EINVAL);
}
END_TEST

START_TEST(deregistering_waits_no_longer_than_it_may_and_is_done_later)
{
	registered();
	fake_away(fake);
	record_expect(record, "registering");
	ck_assert_int_eq(svcd_deregister(reg, 30), SVCD_ETIMEOUT);
	fake_back(fake);
	fake_wait(fake, "deregister", 1);
	ck_assert_uint_eq(fake_count(fake, "register"), 1);
}
END_TEST

START_TEST(what_never_was_there_needs_no_deregister)
{
	fake_away(fake);
	register_web();
	ck_assert_int_eq(svcd_deregister(reg, 10000), 0);
	fake_back(fake);
	while (svcd_client_wait(client, 10000) != 0)
		;
	ck_assert_uint_eq(fake_count(fake, "register"), 0);
	ck_assert_uint_eq(fake_count(fake, "deregister"), 0);
}
END_TEST

START_TEST(a_register_in_flight_is_awaited_before_deregistering)
{
	fake_rule(
		fake, "register", FAKE_ERROR, "{name:'busy',text:'b',retry_after_ms:50}");
	register_web();
	fake_wait(fake, "register", 1);
	ck_assert_int_eq(svcd_deregister(reg, 10000), 0);
	ck_assert_uint_eq(fake_count(fake, "register"), 2);
	expect_params("deregister",
		"{ns:'default',service:'web',id:'a',incarnation:2,session:");
}
END_TEST

START_TEST(a_register_whose_answer_was_lost_is_deregistered_too)
{
	fake_rule(fake, "hello", FAKE_ANSWER, "{version:1}");
	fake_rule(fake, "hello", FAKE_DROP, NULL);
	fake_rule(fake, "hello", FAKE_DROP, NULL);
	fake_rule(fake, "register", FAKE_CHANGE, NULL);
	fake_drop(fake);
	register_web();
	fake_wait(fake, "register", 1);
	ck_assert_int_eq(svcd_deregister(reg, 10000), 0);
	ck_assert_uint_eq(fake_count(fake, "deregister"), 1);
}
END_TEST

static void on_state_leave(void *arg, struct svcd_registration *r,
	enum svcd_registration_state state, const struct svcd_fault *fault)
{
	record_on_state(arg, r, state, fault);
	ck_assert_uint_ne(svcd_registration_incarnation(r), 0);
	ck_assert_int_eq(svcd_deregister(r, 1000), SVCD_EINVAL);
	ck_assert_int_eq(svcd_deregister(r, 0), 0);
}

START_TEST(a_callback_may_deregister)
{
	struct svcd_register_options o = {.on_state = on_state_leave, .arg = record};

	ck_assert_int_eq(svcd_register(client, &web, &o, &reg), 0);
	record_expect(record, "registered");
	fake_wait(fake, "deregister", 1);
	ck_assert_uint_eq(record_unread(record), 0);
}
END_TEST

static void on_state_leave_at_the_end(void *arg, struct svcd_registration *r,
	enum svcd_registration_state state, const struct svcd_fault *fault)
{
	record_on_state(arg, r, state, fault);
	if (state == SVCD_DEREGISTERED)
		ck_assert_int_eq(svcd_deregister(r, 0), 0);
}

START_TEST(deregistering_what_the_end_of_the_client_has_ended_is_nothing)
{
	struct svcd_register_options o = {
		.on_state = on_state_leave_at_the_end, .arg = record};

	ck_assert_int_eq(svcd_register(client, &web, &o, &reg), 0);
	record_expect(record, "registered");
	svcd_client_free(client);
	client = NULL;
	record_expect(record, "deregistered");
	ck_assert_uint_eq(fake_count(fake, "deregister"), 1);
}
END_TEST

START_TEST(the_end_of_the_client_deregisters_all)
{
	struct svcd_instance in = {.service = "web"};
	struct svcd_registration *r;

	registered();
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(svcd_register(client, &in, NULL, &r), 0);
		ck_assert_int_eq(svcd_registration_wait(r, 10000, NULL), 0);
	}
	svcd_client_free(client);
	client = NULL;
	ck_assert_uint_eq(fake_count(fake, "deregister"), 51);
	record_expect(record, "deregistered");
}
END_TEST

static int64_t ms_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 +
		(now.tv_nsec - start->tv_nsec) / 1000000;
}

START_TEST(the_end_of_the_client_does_not_wait_for_a_registry_that_is_not_there)
{
	struct timespec start;

	registered();
	fake_away(fake);
	record_expect(record, "registering");
	while (svcd_client_wait(client, 10000) == 0)
		;
	clock_gettime(CLOCK_MONOTONIC, &start);
	svcd_client_free(client);
	client = NULL;
	ck_assert_int_lt(ms_since(&start), 900);
	record_expect(record, "deregistered");
}
END_TEST

START_TEST(the_end_of_the_client_waits_a_second_for_a_registry_that_is_silent)
{
	struct timespec start;

	registered();
	fake_rule(fake, "deregister", FAKE_SILENT, NULL);
	clock_gettime(CLOCK_MONOTONIC, &start);
	svcd_client_free(client);
	client = NULL;
	ck_assert_int_ge(ms_since(&start), 900);
}
END_TEST

START_TEST(a_lease_without_registrations_is_forgotten)
{
	fake_set_interval(fake, 10);
	registered();
	ck_assert_int_eq(svcd_deregister(reg, 10000), 0);
	fake_set_interval(fake, 10000);
	/* The lease was still there, or it was given up and there is a new one; both are
	 * fine. */
	for (int i = 0; i < 3; i++) {
		register_web();
		record_expect(record, "registered");
		ck_assert_int_eq(svcd_deregister(reg, 10000), 0);
	}
}
END_TEST

START_TEST(bad_instances_are_refused_at_once)
{
	struct svcd_instance in = {.service = NULL};

	ck_assert_int_eq(svcd_register(client, &in, NULL, &reg), SVCD_EINVAL);
	ck_assert_int_eq(svcd_register(client, NULL, NULL, &reg), SVCD_EINVAL);
	ck_assert_int_eq(svcd_register(client, &web, NULL, NULL), SVCD_EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client registrations");
	TCase *tc = unit_case(s, "register");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, an_instance_is_registered_under_a_lease);
	tcase_add_test(tc, registrations_of_one_kind_share_a_lease);
	tcase_add_test(tc, an_id_is_made_of_host_process_and_a_number);
	tcase_add_test(tc, the_lease_is_renewed_as_often_as_the_registry_says);
	tcase_add_test(tc, a_renewal_that_fails_is_tried_again);
	tcase_add_loop_test(
		tc, a_registration_survives_what_may_be_survived, 0, LENGTH(lives));
	tcase_add_test(tc, after_a_lost_lease_the_known_incarnation_is_told);
	tcase_add_loop_test(tc, the_first_register_may_fail, 0, LENGTH(firsts));
	tcase_add_test(tc, a_lease_that_is_refused_refuses_its_registrations);
	tcase_add_test(tc, a_wait_that_is_in_vain_says_why);
	tcase_add_test(tc, an_update_is_registered_under_the_same_lease);
	tcase_add_test(tc, an_update_survives_an_outage);
	tcase_add_test(tc, an_update_that_is_refused_leaves_what_was);
	tcase_add_test(tc, another_instance_is_no_update);
	tcase_add_test(tc, many_updates_become_few);
	tcase_add_test(tc, draining_is_told_with_its_reason);
	tcase_add_test(tc, draining_survives_a_lost_lease);
	tcase_add_loop_test(tc, draining_may_fail, 0, LENGTH(drains));
	tcase_add_loop_test(
		tc, deregistering_waits_for_the_answer, 0, LENGTH(departures));
	tcase_add_test(tc, deregistering_without_waiting_is_still_done);
	tcase_add_test(tc, deregistering_waits_no_longer_than_it_may_and_is_done_later);
	tcase_add_test(tc, what_never_was_there_needs_no_deregister);
	tcase_add_test(tc, a_register_in_flight_is_awaited_before_deregistering);
	tcase_add_test(tc, a_register_whose_answer_was_lost_is_deregistered_too);
	tcase_add_test(tc, a_callback_may_deregister);
	tcase_add_test(tc, deregistering_what_the_end_of_the_client_has_ended_is_nothing);
	tcase_add_test(tc, the_end_of_the_client_deregisters_all);
	tcase_add_test(
		tc, the_end_of_the_client_does_not_wait_for_a_registry_that_is_not_there);
	tcase_add_test(
		tc, the_end_of_the_client_waits_a_second_for_a_registry_that_is_silent);
	tcase_add_test(tc, a_lease_without_registrations_is_forgotten);
	tcase_add_test(tc, bad_instances_are_refused_at_once);
	return unit_run(s);
}
