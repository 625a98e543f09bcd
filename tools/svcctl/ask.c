#include "svcctl/ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "svcctl/text.h"

static bool answered_yes(void)
{
	char line[16];

	if (fgets(line, sizeof(line), stdin) == NULL)
		return false;
	return line[0] == 'y' || line[0] == 'Y';
}

enum outcome ask_first(const char *hint, const char *what, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, what);
	vsnprintf(text, sizeof(text), what, ap);
	va_end(ap);
	text_clean(text);
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		report_error("this would %s", text);
		report_hint("%s", hint);
		return OUT_USAGE;
	}
	fprintf(stderr, "%s? [y/N] ", text);
	if (answered_yes())
		return OUT_OK;
	report_note("nothing was changed");
	return OUT_FAILED;
}
