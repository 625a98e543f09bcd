#include "catalog/changes.h"

#include <assert.h>
#include <stdlib.h>

#include "catalog/keys.h"

#define BYTES_MAX ((size_t)1 << 30)

/* While collecting, views are offsets into data, which may move. */
struct noted_instance {
	size_t key_at, map_at;
	uint32_t order;   /* in which they were noted */
	struct bytes key; /* set by finish */
	struct instance_change change;
};

struct noted_service {
	size_t key_at;
	uint32_t order;
	struct bytes key;
	struct service_change change;
};

/* The arrays grow like buffers: n elements of one type. */
struct changes {
	struct buf data;
	struct buf instances; /* struct noted_instance */
	struct buf services;  /* struct noted_service */
	size_t n_services;
	bool finished;
};

struct changes *changes_new(void)
{
	struct changes *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	buf_init(&c->data, BYTES_MAX);
	buf_init(&c->instances, BYTES_MAX);
	buf_init(&c->services, BYTES_MAX);
	return c;
}

void changes_free(struct changes *c)
{
	if (c == NULL)
		return;
	buf_fini(&c->data);
	buf_fini(&c->instances);
	buf_fini(&c->services);
	free(c);
}

void changes_clear(struct changes *c)
{
	buf_clear(&c->data);
	buf_clear(&c->instances);
	buf_clear(&c->services);
	c->n_services = 0;
	c->finished = false;
}

static struct noted_instance *instances_of(const struct changes *c)
{
	return (struct noted_instance *)(void *)c->instances.data;
}

static struct noted_service *services_of(const struct changes *c)
{
	return (struct noted_service *)(void *)c->services.data;
}

static size_t note(struct changes *c, struct bytes v)
{
	size_t at = c->data.len;

	buf_put_bytes(&c->data, v);
	return at;
}

void changes_add_instance(
	struct changes *c, struct bytes key, const struct instance_change *one)
{
	struct noted_instance i = {.key = key, .change = *one};

	if (c == NULL)
		return;
	assert(!c->finished);
	i.key_at = note(c, key);
	i.map_at = note(c, one->map);
	i.order = (uint32_t)(c->instances.len / sizeof(i));
	buf_put(&c->instances, &i, sizeof(i));
}

void changes_add_service(
	struct changes *c, struct bytes key, const struct service_change *one)
{
	struct noted_service s = {.key = key, .change = *one};

	if (c == NULL)
		return;
	assert(!c->finished);
	s.key_at = note(c, key);
	s.order = (uint32_t)(c->services.len / sizeof(s));
	buf_put(&c->services, &s, sizeof(s));
}

static int by_key(struct bytes a, uint32_t a_order, struct bytes b, uint32_t b_order)
{
	int order = bytes_cmp(a, b);

	return order != 0 ? order : a_order < b_order ? -1 : a_order > b_order;
}

static int compare_instances(const void *a, const void *b)
{
	const struct noted_instance *x = a, *y = b;

	return by_key(x->key, x->order, y->key, y->order);
}

static int compare_services(const void *a, const void *b)
{
	const struct noted_service *x = a, *y = b;

	return by_key(x->key, x->order, y->key, y->order);
}

/* Sorted by key, of each instance the last form. */
static size_t finish_instances(struct changes *c)
{
	struct noted_instance *all = instances_of(c);
	size_t n = c->instances.len / sizeof(*all), kept = 0;
	struct instance_key key;

	for (size_t i = 0; i < n; i++) {
		all[i].key.data = c->data.data + all[i].key_at;
		all[i].change.map.data = c->data.data + all[i].map_at;
	}
	if (n > 1)
		qsort(all, n, sizeof(*all), compare_instances);
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && bytes_eq(all[i].key, all[i + 1].key)) {
			all[i + 1].change.checks |= all[i].change.checks;
			continue;
		}
		all[kept] = all[i];
		key_split_instance(all[kept].key, &key);
		all[kept++].change.id = key.id;
	}
	return kept;
}

/* Sorted by key, one each: from where the first began to where the last ended. */
static size_t finish_services(struct changes *c)
{
	struct noted_service *all = services_of(c);
	size_t n = c->services.len / sizeof(*all), kept = 0;

	for (size_t i = 0; i < n; i++)
		all[i].key.data = c->data.data + all[i].key_at;
	if (n > 1)
		qsort(all, n, sizeof(*all), compare_services);
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && bytes_eq(all[i].key, all[i + 1].key)) {
			all[i + 1].change.from = all[i].change.from;
			continue;
		}
		all[kept] = all[i];
		key_split_service(all[kept].key, &all[kept].change.key);
		kept++;
	}
	return kept;
}

static bool belongs(const struct noted_instance *i, const struct noted_service *s)
{
	return i->key.len > s->key.len && bytes_has_prefix(i->key, s->key) &&
		i->key.data[s->key.len] == 0;
}

int changes_finish(struct changes *c)
{
	size_t n, next = 0;

	if (c->data.error != 0 || c->instances.error != 0 || c->services.error != 0)
		return SVCD_ENOMEM;
	if (c->finished)
		return 0;
	n = finish_instances(c);
	c->n_services = finish_services(c);
	for (size_t i = 0; i < c->n_services; i++) {
		struct noted_service *s = &services_of(c)[i];

		s->change.first = next;
		while (next < n && belongs(&instances_of(c)[next], s))
			next++;
		s->change.n = next - s->change.first;
	}
	assert(next == n);
	c->finished = true;
	return 0;
}

size_t changes_services(const struct changes *c)
{
	return c->n_services;
}

const struct service_change *changes_service(const struct changes *c, size_t i)
{
	assert(c->finished && i < c->n_services);
	return &services_of(c)[i].change;
}

const struct instance_change *changes_instance(const struct changes *c, size_t i)
{
	assert(c->finished && i < c->instances.len / sizeof(struct noted_instance));
	return &instances_of(c)[i].change;
}
