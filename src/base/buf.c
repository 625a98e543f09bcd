/*
 * Growth: by half and to what is needed, so appending is linear in all. One byte more
 * than cap is always allocated: vsnprintf writes its NUL there.
 */
#include "base/bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcd.h"

#define CAP_MIN ((size_t)64)

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->error = 0;
}

void buf_fail(struct buf *b, int code)
{
	if (b->error == 0)
		b->error = code;
}

static size_t max_of(const struct buf *b)
{
	return b->max == 0 ? BUF_MAX_DEFAULT : b->max;
}

static size_t grown_cap(const struct buf *b, size_t need)
{
	size_t cap = b->cap + b->cap / 2;

	if (cap < CAP_MIN)
		cap = CAP_MIN;
	if (cap < need)
		cap = need;
	return cap < max_of(b) ? cap : max_of(b);
}

static int grow(struct buf *b, size_t need)
{
	size_t cap = grown_cap(b, need);
	uint8_t *data = realloc(b->data, cap + 1);

	if (data == NULL)
		return SVCD_ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	if (b->error != 0)
		return NULL;
	if (n > max_of(b) - b->len)
		b->error = SVCD_ETOOBIG;
	else if (n > b->cap - b->len || b->data == NULL)
		b->error = grow(b, b->len + n);
	return b->error == 0 ? b->data + b->len : NULL;
}

void buf_put(struct buf *b, const void *data, size_t n)
{
	uint8_t *to = n == 0 ? NULL : buf_reserve(b, n);

	if (to == NULL)
		return;
	memcpy(to, data, n);
	b->len += n;
}

void buf_put_bytes(struct buf *b, struct bytes v)
{
	buf_put(b, v.data, v.len);
}

void buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void buf_put_be16(struct buf *b, uint16_t v)
{
	buf_put(b, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

void buf_put_be32(struct buf *b, uint32_t v)
{
	buf_put_be16(b, (uint16_t)(v >> 16));
	buf_put_be16(b, (uint16_t)v);
}

void buf_put_be64(struct buf *b, uint64_t v)
{
	buf_put_be32(b, (uint32_t)(v >> 32));
	buf_put_be32(b, (uint32_t)v);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	int n;
	uint8_t *to;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	assert(n >= 0);
	to = buf_reserve(b, (size_t)n);
	if (to == NULL)
		return;
	va_start(args, fmt);
	vsnprintf((char *)to, (size_t)n + 1, fmt, args);
	va_end(args);
	b->len += (size_t)n;
}

void buf_drop_front(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	if (n > 0 && b->len > 0)
		memmove(b->data, b->data + n, b->len);
}

struct bytes buf_bytes(const struct buf *b)
{
	return bytes_of(b->data, b->len);
}
