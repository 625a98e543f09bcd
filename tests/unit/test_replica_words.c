/* replica/beats.h and replica/words.h: what is said arrives, what is damaged is noticed.
 */
#include <stdlib.h>
#include <string.h>

#include "replica/beats.h"
#include "replica/replica.h"
#include "replica/words.h"
#include "unit.h"

static struct buf out;

static void setup(void)
{
	buf_init(&out, 0);
}

static void teardown(void)
{
	buf_fini(&out);
}

/* Copies with the exact length, so that a step too far is seen. */
static void each_cut(bool (*reads)(struct bytes in))
{
	ck_assert(reads(buf_bytes(&out)));
	for (size_t len = 0; len < out.len; len++) {
		uint8_t *cut = malloc(len + 1);

		memcpy(cut, out.data, len);
		ck_assert_msg(
			!reads(bytes_of(cut, len)), "%zu of %zu bytes", len, out.len);
		free(cut);
	}
}

/* ---- beats ------------------------------------------------------------- */

static struct beat typical_beat(void)
{
	return (struct beat){
		.flags = BEAT_LEADER | BEAT_DIVERGED,
		.sent_us = 1234567890123,
		.echo_us = 42,
		.held_us = 199000,
		.term = 7,
		.applied = 1 << 30,
		.rev = 3,
		.time_ms = UINT64_MAX,
		.wall_ms = 1700000000000,
		.sync_us = 250,
		.config_hash = 0x0123456789abcdef,
		.now = {300, 0xfedcba9876543210},
		.points = {{256, 1}, {0, 0}},
		.name = bytes_str("m1"),
		.version = bytes_str("0.1.0"),
	};
}

static bool reads_beat(struct bytes in)
{
	struct beat b;

	return beat_decode(in, &b) == 0;
}

START_TEST(a_beat_arrives_as_it_was_sent)
{
	struct beat b = typical_beat(), back;

	beat_encode(&out, &b);
	ck_assert_int_eq(beat_decode(buf_bytes(&out), &back), 0);
	ck_assert_uint_eq(back.flags, b.flags);
	ck_assert_uint_eq(back.sent_us, b.sent_us);
	ck_assert_uint_eq(back.echo_us, b.echo_us);
	ck_assert_uint_eq(back.held_us, b.held_us);
	ck_assert_uint_eq(back.term, b.term);
	ck_assert_uint_eq(back.applied, b.applied);
	ck_assert_uint_eq(back.rev, b.rev);
	ck_assert_uint_eq(back.time_ms, b.time_ms);
	ck_assert_uint_eq(back.wall_ms, b.wall_ms);
	ck_assert_uint_eq(back.sync_us, b.sync_us);
	ck_assert_uint_eq(back.config_hash, b.config_hash);
	ck_assert_uint_eq(back.now.index, b.now.index);
	ck_assert_uint_eq(back.now.digest, b.now.digest);
	ck_assert_uint_eq(back.points[0].index, 256);
	ck_assert_uint_eq(back.points[1].index, 0);
	ck_assert(bytes_eq(back.name, b.name));
	ck_assert(bytes_eq(back.version, b.version));
}
END_TEST

START_TEST(a_beat_that_ends_early_is_none)
{
	struct beat b = typical_beat();

	beat_encode(&out, &b);
	each_cut(reads_beat);
}
END_TEST

/* So that members of two versions can be of one cluster while it is upgraded. */
START_TEST(what_a_later_version_appends_to_a_beat_is_not_looked_at)
{
	struct beat b = typical_beat();

	beat_encode(&out, &b);
	buf_put(&out, "more", 4);
	ck_assert(reads_beat(buf_bytes(&out)));
	out.data[0]++;
	ck_assert(!reads_beat(buf_bytes(&out)));
}
END_TEST

/* ---- outcomes ---------------------------------------------------------- */

static bool reads_outcome(struct bytes in)
{
	struct reader r = reader_of(in);
	struct outcome o = {0};
	bool whole = outcome_decode(&r, &o);

	buf_fini(&o.incarnations);
	return whole;
}

START_TEST(an_outcome_arrives_as_it_was_sent)
{
	struct outcome o = {.rev = 77,
			       .value = 78,
			       .ttl_ms = 10000,
			       .drop_on_close = true},
		       back = {.code = SVCD_EBUSY, .text = "left over"};
	struct reader r;

	buf_put_be64(&o.incarnations, 77);
	buf_put_be64(&o.incarnations, 79);
	outcome_encode(&out, &o);
	r = reader_of(buf_bytes(&out));
	ck_assert(outcome_decode(&r, &back));
	ck_assert(reader_done(&r));
	ck_assert_int_eq(back.code, 0);
	ck_assert_str_eq(back.text, "");
	ck_assert_uint_eq(back.rev, 77);
	ck_assert_uint_eq(back.value, 78);
	ck_assert_uint_eq(back.ttl_ms, 10000);
	ck_assert(back.drop_on_close);
	ck_assert(!back.repeated);
	ck_assert(bytes_eq(buf_bytes(&back.incarnations), buf_bytes(&o.incarnations)));
	each_cut(reads_outcome);
	buf_fini(&o.incarnations);
	buf_fini(&back.incarnations);
}
END_TEST

START_TEST(a_refusal_arrives_with_its_words)
{
	struct outcome o = {.code = SVCD_ECONFLICT, .repeated = true}, back = {0};
	struct reader r;

	memset(o.text, 'x', sizeof(o.text) - 1);
	outcome_encode(&out, &o);
	r = reader_of(buf_bytes(&out));
	ck_assert(outcome_decode(&r, &back));
	ck_assert_int_eq(back.code, SVCD_ECONFLICT);
	ck_assert(back.repeated);
	ck_assert_str_eq(back.text, o.text);
	each_cut(reads_outcome);
	buf_fini(&back.incarnations);
}
END_TEST

/* ---- proposals --------------------------------------------------------- */

static bool reads_proposals(struct bytes in)
{
	return proposals_count(in) == 2;
}

START_TEST(proposals_arrive_in_their_order)
{
	struct reader r;
	uint64_t id = 0;

	proposals_put(&out, 5, bytes_str("first"));
	proposals_put(&out, UINT64_MAX, bytes_str("second"));
	ck_assert_uint_eq(proposals_count(buf_bytes(&out)), 2);
	r = reader_of(buf_bytes(&out));
	ck_assert(bytes_eq_str(proposals_next(&r, &id), "first"));
	ck_assert_uint_eq(id, 5);
	ck_assert(bytes_eq_str(proposals_next(&r, &id), "second"));
	ck_assert_uint_eq(id, UINT64_MAX);
	ck_assert(reader_done(&r));
	each_cut(reads_proposals);
}
END_TEST

START_TEST(a_frame_of_proposals_has_a_bound)
{
	for (int i = 0; i < PAYLOAD_COMMANDS_MAX; i++)
		proposals_put(&out, 1, BYTES_NONE);
	ck_assert_uint_eq(proposals_count(buf_bytes(&out)), PAYLOAD_COMMANDS_MAX);
	proposals_put(&out, 1, BYTES_NONE);
	ck_assert_uint_eq(proposals_count(buf_bytes(&out)), 0);
	ck_assert_uint_eq(proposals_count(BYTES_NONE), 0);
}
END_TEST

/* ---- changes ----------------------------------------------------------- */

static bool reads_change(struct bytes in)
{
	struct change_request q;

	return change_request_read(in, &q);
}

START_TEST(a_request_for_a_change_arrives)
{
	struct change_request q = {.op = CHANGE_JOIN,
				      .node = 99,
				      .actor = bytes_str("m1"),
				      .name = bytes_str("m1"),
				      .peer = bytes_str("tcp:10.0.0.1:7821"),
				      .client = bytes_str("tcp:10.0.0.1:7820")},
			      back;

	change_request_put(&out, &q);
	ck_assert(change_request_read(buf_bytes(&out), &back));
	ck_assert_uint_eq(back.op, CHANGE_JOIN);
	ck_assert_uint_eq(back.node, 99);
	ck_assert(bytes_eq(back.name, q.name));
	ck_assert(bytes_eq(back.peer, q.peer));
	ck_assert(bytes_eq(back.client, q.client));
	each_cut(reads_change);
}
END_TEST

START_TEST(an_operation_that_is_none_is_refused)
{
	struct change_request q = {0};

	for (int op = 0; op < 256; op++) {
		q.op = (uint8_t)op;
		buf_clear(&out);
		change_request_put(&out, &q);
		ck_assert_int_eq(reads_change(buf_bytes(&out)),
			(op >= CHANGE_PROMOTE && op <= CHANGE_TRANSFER) ||
				op == CHANGE_ANNOUNCE || op == CHANGE_JOIN);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("replica words");
	TCase *tc = unit_case(s, "words");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_beat_arrives_as_it_was_sent);
	tcase_add_test(tc, a_beat_that_ends_early_is_none);
	tcase_add_test(tc, what_a_later_version_appends_to_a_beat_is_not_looked_at);
	tcase_add_test(tc, an_outcome_arrives_as_it_was_sent);
	tcase_add_test(tc, a_refusal_arrives_with_its_words);
	tcase_add_test(tc, proposals_arrive_in_their_order);
	tcase_add_test(tc, a_frame_of_proposals_has_a_bound);
	tcase_add_test(tc, a_request_for_a_change_arrives);
	tcase_add_test(tc, an_operation_that_is_none_is_refused);
	return unit_run(s);
}
