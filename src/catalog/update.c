#include "catalog/update.h"

#include "wire/frame.h"

enum {
	GIVES_WEIGHT = 1 << 0,
	GIVES_TIER = 1 << 1,
	GIVES_ADMIN = 1 << 2,
	IS_SELF = 1 << 3,
	GIVES_PART = 1 << 4, /* shifted by the part's number from SPEC_VERSION on */
	GIVES_ALL = (1 << 7) - 1
};

void update_put(struct buf *out, const struct update *u)
{
	unsigned gives = (u->has_weight ? GIVES_WEIGHT : 0) |
		(u->has_tier ? GIVES_TIER : 0) | (u->has_admin ? GIVES_ADMIN : 0) |
		(u->self ? IS_SELF : 0);

	for (int p = SPEC_VERSION; p < SPEC_PARTS; p++)
		gives |= u->given[p] ? (unsigned)GIVES_PART << (p - SPEC_VERSION) : 0;
	put_varint(out, gives);
	put_varint(out, u->weight);
	buf_put_u8(out, u->tier);
	buf_put_u8(out, (uint8_t)u->admin);
	put_varint(out, u->for_ms);
	put_blob(out, u->reason);
	for (int p = SPEC_VERSION; p < SPEC_PARTS; p++) {
		if (u->given[p])
			put_blob(out, u->parts[p]);
	}
}

static struct bytes read_part(struct reader *r)
{
	struct bytes raw = read_blob(r, LIMIT_SPEC_BYTES);

	if (raw.len > 0 && frame_value_len(raw) != raw.len)
		r->bad = true;
	return raw;
}

void update_read(struct reader *r, struct update *out)
{
	unsigned gives = (unsigned)read_varint_max(r, GIVES_ALL);

	*out = (struct update){
		.has_weight = (gives & GIVES_WEIGHT) != 0,
		.has_tier = (gives & GIVES_TIER) != 0,
		.has_admin = (gives & GIVES_ADMIN) != 0,
		.self = (gives & IS_SELF) != 0,
	};
	out->weight = (uint16_t)read_varint_max(r, UINT16_MAX);
	out->tier = read_u8(r);
	out->admin = read_u8(r);
	out->for_ms = read_varint_max(r, LIMIT_FOR_MS);
	out->reason = read_blob(r, LIMIT_REASON);
	for (int p = SPEC_VERSION; p < SPEC_PARTS; p++) {
		out->given[p] = (gives & (unsigned)GIVES_PART << (p - SPEC_VERSION)) != 0;
		if (out->given[p])
			out->parts[p] = read_part(r);
	}
	if (out->admin >= ADMIN_COUNT)
		r->bad = true;
}
