#include "svcctl/print.h"

#include <stdlib.h>
#include <string.h>

#include "svcctl/json.h"
#include "svcctl/mem.h"
#include "svcctl/print_table.h"
#include "svcctl/report.h"

static const char *field(const struct row *r, const char *key, const char *fallback)
{
	return svcd_value_str(svcd_value_get(r->v, key), fallback);
}

const char *row_ns(const struct row *r)
{
	return r->ns != NULL ? r->ns : field(r, "ns", "");
}

const char *row_service(const struct row *r)
{
	return r->service != NULL ? r->service : field(r, "service", "");
}

const char *row_id(const struct row *r)
{
	return field(r, "id", NULL);
}

struct row *rows_of(const struct svcd_value *array, const char *ns, const char *service)
{
	size_t n = svcd_value_count(array);
	struct row *rows = mem_zero(n, sizeof(*rows));

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct row){svcd_value_at(array, i), ns, service};
	return rows;
}

/* ---- documents --------------------------------------------------------- */

json_t *row_json(const struct row *r)
{
	json_t *object = mem_check(json_object());

	json_put_text(object, "ns", row_ns(r));
	json_put_text(object, "service", row_service(r));
	json_take_fields(object, r->v, NULL);
	return object;
}

static json_t *listing_json(const struct listing *l)
{
	json_t *document = json_new_document(), *items = mem_check(json_array());

	json_take_fields(document, l->head, l->head_without);
	json_object_del(document, "next"); /* all pages are here, or as many as were asked
					      for */
	json_object_del(document, "next_n");
	for (size_t i = 0; i < l->n; i++)
		json_array_append_new(items, row_json(&l->rows[i]));
	json_put(document, "items", items);
	return document;
}

static void print_document(const struct view *v, const json_t *document)
{
	if (v->format == FORMAT_JSON)
		json_print(stdout, document);
	else
		yaml_print(stdout, document, false);
}

/* ---- csv and names ----------------------------------------------------- */

static void print_names(const struct listing *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const char *id = row_id(&l->rows[i]);

		if (l->name != NULL) {
			puts(field(&l->rows[i], l->name, ""));
			continue;
		}
		fputs(row_service(&l->rows[i]), stdout);
		if (id != NULL)
			printf("/%s", id);
		putchar('\n');
	}
}

static void csv_put_header(const struct column *columns)
{
	for (const struct column *c = columns; c->header != NULL; c++) {
		if (c != columns)
			putchar(',');
		csv_put(stdout, c->header);
	}
	fputs("\r\n", stdout);
}

static void csv_put_cell(
	const struct view *v, const struct column *c, const struct row *r)
{
	struct cell_ctx x = {v, c, true};
	char *text = NULL;
	size_t len = 0;
	FILE *out = mem_check(open_memstream(&text, &len));

	c->put(out, &x, r);
	fclose(out);
	csv_put(stdout, mem_check(text));
	free(text);
}

static void print_csv(const struct view *v, const struct listing *l)
{
	if (v->headers)
		csv_put_header(l->columns);
	for (size_t i = 0; i < l->n; i++) {
		for (const struct column *c = l->columns; c->header != NULL; c++) {
			if (c != l->columns)
				putchar(',');
			csv_put_cell(v, c, &l->rows[i]);
		}
		fputs("\r\n", stdout);
	}
}

/* ---- all of them ------------------------------------------------------- */

void print_listing(const struct view *v, const struct listing *l)
{
	json_t *document;

	switch (v->format) {
	case FORMAT_TABLE:
	case FORMAT_WIDE:
		if (l->n > 0)
			print_table(v, l);
		else if (l->empty != NULL)
			report_note("%s", l->empty);
		break;
	case FORMAT_NAME:
		print_names(l);
		break;
	case FORMAT_CSV:
		print_csv(v, l);
		break;
	default:
		document = listing_json(l);
		print_document(v, document);
		json_decref(document);
	}
}

void print_object(const struct view *v, json_t *document, const char *name,
	screen_fn *screen, const void *arg)
{
	switch (v->format) {
	case FORMAT_TABLE:
	case FORMAT_WIDE:
		if (screen != NULL)
			screen(stdout, v, arg);
		break;
	case FORMAT_NAME:
		puts(name);
		break;
	case FORMAT_CSV:
		csv_print_fields(stdout, document, v->headers);
		break;
	default:
		print_document(v, document);
	}
	json_decref(document);
}
