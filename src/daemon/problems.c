/* Collecting and showing mistakes in a configuration file. */
#include "daemon/problems.h"

#include <stdarg.h>
#include <string.h>

void problems_init(struct problems *p, const char *file)
{
	p->file = file;
	p->n = 0;
}

void problems_add(struct problems *p, size_t line, size_t column, const char *hint,
	const char *fmt, ...)
{
	struct problem *item;
	va_list ap;

	if (p->n++ >= PROBLEMS_MAX)
		return;
	item = &p->items[p->n - 1];
	item->line = line;
	item->column = column;
	snprintf(item->hint, sizeof item->hint, "%s", hint ? hint : "");
	va_start(ap, fmt);
	vsnprintf(item->text, sizeof item->text, fmt, ap);
	va_end(ap);
}

static struct bytes line_of(struct bytes source, size_t line)
{
	const uint8_t *p = source.data, *end = source.data + source.len, *stop;

	while (--line > 0 && p != NULL && p < end) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (p != NULL)
			p++;
	}
	if (p == NULL || p >= end)
		return BYTES_NONE;
	stop = memchr(p, '\n', (size_t)(end - p));
	return bytes_of(p, (size_t)((stop ? stop : end) - p));
}

/* The line with everything that could upset a terminal replaced, and a mark under the
 * column. */
static void print_source(struct bytes line, size_t column, FILE *out)
{
	size_t shown = line.len > 160 ? 160 : line.len;

	if (line.len == 0)
		return;
	fputs("  ", out);
	for (size_t i = 0; i < shown; i++)
		fputc(line.data[i] < 0x20 || line.data[i] == 0x7f ? ' ' : line.data[i],
			out);
	fputs("\n  ", out);
	for (size_t i = 1; i < column && i <= shown; i++)
		fputc(' ', out);
	fputs("^\n", out);
}

void problems_print(const struct problems *p, struct bytes source, FILE *out)
{
	for (uint32_t i = 0; i < p->n && i < PROBLEMS_MAX; i++) {
		const struct problem *item = &p->items[i];

		if (item->line == 0) {
			fprintf(out, "%s: error: %s\n", p->file, item->text);
		} else {
			fprintf(out, "%s:%zu:%zu: error: %s\n", p->file, item->line,
				item->column, item->text);
			print_source(line_of(source, item->line), item->column, out);
		}
		if (item->hint[0] != '\0')
			fprintf(out, "hint: %s\n", item->hint);
	}
	if (p->n > PROBLEMS_MAX)
		fprintf(out, "%s: and %u more errors\n", p->file, p->n - PROBLEMS_MAX);
}
