#include "catalog/checks.h"

#include <inttypes.h>

#include "catalog/spec.h"
#include "catalog/types.h"
#include "wire/pack.h"

#define INTERVAL_DEFAULT_MS 5000
#define INTERVAL_MAX_MS 3600000
#define FAST_MIN_MS 200
#define TIMEOUT_DEFAULT_MS 1000
#define RISE_DEFAULT 2
#define FALL_DEFAULT 3
#define STATUS_MIN_DEFAULT 200
#define STATUS_MAX_DEFAULT 399
#define PATH_MAX_BYTES 1024

#define ROW(name, type, member, min, max) \
	{ \
		name, type, offsetof(struct check, member), false, min, max \
	}

static const struct field rows[] = {
	{"type", FIELD_TEXT, offsetof(struct check, type), true, 1, 16},
	ROW("name", FIELD_TEXT, name, 1, LIMIT_NAME),
	ROW("port", FIELD_TEXT, port, 1, LIMIT_NAME),
	ROW("path", FIELD_TEXT, path, 1, PATH_MAX_BYTES),
	ROW("host", FIELD_TEXT, host, 1, LIMIT_ADDRESS),
	ROW("status_min", FIELD_U32, status_min, 100, 599),
	ROW("status_max", FIELD_U32, status_max, 100, 599),
	ROW("interval_ms", FIELD_U32, interval_ms, 100, INTERVAL_MAX_MS),
	ROW("fast_interval_ms", FIELD_U32, fast_interval_ms, 100, INTERVAL_MAX_MS),
	ROW("slow_interval_ms", FIELD_U32, slow_interval_ms, 100, INTERVAL_MAX_MS),
	ROW("timeout_ms", FIELD_U32, timeout_ms, 10, 60000),
	ROW("rise", FIELD_U32, rise, 1, 100),
	ROW("fall", FIELD_U32, fall, 1, 100),
};

static uint32_t fast_default(uint32_t interval_ms)
{
	return interval_ms / 5 > FAST_MIN_MS ? interval_ms / 5 : FAST_MIN_MS;
}

/* Printable ASCII without space: what a request line can carry. */
static bool is_path(struct bytes path)
{
	for (size_t i = 0; i < path.len; i++) {
		if (path.data[i] <= ' ' || path.data[i] > '~')
			return false;
	}
	return path.len == 0 || path.data[0] == '/';
}

static int check_sense(const struct check *c, const char *where, struct err *e)
{
	const char *dot = *where != '\0' ? "." : "";
	bool http = bytes_eq_str(c->type, "http");

	if (!http && !bytes_eq_str(c->type, "tcp"))
		return err_set(e, SVCD_EINVAL, "%s%stype: '%.*s' is none of tcp, http",
			where, dot, (int)c->type.len, (const char *)c->type.data);
	if (!is_path(c->path))
		return err_set(e, SVCD_EINVAL,
			"%s%spath: must start with '/' and hold no spaces", where, dot);
	if (!http && (c->path.len > 0 || c->host.len > 0))
		return err_set(e, SVCD_EINVAL, "%s%s%s: only for type http", where, dot,
			c->path.len > 0 ? "path" : "host");
	if (c->status_min > c->status_max)
		return err_set(e, SVCD_EINVAL,
			"%s%sstatus_min: %" PRIu32 " is above status_max, %" PRIu32,
			where, dot, c->status_min, c->status_max);
	return 0;
}

int check_decode(struct value map, struct check *out, const char *where, struct err *e)
{
	struct check c = {
		.status_min = STATUS_MIN_DEFAULT,
		.status_max = STATUS_MAX_DEFAULT,
		.interval_ms = INTERVAL_DEFAULT_MS,
		.timeout_ms = TIMEOUT_DEFAULT_MS,
		.rise = RISE_DEFAULT,
		.fall = FALL_DEFAULT,
	};
	int rv = fields_decode(
		map, rows, sizeof(rows) / sizeof(rows[0]), &c, NULL, where, e);

	if (rv == 0)
		rv = check_sense(&c, where, e);
	if (rv != 0)
		return rv;
	if (c.fast_interval_ms == 0)
		c.fast_interval_ms = fast_default(c.interval_ms);
	if (c.slow_interval_ms == 0)
		c.slow_interval_ms = c.interval_ms;
	if (c.name.len == 0)
		c.name = c.type;
	if (c.path.len == 0 && bytes_eq_str(c.type, "http"))
		c.path = bytes_str("/");
	*out = c;
	return 0;
}

struct packing {
	struct buf *out;
	uint32_t n;
	bool all; /* defaults too */
};

static void put_text(struct packing *p, const char *key, struct bytes v, bool differs)
{
	if (v.len == 0 || (!differs && !p->all))
		return;
	pack_kv_str(p->out, key, v);
	p->n++;
}

static void put_number(struct packing *p, const char *key, uint32_t v, uint32_t otherwise)
{
	if (v == otherwise && !p->all)
		return;
	pack_kv_u64(p->out, key, v);
	p->n++;
}

/* Bytes of a map header are patched in at the end: never more than 13 entries, so a
 * fixmap. */
static void pack_one(struct buf *out, const struct check *c, bool all)
{
	struct packing p = {.out = out, .all = all};
	bool http = bytes_eq_str(c->type, "http");
	size_t at = out->len;

	buf_put_u8(out, 0x80);
	put_text(&p, "name", c->name, !bytes_eq(c->name, c->type));
	put_text(&p, "type", c->type, true);
	put_text(&p, "port", c->port, true);
	put_text(&p, "path", c->path, !bytes_eq_str(c->path, "/"));
	put_text(&p, "host", c->host, true);
	if (http) {
		put_number(&p, "status_min", c->status_min, STATUS_MIN_DEFAULT);
		put_number(&p, "status_max", c->status_max, STATUS_MAX_DEFAULT);
	}
	put_number(&p, "interval_ms", c->interval_ms, INTERVAL_DEFAULT_MS);
	put_number(&p, "fast_interval_ms", c->fast_interval_ms,
		fast_default(c->interval_ms));
	put_number(&p, "slow_interval_ms", c->slow_interval_ms, c->interval_ms);
	put_number(&p, "timeout_ms", c->timeout_ms, TIMEOUT_DEFAULT_MS);
	put_number(&p, "rise", c->rise, RISE_DEFAULT);
	put_number(&p, "fall", c->fall, FALL_DEFAULT);
	if (out->error == 0)
		out->data[at] = (uint8_t)(0x80 | p.n);
}

void check_pack(struct buf *out, const struct check *c)
{
	pack_one(out, c, false);
}

uint32_t checks_count(struct bytes checks)
{
	uint32_t n;

	return mp_array(&checks, &n) ? n : 0;
}

void checks_pack_full(struct buf *out, struct bytes checks)
{
	struct arena *a = arena_new();
	struct value list;
	struct check c;
	uint32_t n = 0;
	size_t mark = pack_array_begin(out);
	int rv = a != NULL ? value_parse(a, checks, &list) : SVCD_ENOMEM;

	if (rv == SVCD_ENOMEM)
		out->error = rv;
	if (rv == 0 && list.type == VALUE_ARRAY) {
		for (uint32_t i = 0; i < list.n && n < LIMIT_CHECKS; i++) {
			if (check_decode(value_at(list, i), &c, "", NULL) != 0)
				continue;
			pack_one(out, &c, true);
			n++;
		}
	}
	pack_array_end(out, mark, n);
	arena_free(a);
}
