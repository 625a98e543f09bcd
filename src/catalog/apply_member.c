/* Members of the cluster: their records, and an event for each change. */
#include "catalog/member.h"
#include "catalog/work.h"

static bool read_set(struct reader *r, struct member *m, struct bytes *reason)
{
	uint8_t flags;

	m->node = read_be64(r);
	flags = read_u8(r);
	m->standby = flags != 0;
	m->name = read_blob(r, LIMIT_NAME);
	m->peer = read_blob(r, LIMIT_MEMBER_ADDRESS);
	m->client = read_blob(r, LIMIT_MEMBER_ADDRESS);
	*reason = read_blob(r, LIMIT_REASON);
	return reader_done(r) && flags <= 1 && m->node != 0;
}

/* What the other records mean for a new one. */
struct others {
	const struct member *wanted;
	unsigned n;
	bool name_taken;
};

static bool look_at(void *arg, const struct member *m)
{
	struct others *o = arg;

	if (m->node == o->wanted->node)
		return true;
	o->n++;
	o->name_taken |= bytes_eq(m->name, o->wanted->name);
	return true;
}

static void write_member_event(struct catalog *c, enum event_what what,
	const struct member *m, struct bytes reason)
{
	struct event e = {
		.self = {c->rev, c->next_event++},
		.key.id = m->name,
		.what = what,
		.cause = CAUSE_MEMBER,
		.wall_ms = c->wall_ms,
		.actor = c->actor,
		.reason = reason,
	};

	buf_clear(&c->encoded);
	event_encode(&c->encoded, &e);
	if (c->encoded.error != 0)
		c->nomem = true;
	else
		work_put_event(c, e.self.n, buf_bytes(&c->encoded));
}

static bool same(const struct member *a, const struct member *b)
{
	return a->standby == b->standby && bytes_eq(a->name, b->name) &&
		bytes_eq(a->peer, b->peer) && bytes_eq(a->client, b->client);
}

static void write_member(struct catalog *c, const struct member *m)
{
	struct key key;

	key_u64(&key, m->node);
	buf_clear(&c->encoded);
	member_encode(&c->encoded, m);
	if (c->encoded.error != 0)
		c->nomem = true;
	else
		table_put(c->t, TABLE_NODE, key_bytes(&key), buf_bytes(&c->encoded));
}

int apply_member_set(struct catalog *c, struct reader *r)
{
	struct member m = {0}, now = {0};
	struct others others = {.wanted = &m};
	struct bytes reason;
	bool changed;

	if (!read_set(r, &m, &reason))
		return refuse_malformed(c);
	catalog_each_member(c->t, look_at, &others);
	if (others.name_taken)
		return err_set(&c->why, SVCD_ECONFLICT,
			"another member is called '" FMT_BYTES
			"': give this one a name of its own (member.name); when that one is "
			"gone for good, or is this one before it lost its data, remove it first",
			ARG_BYTES(m.name));
	if (others.n >= LIMIT_MEMBERS)
		return err_set(&c->why, SVCD_ELIMIT,
			"a cluster has at most %d members: remove one first",
			LIMIT_MEMBERS);
	changed = !catalog_get_member(c->t, m.node, &now) || !same(&m, &now);
	if (changed)
		write_member(c, &m);
	if (changed || reason.len > 0)
		write_member_event(c, EVENT_MEMBER, &m, reason);
	return 0;
}

int apply_member_remove(struct catalog *c, struct reader *r)
{
	uint64_t node = read_be64(r);
	struct bytes reason = read_blob(r, LIMIT_REASON);
	struct member m = {0};
	struct key key;

	if (!reader_done(r))
		return refuse_malformed(c);
	if (!catalog_get_member(c->t, node, &m))
		return 0;
	write_member_event(c, EVENT_MEMBER_REMOVED, &m, reason);
	key_u64(&key, node);
	table_del(c->t, TABLE_NODE, key_bytes(&key));
	return 0;
}
