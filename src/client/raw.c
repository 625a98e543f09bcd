#include "client/raw.h"

#include "wire/frame.h"

static struct bytes skip(struct bytes in, size_t n)
{
	return n == 0 ? in : bytes_of(in.data + n, in.len - n);
}

/* The head of an array (fix, 16, 32: 0x90, 0xdc, 0xdd) or map (0x80, 0xde, 0xdf). Length
 * of the head and *n, or 0 when the value is something else. */
static size_t container_head(struct bytes in, uint8_t fix, uint8_t long16, uint32_t *n)
{
	if (in.len >= 1 && (in.data[0] & 0xf0) == fix) {
		*n = in.data[0] & 15u;
		return 1;
	}
	if (in.len >= 3 && in.data[0] == long16) {
		*n = get_be16(in.data + 1);
		return 3;
	}
	if (in.len >= 5 && in.data[0] == long16 + 1) {
		*n = get_be32(in.data + 1);
		return 5;
	}
	return 0;
}

/* Text of the string at the start of in, or BYTES_NONE when it is no string. len: the
 * whole value's. */
static struct bytes string_body(struct bytes in, size_t len)
{
	uint8_t first = in.data[0];
	size_t head = (first & 0xe0) == 0xa0     ? 1
		: first >= 0xd9 && first <= 0xdb ? 1u + (1u << (first - 0xd9))
						 : 0;

	return head != 0 && head <= len ? bytes_of(in.data + head, len - head)
					: BYTES_NONE;
}

/* Takes the first value off in; BYTES_NONE when there is none. */
static struct bytes take(struct bytes *in)
{
	size_t len = frame_value_len(*in);
	struct bytes v = bytes_of(in->data, len);

	*in = skip(*in, len);
	return len != 0 ? v : BYTES_NONE;
}

struct bytes raw_find(struct bytes map, const char *key)
{
	uint32_t n = 0;
	struct bytes rest = skip(map, container_head(map, 0x80, 0xde, &n));

	for (uint32_t i = 0; i < n && rest.len > 0; i++) {
		struct bytes k = take(&rest);
		struct bytes v = take(&rest);

		if (k.len > 0 && bytes_eq_str(string_body(k, k.len), key))
			return v;
	}
	return BYTES_NONE;
}

struct raw_walk raw_walk_array(struct bytes array)
{
	struct raw_walk w = {0};

	w.rest = skip(array, container_head(array, 0x90, 0xdc, &w.left));
	return w;
}

struct bytes raw_walk_next(struct raw_walk *w)
{
	w->left--;
	return take(&w->rest);
}
