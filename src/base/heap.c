#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "svcd.h"

#define CAP_MIN 16

void heap_init(struct heap *h)
{
	*h = (struct heap){0};
}

void heap_fini(struct heap *h)
{
	free(h->nodes);
	heap_init(h);
}

static void set(struct heap *h, size_t i, struct heap_node *n)
{
	h->nodes[i] = n;
	n->pos = i + 1;
}

/* Moves n, whose place i is free to overwrite, towards the root until its parent is not
 * greater. */
static void sift_up(struct heap *h, size_t i, struct heap_node *n)
{
	while (i > 0 && h->nodes[(i - 1) / 2]->key > n->key) {
		set(h, i, h->nodes[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	set(h, i, n);
}

/* The child of i with the smaller key, or len when there is none. */
static size_t smaller_child(const struct heap *h, size_t i)
{
	size_t left = 2 * i + 1;

	if (left >= h->len)
		return h->len;
	if (left + 1 < h->len && h->nodes[left + 1]->key < h->nodes[left]->key)
		return left + 1;
	return left;
}

static void sift_down(struct heap *h, size_t i, struct heap_node *n)
{
	for (;;) {
		size_t child = smaller_child(h, i);

		if (child == h->len || h->nodes[child]->key >= n->key)
			break;
		set(h, i, h->nodes[child]);
		i = child;
	}
	set(h, i, n);
}

/* Finds the place of n, which belongs somewhere above or below i. */
static void settle(struct heap *h, size_t i, struct heap_node *n)
{
	sift_up(h, i, n);
	sift_down(h, n->pos - 1, n);
}

static int make_room(struct heap *h)
{
	size_t cap = h->cap == 0 ? CAP_MIN : 2 * h->cap;
	struct heap_node **nodes;

	if (h->len < h->cap)
		return 0;
	nodes = realloc(h->nodes, cap * sizeof(struct heap_node *));
	if (nodes == NULL)
		return SVCD_ENOMEM;
	h->nodes = nodes;
	h->cap = cap;
	return 0;
}

int heap_push(struct heap *h, struct heap_node *n, uint64_t key)
{
	if (heap_has(n)) {
		assert(n->pos <= h->len && h->nodes[n->pos - 1] == n);
		n->key = key;
		settle(h, n->pos - 1, n);
		return 0;
	}
	if (make_room(h) != 0)
		return SVCD_ENOMEM;
	n->key = key;
	h->len++;
	sift_up(h, h->len - 1, n);
	return 0;
}

struct heap_node *heap_min(const struct heap *h)
{
	return h->len == 0 ? NULL : h->nodes[0];
}

void heap_remove(struct heap *h, struct heap_node *n)
{
	size_t i = n->pos - 1;
	struct heap_node *last;

	if (!heap_has(n))
		return;
	assert(n->pos <= h->len && h->nodes[i] == n);
	last = h->nodes[--h->len];
	n->pos = 0;
	if (last != n)
		settle(h, i, last);
}

void heap_check(const struct heap *h)
{
	assert(h->len <= h->cap);
	for (size_t i = 0; i < h->len; i++) {
		assert(h->nodes[i]->pos == i + 1);
		assert(i == 0 || h->nodes[(i - 1) / 2]->key <= h->nodes[i]->key);
	}
}
