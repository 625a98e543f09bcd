/* What the state of a replica holds, looked up by a reader of the caller's thread. */
#ifndef TESTS_UNIT_STATE_LOOK_H
#define TESTS_UNIT_STATE_LOOK_H

#include "catalog/catalog.h"
#include "replica/replica.h"
#include "unit.h"

/* In the namespace default. */
static inline bool state_has_instance(
	struct replica *r, const char *service, const char *id)
{
	struct reader *reader = store_reader_new(replica_store(r));
	struct tables *t = store_read_begin(reader);
	struct instance_key key = {
		bytes_str("default"), bytes_str(service), bytes_str(id)};
	struct instance i;
	bool found = catalog_get_instance(t, &key, &i);

	ck_assert_int_eq(t->error, 0);
	store_read_end(reader);
	store_reader_free(reader);
	return found;
}

#endif
