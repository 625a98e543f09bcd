/*
 * What a log entry of commands holds: the leader's stamp and the commands.
 *
 *	be64 time_ms, be64 wall_ms, be32 n, n times: be32 length, command
 */
#ifndef SVCD_REPLICA_PAYLOAD_H
#define SVCD_REPLICA_PAYLOAD_H

#include "catalog/catalog.h"

#define PAYLOAD_HEAD_BYTES 20
#define PAYLOAD_COMMANDS_MAX 1000
#define PAYLOAD_BYTES_MAX ((size_t)1 << 20)

void payload_begin(struct buf *b, const struct stamp *stamp); /* clears b */
void payload_put(struct buf *b, struct bytes command);
void payload_end(struct buf *b, uint32_t n);

struct payload {
	struct stamp stamp;
	uint32_t n;
	struct bytes rest;
};
int payload_open(struct payload *p, struct bytes in); /* 0, SVCD_ECORRUPT */
/* To be called n times. 0, SVCD_ECORRUPT. */
int payload_next(struct payload *p, struct bytes *command);

#endif
