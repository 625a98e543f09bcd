/*
 * How results are to be printed.
 */
#ifndef SVCCTL_VIEW_H
#define SVCCTL_VIEW_H

#include <stdbool.h>
#include <stdint.h>

enum format {
	FORMAT_TABLE,
	FORMAT_WIDE,
	FORMAT_JSON,
	FORMAT_YAML,
	FORMAT_NAME,
	FORMAT_CSV
};

struct view {
	enum format format;
	bool headers;
	bool color;
	bool utf8;       /* the locale has more than ASCII */
	bool terminal;   /* standard output is one */
	bool namespaces; /* of all: show the column */
	uint64_t now_ms; /* wall time, for ages */
};

/* For people: table and wide. */
static inline bool view_is_screen(const struct view *v)
{
	return v->format == FORMAT_TABLE || v->format == FORMAT_WIDE;
}

enum paint { PAINT_NONE, PAINT_GOOD, PAINT_WARN, PAINT_BAD, PAINT_DIM, PAINT_BOLD };

/* Escape sequences, "" when there is no colour. */
const char *view_paint(const struct view *v, enum paint p);
const char *view_plain(const struct view *v, enum paint p); /* ends it */

/* Signs before a line: "✓" "✗" "·", or letters where the locale is plain. */
const char *view_mark(const struct view *v, enum paint p);
const char *view_arrow(const struct view *v); /* "→" or "->" */

#endif
