/*
 * Writing msgpack into a struct buf (with msgpack-c's packer). Errors stick to the
 * buffer.
 */
#ifndef SVCD_WIRE_PACK_H
#define SVCD_WIRE_PACK_H

#include "base/bytes.h"
#include "base/err.h"

void pack_nil(struct buf *b);
void pack_bool(struct buf *b, bool v);
void pack_u64(struct buf *b, uint64_t v); /* shortest form */
void pack_i64(struct buf *b, int64_t v);
void pack_double(struct buf *b, double v);
void pack_u64_fixed(struct buf *b, uint64_t v); /* always 9 bytes: 0xcf … */
void pack_u32_fixed(struct buf *b, uint32_t v); /* always 5 bytes: 0xce … */
void pack_str(struct buf *b, struct bytes v);
void pack_cstr(struct buf *b, const char *v);
void pack_bin(struct buf *b, struct bytes v);
void pack_array(struct buf *b, uint32_t n);
void pack_map(struct buf *b, uint32_t n);
void pack_raw(struct buf *b, struct bytes v); /* bytes that are msgpack already */

/* key and value of a map entry in one call */
void pack_kv_u64(struct buf *b, const char *key, uint64_t v);
void pack_kv_i64(struct buf *b, const char *key, int64_t v);
void pack_kv_bool(struct buf *b, const char *key, bool v);
void pack_kv_str(struct buf *b, const char *key, struct bytes v);
void pack_kv_cstr(struct buf *b, const char *key, const char *v);

/*
 * An array or map whose count is known only at the end: begin writes a 16 bit header and
 * gives a mark, end fills in the count (<= 65535). (The long form is legal msgpack.)
 */
size_t pack_array_begin(struct buf *b);
void pack_array_end(struct buf *b, size_t mark, uint32_t n);
size_t pack_map_begin(struct buf *b);
void pack_map_end(struct buf *b, size_t mark, uint32_t n);

/* Heads of the three messages; the caller then packs exactly the one missing value:
 * params is [map], so pack_request leaves the cursor at the map. */
void pack_request(struct buf *b, uint32_t id, const char *method);
void pack_notification(struct buf *b, const char *method);
void pack_result(struct buf *b, uint32_t id); /* result follows */

/* Whole error response {code, name, text, retry_after_ms?, leader?}; 0, NULL: without. */
void pack_error(struct buf *b, uint32_t id, const struct err *e, uint32_t retry_after_ms,
	const char *leader);

#endif
