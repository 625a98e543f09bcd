#include "catalog/validate.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define HOST_MAX 253

const char *where_text(const struct where *w, char out[WHERE_TEXT_MAX])
{
	struct buf b;

	buf_init(&b, WHERE_TEXT_MAX - 1);
	buf_printf(&b, "%s", w->method);
	if (w->list != NULL)
		buf_printf(&b, ".%s[%u]", w->list, w->index);
	if (w->part != NULL)
		buf_printf(&b, ".%s", w->part);
	if (w->in_array)
		buf_printf(&b, "[%u]", w->part_index);
	if (w->name.len > 0)
		buf_printf(&b, ".%.*s", (int)w->name.len, (const char *)w->name.data);
	memcpy(out, b.data != NULL ? (const char *)b.data : "", b.len);
	out[b.len] = '\0';
	buf_fini(&b);
	return out;
}

int where_decode(const struct where *w, struct value map, const struct field *rows,
	size_t n, void *out, uint64_t *present, struct err *e)
{
	char path[WHERE_TEXT_MAX];

	if (fields_decode(map, rows, n, out, present, "", NULL) == 0)
		return 0;
	return fields_decode(map, rows, n, out, present, where_text(w, path), e);
}

int where_refuse(
	const struct where *w, struct err *e, const char *field, const char *fmt, ...)
{
	char path[WHERE_TEXT_MAX], sentence[ERR_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, args);
	va_end(args);
	return err_set(e, SVCD_EINVAL, "%s%s%s: %s", where_text(w, path),
		*field != '\0' ? "." : "", field, sentence);
}

int validate_label(
	const struct where *w, const char *field, struct bytes name, struct err *e)
{
	if (text_is_dns_label(name))
		return 0;
	return where_refuse(w, e, field,
		"'%.*s' is not a DNS label (a-z, 0-9, '-', at most 63)", (int)name.len,
		(const char *)name.data);
}

static bool is_numeric(struct bytes address)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t binary[16];

	if (address.len >= sizeof(text))
		return false;
	memcpy(text, address.data, address.len);
	text[address.len] = '\0';
	return inet_pton(AF_INET, text, binary) == 1 ||
		inet_pton(AF_INET6, text, binary) == 1;
}

static bool label_char(uint8_t c)
{
	return isalnum(c) || c == '-' || c == '_';
}

/* Labels of letters, digits, '-' and '_', separated by single dots; the last one holds a
 * letter (else it is a number gone wrong). */
static bool is_host(struct bytes name)
{
	bool start = true, letter = false;

	if (name.len == 0 || name.len > HOST_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];

		if (c == '.' ? start : !label_char(c) || (start && c == '-'))
			return false;
		letter = c == '.' ? false : letter || isalpha(c) != 0;
		start = c == '.';
	}
	return letter;
}

bool address_ok(struct bytes address)
{
	if (bytes_has_prefix(address, bytes_str("unix:")))
		return address.len > 6 && address.data[5] == '/';
	return is_numeric(address) || is_host(address);
}
