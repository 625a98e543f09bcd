/*
 * Tells the log what became of instances: one line per change of state, so many per
 * second.
 */
#ifndef SVCD_SERVER_NARRATOR_H
#define SVCD_SERVER_NARRATOR_H

#include "catalog/catalog.h"
#include "base/log_gate.h"

struct narrator {
	struct arena *arena; /* borrowed */
	struct log_gate lines;
};

void narrator_init(struct narrator *n, struct arena *arena);
void narrator_tell(
	struct narrator *n, const struct changes *c, uint64_t rev, uint64_t now_ms);

#endif
