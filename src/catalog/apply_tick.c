/*
 * What is due at the batch's time, a bounded part of it per tick.
 *
 * Entries of TABLE_DUE are exact: each belongs to a record that names the same time, and
 * goes when the record changes. Only a session's is put once and looks, when it fires,
 * how long the session was idle.
 */
#include "catalog/work.h"

struct due {
	struct bytes key, what; /* copies */
	enum due_kind kind;
	uint64_t time_ms;
};

struct due_list {
	struct due *items;
	size_t n;
};

static void collect(struct catalog *c, struct due_list *list)
{
	struct bytes at, nothing, copy;
	struct due one;
	bool found;

	list->n = 0;
	list->items = scratch_alloc(&c->scratch, WORK_SLICE * sizeof(*list->items));
	found = table_seek(c->t, TABLE_DUE, BYTES_NONE, false, &at, &nothing);
	while (found && list->items != NULL && list->n < WORK_SLICE) {
		copy = scratch_copy(&c->scratch, at);
		if (!key_split_due(copy, &one.time_ms, &one.kind, &one.what)) {
			c->t->error = SVCD_ECORRUPT;
			break;
		}
		if (one.time_ms > c->meta.time_ms)
			break;
		one.key = copy;
		list->items[list->n++] = one;
		found = table_next(c->t, TABLE_DUE, &at, &nothing);
	}
	if (c->scratch.failed)
		c->nomem = true;
}

static void end_admin(struct touch *t)
{
	struct instance_state *s = &t->now.state;
	bool drained = s->admin == ADMIN_DRAINING;

	s->admin = ADMIN_ENABLED;
	s->admin_self = false;
	s->admin_until_ms = 0;
	s->admin_actor = BYTES_NONE;
	s->admin_reason = BYTES_NONE;
	touch_change(t, CAUSE_TIMER, bytes_str("svcd"),
		drained ? bytes_str("the time for draining is over")
			: bytes_str("the time for maintenance is over"));
}

static void end_warming(struct touch *t)
{
	t->now.state.warming = false;
	t->now.state.warm_until_ms = 0;
	touch_change(t, CAUSE_WARMED, bytes_str("svcd"), bytes_str("slow start is over"));
}

static void instance_due(struct catalog *c, const struct due *due)
{
	struct instance_key name;
	struct touch *t = NULL;

	if (key_split_instance(due->what, &name))
		t = touch_get(c, &name);
	if (t == NULL || !t->live)
		return;
	if (due->kind == DUE_ADMIN && t->now.state.admin_until_ms == due->time_ms)
		end_admin(t);
	if (due->kind == DUE_WARM && t->now.state.warm_until_ms == due->time_ms)
		end_warming(t);
}

static bool has_tombstones(struct catalog *c, const struct service_slot *s)
{
	struct bytes key, record;
	struct key prefix;

	key_instances(&prefix, &s->s.key);
	return prefix_first(c->t, TABLE_TOMBSTONE, key_bytes(&prefix), &key, &record);
}

/* A service that nobody has set up lives as long as anybody remembers an instance of it.
 */
static void forget_service(struct catalog *c, struct service_slot *s)
{
	if (!s->exists || s->s.configured || s->s.count > 0 || has_tombstones(c, s))
		return;
	s->event = EVENT_SERVICE_DELETED;
}

static void forget_tombstone(struct catalog *c, const struct due *due)
{
	struct service_slot *s = NULL;
	struct tombstone stone;
	struct instance_key name;
	struct bytes record;

	if (!key_split_instance(due->what, &name) ||
		!table_get(c->t, TABLE_TOMBSTONE, due->what, &record))
		return;
	if (!tombstone_decode(record, &stone)) {
		c->t->error = SVCD_ECORRUPT;
		return;
	}
	table_del(c->t, TABLE_TOMBSTONE, due->what);
	c->meta.totals.tombstones--;
	s = slot_get(c, &(struct service_key){name.ns, name.service});
	if (s == NULL || !s->exists)
		return;
	if (s->s.known_from < stone.rev)
		s->s.known_from = stone.rev;
	s->s.vanished -= tombstone_vanished(&stone);
	s->dirty = true;
	slot_touch(c, s); /* a floor in percent may have become lower */
	forget_service(c, s);
}

static bool of_instance(const struct due *d)
{
	return d->kind == DUE_ADMIN || d->kind == DUE_WARM;
}

/* Copies of what commit would take back with the scratch memory. */
static void do_instances(struct catalog *c, const struct due_list *list)
{
	for (size_t i = 0; i < list->n && !c->nomem; i++) {
		if (of_instance(&list->items[i]))
			instance_due(c, &list->items[i]);
	}
}

static void do_others(struct catalog *c, const struct due_list *list)
{
	for (size_t i = 0; i < list->n && !c->nomem; i++) {
		const struct due *d = &list->items[i];

		if (of_instance(d))
			continue;
		table_del(c->t, TABLE_DUE, d->key);
		if (d->kind == DUE_TOMBSTONE)
			forget_tombstone(c, d);
		else
			session_expire(c, d->what);
	}
}

int apply_tick(struct catalog *c, struct reader *r)
{
	struct due_list list;

	if (!reader_done(r))
		return refuse_malformed(c);
	collect(c, &list);
	do_others(c, &list);
	do_instances(c, &list);
	return 0;
}
