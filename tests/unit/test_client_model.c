/* client/model.h, event.h, item.h, set.h: what a watcher knows of a service. */
#include <stdio.h>
#include <string.h>

#include "notation.h"
#include "client/answers.h"
#include "client/model.h"
#include "client/set.h"
#include "unit.h"

static struct arena *arena;
static struct model model;
static struct buf scratch;

static void set_up(void)
{
	arena = arena_new();
	ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
	model_fini(&model);
	buf_fini(&scratch);
	arena_free(arena);
}

/* Hash of the instance that this text stands for. */
static uint64_t hash_of(const char *instance)
{
	struct buf b = {0};
	uint64_t hash;

	notation_pack(&b, instance);
	hash = bytes_hash(buf_bytes(&b));
	buf_fini(&b);
	return hash;
}

/* What comes of an event. */
static int apply_event(
	const char *text, uint64_t member_rev, bool trust, enum model_verdict *verdict)
{
	struct value map;
	struct event ev;
	int rv;

	buf_clear(&scratch);
	notation_pack(&scratch, text);
	ck_assert_int_eq(value_parse(arena, buf_bytes(&scratch), &map), 0);
	rv = event_parse(map, buf_bytes(&scratch), &ev);
	if (rv == 0)
		rv = model_apply(&model, &ev, member_rev, trust, verdict);
	model_check(&model);
	return rv;
}

static enum model_verdict apply(const char *text)
{
	enum model_verdict verdict = MODEL_WRONG;

	ck_assert_int_eq(apply_event(text, 0, false, &verdict), 0);
	return verdict;
}

static void expect_ids(const char *ids)
{
	char text[256] = "";

	for (size_t i = 0; i < model.n; i++)
		strcat(text, model.items[i]->view.id);
	ck_assert_str_eq(text, ids);
}

#define SNAPSHOT_AB(rev) \
	"{kind:'snapshot',service:'web',rev:" rev \
	",instances:[{id:'b',state:'up'},{id:'a',state:'down'}]}"

/* One row after the other on the same model: the event, what it is taken for, who is
 * there then. */
struct row {
	const char *event;
	enum model_verdict verdict;
	const char *ids;
};

static void run(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ck_assert_msg(apply(rows[i].event) == rows[i].verdict, "row %zu", i);
		expect_ids(rows[i].ids);
	}
}

START_TEST(deltas_follow_one_another)
{
	static const struct row rows[] = {
		{SNAPSHOT_AB("5"), MODEL_SNAPSHOT, "ab"},
		{"{kind:'delta',service:'web',from:5,rev:7,changes:[{id:'c',state:'up'}]}",
			MODEL_CHANGE, "abc"},
		{"{kind:'delta',service:'web',from:7,rev:8,changes:[{id:'a',gone:true}]}",
			MODEL_CHANGE, "bc"},
		{"{kind:'delta',service:'web',from:8,rev:9,changes:[{id:'b',state:'up',weight:3}]}",
			MODEL_CHANGE, "bc"},
		{"{kind:'delta',service:'web',from:9,rev:10,changes:[{id:'x',gone:true}]}",
			MODEL_CHANGE, "bc"},
	};

	run(rows, LENGTH(rows));
	ck_assert_uint_eq(model.rev, 10);
	ck_assert_uint_eq(model.items[0]->view.weight, 3);
}
END_TEST

START_TEST(a_gap_changes_nothing)
{
	static const struct row rows[] = {
		{SNAPSHOT_AB("5"), MODEL_SNAPSHOT, "ab"},
		{"{kind:'delta',service:'web',from:6,rev:7,changes:[{id:'c',state:'up'}]}",
			MODEL_GAP, "ab"},
		{"{kind:'delta',service:'web',from:4,rev:7,changes:[{id:'c',state:'up'}]}",
			MODEL_GAP, "ab"},
		{SNAPSHOT_AB("8"), MODEL_SNAPSHOT, "ab"},
	};

	run(rows, LENGTH(rows));
}
END_TEST

START_TEST(what_is_older_is_ignored)
{
	static const struct row rows[] = {
		{SNAPSHOT_AB("5"), MODEL_SNAPSHOT, "ab"},
		{"{kind:'snapshot',service:'web',rev:4,instances:[]}", MODEL_SAME, "ab"},
		{"{kind:'delta',service:'web',from:4,rev:5,changes:[{id:'c',state:'up'}]}",
			MODEL_SAME, "ab"},
		{"{kind:'delta',service:'web',from:2,rev:3,changes:[{id:'c',state:'up'}]}",
			MODEL_SAME, "ab"},
		{SNAPSHOT_AB("5"), MODEL_SAME, "ab"},
		{"{kind:'no_service',service:'web',rev:3}", MODEL_SAME, "ab"},
		{"{kind:'synced'}", MODEL_SAME, "ab"},
		{"{kind:'from_the_future',service:'web',rev:9}", MODEL_SAME, "ab"},
	};

	run(rows, LENGTH(rows));
}
END_TEST

START_TEST(a_snapshot_of_the_same_revision_repairs)
{
	static const struct row rows[] = {
		{SNAPSHOT_AB("5"), MODEL_SNAPSHOT, "ab"},
		{"{kind:'snapshot',service:'web',rev:5,instances:[{id:'z',state:'up'}]}",
			MODEL_SNAPSHOT, "z"},
	};

	run(rows, LENGTH(rows));
}
END_TEST

START_TEST(a_service_comes_into_being_and_goes)
{
	static const struct row rows[] = {
		{"{kind:'no_service',service:'web',rev:0}", MODEL_SNAPSHOT, ""},
		{"{kind:'no_service',service:'web',rev:0}", MODEL_SAME, ""},
		{"{kind:'delta',service:'web',from:0,rev:7,changes:[{id:'c',state:'up'}]}",
			MODEL_CHANGE, "c"},
		{"{kind:'no_service',service:'web',rev:9}", MODEL_SNAPSHOT, ""},
		{"{kind:'snapshot',service:'web',rev:8,instances:[{id:'c',state:'up'}]}",
			MODEL_SAME, ""},
		{"{kind:'delta',service:'web',from:0,rev:11,changes:[{id:'d',state:'up'}]}",
			MODEL_CHANGE, "d"},
	};

	run(rows, LENGTH(rows));
	ck_assert(!model.missing);
}
END_TEST

START_TEST(a_member_that_is_behind_cannot_say_that_a_service_is_missing)
{
	enum model_verdict verdict;

	apply(SNAPSHOT_AB("5"));
	ck_assert_int_eq(apply_event("{kind:'no_service',service:'web',rev:0}", 4, false,
				 &verdict),
		0);
	ck_assert_int_eq(verdict, MODEL_SAME);
	ck_assert_int_eq(apply_event("{kind:'no_service',service:'web',rev:0}", 5, false,
				 &verdict),
		0);
	ck_assert_int_eq(verdict, MODEL_SNAPSHOT);
	ck_assert(model.missing);
	ck_assert_uint_eq(model.newest, 5);
}
END_TEST

START_TEST(a_digest_that_does_not_fit_changes_nothing_unless_it_must)
{
	static const char wrong[] =
		"{kind:'snapshot',service:'web',rev:6,digest:1,instances:[{id:'c',state:'up'}]}";
	enum model_verdict verdict;

	apply(SNAPSHOT_AB("5"));
	ck_assert_int_eq(apply(wrong), MODEL_WRONG);
	expect_ids("ab");
	ck_assert_int_eq(apply_event(wrong, 0, true, &verdict), 0);
	ck_assert_int_eq(verdict, MODEL_SNAPSHOT);
	expect_ids("c");
}
END_TEST

START_TEST(the_digest_is_the_sum_of_the_instances_as_they_were_sent)
{
	uint64_t a = hash_of("{id:'a',state:'down'}");
	uint64_t b = hash_of("{id:'b',state:'up'}");
	char text[256];

	snprintf(text, sizeof(text),
		"{kind:'snapshot',service:'web',rev:5,digest:%llu,"
		"instances:[{id:'a',state:'down'},{id:'b',state:'up'}]}",
		(unsigned long long)(a + b));
	ck_assert_int_eq(apply(text), MODEL_SNAPSHOT);
	snprintf(text, sizeof(text),
		"{kind:'delta',service:'web',from:5,rev:6,digest:%llu,"
		"changes:[{id:'a',gone:true}]}",
		(unsigned long long)b);
	ck_assert_int_eq(apply(text), MODEL_CHANGE);
	ck_assert_uint_eq(model.digest, b);
}
END_TEST

#define PART(n, more, list) \
	"{kind:'snapshot',service:'web',rev:9,part:" #n ",more:" #more \
	",instances:[" list "]}"

START_TEST(a_large_snapshot_comes_in_parts)
{
	static const struct row rows[] = {
		{SNAPSHOT_AB("5"), MODEL_SNAPSHOT, "ab"},
		{PART(0, true, "{id:'m',state:'up'}"), MODEL_PART, "ab"},
		{PART(1, true, "{id:'n',state:'up'},{id:'c',state:'up'}"), MODEL_PART,
			"ab"},
		{PART(2, false, "{id:'z',state:'up'}"), MODEL_SNAPSHOT, "cmnz"},
		{"{kind:'delta',service:'web',from:9,rev:10,changes:[{id:'m',gone:true}]}",
			MODEL_CHANGE, "cnz"},
	};

	run(rows, LENGTH(rows));
}
END_TEST

START_TEST(parts_that_do_not_belong_together_are_a_gap)
{
	static const struct row rows[] = {
		{SNAPSHOT_AB("5"), MODEL_SNAPSHOT, "ab"},
		{PART(1, false, "{id:'n',state:'up'}"), MODEL_GAP, "ab"},
		{PART(0, true, "{id:'m',state:'up'}"), MODEL_PART, "ab"},
		{PART(2, false, "{id:'n',state:'up'}"), MODEL_GAP, "ab"},
		{PART(0, true, "{id:'m',state:'up'}"), MODEL_PART, "ab"},
		{"{kind:'snapshot',service:'web',rev:10,part:1,instances:[]}", MODEL_GAP,
			"ab"},
		{PART(0, true, "{id:'m',state:'up'}"), MODEL_PART, "ab"},
		{PART(0, true, "{id:'n',state:'up'}"), MODEL_PART, "ab"},
		{PART(1, false, ""), MODEL_SNAPSHOT, "n"},
		{"{kind:'snapshot',service:'web',rev:8,part:1,instances:[]}", MODEL_SAME,
			"n"},
	};

	run(rows, LENGTH(rows));
}
END_TEST

START_TEST(another_cluster_counts_anew)
{
	apply(SNAPSHOT_AB("500"));
	model_restart(&model);
	expect_ids("ab");
	ck_assert_int_eq(apply(SNAPSHOT_AB("5")), MODEL_SNAPSHOT);
}
END_TEST

static const char *const malformed[] = {
	"{service:'web',rev:5}",
	"{kind:'snapshot',rev:5}",
	"{kind:'snapshot',service:'web',rev:'5'}",
	"{kind:'snapshot',service:'web',rev:5,instances:[{state:'up'}]}",
	"{kind:'snapshot',service:'web',rev:5,instances:[7]}",
	"{kind:'snapshot',service:'web',rev:5,instances:[{id:'a'}]}",
	"{kind:'snapshot',service:'web',rev:5,instances:[{id:'a',state:'up',tags:[1]}]}",
	"{kind:'snapshot',service:'web',rev:5,instances:[{id:'a',state:'up',meta:{x:1}}]}",
	"{kind:'snapshot',service:'web',rev:5,instances:[{id:'a',state:'up',ports:{x:1}}]}",
	("{kind:'snapshot',service:'web',rev:5,"
	 "instances:[{id:'a',state:'up',ports:{x:{port:65536}}}]}"),
	"{kind:'snapshot',service:'web',rev:5,instances:[{id:'a',state:'up',locality:{zone:1}}]}",
	"{kind:'snapshot',service:'web',rev:5,instances:[{id:'a',state:'up',tier:256}]}",
	"{kind:'delta',service:'web',from:4,rev:5,changes:[{gone:true}]}",
};

START_TEST(a_malformed_event_changes_nothing)
{
	enum model_verdict verdict;

	apply(SNAPSHOT_AB("4"));
	ck_assert_int_eq(apply_event(malformed[_i], 0, false, &verdict), SVCD_EPROTOCOL);
	expect_ids("ab");
	ck_assert_uint_eq(model.rev, 4);
}
END_TEST

/* ---- sets -------------------------------------------------------------- */

#define WEB \
	"{kind:'snapshot',service:'web',rev:9,instances:[" \
	"{id:'a',state:'down'}," \
	"{id:'b',state:'pending',version:'2',tags:['blue','x'],meta:{k:'v'}}," \
	"{id:'c',state:'up',health:'passing',admin:'enabled',incarnation:3,rev:8," \
	"weight:7,tier:2," \
	"addresses:['10.0.0.1','h'],ports:{http:{port:80,tls:true}," \
	"udp:{port:53,protocol:'udp'}}," \
	"locality:{region:'r',zone:'z',rack:'k',host:'o'},version:'1'," \
	"tags:['blue'],meta:{k:'w',l:''}}," \
	"{id:'d',state:'warm',locality:{zone:'z'}}," \
	"{id:'e',state:'drain',tags:['blue']}]}"

static struct set *make_set(void)
{
	struct set_head head = {.ns = "default",
		.service = "web",
		.revision = 9,
		.age_ms = 5,
		.now_ms = 1000};
	struct set *s;

	apply(WEB);
	head.presence = set_presence(model.items, model.n);
	s = set_new(&head, model.items, model.n);
	ck_assert_ptr_nonnull(s);
	return s;
}

START_TEST(a_set_shows_the_usable_ones_in_their_order)
{
	struct set *s = make_set();

	ck_assert_uint_eq(s->pub.n_instances, 3);
	ck_assert_str_eq(s->pub.instances[0].id, "c");
	ck_assert_str_eq(s->pub.instances[1].id, "d");
	ck_assert_str_eq(s->pub.instances[2].id, "b");
	ck_assert_str_eq(s->pub.instances[2].state, "pending");
	ck_assert_int_eq(s->pub.presence, SVCD_PRESENT);
	ck_assert_uint_eq(s->n_items, 5);
	svcd_set_unref(&s->pub);
}
END_TEST

START_TEST(an_instance_says_all_that_was_sent_and_outlives_the_model)
{
	struct set *s = make_set();
	const struct svcd_instance *c;

	model_fini(&model);
	arena_reset(arena);
	svcd_set_unref(svcd_set_ref(&s->pub));
	c = &s->pub.instances[0];
	ck_assert_str_eq(c->ns, "default");
	ck_assert_str_eq(c->service, "web");
	ck_assert_uint_eq(c->n_addresses, 2);
	ck_assert_str_eq(c->addresses[1], "h");
	ck_assert_uint_eq(c->n_ports, 2);
	ck_assert_str_eq(c->ports[0].name, "http");
	ck_assert_uint_eq(c->ports[0].number, 80);
	ck_assert_str_eq(c->ports[0].protocol, "tcp");
	ck_assert(c->ports[0].tls && !c->ports[1].tls);
	ck_assert_str_eq(c->ports[1].protocol, "udp");
	ck_assert_uint_eq(c->weight, 7);
	ck_assert_uint_eq(c->tier, 2);
	ck_assert_str_eq(c->region, "r");
	ck_assert_str_eq(c->zone, "z");
	ck_assert_str_eq(c->rack, "k");
	ck_assert_str_eq(c->host, "o");
	ck_assert_str_eq(c->version, "1");
	ck_assert_str_eq(c->tags[0], "blue");
	ck_assert_str_eq(c->meta[1].key, "l");
	ck_assert_str_eq(c->meta[1].value, "");
	ck_assert_str_eq(c->health, "passing");
	ck_assert_str_eq(c->admin, "enabled");
	ck_assert_uint_eq(c->incarnation, 3);
	ck_assert_uint_eq(c->revision, 8);
	c = &s->pub.instances[1];
	ck_assert_ptr_null(c->version);
	ck_assert_ptr_null(c->region);
	ck_assert_uint_eq(c->n_ports, 0);
	ck_assert_uint_eq(c->weight, SVCD_WEIGHT_DEFAULT);
	svcd_set_unref(&s->pub);
	svcd_set_unref(NULL);
}
END_TEST

static const char *const blue[] = {"blue"};
static const char *const green[] = {"green"};
static const struct svcd_pair k_v[] = {{"k", "v"}};

static const struct {
	struct svcd_query query;
	const char *ids;
	enum svcd_presence presence;
} queries[] = {
	{{.service = "web"}, "cdb", SVCD_PRESENT},
	{{.service = "web", .all_states = true}, "cdbae", SVCD_PRESENT},
	{{.service = "web", .limit = 2}, "cd", SVCD_PRESENT},
	{{.service = "web", .tags = blue, .n_tags = 1}, "cb", SVCD_PRESENT},
	{{.service = "web", .tags = green, .n_tags = 1}, "", SVCD_NONE_MATCH},
	{{.service = "web", .version = "2"}, "b", SVCD_PRESENT},
	{{.service = "web", .zone = "z"}, "cd", SVCD_PRESENT},
	{{.service = "web", .meta = k_v, .n_meta = 1}, "b", SVCD_PRESENT},
	{{.service = "web", .zone = "z", .version = "2"}, "", SVCD_NONE_MATCH},
};

static void expect_shown(const struct set *s, const char *ids)
{
	char text[64] = "";

	for (size_t i = 0; i < s->pub.n_instances; i++)
		strcat(text, s->pub.instances[i].id);
	ck_assert_str_eq(text, ids);
}

START_TEST(a_set_answers_queries)
{
	struct set *s = make_set();
	struct set *answer = set_query(s, &queries[_i].query, 1007);

	ck_assert_ptr_nonnull(answer);
	expect_shown(answer, queries[_i].ids);
	ck_assert_int_eq(answer->pub.presence, queries[_i].presence);
	ck_assert_int_eq(answer->pub.source, SVCD_FROM_CACHE);
	ck_assert_uint_eq(answer->pub.age_ms, 12);
	ck_assert_uint_eq(answer->pub.revision, 9);
	svcd_set_unref(&answer->pub);
	svcd_set_unref(&s->pub);
}
END_TEST

static const struct {
	const char *event;
	enum svcd_presence presence;
} presences[] = {
	{"{kind:'snapshot',service:'web',rev:1,instances:[]}", SVCD_NO_INSTANCES},
	{"{kind:'snapshot',service:'web',rev:1,instances:[{id:'a',state:'down'}]}",
		SVCD_NONE_HEALTHY},
	{"{kind:'snapshot',service:'web',rev:1,instances:[{id:'a',state:'later'}]}",
		SVCD_NONE_HEALTHY},
	{"{kind:'snapshot',service:'web',rev:1,instances:[{id:'a',state:'warm'}]}",
		SVCD_PRESENT},
};

START_TEST(an_empty_set_says_why)
{
	apply(presences[_i].event);
	ck_assert_int_eq(set_presence(model.items, model.n), presences[_i].presence);
}
END_TEST

/* ---- kept answers ------------------------------------------------------ */

static struct bytes number_key(const unsigned *n)
{
	return bytes_of(n, sizeof(*n));
}

START_TEST(the_answer_that_was_used_longest_ago_goes_first)
{
	struct answers as;
	unsigned n;

	answers_init(&as);
	for (n = 0; n < ANSWERS_MAX; n++) {
		struct set_head head = {.ns = "default", .service = "web", .revision = n};
		struct set *s = set_new(&head, NULL, 0);

		answers_put(&as, number_key(&n), s);
		svcd_set_unref(&s->pub);
	}
	n = 0;
	ck_assert_ptr_nonnull(answers_get(&as, number_key(&n)));
	n = ANSWERS_MAX;
	answers_put(&as, number_key(&n), answers_get(&as, number_key(&(unsigned){7})));
	ck_assert_ptr_nonnull(answers_get(&as, number_key(&(unsigned){0})));
	ck_assert_ptr_null(answers_get(&as, number_key(&(unsigned){1})));
	ck_assert_uint_eq(answers_get(&as, number_key(&n))->pub.revision, 7);
	answers_put(&as, number_key(&n), answers_get(&as, number_key(&(unsigned){9})));
	ck_assert_uint_eq(answers_get(&as, number_key(&n))->pub.revision, 9);
	answers_fini(&as);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client model");
	TCase *tc = unit_case(s, "model");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, deltas_follow_one_another);
	tcase_add_test(tc, a_gap_changes_nothing);
	tcase_add_test(tc, what_is_older_is_ignored);
	tcase_add_test(tc, a_snapshot_of_the_same_revision_repairs);
	tcase_add_test(tc, a_service_comes_into_being_and_goes);
	tcase_add_test(tc, a_member_that_is_behind_cannot_say_that_a_service_is_missing);
	tcase_add_test(tc, a_digest_that_does_not_fit_changes_nothing_unless_it_must);
	tcase_add_test(tc, the_digest_is_the_sum_of_the_instances_as_they_were_sent);
	tcase_add_test(tc, a_large_snapshot_comes_in_parts);
	tcase_add_test(tc, parts_that_do_not_belong_together_are_a_gap);
	tcase_add_test(tc, another_cluster_counts_anew);
	tcase_add_loop_test(tc, a_malformed_event_changes_nothing, 0, LENGTH(malformed));
	tcase_add_test(tc, a_set_shows_the_usable_ones_in_their_order);
	tcase_add_test(tc, an_instance_says_all_that_was_sent_and_outlives_the_model);
	tcase_add_loop_test(tc, a_set_answers_queries, 0, LENGTH(queries));
	tcase_add_loop_test(tc, an_empty_set_says_why, 0, LENGTH(presences));
	tcase_add_test(tc, the_answer_that_was_used_longest_ago_goes_first);
	return unit_run(s);
}
