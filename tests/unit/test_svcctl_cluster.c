/* svcctl about members, judged from recorded answers: whom a name means, the quorum, how
 * far a member is that joins, and what the doctor says. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/args.h"
#include "svcctl/complete.h"
#include "svcctl/doctor.h"
#include "svcctl/joining.h"
#include "svcctl/mem.h"
#include "svcctl/peer_address.h"
#include "svcctl/progress.h"
#include "unit.h"

/* ---- answers, written as JSON ------------------------------------------ */

static struct svcd_value *value_of(const json_t *j);

static void put(struct svcd_value *v, const char *key, const json_t *j)
{
	if (json_is_string(j))
		svcd_value_set_str(v, key, json_string_value(j));
	else if (json_is_boolean(j))
		svcd_value_set_bool(v, key, json_is_true(j));
	else if (json_is_integer(j))
		svcd_value_set_int(v, key, json_integer_value(j));
	else
		svcd_value_set(v, key, value_of(j));
}

static struct svcd_value *value_of(const json_t *j)
{
	struct svcd_value *v = json_is_object(j) ? svcd_value_new_map()
						 : svcd_value_new_array();
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_object(j)) {
		json_object_foreach((json_t *)(uintptr_t)j, key, child)
			put(v, key, child);
	} else {
		json_array_foreach(j, i, child) put(v, NULL, child);
	}
	return v;
}

/* text: JSON with ' for ". */
static struct svcd_value *parse(const char *text)
{
	char *copy = mem_copy(text);
	struct svcd_value *v;
	json_error_t e;
	json_t *j;

	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	j = json_loads(copy, 0, &e);
	ck_assert_msg(j != NULL, "%s: %s", e.text, text);
	v = value_of(j);
	json_decref(j);
	free(copy);
	return v;
}

/* rows: the members, separated by commas. */
static struct members members_of(const char *rows)
{
	char *text = mem_format("{'members': [%s]}", rows);
	struct members m;

	members_take(&m, parse(text));
	free(text);
	return m;
}

#define N1 \
	"{'node': '1111111111111111', 'name': 'n1', 'self': true, 'leader': true, " \
	"'voter': true, 'applied': 500, 'version': '1.0', 'sync_us': 400}"
#define N2 \
	"{'node': '2222222222222222', 'name': 'n2', 'reachable': true, 'voter': true, " \
	"'applied': 490, 'version': '1.0', 'peer': 'tcp:10.0.0.2:7821', 'rtt_us': 300}"
#define N3 \
	"{'node': '2233333333333333', 'name': 'n3', 'reachable': true, 'voter': true, " \
	"'applied': 500, 'version': '1.0'}"
#define N2_AWAY \
	"{'node': '2222222222222222', 'name': 'n2', 'reachable': false, 'voter': true, " \
	"'peer': 'tcp:10.0.0.2:7821', 'trouble': 'connection refused'}"
#define N3_INCOMPLETE \
	"{'node': '2233333333333333', 'name': 'n3', 'reachable': true, 'voter': true, " \
	"'incomplete': true}"
#define N3_AWAY "{'node': '2233333333333333', 'name': 'n3', 'voter': true}"
#define N4_STANDBY "{'node': '4444444444444444', 'name': 'n4', 'reachable': true}"
#define N1_REMOVED \
	"{'node': '1111111111111111', 'name': 'n1', 'self': true, 'removed': true}"
#define N1_JOINS \
	"{'node': '1111111111111111', 'name': 'n1', 'self': true, 'joining': true}"
#define N1_FOLLOWS \
	"{'node': '1111111111111111', 'name': 'n1', 'self': true, 'voter': true}"

/* ---- quorum ------------------------------------------------------------ */

static const struct {
	const char *members, *sentence;
	bool quorum;
} quorums[] = {
	{"", "this member is not part of a cluster yet", false},
	{N1, "1 voter: nobody takes over when it fails", true},
	{N1 "," N2, "2 voters, none may fail", true},
	{N1 "," N2 "," N3, "3 voters, 1 may fail", true},
	{N1 "," N2 "," N3 "," N4_STANDBY, "3 voters, 1 may fail", true},
	{N1 "," N4_STANDBY, "1 voter: nobody takes over when it fails", true},
	{N1 "," N2_AWAY "," N3,
		"1 of 3 voters cannot be reached: none of the others may fail", true},
	{N1 "," N2 "," N3_INCOMPLETE,
		"1 of 3 voters cannot be reached or lack entries: none of the others may "
		"fail",
		true},
	{N1 "," N2_AWAY "," N3_INCOMPLETE,
		"2 of 3 voters cannot be reached or lack entries: no writes until 1 more "
		"is here",
		false},
	{N1 "," N2_AWAY "," N3_AWAY,
		"2 of 3 voters cannot be reached: no writes until 1 more is here", false},
	{N1 "," N2_AWAY,
		"1 of 2 voters cannot be reached: no writes until 1 more is here", false},
	{N1_REMOVED "," N2_AWAY "," N3_AWAY,
		"this member was removed from its cluster, and what it has grows old",
		false},
	{N1_FOLLOWS "," N2 "," N3,
		"3 voters, 1 may fail; no leader yet: no writes until one is elected",
		true},
};

START_TEST(a_sentence_tells_of_the_quorum)
{
	struct members m = members_of(quorums[_i].members);
	struct quorum q = quorum_of(&m);
	char *sentence = quorum_sentence(&q);

	ck_assert_str_eq(sentence, quorums[_i].sentence);
	ck_assert(quorum_is_there(&q) == quorums[_i].quorum);
	free(sentence);
	members_fini(&m);
}
END_TEST

static const struct {
	size_t voters, reachable, needed, may_fail;
} sizes[] = {
	{1, 1, 1, 0},
	{2, 2, 2, 0},
	{3, 3, 2, 1},
	{3, 2, 2, 0},
	{3, 1, 2, 0},
	{4, 4, 3, 1},
	{5, 5, 3, 2},
	{5, 4, 3, 1},
	{7, 7, 4, 3},
	{0, 0, 1, 0},
};

START_TEST(more_than_half_is_a_quorum)
{
	struct quorum q = {.voters = sizes[_i].voters, .reachable = sizes[_i].reachable};

	ck_assert_uint_eq(quorum_needed(&q), sizes[_i].needed);
	ck_assert_uint_eq(quorum_may_fail(&q), sizes[_i].may_fail);
}
END_TEST

START_TEST(a_voter_less_may_end_the_quorum)
{
	struct quorum q = {.voters = 3, .reachable = 2};
	struct quorum alive = quorum_without(q, true), dead = quorum_without(q, false);

	ck_assert(!quorum_is_there(&alive));
	ck_assert(quorum_is_there(&dead));
}
END_TEST

/* ---- whom -------------------------------------------------------------- */

static const struct {
	const char *text, *name; /* NULL: nobody */
} named[] = {
	{"n2", "n2"},
	{"2233333333333333", "n3"},
	{"2222", "n2"},
	{"22", NULL},  /* two of them, and too short */
	{"111", NULL}, /* too short to be meant */
	{"1111", "n1"},
	{"n", NULL},
	{"", NULL},
	{"n9", NULL},
};

START_TEST(members_are_meant_by_name_id_or_its_beginning)
{
	struct members m = members_of(N1 "," N2 "," N3);
	const struct svcd_value *found = NULL;
	enum outcome out = members_find(&m, named[_i].text, &found);

	ck_assert_int_eq(out, named[_i].name != NULL ? OUT_OK : OUT_NOT_FOUND);
	if (named[_i].name != NULL)
		ck_assert_str_eq(member_name(found), named[_i].name);
	members_fini(&m);
}
END_TEST

START_TEST(roles_and_lags_are_told)
{
	struct members m = members_of(
		N1 "," N2 "," N4_STANDBY ",{'node': 'x5', 'joining': true, 'behind': 7}");

	ck_assert_str_eq(member_role(m.rows[0].v), "leader");
	ck_assert_str_eq(member_role(m.rows[1].v), "voter");
	ck_assert_str_eq(member_role(m.rows[2].v), "standby");
	ck_assert_str_eq(member_role(m.rows[3].v), "joining");
	ck_assert_str_eq(member_name(m.rows[3].v), "x5");
	ck_assert_uint_eq(member_behind(&m, m.rows[0].v), 0);
	ck_assert_uint_eq(member_behind(&m, m.rows[1].v), 10);
	ck_assert_uint_eq(member_behind(&m, m.rows[2].v), 500);
	ck_assert_uint_eq(member_behind(&m, m.rows[3].v), 7);
	members_fini(&m);
}
END_TEST

/* ---- joining ----------------------------------------------------------- */

#define OTHER \
	"{'node': '1', 'reachable': true, 'leader': true, 'voter': true, 'applied': 500}"
#define SELF "{'node': '9', 'name': 'n9', 'self': true"

static const struct {
	const char *members;
	enum join_stage stage;
} stages[] = {
	{"", JOIN_DISCOVERING},
	{SELF ", 'leader': true, 'voter': true}", JOIN_DISCOVERING}, /* still its own */
	{SELF ", 'joining': true}", JOIN_DISCOVERING},
	{SELF ", 'joining': true, 'snapshot_done': 3, 'snapshot_bytes': 9}",
		JOIN_COPYING},
	{SELF ", 'snapshot_done': 3, 'snapshot_bytes': 9}," OTHER, JOIN_COPYING},
	{SELF ", 'joining': true, 'snapshot_done': 9, 'snapshot_bytes': 9}",
		JOIN_CHECKING},
	{SELF ", 'joining': true}," OTHER, JOIN_CATCHING_UP},
	{SELF ", 'behind': 12}," OTHER, JOIN_CATCHING_UP},
	{SELF ", 'applied': 490}," OTHER, JOIN_CATCHING_UP},
	{SELF ", 'applied': 500}," OTHER, JOIN_STANDBY},
	{SELF ", 'applied': 500, 'voter': true}," OTHER, JOIN_VOTER},
	{SELF ", 'applied': 500, 'voter': true}," N2_AWAY "," N3_AWAY, JOIN_DISCOVERING},
};

START_TEST(a_member_that_joins_goes_through_stages)
{
	struct members m = members_of(stages[_i].members);

	ck_assert_int_eq(joining_of(&m).stage, stages[_i].stage);
	members_fini(&m);
}
END_TEST

static const struct {
	const char *text, *address;
} addresses[] = {
	{"10.0.0.1", "tcp:10.0.0.1:7821"},
	{"10.0.0.1:99", "tcp:10.0.0.1:99"},
	{"tcp:10.0.0.1:99", "tcp:10.0.0.1:99"},
	{"tcp:n1", "tcp:n1:7821"},
	{"n1.example", "tcp:n1.example:7821"},
	{"[::1]", "tcp:[::1]:7821"},
	{"[::1]:99", "tcp:[::1]:99"},
	{"fe80::1", "tcp:[fe80::1]:7821"},
};

START_TEST(addresses_of_members_are_short_for_people)
{
	char *address = peer_address_of(addresses[_i].text);

	ck_assert_str_eq(address, addresses[_i].address);
	free(address);
}
END_TEST

static const struct {
	uint64_t done, total;
	bool utf8;
	const char *bar;
} bars[] = {
	{0, 100, false, "[........................]   0 %"},
	{50, 100, false, "[############............]  50 %"},
	{99, 100, false, "[#######################.]  99 %"},
	{100, 100, false, "[########################] 100 %"},
	{200, 100, false, "[########################] 100 %"},
	{0, 0, false, "[........................]   0 %"},
	{25, 100, true, "[██████··················]  25 %"},
};

START_TEST(a_bar_is_as_long_as_what_is_done)
{
	char bar[4 * PROGRESS_BAR_CELLS + 16], small[8];

	progress_bar(bar, sizeof(bar), bars[_i].done, bars[_i].total, bars[_i].utf8);
	ck_assert_str_eq(bar, bars[_i].bar);
	progress_bar(small, sizeof(small), bars[_i].done, bars[_i].total, false);
	ck_assert_uint_lt(strlen(small), sizeof(small));
}
END_TEST

/* ---- the doctor -------------------------------------------------------- */

/* What he says of the rows and of one status for all (NULL: nobody was asked), as
 * "level check member; …". */
struct visit {
	struct members members;
	struct svcd_value *status, *findings;
	bool failed;
};

static struct visit visit(const char *rows, const char *status, const char *view)
{
	struct visit v = {.members = members_of(rows),
		.status = status != NULL ? parse(status) : NULL};
	struct patient *all = mem_zero(v.members.n, sizeof(*all));
	struct members seen = members_of(view != NULL ? view : "");

	for (size_t i = 0; i < v.members.n; i++)
		all[i] = (struct patient){
			.member = v.members.rows[i].v, .status = v.status};
	if (v.members.n > 0)
		all[0].view = seen;
	v.findings = doctor_judge(
		&(struct clinic){&v.members, all, v.members.n}, &v.failed);
	members_fini(&seen);
	free(all);
	return v;
}

static void visit_fini(struct visit *v)
{
	svcd_value_free(v->findings);
	svcd_value_free(v->status);
	members_fini(&v->members);
}

/* NULL: there is none. */
static const struct svcd_value *finding_of(
	const struct visit *v, const char *check, const char *member)
{
	for (size_t i = 0; i < svcd_value_count(v->findings); i++) {
		const struct svcd_value *f = svcd_value_at(v->findings, i);

		if (strcmp(member_text(f, "check"), check) == 0 &&
			strcmp(member_text(f, "member"), member) == 0)
			return f;
	}
	return NULL;
}

/* The level of a finding, "" when there is none; each bad one has advice. */
static const char *level_of(const struct visit *v, const char *check, const char *member)
{
	for (size_t i = 0; i < svcd_value_count(v->findings); i++) {
		const struct svcd_value *f = svcd_value_at(v->findings, i);

		if (strcmp(member_text(f, "level"), "ok") != 0)
			ck_assert_str_ne(member_text(f, "advice"), "");
	}
	return member_text(finding_of(v, check, member), "level");
}

#define HEALTHY \
	"{'disk_free': 99000000000, 'state_bytes': 1000, 'log': {'bytes': 1000}, " \
	"'checkpoint': {'age_ms': 60000}}"

static const struct {
	const char *members, *status, *view, *check, *member, *level;
} cases[] = {
	{N1 "," N2 "," N3, HEALTHY, NULL, "quorum", "", "ok"},
	{N1 "," N2 "," N3, HEALTHY, NULL, "clocks", "", "ok"},
	{N1 "," N2 "," N3, HEALTHY, NULL, "versions", "", "ok"},
	{N1 "," N2 "," N3, HEALTHY, NULL, "settings", "", "ok"},
	{N1 "," N2 "," N3, HEALTHY, NULL, "reachable", "n2", "ok"},
	{N1 "," N2 "," N3, HEALTHY, NULL, "network", "n2", "ok"},
	{N1 "," N2 "," N3, HEALTHY, NULL, "disk", "n1", "ok"},
	{N1 "," N2 "," N3, HEALTHY, NULL, "space", "n3", "ok"},
	{N1 "," N2 "," N3, HEALTHY, NULL, "checkpoint", "n1", "ok"},
	{N1 "," N2 "," N3, NULL, NULL, "space", "n3", ""},
	{N1 "," N2, HEALTHY, NULL, "quorum", "", "warn"},
	{N1 "," N2_AWAY "," N3, HEALTHY, NULL, "quorum", "", "warn"},
	{N1 "," N2_AWAY "," N3, HEALTHY, NULL, "reachable", "n2", "fail"},
	{N1 "," N2_AWAY "," N3_AWAY, HEALTHY, NULL, "quorum", "", "fail"},
	{N1_REMOVED "," N2 "," N3, HEALTHY, NULL, "quorum", "", "fail"},
	{N1_FOLLOWS "," N2 "," N3, HEALTHY, NULL, "quorum", "", "fail"},
	{N1 "," N2 "," N3, HEALTHY, N1 "," N2_AWAY "," N3, "links", "n1", "warn"},
	{N1 "," N2_AWAY "," N3, HEALTHY, N1 "," N2_AWAY "," N3, "links", "n1", ""},
	{N1 ",{'name': 'x', 'reachable': true, 'version': '1.1'}", HEALTHY, NULL,
		"versions", "", "warn"},
	{N1 ",{'name': 'x', 'reachable': true, 'config_hash': 4},"
	    "{'name': 'y', 'reachable': true, 'config_hash': 5}",
		HEALTHY, NULL, "settings", "", "warn"},
	{N1 ",{'name': 'x', 'reachable': true, 'config_hash': '0a'},"
	    "{'name': 'y', 'reachable': true, 'config_hash': '0b'}",
		HEALTHY, NULL, "settings", "", "warn"},
	{N1 ",{'name': 'x', 'reachable': true, 'wall_diff_ms': -900}", HEALTHY, NULL,
		"clocks", "", "warn"},
	{N1 ",{'name': 'x', 'reachable': true, 'wall_diff_ms': 10001}", HEALTHY, NULL,
		"clocks", "", "fail"},
	{N1 ",{'name': 'x', 'reachable': true, 'sync_us': 20001}", HEALTHY, NULL, "disk",
		"x", "warn"},
	{N1 ",{'name': 'x', 'reachable': true, 'sync_us': 200001}", HEALTHY, NULL, "disk",
		"x", "fail"},
	{N1 ",{'name': 'x', 'reachable': true, 'rtt_us': 20001}", HEALTHY, NULL,
		"network", "x", "warn"},
	{N1 ",{'name': 'x', 'reachable': true, 'rtt_us': 100001}", HEALTHY, NULL,
		"network", "x", "fail"},
	{N1 ",{'name': 'x', 'reachable': true, 'diverged': true}", HEALTHY, NULL,
		"divergence", "x", "fail"},
	{N1 ",{'name': 'x', 'reachable': true, 'disputed': true}", HEALTHY, NULL,
		"divergence", "x", "fail"},
	{N1 ",{'name': 'x', 'reachable': true, 'incomplete': true}", HEALTHY, NULL, "log",
		"x", "fail"},
	{N1 ",{'name': 'x', 'reachable': true, 'behind': 10001}", HEALTHY, NULL, "behind",
		"x", "warn"},
	{N1, "{'disk_free': 99, 'space_low': true}", NULL, "space", "n1", "fail"},
	{N1, "{'disk_free': 1000000, 'state_bytes': 1000}", NULL, "space", "n1", "warn"},
	{N1, "{'disk_free': 9000000000, 'state_bytes': 8000000000}", NULL, "space", "n1",
		"warn"},
	{N1, "{'disk_free': 9000000000, 'log': {'bytes': 600000000}}", NULL, "checkpoint",
		"n1", "warn"},
	{N1, "{'disk_free': 9000000000, 'log': {'bytes': 600}}", NULL, "checkpoint", "n1",
		"ok"},
	{N1, HEALTHY, NULL, "certificate", "n1", ""},
	{N1, "{'cert_left_ms': 0}", NULL, "certificate", "n1", "fail"},
	{N1, "{'cert_left_ms': 1000}", NULL, "certificate", "n1", "warn"},
	{N1, "{'cert_left_ms': 99999999999}", NULL, "certificate", "n1", "ok"},
};

START_TEST(the_doctor_finds_what_is_wrong)
{
	struct visit v = visit(cases[_i].members, cases[_i].status, cases[_i].view);

	ck_assert_str_eq(
		level_of(&v, cases[_i].check, cases[_i].member), cases[_i].level);
	if (strcmp(cases[_i].level, "fail") == 0)
		ck_assert(v.failed);
	visit_fini(&v);
}
END_TEST

/* What a member that cannot be reached gets beside its trouble; without a code it is an
 * older member that tells. */
static const struct {
	const char *code;
	bool advice;
} troubles[] = {
	{"", true},
	{"unreachable", true},
	{"closed", true},
	{"timeout", true},
	{"denied", false},
	{"in_use", false},
	{"gone", false},
	{"protocol", false},
};

START_TEST(a_refusal_says_itself_what_to_do)
{
	char *rows = mem_format(N1
		",{'name': 'x', 'trouble': 'it says so', 'trouble_code': '%s'}",
		troubles[_i].code);
	struct visit v = visit(rows, HEALTHY, NULL);
	const struct svcd_value *f = finding_of(&v, "reachable", "x");

	ck_assert_str_eq(member_text(f, "level"), "fail");
	ck_assert_str_eq(member_text(f, "finding"), "cannot be reached: it says so");
	ck_assert((strstr(member_text(f, "advice"), "firewall") != NULL) ==
		troubles[_i].advice);
	visit_fini(&v);
	free(rows);
}
END_TEST

static const struct {
	const char *members, *advice;
} remedies[] = {
	{N1_JOINS, "in its log says what keeps it from joining"},
	{N1_REMOVED "," N2_AWAY, "let it join again"},
	{N1 "," N2_AWAY "," N3_AWAY, "'svcctl cluster recover'"},
	{N1_FOLLOWS "," N2 "," N3, "look again in a second"},
	{N1 "," N2_AWAY "," N3, "or remove it and let another one join"},
	{N1 "," N2, "let another one join"},
};

START_TEST(the_doctor_says_what_to_do_about_the_quorum)
{
	struct visit v = visit(remedies[_i].members, HEALTHY, NULL);
	const char *advice = member_text(finding_of(&v, "quorum", ""), "advice");

	ck_assert_msg(
		strstr(advice, remedies[_i].advice) != NULL, "the advice is: %s", advice);
	visit_fini(&v);
}
END_TEST

START_TEST(the_doctor_has_no_complaint_about_a_healthy_cluster)
{
	struct visit v = visit(N1 "," N2 "," N3, HEALTHY, N1 "," N2 "," N3);

	ck_assert(!v.failed);
	for (size_t i = 0; i < svcd_value_count(v.findings); i++)
		ck_assert_str_eq(
			member_text(svcd_value_at(v.findings, i), "level"), "ok");
	visit_fini(&v);
}
END_TEST

/* ---- commands of two words --------------------------------------------- */

static const struct {
	const char *words[6];
	enum outcome out;
	const char *command; /* NULL: none */
} lines[] = {
	{{"cluster", "status"}, OUT_OK, "cluster status"},
	{{"-o", "json", "cluster", "status"}, OUT_OK, "cluster status"},
	{{"cluster", "-o", "json", "status"}, OUT_OK, "cluster status"},
	{{"cluster", "join", "10.0.0.1", "--discard"}, OUT_OK, "cluster join"},
	{{"cluster", "transfer"}, OUT_OK, "cluster transfer"},
	{{"cluster", "transfer", "n2"}, OUT_OK, "cluster transfer"},
	{{"cluster"}, OUT_OK, NULL},
	{{"cluster", "--help"}, OUT_OK, NULL},
	{{"cluster", "stat"}, OUT_USAGE, NULL},
	{{"cluster", "remove"}, OUT_USAGE, "cluster remove"},
	{{"cluster", "remove", "a", "b"}, OUT_USAGE, "cluster remove"},
	{{"cluster", "--discard", "join"}, OUT_USAGE, NULL},
	{{"cluster status"}, OUT_USAGE, NULL},
	{{"help", "cluster", "join"}, OUT_OK, "help"},
};

START_TEST(commands_of_two_words)
{
	char *argv[8] = {(char *)(uintptr_t) "svcctl"};
	struct args a;
	int n = 1;

	for (; n < 7 && lines[_i].words[n - 1] != NULL; n++)
		argv[n] = (char *)(uintptr_t)lines[_i].words[n - 1];
	ck_assert_int_eq(args_parse(n, argv, &a), lines[_i].out);
	if (lines[_i].out == OUT_OK)
		ck_assert_pstr_eq(
			a.command != NULL ? a.command->name : NULL, lines[_i].command);
	args_fini(&a);
}
END_TEST

static const struct {
	const char *words[5];
	enum want want;
	const char *command;
	enum kind kind; /* of a value */
} places[] = {
	{{"clu"}, WANT_COMMANDS, NULL, 0},
	{{"cluster", ""}, WANT_COMMANDS, NULL, 0},
	{{"cluster", "-o", "json", "st"}, WANT_COMMANDS, NULL, 0},
	{{"cluster", "remove", ""}, WANT_VALUE, "cluster remove", KIND_MEMBER},
	{{"cluster", "remove", "n1", "--f"}, WANT_OPTIONS, "cluster remove", 0},
	{{"cluster", "nothing", ""}, WANT_NOTHING, NULL, 0},
	{{"help", "cluster", ""}, WANT_VALUE, "help", KIND_SUBCOMMAND},
	{{"backup", ""}, WANT_VALUE, "backup", KIND_FILE},
};

START_TEST(commands_of_two_words_are_completed)
{
	char *words[5];
	size_t n = 0;
	struct place at;

	for (; n < 5 && places[_i].words[n] != NULL; n++)
		words[n] = (char *)(uintptr_t)places[_i].words[n];
	at = complete_place(words, n);
	ck_assert_int_eq(at.want, places[_i].want);
	ck_assert_pstr_eq(
		at.command != NULL ? at.command->name : NULL, places[_i].command);
	if (at.want == WANT_VALUE)
		ck_assert_int_eq(at.param->kind, places[_i].kind);
	if (at.want == WANT_COMMANDS)
		ck_assert((at.family != NULL) == (n > 1));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("svcctl about members");
	TCase *tc = unit_case(s, "members");

	tcase_add_loop_test(tc, a_sentence_tells_of_the_quorum, 0, LENGTH(quorums));
	tcase_add_loop_test(tc, more_than_half_is_a_quorum, 0, LENGTH(sizes));
	tcase_add_test(tc, a_voter_less_may_end_the_quorum);
	tcase_add_loop_test(
		tc, members_are_meant_by_name_id_or_its_beginning, 0, LENGTH(named));
	tcase_add_test(tc, roles_and_lags_are_told);
	tc = unit_case(s, "joining");
	tcase_add_loop_test(
		tc, a_member_that_joins_goes_through_stages, 0, LENGTH(stages));
	tcase_add_loop_test(
		tc, addresses_of_members_are_short_for_people, 0, LENGTH(addresses));
	tcase_add_loop_test(tc, a_bar_is_as_long_as_what_is_done, 0, LENGTH(bars));
	tc = unit_case(s, "doctor");
	tcase_add_loop_test(tc, the_doctor_finds_what_is_wrong, 0, LENGTH(cases));
	tcase_add_loop_test(tc, a_refusal_says_itself_what_to_do, 0, LENGTH(troubles));
	tcase_add_loop_test(
		tc, the_doctor_says_what_to_do_about_the_quorum, 0, LENGTH(remedies));
	tcase_add_test(tc, the_doctor_has_no_complaint_about_a_healthy_cluster);
	tc = unit_case(s, "commands");
	tcase_add_loop_test(tc, commands_of_two_words, 0, LENGTH(lines));
	tcase_add_loop_test(tc, commands_of_two_words_are_completed, 0, LENGTH(places));
	return unit_run(s);
}
