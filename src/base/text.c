#include "base/text.h"

#include <stdio.h>

static bool is_label_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool text_is_dns_label(struct bytes name)
{
	if (name.len < 1 || name.len > 63)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!is_label_char(name.data[i]))
			return false;
	return name.data[0] != '-' && name.data[name.len - 1] != '-';
}

char *text_copy(char *out, size_t cap, struct bytes v)
{
	snprintf(out, cap, "%.*s", (int)v.len, (const char *)v.data);
	return out;
}

char *text_hex64(uint64_t v, char out[17])
{
	for (int i = 15; i >= 0; i--, v >>= 4)
		out[i] = "0123456789abcdef"[v & 15];
	out[16] = '\0';
	return out;
}

/* The two-character escape of a byte, or NULL. */
static const char *short_escape(uint8_t c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

/* Writes the first character of v, or its first byte when it starts with none. Bytes
 * taken. */
static size_t put_escaped_char(struct buf *out, struct bytes v)
{
	const char *escape = short_escape(v.data[0]);
	size_t n = bytes_text_char(v);

	if (escape != NULL)
		buf_put(out, escape, 2);
	else if (n > 0)
		buf_put(out, v.data, n);
	else
		buf_printf(out, "\\x%02x", v.data[0]);
	return n > 0 ? n : 1;
}

void text_put_escaped(struct buf *out, struct bytes v, size_t max)
{
	size_t i = 0;

	while (i < v.len && i < max)
		i += put_escaped_char(out, bytes_of(v.data + i, v.len - i));
	if (i < v.len)
		buf_put(out, "...", 3);
}
