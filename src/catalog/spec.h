/*
 * What the owner said of an instance, as msgpack map entries in a fixed order, and the
 * instance as clients see it ("SEEN" in svcd-protocol(7)).
 *
 * Readers take any bytes: what is not as expected is not found.
 */
#ifndef SVCD_CATALOG_SPEC_H
#define SVCD_CATALOG_SPEC_H

#include "catalog/types.h"

/* The entries in their order. */
enum spec_part {
	SPEC_ADDRESSES,
	SPEC_PORTS,
	SPEC_LOCALITY,
	SPEC_VERSION,
	SPEC_TAGS,
	SPEC_META,
	SPEC_PARTS
};

const char *spec_part_name(enum spec_part p);

/* Reading msgpack off the front of *in; false (and *in as it was) when something else is
 * there. */
bool mp_text(struct bytes *in, struct bytes *out);
bool mp_array(struct bytes *in, uint32_t *n);
bool mp_map(struct bytes *in, uint32_t *n);
bool mp_value(struct bytes *in, struct bytes *raw); /* any one value */

/* A map of at most SPEC_PARTS entries, whole: gives its entries. */
bool spec_open(struct bytes map, struct bytes *entries, uint32_t *n);
/* Raw value of an entry. */
bool spec_find(struct bytes entries, const char *name, struct bytes *value);
bool spec_has_tag(struct bytes entries, struct bytes tag);
bool spec_version_is(struct bytes entries, struct bytes version);
bool spec_zone_is(struct bytes entries, struct bytes zone);
bool spec_meta_is(struct bytes entries, struct bytes key, struct bytes value);

/* Entries with some parts replaced by raw values (given[part]; value of length 0: taken
 * out) to out; returns how many there are then. */
uint32_t spec_replace(struct bytes entries, const bool given[SPEC_PARTS],
	const struct bytes values[SPEC_PARTS], struct buf *out);

/* Elements of msgpack in these bytes, as FRAME_ITEMS_MAX counts them. */
uint32_t spec_items(struct bytes entries);

/* The instance as clients see it: one map. */
#define SEEN_OWN 9 /* entries beside those of the spec */
void seen_encode(struct buf *out, const struct instance *i);
void seen_entries(struct buf *out, const struct instance *i); /* without the map's header
							       */
uint64_t seen_hash(struct bytes map);

#endif
