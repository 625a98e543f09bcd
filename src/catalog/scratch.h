/*
 * Memory for as long as one command or one batch takes: chunks that are handed out front
 * to back and taken back all at once. Pointers stay valid until then. Out of memory
 * sticks.
 */
#ifndef SVCD_CATALOG_SCRATCH_H
#define SVCD_CATALOG_SCRATCH_H

#include "base/bytes.h"

struct scratch_chunk;

struct scratch {
	struct scratch_chunk *first, *current; /* current: the one in use, those before it
						  are full */
	bool failed;
};

/* Zero-initialised is valid. */
void scratch_fini(struct scratch *s);
void scratch_reset(struct scratch *s); /* everything is taken back; keeps the first chunk
					*/
void *scratch_alloc(struct scratch *s, size_t n); /* aligned for any type, not zeroed;
						     NULL: s->failed */
/* Copy with the lifetime of s; BYTES_NONE when s failed. */
struct bytes scratch_copy(struct scratch *s, struct bytes v);

#endif
