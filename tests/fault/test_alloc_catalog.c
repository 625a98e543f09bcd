/*
 * The catalog without memory, and on tables that fail: every allocation and every
 * operation in turn. The transaction is then dropped; the same command once more does the
 * same as if nothing had happened.
 */
#include <stdlib.h>
#include <string.h>

#include "../unit/say.h"
#include "../unit/unit.h"
#include "../unit/world.h"
#include "catalog/query.h"
#include "fail_alloc.h"

static struct world w;

/* Touches everything: services with a floor, sessions, tombstones, slices, due things. */
static const struct {
	const char *method, *params;
} script[] = {
	{"lease_grant", "{session:1,seq:1}"},
	{"service_set", "{service:web,floor:1,slow_start_ms:5,policy:p2c}"},
	{"register",
		"{session:1,seq:2,lease:1,instances:[{service:web,id:a,tags:[x],ports:{p:{port:1}},"
		"checks:[{type:tcp},{type:http}]},{service:web,id:b},{service:web,id:c},"
		"{service:db,id:d},{service:db,id:e},{service:db,id:f},{service:db,id:g},"
		"{service:db,id:h},{service:db,id:i},{service:db,id:j}]}"},
	{"register",
		"{session:1,seq:2,lease:1,instances:[{service:web,id:a}]}"}, /* repeated
									      */
	{"update", "{session:1,seq:3,service:web,id:b,tags:[y],meta:{k:v},weight:3}"},
	{"update", "{service:web,id:c,admin:maintenance,reason:disk,for_ms:7}"},
	{"verdict", "a"},
	{"deregister", "{service:db,id:d}"},
	{"register", "{instances:[{service:db,id:d}]}"},
	{"register",
		"{if_absent:true,instances:[{service:new,id:d},{service:db,id:d}]}"}, /* refused
										       */
	{"tick", ""},
	{"end", ""},
	{"update", "{service:web,id:b,weight:9}"},
	{"service_delete", "{service:db}"}, /* refused */
	{"tick", ""},
};

/* The command of a step, in w.command. */
static void build(size_t i)
{
	struct verdict v = {.key = default_instance("web", "a"),
		.incarnation = 3,
		.health = HEALTH_PASSING,
		.reason = bytes_str("ok")};
	uint64_t lease = 1;

	buf_clear(&w.command);
	if (strcmp(script[i].method, "verdict") == 0)
		ck_assert_int_eq(
			command_verdicts(&v, 1, bytes_str("checker"), &w.command), 0);
	else if (strcmp(script[i].method, "tick") == 0)
		ck_assert_int_eq(command_tick(&w.command), 0);
	else if (strcmp(script[i].method, "end") == 0)
		ck_assert_int_eq(
			command_leases_end(&lease, 1, CAUSE_LEASE_EXPIRED, &w.command),
			0);
	else
		ck_assert_int_eq(world_build(&w, script[i].method, script[i].params), 0);
	w.now.time_ms += 10;
}

static void set_up(void)
{
	world_init(
		&w, &(struct catalog_options){.history_bytes = 900, .tombstone_ms = 15});
}

static void tear_down(void)
{
	world_fini(&w);
}

struct result {
	struct mem_tables tables;
	int code;
	uint64_t rev, value;
	size_t services; /* that were told */
};

static int run(struct result *out)
{
	int rv;

	changes_clear(w.changes);
	rv = catalog_apply(
		w.c, &w.t.base, &w.now, buf_bytes(&w.command), &w.out, w.changes);
	if (rv == 0)
		rv = changes_finish(w.changes);
	out->code = w.out.code;
	out->rev = w.out.rev;
	out->value = w.out.value;
	out->services = changes_services(w.changes);
	return rv;
}

/* What the step does when nothing fails; the tables are as before then. */
static struct result reference(void)
{
	struct mem_tables before;
	struct result r;

	mem_tables_copy(&before, &w.t);
	ck_assert_int_eq(run(&r), 0);
	r.tables = w.t;
	w.t = before;
	return r;
}

static void drop(const struct mem_tables *before)
{
	mem_tables_fini(&w.t);
	mem_tables_copy(&w.t, before);
}

static void same(const struct result *got, const struct result *wanted)
{
	ck_assert_int_eq(got->code, wanted->code);
	ck_assert(got->rev == wanted->rev && got->value == wanted->value);
	ck_assert_uint_eq(got->services, wanted->services);
	ck_assert_int_eq(mem_tables_differ(&w.t, &wanted->tables), TABLE_COUNT);
}

/* Ready for the next step. */
static void step_done(struct mem_tables *before, struct result *wanted)
{
	mem_tables_fini(before);
	mem_tables_fini(&wanted->tables);
}

START_TEST(every_allocation_of_applying_may_fail)
{
	for (size_t i = 0; i < LENGTH(script); i++) {
		struct result wanted, got;
		struct mem_tables before;
		bool done = false;

		build(i);
		mem_tables_copy(&before, &w.t);
		wanted = reference();
		for (unsigned n = 0; !done; n++) {
			struct catalog *fresh = catalog_new(&w.options); /* no memory of
									    its own yet */
			int rv;

			ck_assert_ptr_nonnull(fresh);
			catalog_free(w.c);
			changes_free(w.changes);
			buf_fini(&w.out.incarnations);
			w.c = fresh;
			w.changes = changes_new();
			fail_alloc_arm(n);
			rv = run(&got);
			done = !fail_alloc_disarm();
			ck_assert_msg(rv == (done ? 0 : SVCD_ENOMEM),
				"step %zu, allocation %u: %d", i, n, rv);
			if (done)
				break;
			drop(&before);
			catalog_begin(w.c, &w.t.base, NULL); /* as the replica goes on */
			ck_assert_int_eq(catalog_end(w.c), 0);
			drop(&before);
			ck_assert_int_eq(run(&got), 0);
			same(&got, &wanted);
			drop(&before);
		}
		same(&got, &wanted);
		step_done(&before, &wanted);
	}
}
END_TEST

START_TEST(every_operation_on_a_table_may_fail)
{
	for (size_t i = 0; i < LENGTH(script); i++) {
		struct result wanted, got;
		struct mem_tables before;
		int rv = SVCD_EIO;

		build(i);
		mem_tables_copy(&before, &w.t);
		wanted = reference();
		for (long n = 1; rv != 0; n++) {
			drop(&before);
			w.t.operations = 0;
			w.t.fail_at = n;
			rv = run(&got);
			w.t.fail_at = 0;
			ck_assert_int_eq(rv, w.t.operations >= n ? SVCD_EIO : 0);
			ck_assert_int_eq(w.t.base.error, rv); /* it sticks */
		}
		same(&got, &wanted);
		step_done(&before, &wanted);
	}
}
END_TEST

static const struct {
	const char *query, *params;
} questions[] = {
	{"resolve", "{service:web,states:[up,down,drain,pending,warm],tags:[x],limit:5}"},
	{"list", "{}"},
	{"get", "{service:web}"},
	{"get", "{service:web,id:a}"},
	{"history", "{}"},
	{"history", "{service:web}"},
	{"snapshot", "{service:web}"},
	{"delta", "{service:web}"},
	{"check", "{}"},
};

static int ask(size_t i, struct value v, struct buf *out, uint32_t *n)
{
	struct service_key key = default_service("web");
	const char *query = questions[i].query;
	struct tables *t = &w.t.base;
	uint64_t rev;

	if (strcmp(query, "resolve") == 0)
		return query_resolve(t, v, out, n, &key, &w.e);
	if (strcmp(query, "list") == 0)
		return query_list(t, v, out, n, &w.e);
	if (strcmp(query, "get") == 0)
		return query_get(t, v, out, n, &w.e);
	if (strcmp(query, "history") == 0)
		return query_history(t, v, out, n, &w.e);
	if (strcmp(query, "snapshot") == 0)
		return query_snapshot(t, &key, out, n, &rev);
	if (strcmp(query, "delta") == 0)
		return query_delta(
			t, &key, world_service(&w, "web").known_from, out, n, &rev);
	return catalog_check(t, &w.e);
}

/* A parameter map that lives as long as the test: the world's own is used again and
 * again. */
static struct buf kept;
static struct arena *arena;

static struct value parse(const char *text)
{
	struct value v;

	arena = arena_new();
	say(&kept, text);
	ck_assert_int_eq(value_parse(arena, buf_bytes(&kept), &v), 0);
	return v;
}

static void forget_parsed(void)
{
	arena_free(arena);
	buf_fini(&kept);
}

START_TEST(no_answer_is_half_an_answer)
{
	struct value v = parse(questions[_i].params);
	bool done = false;
	int rv = SVCD_EIO;

	for (size_t i = 0; i < 11; i++) {
		build(i);
		ck_assert(world_apply(&w) == w.out.code);
	}
	for (unsigned n = 0; !done; n++) {
		struct buf out = {0};
		uint32_t entries = 0;

		fail_alloc_arm(n);
		rv = ask((size_t)_i, v, &out, &entries);
		done = !fail_alloc_disarm();
		buf_fini(&out);
		ck_assert_int_eq(rv, done ? 0 : SVCD_ENOMEM);
	}
	rv = SVCD_EIO;
	for (long n = 1; rv != 0; n++) {
		struct buf out = {0};
		uint32_t entries = 0;

		w.t.base.error = 0;
		w.t.operations = 0;
		w.t.fail_at = n;
		rv = ask((size_t)_i, v, &out, &entries);
		w.t.fail_at = 0;
		buf_fini(&out);
		ck_assert_int_eq(rv, w.t.operations >= n ? SVCD_EIO : 0);
	}
	forget_parsed();
}
END_TEST

static const struct {
	int (*build)(
		struct value, const struct command_origin *, struct buf *, struct err *);
	const char *params;
} builders[] = {
	{command_register,
		"{instances:[{service:web,id:a,ports:{p:{port:1}},checks:[{type:tcp}]}]}"},
	{command_update, "{service:web,id:a,tags:[x],meta:{k:v}}"},
	{command_deregister, "{instances:[{service:web,id:a}]}"},
};

START_TEST(every_allocation_of_building_may_fail)
{
	struct command_origin from = {.actor = bytes_str("tester")};
	struct value v = parse(builders[_i].params);
	bool done = false;

	for (unsigned n = 0; !done; n++) {
		struct buf out = {0};
		int rv;

		fail_alloc_arm(n);
		rv = builders[_i].build(v, &from, &out, &w.e);
		done = !fail_alloc_disarm();
		ck_assert_int_eq(rv, done ? 0 : SVCD_ENOMEM);
		buf_fini(&out);
	}
	forget_parsed();
}
END_TEST

START_TEST(a_catalog_that_cannot_be_made_is_none)
{
	fail_alloc_arm(0);
	ck_assert_ptr_null(catalog_new(NULL));
	ck_assert(fail_alloc_disarm());
	fail_alloc_arm(0);
	ck_assert_ptr_null(changes_new());
	ck_assert(fail_alloc_disarm());
	catalog_free(NULL);
	changes_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("alloc_catalog");
	TCase *tc = unit_case(s, "catalog");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, every_allocation_of_applying_may_fail);
	tcase_add_test(tc, every_operation_on_a_table_may_fail);
	tcase_add_loop_test(tc, no_answer_is_half_an_answer, 0, LENGTH(questions));
	tcase_add_loop_test(
		tc, every_allocation_of_building_may_fail, 0, LENGTH(builders));
	tcase_add_test(tc, a_catalog_that_cannot_be_made_is_none);
	return unit_run(s);
}
