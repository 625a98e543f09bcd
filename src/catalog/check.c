/*
 * Every derived value recomputed from the records, and compared. Independent of settle.c
 * and commit.c: nothing here relies on counters.
 */
#include <inttypes.h>

#include "catalog/effective.h"
#include "catalog/member.h"
#include "catalog/read.h"
#include "catalog/spec.h"

struct check_run {
	struct tables *t;
	struct err *e;
	bool failed, nomem;
	struct meta meta;
	struct catalog_totals found;
	uint64_t items, dues;  /* that must exist */
	struct buf seen;       /* one map */
	struct buf candidates; /* struct candidate, of one service */
	struct buf states;     /* enum effective_state, of the same instances */
};

static void fault(struct check_run *c, const char *what, struct bytes key)
{
	char name[TABLE_KEY_MAX + 1];
	size_t len = key.len < TABLE_KEY_MAX ? key.len : TABLE_KEY_MAX;

	for (size_t i = 0; i < len; i++)
		name[i] = key.data[i] == 0 ? '/' : (char)key.data[i];
	name[len] = '\0';
	c->failed = true;
	err_set(c->e, SVCD_ECORRUPT, "%s: %s", name, what);
}

static void expect(struct check_run *c, bool truth, const char *what, struct bytes key)
{
	if (!truth && !c->failed)
		fault(c, what, key);
}

static void expect_number(
	struct check_run *c, uint64_t found, uint64_t noted, const char *what)
{
	if (found == noted || c->failed)
		return;
	c->failed = true;
	err_set(c->e, SVCD_ECORRUPT, "%s: %" PRIu64 " found, %" PRIu64 " noted", what,
		found, noted);
}

static bool has(struct check_run *c, enum table table, const struct key *key)
{
	struct bytes value;

	return table_get(c->t, table, key_bytes(key), &value);
}

static void expect_due(
	struct check_run *c, uint64_t time_ms, enum due_kind kind, struct bytes what)
{
	struct key due;

	key_due(&due, time_ms, kind, what);
	expect(c, has(c, TABLE_DUE, &due), "no entry in the table of due things", what);
	c->dues++;
}

static void check_lease_of(
	struct check_run *c, const struct instance_state *s, struct bytes key)
{
	struct key item, lease;

	if (s->lease == 0 || s->life != LIFE_REGISTERED)
		return;
	key_lease_item(&item, s->lease, key);
	key_u64(&lease, s->lease);
	expect(c, has(c, TABLE_LEASE_ITEM, &item), "not an item of its lease", key);
	expect(c, has(c, TABLE_LEASE, &lease), "its lease is not there", key);
	c->items++;
}

static void check_times_of(
	struct check_run *c, const struct instance_state *s, struct bytes key)
{
	expect(c, s->warming == (s->effective == EFFECTIVE_WARM), "warming but not warm",
		key);
	expect(c, s->warming == (s->warm_until_ms != 0), "warming without an end", key);
	expect(c, s->admin != ADMIN_ENABLED || s->admin_until_ms == 0,
		"enabled until a time", key);
	if (s->warm_until_ms != 0)
		expect_due(c, s->warm_until_ms, DUE_WARM, key);
	if (s->admin_until_ms != 0)
		expect_due(c, s->admin_until_ms, DUE_ADMIN, key);
}

static void check_last_event(
	struct check_run *c, const struct instance *i, struct bytes key)
{
	const struct instance_state *s = &i->state;
	struct event e;

	/* It may have left the ring. */
	if (!read_event(c->t, (struct event_ref){s->rev, s->event_n}, &e))
		return;
	expect(c,
		bytes_eq(e.key.ns, i->key.ns) &&
			bytes_eq(e.key.service, i->key.service) &&
			bytes_eq(e.key.id, i->key.id),
		"its last event is another instance's", key);
	expect(c, e.cause == s->cause, "its last event has another cause", key);
	expect(c,
		e.to.effective == s->effective && e.to.health == s->health &&
			e.to.admin == s->admin,
		"its last event ends in another state", key);
}

static void check_instance(
	struct check_run *c, const struct instance *i, struct bytes key)
{
	const struct instance_state *s = &i->state;
	struct key tomb = {.len = 0};

	expect(c, s->incarnation > 0 && s->incarnation <= s->rev && s->rev <= c->meta.rev,
		"revisions out of order", key);
	expect(c,
		s->incarnation <= s->health_rev && s->health_rev <= s->rev &&
			s->expired_rev <= s->rev,
		"a state from another time", key);
	expect(c, s->has_checks || s->health == HEALTH_PASSING,
		"not passing without checks", key);
	expect(c, (s->life == LIFE_EXPIRED) == (s->expired_rev != 0),
		"expired without a revision", key);
	expect(c, s->life == LIFE_REGISTERED || s->effective == EFFECTIVE_PENDING,
		"expired but not pending", key);
	expect(c, i->spec_n <= SPEC_PARTS, "too many entries in the spec", key);
	key_instance(&tomb, &i->key);
	expect(c, !has(c, TABLE_TOMBSTONE, &tomb), "registered and removed at once", key);
	check_lease_of(c, s, key);
	check_times_of(c, s, key);
	check_last_event(c, i, key);
}

static void note_candidate(
	struct check_run *c, const struct instance_state *s, uint32_t order)
{
	struct candidate one = {
		.failed_rev = effective_failed_rev(s),
		.order = order,
	};

	buf_put(&c->candidates, &one, sizeof(one));
}

/* Counts the instance in s, as if nothing were known. */
static void count_instance(
	struct check_run *c, struct service *s, const struct instance *i)
{
	enum base_state base = effective_base(&i->state);
	enum effective_state state = i->state.effective;

	buf_clear(&c->seen);
	seen_encode(&c->seen, i);
	s->digest += seen_hash(buf_bytes(&c->seen));
	if (base == BASE_FAILED) {
		note_candidate(c, &i->state, s->count);
		s->failed++;
	}
	buf_put(&c->states, &state, sizeof(state));
	c->nomem |= c->seen.error != 0 || c->states.error != 0 ||
		c->candidates.error != 0;
	s->count++;
	s->by_effective[state]++;
	if (i->state.rev > s->rev)
		s->rev = i->state.rev;
}

static void check_base(
	struct check_run *c, const struct instance_state *s, struct bytes key)
{
	static const enum effective_state wanted[] = {
		[BASE_DRAIN] = EFFECTIVE_DRAIN, [BASE_DOWN] = EFFECTIVE_DOWN};
	enum base_state base = effective_base(s);

	if (base == BASE_UP)
		expect(c, s->effective == EFFECTIVE_UP || s->effective == EFFECTIVE_WARM,
			"not up", key);
	else if (base != BASE_FAILED)
		expect(c, s->effective == wanted[base], "in another effective state",
			key);
}

/* Are those pending that the floor says? */
static void check_floor(struct check_run *c, const struct service *noted,
	const struct service *found, struct bytes key)
{
	struct candidate *all = (struct candidate *)(void *)c->candidates.data;
	const enum effective_state *states =
		(const enum effective_state *)(void *)c->states.data;
	uint32_t up = found->by_effective[EFFECTIVE_UP] +
		found->by_effective[EFFECTIVE_WARM];

	if (c->nomem)
		return;
	floor_choose(noted, found->count + found->vanished, up, all, found->failed);
	for (uint32_t i = 0; i < found->failed; i++)
		expect(c,
			states[all[i].order] ==
				(all[i].held ? EFFECTIVE_PENDING : EFFECTIVE_DOWN),
			"the floor holds others", key);
}

static uint32_t count_vanished(struct check_run *c, const struct service_key *service)
{
	struct bytes key, record;
	struct tombstone s;
	struct key prefix;
	uint32_t n = 0;
	bool found;

	key_instances(&prefix, service);
	found = prefix_first(c->t, TABLE_TOMBSTONE, key_bytes(&prefix), &key, &record);
	while (found && read_or_corrupt(c->t, tombstone_decode(record, &s))) {
		n += s.cause == CAUSE_LEASE_EXPIRED;
		found = prefix_next(
			c->t, TABLE_TOMBSTONE, key_bytes(&prefix), &key, &record);
	}
	return n;
}

static void compare_service(struct check_run *c, const struct service *noted,
	const struct service *found, struct bytes key)
{
	expect_number(c, found->count, noted->count, "instances of a service");
	expect_number(c, found->failed, noted->failed, "failed instances of a service");
	expect_number(
		c, found->vanished, noted->vanished, "vanished instances of a service");
	for (int i = 0; i < EFFECTIVE_COUNT; i++)
		expect_number(c, found->by_effective[i], noted->by_effective[i],
			effective_name((enum effective_state)i));
	expect(c, found->digest == noted->digest, "digest differs", key);
	expect(c, found->rev <= noted->rev && noted->rev <= c->meta.rev,
		"the service's revision is not its instances' latest", key);
	expect(c, noted->known_from <= noted->rev, "known from later than it is", key);
}

static void check_service(
	struct check_run *c, const struct service *noted, struct bytes service_key)
{
	struct service found = {0};
	struct bytes key, record;
	struct instance i;
	struct key prefix;
	bool more;

	buf_clear(&c->candidates);
	buf_clear(&c->states);
	key_instances(&prefix, &noted->key);
	more = prefix_first(c->t, TABLE_INSTANCE, key_bytes(&prefix), &key, &record);
	while (more && !c->failed && read_instance(c->t, key, record, &i)) {
		check_instance(c, &i, key);
		check_base(c, &i.state, key);
		count_instance(c, &found, &i);
		more = prefix_next(
			c->t, TABLE_INSTANCE, key_bytes(&prefix), &key, &record);
	}
	found.vanished = count_vanished(c, &noted->key);
	check_floor(c, noted, &found, service_key);
	compare_service(c, noted, &found, service_key);
	c->found.services++;
	c->found.instances += found.count;
	for (int k = 0; k < EFFECTIVE_COUNT; k++)
		c->found.by_effective[k] += found.by_effective[k];
}

static void visit_service(struct check_run *c, struct bytes key, struct bytes record)
{
	struct service s;

	if (read_or_corrupt(
		    c->t, key_split_service(key, &s.key) && service_decode(record, &s)))
		check_service(c, &s, key);
}

static void visit_tombstone(struct check_run *c, struct bytes key, struct bytes record)
{
	struct tombstone s;

	if (!read_or_corrupt(c->t, tombstone_decode(record, &s)))
		return;
	expect(c, s.incarnation <= s.rev && s.rev <= c->meta.rev, "removed in the future",
		key);
	expect_due(c, s.due_ms, DUE_TOMBSTONE, key);
	c->found.tombstones++;
}

static void visit_lease(struct check_run *c, struct bytes key, struct bytes record)
{
	struct lease l;

	if (read_or_corrupt(c->t, key.len == 8 && lease_decode(record, &l)))
		expect(c, get_be64(key.data) <= c->meta.rev, "a lease from the future",
			bytes_str("lease"));
	c->found.leases++;
}

static void visit_event(struct check_run *c, struct bytes key, struct bytes record)
{
	struct event_ref self = {0};
	struct event e;

	if (read_or_corrupt(c->t, key_split_event(key, &self.rev, &self.n)) &&
		read_or_corrupt(c->t, event_decode(record, self, &e)))
		expect(c, self.rev <= c->meta.rev, "an event from the future", e.key.id);
	c->found.events++;
	c->found.event_bytes += key.len + record.len;
}

static void visit_member(struct check_run *c, struct bytes key, struct bytes record)
{
	struct member m;

	(void)read_or_corrupt(c->t, key.len == 8 && member_decode(record, &m));
}

static void visit_session(struct check_run *c, struct bytes key, struct bytes record)
{
	struct session_head head;
	struct memory m;
	unsigned n = 0;

	if (!read_or_corrupt(c->t, key.len == 8 && session_decode(record, &head)))
		return;
	while (session_next(&head.memories, &m)) {
		expect(c, m.seq <= head.top, "a sequence number above the highest",
			bytes_str("session"));
		n++;
	}
	expect(c, head.memories.len == 0 && n == head.n && n <= 2 * LIMIT_SESSION_WINDOW,
		"its memory", bytes_str("session"));
}

static uint64_t walk(struct check_run *c, enum table table,
	void (*visit)(struct check_run *c, struct bytes key, struct bytes record))
{
	struct bytes key, record;
	uint64_t n = 0;
	bool found = table_seek(c->t, table, BYTES_NONE, false, &key, &record);

	while (found && !c->failed) {
		n++;
		if (visit != NULL)
			visit(c, key, record);
		found = table_next(c->t, table, &key, &record);
	}
	return n;
}

static void compare_totals(struct check_run *c)
{
	const struct catalog_totals *found = &c->found, *noted = &c->meta.totals;

	expect_number(c, found->services, noted->services, "services");
	expect_number(c, found->instances, noted->instances, "instances");
	expect_number(c, found->leases, noted->leases, "leases");
	expect_number(c, found->tombstones, noted->tombstones, "tombstones");
	expect_number(c, found->events, noted->events, "events");
	expect_number(c, found->event_bytes, noted->event_bytes, "bytes of events");
	for (int i = 0; i < EFFECTIVE_COUNT; i++)
		expect_number(c, found->by_effective[i], noted->by_effective[i],
			effective_name((enum effective_state)i));
}

static void check_all(struct check_run *c)
{
	uint64_t sessions;

	meta_load(c->t, &c->meta);
	walk(c, TABLE_SERVICE, visit_service);
	walk(c, TABLE_TOMBSTONE, visit_tombstone);
	walk(c, TABLE_LEASE, visit_lease);
	walk(c, TABLE_EVENT, visit_event);
	walk(c, TABLE_NODE, visit_member);
	sessions = walk(c, TABLE_SESSION, visit_session);
	compare_totals(c);
	expect_number(c, sessions, c->meta.sessions, "sessions");
	expect_number(c, walk(c, TABLE_INSTANCE, NULL), c->found.instances,
		"instances of all services");
	expect_number(c, walk(c, TABLE_LEASE_ITEM, NULL), c->items, "items of leases");
	expect_number(c, walk(c, TABLE_DUE, NULL), c->dues + sessions, "due things");
}

int catalog_check(struct tables *t, struct err *e)
{
	struct check_run c = {.t = t, .e = e};
	int rv = 0;

	check_all(&c);
	if (c.nomem)
		rv = err_set(e, SVCD_ENOMEM, "%s", err_text(SVCD_ENOMEM));
	else if (t->error != 0)
		rv = err_set(e, t->error, "a record is damaged or cannot be read");
	else if (c.failed)
		rv = SVCD_ECORRUPT;
	buf_fini(&c.seen);
	buf_fini(&c.candidates);
	buf_fini(&c.states);
	return rv;
}
