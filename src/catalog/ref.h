/* How commands name an instance, and what a registration says: the part of the encoding
 * that both the builder (command*.c) and apply know. */
#ifndef SVCD_CATALOG_REF_H
#define SVCD_CATALOG_REF_H

#include "catalog/codec.h"
#include "catalog/types.h"

#define COMMAND_FORMAT 1

struct ref {
	struct instance_key key;
	uint64_t incarnation; /* 0: not said */
};

struct registration {
	struct ref ref;
	uint16_t weight;
	uint8_t tier;
	int admin; /* enum admin_state; -1: not said */
	uint32_t spec_n;
	struct bytes spec;   /* entries */
	struct bytes checks; /* array, or empty */
};

void ref_put(struct buf *out, const struct ref *r);
void ref_read(struct reader *r, struct ref *out);

/* The spec is encoded as a whole map. */
void registration_read(struct reader *r, struct registration *out);

void service_key_put(struct buf *out, const struct service_key *k);
void service_key_read(struct reader *r, struct service_key *out);

#endif
