/*
 * What may stand where the cursor is. Pure: names of the registry come from the caller.
 */
#ifndef SVCCTL_COMPLETE_H
#define SVCCTL_COMPLETE_H

#include "svcctl/command.h"

enum want {
	WANT_NOTHING,
	WANT_COMMANDS, /* of .family, or first words */
	WANT_OPTIONS,  /* of .command, and the global ones */
	WANT_VALUE,    /* of .param */
	WANT_PROGRAM,  /* the command that register runs */
	WANT_FILES,    /* its arguments */
};

struct place {
	enum want want;
	const struct command *command; /* NULL: none yet */
	const struct family *family;   /* a command of it comes; NULL: none was named */
	const char *first;             /* word of the command; NULL: none yet */
	const struct param *param;
	const char *prefix; /* what is there already of the word, behind "--option=" */
	size_t skipped; /* bytes of the word before prefix, to be repeated in the answer
			 */
	const char *server, *ns; /* values of these options before; NULL: not given */
};

/* words: what stands behind "svcctl" up to the cursor; the last one is being written (""
 * for a new one). */
struct place complete_place(char *const *words, size_t n);

#endif
