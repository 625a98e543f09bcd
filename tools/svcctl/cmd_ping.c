/* ping: round trips to the registry. */
#include <stdlib.h>
#include <time.h>

#include "svcctl/handlers.h"
#include "svcctl/json.h"
#include "svcctl/mem.h"
#include "svcctl/print.h"

#define COUNT_DEFAULT 5
#define INTERVAL_DEFAULT_MS 200

struct trips {
	uint64_t *us; /* of those that were answered */
	size_t n, lost;
};

struct statistics {
	size_t sent, answered;
	uint64_t min_us, mean_us, median_us, max_us;
};

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static struct statistics judge(const struct trips *t)
{
	struct statistics s = {.sent = t->n + t->lost, .answered = t->n};
	uint64_t sum = 0;

	if (t->n == 0)
		return s;
	qsort(t->us, t->n, sizeof(*t->us), by_size);
	for (size_t i = 0; i < t->n; i++)
		sum += t->us[i];
	s.min_us = t->us[0];
	s.mean_us = sum / t->n;
	s.median_us = t->us[t->n / 2];
	s.max_us = t->us[t->n - 1];
	return s;
}

static void screen_statistics(FILE *out, const struct view *v, const void *arg)
{
	const struct statistics *s = arg;

	fprintf(out, "%s%zu of %zu answered%s", view_paint(v, PAINT_BOLD), s->answered,
		s->sent, view_plain(v, PAINT_BOLD));
	if (s->answered > 0)
		fprintf(out, ": min %.2f ms, mean %.2f ms, median %.2f ms, max %.2f ms",
			(double)s->min_us / 1000, (double)s->mean_us / 1000,
			(double)s->median_us / 1000, (double)s->max_us / 1000);
	fputc('\n', out);
}

/* One round trip; reports a failure. */
static enum outcome ping_once(struct ctl *c, size_t number, struct trips *t)
{
	struct svcd_value *result = NULL;
	struct svcd_fault fault;
	uint64_t start = now_us(), took;

	if (ctl_call(c, "ping", NULL, &result, &fault) != 0) {
		t->lost++;
		return ctl_fail(c, &fault);
	}
	took = now_us() - start;
	t->us[t->n++] = took;
	if (view_is_screen(&c->view) && !c->quiet) {
		printf("%zu: %.2f ms from the %s, revision %llu\n", number,
			(double)took / 1000,
			svcd_value_str(svcd_value_get(result, "source"), "registry"),
			(unsigned long long)svcd_value_uint(
				svcd_value_get(result, "rev"), 0));
		fflush(stdout);
	}
	svcd_value_free(result);
	return OUT_OK;
}

static void pause_ms(uint64_t ms)
{
	struct timespec t = {
		.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&t, NULL);
}

static void print_statistics(struct ctl *c, const struct statistics *s)
{
	json_t *document = json_new_document();

	json_put_number(document, "sent", s->sent);
	json_put_number(document, "answered", s->answered);
	json_put_number(document, "min_us", s->min_us);
	json_put_number(document, "mean_us", s->mean_us);
	json_put_number(document, "median_us", s->median_us);
	json_put_number(document, "max_us", s->max_us);
	print_object(&c->view, document, ctl_servers(c), screen_statistics, s);
}

enum outcome cmd_ping(struct ctl *c, const struct args *a)
{
	uint64_t count = args_number(a, "count", COUNT_DEFAULT);
	uint64_t interval_ms = args_duration(a, "interval", INTERVAL_DEFAULT_MS);
	struct trips t = {NULL, 0, 0};
	struct statistics s;
	enum outcome out = ctl_connect(c); /* not part of the first round trip */

	if (out != OUT_OK)
		return out;
	t.us = mem_zero(count, sizeof(*t.us));
	for (uint64_t i = 0; i < count && out == OUT_OK; i++) {
		if (i > 0)
			pause_ms(interval_ms);
		out = ping_once(c, i + 1, &t);
	}
	s = judge(&t);
	print_statistics(c, &s);
	free(t.us);
	return out;
}
