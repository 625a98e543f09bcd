/* svcctl: the command line of the registry. It uses svcd.h only. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "svcctl/ctl.h"
#include "svcctl/help.h"

static enum outcome run(const struct args *a)
{
	struct ctl c;
	enum outcome out = ctl_init(&c, a);

	if (out == OUT_OK)
		out = a->command->run(&c, a);
	ctl_fini(&c);
	return out;
}

static enum outcome no_command(const struct family *family)
{
	if (family != NULL)
		return help_no_subcommand(family);
	report_error("no command");
	help_point_to(NULL);
	return OUT_USAGE;
}

static enum outcome dispatch(const struct args *a)
{
	if (a->wants_version) {
		puts("svcctl " SVCD_VERSION);
		return OUT_OK;
	}
	if (a->wants_help && a->command != NULL) {
		help_command(stdout, a->command);
		return OUT_OK;
	}
	if (a->wants_help && a->family != NULL) {
		help_family(stdout, a->family);
		return OUT_OK;
	}
	if (a->wants_help) {
		help_overview(stdout);
		return OUT_OK;
	}
	return a->command != NULL ? run(a) : no_command(a->family);
}

/* Results that could not be written are a failure, or a full disk passes for an empty
 * answer. */
static enum outcome flush(enum outcome out)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return out;
	report_error("cannot write the output");
	return out == OUT_OK ? OUT_FAILED : out;
}

int main(int argc, char **argv)
{
	struct args a;
	enum outcome out;

	setlocale(LC_ALL, "");
	out = args_parse(argc, argv, &a);
	if (out == OUT_OK)
		out = dispatch(&a);
	args_fini(&a);
	return flush(out);
}
