/* register: an instance that stays, or a command that is one while it runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "svcctl/columns.h"
#include "svcctl/handlers.h"
#include "svcctl/mem.h"
#include "svcctl/runner.h"
#include "svcctl/spec.h"
#include "svcctl/target.h"

/* ---- from the command line --------------------------------------------- */

typedef bool take_fn(struct spec *s, const char *text, char error[SPEC_ERROR_MAX]);

static enum outcome take_each(
	struct spec *s, const struct args *a, const char *option, take_fn *take)
{
	char error[SPEC_ERROR_MAX];
	const char *text;

	for (size_t i = 0; (text = args_each(a, option, &i)) != NULL;)
		if (!take(s, text, error))
			return report_usage("--%s: %s", option, error);
	return OUT_OK;
}

/* The values of an option that may be repeated; the array is the caller's to free. */
static const char **take_texts(const struct args *a, const char *option, size_t *n)
{
	const char **texts = mem_zero(a->n_given, sizeof(*texts));
	const char *text;

	*n = 0;
	for (size_t i = 0; (text = args_each(a, option, &i)) != NULL;)
		texts[(*n)++] = text;
	return texts;
}

static void take_scalars(
	struct svcd_instance *i, const struct ctl *c, const struct args *a)
{
	i->ns = c->ns;
	i->service = a->words[0];
	i->weight = (uint16_t)args_number(a, "weight", SVCD_WEIGHT_DEFAULT);
	i->tier = (uint8_t)args_number(a, "tier", 0);
	i->region = args_text(a, "region", NULL);
	i->zone = args_text(a, "zone", NULL);
	i->rack = args_text(a, "rack", NULL);
	i->host = args_text(a, "host", NULL);
	i->version = args_text(a, "version-of", NULL);
}

/* Stable over restarts, so that the next start replaces this one: HOST-PORT. Caller
 * frees. */
static char *default_id(const struct svcd_instance *i)
{
	char host[256] = "localhost";

	gethostname(host, sizeof(host) - 1);
	host[strcspn(host, ".")] = '\0';
	if (i->n_ports == 0)
		return mem_copy(host);
	return mem_format("%s-%u", host, i->ports[0].number);
}

/* Options that only make sense with a command, or without. */
static enum outcome check_options(const struct args *a)
{
	static const char *const with[] = {"ttl", "keep", "grace"};

	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++)
		if (a->child == NULL && args_text(a, with[i], NULL) != NULL)
			return report_usage(
				"--%s needs a command to run, after '--'", with[i]);
	if (a->child == NULL)
		return OUT_OK;
	if (*a->child == NULL)
		return report_usage("there is no command after '--'");
	if (args_flag(a, "if-absent"))
		return report_usage("--if-absent cannot be used with a command");
	if (args_text(a, "port", NULL) == NULL) {
		report_error(
			"register with a command needs --port: where does it listen?");
		report_hint("svcctl register %s --port 8080 -- %s ...", a->words[0],
			*a->child);
		return OUT_USAGE;
	}
	return OUT_OK;
}

/* A label of RFC 1123: what is wrong with it is better told before a command is started.
 */
static enum outcome check_name(const char *name)
{
	size_t len = strlen(name);

	if (len >= 1 && len <= 63 &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
		name[0] != '-' && name[len - 1] != '-')
		return OUT_OK;
	report_error("'%s' is not a service name", name);
	report_hint(
		"names are 1 to 63 of a-z, 0-9 and '-', which is not the first or last");
	return OUT_USAGE;
}

/* ---- without a command ------------------------------------------------- */

static enum outcome fail_register(const struct ctl *c, const struct svcd_instance *i,
	const struct svcd_fault *fault)
{
	enum outcome out = ctl_fail(c, fault);

	if (fault->code == SVCD_EEXISTS)
		report_hint(
			"'svcctl get %s/%s' shows it; without --if-absent it is replaced",
			i->service, i->id);
	return out;
}

static const struct column registered_columns[] = {
	{"SERVICE", cell_service},
	{"INSTANCE", cell_id},
	{"INCARNATION", cell_number, "incarnation", .right = true},
	{NULL},
};

static void print_registered(const struct ctl *c, const struct svcd_instance *i,
	const struct svcd_value *result)
{
	struct svcd_value *done = mem_check(svcd_value_new_map());
	struct row row = {done, i->ns, i->service};

	if (view_is_screen(&c->view)) {
		if (!c->quiet)
			printf("registered %s/%s\n", i->service, i->id);
		svcd_value_free(done);
		return;
	}
	params_text(done, "id", i->id);
	params_number(done, "incarnation",
		svcd_value_uint(
			svcd_value_at(svcd_value_get(result, "incarnations"), 0), 0));
	print_listing(&c->view,
		&(struct listing){.columns = registered_columns, .rows = &row, .n = 1});
	svcd_value_free(done);
}

static enum outcome register_permanently(
	struct ctl *c, const struct args *a, const struct svcd_instance *i)
{
	struct svcd_value *params = mem_check(svcd_value_new_map()), *result = NULL;
	struct svcd_value *instances = mem_check(svcd_value_new_array());
	struct svcd_fault fault;

	params_child(instances, NULL, spec_value(i));
	params_child(params, "instances", instances);
	if (args_flag(a, "if-absent"))
		params_truth(params, "if_absent", true);
	if (ctl_call(c, "register", params, &result, &fault) != 0)
		return fail_register(c, i, &fault);
	print_registered(c, i, result);
	svcd_value_free(result);
	return OUT_OK;
}

/* ---- with one ---------------------------------------------------------- */

static enum outcome register_command(
	struct ctl *c, const struct args *a, const struct svcd_instance *i)
{
	struct run_order order = {
		.instance = i,
		.argv = a->child,
		.ttl_ms = (uint32_t)args_duration(a, "ttl", 0),
		.keep = args_flag(a, "keep"),
		.grace_ms = args_duration(a, "grace", 0),
	};

	return (enum outcome)runner_run(c, &order);
}

static enum outcome take_specs(struct spec *s, const struct args *a)
{
	enum outcome out = take_each(s, a, "port", spec_add_port);

	if (out == OUT_OK)
		out = take_each(s, a, "meta", spec_add_meta);
	return out == OUT_OK ? take_each(s, a, "check", spec_add_check) : out;
}

static enum outcome register_it(
	struct ctl *c, const struct args *a, struct svcd_instance *i)
{
	const char **addresses = take_texts(a, "address", &i->n_addresses);
	const char **tags = take_texts(a, "tag", &i->n_tags);
	char *id = default_id(i);
	enum outcome out;

	take_scalars(i, c, a);
	i->id = args_text(a, "id", id);
	i->addresses = addresses;
	i->tags = tags;
	out = a->child != NULL ? register_command(c, a, i)
			       : register_permanently(c, a, i);
	free(addresses);
	free(tags);
	free(id);
	return out;
}

enum outcome cmd_register(struct ctl *c, const struct args *a)
{
	struct spec s = {.copies = NULL};
	enum outcome out = check_options(a);

	if (out == OUT_OK)
		out = check_name(a->words[0]);
	if (out == OUT_OK)
		out = take_specs(&s, a);
	if (out == OUT_OK)
		out = register_it(c, a, &s.instance);
	spec_fini(&s);
	return out;
}
