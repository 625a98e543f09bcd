/*
 * MessagePack-RPC framing: where a message ends, and its four parts as views.
 *
 * The scanner walks the headers of a msgpack value without building anything. It is the
 * border against the network: size, depth and counts are checked here before any other
 * code, msgpack-c included, sees a byte. It is resumable: bytes that came before are not
 * read again, so a peer that sends one byte at a time costs linear work.
 *
 *	request      [0, id, method, params]
 *	response     [1, id, error, result]
 *	notification [2, method, params]
 *
 * Pure; no allocation; one struct frame_scan per stream.
 */
#ifndef SVCD_WIRE_FRAME_H
#define SVCD_WIRE_FRAME_H

#include "base/bytes.h"

#define FRAME_BYTES_MAX ((size_t)1 << 20) /* one message */
#define FRAME_DEPTH_MAX 16                /* nesting of arrays and maps */
#define FRAME_ITEMS_MAX 65536             /* elements of one message in all */

struct frame_scan {
	uint32_t pos;   /* where to look next; behind the end while a body is missing */
	uint32_t items; /* elements announced; a pair counts as two */
	uint32_t depth; /* open arrays and maps; pos > 0 and depth 0: a body is missing */
	uint32_t left[FRAME_DEPTH_MAX]; /* elements still missing in each of them */
	uint32_t max_bytes;             /* 0 = FRAME_BYTES_MAX */
};

enum frame_kind { FRAME_REQUEST = 0, FRAME_RESPONSE = 1, FRAME_NOTIFICATION = 2 };

/* Views into the scanned bytes; raw = still msgpack. */
struct frame {
	enum frame_kind kind;
	uint32_t id;         /* request, response */
	struct bytes method; /* request, notification: text of the name, not msgpack */
	struct bytes error;  /* response: raw value (0xc0 = nil = success) */
	struct bytes body;   /* raw value: params of a request, result of a response */
};

/* Zero-initialised is the start of a stream. The reset keeps max_bytes. */
void frame_scan_reset(struct frame_scan *s);

/*
 * Looks for the end of the message that starts at in.data. in must start with the same
 * bytes as in the call before (plus more) until a message was found.
 *
 * 0: *len is the length of the whole message, the scan is reset for the next one.
 *
 * SVCD_EAGAIN: more bytes are needed.
 *
 * SVCD_ETOOBIG, SVCD_EPROTOCOL: close the stream (s is then of no use until reset). Which
 * one, and after which byte, does not depend on how the bytes were cut.
 */
int frame_find(struct frame_scan *s, struct bytes in, size_t *len);

/* Takes one whole message (as found) apart. 0 or SVCD_EPROTOCOL (not a message of the
 * three kinds, id not an unsigned 32 bit number, method not text of 1..64 bytes). */
int frame_parse(struct bytes message, struct frame *out);

/* Length of the one value at the start of in, or 0 when it is malformed or incomplete. */
size_t frame_value_len(struct bytes in);

#endif
