/* Events in one message or in parts. */
#include <string.h>

#include "notation.h"
#include "server/event.h"
#include "unit.h"
#include "wire/frame.h"
#include "wire/pack.h"

#define PARTS_MAX 64

struct parts {
	struct bytes message[PARTS_MAX];
	size_t n;
};

/* An event of the head kind, rev and a list of n maps with so many tags of so many bytes.
 */
static void make(struct buf *out, uint32_t n, uint32_t tags, size_t bytes)
{
	static char pad[20000];

	memset(pad, 'x', sizeof(pad));
	pack_kv_cstr(out, "kind", "snapshot");
	pack_kv_u64(out, "rev", 7);
	pack_cstr(out, "instances");
	buf_put_u8(out, 0xdd);
	buf_put_be32(out, n);
	for (uint32_t i = 0; i < n; i++) {
		pack_map(out, 2);
		pack_kv_u64(out, "id", i);
		pack_cstr(out, "tags");
		pack_array(out, tags);
		for (uint32_t k = 0; k < tags; k++)
			pack_str(out, bytes_of(pad, bytes));
	}
}

/* Each message is whole and within the limits of a frame. */
static void split(struct bytes all, struct parts *p)
{
	struct frame_scan scan = {0};
	size_t len;

	for (p->n = 0; all.len > 0; p->n++) {
		ck_assert_uint_lt(p->n, PARTS_MAX);
		ck_assert_int_eq(frame_find(&scan, all, &len), 0);
		p->message[p->n] = bytes_of(all.data, len);
		all = bytes_of(all.data + len, all.len - len);
	}
}

static const struct {
	uint32_t n, tags;
	size_t bytes;
	size_t parts_min, parts_max;
} rows[] = {
	{0, 0, 0, 1, 1},
	{1, 1, 10, 1, 1},
	{1000, 1, 500, 1, 1},
	{1000, 1, 1000, 2, 2},
	{100, 4, 16000, 7, 8},
	{1000, 500, 1, 9, 10}, /* few bytes, many items */
	{10000, 0, 1, 1, 1},
	{20000, 0, 1, 2, 2},
};

START_TEST(what_fits_is_one_message_and_the_rest_in_parts)
{
	struct buf entries = {0};
	struct buf out = {0};
	struct arena *arena = arena_new();
	struct parts p;
	uint64_t next = 0;

	make(&entries, rows[_i].n, rows[_i].tags, rows[_i].bytes);
	event_pack(&out, buf_bytes(&entries), 3);
	ck_assert_int_eq(out.error, 0);
	split(buf_bytes(&out), &p);
	ck_assert_uint_ge(p.n, rows[_i].parts_min);
	ck_assert_uint_le(p.n, rows[_i].parts_max);
	for (size_t i = 0; i < p.n; i++) {
		struct frame f;
		struct value v;
		struct value list;
		struct value more;

		ck_assert_int_eq(frame_parse(p.message[i], &f), 0);
		ck_assert_int_eq(value_parse(arena, f.body, &v), 0);
		ck_assert(notation_find(v, "0.rev", &more) && more.u == 7);
		ck_assert(notation_find(v, "0.instances", &list));
		ck_assert_int_eq(notation_find(v, "0.more", &more), i + 1 < p.n);
		ck_assert_int_eq(notation_find(v, "0.part", &more), p.n > 1);
		ck_assert(p.n == 1 || more.u == i);
		for (uint32_t k = 0; k < list.n; k++, next++) {
			struct value id;

			ck_assert(value_find(value_at(list, k), "id", &id));
			ck_assert_uint_eq(id.u, next);
		}
		arena_reset(arena);
	}
	ck_assert_uint_eq(next, rows[_i].n);
	arena_free(arena);
	buf_fini(&entries);
	buf_fini(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("server_event");
	TCase *tc = unit_case(s, "event");

	tcase_add_loop_test(
		tc, what_fits_is_one_message_and_the_rest_in_parts, 0, LENGTH(rows));
	return unit_run(s);
}
