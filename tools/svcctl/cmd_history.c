/* history: what happened, newest first. */
#include "svcctl/describe.h"
#include "svcctl/handlers.h"
#include "svcctl/mem.h"
#include "svcctl/pages.h"
#include "svcctl/target.h"

#define LIMIT_DEFAULT 20

static const struct column member_column = {"MEMBER", cell_text, "member"};

/* A target, or a member of the cluster. */
static void cell_subject(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	(void)x;
	if (svcd_value_get(r->v, "member") != NULL)
		cell_text(
			out, &(struct cell_ctx){x->view, &member_column, x->machine}, r);
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
	return params;
}

/* Answers are bounded: as many as it takes for so many events. */
static int load(struct ctl *c, struct svcd_value *params, uint64_t limit, struct pages *p,
	struct svcd_fault *fault)
{
	const struct svcd_value *next;
	int rv;

	do {
		struct svcd_value *answer = NULL;

		params_number(params, "limit", limit - p->n);
		rv = ctl_ask(c, "history", params, &answer, fault);
		if (rv != 0)
			return rv;
		pages_take(p, answer, "events");
		next = svcd_value_get(answer, "next");
		params_number(params, "before", svcd_value_uint(next, 0));
		params_number(params, "before_n",
			svcd_value_uint(svcd_value_get(answer, "next_n"), 0));
	} while (next != NULL && p->n < limit);
	return 0;
}

static void print_events(const struct ctl *c, const struct pages *p)
{
	print_listing(&c->view,
		&(struct listing){
			.columns = event_columns,
			.head = pages_head(p),
			.head_without = "events",
			.rows = p->rows,
			.n = p->n,
			.empty = "nothing has happened",
		});
}

enum outcome cmd_history(struct ctl *c, const struct args *a)
{
	uint64_t limit = args_number(a, "limit", LIMIT_DEFAULT);
	struct target t = {NULL, NULL};
	struct svcd_value *params;
	struct pages p = {NULL};
	struct svcd_fault fault;
	enum outcome out = OUT_OK;

	if (a->n_words > 0)
		out = target_parse(a->words[0], &t);
	if (out != OUT_OK)
		return out;
	params = make_params(c, a, &t);
	if (load(c, params, limit > 0 ? limit : 1, &p, &fault) == 0)
		print_events(c, &p);
	else
		out = t.service != NULL ? target_fail(c, &t, &fault)
					: ctl_fail(c, &fault);
	svcd_value_free(params);
	pages_fini(&p);
	target_fini(&t);
	return out;
}
