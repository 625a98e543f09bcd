/*
 * Help and usage, written from the table of commands.
 */
#ifndef SVCCTL_HELP_H
#define SVCCTL_HELP_H

#include <stdio.h>

#include "svcctl/command.h"

void help_overview(FILE *out);                               /* `svcctl help` */
void help_family(FILE *out, const struct family *family);    /* `svcctl help cluster` */
void help_command(FILE *out, const struct command *command); /* `svcctl help NAME` */
/* "drain TARGET [options]"; out is the caller's to free. */
char *help_usage(const struct command *command);

/* Usage errors: report it with a hint and return OUT_USAGE. command may be NULL: the
 * global options. */
enum outcome help_unknown_command(const char *word);
enum outcome help_unknown_subcommand(const struct family *family, const char *word);
enum outcome help_no_subcommand(const struct family *family);
enum outcome help_unknown_option(
	const struct command *command, const char *word); /* "--nmae=x"
							   */
/* The hint to read the help of a command. */
enum outcome help_point_to(const struct command *command);

#endif
