/*
 * Words of results, each kept once: ten thousand checks that say "status 200" share them.
 * A reason is immutable and lives as long as somebody holds it. One thread.
 */
#ifndef SVCD_HEALTH_REASONS_H
#define SVCD_HEALTH_REASONS_H

#include "base/map.h"

struct reason {
	uint32_t holders;
	uint32_t len;
	char text[]; /* len bytes and NUL */
};

struct reasons {
	struct map map;
};

void reasons_init(struct reasons *r);
void reasons_fini(struct reasons *r); /* nobody may hold one any more */

/* Makes *held the reason with this text; lets go of what it was. When out of memory it
 * becomes NULL. */
void reasons_set(struct reasons *r, struct reason **held, const char *text);
void reasons_drop(struct reasons *r, struct reason **held); /* *held becomes NULL; NULL is
							       fine */

#endif
