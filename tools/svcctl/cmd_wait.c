/* wait: until a condition holds, told by a watch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcctl/condition.h"
#include "svcctl/handlers.h"
#include "svcctl/json.h"
#include "svcctl/mem.h"
#include "svcctl/print.h"
#include "svcctl/signalled.h"
#include "svcctl/target.h"

enum verdict { UNKNOWN, NO, YES };

struct waiting {
	struct ctl *c;
	struct target target;
	const char *words; /* of the condition */
	struct condition condition;
	struct known known; /* of the library's thread until the watch has ended */
	struct signalled verdict;
};

/* On the library's thread. */
static void on_event(void *arg, const struct svcd_value *event)
{
	struct waiting *w = arg;
	const struct known_service *s;

	known_apply(&w->known, event, NULL, NULL);
	s = known_find(&w->known, w->c->ns, w->target.service);
	/* Until all has been told, a service that is not there may just not have come
	 * yet. */
	if (s == NULL && !w->known.synced)
		return;
	signalled_set(
		&w->verdict, condition_holds(&w->condition, s, w->target.id) ? YES : NO);
}

static const char *state_of(const struct waiting *w, char *text, size_t cap)
{
	const struct known_service *s = known_find(
		&w->known, w->c->ns, w->target.service);
	const struct known_instance *i = NULL;

	if (s == NULL)
		snprintf(text, cap, "there is no service '%s'", w->target.service);
	else if (w->target.id == NULL)
		snprintf(text, cap, "%zu of %zu instances are up", known_count_up(s),
			s->n);
	else if ((i = known_find_instance(s, w->target.id)) == NULL)
		snprintf(text, cap, "it is not registered");
	else
		snprintf(text, cap, "it is %s", i->state);
	return text;
}

/* ---- endings ----------------------------------------------------------- */

static void screen_done(FILE *out, const struct view *v, const void *arg)
{
	const struct waiting *w = arg;
	char *name = target_name(&w->target), state[128];

	(void)v;
	fprintf(out, "%s: %s, %s\n", name, w->words, state_of(w, state, sizeof(state)));
	free(name);
}

static void print_done(const struct waiting *w, bool met)
{
	json_t *document = json_new_document();
	char *name = target_name(&w->target);

	json_put_text(document, "ns", w->c->ns);
	json_put_text(document, "service", w->target.service);
	json_put_text(document, "id", w->target.id);
	json_put_text(document, "for", w->words);
	json_put(document, "met", json_boolean(met));
	json_put_number(document, "up",
		known_count_up(known_find(&w->known, w->c->ns, w->target.service)));
	print_object(&w->c->view, document, name, screen_done, w);
	free(name);
}

static enum outcome fail(const struct waiting *w, enum outcome out)
{
	char *name = target_name(&w->target), state[128];

	if (out == OUT_FALSE)
		report_error("'%s' does not hold for %s: %s", w->words, name,
			state_of(w, state, sizeof(state)));
	else
		report_error("timed out waiting for '%s' of %s: %s", w->words, name,
			state_of(w, state, sizeof(state)));
	if (w->condition.kind != CONDITION_GONE &&
		known_find(&w->known, w->c->ns, w->target.service) != NULL)
		report_hint("'svcctl why %s' tells why", name);
	free(name);
	return out;
}

static enum outcome fail_unreachable(const struct waiting *w)
{
	struct svcd_fault fault = {.code = SVCD_EUNREACHABLE};

	svcd_client_trouble(w->c->client, fault.text, sizeof(fault.text));
	return ctl_fail(w->c, &fault);
}

static enum outcome judge(const struct waiting *w, enum verdict verdict, bool only_look)
{
	if (verdict == UNKNOWN)
		return fail_unreachable(w);
	if (verdict == YES && !(w->c->quiet && view_is_screen(&w->c->view)))
		print_done(w, true);
	if (verdict == YES)
		return OUT_OK;
	if (!view_is_screen(&w->c->view))
		print_done(w, false);
	return fail(w, only_look ? OUT_FALSE : OUT_TIMEOUT);
}

/* ---- waiting ----------------------------------------------------------- */

static enum outcome run(struct waiting *w)
{
	struct ctl *c = w->c;
	bool only_look = c->has_timeout && c->timeout_ms == 0;
	uint64_t timeout_ms = only_look ? TIMEOUT_DEFAULT_MS
		: c->has_timeout        ? c->timeout_ms
					: TIMEOUT_WAIT_MS;
	struct deadline d = deadline_in(timeout_ms);
	struct svcd_watch *watch;
	enum verdict v;
	int rv;

	rv = svcd_watch_raw(c->client, c->ns, w->target.service, on_event, w, &watch);
	if (rv != 0) {
		report_error("%s", svcd_strerror(rv));
		return outcome_of(rv);
	}
	v = (enum verdict)signalled_wait(
		&w->verdict, 1U << YES | (only_look ? 1U << NO : 0), &d);
	svcd_unwatch(watch);
	return judge(w, v, only_look);
}

static enum outcome check_condition(struct waiting *w)
{
	if (!condition_parse(w->words, &w->condition)) {
		report_error("--for: '%s' is not healthy, unhealthy, gone or count>=N",
			w->words);
		if (strncmp(w->words, "count", 5) == 0)
			report_hint(
				"the shell reads '>' unless it is quoted: --for 'count>=3'");
		return OUT_USAGE;
	}
	if (w->condition.kind == CONDITION_COUNT && w->target.id != NULL)
		return report_usage(
			"--for %s is for a service, not for one instance", w->words);
	return OUT_OK;
}

enum outcome cmd_wait(struct ctl *c, const struct args *a)
{
	struct waiting w = {.c = c, .words = args_text(a, "for", "healthy")};
	enum outcome out = target_parse(a->words[0], &w.target);

	if (out != OUT_OK)
		return out;
	signalled_init(&w.verdict, UNKNOWN);
	out = check_condition(&w);
	if (out == OUT_OK)
		out = ctl_open(c);
	if (out == OUT_OK)
		out = run(&w);
	signalled_fini(&w.verdict);
	known_fini(&w.known);
	target_fini(&w.target);
	return out;
}
