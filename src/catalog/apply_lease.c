/* Leases: granting them, and ending them with all that they hold. */
#include <inttypes.h>

#include "catalog/work.h"

struct grant {
	uint64_t ttl_ms;
	bool drop_on_close;
};

static bool read_grant(struct reader *r, struct grant *out)
{
	out->ttl_ms = read_varint_max(r, LEASE_TTL_MAX_MS);
	out->drop_on_close = read_u8(r) != 0;
	return reader_done(r) && out->ttl_ms >= LEASE_TTL_MIN_MS;
}

static void answer_grant(struct catalog *c, const struct grant *g, uint64_t lease)
{
	c->out->value = lease;
	c->out->ttl_ms = g->ttl_ms;
	c->out->drop_on_close = g->drop_on_close;
}

int apply_lease_grant(struct catalog *c, struct reader *r)
{
	struct lease lease = {
		.id = c->rev, .granted_wall_ms = c->wall_ms, .owner = c->actor};
	struct grant g;
	struct key key;

	if (!read_grant(r, &g))
		return refuse_malformed(c);
	lease.ttl_ms = g.ttl_ms;
	lease.drop_on_close = g.drop_on_close;
	buf_clear(&c->encoded);
	lease_encode(&c->encoded, &lease);
	if (c->encoded.error != 0)
		c->nomem = true;
	key_u64(&key, lease.id);
	table_put(c->t, TABLE_LEASE, key_bytes(&key), buf_bytes(&c->encoded));
	c->meta.totals.leases++;
	c->known_lease = lease.id;
	answer_grant(c, &g, lease.id);
	return 0;
}

void repeat_lease_grant(struct catalog *c, struct reader *r)
{
	struct grant g;

	if (read_grant(r, &g))
		answer_grant(c, &g, c->out->value);
}

/* One of a lease's instances; an item without its instance is damage. */
static void end_item(
	struct catalog *c, uint64_t lease, struct bytes item, enum cause_kind cause)
{
	struct instance_key name;
	struct touch *t;

	if (!key_split_instance(bytes_of(item.data + 8, item.len - 8), &name)) {
		c->t->error = SVCD_ECORRUPT;
		return;
	}
	t = touch_get(c, &name);
	if (t == NULL)
		return;
	if (!t->live || t->now.state.lease != lease ||
		t->now.state.life != LIFE_REGISTERED)
		c->t->error = SVCD_ECORRUPT;
	touch_end(c, t, cause, BYTES_NONE);
}

/* Up to WORK_SLICE of its instances, each of which loses its item; their number. */
static size_t end_slice(
	struct catalog *c, uint64_t lease, struct bytes prefix, enum cause_kind cause)
{
	struct bytes item, nothing;
	size_t n = 0;
	bool found;

	found = prefix_first(c->t, TABLE_LEASE_ITEM, prefix, &item, &nothing);
	while (found && n < WORK_SLICE && !c->nomem) {
		end_item(c, lease, item, cause);
		n++;
		found = prefix_next(c->t, TABLE_LEASE_ITEM, prefix, &item, &nothing);
	}
	if (n > 0)
		work_commit(c);
	return c->nomem || c->t->error != 0 ? 0 : n;
}

static bool end_lease(struct catalog *c, uint64_t lease, enum cause_kind cause)
{
	struct bytes record;
	struct key key;
	size_t n;

	key_u64(&key, lease);
	if (!table_get(c->t, TABLE_LEASE, key_bytes(&key), &record))
		return false;
	do {
		n = end_slice(c, lease, key_bytes(&key), cause);
		c->out->value += n;
	} while (n == WORK_SLICE);
	table_del(c->t, TABLE_LEASE, key_bytes(&key));
	c->meta.totals.leases--;
	if (c->known_lease == lease)
		c->known_lease = 0;
	return true;
}

static bool ends_lease(enum cause_kind cause)
{
	return cause == CAUSE_LEASE_EXPIRED || cause == CAUSE_LEASE_CLOSED ||
		cause == CAUSE_LEASE_REVOKED;
}

static bool all_readable(struct reader r, uint64_t n)
{
	while (n-- > 0 && !r.bad)
		read_varint(&r);
	return reader_done(&r);
}

/* Nothing is refused once the first lease has ended: what is written by then stays. */
int apply_lease_revoke(struct catalog *c, struct reader *r)
{
	enum cause_kind cause = read_u8(r);
	uint64_t n = read_varint_max(r, LIMIT_BATCH), lease = 0;
	bool ended = false;

	if (!ends_lease(cause) || !all_readable(*r, n))
		return refuse_malformed(c);
	for (uint64_t i = 0; i < n; i++) {
		lease = read_varint(r);
		ended |= end_lease(c, lease, cause);
	}
	if (!ended && cause == CAUSE_LEASE_REVOKED)
		return err_set(&c->why, SVCD_ENOLEASE,
			"no lease %" PRIu64 ": it ended or was never granted", lease);
	return 0;
}
