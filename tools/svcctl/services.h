/*
 * The list of services, all pages of it, and what the counts of a service add up to.
 */
#ifndef SVCCTL_SERVICES_H
#define SVCCTL_SERVICES_H

#include "svcctl/ctl.h"
#include "svcctl/print.h"

struct services {
	struct svcd_value **pages; /* answers; the rows point into them */
	size_t n_pages;
	struct row *rows;
	size_t n;
};

/* ns NULL: of all namespaces. 0, or an enum svcd_error with fault filled; nothing is reported. services_fini
 * on success. */
int services_load(struct ctl *c, const char *ns, struct services *s, struct svcd_fault *fault);
void services_fini(struct services *s);

/* "up": all of them; "degraded": some; "down": none though there should be; "drain": nobody new is let in;
 * "empty". Of a map with the counts. */
const char *service_state(const struct svcd_value *counts);

#endif
