#include "svcctl/target.h"

#include <stdlib.h>
#include <string.h>

#include "svcctl/mem.h"
#include "svcctl/text.h"

#define NAMES_MAX 1000 /* names among which a suggestion is looked for */

enum outcome target_parse(const char *text, struct target *t)
{
	size_t len = strcspn(text, "/");

	if (len == 0 || (text[len] == '/' && text[len + 1] == '\0')) {
		report_error("'%s' is not SERVICE or SERVICE/INSTANCE", text);
		return OUT_USAGE;
	}
	t->service = mem_copy_part(text, len);
	t->id = text[len] == '/' ? mem_copy(text + len + 1) : NULL;
	return OUT_OK;
}

void target_fini(struct target *t)
{
	free(t->service);
	free(t->id);
	*t = (struct target){NULL, NULL};
}

char *target_name(const struct target *t)
{
	if (t->id == NULL)
		return mem_copy(t->service);
	return mem_format("%s/%s", t->service, t->id);
}

struct svcd_value *target_params(const struct ctl *c, const struct target *t)
{
	struct svcd_value *params = params_new(c);

	params_text(params, "service", t->service);
	params_text(params, "id", t->id);
	return params;
}

/* ---- what was probably meant ------------------------------------------- */

/* The texts under key of the maps in array. */
static void collect(const struct svcd_value *array, const char *key, const char *ns,
	struct texts *out)
{
	for (size_t i = 0; i < svcd_value_count(array); i++) {
		const struct svcd_value *item = svcd_value_at(array, i);
		const char *of = svcd_value_str(svcd_value_get(item, "ns"), "");

		if (ns == NULL || strcmp(ns, of) == 0)
			texts_add(out,
				mem_copy(svcd_value_str(svcd_value_get(item, key), "")));
	}
}

/* A namespace other than ours that has the service; NULL: none. */
static const char *other_namespace(const struct svcd_value *services, const char *name)
{
	for (size_t i = 0; i < svcd_value_count(services); i++) {
		const struct svcd_value *s = svcd_value_at(services, i);

		if (strcmp(svcd_value_str(svcd_value_get(s, "service"), ""), name) == 0)
			return svcd_value_str(svcd_value_get(s, "ns"), NULL);
	}
	return NULL;
}

static void hint_at_service(
	const struct ctl *c, const struct target *t, const struct svcd_value *services)
{
	const char *elsewhere = other_namespace(services, t->service), *near = NULL;
	struct texts names = {NULL, 0};

	collect(services, "service", c->ns, &names);
	if (names.n > 0)
		near = text_suggest(t->service, (const char *const *)names.items);
	if (elsewhere != NULL)
		report_hint(
			"namespace '%s' has it: --namespace %s", elsewhere, elsewhere);
	else if (near != NULL)
		report_hint("did you mean '%s'?", near);
	else if (names.n > 0)
		report_hint("'svcctl ls' shows the services");
	else
		report_hint(
			"there are no services yet; 'svcctl help register' tells how to add one");
	texts_fini(&names);
}

static enum outcome fail_service(struct ctl *c, const struct target *t)
{
	struct svcd_value *params = mem_check(svcd_value_new_map()), *result = NULL;
	struct svcd_fault fault;

	if (strcmp(c->ns, "default") == 0)
		report_error("no service named '%s'", t->service);
	else
		report_error(
			"no service named '%s' in namespace '%s'", t->service, c->ns);
	params_number(params, "limit", NAMES_MAX);
	if (ctl_call(c, "list", params, &result, &fault) == 0)
		hint_at_service(c, t, svcd_value_get(result, "services"));
	svcd_value_free(result);
	return OUT_NOT_FOUND;
}

static void hint_at_instance(const struct target *t, const struct svcd_value *instances)
{
	struct texts names = {NULL, 0};
	const char *near = NULL;

	collect(instances, "id", NULL, &names);
	if (names.n > 0)
		near = text_suggest(t->id, (const char *const *)names.items);
	if (near != NULL)
		report_hint("did you mean '%s/%s'?", t->service, near);
	else
		report_hint("'svcctl ls %s' shows the instances", t->service);
	texts_fini(&names);
}

static enum outcome fail_instance(struct ctl *c, const struct target *t)
{
	struct target whole = {t->service, NULL};
	struct svcd_value *result = NULL;
	struct svcd_fault fault;
	int rv = ctl_call(c, "get", target_params(c, &whole), &result, &fault);

	if (rv == SVCD_ENOSERVICE)
		return fail_service(c, t);
	report_error("no instance '%s' of service '%s'", t->id, t->service);
	if (rv == 0)
		hint_at_instance(t, svcd_value_get(result, "instances"));
	svcd_value_free(result);
	return OUT_NOT_FOUND;
}

/* It was there: the server's words tell who removed it. */
static enum outcome fail_gone(const struct target *t, const struct svcd_fault *fault)
{
	char *name = target_name(t);

	report_error("%s", fault->text);
	report_hint("'svcctl why %s' shows what happened", name);
	free(name);
	return OUT_NOT_FOUND;
}

enum outcome target_fail(
	struct ctl *c, const struct target *t, const struct svcd_fault *fault)
{
	switch (fault->code) {
	case SVCD_ENOSERVICE:
		return fail_service(c, t);
	case SVCD_ENOINSTANCE:
		return t->id != NULL ? fail_instance(c, t) : ctl_fail(c, fault);
	case SVCD_EGONE:
		return fail_gone(t, fault);
	default:
		return ctl_fail(c, fault);
	}
}

enum outcome target_get(struct ctl *c, const struct target *t, struct pages *p)
{
	struct svcd_fault fault;

	if (pages_load(c, "get", target_params(c, t), "instances", p, &fault) == 0)
		return OUT_OK;
	return target_fail(c, t, &fault);
}
