/*
 * The one way results reach standard output: a listing is an array of rows and a table of
 * columns, and every listing can be printed in every format.
 */
#ifndef SVCCTL_PRINT_H
#define SVCCTL_PRINT_H

#include <jansson.h>
#include <stdio.h>

#include "svcctl/view.h"
#include "svcd.h"

/* An item as the server sent it, and what the answer said once for all of them (NULL: it
 * is in v). */
struct row {
	const struct svcd_value *v;
	const char *ns, *service;
	const void *of; /* for cells that have to see the others; may be NULL */
};

const char *row_ns(const struct row *r);      /* "" when unknown */
const char *row_service(const struct row *r); /* "" when unknown */
const char *row_id(const struct row *r);      /* NULL: the row is a service */

struct column;
struct cell_ctx {
	const struct view *view;
	const struct column *column;
	bool machine; /* csv: whole times and plain numbers */
};
typedef void cell_fn(FILE *out, const struct cell_ctx *x, const struct row *r);
typedef enum paint paint_fn(const struct row *r);

struct column {
	const char *header;
	cell_fn *put;
	const char *key; /* for put */
	paint_fn *paint; /* NULL: none */
	bool right;      /* numbers */
	bool wide;       /* only with -o wide and csv */
	bool shorten; /* the one that gives way when the terminal is narrow; never a name
		       */
	bool namespaces; /* only with --all-namespaces, and csv */
};

struct listing {
	const struct column *columns;  /* ends with a row without header */
	const struct svcd_value *head; /* fields of the document beside the items; NULL:
					  none */
	const char *head_without;      /* a field of head that is left out: the items
					  themselves */
	const char *name; /* the field that -o name prints; NULL: SERVICE/INSTANCE */
	const struct row *rows;
	size_t n;
	const char *empty; /* a note on standard error when there are no rows, for people;
			      may be NULL */
};

void print_listing(const struct view *v, const struct listing *l);

/* Rows for the elements of an array; ns and service (may be NULL) are borrowed. Caller
 * frees. */
struct row *rows_of(const struct svcd_value *array, const char *ns, const char *service);

/* An item as a document: the row's fields, with ns and service. */
json_t *row_json(const struct row *r);

/*
 * One thing, which people see as a screen of its own and programs as a document. Takes
 * the document. name: what -o name prints. screen may be NULL when the caller has
 * written it.
 */
typedef void screen_fn(FILE *out, const struct view *v, const void *arg);
void print_object(const struct view *v, json_t *document, const char *name,
	screen_fn *screen, const void *arg);

#endif
