#include "svcctl/services.h"

#include <stdlib.h>

#include "svcctl/mem.h"

static uint64_t number_of(const struct svcd_value *map, const char *key)
{
	return svcd_value_uint(svcd_value_get(map, key), 0);
}

const char *service_state(const struct svcd_value *counts)
{
	uint64_t up = number_of(counts, "up") + number_of(counts, "warm");
	uint64_t count = number_of(counts, "count"), drain = number_of(counts, "drain");

	if (count == 0)
		return "empty";
	if (up + drain == count)
		return up > 0 ? "up" : "drain";
	return up + number_of(counts, "pending") > 0 ? "degraded" : "down";
}

static void take_page(struct services *s, struct svcd_value *page)
{
	const struct svcd_value *services = svcd_value_get(page, "services");
	size_t n = svcd_value_count(services);

	s->pages = mem_resize(s->pages, s->n_pages + 1, sizeof(*s->pages));
	s->pages[s->n_pages++] = page;
	s->rows = mem_resize(s->rows, s->n + n + 1, sizeof(*s->rows));
	for (size_t i = 0; i < n; i++)
		s->rows[s->n++] = (struct row){svcd_value_at(services, i), NULL, NULL};
}

int services_load(struct ctl *c, const char *ns, struct services *s, struct svcd_fault *fault)
{
	const char *after = NULL;
	int rv;

	*s = (struct services){NULL};
	do {
		struct svcd_value *params = mem_check(svcd_value_new_map()), *page = NULL;

		params_text(params, "ns", ns);
		params_text(params, "after", after);
		rv = ctl_call(c, "list", params, &page, fault);
		if (rv != 0) {
			services_fini(s);
			return rv;
		}
		take_page(s, page);
		after = svcd_value_str(svcd_value_get(page, "next"), NULL);
	} while (after != NULL);
	return 0;
}

void services_fini(struct services *s)
{
	for (size_t i = 0; i < s->n_pages; i++)
		svcd_value_free(s->pages[i]);
	free(s->pages);
	free(s->rows);
	*s = (struct services){NULL};
}
