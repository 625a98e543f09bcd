/*
 * An answer that comes in pages, read to its end.
 */
#ifndef SVCCTL_PAGES_H
#define SVCCTL_PAGES_H

#include "svcctl/ctl.h"
#include "svcctl/print.h"

struct pages {
	struct svcd_value **answers; /* the first has the fields beside the items */
	size_t n_answers;
	struct row *rows; /* point into the answers */
	size_t n;
};

/* Calls the method until there is no next page; items: the field with the rows. Takes
 * params. 0, or an enum svcd_error with fault filled; nothing is reported. pages_fini on
 * success. */
int pages_load(struct ctl *c, const char *method, struct svcd_value *params,
	const char *items, struct pages *p, struct svcd_fault *fault);
void pages_take(struct pages *p, struct svcd_value *answer, const char *items); /* one
										   more;
										   takes
										   it */
void pages_fini(struct pages *p); /* zero-initialised is fine */

const struct svcd_value *pages_head(const struct pages *p); /* NULL when there is none */

#endif
