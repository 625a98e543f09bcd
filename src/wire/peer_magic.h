/*
 * How a member greets who connects to its port for members, in the clear: the head of a
 * frame (replica/peer_codec.h), then this. Of all protocols for ever, so a client that
 * came to the wrong port can tell.
 */
#ifndef SVCD_WIRE_PEER_MAGIC_H
#define SVCD_WIRE_PEER_MAGIC_H

#define PEER_MAGIC "svcdpeer" /* without its NUL */
#define PEER_MAGIC_BYTES 8
#define PEER_MAGIC_AT 9 /* bytes of a frame's head */

#endif
