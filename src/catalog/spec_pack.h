/* Parts of a spec that registering and updating validate and write alike. */
#ifndef SVCD_CATALOG_SPEC_PACK_H
#define SVCD_CATALOG_SPEC_PACK_H

#include "catalog/validate.h"

/* Validates and packs; 0 or where_refuse. */
int spec_pack_tags(
	const struct where *w, struct value tags, struct buf *out, struct err *e);
int spec_pack_meta(
	const struct where *w, struct value meta, struct buf *out, struct err *e);

/* Is the key of pair i also the key of an earlier one? */
bool value_given_before(struct value map, uint32_t i, struct bytes key);

#endif
