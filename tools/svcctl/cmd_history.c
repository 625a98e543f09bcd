/* history: what happened, newest first. */
#include <stdlib.h>

#include "svcctl/describe.h"
#include "svcctl/handlers.h"
#include "svcctl/mem.h"
#include "svcctl/target.h"

#define LIMIT_DEFAULT 20

static void cell_subject(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	(void)x;
	put_clean(out, row_service(r));
	if (row_id(r) != NULL && *row_id(r) != '\0') {
		fputc('/', out);
		put_clean(out, row_id(r));
	}
}

static void cell_happening(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	put_happening(out, x->view, r->v);
}

static const struct column event_columns[] = {
	{"REVISION", cell_number, "rev", .right = true},
	{"AGO", cell_age, "at", .right = true},
	{"NAMESPACE", cell_ns, .namespaces = true},
	{"TARGET", cell_subject},
	{"WHAT", cell_happening},
	{"CAUSE", cell_text, "cause"},
	{"BY", cell_text, "actor", .wide = true},
	{"REASON", cell_text, "reason", .shorten = true},
	{NULL},
};

static struct svcd_value *make_params(
	struct ctl *c, const struct args *a, const struct target *t)
{
	struct svcd_value *params = mem_check(svcd_value_new_map());

	c->view.namespaces = args_flag(a, "all-namespaces");
	if (!c->view.namespaces || t->service != NULL)
		params_text(params, "ns", c->ns);
	params_text(params, "service", t->service);
	params_text(params, "id", t->id);
	params_number(params, "limit", args_number(a, "limit", LIMIT_DEFAULT));
	return params;
}

static void print_events(const struct ctl *c, const struct svcd_value *result)
{
	const struct svcd_value *events = svcd_value_get(result, "events");
	struct row *rows = rows_of(events, NULL, NULL);

	print_listing(&c->view,
		&(struct listing){
			.columns = event_columns,
			.head = result,
			.head_without = "events",
			.rows = rows,
			.n = svcd_value_count(events),
			.empty = "nothing has happened",
		});
	free(rows);
}

enum outcome cmd_history(struct ctl *c, const struct args *a)
{
	struct target t = {NULL, NULL};
	struct svcd_value *result = NULL;
	struct svcd_fault fault;
	enum outcome out = OUT_OK;

	if (a->n_words > 0)
		out = target_parse(a->words[0], &t);
	if (out != OUT_OK)
		return out;
	if (ctl_call(c, "history", make_params(c, a, &t), &result, &fault) == 0)
		print_events(c, result);
	else
		out = t.service != NULL ? target_fail(c, &t, &fault)
					: ctl_fail(c, &fault);
	svcd_value_free(result);
	target_fini(&t);
	return out;
}
