#include "svcctl/help.h"

#include <stdlib.h>
#include <string.h>

#include "svcctl/mem.h"
#include "svcctl/text.h"

#define NAME_WIDTH 32 /* of the left column */

static void put_words(FILE *out, const struct command *command)
{
	size_t n = command_count_words(command);

	for (size_t i = 0; i < n; i++) {
		const struct param *p = &command->words[i];

		fprintf(out, p->optional ? " [%s]" : " %s", p->name);
	}
}

char *help_usage(const struct command *command)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = mem_check(open_memstream(&text, &len));

	fputs(command->name, out);
	put_words(out, command);
	if (command->options != NULL)
		fputs(" [options]", out);
	if (command->takes_child)
		fputs(" [-- COMMAND ...]", out);
	fclose(out);
	return mem_check(text);
}

static void put_option(FILE *out, const struct param *p)
{
	char *left;

	if (p->letter != 0)
		left = mem_format("-%c, --%s", p->letter, p->name);
	else
		left = mem_format("    --%s", p->name);
	if (p->kind != KIND_FLAG) {
		char *longer = mem_format("%s %s", left, p->value);

		free(left);
		left = longer;
	}
	if (strlen(left) <= NAME_WIDTH - 2)
		fprintf(out, "  %-*s%s%s\n", NAME_WIDTH, left, p->help,
			p->repeat ? " (may be repeated)" : "");
	else
		fprintf(out, "  %s\n  %*s%s%s\n", left, NAME_WIDTH, "", p->help,
			p->repeat ? " (may be repeated)" : "");
	free(left);
}

static void put_options(FILE *out, const char *headline, const struct param *p)
{
	fprintf(out, "\n%s\n", headline);
	for (; p->name != NULL; p++)
		put_option(out, p);
}

static void put_command(FILE *out, const struct command *c)
{
	char *text = NULL;
	size_t len = 0;
	FILE *left = mem_check(open_memstream(&text, &len));

	fputs(c->name, left);
	put_words(left, c);
	if (c->takes_child)
		fputs(" [-- COMMAND]", left);
	fclose(left);
	fprintf(out, "  %-*s%s\n", NAME_WIDTH, (const char *)mem_check(text), c->help);
	free(text);
}

static void put_group(FILE *out, const struct group *g)
{
	fprintf(out, "\n%s\n", g->name);
	for (const struct command *const *c = g->commands; *c != NULL; c++)
		if (!(*c)->hidden)
			put_command(out, *c);
}

void help_overview(FILE *out)
{
	fputs("usage: svcctl [options] COMMAND [ARGUMENT ...]\n\n"
	      "Looks at and changes the registry of services that svcd keeps.\n"
	      "TARGET is SERVICE or SERVICE/INSTANCE.\n",
		out);
	for (const struct group *g = command_groups; g->name != NULL; g++)
		put_group(out, g);
	put_options(out, "Options of every command:", global_options);
	fputs("\n'svcctl help COMMAND' tells more about one; svcctl(1) tells all.\n",
		out);
}

void help_family(FILE *out, const struct family *family)
{
	const struct command *c;

	fprintf(out, "usage: svcctl %s COMMAND\n\n%s.\n\n", family->name, family->help);
	for (size_t i = 0; (c = command_at(i)) != NULL; i++)
		if (command_word_in(c, family->name) != NULL)
			put_command(out, c);
	fprintf(out, "\n'svcctl help %s COMMAND' tells more about one.\n", family->name);
}

void help_command(FILE *out, const struct command *command)
{
	char *usage = help_usage(command);

	fprintf(out, "usage: svcctl %s\n\n%s.\n", usage, command->help);
	if (command->more != NULL)
		fprintf(out, "\n%s", command->more);
	if (command->options != NULL)
		put_options(out, "Options:", command->options);
	fputs("\nThe options of every command are in 'svcctl help'.\n", out);
	free(usage);
}

/* ---- usage errors ------------------------------------------------------ */

enum outcome help_point_to(const struct command *command)
{
	char *usage;

	if (command == NULL) {
		report_hint("'svcctl help' lists commands and options");
		return OUT_USAGE;
	}
	usage = help_usage(command);
	report_hint(
		"usage: svcctl %s; 'svcctl help %s' tells more", usage, command->name);
	free(usage);
	return OUT_USAGE;
}

enum outcome help_unknown_command(const char *word)
{
	struct texts names = {NULL, 0};
	const struct command *c;
	const char *near;

	for (size_t i = 0; (c = command_at(i)) != NULL; i++)
		if (!c->hidden)
			texts_add(&names, mem_copy(c->name));
	for (const struct family *f = command_families; f->name != NULL; f++)
		texts_add(&names, mem_copy(f->name));
	near = text_suggest(word, (const char *const *)names.items);
	report_error("unknown command '%s'", word);
	if (near != NULL)
		report_hint("did you mean '%s'?", near);
	else
		help_point_to(NULL);
	texts_fini(&names);
	return OUT_USAGE;
}

static char *family_words(const struct family *family)
{
	char *text = mem_copy("");
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
		const char *word = command_word_in(c, family->name);
		char *longer;

		if (word == NULL)
			continue;
		longer = mem_format("%s%s%s", text, *text != '\0' ? ", " : "", word);
		free(text);
		text = longer;
	}
	return text;
}

enum outcome help_no_subcommand(const struct family *family)
{
	char *words = family_words(family);

	report_error("%s needs a command: %s", family->name, words);
	report_hint("'svcctl help %s' tells more", family->name);
	free(words);
	return OUT_USAGE;
}

enum outcome help_unknown_subcommand(const struct family *family, const char *word)
{
	struct texts names = {NULL, 0};
	const struct command *c;
	const char *near;

	for (size_t i = 0; (c = command_at(i)) != NULL; i++)
		if (command_word_in(c, family->name) != NULL)
			texts_add(&names, mem_copy(command_word_in(c, family->name)));
	near = text_suggest(word, (const char *const *)names.items);
	report_error("unknown command '%s %s'", family->name, word);
	if (near != NULL)
		report_hint("did you mean '%s %s'?", family->name, near);
	else
		report_hint("'svcctl help %s' lists its commands", family->name);
	texts_fini(&names);
	return OUT_USAGE;
}

/* The option whose name begins with word, if there is exactly one, else the nearest. */
static const char *nearest_option(const char *word, const struct texts *names)
{
	const char *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		if (strncmp(names->items[i], word, strlen(word)) == 0) {
			found = names->items[i];
			n++;
		}
	}
	return n == 1 ? found : text_suggest(word, (const char *const *)names->items);
}

/* An option that stands before the command, and belongs behind it: that command, or NULL.
 */
static const struct command *owner_of(const char *name)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)) != NULL; i++)
		if (command_option(c, name) != NULL)
			return c;
	return NULL;
}

/* "--json" for "-o json": the option that has such a choice. */
static const struct param *choice_owner(const struct command *command, const char *name)
{
	const struct param *p;

	for (size_t i = 0; (p = command_option_at(command, i)) != NULL; i++)
		if (p->kind == KIND_CHOICE && text_is_choice(name, p->value))
			return p;
	return NULL;
}

static void hint_at_option(
	const struct command *command, const char *name, const struct texts *names)
{
	const struct command *owner = command == NULL ? owner_of(name) : NULL;
	const char *near = nearest_option(name, names);
	const struct param *chooses = choice_owner(command, name);

	if (owner != NULL)
		report_hint("options of a command come after it: svcctl %s --%s",
			owner->name, name);
	else if (chooses != NULL)
		report_hint("did you mean '--%s %s'?", chooses->name, name);
	else if (near != NULL)
		report_hint("did you mean '--%s'?", near);
	else
		help_point_to(command);
}

enum outcome help_unknown_option(const struct command *command, const char *word)
{
	char *name = mem_copy_part(word + 2, strcspn(word + 2, "="));
	struct texts names = {NULL, 0};
	const struct param *p;

	for (size_t i = 0; (p = command_option_at(command, i)) != NULL; i++)
		texts_add(&names, mem_copy(p->name));
	if (command != NULL)
		report_error("unknown option '--%s' of %s", name, command->name);
	else
		report_error("unknown option '--%s'", name);
	hint_at_option(command, name, &names);
	texts_fini(&names);
	free(name);
	return OUT_USAGE;
}
