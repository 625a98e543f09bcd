/*
 * The linearizability checker: histories that people have judged, and thousands of random
 * ones judged by trying every order.
 */
#include "linear.h"

#include <string.h>

#include "../unit/unit.h"
#include "base/rng.h"

#define NEVER UINT64_MAX

static struct linear_op op(enum op_kind kind, uint64_t call, uint64_t ret)
{
	return (struct linear_op){.call = call, .ret = ret, .kind = kind};
}

static struct linear_op wrote(
	uint64_t call, uint64_t ret, uint64_t value, uint64_t incarnation)
{
	struct linear_op o = op(OP_REGISTER, call, ret);

	o.value = value;
	o.incarnation = incarnation;
	return o;
}

static struct linear_op updated(
	uint64_t call, uint64_t ret, uint64_t value, uint64_t incarnation)
{
	struct linear_op o = wrote(call, ret, value, incarnation);

	o.kind = OP_UPDATE;
	return o;
}

static struct linear_op removed(uint64_t call, uint64_t ret)
{
	return op(OP_DEREGISTER, call, ret);
}

static struct linear_op saw(
	uint64_t call, uint64_t ret, uint64_t value, uint64_t incarnation)
{
	struct linear_op o = wrote(call, ret, value, incarnation);

	o.kind = OP_READ;
	return o;
}

static struct linear_op with(struct linear_op o, enum op_result result, uint64_t guard)
{
	o.result = result;
	o.guard = guard;
	return o;
}

static struct linear_op absent(struct linear_op o)
{
	return with(o, RESULT_ABSENT, 0);
}

static struct linear_op unknown(struct linear_op o)
{
	return with(o, RESULT_UNKNOWN, o.guard);
}

static struct linear_report check(const struct linear_op *ops, size_t n)
{
	struct linear_report r;

	linear_check(ops, n, &r);
	return r;
}

#define YES(...) \
	do { \
		const struct linear_op ops[] = {__VA_ARGS__}; \
		ck_assert_int_eq(check(ops, LENGTH(ops)).verdict, LINEAR_YES); \
	} while (0)

#define NO(which, ...) \
	do { \
		const struct linear_op ops[] = {__VA_ARGS__}; \
		struct linear_report r = check(ops, LENGTH(ops)); \
		ck_assert_int_eq(r.verdict, LINEAR_NO); \
		ck_assert_uint_eq(r.failed, which); \
	} while (0)

START_TEST(nothing_and_one_after_the_other_is_linearizable)
{
	struct linear_report r = check(NULL, 0);

	ck_assert_int_eq(r.verdict, LINEAR_YES);
	YES(absent(saw(1, 2, 0, 0)), wrote(3, 4, 10, 7), saw(5, 6, 10, 7),
		updated(7, 8, 11, 7), saw(9, 10, 11, 7), removed(11, 12),
		absent(saw(13, 14, 0, 0)), wrote(15, 16, 12, 15), saw(17, 18, 12, 15));
}
END_TEST

START_TEST(concurrent_operations_may_have_any_order)
{
	YES(wrote(1, 10, 10, 7), saw(2, 3, 10, 7));
	YES(wrote(1, 10, 10, 7), absent(saw(2, 3, 0, 0)), saw(4, 5, 10, 7));
	YES(wrote(1, 10, 10, 7), wrote(2, 9, 11, 7), saw(11, 12, 10, 7));
	YES(wrote(1, 10, 10, 7), wrote(2, 9, 11, 7), saw(11, 12, 11, 7));
	/* a read between two effects of operations that return later */
	YES(wrote(1, 20, 10, 7), updated(2, 21, 11, 7), saw(3, 22, 10, 7),
		saw(4, 23, 11, 7));
}
END_TEST

START_TEST(a_lost_update_is_found)
{
	NO(2, wrote(1, 2, 10, 7), updated(3, 4, 11, 7), saw(5, 6, 10, 7));
	NO(1, wrote(1, 2, 10, 7), absent(saw(3, 4, 0, 0)));
	/* two readers disagree about the order of two writes */
	NO(5, wrote(1, 2, 9, 7), updated(3, 20, 10, 7), updated(4, 21, 11, 7),
		saw(5, 6, 10, 7), saw(7, 8, 11, 7), saw(9, 10, 10, 7));
}
END_TEST

START_TEST(a_stale_read_is_found)
{
	NO(2, wrote(1, 2, 10, 7), updated(3, 10, 11, 7), saw(12, 13, 10, 7));
	/* once a read has seen it, a later one may not see what was before */
	NO(3, wrote(1, 2, 10, 7), updated(3, 20, 11, 7), saw(4, 5, 11, 7),
		saw(6, 7, 10, 7));
	YES(wrote(1, 2, 10, 7), updated(3, 20, 11, 7), saw(4, 7, 11, 7),
		saw(5, 8, 10, 7));
}
END_TEST

START_TEST(a_registration_that_comes_back_is_found)
{
	NO(2, wrote(1, 2, 10, 7), removed(3, 4), saw(5, 6, 10, 7));
	NO(3, wrote(1, 2, 10, 7), removed(3, 4), absent(saw(5, 6, 0, 0)),
		saw(7, 8, 10, 7));
	/* also under a new value with the incarnation of the old one */
	NO(2, wrote(1, 2, 10, 7), removed(3, 4), wrote(5, 6, 11, 7));
	NO(2, wrote(1, 2, 10, 7), removed(3, 4), wrote(5, 6, 11, 6));
	/* an incarnation that was removed is refused */
	YES(wrote(1, 2, 10, 7), removed(3, 4),
		with(wrote(5, 6, 11, 0), RESULT_ABSENT, 7));
	NO(2, wrote(1, 2, 10, 7), removed(3, 4), with(wrote(5, 6, 11, 9), RESULT_OK, 7));
}
END_TEST

START_TEST(a_phantom_is_found)
{
	NO(0, saw(1, 2, 10, 7));
	NO(1, wrote(1, 2, 10, 7), saw(3, 4, 11, 7));
	NO(1, wrote(5, 6, 10, 7), saw(1, 2, 10, 7));
	NO(1, wrote(1, 2, 10, 7), saw(3, 4, 10, 8));
}
END_TEST

START_TEST(an_unknown_outcome_may_come_late_or_never)
{
	YES(unknown(wrote(1, NEVER, 10, 0)), absent(saw(3, 4, 0, 0)), saw(50, 60, 10, 7));
	YES(unknown(wrote(1, NEVER, 10, 0)), absent(saw(3, 4, 0, 0)),
		absent(saw(50, 60, 0, 0)));
	NO(1, unknown(wrote(5, NEVER, 10, 0)), saw(1, 2, 10, 7));
	/* once */
	NO(3, unknown(wrote(1, NEVER, 10, 0)), saw(3, 4, 10, 7), removed(5, 6),
		saw(7, 8, 10, 7));
	/* its incarnation is learned once */
	NO(2, unknown(wrote(1, NEVER, 10, 0)), saw(3, 4, 10, 7), saw(5, 6, 10, 8));
	NO(3, wrote(1, 2, 10, 7), removed(3, 4), unknown(wrote(5, NEVER, 11, 0)),
		saw(6, 8, 11, 7));
	YES(wrote(1, 2, 10, 7), unknown(removed(3, NEVER)), saw(5, 6, 10, 7),
		absent(saw(7, 8, 0, 0)));
}
END_TEST

/* A write that would change nothing now may be needed later. */
START_TEST(a_write_waits_for_its_turn_also_when_it_changes_nothing)
{
	YES(wrote(3, 3, 5, 2), updated(6, 8, 2, 2), wrote(5, 8, 3, 2), saw(7, 13, 3, 0),
		updated(6, 15, 5, 2), saw(13, 17, 5, 2));
}
END_TEST

START_TEST(guards_are_looked_at)
{
	YES(wrote(1, 2, 10, 7), with(updated(3, 4, 11, 7), RESULT_OK, 7));
	NO(1, wrote(1, 2, 10, 7), with(updated(3, 4, 11, 0), RESULT_OK, 6));
	NO(1, wrote(1, 2, 10, 7), with(removed(3, 4), RESULT_STALE, 7));
	YES(wrote(1, 2, 10, 7), with(removed(3, 4), RESULT_STALE, 5));
	NO(1, wrote(1, 2, 10, 7), absent(removed(3, 4)));
	NO(0, removed(1, 2));
	YES(wrote(1, 2, 10, 7), with(wrote(3, 4, 11, 0), RESULT_STALE, 5),
		with(wrote(5, 6, 11, 7), RESULT_OK, 7));
	NO(1, wrote(1, 2, 10, 7), with(wrote(3, 4, 11, 7), RESULT_OK, 5));
	YES(unknown(wrote(1, NEVER, 10, 0)), with(removed(3, 4), RESULT_OK, 7),
		wrote(5, 6, 11, 8));
	NO(2, unknown(wrote(1, NEVER, 10, 0)), with(removed(3, 4), RESULT_OK, 7),
		wrote(5, 6, 11, 7));
}
END_TEST

START_TEST(too_much_at_once_is_not_decided)
{
	struct linear_op ops[65];

	for (size_t i = 0; i < LENGTH(ops); i++)
		ops[i] = unknown(wrote(i + 1, NEVER, i + 1, 0));
	ck_assert_int_eq(check(ops, 64).verdict, LINEAR_YES);
	ck_assert_int_eq(check(ops, 65).verdict, LINEAR_UNDECIDED);
}
END_TEST

/* ---- against every order ------------------------------------------------ */

#define SMALL 7

static bool any_order(
	const struct linear_op *ops, size_t n, unsigned done, struct linear_state s)
{
	uint64_t first_return = NEVER;
	bool all = true;

	for (size_t i = 0; i < n; i++)
		if ((done >> i & 1) == 0 && ops[i].result != RESULT_UNKNOWN) {
			all = false;
			if (ops[i].ret < first_return)
				first_return = ops[i].ret;
		}
	if (all)
		return true;
	for (size_t i = 0; i < n; i++) {
		struct linear_state after = s;

		if ((done >> i & 1) == 0 && ops[i].call <= first_return &&
			linear_step(&after, &ops[i]) &&
			any_order(ops, n, done | 1u << i, after))
			return true;
	}
	return false;
}

/* Somebody does something at a time: what is found there becomes the result. */
static void perform(struct linear_op *o, struct linear_state *s, uint64_t *incarnation)
{
	bool there = s->present != 0;
	bool fits = o->guard == 0 || o->guard == s->incarnation;

	if (o->kind == OP_READ) {
		o->result = there ? RESULT_OK : RESULT_ABSENT;
		o->value = s->value;
		o->incarnation = there ? s->incarnation : 0;
		return;
	}
	if (!there &&
		(o->kind != OP_REGISTER || (o->guard != 0 && s->incarnation != 0))) {
		o->result = RESULT_ABSENT;
		return;
	}
	if (there && !fits) {
		o->result = o->kind == OP_REGISTER && o->guard > s->incarnation
			? RESULT_OK
			: RESULT_STALE;
		if (o->result == RESULT_STALE)
			return;
	}
	if (o->kind == OP_REGISTER && !there)
		s->incarnation = ++*incarnation;
	s->present = o->kind != OP_DEREGISTER;
	s->value = s->present ? o->value : 0;
	o->incarnation = s->present ? s->incarnation : 0;
}

static size_t random_history(struct rng *r, struct linear_op *ops)
{
	size_t n = 2 + rng_below(r, SMALL - 1);
	struct linear_state s = {0};
	uint64_t incarnation = 1, at = 1;

	memset(ops, 0, SMALL * sizeof *ops);
	for (size_t i = 0; i < n; i++) {
		struct linear_op *o = &ops[i];

		o->kind = (enum op_kind)rng_below(r, 4);
		o->guard = rng_below(r, 4) == 0 && o->kind != OP_READ
			? 1 + rng_below(r, incarnation + 1)
			: 0;
		o->value = o->kind == OP_REGISTER || o->kind == OP_UPDATE ? i + 1 : 0;
		at += 1 + rng_below(r, 3);
		o->call = at > 6 ? at - rng_below(r, 6) : at;
		o->ret = at + rng_below(r, 6);
		perform(o, &s, &incarnation);
		if (rng_below(r, 5) == 0 && o->kind != OP_READ) {
			o->result = RESULT_UNKNOWN;
			o->incarnation = 0;
		} else if (rng_below(r, 8) == 0) {
			o->incarnation = 0;
		}
	}
	return n;
}

/* One lie. */
static void spoil(struct rng *r, struct linear_op *ops, size_t n)
{
	struct linear_op *o = &ops[rng_below(r, n)];

	switch (rng_below(r, 5)) {
	case 0:
		o->result = (enum op_result)rng_below(r, 3);
		break;
	case 1:
		o->value = 1 + rng_below(r, n);
		break;
	case 2:
		o->incarnation = 1 + rng_below(r, 4);
		break;
	case 3:
		o->call += 8;
		o->ret += 8;
		break;
	default:
		o->ret = o->call;
		break;
	}
}

START_TEST(random_histories_are_judged_as_by_trying_every_order)
{
	struct linear_op ops[SMALL];
	unsigned yes = 0, no = 0;
	struct rng r;

	rng_seed(&r, 20);
	for (int round = 0; round < 30000; round++) {
		size_t n = random_history(&r, ops);
		bool expected;

		for (unsigned lies = (unsigned)round % 3; lies > 0; lies--)
			spoil(&r, ops, n);
		expected = any_order(ops, n, 0, (struct linear_state){0});
		ck_assert_msg(round % 3 != 0 || expected,
			"round %d: what was made one after the other", round);
		ck_assert_msg(
			check(ops, n).verdict == (expected ? LINEAR_YES : LINEAR_NO),
			"round %d: every order says %s", round, expected ? "yes" : "no");
		*(expected ? &yes : &no) += 1;
	}
	ck_assert_uint_gt(yes, 5000);
	ck_assert_uint_gt(no, 5000);
}
END_TEST

/* Eight clients for a long time, one lie at the end: linear in the length. */
START_TEST(long_histories_are_no_problem)
{
	static struct linear_op ops[60000];
	struct linear_state s = {0};
	uint64_t incarnation = 1;
	struct rng r;

	rng_seed(&r, 7);
	for (size_t i = 0; i < LENGTH(ops); i++) {
		struct linear_op *o = &ops[i];

		*o = (struct linear_op){.kind = (enum op_kind)rng_below(&r, 4)};
		o->value = o->kind == OP_REGISTER || o->kind == OP_UPDATE ? i + 1 : 0;
		o->call = 10 * i + 100 - rng_below(&r, 80);
		o->ret = 10 * i + 100 + rng_below(&r, 80);
		perform(o, &s, &incarnation);
		if (i % 20000 == 19999 && o->kind != OP_READ) {
			o->result = RESULT_UNKNOWN;
			o->incarnation = 0;
		}
	}
	ck_assert_int_eq(check(ops, LENGTH(ops)).verdict, LINEAR_YES);
	ops[LENGTH(ops) - 1] = saw(10 * LENGTH(ops) + 500, 10 * LENGTH(ops) + 600, 1, 2);
	ck_assert_int_eq(check(ops, LENGTH(ops)).verdict, LINEAR_NO);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("linear");
	TCase *tc = unit_case(s, "judged");

	tcase_add_test(tc, nothing_and_one_after_the_other_is_linearizable);
	tcase_add_test(tc, concurrent_operations_may_have_any_order);
	tcase_add_test(tc, a_lost_update_is_found);
	tcase_add_test(tc, a_stale_read_is_found);
	tcase_add_test(tc, a_registration_that_comes_back_is_found);
	tcase_add_test(tc, a_phantom_is_found);
	tcase_add_test(tc, an_unknown_outcome_may_come_late_or_never);
	tcase_add_test(tc, a_write_waits_for_its_turn_also_when_it_changes_nothing);
	tcase_add_test(tc, guards_are_looked_at);
	tcase_add_test(tc, too_much_at_once_is_not_decided);
	tc = unit_case(s, "random");
	tcase_add_test(tc, random_histories_are_judged_as_by_trying_every_order);
	tcase_add_test(tc, long_histories_are_no_problem);
	return unit_run(s);
}
