/* Every method and every error of the protocol, over a Unix socket and TCP, against a
 * whole server in this process. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../unit/unit.h"
#include "../unit/notation.h"
#include "rpc_fixture.h"

static struct fixture f;
static struct rpc *c;

static void setup(void)
{
	fixture_init(&f);
	fixture_start(&f);
	c = rpc_open(&f.unix_addr);
}

static void teardown(void)
{
	rpc_close(c);
	fixture_stop(&f);
}

/* A call that must succeed. */
#define ok(...) ck_assert_msg(rpc_call(c, __VA_ARGS__) == 0, "%s", rpc_text(c, ""))

static uint64_t grant(void)
{
	ok("lease_grant", "{ttl_ms:60000}");
	return rpc_u64(c, "lease");
}

/* ---- greeting ---------------------------------------------------------- */

START_TEST(hello_says_who_speaks)
{
	struct rpc *other = rpc_dial(&f.tcp_addr);

	ck_assert_int_eq(rpc_call(other, "hello",
				 "{version:1,client:'web-1',features:['x'],unheard:[1]}"),
		0);
	ck_assert_str_eq(rpc_text(other, "version"), "1");
	ck_assert_str_eq(rpc_text(other, "server"), "'svcd " SVCD_VERSION "'");
	ck_assert_str_eq(rpc_text(other, "role"), "'leader'");
	ck_assert_str_eq(rpc_text(other, "source"), "'leader'");
	ck_assert_str_eq(
		rpc_text(other, "limits"), "{frame_bytes:1048576,batch:1000,depth:16}");
	ck_assert_uint_eq(strlen(rpc_text(other, "cluster")), 18);
	ck_assert_uint_eq(strlen(rpc_text(other, "node")), 18);
	rpc_close(other);
}
END_TEST

START_TEST(nothing_is_answered_before_hello)
{
	static const char *const methods[] = {
		"ping", "resolve", "status", "no-such-method"};

	for (size_t i = 0; i < LENGTH(methods); i++) {
		struct rpc *other = rpc_dial(&f.tcp_addr);

		ck_assert_int_eq(
			rpc_call(other, methods[i], "{service:'web'}"), SVCD_EPROTOCOL);
		rpc_closed(other);
		rpc_close(other);
	}
}
END_TEST

START_TEST(another_version_is_refused_in_words)
{
	struct rpc *other = rpc_dial(&f.tcp_addr);

	ck_assert_int_eq(rpc_call(other, "hello", "{version:2}"), SVCD_EVERSION);
	ck_assert_str_eq(rpc_text(other, "text"),
		"'protocol version 2 is asked for, this server speaks 1'");
	ck_assert_int_eq(rpc_call(other, "hello", "{}"), SVCD_EINVAL);
	ck_assert_int_eq(rpc_call(other, "hello", "{version:1}"), 0);
	ck_assert_int_eq(rpc_call(other, "hello", "{version:1}"), SVCD_EPROTOCOL);
	ck_assert_int_eq(rpc_call(other, "ping", "{}"), 0);
	rpc_close(other);
}
END_TEST

/* ---- one round trip of everything -------------------------------------- */

START_TEST(what_is_registered_is_resolved_and_gone_when_deregistered)
{
	ok("register",
		"{instances:[{service:'web',id:'a',addresses:['10.0.0.1'],ports:{http:{port:80}}},"
		"{service:'web',id:'b',tags:['x']}]}");
	ck_assert_str_eq(rpc_text(c, "incarnations"), "[1,1]");
	ck_assert_str_eq(rpc_text(c, "rev"), "1");
	ok("resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "instances.0.addresses"), "['10.0.0.1']");
	ck_assert_str_eq(rpc_text(c, "instances.1.addresses"), "['127.0.0.1']");
	ck_assert_str_eq(rpc_text(c, "presence"), "'present'");
	ok("deregister", "{service:'web',id:'a'}");
	ck_assert_str_eq(rpc_text(c, "removed"), "1");
	ok("resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "instances.0.id"), "'b'");
	ck_assert_str_eq(rpc_text(c, "count"), "1");
	ok("deregister", "{instances:[{service:'web',id:'b'}]}");
	ok("resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "presence"), "'no_instances'");
	ok("service_delete", "{service:'web'}");
	ck_assert_int_eq(rpc_call(c, "resolve", "{service:'web'}"), SVCD_ENOSERVICE);
}
END_TEST

START_TEST(an_address_is_the_peers_when_none_is_given)
{
	struct rpc *other = rpc_open(&f.tcp_addr);

	ck_assert_int_eq(
		rpc_call(other, "register", "{instances:[{service:'web',id:'a'}]}"), 0);
	ck_assert_int_eq(rpc_call(other, "get", "{service:'web',id:'a'}"), 0);
	ck_assert_str_eq(rpc_text(other, "instances.0.addresses"), "['127.0.0.1']");
	ck_assert_int_eq(
		strncmp(rpc_text(other, "instances.0.actor"), "'test tcp:127.0.0.1:", 20),
		0);
	rpc_close(other);
}
END_TEST

START_TEST(an_update_changes_what_it_names_and_says_why)
{
	ok("register", "{instances:[{service:'web',id:'a'}]}");
	ok("update",
		"{service:'web',id:'a',weight:7,admin:'maintenance',reason:'new "
		"disk',for_ms:600000}");
	ck_assert_str_eq(rpc_text(c, "incarnation"), "1");
	ok("get", "{service:'web',id:'a'}");
	ck_assert_str_eq(rpc_text(c, "instances.0.weight"), "7");
	ck_assert_str_eq(rpc_text(c, "instances.0.state"), "'down'");
	ck_assert_str_eq(rpc_text(c, "instances.0.cause"), "'admin'");
	ck_assert_str_eq(rpc_text(c, "instances.0.reason"), "'new disk'");
	ok("resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "presence"), "'none_healthy'");
	ok("history", "{service:'web',id:'a',limit:1}");
	ck_assert_str_eq(rpc_text(c, "events.0.what"), "'state'");
	ck_assert_str_eq(rpc_text(c, "events.0.from"), "'up'");
	ck_assert_str_eq(rpc_text(c, "events.0.to"), "'down'");
	ck_assert_str_eq(rpc_text(c, "events.0.reason"), "'new disk'");
}
END_TEST

START_TEST(settings_of_a_service_are_shown)
{
	ok("service_set", "{service:'web',floor:2,policy:'p2c',owner:'team'}");
	ok("list", "{prefix:'w'}");
	ck_assert_str_eq(rpc_text(c, "services.0.service"), "'web'");
	ck_assert_str_eq(rpc_text(c, "services.0.floor"), "2");
	ok("get", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "owner"), "'team'");
	ok("resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "policy"), "'p2c'");
}
END_TEST

START_TEST(status_counts_what_there_is)
{
	uint64_t lease = grant();

	ok("register",
		"{lease:%" PRIu64
		",instances:[{service:'web',id:'a'},{service:'db',id:'a'}]}",
		lease);
	ok("watch", "{service:'web'}");
	ok("resolve", "{service:'web'}");
	ok("resolve", "{service:'web'}");
	ok("status", "{}");
	ck_assert_str_eq(rpc_text(c, "version"), "'" SVCD_VERSION "'");
	ck_assert_str_eq(rpc_text(c, "services"), "2");
	ck_assert_str_eq(rpc_text(c, "instances"), "2");
	ck_assert_str_eq(rpc_text(c, "up"), "2");
	ck_assert_str_eq(rpc_text(c, "leases"), "1");
	ck_assert_str_eq(rpc_text(c, "sessions"), "1");
	ck_assert_str_eq(rpc_text(c, "lookups"), "2");
	ck_assert_str_eq(rpc_text(c, "lookups_kept"), "1");
	ck_assert_str_eq(rpc_text(c, "writes"), "2");
	ck_assert_str_ne(rpc_text(c, "log.last"), "");
	ck_assert_uint_gt(rpc_u64(c, "state_bytes"), 0);
	ck_assert_uint_gt(rpc_u64(c, "disk_free"), 0);
	ck_assert_uint_eq(fixture_stat(&f).watches, 1);
	ck_assert_uint_eq(fixture_stat(&f).leases, 1);
}
END_TEST

START_TEST(ping_says_the_time_for_display)
{
	ok("ping", "{}");
	ck_assert_uint_gt(rpc_u64(c, "wall_ms"), 1600000000000);
}
END_TEST

/* ---- lookups ----------------------------------------------------------- */

START_TEST(a_kept_answer_is_the_same_and_a_change_makes_a_new_one)
{
	char first[2048];

	ok("register", "{instances:[{service:'web',id:'a'}]}");
	ok("resolve", "{service:'web'}");
	snprintf(first, sizeof(first), "%s", rpc_text(c, ""));
	ok("resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, ""), first);
	ck_assert_uint_eq(fixture_stat(&f).lookups_kept, 1);
	ok("update", "{service:'web',id:'a',weight:3}");
	ok("resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "instances.0.weight"), "3");
	ck_assert_uint_eq(fixture_stat(&f).lookups_kept, 1);
}
END_TEST

START_TEST(that_a_service_is_missing_is_kept_until_it_comes)
{
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
			rpc_call(c, "resolve", "{service:'web'}"), SVCD_ENOSERVICE);
	ck_assert_uint_eq(fixture_stat(&f).lookups_kept, 2);
	ok("register", "{instances:[{service:'web',id:'a'}]}");
	ok("resolve", "{service:'web'}");
}
END_TEST

START_TEST(filters_and_pages_are_answers_of_their_own)
{
	ok("register",
		"{instances:[{service:'web',id:'a',tags:['x']},{service:'web',"
		"id:'b'},{service:'web',id:'c'}]}");
	for (int i = 0; i < 2; i++) {
		ok("resolve", "{service:'web',tags:['x']}");
		ck_assert_str_eq(rpc_text(c, "total"), "1");
		ok("resolve", "{service:'web',limit:2}");
		ck_assert_str_eq(rpc_text(c, "next"), "'b'");
		ok("resolve", "{service:'web',limit:2,after:'b'}");
		ck_assert_str_eq(rpc_text(c, "instances.0.id"), "'c'");
		ok("resolve", "{service:'web',tags:['none']}");
		ck_assert_str_eq(rpc_text(c, "presence"), "'none_match'");
	}
	ck_assert_uint_eq(fixture_stat(&f).lookups_kept, 4);
}
END_TEST

START_TEST(a_lookup_waits_for_its_revision)
{
	struct rpc *writer = rpc_open(&f.tcp_addr);
	uint32_t id;

	ok("register", "{instances:[{service:'web',id:'a'}]}");
	ok("resolve", "{service:'web',min_rev:1}");
	ck_assert_int_eq(
		rpc_call(c, "resolve", "{service:'web',min_rev:2}"), SVCD_ENOTREADY);
	ck_assert_uint_gt(rpc_u64(c, "retry_after_ms"), 0);
	ck_assert_int_eq(rpc_call(c, "resolve", "{service:'web',min_rev:2,wait_ms:30}"),
		SVCD_ENOTREADY);
	id = rpc_send(c, "resolve", "{service:'web',min_rev:3,wait_ms:20000}");
	ck_assert_int_eq(rpc_call(c, "ping", "{}"), 0);
	ck_assert_int_eq(
		rpc_call(writer, "register", "{instances:[{service:'web',id:'b'}]}"), 0);
	ck_assert_int_eq(
		rpc_call(writer, "register", "{instances:[{service:'web',id:'b'}]}"), 0);
	ck_assert_int_eq(rpc_wait(c, id), 0);
	ck_assert_uint_ge(rpc_u64(c, "rev"), 3);
	ck_assert_str_eq(rpc_text(c, "count"), "2");
	rpc_close(writer);
}
END_TEST

START_TEST(every_lookup_sees_the_writes_that_were_answered_before_it)
{
	struct rpc *reader = rpc_open(&f.tcp_addr);

	for (int i = 0; i < 300; i++) {
		char weight[16];

		ok("register", "{instances:[{service:'web',id:'a',weight:%d}]}", i);
		ck_assert_int_eq(rpc_call(reader, "resolve", "{service:'web'}"), 0);
		snprintf(weight, sizeof(weight), "%d", i);
		ck_assert_str_eq(rpc_text(reader, "instances.0.weight"), weight);
	}
	rpc_close(reader);
}
END_TEST

/* ---- writes: once, in order -------------------------------------------- */

START_TEST(a_repeated_write_is_applied_once)
{
	ok("register", "{session:77,seq:1,instances:[{service:'web',id:'a'}]}");
	ok("register", "{session:77,seq:1,instances:[{service:'web',id:'a'}]}");
	ck_assert_str_eq(rpc_text(c, "repeated"), "true");
	ck_assert_str_eq(rpc_text(c, "incarnations"), "[1]");
	ok("deregister", "{session:77,seq:2,service:'web',id:'a'}");
	ok("deregister", "{session:77,seq:2,service:'web',id:'a'}");
	ck_assert_str_eq(rpc_text(c, "removed"), "1");
	ck_assert_int_eq(
		rpc_call(c, "deregister", "{session:77,seq:3,service:'web',id:'a'}"),
		SVCD_EGONE);
	ck_assert_int_eq(
		rpc_call(c, "deregister", "{session:77,seq:3,service:'web',id:'a'}"),
		SVCD_EGONE);
}
END_TEST

START_TEST(a_sequence_number_older_than_the_window_is_stale)
{
	for (int seq = 1; seq <= 40; seq++)
		ok("register",
			"{session:5,seq:%d,instances:[{service:'web',id:'a',weight:%d}]}",
			seq, seq);
	ck_assert_int_eq(rpc_call(c, "register",
				 "{session:5,seq:1,instances:[{service:'web',id:'a'}]}"),
		SVCD_ESTALE);
}
END_TEST

START_TEST(pipelined_writes_are_applied_in_their_order)
{
	uint32_t last = 0;

	for (int i = 0; i < 1000; i++)
		last = rpc_send(c, "register",
			"{instances:[{service:'web',id:'a',weight:%d}]}", i);
	ck_assert_int_eq(rpc_wait(c, last), 0);
	ok("resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "instances.0.weight"), "999");
	ck_assert_str_eq(rpc_text(c, "rev"), "1000");
}
END_TEST

START_TEST(pipelined_reads_beyond_all_buffers_are_all_answered)
{
	const uint32_t n = 3000;
	uint32_t id = 0;
	int status;
	pid_t child;

	for (int i = 0; i < 50; i++)
		ok("register", "{instances:[{service:'web',id:'i%d',meta:{k:'%0500d'}}]}",
			i, i);
	child = fork(); /* the sender must not wait for us */
	if (child == 0) {
		for (uint32_t i = 0; i < n; i++)
			rpc_send(c, "resolve", "{service:'web'}");
		_exit(0);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t next = rpc_next(c);

		ck_assert_uint_gt(next, id);
		ck_assert_int_eq(rpc_code(c), 0);
		id = next;
	}
	waitpid(child, &status, 0);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_gt(fixture_stat(&f).bytes_out, 50000000);
}
END_TEST

/* ---- errors ------------------------------------------------------------ */

static const struct {
	const char *method, *params;
	int code;
	const char *text; /* part of it */
} errors[] = {
	{"no-such-method", "{}", SVCD_ENOMETHOD, "no-such-method"},
	{"resolve", "{}", SVCD_EINVAL, "service"},
	{"resolve", "{service:5}", SVCD_EINVAL, "service"},
	{"resolve", "{service:'web',wait_ms:99999999}", SVCD_EINVAL, "wait_ms"},
	{"resolve", "{service:'web',min_rev:'x'}", SVCD_EINVAL, "min_rev"},
	{"resolve", "{service:'absent'}", SVCD_ENOSERVICE, "absent"},
	{"resolve", "{ns:'other',service:'web'}", SVCD_ENOSERVICE, "other"},
	{"get", "{service:'absent'}", SVCD_ENOSERVICE, "absent"},
	{"get", "{service:'web',id:'absent'}", SVCD_ENOINSTANCE, "absent"},
	{"get", "{service:'web',id:'removed'}", SVCD_EGONE, "test"},
	{"list", "{limit:'x'}", SVCD_EINVAL, "limit"},
	{"history", "{limit:'x'}", SVCD_EINVAL, "limit"},
	{"register", "{}", SVCD_EINVAL, "instances"},
	{"register", "{instances:[]}", SVCD_EINVAL, "instances"},
	{"register", "{instances:[{service:'Web!',id:'a'}]}", SVCD_EINVAL, "service"},
	{"register", "{instances:[{service:'web',id:'a',weight:70000}]}", SVCD_EINVAL,
		"weight"},
	{"register", "{instances:[{service:'web',id:'a'}],lease:4711}", SVCD_ENOLEASE,
		"4711"},
	{"register", "{instances:[{service:'web',id:'a'}],if_absent:true}", SVCD_EEXISTS,
		"a"},
	{"register", "{session:1,instances:[{service:'web',id:'a'}]}", SVCD_EINVAL,
		"seq"},
	{"deregister", "{service:'web',id:'absent'}", SVCD_ENOINSTANCE, "absent"},
	{"deregister", "{service:'web',id:'removed'}", SVCD_EGONE, ""},
	{"update", "{service:'web',id:'absent',weight:1}", SVCD_ENOINSTANCE, "absent"},
	{"update", "{service:'web',id:'a',weight:-1}", SVCD_EINVAL, "weight"},
	{"update", "{service:'web',id:'a',incarnation:0,admin:'asleep'}", SVCD_EINVAL,
		"admin"},
	{"service_set", "{service:'web',floor_percent:101}", SVCD_EINVAL,
		"floor_percent"},
	{"service_delete", "{service:'web'}", SVCD_ECONFLICT, ""},
	{"service_delete", "{service:'absent'}", SVCD_ENOSERVICE, "absent"},
	{"lease_grant", "{ttl_ms:1}", SVCD_EINVAL, "ttl_ms"},
	{"lease_grant", "{on_close:'explode'}", SVCD_EINVAL, "on_close"},
	{"lease_revoke", "{lease:4711}", SVCD_ENOLEASE, "4711"},
	{"renew", "{}", SVCD_EINVAL, "lease"},
	{"renew", "{lease:4711}", SVCD_ENOLEASE, "4711"},
	{"renew", "{lease:1,leases:[1]}", SVCD_EINVAL, "either"},
	{"renew", "{leases:['x']}", SVCD_EINVAL, "leases[0]"},
	{"watch", "{}", SVCD_EINVAL, "service or prefix"},
	{"watch", "{service:'web',prefix:'w'}", SVCD_EINVAL, "service or prefix"},
	{"watch", "{service:'web',rev:'x'}", SVCD_EINVAL, "rev"},
	{"unwatch", "{service:'web'}", SVCD_ENOTFOUND, "watch"},
	{"unwatch", "{prefix:'web'}", SVCD_ENOTFOUND, "watch"},
	{"ack", "{service:'web'}", SVCD_EINVAL, "rev"},
	{"barrier", "{service:'web'}", SVCD_EINVAL, "rev"},
	{"barrier", "{rev:1}", SVCD_EINVAL, "service"},
};

START_TEST(errors_have_a_code_a_name_and_a_sentence)
{
	char name[64];

	ok("register",
		"{instances:[{service:'web',id:'a'},{service:'web',id:'removed'}]}");
	ok("deregister", "{service:'web',id:'removed'}");
	ck_assert_msg(rpc_call(c, errors[_i].method, "%s", errors[_i].params) ==
			errors[_i].code,
		"%s %s: %s", errors[_i].method, errors[_i].params, rpc_text(c, ""));
	snprintf(name, sizeof(name), "'%s'", err_name(errors[_i].code));
	ck_assert_str_eq(rpc_text(c, "name"), name);
	ck_assert_msg(strstr(rpc_text(c, "text"), errors[_i].text) != NULL, "%s %s: %s",
		errors[_i].method, errors[_i].params, rpc_text(c, "text"));
	ok("ping", "{}");
}
END_TEST

START_TEST(an_older_incarnation_is_stale)
{
	uint64_t one = grant();
	uint64_t two = grant();

	ok("register", "{lease:%" PRIu64 ",instances:[{service:'web',id:'a'}]}", one);
	ok("register", "{lease:%" PRIu64 ",instances:[{service:'web',id:'a'}]}", two);
	ck_assert_int_eq(rpc_call(c, "register",
				 "{lease:%" PRIu64
				 ",instances:[{service:'web',id:'a',incarnation:3}]}",
				 one),
		SVCD_ESTALE);
	ck_assert_int_eq(
		rpc_call(c, "deregister", "{service:'web',id:'a',incarnation:3}"),
		SVCD_ESTALE);
	ok("deregister", "{service:'web',id:'a',incarnation:4}");
	ck_assert_int_eq(rpc_call(c, "register",
				 "{instances:[{service:'web',id:'a',incarnation:4}]}"),
		SVCD_EGONE);
}
END_TEST

START_TEST(parameters_must_be_one_map)
{
	static const struct {
		const char *request; /* notation of the whole message */
		int code;
	} rows[] = {
		{"[0,7,'ping',[]]", 0},
		{"[0,7,'ping',[nil]]", SVCD_EINVAL},
		{"[0,7,'ping',[5]]", SVCD_EINVAL},
		{"[0,7,'ping',{}]", SVCD_EINVAL},
		{"[0,7,'ping',nil]", SVCD_EINVAL},
		{"[0,7,'resolve',[]]", SVCD_EINVAL},
		{"[0,7,'resolve',['web']]", SVCD_EINVAL},
		{"[0,7,'resolve',nil]", SVCD_EINVAL},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buf b = {0};

		notation_pack(&b, rows[i].request);
		rpc_raw(c, buf_bytes(&b));
		ck_assert_msg(rpc_wait(c, 7) == rows[i].code, "%s: %s", rows[i].request,
			rpc_text(c, ""));
		buf_fini(&b);
	}
}
END_TEST

START_TEST(notifications_are_never_answered)
{
	rpc_notify(c, "ping", "{}");
	rpc_notify(c, "no-such-method", "{}");
	rpc_notify(c, "register", "{instances:[{service:'web',id:'a'}]}");
	rpc_notify(c, "ack", "{}");
	ok("list", "{}");
	ck_assert_str_eq(rpc_text(c, "services"), "[]");
}
END_TEST

START_TEST(the_state_is_there_after_a_restart)
{
	ok("register", "{instances:[{service:'web',id:'a'}]}");
	rpc_close(c);
	fixture_restart(&f);
	c = rpc_open(&f.unix_addr);
	ok("resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "instances.0.incarnation"), "1");
	ok("register", "{instances:[{service:'web',id:'b'}]}");
}
END_TEST

START_TEST(an_address_in_use_is_refused_in_words)
{
	struct server_options o = f.options;
	struct server *second = NULL;
	struct err e;

	o.listen[0] = f.tcp_addr.text;
	o.n_listen = 1;
	ck_assert_int_eq(server_start(f.replica, &o, &second, &e), SVCD_EINUSE);
	ck_assert_ptr_nonnull(strstr(e.text, f.tcp_addr.text));
	o.listen[0] = "tcp:nonsense";
	ck_assert_int_eq(server_start(f.replica, &o, &second, &e), SVCD_EINVAL);
	ok("ping", "{}");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc");
	TCase *tc = unit_case(s, "rpc");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, hello_says_who_speaks);
	tcase_add_test(tc, nothing_is_answered_before_hello);
	tcase_add_test(tc, another_version_is_refused_in_words);
	tcase_add_test(tc, what_is_registered_is_resolved_and_gone_when_deregistered);
	tcase_add_test(tc, an_address_is_the_peers_when_none_is_given);
	tcase_add_test(tc, an_update_changes_what_it_names_and_says_why);
	tcase_add_test(tc, settings_of_a_service_are_shown);
	tcase_add_test(tc, status_counts_what_there_is);
	tcase_add_test(tc, ping_says_the_time_for_display);
	tcase_add_test(tc, a_kept_answer_is_the_same_and_a_change_makes_a_new_one);
	tcase_add_test(tc, that_a_service_is_missing_is_kept_until_it_comes);
	tcase_add_test(tc, filters_and_pages_are_answers_of_their_own);
	tcase_add_test(tc, a_lookup_waits_for_its_revision);
	tcase_add_test(tc, every_lookup_sees_the_writes_that_were_answered_before_it);
	tcase_add_test(tc, a_repeated_write_is_applied_once);
	tcase_add_test(tc, a_sequence_number_older_than_the_window_is_stale);
	tcase_add_test(tc, pipelined_writes_are_applied_in_their_order);
	tcase_add_test(tc, pipelined_reads_beyond_all_buffers_are_all_answered);
	tcase_add_loop_test(
		tc, errors_have_a_code_a_name_and_a_sentence, 0, LENGTH(errors));
	tcase_add_test(tc, an_older_incarnation_is_stale);
	tcase_add_test(tc, parameters_must_be_one_map);
	tcase_add_test(tc, notifications_are_never_answered);
	tcase_add_test(tc, the_state_is_there_after_a_restart);
	tcase_add_test(tc, an_address_in_use_is_refused_in_words);
	return unit_run(s);
}
