/* Building the command of a registration: what the owner said becomes the spec, validated
 * and in its final form. */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "catalog/checks.h"
#include "catalog/command_head.h"
#include "catalog/ref.h"
#include "catalog/spec.h"
#include "catalog/spec_pack.h"
#include "wire/pack.h"

#define ROWS(r) (r), sizeof(r) / sizeof((r)[0])

struct register_params {
	struct write_params write; /* first */
	struct value instances;
	uint64_t lease;
	bool if_absent;
};

static const struct field register_rows[] = {
	WRITE_ROWS,
	{"instances", FIELD_ARRAY, offsetof(struct register_params, instances), true, 1,
		LIMIT_BATCH},
	{"lease", FIELD_U64, offsetof(struct register_params, lease), false, 0,
		UINT64_MAX},
	{"if_absent", FIELD_BOOL, offsetof(struct register_params, if_absent), false, 0,
		0},
};

struct instance_params {
	struct bytes ns, service, id;
	struct value addresses, ports, locality, tags, meta, checks;
	struct bytes version, admin;
	uint16_t weight;
	uint32_t tier;
	uint64_t incarnation;
};

#define ROW(name, type, member, min, max) \
	{ \
		name, type, offsetof(struct instance_params, member), false, min, max \
	}

static const struct field instance_rows[] = {
	{"service", FIELD_TEXT, offsetof(struct instance_params, service), true, 1,
		UINT64_MAX},
	{"id", FIELD_TEXT, offsetof(struct instance_params, id), true, 1, LIMIT_ID},
	ROW("ns", FIELD_TEXT, ns, 1, UINT64_MAX),
	ROW("addresses", FIELD_ARRAY, addresses, 0, LIMIT_ADDRESSES),
	ROW("ports", FIELD_MAP, ports, 0, LIMIT_PORTS),
	ROW("weight", FIELD_U16, weight, 0, UINT16_MAX),
	ROW("tier", FIELD_U32, tier, 0, UINT8_MAX),
	ROW("locality", FIELD_MAP, locality, 0, UINT64_MAX),
	ROW("version", FIELD_TEXT, version, 0, LIMIT_VERSION),
	ROW("tags", FIELD_ARRAY, tags, 0, LIMIT_TAGS),
	ROW("meta", FIELD_MAP, meta, 0, LIMIT_META_KEYS),
	ROW("checks", FIELD_ARRAY, checks, 0, LIMIT_CHECKS),
	ROW("admin", FIELD_TEXT, admin, 0, UINT64_MAX),
	ROW("incarnation", FIELD_U64, incarnation, 0, UINT64_MAX),
};

/* One instance on its way from the request to the command. */
struct building {
	struct where where;
	const struct command_origin *from;
	const struct instance_params *p;
	struct buf *out;
	struct err *e;
	uint32_t entries; /* of the spec, so far */
	bool unix_socket; /* the first address is one */
};

static int pack_addresses(struct building *b)
{
	struct value list = b->p->addresses;
	struct bytes own = b->from->peer_address;

	pack_cstr(b->out, "addresses");
	pack_array(b->out, list.n > 0 ? list.n : 1);
	b->entries++;
	if (list.n == 0)
		pack_str(b->out, own.len > 0 ? own : bytes_str("127.0.0.1"));
	for (uint32_t i = 0; i < list.n; i++) {
		struct value v = value_at(list, i);

		b->where.part = "addresses";
		b->where.in_array = true;
		b->where.part_index = i;
		if (v.type != VALUE_STR)
			return where_refuse(&b->where, b->e, "",
				"expected string, got %s", value_type_name(v.type));
		if (v.s.len > LIMIT_ADDRESS || !bytes_is_text(v.s) || !address_ok(v.s))
			return where_refuse(&b->where, b->e, "",
				"'%.*s' is no IP address, host name or unix:/path",
				v.s.len > LIMIT_ADDRESS ? 0 : (int)v.s.len,
				(const char *)v.s.data);
		b->unix_socket |= i == 0 && bytes_has_prefix(v.s, bytes_str("unix:"));
		pack_str(b->out, v.s);
	}
	b->where.part = NULL;
	b->where.in_array = false;
	return 0;
}

struct port_params {
	uint32_t port;
	struct bytes protocol;
	bool tls;
};

static const struct field port_rows[] = {
	{"port", FIELD_U32, offsetof(struct port_params, port), true, 1, UINT16_MAX},
	{"protocol", FIELD_TEXT, offsetof(struct port_params, protocol), false, 1, 32},
	{"tls", FIELD_BOOL, offsetof(struct port_params, tls), false, 0, 0},
};

static int pack_port(struct building *b, struct bytes name, struct value map)
{
	struct port_params port = {.protocol = bytes_str("tcp")};
	bool other;
	int rv;

	b->where.name = name;
	rv = where_decode(&b->where, map, ROWS(port_rows), &port, NULL, b->e);
	b->where.name = BYTES_NONE;
	if (rv != 0)
		return rv;
	other = !bytes_eq_str(port.protocol, "tcp");
	pack_str(b->out, name);
	pack_map(b->out, 1 + (uint32_t)other + (uint32_t)port.tls);
	pack_kv_u64(b->out, "port", port.port);
	if (other)
		pack_kv_str(b->out, "protocol", port.protocol);
	if (port.tls)
		pack_kv_bool(b->out, "tls", true);
	return 0;
}

static int pack_ports(struct building *b)
{
	struct value map = b->p->ports, key, v;
	int rv = 0;

	pack_cstr(b->out, "ports");
	pack_map(b->out, map.n);
	b->entries++;
	for (uint32_t i = 0; i < map.n && rv == 0; i++) {
		value_pair(map, i, &key, &v);
		if (key.type != VALUE_STR)
			return where_refuse(&b->where, b->e, "ports",
				"expected string keys, got %s",
				value_type_name(key.type));
		rv = validate_label(&b->where, "ports", key.s, b->e);
		if (rv == 0 && value_given_before(map, i, key.s))
			rv = where_refuse(&b->where, b->e, "ports",
				"'%.*s' is given twice", (int)key.s.len,
				(const char *)key.s.data);
		b->where.part = "ports";
		if (rv == 0)
			rv = pack_port(b, key.s, v);
		b->where.part = NULL;
	}
	return rv;
}

struct locality_params {
	struct bytes region, zone, rack, host;
};

#define LOCALITY_ROW(name) \
	{ \
#name, FIELD_TEXT, offsetof(struct locality_params, name), false, 0, \
			LIMIT_LOCALITY \
	}

static const struct field locality_rows[] = {
	LOCALITY_ROW(region), LOCALITY_ROW(zone), LOCALITY_ROW(rack), LOCALITY_ROW(host)};

static void pack_if(struct buf *out, const char *key, struct bytes v)
{
	if (v.len > 0)
		pack_kv_str(out, key, v);
}

static int pack_locality(struct building *b)
{
	struct locality_params l = {0};
	uint32_t n;
	int rv;

	if (b->p->locality.n == 0)
		return 0;
	b->where.part = "locality";
	rv = where_decode(&b->where, b->p->locality, ROWS(locality_rows), &l, NULL, b->e);
	b->where.part = NULL;
	n = (l.region.len > 0) + (l.zone.len > 0) + (l.rack.len > 0) + (l.host.len > 0);
	if (rv != 0 || n == 0)
		return rv;
	pack_cstr(b->out, "locality");
	pack_map(b->out, n);
	pack_if(b->out, "region", l.region);
	pack_if(b->out, "zone", l.zone);
	pack_if(b->out, "rack", l.rack);
	pack_if(b->out, "host", l.host);
	b->entries++;
	return 0;
}

static int pack_version(struct building *b)
{
	if (b->p->version.len == 0)
		return 0;
	pack_kv_str(b->out, "version", b->p->version);
	b->entries++;
	return 0;
}

static int pack_tags(struct building *b)
{
	if (b->p->tags.n == 0)
		return 0;
	pack_cstr(b->out, "tags");
	b->entries++;
	return spec_pack_tags(&b->where, b->p->tags, b->out, b->e);
}

static int pack_meta(struct building *b)
{
	if (b->p->meta.n == 0)
		return 0;
	pack_cstr(b->out, "meta");
	b->entries++;
	return spec_pack_meta(&b->where, b->p->meta, b->out, b->e);
}

/* The port that a check means: the one it names, otherwise the first. */
static int choose_port(struct building *b, struct check *c)
{
	struct value ports = b->p->ports, key, v;

	for (uint32_t i = 0; i < ports.n; i++) {
		value_pair(ports, i, &key, &v);
		if (c->port.len == 0)
			c->port = key.s;
		if (bytes_eq(key.s, c->port))
			return 0;
	}
	if (c->port.len > 0)
		return where_refuse(&b->where, b->e, "port",
			"'%.*s' is no port of the instance", (int)c->port.len,
			(const char *)c->port.data);
	if (b->unix_socket)
		return 0;
	return where_refuse(
		&b->where, b->e, "port", "missing, and the instance has no ports");
}

static int check_one(struct building *b, uint32_t i, struct check *all)
{
	struct check *c = &all[i];
	struct value map = value_at(b->p->checks, i);
	char path[WHERE_TEXT_MAX];
	int rv = check_decode(map, c, "", NULL);

	if (rv != 0)
		return check_decode(map, c, where_text(&b->where, path), b->e);
	for (uint32_t k = 0; k < i; k++) {
		if (bytes_eq(all[k].name, c->name))
			return where_refuse(&b->where, b->e, "name",
				"'%.*s' is the name of checks[%u] too", (int)c->name.len,
				(const char *)c->name.data, k);
	}
	return choose_port(b, c);
}

static int pack_checks(struct building *b)
{
	struct check all[LIMIT_CHECKS];
	int rv = 0;

	if (b->p->checks.n == 0)
		return 0;
	pack_array(b->out, b->p->checks.n);
	b->where.part = "checks";
	b->where.in_array = true;
	for (uint32_t i = 0; i < b->p->checks.n && rv == 0; i++) {
		b->where.part_index = i;
		rv = check_one(b, i, all);
		if (rv == 0)
			check_pack(b->out, &all[i]);
	}
	b->where.part = NULL;
	b->where.in_array = false;
	return rv;
}

static int pack_spec(struct building *b)
{
	int (*const parts[SPEC_PARTS])(struct building *) = {pack_addresses, pack_ports,
		pack_locality, pack_version, pack_tags, pack_meta};
	size_t at = b->out->len;
	int rv = 0;

	buf_put_u8(b->out, 0x80);
	for (int i = 0; i < SPEC_PARTS && rv == 0; i++)
		rv = parts[i](b);
	if (b->out->error == 0)
		b->out->data[at] = (uint8_t)(0x80 | b->entries);
	return rv;
}

/* What pack writes, with its length in two bytes before it. */
static int with_length(struct building *b, int (*pack)(struct building *), size_t max)
{
	size_t at = b->out->len, len;
	int rv;

	buf_put_be16(b->out, 0);
	rv = pack(b);
	if (rv != 0 || b->out->error != 0)
		return rv;
	len = b->out->len - at - 2;
	if (len > max)
		return where_refuse(
			&b->where, b->e, "", "%zu bytes, at most %zu", len, max);
	b->out->data[at] = (uint8_t)(len >> 8);
	b->out->data[at + 1] = (uint8_t)len;
	return 0;
}

static int check_names(struct building *b)
{
	const struct instance_params *p = b->p;
	int rv = validate_label(&b->where, "ns", p->ns, b->e);

	if (rv == 0)
		rv = validate_label(&b->where, "service", p->service, b->e);
	if (rv == 0 && p->admin.len > 0 && admin_from_name(p->admin) < 0)
		rv = where_refuse(&b->where, b->e, "admin",
			"'%.*s' is none of enabled, draining, maintenance",
			(int)p->admin.len, (const char *)p->admin.data);
	return rv;
}

static int pack_instance(struct building *b, struct value map)
{
	struct instance_params p = {
		.ns = bytes_str("default"),
		.weight = WEIGHT_DEFAULT,
	};
	struct ref ref;
	int rv = where_decode(&b->where, map, ROWS(instance_rows), &p, NULL, b->e);

	b->p = &p;
	b->entries = 0;
	b->unix_socket = false;
	if (rv == 0)
		rv = check_names(b);
	if (rv != 0)
		return rv;
	ref = (struct ref){{p.ns, p.service, p.id}, p.incarnation};
	ref_put(b->out, &ref);
	put_varint(b->out, p.weight);
	buf_put_u8(b->out, (uint8_t)p.tier);
	put_varint(b->out, p.admin.len > 0 ? (uint64_t)admin_from_name(p.admin) + 1 : 0);
	rv = with_length(b, pack_spec, LIMIT_SPEC_BYTES);
	return rv != 0 ? rv : with_length(b, pack_checks, UINT16_MAX);
}

static int pack_instances(struct value list, const struct command_origin *from,
	struct buf *out, struct err *e)
{
	struct building b = {
		.where = {.method = "register", .list = "instances"},
		.from = from,
		.out = out,
		.e = e,
	};
	int rv = 0;

	for (uint32_t i = 0; i < list.n && rv == 0; i++) {
		b.where.index = i;
		rv = pack_instance(&b, value_at(list, i));
	}
	return rv;
}

int command_register(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e)
{
	struct register_params p = {0};
	struct where w = {.method = "register"};
	size_t mark = out->len;
	int rv = where_decode(&w, params, ROWS(register_rows), &p, NULL, e);

	if (rv == 0)
		rv = write_params_check(&w, &p.write, e);
	if (rv != 0)
		return rv;
	command_begin(out, COMMAND_REGISTER, &p.write, from->actor);
	put_varint(out, p.lease);
	buf_put_u8(out, p.if_absent);
	put_varint(out, p.instances.n);
	rv = pack_instances(p.instances, from, out, e);
	return command_finish(out, mark, rv, e);
}
