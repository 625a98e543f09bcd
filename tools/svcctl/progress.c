#include "svcctl/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "svcctl/text.h"

void progress_init(struct progress *p, const struct ctl *c)
{
	*p = (struct progress){
		.shown = !c->quiet && isatty(STDERR_FILENO),
		.utf8 = c->view.utf8,
	};
}

void progress_bar(char *out, size_t cap, uint64_t done, uint64_t total, bool utf8)
{
	size_t full, at = 0;

	if (done > total)
		done = total;
	full = total > 0 ? (size_t)((double)done / (double)total * PROGRESS_BAR_CELLS)
			 : 0;
	at += (size_t)snprintf(out, cap, "[");
	for (size_t i = 0; i < PROGRESS_BAR_CELLS && at < cap; i++) {
		const char *cell = i < full ? (utf8 ? "█" : "#") : (utf8 ? "·" : ".");

		at += (size_t)snprintf(out + at, cap - at, "%s", cell);
	}
	if (at < cap)
		snprintf(out + at, cap - at, "] %3u %%",
			total > 0 ? (unsigned)((double)done / (double)total * 100) : 0);
}

static void show(struct progress *p, const char *text)
{
	if (!p->shown)
		return;
	fprintf(stderr, "\r\033[K%s", text);
	fflush(stderr);
	report_line_open(true);
	p->open = true;
}

void progress_step(struct progress *p, const char *format, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	text_clean(text);
	if (p->open && strcmp(text, p->last) == 0)
		return;
	snprintf(p->last, sizeof(p->last), "%s", text);
	show(p, text);
}

void progress_bytes(struct progress *p, const char *step, uint64_t done, uint64_t total)
{
	char bar[4 * PROGRESS_BAR_CELLS + 16], text[256];
	char some[TEXT_CAP], all[TEXT_CAP];

	progress_bar(bar, sizeof(bar), done, total, p->utf8);
	snprintf(text, sizeof(text), "%s %s  %s of %s", step, bar, text_bytes(done, some),
		text_bytes(total, all));
	p->last[0] = '\0';
	show(p, text);
}

void progress_end(struct progress *p, bool kept)
{
	if (p->open)
		fputs(kept ? "\n" : "\r\033[K", stderr);
	report_line_open(false);
	p->open = false;
}
