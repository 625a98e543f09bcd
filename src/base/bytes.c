#include "base/bytes.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct bytes bytes_of(const void *data, size_t len)
{
	return (struct bytes){.data = data, .len = len};
}

struct bytes bytes_str(const char *text)
{
	if (text == NULL)
		return BYTES_NONE;
	return bytes_of(text, strlen(text));
}

/* memcmp that may be given NULL when there is nothing to compare. */
static int compare(const uint8_t *a, const uint8_t *b, size_t len)
{
	return len == 0 ? 0 : memcmp(a, b, len);
}

bool bytes_eq(struct bytes a, struct bytes b)
{
	return a.len == b.len && compare(a.data, b.data, a.len) == 0;
}

bool bytes_eq_str(struct bytes a, const char *text)
{
	return bytes_eq(a, bytes_str(text));
}

int bytes_cmp(struct bytes a, struct bytes b)
{
	int order = compare(a.data, b.data, a.len < b.len ? a.len : b.len);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

bool bytes_has_prefix(struct bytes a, struct bytes prefix)
{
	return a.len >= prefix.len && compare(a.data, prefix.data, prefix.len) == 0;
}

uint64_t bytes_hash(struct bytes a)
{
	return XXH3_64bits(a.data, a.len);
}

uint64_t bytes_hash_seed(struct bytes a, uint64_t seed)
{
	return XXH3_64bits_withSeed(a.data, a.len, seed);
}

uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

uint64_t get_be64(const uint8_t *p)
{
	return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}
