/*
 * Mistakes in a configuration file: all of them are collected, then shown with the line
 *they are in, a mark under the place and a hint.
 *
 *	svcd.conf:6:3: error: unknown setting 'lsten'
 *	  lsten:
 *	  ^
 *	hint: did you mean 'listen'?
 */
#ifndef SVCD_DAEMON_PROBLEMS_H
#define SVCD_DAEMON_PROBLEMS_H

#include <stdio.h>

#include "base/bytes.h"

#define PROBLEMS_MAX 32

struct problem {
	size_t line, column; /* from 1; 0: the file as a whole */
	char text[256];
	char hint[256]; /* "" for none */
};

struct problems {
	const char *file;
	struct problem items[PROBLEMS_MAX];
	uint32_t n; /* beyond PROBLEMS_MAX they are only counted */
};

void problems_init(struct problems *p, const char *file);
/* hint may be NULL. */
void problems_add(struct problems *p, size_t line, size_t column, const char *hint,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* source: the whole text of the file, for the lines that are shown. */
void problems_print(const struct problems *p, struct bytes source, FILE *out);

#endif
