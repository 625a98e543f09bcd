/* Settings and the configuration file: every value by its row, every mistake with its
 * place. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_file.h"

struct mistake {
	const char *text;
	size_t line, column;
	const char *says, *hint; /* parts of the message */
};

static const struct mistake mistakes[] = {
	{"wrokers: 2\n", 1, 1, "unknown setting 'wrokers'", "did you mean 'workers'?"},
	{"# c\n\nlimits:\n  conections: 5\n", 4, 3, "unknown setting 'limits.conections'",
		"limits.connections"},
	{"workers: many\n", 1, 10, "workers: 'many' is not a number", ""},
	{"workers: 65\n", 1, 10, "workers: 65 is not within 0..64", ""},
	{"workers: -1\n", 1, 10, "workers: '-1' is not a number", ""},
	{"workers: [1]\n", 1, 10, "workers: expected a single value, got a list", ""},
	{"checks: maybe\n", 1, 9, "checks: 'maybe' is not yes or no", ""},
	{"log-level: loud\n", 1, 12,
		"log-level: 'loud' is not debug, info, warn or error", ""},
	{"stop-grace: 5\n", 1, 13, "stop-grace: '5' is not a duration", ""},
	{"stop-grace: 2m\n", 1, 13, "stop-grace: 2m is not within 0..1m", ""},
	{"storage:\n  log-bytes: 1KiB\n", 2, 14,
		"storage.log-bytes: 1KiB is not within 1MiB..64GiB", ""},
	{"storage:\n  log-bytes: big\n", 2, 14, "'big' is not a size", ""},
	{"workers: 1\nworkers: 2\n", 2, 1, "workers is set twice, first in line 1", ""},
	{"limits: 3\n", 1, 9, "a section holds settings", ""},
	{"data-dir: \"\"\n", 1, 11, "data-dir: must not be empty", ""},
	{"listen: [\"tcp:127.0.0.1:70000\"]\n", 1, 10, "70000", ""},
	{"listen: []\n", 1, 9, "listen: the list is empty", ""},
	{"- a\n- b\n", 1, 1, "expected settings", ""},
	{"peers: 7821\n", 1, 8, "a section holds settings", ""},
	{"peers:\n  tls: x\n", 2, 8, "a section holds settings", ""},
	{"peers:\n  tls:\n    crt: x\n", 3, 5, "unknown setting 'peers.tls.crt'",
		"peers.tls.cert"},
	{"peers:\n  listen: unix:/x\n", 2, 11, "'unix:/x' is not tcp:HOST:PORT", ""},
	{"peers:\n  plain: maybe\n", 2, 10,
		"peers.plain: 'maybe' is not no, loopback or anywhere", ""},
	{"member:\n  name: Alpha\n", 2, 9, "'Alpha' is not a DNS label", ""},
	{"cluster:\n  voters: 0\n", 2, 11, "cluster.voters: 0 is not within 1..9", ""},
	{"workers: &a 2\n", 1, 10, "anchors, aliases and tags are not supported", ""},
	{"workers: !!int 2\n", 1, 10, "anchors, aliases and tags are not supported", ""},
	{"a: b: c\n", 1, 5, "mapping values are not allowed", ""},
	{"workers: 1\n--- \nworkers: 2\n", 3, 1, "only one document", ""},
	{"? [a]\n: 1\n", 1, 3, "must be a single word", ""},
};

static void parse(const char *text, struct settings *s, struct problems *p)
{
	settings_init(s);
	problems_init(p, "test.conf");
	config_parse(bytes_str(text), s, NULL, p);
}

START_TEST(each_mistake_is_told_with_its_place)
{
	const struct mistake *m = &mistakes[_i];
	struct settings s;
	struct problems p;

	parse(m->text, &s, &p);
	ck_assert_msg(p.n == 1, "%s: %u problems, first: %s", m->text, p.n,
		p.n ? p.items[0].text : "");
	ck_assert_uint_eq(p.items[0].line, m->line);
	ck_assert_uint_eq(p.items[0].column, m->column);
	ck_assert_msg(strstr(p.items[0].text, m->says) != NULL, "'%s' lacks '%s'",
		p.items[0].text, m->says);
	ck_assert_msg(strstr(p.items[0].hint, m->hint) != NULL, "'%s' lacks '%s'",
		p.items[0].hint, m->hint);
}
END_TEST

START_TEST(all_mistakes_are_told_at_once)
{
	struct settings s;
	struct problems p;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	const char *source = "lsten: x\nworkers: 99\nlimits:\n\tconnections: 0\n";

	parse("lsten: x\nworkers: 99\nlimits:\n  connections: 0\n", &s, &p);
	ck_assert_uint_eq(p.n, 3);
	problems_print(&p, bytes_str(source), out);
	fclose(out);
	ck_assert_str_eq(text,
		"test.conf:1:1: error: unknown setting 'lsten'\n  lsten: x\n  "
		"^\nhint: did you mean 'listen'?\n"
		"test.conf:2:10: error: workers: 99 is not within 0..64\n  workers: "
		"99\n           ^\n"
		"test.conf:4:16: error: limits.connections: 0 is not within 1..1000000\n"
		"   connections: 0\n                 ^\n");
	free(text);
}
END_TEST

START_TEST(values_arrive)
{
	struct settings s;
	struct problems p;

	parse("data-dir: /x/y\nworkers: 3\nlisten:\n  - unix:/a\n  - tcp:127.0.0.1:0\nchecks: off\n"
	      "limits: {connections: 7, hello-timeout: 250ms}\nstorage:\n  log-bytes: 2MiB\n",
		&s, &p);
	ck_assert_uint_eq(p.n, 0);
	ck_assert_str_eq(s.data_dir, "/x/y");
	ck_assert_uint_eq(s.workers, 3);
	ck_assert_uint_eq(s.listen.n, 2);
	ck_assert_str_eq(s.listen.at[0], "unix:/a");
	ck_assert(!s.checks_enabled);
	ck_assert_uint_eq(s.connections, 7);
	ck_assert_uint_eq(s.hello_timeout_ms, 250);
	ck_assert_uint_eq(s.log_bytes, 2u << 20);
	ck_assert_uint_eq(s.history_bytes, 16u << 20);
}
END_TEST

START_TEST(an_empty_file_means_defaults)
{
	static const char *const texts[] = {"", "\n# nothing\n", "---\n", "--- \n...\n"};
	struct settings s, initial;
	struct problems p;

	settings_init(&initial);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		parse(texts[i], &s, &p);
		ck_assert_uint_eq(p.n, 0);
		ck_assert_mem_eq(&s, &initial, sizeof s);
	}
}
END_TEST

START_TEST(what_is_printed_is_read_back)
{
	struct settings s, again;

	settings_init(&s);
	ck_assert_int_eq(
		settings_from_argument(&s, "listen=unix:/q,tcp:127.0.0.1:9", NULL), 0);
	ck_assert_int_eq(settings_from_argument(&s, "storage.log-bytes=3MiB", NULL), 0);
	ck_assert_int_eq(settings_from_argument(&s, "stop-grace=1m", NULL), 0);
	settings_init(&again);
	setting_clear(&again, setting_find("listen"));
	for (size_t i = 0; i < setting_count; i++) {
		char text[SETTING_TEXT_MAX];

		for (uint32_t n = 0;
			setting_print(&s, &setting_rows[i], n, text, sizeof text); n++)
			ck_assert_int_eq(
				setting_set(&again, &setting_rows[i], text, NULL), 0);
	}
	for (size_t i = 0; i < setting_count; i++) {
		char x[SETTING_TEXT_MAX], y[SETTING_TEXT_MAX];

		for (uint32_t n = 0; setting_print(&s, &setting_rows[i], n, x, sizeof x);
			n++) {
			ck_assert(
				setting_print(&again, &setting_rows[i], n, y, sizeof y));
			ck_assert_str_eq(x, y);
		}
	}
}
END_TEST

START_TEST(the_environment_overrides_and_is_checked)
{
	struct settings s;
	bool set[64] = {false};
	struct err e;

	settings_init(&s);
	setenv("SVCD_LIMITS_CONNECTIONS", "12", 1);
	setenv("SVCD_LISTEN", "unix:/e, tcp:127.0.0.1:5", 1);
	ck_assert_int_eq(settings_from_environment(&s, set, &e), 0);
	ck_assert_uint_eq(s.connections, 12);
	ck_assert_uint_eq(s.listen.n, 2);
	setenv("SVCD_LIMITS_CONNECTIONS", "0", 1);
	ck_assert_int_eq(settings_from_environment(&s, set, &e), SVCD_EINVAL);
	ck_assert_str_eq(e.text,
		"environment: SVCD_LIMITS_CONNECTIONS: 0 is not within 1..1000000");
}
END_TEST

START_TEST(arguments_are_checked)
{
	struct settings s;
	struct err e;

	settings_init(&s);
	ck_assert_int_eq(settings_from_argument(&s, "workers", &e), SVCD_EINVAL);
	ck_assert_int_eq(settings_from_argument(&s, "worker=1", &e), SVCD_EINVAL);
	ck_assert_str_eq(e.text, "unknown setting 'worker', did you mean 'workers'?");
	ck_assert_int_eq(settings_from_argument(&s, "workers=x", &e), SVCD_EINVAL);
	ck_assert_str_eq(e.text, "workers: 'x' is not a number");
}
END_TEST

START_TEST(a_reload_takes_what_may_change_and_names_the_rest)
{
	struct settings running, fresh;
	char names[128];

	settings_init(&running);
	settings_init(&fresh);
	settings_from_argument(&fresh, "log-level=debug", NULL);
	settings_from_argument(&fresh, "workers=2", NULL);
	settings_from_argument(&fresh, "listen=unix:/z", NULL);
	ck_assert_uint_eq(settings_reload(&running, &fresh, names, sizeof names), 2);
	ck_assert_str_eq(names, "listen,workers");
	ck_assert_str_eq(running.log_level, "debug");
	ck_assert_uint_eq(running.workers, 0);
}
END_TEST

START_TEST(settings_of_the_cluster_arrive)
{
	struct settings s;
	struct problems p;

	parse("member: {name: alpha}\npeers:\n  listen: 127.0.0.1\n"
	      "  tls: {ca: /a, cert: /b, key: /c}\n"
	      "cluster:\n  join: [127.0.0.2, \"tcp:127.0.0.3:9\"]\n  election: 1s\n",
		&s, &p);
	ck_assert_uint_eq(p.n, 0);
	ck_assert_str_eq(s.member_name, "alpha");
	ck_assert_str_eq(s.peer_listen, "tcp:127.0.0.1:7821");
	ck_assert_str_eq(s.tls_cert, "/b");
	ck_assert_uint_eq(s.join.n, 2);
	ck_assert_str_eq(s.join.at[0], "tcp:127.0.0.2:7821");
	ck_assert_str_eq(s.join.at[1], "tcp:127.0.0.3:9");
	ck_assert_uint_eq(s.election_ms, 1000);
	ck_assert_int_eq(settings_check(&s, NULL), 0);
}
END_TEST

/* Arguments after which settings do not fit together; NULL: they do. */
static const struct {
	const char *arguments[3];
	const char *says;
} together[] = {
	{{"peers.tls.key=/k"}, "peers.tls.key is set but peers.tls.cert is not"},
	{{"peers.tls.ca=/k", "peers.tls.cert=/c"}, "peers.tls.key is not"},
	{{"cluster.join=127.0.0.1"}, "cluster.join is set but peers.listen is not"},
	{{"peers.listen=10.0.0.5"}, "can be reached from other machines"},
	{{"peers.listen=10.0.0.5", "peers.plain=anywhere"}, NULL},
	{{"peers.listen=127.0.0.1", "peers.plain=no"}, "peers.plain is no"},
	{{"peers.listen=127.0.0.1"}, NULL},
	{{"peers.listen=*", "peers.plain=anywhere"}, "set peers.advertise"},
	{{"peers.listen=*", "peers.plain=anywhere", "peers.advertise=10.0.0.5"}, NULL},
	{{"peers.listen=127.0.0.1", "peers.advertise=127.0.0.1:0"}, "nobody can dial"},
	{{"cluster.heartbeat=200ms"}, "less than three times"},
};

START_TEST(settings_that_do_not_fit_together_are_refused)
{
	struct settings s;
	struct err e = {0};
	int rc;

	settings_init(&s);
	for (size_t i = 0; i < 3 && together[_i].arguments[i] != NULL; i++)
		ck_assert_int_eq(
			settings_from_argument(&s, together[_i].arguments[i], NULL), 0);
	rc = settings_check(&s, &e);
	ck_assert_int_eq(rc, together[_i].says != NULL ? SVCD_EINVAL : 0);
	if (rc != 0)
		ck_assert_msg(strstr(e.text, together[_i].says) != NULL,
			"'%s' lacks '%s'", e.text, together[_i].says);
}
END_TEST

START_TEST(the_hash_tells_settings_that_all_members_need_alike)
{
	struct settings a, b;

	settings_init(&a);
	settings_init(&b);
	settings_from_argument(&b, "workers=3", NULL);
	settings_from_argument(&b, "member.name=b", NULL);
	ck_assert(settings_common_hash(&a) == settings_common_hash(&b));
	settings_from_argument(&b, "storage.tombstones=2h", NULL);
	ck_assert(settings_common_hash(&a) != settings_common_hash(&b));
}
END_TEST

static Suite *config_suite(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");

	tcase_add_loop_test(t, each_mistake_is_told_with_its_place, 0,
		(int)(sizeof mistakes / sizeof mistakes[0]));
	tcase_add_test(t, all_mistakes_are_told_at_once);
	tcase_add_test(t, values_arrive);
	tcase_add_test(t, an_empty_file_means_defaults);
	tcase_add_test(t, what_is_printed_is_read_back);
	tcase_add_test(t, the_environment_overrides_and_is_checked);
	tcase_add_test(t, arguments_are_checked);
	tcase_add_test(t, a_reload_takes_what_may_change_and_names_the_rest);
	tcase_add_test(t, settings_of_the_cluster_arrive);
	tcase_add_loop_test(t, settings_that_do_not_fit_together_are_refused, 0,
		(int)(sizeof together / sizeof together[0]));
	tcase_add_test(t, the_hash_tells_settings_that_all_members_need_alike);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	SRunner *r = srunner_create(config_suite());
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
