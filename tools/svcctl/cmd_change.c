/* deregister, undrain, maintenance, weight: one change of a target each. */
#include <stdlib.h>

#include "svcctl/change.h"
#include "svcctl/handlers.h"
#include "svcctl/mem.h"

static enum outcome run_change(
	struct ctl *c, const struct args *a, const struct change *ch)
{
	struct target t;
	enum outcome out = target_parse(a->words[0], &t);

	if (out != OUT_OK)
		return out;
	out = change_run(c, a, &t, ch);
	target_fini(&t);
	return out;
}

enum outcome cmd_deregister(struct ctl *c, const struct args *a)
{
	return run_change(c, a,
		&(struct change){
			.method = "deregister",
			.asked = "deregister",
			.done = "deregistered",
			.ask = true,
		});
}

static void fill_enabled(struct svcd_value *params, const struct args *a)
{
	params_text(params, "admin", "enabled");
	params_text(params, "reason", args_text(a, "reason", NULL));
}

enum outcome cmd_undrain(struct ctl *c, const struct args *a)
{
	return run_change(c, a,
		&(struct change){.method = "update",
			.asked = "enable",
			.done = "enabled",
			.fill = fill_enabled});
}

static void fill_maintenance(struct svcd_value *params, const struct args *a)
{
	params_text(params, "admin", "maintenance");
	params_text(params, "reason", args_text(a, "reason", NULL));
	if (args_text(a, "for", NULL) != NULL)
		params_number(params, "for_ms", args_duration(a, "for", 0));
}

enum outcome cmd_maintenance(struct ctl *c, const struct args *a)
{
	return run_change(c, a,
		&(struct change){
			.method = "update",
			.asked = "take out",
			.done = "in maintenance",
			.ask = true,
			.fill = fill_maintenance,
		});
}

static void fill_weight(struct svcd_value *params, const struct args *a)
{
	char *words = mem_format("weight %s", a->words[1]);

	params_number(params, "weight", strtoull(a->words[1], NULL, 10));
	params_text(params, "reason", args_text(a, "reason", words));
	free(words);
}

enum outcome cmd_weight(struct ctl *c, const struct args *a)
{
	char *done = mem_format("weight %s", a->words[1]);
	enum outcome out = run_change(c, a,
		&(struct change){.method = "update", .done = done, .fill = fill_weight});

	free(done);
	return out;
}
