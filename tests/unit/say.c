#include "say.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/pack.h"
#include "wire/value.h"

static void wrong(const char *at)
{
	fprintf(stderr, "say: cannot read at: %s\n", at);
	abort();
}

static const char *blank(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\n')
		p++;
	return p;
}

static const char *say_text(struct buf *out, const char *p)
{
	const char *end = strchr(p + 1, '\'');

	if (end == NULL)
		wrong(p);
	pack_str(out, bytes_of(p + 1, (size_t)(end - p - 1)));
	return end + 1;
}

static const char *say_word(struct buf *out, const char *p)
{
	size_t len = strspn(
		p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-");

	if (len == 0)
		wrong(p);
	if (len == 4 && strncmp(p, "true", 4) == 0)
		pack_bool(out, true);
	else if (len == 5 && strncmp(p, "false", 5) == 0)
		pack_bool(out, false);
	else if (len == 4 && strncmp(p, "null", 4) == 0)
		pack_nil(out);
	else
		pack_str(out, bytes_of(p, len));
	return p + len;
}

static const char *say_value(struct buf *out, const char *p);

static const char *say_list(struct buf *out, const char *p, char close)
{
	size_t mark = close == '}' ? pack_map_begin(out) : pack_array_begin(out);
	uint32_t n = 0;

	for (p = blank(p + 1); *p != close; n++) {
		p = blank(say_value(out, p));
		if (close == '}') {
			if (*p != ':')
				wrong(p);
			p = blank(say_value(out, blank(p + 1)));
		}
		if (*p == ',')
			p = blank(p + 1);
		else if (*p != close)
			wrong(p);
	}
	if (close == '}')
		pack_map_end(out, mark, n);
	else
		pack_array_end(out, mark, n);
	return p + 1;
}

static const char *say_value(struct buf *out, const char *p)
{
	char *end;

	if (*p == '{')
		return say_list(out, p, '}');
	if (*p == '[')
		return say_list(out, p, ']');
	if (*p == '\'')
		return say_text(out, p);
	if (*p == '-') {
		pack_i64(out, strtoll(p, &end, 10));
		return end;
	}
	if (isdigit((unsigned char)*p)) {
		pack_u64(out, strtoull(p, &end, 10));
		return end;
	}
	return say_word(out, p);
}

void say(struct buf *out, const char *text)
{
	const char *end = blank(say_value(out, blank(text)));

	if (*end != '\0')
		wrong(end);
}

static void tell_value(struct buf *out, struct value v);

static void tell_pair(struct buf *out, struct value v, uint32_t i)
{
	struct value key, val;

	value_pair(v, i, &key, &val);
	if (key.type == VALUE_STR)
		buf_put_bytes(out, key.s);
	else
		tell_value(out, key);
	buf_put_u8(out, ':');
	tell_value(out, val);
}

static void tell_list(struct buf *out, struct value v)
{
	bool map = v.type == VALUE_MAP;

	buf_put_u8(out, map ? '{' : '[');
	for (uint32_t i = 0; i < v.n; i++) {
		if (i > 0)
			buf_put_u8(out, ',');
		if (map)
			tell_pair(out, v, i);
		else
			tell_value(out, value_at(v, i));
	}
	buf_put_u8(out, map ? '}' : ']');
}

static void tell_value(struct buf *out, struct value v)
{
	switch (v.type) {
	case VALUE_NIL:
		buf_printf(out, "null");
		break;
	case VALUE_BOOL:
		buf_printf(out, v.boolean ? "true" : "false");
		break;
	case VALUE_UINT:
		buf_printf(out, "%" PRIu64, v.u);
		break;
	case VALUE_INT:
		buf_printf(out, "%" PRId64, v.i);
		break;
	case VALUE_FLOAT:
		buf_printf(out, "%g", v.f);
		break;
	case VALUE_STR:
	case VALUE_BIN:
		buf_printf(out, "'%.*s'", (int)v.s.len, (const char *)v.s.data);
		break;
	case VALUE_ARRAY:
	case VALUE_MAP:
		tell_list(out, v);
		break;
	}
}

void tell(struct buf *out, struct bytes bytes)
{
	struct arena *a = arena_new();
	struct value v;

	if (a == NULL)
		abort();
	if (value_parse(a, bytes, &v) == 0)
		tell_value(out, v);
	else
		buf_printf(out, "(malformed)");
	buf_put_u8(out, 0);
	out->len--;
	arena_free(a);
}
