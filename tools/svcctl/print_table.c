#include "svcctl/print_table.h"

#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/mem.h"

static bool is_shown(const struct view *v, const struct column *c)
{
	return (!c->wide || v->format == FORMAT_WIDE) &&
		(!c->namespaces || v->namespaces);
}

static struct libscols_table *new_table(const struct view *v)
{
	struct libscols_table *t = mem_check(scols_new_table());

	scols_table_enable_noheadings(t, !v->headers);
	scols_table_enable_colors(t, v->color);
	scols_table_set_column_separator(t, "  ");
	/* Piped output is not shortened, whatever COLUMNS says. */
	scols_table_set_termforce(
		t, v->terminal ? SCOLS_TERMFORCE_AUTO : SCOLS_TERMFORCE_NEVER);
	return t;
}

static void add_column(struct libscols_table *t, const struct column *c)
{
	int flags = (c->right ? SCOLS_FL_RIGHT : 0) | (c->shorten ? SCOLS_FL_TRUNC : 0);

	mem_check(scols_table_new_column(t, c->header, 0, flags));
}

static void add_cell(struct libscols_line *line, size_t at, const struct view *v,
	const struct column *c, const struct row *r)
{
	struct cell_ctx x = {v, c, false};
	char *text = NULL;
	size_t len = 0;
	FILE *out = mem_check(open_memstream(&text, &len));

	c->put(out, &x, r);
	if (ftell(out) == 0 && !c->shorten)
		fputc('-', out);
	fclose(out);
	mem_check(scols_line_refer_data(line, at, mem_check(text)) == 0 ? line : NULL);
	if (c->paint != NULL && v->color)
		scols_cell_set_color(
			scols_line_get_cell(line, at), view_paint(v, c->paint(r)));
}

static void add_row(struct libscols_table *t, const struct view *v,
	const struct column *c, const struct row *r)
{
	struct libscols_line *line = mem_check(scols_table_new_line(t, NULL));
	size_t at = 0;

	for (; c->header != NULL; c++)
		if (is_shown(v, c))
			add_cell(line, at++, v, c, r);
}

/* Cells of the last column are padded; blanks at the end of a line are of no use to
 * anybody. */
static void print_trimmed(char *text)
{
	for (char *line = text, *next; *line != '\0'; line = next) {
		size_t len = strcspn(line, "\n"), shown = len;

		next = line + len + (line[len] == '\n');
		while (shown > 0 && line[shown - 1] == ' ')
			shown--;
		printf("%.*s\n", (int)shown, line);
	}
}

void print_table(const struct view *v, const struct listing *l)
{
	struct libscols_table *t = new_table(v);
	char *text = NULL;

	for (const struct column *c = l->columns; c->header != NULL; c++)
		if (is_shown(v, c))
			add_column(t, c);
	for (size_t i = 0; i < l->n; i++)
		add_row(t, v, l->columns, &l->rows[i]);
	mem_check(scols_print_table_to_string(t, &text) == 0 ? t : NULL);
	print_trimmed(text);
	free(text);
	scols_unref_table(t);
}
