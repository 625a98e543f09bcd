/* What service_set says: the part of its encoding that both the builder and apply know.
 */
#ifndef SVCD_CATALOG_SETTINGS_H
#define SVCD_CATALOG_SETTINGS_H

#include "catalog/codec.h"
#include "catalog/types.h"

enum setting {
	SETTING_FLOOR,
	SETTING_FLOOR_PERCENT,
	SETTING_SLOW_START,
	SETTING_DNS_TTL,
	SETTING_POLICY,
	SETTING_OWNER,
	SETTING_COUNT
};

struct settings {
	uint64_t given; /* bit per enum setting; the others stay as they are */
	uint32_t floor, floor_percent, slow_start_ms, dns_ttl_s;
	struct bytes policy, owner;
};

void settings_put(struct buf *out, const struct settings *s);
void settings_read(struct reader *r, struct settings *out);

#endif
