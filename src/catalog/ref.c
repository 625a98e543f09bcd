#include "catalog/ref.h"

#include <string.h>

#include "catalog/spec.h"
#include "wire/frame.h"

/* Names are parts of keys, which NUL ends: nothing else must hold for the catalog to be
 * sound. */
static struct bytes read_name(struct reader *r, size_t max)
{
	struct bytes name = read_blob(r, max);

	if (name.len == 0 || memchr(name.data, 0, name.len) != NULL)
		r->bad = true;
	return name;
}

void service_key_put(struct buf *out, const struct service_key *k)
{
	put_blob(out, k->ns);
	put_blob(out, k->service);
}

void service_key_read(struct reader *r, struct service_key *out)
{
	out->ns = read_name(r, LIMIT_NAME);
	out->service = read_name(r, LIMIT_NAME);
}

void ref_put(struct buf *out, const struct ref *r)
{
	put_blob(out, r->key.ns);
	put_blob(out, r->key.service);
	put_blob(out, r->key.id);
	put_varint(out, r->incarnation);
}

void ref_read(struct reader *r, struct ref *out)
{
	out->key.ns = read_name(r, LIMIT_NAME);
	out->key.service = read_name(r, LIMIT_NAME);
	out->key.id = read_name(r, LIMIT_ID);
	out->incarnation = read_varint(r);
}

static struct bytes read_be16_blob(struct reader *r)
{
	struct bytes len = read_bytes(r, 2);

	return len.len == 2 ? read_bytes(r, get_be16(len.data)) : BYTES_NONE;
}

static bool checks_ok(struct bytes checks)
{
	struct bytes in = checks;
	uint32_t n;

	return mp_array(&in, &n) && n <= LIMIT_CHECKS &&
		frame_value_len(checks) == checks.len;
}

void registration_read(struct reader *r, struct registration *out)
{
	struct bytes spec;

	ref_read(r, &out->ref);
	out->weight = (uint16_t)read_varint_max(r, UINT16_MAX);
	out->tier = read_u8(r);
	out->admin = (int)read_varint_max(r, ADMIN_COUNT) - 1;
	spec = read_be16_blob(r);
	out->checks = read_be16_blob(r);
	if (spec.len > LIMIT_SPEC_BYTES || !spec_open(spec, &out->spec, &out->spec_n))
		r->bad = true;
	if (out->checks.len > 0 && !checks_ok(out->checks))
		r->bad = true;
}
