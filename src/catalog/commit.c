/*
 * Writing what a command changed: first everything is encoded, which still reads the
 * tables, then everything is put. Counters, digests and the service's revision move with
 * it.
 */
#include "catalog/effective.h"
#include "catalog/spec.h"
#include "catalog/work.h"

static bool dead(const struct catalog *c)
{
	return c->nomem || c->t->error != 0;
}

static struct bytes part(const struct catalog *c, size_t at, size_t len)
{
	return len > 0 ? bytes_of(c->encoded.data + at, len) : BYTES_NONE;
}

/* Is there an entry of TABLE_LEASE_ITEM for an instance in this state? */
static uint64_t item_of(const struct instance_state *s)
{
	return s->life == LIFE_REGISTERED ? s->lease : 0;
}

static void count_state(struct catalog *c, struct service *s,
	const struct instance_state *i, uint32_t one)
{
	uint64_t wide = (uint64_t)(int64_t)(int32_t)one;

	s->count += one;
	s->failed += effective_base(i) == BASE_FAILED ? one : 0;
	s->by_effective[i->effective] += one;
	c->meta.totals.instances += wide;
	c->meta.totals.by_effective[i->effective] += wide;
}

/* The map as clients see it, in c->map. */
static struct bytes seen(struct catalog *c, const struct instance *i)
{
	buf_clear(&c->map);
	seen_encode(&c->map, i);
	if (c->map.error != 0)
		c->nomem = true;
	return buf_bytes(&c->map);
}

static void count_touch(struct catalog *c, struct touch *t)
{
	struct instance_change change = {
		.gone = !t->live,
		.checks = t->old.checks.len > 0 || t->now.checks.len > 0,
		.incarnation = t->now.state.incarnation,
		.cause = t->cause,
	};
	struct service *s = &t->slot->s;

	if (t->existed) {
		count_state(c, s, &t->old.state, (uint32_t)-1);
		s->digest -= seen_hash(seen(c, &t->old));
	}
	s->vanished -= tombstone_vanished(&t->tombstone);
	if (t->live) {
		count_state(c, s, &t->now.state, 1);
		change.map = seen(c, &t->now);
		s->digest += seen_hash(change.map);
	} else if (t->cause == CAUSE_LEASE_EXPIRED) {
		s->vanished++;
	}
	changes_add_instance(c->changes, t->key, &change);
}

static struct event_states states_of(const struct instance_state *s)
{
	return (struct event_states){s->admin, s->health, s->effective};
}

static enum event_what what_of(const struct touch *t)
{
	if (!t->live)
		return EVENT_REMOVED;
	if (!t->existed || t->restart)
		return EVENT_REGISTERED;
	return t->old.state.effective != t->now.state.effective ? EVENT_STATE
								: EVENT_UPDATED;
}

static struct event_ref previous_of(const struct touch *t)
{
	if (t->existed)
		return (struct event_ref){t->old.state.rev, t->old.state.event_n};
	return (struct event_ref){t->tombstone.rev, t->tombstone.event_n};
}

/* Appends the event and makes it the service's last. */
static void encode_event(struct catalog *c, struct service_slot *slot, struct event *e)
{
	struct service *s = &slot->s;

	e->self = (struct event_ref){c->rev, c->next_event++};
	e->wall_ms = c->wall_ms;
	if (s->rev != 0)
		e->prev_of_service = (struct event_ref){s->rev, s->event_n};
	event_encode(&c->encoded, e);
	s->rev = c->rev;
	s->event_n = e->self.n;
	slot->dirty = true;
	slot->changed = true;
}

static void encode_touch_event(struct catalog *c, struct touch *t)
{
	const struct instance_state *now = &t->now.state;
	struct event e = {
		.key = t->now.key,
		.what = what_of(t),
		.cause = t->cause,
		.to = states_of(now),
		.incarnation = now->incarnation,
		.prev_of_instance = previous_of(t),
		.actor = t->actor,
		.reason = t->reason,
	};

	e.from = t->existed ? states_of(&t->old.state) : e.to;
	if (!t->live)
		e.to.effective = EFFECTIVE_DOWN;
	t->event_at = c->encoded.len;
	encode_event(c, t->slot, &e);
	t->event_len = c->encoded.len - t->event_at;
}

static void encode_tombstone(struct catalog *c, const struct touch *t)
{
	struct tombstone s = {
		.incarnation = t->now.state.incarnation,
		.rev = c->rev,
		.event_n = t->now.state.event_n,
		.wall_ms = c->wall_ms,
		.due_ms = c->meta.time_ms + c->options.tombstone_ms,
		.cause = t->cause,
		.actor = t->actor,
		.reason = t->reason,
	};

	tombstone_encode(&c->encoded, &s);
}

static void encode_touch(struct catalog *c, struct touch *t)
{
	struct instance_state *now = &t->now.state;

	now->rev = c->rev;
	now->event_n = c->next_event;
	if (!t->existed || t->restart || now->effective != t->old.state.effective)
		now->since_wall_ms = c->wall_ms;
	now->cause = t->cause;
	now->actor = t->actor;
	now->reason = t->reason;
	encode_touch_event(c, t);
	t->record_at = c->encoded.len;
	if (t->live)
		instance_encode(&c->encoded, &t->now);
	else
		encode_tombstone(c, t);
	t->record_len = c->encoded.len - t->record_at;
	count_touch(c, t);
}

static void write_due(struct catalog *c, enum due_kind kind, struct bytes what,
	uint64_t old_ms, uint64_t new_ms)
{
	struct key due;

	if (old_ms == new_ms)
		return;
	if (old_ms != 0) {
		key_due(&due, old_ms, kind, what);
		table_del(c->t, TABLE_DUE, key_bytes(&due));
	}
	if (new_ms != 0) {
		key_due(&due, new_ms, kind, what);
		table_put(c->t, TABLE_DUE, key_bytes(&due), BYTES_NONE);
	}
}

static void write_item(struct catalog *c, struct bytes what, uint64_t old, uint64_t now)
{
	struct key item;

	if (old == now)
		return;
	if (old != 0) {
		key_lease_item(&item, old, what);
		table_del(c->t, TABLE_LEASE_ITEM, key_bytes(&item));
	}
	if (now != 0) {
		key_lease_item(&item, now, what);
		table_put(c->t, TABLE_LEASE_ITEM, key_bytes(&item), BYTES_NONE);
	}
}

static void write_tombstone(struct catalog *c, struct touch *t)
{
	bool was = t->tombstone.incarnation != 0;
	uint64_t due_ms = t->live ? 0 : c->meta.time_ms + c->options.tombstone_ms;

	write_due(c, DUE_TOMBSTONE, t->key, t->tombstone.due_ms, due_ms);
	if (!t->live)
		table_put(c->t, TABLE_TOMBSTONE, t->key,
			part(c, t->record_at, t->record_len));
	else if (was)
		table_del(c->t, TABLE_TOMBSTONE, t->key);
	c->meta.totals.tombstones += (uint64_t)!t->live - was;
}

void work_put_event(struct catalog *c, uint32_t n, struct bytes record)
{
	struct key key;

	key_event(&key, c->rev, n);
	table_put(c->t, TABLE_EVENT, key_bytes(&key), record);
	c->meta.totals.events++;
	c->meta.totals.event_bytes += key.len + record.len;
}

static void write_touch(struct catalog *c, struct touch *t)
{
	static const struct instance_state none;
	const struct instance_state *old = t->existed ? &t->old.state : &none;
	const struct instance_state *now = t->live ? &t->now.state : &none;

	if (t->live)
		table_put(c->t, TABLE_INSTANCE, t->key,
			part(c, t->record_at, t->record_len));
	else
		table_del(c->t, TABLE_INSTANCE, t->key);
	write_item(c, t->key, item_of(old), item_of(now));
	write_due(c, DUE_ADMIN, t->key, old->admin_until_ms, now->admin_until_ms);
	write_due(c, DUE_WARM, t->key, old->warm_until_ms, now->warm_until_ms);
	write_tombstone(c, t);
	work_put_event(c, t->now.state.event_n, part(c, t->event_at, t->event_len));
}

static bool worth_writing(const struct touch *t)
{
	return t->changed && (t->existed || t->live);
}

static void tell_service(
	struct catalog *c, const struct service_slot *slot, uint64_t from)
{
	const struct service *s = &slot->s;
	struct service_change change = {
		.from = from,
		.rev = s->rev,
		.digest = s->digest,
		.count = s->count,
		.usable = s->by_effective[EFFECTIVE_UP] +
			s->by_effective[EFFECTIVE_WARM] +
			s->by_effective[EFFECTIVE_PENDING],
		.deleted = slot->event == EVENT_SERVICE_DELETED,
	};

	changes_add_service(c->changes, slot->key, &change);
}

static void event_of_service(struct catalog *c, struct service_slot *s)
{
	bool deleted = s->event == EVENT_SERVICE_DELETED, by_itself = c->actor.len == 0;
	struct event e = {
		.key = {s->s.key.ns, s->s.key.service, BYTES_NONE},
		.what = s->event,
		.cause = by_itself ? CAUSE_TIMER : CAUSE_SERVICE,
		.actor = by_itself ? bytes_str("svcd") : c->actor,
		.reason = by_itself ? bytes_str("nobody was registered for long")
				    : BYTES_NONE,
	};
	size_t at = c->encoded.len;

	encode_event(c, s, &e);
	if (c->encoded.error != 0)
		c->nomem = true;
	else
		work_put_event(c, e.self.n, part(c, at, c->encoded.len - at));
	if (!deleted)
		return;
	s->exists = false;
	c->meta.totals.services--;
}

/* All of one service's touches; those of other services stay for their turn. */
static void encode_service(struct catalog *c, struct service_slot *s)
{
	for (struct touch *t = s->touches; t != NULL; t = t->next) {
		if (!worth_writing(t))
			continue;
		slot_create(c, s);
		encode_touch(c, t);
	}
}

static void write_service(struct catalog *c, struct service_slot *s, uint64_t from)
{
	if (s->event != EVENT_WHAT_COUNT)
		event_of_service(c, s);
	for (struct touch *t = s->touches; t != NULL; t = t->next) {
		if (worth_writing(t))
			write_touch(c, t);
	}
	if (s->changed)
		tell_service(c, s, from);
}

void work_reset(struct catalog *c)
{
	for (struct service_slot *s = c->touched; s != NULL; s = s->next) {
		s->touched = false;
		s->touches = NULL;
		s->event = EVENT_WHAT_COUNT;
	}
	c->touched = NULL;
	c->touched_end = &c->touched;
	if (c->touch_map.slots != NULL)
		map_fini(&c->touch_map);
	buf_clear(&c->touches);
	scratch_reset(&c->scratch);
}

static uint64_t *revisions_before(struct catalog *c)
{
	uint64_t *from;
	size_t n = 0;

	for (struct service_slot *s = c->touched; s != NULL; s = s->next)
		n++;
	from = scratch_alloc(&c->scratch, n * sizeof(*from));
	n = 0;
	for (struct service_slot *s = c->touched; s != NULL && from != NULL; s = s->next)
		from[n++] = s->s.rev;
	return from;
}

void work_commit(struct catalog *c)
{
	uint64_t *from;
	size_t i = 0;

	for (struct service_slot *s = c->touched; s != NULL && !dead(c); s = s->next)
		settle_service(c, s);
	from = revisions_before(c);
	if (from == NULL)
		c->nomem = true;
	buf_clear(&c->encoded);
	for (struct service_slot *s = c->touched; s != NULL && !dead(c); s = s->next)
		encode_service(c, s);
	if (c->encoded.error != 0)
		c->nomem = true;
	for (struct service_slot *s = c->touched; s != NULL && !dead(c); s = s->next)
		write_service(c, s, from[i++]);
	work_reset(c);
}
