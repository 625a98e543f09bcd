#include "wire/pack.h"

#include <assert.h>
#include <msgpack.h>

/* msgpack_packer_write: the buffer remembers what went wrong, so the packer need not
 * know. */
static int write_to_buf(void *data, const char *bytes, size_t len)
{
	buf_put(data, bytes, len);
	return 0;
}

static msgpack_packer packer(struct buf *b)
{
	return (msgpack_packer){.data = b, .callback = write_to_buf};
}

void pack_nil(struct buf *b)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_nil(&pk);
}

void pack_bool(struct buf *b, bool v)
{
	msgpack_packer pk = packer(b);

	if (v)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
}

void pack_u64(struct buf *b, uint64_t v)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_uint64(&pk, v);
}

void pack_i64(struct buf *b, int64_t v)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_int64(&pk, v);
}

void pack_double(struct buf *b, double v)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_double(&pk, v);
}

void pack_u64_fixed(struct buf *b, uint64_t v)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_fix_uint64(&pk, v);
}

void pack_u32_fixed(struct buf *b, uint32_t v)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_fix_uint32(&pk, v);
}

void pack_str(struct buf *b, struct bytes v)
{
	msgpack_packer pk = packer(b);

	if (v.len > UINT32_MAX) {
		buf_fail(b, SVCD_ETOOBIG);
		return;
	}
	msgpack_pack_str(&pk, v.len);
	msgpack_pack_str_body(&pk, v.data, v.len);
}

void pack_cstr(struct buf *b, const char *v)
{
	pack_str(b, bytes_str(v));
}

void pack_bin(struct buf *b, struct bytes v)
{
	msgpack_packer pk = packer(b);

	if (v.len > UINT32_MAX) {
		buf_fail(b, SVCD_ETOOBIG);
		return;
	}
	msgpack_pack_bin(&pk, v.len);
	msgpack_pack_bin_body(&pk, v.data, v.len);
}

void pack_array(struct buf *b, uint32_t n)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_array(&pk, n);
}

void pack_map(struct buf *b, uint32_t n)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_map(&pk, n);
}

void pack_raw(struct buf *b, struct bytes v)
{
	buf_put_bytes(b, v);
}

void pack_kv_u64(struct buf *b, const char *key, uint64_t v)
{
	pack_cstr(b, key);
	pack_u64(b, v);
}

void pack_kv_i64(struct buf *b, const char *key, int64_t v)
{
	pack_cstr(b, key);
	pack_i64(b, v);
}

void pack_kv_bool(struct buf *b, const char *key, bool v)
{
	pack_cstr(b, key);
	pack_bool(b, v);
}

void pack_kv_str(struct buf *b, const char *key, struct bytes v)
{
	pack_cstr(b, key);
	pack_str(b, v);
}

void pack_kv_cstr(struct buf *b, const char *key, const char *v)
{
	pack_kv_str(b, key, bytes_str(v));
}

/* msgpack-c writes the shortest head only, so these two heads are written by hand. */
static size_t begin(struct buf *b, uint8_t type)
{
	size_t mark = b->len;

	buf_put_u8(b, type);
	buf_put_be16(b, 0);
	return mark;
}

static void end(struct buf *b, size_t mark, uint32_t n)
{
	if (n > UINT16_MAX)
		buf_fail(b, SVCD_ETOOBIG);
	if (b->error != 0)
		return;
	assert(b->len >= mark + 3);
	b->data[mark + 1] = (uint8_t)(n >> 8);
	b->data[mark + 2] = (uint8_t)n;
}

size_t pack_array_begin(struct buf *b)
{
	return begin(b, 0xdc);
}

void pack_array_end(struct buf *b, size_t mark, uint32_t n)
{
	end(b, mark, n);
}

size_t pack_map_begin(struct buf *b)
{
	return begin(b, 0xde);
}

void pack_map_end(struct buf *b, size_t mark, uint32_t n)
{
	end(b, mark, n);
}
