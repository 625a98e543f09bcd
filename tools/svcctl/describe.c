#include "svcctl/describe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/mem.h"
#include "svcctl/text.h"

#define LABEL_WIDTH 12

static const char *text_of(const struct svcd_value *map, const char *key, const char *fallback)
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

char *cell_as_text(cell_fn *cell, const char *key, const struct view *v, const struct row *r)
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

	fprintf(out, "%s%s%s", view_paint(v, p), state, view_plain(v, p));
}

void put_for(FILE *out, const struct view *v, const struct svcd_value *map, const char *key)
{
	char age[TEXT_CAP];

	if (svcd_value_uint(svcd_value_get(map, key), 0) == 0)
		return;
	text_age(age_of(v, map, key), age);
	fprintf(out, strcmp(age, "now") == 0 ? " since just %s" : " for %s", age);
}

static void put_ms(FILE *out, const char *before, const struct svcd_value *check, const char *key)
{
	const struct svcd_value *ms = svcd_value_get(check, key);
	char text[TEXT_CAP];

	if (svcd_value_uint(ms, 0) > 0)
		fprintf(out, "%s%s", before, text_duration(svcd_value_uint(ms, 0), text));
}

static void put_times(FILE *out, const char *before, const struct svcd_value *check, const char *key)
{
	const struct svcd_value *n = svcd_value_get(check, key);

	if (svcd_value_uint(n, 0) > 0)
		fprintf(out, "%s%" PRIu64, before, svcd_value_uint(n, 0));
}

void put_check_words(FILE *out, const struct svcd_value *check)
{
	const char *type = text_of(check, "type", "?"), *port = text_of(check, "port", "");

	put_clean(out, type);
	if (strcmp(type, "http") == 0) {
		fputs(" GET ", out);
		put_clean(out, text_of(check, "path", "/"));
	}
	if (*port != '\0') {
		fputs(" on port ", out);
		put_clean(out, port);
	}
	put_ms(out, " every ", check, "interval_ms");
	put_ms(out, ", timeout ", check, "timeout_ms");
	put_times(out, ", rise ", check, "rise");
	put_times(out, ", fall ", check, "fall");
}

void put_cause(FILE *out, const struct svcd_value *map)
{
	static const struct {
		const char *cause, *words;
	} all[] = {
		{"registered", "registered"},
		{"updated", "updated"},
		{"admin", "set"},
		{"check", "health check"},
		{"deregistered", "deregistered"},
		{"lease_expired", "lease expired"},
		{"lease_closed", "connection of its owner ended"},
		{"lease_revoked", "lease revoked"},
		{"taken_over", "registered anew by another owner"},
		{"floor", "floor of the service"},
		{"warmed", "slow start over"},
		{"timer", "time was over"},
		{"service", "settings of the service changed"},
	};
	const char *cause = text_of(map, "cause", ""), *words = cause;
	const char *actor = text_of(map, "actor", "");

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i].cause, cause) == 0)
			words = all[i].words;
	put_clean(out, words);
	if (*actor != '\0') {
		fputs(" by ", out);
		put_clean(out, actor);
	}
}

/* from and to are the name of a state, or a map of all three. */
static const char *state_in(const struct svcd_value *event, const char *key, const char *which)
{
	const struct svcd_value *v = svcd_value_get(event, key);

	if (svcd_value_type(v) == SVCD_STRING)
		return strcmp(which, "state") == 0 ? svcd_value_str(v, "") : "";
	return text_of(v, which, "");
}

static bool put_change(
	FILE *out, const struct view *v, const struct svcd_value *event, const char *which, bool first)
{
	const char *from = state_in(event, "from", which), *to = state_in(event, "to", which);

	if (strcmp(from, to) == 0 || *to == '\0')
		return false;
	fputs(first ? "" : ", ", out);
	if (*from != '\0')
		fprintf(out, "%s %s ", from, view_arrow(v));
	fputs(to, out);
	return true;
}

void put_happening(FILE *out, const struct view *v, const struct svcd_value *event)
{
	const char *what = text_of(event, "what", "");
	bool put = false;

	if (strcmp(what, "state") != 0) {
		put_clean(out, what);
		return;
	}
	put |= put_change(out, v, event, "state", !put);
	put |= put_change(out, v, event, "health", !put);
	put |= put_change(out, v, event, "admin", !put);
	if (!put)
		fputs(what, out);
}
