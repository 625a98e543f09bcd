/* cluster status: the members, and how many of them may fail. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/columns.h"
#include "svcctl/handlers.h"
#include "svcctl/mem.h"
#include "svcctl/members.h"
#include "svcctl/text.h"

#define CLOCK_NOTED_MS 500 /* a clock that differs by more is worth a note */

static void cell_role(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	(void)x;
	fputs(member_role(r->v), out);
}

static enum paint paint_role(const struct row *r)
{
	if (!member_is_reachable(r->v) || member_truth(r->v, "diverged") ||
		member_truth(r->v, "disputed") || member_truth(r->v, "incomplete") ||
		member_truth(r->v, "removed"))
		return PAINT_BAD;
	return member_truth(r->v, "leader") ? PAINT_GOOD : PAINT_NONE;
}

/* Where clients reach it; before it has said so, where members do. */
static void cell_where(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	const char *client = member_text(r->v, "client");

	(void)x;
	put_clean(out, *client != '\0' ? client : member_text(r->v, "peer"));
}

/* A figure that was not measured is left out. */
static void cell_figure(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	if (x->machine || member_number(r->v, x->column->key) > 0)
		cell_number(out, x, r);
}

static void cell_micros(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	uint64_t us = member_number(r->v, x->column->key);

	if (x->machine)
		fprintf(out, "%" PRIu64, us);
	else if (us > 0)
		fprintf(out, us < 10000 ? "%.2f ms" : "%.0f ms", (double)us / 1000);
}

static void cell_hash(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	uint64_t hash = member_number(r->v, x->column->key);

	if (hash != 0)
		fprintf(out, "%016" PRIx64, hash);
	else
		cell_text(out, x, r);
}

static void cell_behind(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	uint64_t behind = member_behind(r->of, r->v);

	(void)x;
	if (member_is_reachable(r->v) || behind > 0)
		fprintf(out, "%" PRIu64, behind);
}

static void cell_seen(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	const struct svcd_value *heard = svcd_value_get(r->v, "heard_ms");
	char text[TEXT_CAP];

	if (member_truth(r->v, "self"))
		fputs(x->machine ? "0" : "now", out);
	else if (heard == NULL || svcd_value_uint(heard, 0) == UINT64_MAX)
		fputs(x->machine ? "" : "never", out);
	else if (x->machine)
		fprintf(out, "%" PRIu64, svcd_value_uint(heard, 0));
	else
		fputs(text_age(svcd_value_uint(heard, 0), text), out);
}

static void put_clock(FILE *out, const struct svcd_value *member)
{
	int64_t ms = svcd_value_int(svcd_value_get(member, "wall_diff_ms"), 0);
	char text[TEXT_CAP];

	if (ms <= CLOCK_NOTED_MS && ms >= -CLOCK_NOTED_MS)
		return;
	fprintf(out, "its clock is %s %s",
		text_duration((uint64_t)(ms < 0 ? -ms : ms), text),
		ms < 0 ? "behind" : "ahead");
}

static void cell_member_note(FILE *out, const struct cell_ctx *x, const struct row *r)
{
	uint64_t bytes = member_number(r->v, "snapshot_bytes");

	(void)x;
	if (member_truth(r->v, "diverged"))
		fputs("its state differs from the others: it serves nothing", out);
	else if (!member_is_reachable(r->v))
		put_clean(out,
			*member_text(r->v, "trouble") != '\0'
				? member_text(r->v, "trouble")
				: "cannot be reached");
	else if (member_truth(r->v, "disputed"))
		fputs("its state differs from the one that answers: see doctor", out);
	else if (member_truth(r->v, "incomplete"))
		fputs("lacks entries that it had confirmed: see doctor", out);
	else if (bytes > 0)
		fprintf(out, "receives a checkpoint, %.0f %%",
			(double)member_number(r->v, "snapshot_done") / (double)bytes *
				100);
	else if (member_truth(r->v, "self"))
		fputs("answered", out);
	else
		put_clock(out, r->v);
}

static const struct column member_columns[] = {
	{"NAME", cell_text, "name"},
	{"ROLE", cell_role, .paint = paint_role},
	{"ADDRESS", cell_where},
	{"PEERS", cell_text, "peer", .wide = true},
	{"NODE", cell_text, "node", .wide = true},
	{"REVISION", cell_figure, "rev", .right = true},
	{"APPLIED", cell_figure, "applied", .right = true, .wide = true},
	{"BEHIND", cell_behind, .right = true},
	{"RTT", cell_micros, "rtt_us", .right = true},
	{"SYNC", cell_micros, "sync_us", .right = true},
	{"CLOCK MS", cell_number, "wall_diff_ms", .right = true, .wide = true},
	{"VERSION", cell_text, "version"},
	{"CONFIG", cell_hash, "config_hash", .wide = true},
	{"SEEN", cell_seen, .right = true},
	{"NOTE", cell_member_note, .shorten = true},
	{NULL},
};

/* What the document says beside the members. */
static struct svcd_value *head_of(const struct quorum *q, const char *sentence)
{
	struct svcd_value *head = mem_check(svcd_value_new_map());

	params_number(head, "voters", q->voters);
	params_number(head, "reachable", q->reachable);
	params_number(head, "standbys", q->standbys);
	params_number(head, "may_fail", quorum_may_fail(q));
	params_truth(head, "quorum", quorum_is_there(q));
	params_truth(head, "writable", quorum_is_there(q) && q->leader);
	params_text(head, "summary", sentence);
	return head;
}

static enum paint paint_of_quorum(const struct quorum *q)
{
	if (!quorum_is_there(q) || !q->leader)
		return PAINT_BAD;
	return q->reachable < q->voters ? PAINT_WARN : PAINT_NONE;
}

static void put_sentence(const struct view *v, const struct quorum *q, const char *text)
{
	enum paint paint = paint_of_quorum(q);

	printf("\n%s%s%s\n", view_paint(v, paint), text, view_plain(v, paint));
}

static void print_members(struct ctl *c, const struct members *m)
{
	struct quorum q = quorum_of(m);
	char *sentence = quorum_sentence(&q);
	struct svcd_value *head = head_of(&q, sentence);

	for (size_t i = 0; i < m->n; i++)
		m->pages.rows[i].of = m;
	print_listing(&c->view,
		&(struct listing){
			.columns = member_columns,
			.head = head,
			.name = "name",
			.rows = m->rows,
			.n = m->n,
			.empty = "no members",
		});
	if (view_is_screen(&c->view))
		put_sentence(&c->view, &q, sentence);
	if (view_is_screen(&c->view) && q.removed)
		report_hint("stop it, or let it join again: 'svcctl help cluster join'");
	else if (view_is_screen(&c->view) && !quorum_is_there(&q) && q.voters > 0)
		report_hint("start them again; when they are lost for good: 'svcctl help "
			    "cluster recover'");
	svcd_value_free(head);
	free(sentence);
}

enum outcome cmd_cluster_status(struct ctl *c, const struct args *a)
{
	struct members m;
	enum outcome out = members_load(c, &m);

	(void)a;
	if (out != OUT_OK)
		return out;
	print_members(c, &m);
	members_fini(&m);
	return OUT_OK;
}
