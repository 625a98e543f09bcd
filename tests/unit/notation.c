#include "notation.h"

#include <check.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "wire/pack.h"

static void skip(const char **at)
{
	while (isspace((unsigned char)**at) || **at == ',')
		(*at)++;
}

static void pack_quoted(struct buf *out, const char **at)
{
	struct buf text = {0};

	for ((*at)++; **at != '\0'; (*at)++) {
		if (**at == '\'' && (*at)[1] != '\'')
			break;
		if (**at == '\'')
			(*at)++;
		buf_put_u8(&text, (uint8_t) * *at);
	}
	ck_assert_msg(**at == '\'', "a string without end");
	(*at)++;
	pack_str(out, buf_bytes(&text));
	buf_fini(&text);
}

static struct bytes word_take(const char **at)
{
	const char *start = *at;

	while (isalnum((unsigned char)**at) || **at == '_' || **at == '-')
		(*at)++;
	ck_assert_msg(*at > start, "a word is expected at \"%.20s\"", start);
	return bytes_of(start, (size_t)(*at - start));
}

static void pack_word(struct buf *out, const char **at)
{
	struct bytes word = word_take(at);

	if (bytes_eq_str(word, "nil"))
		pack_nil(out);
	else if (bytes_eq_str(word, "true") || bytes_eq_str(word, "false"))
		pack_bool(out, word.data[0] == 't');
	else if (word.data[0] == '-')
		pack_i64(out, strtoll((const char *)word.data, NULL, 10));
	else
		pack_u64(out, strtoull((const char *)word.data, NULL, 10));
}

static void pack_one(struct buf *out, const char **at)
{
	bool map = **at == '{';
	char end = map ? '}' : ']';
	uint32_t n = 0;
	size_t mark;

	if (**at == '\'') {
		pack_quoted(out, at);
		return;
	}
	if (!map && **at != '[') {
		pack_word(out, at);
		return;
	}
	mark = map ? pack_map_begin(out) : pack_array_begin(out);
	for ((*at)++, skip(at); **at != end; skip(at), n++) {
		if (map) {
			pack_str(out, word_take(at));
			ck_assert_msg(
				**at == ':', "a colon is expected at \"%.20s\"", *at);
			(*at)++;
			skip(at);
		}
		pack_one(out, at);
	}
	(*at)++;
	if (map)
		pack_map_end(out, mark, n);
	else
		pack_array_end(out, mark, n);
}

void notation_pack(struct buf *out, const char *text)
{
	skip(&text);
	pack_one(out, &text);
	skip(&text);
	ck_assert_msg(*text == '\0', "more text: \"%.20s\"", text);
	ck_assert_int_eq(out->error, 0);
}

static void print_text(struct buf *out, struct bytes s)
{
	buf_put_u8(out, '\'');
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] == '\'')
			buf_put_u8(out, '\'');
		buf_put_u8(out, s.data[i]);
	}
	buf_put_u8(out, '\'');
}

static void print_pairs(struct buf *out, struct value map)
{
	struct value key;
	struct value val;

	buf_put_u8(out, '{');
	for (uint32_t i = 0; i < map.n; i++) {
		value_pair(map, i, &key, &val);
		if (i > 0)
			buf_put_u8(out, ',');
		buf_put_bytes(out, key.s);
		buf_put_u8(out, ':');
		notation_print(out, val);
	}
	buf_put_u8(out, '}');
}

void notation_print(struct buf *out, struct value v)
{
	switch (v.type) {
	case VALUE_NIL:
		buf_printf(out, "nil");
		return;
	case VALUE_BOOL:
		buf_printf(out, "%s", v.boolean ? "true" : "false");
		return;
	case VALUE_UINT:
		buf_printf(out, "%" PRIu64, v.u);
		return;
	case VALUE_INT:
		buf_printf(out, "%" PRId64, v.i);
		return;
	case VALUE_FLOAT:
		buf_printf(out, "%g", v.f);
		return;
	case VALUE_STR:
	case VALUE_BIN:
		print_text(out, v.s);
		return;
	case VALUE_ARRAY:
		buf_put_u8(out, '[');
		for (uint32_t i = 0; i < v.n; i++) {
			if (i > 0)
				buf_put_u8(out, ',');
			notation_print(out, value_at(v, i));
		}
		buf_put_u8(out, ']');
		return;
	case VALUE_MAP:
		print_pairs(out, v);
		return;
	}
}

bool notation_find(struct value v, const char *path, struct value *out)
{
	char step[64];
	size_t len;

	for (; *path != '\0'; path += len + (path[len] == '.')) {
		len = strcspn(path, ".");
		ck_assert_uint_lt(len, sizeof(step));
		memcpy(step, path, len);
		step[len] = '\0';
		if (v.type == VALUE_ARRAY) {
			uint32_t i = (uint32_t)strtoul(step, NULL, 10);

			if (i >= v.n)
				return false;
			v = value_at(v, i);
		} else if (!value_find(v, step, &v)) {
			return false;
		}
	}
	*out = v;
	return true;
}
