/* base/map.h, base/heap.h, base/list.h: against plain models, with random operations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rng.h"
#include "unit.h"

struct item {
	char name[32];
	bool in;
	struct heap_node node;
	struct list link;
};

static struct bytes item_key(const void *arg)
{
	const struct item *item = arg;

	return bytes_str(item->name);
}

static void name_items(struct item *items, size_t n)
{
	memset(items, 0, n * sizeof(*items));
	for (size_t i = 0; i < n; i++)
		snprintf(items[i].name, sizeof(items[i].name), "item-%zu", i);
}

START_TEST(an_empty_map_finds_nothing_and_allocates_nothing)
{
	struct map m;
	size_t cursor = 0;

	map_init(&m, item_key);
	ck_assert_ptr_null(map_get(&m, bytes_str("x")));
	ck_assert_ptr_null(map_remove(&m, bytes_str("x")));
	ck_assert_ptr_null(map_next(&m, &cursor));
	ck_assert_uint_eq(map_len(&m), 0);
	ck_assert_ptr_null(m.slots);
	map_check(&m);
	map_fini(&m);
	map_fini(&m);
}
END_TEST

START_TEST(a_key_is_in_the_map_once)
{
	struct item a = {.name = "a"};
	struct item twin = {.name = "a"};
	struct map m;

	map_init(&m, item_key);
	ck_assert_int_eq(map_put(&m, &a), 0);
	ck_assert_int_eq(map_put(&m, &twin), SVCD_EEXISTS);
	ck_assert_ptr_eq(map_get(&m, bytes_str("a")), &a);
	ck_assert_uint_eq(map_len(&m), 1);
	ck_assert_ptr_eq(map_remove(&m, bytes_str("a")), &a);
	ck_assert_int_eq(map_put(&m, &twin), 0);
	ck_assert_ptr_eq(map_get(&m, bytes_str("a")), &twin);
	map_fini(&m);
}
END_TEST

START_TEST(the_empty_key_is_a_key)
{
	struct item nameless = {.name = ""};
	struct map m;

	map_init(&m, item_key);
	ck_assert_int_eq(map_put(&m, &nameless), 0);
	ck_assert_ptr_eq(map_get(&m, BYTES_NONE), &nameless);
	map_fini(&m);
}
END_TEST

/* Puts what is out, removes what is in; the model is items[i].in. */
static void toggle(struct map *m, struct item *item)
{
	if (item->in) {
		ck_assert_int_eq(map_put(m, item), SVCD_EEXISTS);
		ck_assert_ptr_eq(map_remove(m, bytes_str(item->name)), item);
	} else {
		ck_assert_ptr_null(map_remove(m, bytes_str(item->name)));
		ck_assert_int_eq(map_put(m, item), 0);
	}
	item->in = !item->in;
}

START_TEST(a_map_agrees_with_its_model)
{
	static struct item items[500];
	struct rng rng;
	struct map m;
	size_t len = 0;

	name_items(items, LENGTH(items));
	rng_seed(&rng, 1);
	map_init(&m, item_key);
	for (int step = 0; step < 50000; step++) {
		/* the range breathes, so that the map is filled and emptied again and
		 * again */
		size_t range = 1 + (size_t)(step / 5000 % 2 == 0 ? 499 : 9);
		struct item *item = &items[rng_below(&rng, range)];

		toggle(&m, item);
		len += item->in ? 1 : (size_t)-1;
		ck_assert_uint_eq(map_len(&m), len);
		if (step % 97 == 0)
			map_check(&m);
	}
	for (size_t i = 0; i < LENGTH(items); i++)
		ck_assert_ptr_eq(map_get(&m, bytes_str(items[i].name)),
			items[i].in ? &items[i] : NULL);
	map_fini(&m);
}
END_TEST

START_TEST(churn_does_not_make_a_map_grow)
{
	static struct item items[1000];
	struct map m;
	size_t cap = 0;

	name_items(items, LENGTH(items));
	map_init(&m, item_key);
	for (size_t i = 0; i < 10; i++)
		ck_assert_int_eq(map_put(&m, &items[i]), 0);
	for (size_t i = 0; i < 100000; i++) {
		ck_assert_ptr_nonnull(map_remove(&m, bytes_str(items[i % 1000].name)));
		ck_assert_int_eq(map_put(&m, &items[(i + 10) % 1000]), 0);
		if (m.cap > cap)
			cap = m.cap;
	}
	map_check(&m);
	ck_assert_uint_eq(map_len(&m), 10);
	ck_assert_uint_le(cap, 32);
	map_fini(&m);
}
END_TEST

START_TEST(a_full_map_still_has_empty_slots)
{
	static struct item items[5000];
	struct map m;

	name_items(items, LENGTH(items));
	map_init(&m, item_key);
	for (size_t i = 0; i < LENGTH(items); i++) {
		ck_assert_int_eq(map_put(&m, &items[i]), 0);
		ck_assert_uint_le(m.used * 10, m.cap * 7);
	}
	map_check(&m);
	map_fini(&m);
}
END_TEST

START_TEST(iteration_meets_every_item_once)
{
	static struct item items[300];
	struct map m;
	size_t cursor = 0;
	size_t n = 0;
	struct item *item;

	name_items(items, LENGTH(items));
	map_init(&m, item_key);
	for (size_t i = 0; i < LENGTH(items); i++)
		map_put(&m, &items[i]);
	while ((item = map_next(&m, &cursor)) != NULL) {
		ck_assert(!item->in);
		item->in = true;
		n++;
	}
	ck_assert_uint_eq(n, LENGTH(items));
	ck_assert_ptr_null(map_next(&m, &cursor));
	map_fini(&m);
}
END_TEST

START_TEST(the_item_just_met_may_be_removed)
{
	static struct item items[300];
	struct map m;
	size_t cursor = 0;
	size_t n = 0;
	struct item *item;

	name_items(items, LENGTH(items));
	map_init(&m, item_key);
	for (size_t i = 0; i < LENGTH(items); i++)
		map_put(&m, &items[i]);
	while ((item = map_next(&m, &cursor)) != NULL) {
		if (n++ % 3 != 0)
			ck_assert_ptr_eq(map_remove(&m, bytes_str(item->name)), item);
	}
	ck_assert_uint_eq(n, LENGTH(items));
	ck_assert_uint_eq(map_len(&m), LENGTH(items) / 3);
	map_check(&m);
	map_fini(&m);
}
END_TEST

START_TEST(an_empty_heap_has_no_minimum)
{
	struct heap h;
	struct heap_node n = {0};

	heap_init(&h);
	ck_assert_ptr_null(heap_min(&h));
	heap_remove(&h, &n);
	ck_assert(!heap_has(&n));
	heap_fini(&h);
	heap_fini(&h);
}
END_TEST

START_TEST(a_heap_gives_keys_in_order)
{
	struct heap_node nodes[100] = {0};
	uint64_t last = 0;
	struct rng rng;
	struct heap h;

	heap_init(&h);
	rng_seed(&rng, 2);
	for (size_t i = 0; i < LENGTH(nodes); i++)
		ck_assert_int_eq(heap_push(&h, &nodes[i], rng_below(&rng, 50)), 0);
	for (size_t i = 0; i < LENGTH(nodes); i++) {
		struct heap_node *n = heap_min(&h);

		ck_assert(n->key >= last);
		last = n->key;
		heap_remove(&h, n);
		ck_assert(!heap_has(n));
		heap_check(&h);
	}
	ck_assert_ptr_null(heap_min(&h));
	heap_fini(&h);
}
END_TEST

START_TEST(pushing_a_node_again_moves_it)
{
	struct heap_node a = {0}, b = {0}, c = {0};
	struct heap h;

	heap_init(&h);
	heap_push(&h, &a, 10);
	heap_push(&h, &b, 20);
	heap_push(&h, &c, 30);
	heap_push(&h, &a, 40);
	ck_assert_ptr_eq(heap_min(&h), &b);
	heap_push(&h, &c, UINT64_MAX);
	heap_push(&h, &a, 0);
	ck_assert_ptr_eq(heap_min(&h), &a);
	ck_assert_uint_eq(h.len, 3);
	heap_check(&h);
	heap_fini(&h);
}
END_TEST

static const struct heap_node *model_min(const struct item *items, size_t n)
{
	const struct heap_node *min = NULL;

	for (size_t i = 0; i < n; i++)
		if (items[i].in && (min == NULL || items[i].node.key < min->key))
			min = &items[i].node;
	return min;
}

START_TEST(a_heap_agrees_with_its_model)
{
	static struct item items[60];
	struct rng rng;
	struct heap h;

	heap_init(&h);
	rng_seed(&rng, 3);
	for (int step = 0; step < 20000; step++) {
		struct item *item = &items[rng_below(&rng, LENGTH(items))];
		const struct heap_node *min;

		item->in = rng_below(&rng, 3) != 0;
		if (item->in)
			ck_assert_int_eq(
				heap_push(&h, &item->node, rng_below(&rng, 40)), 0);
		else
			heap_remove(&h, &item->node);
		heap_check(&h);
		ck_assert_int_eq(heap_has(&item->node), item->in);
		min = model_min(items, LENGTH(items));
		ck_assert_int_eq(heap_min(&h) == NULL, min == NULL);
		if (min != NULL)
			ck_assert(heap_min(&h)->key == min->key);
	}
	heap_fini(&h);
}
END_TEST

/* The first letters of the names of the items in l. */
static const char *spell(struct list *l)
{
	static char out[16];
	struct list *it, *tmp;
	size_t n = 0;

	list_each(l, it, tmp)
		out[n++] = container_of(it, struct item, link)->name[0];
	out[n] = '\0';
	return out;
}

START_TEST(a_list_keeps_the_order_of_pushing)
{
	struct item a = {.name = "a"}, b = {.name = "b"}, c = {.name = "c"};
	struct list l;

	list_init(&l);
	ck_assert(list_empty(&l));
	ck_assert_ptr_null(list_pop(&l));
	list_push(&l, &a.link);
	list_push(&l, &b.link);
	list_push(&l, &c.link);
	ck_assert_str_eq(spell(&l), "abc");
	list_remove(&b.link);
	list_remove(&b.link);
	ck_assert_str_eq(spell(&l), "ac");
	list_insert_after(&a.link, &b.link);
	ck_assert_str_eq(spell(&l), "abc");
	ck_assert_ptr_eq(list_pop(&l), &a.link);
	ck_assert_str_eq(spell(&l), "bc");
}
END_TEST

START_TEST(a_node_that_was_in_no_list_can_be_removed)
{
	struct list fresh = {0};

	list_remove(&fresh);
	ck_assert(list_empty(&fresh));
}
END_TEST

START_TEST(splicing_empties_the_other_list)
{
	struct item a = {.name = "a"}, b = {.name = "b"}, c = {.name = "c"};
	struct list to, from;

	list_init(&to);
	list_init(&from);
	list_splice(&to, &from);
	ck_assert(list_empty(&to));
	list_push(&to, &a.link);
	list_push(&from, &b.link);
	list_push(&from, &c.link);
	list_splice(&to, &from);
	ck_assert_str_eq(spell(&to), "abc");
	ck_assert(list_empty(&from));
}
END_TEST

START_TEST(the_current_node_may_be_removed_while_walking)
{
	struct item items[6];
	struct list l, *it, *tmp;

	name_items(items, LENGTH(items));
	list_init(&l);
	for (size_t i = 0; i < LENGTH(items); i++) {
		items[i].name[0] = (char)('a' + i);
		list_push(&l, &items[i].link);
	}
	list_each(&l, it, tmp)
		if (container_of(it, struct item, link)->name[0] % 2 == 0)
			list_remove(it);
	ck_assert_str_eq(spell(&l), "ace");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("containers");
	TCase *map = unit_case(s, "map");
	TCase *heap = unit_case(s, "heap");
	TCase *list = unit_case(s, "list");

	tcase_add_test(map, an_empty_map_finds_nothing_and_allocates_nothing);
	tcase_add_test(map, a_key_is_in_the_map_once);
	tcase_add_test(map, the_empty_key_is_a_key);
	tcase_add_test(map, a_map_agrees_with_its_model);
	tcase_add_test(map, churn_does_not_make_a_map_grow);
	tcase_add_test(map, a_full_map_still_has_empty_slots);
	tcase_add_test(map, iteration_meets_every_item_once);
	tcase_add_test(map, the_item_just_met_may_be_removed);

	tcase_add_test(heap, an_empty_heap_has_no_minimum);
	tcase_add_test(heap, a_heap_gives_keys_in_order);
	tcase_add_test(heap, pushing_a_node_again_moves_it);
	tcase_add_test(heap, a_heap_agrees_with_its_model);

	tcase_add_test(list, a_list_keeps_the_order_of_pushing);
	tcase_add_test(list, a_node_that_was_in_no_list_can_be_removed);
	tcase_add_test(list, splicing_empties_the_other_list);
	tcase_add_test(list, the_current_node_may_be_removed_while_walking);
	return unit_run(s);
}
