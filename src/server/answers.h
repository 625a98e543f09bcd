/*
 * Kept answers of `resolve`: from the request's parameters, as sent, to the encoded
 * answer.
 *
 * The key is the raw msgpack of the parameters, so a hit parses nothing. An answer
 * belongs to one service and is dropped by the first change of it; answers that say "no
 * such service" too. What is kept is bounded in bytes; beyond it the clock algorithm
 * makes room (Corbató 1968: one bit of "used since").
 *
 * One worker's; not shared. Pure.
 */
#ifndef SVCD_SERVER_ANSWERS_H
#define SVCD_SERVER_ANSWERS_H

#include "catalog/types.h"

/* Where a service lies in a map: namespace, NUL, name. */
#define SERVICE_MAP_KEY_MAX (2 * LIMIT_NAME + 1)
struct bytes service_map_key(
	const struct service_key *key, uint8_t out[SERVICE_MAP_KEY_MAX]);

struct answers;

struct answer {
	uint32_t n;           /* map entries in entries */
	int code;             /* 0, or the error that is the answer */
	struct bytes entries; /* msgpack; of an error: its text */
};

struct answers *answers_new(uint64_t bytes_max); /* NULL when out of memory */
void answers_free(struct answers *a);

/* Valid until the next call that changes a. */
const struct answer *answers_find(struct answers *a, struct bytes params);

/* Copies. An answer that is too large, or for which there is no memory, is just not kept.
 * params must not be there yet. */
void answers_keep(struct answers *a, struct bytes params,
	const struct service_key *service, const struct answer *answer);

/* The service changed. */
void answers_drop(struct answers *a, const struct service_key *service);

/* Everything may have changed. */
void answers_clear(struct answers *a);

uint64_t answers_bytes(const struct answers *a);
size_t answers_count(const struct answers *a);
void answers_check(const struct answers *a); /* asserts the invariants; O(n), for tests */

#endif
