/* Collecting what became visible; the reading side is in catalog.h. Out of memory sticks
 * until changes_finish says it. */
#ifndef SVCD_CATALOG_CHANGES_H
#define SVCD_CATALOG_CHANGES_H

#include "catalog/catalog.h"

/* c NULL: nothing is collected. Everything is copied. key: the table keys of the instance
 * and the service. first and n of a service change are set by changes_finish. */
void changes_add_instance(
	struct changes *c, struct bytes key, const struct instance_change *one);
void changes_add_service(
	struct changes *c, struct bytes key, const struct service_change *one);

#endif
