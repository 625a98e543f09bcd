/* What an update says: the part of its encoding that both the builder and apply know. */
#ifndef SVCD_CATALOG_UPDATE_H
#define SVCD_CATALOG_UPDATE_H

#include "catalog/codec.h"
#include "catalog/spec.h"

struct update {
	bool has_weight, has_tier, has_admin;
	bool self; /* the instance itself speaks */
	uint16_t weight;
	uint8_t tier;
	enum admin_state admin;
	uint64_t for_ms; /* admin ends by itself after that; 0: it does not */
	struct bytes reason;
	bool given[SPEC_PARTS];         /* of version, tags, meta */
	struct bytes parts[SPEC_PARTS]; /* raw values; empty: taken out */
};

void update_put(struct buf *out, const struct update *u);
void update_read(struct reader *r, struct update *out);

#endif
