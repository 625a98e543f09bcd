/* base and wire without memory: every allocation of a call fails in turn; nothing is lost
 * or leaked. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../unit/unit.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/map.h"
#include "fail_alloc.h"
#include "wire/pack.h"
#include "wire/value.h"

START_TEST(a_buffer_remembers_that_memory_ran_out)
{
	static const size_t lengths[] = {0, 3, 203, 211};

	for (unsigned n = 0, done = 0; !done; n++) {
		struct buf b = {0};

		fail_alloc_arm(n);
		buf_put(&b, "abc", 3);
		buf_printf(&b, "%0200d", 1);
		buf_put_be64(&b, 1);
		done = !fail_alloc_disarm();
		ck_assert_int_eq(b.error, done ? 0 : SVCD_ENOMEM);
		ck_assert_uint_eq(b.len, lengths[n]);
		buf_clear(&b);
		buf_put(&b, "abc", 3);
		ck_assert_int_eq(b.error, 0);
		buf_fini(&b);
	}
}
END_TEST

START_TEST(shared_bytes_need_one_allocation)
{
	struct shared *s;

	fail_alloc_arm(0);
	s = shared_new(bytes_str("x"));
	ck_assert(fail_alloc_disarm());
	ck_assert_ptr_null(s);
	fail_alloc_arm(1);
	s = shared_new(bytes_str("x"));
	ck_assert(!fail_alloc_disarm());
	shared_unref(s);
}
END_TEST

static struct bytes text_key(const void *item)
{
	return bytes_str(item);
}

START_TEST(a_map_that_cannot_grow_keeps_what_it_has)
{
	static char names[100][8];
	struct map m;
	unsigned failures = 0;

	map_init(&m, text_key);
	for (size_t i = 0; i < LENGTH(names); i++) {
		int rv;
		bool failed;

		snprintf(names[i], sizeof(names[i]), "%zu", i % 1000);
		fail_alloc_arm(0);
		rv = map_put(&m, names[i]);
		failed = fail_alloc_disarm();
		failures += failed;
		ck_assert_int_eq(rv, failed ? SVCD_ENOMEM : 0);
		ck_assert_uint_eq(map_len(&m), failed ? i : i + 1);
		map_check(&m);
		if (failed)
			ck_assert_int_eq(map_put(&m, names[i]), 0);
	}
	ck_assert_uint_ge(failures, 4);
	for (size_t i = 0; i < LENGTH(names); i++)
		ck_assert_ptr_eq(map_get(&m, bytes_str(names[i])), names[i]);
	map_fini(&m);
}
END_TEST

START_TEST(finding_and_removing_need_no_memory)
{
	struct map m;
	static char name[] = "a";

	map_init(&m, text_key);
	ck_assert_int_eq(map_put(&m, name), 0);
	fail_alloc_arm(0);
	map_get(&m, bytes_str("a"));
	map_get(&m, bytes_str("b"));
	map_remove(&m, bytes_str("a"));
	map_put(&m, name); /* there is room */
	ck_assert(!fail_alloc_disarm());
	ck_assert_uint_eq(map_len(&m), 1);
	map_fini(&m);
}
END_TEST

START_TEST(a_heap_that_cannot_grow_keeps_what_it_has)
{
	struct heap_node nodes[40] = {0};
	unsigned failures = 0;
	struct heap h;

	heap_init(&h);
	for (size_t i = 0; i < LENGTH(nodes); i++) {
		int rv;
		bool failed;

		fail_alloc_arm(0);
		rv = heap_push(&h, &nodes[i], 100 - i);
		failed = fail_alloc_disarm();
		failures += failed;
		ck_assert_int_eq(rv, failed ? SVCD_ENOMEM : 0);
		ck_assert_int_eq(heap_has(&nodes[i]), !failed);
		heap_check(&h);
		if (failed)
			ck_assert_int_eq(heap_push(&h, &nodes[i], 100 - i), 0);
	}
	ck_assert_uint_ge(failures, 2);
	heap_fini(&h);
}
END_TEST

START_TEST(moving_in_a_full_heap_needs_no_memory)
{
	struct heap_node nodes[16] = {0};
	struct heap h;

	heap_init(&h);
	for (size_t i = 0; i < LENGTH(nodes); i++)
		ck_assert_int_eq(heap_push(&h, &nodes[i], i), 0);
	ck_assert_uint_eq(h.len, h.cap);
	fail_alloc_arm(0);
	for (size_t i = 0; i < LENGTH(nodes); i++)
		heap_push(&h, &nodes[i], 50 - i);
	ck_assert(!fail_alloc_disarm());
	heap_check(&h);
	heap_fini(&h);
}
END_TEST

START_TEST(the_log_says_at_least_what_happened)
{
	char text[4096];
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	log_set_fd(ends[1]);
	for (unsigned n = 0, done = 0; !done; n++) {
		char value[600];
		ssize_t len;

		memset(value, 'x', sizeof(value) - 1);
		value[sizeof(value) - 1] = '\0';
		fail_alloc_arm(n);
		log_error("disk_full", L_STR("peer", value), L_U64("n", 7));
		done = !fail_alloc_disarm();
		len = read(ends[0], text, sizeof(text) - 1);
		ck_assert_int_gt(len, 0);
		text[len] = '\0';
		ck_assert_ptr_nonnull(strstr(text, "level=error event=disk_full"));
		ck_assert_int_eq(text[len - 1], '\n');
		ck_assert(!done || strstr(text, " n=7\n") != NULL);
	}
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(an_arena_is_made_whole_or_not_at_all)
{
	for (unsigned n = 0, done = 0; !done; n++) {
		struct arena *a;

		fail_alloc_arm(n);
		a = arena_new();
		done = !fail_alloc_disarm();
		ck_assert_int_eq(a != NULL, done);
		arena_free(a);
	}
}
END_TEST

/* An array of arrays, large enough for several chunks of an arena. */
static void put_document(struct buf *b)
{
	pack_array(b, 300);
	for (int i = 0; i < 300; i++) {
		pack_map(b, 2);
		pack_kv_u64(b, "a", 1);
		pack_kv_cstr(b, "b", "x");
	}
	ck_assert_int_eq(b->error, 0);
}

START_TEST(a_parse_without_memory_leaves_a_usable_arena)
{
	struct arena *a = arena_new();
	struct buf b = {0};
	unsigned n = 0;

	put_document(&b);
	for (bool done = false; !done; n++) {
		struct value v = {.n = 99};
		int rv;

		arena_reset(a);
		fail_alloc_arm(n);
		rv = value_parse(a, buf_bytes(&b), &v);
		done = !fail_alloc_disarm();
		ck_assert_int_eq(rv, done ? 0 : SVCD_ENOMEM);
		ck_assert_uint_eq(v.n, done ? 300 : 99);
		ck_assert_int_eq(value_parse(a, buf_bytes(&b), &v), 0);
		ck_assert_uint_eq(value_at(v, 299).n, 2);
	}
#ifndef SVCD_SANITIZED /* msgpack-c's own allocations are seen in the ordinary build \
			  only */
	ck_assert_uint_gt(n, 2);
#endif
	buf_fini(&b);
	arena_free(a);
}
END_TEST

START_TEST(a_response_without_memory_is_an_error)
{
	struct err e = {.code = SVCD_EBUSY, .text = "later"};

	for (unsigned n = 0, done = 0; !done; n++) {
		struct buf b = {0};

		fail_alloc_arm(n);
		pack_error(&b, 1, &e, 100, "n1");
		done = !fail_alloc_disarm();
		ck_assert_int_eq(b.error, done ? 0 : SVCD_ENOMEM);
		buf_fini(&b);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("alloc_base");
	TCase *tc = unit_case(s, "alloc");

	tcase_add_test(tc, a_buffer_remembers_that_memory_ran_out);
	tcase_add_test(tc, shared_bytes_need_one_allocation);
	tcase_add_test(tc, a_map_that_cannot_grow_keeps_what_it_has);
	tcase_add_test(tc, finding_and_removing_need_no_memory);
	tcase_add_test(tc, a_heap_that_cannot_grow_keeps_what_it_has);
	tcase_add_test(tc, moving_in_a_full_heap_needs_no_memory);
	tcase_add_test(tc, the_log_says_at_least_what_happened);
	tcase_add_test(tc, an_arena_is_made_whole_or_not_at_all);
	tcase_add_test(tc, a_parse_without_memory_leaves_a_usable_arena);
	tcase_add_test(tc, a_response_without_memory_is_an_error);
	return unit_run(s);
}
