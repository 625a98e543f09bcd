/* ls: services, or the instances of one. */
#include <inttypes.h>

#include "svcctl/columns.h"
#include "svcctl/handlers.h"
#include "svcctl/mem.h"
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
		fprintf(out, "%s%" PRIu64 "%%", svcd_value_uint(floor, 0) > 0 ? "+" : "",
			percent);
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

static void print_pages(const struct ctl *c, const struct column *columns,
	const char *items, const struct pages *p, const char *empty)
{
	print_listing(&c->view,
		&(struct listing){
			.columns = columns,
			.head = pages_head(p),
			.head_without = items,
			.rows = p->rows,
			.n = p->n,
			.empty = empty,
		});
}

static enum outcome list_services(struct ctl *c, bool all_namespaces)
{
	struct svcd_value *params = mem_check(svcd_value_new_map());
	struct svcd_fault fault;
	struct pages p;

	c->view.namespaces = all_namespaces;
	if (!all_namespaces)
		params_text(params, "ns", c->ns);
	if (pages_load(c, "list", params, "services", &p, &fault) != 0)
		return ctl_fail(c, &fault);
	print_pages(c, service_columns, "services", &p, "no services");
	pages_fini(&p);
	return OUT_OK;
}

static enum outcome list_instances(struct ctl *c, const char *service)
{
	struct target t;
	struct pages p;
	enum outcome out = target_parse(service, &t);

	if (out != OUT_OK)
		return out;
	out = target_get(c, &t, &p);
	target_fini(&t);
	if (out != OUT_OK)
		return out;
	print_pages(c, instance_columns, "instances", &p, "the service has no instances");
	pages_fini(&p);
	return OUT_OK;
}

enum outcome cmd_ls(struct ctl *c, const struct args *a)
{
	if (a->n_words > 0)
		return list_instances(c, a->words[0]);
	return list_services(c, args_flag(a, "all-namespaces"));
}
