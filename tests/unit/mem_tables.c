#include "mem_tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define BLOCK_MAX 128

struct mem_entry {
	size_t key_len, value_len;
	uint8_t data[]; /* key, value */
};

struct mem_view {
	struct mem_view *next;
	uint8_t data[];
};

/* Not by malloc: where a test makes allocations fail, they are to be the catalog's. */
static void *must_alloc(size_t n)
{
	void *p;

	if (posix_memalign(&p, 16, n > 0 ? n : 1) != 0)
		abort();
	return p;
}

static void die(const char *why)
{
	fprintf(stderr, "mem_tables: %s\n", why);
	abort();
}

static struct bytes key_of(const struct mem_entry *e)
{
	return bytes_of(e->data, e->key_len);
}

static struct bytes value_of(const struct mem_entry *e)
{
	return bytes_of(e->data + e->key_len, e->value_len);
}

static struct mem_entry *entry_new(struct bytes key, struct bytes value)
{
	struct mem_entry *e = must_alloc(sizeof(*e) + key.len + value.len);

	e->key_len = key.len;
	e->value_len = value.len;
	if (key.len > 0)
		memcpy(e->data, key.data, key.len);
	if (value.len > 0)
		memcpy(e->data + key.len, value.data, value.len);
	return e;
}

static void drop_views(struct mem_tables *m)
{
	while (m->views != NULL) {
		struct mem_view *next = m->views->next;

		free(m->views);
		m->views = next;
	}
}

static struct bytes view(struct mem_tables *m, struct bytes v)
{
	struct mem_view *copy;

	if (!m->strict)
		return v;
	copy = must_alloc(sizeof(*copy) + v.len);
	copy->next = m->views;
	m->views = copy;
	if (v.len > 0)
		memcpy(copy->data, v.data, v.len);
	return bytes_of(copy->data, v.len);
}

/* Place of the first entry >= key (> key when after): block and index; index may be the
 * block's n. */
static void locate(const struct mem_table *s, struct bytes key, bool after, size_t *block,
	size_t *index)
{
	size_t lo = 0, hi = s->n_blocks;

	while (lo < hi) { /* the first block whose last entry is not before the place */
		size_t mid = (lo + hi) / 2;
		const struct mem_block *b = &s->blocks[mid];
		int order = bytes_cmp(key_of(b->entries[b->n - 1]), key);

		if (order < 0 || (order == 0 && after))
			lo = mid + 1;
		else
			hi = mid;
	}
	*block = lo;
	*index = 0;
	if (lo == s->n_blocks)
		return;
	for (size_t a = 0, z = s->blocks[lo].n; a < z;) {
		size_t mid = (a + z) / 2;
		int order = bytes_cmp(key_of(s->blocks[lo].entries[mid]), key);

		if (order < 0 || (order == 0 && after))
			a = mid + 1;
		else
			z = mid;
		*index = a;
	}
}

static struct mem_entry **find(const struct mem_table *s, struct bytes key)
{
	size_t block, index;

	locate(s, key, false, &block, &index);
	if (block == s->n_blocks ||
		!bytes_eq(key_of(s->blocks[block].entries[index]), key))
		return NULL;
	return &s->blocks[block].entries[index];
}

static void grow(struct mem_table *s)
{
	struct mem_block *blocks;

	s->cap_blocks = s->cap_blocks * 2 + 8;
	blocks = must_alloc(s->cap_blocks * sizeof(*blocks));
	if (s->n_blocks > 0)
		memcpy(blocks, s->blocks, s->n_blocks * sizeof(*blocks));
	free(s->blocks);
	s->blocks = blocks;
}

static void add_block(struct mem_table *s, size_t at)
{
	if (s->n_blocks == s->cap_blocks)
		grow(s);
	memmove(&s->blocks[at + 1], &s->blocks[at],
		(s->n_blocks - at) * sizeof(*s->blocks));
	s->blocks[at] = (struct mem_block){
		.entries = must_alloc(BLOCK_MAX * sizeof(struct mem_entry *))};
	s->n_blocks++;
}

static void split(struct mem_table *s, size_t at)
{
	struct mem_block *a, *b;

	add_block(s, at + 1);
	a = &s->blocks[at];
	b = &s->blocks[at + 1];
	b->n = a->n / 2;
	a->n -= b->n;
	memcpy(b->entries, a->entries + a->n, b->n * sizeof(*b->entries));
}

static void insert(struct mem_table *s, struct mem_entry *e)
{
	size_t block, index;
	struct mem_block *b;

	if (s->n_blocks == 0)
		add_block(s, 0);
	else
		locate(s, key_of(e), false, &block, &index);
	if (s->len == 0)
		block = index = 0;
	if (block == s->n_blocks) {
		block--;
		index = s->blocks[block].n;
	}
	if (s->blocks[block].n == BLOCK_MAX) {
		split(s, block);
		if (index > s->blocks[block].n) {
			index -= s->blocks[block].n;
			block++;
		}
	}
	b = &s->blocks[block];
	memmove(&b->entries[index + 1], &b->entries[index],
		(b->n - index) * sizeof(*b->entries));
	b->entries[index] = e;
	b->n++;
	s->len++;
}

static void remove_at(struct mem_table *s, size_t block, size_t index)
{
	struct mem_block *b = &s->blocks[block];

	free(b->entries[index]);
	b->n--;
	memmove(&b->entries[index], &b->entries[index + 1],
		(b->n - index) * sizeof(*b->entries));
	s->len--;
	if (b->n > 0)
		return;
	free(b->entries);
	s->n_blocks--;
	memmove(b, b + 1, (s->n_blocks - block) * sizeof(*b));
}

static bool fails(struct mem_tables *m)
{
	return ++m->operations == m->fail_at;
}

static int mem_get(
	struct tables *t, enum table table, struct bytes key, struct bytes *value)
{
	struct mem_tables *m = (struct mem_tables *)t;
	struct mem_entry **at;

	if (fails(m))
		return SVCD_EIO;
	m->gets[table]++;
	at = find(&m->tables[table], key);
	if (at == NULL)
		return 0;
	*value = view(m, value_of(*at));
	return 1;
}

static int mem_put(
	struct tables *t, enum table table, struct bytes key, struct bytes value)
{
	struct mem_tables *m = (struct mem_tables *)t;
	struct mem_entry *e, **at;

	if (fails(m))
		return SVCD_EIO;
	if (key.len == 0 || key.len > TABLE_KEY_MAX)
		die("a key of that length cannot be stored");
	m->puts[table]++;
	e = entry_new(key, value); /* before the views die: they may be what is put */
	drop_views(m);
	m->tables[table].writes++;
	at = find(&m->tables[table], key_of(e));
	if (at != NULL) {
		free(*at);
		*at = e;
	} else {
		insert(&m->tables[table], e);
	}
	return 0;
}

static int mem_del(struct tables *t, enum table table, struct bytes key)
{
	struct mem_tables *m = (struct mem_tables *)t;
	struct mem_table *s = &m->tables[table];
	size_t block, index;

	if (fails(m))
		return SVCD_EIO;
	m->dels[table]++;
	locate(s, key, false, &block, &index);
	if (block < s->n_blocks && bytes_eq(key_of(s->blocks[block].entries[index]), key))
		remove_at(s, block, index);
	s->writes++;
	drop_views(m);
	return 0;
}

static int give(
	struct mem_tables *m, struct mem_table *s, struct bytes *key, struct bytes *value)
{
	struct mem_entry *e;

	if (s->block < s->n_blocks && s->index == s->blocks[s->block].n) {
		s->block++;
		s->index = 0;
	}
	s->cursor = s->block < s->n_blocks;
	s->cursor_writes = s->writes;
	if (!s->cursor)
		return 0;
	e = s->blocks[s->block].entries[s->index];
	*key = view(m, key_of(e));
	*value = view(m, value_of(e));
	return 1;
}

static int mem_seek(struct tables *t, enum table table, struct bytes from, bool after,
	struct bytes *key, struct bytes *value)
{
	struct mem_tables *m = (struct mem_tables *)t;
	struct mem_table *s = &m->tables[table];

	if (fails(m))
		return SVCD_EIO;
	locate(s, from, after, &s->block, &s->index);
	return give(m, s, key, value);
}

static int mem_next(
	struct tables *t, enum table table, struct bytes *key, struct bytes *value)
{
	struct mem_tables *m = (struct mem_tables *)t;
	struct mem_table *s = &m->tables[table];

	if (fails(m))
		return SVCD_EIO;
	if (!s->cursor)
		die("next without a seek that found something");
	if (s->cursor_writes != s->writes)
		die("next after a write to the table");
	s->index++;
	return give(m, s, key, value);
}

static int mem_last(
	struct tables *t, enum table table, struct bytes *key, struct bytes *value)
{
	struct mem_tables *m = (struct mem_tables *)t;
	struct mem_table *s = &m->tables[table];

	if (fails(m))
		return SVCD_EIO;
	if (s->n_blocks == 0)
		return 0;
	s->block = s->n_blocks - 1;
	s->index = s->blocks[s->block].n - 1;
	return give(m, s, key, value);
}

static const struct tables_ops mem_ops = {
	.get = mem_get,
	.put = mem_put,
	.del = mem_del,
	.seek = mem_seek,
	.next = mem_next,
	.last = mem_last,
};

void mem_tables_init(struct mem_tables *m)
{
	*m = (struct mem_tables){.base = {.ops = &mem_ops}, .strict = true};
}

void mem_tables_fini(struct mem_tables *m)
{
	drop_views(m);
	for (int i = 0; i < TABLE_COUNT; i++) {
		struct mem_table *s = &m->tables[i];

		for (size_t b = 0; b < s->n_blocks; b++) {
			for (size_t k = 0; k < s->blocks[b].n; k++)
				free(s->blocks[b].entries[k]);
			free(s->blocks[b].entries);
		}
		free(s->blocks);
	}
	mem_tables_init(m);
}

void mem_tables_copy(struct mem_tables *to, const struct mem_tables *from)
{
	mem_tables_init(to);
	to->strict = from->strict;
	for (int i = 0; i < TABLE_COUNT; i++) {
		const struct mem_table *s = &from->tables[i];

		for (size_t b = 0; b < s->n_blocks; b++) {
			for (size_t k = 0; k < s->blocks[b].n; k++)
				insert(&to->tables[i],
					entry_new(key_of(s->blocks[b].entries[k]),
						value_of(s->blocks[b].entries[k])));
		}
	}
}

/* Steps to the entry after. */
static struct mem_entry *step(const struct mem_table *s, size_t *block, size_t *index)
{
	if (*block < s->n_blocks && *index == s->blocks[*block].n) {
		(*block)++;
		*index = 0;
	}
	return *block < s->n_blocks ? s->blocks[*block].entries[(*index)++] : NULL;
}

static bool differ(const struct mem_table *a, const struct mem_table *b)
{
	size_t ab = 0, ai = 0, bb = 0, bi = 0;
	struct mem_entry *x, *y;

	if (a->len != b->len)
		return true;
	do {
		x = step(a, &ab, &ai);
		y = step(b, &bb, &bi);
		if (x != NULL && y != NULL &&
			(!bytes_eq(key_of(x), key_of(y)) ||
				!bytes_eq(value_of(x), value_of(y))))
			return true;
	} while (x != NULL && y != NULL);
	return x != y;
}

enum table mem_tables_differ(const struct mem_tables *a, const struct mem_tables *b)
{
	for (int i = 0; i < TABLE_COUNT; i++) {
		if (differ(&a->tables[i], &b->tables[i]))
			return (enum table)i;
	}
	return TABLE_COUNT;
}

size_t mem_tables_len(const struct mem_tables *m, enum table table)
{
	return m->tables[table].len;
}

size_t mem_tables_bytes(const struct mem_tables *m, enum table table)
{
	const struct mem_table *s = &m->tables[table];
	size_t bytes = 0, block = 0, index = 0;
	const struct mem_entry *e;

	while ((e = step(s, &block, &index)) != NULL)
		bytes += e->key_len + e->value_len;
	return bytes;
}
