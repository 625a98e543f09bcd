/* config-check: asks svcd itself whether it would take a configuration file. */
#include <stddef.h>

#include "svcctl/handlers.h"
#include "svcctl/svcd_program.h"

enum outcome cmd_config_check(struct ctl *c, const struct args *a)
{
	const char *const arguments[] = {"--config", a->words[0], "--check-config", NULL};

	(void)c;
	return svcd_run(arguments, NULL);
}
