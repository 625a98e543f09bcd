/* status: how the registry is, on one screen. */
#include <inttypes.h>
#include <string.h>

#include "svcctl/describe.h"
#include "svcctl/handlers.h"
#include "svcctl/json.h"
#include "svcctl/mem.h"
#include "svcctl/pages.h"
#include "svcctl/text.h"

#define TROUBLED_MAX 10 /* services that the screen names */

static const char *text_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_str(svcd_value_get(map, key), "");
}

static uint64_t number_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_uint(svcd_value_get(map, key), 0);
}

/* What the screen shows: the answer, and the services when they could be read. */
struct overview {
	const struct svcd_value *status;
	const struct pages *services;
};

static void put_count(
	FILE *out, const char *before, const struct svcd_value *status, const char *key)
{
	char text[TEXT_CAP];

	if (svcd_value_get(status, key) != NULL)
		fprintf(out, "%s%s", before, text_count(number_of(status, key), text));
}

static bool is_true(const struct svcd_value *s, const char *key)
{
	return svcd_value_bool(svcd_value_get(s, key), false);
}

static bool is_false(const struct svcd_value *s, const char *key)
{
	return !svcd_value_bool(svcd_value_get(s, key), true);
}

static const char *standing_of(const struct svcd_value *s)
{
	if (is_true(s, "removed"))
		return ", removed";
	return is_true(s, "joining") ? ", joining" : ", standby";
}

/* "  member      48dac250c4a37873 n2" */
static void put_named(FILE *out, const struct view *v, const char *label, const char *id,
	const char *name)
{
	if (*id == '\0')
		return;
	put_label(out, v, label);
	fprintf(out, "%s ", id);
	put_clean(out, name);
	fputc('\n', out);
}

static void put_member(FILE *out, const struct view *v, const struct svcd_value *s)
{
	char age[TEXT_CAP];
	bool leads = strcmp(text_of(s, "role"), "leader") == 0;

	fprintf(out, "%ssvcd %s%s   %s", view_paint(v, PAINT_BOLD), text_of(s, "version"),
		view_plain(v, PAINT_BOLD),
		view_paint(v, leads ? PAINT_GOOD : PAINT_NONE));
	fprintf(out, "%s%s", text_of(s, "role"),
		view_plain(v, leads ? PAINT_GOOD : PAINT_NONE));
	if (is_false(s, "voter"))
		fputs(standing_of(s), out);
	put_count(out, ", term ", s, "term");
	if (number_of(s, "uptime_ms") < 1000)
		fputs(", just started", out);
	else
		fprintf(out, ", up %s",
			text_duration(number_of(s, "uptime_ms") / 1000 * 1000, age));
	put_count(out, ", revision ", s, "rev");
	fputc('\n', out);
	put_line(out, v, "cluster", text_of(s, "cluster"));
	put_named(out, v, "member", text_of(s, "node"), text_of(s, "name"));
	if (is_true(s, "removed"))
		fprintf(out,
			"  %sit was removed from its cluster, and what it has grows old%s\n",
			view_paint(v, PAINT_BAD), view_plain(v, PAINT_BAD));
	if (is_true(s, "diverged"))
		fprintf(out,
			"  %sits state differs from that of the others: it serves nothing%s\n",
			view_paint(v, PAINT_BAD), view_plain(v, PAINT_BAD));
	if (is_true(s, "incomplete"))
		fprintf(out,
			"  %sit lacks entries that it had confirmed, and gets nothing new%s\n",
			view_paint(v, PAINT_BAD), view_plain(v, PAINT_BAD));
	if (!leads && *text_of(s, "leader") == '\0')
		fprintf(out, "  %sno leader: nothing can be written now%s\n",
			view_paint(v, PAINT_BAD), view_plain(v, PAINT_BAD));
	else if (!leads)
		put_named(out, v, "leader", text_of(s, "leader"),
			text_of(s, "leader_client"));
}

static void put_instances(FILE *out, const struct view *v, const struct svcd_value *s)
{
	static const char *const states[] = {"up", "warm", "pending", "drain", "down"};
	const char *between = ": ";
	char text[TEXT_CAP];

	put_label(out, v, "services");
	fprintf(out, "%s\n", text_count(number_of(s, "services"), text));
	put_label(out, v, "instances");
	fputs(text_count(number_of(s, "instances"), text), out);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (number_of(s, states[i]) == 0)
			continue;
		fprintf(out, "%s%s ", between, text_count(number_of(s, states[i]), text));
		put_state(out, v, states[i]);
		between = ", ";
	}
	fputc('\n', out);
}

static void put_clients(FILE *out, const struct view *v, const struct svcd_value *s)
{
	put_label(out, v, "clients");
	put_count(out, "connections ", s, "sessions");
	put_count(out, ", watches ", s, "watches");
	put_count(out, ", leases ", s, "leases");
	fputc('\n', out);
	put_label(out, v, "checks");
	put_count(out, "", s, "checks");
	put_count(out, ", ", s, "probes");
	fputs(" probes so far\n", out);
}

static void put_storage(FILE *out, const struct view *v, const struct svcd_value *s)
{
	const struct svcd_value *log = svcd_value_get(s, "log");
	const struct svcd_value *checkpoint = svcd_value_get(s, "checkpoint");
	char text[TEXT_CAP];

	put_label(out, v, "storage");
	fprintf(out, "state %s", text_bytes(number_of(s, "state_bytes"), text));
	fprintf(out, ", log %s", text_bytes(number_of(log, "bytes"), text));
	if (svcd_value_get(s, "disk_free") != NULL)
		fprintf(out, ", %s free", text_bytes(number_of(s, "disk_free"), text));
	if (number_of(checkpoint, "rev") > 0)
		fprintf(out, ", checkpoint of revision %" PRIu64 " %s old",
			number_of(checkpoint, "rev"),
			text_age(number_of(checkpoint, "age_ms"), text));
	fputc('\n', out);
	if (svcd_value_bool(svcd_value_get(s, "space_low"), false))
		fprintf(out, "  %sthe disk is nearly full: writes are refused%s\n",
			view_paint(v, PAINT_BAD), view_plain(v, PAINT_BAD));
}

static bool is_troubled(const struct row *r)
{
	return number_of(r->v, "down") + number_of(r->v, "pending") > 0;
}

static void put_troubled_one(FILE *out, const struct view *v, const struct row *r)
{
	const char *state = service_state(r->v);
	const char *ns = row_ns(r);

	fprintf(out, "  %s%s%s ", view_paint(v, paint_of_state(state)),
		view_mark(v, PAINT_BAD), view_plain(v, paint_of_state(state)));
	if (strcmp(ns, "default") != 0)
		fprintf(out, "%s: ", ns);
	fprintf(out, "%s is ", row_service(r));
	put_state(out, v, state);
	fprintf(out, ": %" PRIu64 " of %" PRIu64 " up",
		number_of(r->v, "up") + number_of(r->v, "warm"),
		number_of(r->v, "count"));
	if (number_of(r->v, "pending") > 0)
		fprintf(out, ", %" PRIu64 " kept by the floor",
			number_of(r->v, "pending"));
	fputc('\n', out);
}

static void put_troubled(FILE *out, const struct view *v, const struct pages *s)
{
	size_t shown = 0, troubled = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!is_troubled(&s->rows[i]))
			continue;
		if (troubled++ == 0)
			fputc('\n', out);
		if (shown < TROUBLED_MAX) {
			put_troubled_one(out, v, &s->rows[i]);
			shown++;
		}
	}
	if (troubled > shown)
		fprintf(out, "  and %zu more: 'svcctl ls -A' shows all\n",
			troubled - shown);
}

static void screen_status(FILE *out, const struct view *v, const void *arg)
{
	const struct overview *o = arg;

	put_member(out, v, o->status);
	put_instances(out, v, o->status);
	put_clients(out, v, o->status);
	put_storage(out, v, o->status);
	put_troubled(out, v, o->services);
}

enum outcome cmd_status(struct ctl *c, const struct args *a)
{
	struct svcd_value *status = NULL;
	struct pages services = {NULL};
	struct svcd_fault fault;
	json_t *document;

	(void)a;
	if (ctl_call(c, "status", NULL, &status, &fault) != 0)
		return ctl_fail(c, &fault);
	if (view_is_screen(&c->view))
		pages_load(c, "list", mem_check(svcd_value_new_map()), "services",
			&services, &fault);
	document = json_new_document();
	json_take_fields(document, status, NULL);
	print_object(&c->view, document, text_of(status, "node"), screen_status,
		&(struct overview){status, &services});
	pages_fini(&services);
	svcd_value_free(status);
	return OUT_OK;
}
