/*
 * msgpack as short text, both ways, so that a test reads like the protocol's manual:
 *
 *	{service:'web',instances:[{id:'a',weight:10}],if_absent:true}
 *
 * Keys are bare words, strings stand in single quotes ('' is a quote), nil true false and
 *numbers as they are.
 */
#ifndef TESTS_UNIT_NOTATION_H
#define TESTS_UNIT_NOTATION_H

#include "base/bytes.h"
#include "wire/value.h"

void notation_pack(struct buf *out, const char *text); /* fails the test when text is
							  malformed */
void notation_print(struct buf *out, struct value v);  /* without a final NUL */

/* "instances.0.id" within v; false when there is no such place. */
bool notation_find(struct value v, const char *path, struct value *out);

#endif
