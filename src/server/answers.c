/* Kept answers. Every kept one is in the map, in the ring of the clock and in its
 * service's list. */
#include "server/answers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"

#define SHARE_MAX 8 /* one answer takes at most this part of the bytes */

struct topic {
	struct list answers; /* never empty between calls */
	uint32_t key_len;
	uint8_t key[];
};

struct kept {
	struct answer answer; /* first */
	struct list of_topic;
	struct list in_ring;
	struct topic *topic;
	uint32_t params_len;
	bool used;      /* since the hand passed */
	uint8_t data[]; /* parameters, then entries */
};

struct answers {
	struct map by_params;
	struct map topics;
	struct list ring; /* the hand is at its head */
	uint64_t bytes;
	uint64_t bytes_max;
};

struct bytes service_map_key(
	const struct service_key *key, uint8_t out[SERVICE_MAP_KEY_MAX])
{
	assert(key->ns.len <= LIMIT_NAME && key->service.len <= LIMIT_NAME);
	memcpy(out, key->ns.data, key->ns.len);
	out[key->ns.len] = 0;
	memcpy(out + key->ns.len + 1, key->service.data, key->service.len);
	return bytes_of(out, key->ns.len + 1 + key->service.len);
}

static struct bytes kept_params(const void *item)
{
	const struct kept *k = item;

	return bytes_of(k->data, k->params_len);
}

static struct bytes topic_key(const void *item)
{
	const struct topic *t = item;

	return bytes_of(t->key, t->key_len);
}

/* With what the maps need for it. */
static uint64_t kept_bytes(const struct kept *k)
{
	return sizeof(*k) + k->params_len + k->answer.entries.len +
		2 * sizeof(struct map_slot);
}

static uint64_t topic_bytes(const struct topic *t)
{
	return sizeof(*t) + t->key_len + 2 * sizeof(struct map_slot);
}

struct answers *answers_new(uint64_t bytes_max)
{
	struct answers *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	map_init(&a->by_params, kept_params);
	map_init(&a->topics, topic_key);
	list_init(&a->ring);
	a->bytes_max = bytes_max;
	return a;
}

static void topic_forget(struct answers *a, struct topic *t)
{
	a->bytes -= topic_bytes(t);
	map_remove(&a->topics, topic_key(t));
	free(t);
}

static void kept_forget(struct answers *a, struct kept *k)
{
	struct topic *t = k->topic;

	a->bytes -= kept_bytes(k);
	map_remove(&a->by_params, kept_params(k));
	list_remove(&k->of_topic);
	list_remove(&k->in_ring);
	free(k);
	if (list_empty(&t->answers))
		topic_forget(a, t);
}

void answers_clear(struct answers *a)
{
	while (!list_empty(&a->ring))
		kept_forget(a, container_of(a->ring.next, struct kept, in_ring));
}

void answers_free(struct answers *a)
{
	if (a == NULL)
		return;
	answers_clear(a);
	assert(map_len(&a->topics) == 0 && a->bytes == 0);
	map_fini(&a->by_params);
	map_fini(&a->topics);
	free(a);
}

const struct answer *answers_find(struct answers *a, struct bytes params)
{
	struct kept *k = map_get(&a->by_params, params);

	if (k == NULL)
		return NULL;
	k->used = true;
	return &k->answer;
}

/* Passes the hand over the ring until bytes fit. Ends: each step clears a bit or frees
 * one. */
static void make_room(struct answers *a, uint64_t bytes)
{
	while (a->bytes + bytes > a->bytes_max && !list_empty(&a->ring)) {
		struct kept *k = container_of(a->ring.next, struct kept, in_ring);

		if (!k->used) {
			kept_forget(a, k);
			continue;
		}
		k->used = false;
		list_remove(&k->in_ring);
		list_push(&a->ring, &k->in_ring);
	}
}

static struct topic *topic_get(struct answers *a, const struct service_key *service)
{
	uint8_t space[SERVICE_MAP_KEY_MAX];
	struct bytes key = service_map_key(service, space);
	struct topic *t = map_get(&a->topics, key);

	if (t != NULL)
		return t;
	t = malloc(sizeof(*t) + key.len);
	if (t == NULL)
		return NULL;
	list_init(&t->answers);
	t->key_len = (uint32_t)key.len;
	memcpy(t->key, key.data, key.len);
	if (map_put(&a->topics, t) != 0) {
		free(t);
		return NULL;
	}
	a->bytes += topic_bytes(t);
	return t;
}

static struct kept *kept_new(struct bytes params, const struct answer *answer)
{
	struct kept *k = calloc(1, sizeof(*k) + params.len + answer->entries.len);

	if (k == NULL)
		return NULL;
	k->params_len = (uint32_t)params.len;
	memcpy(k->data, params.data, params.len);
	if (answer->entries.len > 0)
		memcpy(k->data + params.len, answer->entries.data, answer->entries.len);
	k->answer = *answer;
	k->answer.entries = bytes_of(k->data + params.len, answer->entries.len);
	return k;
}

void answers_keep(struct answers *a, struct bytes params,
	const struct service_key *service, const struct answer *answer)
{
	struct kept *k;
	struct topic *t;

	if (params.len + answer->entries.len > a->bytes_max / SHARE_MAX)
		return;
	k = kept_new(params, answer);
	if (k == NULL)
		return;
	make_room(a,
		kept_bytes(k) + sizeof(*t) + SERVICE_MAP_KEY_MAX +
			2 * sizeof(struct map_slot));
	t = topic_get(a, service);
	if (t == NULL || map_put(&a->by_params, k) != 0) {
		free(k);
		if (t != NULL && list_empty(&t->answers))
			topic_forget(a, t);
		return;
	}
	k->topic = t;
	list_push(&t->answers, &k->of_topic);
	list_push(&a->ring, &k->in_ring);
	a->bytes += kept_bytes(k);
}

void answers_drop(struct answers *a, const struct service_key *service)
{
	uint8_t space[SERVICE_MAP_KEY_MAX];
	struct topic *t = map_get(&a->topics, service_map_key(service, space));
	bool last = t == NULL;

	while (!last) {
		struct kept *k = container_of(t->answers.next, struct kept, of_topic);

		last = t->answers.next == t->answers.prev;
		kept_forget(a, k); /* the last one takes the topic with it */
	}
}

uint64_t answers_bytes(const struct answers *a)
{
	return a->bytes;
}

size_t answers_count(const struct answers *a)
{
	return map_len(&a->by_params);
}

void answers_check(const struct answers *a)
{
	struct list *n;
	const struct topic *t;
	uint64_t bytes = 0;
	size_t in_ring = 0;
	size_t at = 0;

	for (n = a->ring.next; n != &a->ring; n = n->next) {
		bytes += kept_bytes(container_of(n, struct kept, in_ring));
		in_ring++;
	}
	while ((t = map_next(&a->topics, &at)) != NULL) {
		assert(!list_empty(&t->answers));
		bytes += topic_bytes(t);
	}
	assert(in_ring == map_len(&a->by_params));
	assert(bytes == a->bytes && a->bytes <= a->bytes_max);
}
