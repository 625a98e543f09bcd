/* ls: services, or the instances of one. */
#include <inttypes.h>
#include <stdlib.h>

#include "svcctl/columns.h"
#include "svcctl/handlers.h"
#include "svcctl/mem.h"
#include "svcctl/services.h"
#include "svcctl/target.h"

static uint64_t count_of(const struct row *r, const char *key)
{
	return svcd_value_uint(svcd_value_get(r->v, key), 0);
}

static void cell_up(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	uint64_t up = count_of(r, "up") + count_of(r, "warm");

	if (x->machine)
		fprintf(out, "%" PRIu64, up);
	else
		fprintf(out, "%" PRIu64 "/%" PRIu64, up, count_of(r, "count"));
}

static void cell_service_state(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	(void)x;
	fputs(service_state(r->v), out);
}

static enum paint paint_service(const struct row *r)
{
	return paint_of_state(service_state(r->v));
}

static void cell_floor(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	const struct svcd_value *floor = svcd_value_get(r->v, "floor");
	uint64_t percent = count_of(r, "floor_percent");

	(void)x;
	if (svcd_value_uint(floor, 0) > 0)
		fprintf(out, "%" PRIu64, svcd_value_uint(floor, 0));
	if (percent > 0)
		fprintf(out, "%s%" PRIu64 "%%", svcd_value_uint(floor, 0) > 0 ? "+" : "", percent);
}

static const struct column service_columns[] = {
	{"NAMESPACE", cell_ns, .namespaces = true},
	{"SERVICE", cell_service},
	{"UP", cell_up, .right = true},
	{"STATE", cell_service_state, .paint = paint_service},
	{"COUNT", cell_number, "count", .right = true, .wide = true},
	{"WARM", cell_number, "warm", .right = true, .wide = true},
	{"PENDING", cell_number, "pending", .right = true, .wide = true},
	{"DRAIN", cell_number, "drain", .right = true, .wide = true},
	{"DOWN", cell_number, "down", .right = true, .wide = true},
	{"FLOOR", cell_floor, .right = true, .wide = true},
	{"REVISION", cell_number, "rev", .right = true, .wide = true},
	{NULL},
};

static enum outcome list_services(struct ctl *c, bool all_namespaces)
{
	struct services s;
	struct svcd_fault fault;

	c->view.namespaces = all_namespaces;
	if (services_load(c, all_namespaces ? NULL : c->ns, &s, &fault) != 0)
		return ctl_fail(c, &fault);
	print_listing(&c->view,
		&(struct listing){
			.columns = service_columns,
			.head = s.n_pages > 0 ? s.pages[0] : NULL,
			.head_without = "services",
			.rows = s.rows,
			.n = s.n,
			.empty = "no services",
		});
	services_fini(&s);
	return OUT_OK;
}

static enum outcome list_instances(struct ctl *c, const char *service)
{
	struct target t;
	struct svcd_value *result = NULL;
	const struct svcd_value *instances;
	struct row *rows;
	enum outcome out = target_parse(service, &t);

	if (out != OUT_OK)
		return out;
	out = target_get(c, &t, &result);
	target_fini(&t);
	if (out != OUT_OK)
		return out;
	instances = svcd_value_get(result, "instances");
	rows = rows_of(instances, svcd_value_str(svcd_value_get(result, "ns"), NULL),
		svcd_value_str(svcd_value_get(result, "service"), NULL));
	print_listing(&c->view,
		&(struct listing){
			.columns = instance_columns,
			.head = result,
			.head_without = "instances",
			.rows = rows,
			.n = svcd_value_count(instances),
			.empty = "the service has no instances",
		});
	free(rows);
	svcd_value_free(result);
	return OUT_OK;
}

enum outcome cmd_ls(struct ctl *c, const struct args *a)
{
	if (a->n_words > 0)
		return list_instances(c, a->words[0]);
	return list_services(c, args_flag(a, "all-namespaces"));
}
