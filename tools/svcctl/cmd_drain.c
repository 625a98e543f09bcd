/* drain: no new traffic; with --wait until every watcher has been told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "svcctl/change.h"
#include "svcctl/deadline.h"
#include "svcctl/handlers.h"
#include "svcctl/mem.h"

#define ROUND_MS 1000 /* of one barrier: how often the progress is shown */

static void fill_draining(struct svcd_value *params, const struct args *a)
{
	params_text(params, "admin", "draining");
	params_text(params, "reason", args_text(a, "reason", NULL));
	if (args_text(a, "for", NULL) != NULL)
		params_number(params, "for_ms", args_duration(a, "for", 0));
}

struct told {
	uint64_t watchers, acked;
};

static enum outcome barrier(struct ctl *c, const struct target *t, uint64_t rev,
	uint64_t wait_ms, struct told *told)
{
	struct svcd_value *params = params_new(c), *result = NULL;
	struct svcd_fault fault;

	params_text(params, "service", t->service);
	params_number(params, "rev", rev);
	params_number(params, "wait_ms", wait_ms);
	if (ctl_call(c, "barrier", params, &result, &fault) != 0)
		return ctl_fail(c, &fault);
	told->watchers = svcd_value_uint(svcd_value_get(result, "watchers"), 0);
	told->acked = svcd_value_uint(svcd_value_get(result, "acked"), 0);
	svcd_value_free(result);
	return OUT_OK;
}

static void show_progress(const struct ctl *c, const struct told *told, bool last)
{
	if (c->quiet || !isatty(STDERR_FILENO))
		return;
	if (told->watchers == 0)
		fputs("nobody watches it, so nobody had to be told\n", stderr);
	else
		fprintf(stderr, "\r\033[K%llu of %llu watchers have been told%s",
			(unsigned long long)told->acked,
			(unsigned long long)told->watchers, last ? "\n" : " ...");
}

static enum outcome wait_for_watchers(struct ctl *c, const struct target *t, uint64_t rev)
{
	struct deadline d = deadline_in(c->has_timeout ? c->timeout_ms : TIMEOUT_WAIT_MS);
	struct told told = {0, 0};
	enum outcome out;

	c->timeout_ms = TIMEOUT_DEFAULT_MS; /* of each round, beside what it waits */
	for (;;) {
		uint64_t left_ms = deadline_left_ms(&d);

		out = barrier(c, t, rev, left_ms < ROUND_MS ? left_ms : ROUND_MS, &told);
		if (out != OUT_OK || told.acked >= told.watchers || left_ms == 0)
			break;
		show_progress(c, &told, false);
	}
	if (out != OUT_OK)
		return out;
	show_progress(c, &told, true);
	if (told.acked >= told.watchers)
		return OUT_OK;
	report_error("%llu of %llu watchers have not been told in time",
		(unsigned long long)(told.watchers - told.acked),
		(unsigned long long)told.watchers);
	report_hint("the target is draining all the same; --timeout allows more time");
	return OUT_TIMEOUT;
}

/* Which revision of the service has the change. */
static enum outcome wait_until_told(struct ctl *c, const struct target *t)
{
	struct target whole = {t->service, NULL};
	struct pages p;
	uint64_t rev;
	enum outcome out = target_get(c, &whole, &p);

	if (out != OUT_OK)
		return out;
	rev = svcd_value_uint(svcd_value_get(pages_head(&p), "service_rev"), 0);
	pages_fini(&p);
	return wait_for_watchers(c, t, rev);
}

enum outcome cmd_drain(struct ctl *c, const struct args *a)
{
	const char *period = args_text(a, "for", NULL);
	struct target t;
	char *done;
	enum outcome out = target_parse(a->words[0], &t);

	if (out != OUT_OK)
		return out;
	done = period != NULL ? mem_format("draining for %s", period)
			      : mem_copy("draining");
	out = change_run(c, a, &t,
		&(struct change){
			.method = "update",
			.asked = "drain",
			.done = done,
			.ask = true,
			.fill = fill_draining,
		});
	fflush(stdout);
	if (out == OUT_OK && args_flag(a, "wait") && !args_flag(a, "dry-run"))
		out = wait_until_told(c, &t);
	free(done);
	target_fini(&t);
	return out;
}
