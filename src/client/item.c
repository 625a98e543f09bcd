/*
 * Two walks over the same parsed map: the first adds up what is needed, the second fills
 * it in. Both use the same functions; a struct room without memory only counts.
 */
#include "client/item.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 65535

/* What a SEEN map says, as views. */
struct seen {
	struct bytes id, state, health, admin, version;
	uint64_t incarnation, rev;
	uint16_t weight, tier;
	struct value addresses, ports, locality, tags, meta;
};

#define TEXT(field, least) \
	{ \
#field, FIELD_TEXT, offsetof(struct seen, field), (least)> 0, least, 0 \
	}
#define OTHER(field, kind, most) \
	{ \
#field, kind, offsetof(struct seen, field), false, 0, most \
	}
static const struct field rows[] = {
	TEXT(id, 1),
	TEXT(state, 1),
	TEXT(health, 0),
	TEXT(admin, 0),
	TEXT(version, 0),
	OTHER(incarnation, FIELD_U64, 0),
	OTHER(rev, FIELD_U64, 0),
	OTHER(weight, FIELD_U16, 0),
	OTHER(tier, FIELD_U16, UINT8_MAX),
	OTHER(addresses, FIELD_ARRAY, COUNT_MAX),
	OTHER(ports, FIELD_MAP, COUNT_MAX),
	OTHER(locality, FIELD_MAP, COUNT_MAX),
	OTHER(tags, FIELD_ARRAY, COUNT_MAX),
	OTHER(meta, FIELD_MAP, COUNT_MAX),
};
#undef TEXT
#undef OTHER

/* Memory that is given out from the front; at NULL while it only counts. */
struct room {
	uint8_t *at;
	size_t used;
	bool malformed;
};

static void *room_take(struct room *r, size_t bytes, size_t align)
{
	size_t start = (r->used + align - 1) / align * align;

	r->used = start + bytes;
	return r->at != NULL ? r->at + start : NULL;
}

#define ROOM_ARRAY(r, type, n) ((type *)room_take((r), (n) * sizeof(type), alignof(type)))

static const char *put_text(struct room *r, struct bytes text)
{
	char *to = room_take(r, text.len + 1, 1);

	if (to == NULL)
		return "";
	if (text.len > 0)
		memcpy(to, text.data, text.len);
	to[text.len] = '\0';
	return to;
}

/* A string of a list or map. */
static const char *put_value(struct room *r, struct value v)
{
	if (v.type != VALUE_STR || !bytes_is_text(v.s)) {
		r->malformed = true;
		return NULL;
	}
	return put_text(r, v.s);
}

static const char *put_found(struct room *r, struct value map, const char *key)
{
	struct value v;

	return value_find(map, key, &v) ? put_value(r, v) : NULL;
}

static const char *const *put_list(struct room *r, struct value list, size_t *n)
{
	const char **out;

	*n = list.type == VALUE_ARRAY ? list.n : 0;
	if (*n == 0)
		return NULL;
	out = ROOM_ARRAY(r, const char *, *n);
	for (uint32_t i = 0; i < *n; i++) {
		const char *text = put_value(r, value_at(list, i));

		if (out != NULL)
			out[i] = text;
	}
	return out;
}

static const struct svcd_pair *put_pairs(struct room *r, struct value map, size_t *n)
{
	struct svcd_pair *out;

	*n = map.type == VALUE_MAP ? map.n : 0;
	if (*n == 0)
		return NULL;
	out = ROOM_ARRAY(r, struct svcd_pair, *n);
	for (uint32_t i = 0; i < *n; i++) {
		struct value key, val;
		struct svcd_pair pair;

		value_pair(map, i, &key, &val);
		pair.key = put_value(r, key);
		pair.value = put_value(r, val);
		if (out != NULL)
			out[i] = pair;
	}
	return out;
}

static struct svcd_port put_port(struct room *r, struct value name, struct value body)
{
	struct svcd_port port = {
		.name = put_value(r, name), .protocol = put_found(r, body, "protocol")};
	struct value v;

	if (value_find(body, "port", &v) && v.type == VALUE_UINT && v.u <= UINT16_MAX)
		port.number = (uint16_t)v.u;
	else
		r->malformed = true;
	if (port.protocol == NULL)
		port.protocol = put_text(r, bytes_str("tcp"));
	port.tls = value_find(body, "tls", &v) && v.type == VALUE_BOOL && v.boolean;
	return port;
}

static const struct svcd_port *put_ports(struct room *r, struct value map, size_t *n)
{
	struct svcd_port *out;

	*n = map.type == VALUE_MAP ? map.n : 0;
	if (*n == 0)
		return NULL;
	out = ROOM_ARRAY(r, struct svcd_port, *n);
	for (uint32_t i = 0; i < *n; i++) {
		struct value name, body;
		struct svcd_port port;

		value_pair(map, i, &name, &body);
		port = put_port(r, name, body);
		if (out != NULL)
			out[i] = port;
	}
	return out;
}

static struct svcd_instance put_view(struct room *r, const struct seen *s)
{
	struct svcd_instance v = {
		.weight = s->weight,
		.tier = (uint8_t)s->tier,
		.incarnation = s->incarnation,
		.revision = s->rev,
	};

	v.addresses = put_list(r, s->addresses, &v.n_addresses);
	v.ports = put_ports(r, s->ports, &v.n_ports);
	v.tags = put_list(r, s->tags, &v.n_tags);
	v.meta = put_pairs(r, s->meta, &v.n_meta);
	v.id = put_text(r, s->id);
	v.state = put_text(r, s->state);
	v.health = put_text(r, s->health);
	v.admin = put_text(r, s->admin);
	v.version = s->version.data != NULL ? put_text(r, s->version) : NULL;
	v.region = put_found(r, s->locality, "region");
	v.zone = put_found(r, s->locality, "zone");
	v.rack = put_found(r, s->locality, "rack");
	v.host = put_found(r, s->locality, "host");
	return v;
}

static enum item_rank rank_of(struct bytes state)
{
	static const char *const usable[] = {
		[RANK_UP] = "up",
		[RANK_WARM] = "warm",
		[RANK_PENDING] = "pending",
	};

	for (enum item_rank rank = RANK_UP; rank < RANK_OTHER; rank++)
		if (bytes_eq_str(state, usable[rank]))
			return rank;
	return RANK_OTHER;
}

int item_new(struct value seen, struct bytes raw, struct item **out)
{
	struct seen s = {.weight = SVCD_WEIGHT_DEFAULT};
	struct room count = {.used = sizeof(struct item)};
	struct room fill = {.used = sizeof(struct item)};
	struct item *it;

	if (fields_decode(
		    seen, rows, sizeof(rows) / sizeof(rows[0]), &s, NULL, "", NULL) != 0)
		return SVCD_EPROTOCOL;
	put_view(&count, &s);
	if (count.malformed)
		return SVCD_EPROTOCOL;
	it = malloc(count.used);
	if (it == NULL)
		return SVCD_ENOMEM;
	fill.at = (uint8_t *)it;
	atomic_init(&it->refs, 1);
	it->rank = rank_of(s.state);
	it->hash = bytes_hash(raw);
	it->view = put_view(&fill, &s);
	assert(fill.used == count.used);
	*out = it;
	return 0;
}

struct item *item_ref(struct item *it)
{
	atomic_fetch_add_explicit(&it->refs, 1, memory_order_relaxed);
	return it;
}

void item_unref(struct item *it)
{
	if (it != NULL &&
		atomic_fetch_sub_explicit(&it->refs, 1, memory_order_acq_rel) == 1)
		free(it);
}
