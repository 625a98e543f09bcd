/*
 * Walking msgpack bytes that were found well-formed already, for those who need a part as
 * it was sent (its hash is part of a service's digest). Pure views, no allocation.
 */
#ifndef SVCD_CLIENT_RAW_H
#define SVCD_CLIENT_RAW_H

#include "base/bytes.h"

/* The raw value under key in the raw map; BYTES_NONE when it is not there or map is no
 * map. */
struct bytes raw_find(struct bytes map, const char *key);

/* The elements of a raw array, one after the other. */
struct raw_walk {
	struct bytes rest;
	uint32_t left;
};

struct raw_walk raw_walk_array(struct bytes array); /* left is 0 when it is no array */
struct bytes raw_walk_next(struct raw_walk *w);     /* left > 0 */

#endif
