#include "catalog/spec.h"

#include <assert.h>
#include <string.h>

#include "wire/frame.h"
#include "wire/pack.h"

static const char *const part_names[SPEC_PARTS] = {
	"addresses", "ports", "locality", "version", "tags", "meta"};

const char *spec_part_name(enum spec_part p)
{
	assert(p < SPEC_PARTS);
	return part_names[p];
}

static struct bytes rest(struct bytes in, size_t n)
{
	return bytes_of(in.data + n, in.len - n);
}

/* The three forms of a head that carries a count: in the first byte, 8 and 16 bits.
 * (There are larger ones; nothing of ours is that large.) 0: not of this kind, otherwise
 * the bytes it takes. */
static size_t head(
	struct bytes in, uint8_t fix, uint8_t mask, int tag8, int tag16, uint32_t *n)
{
	if (in.len == 0)
		return 0;
	if ((in.data[0] & ~mask) == fix) {
		*n = in.data[0] & mask;
		return 1;
	}
	if (in.data[0] == tag8 && in.len >= 2) {
		*n = in.data[1];
		return 2;
	}
	if (in.data[0] == tag16 && in.len >= 3) {
		*n = get_be16(in.data + 1);
		return 3;
	}
	return 0;
}

bool mp_text(struct bytes *in, struct bytes *out)
{
	uint32_t n;
	size_t len = head(*in, 0xa0, 0x1f, 0xd9, 0xda, &n);

	if (len == 0 || n > in->len - len)
		return false;
	*out = bytes_of(in->data + len, n);
	*in = rest(*in, len + n);
	return true;
}

static bool open_head(struct bytes *in, size_t len)
{
	if (len == 0)
		return false;
	*in = rest(*in, len);
	return true;
}

bool mp_array(struct bytes *in, uint32_t *n)
{
	return open_head(in, head(*in, 0x90, 0x0f, -1, 0xdc, n));
}

bool mp_map(struct bytes *in, uint32_t *n)
{
	return open_head(in, head(*in, 0x80, 0x0f, -1, 0xde, n));
}

bool mp_value(struct bytes *in, struct bytes *raw)
{
	size_t len = frame_value_len(*in);

	if (len == 0)
		return false;
	*raw = bytes_of(in->data, len);
	*in = rest(*in, len);
	return true;
}

bool spec_open(struct bytes map, struct bytes *entries, uint32_t *n)
{
	struct bytes in = map;

	if (!mp_map(&in, n) || *n > SPEC_PARTS || frame_value_len(map) != map.len)
		return false;
	*entries = in;
	return true;
}

/* Next entry: its key and raw value. */
static bool next_entry(struct bytes *in, struct bytes *key, struct bytes *value)
{
	return mp_text(in, key) && mp_value(in, value);
}

bool spec_find(struct bytes entries, const char *name, struct bytes *value)
{
	struct bytes key;

	while (next_entry(&entries, &key, value)) {
		if (bytes_eq_str(key, name))
			return true;
	}
	return false;
}

bool spec_has_tag(struct bytes entries, struct bytes tag)
{
	struct bytes in, one;
	uint32_t n;

	if (!spec_find(entries, "tags", &in) || !mp_array(&in, &n))
		return false;
	for (; n > 0 && mp_text(&in, &one); n--) {
		if (bytes_eq(one, tag))
			return true;
	}
	return false;
}

static bool text_is(struct bytes raw, struct bytes text)
{
	struct bytes one;

	return mp_text(&raw, &one) && bytes_eq(one, text);
}

bool spec_version_is(struct bytes entries, struct bytes version)
{
	struct bytes raw;

	return spec_find(entries, "version", &raw) && text_is(raw, version);
}

/* In the map under that name: is the text of this key that one? */
static bool pair_is(
	struct bytes entries, const char *name, struct bytes key, struct bytes text)
{
	struct bytes in, k, raw;
	uint32_t n;

	if (!spec_find(entries, name, &in) || !mp_map(&in, &n))
		return false;
	for (; n > 0 && next_entry(&in, &k, &raw); n--) {
		if (bytes_eq(k, key))
			return text_is(raw, text);
	}
	return false;
}

bool spec_zone_is(struct bytes entries, struct bytes zone)
{
	return pair_is(entries, "locality", bytes_str("zone"), zone);
}

bool spec_meta_is(struct bytes entries, struct bytes key, struct bytes value)
{
	return pair_is(entries, "meta", key, value);
}

uint32_t spec_replace(struct bytes entries, const bool given[SPEC_PARTS],
	const struct bytes values[SPEC_PARTS], struct buf *out)
{
	uint32_t n = 0;

	for (int p = 0; p < SPEC_PARTS; p++) {
		struct bytes raw = given[p] ? values[p] : BYTES_NONE;

		if (!given[p] && !spec_find(entries, part_names[p], &raw))
			continue;
		if (raw.len == 0)
			continue;
		pack_cstr(out, part_names[p]);
		pack_raw(out, raw);
		n++;
	}
	return n;
}

uint32_t spec_items(struct bytes in)
{
	uint32_t items = 0, n;
	struct bytes skipped;

	while (in.len > 0) {
		/* Heads are stepped into, so that what they hold is counted too. */
		if (!mp_map(&in, &n) && !mp_array(&in, &n) && !mp_text(&in, &skipped) &&
			!mp_value(&in, &skipped))
			break;
		items++;
	}
	return items;
}

/*
 * The map is encoded for every change and for every instance of every answer, and hashed:
 * so this one encoder is written by hand. tests/unit/test_catalog_spec.c holds it against
 * wire/pack.h.
 */
#define SEEN_HEAD_MAX 320

#define LITERAL(p, text) (memcpy((p), (text), sizeof(text) - 1), (p) + sizeof(text) - 1)

static uint8_t *put_number(uint8_t *p, uint64_t v)
{
	unsigned n = v < 0x80     ? 0
		: v <= UINT8_MAX  ? 1
		: v <= UINT16_MAX ? 2
		: v <= UINT32_MAX ? 4
				  : 8;

	if (n == 0) {
		*p = (uint8_t)v;
		return p + 1;
	}
	*p++ = n == 1 ? 0xcc : n == 2 ? 0xcd : n == 4 ? 0xce : 0xcf;
	while (n-- > 0)
		*p++ = (uint8_t)(v >> (8 * n));
	return p;
}

static uint8_t *put_text(uint8_t *p, const void *text, size_t len)
{
	if (len > 31)
		*p++ = 0xd9;
	*p++ = (uint8_t)(len > 31 ? len : 0xa0 | len);
	memcpy(p, text, len);
	return p + len;
}

static uint8_t *put_name(uint8_t *p, const char *name)
{
	return put_text(p, name, strlen(name));
}

void seen_entries(struct buf *out, const struct instance *i)
{
	const struct instance_state *s = &i->state;
	uint8_t *start = buf_reserve(out, SEEN_HEAD_MAX), *p = start;

	if (start == NULL)
		return;
	p = LITERAL(p, "\xa2id");
	p = put_text(p, i->key.id.data, i->key.id.len <= LIMIT_ID ? i->key.id.len : 0);
	p = LITERAL(p, "\xa5state");
	p = put_name(p, effective_name(s->effective));
	p = LITERAL(p, "\xa6health");
	p = put_name(p, health_name(s->health));
	p = LITERAL(p,
		"\xa5"
		"admin");
	p = put_name(p, admin_name(s->admin));
	p = LITERAL(p, "\xabincarnation");
	p = put_number(p, s->incarnation);
	p = LITERAL(p, "\xa3rev");
	p = put_number(p, s->rev);
	p = LITERAL(p, "\xa6weight");
	p = put_number(p, s->weight);
	p = LITERAL(p, "\xa4tier");
	p = put_number(p, s->tier);
	p = LITERAL(p, "\xa5since");
	p = put_number(p, s->since_wall_ms);
	out->len += (size_t)(p - start);
	buf_put_bytes(out, i->spec);
}

void seen_encode(struct buf *out, const struct instance *i)
{
	buf_put_u8(out, (uint8_t)(0x80 | (SEEN_OWN + i->spec_n)));
	seen_entries(out, i);
}

uint64_t seen_hash(struct bytes map)
{
	return bytes_hash(map);
}
