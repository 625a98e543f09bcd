/* watch: changes as they come, a line each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/columns.h"
#include "svcctl/describe.h"
#include "svcctl/handlers.h"
#include "svcctl/json.h"
#include "svcctl/known.h"
#include "svcctl/mem.h"
#include "svcctl/signalled.h"
#include "svcctl/target.h"
#include "svcctl/text.h"

#define NAME_WIDTH 30 /* of the target on a screen */

struct watching {
	const struct ctl *c;
	struct target target; /* service NULL: all */
	bool changes_only;
	uint64_t left; /* lines to print; 0: no end */
	bool printed;  /* a header, or a first YAML document */
	struct known known;
	struct signalled over; /* 1: enough */
};

/* ---- in words ---------------------------------------------------------- */

static void put_step(FILE *out, const char *what, const char *from, const char *to,
	const struct view *v, bool *first)
{
	if (strcmp(from, to) == 0)
		return;
	fprintf(out, "%s%s%s %s %s", *first ? "" : ", ", what, from, view_arrow(v), to);
	*first = false;
}

static void put_number_step(FILE *out, const char *what, uint64_t from, uint64_t to,
	const struct view *v, bool *first)
{
	char a[24], b[24];

	snprintf(a, sizeof(a), "%" PRIu64, from);
	snprintf(b, sizeof(b), "%" PRIu64, to);
	put_step(out, what, a, b, v, first);
}

static void put_state_step(
	FILE *out, const char *from, const char *to, const struct view *v, bool *first)
{
	if (strcmp(from, to) == 0)
		return;
	put_state(out, v, from);
	fprintf(out, " %s ", view_arrow(v));
	put_state(out, v, to);
	*first = false;
}

static void put_difference(FILE *out, const struct view *v, const struct happening *h)
{
	const struct known_instance *a = h->before, *b = h->after;
	bool first = true;

	put_state_step(out, a->state, b->state, v, &first);
	put_step(out, "health ", a->health, b->health, v, &first);
	put_step(out, "admin ", a->admin, b->admin, v, &first);
	put_number_step(out, "weight ", a->weight, b->weight, v, &first);
	put_number_step(out, "tier ", a->tier, b->tier, v, &first);
	put_step(out, "address ", a->address, b->address, v, &first);
	if (first)
		fputs("updated", out);
}

static void put_words(FILE *out, const struct view *v, const struct happening *h)
{
	switch (h->kind) {
	case HAPPENING_PRESENT:
	case HAPPENING_REGISTERED:
		fputs(h->kind == HAPPENING_PRESENT ? "is " : "registered, ", out);
		put_state(out, v, h->after->state);
		fputs(", ", out);
		put_clean(out, h->after->address);
		break;
	case HAPPENING_CHANGED:
		put_difference(out, v, h);
		break;
	case HAPPENING_REMOVED:
		fprintf(out, "%sremoved%s", view_paint(v, PAINT_BAD),
			view_plain(v, PAINT_BAD));
		if (*h->text != '\0')
			fputs(", ", out);
		put_cause_words(out, h->text);
		break;
	case HAPPENING_SERVICE_DELETED:
		fputs("service deleted", out);
		break;
	default:
		break;
	}
}

static void print_screen_line(const struct watching *w, const struct happening *h)
{
	const struct view *v = &w->c->view;
	char clock[TEXT_CAP];
	char *name = h->id != NULL ? mem_format("%s/%s", h->service, h->id)
				   : mem_copy(h->service);

	printf("%s%s%s  ", view_paint(v, PAINT_DIM), text_clock(text_wall_now(), clock),
		view_plain(v, PAINT_DIM));
	if (v->namespaces)
		printf("%-12s ", h->ns);
	printf("%-*s  ", NAME_WIDTH, name);
	put_words(stdout, v, h);
	putchar('\n');
	free(name);
}

/* ---- for programs ------------------------------------------------------ */

static json_t *happening_json(const struct happening *h)
{
	json_t *line = json_new_document();

	json_put_time(line, "time", text_wall_now());
	json_put_text(line, "event", happening_name(h->kind));
	json_put_text(line, "ns", h->ns);
	json_put_text(line, "service", h->service);
	json_put_text(line, "id", h->id);
	if (h->rev > 0)
		json_put_number(line, "rev", h->rev);
	json_put_text(line, "from", h->before != NULL ? h->before->state : NULL);
	json_put_text(line, "to", h->after != NULL ? h->after->state : NULL);
	json_put_text(line, h->kind == HAPPENING_LOST ? "text" : "cause", h->text);
	if (h->instance != NULL)
		json_put(line, "instance", json_of(h->instance, ""));
	return line;
}

static void print_csv_line(struct watching *w, const struct happening *h)
{
	char when[TEXT_CAP];
	const char *fields[] = {text_time(text_wall_now(), when), happening_name(h->kind),
		h->ns, h->service, h->id, h->before != NULL ? h->before->state : NULL,
		h->after != NULL ? h->after->state : NULL,
		h->after != NULL ? h->after->address : NULL, h->text};

	if (!w->printed && w->c->view.headers)
		fputs("TIME,EVENT,NAMESPACE,SERVICE,INSTANCE,FROM,TO,ADDRESS,CAUSE\r\n",
			stdout);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (i > 0)
			putchar(',');
		csv_put(stdout, fields[i] != NULL ? fields[i] : "");
	}
	fputs("\r\n", stdout);
}

static void print_document_line(const struct watching *w, const struct happening *h)
{
	json_t *line = happening_json(h);

	if (w->c->view.format == FORMAT_JSON)
		json_print_line(stdout, line);
	else
		yaml_print(stdout, line, true);
	json_decref(line);
}

static void print_line(struct watching *w, const struct happening *h)
{
	switch (w->c->view.format) {
	case FORMAT_TABLE:
	case FORMAT_WIDE:
		print_screen_line(w, h);
		break;
	case FORMAT_NAME:
		printf("%s%s%s\n", h->service, h->id != NULL ? "/" : "",
			h->id != NULL ? h->id : "");
		break;
	case FORMAT_CSV:
		print_csv_line(w, h);
		break;
	default:
		print_document_line(w, h);
	}
	w->printed = true;
	fflush(stdout);
}

/* ---- events; on the library's thread ----------------------------------- */

static bool is_wanted(const struct watching *w, const struct happening *h)
{
	if (w->changes_only && h->kind == HAPPENING_PRESENT)
		return false;
	if (h->service == NULL || w->target.service == NULL)
		return true;
	if (strcmp(h->service, w->target.service) != 0) /* the watch is for all that begin
							   like it */
		return false;
	return w->target.id == NULL ||
		(h->id != NULL && strcmp(h->id, w->target.id) == 0);
}

/* What is about the watch itself: a note for people, a line for programs that read
 * documents. */
static bool tell_about_watch(struct watching *w, const struct happening *h)
{
	enum format f = w->c->view.format;

	if (h->kind == HAPPENING_LOST)
		report_note("the registry does not answer: %s", h->text);
	else if (!w->printed && !w->changes_only && view_is_screen(&w->c->view))
		report_note("there is nothing yet; waiting for changes");
	return f == FORMAT_JSON || f == FORMAT_YAML;
}

static void on_happening(void *arg, const struct happening *h)
{
	struct watching *w = arg;

	if (signalled_get(&w->over) == 1 || !is_wanted(w, h))
		return;
	if (h->service == NULL && !tell_about_watch(w, h))
		return;
	print_line(w, h);
	if (w->left > 0 && --w->left == 0)
		signalled_set(&w->over, 1);
}

static void on_event(void *arg, const struct svcd_value *event)
{
	struct watching *w = arg;

	known_apply(&w->known, event, on_happening, w);
}

static enum outcome run(struct ctl *c, struct watching *w)
{
	struct svcd_watch *watch;
	const char *prefix = w->target.service != NULL ? w->target.service : "";
	enum outcome out = ctl_connect(c); /* no registry at all is an error; a lost one
					      is waited for */
	int rv;

	if (out != OUT_OK)
		return out;
	rv = svcd_watch_raw(c->client, c->view.namespaces ? NULL : c->ns, prefix,
		on_event, w, &watch);
	if (rv != 0) {
		report_error("%s", svcd_strerror(rv));
		return outcome_of(rv);
	}
	signalled_wait(&w->over, 1U << 1, NULL);
	svcd_unwatch(watch);
	return OUT_OK;
}

enum outcome cmd_watch(struct ctl *c, const struct args *a)
{
	struct watching w = {
		.c = c,
		.changes_only = args_flag(a, "changes"),
		.left = args_number(a, "count", 0),
	};
	enum outcome out = OUT_OK;

	c->view.namespaces = args_flag(a, "all-namespaces");
	if (a->n_words > 0)
		out = target_parse(a->words[0], &w.target);
	if (out != OUT_OK)
		return out;
	signalled_init(&w.over, 0);
	out = run(c, &w);
	signalled_fini(&w.over);
	known_fini(&w.known);
	target_fini(&w.target);
	return out;
}
