/* help, and the table as text for the check of the man page. */
#include <stdio.h>

#include "svcctl/handlers.h"
#include "svcctl/help.h"

static enum outcome help_in(const struct family *family, const char *word)
{
	const struct command *command;

	if (word == NULL) {
		help_family(stdout, family);
		return OUT_OK;
	}
	command = command_find_in(family->name, word);
	if (command == NULL)
		return help_unknown_subcommand(family, word);
	help_command(stdout, command);
	return OUT_OK;
}

enum outcome cmd_help(struct ctl *c, const struct args *a)
{
	const struct command *command;

	(void)c;
	if (a->n_words == 0) {
		help_overview(stdout);
		return OUT_OK;
	}
	if (family_find(a->words[0]) != NULL)
		return help_in(family_find(a->words[0]), args_word(a, 1));
	if (a->n_words > 1)
		return report_usage("unexpected argument '%s'", a->words[1]);
	command = command_find(a->words[0]);
	if (command == NULL || command->hidden)
		return help_unknown_command(a->words[0]);
	help_command(stdout, command);
	return OUT_OK;
}

static void put_option(const char *owner, const struct param *p)
{
	printf("option\t%s\t--%s\t", owner, p->name);
	if (p->letter != 0)
		printf("-%c", p->letter);
	printf("\t%s\n", p->kind == KIND_FLAG ? "" : p->value);
}

static void put_options(const char *owner, const struct param *p)
{
	for (; p != NULL && p->name != NULL; p++)
		put_option(owner, p);
}

static void put_command(const struct command *command)
{
	size_t n = command_count_words(command);

	printf("command\t%s\t", command->name);
	for (size_t i = 0; i < n; i++)
		printf(command->words[i].optional ? "%s[%s]" : "%s%s", i > 0 ? " " : "",
			command->words[i].name);
	puts(command->takes_child ? " --" : "");
	put_options(command->name, command->options);
}

enum outcome cmd_table(struct ctl *c, const struct args *a)
{
	const struct command *command;

	(void)c;
	(void)a;
	put_options("svcctl", global_options);
	for (size_t i = 0; (command = command_at(i)) != NULL; i++)
		if (!command->hidden)
			put_command(command);
#define PUT_OUTCOME(id, status, text) printf("exit\t%d\n", status);
	OUTCOMES(PUT_OUTCOME)
#undef PUT_OUTCOME
	return OUT_OK;
}
