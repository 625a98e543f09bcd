#include "catalog/spec_pack.h"

#include "wire/pack.h"

bool value_given_before(struct value map, uint32_t i, struct bytes key)
{
	struct value k, v;

	while (i-- > 0) {
		value_pair(map, i, &k, &v);
		if (k.type == VALUE_STR && bytes_eq(k.s, key))
			return true;
	}
	return false;
}

int spec_pack_tags(
	const struct where *w, struct value tags, struct buf *out, struct err *e)
{
	pack_array(out, tags.n);
	for (uint32_t i = 0; i < tags.n; i++) {
		struct value v = value_at(tags, i);
		struct where at = *w;

		at.part = "tags";
		at.in_array = true;
		at.part_index = i;
		if (v.type != VALUE_STR)
			return where_refuse(&at, e, "", "expected string, got %s",
				value_type_name(v.type));
		if (v.s.len == 0 || v.s.len > LIMIT_TAG)
			return where_refuse(&at, e, "", "%zu bytes, must be 1..%d",
				v.s.len, LIMIT_TAG);
		if (!bytes_is_text(v.s))
			return where_refuse(&at, e, "", "not valid UTF-8 text");
		pack_str(out, v.s);
	}
	return 0;
}

static int check_meta_pair(
	const struct where *w, struct value key, struct value v, struct err *e)
{
	struct where at = *w;

	if (key.type != VALUE_STR || v.type != VALUE_STR)
		return where_refuse(w, e, "meta", "expected strings, got %s",
			value_type_name(key.type != VALUE_STR ? key.type : v.type));
	if (key.s.len == 0 || key.s.len > LIMIT_META_KEY || !bytes_is_text(key.s))
		return where_refuse(w, e, "meta",
			"a key of %zu bytes, must be text of 1..%d", key.s.len,
			LIMIT_META_KEY);
	at.part = "meta";
	at.name = key.s;
	return bytes_is_text(v.s) ? 0 : where_refuse(&at, e, "", "not valid UTF-8 text");
}

int spec_pack_meta(
	const struct where *w, struct value meta, struct buf *out, struct err *e)
{
	struct value key, v;
	size_t bytes = 0;
	int rv = 0;

	pack_map(out, meta.n);
	for (uint32_t i = 0; i < meta.n && rv == 0; i++) {
		value_pair(meta, i, &key, &v);
		rv = check_meta_pair(w, key, v, e);
		if (rv == 0 && value_given_before(meta, i, key.s))
			rv = where_refuse(w, e, "meta", "'%.*s' is given twice",
				(int)key.s.len, (const char *)key.s.data);
		if (rv != 0)
			break;
		bytes += key.s.len + v.s.len;
		pack_str(out, key.s);
		pack_str(out, v.s);
	}
	if (rv == 0 && bytes > LIMIT_META_BYTES)
		rv = where_refuse(
			w, e, "meta", "%zu bytes, at most %d", bytes, LIMIT_META_BYTES);
	return rv;
}
