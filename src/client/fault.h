/*
 * struct svcd_fault: a code with a sentence, made by us or taken from a member's error
 * response. Plain values, no ownership; any thread.
 */
#ifndef SVCD_CLIENT_FAULT_H
#define SVCD_CLIENT_FAULT_H

#include "base/err.h"
#include "wire/value.h"

/* Sets all of it (retry_after_ms 0) and returns code. The text is cut to what fits, at a
 * whole character. */
int fault_set(struct svcd_fault *f, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The code with its general text. */
int fault_code(struct svcd_fault *f, int code);

/* What a member answered: {code, name, text, retry_after_ms?, leader?}. The name decides,
 * the number is for names that this library does not know yet. Anything malformed becomes
 * SVCD_EPROTOCOL. */
void fault_from_wire(struct svcd_fault *f, struct value error);

/* Copies f to *out, or clears *out when f is NULL; out may be NULL. */
void fault_copy(struct svcd_fault *out, const struct svcd_fault *f);

#endif
