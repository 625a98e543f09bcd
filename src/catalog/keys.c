#include "catalog/keys.h"

#include <assert.h>
#include <string.h>

struct bytes key_bytes(const struct key *k)
{
	return bytes_of(k->data, k->len);
}

static void add(struct key *k, struct bytes v)
{
	assert(k->len + v.len <= sizeof(k->data));
	if (v.len > 0)
		memcpy(k->data + k->len, v.data, v.len);
	k->len += v.len;
}

static void add_u8(struct key *k, uint8_t v)
{
	assert(k->len < sizeof(k->data));
	k->data[k->len++] = v;
}

static void add_be(struct key *k, uint64_t v, unsigned n)
{
	while (n-- > 0)
		add_u8(k, (uint8_t)(v >> (8 * n)));
}

void key_service(struct key *k, const struct service_key *s)
{
	k->len = 0;
	add(k, s->ns);
	add_u8(k, 0);
	add(k, s->service);
}

void key_instances(struct key *k, const struct service_key *s)
{
	key_service(k, s);
	add_u8(k, 0);
}

void key_instance(struct key *k, const struct instance_key *i)
{
	key_instances(k, &(struct service_key){i->ns, i->service});
	add(k, i->id);
}

void key_u64(struct key *k, uint64_t v)
{
	k->len = 0;
	add_be(k, v, 8);
}

void key_lease_item(struct key *k, uint64_t lease, struct bytes instance)
{
	key_u64(k, lease);
	add(k, instance);
}

void key_due(struct key *k, uint64_t time_ms, enum due_kind kind, struct bytes what)
{
	key_u64(k, time_ms);
	add_u8(k, (uint8_t)kind);
	add(k, what);
}

void key_event(struct key *k, uint64_t rev, uint32_t n)
{
	key_u64(k, rev);
	add_be(k, n, 4);
}

/* Up to the next NUL, which is skipped; false when there is none. */
static bool cut(struct bytes *key, struct bytes *part)
{
	const uint8_t *nul = key->len > 0 ? memchr(key->data, 0, key->len) : NULL;

	if (nul == NULL)
		return false;
	*part = bytes_of(key->data, (size_t)(nul - key->data));
	*key = bytes_of(nul + 1, key->len - part->len - 1);
	return true;
}

bool key_split_service(struct bytes key, struct service_key *out)
{
	if (!cut(&key, &out->ns))
		return false;
	out->service = key;
	return true;
}

bool key_split_instance(struct bytes key, struct instance_key *out)
{
	if (!cut(&key, &out->ns) || !cut(&key, &out->service))
		return false;
	out->id = key;
	return true;
}

bool key_split_due(
	struct bytes key, uint64_t *time_ms, enum due_kind *kind, struct bytes *what)
{
	if (key.len < 9 || key.data[8] >= DUE_COUNT)
		return false;
	*time_ms = get_be64(key.data);
	*kind = key.data[8];
	*what = bytes_of(key.data + 9, key.len - 9);
	return true;
}

bool key_split_event(struct bytes key, uint64_t *rev, uint32_t *n)
{
	if (key.len != 12)
		return false;
	*rev = get_be64(key.data);
	*n = get_be32(key.data + 8);
	return true;
}

struct service_key service_of(const struct instance_key *i)
{
	return (struct service_key){i->ns, i->service};
}

bool prefix_first(struct tables *t, enum table table, struct bytes prefix,
	struct bytes *key, struct bytes *value)
{
	return table_seek(t, table, prefix, false, key, value) &&
		bytes_has_prefix(*key, prefix);
}

bool prefix_next(struct tables *t, enum table table, struct bytes prefix,
	struct bytes *key, struct bytes *value)
{
	return table_next(t, table, key, value) && bytes_has_prefix(*key, prefix);
}
