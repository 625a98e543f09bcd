/*
 * One line on a terminal that tells how far something is; nothing when standard error is
 * none, or with --quiet.
 */
#ifndef SVCCTL_PROGRESS_H
#define SVCCTL_PROGRESS_H

#include "svcctl/ctl.h"

#define PROGRESS_BAR_CELLS 24

struct progress {
	bool shown; /* there is somebody who sees it */
	bool utf8;
	bool open;      /* a line is there that will be written over */
	char last[128]; /* finished or present step */
};

void progress_init(struct progress *p, const struct ctl *c);
/* The present step, of which it is not known how long it takes. */
void progress_step(struct progress *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same with a bar: done of total bytes. */
void progress_bytes(struct progress *p, const char *step, uint64_t done, uint64_t total);
/* Ends the line. What it said last stays when kept. */
void progress_end(struct progress *p, bool kept);

/* "[██████······]  50 %" of the share done/total (0: nothing is known, so none). Pure. */
void progress_bar(char *out, size_t cap, uint64_t done, uint64_t total, bool utf8);

#endif
