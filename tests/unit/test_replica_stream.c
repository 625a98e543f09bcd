/* replica/stream.h: the decisions alone, and whole checkpoints through wires that break,
 * damage and lose. */
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "fake_peers.h"
#include "replica/stream_receive.h"
#include "replica/stream_send.h"
#include "scratch_dir.h"
#include "stream_member.h"
#include "unit.h"

#define MIB ((uint64_t)1 << 20)

/* ---- frames -------------------------------------------------------------- */

static const struct stream_offer offer_5 = {
	.leader_term = 4, .index = 5, .term = 3, .bytes = MIB, .hash = 77};

static struct bytes encoded(struct buf *out, struct stream_frame f)
{
	stream_encode(&f, out);
	ck_assert_int_eq(out->error, 0);
	return buf_bytes(out);
}

START_TEST(frames_come_out_as_they_went_in)
{
	const struct stream_frame rows[] = {
		{.kind = PEER_OFFER, .stream = 1, .offer = offer_5},
		{.kind = PEER_WANT, .stream = 2, .offset = 4096},
		{.kind = PEER_CHUNK, .stream = 3, .offset = 9, .data = bytes_str("abc")},
		{.kind = PEER_RECEIVED,
			.stream = UINT64_MAX,
			.offset = 7,
			.stage = STAGE_DONE},
		{.kind = PEER_DECLINED,
			.stream = 5,
			.reason = REASON_SPACE,
			.text = bytes_str("make room")},
	};
	struct buf b = {0};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct stream_frame *in = &rows[i];
		struct stream_frame out;

		ck_assert_int_eq(stream_decode(in->kind, encoded(&b, *in), &out), 0);
		ck_assert_int_eq(out.kind, in->kind);
		ck_assert_uint_eq(out.stream, in->stream);
		ck_assert_uint_eq(out.offset, in->offset);
		ck_assert_uint_eq(out.stage, in->stage);
		ck_assert_uint_eq(out.reason, in->reason);
		ck_assert_mem_eq(&out.offer, &in->offer, sizeof(out.offer));
		ck_assert(bytes_eq(out.data, in->data));
		ck_assert(bytes_eq(out.text, in->text));
		ck_assert(out.sound == (in->kind == PEER_CHUNK));
	}
	buf_fini(&b);
}
END_TEST

START_TEST(every_frame_has_its_length)
{
	const struct stream_frame rows[] = {
		{.kind = PEER_OFFER, .stream = 1, .offer = offer_5},
		{.kind = PEER_WANT, .stream = 2},
		{.kind = PEER_CHUNK, .stream = 3, .data = bytes_str("a")},
		{.kind = PEER_RECEIVED, .stream = 4},
		{.kind = PEER_DECLINED, .stream = 5, .reason = REASON_HAVE},
	};
	struct stream_frame out;
	struct buf b = {0};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		encoded(&b, rows[i]);
		for (size_t len = 0; len < b.len; len++)
			ck_assert_int_eq(
				stream_decode(rows[i].kind, bytes_of(b.data, len), &out),
				SVCD_EPROTOCOL);
		buf_put_u8(&b, 0);
		if (rows[i].kind != PEER_CHUNK)
			ck_assert_int_eq(stream_decode(rows[i].kind, buf_bytes(&b), &out),
				SVCD_EPROTOCOL);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(values_that_nobody_sends_are_refused)
{
	struct stream_offer bad[6];
	struct stream_frame out;
	struct buf b = {0};

	for (size_t i = 0; i < LENGTH(bad); i++)
		bad[i] = offer_5;
	bad[0].index = 0;
	bad[1].term = 0;
	bad[2].term = 5; /* newer than its leader */
	bad[3].bytes = 4096;
	bad[4].bytes = MIB + 1;
	bad[5].bytes = 2 * STREAM_BYTES_MAX;
	for (size_t i = 0; i < LENGTH(bad); i++)
		ck_assert_int_eq(stream_decode(PEER_OFFER,
					 encoded(&b,
						 (struct stream_frame){.kind = PEER_OFFER,
							 .offer = bad[i]}),
					 &out),
			SVCD_EPROTOCOL);
	ck_assert_int_eq(stream_decode(PEER_RECEIVED,
				 encoded(&b,
					 (struct stream_frame){.kind = PEER_RECEIVED,
						 .stage = STAGE_COUNT}),
				 &out),
		SVCD_EPROTOCOL);
	ck_assert_int_eq(stream_decode(PEER_DECLINED,
				 encoded(&b,
					 (struct stream_frame){.kind = PEER_DECLINED,
						 .reason = REASON_END}),
				 &out),
		SVCD_EPROTOCOL);
	ck_assert_int_eq(stream_decode(PEER_DECLINED,
				 encoded(&b,
					 (struct stream_frame){.kind = PEER_DECLINED,
						 .reason = REASON_SPACE,
						 .text = bytes_str("\x1b[2J")}),
				 &out),
		SVCD_EPROTOCOL);
	ck_assert_int_eq(
		stream_decode(PEER_BEAT, bytes_str("12345678"), &out), SVCD_EPROTOCOL);
	buf_fini(&b);
}
END_TEST

/* ---- the sender's decisions ---------------------------------------------- */

static struct sending offering(void)
{
	struct sending x = {0};

	sending_start(&x, 4, 1000);
	ck_assert_int_eq(x.phase, SENDING_SEARCHING);
	sending_found(&x, 9, &offer_5);
	ck_assert(sending_offer_due(&x));
	sending_offered(&x, 1000);
	return x;
}

static void answer(struct sending *x, enum peer_kind kind, uint64_t stream,
	uint64_t offset, unsigned detail, uint64_t now_ms)
{
	sending_on_frame(x,
		&(struct stream_frame){.kind = kind,
			.stream = stream,
			.offset = offset,
			.stage = (enum stream_stage)detail,
			.reason = (enum stream_reason)detail},
		now_ms);
}

/* Sends what may be sent; returns how much that was. */
static uint64_t send_all(struct sending *x)
{
	uint64_t sum = 0, offset;
	size_t len;

	sending_refill(x, x->credit_ms, false);
	while (sending_next(x, &offset, &len)) {
		ck_assert_uint_eq(offset, x->sent);
		sending_sent(x, len);
		sum += len;
	}
	return sum;
}

START_TEST(no_more_than_the_window_is_under_way)
{
	struct sending x = offering();

	x.offer.bytes = 2 * SENDING_WINDOW + 4096;
	ck_assert_uint_eq(send_all(&x), 0);
	answer(&x, PEER_WANT, 9, 4096, 0, 1000);
	ck_assert_uint_eq(send_all(&x), SENDING_WINDOW);
	answer(&x, PEER_RECEIVED, 9, 4096 + STREAM_CHUNK_BYTES, STAGE_TAKING, 1001);
	ck_assert_uint_eq(send_all(&x), STREAM_CHUNK_BYTES);
	answer(&x, PEER_RECEIVED, 9, x.sent + 1, STAGE_TAKING, 1001); /* never sent */
	ck_assert_uint_eq(send_all(&x), 0);
	answer(&x, PEER_RECEIVED, 9, x.sent, STAGE_TAKING, 1002);
	ck_assert_uint_eq(send_all(&x), SENDING_WINDOW - STREAM_CHUNK_BYTES);
	ck_assert_uint_eq(x.sent, x.offer.bytes);
}
END_TEST

/* Sends for a second to a member that takes at once; returns how much that was. */
static uint64_t send_for_a_second(struct sending *x, uint64_t *now_ms, bool busy)
{
	uint64_t before = x->sent, end_ms = *now_ms + 1000, offset;
	size_t len;

	while (*now_ms < end_ms) {
		sending_refill(x, *now_ms, busy);
		while (sending_next(x, &offset, &len)) {
			sending_sent(x, len);
			answer(x, PEER_RECEIVED, 9, x->sent, STAGE_TAKING, *now_ms);
			if (x->sent - before >= 4 * SENDING_RATE)
				return x->sent - before;
		}
		*now_ms += busy ? sending_wait_ms(x) : 1;
	}
	return x->sent - before;
}

START_TEST(chunks_leave_at_a_rate_while_the_leader_writes)
{
	struct sending x = offering();
	uint64_t now_ms = 1000, sent;

	x.offer.bytes = 16 * SENDING_RATE;
	answer(&x, PEER_WANT, 9, 0, 0, now_ms);
	sent = send_for_a_second(&x, &now_ms, true);
	ck_assert_uint_le(sent, SENDING_RATE + SENDING_WINDOW);
	ck_assert_uint_ge(sent, SENDING_RATE - SENDING_RATE / 8);
	/* a rest does not add up to more than a window */
	now_ms += 60000;
	ck_assert_uint_le(
		send_for_a_second(&x, &now_ms, true), SENDING_RATE + SENDING_WINDOW);
	ck_assert_uint_ge(send_for_a_second(&x, &now_ms, false), 4 * SENDING_RATE);
}
END_TEST

START_TEST(answers_to_another_offer_are_late)
{
	struct sending x = offering();

	answer(&x, PEER_WANT, 8, 0, 0, 1000);
	answer(&x, PEER_DECLINED, 8, 0, REASON_SPACE, 1000);
	answer(&x, PEER_RECEIVED, 8, 0, STAGE_DONE, 1000);
	ck_assert_int_eq(x.phase, SENDING_OFFERING);
	answer(&x, PEER_WANT, 9, MIB + 1, 0, 1000); /* beyond its end */
	ck_assert_int_eq(x.phase, SENDING_OFFERING);
}
END_TEST

START_TEST(a_break_is_a_new_offer_of_the_same)
{
	struct sending x = offering();

	answer(&x, PEER_WANT, 9, 0, 0, 1000);
	send_all(&x);
	sending_broken(&x);
	ck_assert(sending_offer_due(&x));
	ck_assert_uint_eq(x.offer.hash, offer_5.hash);
	sending_offered(&x, 2000);
	sending_time(&x, 2000 + SENDING_ANSWER_MS - 1);
	ck_assert(!sending_offer_due(&x));
	sending_time(&x, 2000 + SENDING_ANSWER_MS); /* the offer was lost */
	ck_assert(sending_offer_due(&x));
	sending_offered(&x, 8000);
	sending_start(&x, 4, 8000); /* asked again: nothing new */
	ck_assert(!sending_offer_due(&x));
	sending_start(&x, 5, 8000); /* leads again */
	ck_assert(sending_offer_due(&x));
	ck_assert_uint_eq(x.offer.leader_term, 5);
}
END_TEST

START_TEST(who_does_not_move_for_a_minute_is_given_up)
{
	struct sending x = offering();
	uint64_t at = 1000;

	answer(&x, PEER_WANT, 9, 0, 0, at);
	send_all(&x);
	at += SENDING_STILL_MS - 1;
	sending_time(&x, at);
	answer(&x, PEER_RECEIVED, 9, STREAM_CHUNK_BYTES, STAGE_TAKING, at);
	at += SENDING_STILL_MS - 1;
	answer(&x, PEER_WANT, 9, 0, 0, at); /* back is not forward */
	sending_time(&x, at);
	ck_assert_int_eq(x.phase, SENDING_CHUNKS);
	sending_time(&x, at + 1);
	ck_assert_int_eq(x.phase, SENDING_NOT);
	ck_assert_uint_eq(sending_keep(&x), UINT64_MAX);
}
END_TEST

START_TEST(a_check_may_take_long_as_long_as_it_says_so)
{
	struct sending x = offering();
	uint64_t at = 1000;

	answer(&x, PEER_WANT, 9, MIB, 0, at);
	for (int i = 0; i < 10; i++, at += SENDING_STILL_MS / 2) {
		answer(&x, PEER_RECEIVED, 9, MIB, STAGE_CHECKING, at);
		sending_time(&x, at + 1);
		ck_assert_int_eq(x.phase, SENDING_CHECKED);
	}
	answer(&x, PEER_WANT, 9, 0, 0, at); /* damaged: once more */
	ck_assert_uint_eq(send_all(&x), MIB);
}
END_TEST

START_TEST(the_log_is_kept_until_the_member_goes_on_by_it)
{
	struct sending x = offering();

	ck_assert_uint_eq(sending_keep(&x), 5);
	answer(&x, PEER_WANT, 9, MIB, 0, 1000);
	sending_progress(&x, 2, 50, 1000);
	ck_assert_uint_eq(sending_keep(&x), 5);
	answer(&x, PEER_RECEIVED, 9, MIB, STAGE_DONE, 1000);
	ck_assert_int_eq(x.phase, SENDING_FOLLOWED);
	ck_assert_uint_eq(sending_keep(&x), 5);
	sending_progress(&x, 5, 60, 1000);
	ck_assert_uint_eq(sending_keep(&x), 5);
	sending_progress(&x, 59, 90, 1000);
	ck_assert_uint_eq(sending_keep(&x), 59);
	sending_start(&x, 4, 1001); /* what the engine says before it knows */
	ck_assert_int_eq(x.phase, SENDING_FOLLOWED);
	sending_progress(&x, 60, 90, 1000); /* what the log held then */
	ck_assert_int_eq(x.phase, SENDING_NOT);
	ck_assert_uint_eq(sending_keep(&x), UINT64_MAX);
}
END_TEST

START_TEST(declining_is_for_a_while_or_for_good)
{
	const struct {
		enum stream_reason reason;
		enum sending_phase phase;
		uint64_t rest_ms;
	} rows[] = {
		{REASON_HAVE, SENDING_FOLLOWED, 0},
		{REASON_OLD, SENDING_NOT, 0},
		{REASON_BUSY, SENDING_RESTING, SENDING_REST_MS},
		{REASON_DAMAGED, SENDING_RESTING, SENDING_REST_MS},
		{REASON_SPACE, SENDING_RESTING, SENDING_LONG_REST_MS},
		{REASON_REFUSED, SENDING_RESTING, SENDING_LONG_REST_MS},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct sending x = offering();

		answer(&x, PEER_DECLINED, 9, 0, rows[i].reason, 1000);
		ck_assert_int_eq(x.phase, rows[i].phase);
		if (rows[i].rest_ms == 0)
			continue;
		sending_time(&x, 1000 + rows[i].rest_ms - 1);
		ck_assert_int_eq(x.phase, SENDING_RESTING);
		sending_time(&x, 1000 + rows[i].rest_ms);
		ck_assert_int_eq(x.phase, SENDING_SEARCHING);
	}
}
END_TEST

/* ---- the receiver's decisions --------------------------------------------- */

static struct stream_frame offer_of(uint64_t stream, struct stream_offer o)
{
	return (struct stream_frame){.kind = PEER_OFFER, .stream = stream, .offer = o};
}

static struct stream_frame chunk_at(uint64_t stream, uint64_t offset, bool sound)
{
	static const uint8_t data[4096];

	return (struct stream_frame){.kind = PEER_CHUNK,
		.stream = stream,
		.offset = offset,
		.data = bytes_of(data, sizeof(data)),
		.sound = sound};
}

START_TEST(offers_are_judged)
{
	struct stream_offer newer = offer_5, other = offer_5, older = offer_5;
	struct stream_frame f = offer_of(1, offer_5);
	struct receiving x = {0};

	newer.leader_term = 5;
	newer.index = 8;
	other.hash = 78;
	older.leader_term = 3;
	ck_assert_int_eq(receiving_on_offer(&x, 21, &f, 5), OFFER_HAVE);
	ck_assert_int_eq(receiving_on_offer(&x, 21, &f, 4), OFFER_NEW);
	receiving_begin(&x, 21, &f, 4096);
	f = offer_of(7, older);
	ck_assert_int_eq(receiving_on_offer(&x, 22, &f, 4), OFFER_OLD);
	f = offer_of(8, other);
	ck_assert_int_eq(receiving_on_offer(&x, 21, &f, 4), OFFER_NEW);
	f = offer_of(9, newer);
	ck_assert_int_eq(receiving_on_offer(&x, 22, &f, 4), OFFER_NEW);
	newer = offer_5;
	newer.leader_term = 6; /* another leader has the same file */
	f = offer_of(10, newer);
	ck_assert_int_eq(receiving_on_offer(&x, 22, &f, 4), OFFER_RESUMED);
	ck_assert_uint_eq(x.from, 22);
	ck_assert_uint_eq(x.stream, 10);
	ck_assert_uint_eq(x.got, 4096);
	x.got = x.stored = MIB;
	receiving_check(&x);
	f = offer_of(11, newer);
	ck_assert_int_eq(receiving_on_offer(&x, 23, &f, 4), OFFER_CHECKING);
	newer.index = 9;
	newer.leader_term = 9;
	f = offer_of(12, newer);
	ck_assert_int_eq(receiving_on_offer(&x, 22, &f, 4), OFFER_BUSY);
}
END_TEST

START_TEST(what_is_missing_is_asked_for_once)
{
	struct stream_frame f = offer_of(1, offer_5);
	struct receiving x = {0};

	receiving_begin(&x, 21, &f, 0);
#define JUDGE(from, stream, offset, sound, verdict) \
	f = chunk_at(stream, offset, sound); \
	ck_assert_int_eq(receiving_on_chunk(&x, from, &f), verdict)
	JUDGE(21, 2, 0, true, CHUNK_IGNORE);
	JUDGE(22, 1, 0, true, CHUNK_IGNORE);
	JUDGE(21, 1, 0, true, CHUNK_TAKE);
	receiving_took(&x, 4096);
	JUDGE(21, 1, 0, true, CHUNK_IGNORE);
	JUDGE(21, 1, 4096, false, CHUNK_ASK);
	JUDGE(21, 1, 8192, true, CHUNK_IGNORE); /* were under way */
	JUDGE(21, 1, 12288, true, CHUNK_IGNORE);
	JUDGE(21, 1, 4096, false, CHUNK_ASK); /* damaged again */
	JUDGE(21, 1, 4096, true, CHUNK_TAKE);
	receiving_took(&x, 4096);
	JUDGE(21, 1, 16384, true, CHUNK_ASK);
	x.got = MIB - 1024; /* more than the rest */
	JUDGE(21, 1, MIB - 1024, true, CHUNK_ASK);
#undef JUDGE
}
END_TEST

START_TEST(damaged_twice_is_the_end)
{
	struct stream_frame f = offer_of(1, offer_5);
	struct receiving x = {0};

	receiving_begin(&x, 21, &f, MIB - 4096);
	receiving_took(&x, 4096);
	ck_assert(receiving_stored(&x, 4096));
	ck_assert(receiving_damaged(&x));
	ck_assert_uint_eq(x.got, 0);
	x.got = x.stored = MIB;
	receiving_check(&x);
	ck_assert(!receiving_damaged(&x));
	ck_assert_int_eq(x.phase, RECEIVING_NOT);
}
END_TEST

/* ---- whole checkpoints ----------------------------------------------------- */

static struct scratch scratch;
static struct fake_wires wires;
static struct loop *loop;
static struct timer kick;
static bool (*done)(void); /* ends the loop */
static struct sm a, b, c;

static void on_frame(void *arg, uint64_t from, enum peer_kind kind, struct bytes body)
{
	streams_on_frame(((struct sm *)arg)->streams, from, kind, body);
}

static void on_up(void *arg, uint64_t node, bool up)
{
	streams_on_up(((struct sm *)arg)->streams, node, up);
}

static void on_drained(void *arg, uint64_t node)
{
	streams_on_drained(((struct sm *)arg)->streams, node);
}

static const struct fake_events events = {
	.frame = on_frame, .up = on_up, .drained = on_drained};

static void member_start(struct sm *m, const char *name, uint64_t node)
{
	sm_start(m, scratch_path(&scratch, name), node);
	m->peers = fake_peers_new(&wires, node, &events, m);
	sm_streams(m, loop);
}

static void on_round(void *arg)
{
	(void)arg;
	while (fake_wires_step(&wires)) {
	}
	if (done())
		loop_stop(loop);
}

static void run_until(bool (*condition)(void))
{
	done = condition;
	timer_set(&kick, 0);
	loop_run(loop);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void make_world(void)
{
	scratch_make(&scratch);
	fake_wires_init(&wires);
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
	ck_assert_int_eq(timer_init(&kick, loop, nothing, NULL), 0);
	loop_on_idle(loop, on_round, NULL);
	member_start(&a, "a", 1);
	member_start(&b, "b", 2);
}

static void end_world(void)
{
	sm_stop(&a);
	sm_stop(&b);
	sm_stop(&c);
	timer_fini(&kick);
	loop_free(loop);
	fake_wires_fini(&wires);
	scratch_remove(&scratch);
}

static bool b_has_it(void)
{
	return b.staged > 0;
}

/* The leader a of term 3 has the state at index 20. */
static void lead(size_t kib)
{
	sm_fill(&a, 20, kib);
	sm_checkpoint(&a);
	a.last = 20;
	streams_send(a.streams, 2, 3);
}

static void check_b_is_a(void)
{
	ck_assert_int_eq(b.staged, 1);
	ck_assert_uint_eq(b.info.index, 20);
	ck_assert_uint_eq(b.staged_from, 1);
	ck_assert_uint_eq(b.staged_term, 3);
	ck_assert_uint_eq(sm_digest(&b), sm_digest(&a));
}

static bool exists(const char *name)
{
	return access(scratch_path(&scratch, name), F_OK) == 0;
}

#define CHECKPOINT_20 "checkpoint/0000000000000014.ckpt"

START_TEST(a_checkpoint_arrives_and_becomes_the_state)
{
	struct stream_progress p;
	uint64_t index, term;

	lead(3000);
	ck_assert_uint_eq(streams_keep_index(a.streams), 20);
	run_until(b_has_it);
	check_b_is_a();
	ck_assert_int_eq(b.coming, 1);
	ck_assert(exists("b/" CHECKPOINT_20));
	ck_assert_int_eq(checkpoint_received(&b.d, &index, &term), 0);
	ck_assert_uint_eq(index, 20);
	ck_assert_uint_eq(term, 2);
	while (fake_wires_step(&wires)) {
	}
	streams_status(a.streams, 2, &p);
	ck_assert(!p.active);
	ck_assert_uint_eq(streams_keep_index(a.streams), 20);
	streams_progress(a.streams, 2, 20, 1);
	ck_assert_uint_eq(streams_keep_index(a.streams), UINT64_MAX);
	ck_assert_uint_eq(wires.chunk_bytes, b.info.bytes);
}
END_TEST

START_TEST(progress_is_shown_on_both_sides)
{
	struct stream_progress p, q;

	lead(3000);
	while (wires.chunk_bytes < MIB)
		ck_assert(fake_wires_step(&wires));
	streams_status(a.streams, 2, &p);
	streams_status(b.streams, 1, &q);
	ck_assert(p.active && p.sending && q.active && !q.sending);
	ck_assert_uint_eq(p.index, 20);
	ck_assert_uint_eq(q.index, 20);
	ck_assert_uint_eq(q.done, wires.chunk_bytes);
	ck_assert_uint_ge(q.done, p.done);
	ck_assert_uint_eq(p.bytes, q.bytes);
	ck_assert_uint_gt(p.bytes, 3000 * 1024);
}
END_TEST

/* Also when the connection takes only a frame at a time. */
START_TEST(a_slow_connection_is_waited_for)
{
	wires.room = 1;
	lead(3000);
	run_until(b_has_it);
	check_b_is_a();
	ck_assert_uint_eq(wires.chunk_bytes, b.info.bytes);
}
END_TEST

/* One frame more is delivered in each test before all connections break. */
START_TEST(a_break_at_any_frame_is_resumed)
{
	wires.cut_at = (uint64_t)_i + 1;
	lead(1500);
	run_until(b_has_it);
	check_b_is_a();
	ck_assert(wires.cut);
	/* what was not delivered is sent again, and nothing else */
	ck_assert_uint_eq(wires.chunk_bytes, b.info.bytes);
}
END_TEST

START_TEST(a_damaged_chunk_is_asked_for_again)
{
	wires.corrupt_at = (uint64_t)_i + 3;
	lead(1500);
	run_until(b_has_it);
	check_b_is_a();
	ck_assert(wires.corrupted || _i > 3);
	ck_assert_uint_le(
		wires.chunk_bytes, b.info.bytes + SENDING_WINDOW + STREAM_CHUNK_BYTES);
}
END_TEST

static void stop_after_a_mib(void)
{
	lead(3000);
	while (wires.chunk_bytes < MIB)
		ck_assert(fake_wires_step(&wires));
}

/* What came in is on its disk then. */
static void stop_b(void)
{
	b.peers->gone = true;
	streams_free(b.streams);
	fake_wires_break(&wires);
}

static void start_b(void)
{
	b.peers->gone = false;
	sm_streams(&b, loop);
}

START_TEST(a_receiver_that_starts_again_goes_on)
{
	stop_after_a_mib();
	stop_b();
	start_b();
	run_until(b_has_it);
	check_b_is_a();
	ck_assert_uint_eq(wires.chunk_bytes, b.info.bytes);
}
END_TEST

static void part_name(char *out, size_t cap)
{
	struct checkpoint_info info;

	ck_assert_int_eq(
		store_checkpoint_inspect(
			scratch_path(&scratch, "a/" CHECKPOINT_20), false, &info, NULL),
		0);
	snprintf(out, cap, "b/checkpoint/part-%016" PRIx64 "-%016" PRIx64, info.index,
		info.hash);
}

static void flip(const char *name, off_t at)
{
	int fd = open(scratch_path(&scratch, name), O_RDWR);
	uint8_t byte;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 4;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* As a crash of the machine may leave it. */
START_TEST(a_part_that_is_damaged_on_disk_is_fetched_again)
{
	char part[100];

	stop_after_a_mib();
	stop_b();
	part_name(part, sizeof(part));
	flip(part, 500000);
	start_b();
	run_until(b_has_it);
	check_b_is_a();
	ck_assert_uint_gt(wires.chunk_bytes, b.info.bytes);
	ck_assert(!exists(part));
}
END_TEST

START_TEST(a_part_that_is_too_long_is_fetched_again)
{
	char part[100];

	sm_fill(&a, 20, 1500);
	sm_checkpoint(&a);
	part_name(part, sizeof(part));
	ck_assert_int_eq(
		close(open(scratch_path(&scratch, part), O_CREAT | O_WRONLY, 0600)), 0);
	ck_assert_int_eq(truncate(scratch_path(&scratch, part), 1 << 28), 0);
	streams_send(a.streams, 2, 3);
	run_until(b_has_it);
	check_b_is_a();
}
END_TEST

static bool a_wants_another(void)
{
	return a.wanted > 0;
}

/* The receiver finds out; the sender takes another checkpoint. */
START_TEST(a_checkpoint_that_is_damaged_on_the_senders_disk_is_replaced)
{
	sm_fill(&a, 20, 1500);
	sm_checkpoint(&a);
	flip("a/" CHECKPOINT_20, 300000);
	streams_send(a.streams, 2, 3);
	run_until(a_wants_another);
	ck_assert_int_eq(b.staged, 0);
	ck_assert(!exists("b/" CHECKPOINT_20));
	sm_fill(&a, 21, 1500);
	sm_checkpoint(&a);
	run_until(b_has_it);
	ck_assert_uint_eq(b.info.index, 21);
	ck_assert_uint_eq(sm_digest(&b), sm_digest(&a));
}
END_TEST

START_TEST(a_checkpoint_that_leaves_the_folder_is_sent_to_its_end)
{
	uint64_t before;

	stop_after_a_mib();
	before = sm_digest(&a);
	for (uint64_t i = 21; i < 24; i++) {
		sm_fill(&a, i, 1500);
		sm_checkpoint(&a);
	}
	ck_assert(!exists("a/" CHECKPOINT_20));
	ck_assert_uint_eq(streams_keep_index(a.streams), 20);
	run_until(b_has_it);
	ck_assert_uint_eq(b.info.index, 20);
	ck_assert_uint_eq(sm_digest(&b), before);
}
END_TEST

/* Whoever installs it must find the next entry in the log. */
START_TEST(a_checkpoint_that_the_log_does_not_continue_is_not_sent)
{
	sm_fill(&a, 20, 100);
	sm_checkpoint(&a);
	a.first = 22;
	streams_send(a.streams, 2, 3);
	streams_send(a.streams, 2, 3);
	ck_assert_int_eq(a.wanted, 1);
	ck_assert_uint_eq(streams_keep_index(a.streams), UINT64_MAX);
	ck_assert(!fake_wires_step(&wires));
	sm_fill(&a, 21, 100);
	sm_checkpoint(&a);
	ck_assert_uint_eq(streams_keep_index(a.streams), 21);
	run_until(b_has_it);
	ck_assert_uint_eq(b.info.index, 21);
}
END_TEST

START_TEST(who_has_it_declines)
{
	sm_fill(&b, 20, 10);
	lead(1500);
	while (fake_wires_step(&wires)) {
	}
	ck_assert_int_eq(b.staged, 0);
	ck_assert_uint_eq(wires.chunk_bytes, 0);
	streams_progress(a.streams, 2, 20, 1);
	ck_assert_uint_eq(streams_keep_index(a.streams), UINT64_MAX);
}
END_TEST

START_TEST(a_newer_leader_replaces_an_older_one)
{
	char part[100];

	stop_after_a_mib();
	part_name(part, sizeof(part));
	ck_assert(exists(part));
	member_start(&c, "c", 3);
	sm_fill(&c, 30, 1500);
	sm_checkpoint(&c);
	streams_send(c.streams, 2, 4);
	run_until(b_has_it);
	ck_assert_uint_eq(b.staged_from, 3);
	ck_assert_uint_eq(b.staged_term, 4);
	ck_assert_uint_eq(b.info.index, 30);
	ck_assert_uint_eq(sm_digest(&b), sm_digest(&c));
	ck_assert(!exists(part));
}
END_TEST

static bool b_is_through(void)
{
	struct stream_progress p;

	streams_status(b.streams, 1, &p);
	return wires.chunk_bytes > 0 && !p.active;
}

START_TEST(the_checkpoint_of_another_cluster_is_refused)
{
	char part[100];

	b.d.cluster = 8;
	lead(100);
	part_name(part, sizeof(part));
	run_until(b_is_through);
	ck_assert(!exists(part));
	ck_assert_int_eq(b.staged, 0);
	ck_assert(!exists("b/" CHECKPOINT_20));
	ck_assert_int_eq(store_swap(b.store, NULL), SVCD_ENOTFOUND);
}
END_TEST

static bool b_checks(void)
{
	struct stream_progress p;

	streams_status(b.streams, 1, &p);
	return p.active && p.done == p.bytes;
}

START_TEST(freed_while_it_is_checked)
{
	lead(1500);
	run_until(b_checks);
	b.peers->gone = true;
	sm_stop(&b);
	ck_assert_int_eq(b.staged, 0);
}
END_TEST

/* ---- a full disk ----------------------------------------------------------- */

static bool mount_small(const char *dir, const char *size)
{
	return unshare(CLONE_NEWNS) == 0 &&
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount("tmpfs", dir, "tmpfs", 0, size) == 0;
}

/* Before and in the middle: nothing stays, and when there is room it goes on. */
START_TEST(a_full_disk_declines_and_later_takes_it)
{
	char fill_path[600], dir[256], remount[40];
	int fd;

	sm_stop(&b);
	wires.n--;
	free(wires.members[wires.n]);
	strcpy(dir, scratch_path(&scratch, "small"));
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	if (!mount_small(dir, "size=180m"))
		return;
	member_start(&b, "small", 2);
	lead(3000);
	while (wires.chunk_bytes < MIB)
		ck_assert(fake_wires_step(&wires));
	strcpy(fill_path, scratch_path(&scratch, "small/ballast"));
	fd = open(fill_path, O_CREAT | O_WRONLY, 0600);
	for (off_t at = 0; posix_fallocate(fd, at, (off_t)MIB / 8) == 0;)
		at += (off_t)MIB / 8;
	close(fd);
	run_until(b_is_through);
	ck_assert_int_eq(b.staged, 0);
	ck_assert_uint_lt(wires.chunk_bytes, 3000 * 1024);
	snprintf(remount, sizeof(remount), "size=%d", 300 << 20);
	ck_assert_int_eq(mount("tmpfs", dir, "tmpfs", MS_REMOUNT, remount), 0);
	streams_progress(a.streams, 2, 0, clock_now_ms() + SENDING_LONG_REST_MS);
	run_until(b_has_it);
	check_b_is_a();
	sm_stop(&b);
	umount2(dir, MNT_DETACH);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("replica_stream");
	TCase *pure = unit_case(s, "pure");
	TCase *tc = unit_case(s, "whole");

	tcase_add_test(pure, frames_come_out_as_they_went_in);
	tcase_add_test(pure, every_frame_has_its_length);
	tcase_add_test(pure, values_that_nobody_sends_are_refused);
	tcase_add_test(pure, no_more_than_the_window_is_under_way);
	tcase_add_test(pure, chunks_leave_at_a_rate_while_the_leader_writes);
	tcase_add_test(pure, answers_to_another_offer_are_late);
	tcase_add_test(pure, a_break_is_a_new_offer_of_the_same);
	tcase_add_test(pure, who_does_not_move_for_a_minute_is_given_up);
	tcase_add_test(pure, a_check_may_take_long_as_long_as_it_says_so);
	tcase_add_test(pure, the_log_is_kept_until_the_member_goes_on_by_it);
	tcase_add_test(pure, declining_is_for_a_while_or_for_good);
	tcase_add_test(pure, offers_are_judged);
	tcase_add_test(pure, what_is_missing_is_asked_for_once);
	tcase_add_test(pure, damaged_twice_is_the_end);

	tcase_add_checked_fixture(tc, make_world, end_world);
	tcase_add_test(tc, a_checkpoint_arrives_and_becomes_the_state);
	tcase_add_test(tc, progress_is_shown_on_both_sides);
	tcase_add_test(tc, a_slow_connection_is_waited_for);
	tcase_add_loop_test(tc, a_break_at_any_frame_is_resumed, 0, 14);
	tcase_add_loop_test(tc, a_damaged_chunk_is_asked_for_again, 0, 9);
	tcase_add_test(tc, a_receiver_that_starts_again_goes_on);
	tcase_add_test(tc, a_part_that_is_damaged_on_disk_is_fetched_again);
	tcase_add_test(tc, a_part_that_is_too_long_is_fetched_again);
	tcase_add_test(tc, a_checkpoint_that_is_damaged_on_the_senders_disk_is_replaced);
	tcase_add_test(tc, a_checkpoint_that_leaves_the_folder_is_sent_to_its_end);
	tcase_add_test(tc, a_checkpoint_that_the_log_does_not_continue_is_not_sent);
	tcase_add_test(tc, who_has_it_declines);
	tcase_add_test(tc, a_newer_leader_replaces_an_older_one);
	tcase_add_test(tc, the_checkpoint_of_another_cluster_is_refused);
	tcase_add_test(tc, freed_while_it_is_checked);
	tcase_add_test(tc, a_full_disk_declines_and_later_takes_it);
	return unit_run(s);
}
