/*
 * What may be done with a method whose answer did not come, and with an error that may
 * pass. Pure.
 */
#ifndef SVCD_CLIENT_METHOD_H
#define SVCD_CLIENT_METHOD_H

#include <stdbool.h>

#include "base/rng.h"

enum method_kind {
	METHOD_READ,  /* asked again as often as we like */
	METHOD_WRITE, /* carries session and seq: sent again, it is applied once */
	METHOD_ONCE,  /* unknown to this library: never sent twice */
	METHOD_OURS   /* belongs to the connection; not for svcd_call */
};

enum method_kind method_kind(const char *name);

/* Whether a member's error may pass by waiting. */
bool error_is_passing(int code);

/* How long to wait before try number tries (1..) after an error; retry_after_ms is the
 * member's wish, 0: none. */
uint64_t retry_delay_ms(uint32_t tries, uint32_t retry_after_ms, struct rng *rng);

#endif
