/*
 * A command line against the table: options may stand before or after the command and
 * between words; what follows "--" belongs to a child. Values are checked by their kind
 * here, so the commands read them without errors.
 */
#ifndef SVCCTL_ARGS_H
#define SVCCTL_ARGS_H

#include "svcctl/command.h"

struct given {
	const struct param *option;
	const char *value; /* NULL for a flag */
};

struct args {
	const struct command *command; /* NULL: none was named */
	const struct family *family;   /* it was named, and no command of it */
	struct given *given;
	size_t n_given;
	const char *words[WORDS_MAX];
	size_t n_words;
	char *const *child; /* what follows "--", ends with NULL; NULL: there was no "--"
			     */
	bool wants_help, wants_version;
};

/* Borrows argv. OUT_OK, or OUT_USAGE and it has been reported. args_fini in any case. */
enum outcome args_parse(int argc, char **argv, struct args *a);
void args_fini(struct args *a);

/* Of options in the table of a->command or the global one; asserts that there is such a
 * row. The last one given counts. */
bool args_flag(const struct args *a, const char *name);
const char *args_text(const struct args *a, const char *name, const char *fallback);
uint64_t args_number(const struct args *a, const char *name, uint64_t fallback);
uint64_t args_duration(const struct args *a, const char *name, uint64_t fallback);

/* Each value of an option that may be repeated: start with *i = 0; NULL after the last.
 */
const char *args_each(const struct args *a, const char *name, size_t *i);

/* The i-th word, or NULL. */
const char *args_word(const struct args *a, size_t i);

#endif
