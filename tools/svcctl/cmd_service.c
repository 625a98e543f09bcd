/* service: its settings. */
#include <stdio.h>

#include "svcctl/handlers.h"
#include "svcctl/mem.h"
#include "svcctl/target.h"
#include "svcctl/screens.h"

/* The options that are settings: how each goes into the message. */
static const struct setting {
	const char *option, *field;
	enum { IS_NUMBER, IS_MS, IS_SECONDS, IS_TEXT } as;
} settings[] = {
	{"floor", "floor", IS_NUMBER},
	{"floor-percent", "floor_percent", IS_NUMBER},
	{"slow-start", "slow_start_ms", IS_MS},
	{"dns-ttl", "dns_ttl_s", IS_SECONDS},
	{"policy", "policy", IS_TEXT},
	{"owner", "owner", IS_TEXT},
};

#define N_SETTINGS (sizeof(settings) / sizeof(settings[0]))

static void take_setting(
	struct svcd_value *params, const struct args *a, const struct setting *s)
{
	if (s->as == IS_TEXT)
		params_text(params, s->field, args_text(a, s->option, ""));
	else if (s->as == IS_NUMBER)
		params_number(params, s->field, args_number(a, s->option, 0));
	else
		params_number(params, s->field,
			args_duration(a, s->option, 0) /
				(s->as == IS_SECONDS ? 1000 : 1));
}

static bool take_settings(struct svcd_value *params, const struct args *a)
{
	bool any = false;

	for (size_t i = 0; i < N_SETTINGS; i++) {
		if (args_text(a, settings[i].option, NULL) == NULL)
			continue;
		take_setting(params, a, &settings[i]);
		any = true;
	}
	return any;
}

static enum outcome change_service(struct ctl *c, const struct target *t,
	const char *method, struct svcd_value *params)
{
	struct svcd_value *result = NULL;
	struct svcd_fault fault;

	if (ctl_call(c, method, params, &result, &fault) == 0) {
		svcd_value_free(result);
		return OUT_OK;
	}
	if (fault.code == SVCD_ECONFLICT) {
		ctl_fail(c, &fault);
		report_hint("'svcctl deregister %s' removes its instances", t->service);
		return OUT_CONFLICT;
	}
	return target_fail(c, t, &fault);
}

static enum outcome delete_service(struct ctl *c, const struct target *t)
{
	enum outcome out = change_service(c, t, "service_delete", target_params(c, t));

	if (out == OUT_OK && !c->quiet && view_is_screen(&c->view))
		printf("%s: deleted\n", t->service);
	return out;
}

static enum outcome show_service(struct ctl *c, const struct target *t)
{
	struct pages p = {NULL};
	enum outcome out = target_get(c, t, &p);

	if (out == OUT_OK)
		print_service(c, &p);
	pages_fini(&p);
	return out;
}

enum outcome cmd_service(struct ctl *c, const struct args *a)
{
	struct target t = {mem_copy(a->words[0]), NULL};
	struct svcd_value *params = target_params(c, &t);
	enum outcome out = OUT_OK;

	if (args_flag(a, "delete")) {
		svcd_value_free(params);
		out = delete_service(c, &t);
	} else if (take_settings(params, a)) {
		out = change_service(c, &t, "service_set", params);
		if (out == OUT_OK && !c->quiet)
			out = show_service(c, &t);
	} else {
		svcd_value_free(params);
		out = show_service(c, &t);
	}
	target_fini(&t);
	return out;
}
