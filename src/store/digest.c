#include "store/internal.h"

/* The key is seeded with the value's hash, so that swapping the values of two keys
 * changes the sum. */
uint64_t digest_item(enum table table, struct bytes key, struct bytes value)
{
	return bytes_hash_seed(key, bytes_hash(value) + (uint64_t)table);
}

uint64_t store_digest(struct tables *t)
{
	return txn_position((struct txn *)t)->digest;
}

static uint64_t table_digest(struct tables *t, enum table table)
{
	struct bytes key, value;
	uint64_t sum = 0;
	int found = t->ops->seek(t, table, BYTES_NONE, false, &key, &value);

	while (found > 0) {
		sum += digest_item(table, key, value);
		found = t->ops->next(t, table, &key, &value);
	}
	return sum;
}

uint64_t store_digest_recompute(struct tables *t)
{
	uint64_t sum = 0;

	for (int table = 0; table < TABLE_COUNT; table++)
		sum += table_digest(t, (enum table)table);
	return sum;
}
