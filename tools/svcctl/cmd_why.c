/* why: all that decides whether a target is handed out, in words. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/describe.h"
#include "svcctl/handlers.h"
#include "svcctl/json.h"
#include "svcctl/mem.h"
#include "svcctl/target.h"
#include "svcctl/text.h"

#define EVENTS_SHOWN 5

static const char *text_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_str(svcd_value_get(map, key), "");
}

static uint64_t number_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_uint(svcd_value_get(map, key), 0);
}

static bool is(const struct svcd_value *map, const char *key, const char *text)
{
	return strcmp(text_of(map, key), text) == 0;
}

struct answer {
	const struct pages *got; /* the service, and one or all of its instances */
	const struct svcd_value *history; /* NULL: could not be read */
};

/* ---- lines ------------------------------------------------------------- */

static void put_mark(FILE *out, const struct view *v, enum paint p, const char *label)
{
	fprintf(out, "  %s%s%s %-8s ", view_paint(v, p), view_mark(v, p),
		view_plain(v, p), label);
}

static bool is_handed_out(const struct svcd_value *i)
{
	return is(i, "state", "up") || is(i, "state", "warm") ||
		is(i, "state", "pending");
}

static void put_headline(FILE *out, const struct view *v, const struct row *r)
{
	const char *state = text_of(r->v, "state");

	fprintf(out, "%s%s/", view_paint(v, PAINT_BOLD), row_service(r));
	put_clean(out, row_id(r));
	fprintf(out, "%s is %s: ", view_plain(v, PAINT_BOLD),
		is_handed_out(r->v) ? "handed out" : "NOT handed out");
	put_state(out, v, state);
	put_for(out, v, r->v, "since");
	if (strcmp(state, "pending") == 0)
		fputs(" (it should not be, but the floor of the service keeps it)", out);
	else if (strcmp(state, "warm") == 0)
		fputs(" (it is new and gets traffic slowly)", out);
	fputc('\n', out);
}

static void put_admin(FILE *out, const struct view *v, const struct svcd_value *i)
{
	const char *actor = text_of(i, "admin_actor"),
		   *reason = text_of(i, "admin_reason");
	bool enabled = is(i, "admin", "enabled");
	char text[TEXT_CAP];

	put_mark(out, v, enabled ? PAINT_GOOD : PAINT_BAD, "admin");
	fputs(text_of(i, "admin"), out);
	if (*actor != '\0') {
		fputs(", set by ", out);
		put_clean(out, actor);
	}
	if (*reason != '\0') {
		fputs(": ", out);
		put_clean(out, reason);
	}
	if (number_of(i, "admin_for_ms") > 0)
		fprintf(out, " (ends in %s)",
			text_age(number_of(i, "admin_for_ms"), text));
	fputc('\n', out);
}

static enum paint paint_of_health(const char *health)
{
	if (strcmp(health, "passing") == 0)
		return PAINT_GOOD;
	return strcmp(health, "starting") == 0 || strcmp(health, "degraded") == 0
		? PAINT_WARN
		: PAINT_BAD;
}

static const char *words_of_health(const char *health, bool has_checks)
{
	static const struct {
		const char *health, *words;
	} all[] = {
		{"starting", "starting: its checks have not passed yet"},
		{"unknown", "unknown: nobody could check it lately"},
		{"damped", "damped: it passes, but changed too often"},
	};

	if (strcmp(health, "passing") == 0 && !has_checks)
		return "passing: it has no checks";
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i].health, health) == 0)
			return all[i].words;
	return health;
}

static void put_health(FILE *out, const struct view *v, const struct svcd_value *i)
{
	const char *health = text_of(i, "health"), *reason = text_of(i, "health_reason");

	put_mark(out, v, paint_of_health(health), "health");
	fputs(words_of_health(health, svcd_value_count(svcd_value_get(i, "checks")) > 0),
		out);
	if (*reason != '\0') {
		fputs(": ", out);
		put_clean(out, reason);
	}
	fputc('\n', out);
}

static void put_check(FILE *out, const struct view *v, const struct svcd_value *check)
{
	const struct svcd_value *e = svcd_value_get(check, "evidence");

	put_mark(out, v, e != NULL ? paint_of_health(text_of(e, "state")) : PAINT_DIM,
		"check");
	put_check_words(out, check);
	fputc('\n', out);
	if (e == NULL)
		return;
	fprintf(out, "    %-8s ", "");
	put_evidence(out, check);
	fputc('\n', out);
}

static void put_lease(FILE *out, const struct view *v, const struct svcd_value *i)
{
	bool expired = is(i, "lifecycle", "expired");

	if (number_of(i, "lease") == 0 && !expired)
		return;
	put_mark(out, v, expired ? PAINT_BAD : PAINT_GOOD, "lease");
	if (expired)
		fputs("has ended: its owner does not renew it any more\n", out);
	else
		fprintf(out, "%" PRIu64 ", renewed by its owner\n",
			number_of(i, "lease"));
}

static void put_floor(FILE *out, const struct view *v, const struct svcd_value *service)
{
	uint64_t demand = number_of(service, "floor_demand");

	if (demand == 0)
		return;
	put_mark(out, v, PAINT_DIM, "floor");
	fprintf(out, "%" PRIu64 " of %" PRIu64 " must stay usable, %" PRIu64 " %s\n",
		demand, number_of(service, "count"), number_of(service, "usable"),
		number_of(service, "usable") == 1 ? "is" : "are");
}

static void put_weight(FILE *out, const struct view *v, const struct svcd_value *i)
{
	if (number_of(i, "weight") > 0)
		return;
	put_mark(out, v, PAINT_WARN, "weight");
	fputs("0: it gets traffic only when nothing else is there\n", out);
}

/* By whom; of a check its evidence says all. */
static void put_cause_of_event(FILE *out, const struct svcd_value *event)
{
	const char *reason = text_of(event, "reason");

	if (is(event, "cause", "check") && *reason != '\0') {
		put_clean(out, reason);
		return;
	}
	if (!is(event, "cause", text_of(event, "what")) && !is(event, "cause", "admin")) {
		put_cause_words(out, text_of(event, "cause"));
		fputc(' ', out);
	}
	if (*text_of(event, "actor") != '\0') {
		fputs("by ", out);
		put_clean(out, text_of(event, "actor"));
	}
	if (*reason != '\0') {
		fputs(": ", out);
		put_clean(out, reason);
	}
}

static void put_event(
	FILE *out, const struct view *v, const struct svcd_value *event, bool with_id)
{
	const char *id = text_of(event, "id");
	char age[TEXT_CAP];

	fprintf(out, "    %s%6" PRIu64 "  %6s%s  ", view_paint(v, PAINT_DIM),
		number_of(event, "rev"), text_age(age_of(v, event, "at"), age),
		view_plain(v, PAINT_DIM));
	if (with_id && *id != '\0') {
		put_clean(out, id);
		fputs(": ", out);
	}
	put_happening(out, v, event);
	fprintf(out, "  %s", view_paint(v, PAINT_DIM));
	put_cause_of_event(out, event);
	fprintf(out, "%s\n", view_plain(v, PAINT_DIM));
}

static void put_history(
	FILE *out, const struct view *v, const struct svcd_value *history, bool with_id)
{
	const struct svcd_value *events = svcd_value_get(history, "events");

	if (svcd_value_count(events) == 0)
		return;
	fputs("  last events: revision, how long ago, what\n", out);
	for (size_t i = 0; i < svcd_value_count(events); i++)
		put_event(out, v, svcd_value_at(events, i), with_id);
}

/* ---- screens ----------------------------------------------------------- */

static void put_hint(FILE *out, const struct view *v, const struct row *r)
{
	const char *verb, *effect;

	if (!is(r->v, "admin", "enabled")) {
		verb = "undrain";
		effect = "lets traffic in again";
	} else if (is(r->v, "state", "pending")) {
		verb = "drain";
		effect = "takes it out all the same";
	} else if (is(r->v, "health", "failing")) {
		verb = "drain";
		effect = "keeps it out even when its checks pass again";
	} else {
		return;
	}
	fprintf(out, "  %shint:%s svcctl %s %s/", view_paint(v, PAINT_DIM),
		view_plain(v, PAINT_DIM), verb, row_service(r));
	put_clean(out, row_id(r));
	fprintf(out, "   %s\n", effect);
}

static void screen_instance(FILE *out, const struct view *v, const void *arg)
{
	const struct answer *a = arg;
	const struct row *r = &a->got->rows[0];
	const struct svcd_value *checks = svcd_value_get(r->v, "checks");

	put_headline(out, v, r);
	put_admin(out, v, r->v);
	put_health(out, v, r->v);
	for (size_t i = 0; i < svcd_value_count(checks); i++)
		put_check(out, v, svcd_value_at(checks, i));
	put_lease(out, v, r->v);
	put_floor(out, v, pages_head(a->got));
	put_weight(out, v, r->v);
	put_history(out, v, a->history, false);
	put_hint(out, v, r);
}

static void put_instance_line(FILE *out, const struct view *v, const struct row *r)
{
	const char *reason = text_of(r->v, "admin_reason");
	enum paint p = paint_of_state(text_of(r->v, "state"));

	fprintf(out, "  %s%s%s ", view_paint(v, p),
		view_mark(v, p == PAINT_DIM ? PAINT_BAD : p), view_plain(v, p));
	put_clean(out, row_id(r));
	fputs(" is ", out);
	put_state(out, v, text_of(r->v, "state"));
	put_for(out, v, r->v, "since");
	fprintf(out, ": admin %s, health %s", text_of(r->v, "admin"),
		text_of(r->v, "health"));
	if (*reason == '\0')
		reason = text_of(r->v, "health_reason");
	if (*reason != '\0') {
		fputs(", ", out);
		put_clean(out, reason);
	}
	fputc('\n', out);
}

static void screen_service(FILE *out, const struct view *v, const void *arg)
{
	const struct answer *a = arg;
	const struct svcd_value *s = pages_head(a->got);
	uint64_t up = number_of(s, "up") + number_of(s, "warm");

	fprintf(out, "%s%s%s is ", view_paint(v, PAINT_BOLD), text_of(s, "service"),
		view_plain(v, PAINT_BOLD));
	put_state(out, v, service_state(s));
	fprintf(out, ": %" PRIu64 " of %" PRIu64 " instances are up", up,
		number_of(s, "count"));
	if (number_of(s, "usable") > up)
		fprintf(out, ", %" PRIu64 " more handed out because of the floor",
			number_of(s, "usable") - up);
	fputc('\n', out);
	put_floor(out, v, s);
	for (size_t i = 0; i < a->got->n; i++)
		if (!is(a->got->rows[i].v, "state", "up"))
			put_instance_line(out, v, &a->got->rows[i]);
	put_history(out, v, a->history, true);
	if (up < number_of(s, "count"))
		fprintf(out,
			"  %shint:%s svcctl why %s/INSTANCE   tells more about one of them\n",
			view_paint(v, PAINT_DIM), view_plain(v, PAINT_DIM),
			text_of(s, "service"));
}

/* ---- answers ----------------------------------------------------------- */

static struct svcd_value *ask_history(struct ctl *c, const struct target *t)
{
	struct svcd_value *params = target_params(c, t), *result = NULL;
	struct svcd_fault fault;

	params_number(params, "limit", EVENTS_SHOWN);
	ctl_call(c, "history", params, &result, &fault);
	return result;
}

static void print_answer(
	const struct ctl *c, const struct target *t, const struct answer *a)
{
	json_t *document = json_new_document();
	char *name = target_name(t);

	json_take_fields(document, pages_head(a->got), NULL);
	json_object_del(document, "next");
	json_put(document, "events", json_of(svcd_value_get(a->history, "events"), ""));
	print_object(&c->view, document, name,
		t->id != NULL ? screen_instance : screen_service, a);
	free(name);
}

/* What is not there any more is explained as well: by its last events. */
static enum outcome explain_gone(
	struct ctl *c, const struct target *t, const struct svcd_fault *fault)
{
	struct svcd_value *history = ask_history(c, t);

	if (view_is_screen(&c->view)) {
		printf("%s%s/", view_paint(&c->view, PAINT_BOLD), t->service);
		put_clean(stdout, t->id != NULL ? t->id : "");
		printf("%s is NOT handed out: it is gone\n",
			view_plain(&c->view, PAINT_BOLD));
		put_history(stdout, &c->view, history, false);
	}
	svcd_value_free(history);
	report_error("%s", fault->text);
	return OUT_NOT_FOUND;
}

static enum outcome explain(struct ctl *c, const struct target *t)
{
	struct pages got = {NULL};
	struct svcd_fault fault;
	struct answer a = {&got, NULL};
	struct svcd_value *history;
	int rv = pages_load(c, "get", target_params(c, t), "instances", &got, &fault);

	if (rv == SVCD_EGONE)
		return explain_gone(c, t, &fault);
	if (rv != 0)
		return target_fail(c, t, &fault);
	history = ask_history(c, t);
	a.history = history;
	print_answer(c, t, &a);
	svcd_value_free(history);
	pages_fini(&got);
	return OUT_OK;
}

enum outcome cmd_why(struct ctl *c, const struct args *a)
{
	struct target t;
	enum outcome out = target_parse(a->words[0], &t);

	if (out == OUT_OK) {
		out = explain(c, &t);
		target_fini(&t);
	}
	return out;
}
