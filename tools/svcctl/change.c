#include "svcctl/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/ask.h"
#include "svcctl/columns.h"
#include "svcctl/mem.h"

struct run {
	struct ctl *c;
	const struct args *a;
	const struct change *change;
	const struct target *target;
	bool dry;
	struct svcd_value *done; /* array of {id, done, …} */
};

/* ---- whom -------------------------------------------------------------- */

static enum outcome find_ids(struct ctl *c, const struct target *t, struct texts *ids)
{
	struct pages p = {NULL};
	enum outcome out;

	if (t->id != NULL) {
		texts_add(ids, mem_copy(t->id));
		return OUT_OK;
	}
	out = target_get(c, t, &p);
	for (size_t i = 0; i < p.n; i++)
		texts_add(ids, mem_copy(row_id(&p.rows[i])));
	pages_fini(&p);
	if (out == OUT_OK && ids->n == 0) {
		report_error("service '%s' has no instances", t->service);
		return OUT_NOT_FOUND;
	}
	return out;
}

static enum outcome ask(const struct run *r, size_t n)
{
	return ask_first("--yes does it without a question, --dry-run shows them",
		"%s all %zu instances of '%s'", r->change->asked, n, r->target->service);
}

/* ---- what -------------------------------------------------------------- */

/* With nothing about the target in result: it was a dry run. */
static void note_done(struct run *r, const char *id, const struct svcd_value *result)
{
	struct svcd_value *row = mem_check(svcd_value_new_map());
	const struct svcd_value *incarnation = svcd_value_get(result, "incarnation");

	params_text(row, "id", id);
	params_text(row, "done", r->change->done);
	if (r->dry)
		params_truth(row, "dry_run", true);
	if (incarnation != NULL)
		params_number(row, "incarnation", svcd_value_uint(incarnation, 0));
	params_child(r->done, NULL, row);
}

static enum outcome change_one(struct run *r, const char *id)
{
	struct target t = {r->target->service, (char *)(uintptr_t)id};
	struct svcd_value *params = target_params(r->c, &t), *result = NULL;
	struct svcd_fault fault;

	if (r->change->fill != NULL)
		r->change->fill(params, r->a);
	if (r->dry) {
		svcd_value_free(params);
	} else if (ctl_call(r->c, r->change->method, params, &result, &fault) != 0) {
		return target_fail(r->c, &t, &fault);
	}
	note_done(r, id, result);
	svcd_value_free(result);
	return OUT_OK;
}

/* ---- telling ----------------------------------------------------------- */

static void print_sentences(const struct run *r)
{
	for (size_t i = 0; i < svcd_value_count(r->done); i++) {
		const struct svcd_value *row = svcd_value_at(r->done, i);

		printf("%s/", r->target->service);
		put_clean(stdout, svcd_value_str(svcd_value_get(row, "id"), ""));
		printf(": %s%s\n", r->change->done,
			r->dry ? " (dry run: nothing was changed)" : "");
	}
}

static const struct column done_columns[] = {
	{"SERVICE", cell_service},
	{"INSTANCE", cell_id},
	{"DONE", cell_text, "done"},
	{"INCARNATION", cell_number, "incarnation", .right = true},
	{NULL},
};

static void print_done(const struct run *r)
{
	struct row *rows;

	if (r->c->quiet && view_is_screen(&r->c->view))
		return;
	if (view_is_screen(&r->c->view)) {
		print_sentences(r);
		return;
	}
	rows = rows_of(r->done, r->c->ns, r->target->service);
	print_listing(&r->c->view,
		&(struct listing){.columns = done_columns,
			.rows = rows,
			.n = svcd_value_count(r->done)});
	free(rows);
}

enum outcome change_run(struct ctl *c, const struct args *a, const struct target *t,
	const struct change *ch)
{
	struct run r = {
		c, a, ch, t, args_flag(a, "dry-run"), mem_check(svcd_value_new_array())};
	struct texts ids = {NULL, 0};
	enum outcome out = find_ids(c, t, &ids);

	if (out == OUT_OK && ch->ask && ids.n > 1 && !r.dry && !args_flag(a, "yes"))
		out = ask(&r, ids.n);
	for (size_t i = 0; i < ids.n && out == OUT_OK; i++)
		out = change_one(&r, ids.items[i]);
	if (svcd_value_count(r.done) > 0)
		print_done(&r);
	texts_fini(&ids);
	svcd_value_free(r.done);
	return out;
}
