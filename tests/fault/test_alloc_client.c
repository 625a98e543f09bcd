/* The client without memory: every allocation of a call fails in turn; nothing is lost or
 * leaked, and what runs on goes on. */
#include <event2/event.h>
#include <string.h>

#include "../integration/fake.h"
#include "../integration/record.h"
#include "../unit/notation.h"
#include "../unit/unit.h"
#include "client/answers.h"
#include "client/client.h"
#include "client/model.h"
#include "client/spec.h"
#include "client/value.h"
#include "fail_alloc.h"

#define ROUNDS_MAX 1000

static struct arena *arena;
static struct buf scratch;

static struct value parse(const char *text)
{
	struct value v;

	buf_clear(&scratch);
	notation_pack(&scratch, text);
	ck_assert_int_eq(value_parse(arena, buf_bytes(&scratch), &v), 0);
	return v;
}

static void set_up(void)
{
	arena = arena_new();
	ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
	buf_fini(&scratch);
	arena_free(arena);
}

/* Runs call(n) with allocation n failing until none fails any more; call checks its
 * outcome itself. */
static void in_turn(int (*call)(bool *failed, unsigned n))
{
	bool failed = true;
	unsigned n;

	for (n = 0; failed && n < ROUNDS_MAX; n++) {
		int rv = call(&failed, n);

		ck_assert_msg(
			rv == (failed ? SVCD_ENOMEM : 0), "allocation %u: %d", n, rv);
	}
	ck_assert_uint_gt(n, 1);
	ck_assert_uint_lt(n, ROUNDS_MAX);
}

static int build_value(bool *failed, unsigned n)
{
	struct svcd_value *v;
	struct svcd_value *list;
	int rv;

	fail_alloc_arm(n);
	v = svcd_value_new_map();
	list = svcd_value_new_array();
	rv = v == NULL || list == NULL ? SVCD_ENOMEM : 0;
	for (int i = 0; i < 20 && rv == 0; i++)
		rv = svcd_value_set_str(list, NULL, "text");
	if (rv == 0)
		rv = svcd_value_set_uint(v, "a", 1);
	if (rv == 0)
		rv = svcd_value_set_int(v, "a", -1);
	if (rv == 0)
		rv = svcd_value_set_bool(v, "b", true);
	if (rv == 0) {
		rv = svcd_value_set(v, "list", list);
		list = NULL;
	}
	*failed = fail_alloc_disarm();
	svcd_value_free(list);
	svcd_value_free(v);
	return rv;
}

START_TEST(a_value_that_cannot_be_built_is_not_leaked)
{
	in_turn(build_value);
}
END_TEST

static int convert_value(bool *failed, unsigned n)
{
	struct value in = parse("{a:[1,-1,'x',nil,true,{b:'y'}],c:{d:[]}}");
	struct svcd_value *v = NULL;
	struct buf b = {0};
	int rv;

	fail_alloc_arm(n);
	rv = value_from_wire(in, &v);
	if (rv == 0) {
		value_pack(&b, v);
		rv = b.error;
	}
	*failed = fail_alloc_disarm();
	svcd_value_free(v);
	buf_fini(&b);
	return rv;
}

START_TEST(a_value_that_cannot_be_converted_is_not_leaked)
{
	in_turn(convert_value);
}
END_TEST

static struct model model;

/* Whatever fails, the model is as it was. */
static int apply(const char *text, bool *failed, unsigned n)
{
	enum model_verdict verdict = MODEL_SAME;
	uint64_t rev = model.rev;
	struct value map = parse(text);
	struct event ev;
	int rv;

	ck_assert_int_eq(event_parse(map, buf_bytes(&scratch), &ev), 0);
	fail_alloc_arm(n);
	rv = model_apply(&model, &ev, 0, false, &verdict);
	*failed = fail_alloc_disarm();
	model_check(&model);
	if (rv != 0)
		ck_assert_uint_eq(model.rev, rev);
	else
		ck_assert_int_ne(verdict, MODEL_SAME);
	return rv;
}

static int apply_snapshot(bool *failed, unsigned n)
{
	return apply(
		"{kind:'snapshot',service:'web',rev:5,instances:[{id:'a',state:'up',tags:['x']},"
		"{id:'b',state:'down'}]}",
		failed, n);
}

static int apply_delta(bool *failed, unsigned n)
{
	return apply("{kind:'delta',service:'web',from:5,rev:6,"
		     "changes:[{id:'c',state:'up'},{id:'a',gone:true}]}",
		failed, n);
}

static int make_set(bool *failed, unsigned n)
{
	struct set_head head = {.ns = "default", .service = "web"};
	struct svcd_query q = {.service = "web", .all_states = true};
	struct set *s, *answer = NULL;

	fail_alloc_arm(n);
	s = set_new(&head, model.items, model.n);
	if (s != NULL)
		answer = set_query(s, &q, 0);
	*failed = fail_alloc_disarm();
	svcd_set_unref(s != NULL ? &s->pub : NULL);
	svcd_set_unref(answer != NULL ? &answer->pub : NULL);
	return answer != NULL ? 0 : SVCD_ENOMEM;
}

START_TEST(a_model_that_cannot_follow_stays_as_it_is)
{
	in_turn(apply_snapshot);
	in_turn(apply_delta);
	in_turn(make_set);
	model_fini(&model);
}
END_TEST

static int make_spec(bool *failed, unsigned n)
{
	static const char *const tags[] = {
		"some", "tags", "that", "make", "the", "buffer", "grow"};
	static const struct svcd_instance in = {.service = "web",
		.id = "a",
		.tags = tags,
		.n_tags = LENGTH(tags),
		.version = "1.2.3"};
	struct spec *s = NULL;
	int rv;

	fail_alloc_arm(n);
	rv = spec_new(&in, "unused", &s);
	*failed = fail_alloc_disarm();
	spec_unref(s);
	return rv;
}

START_TEST(a_spec_that_cannot_be_made_is_not_leaked)
{
	in_turn(make_spec);
}
END_TEST

START_TEST(an_answer_that_cannot_be_kept_is_forgotten)
{
	struct set_head head = {.ns = "default", .service = "web"};
	struct set *s = set_new(&head, NULL, 0);
	bool failed = true;

	for (unsigned n = 0; failed; n++) {
		struct answers as;

		answers_init(&as);
		fail_alloc_arm(n);
		answers_put(&as, bytes_str("query"), s);
		failed = fail_alloc_disarm();
		ck_assert(failed == (answers_get(&as, bytes_str("query")) == NULL));
		answers_fini(&as);
	}
	svcd_set_unref(&s->pub);
}
END_TEST

/* ---- a whole client ---------------------------------------------------- */

static struct fake *fake;
static struct record *record;
static struct event_base *base;

static const struct client_tuning quick = {
	.backoff_min_ms = 1, .backoff_max_ms = 5, .seed = 1};

static void set_up_client(void)
{
	fake = fake_start();
	record = record_new();
	base = event_base_new();
}

static void tear_down_client(void)
{
	event_base_free(base);
	fake_stop(fake);
	record_free(record);
}

/* own: with a thread of its own, else on our base. */
static void new_clients(bool own)
{
	bool failed = true;

	for (unsigned n = 0; failed && n < ROUNDS_MAX; n++) {
		struct svcd_options o = {.servers = fake_addr(fake),
			.event_base = own ? NULL : base,
			.token = "t"};
		struct svcd_client *c = NULL;
		int rv;

		fail_alloc_arm(n);
		rv = client_new(&o, &quick, &c);
		failed = fail_alloc_disarm();
		ck_assert_int_eq(rv, failed && c == NULL ? SVCD_ENOMEM : 0);
		svcd_client_free(c);
	}
}

START_TEST(a_client_that_cannot_be_made_is_not_leaked)
{
	new_clients(false);
	new_clients(true);
}
END_TEST

static void run_until_line(void)
{
	while (record_unread(record) == 0)
		event_base_loop(base, EVLOOP_ONCE);
}

/* Registers, watches and calls, while allocation n of all that happens on the client's
 * thread fails. */
static bool live(unsigned n)
{
	static const struct svcd_instance in = {.service = "web", .id = "a", .weight = 1};
	struct svcd_options o = {.servers = fake_addr(fake), .event_base = base};
	struct svcd_register_options ro = {.on_state = record_on_state, .arg = record};
	struct svcd_client *c;
	struct svcd_registration *r;
	struct svcd_watch *w;
	unsigned watches = fake_count(fake, "watch");
	bool failed;

	ck_assert_int_eq(client_new(&o, &quick, &c), 0);
	ck_assert_int_eq(svcd_register(c, &in, &ro, &r), 0);
	ck_assert_int_eq(svcd_watch(c, NULL, "web", NULL, NULL, &w), 0);
	fail_alloc_arm(n);
	while (record_unread(record) == 0 && event_base_loop(base, EVLOOP_ONCE) == 0)
		;
	while (fake_count(fake, "watch") == watches &&
		event_base_loop(base, EVLOOP_ONCE) == 0)
		;
	failed = fail_alloc_disarm();
	run_until_line();
	record_await(record, "registered");
	svcd_client_free(c);
	record_await(record, "deregistered");
	return failed;
}

START_TEST(a_client_goes_on_when_memory_is_there_again)
{
	unsigned n = 0;

	while (live(n) && n < ROUNDS_MAX)
		n++;
	ck_assert_uint_gt(n, 10);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("client without memory");
	TCase *tc = unit_case(s, "parts");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_value_that_cannot_be_built_is_not_leaked);
	tcase_add_test(tc, a_value_that_cannot_be_converted_is_not_leaked);
	tcase_add_test(tc, a_model_that_cannot_follow_stays_as_it_is);
	tcase_add_test(tc, a_spec_that_cannot_be_made_is_not_leaked);
	tcase_add_test(tc, an_answer_that_cannot_be_kept_is_forgotten);

	tc = unit_case(s, "clients");
	tcase_add_checked_fixture(tc, set_up_client, tear_down_client);
	tcase_add_test(tc, a_client_that_cannot_be_made_is_not_leaked);
	tcase_add_test(tc, a_client_goes_on_when_memory_is_there_again);
	return unit_run(s);
}
