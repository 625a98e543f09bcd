/* resolve: where a service can be reached. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "svcctl/columns.h"
#include "svcctl/handlers.h"
#include "svcctl/mem.h"
#include "svcctl/pick.h"
#include "svcctl/target.h"

static uint64_t number_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_uint(svcd_value_get(map, key), 0);
}

/* ---- the question ------------------------------------------------------ */

static struct svcd_value *texts_of(const struct args *a, const char *option)
{
	struct svcd_value *array = mem_check(svcd_value_new_array());
	const char *text;

	for (size_t i = 0; (text = args_each(a, option, &i)) != NULL;)
		params_text(array, NULL, text);
	return array;
}

static enum outcome take_meta(struct svcd_value *params, const struct args *a)
{
	struct svcd_value *meta = mem_check(svcd_value_new_map());
	const char *text;

	for (size_t i = 0; (text = args_each(a, "meta", &i)) != NULL;) {
		size_t len = strcspn(text, "=");
		char *key = mem_copy_part(text, len);

		if (text[len] != '=' || len == 0) {
			free(key);
			svcd_value_free(meta);
			return report_usage("--meta: '%s' is not KEY=VALUE", text);
		}
		params_text(meta, key, text + len + 1);
		free(key);
	}
	if (svcd_value_count(meta) > 0)
		params_child(params, "meta", meta);
	else
		svcd_value_free(meta);
	return OUT_OK;
}

static void take_all_states(struct svcd_value *params)
{
	static const char *const states[] = {"up", "warm", "pending", "drain", "down"};
	struct svcd_value *array = mem_check(svcd_value_new_array());

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		params_text(array, NULL, states[i]);
	params_child(params, "states", array);
}

static enum outcome make_params(const struct ctl *c, const struct args *a,
	const struct target *t, struct svcd_value **out)
{
	struct svcd_value *params = target_params(c, t);

	params_text(params, "version", args_text(a, "version-of", NULL));
	params_text(params, "zone", args_text(a, "zone", NULL));
	if (args_text(a, "tag", NULL) != NULL)
		params_child(params, "tags", texts_of(a, "tag"));
	if (args_flag(a, "all"))
		take_all_states(params);
	if (take_meta(params, a) != OUT_OK) {
		svcd_value_free(params);
		return OUT_USAGE;
	}
	*out = params;
	return OUT_OK;
}

/* ---- the answer -------------------------------------------------------- */

static uint64_t random_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		seed = (uintptr_t)&seed;
	return seed;
}

/* The rows in the order they are to be printed, and their number. */
static size_t choose(const struct args *a, struct row *rows, size_t n)
{
	size_t want = args_number(a, "count", n);
	struct candidate *all = mem_zero(n, sizeof(*all));
	struct row *chosen = mem_zero(n, sizeof(*chosen));

	for (size_t i = 0; i < n; i++)
		all[i] = (struct candidate){
			.tier = (uint32_t)number_of(rows[i].v, "tier"),
			.weight = (uint32_t)number_of(rows[i].v, "weight"),
			.index = i};
	want = want < n ? want : n;
	if (args_text(a, "count", NULL) != NULL)
		pick_draw(all, n, want, random_seed());
	else
		pick_sort(all, n);
	for (size_t i = 0; i < want; i++)
		chosen[i] = rows[all[i].index];
	if (want > 0)
		memcpy(rows, chosen, want * sizeof(*rows));
	free(chosen);
	free(all);
	return want;
}

/* One HOST:PORT a line. */
static enum outcome print_endpoints(const struct row *rows, size_t n, const char *port)
{
	for (size_t i = 0; i < n; i++) {
		if (!put_endpoint(stdout, rows[i].v, port)) {
			report_error("%s/%s has no port named '%s'",
				row_service(&rows[i]), row_id(&rows[i]), port);
			return OUT_NOT_FOUND;
		}
		putchar('\n');
	}
	return OUT_OK;
}

static enum outcome nothing_there(const char *service, const struct svcd_value *result)
{
	const char *presence = svcd_value_str(svcd_value_get(result, "presence"), "");
	unsigned long long count = number_of(result, "count");

	if (strcmp(presence, "no_instances") == 0) {
		report_error("service '%s' has no instances", service);
		report_hint("'svcctl history %s' shows who left", service);
	} else if (strcmp(presence, "none_match") == 0) {
		report_error("none of the %llu instances of '%s' is what was asked for",
			count, service);
		report_hint("'svcctl ls %s -o wide' shows them", service);
	} else {
		if (count == 1)
			report_error("the only instance of '%s' cannot be used", service);
		else
			report_error("none of the %llu instances of '%s' can be used",
				count, service);
		report_hint("'svcctl why %s' tells why; --all prints them all the same",
			service);
	}
	return OUT_FALSE;
}

static enum outcome print_answer(
	struct ctl *c, const struct args *a, const char *service, struct pages *p)
{
	size_t n = choose(a, p->rows, p->n);
	enum outcome out = OUT_OK;

	if (c->view.format == FORMAT_TABLE)
		out = print_endpoints(p->rows, n, args_text(a, "port", NULL));
	else
		print_listing(&c->view,
			&(struct listing){
				.columns = instance_columns,
				.head = pages_head(p),
				.head_without = "instances",
				.rows = p->rows,
				.n = n,
			});
	if (out == OUT_OK && p->n == 0)
		out = nothing_there(service, pages_head(p));
	return out;
}

enum outcome cmd_resolve(struct ctl *c, const struct args *a)
{
	struct target t = {mem_copy(a->words[0]), NULL};
	struct svcd_value *params = NULL;
	struct pages p = {NULL};
	struct svcd_fault fault;
	enum outcome out = make_params(c, a, &t, &params);

	if (out == OUT_OK &&
		pages_load(c, "resolve", params, "instances", &p, &fault) != 0)
		out = target_fail(c, &t, &fault);
	else if (out == OUT_OK)
		out = print_answer(c, a, t.service, &p);
	pages_fini(&p);
	target_fini(&t);
	return out;
}
