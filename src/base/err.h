/*
 * Errors: 0 or a negative code from the one list in svcd.h.
 *
 * A function returns the code; where a person must be told which value was wrong,
 * it also fills a struct err with one sentence. A function logs or returns an error,
 * never both. Outputs are written on success only.
 */
#ifndef SVCD_BASE_ERR_H
#define SVCD_BASE_ERR_H

#include "svcd.h"

#define ERR_TEXT_MAX 256

/* A code with the sentence that explains this occurrence of it. Plain value. */
struct err {
	int code; /* 0 or SVCD_E… */
	char text[ERR_TEXT_MAX];
};

/* Sets both and returns code. e may be NULL (the text is dropped). Truncates at
 * ERR_TEXT_MAX - 1 bytes, never in the middle of a UTF-8 sequence. */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text that is there; for callers that know where it was. */
void err_prefix(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Machine name ("not_found") and general text of a code; for an unknown code "unknown".
 * Static strings. */
const char *err_name(int code);
const char *err_text(int code);

/* The code of a machine name, or SVCD_EINTERNAL when there is none of that name. */
int err_from_name(const char *name);

/* The svcd code for an errno value (ENOSPC -> SVCD_ENOSPACE, EADDRINUSE -> SVCD_EINUSE).
 */
int err_from_errno(int errnum);

#endif
