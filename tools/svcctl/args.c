#include "svcctl/args.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/help.h"
#include "svcctl/mem.h"
#include "svcctl/text.h"

/* What getopt_long wants, made from the table. val is the row's number + ROW_BASE. */
#define ROW_BASE 1000

struct getopt_tables {
	char *letters;
	struct option *names;
};

static void make_tables(
	const struct command *command, bool whole_line, struct getopt_tables *t)
{
	const struct param *p;
	size_t n = 0, at = 0;

	while (command_option_at(command, n) != NULL)
		n++;
	t->names = mem_zero(n + 1, sizeof(*t->names));
	t->letters = mem_zero(2 * n + 3, 1);
	if (!whole_line)
		t->letters[at++] = '+'; /* stops at the first word: the command */
	t->letters[at++] = ':';         /* tells a missing value from an unknown option */
	for (size_t i = 0; (p = command_option_at(command, i)) != NULL; i++) {
		t->names[i].name = p->name;
		t->names[i].has_arg = p->kind == KIND_FLAG ? no_argument
							   : required_argument;
		t->names[i].val = ROW_BASE + (int)i;
		if (p->letter != 0) {
			t->letters[at++] = p->letter;
			if (p->kind != KIND_FLAG)
				t->letters[at++] = ':';
		}
	}
}

static void free_tables(struct getopt_tables *t)
{
	free(t->names);
	free(t->letters);
}

static const struct param *row_of(const struct command *command, int c)
{
	const struct param *p;

	if (c >= ROW_BASE)
		return command_option_at(command, (size_t)(c - ROW_BASE));
	for (size_t i = 0; (p = command_option_at(command, i)) != NULL; i++)
		if (p->letter == c)
			return p;
	return NULL;
}

/* ---- values ------------------------------------------------------------ */

static enum outcome bad_number(
	const struct param *p, const char *label, const char *value)
{
	unsigned long long max = p->max > 0 ? p->max : UINT32_MAX;

	if (strspn(value, "0123456789") == strlen(value) && *value != '\0')
		return report_usage("%s: %s is not within 0..%llu", label, value, max);
	return report_usage("%s: '%s' is not a number", label, value);
}

static enum outcome bad_choice(
	const struct param *p, const char *label, const char *value)
{
	const char *choices = p->value != NULL ? p->value : p->name;
	char *copy = mem_copy(choices), *save = NULL;
	struct texts all = {NULL, 0};
	const char *near;

	for (char *w = strtok_r(copy, "|", &save); w != NULL;
		w = strtok_r(NULL, "|", &save))
		texts_add(&all, mem_copy(w));
	report_error("%s: '%s' is not one of %s", label, value, choices);
	near = text_suggest(value, (const char *const *)all.items);
	if (near != NULL)
		report_hint("did you mean '%s'?", near);
	texts_fini(&all);
	free(copy);
	return OUT_USAGE;
}

static enum outcome check_value(
	const struct param *p, const char *label, const char *value)
{
	uint64_t number;

	if (p->kind == KIND_NUMBER &&
		!text_parse_number(value, p->max > 0 ? p->max : UINT32_MAX, &number))
		return bad_number(p, label, value);
	if (p->kind == KIND_DURATION && !text_parse_duration(value, &number)) {
		report_error("%s: '%s' is not a duration", label, value);
		report_hint("durations have a unit: 250ms, 10s, 5m, 2h, 1d");
		return OUT_USAGE;
	}
	if (p->kind == KIND_CHOICE &&
		!text_is_choice(value, p->value != NULL ? p->value : p->name))
		return bad_choice(p, label, value);
	return OUT_OK;
}

static enum outcome take_option(struct args *a, const struct param *p, const char *value)
{
	char *label;
	enum outcome out;

	if (strcmp(p->name, "help") == 0)
		a->wants_help = true;
	if (strcmp(p->name, "version") == 0)
		a->wants_version = true;
	a->given = mem_resize(a->given, a->n_given + 1, sizeof(*a->given));
	a->given[a->n_given++] = (struct given){p, value};
	if (value == NULL)
		return OUT_OK;
	label = mem_format("--%s", p->name);
	out = check_value(p, label, value);
	free(label);
	return out;
}

/* ---- getopt ------------------------------------------------------------ */

/* getopt_long takes any unique start of a name; scripts must not depend on what is unique
 * today. */
static bool is_shortened(const struct param *p, const char *word)
{
	size_t len;

	if (strncmp(word, "--", 2) != 0)
		return false;
	len = strcspn(word + 2, "=");
	return len < strlen(p->name) && strncmp(word + 2, p->name, len) == 0;
}

/* optopt tells the cases apart: nothing for an unknown name, a row, or an unknown letter.
 */
static enum outcome bad_option(const struct command *command, const char *word)
{
	if (optopt == 0)
		return help_unknown_option(command, word);
	if (optopt >= ROW_BASE)
		report_error(
			"option '--%s' takes no value", row_of(command, optopt)->name);
	else
		report_error("unknown option '-%c'", optopt);
	return help_point_to(command);
}

static enum outcome missing_value(const struct command *command, const char *word)
{
	report_error("option '%s' needs a value", word);
	return help_point_to(command);
}

static enum outcome run_getopt(int argc, char **argv, bool whole_line, struct args *a)
{
	struct getopt_tables t;
	enum outcome out = OUT_OK;
	int c;

	make_tables(a->command, whole_line, &t);
	optind = 0; /* starts anew, also glibc's own memory */
	opterr = 0;
	while (out == OUT_OK &&
		(c = getopt_long(argc, argv, t.letters, t.names, NULL)) != -1) {
		const char *word = argv[optind - 1 - (optarg == argv[optind - 1])];
		const struct param *p = row_of(a->command, c);

		if (c == ':')
			out = missing_value(a->command, argv[optind - 1]);
		else if (p == NULL)
			out = bad_option(a->command, argv[optind - 1]);
		else if (c >= ROW_BASE && is_shortened(p, word))
			out = help_unknown_option(a->command, word);
		else
			out = take_option(a, p, optarg);
	}
	free_tables(&t);
	return out;
}

/* ---- words ------------------------------------------------------------- */

static enum outcome check_words(struct args *a)
{
	const struct command *command = a->command;

	for (size_t i = 0; i < a->n_words; i++) {
		const struct param *p = &command->words[i];

		if (check_value(p, p->name, a->words[i]) != OUT_OK)
			return OUT_USAGE;
	}
	if (a->n_words < command_count_words(command) &&
		!command->words[a->n_words].optional) {
		report_error(
			"%s needs %s", command->name, command->words[a->n_words].name);
		return help_point_to(command);
	}
	return OUT_OK;
}

static enum outcome take_words(struct args *a, char **words, int n)
{
	size_t most = command_count_words(a->command);

	for (int i = 0; i < n; i++) {
		if (a->n_words == most) {
			report_error("unexpected argument '%s'", words[i]);
			if (a->command->takes_child)
				report_hint("a command to run comes after '--'");
			return help_point_to(a->command);
		}
		a->words[a->n_words++] = words[i];
	}
	return OUT_OK;
}

/* The place of "--" or the end. */
static int find_dashes(int argc, char **argv)
{
	int i = 0;

	while (i < argc && strcmp(argv[i], "--") != 0)
		i++;
	return i;
}

static enum outcome parse_command(int argc, char **argv, struct args *a)
{
	int own = find_dashes(argc, argv);
	enum outcome out;

	if (own < argc && !a->command->takes_child)
		own = argc; /* then it only ends the options */
	else if (own < argc)
		a->child = argv + own + 1;
	out = run_getopt(own, argv, true, a);
	if (out != OUT_OK || a->wants_help || a->wants_version)
		return out;
	out = take_words(a, argv + optind, own - optind);
	return out == OUT_OK ? check_words(a) : out;
}

/* The second word of a command that has two; global options may stand between them. */
static enum outcome parse_family(int argc, char **argv, struct args *a)
{
	enum outcome out = run_getopt(argc, argv, false, a);
	int at = optind;

	if (out != OUT_OK || a->wants_version || at >= argc)
		return out;
	a->command = command_find_in(a->family->name, argv[at]);
	if (a->command == NULL)
		return help_unknown_subcommand(a->family, argv[at]);
	return parse_command(argc - at, argv + at, a);
}

enum outcome args_parse(int argc, char **argv, struct args *a)
{
	enum outcome out;
	int at;

	*a = (struct args){NULL};
	out = run_getopt(argc, argv, false, a);
	if (out != OUT_OK || a->wants_version)
		return out;
	at = optind;
	if (at >= argc)
		return OUT_OK;
	a->family = family_find(argv[at]);
	if (a->family != NULL)
		return parse_family(argc - at, argv + at, a);
	a->command = command_find(argv[at]);
	if (a->command == NULL)
		return help_unknown_command(argv[at]);
	return parse_command(argc - at, argv + at, a);
}

void args_fini(struct args *a)
{
	free(a->given);
	*a = (struct args){NULL};
}

/* ---- reading ----------------------------------------------------------- */

const char *args_each(const struct args *a, const char *name, size_t *i)
{
	assert(command_option(a->command, name) != NULL);
	while (*i < a->n_given) {
		const struct given *g = &a->given[(*i)++];

		if (strcmp(g->option->name, name) == 0)
			return g->value != NULL ? g->value : "";
	}
	return NULL;
}

const char *args_text(const struct args *a, const char *name, const char *fallback)
{
	const char *value;
	size_t i = 0;

	while ((value = args_each(a, name, &i)) != NULL)
		fallback = value;
	return fallback;
}

bool args_flag(const struct args *a, const char *name)
{
	return args_text(a, name, NULL) != NULL;
}

uint64_t args_number(const struct args *a, const char *name, uint64_t fallback)
{
	const char *text = args_text(a, name, NULL);

	if (text != NULL)
		text_parse_number(text, UINT64_MAX, &fallback);
	return fallback;
}

uint64_t args_duration(const struct args *a, const char *name, uint64_t fallback)
{
	const char *text = args_text(a, name, NULL);

	if (text != NULL)
		text_parse_duration(text, &fallback);
	return fallback;
}

const char *args_word(const struct args *a, size_t i)
{
	return i < a->n_words ? a->words[i] : NULL;
}
