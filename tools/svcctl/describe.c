#include "svcctl/describe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/mem.h"
#include "svcctl/text.h"

#define LABEL_WIDTH 12

static const char *text_of(
	const struct svcd_value *map, const char *key, const char *fallback)
{
	return svcd_value_str(svcd_value_get(map, key), fallback);
}

void put_label(FILE *out, const struct view *v, const char *label)
{
	fprintf(out, "  %s%-*s%s", view_paint(v, PAINT_DIM), LABEL_WIDTH, label,
		view_plain(v, PAINT_DIM));
}

void put_line(FILE *out, const struct view *v, const char *label, const char *text)
{
	if (*text == '\0')
		return;
	put_label(out, v, label);
	put_clean(out, text);
	fputc('\n', out);
}

char *cell_as_text(
	cell_fn *cell, const char *key, const struct view *v, const struct row *r)
{
	struct column column = {.header = "", .put = cell, .key = key};
	struct cell_ctx x = {v, &column, false};
	char *text = NULL;
	size_t len = 0;
	FILE *out = mem_check(open_memstream(&text, &len));

	cell(out, &x, r);
	fclose(out);
	return mem_check(text);
}

void put_state(FILE *out, const struct view *v, const char *state)
{
	enum paint p = paint_of_state(state);

	fprintf(out, "%s%s%s", view_paint(v, p),
		strcmp(state, "drain") == 0 ? "draining" : state, view_plain(v, p));
}

void put_for(
	FILE *out, const struct view *v, const struct svcd_value *map, const char *key)
{
	char age[TEXT_CAP];

	if (svcd_value_uint(svcd_value_get(map, key), 0) == 0)
		return;
	text_age(age_of(v, map, key), age);
	if (strcmp(age, "now") == 0)
		fputs(" since a moment ago", out);
	else
		fprintf(out, " for %s", age);
}

static void put_ms(
	FILE *out, const char *before, const struct svcd_value *check, const char *key)
{
	const struct svcd_value *ms = svcd_value_get(check, key);
	char text[TEXT_CAP];

	if (svcd_value_uint(ms, 0) > 0)
		fprintf(out, "%s%s", before, text_duration(svcd_value_uint(ms, 0), text));
}

static void put_times(
	FILE *out, const char *before, const struct svcd_value *check, const char *key)
{
	const struct svcd_value *n = svcd_value_get(check, key);

	if (svcd_value_uint(n, 0) > 0)
		fprintf(out, "%s%" PRIu64, before, svcd_value_uint(n, 0));
}

void put_check_words(FILE *out, const struct svcd_value *check)
{
	const char *type = text_of(check, "type", "?"),
		   *port = text_of(check, "port", "");

	put_clean(out, type);
	if (strcmp(type, "http") == 0) {
		fputs(" GET ", out);
		put_clean(out, text_of(check, "path", "/"));
	}
	if (*port != '\0') {
		fputs(", port ", out);
		put_clean(out, port);
	}
	put_ms(out, ", every ", check, "interval_ms");
	put_ms(out, ", timeout ", check, "timeout_ms");
	put_times(out, ", rise ", check, "rise");
	put_times(out, ", fall ", check, "fall");
}

void put_evidence(FILE *out, const struct svcd_value *check)
{
	const struct svcd_value *e = svcd_value_get(check, "evidence");
	const char *reason = text_of(e, "reason", "");
	char age[TEXT_CAP];

	if (e == NULL)
		return;
	put_clean(out, text_of(e, "state", "?"));
	if (*reason != '\0') {
		fputs(": ", out);
		put_clean(out, reason);
	}
	put_times(out, ", ", e, "streak");
	if (svcd_value_uint(svcd_value_get(e, "streak"), 0) > 0)
		fputs(" in a row", out);
	if (svcd_value_get(e, "age_ms") != NULL)
		fprintf(out, ", last probe %s ago",
			text_duration(
				svcd_value_uint(svcd_value_get(e, "age_ms"), 0), age));
	if (svcd_value_get(e, "took_us") != NULL)
		fprintf(out, ", took %.1f ms",
			(double)svcd_value_uint(svcd_value_get(e, "took_us"), 0) / 1000);
}

void put_cause_words(FILE *out, const char *cause)
{
	static const struct {
		const char *cause, *words;
	} all[] = {
		{"registered", "registered"},
		{"updated", "updated"},
		{"admin", "set"},
		{"check", "health check"},
		{"deregistered", "deregistered"},
		{"lease_expired", "its lease expired"},
		{"lease_closed", "the connection of its owner ended"},
		{"lease_revoked", "its lease was revoked"},
		{"taken_over", "registered anew by another owner"},
		{"floor", "floor of the service"},
		{"warmed", "slow start over"},
		{"timer", "the time was over"},
		{"service", "settings of the service changed"},
		{"service_deleted", "the service was deleted"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i].cause, cause) == 0)
			cause = all[i].words;
	put_clean(out, cause);
}

void put_cause(FILE *out, const struct svcd_value *map)
{
	const char *actor = text_of(map, "actor", "");

	put_cause_words(out, text_of(map, "cause", ""));
	if (*actor != '\0') {
		fputs(" by ", out);
		put_clean(out, actor);
	}
}

static bool put_change(FILE *out, const struct view *v, const char *what,
	const char *from, const char *to)
{
	if (*to == '\0' || strcmp(from, to) == 0)
		return false;
	fputs(what, out);
	if (*from != '\0')
		fprintf(out, "%s %s ", from, view_arrow(v));
	fputs(to, out);
	return true;
}

/* The change that matters: of the state, or of what may one day change it. */
static bool put_state_change(
	FILE *out, const struct view *v, const struct svcd_value *event)
{
	return put_change(out, v, "", text_of(event, "from", ""),
		       text_of(event, "to", "")) ||
		put_change(out, v, "health ", text_of(event, "health_from", ""),
			text_of(event, "health_to", "")) ||
		put_change(out, v, "admin ", text_of(event, "admin_from", ""),
			text_of(event, "admin_to", ""));
}

static void put_what(FILE *out, const char *what)
{
	if (strcmp(what, "service") == 0)
		fputs("settings changed", out);
	else if (strcmp(what, "service_deleted") == 0)
		fputs("service deleted", out);
	else if (strcmp(what, "member_removed") == 0)
		fputs("removed", out);
	else
		put_clean(out, what);
}

void put_happening(FILE *out, const struct view *v, const struct svcd_value *event)
{
	const char *what = text_of(event, "what", "");
	bool may_change = strcmp(what, "state") == 0 || strcmp(what, "updated") == 0;

	if (!may_change || !put_state_change(out, v, event))
		put_what(out, what);
}
