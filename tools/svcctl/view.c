#include "svcctl/view.h"

static const char *const colors[] = {
	[PAINT_NONE] = "",
	[PAINT_GOOD] = "\033[32m",
	[PAINT_WARN] = "\033[33m",
	[PAINT_BAD] = "\033[31m",
	[PAINT_DIM] = "\033[2m",
	[PAINT_BOLD] = "\033[1m",
};

const char *view_paint(const struct view *v, enum paint p)
{
	return v->color ? colors[p] : "";
}

const char *view_plain(const struct view *v, enum paint p)
{
	return v->color && p != PAINT_NONE ? "\033[0m" : "";
}

const char *view_mark(const struct view *v, enum paint p)
{
	switch (p) {
	case PAINT_GOOD:
		return v->utf8 ? "✓" : "+";
	case PAINT_BAD:
		return v->utf8 ? "✗" : "x";
	case PAINT_WARN:
		return "!";
	default:
		return v->utf8 ? "·" : "-";
	}
}

const char *view_arrow(const struct view *v)
{
	return v->utf8 ? "→" : "->";
}
