/*
 * What an instance says of itself, as the entries of the map that register sends.
 * Immutable once made, counted by its references; handed from the application's thread to
 * the loop's, used by one at a time.
 */
#ifndef SVCD_CLIENT_SPEC_H
#define SVCD_CLIENT_SPEC_H

#include "base/bytes.h"
#include "svcd.h"

struct spec {
	unsigned refs;
	char *ns, *service, *id;
	struct buf pairs; /* ns, service, id and all the rest but admin and incarnation */
	uint32_t n;
};

/* A copy of in; id is used when in->id is NULL. 0, SVCD_ENOMEM, SVCD_EINVAL (something
 * that cannot be sent: no service, a NULL within a list …; all else is for the registry
 * to judge). */
int spec_new(const struct svcd_instance *in, const char *id, struct spec **out);
struct spec *spec_ref(struct spec *s);
void spec_unref(struct spec *s); /* NULL is fine */

/* Do both name the same instance? */
bool spec_same_key(const struct spec *a, const struct spec *b);

#endif
