#include "client/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(((struct svcd_fault *)NULL)->text) == ERR_TEXT_MAX,
	"a struct err fits into a fault as it is");

static void fault_from_err(struct svcd_fault *f, const struct err *e)
{
	*f = (struct svcd_fault){.code = e->code};
	memcpy(f->text, e->text, sizeof(f->text));
}

int fault_set(struct svcd_fault *f, int code, const char *fmt, ...)
{
	char text[2 * ERR_TEXT_MAX];
	struct err e = {0};
	va_list args;
	int n;

	if (f == NULL)
		return code;
	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(&e, code, "%s", n < 0 ? err_text(code) : text);
	fault_from_err(f, &e);
	return code;
}

int fault_code(struct svcd_fault *f, int code)
{
	return fault_set(f, code, "%s", err_text(code));
}

/* An error as a member sends it. */
struct wire_error {
	struct value code;
	struct bytes name;
	struct bytes text;
	uint32_t retry_after_ms;
};

#define ROW(field, kind, most) \
	{ \
#field, kind, offsetof(struct wire_error, field), false, 0, most \
	}
static const struct field rows[] = {
	ROW(code, FIELD_ANY, 0),
	ROW(name, FIELD_TEXT, 64),
	ROW(text, FIELD_TEXT, 4096),
	ROW(retry_after_ms, FIELD_U32, UINT32_MAX),
};
#undef ROW

static int code_of(const struct wire_error *w)
{
	char name[65] = "";
	int code;

	if (w->name.len > 0)
		memcpy(name, w->name.data, w->name.len);
	code = err_from_name(name);
	if (code == SVCD_EINTERNAL && w->code.type == VALUE_INT && w->code.i > -1000)
		code = (int)w->code.i;
	return code < 0 ? code : SVCD_EINTERNAL;
}

void fault_from_wire(struct svcd_fault *f, struct value error)
{
	struct wire_error w = {0};
	struct err e;
	int code;

	if (fields_decode(error, rows, sizeof(rows) / sizeof(rows[0]), &w, NULL, "error",
		    &e) != 0) {
		fault_set(f, SVCD_EPROTOCOL, "a member's error is malformed: %s", e.text);
		return;
	}
	code = code_of(&w);
	if (w.text.len == 0)
		fault_code(f, code);
	else
		fault_set(f, code, "%.*s", (int)w.text.len, (const char *)w.text.data);
	f->retry_after_ms = w.retry_after_ms;
}

void fault_copy(struct svcd_fault *out, const struct svcd_fault *f)
{
	if (out != NULL)
		*out = f != NULL ? *f : (struct svcd_fault){0};
}
