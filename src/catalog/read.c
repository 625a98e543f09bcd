/* Reading single things from the tables. */
#include "catalog/keys.h"
#include "catalog/read.h"
#include "catalog/record.h"

uint64_t catalog_rev(struct tables *t)
{
	struct meta m;

	meta_load(t, &m);
	return m.rev;
}

uint64_t catalog_time_ms(struct tables *t)
{
	struct meta m;

	meta_load(t, &m);
	return m.time_ms;
}

void catalog_totals(struct tables *t, struct catalog_totals *out)
{
	struct meta m;

	meta_load(t, &m);
	*out = m.totals;
}

uint64_t catalog_next_due_ms(struct tables *t)
{
	struct bytes key, nothing;

	if (!table_seek(t, TABLE_DUE, BYTES_NONE, false, &key, &nothing) || key.len < 8)
		return UINT64_MAX;
	return get_be64(key.data);
}

bool read_or_corrupt(struct tables *t, bool decoded)
{
	if (!decoded && t->error == 0)
		t->error = SVCD_ECORRUPT;
	return decoded;
}

bool read_event(struct tables *t, struct event_ref ref, struct event *out)
{
	struct bytes record;
	struct key key;

	if (ref.rev == 0)
		return false;
	key_event(&key, ref.rev, ref.n);
	return table_get(t, TABLE_EVENT, key_bytes(&key), &record) &&
		read_or_corrupt(t, event_decode(record, ref, out));
}

bool read_tombstone(
	struct tables *t, const struct instance_key *name, struct tombstone *out)
{
	struct bytes record;
	struct key key;

	key_instance(&key, name);
	return table_get(t, TABLE_TOMBSTONE, key_bytes(&key), &record) &&
		read_or_corrupt(t, tombstone_decode(record, out));
}

void read_words(struct tables *t, struct instance *i)
{
	struct instance_state *s = &i->state;
	struct event e;
	struct lease lease;

	if (s->actor.len > 0 && s->reason.len > 0)
		return;
	if (read_event(t, (struct event_ref){s->rev, s->event_n}, &e)) {
		s->actor = e.actor;
		s->reason = e.reason;
	} else if (s->actor.len == 0 && catalog_get_lease(t, s->lease, &lease)) {
		s->actor = lease.owner;
	}
}

bool read_instance(
	struct tables *t, struct bytes key, struct bytes record, struct instance *out)
{
	return read_or_corrupt(
		t, key_split_instance(key, &out->key) && instance_decode(record, out));
}

bool catalog_get_instance(
	struct tables *t, const struct instance_key *name, struct instance *out)
{
	struct bytes record;
	struct key key;

	key_instance(&key, name);
	if (!table_get(t, TABLE_INSTANCE, key_bytes(&key), &record) ||
		!read_or_corrupt(t, instance_decode(record, out)))
		return false;
	out->key = *name;
	read_words(t, out);
	return true;
}

bool catalog_get_service(
	struct tables *t, const struct service_key *name, struct service *out)
{
	struct bytes record;
	struct key key;

	key_service(&key, name);
	if (!table_get(t, TABLE_SERVICE, key_bytes(&key), &record) ||
		!read_or_corrupt(t, service_decode(record, out)))
		return false;
	out->key = *name;
	return true;
}

static bool decode_lease(
	struct tables *t, struct bytes key, struct bytes record, struct lease *out)
{
	if (!read_or_corrupt(t, key.len == 8 && lease_decode(record, out)))
		return false;
	out->id = get_be64(key.data);
	return true;
}

bool catalog_get_lease(struct tables *t, uint64_t lease, struct lease *out)
{
	struct bytes record;
	struct key key;

	key_u64(&key, lease);
	return table_get(t, TABLE_LEASE, key_bytes(&key), &record) &&
		decode_lease(t, key_bytes(&key), record, out);
}

void catalog_each_lease(
	struct tables *t, bool (*fn)(void *arg, const struct lease *l), void *arg)
{
	struct bytes key, record;
	struct lease lease;
	bool found = table_seek(t, TABLE_LEASE, BYTES_NONE, false, &key, &record);

	while (found && decode_lease(t, key, record, &lease) && fn(arg, &lease))
		found = table_next(t, TABLE_LEASE, &key, &record);
}

void catalog_each_checked(
	struct tables *t, bool (*fn)(void *arg, const struct instance *i), void *arg)
{
	struct bytes key, record;
	struct instance i;
	bool found = table_seek(t, TABLE_INSTANCE, BYTES_NONE, false, &key, &record);

	while (found && read_instance(t, key, record, &i)) {
		if (i.checks.len > 0 && !fn(arg, &i))
			return;
		found = table_next(t, TABLE_INSTANCE, &key, &record);
	}
}
