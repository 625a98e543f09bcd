/* The client's connection and calls, against a registry that misbehaves as it is told. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test_client.h"

#define MANY 40

/* ---- the connection ---------------------------------------------------- */

START_TEST(hello_says_who_we_are)
{
	struct svcd_options o = {
		.servers = fake_addr(fake), .name = "app", .token = "secret"};

	ck_assert_int_eq(svcd_client_new(&o, &client), 0);
	ck_assert_int_eq(svcd_client_wait(client, 10000), 0);
	ck_assert_str_eq(
		fake_params(fake, "hello", 0), "{version:1,client:'app',token:'secret'}");
}
END_TEST

START_TEST(a_name_that_cannot_be_shown_is_replaced)
{
	struct svcd_options o = {.servers = fake_addr(fake), .name = "a\nb"};

	ck_assert_int_eq(svcd_client_new(&o, &client), 0);
	fake_wait(fake, "hello", 1);
	ck_assert_str_eq(fake_params(fake, "hello", 0), "{version:1,client:'client'}");
}
END_TEST

START_TEST(bad_options_are_refused)
{
	struct svcd_options o = {.servers = "unix:"};

	ck_assert_int_eq(svcd_client_new(&o, &client), SVCD_EINVAL);
	o.servers = "tcp:1.2.3.4:70000";
	ck_assert_int_eq(svcd_client_new(&o, &client), SVCD_EINVAL);
	ck_assert_int_eq(svcd_client_new(&o, NULL), SVCD_EINVAL);
	ck_assert_ptr_null(client);
	svcd_client_free(NULL);
}
END_TEST

/* fake_addr's port on another loopback address: nobody listens there. */
static void nobody(char out[64])
{
	snprintf(out, 64, "tcp:127.0.0.2:%s", strrchr(fake_addr(fake), ':') + 1);
}

START_TEST(every_member_that_cannot_be_reached_is_named)
{
	char text[256], expected[256], other[64], servers[256];

	nobody(other);
	snprintf(servers, sizeof(servers), "unix:/nowhere/svcd.sock,%s", other);
	client = client_of(servers, &quick);
	ck_assert_int_eq(svcd_client_wait(client, 10000), SVCD_EUNREACHABLE);
	svcd_client_trouble(client, text, sizeof(text));
	snprintf(expected, sizeof(expected),
		"no member can be reached: unix:/nowhere/svcd.sock: no such file or directory; "
		"%s: connection refused",
		other);
	ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(the_next_member_is_tried)
{
	char other[64], servers[256];

	nobody(other);
	snprintf(servers, sizeof(servers), "%s,unix:/nowhere/svcd.sock,%s", other,
		fake_addr(fake));
	client = client_of(servers, &quick);
	ck_assert_int_eq(svcd_client_wait(client, 10000), 0);
}
END_TEST

START_TEST(a_host_name_is_looked_up)
{
	char servers[64];

	/* "localhost" itself is numeric to us; this name is one that every system has to
	 * map to it. */
	snprintf(servers, sizeof(servers), "LOCALHOST:%s",
		strrchr(fake_addr(fake), ':') + 1);
	client = client_of(servers, &quick);
	ck_assert_int_eq(svcd_client_wait(client, 10000), 0);
}
END_TEST

START_TEST(a_host_that_does_not_exist_is_explained)
{
	char text[256];

	client = client_of("svcd.invalid:1", &quick);
	ck_assert_int_eq(svcd_client_wait(client, 10000), SVCD_EUNREACHABLE);
	svcd_client_trouble(client, text, sizeof(text));
	ck_assert_msg(
		strncmp(text, "no member can be reached: tcp:svcd.invalid:1: ", 46) == 0,
		"%s", text);
}
END_TEST

static const struct {
	enum fake_do what;
	const char *text;
	int code;
	const char *trouble; /* behind the address */
} greetings[] = {
	{FAKE_ERROR, "{name:'denied',text:'no such token'}", SVCD_EDENIED,
		": no such token"},
	{FAKE_ERROR, "{name:'version',text:'too new'}", SVCD_EVERSION, ": too new"},
	{FAKE_ERROR, "{name:'limit',text:'too many connections'}", SVCD_EUNREACHABLE,
		": too many connections"},
	{FAKE_DROP, NULL, SVCD_EUNREACHABLE, ": it closed the connection"},
	{FAKE_BYTES, "HTTP/1.1 400 Bad Request\r\n\r\n", SVCD_EUNREACHABLE,
		": it sent something that this client does not understand"},
	{FAKE_BYTES, "\x01 a head svcdpeer", SVCD_EUNREACHABLE,
		": this is its port for members: clients use another one, 7820 unless "
		"svcd was told otherwise"},
	{FAKE_SILENT, NULL, SVCD_EUNREACHABLE, ": no answer in time"},
};

START_TEST(a_hello_that_fails_is_explained_and_tried_again)
{
	struct svcd_options o = {.servers = fake_addr(fake), .connect_timeout_ms = 50};
	char text[256];

	fake_rule(fake, "hello", greetings[_i].what, greetings[_i].text);
	ck_assert_int_eq(client_new(&o, &quick, &client), 0);
	while (svcd_client_wait(client, 10000) != 0)
		;
	ck_assert_uint_eq(fake_count(fake, "hello"), 2);
	svcd_client_trouble(client, text, sizeof(text));
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(the_trouble_of_a_hello_is_kept_until_it_is_over)
{
	struct client_tuning slow = {.backoff_min_ms = 60000, .backoff_max_ms = 60000};
	struct svcd_options o = {.servers = fake_addr(fake), .connect_timeout_ms = 50};
	char text[256], expected[256];

	fake_rule(fake, "hello", greetings[_i].what, greetings[_i].text);
	ck_assert_int_eq(client_new(&o, &slow, &client), 0);
	ck_assert_int_eq(svcd_client_wait(client, 10000), greetings[_i].code);
	svcd_client_trouble(client, text, sizeof(text));
	snprintf(expected, sizeof(expected), "no member can be reached: %s%s",
		fake_addr(fake), greetings[_i].trouble);
	ck_assert_str_eq(text, expected);
	svcd_client_trouble(client, text, 5);
	ck_assert_str_eq(text, "no m");
}
END_TEST

START_TEST(a_member_that_asks_for_time_is_left_alone_for_it)
{
	struct timespec before, after;
	int64_t ms;

	fake_rule(fake, "hello", FAKE_ERROR,
		"{name:'busy',text:'later',retry_after_ms:150}");
	client = client_of(fake_addr(fake), &quick);
	fake_wait(fake, "hello", 1);
	clock_gettime(CLOCK_MONOTONIC, &before);
	fake_wait(fake, "hello", 2);
	clock_gettime(CLOCK_MONOTONIC, &after);
	ms = (after.tv_sec - before.tv_sec) * 1000 +
		(after.tv_nsec - before.tv_nsec) / 1000000;
	ck_assert_int_ge(ms, 100);
}
END_TEST

START_TEST(a_lost_connection_is_made_again)
{
	for (unsigned n = 1; n <= 5; n++) {
		fake_wait(fake, "hello", n);
		ck_assert_int_eq(svcd_client_wait(client, 10000), 0);
		fake_drop(fake);
	}
	fake_wait(fake, "hello", 6);
}
END_TEST

START_TEST(a_member_that_went_away_comes_back)
{
	ck_assert_int_eq(svcd_client_wait(client, 10000), 0);
	fake_away(fake);
	while (svcd_client_wait(client, 10000) == 0)
		;
	fake_back(fake);
	fake_wait(fake, "hello", 2);
	while (svcd_client_wait(client, 10000) != 0)
		;
}
END_TEST

START_TEST(after_a_loss_the_next_member_comes_first)
{
	struct fake *second = fake_start();
	char servers[128];

	snprintf(servers, sizeof(servers), "%s,%s", fake_addr(fake), fake_addr(second));
	client = client_of(servers, &quick);
	fake_wait(fake, "hello", 1);
	ck_assert_int_eq(svcd_client_wait(client, 10000), 0);
	fake_drop(fake);
	fake_wait(second, "hello", 1);
	fake_drop(second);
	fake_wait(fake, "hello", 2);
	svcd_client_free(client);
	client = NULL;
	fake_stop(second);
}
END_TEST

START_TEST(a_member_that_fell_silent_is_noticed)
{
	struct client_tuning t = {.backoff_min_ms = 1,
		.backoff_max_ms = 5,
		.ping_ms = 10,
		.ping_wait_ms = 300};

	client = client_of(fake_addr(fake), &t);
	fake_wait(fake, "ping", 3);
	ck_assert_uint_eq(fake_count(fake, "hello"), 1);
	for (int i = 0; i < 50; i++)
		fake_rule(fake, "ping", FAKE_SILENT, NULL);
	fake_wait(fake, "hello", 2);
}
END_TEST

START_TEST(a_client_ends_while_it_dials)
{
	fake_rule(fake, "hello", FAKE_SILENT, NULL);
	client = client_of(fake_addr(fake), &quick);
	fake_wait(fake, "hello", 1);
	svcd_client_free(client);
	client = client_of(fake_addr(fake), &quick);
	svcd_client_free(client);
	client = client_of("svcd.invalid", &quick);
	svcd_client_free(client);
	client = NULL;
}
END_TEST

/* ---- calls ------------------------------------------------------------- */

static int call(const char *method, uint32_t timeout_ms, struct svcd_fault *fault)
{
	struct svcd_value *result = NULL;
	int rv = svcd_call(client, method, NULL, timeout_ms, &result, fault);

	ck_assert((rv == 0) == (result != NULL));
	svcd_value_free(result);
	return rv;
}

START_TEST(a_call_brings_the_result)
{
	struct svcd_value *params = svcd_value_new_map();
	struct svcd_value *result = NULL;

	fake_rule(fake, "status", FAKE_ANSWER, "{version:'9',checks:[1,{a:-2}]}");
	ck_assert_int_eq(svcd_value_set_str(params, "detail", "all"), 0);
	ck_assert_int_eq(svcd_call(client, "status", params, 0, &result, NULL), 0);
	ck_assert_str_eq(fake_params(fake, "status", 0), "{detail:'all'}");
	ck_assert_str_eq(svcd_value_str(svcd_value_get(result, "version"), "?"), "9");
	ck_assert_str_eq(svcd_value_str(svcd_value_get(result, "source"), "?"), "leader");
	svcd_value_free(result);
	svcd_value_free(params);
}
END_TEST

/* What happens to a call, by its method and by what the registry does. */
static const struct {
	const char *method;
	struct {
		enum fake_do what;
		const char *text;
	} rules[4];
	size_t n_rules;
	int code;
	const char *text;
	unsigned sent;
} fates[] = {
	{"get", {{FAKE_ERROR, "{name:'no_service',text:'no service db'}"}}, 1,
		SVCD_ENOSERVICE, "no service db", 1},
	{"get",
		{{FAKE_ERROR, "{name:'busy',text:'b'}"},
			{FAKE_ERROR, "{name:'not_ready',text:'n'}"}},
		2, 0, "", 3},
	{"get", {{FAKE_DROP, NULL}, {FAKE_DROP, NULL}}, 2, 0, "", 3},
	{"update",
		{{FAKE_ERROR, "{name:'no_leader',text:'n'}"},
			{FAKE_ERROR, "{name:'unknown_outcome',text:'u'}"}},
		2, 0, "", 3},
	{"update",
		{{FAKE_CHANGE, NULL}, {FAKE_DROP, NULL},
			{FAKE_ERROR, "{name:'busy',text:'b'}"}},
		3, 0, "", 4},
	{"update", {{FAKE_DROP, NULL}, {FAKE_ERROR, "{name:'floor',text:'too few'}"}}, 2,
		SVCD_EFLOOR, "too few", 2},
	{"new_method", {{FAKE_ERROR, "{name:'busy',text:'b'}"}}, 1, SVCD_EBUSY, "b", 1},
	{"new_method", {{FAKE_DROP, NULL}}, 1, SVCD_EUNKNOWN,
		"new_method: the connection ended before the answer came", 1},
	{"get", {{FAKE_BYTES, "\xc1"}}, 1, 0, "", 2},
};

START_TEST(a_call_is_repeated_as_far_as_its_method_allows)
{
	struct svcd_fault fault = {0};

	for (size_t i = 0; i < fates[_i].n_rules; i++)
		fake_rule(fake, fates[_i].method, fates[_i].rules[i].what,
			fates[_i].rules[i].text);
	ck_assert_int_eq(call(fates[_i].method, 10000, &fault), fates[_i].code);
	ck_assert_str_eq(fault.text, fates[_i].text);
	ck_assert_uint_eq(fake_count(fake, fates[_i].method), fates[_i].sent);
}
END_TEST

START_TEST(a_call_that_ends_every_connection_is_given_up)
{
	struct svcd_fault fault;

	for (int i = 0; i < 20; i++)
		fake_rule(fake, "get", FAKE_DROP, NULL);
	ck_assert_int_eq(call("get", 60000, &fault), SVCD_ECLOSED);
	ck_assert_str_eq(
		fault.text, "get: the connection ended 5 times before the answer came");
}
END_TEST

START_TEST(a_repeated_write_has_the_same_number_and_the_next_one_another)
{
	char first[128];

	fake_rule(fake, "update", FAKE_CHANGE, NULL);
	fake_rule(fake, "update", FAKE_ERROR, "{name:'unknown_outcome',text:'u'}");
	ck_assert_int_eq(call("update", 10000, NULL), 0);
	snprintf(first, sizeof(first), "%s", fake_params(fake, "update", 0));
	ck_assert_str_eq(fake_params(fake, "update", 1), first);
	ck_assert_str_eq(fake_params(fake, "update", 2), first);
	ck_assert_ptr_nonnull(strstr(first, "seq:1"));
	ck_assert_int_eq(call("service_set", 10000, NULL), 0);
	ck_assert_ptr_nonnull(strstr(fake_params(fake, "service_set", 0), "seq:2"));
	ck_assert_int_eq(call("get", 10000, NULL), 0);
	ck_assert_str_eq(fake_params(fake, "get", 0), "{}");
}
END_TEST

START_TEST(a_session_of_the_application_is_its_own)
{
	struct svcd_value *params = svcd_value_new_map();

	fake_rule(fake, "update", FAKE_ERROR, "{name:'busy',text:'b'}");
	ck_assert_int_eq(svcd_value_set_uint(params, "session", 5), 0);
	ck_assert_int_eq(svcd_value_set_uint(params, "seq", 9), 0);
	ck_assert_int_eq(svcd_call(client, "update", params, 0, NULL, NULL), SVCD_EBUSY);
	ck_assert_str_eq(fake_params(fake, "update", 0), "{session:5,seq:9}");
	svcd_value_free(params);
}
END_TEST

static const struct {
	const char *method;
	enum fake_do what;
	const char *text;
	int code;
	const char *why;
} timeouts[] = {
	{"get", FAKE_SILENT, NULL, SVCD_ETIMEOUT, "get: no answer within 60 ms"},
	{"update", FAKE_SILENT, NULL, SVCD_EUNKNOWN,
		"update: no answer within 60 ms; it may have been applied"},
	{"update", FAKE_ERROR,
		"{name:'no_leader',text:'no leader now',retry_after_ms:1000}",
		SVCD_ENOLEADER, "no leader now"},
	{"get", FAKE_ERROR, "{name:'busy',text:'too many',retry_after_ms:1000}",
		SVCD_EBUSY, "too many"},
};

START_TEST(a_call_that_ran_out_of_time_says_what_is_known)
{
	struct svcd_fault fault = {0};

	ck_assert_int_eq(svcd_client_wait(client, 10000), 0);
	fake_rule(fake, timeouts[_i].method, timeouts[_i].what, timeouts[_i].text);
	ck_assert_int_eq(call(timeouts[_i].method, 60, &fault), timeouts[_i].code);
	ck_assert_str_eq(fault.text, timeouts[_i].why);
}
END_TEST

START_TEST(a_call_that_nobody_took_says_why)
{
	char other[64], expected[256];
	struct svcd_fault fault;

	nobody(other);
	client = client_of(other, &quick);
	ck_assert_int_eq(call("update", 50, &fault), SVCD_EUNREACHABLE);
	snprintf(expected, sizeof(expected),
		"no member can be reached: %s: connection refused", other);
	ck_assert_str_eq(fault.text, expected);
}
END_TEST

START_TEST(a_client_that_is_not_let_in_does_not_wait)
{
	struct svcd_fault fault;

	for (int i = 0; i < 100; i++)
		fake_rule(fake, "hello", FAKE_ERROR,
			"{name:'denied',text:'no such token'}");
	client = client_of(fake_addr(fake), &quick);
	ck_assert_int_eq(call("status", 60000, &fault), SVCD_EDENIED);
}
END_TEST

START_TEST(some_calls_are_refused_at_once)
{
	struct svcd_value *list = svcd_value_new_array();
	struct svcd_value *big = svcd_value_new_map();
	struct svcd_value *many;
	char *text = calloc(1, 1 << 20);
	struct svcd_fault fault = {0};

	memset(text, 'x', (1 << 20) - 1);
	ck_assert_int_eq(svcd_value_set_str(big, "x", text), 0);
	ck_assert_int_eq(svcd_call(client, "get", big, 0, NULL, &fault), SVCD_ETOOBIG);
	ck_assert_int_eq(fault.code, SVCD_ETOOBIG);
	many = svcd_value_new_array();
	for (int i = 0; i < 65536; i++)
		ck_assert_int_eq(svcd_value_set_bool(many, NULL, true), 0);
	ck_assert_int_eq(svcd_value_set(big, "x", many), 0);
	ck_assert_int_eq(svcd_call(client, "get", big, 0, NULL, NULL), SVCD_ETOOBIG);
	ck_assert_int_eq(svcd_call(client, "get", list, 0, NULL, NULL), SVCD_EINVAL);
	ck_assert_int_eq(svcd_call(client, "watch", NULL, 0, NULL, NULL), SVCD_EINVAL);
	ck_assert_int_eq(svcd_call(client, "hello", NULL, 0, NULL, NULL), SVCD_EINVAL);
	ck_assert_int_eq(svcd_call(client, "", NULL, 0, NULL, NULL), SVCD_EINVAL);
	ck_assert_int_eq(svcd_call(client, NULL, NULL, 0, NULL, NULL), SVCD_EINVAL);
	ck_assert_int_eq(
		svcd_call_async(client, "get", NULL, 0, NULL, NULL), SVCD_EINVAL);
	svcd_value_free(big);
	svcd_value_free(list);
	free(text);
}
END_TEST

static void on_call_again(
	void *arg, const struct svcd_fault *fault, const struct svcd_value *result)
{
	struct svcd_fault f = {0};

	(void)fault;
	(void)result;
	ck_assert_int_eq(svcd_call(client, "get", NULL, 0, NULL, &f), SVCD_EINVAL);
	ck_assert_int_eq(svcd_client_wait(client, 0), SVCD_EINVAL);
	ck_assert_int_eq(svcd_call_async(client, "get", NULL, 0, record_on_call, arg), 0);
}

START_TEST(a_callback_calls_without_waiting)
{
	ck_assert_int_eq(
		svcd_call_async(client, "get", NULL, 0, on_call_again, record), 0);
	record_expect(record, "ok");
}
END_TEST

START_TEST(open_calls_are_cancelled_at_the_end)
{
	fake_rule(fake, "get", FAKE_SILENT, NULL);
	fake_rule(fake, "update", FAKE_ERROR,
		"{name:'busy',text:'b',retry_after_ms:60000}");
	ck_assert_int_eq(
		svcd_call_async(client, "get", NULL, 60000, record_on_call, record), 0);
	ck_assert_int_eq(
		svcd_call_async(client, "update", NULL, 60000, record_on_call, record),
		0);
	fake_wait(fake, "get", 1);
	fake_wait(fake, "update", 1);
	fake_away(fake);
	ck_assert_int_eq(
		svcd_call_async(client, "get", NULL, 60000, record_on_call, record), 0);
	svcd_client_free(client);
	client = NULL;
	for (int i = 0; i < 3; i++)
		record_expect(record,
			"cancelled: the client was closed before the answer came");
	ck_assert_uint_eq(record_unread(record), 0);
}
END_TEST

START_TEST(no_more_writes_are_open_than_the_registry_remembers)
{
	fake_rule(
		fake, "update", FAKE_ERROR, "{name:'busy',text:'b',retry_after_ms:300}");
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(svcd_call_async(client, "update", NULL, 10000,
					 record_on_call, record),
			0);
	ck_assert_int_eq(
		svcd_call_async(client, "get", NULL, 10000, record_on_call, record), 0);
	fake_wait(fake, "update", CALL_WINDOW);
	fake_wait(fake, "get", 1);
	ck_assert_uint_eq(fake_count(fake, "update"), CALL_WINDOW);
	for (int i = 0; i < MANY + 1; i++)
		record_expect(record, "ok");
	ck_assert_uint_eq(fake_count(fake, "update"), MANY + 1);
}
END_TEST

START_TEST(many_reads_wait_for_their_turn)
{
	for (int i = 0; i < 2000; i++)
		ck_assert_int_eq(svcd_call_async(client, "get", NULL, 10000,
					 record_on_call, record),
			0);
	for (int i = 0; i < 2000; i++)
		record_expect(record, "ok");
}
END_TEST

static const struct {
	const char *method, *answer;
} of_no_use[] = {
	{"update", "{name:'no_leader',text:'n'}"},
	{"get", "{name:'no_leader',text:'n'}"},
	{"get", "{name:'not_ready',text:'n'}"},
	{"update", "{name:'not_ready',text:'n'}"},
};

START_TEST(a_member_that_is_of_no_use_for_long_is_left)
{
	const char *method = of_no_use[_i].method;
	struct client_tuning t = {
		.backoff_min_ms = 1, .backoff_max_ms = 5, .no_leader_ms = 30};
	struct fake *second = fake_start();
	char servers[128];

	snprintf(servers, sizeof(servers), "%s,%s", fake_addr(fake), fake_addr(second));
	for (int i = 0; i < 200; i++)
		fake_rule(fake, method, FAKE_ERROR, of_no_use[_i].answer);
	client = client_of(servers, &t);
	ck_assert_int_eq(call(method, 10000, NULL), 0);
	ck_assert_uint_eq(fake_count(second, method), 1);
	svcd_client_free(client);
	client = NULL;
	fake_stop(second);
}
END_TEST

START_TEST(a_member_whose_state_is_wrong_is_left)
{
	struct client_tuning t = {.backoff_min_ms = 1, .backoff_max_ms = 5};
	struct fake *second = fake_start();
	char servers[128];

	snprintf(servers, sizeof(servers), "%s,%s", fake_addr(fake), fake_addr(second));
	fake_rule(fake, "get", FAKE_ERROR, "{name:'corrupt',text:'it differs'}");
	client = client_of(servers, &t);
	ck_assert_int_eq(call("get", 10000, NULL), 0);
	ck_assert_uint_eq(fake_count(fake, "get"), 1);
	ck_assert_uint_eq(fake_count(second, "get"), 1);
	svcd_client_free(client);
	/* with nowhere to go it is an error like others */
	client = client_of(fake_addr(fake), &t);
	fake_rule(fake, "get", FAKE_ERROR, "{name:'corrupt',text:'it differs'}");
	ck_assert_int_eq(call("get", 10000, NULL), SVCD_ECORRUPT);
	svcd_client_free(client);
	client = NULL;
	fake_stop(second);
}
END_TEST

static void *call_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(svcd_call(client, i % 2 ? "get" : "update", NULL, 10000,
					 NULL, NULL),
			0);
	return NULL;
}

START_TEST(many_threads_call_at_once)
{
	pthread_t threads[8];

	for (size_t i = 0; i < LENGTH(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, NULL), 0);
	fake_drop(fake);
	for (size_t i = 0; i < LENGTH(threads); i++)
		pthread_join(threads[i], NULL);
}
END_TEST

/* ---- on the application's event_base ----------------------------------- */

static void run_until(struct event_base *base, size_t lines)
{
	while (record_unread(record) < lines)
		ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
}

START_TEST(a_borrowed_base_runs_the_client)
{
	struct event_base *base = event_base_new();
	struct svcd_options o = {.servers = fake_addr(fake), .event_base = base};
	struct svcd_instance in = {.service = "web", .id = "a", .weight = 1};
	struct svcd_register_options ro = {.on_state = record_on_state, .arg = record};
	struct svcd_registration *r;
	const struct svcd_set *set;
	struct svcd_query q = {.service = "web"};
	struct svcd_watch *w;

	ck_assert_int_eq(client_new(&o, &quick, &client), 0);
	ck_assert_int_eq(svcd_client_wait(client, 1000), SVCD_EINVAL);
	ck_assert_int_eq(svcd_call(client, "get", NULL, 0, NULL, NULL), SVCD_EINVAL);
	ck_assert_int_eq(svcd_resolve(client, &q, 0, &set, NULL), SVCD_EINVAL);
	ck_assert_int_eq(
		svcd_call_async(client, "get", NULL, 0, record_on_call, record), 0);
	run_until(base, 1);
	record_expect(record, "ok");
	ck_assert_int_eq(svcd_register(client, &in, &ro, &r), 0);
	ck_assert_int_eq(svcd_registration_wait(r, 1000, NULL), SVCD_EINVAL);
	ck_assert_int_eq(svcd_deregister(r, 1000), SVCD_EINVAL);
	run_until(base, 1);
	record_expect(record, "registered");
	ck_assert_int_eq(svcd_watch(client, NULL, "web", record_on_watch, record, &w), 0);
	while (fake_count(fake, "watch") == 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
	fake_snapshot(fake, "web", 5, "[{id:'a',state:'up'}]");
	run_until(base, 1);
	record_expect(record, "snapshot 5 a");
	svcd_unwatch(w);
	svcd_client_free(client);
	client = NULL;
	fake_wait(fake, "deregister", 1);
	record_expect(record, "deregistered");
	/* Nothing is left on it. */
	ck_assert_int_eq(event_base_loop(base, EVLOOP_NONBLOCK), 1);
	event_base_free(base);
}
END_TEST

START_TEST(a_borrowed_base_outlives_a_client_that_never_connected)
{
	struct event_base *base = event_base_new();
	struct svcd_options o = {
		.servers = "unix:/nowhere/svcd.sock,svcd.invalid", .event_base = base};

	ck_assert_int_eq(client_new(&o, &quick, &client), 0);
	ck_assert_int_eq(
		svcd_call_async(client, "get", NULL, 0, record_on_call, record), 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_loop(base, EVLOOP_NONBLOCK);
	svcd_client_free(client);
	client = NULL;
	record_expect(record, "cancelled: the client was closed before the answer came");
	event_base_free(base);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client");
	TCase *alone = unit_case(s, "without a client at first");
	TCase *tc = unit_case(s, "with a client");

	tcase_add_checked_fixture(alone, begin_without_client, end);
	tcase_add_test(alone, hello_says_who_we_are);
	tcase_add_test(alone, a_name_that_cannot_be_shown_is_replaced);
	tcase_add_test(alone, bad_options_are_refused);
	tcase_add_test(alone, every_member_that_cannot_be_reached_is_named);
	tcase_add_test(alone, the_next_member_is_tried);
	tcase_add_test(alone, a_host_name_is_looked_up);
	tcase_add_test(alone, a_host_that_does_not_exist_is_explained);
	tcase_add_loop_test(alone, a_hello_that_fails_is_explained_and_tried_again, 0,
		LENGTH(greetings));
	tcase_add_loop_test(alone, the_trouble_of_a_hello_is_kept_until_it_is_over, 0,
		LENGTH(greetings));
	tcase_add_test(alone, a_member_that_asks_for_time_is_left_alone_for_it);
	tcase_add_test(alone, after_a_loss_the_next_member_comes_first);
	tcase_add_test(alone, a_member_that_fell_silent_is_noticed);
	tcase_add_test(alone, a_client_ends_while_it_dials);
	tcase_add_test(alone, a_call_that_nobody_took_says_why);
	tcase_add_test(alone, a_client_that_is_not_let_in_does_not_wait);
	tcase_add_loop_test(
		alone, a_member_that_is_of_no_use_for_long_is_left, 0, LENGTH(of_no_use));
	tcase_add_test(alone, a_member_whose_state_is_wrong_is_left);
	tcase_add_test(alone, a_borrowed_base_runs_the_client);
	tcase_add_test(alone, a_borrowed_base_outlives_a_client_that_never_connected);

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_lost_connection_is_made_again);
	tcase_add_test(tc, a_member_that_went_away_comes_back);
	tcase_add_test(tc, a_call_brings_the_result);
	tcase_add_loop_test(
		tc, a_call_is_repeated_as_far_as_its_method_allows, 0, LENGTH(fates));
	tcase_add_test(tc, a_call_that_ends_every_connection_is_given_up);
	tcase_add_test(tc, a_repeated_write_has_the_same_number_and_the_next_one_another);
	tcase_add_test(tc, a_session_of_the_application_is_its_own);
	tcase_add_loop_test(
		tc, a_call_that_ran_out_of_time_says_what_is_known, 0, LENGTH(timeouts));
	tcase_add_test(tc, some_calls_are_refused_at_once);
	tcase_add_test(tc, a_callback_calls_without_waiting);
	tcase_add_test(tc, open_calls_are_cancelled_at_the_end);
	tcase_add_test(tc, no_more_writes_are_open_than_the_registry_remembers);
	tcase_add_test(tc, many_reads_wait_for_their_turn);
	tcase_add_test(tc, many_threads_call_at_once);
	return unit_run(s);
}
