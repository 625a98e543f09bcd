/*
 * TARGET: SERVICE or SERVICE/INSTANCE, and what to say when there is no such thing.
 */
#ifndef SVCCTL_TARGET_H
#define SVCCTL_TARGET_H

#include "svcctl/ctl.h"
#include "svcctl/pages.h"

struct target {
	char *service;
	char *id; /* NULL: the service; ids may contain slashes */
};

/* OUT_OK, or OUT_USAGE and it has been reported. target_fini on success. */
enum outcome target_parse(const char *text, struct target *t);
void target_fini(struct target *t);
char *target_name(const struct target *t); /* "SERVICE/INSTANCE"; caller frees */

/* {ns, service, id?} */
struct svcd_value *target_params(const struct ctl *c, const struct target *t);

/* As ctl_fail; for a missing service or instance with the name that was probably meant.
 */
enum outcome target_fail(
	struct ctl *c, const struct target *t, const struct svcd_fault *fault);

/* The get of a target, its instances as rows: OUT_OK and pages_fini, or it has been
 * reported. */
enum outcome target_get(struct ctl *c, const struct target *t, struct pages *p);

#endif
