/* Service records in the memory of a batch. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/work.h"

static struct service_slot *take(struct catalog *c)
{
	struct service_slot *s = c->free_services;

	if (s != NULL)
		c->free_services = s->next;
	else
		s = malloc(sizeof(*s));
	if (s == NULL)
		c->nomem = true;
	return s;
}

static void give_back(struct catalog *c, struct service_slot *s)
{
	s->next = c->free_services;
	c->free_services = s;
}

static void init(struct service_slot *s, struct bytes key)
{
	*s = (struct service_slot){.event = EVENT_WHAT_COUNT};
	memcpy(s->key_data, key.data, key.len);
	s->key = bytes_of(s->key_data, key.len);
	key_split_service(s->key, &s->s.key);
}

static void load(struct catalog *c, struct service_slot *s)
{
	struct bytes record;

	s->exists = table_get(c->t, TABLE_SERVICE, s->key, &record);
	if (!s->exists)
		return;
	if (!service_decode(record, &s->s))
		c->t->error = SVCD_ECORRUPT;
	else
		slot_set_words(s, s->s.policy, s->s.owner);
}

struct service_slot *slot_get(struct catalog *c, const struct service_key *name)
{
	struct service_slot *s;
	struct key key;

	key_service(&key, name);
	s = map_get(&c->services, key_bytes(&key));
	if (s != NULL)
		return s;
	s = take(c);
	if (s == NULL)
		return NULL;
	init(s, key_bytes(&key));
	if (map_put(&c->services, s) != 0) {
		c->nomem = true;
		give_back(c, s);
		return NULL;
	}
	load(c, s);
	return s;
}

void slot_touch(struct catalog *c, struct service_slot *s)
{
	if (s->touched)
		return;
	s->touched = true;
	s->changed = false;
	s->touches = NULL;
	s->touches_end = &s->touches;
	s->next = NULL;
	*c->touched_end = s;
	c->touched_end = &s->next;
}

/* A service that was deleted may have left tombstones. */
static uint32_t count_vanished(struct catalog *c, const struct service_slot *s)
{
	struct bytes key, record;
	struct tombstone stone;
	struct key prefix;
	uint32_t n = 0;
	bool found;

	if (c->meta.totals.tombstones == 0)
		return 0;
	key_instances(&prefix, &s->s.key);
	found = prefix_first(c->t, TABLE_TOMBSTONE, key_bytes(&prefix), &key, &record);
	while (found) {
		if (!tombstone_decode(record, &stone))
			c->t->error = SVCD_ECORRUPT;
		else
			n += tombstone_vanished(&stone);
		found = prefix_next(
			c->t, TABLE_TOMBSTONE, key_bytes(&prefix), &key, &record);
	}
	return n;
}

void slot_create(struct catalog *c, struct service_slot *s)
{
	if (s->exists)
		return;
	s->s = (struct service){
		.key = s->s.key, .known_from = c->rev, .vanished = count_vanished(c, s)};
	s->exists = true;
	s->dirty = true;
	c->meta.totals.services++;
}

static struct bytes keep(uint8_t *to, size_t cap, struct bytes v)
{
	assert(v.len <= cap);
	if (v.len > 0)
		memmove(to, v.data, v.len);
	return bytes_of(to, v.len);
}

void slot_set_words(struct service_slot *s, struct bytes policy, struct bytes owner)
{
	s->s.policy = keep(s->policy, sizeof(s->policy), policy);
	s->s.owner = keep(s->owner, sizeof(s->owner), owner);
}

void slots_flush(struct catalog *c)
{
	struct service_slot *s;
	size_t cursor = 0;

	while ((s = map_next(&c->services, &cursor)) != NULL) {
		if (!s->dirty)
			continue;
		buf_clear(&c->encoded);
		service_encode(&c->encoded, &s->s);
		if (!s->exists)
			table_del(c->t, TABLE_SERVICE, s->key);
		else if (c->encoded.error == 0)
			table_put(c->t, TABLE_SERVICE, s->key, buf_bytes(&c->encoded));
		else
			c->nomem = true;
		s->dirty = false;
	}
}

static struct bytes key_of(const void *item)
{
	return ((const struct service_slot *)item)->key;
}

void slots_forget(struct catalog *c)
{
	struct service_slot *s;
	size_t cursor = 0;

	while ((s = map_next(&c->services, &cursor)) != NULL)
		give_back(c, s);
	map_fini(&c->services);
	map_init(&c->services, key_of);
}

void slots_fini(struct catalog *c)
{
	slots_forget(c);
	while (c->free_services != NULL) {
		struct service_slot *next = c->free_services->next;

		free(c->free_services);
		c->free_services = next;
	}
	map_fini(&c->services);
}
