/*
 * What is said of recorded histories: good ones pass, each kind of fault is found.
 */
#include "history.h"

#include "../../unit/unit.h"

static void name(uint32_t key, char text[64])
{
	snprintf(text, 64, "k%u", key);
}

static struct record at(uint32_t key, uint64_t call, uint64_t ret, enum op_kind kind,
	uint64_t value, uint64_t rev)
{
	struct record r = {.key = key, .rev = rev};

	r.op = (struct linear_op){.call = call, .ret = ret, .kind = kind, .value = value};
	if (kind == OP_READ && value == 0)
		r.op.result = RESULT_ABSENT;
	return r;
}

static struct record local(struct record r)
{
	r.local = true;
	return r;
}

static struct record unknown(struct record r)
{
	r.op.result = RESULT_UNKNOWN;
	r.rev = 0;
	return r;
}

static struct history_verdict judge(const struct record *items, size_t n)
{
	struct history_verdict v;
	struct history h = {0};
	bool good;

	for (size_t i = 0; i < n; i++)
		history_add(&h, &items[i]);
	good = history_check(&h, &v, NULL, name);
	ck_assert_int_eq(
		good, v.not_linear + v.undecided + v.out_of_order + v.outdated == 0);
	history_fini(&h);
	return v;
}

#define JUDGE(...) \
	judge((const struct record[]){__VA_ARGS__}, \
		sizeof((const struct record[]){__VA_ARGS__}) / sizeof(struct record))

#define EXPECT(v, linear, order, old) \
	do { \
		ck_assert_uint_eq((v).not_linear, linear); \
		ck_assert_uint_eq((v).out_of_order, order); \
		ck_assert_uint_eq((v).outdated, old); \
	} while (0)

START_TEST(keys_are_judged_each_by_itself)
{
	struct history_verdict v = JUDGE(at(1, 1, 2, OP_REGISTER, 10, 5),
		at(2, 1, 2, OP_REGISTER, 20, 6), at(1, 3, 4, OP_READ, 10, 6),
		at(2, 3, 4, OP_READ, 20, 6), at(1, 5, 6, OP_DEREGISTER, 0, 7),
		at(1, 7, 8, OP_READ, 0, 7));

	ck_assert_uint_eq(v.keys, 2);
	ck_assert_uint_eq(v.operations, 6);
	EXPECT(v, 0, 0, 0);
	v = JUDGE(at(1, 1, 2, OP_REGISTER, 10, 5), at(2, 3, 4, OP_READ, 10, 0));
	EXPECT(v, 1, 0, 0);
}
END_TEST

START_TEST(revisions_agree_with_real_time)
{
	struct history_verdict v = JUDGE(
		at(1, 1, 2, OP_REGISTER, 10, 9), at(2, 3, 4, OP_REGISTER, 20, 8));

	EXPECT(v, 0, 1, 0);
	/* concurrent ones may have any */
	v = JUDGE(at(1, 1, 4, OP_REGISTER, 10, 9), at(2, 3, 4, OP_REGISTER, 20, 8));
	EXPECT(v, 0, 0, 0);
	/* no two writes have one */
	v = JUDGE(at(1, 1, 4, OP_REGISTER, 10, 9), at(2, 3, 4, OP_REGISTER, 20, 9));
	EXPECT(v, 0, 1, 0);
	/* what a read has seen was there before */
	v = JUDGE(at(1, 5, 6, OP_REGISTER, 10, 9), at(2, 3, 4, OP_READ, 0, 9));
	EXPECT(v, 0, 1, 0);
	v = JUDGE(at(1, 5, 6, OP_REGISTER, 10, 9), at(2, 8, 9, OP_READ, 0, 9));
	EXPECT(v, 0, 0, 0);
	/* a current read is not behind */
	v = JUDGE(at(1, 5, 6, OP_REGISTER, 10, 9), at(2, 8, 9, OP_READ, 0, 8));
	EXPECT(v, 0, 1, 0);
	v = JUDGE(at(1, 5, 6, OP_REGISTER, 10, 9), local(at(2, 8, 9, OP_READ, 0, 8)));
	EXPECT(v, 0, 0, 0);
}
END_TEST

START_TEST(a_local_read_shows_what_its_revision_says)
{
	const struct record first = at(1, 1, 2, OP_REGISTER, 10, 5),
			    second = at(1, 3, 4, OP_UPDATE, 11, 7),
			    removal = at(1, 5, 6, OP_DEREGISTER, 0, 9);
	struct history_verdict v = JUDGE(first, second, removal,
		local(at(1, 20, 21, OP_READ, 10, 5)),
		local(at(1, 20, 21, OP_READ, 10, 6)),
		local(at(1, 20, 21, OP_READ, 11, 8)),
		local(at(1, 20, 21, OP_READ, 0, 9)));

	EXPECT(v, 0, 0, 0);
	v = JUDGE(first, second, removal, local(at(1, 20, 21, OP_READ, 10, 7)));
	EXPECT(v, 0, 0, 1);
	v = JUDGE(first, second, removal, local(at(1, 20, 21, OP_READ, 11, 9)));
	EXPECT(v, 0, 0, 1);
	v = JUDGE(first, second, local(at(1, 20, 21, OP_READ, 0, 8)));
	EXPECT(v, 0, 0, 1);
	/* more may be known than the revision says, never less */
	v = JUDGE(first, second, removal, local(at(1, 20, 21, OP_READ, 11, 6)),
		local(at(1, 20, 21, OP_READ, 0, 8)));
	EXPECT(v, 0, 0, 0);
	/* nobody wrote it */
	v = JUDGE(first, local(at(1, 20, 21, OP_READ, 12, 8)));
	EXPECT(v, 0, 0, 1);
	v = JUDGE(first, unknown(at(1, 5, 6, OP_DEREGISTER, 0, 0)),
		local(at(1, 20, 21, OP_READ, 0, 8)));
	EXPECT(v, 0, 0, 0);
	v = JUDGE(first, unknown(at(1, 5, 6, OP_UPDATE, 12, 0)),
		local(at(1, 20, 21, OP_READ, 12, 8)));
	EXPECT(v, 0, 0, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("history");
	TCase *tc = unit_case(s, "history");

	tcase_add_test(tc, keys_are_judged_each_by_itself);
	tcase_add_test(tc, revisions_agree_with_real_time);
	tcase_add_test(tc, a_local_read_shows_what_its_revision_says);
	return unit_run(s);
}
