/* catalog/record.h, keys.h, codec.h: the bytes that the tables hold. */
#include "catalog/record.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/codec.h"
#include "say.h"
#include "unit.h"

static struct buf out;

static void tear_down(void)
{
	buf_fini(&out);
}

static const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX,
	(uint64_t)1 << 56, (uint64_t)1 << 63, UINT64_MAX};

START_TEST(numbers_come_back)
{
	struct reader r;

	put_varint(&out, numbers[_i]);
	r = reader_of(buf_bytes(&out));
	ck_assert(read_varint(&r) == numbers[_i]);
	ck_assert(reader_done(&r));
	/* and an early end sticks */
	r = reader_of(bytes_of(out.data, out.len - 1));
	ck_assert(read_varint(&r) == 0);
	ck_assert(r.bad);
	ck_assert_uint_eq(read_u8(&r), 0);
}
END_TEST

START_TEST(a_number_of_more_than_64_bits_is_malformed)
{
	static const uint8_t two_to_64[] = {
		0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02};
	struct reader r = reader_of(bytes_of(two_to_64, sizeof(two_to_64)));

	read_varint(&r);
	ck_assert(r.bad);
}
END_TEST

START_TEST(what_is_longer_than_its_limit_is_malformed)
{
	struct reader r;

	put_blob(&out, bytes_str("four"));
	r = reader_of(buf_bytes(&out));
	ck_assert_uint_eq(read_blob(&r, 4).len, 4);
	r = reader_of(buf_bytes(&out));
	ck_assert_uint_eq(read_blob(&r, 3).len, 0);
	ck_assert(r.bad);
}
END_TEST

/* ---- instances --------------------------------------------------------- */

#define SPEC_TEXT \
	"{addresses:['10.12.0.7'],ports:{http:{port:8080}},locality:{zone:'eu-west-1a'}," \
	"tags:['v2','canary','blue']," \
	"meta:{team:'core',git:'9f3c2ab',build:'2231',env:'prod',owner:'alice'}}"

static struct instance typical(void)
{
	static struct buf spec;
	struct instance i = {
		.key = {bytes_str("default"), bytes_str("payments"),
			bytes_str("payments-7f9c5")},
		.state =
			{
				.incarnation = 1000000,
				.rev = 1000000,
				.lease = 900000,
				.health = HEALTH_PASSING,
				.weight = WEIGHT_DEFAULT,
				.health_rev = 1000000,
				.registered_wall_ms = 1764000000000,
				.since_wall_ms = 1764000000000,
				.actor = bytes_str("payments tcp:10.12.0.7:40122"),
			},
		.spec_n = 5,
	};

	buf_clear(&spec);
	say(&spec, SPEC_TEXT);
	i.spec = bytes_of(spec.data + 3, spec.len - 3);
	return i;
}

static void same_bytes(struct bytes a, struct bytes b)
{
	ck_assert(bytes_eq(a, b));
}

static void same_state(const struct instance_state *a, const struct instance_state *b)
{
	ck_assert(a->incarnation == b->incarnation && a->rev == b->rev &&
		a->lease == b->lease);
	ck_assert_int_eq(a->admin, b->admin);
	ck_assert_int_eq(a->health, b->health);
	ck_assert_int_eq(a->life, b->life);
	ck_assert_int_eq(a->effective, b->effective);
	ck_assert_int_eq(a->cause, b->cause);
	ck_assert(a->warming == b->warming && a->has_checks == b->has_checks);
	ck_assert(a->weight == b->weight && a->tier == b->tier &&
		a->admin_self == b->admin_self);
	ck_assert(a->registered_wall_ms == b->registered_wall_ms);
	ck_assert(a->since_wall_ms == b->since_wall_ms);
	ck_assert(a->health_rev == b->health_rev && a->expired_rev == b->expired_rev);
	ck_assert(a->admin_until_ms == b->admin_until_ms &&
		a->warm_until_ms == b->warm_until_ms);
	ck_assert(a->event_n == b->event_n);
	same_bytes(a->actor, b->actor);
	same_bytes(a->reason, b->reason);
	same_bytes(a->admin_actor, b->admin_actor);
	same_bytes(a->admin_reason, b->admin_reason);
	same_bytes(a->health_reason, b->health_reason);
}

START_TEST(an_instance_comes_back)
{
	struct instance i = typical(), back = {0};

	i.state.admin = ADMIN_MAINTENANCE;
	i.state.health = HEALTH_FAILING;
	i.state.life = LIFE_EXPIRED;
	i.state.effective = EFFECTIVE_DOWN;
	i.state.warming = true;
	i.state.weight = 65535;
	i.state.tier = 255;
	i.state.has_checks = true;
	i.state.rev = 1234567;
	i.state.health_rev = 1200000;
	i.state.since_wall_ms = i.state.registered_wall_ms - 5; /* another leader's clock
								 */
	i.state.admin_until_ms = 99;
	i.state.warm_until_ms = 98;
	i.state.expired_rev = 1234566;
	i.state.event_n = 999;
	i.state.cause = CAUSE_SERVICE;
	i.state.admin_self = true;
	i.state.reason = bytes_str("a reason");
	i.state.admin_actor = bytes_str("ops");
	i.state.admin_reason = bytes_str("disk");
	i.state.health_reason = bytes_str("refused");
	i.checks = bytes_str("\x90");
	instance_encode(&out, &i);
	ck_assert(instance_decode(buf_bytes(&out), &back));
	same_state(&i.state, &back.state);
	same_bytes(i.spec, back.spec);
	same_bytes(i.checks, back.checks);
	ck_assert_uint_eq(back.spec_n, 5);
	memset(&back.state, 0, sizeof(back.state));
	ck_assert(instance_decode_state(buf_bytes(&out), &back.state));
	same_state(&i.state, &back.state);
}
END_TEST

START_TEST(who_is_well_keeps_its_words_elsewhere)
{
	struct instance i = typical(), back = {0};

	i.state.reason = bytes_str("a reason");
	instance_encode(&out, &i);
	ck_assert(instance_decode(buf_bytes(&out), &back));
	ck_assert_uint_eq(back.state.actor.len + back.state.reason.len, 0);
	/* A permanent one has no lease that names its owner. */
	buf_clear(&out);
	i.state.lease = 0;
	instance_encode(&out, &i);
	ck_assert(instance_decode(buf_bytes(&out), &back));
	same_bytes(back.state.actor, i.state.actor);
	ck_assert_uint_eq(back.state.reason.len, 0);
}
END_TEST

/* A million of these are to fit into 400 MiB with keys, lease items and the tree's own
 * share. */
START_TEST(a_typical_instance_is_small)
{
	struct instance i = typical();

	instance_encode(&out, &i);
	ck_assert_uint_le(out.len - i.spec.len, 24);
	ck_assert_uint_le(out.len, 200);
}
END_TEST

START_TEST(no_cut_instance_is_read_beyond_its_end)
{
	struct instance i = typical(), back;

	i.state.admin = ADMIN_MAINTENANCE;
	i.state.admin_reason = bytes_str("disk");
	instance_encode(&out, &i);
	for (size_t len = 0; len < out.len - i.spec.len; len++) {
		uint8_t *cut = malloc(len + 1); /* so that ASan sees a step too far */

		memcpy(cut, out.data, len);
		ck_assert(!instance_decode(bytes_of(cut, len), &back));
		free(cut);
	}
}
END_TEST

START_TEST(any_byte_may_be_damaged)
{
	struct instance i = typical(), back;

	instance_encode(&out, &i);
	for (size_t at = 0; at < out.len - i.spec.len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			out.data[at] ^= (uint8_t)(1 << bit);
			if (instance_decode(buf_bytes(&out), &back)) {
				ck_assert_int_lt(back.state.admin, ADMIN_COUNT);
				ck_assert_int_lt(back.state.health, HEALTH_COUNT);
				ck_assert_int_lt(back.state.effective, EFFECTIVE_COUNT);
				ck_assert_int_lt(back.state.life, LIFE_GONE);
				ck_assert_int_lt(back.state.cause, CAUSE_COUNT);
			}
			out.data[at] ^= (uint8_t)(1 << bit);
		}
	}
}
END_TEST

/* ---- the others -------------------------------------------------------- */

START_TEST(a_service_comes_back)
{
	struct service s = {.rev = 12,
			       .digest = UINT64_MAX,
			       .count = 7,
			       .by_effective = {1, 2, 3, 4, 5},
			       .failed = 6,
			       .vanished = 13,
			       .known_from = 3,
			       .event_n = 8,
			       .configured = true,
			       .floor = 9,
			       .floor_percent = 100,
			       .slow_start_ms = 10,
			       .dns_ttl_s = 11,
			       .policy = bytes_str("rr"),
			       .owner = bytes_str("core")},
		       back = {0};

	service_encode(&out, &s);
	ck_assert(service_decode(buf_bytes(&out), &back));
	ck_assert(back.rev == 12 && back.digest == UINT64_MAX && back.count == 7);
	ck_assert_mem_eq(back.by_effective, s.by_effective, sizeof(s.by_effective));
	ck_assert(back.failed == 6 && back.vanished == 13 && back.known_from == 3 &&
		back.event_n == 8);
	ck_assert(back.configured && back.floor == 9 && back.floor_percent == 100);
	ck_assert(back.slow_start_ms == 10 && back.dns_ttl_s == 11);
	same_bytes(back.policy, s.policy);
	same_bytes(back.owner, s.owner);
	for (size_t len = 0; len < out.len; len++)
		ck_assert(!service_decode(bytes_of(out.data, len), &back));
}
END_TEST

START_TEST(a_tombstone_and_a_lease_come_back)
{
	struct tombstone s = {.incarnation = 1,
				 .rev = 2,
				 .event_n = 3,
				 .wall_ms = 4,
				 .due_ms = 5,
				 .cause = CAUSE_LEASE_CLOSED,
				 .actor = bytes_str("x"),
				 .reason = bytes_str("y")},
			 t;
	struct lease l = {.ttl_ms = 10000,
			     .drop_on_close = true,
			     .granted_wall_ms = 7,
			     .owner = bytes_str("web")},
		     m;

	tombstone_encode(&out, &s);
	ck_assert(tombstone_decode(buf_bytes(&out), &t));
	ck_assert(t.incarnation == 1 && t.rev == 2 && t.event_n == 3 && t.wall_ms == 4);
	ck_assert(t.due_ms == 5 && t.cause == CAUSE_LEASE_CLOSED);
	same_bytes(t.actor, s.actor);
	same_bytes(t.reason, s.reason);
	buf_clear(&out);
	lease_encode(&out, &l);
	ck_assert(lease_decode(buf_bytes(&out), &m));
	ck_assert(m.ttl_ms == 10000 && m.drop_on_close && m.granted_wall_ms == 7);
	same_bytes(m.owner, l.owner);
}
END_TEST

static struct event an_event(void)
{
	return (struct event){
		.self = {100, 5},
		.key = {bytes_str("default"), bytes_str("web"), bytes_str("a")},
		.what = EVENT_STATE,
		.cause = CAUSE_CHECK,
		.from = {ADMIN_ENABLED, HEALTH_PASSING, EFFECTIVE_UP},
		.to = {ADMIN_ENABLED, HEALTH_FAILING, EFFECTIVE_DOWN},
		.incarnation = 90,
		.wall_ms = 1764000000000,
		.prev_of_instance = {90, 3},
		.prev_of_service = {100, 4},
		.actor = bytes_str("checker"),
		.reason = bytes_str("refused"),
	};
}

START_TEST(an_event_comes_back)
{
	struct event e = an_event(), back;

	event_encode(&out, &e);
	ck_assert(event_decode(buf_bytes(&out), e.self, &back));
	ck_assert_int_eq(back.what, e.what);
	ck_assert_int_eq(back.cause, e.cause);
	ck_assert_mem_eq(&back.from, &e.from, sizeof(e.from));
	ck_assert_mem_eq(&back.to, &e.to, sizeof(e.to));
	ck_assert(back.prev_of_instance.rev == 90 && back.prev_of_instance.n == 3);
	ck_assert(back.prev_of_service.rev == 100 && back.prev_of_service.n == 4);
	same_bytes(back.key.id, e.key.id);
	same_bytes(back.reason, e.reason);
}
END_TEST

/* Or walking a damaged chain might not end. */
START_TEST(an_event_that_points_forward_is_damaged)
{
	struct event e = an_event(), back;

	e.prev_of_service.n = 5; /* itself */
	event_encode(&out, &e);
	ck_assert(!event_decode(buf_bytes(&out), e.self, &back));
}
END_TEST

START_TEST(a_session_remembers_a_window)
{
	struct session_head head;
	struct buf next = {0};
	struct memory m;

	for (uint64_t seq = 1; seq <= 40; seq++) {
		struct memory one = {
			.seq = seq, .rev = 100 + seq, .value = seq % 2 ? 100 + seq : 7};

		if (seq == 39) {
			one.code = SVCD_ESTALE;
			one.text = bytes_str("why");
		}
		buf_clear(&next);
		session_encode(&next, buf_bytes(&out), 55, &one);
		buf_clear(&out);
		buf_put_bytes(&out, buf_bytes(&next));
	}
	ck_assert(session_decode(buf_bytes(&out), &head));
	ck_assert(head.used_ms == 55 && head.top == 40);
	ck_assert_uint_eq(head.n, LIMIT_SESSION_WINDOW);
	for (uint64_t seq = 9; seq <= 40; seq++) {
		ck_assert(session_next(&head.memories, &m));
		ck_assert(m.seq == seq && m.rev == 100 + seq);
		ck_assert(m.value == (seq % 2 ? 100 + seq : 7));
		ck_assert_int_eq(m.code, seq == 39 ? SVCD_ESTALE : 0);
		ck_assert(bytes_eq_str(m.text, seq == 39 ? "why" : ""));
	}
	ck_assert(!session_next(&head.memories, &m));
	buf_fini(&next);
}
END_TEST

START_TEST(a_session_out_of_order_stays_bounded)
{
	struct session_head head = {0};
	struct buf next = {0};
	struct memory m;

	/* The highest first, then what is below it, over and over. */
	for (uint64_t round = 1; round <= 20; round++) {
		for (uint64_t k = 0; k < 31; k++) {
			struct memory one = {.seq = round * 31 - k, .rev = 1};

			buf_clear(&next);
			session_encode(&next, buf_bytes(&out), 55, &one);
			buf_clear(&out);
			buf_put_bytes(&out, buf_bytes(&next));
			ck_assert(session_decode(buf_bytes(&out), &head));
			ck_assert_uint_le(head.n, 2 * LIMIT_SESSION_WINDOW);
			while (session_next(&head.memories, &m))
				head.n--;
			ck_assert_uint_eq(head.n, 0);
		}
	}
	buf_fini(&next);
}
END_TEST

START_TEST(keys_sort_by_their_parts)
{
	static const struct instance_key in_order[] = {
		{{(const uint8_t *)"a", 1}, {(const uint8_t *)"s", 1},
			{(const uint8_t *)"1", 1}},
		{{(const uint8_t *)"a", 1}, {(const uint8_t *)"s", 1},
			{(const uint8_t *)"11", 2}},
		{{(const uint8_t *)"a", 1}, {(const uint8_t *)"s-", 2},
			{(const uint8_t *)"0", 1}},
		{{(const uint8_t *)"a-", 2}, {(const uint8_t *)"a", 1},
			{(const uint8_t *)"0", 1}},
	};
	struct key last = {0}, key;
	struct instance_key back;

	for (size_t i = 0; i < LENGTH(in_order); i++) {
		key_instance(&key, &in_order[i]);
		ck_assert_int_lt(bytes_cmp(key_bytes(&last), key_bytes(&key)), 0);
		ck_assert(key_split_instance(key_bytes(&key), &back));
		same_bytes(back.ns, in_order[i].ns);
		same_bytes(back.service, in_order[i].service);
		same_bytes(back.id, in_order[i].id);
		last = key;
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("catalog_record");
	TCase *tc = unit_case(s, "records");

	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_add_loop_test(tc, numbers_come_back, 0, LENGTH(numbers));
	tcase_add_test(tc, a_number_of_more_than_64_bits_is_malformed);
	tcase_add_test(tc, what_is_longer_than_its_limit_is_malformed);
	tcase_add_test(tc, an_instance_comes_back);
	tcase_add_test(tc, who_is_well_keeps_its_words_elsewhere);
	tcase_add_test(tc, a_typical_instance_is_small);
	tcase_add_test(tc, no_cut_instance_is_read_beyond_its_end);
	tcase_add_test(tc, any_byte_may_be_damaged);
	tcase_add_test(tc, a_service_comes_back);
	tcase_add_test(tc, a_tombstone_and_a_lease_come_back);
	tcase_add_test(tc, an_event_comes_back);
	tcase_add_test(tc, an_event_that_points_forward_is_damaged);
	tcase_add_test(tc, a_session_remembers_a_window);
	tcase_add_test(tc, a_session_out_of_order_stays_bounded);
	tcase_add_test(tc, keys_sort_by_their_parts);
	return unit_run(s);
}
