/* What watchers and lookups are told, against a registry that misbehaves as it is told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_client.h"

static struct svcd_watch *watch;

#define A_UP "{id:'a',state:'up'}"
#define B_UP "{id:'b',state:'up'}"
#define A_DOWN "{id:'a',state:'down'}"

static void watch_web(void)
{
	unsigned before = fake_count(fake, "watch");

	ck_assert_int_eq(
		svcd_watch(client, NULL, "web", record_on_watch, record, &watch), 0);
	fake_wait(fake, "watch", before + 1);
}

/* Watched and told about revision 5. */
static void watching(void)
{
	watch_web();
	fake_snapshot(fake, "web", 5, "[" A_UP "]");
	record_expect(record, "snapshot 5 a");
}

static void expect_watch(unsigned count, const char *params)
{
	fake_wait(fake, "watch", count);
	ck_assert_str_eq(fake_params(fake, "watch", 0), params);
}

START_TEST(changes_come_one_after_the_other_and_are_acknowledged)
{
	watching();
	fake_delta(fake, "web", 5, 7, "[" B_UP "]", "[" A_UP "," B_UP "]");
	record_expect(record, "change 7 ab");
	fake_delta(fake, "web", 7, 8, "[" A_DOWN "]", "[" A_DOWN "," B_UP "]");
	record_expect(record, "change 8 b");
	fake_delta(fake, "web", 8, 9, "[{id:'b',gone:true}]", "[" A_DOWN "]");
	record_expect(record, "change 9 none healthy");
	fake_delta(fake, "web", 9, 10, "[{id:'a',gone:true}]", "[]");
	record_expect(record, "change 10 no instances");
	fake_event(fake, "{kind:'no_service',ns:'default',service:'web',rev:11}");
	record_expect(record, "snapshot 11 no service");
	fake_delta(fake, "web", 0, 12, "[" B_UP "]", "[" B_UP "]");
	record_expect(record, "change 12 b");
	fake_wait(fake, "ack", 6);
	ck_assert_str_eq(
		fake_params(fake, "ack", 0), "{ns:'default',service:'web',rev:12}");
	ck_assert_str_eq(
		fake_params(fake, "ack", 5), "{ns:'default',service:'web',rev:5}");
	ck_assert_str_eq(fake_params(fake, "watch", 0), "{service:'web',ns:'default'}");
	ck_assert_uint_eq(fake_count(fake, "watch"), 1);
}
END_TEST

START_TEST(the_set_is_there_at_any_time)
{
	const struct svcd_set *set;

	watch_web();
	ck_assert_ptr_null(svcd_watch_get(watch));
	fake_snapshot(fake, "web", 5, "[" A_UP "]");
	record_expect(record, "snapshot 5 a");
	set = svcd_watch_get(watch);
	ck_assert_str_eq(set->service, "web");
	ck_assert_uint_eq(set->n_instances, 1);
	fake_delta(fake, "web", 5, 6, "[{id:'a',gone:true}]", "[]");
	record_expect(record, "change 6 no instances");
	ck_assert_str_eq(set->instances[0].id, "a"); /* what is held stays as it was */
	svcd_set_unref(set);
	svcd_unwatch(watch);
}
END_TEST

/* Something is wrong with the stream: it is asked for from the beginning, and the good
 * set stays until then. */
static const char *const breaks[] = {
	"{kind:'delta',ns:'default',service:'web',from:6,rev:7,changes:[]}",
	"{kind:'delta',ns:'default',service:'web',from:4,rev:7,changes:[]}",
	"{kind:'delta',ns:'default',service:'web',from:5,rev:7,digest:1,changes:[" B_UP
	"]}",
	"{kind:'snapshot',ns:'default',service:'web',rev:7,digest:1,instances:[" B_UP
	"]}",
};

START_TEST(a_gap_becomes_a_snapshot)
{
	watching();
	fake_event(fake, breaks[_i]);
	expect_watch(2, "{service:'web',ns:'default'}");
	ck_assert_uint_eq(record_unread(record), 0);
	fake_snapshot(fake, "web", 8, "[" A_UP "," B_UP "]");
	record_expect(record, "snapshot 8 ab");
	fake_delta(fake, "web", 8, 9, "[" A_DOWN "]", "[" A_DOWN "," B_UP "]");
	record_expect(record, "change 9 b");
	ck_assert_uint_eq(fake_count(fake, "hello"), 1);
}
END_TEST

START_TEST(a_snapshot_in_parts_is_shown_when_it_is_whole)
{
	watching();
	fake_event(fake,
		"{kind:'snapshot',ns:'default',service:'web',rev:7,part:0,more:true,"
		"instances:[" A_DOWN "]}");
	fake_event(fake,
		"{kind:'snapshot',ns:'default',service:'web',rev:7,part:1,instances:[" B_UP
		"]}");
	record_expect(record, "snapshot 7 b");
	ck_assert_uint_eq(fake_count(fake, "watch"), 1);
}
END_TEST

START_TEST(a_digest_that_never_fits_does_not_go_on_for_ever)
{
	watching();
	for (unsigned n = 2; n <= 3; n++) {
		fake_event(fake,
			"{kind:'snapshot',ns:'default',service:'web',rev:7,digest:1,"
			"instances:[" B_UP "]}");
		fake_wait(fake, "watch", n);
	}
	fake_event(fake,
		"{kind:'snapshot',ns:'default',service:'web',rev:7,digest:1,instances:[" B_UP
		"]}");
	record_expect(record, "snapshot 7 b");
	ck_assert_uint_eq(fake_count(fake, "watch"), 3);
}
END_TEST

static const char *const ignored[] = {
	"{kind:'snapshot',ns:'default',service:'web',rev:4,instances:[]}",
	"{kind:'delta',ns:'default',service:'web',from:4,rev:5,changes:[" B_UP "]}",
	"{kind:'delta',ns:'default',service:'web',from:3,rev:4,changes:[" B_UP "]}",
	"{kind:'snapshot',ns:'default',service:'other',rev:9,instances:[]}",
	"{kind:'snapshot',ns:'prod',service:'web',rev:9,instances:[]}",
	"{kind:'synced',prefix:'',rev:9}",
	"{kind:'from_the_future',what:1}",
};

START_TEST(what_does_not_concern_us_is_ignored)
{
	watching();
	fake_event(fake, ignored[_i]);
	fake_delta(fake, "web", 5, 10, "[" B_UP "]", "[" A_UP "," B_UP "]");
	record_expect(record, "change 10 ab");
	ck_assert_uint_eq(fake_count(fake, "watch"), 1);
}
END_TEST

START_TEST(a_malformed_event_costs_the_connection_and_nothing_else)
{
	watching();
	fake_event(fake,
		"{kind:'snapshot',ns:'default',service:'web',rev:7,instances:[{state:'up'}]}");
	expect_watch(2, "{service:'web',ns:'default',rev:5}");
	ck_assert_uint_eq(fake_count(fake, "hello"), 2);
	fake_delta(fake, "web", 5, 10, "[" B_UP "]", "[" A_UP "," B_UP "]");
	record_expect(record, "change 10 ab");
}
END_TEST

/* ---- outages ----------------------------------------------------------- */

START_TEST(a_quick_reconnect_is_not_noticed)
{
	watching();
	fake_drop(fake);
	expect_watch(2, "{service:'web',ns:'default',rev:5}");
	fake_delta(fake, "web", 5, 6, "[" B_UP "]", "[" A_UP "," B_UP "]");
	record_expect(record, "change 6 ab");
}
END_TEST

START_TEST(the_last_good_set_stays_in_use_during_an_outage)
{
	const struct svcd_set *set;
	struct svcd_fault fault = {0};

	watching();
	ck_assert_int_eq(svcd_watch_fault(watch, &fault), 0);
	fake_away(fake);
	record_expect(record, "lost 5 a cached");
	ck_assert_int_eq(svcd_watch_fault(watch, &fault), SVCD_EUNREACHABLE);
	ck_assert_ptr_nonnull(strstr(fault.text, "no member can be reached: "));
	set = svcd_watch_get(watch);
	ck_assert_int_eq(set->source, SVCD_FROM_CACHE);
	ck_assert_uint_eq(set->n_instances, 1);
	svcd_set_unref(set);
	fake_back(fake);
	record_expect(record, "back 5 a");
	ck_assert_int_eq(svcd_watch_fault(watch, NULL), 0);
	set = svcd_watch_get(watch);
	ck_assert_int_eq(set->source, SVCD_FROM_LEADER);
	svcd_set_unref(set);
}
END_TEST

START_TEST(what_changed_during_an_outage_comes_after_it)
{
	watching();
	fake_away(fake);
	record_expect(record, "lost 5 a cached");
	fake_back(fake);
	fake_wait(fake, "watch", 2);
	fake_snapshot(fake, "web", 9, "[" B_UP "]");
	record_await(record, "snapshot 9 b");
}
END_TEST

START_TEST(a_watch_that_begins_in_an_outage_is_told_so)
{
	fake_away(fake);
	ck_assert_int_eq(
		svcd_watch(client, NULL, "web", record_on_watch, record, &watch), 0);
	record_expect(record, "lost, no set");
	fake_back(fake);
	fake_wait(fake, "watch", 1);
	fake_snapshot(fake, "web", 5, "[" A_UP "]");
	record_expect(record, "snapshot 5 a");
}
END_TEST

START_TEST(another_cluster_is_believed)
{
	watching();
	fake_set_cluster(fake, "c2");
	fake_drop(fake);
	expect_watch(2, "{service:'web',ns:'default'}");
	fake_snapshot(fake, "web", 2, "[" B_UP "]");
	record_expect(record, "snapshot 2 b");
}
END_TEST

START_TEST(a_watch_that_is_refused_says_so_and_is_asked_for_again_later)
{
	struct svcd_fault fault;

	fake_rule(fake, "watch", FAKE_ERROR, "{name:'denied',text:'not for you'}");
	watch_web();
	record_expect(record, "refused, no set");
	ck_assert_int_eq(svcd_watch_fault(watch, &fault), SVCD_EDENIED);
	ck_assert_str_eq(fault.text, "not for you");
	fake_drop(fake);
	fake_wait(fake, "watch", 2);
	fake_snapshot(fake, "web", 5, "[" A_UP "]");
	record_expect(record, "snapshot 5 a");
}
END_TEST

static const struct {
	enum fake_do what;
	const char *text;
} hurdles[] = {
	{FAKE_ERROR, "{name:'busy',text:'b'}"},
	{FAKE_ERROR, "{name:'not_ready',text:'n',retry_after_ms:5}"},
	{FAKE_ERROR, "{name:'limit',text:'too many watches'}"},
	{FAKE_DROP, NULL},
};

START_TEST(a_watch_is_asked_for_until_it_is_granted)
{
	fake_rule(fake, "watch", hurdles[_i].what, hurdles[_i].text);
	watch_web();
	fake_wait(fake, "watch", 2);
	fake_snapshot(fake, "web", 5, "[" A_UP "]");
	record_expect(record, "snapshot 5 a");
}
END_TEST

/* ---- handles ----------------------------------------------------------- */

START_TEST(handles_of_one_service_share_a_watch)
{
	struct svcd_watch *second;
	struct record *other = record_new();

	watching();
	ck_assert_int_eq(
		svcd_watch(client, "default", "web", record_on_watch, other, &second), 0);
	record_expect(other, "snapshot 5 a");
	fake_delta(fake, "web", 5, 6, "[" B_UP "]", "[" A_UP "," B_UP "]");
	record_expect(record, "change 6 ab");
	record_expect(other, "change 6 ab");
	svcd_unwatch(watch);
	fake_delta(fake, "web", 6, 7, "[" A_DOWN "]", "[" A_DOWN "," B_UP "]");
	record_expect(other, "change 7 b");
	ck_assert_uint_eq(fake_count(fake, "unwatch"), 0);
	svcd_unwatch(second);
	fake_wait(fake, "unwatch", 1);
	ck_assert_str_eq(fake_params(fake, "unwatch", 0), "{service:'web',ns:'default'}");
	ck_assert_uint_eq(fake_count(fake, "watch"), 1);
	ck_assert_uint_eq(record_unread(record), 0);
	record_free(other);
}
END_TEST

static void on_watch_leave(
	void *arg, enum svcd_watch_event event, const struct svcd_set *set)
{
	record_on_watch(arg, event, set);
	svcd_unwatch(watch);
}

START_TEST(a_callback_may_unwatch)
{
	ck_assert_int_eq(
		svcd_watch(client, NULL, "web", on_watch_leave, record, &watch), 0);
	fake_wait(fake, "watch", 1);
	fake_snapshot(fake, "web", 5, "[" A_UP "]");
	fake_snapshot(fake, "web", 6, "[" B_UP "]");
	record_expect(record, "snapshot 5 a");
	fake_wait(fake, "unwatch", 1);
	ck_assert_uint_eq(record_unread(record), 0);
}
END_TEST

START_TEST(a_watch_without_a_callback_has_a_set)
{
	const struct svcd_set *set;

	ck_assert_int_eq(svcd_watch(client, "prod", "web", NULL, NULL, &watch), 0);
	fake_wait(fake, "watch", 1);
	fake_event(fake,
		"{kind:'snapshot',ns:'prod',service:'web',rev:5,instances:[" A_UP "]}");
	fake_wait(fake, "ack", 1);
	set = svcd_watch_get(watch);
	ck_assert_str_eq(set->ns, "prod");
	svcd_set_unref(set);
	svcd_unwatch(watch);
	svcd_unwatch(NULL);
}
END_TEST

START_TEST(bad_watches_are_refused_at_once)
{
	ck_assert_int_eq(svcd_watch(client, NULL, NULL, NULL, NULL, &watch), SVCD_EINVAL);
	ck_assert_int_eq(svcd_watch(client, NULL, "", NULL, NULL, &watch), SVCD_EINVAL);
	ck_assert_int_eq(svcd_watch(client, NULL, "web", NULL, NULL, NULL), SVCD_EINVAL);
	ck_assert_int_eq(
		svcd_watch_raw(client, NULL, "", NULL, NULL, &watch), SVCD_EINVAL);
	ck_assert_int_eq(svcd_watch_raw(client, NULL, NULL, record_on_raw, NULL, &watch),
		SVCD_EINVAL);
}
END_TEST

START_TEST(raw_events_come_as_they_are)
{
	ck_assert_int_eq(
		svcd_watch_raw(client, "default", "we", record_on_raw, record, &watch),
		0);
	expect_watch(1, "{prefix:'we',ns:'default'}");
	ck_assert_ptr_null(svcd_watch_get(watch));
	fake_snapshot(fake, "web", 5, "[" A_UP "]");
	fake_snapshot(fake, "db", 6, "[" A_UP "]");
	fake_event(fake, "{kind:'snapshot',ns:'prod',service:'web',rev:7,instances:[]}");
	fake_event(fake, "{kind:'synced',ns:'default',prefix:'we'}");
	fake_delta(fake, "weather", 7, 8, "[" A_UP "]", "[" A_UP "]");
	record_expect(record, "snapshot web 5");
	record_expect(record, "synced");
	record_expect(record, "delta weather 8");
	fake_wait(fake, "ack", 2);
	fake_away(fake);
	record_expect(record, "lost");
	fake_back(fake);
	expect_watch(2, "{prefix:'we',ns:'default'}");
	fake_snapshot(fake, "web", 9, "[" A_UP "]");
	record_expect(record, "snapshot web 9");
	svcd_unwatch(watch);
	fake_wait(fake, "unwatch", 1);
	ck_assert_str_eq(fake_params(fake, "unwatch", 0), "{prefix:'we',ns:'default'}");
}
END_TEST

static void *read_often(void *arg)
{
	const struct svcd_set *set;
	uint64_t last = 0;

	while (last < 200) {
		set = svcd_watch_get(arg);
		if (set == NULL)
			continue;
		ck_assert_uint_ge(set->revision, last);
		last = set->revision;
		svcd_set_unref(set);
	}
	return NULL;
}

START_TEST(many_threads_read_while_it_changes)
{
	pthread_t threads[4];

	watching();
	for (size_t i = 0; i < LENGTH(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_often, watch), 0);
	for (unsigned rev = 6; rev <= 200; rev++)
		fake_delta(fake, "web", rev - 1, rev, "[" A_UP "]", "[" A_UP "]");
	for (size_t i = 0; i < LENGTH(threads); i++)
		pthread_join(threads[i], NULL);
}
END_TEST

START_TEST(unwatching_from_another_thread_ends_the_callbacks)
{
	for (unsigned i = 1; i <= 20; i++) {
		watch_web();
		fake_snapshot(fake, "web", 5, "[" A_UP "]");
		svcd_unwatch(watch);
		record_put(record, "end");
		fake_wait(fake, "unwatch", i);
		record_await(record, "end");
		ck_assert_uint_eq(record_unread(record), 0);
	}
}
END_TEST

/* ---- lookups ----------------------------------------------------------- */

static const struct svcd_query web = {.service = "web"};

static int resolve(
	const struct svcd_query *q, uint32_t timeout_ms, struct svcd_fault *fault)
{
	const struct svcd_set *set = NULL;
	int rv = svcd_resolve(client, q, timeout_ms, &set, fault);

	ck_assert((rv == 0) == (set != NULL));
	if (set != NULL)
		record_on_watch(record, SVCD_WATCH_SNAPSHOT, set);
	svcd_set_unref(set);
	return rv;
}

static const struct {
	const char *answer;
	const char *line;
} answers[] = {
	{"{service_rev:5,presence:'present',instances:[" B_UP "," A_UP "]}",
		"snapshot 5 ba"},
	{"{service_rev:5,presence:'none_match',instances:[]}", "snapshot 5 none match"},
	{"{service_rev:5,presence:'none_healthy',instances:[]}",
		"snapshot 5 none healthy"},
	{"{service_rev:5,presence:'no_instances',instances:[]}",
		"snapshot 5 no instances"},
	{"{service_rev:5,presence:'present',instances:[" A_DOWN "]}", "snapshot 5 a"},
	{"{}", "snapshot 0 none match"},
};

START_TEST(an_answer_becomes_a_set)
{
	fake_rule(fake, "resolve", FAKE_ANSWER, answers[_i].answer);
	ck_assert_int_eq(resolve(&web, 0, NULL), 0);
	record_expect(record, answers[_i].line);
	ck_assert_str_eq(fake_params(fake, "resolve", 0), "{ns:'default',service:'web'}");
}
END_TEST

static const struct {
	uint32_t limit;
	const char *line;
	unsigned asked;
} pages[] = {
	{0, "snapshot 5 abcd", 3},
	{3, "snapshot 5 abc", 2},
	{2, "snapshot 5 ab", 1},
};

START_TEST(an_answer_in_pages_is_put_together)
{
	struct svcd_query q = {.service = "web", .limit = pages[_i].limit};

	fake_rule(fake, "resolve", FAKE_ANSWER,
		"{service_rev:5,presence:'present',instances:[" A_UP "," B_UP
		"],next:'b'}");
	fake_rule(fake, "resolve", FAKE_ERROR, "{name:'busy',text:'b'}");
	fake_rule(fake, "resolve", FAKE_ANSWER,
		"{service_rev:6,presence:'present',"
		"instances:[{id:'c',state:'up'},{id:'d',state:'up'}],next:'d'}");
	fake_rule(fake, "resolve", FAKE_ANSWER,
		"{service_rev:7,presence:'none_match',instances:[]}");
	ck_assert_int_eq(resolve(&q, 0, NULL), 0);
	record_expect(record, pages[_i].line);
	ck_assert_uint_eq(
		fake_count(fake, "resolve"), pages[_i].asked + (pages[_i].asked > 1));
	if (pages[_i].asked == 3)
		ck_assert_str_eq(fake_params(fake, "resolve", 0),
			"{ns:'default',service:'web',after:'d'}");
}
END_TEST

START_TEST(a_page_that_does_not_come_spoils_the_answer)
{
	struct svcd_fault fault;

	fake_rule(fake, "resolve", FAKE_ANSWER,
		"{service_rev:5,presence:'present',instances:[" A_UP "],next:'a'}");
	fake_rule(fake, "resolve", FAKE_SILENT, NULL);
	ck_assert_int_eq(resolve(&web, 50, &fault), SVCD_ETIMEOUT);
}
END_TEST

START_TEST(a_missing_service_is_an_answer)
{
	fake_rule(
		fake, "resolve", FAKE_ERROR, "{name:'no_service',text:'no service web'}");
	ck_assert_int_eq(resolve(&web, 0, NULL), 0);
	record_expect(record, "snapshot 0 no service");
}
END_TEST

START_TEST(an_answer_says_where_it_comes_from)
{
	const struct svcd_set *set;

	fake_rule(fake, "resolve", FAKE_ANSWER,
		"{rev:9,age_ms:70,source:'follower',service_rev:5,presence:'present',"
		"instances:[" A_UP "]}");
	ck_assert_int_eq(svcd_resolve(client, &web, 0, &set, NULL), 0);
	ck_assert_uint_eq(set->age_ms, 70);
	ck_assert_int_eq(set->source, SVCD_FROM_FOLLOWER);
	svcd_set_unref(set);
}
END_TEST

START_TEST(a_lookup_may_wait_for_a_revision)
{
	struct svcd_query q = {.service = "web", .min_revision = 9};
	const char *params;

	fake_rule(fake, "resolve", FAKE_ERROR,
		"{name:'not_ready',text:'revision 9 is not here yet'}");
	fake_rule(fake, "resolve", FAKE_ANSWER,
		"{service_rev:9,presence:'present',instances:[" A_UP "]}");
	ck_assert_int_eq(resolve(&q, 4000, NULL), 0);
	record_expect(record, "snapshot 9 a");
	params = fake_params(fake, "resolve", 0);
	ck_assert_ptr_eq(
		strstr(params, "{ns:'default',service:'web',min_rev:9,wait_ms:"), params);
}
END_TEST

static const struct {
	const char *error;
	int code;
} failures[] = {
	{"{name:'invalid',text:'service: not a label'}", SVCD_EINVAL},
	{"{name:'denied',text:'d'}", SVCD_EDENIED},
	{"{name:'internal',text:'d'}", SVCD_EINTERNAL},
};

START_TEST(a_lookup_that_is_refused_is_no_reason_to_use_the_cache)
{
	struct svcd_fault fault;

	watching();
	fake_rule(fake, "resolve", FAKE_ERROR, failures[_i].error);
	ck_assert_int_eq(resolve(&web, 0, &fault), failures[_i].code);
	ck_assert_int_eq(fault.code, failures[_i].code);
}
END_TEST

START_TEST(without_a_registry_the_watched_set_answers)
{
	static const char *const blue[] = {"blue"};
	struct svcd_query q = {.service = "web", .tags = blue, .n_tags = 1};

	watch_web();
	fake_snapshot(fake, "web", 5,
		"[" A_DOWN ",{id:'b',state:'up',tags:['blue']},{id:'c',state:'up'}]");
	record_expect(record, "snapshot 5 bc");
	fake_away(fake);
	record_expect(record, "lost 5 bc cached");
	ck_assert_int_eq(resolve(&web, 0, NULL), 0);
	record_expect(record, "snapshot 5 bc cached");
	ck_assert_int_eq(resolve(&q, 0, NULL), 0);
	record_expect(record, "snapshot 5 b cached");
	q.zone = "z";
	ck_assert_int_eq(resolve(&q, 0, NULL), 0);
	record_expect(record, "snapshot 5 none match cached");
}
END_TEST

START_TEST(without_a_registry_the_last_answer_to_the_same_query_answers)
{
	struct svcd_query other = {.service = "web", .zone = "z"};
	const struct svcd_set *first, *second;
	struct svcd_fault fault;

	fake_rule(fake, "resolve", FAKE_ANSWER,
		"{service_rev:5,presence:'present',instances:[" A_UP "]}");
	ck_assert_int_eq(resolve(&web, 0, NULL), 0);
	record_expect(record, "snapshot 5 a");
	fake_away(fake);
	ck_assert_int_eq(svcd_resolve(client, &web, 10000, &first, NULL), 0);
	ck_assert_int_eq(first->source, SVCD_FROM_CACHE);
	ck_assert_str_eq(first->instances[0].id, "a");
	ck_assert_int_eq(resolve(&other, 30, &fault), SVCD_EUNREACHABLE);
	ck_assert_int_eq(svcd_resolve(client, &web, 10000, &second, NULL), 0);
	ck_assert_uint_ge(second->age_ms, first->age_ms + 30);
	svcd_set_unref(first);
	svcd_set_unref(second);
}
END_TEST

START_TEST(what_is_known_must_be_new_enough)
{
	struct svcd_query q = {.service = "web", .min_revision = 6};

	watching();
	fake_away(fake);
	record_expect(record, "lost 5 a cached");
	ck_assert_int_eq(resolve(&q, 30, NULL), SVCD_EUNREACHABLE);
	q.min_revision = 5;
	ck_assert_int_eq(resolve(&q, 30, NULL), 0);
	record_expect(record, "snapshot 5 a cached");
}
END_TEST

START_TEST(a_member_that_is_silent_is_as_good_as_none)
{
	watching();
	fake_rule(fake, "resolve", FAKE_SILENT, NULL);
	ck_assert_int_eq(resolve(&web, 50, NULL), 0);
	record_expect(record, "snapshot 5 a cached");
}
END_TEST

START_TEST(bad_queries_are_refused_at_once)
{
	static const char *const hole[] = {NULL};
	struct svcd_query q = {.service = NULL};
	const struct svcd_set *set;

	ck_assert_int_eq(svcd_resolve(client, &q, 0, &set, NULL), SVCD_EINVAL);
	ck_assert_int_eq(svcd_resolve(client, NULL, 0, &set, NULL), SVCD_EINVAL);
	ck_assert_int_eq(svcd_resolve(client, &web, 0, NULL, NULL), SVCD_EINVAL);
	q = (struct svcd_query){.service = "web", .tags = hole, .n_tags = 1};
	ck_assert_int_eq(svcd_resolve(client, &q, 0, &set, NULL), SVCD_EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client watches and lookups");
	TCase *tc = unit_case(s, "watch");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, changes_come_one_after_the_other_and_are_acknowledged);
	tcase_add_test(tc, the_set_is_there_at_any_time);
	tcase_add_loop_test(tc, a_gap_becomes_a_snapshot, 0, LENGTH(breaks));
	tcase_add_test(tc, a_snapshot_in_parts_is_shown_when_it_is_whole);
	tcase_add_test(tc, a_digest_that_never_fits_does_not_go_on_for_ever);
	tcase_add_loop_test(tc, what_does_not_concern_us_is_ignored, 0, LENGTH(ignored));
	tcase_add_test(tc, a_malformed_event_costs_the_connection_and_nothing_else);
	tcase_add_test(tc, a_quick_reconnect_is_not_noticed);
	tcase_add_test(tc, the_last_good_set_stays_in_use_during_an_outage);
	tcase_add_test(tc, what_changed_during_an_outage_comes_after_it);
	tcase_add_test(tc, a_watch_that_begins_in_an_outage_is_told_so);
	tcase_add_test(tc, another_cluster_is_believed);
	tcase_add_test(tc, a_watch_that_is_refused_says_so_and_is_asked_for_again_later);
	tcase_add_loop_test(
		tc, a_watch_is_asked_for_until_it_is_granted, 0, LENGTH(hurdles));
	tcase_add_test(tc, handles_of_one_service_share_a_watch);
	tcase_add_test(tc, a_callback_may_unwatch);
	tcase_add_test(tc, a_watch_without_a_callback_has_a_set);
	tcase_add_test(tc, bad_watches_are_refused_at_once);
	tcase_add_test(tc, raw_events_come_as_they_are);
	tcase_add_test(tc, many_threads_read_while_it_changes);
	tcase_add_test(tc, unwatching_from_another_thread_ends_the_callbacks);

	tc = unit_case(s, "resolve");
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, an_answer_becomes_a_set, 0, LENGTH(answers));
	tcase_add_loop_test(tc, an_answer_in_pages_is_put_together, 0, LENGTH(pages));
	tcase_add_test(tc, a_page_that_does_not_come_spoils_the_answer);
	tcase_add_test(tc, a_missing_service_is_an_answer);
	tcase_add_test(tc, an_answer_says_where_it_comes_from);
	tcase_add_test(tc, a_lookup_may_wait_for_a_revision);
	tcase_add_loop_test(tc, a_lookup_that_is_refused_is_no_reason_to_use_the_cache, 0,
		LENGTH(failures));
	tcase_add_test(tc, without_a_registry_the_watched_set_answers);
	tcase_add_test(tc, without_a_registry_the_last_answer_to_the_same_query_answers);
	tcase_add_test(tc, what_is_known_must_be_new_enough);
	tcase_add_test(tc, a_member_that_is_silent_is_as_good_as_none);
	tcase_add_test(tc, bad_queries_are_refused_at_once);
	return unit_run(s);
}
