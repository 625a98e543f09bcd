/*
 * Linear probing. A slot is empty (never used since the last rehash), deleted, or holds
 * an item. A search ends at an empty slot, so some must always be left: used <= 0.7 cap.
 */
#include "base/map.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/rng.h"
#include "svcd.h"

#define EMPTY 0
#define DELETED 1
#define HASH_MIN 2 /* hashes of items start here */
#define CAP_MIN 16

static pthread_once_t seed_once = PTHREAD_ONCE_INIT;
static uint64_t seed;

static void seed_fill(void)
{
	rng_secure(&seed, sizeof(seed));
}

static uint64_t hash_of(struct bytes key)
{
	uint64_t hash;

	pthread_once(&seed_once, seed_fill);
	hash = bytes_hash_seed(key, seed);
	return hash < HASH_MIN ? hash + HASH_MIN : hash;
}

static bool is_full(size_t used, size_t cap)
{
	return used > cap / 10 * 7 + cap % 10 * 7 / 10;
}

static size_t after(const struct map *m, size_t i)
{
	return (i + 1) & (m->cap - 1);
}

void map_init(struct map *m, map_key_fn *key)
{
	*m = (struct map){.key = key};
}

void map_fini(struct map *m)
{
	free(m->slots);
	map_init(m, m->key);
}

size_t map_len(const struct map *m)
{
	return m->len;
}

/* The slot of the item with this key, or NULL. *spare is where such an item would go; cap
 * > 0. */
static struct map_slot *search(
	const struct map *m, struct bytes key, uint64_t hash, struct map_slot **spare)
{
	*spare = NULL;
	for (size_t i = hash & (m->cap - 1);; i = after(m, i)) {
		struct map_slot *slot = &m->slots[i];

		if (slot->hash == hash && bytes_eq(m->key(slot->item), key))
			return slot;
		if (slot->hash < HASH_MIN && *spare == NULL)
			*spare = slot;
		if (slot->hash == EMPTY)
			return NULL;
	}
}

void *map_get(const struct map *m, struct bytes key)
{
	struct map_slot *spare;
	struct map_slot *slot;

	if (m->len == 0)
		return NULL;
	slot = search(m, key, hash_of(key), &spare);
	return slot == NULL ? NULL : slot->item;
}

/* Puts a slot's content into a table without deleted slots that does not have its key. */
static void place(struct map *m, struct map_slot content)
{
	size_t i = content.hash & (m->cap - 1);

	while (m->slots[i].hash != EMPTY)
		i = after(m, i);
	m->slots[i] = content;
	m->used++;
	m->len++;
}

/*
 * Makes a new table with room for len items, without deleted slots. At most half of it is
 * used then: with 0.2 cap insertions until the next time, the work for one insertion
 * stays constant.
 */
static int rehash(struct map *m, size_t len)
{
	struct map next = {.cap = CAP_MIN, .key = m->key};

	while (next.cap / 2 < len)
		next.cap *= 2;
	next.slots = calloc(next.cap, sizeof(*next.slots));
	if (next.slots == NULL)
		return SVCD_ENOMEM;
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].hash >= HASH_MIN)
			place(&next, m->slots[i]);
	free(m->slots);
	*m = next;
	return 0;
}

int map_put(struct map *m, void *item)
{
	struct bytes key = m->key(item);
	struct map_slot content = {.hash = hash_of(key), .item = item};
	struct map_slot *spare = NULL;

	if (m->cap > 0 && search(m, key, content.hash, &spare) != NULL)
		return SVCD_EEXISTS;
	if (spare != NULL && spare->hash == DELETED) {
		*spare = content;
		m->len++;
		return 0;
	}
	if (is_full(m->used + 1, m->cap) && rehash(m, m->len + 1) != 0)
		return SVCD_ENOMEM;
	place(m, content);
	return 0;
}

/* Deleted slots just before an empty one are not needed to find anything: empties them.
 */
static void release(struct map *m, size_t i)
{
	if (m->slots[after(m, i)].hash != EMPTY)
		return;
	while (m->slots[i].hash == DELETED) {
		m->slots[i].hash = EMPTY;
		m->used--;
		i = (i - 1) & (m->cap - 1);
	}
}

void *map_remove(struct map *m, struct bytes key)
{
	struct map_slot *spare;
	struct map_slot *slot;
	void *item;

	if (m->len == 0)
		return NULL;
	slot = search(m, key, hash_of(key), &spare);
	if (slot == NULL)
		return NULL;
	item = slot->item;
	*slot = (struct map_slot){.hash = DELETED};
	m->len--;
	release(m, (size_t)(slot - m->slots));
	return item;
}

void *map_next(const struct map *m, size_t *cursor)
{
	while (*cursor < m->cap) {
		const struct map_slot *slot = &m->slots[(*cursor)++];

		if (slot->hash >= HASH_MIN)
			return slot->item;
	}
	return NULL;
}

void map_check(const struct map *m)
{
	size_t len = 0;
	size_t used = 0;

	assert((m->cap & (m->cap - 1)) == 0);
	assert(!is_full(m->used, m->cap));
	for (size_t i = 0; i < m->cap; i++) {
		const struct map_slot *slot = &m->slots[i];

		used += slot->hash != EMPTY;
		len += slot->hash >= HASH_MIN;
		assert(slot->hash < HASH_MIN ||
			map_get(m, m->key(slot->item)) == slot->item);
	}
	assert(len == m->len && used == m->used);
}
