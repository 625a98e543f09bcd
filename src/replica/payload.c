#include "replica/payload.h"

#include <string.h>

void payload_begin(struct buf *b, const struct stamp *stamp)
{
	buf_clear(b);
	buf_put_be64(b, stamp->time_ms);
	buf_put_be64(b, stamp->wall_ms);
	buf_put_be32(b, 0);
}

void payload_put(struct buf *b, struct bytes command)
{
	buf_put_be32(b, (uint32_t)command.len);
	buf_put_bytes(b, command);
}

void payload_end(struct buf *b, uint32_t n)
{
	const uint8_t be[4] = {
		(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

	if (b->error == 0)
		memcpy(b->data + 16, be, sizeof(be));
}

int payload_open(struct payload *p, struct bytes in)
{
	if (in.len < PAYLOAD_HEAD_BYTES)
		return SVCD_ECORRUPT;
	p->stamp.time_ms = get_be64(in.data);
	p->stamp.wall_ms = get_be64(in.data + 8);
	p->n = get_be32(in.data + 16);
	p->rest = bytes_of(in.data + PAYLOAD_HEAD_BYTES, in.len - PAYLOAD_HEAD_BYTES);
	return 0;
}

int payload_next(struct payload *p, struct bytes *command)
{
	size_t len;

	if (p->rest.len < 4)
		return SVCD_ECORRUPT;
	len = get_be32(p->rest.data);
	if (p->rest.len - 4 < len)
		return SVCD_ECORRUPT;
	*command = bytes_of(p->rest.data + 4, len);
	p->rest = bytes_of(p->rest.data + 4 + len, p->rest.len - 4 - len);
	return 0;
}
