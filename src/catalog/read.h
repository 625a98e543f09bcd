/* Reading single records, for queries. A damaged one sets t->error. */
#ifndef SVCD_CATALOG_READ_H
#define SVCD_CATALOG_READ_H

#include "catalog/record.h"

bool read_or_corrupt(struct tables *t, bool decoded); /* gives decoded; false sets
							 t->error */
bool read_event(struct tables *t, struct event_ref ref, struct event *out); /* false:
									       none, or
									       dropped */
bool read_tombstone(
	struct tables *t, const struct instance_key *name, struct tombstone *out);
bool read_instance(
	struct tables *t, struct bytes key, struct bytes record, struct instance *out);
/* Actor and reason that the record does not hold, from its event or its lease. */
void read_words(struct tables *t, struct instance *i);

#endif
