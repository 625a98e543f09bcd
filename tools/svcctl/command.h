/*
 * The one table of commands. What getopt_long gets, the help texts, the usage errors, the
 * completion in three shells and the check of svcctl(1) all come from it.
 */
#ifndef SVCCTL_COMMAND_H
#define SVCCTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "svcctl/report.h"

struct args;
struct ctl;

/* What a value is: how it is checked and completed. */
enum kind {
	KIND_FLAG, /* an option without a value */
	KIND_TEXT,
	KIND_NUMBER, /* 0..max */
	KIND_DURATION,
	KIND_CHOICE, /* one of the words in .value, which are separated by | */
	KIND_FILE,
	KIND_SERVICE,
	KIND_TARGET, /* SERVICE or SERVICE/INSTANCE */
	KIND_NAMESPACE,
	KIND_COMMAND,
	KIND_SUBCOMMAND, /* of the family that the word before names */
	KIND_MEMBER,     /* of the cluster: its name or id */
	KIND_CHECK,      /* of register */
	KIND_CONDITION,  /* of wait */
};

/* An option or a word. */
struct param {
	const char *name; /* of an option: without --; of a word: as in the usage line */
	char letter;      /* of an option; 0: none */
	enum kind kind;
	const char *value; /* of an option: its value in the usage line, or the choices */
	bool repeat;       /* an option that may be given several times */
	bool optional;     /* a word that may be missing */
	uint64_t max;      /* of a number; 0: 2^32-1 */
	const char *help;  /* one line */
};

#define WORDS_MAX 2

struct command {
	const char *name; /* one word, or a family's and its own: "cluster join" */
	const char *help; /* one line, without a full stop */
	const char *more; /* what `svcctl help NAME` adds; NULL: nothing */
	bool hidden;      /* not for people */
	bool takes_child; /* "-- COMMAND ARGUMENT…" may follow */
	const struct param *words;   /* ends with a row without name; NULL: none */
	const struct param *options; /* likewise */
	enum outcome (*run)(struct ctl *c, const struct args *a);
};

/* A headline of the overview and its commands; ends with a row without name. */
struct group {
	const char *name;
	const struct command *const *commands; /* ends with NULL */
};

/* The first word of commands that have two; ends with a row without name. */
struct family {
	const char *name;
	const char *help; /* one line, without a full stop */
};

extern const struct group command_groups[];
extern const struct family command_families[];
extern const struct command *const cluster_commands[]; /* of one of the groups */
extern const struct param global_options[];            /* ends with a row without name */

/* Of one word. NULL: there is none. */
const struct command *command_find(const char *name);
const struct family *family_find(const char *name); /* NULL: there is none */
/* The second word when the command is of that family, else NULL. */
const char *command_word_in(const struct command *command, const char *family);
/* NULL: there is none. */
const struct command *command_find_in(const char *family, const char *word);
/* The i-th command in the order of the groups, hidden ones too; NULL after the last. */
const struct command *command_at(size_t i);
/* An option of the command, or a global one; NULL: there is none. command may be NULL. */
const struct param *command_option(const struct command *command, const char *name);
/* The i-th option, the command's own first; NULL after the last. */
const struct param *command_option_at(const struct command *command, size_t i);
size_t command_count_words(const struct command *command);

#endif
