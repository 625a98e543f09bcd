/* The instances that a command looks at. */
#include <inttypes.h>
#include <string.h>

#include "catalog/effective.h"
#include "catalog/work.h"

#define LINEAR_MAX 8 /* up to so many a walk is cheaper than hashing */

static struct bytes key_of(const void *item)
{
	return ((const struct touch *)item)->key;
}

size_t touches_count(const struct catalog *c)
{
	return c->touches.len / sizeof(struct touch *);
}

struct touch *touches_at(const struct catalog *c, size_t i)
{
	return ((struct touch *const *)(const void *)c->touches.data)[i];
}

struct touch *touch_find(struct catalog *c, struct bytes key)
{
	size_t n = touches_count(c);

	if (n > LINEAR_MAX)
		return map_get(&c->touch_map, key);
	for (size_t i = 0; i < n; i++) {
		if (bytes_eq(touches_at(c, i)->key, key))
			return touches_at(c, i);
	}
	return NULL;
}

/* Into the array, and into the map when they become many. */
static void list(struct catalog *c, struct touch *t)
{
	size_t n, first;

	buf_put(&c->touches, &t, sizeof(t));
	if (c->touches.error != 0) {
		c->nomem = true;
		return;
	}
	n = touches_count(c);
	if (n <= LINEAR_MAX)
		return;
	if (n == LINEAR_MAX + 1)
		map_init(&c->touch_map, key_of);
	for (first = n == LINEAR_MAX + 1 ? 0 : n - 1; first < n; first++) {
		if (map_put(&c->touch_map, touches_at(c, first)) != 0)
			c->nomem = true;
	}
}

/* Of an instance of a known service, or of one that may become known. */
static struct touch *add(struct catalog *c, struct bytes key, struct service_slot *slot)
{
	struct touch *t = scratch_alloc(&c->scratch, sizeof(*t));

	if (t == NULL) {
		c->nomem = true;
		return NULL;
	}
	*t = (struct touch){.key = scratch_copy(&c->scratch, key), .slot = slot};
	if (t->key.len == 0) {
		c->nomem = true;
		return NULL;
	}
	key_split_instance(t->key, &t->old.key);
	t->now.key = t->old.key;
	slot_touch(c, slot);
	*slot->touches_end = t;
	slot->touches_end = &t->next;
	list(c, t);
	return c->nomem ? NULL : t;
}

static void load(struct catalog *c, struct touch *t, struct bytes record)
{
	if (!instance_decode(record, &t->old)) {
		c->t->error = SVCD_ECORRUPT;
		return;
	}
	t->existed = true;
	t->live = true;
	t->now = t->old;
}

struct touch *touch_get(struct catalog *c, const struct instance_key *name)
{
	struct service_slot *slot;
	struct bytes record;
	struct touch *t;
	struct key key;

	key_instance(&key, name);
	t = touch_find(c, key_bytes(&key));
	if (t != NULL)
		return t;
	slot = slot_get(c, &(struct service_key){name->ns, name->service});
	if (slot == NULL)
		return NULL;
	t = add(c, key_bytes(&key), slot);
	if (t == NULL)
		return NULL;
	/* An unknown service has no instances: that look is spared. */
	if (slot->exists && table_get(c->t, TABLE_INSTANCE, t->key, &record))
		load(c, t, record);
	return c->t->error == 0 ? t : NULL;
}

struct touch *touch_loaded(struct catalog *c, struct bytes key, struct bytes record)
{
	struct service_slot *slot;
	struct instance_key name;
	struct touch *t;

	if (!key_split_instance(key, &name)) {
		c->t->error = SVCD_ECORRUPT;
		return NULL;
	}
	slot = slot_get(c, &(struct service_key){name.ns, name.service});
	t = slot != NULL ? add(c, key, slot) : NULL;
	if (t != NULL)
		load(c, t, record);
	return c->t->error == 0 ? t : NULL;
}

void touch_load_tombstone(struct catalog *c, struct touch *t)
{
	struct bytes record;

	if (c->meta.totals.tombstones == 0 || t->tombstone.incarnation != 0)
		return;
	if (table_get(c->t, TABLE_TOMBSTONE, t->key, &record) &&
		!tombstone_decode(record, &t->tombstone))
		c->t->error = SVCD_ECORRUPT;
}

void touch_change(
	struct touch *t, enum cause_kind cause, struct bytes actor, struct bytes reason)
{
	if (t->changed)
		return;
	t->changed = true;
	t->cause = cause;
	t->actor = actor;
	t->reason = reason;
}

void touch_end(
	struct catalog *c, struct touch *t, enum cause_kind cause, struct bytes reason)
{
	touch_change(t, cause, c->actor, reason);
	if (cause != CAUSE_LEASE_EXPIRED) {
		t->live = false;
		return;
	}
	t->now.state.life = LIFE_EXPIRED;
	t->now.state.expired_rev = c->rev;
}

int refuse_missing(struct catalog *c, struct touch *t)
{
	const struct tombstone *s = &t->tombstone;
	const struct instance_key *key = &t->now.key;

	touch_load_tombstone(c, t);
	if (s->incarnation == 0)
		return err_set(&c->why, SVCD_ENOINSTANCE,
			"no instance '" FMT_BYTES "' of service '" FMT_BYTES "'",
			ARG_BYTES(key->id), ARG_BYTES(key->service));
	return err_set(&c->why, SVCD_EGONE,
		"'" FMT_BYTES "' of service '" FMT_BYTES
		"' was removed at revision %" PRIu64 ": %s by " FMT_BYTES,
		ARG_BYTES(key->id), ARG_BYTES(key->service), s->rev, cause_name(s->cause),
		ARG_BYTES(s->actor));
}

int refuse_malformed(struct catalog *c)
{
	return err_set(&c->why, SVCD_EPROTOCOL, "malformed command");
}
