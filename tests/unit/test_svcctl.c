/* The pure parts of svcctl: texts, the table of commands, command lines, specifications,
 * completion. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/args.h"
#include "svcctl/complete.h"
#include "svcctl/json.h"
#include "svcctl/pick.h"
#include "svcctl/spec.h"
#include "svcctl/text.h"
#include "unit.h"

/* ---- texts ------------------------------------------------------------- */

static const struct {
	const char *text;
	bool ok;
	uint64_t ms;
} durations[] = {
	{"0", true, 0},
	{"250ms", true, 250},
	{"10s", true, 10000},
	{"1m30s", true, 90000},
	{"1d2h", true, 93600000},
	{"0s", true, 0},
	{"5", false},
	{"", false},
	{"s", false},
	{"5x", false},
	{"5s ", false},
	{"-5s", false},
	{"5 s", false},
	{"1h30", false},
	{"99999999999s", false},
	{"4294967295d", false},
};

START_TEST(durations_have_a_unit)
{
	uint64_t ms = 77;

	ck_assert_msg(text_parse_duration(durations[_i].text, &ms) == durations[_i].ok,
		"'%s'", durations[_i].text);
	ck_assert_uint_eq(ms, durations[_i].ok ? durations[_i].ms : 77);
}
END_TEST

static const struct {
	const char *text;
	uint64_t max;
	bool ok;
	uint64_t number;
} numbers[] = {
	{"0", 10, true, 0},
	{"10", 10, true, 10},
	{"11", 10, false},
	{"007", 10, true, 7},
	{"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
	{"18446744073709551616", UINT64_MAX, false},
	{"", 10, false},
	{"+1", 10, false},
	{"1 ", 10, false},
	{"5", 3, false},
};

START_TEST(numbers_are_digits_within_a_limit)
{
	uint64_t v = 77;

	ck_assert_msg(text_parse_number(numbers[_i].text, numbers[_i].max, &v) ==
			numbers[_i].ok,
		"'%s'", numbers[_i].text);
	ck_assert_uint_eq(v, numbers[_i].ok ? numbers[_i].number : 77);
}
END_TEST

static const struct {
	uint64_t ms;
	const char *age, *duration;
} times[] = {
	{0, "now", "0"},
	{250, "now", "250ms"},
	{999, "now", "999ms"},
	{1000, "1s", "1s"},
	{1500, "1s", "1s500ms"},
	{41000, "41s", "41s"},
	{60000, "1m", "1m"},
	{192000, "3m12s", "3m12s"},
	{720000, "12m", "12m"},
	{3900000, "1h5m", "1h5m"},
	{19000000, "5h16m", "5h16m"},
	{40000000, "11h", "11h6m"},
	{90000000, "1d", "1d1h"},
	{864000000, "10d", "10d"},
};

START_TEST(ages_are_short)
{
	char text[TEXT_CAP];

	ck_assert_str_eq(text_age(times[_i].ms, text), times[_i].age);
	ck_assert_str_eq(text_duration(times[_i].ms, text), times[_i].duration);
}
END_TEST

START_TEST(what_drives_a_terminal_is_taken_out)
{
	char text[] = "a\033[31m\177\xc2\x9bz \xc3\xa4\n\xc2";

	ck_assert_str_eq(text_clean(text), "a?[31m??z \xc3\xa4?\xc2");
}
END_TEST

START_TEST(times_sizes_and_counts_as_people_write_them)
{
	char text[TEXT_CAP];

	ck_assert_str_eq(text_time(1732358467123, text), "2024-11-23T10:41:07.123Z");
	ck_assert_str_eq(text_time(0, text), "1970-01-01T00:00:00.000Z");
	ck_assert_str_eq(text_bytes(512, text), "512 B");
	ck_assert_str_eq(text_bytes(1536, text), "1.5 KiB");
	ck_assert_str_eq(text_bytes(UINT64_C(38) << 20, text), "38 MiB");
	ck_assert_str_eq(text_count(0, text), "0");
	ck_assert_str_eq(text_count(1204, text), "1,204");
	ck_assert_str_eq(text_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
}
END_TEST

static const struct {
	const char *word, *meant;
} misspelt[] = {
	{"chekcout", "checkout"},
	{"checkou", "checkout"},
	{"cehckout", "checkout"},
	{"leger", "ledger"},
	{"ap", "api"},
	{"zzz", NULL},
	{"x", NULL},
	{"", NULL},
	{"completely-different", NULL},
};

START_TEST(near_names_are_suggested)
{
	static const char *const names[] = {"checkout", "ledger", "api", "b", NULL};
	const char *near = text_suggest(misspelt[_i].word, names);

	ck_assert_pstr_eq(near, misspelt[_i].meant);
}
END_TEST

/* ---- exit statuses ----------------------------------------------------- */

static const struct {
	int error;
	enum outcome outcome;
} outcomes[] = {
	{0, OUT_OK},
	{SVCD_EINTERNAL, OUT_FAILED},
	{SVCD_EINVAL, OUT_USAGE},
	{SVCD_ENOSERVICE, OUT_NOT_FOUND},
	{SVCD_EGONE, OUT_NOT_FOUND},
	{SVCD_EEXISTS, OUT_CONFLICT},
	{SVCD_EFLOOR, OUT_CONFLICT},
	{SVCD_ETIMEOUT, OUT_TIMEOUT},
	{SVCD_EDENIED, OUT_DENIED},
	{SVCD_EUNREACHABLE, OUT_UNREACHABLE},
	{SVCD_ENOLEADER, OUT_NO_LEADER},
	{-9999, OUT_FAILED},
};

START_TEST(errors_become_exit_statuses)
{
	ck_assert_int_eq(outcome_of(outcomes[_i].error), outcomes[_i].outcome);
}
END_TEST

/* ---- the table --------------------------------------------------------- */

static void check_options(const char *owner, const struct param *p)
{
	for (; p != NULL && p->name != NULL; p++) {
		ck_assert_msg(p->help != NULL && strlen(p->help) <= 60, "%s --%s", owner,
			p->name);
		ck_assert_msg((p->kind == KIND_FLAG) == (p->value == NULL), "%s --%s",
			owner, p->name);
	}
}

static const struct command *find_by_words(const char *name)
{
	char first[32];
	size_t len = strcspn(name, " ");

	if (name[len] == '\0')
		return command_find(name);
	snprintf(first, sizeof(first), "%.*s", (int)len, name);
	ck_assert_ptr_nonnull(family_find(first));
	return command_find_in(first, name + len + 1);
}

START_TEST(the_table_is_complete)
{
	const struct command *c;
	size_t n = 0;

	check_options("svcctl", global_options);
	for (size_t i = 0; (c = command_at(i)) != NULL; i++, n++) {
		ck_assert_msg(c->name != NULL && c->help != NULL && c->run != NULL,
			"row %zu", i);
		ck_assert_msg(c->help[strlen(c->help) - 1] != '.', "%s", c->name);
		ck_assert_ptr_eq(find_by_words(c->name), c);
		ck_assert_uint_le(command_count_words(c), WORDS_MAX);
		check_options(c->name, c->options);
	}
	ck_assert_uint_gt(n, 20);
}
END_TEST

START_TEST(no_option_hides_another)
{
	const struct command *c;
	const struct param *p, *q;

	for (size_t i = 0; (c = command_at(i)) != NULL; i++)
		for (size_t j = 0; (p = command_option_at(c, j)) != NULL; j++)
			for (size_t k = j + 1; (q = command_option_at(c, k)) != NULL;
				k++) {
				ck_assert_msg(strcmp(p->name, q->name) != 0, "%s --%s",
					c->name, p->name);
				ck_assert_msg(p->letter == 0 || p->letter != q->letter,
					"%s -%c", c->name, p->letter);
			}
}
END_TEST

/* ---- command lines ----------------------------------------------------- */

static const struct {
	const char *line; /* words after "svcctl" */
	enum outcome outcome;
	const char *command, *word, *ns, *format, *child;
} lines[] = {
	{"ls", OUT_OK, "ls", NULL, NULL, NULL, NULL},
	{"ls web", OUT_OK, "ls", "web", NULL, NULL, NULL},
	{"-n a ls web -o json", OUT_OK, "ls", "web", "a", "json", NULL},
	{"ls -n a web --output=yaml", OUT_OK, "ls", "web", "a", "yaml", NULL},
	{"ls -ojson -na", OUT_OK, "ls", NULL, "a", "json", NULL},
	{"-n a ls -n b", OUT_OK, "ls", NULL, "b", NULL, NULL},
	{"get -- web", OUT_OK, "get", "web", NULL, NULL, NULL},
	{"register web -p 1 -- ls -n x", OUT_OK, "register", "web", NULL, NULL, "ls"},
	{"register web -n a -- -v", OUT_OK, "register", "web", "a", NULL, "-v"},
	{"", OUT_OK, NULL, NULL, NULL, NULL, NULL},
	{"ls a b", OUT_USAGE},
	{"get", OUT_USAGE},
	{"nothing", OUT_USAGE},
	{"ls --out json", OUT_USAGE},
	{"ls -o xml", OUT_USAGE},
	{"ls --quiet=1", OUT_USAGE},
	{"ls -n", OUT_USAGE},
	{"ls --nope", OUT_USAGE},
	{"-Z ls", OUT_USAGE},
	{"weight web", OUT_USAGE},
	{"weight web 1x", OUT_USAGE},
	{"weight web 65536", OUT_USAGE},
	{"completion tcsh", OUT_USAGE},
	{"register web x -- ls", OUT_USAGE},
};

/* Owns copies of the words: getopt moves them. */
struct line {
	char text[128];
	char *argv[16];
	int argc;
};

static void line_split(struct line *l, const char *text)
{
	char *save = NULL;

	snprintf(l->text, sizeof(l->text), "%s", text);
	l->argv[0] = (char *)(uintptr_t) "svcctl";
	l->argc = 1;
	for (char *w = strtok_r(l->text, " ", &save); w != NULL;
		w = strtok_r(NULL, " ", &save))
		l->argv[l->argc++] = w;
	l->argv[l->argc] = NULL;
}

START_TEST(command_lines)
{
	struct line l;
	struct args a;

	line_split(&l, lines[_i].line);
	ck_assert_msg(args_parse(l.argc, l.argv, &a) == lines[_i].outcome, "%s",
		lines[_i].line);
	if (lines[_i].outcome == OUT_OK) {
		ck_assert_pstr_eq(
			a.command != NULL ? a.command->name : NULL, lines[_i].command);
		ck_assert_pstr_eq(args_word(&a, 0), lines[_i].word);
		ck_assert_pstr_eq(args_text(&a, "namespace", NULL), lines[_i].ns);
		ck_assert_pstr_eq(args_text(&a, "output", NULL), lines[_i].format);
		ck_assert_pstr_eq(a.child != NULL ? a.child[0] : NULL, lines[_i].child);
	}
	args_fini(&a);
}
END_TEST

START_TEST(repeated_options_come_in_order)
{
	struct line l;
	struct args a;
	size_t i = 0;

	line_split(
		&l, "register web --tag a --port 1 --tag b --weight 5 --ttl 3s --keep");
	ck_assert_int_eq(args_parse(l.argc, l.argv, &a), OUT_OK);
	ck_assert_str_eq(args_each(&a, "tag", &i), "a");
	ck_assert_str_eq(args_each(&a, "tag", &i), "b");
	ck_assert_ptr_null(args_each(&a, "tag", &i));
	ck_assert_uint_eq(args_number(&a, "weight", 1), 5);
	ck_assert_uint_eq(args_number(&a, "tier", 7), 7);
	ck_assert_uint_eq(args_duration(&a, "ttl", 0), 3000);
	ck_assert(args_flag(&a, "keep"));
	ck_assert(!args_flag(&a, "quiet"));
	args_fini(&a);
}
END_TEST

/* ---- specifications ---------------------------------------------------- */

static const struct {
	const char *text, *name;
	uint16_t number;
	const char *protocol;
	bool tls;
} ports[] = {
	{"8080", "default", 8080, "tcp", false},
	{"http=80", "http", 80, "tcp", false},
	{"dns=53/udp", "dns", 53, "udp", false},
	{"https=443/tcp+tls", "https", 443, "tcp", true},
	{"65535/h2c", "default", 65535, "h2c", false},
	{"0", NULL},
	{"65536", NULL},
	{"", NULL},
	{"=80", NULL},
	{"http=", NULL},
	{"http", NULL},
	{"80/", NULL},
	{"80/tcp+ssl", NULL},
	{"80x", NULL},
};

START_TEST(ports_are_read)
{
	char error[SPEC_ERROR_MAX] = "";
	struct spec s = {.copies = NULL};
	bool ok = spec_add_port(&s, ports[_i].text, error);

	ck_assert_msg(ok == (ports[_i].name != NULL), "'%s': %s", ports[_i].text, error);
	if (ok) {
		ck_assert_str_eq(s.instance.ports[0].name, ports[_i].name);
		ck_assert_uint_eq(s.instance.ports[0].number, ports[_i].number);
		ck_assert_str_eq(s.instance.ports[0].protocol, ports[_i].protocol);
		ck_assert(s.instance.ports[0].tls == ports[_i].tls);
	} else {
		ck_assert_ptr_nonnull(strstr(error, "is not a port"));
	}
	spec_fini(&s);
}
END_TEST

START_TEST(two_ports_need_two_names)
{
	char error[SPEC_ERROR_MAX];
	struct spec s = {.copies = NULL};

	ck_assert(spec_add_port(&s, "80", error));
	ck_assert(!spec_add_port(&s, "81", error));
	ck_assert(spec_add_port(&s, "b=81", error));
	ck_assert_uint_eq(s.instance.n_ports, 2);
	spec_fini(&s);
}
END_TEST

static const struct {
	const char *text, *complaint; /* NULL: fine */
} checks[] = {
	{"http", NULL},
	{"tcp", NULL},
	{"http=/", NULL},
	{"http=/a=b?c,interval=1s", NULL},
	{"tcp,timeout=250ms,rise=1,fall=2,port=x,name=y,fast-interval=1s,slow-interval=1m",
		NULL},
	{"http,status=200-204", NULL},
	{"http,status=204", NULL},
	{"", "is not a check"},
	{"ftp", "is not a check"},
	{"tcp=/x", "is not a check"},
	{"http=x", "begins with '/'"},
	{"http,", "a check has no ''"},
	{"http,intervall=1s", "did you mean 'interval'?"},
	{"http,interval=1", "interval: '1'"},
	{"http,interval", "interval: ''"},
	{"http,rise=x", "rise: 'x'"},
	{"http,status=600", "status: '600'"},
	{"http,status=300-200", "status: '300-200'"},
	{"http,status=99", "status: '99'"},
	{"http,port=", "port: ''"},
	{"http,interval=50d", "interval: '50d'"},
};

START_TEST(checks_are_read)
{
	char error[SPEC_ERROR_MAX] = "";
	struct spec s = {.copies = NULL};
	bool ok = spec_add_check(&s, checks[_i].text, error);

	ck_assert_msg(
		ok == (checks[_i].complaint == NULL), "'%s': %s", checks[_i].text, error);
	if (!ok)
		ck_assert_msg(strstr(error, checks[_i].complaint) != NULL, "'%s': %s",
			checks[_i].text, error);
	ck_assert_uint_eq(s.instance.n_checks, ok);
	spec_fini(&s);
}
END_TEST

START_TEST(an_instance_becomes_a_message)
{
	char error[SPEC_ERROR_MAX];
	struct spec s = {.copies = NULL};
	struct svcd_value *v;
	json_t *document;
	char *text;

	ck_assert(spec_add_port(&s, "dns=53/udp", error));
	ck_assert(spec_add_meta(&s, "k=a=b", error));
	ck_assert(!spec_add_meta(&s, "=x", error));
	ck_assert(spec_add_check(&s, "http=/h,interval=2s,fall=1,status=200-204", error));
	s.instance.service = "web";
	s.instance.id = "i";
	s.instance.zone = "z";
	s.instance.weight = 7;
	v = spec_value(&s.instance);
	document = json_of(v, "");
	text = json_dumps(document, JSON_COMPACT);
	ck_assert_str_eq(text,
		"{\"service\":\"web\",\"id\":\"i\","
		"\"ports\":{\"dns\":{\"port\":53,\"protocol\":\"udp\"}},"
		"\"weight\":7,\"tier\":0,\"locality\":{\"zone\":\"z\"},\"meta\":{\"k\":\"a=b\"},"
		"\"checks\":[{\"type\":\"http\",\"path\":\"/h\","
		"\"status_min\":200,\"status_max\":204,"
		"\"interval_ms\":2000,\"fall\":1}]}");
	free(text);
	json_decref(document);
	svcd_value_free(v);
	spec_fini(&s);
}
END_TEST

/* ---- picking ----------------------------------------------------------- */

START_TEST(lower_tiers_are_drawn_first_and_nobody_twice)
{
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct candidate c[] = {
			{1, 100, 0}, {0, 1, 1}, {1, 5, 2}, {0, 0, 3}, {2, 9, 4}};
		bool seen[5] = {false};

		pick_draw(c, 5, 5, seed);
		ck_assert_uint_eq(c[0].index, 1); /* weight 0 comes after the others of
						     its tier */
		ck_assert_uint_eq(c[1].index, 3);
		ck_assert_uint_eq(c[4].index, 4);
		for (size_t i = 0; i < 5; i++) {
			ck_assert(!seen[c[i].index]);
			seen[c[i].index] = true;
		}
	}
}
END_TEST

START_TEST(weights_are_shares)
{
	int first = 0;

	for (uint64_t seed = 0; seed < 4000; seed++) {
		struct candidate c[] = {{0, 30, 0}, {0, 10, 1}};

		pick_draw(c, 2, 1, seed);
		first += c[0].index == 0;
	}
	ck_assert_int_gt(first, 2850); /* 3000 wanted, 27 is one standard deviation */
	ck_assert_int_lt(first, 3150);
}
END_TEST

/* ---- completion -------------------------------------------------------- */

static const struct {
	const char *line; /* words; a final blank begins a new one */
	enum want want;
	const char *command, *param, *prefix, *ns;
} places[] = {
	{"", WANT_COMMANDS, NULL, NULL, "", NULL},
	{"dr", WANT_COMMANDS, NULL, NULL, "dr", NULL},
	{"-n a ", WANT_COMMANDS, NULL, NULL, "", "a"},
	{"-n ", WANT_VALUE, NULL, "namespace", "", NULL},
	{"-n a get ", WANT_VALUE, "get", "TARGET", "", "a"},
	{"--namespace=a get x", WANT_VALUE, "get", "TARGET", "x", "a"},
	{"get web ", WANT_NOTHING, "get", NULL, "", NULL},
	{"get -q ", WANT_VALUE, "get", "TARGET", "", NULL},
	{"drain --re", WANT_OPTIONS, "drain", NULL, "--re", NULL},
	{"drain --reason ", WANT_VALUE, "drain", "reason", "", NULL},
	{"drain --reason x ", WANT_VALUE, "drain", "TARGET", "", NULL},
	{"--out", WANT_OPTIONS, NULL, NULL, "--out", NULL},
	{"ls --output=j", WANT_VALUE, "ls", "output", "j", NULL},
	{"weight web ", WANT_VALUE, "weight", "N", "", NULL},
	{"register web -- ", WANT_PROGRAM, "register", NULL, "", NULL},
	{"register web -- ls x", WANT_FILES, "register", NULL, "x", NULL},
	{"unknown ", WANT_NOTHING, NULL, NULL, "", NULL},
	{"-", WANT_OPTIONS, NULL, NULL, "-", NULL},
};

START_TEST(the_place_of_the_cursor)
{
	char text[64], *words[8], *save = NULL, empty[] = "";
	struct place at;
	size_t n = 0;

	snprintf(text, sizeof(text), "%s", places[_i].line);
	for (char *w = strtok_r(text, " ", &save); w != NULL;
		w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	if (n == 0 || places[_i].line[strlen(places[_i].line) - 1] == ' ')
		words[n++] = empty;
	at = complete_place(words, n);
	ck_assert_msg(at.want == places[_i].want, "'%s': %d", places[_i].line, at.want);
	ck_assert_pstr_eq(
		at.command != NULL ? at.command->name : NULL, places[_i].command);
	if (places[_i].param != NULL)
		ck_assert_str_eq(at.param->name, places[_i].param);
	ck_assert_str_eq(at.prefix, places[_i].prefix);
	ck_assert_pstr_eq(at.ns, places[_i].ns);
}
END_TEST

/* ---- documents --------------------------------------------------------- */

static const struct {
	const char *text, *csv;
} fields[] = {
	{"plain", "plain"},
	{"", ""},
	{"a,b", "\"a,b\""},
	{"say \"x\"", "\"say \"\"x\"\"\""},
	{"two\nlines", "\"two\nlines\""},
};

START_TEST(csv_quotes_what_must_be_quoted)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	csv_put(out, fields[_i].text);
	fclose(out);
	ck_assert_str_eq(text, fields[_i].csv);
	free(text);
}
END_TEST

START_TEST(numbers_stay_numbers_and_times_become_text)
{
	struct svcd_value *v = svcd_value_new_map();
	json_t *document;
	char *text;

	svcd_value_set_uint(v, "since", 0);
	svcd_value_set_uint(v, "digest", UINT64_C(0xfedcba9876543210));
	svcd_value_set_uint(v, "rev", 7);
	svcd_value_set_int(v, "below", -7);
	svcd_value_set_bool(v, "truth", true);
	document = json_of(v, "");
	text = json_dumps(document, JSON_COMPACT);
	ck_assert_str_eq(text,
		"{\"since\":\"1970-01-01T00:00:00.000Z\",\"digest\":\"fedcba9876543210\","
		"\"rev\":7,\"below\":-7,\"truth\":true}");
	free(text);
	json_decref(document);
	svcd_value_free(v);
}
END_TEST

START_TEST(yaml_quotes_what_looks_like_something_else)
{
	json_t *document = json_pack("{s:s, s:s, s:s, s:s, s:i, s:[], s:[s]}", "a",
		"plain", "b", "1.2", "c", "No", "d", "x: y", "e", 5, "f", "g", "");
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	yaml_print(out, document, false);
	fclose(out);
	ck_assert_str_eq(text,
		"a: plain\nb: \"1.2\"\nc: \"No\"\nd: 'x: y'\ne: 5\nf: []\ng:\n- \"\"\n");
	free(text);
	json_decref(document);
}
END_TEST

static Suite *svcctl_suite(void)
{
	Suite *s = suite_create("svcctl");
	TCase *t = unit_case(s, "svcctl");

	tcase_add_loop_test(t, durations_have_a_unit, 0, LENGTH(durations));
	tcase_add_loop_test(t, numbers_are_digits_within_a_limit, 0, LENGTH(numbers));
	tcase_add_loop_test(t, ages_are_short, 0, LENGTH(times));
	tcase_add_test(t, what_drives_a_terminal_is_taken_out);
	tcase_add_test(t, times_sizes_and_counts_as_people_write_them);
	tcase_add_loop_test(t, near_names_are_suggested, 0, LENGTH(misspelt));
	tcase_add_loop_test(t, errors_become_exit_statuses, 0, LENGTH(outcomes));
	tcase_add_test(t, the_table_is_complete);
	tcase_add_test(t, no_option_hides_another);
	tcase_add_loop_test(t, command_lines, 0, LENGTH(lines));
	tcase_add_test(t, repeated_options_come_in_order);
	tcase_add_loop_test(t, ports_are_read, 0, LENGTH(ports));
	tcase_add_test(t, two_ports_need_two_names);
	tcase_add_loop_test(t, checks_are_read, 0, LENGTH(checks));
	tcase_add_test(t, an_instance_becomes_a_message);
	tcase_add_test(t, lower_tiers_are_drawn_first_and_nobody_twice);
	tcase_add_test(t, weights_are_shares);
	tcase_add_loop_test(t, the_place_of_the_cursor, 0, LENGTH(places));
	tcase_add_loop_test(t, csv_quotes_what_must_be_quoted, 0, LENGTH(fields));
	tcase_add_test(t, numbers_stay_numbers_and_times_become_text);
	tcase_add_test(t, yaml_quotes_what_looks_like_something_else);
	return s;
}

int main(void)
{
	return unit_run(svcctl_suite());
}
