#include "svcctl/pages.h"

#include <stdlib.h>

#include "svcctl/mem.h"
#include "svcctl/report.h"
#include "svcctl/text.h"

#define OLD_MS 3000 /* longer than it takes to elect a leader */

static const char *text_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_str(svcd_value_get(map, key), NULL);
}

void pages_take(struct pages *p, struct svcd_value *answer, const char *items)
{
	const struct svcd_value *array = svcd_value_get(answer, items);
	size_t n = svcd_value_count(array);

	p->answers = mem_resize(p->answers, p->n_answers + 1, sizeof(*p->answers));
	p->answers[p->n_answers++] = answer;
	p->rows = mem_resize(p->rows, p->n + n + 1, sizeof(*p->rows));
	for (size_t i = 0; i < n; i++)
		p->rows[p->n++] = (struct row){svcd_value_at(array, i),
			text_of(answer, "ns"), text_of(answer, "service")};
}

/* Who hears no leader answers all the same; for how long that has been so must be seen.
 */
static void tell_age(const struct svcd_value *head)
{
	uint64_t ms = svcd_value_uint(svcd_value_get(head, "age_ms"), 0);
	char age[TEXT_CAP];

	if (ms >= UINT32_MAX)
		report_note("no leader is known, and nobody knows how old this is");
	else if (ms >= OLD_MS)
		report_note(
			"no leader is known: this is as of %s ago", text_age(ms, age));
}

int pages_load(struct ctl *c, const char *method, struct svcd_value *params,
	const char *items, struct pages *p, struct svcd_fault *fault)
{
	const char *next = NULL;
	int rv;

	*p = (struct pages){NULL};
	do {
		struct svcd_value *answer = NULL;

		params_text(params, "after", next);
		rv = ctl_ask(c, method, params, &answer, fault);
		if (rv != 0)
			break;
		pages_take(p, answer, items);
		next = text_of(answer, "next");
	} while (next != NULL);
	svcd_value_free(params);
	if (rv != 0)
		pages_fini(p);
	else
		tell_age(pages_head(p));
	return rv;
}

void pages_fini(struct pages *p)
{
	for (size_t i = 0; i < p->n_answers; i++)
		svcd_value_free(p->answers[i]);
	free(p->answers);
	free(p->rows);
	*p = (struct pages){NULL};
}

const struct svcd_value *pages_head(const struct pages *p)
{
	return p->n_answers > 0 ? p->answers[0] : NULL;
}
