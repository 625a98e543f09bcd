#include "svcctl/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "svcctl/text.h"
#include "svcd.h"

/* Set once by main() before anything else runs. */
static bool use_color;
static bool be_quiet;
static bool line_open;

void report_setup(bool color, bool quiet)
{
	use_color = color;
	be_quiet = quiet;
}

void report_line_open(bool open)
{
	line_open = open;
}

/* In one piece, so that lines of several threads do not mix. */
__attribute__((format(printf, 3, 0))) static void put_line(
	const char *color, const char *head, const char *format, va_list ap)
{
	char text[2048];

	vsnprintf(text, sizeof(text), format, ap);
	text_clean(text); /* parts of it came over the network */
	if (line_open)
		fputs("\r\033[K", stderr);
	line_open = false;
	if (use_color)
		fprintf(stderr, "\033[%sm%s\033[0m%s\n", color, head, text);
	else
		fprintf(stderr, "%s%s\n", head, text);
}

void report_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put_line("1;31", "svcctl: error: ", format, ap);
	va_end(ap);
}

void report_hint(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put_line("36", "hint: ", format, ap);
	va_end(ap);
}

void report_note(const char *format, ...)
{
	va_list ap;

	if (be_quiet)
		return;
	va_start(ap, format);
	put_line("2", "svcctl: ", format, ap);
	va_end(ap);
}

enum outcome report_usage(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put_line("1;31", "svcctl: error: ", format, ap);
	va_end(ap);
	return OUT_USAGE;
}

static const struct {
	int error;
	enum outcome outcome;
} outcomes[] = {
	{SVCD_OK, OUT_OK},
	{SVCD_EINVAL, OUT_USAGE},
	{SVCD_ERANGE, OUT_USAGE},
	{SVCD_ETOOBIG, OUT_USAGE},
	{SVCD_ENOSERVICE, OUT_NOT_FOUND},
	{SVCD_ENOINSTANCE, OUT_NOT_FOUND},
	{SVCD_ENOLEASE, OUT_NOT_FOUND},
	{SVCD_ENOTFOUND, OUT_NOT_FOUND},
	{SVCD_EGONE, OUT_NOT_FOUND},
	{SVCD_EEXISTS, OUT_CONFLICT},
	{SVCD_ESTALE, OUT_CONFLICT},
	{SVCD_ECONFLICT, OUT_CONFLICT},
	{SVCD_EFLOOR, OUT_CONFLICT},
	{SVCD_EINUSE, OUT_CONFLICT},
	{SVCD_ETIMEOUT, OUT_TIMEOUT},
	{SVCD_ENOTREADY, OUT_TIMEOUT},
	{SVCD_EDENIED, OUT_DENIED},
	{SVCD_EUNREACHABLE, OUT_UNREACHABLE},
	{SVCD_ECLOSED, OUT_UNREACHABLE},
	{SVCD_ESHUTDOWN, OUT_UNREACHABLE},
	{SVCD_ENOLEADER, OUT_NO_LEADER},
};

enum outcome outcome_of(int error)
{
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (outcomes[i].error == error)
			return outcomes[i].outcome;
	return OUT_FAILED;
}
