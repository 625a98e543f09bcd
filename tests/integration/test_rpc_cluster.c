/* The server as a member among others: what it says without quorum, of members, in
 * backups, when its state is replaced, and how leases live that clients renew at a
 * follower. Against tests/unit/fake_replica.h. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/fake_replica.h"
#include "../unit/notation.h"
#include "../unit/unit.h"
#include "base/clock.h"
#include "catalog/command.h"
#include "rpc_fixture.h"
#include "server/lease_ask.h"

static struct fixture f;
static struct rpc *c;
static struct rpc *h;

static void setup(void)
{
	fixture_init(&f);
	f.options.backup_dir = f.data_dir;
	fixture_start(&f);
	c = rpc_open(&f.unix_addr);
	h = rpc_open(&f.tcp_addr);
}

static void teardown(void)
{
	fake_replica_hold(f.replica, false);
	fake_replica_hold_reads(f.replica, false, SVCD_ESHUTDOWN);
	rpc_close(c);
	rpc_close(h);
	fixture_stop(&f);
}

#define ok(conn, ...) \
	ck_assert_msg(rpc_call(conn, __VA_ARGS__) == 0, "%s", rpc_text(conn, ""))

/* Until a statistic is as wanted. */
#define await(field, n) \
	while (fixture_stat(&f).field != (n)) \
	poll(NULL, 0, 1)

static void register_web(const char *id)
{
	ok(c, "register", "{instances:[{service:'web',id:'%s'}]}", id);
}

/* ---- what it knows and says -------------------------------------------- */

START_TEST(without_quorum_lookups_and_watches_go_on_and_say_so)
{
	register_web("a");
	ok(h, "watch", "{service:'web'}");
	rpc_event(h);
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "quorum"), "");
	fake_replica_quorum(f.replica, false);
	fake_replica_role(f.replica, ROLE_FOLLOWER);
	do
		ok(c, "resolve", "{service:'web'}");
	while (strcmp(rpc_text(c, "quorum"), "false") != 0);
	ck_assert_str_eq(rpc_text(c, "count"), "1");
	ck_assert_str_eq(rpc_text(c, "source"), "'follower'");
	ok(h, "watch", "{service:'web'}");
	rpc_event(h);
	ck_assert_str_eq(rpc_event_text(h, "kind"), "'snapshot'");
	fake_replica_quorum(f.replica, true);
	do
		ok(c, "list", "{}");
	while (strcmp(rpc_text(c, "quorum"), "") != 0);
}
END_TEST

START_TEST(clients_are_told_who_leads)
{
	struct rpc *late;

	fake_replica_leader(f.replica, "tcp:10.0.0.9:7820");
	fake_replica_role(f.replica, ROLE_FOLLOWER);
	late = rpc_dial(&f.tcp_addr);
	ok(late, "hello", "{version:1}");
	ck_assert_str_eq(rpc_text(late, "leader"), "'tcp:10.0.0.9:7820'");
	ok(late, "status", "{}");
	ck_assert_str_eq(rpc_text(late, "leader_client"), "'tcp:10.0.0.9:7820'");
	ck_assert_int_eq(rpc_call(late, "register", "{instances:[{service:'w',id:'a'}]}"),
		SVCD_ENOLEADER);
	ck_assert_str_eq(rpc_text(late, "leader"), "'tcp:10.0.0.9:7820'");
	ck_assert_int_eq(rpc_call(late, "resolve", "{service:'none'}"), SVCD_ENOSERVICE);
	ck_assert_str_eq(rpc_text(late, "leader"), "");
	rpc_close(late);
}
END_TEST

static const char *const reads[][2] = {
	{"resolve", "{service:'web',consistency:'%s'}"},
	{"list", "{consistency:'%s'}"},
	{"get", "{service:'web',consistency:'%s'}"},
	{"get", "{service:'web',id:'a',consistency:'%s'}"},
	{"history", "{service:'web',consistency:'%s'}"},
	{"status", "{consistency:'%s'}"},
};

static void params_of(const char *const read[2], const char *consistency, char out[128])
{
	const char *place = strstr(read[1], "%s");

	snprintf(out, 128, "%.*s%s%s", (int)(place - read[1]), read[1], consistency,
		place + 2);
}

static uint32_t ask_current(const char *const read[2])
{
	char params[128];

	params_of(read, "current", params);
	return rpc_send(c, read[0], "%s", params);
}

static int call_with(const char *const read[2], const char *consistency)
{
	char params[128];

	params_of(read, consistency, params);
	return rpc_call(c, read[0], "%s", params);
}

START_TEST(a_current_read_waits_until_the_state_is_current)
{
	uint32_t id;

	register_web("a");
	ck_assert_int_eq(call_with(reads[_i], "local"), 0);
	fake_replica_hold_reads(f.replica, true, 0);
	id = ask_current(reads[_i]);
	/* others do not wait for it; what came meanwhile is in the answer */
	ok(h, "register", "{instances:[{service:'web',id:'b'}]}");
	ok(h, "ping", "{}");
	fake_replica_hold_reads(f.replica, false, 0);
	ck_assert_int_eq(rpc_wait(c, id), 0);
	ck_assert_uint_ge(rpc_u64(c, "rev"), 2);
	if (strcmp(reads[_i][0], "resolve") == 0)
		ck_assert_str_eq(rpc_text(c, "count"), "2");
}
END_TEST

START_TEST(a_current_read_without_a_leader_is_refused)
{
	register_web("a");
	fake_replica_hold_reads(f.replica, false, SVCD_ENOLEADER);
	ck_assert_int_eq(call_with(reads[_i], "current"), SVCD_ENOLEADER);
	ck_assert_uint_gt(rpc_u64(c, "retry_after_ms"), 0);
	ck_assert_int_eq(call_with(reads[_i], "local"), 0);
	ck_assert_int_eq(call_with(reads[_i], "lately"), SVCD_EINVAL);
}
END_TEST

START_TEST(a_current_read_is_never_answered_with_what_was_kept)
{
	for (int i = 1; i <= 3; i++) {
		char id[2] = {(char)('a' + i), 0}, count[2] = {(char)('0' + i), 0};

		register_web(id);
		ok(c, "resolve", "{service:'web',consistency:'current'}");
		ck_assert_str_eq(rpc_text(c, "count"), count);
	}
	/* nor when nothing has changed: the leader may be another one by now */
	ok(c, "resolve", "{service:'web',consistency:'current'}");
	fake_replica_hold_reads(f.replica, false, SVCD_ENOLEADER);
	ck_assert_int_eq(rpc_call(c, "resolve", "{service:'web',consistency:'current'}"),
		SVCD_ENOLEADER);
	ck_assert_uint_eq(fixture_stat(&f).lookups_kept, 0);
}
END_TEST

START_TEST(a_member_whose_state_differs_serves_nothing)
{
	static const char *const refused[][2] = {
		{"resolve", "{service:'web'}"},
		{"list", "{}"},
		{"get", "{service:'web'}"},
		{"history", "{}"},
		{"watch", "{service:'web'}"},
		{"register", "{instances:[{service:'web',id:'z'}]}"},
		{"backup_open", "{}"},
	};

	register_web("a");
	ok(h, "watch", "{service:'web'}");
	rpc_event(h);
	ok(c, "resolve", "{service:'web'}");
	fake_replica_diverged(f.replica, true);
	for (size_t i = 0; i < LENGTH(refused); i++) {
		ck_assert_int_eq(
			rpc_call(c, refused[i][0], "%s", refused[i][1]), SVCD_ECORRUPT);
		ck_assert_str_ne(rpc_text(c, "text"), "''");
	}
	ok(c, "status", "{}");
	ck_assert_str_eq(rpc_text(c, "diverged"), "true");
	ok(c, "members", "{}");
	rpc_closed(h); /* who watches goes to another member */
	fake_replica_diverged(f.replica, false);
	ok(c, "resolve", "{service:'web'}");
}
END_TEST

START_TEST(a_member_that_joins_does_not_know_yet)
{
	register_web("a");
	fake_replica_joining(f.replica, true);
	ck_assert_int_eq(rpc_call(c, "resolve", "{service:'web'}"), SVCD_ENOTREADY);
	ck_assert_int_eq(rpc_call(c, "resolve", "{service:'none'}"), SVCD_ENOTREADY);
	ck_assert_int_eq(rpc_call(c, "watch", "{service:'web'}"), SVCD_ENOTREADY);
	ck_assert_uint_gt(rpc_u64(c, "retry_after_ms"), 0);
	ok(c, "status", "{}");
	ck_assert_str_eq(rpc_text(c, "joining"), "true");
	fake_replica_joining(f.replica, false);
	ok(c, "resolve", "{service:'web'}");
}
END_TEST

/* The server starts on a member that was told of no leader yet. */
static void come_back(bool quorum)
{
	struct err e;

	register_web("a");
	server_stop(f.server, 2000);
	fake_replica_role(f.replica, ROLE_FOLLOWER);
	fake_replica_age(f.replica, UINT64_MAX);
	fake_replica_quorum(f.replica, quorum);
	ck_assert_msg(
		server_start(f.replica, &f.options, &f.server, &e) == 0, "%s", e.text);
	server_addr(f.server, 0, &f.unix_addr);
	rpc_close(c);
	rpc_close(h);
	h = NULL;
	c = rpc_open(&f.unix_addr);
}

START_TEST(a_member_that_was_away_does_not_know_what_changed)
{
	come_back(true);
	ck_assert_int_eq(rpc_call(c, "resolve", "{service:'web'}"), SVCD_ENOTREADY);
	ck_assert_int_eq(rpc_call(c, "watch", "{service:'web'}"), SVCD_ENOTREADY);
	ok(c, "status", "{}");
	fake_replica_age(f.replica, 7);
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "age_ms"), "7");
	/* once is enough */
	fake_replica_age(f.replica, UINT64_MAX);
	ok(c, "resolve", "{service:'web'}");
}
END_TEST

START_TEST(a_member_that_was_away_goes_on_where_nobody_leads)
{
	come_back(false);
	ck_assert_int_eq(rpc_call(c, "resolve", "{service:'web'}"), SVCD_ENOTREADY);
	while (rpc_call(c, "resolve", "{service:'web'}") == SVCD_ENOTREADY)
		poll(NULL, 0, 20);
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "quorum"), "false");
	ck_assert_str_eq(rpc_text(c, "count"), "1");
	ok(c, "watch", "{service:'web'}");
}
END_TEST

START_TEST(a_stop_does_not_wait_for_a_replica_that_owes_answers)
{
	uint64_t before_ms = clock_now_ms();

	fake_replica_hold(f.replica, true);
	rpc_send(h, "register", "{instances:[{service:'web',id:'a'}]}");
	rpc_send(h, "lease_grant", "{ttl_ms:60000,on_close:'drop'}");
	await(writes, 2);
	server_stop(f.server, 50);
	ck_assert_uint_lt(clock_now_ms() - before_ms, 10000);
	replica_stop(f.replica);
	server_reap();
	fixture_start(&f);
}
END_TEST

/* ---- members ----------------------------------------------------------- */

static const struct replica_member three[] = {
	{.node = 0xa1,
		.name = "alpha",
		.peer = "tcp:127.0.0.1:7821",
		.client = "tcp:127.0.0.1:7820",
		.self = true,
		.leader = true,
		.voter = true,
		.reachable = true,
		.applied = 7,
		.rev = 5,
		.version = "0.1.0",
		.config_hash = 99},
	{.node = 0xb2, .name = "beta", .voter = true, .heard_ms = 12, .wall_diff_ms = -3},
	{.node = 0xc3,
		.name = "b2",
		.heard_ms = UINT64_MAX,
		.trouble = "refused",
		.trouble_code = SVCD_EDENIED},
};

START_TEST(members_are_told_with_all_that_is_known)
{
	fake_replica_members(f.replica, three, 3);
	ok(c, "members", "{}");
	ck_assert_str_eq(rpc_text(c, "members.0.node"), "'00000000000000a1'");
	ck_assert_str_eq(rpc_text(c, "members.0.name"), "'alpha'");
	ck_assert_str_eq(rpc_text(c, "members.0.leader"), "true");
	ck_assert_str_eq(rpc_text(c, "members.0.heard_ms"), "0");
	ck_assert_str_eq(rpc_text(c, "members.0.config_hash"), "99");
	ck_assert_str_eq(rpc_text(c, "members.1.wall_diff_ms"), "-3");
	ck_assert_str_eq(rpc_text(c, "members.1.reachable"), "false");
	ck_assert_str_eq(rpc_text(c, "members.2.heard_ms"), "");
	ck_assert_str_eq(rpc_text(c, "members.2.trouble"), "'refused'");
	ck_assert_str_eq(rpc_text(c, "members.2.trouble_code"), "'denied'");
	ck_assert_str_eq(rpc_text(c, "members.1.trouble_code"), "");
	ck_assert_str_eq(rpc_text(c, "members.3.node"), "");
}
END_TEST

static const struct {
	const char *params;
	int code;
	enum replica_change_kind kind;
	uint64_t node;
} changes[] = {
	{"{op:'promote',node:'beta'}", 0, CHANGE_PROMOTE, 0xb2},
	{"{op:'demote',node:'00000000000000b2'}", 0, CHANGE_DEMOTE, 0xb2},
	{"{op:'remove',node:'b2'}", 0, CHANGE_REMOVE, 0xc3},
	{"{op:'transfer'}", 0, CHANGE_TRANSFER, 0},
	{"{op:'transfer',node:'alpha'}", 0, CHANGE_TRANSFER, 0xa1},
	{"{op:'remove'}", SVCD_EINVAL, 0, 0},
	{"{op:'eat',node:'beta'}", SVCD_EINVAL, 0, 0},
	{"{node:'beta'}", SVCD_EINVAL, 0, 0},
	{"{op:'remove',node:'gamma'}", SVCD_ENOTFOUND, 0, 0},
};

START_TEST(changes_of_members_reach_the_replica)
{
	struct replica_change last = {0};

	fake_replica_members(f.replica, three, 3);
	fake_replica_changes(f.replica, 0, &last);
	ck_assert_int_eq(
		rpc_call(c, "member_change", "%s", changes[_i].params), changes[_i].code);
	ck_assert_int_eq(last.kind, changes[_i].kind);
	ck_assert_uint_eq(last.node, changes[_i].node);
	if (changes[_i].code == 0)
		ck_assert_int_eq(strncmp(last.actor, "test ", 5), 0);
	fake_replica_changes(f.replica, SVCD_ECONFLICT, &last);
	if (changes[_i].code == 0)
		ck_assert_int_eq(rpc_call(c, "member_change", "%s", changes[_i].params),
			SVCD_ECONFLICT);
	fake_replica_changes(f.replica, 0, NULL);
}
END_TEST

static char join_address[120];

static void on_join(void *arg, struct server_join *j)
{
	(void)arg;
	snprintf(join_address, sizeof(join_address), "%s", j->address);
	server_join_answer(j,
		strcmp(j->address, "tcp:127.0.0.1:1") == 0 ? SVCD_EUNREACHABLE : 0,
		"nobody is there");
}

static void restart_with_join(void)
{
	rpc_close(c);
	f.options.on_join = on_join;
	fixture_restart(&f);
	c = rpc_open(&f.unix_addr);
	rpc_close(h);
	h = NULL;
}

START_TEST(joining_gives_up_nothing_unasked)
{
	ck_assert_int_eq(
		rpc_call(c, "member_join", "{address:'127.0.0.1'}"), SVCD_ECONFLICT);
	restart_with_join();
	ck_assert_int_eq(rpc_call(c, "member_join", "{address:'nowhere'}"), SVCD_EINVAL);
	ok(c, "member_join", "{address:'127.0.0.1'}");
	ck_assert_str_eq(join_address, "tcp:127.0.0.1:7821");
	ck_assert_int_eq(
		rpc_call(c, "member_join", "{address:'127.0.0.1:1'}"), SVCD_EUNREACHABLE);
	ck_assert_str_eq(rpc_text(c, "text"), "'nobody is there'");
	register_web("a");
	ck_assert_int_eq(
		rpc_call(c, "member_join", "{address:'127.0.0.1'}"), SVCD_ECONFLICT);
	ok(c, "member_join", "{address:'tcp:127.0.0.2:7823',discard:true}");
	ck_assert_str_eq(join_address, "tcp:127.0.0.2:7823");
	fake_replica_members(f.replica, three, 3);
	ck_assert_int_eq(rpc_call(c, "member_join", "{address:'127.0.0.1',discard:true}"),
		SVCD_ECONFLICT);
}
END_TEST

/* ---- backups ----------------------------------------------------------- */

static void read_backup(uint64_t id, uint64_t bytes, const char *path)
{
	FILE *file = fopen(path, "wb");
	uint64_t offset = 0;
	bool end = false;

	ck_assert_ptr_nonnull(file);
	while (!end) {
		struct value data;

		ok(c, "backup_read", "{id:%" PRIu64 ",offset:%" PRIu64 ",max:5000}", id,
			offset);
		ck_assert(value_find(rpc_result(c), "data", &data));
		ck_assert_int_eq(data.type, VALUE_BIN);
		ck_assert_uint_eq(fwrite(data.s.data, 1, data.s.len, file), data.s.len);
		offset += data.s.len;
		end = strcmp(rpc_text(c, "end"), "true") == 0;
	}
	ck_assert_uint_eq(offset, bytes);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_backup_is_a_checkpoint_in_pieces)
{
	struct checkpoint_info info;
	char path[400];
	struct err e;

	register_web("a");
	ok(c, "backup_open", "{}");
	ck_assert_uint_eq(rpc_u64(c, "rev"), 1);
	register_web("b");
	ok(c, "backup_open", "{}");
	snprintf(path, sizeof(path), "%s/copy", f.scratch.dir);
	read_backup(rpc_u64(c, "id"), rpc_u64(c, "bytes"), path);
	ck_assert_msg(store_checkpoint_inspect(path, true, &info, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(info.rev, 2);
	/* nothing of it is left in the folder */
	snprintf(path, sizeof(path), "ls %s/data | grep -c backup", f.scratch.dir);
	ck_assert_int_ne(system(path), 0);
}
END_TEST

START_TEST(backups_are_few_and_end_with_their_connection)
{
	uint64_t id = 0;

	for (int i = 0; i < 4; i++) {
		ok(h, "backup_open", "{}");
		id = rpc_u64(h, "id");
	}
	ck_assert_int_eq(rpc_call(c, "backup_open", "{}"), SVCD_ELIMIT);
	ck_assert_int_eq(rpc_call(c, "backup_read", "{id:%" PRIu64 ",offset:0}", id),
		SVCD_ENOTFOUND);
	ok(h, "backup_close", "{id:%" PRIu64 "}", id);
	ck_assert_int_eq(
		rpc_call(h, "backup_close", "{id:%" PRIu64 "}", id), SVCD_ENOTFOUND);
	ok(c, "backup_open", "{}");
	ck_assert_int_eq(rpc_call(c, "backup_open", "{}"), SVCD_ELIMIT);
	rpc_close(h);
	h = NULL;
	fixture_await_connections(&f, 1);
	for (int i = 0; i < 3; i++)
		ok(c, "backup_open", "{}");
}
END_TEST

/* ---- a replaced state -------------------------------------------------- */

typedef int build_fn(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e);

/* The command of a request, as the server would make it. */
static struct buf command_of(build_fn *build, const char *params)
{
	struct command_origin from = {
		.actor = bytes_str("other"), .peer_address = bytes_str("10.0.0.1")};
	struct arena *arena = arena_new();
	struct buf text = {0}, out = {0};
	struct value v;
	struct err e;

	notation_pack(&text, params);
	ck_assert_int_eq(value_parse(arena, buf_bytes(&text), &v), 0);
	ck_assert_msg(build(v, &from, &out, &e) == 0, "%s", e.text);
	buf_fini(&text);
	arena_free(arena);
	return out;
}

static void replace_state(void)
{
	struct buf commands[] = {
		command_of(command_register,
			"{instances:[{service:'web',id:'b'},{service:'fresh',id:'x'}]}"),
		command_of(command_deregister, "{service:'old',id:'a'}"),
		command_of(command_service_delete, "{service:'old'}"),
	};

	fake_replica_replace(f.replica, commands, LENGTH(commands));
	for (size_t i = 0; i < LENGTH(commands); i++)
		buf_fini(&commands[i]);
}

/* "web delta, old no_service, …" by what came; in any order of the services. */
static void expect_events(struct rpc *conn, const char *const (*expected)[2], size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		rpc_event(conn);
		for (size_t k = 0; k < n; k++)
			found += strcmp(rpc_event_text(conn, "service"),
					 expected[k][0]) == 0 &&
				strcmp(rpc_event_text(conn, "kind"), expected[k][1]) == 0;
	}
	ck_assert_uint_eq(found, n);
	ck_assert_uint_eq(rpc_events_waiting(conn), 0);
}

START_TEST(a_replaced_state_is_told_where_it_differs)
{
	static const char *const by_prefix[][2] = {{"'web'", "'delta'"},
		{"'old'", "'no_service'"}, {"'fresh'", "'snapshot'"}};
	static const char *const by_name[][2] = {
		{"'web'", "'delta'"}, {"'fresh'", "'snapshot'"}};

	ok(c, "register",
		"{instances:[{service:'web',id:'a'},{service:'same',id:'a'},"
		"{service:'old',id:'a'}]}");
	ok(h, "watch", "{prefix:''}");
	for (int i = 0; i < 4; i++)
		rpc_event(h); /* three services, synced */
	ok(c, "watch", "{service:'web'}");
	ok(c, "watch", "{service:'same'}");
	ok(c, "watch", "{service:'fresh'}");
	for (int i = 0; i < 3; i++)
		rpc_event(c);
	ok(c, "resolve", "{service:'web'}"); /* is kept */
	ck_assert_str_eq(rpc_text(c, "count"), "1");
	replace_state();
	expect_events(h, by_prefix, LENGTH(by_prefix));
	expect_events(c, by_name, LENGTH(by_name));
	ok(c, "resolve", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "count"), "2");
	/* and from there change by change */
	register_web("c");
	rpc_event(h);
	ck_assert_str_eq(rpc_event_text(h, "kind"), "'delta'");
	ck_assert_str_eq(rpc_event_text(h, "count"), "3");
}
END_TEST

/* ---- leases at a follower ---------------------------------------------- */

/* The leader of the others: knows the leases below 1000, notes what it is asked. */
static struct {
	_Atomic uint32_t questions, renewals, closes, forgets;
	_Atomic uint64_t last_closed;
	_Atomic int refuse;
} leader;

static int leader_answers(
	void *arg, uint32_t kind, struct bytes question, struct buf *answer)
{
	int n = lease_ask_count(question);

	(void)arg;
	ck_assert_uint_eq(kind, ASK_LEASES);
	ck_assert_int_ge(n, 0);
	leader.questions++;
	if (leader.refuse != 0)
		return leader.refuse;
	buf_put_be64(answer, 200000);
	for (size_t i = 0; i < (size_t)n; i++) {
		enum lease_wish wish;
		uint64_t id;

		lease_ask_at(question, i, &wish, &id);
		leader.renewals += wish == LEASE_RENEW;
		leader.forgets += wish == LEASE_FORGET;
		leader.closes += wish == LEASE_CLOSE;
		if (wish == LEASE_CLOSE)
			leader.last_closed = id;
		buf_put_be32(answer, wish == LEASE_RENEW && id < 1000 ? 15000 : 0);
	}
	return 0;
}

static void follow(void)
{
	fake_replica_follow(f.replica, leader_answers, NULL);
	while (rpc_call(c, "renew", "{lease:999}") != 0)
		; /* the table of the leader is still in use */
	memset(&leader, 0, sizeof(leader));
}

static uint64_t grant(struct rpc *conn, const char *on_close)
{
	ok(conn, "lease_grant", "{ttl_ms:15000,on_close:'%s'}", on_close);
	return rpc_u64(conn, "lease");
}

START_TEST(a_follower_has_leases_renewed_by_the_leader)
{
	uint64_t lease;

	follow();
	lease = grant(h, "drop");
	/* the leader's number of leases says how often */
	ok(h, "renew", "{lease:%" PRIu64 "}", lease);
	ck_assert_str_eq(rpc_text(h, "renewed"), "1");
	ck_assert_uint_eq(rpc_u64(h, "interval_ms"), 6000);
	ok(h, "renew", "{leases:[1,2000,2,3000]}");
	ck_assert_str_eq(rpc_text(h, "renewed"), "2");
	ck_assert_str_eq(rpc_text(h, "lost"), "[2000,3000]");
	ck_assert_int_eq(rpc_call(h, "renew", "{lease:2000}"), SVCD_ENOLEASE);
	ok(h, "lease_revoke", "{lease:%" PRIu64 "}", lease);
	while (leader.forgets == 0)
		poll(NULL, 0, 1);
	ck_assert_uint_eq(fixture_stat(&f).renewals, 4);
}
END_TEST

START_TEST(renewals_that_come_together_are_one_question)
{
	uint32_t before;

	follow();
	ok(h, "renew", "{lease:1}");
	before = leader.questions;
	for (uint64_t id = 1; id <= 900; id++)
		rpc_send(h, "renew", "{lease:%" PRIu64 "}", id);
	for (int i = 0; i < 900; i++) {
		rpc_next(h);
		ck_assert_int_eq(rpc_code(h), 0);
	}
	ck_assert_uint_eq(leader.renewals, 901);
	ck_assert_uint_lt(leader.questions - before, 90);
}
END_TEST

START_TEST(without_a_leader_a_renewal_is_refused_for_now)
{
	follow();
	leader.refuse = SVCD_ENOLEADER;
	ck_assert_int_eq(rpc_call(h, "renew", "{lease:1}"), SVCD_ENOLEADER);
	ck_assert_uint_gt(rpc_u64(h, "retry_after_ms"), 0);
	leader.refuse = 0;
	ok(h, "renew", "{lease:1}");
}
END_TEST

START_TEST(a_connection_of_a_follower_takes_its_leases_with_it)
{
	uint64_t lease;

	follow();
	lease = grant(h, "drop");
	rpc_close(h);
	h = NULL;
	while (leader.last_closed != lease)
		poll(NULL, 0, 1);
	ck_assert_uint_eq(leader.closes, 1);
}
END_TEST

START_TEST(the_end_of_a_connection_is_told_once_there_is_a_leader)
{
	uint64_t lease;
	uint32_t before;

	follow();
	lease = grant(h, "drop");
	leader.refuse = SVCD_ENOLEADER;
	before = leader.questions;
	rpc_close(h);
	h = NULL;
	while (leader.questions < before + 2)
		poll(NULL, 0, 1);
	ck_assert_uint_eq(leader.closes, 0);
	leader.refuse = 0;
	while (leader.last_closed != lease)
		poll(NULL, 0, 1);
}
END_TEST

START_TEST(who_renews_by_another_connection_keeps_the_lease)
{
	uint64_t lease;

	follow();
	lease = grant(h, "drop");
	ok(c, "renew", "{lease:%" PRIu64 "}", lease);
	rpc_close(h);
	h = rpc_open(&f.tcp_addr);
	grant(h, "drop"); /* whose end is asked for behind */
	rpc_close(h);
	h = NULL;
	while (leader.closes == 0)
		poll(NULL, 0, 1);
	ck_assert_uint_eq(leader.closes, 1);
	ck_assert_uint_ne(leader.last_closed, lease);
}
END_TEST

START_TEST(what_a_connection_holds_outlives_the_office_of_the_leader)
{
	uint64_t lease = grant(h, "drop");

	follow();
	rpc_close(h);
	h = NULL;
	while (leader.last_closed != lease)
		poll(NULL, 0, 1);
}
END_TEST

/* ---- as the leader, asked by others ------------------------------------- */

static struct {
	struct replica_ask ask;
	struct loop *loop;
	struct mailbox *box;
	bool over;
} other;

static void other_done(struct replica_ask *ask)
{
	(void)ask;
	other.over = true;
	loop_stop(other.loop);
}

static int ask(enum lease_wish wish, uint64_t id)
{
	int code;

	memset(&other, 0, sizeof(other));
	other.loop = loop_new();
	other.box = mailbox_new(other.loop);
	other.ask = (struct replica_ask){
		.reply = other.box, .done = other_done, .kind = ASK_LEASES};
	if (wish == 0)
		buf_put_u8(&other.ask.question, 9);
	else
		lease_ask_put(&other.ask.question, wish, id);
	fake_replica_asked_by_other(f.replica, true);
	replica_ask_leader(f.replica, &other.ask);
	while (!other.over)
		loop_run(other.loop);
	fake_replica_asked_by_other(f.replica, false);
	code = other.ask.code;
	if (code == 0) {
		ck_assert_int_eq(lease_answer_check(buf_bytes(&other.ask.answer), 1), 0);
		code = (int)lease_answer_at(buf_bytes(&other.ask.answer), 0);
	}
	buf_fini(&other.ask.question);
	buf_fini(&other.ask.answer);
	mailbox_free(other.box);
	loop_free(other.loop);
	return code;
}

START_TEST(the_leader_renews_and_ends_for_others)
{
	uint64_t lease = grant(h, "drop");

	ok(h, "register", "{lease:%" PRIu64 ",instances:[{service:'web',id:'a'}]}",
		lease);
	/* another member may not end what is held here */
	ck_assert_int_eq(ask(LEASE_CLOSE, lease), 0);
	ok(h, "renew", "{lease:%" PRIu64 "}", lease);
	ck_assert_int_eq(ask(LEASE_RENEW, lease), 15000);
	ck_assert_int_eq(ask(LEASE_RENEW, 4711), 0);
	ck_assert_int_eq(ask(0, 0), SVCD_EPROTOCOL);
	/* now it holds it */
	ck_assert_int_eq(ask(LEASE_CLOSE, lease), 0);
	await(expired, 1);
	ck_assert_int_eq(ask(LEASE_RENEW, lease), 0);
	ok(c, "get", "{service:'web'}");
	ck_assert_str_eq(rpc_text(c, "count"), "0");
}
END_TEST

START_TEST(a_renewal_waits_until_it_is_sure_who_leads)
{
	uint64_t lease;
	uint32_t id;

	ok(h, "lease_grant", "{ttl_ms:600000,on_close:'drop'}");
	lease = rpc_u64(h, "lease");
	fake_replica_hold_reads(f.replica, true, 0);
	fake_replica_role(f.replica, ROLE_FOLLOWER);
	await(leases, 0);
	fake_replica_role(f.replica, ROLE_LEADER);
	await(leases, 1);
	id = rpc_send(h, "renew", "{lease:%" PRIu64 "}", lease);
	ok(c, "ping", "{}");
	fake_replica_hold_reads(f.replica, false, SVCD_ENOLEADER);
	ck_assert_int_eq(rpc_wait(h, id), SVCD_ENOLEADER);
	fake_replica_hold_reads(f.replica, true, 0);
	id = rpc_send(h, "renew", "{lease:%" PRIu64 "}", lease);
	ok(c, "ping", "{}");
	fake_replica_hold_reads(f.replica, false, 0);
	ck_assert_int_eq(rpc_wait(h, id), 0);
	ck_assert_str_eq(rpc_text(h, "renewed"), "1");
	/* and it is held here as if it had not waited */
	rpc_close(h);
	h = NULL;
	await(leases, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rpc_cluster");
	TCase *tc = unit_case(s, "cluster");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, without_quorum_lookups_and_watches_go_on_and_say_so);
	tcase_add_test(tc, clients_are_told_who_leads);
	tcase_add_loop_test(
		tc, a_current_read_waits_until_the_state_is_current, 0, LENGTH(reads));
	tcase_add_loop_test(
		tc, a_current_read_without_a_leader_is_refused, 0, LENGTH(reads));
	tcase_add_test(tc, a_current_read_is_never_answered_with_what_was_kept);
	tcase_add_test(tc, a_member_whose_state_differs_serves_nothing);
	tcase_add_test(tc, a_member_that_joins_does_not_know_yet);
	tcase_add_test(tc, a_member_that_was_away_does_not_know_what_changed);
	tcase_add_test(tc, a_member_that_was_away_goes_on_where_nobody_leads);
	tcase_add_test(tc, a_stop_does_not_wait_for_a_replica_that_owes_answers);
	tcase_add_test(tc, members_are_told_with_all_that_is_known);
	tcase_add_loop_test(tc, changes_of_members_reach_the_replica, 0, LENGTH(changes));
	tcase_add_test(tc, joining_gives_up_nothing_unasked);
	tcase_add_test(tc, a_backup_is_a_checkpoint_in_pieces);
	tcase_add_test(tc, backups_are_few_and_end_with_their_connection);
	tcase_add_test(tc, a_replaced_state_is_told_where_it_differs);
	tcase_add_test(tc, a_follower_has_leases_renewed_by_the_leader);
	tcase_add_test(tc, renewals_that_come_together_are_one_question);
	tcase_add_test(tc, without_a_leader_a_renewal_is_refused_for_now);
	tcase_add_test(tc, a_connection_of_a_follower_takes_its_leases_with_it);
	tcase_add_test(tc, the_end_of_a_connection_is_told_once_there_is_a_leader);
	tcase_add_test(tc, who_renews_by_another_connection_keeps_the_lease);
	tcase_add_test(tc, what_a_connection_holds_outlives_the_office_of_the_leader);
	tcase_add_test(tc, the_leader_renews_and_ends_for_others);
	tcase_add_test(tc, a_renewal_waits_until_it_is_sure_who_leads);
	return unit_run(s);
}
