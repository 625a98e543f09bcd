/* replica/peer_codec.h and peer_hello.h: what travels between members. */
#include <raft.h>
#include <stdio.h>
#include <string.h>

#include "replica/peer_codec.h"
#include "replica/peer_hello.h"
#include "unit.h"

enum { MAX = 1000 };

/* ---- frames */

static void put_frame(struct buf *out, uint8_t kind, const char *body, bool checked)
{
	size_t begin = peer_frame_begin(out, kind);

	buf_put_bytes(out, bytes_str(body));
	peer_frame_end(out, begin, checked);
}

START_TEST(frames_follow_each_other)
{
	struct buf b = {0};
	struct peer_frame f;
	size_t len;
	size_t first;

	put_frame(&b, 32, "one", true);
	put_frame(&b, 33, "", true);
	ck_assert_int_eq(peer_frame_next(buf_bytes(&b), MAX, true, &f, &first), 0);
	ck_assert_uint_eq(f.kind, 32);
	ck_assert(bytes_eq_str(f.body, "one"));
	ck_assert_int_eq(peer_frame_next(bytes_of(b.data + first, b.len - first), MAX,
				 true, &f, &len),
		0);
	ck_assert_uint_eq(f.kind, 33);
	ck_assert_uint_eq(f.body.len, 0);
	ck_assert_uint_eq(first + len, b.len);
	buf_fini(&b);
}
END_TEST

/* The layout is what other versions rely on. */
START_TEST(a_frame_byte_by_byte)
{
	static const uint8_t plain[] = {
		0, 0, 0, 3, 0x85, 0xdc, 0xf6, 0x7e, 0x20, 'h', 'i'};
	static const uint8_t tls[] = {0, 0, 0, 3, 0, 0, 0, 0, 0x20, 'h', 'i'};
	struct buf b = {0};

	put_frame(&b, 0x20, "hi", true);
	ck_assert_mem_eq(b.data, plain, sizeof(plain));
	buf_clear(&b);
	put_frame(&b, 0x20, "hi", false);
	ck_assert_mem_eq(b.data, tls, sizeof(tls));
	buf_fini(&b);
}
END_TEST

START_TEST(a_part_of_a_frame_is_none)
{
	struct buf b = {0};
	struct peer_frame f;
	size_t len;

	put_frame(&b, 32, "some body", true);
	for (size_t n = 0; n < b.len; n++)
		ck_assert_int_eq(
			peer_frame_next(bytes_of(b.data, n), MAX, true, &f, &len),
			SVCD_EAGAIN);
	buf_fini(&b);
}
END_TEST

START_TEST(every_damaged_bit_is_found)
{
	struct buf b = {0};
	struct peer_frame f;
	size_t len;

	put_frame(&b, 32, "some body", true);
	for (size_t bit = 0; bit < b.len * 8; bit++) {
		int rc;

		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rc = peer_frame_next(buf_bytes(&b), MAX, true, &f, &len);
		ck_assert_msg(rc != 0, "bit %zu", bit);
		if (bit >= 32)
			ck_assert_int_eq(rc, SVCD_ECORRUPT);
		b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	buf_fini(&b);
}
END_TEST

START_TEST(lengths_are_checked_before_anything_is_awaited)
{
	static const uint8_t huge[8] = {0xff, 0xff, 0xff, 0xff};
	static const uint8_t empty[8] = {0};
	static const uint8_t most[8] = {0, 0, MAX >> 8, (MAX & 0xff) + 1};
	struct peer_frame f;
	size_t len;

	ck_assert_int_eq(
		peer_frame_next(bytes_of(huge, 8), MAX, true, &f, &len), SVCD_ETOOBIG);
	ck_assert_int_eq(
		peer_frame_next(bytes_of(empty, 8), MAX, true, &f, &len), SVCD_EPROTOCOL);
	ck_assert_int_eq(
		peer_frame_next(bytes_of(most, 8), MAX, true, &f, &len), SVCD_EAGAIN);
	ck_assert_int_eq(peer_frame_next(bytes_of(most, 8), MAX - 1, true, &f, &len),
		SVCD_ETOOBIG);
}
END_TEST

/* ---- the engine's messages */

static void encode(const struct raft_message *m, struct buf *out)
{
	unsigned n = m->type == RAFT_APPEND_ENTRIES ? m->append_entries.n_entries : 0;

	buf_clear(out);
	peer_put_raft(m, 0, n, out);
	ck_assert_int_eq(out->error, 0);
	ck_assert_uint_le(out->len, peer_raft_bytes(m, 0, n));
}

static void decode(const struct buf *b, const struct raft_message *of,
	struct peer_entries *entries, struct raft_message *out)
{
	ck_assert_int_eq(
		peer_get_raft(peer_raft_kind(of), buf_bytes(b), entries, out), 0);
	ck_assert_int_eq(out->type, of->type);
}

/* Every shorter or longer body is refused. */
static void expect_exact(const struct raft_message *m, struct buf *b)
{
	struct peer_entries entries = {0};
	struct raft_message out;

	for (size_t n = 0; n < b->len; n++)
		ck_assert_int_eq(peer_get_raft(peer_raft_kind(m), bytes_of(b->data, n),
					 &entries, &out),
			SVCD_EPROTOCOL);
	buf_put_u8(b, 0);
	ck_assert_int_eq(peer_get_raft(peer_raft_kind(m), buf_bytes(b), &entries, &out),
		SVCD_EPROTOCOL);
	peer_entries_fini(&entries);
}

START_TEST(entries_keep_every_field)
{
	char one[] = "payload of one";
	char three[] = "3";
	struct raft_entry e[3] = {
		{.term = 7, .type = RAFT_COMMAND, .buf = {one, sizeof(one)}},
		{.term = 8, .type = RAFT_BARRIER},
		{.term = UINT64_MAX, .type = RAFT_CHANGE, .buf = {three, 1}},
	};
	struct raft_message m = {.type = RAFT_APPEND_ENTRIES,
		.append_entries = {.version = 5,
			.term = 0x1122334455667788,
			.prev_log_index = 1,
			.prev_log_term = 2,
			.leader_commit = 3,
			.entries = e,
			.n_entries = 3}};
	struct peer_entries entries = {0};
	struct raft_message out;
	struct buf b = {0};

	encode(&m, &b);
	decode(&b, &m, &entries, &out);
	ck_assert_uint_eq(out.append_entries.version, 5);
	ck_assert_uint_eq(out.append_entries.term, 0x1122334455667788);
	ck_assert_uint_eq(out.append_entries.prev_log_index, 1);
	ck_assert_uint_eq(out.append_entries.prev_log_term, 2);
	ck_assert_uint_eq(out.append_entries.leader_commit, 3);
	ck_assert_uint_eq(out.append_entries.n_entries, 3);
	for (int i = 0; i < 3; i++) {
		const struct raft_entry *got = &out.append_entries.entries[i];

		ck_assert_uint_eq(got->term, e[i].term);
		ck_assert_int_eq(got->type, e[i].type);
		ck_assert_ptr_null(got->batch);
		ck_assert(bytes_eq(bytes_of(got->buf.base, got->buf.len),
			bytes_of(e[i].buf.base, e[i].buf.len)));
		ck_assert((uint8_t *)got->buf.base >= b.data &&
			(uint8_t *)got->buf.base + got->buf.len <= b.data + b.len);
	}
	expect_exact(&m, &b);
	peer_entries_fini(&entries);
	buf_fini(&b);
}
END_TEST

START_TEST(results_of_entries_keep_every_field)
{
	struct raft_message m = {.type = RAFT_APPEND_ENTRIES_RESULT,
		.append_entries_result = {.version = 2,
			.term = 1,
			.rejected = 2,
			.last_log_index = 3,
			.features = 0x1234,
			.capacity = 0xfedc}};
	struct raft_message out;
	struct buf b = {0};

	encode(&m, &b);
	decode(&b, &m, NULL, &out);
	ck_assert_uint_eq(out.append_entries_result.version, 2);
	ck_assert_uint_eq(out.append_entries_result.term, 1);
	ck_assert_uint_eq(out.append_entries_result.rejected, 2);
	ck_assert_uint_eq(out.append_entries_result.last_log_index, 3);
	ck_assert_uint_eq(out.append_entries_result.features, 0x1234);
	ck_assert_uint_eq(out.append_entries_result.capacity, 0xfedc);
	expect_exact(&m, &b);
	buf_fini(&b);
}
END_TEST

START_TEST(votes_keep_every_field)
{
	for (int flags = 0; flags < 4; flags++) {
		struct raft_message m = {.type = RAFT_REQUEST_VOTE,
			.request_vote = {.version = 2,
				.term = 9,
				.candidate_id = UINT64_MAX,
				.last_log_index = 10,
				.last_log_term = 8,
				.disrupt_leader = flags % 2,
				.pre_vote = flags / 2}};
		struct raft_message out;
		struct buf b = {0};

		encode(&m, &b);
		decode(&b, &m, NULL, &out);
		ck_assert_uint_eq(out.request_vote.version, 2);
		ck_assert_uint_eq(out.request_vote.term, 9);
		ck_assert_uint_eq(out.request_vote.candidate_id, UINT64_MAX);
		ck_assert_uint_eq(out.request_vote.last_log_index, 10);
		ck_assert_uint_eq(out.request_vote.last_log_term, 8);
		ck_assert_int_eq(out.request_vote.disrupt_leader, flags % 2);
		ck_assert_int_eq(out.request_vote.pre_vote, flags / 2);
		expect_exact(&m, &b);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(results_of_votes_keep_every_field)
{
	for (int flags = 0; flags < 4; flags++) {
		struct raft_message m = {.type = RAFT_REQUEST_VOTE_RESULT,
			.request_vote_result = {.version = 2,
				.term = 9,
				.vote_granted = flags % 2,
				.pre_vote = flags / 2,
				.features = 1,
				.capacity = 77}};
		struct raft_message out;
		struct buf b = {0};

		encode(&m, &b);
		decode(&b, &m, NULL, &out);
		ck_assert_uint_eq(out.request_vote_result.version, 2);
		ck_assert_uint_eq(out.request_vote_result.term, 9);
		ck_assert_int_eq(out.request_vote_result.vote_granted, flags % 2);
		ck_assert_int_eq(out.request_vote_result.pre_vote, flags / 2);
		ck_assert_uint_eq(out.request_vote_result.features, 1);
		ck_assert_uint_eq(out.request_vote_result.capacity, 77);
		expect_exact(&m, &b);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(timeout_now_keeps_every_field)
{
	struct raft_message m = {.type = RAFT_TIMEOUT_NOW,
		.timeout_now = {.version = 1,
			.term = 4,
			.last_log_index = 5,
			.last_log_term = 3}};
	struct raft_message out;
	struct buf b = {0};

	encode(&m, &b);
	decode(&b, &m, NULL, &out);
	ck_assert_uint_eq(out.timeout_now.version, 1);
	ck_assert_uint_eq(out.timeout_now.term, 4);
	ck_assert_uint_eq(out.timeout_now.last_log_index, 5);
	ck_assert_uint_eq(out.timeout_now.last_log_term, 3);
	expect_exact(&m, &b);
	buf_fini(&b);
}
END_TEST

START_TEST(snapshots_and_unknown_messages_do_not_travel)
{
	struct raft_message m = {.type = RAFT_INSTALL_SNAPSHOT};
	struct raft_message out;
	uint8_t body[64] = {0};

	ck_assert_uint_eq(peer_raft_kind(&m), 0);
	m.type = (enum raft_message_type)99;
	ck_assert_uint_eq(peer_raft_kind(&m), 0);
	for (size_t n = 0; n < sizeof(body); n++) {
		ck_assert_int_eq(
			peer_get_raft(PEER_RAFT_FIRST, bytes_of(body, n), NULL, &out),
			SVCD_EPROTOCOL);
		ck_assert_int_eq(peer_get_raft(PEER_RAFT_FIRST + RAFT_INSTALL_SNAPSHOT,
					 bytes_of(body, n), NULL, &out),
			SVCD_EPROTOCOL);
		ck_assert_int_eq(
			peer_get_raft(PEER_RAFT_LAST, bytes_of(body, n), NULL, &out),
			SVCD_EPROTOCOL);
	}
}
END_TEST

/* More entries than the body can have are refused before memory is asked for. */
START_TEST(the_number_of_entries_is_bounded_by_the_body)
{
	struct raft_message m = {.type = RAFT_APPEND_ENTRIES};
	struct peer_entries entries = {0};
	struct raft_message out;
	struct buf b = {0};

	encode(&m, &b);
	memset(b.data + b.len - 4, 0xff, 4);
	ck_assert_int_eq(peer_get_raft(peer_raft_kind(&m), buf_bytes(&b), &entries, &out),
		SVCD_EPROTOCOL);
	ck_assert_ptr_null(entries.table);
	buf_fini(&b);
}
END_TEST

START_TEST(entries_of_unknown_types_and_unknown_flags_are_refused)
{
	struct raft_entry e = {.type = (enum raft_entry_type)4};
	struct raft_message m = {.type = RAFT_APPEND_ENTRIES,
		.append_entries = {.entries = &e, .n_entries = 1}};
	struct raft_message v = {.type = RAFT_REQUEST_VOTE};
	struct peer_entries entries = {0};
	struct raft_message out;
	struct buf b = {0};

	encode(&m, &b);
	ck_assert_int_eq(peer_get_raft(peer_raft_kind(&m), buf_bytes(&b), &entries, &out),
		SVCD_EPROTOCOL);
	encode(&v, &b);
	b.data[b.len - 1] = 4;
	ck_assert_int_eq(peer_get_raft(peer_raft_kind(&v), buf_bytes(&b), NULL, &out),
		SVCD_EPROTOCOL);
	peer_entries_fini(&entries);
	buf_fini(&b);
}
END_TEST

/* A message that is too long for a frame leaves as several: each what a leader could have
 * sent. */
START_TEST(long_messages_are_cut_between_entries)
{
	char payload[100] = {0};
	struct raft_entry e[5];
	struct raft_message m = {.type = RAFT_APPEND_ENTRIES,
		.append_entries = {.term = 9,
			.prev_log_index = 10,
			.prev_log_term = 1,
			.entries = e,
			.n_entries = 5}};
	struct peer_entries entries = {0};
	struct raft_message out;
	struct buf b = {0};
	size_t two = peer_raft_bytes(&m, 0, 0);

	for (int i = 0; i < 5; i++)
		e[i] = (struct raft_entry){.term = 2 + (raft_term)i,
			.type = RAFT_COMMAND,
			.buf = {payload, sizeof(payload)}};
	two = peer_raft_bytes(&m, 0, 2);
	ck_assert_uint_eq(peer_raft_fits(&m, 0, two), 2);
	ck_assert_uint_eq(peer_raft_fits(&m, 2, two + 1), 2);
	ck_assert_uint_eq(peer_raft_fits(&m, 4, two), 1);
	ck_assert_uint_eq(peer_raft_fits(&m, 0, two - 1), 1);
	ck_assert_uint_eq(peer_raft_fits(&m, 0, 1), 1);
	peer_put_raft(&m, 2, 2, &b);
	ck_assert_uint_eq(b.len, two);
	decode(&b, &m, &entries, &out);
	ck_assert_uint_eq(out.append_entries.prev_log_index, 12);
	ck_assert_uint_eq(out.append_entries.prev_log_term, 3);
	ck_assert_uint_eq(out.append_entries.n_entries, 2);
	ck_assert_uint_eq(out.append_entries.entries[0].term, 4);
	peer_entries_fini(&entries);
	buf_fini(&b);
}
END_TEST

/* ---- the handshake */

static struct peer_hello some_hello(void)
{
	struct peer_hello h = {
		.protocol = PEER_PROTOCOL,
		.nonce = {1, 2, 3},
		.channel = PEER_BULK,
		.cluster = 4,
		.node = 5,
		.to = 6,
		.boot = 7,
		.serial = 8,
		.name = "n\xc3\xa4me",
		.address = "tcp:10.0.0.1:7821",
	};

	return h;
}

START_TEST(a_hello_keeps_every_field)
{
	struct peer_hello h = some_hello();
	struct peer_hello out;
	struct buf b = {0};

	peer_put_hello(&h, &b);
	ck_assert_uint_le(b.len, PEER_HANDSHAKE_MAX);
	ck_assert_int_eq(peer_get_hello(buf_bytes(&b), &out), 0);
	ck_assert_mem_eq(out.nonce, h.nonce, sizeof(h.nonce));
	ck_assert_int_eq(out.channel, PEER_BULK);
	ck_assert_uint_eq(out.cluster, 4);
	ck_assert_uint_eq(out.node, 5);
	ck_assert_uint_eq(out.to, 6);
	ck_assert_uint_eq(out.boot, 7);
	ck_assert_uint_eq(out.serial, 8);
	ck_assert_str_eq(out.name, h.name);
	ck_assert_str_eq(out.address, h.address);
	for (size_t n = 0; n < b.len; n++)
		ck_assert_int_eq(
			peer_get_hello(bytes_of(b.data, n), &out), SVCD_EPROTOCOL);
	buf_put_u8(&b, 0);
	ck_assert_int_eq(peer_get_hello(buf_bytes(&b), &out), SVCD_EPROTOCOL);
	buf_fini(&b);
}
END_TEST

/* Whatever a later protocol has behind the part that all share. */
START_TEST(a_hello_of_another_protocol_can_be_answered)
{
	struct peer_hello h = some_hello();
	struct peer_hello out;
	struct buf b = {0};

	h.protocol = PEER_PROTOCOL + 1;
	peer_put_hello(&h, &b);
	b.len = 8 + 2 + PEER_NONCE_BYTES;
	buf_put_u8(&b, 0xff);
	ck_assert_int_eq(peer_get_hello(buf_bytes(&b), &out), 0);
	ck_assert_uint_eq(out.protocol, PEER_PROTOCOL + 1);
	ck_assert_mem_eq(out.nonce, h.nonce, sizeof(h.nonce));
	ck_assert_uint_eq(out.node, 0);
	buf_fini(&b);
}
END_TEST

START_TEST(names_are_text_and_channels_are_known)
{
	struct peer_hello h = some_hello();
	struct peer_hello out;
	struct buf b = {0};

	snprintf(h.name, sizeof(h.name), "a\nb");
	peer_put_hello(&h, &b);
	ck_assert_int_eq(peer_get_hello(buf_bytes(&b), &out), SVCD_EPROTOCOL);
	h = some_hello();
	h.channel = PEER_CHANNELS;
	buf_clear(&b);
	peer_put_hello(&h, &b);
	ck_assert_int_eq(peer_get_hello(buf_bytes(&b), &out), SVCD_EPROTOCOL);
	buf_fini(&b);
}
END_TEST

START_TEST(the_rest_of_the_handshake)
{
	struct peer_welcome w = {
		.cluster = 1, .node = 2, .boot = 3, .name = "a", .address = "tcp:x"};
	struct peer_welcome w_out;
	struct err why = {.code = SVCD_EDENIED, .text = "because"};
	struct err why_out;
	uint8_t nonce[PEER_NONCE_BYTES] = {9, 8, 7};
	uint8_t nonce_out[PEER_NONCE_BYTES];
	uint16_t protocol;
	struct buf b = {0};

	peer_put_welcome(&w, &b);
	ck_assert_int_eq(peer_get_welcome(buf_bytes(&b), &w_out), 0);
	ck_assert_uint_eq(w_out.cluster, 1);
	ck_assert_uint_eq(w_out.node, 2);
	ck_assert_uint_eq(w_out.boot, 3);
	ck_assert_str_eq(w_out.name, "a");
	ck_assert_str_eq(w_out.address, "tcp:x");
	ck_assert_int_eq(
		peer_get_welcome(bytes_of(b.data, b.len - 1), &w_out), SVCD_EPROTOCOL);
	buf_clear(&b);
	peer_put_refusal(&why, &b);
	ck_assert_int_eq(peer_get_refusal(buf_bytes(&b), &why_out), 0);
	ck_assert_int_eq(why_out.code, SVCD_EDENIED);
	ck_assert_str_eq(why_out.text, "because");
	ck_assert_int_eq(
		peer_get_refusal(bytes_of(b.data, b.len - 1), &why_out), SVCD_EPROTOCOL);
	buf_clear(&b);
	peer_put_challenge(nonce, &b);
	ck_assert_int_eq(peer_get_challenge(buf_bytes(&b), &protocol, nonce_out), 0);
	ck_assert_uint_eq(protocol, PEER_PROTOCOL);
	ck_assert_mem_eq(nonce, nonce_out, sizeof(nonce));
	ck_assert_int_eq(
		peer_get_challenge(bytes_of(b.data, b.len - 1), &protocol, nonce_out),
		SVCD_EPROTOCOL);
	b.data[0] ^= 1;
	ck_assert_int_eq(
		peer_get_challenge(buf_bytes(&b), &protocol, nonce_out), SVCD_EPROTOCOL);
	buf_fini(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("replica_peer_codec");
	TCase *tc = unit_case(s, "frames");

	tcase_add_test(tc, frames_follow_each_other);
	tcase_add_test(tc, a_frame_byte_by_byte);
	tcase_add_test(tc, a_part_of_a_frame_is_none);
	tcase_add_test(tc, every_damaged_bit_is_found);
	tcase_add_test(tc, lengths_are_checked_before_anything_is_awaited);

	tc = unit_case(s, "engine");
	tcase_add_test(tc, entries_keep_every_field);
	tcase_add_test(tc, results_of_entries_keep_every_field);
	tcase_add_test(tc, votes_keep_every_field);
	tcase_add_test(tc, results_of_votes_keep_every_field);
	tcase_add_test(tc, timeout_now_keeps_every_field);
	tcase_add_test(tc, snapshots_and_unknown_messages_do_not_travel);
	tcase_add_test(tc, the_number_of_entries_is_bounded_by_the_body);
	tcase_add_test(tc, entries_of_unknown_types_and_unknown_flags_are_refused);
	tcase_add_test(tc, long_messages_are_cut_between_entries);

	tc = unit_case(s, "handshake");
	tcase_add_test(tc, a_hello_keeps_every_field);
	tcase_add_test(tc, a_hello_of_another_protocol_can_be_answered);
	tcase_add_test(tc, names_are_text_and_channels_are_known);
	tcase_add_test(tc, the_rest_of_the_handshake);
	return unit_run(s);
}
