/*
 * Keys of the catalog's tables (tables.h says their layout). Names hold no NUL byte, so
 * that "ns NUL service NUL id" sorts by its parts and an instance's service is a prefix.
 */
#ifndef SVCD_CATALOG_KEYS_H
#define SVCD_CATALOG_KEYS_H

#include "catalog/tables.h"
#include "catalog/types.h"

struct key {
	size_t len;
	uint8_t data[TABLE_KEY_MAX];
};

/* What a later tick must do; the kind in a key of TABLE_DUE. */
enum due_kind {
	DUE_ADMIN,     /* draining or maintenance is over; instance key */
	DUE_WARM,      /* slow start is over; instance key */
	DUE_TOMBSTONE, /* forget a removal; instance key */
	DUE_SESSION,   /* forget an idle session; be64 session */
	DUE_COUNT
};

struct bytes key_bytes(const struct key *k);
void key_service(struct key *k, const struct service_key *s);   /* ns 0 service */
void key_instances(struct key *k, const struct service_key *s); /* ns 0 service 0: prefix
								   of its instances */
void key_instance(struct key *k, const struct instance_key *i);
void key_u64(struct key *k, uint64_t v);
void key_lease_item(struct key *k, uint64_t lease, struct bytes instance);
void key_due(struct key *k, uint64_t time_ms, enum due_kind kind, struct bytes what);
void key_event(struct key *k, uint64_t rev, uint32_t n);

/* Taking apart; false when it is no such key. Views into key. */
bool key_split_service(struct bytes key, struct service_key *out);
bool key_split_instance(struct bytes key, struct instance_key *out);
bool key_split_due(
	struct bytes key, uint64_t *time_ms, enum due_kind *kind, struct bytes *what);
bool key_split_event(struct bytes key, uint64_t *rev, uint32_t *n);

struct service_key service_of(const struct instance_key *i);

/* First entry whose key starts with prefix, and the one after it. What follows next must
 * not write. */
bool prefix_first(struct tables *t, enum table table, struct bytes prefix,
	struct bytes *key, struct bytes *value);
bool prefix_next(struct tables *t, enum table table, struct bytes prefix,
	struct bytes *key, struct bytes *value);

#endif
