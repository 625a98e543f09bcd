/*
 * Health checks as an instance carries them: one array of maps, in which only what
 * differs from the defaults is written. The defaults live here.
 */
#ifndef SVCD_CATALOG_CHECKS_H
#define SVCD_CATALOG_CHECKS_H

#include "base/bytes.h"
#include "base/err.h"
#include "wire/value.h"

struct check {
	struct bytes name; /* default: the type; unique within the instance */
	struct bytes type; /* "tcp" or "http" */
	struct bytes port; /* name of one of the instance's ports; stored always; empty:
			      unix socket */
	struct bytes path; /* http */
	struct bytes host; /* http: Host header; empty: address and port */
	uint32_t status_min, status_max;
	uint32_t interval_ms, fast_interval_ms, slow_interval_ms, timeout_ms;
	uint32_t rise, fall;
};

/* One check from its map, completed with the defaults. where as for fields_decode().
 * Views into the map's bytes. 0 or SVCD_EINVAL with e filled. Does not look at the
 * instance's ports. */
int check_decode(struct value map, struct check *out, const char *where, struct err *e);

/* Appends it as a map. */
void check_pack(struct buf *out, const struct check *c);

uint32_t checks_count(struct bytes checks); /* of the stored array; 0 when malformed */

/* For answers: the same with every field, defaults too. checks: the stored array.
 * Malformed bytes give an empty array. */
void checks_pack_full(struct buf *out, struct bytes checks);

#endif
