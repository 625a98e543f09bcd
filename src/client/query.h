/*
 * A query as the protocol's resolve takes it. Pure.
 */
#ifndef SVCD_CLIENT_QUERY_H
#define SVCD_CLIENT_QUERY_H

#include "base/bytes.h"
#include "svcd.h"

#define QUERY_DEFAULT_NS "default"

/* Nothing in it is NULL that must not be. */
bool query_is_sound(const struct svcd_query *q);

/* Appends the entries of the params map that say what is asked, without those that say
 * how new the answer must be; the same query always gives the same bytes. Their number.
 */
uint32_t query_pack(struct buf *b, const struct svcd_query *q);

#endif
