/*
 * Reads numbers and views off the front of bytes from the network; sticky error. Pure.
 */
#ifndef SVCD_REPLICA_PEER_CURSOR_H
#define SVCD_REPLICA_PEER_CURSOR_H

#include "base/bytes.h"

struct peer_cursor {
	const uint8_t *at;
	size_t left;
	bool bad; /* more was asked for than there is; all that comes is 0 or empty */
};

static inline struct peer_cursor peer_cursor(struct bytes in)
{
	return (struct peer_cursor){.at = in.data, .left = in.len};
}

static inline struct bytes peer_take(struct peer_cursor *c, size_t n)
{
	struct bytes v = BYTES_NONE;

	if (c->bad || n > c->left) {
		c->bad = true;
		return v;
	}
	v = bytes_of(c->at, n);
	if (n > 0)
		c->at += n;
	c->left -= n;
	return v;
}

static inline uint8_t peer_take_u8(struct peer_cursor *c)
{
	struct bytes v = peer_take(c, 1);

	return c->bad ? 0 : v.data[0];
}

static inline uint16_t peer_take_u16(struct peer_cursor *c)
{
	struct bytes v = peer_take(c, 2);

	return c->bad ? 0 : get_be16(v.data);
}

static inline uint32_t peer_take_u32(struct peer_cursor *c)
{
	struct bytes v = peer_take(c, 4);

	return c->bad ? 0 : get_be32(v.data);
}

static inline uint64_t peer_take_u64(struct peer_cursor *c)
{
	struct bytes v = peer_take(c, 8);

	return c->bad ? 0 : get_be64(v.data);
}

/* All was there, and nothing is left. */
static inline bool peer_cursor_done(const struct peer_cursor *c)
{
	return !c->bad && c->left == 0;
}

#endif
