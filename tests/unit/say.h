/*
 * msgpack as text, for tables in tests: JSON with ' for ", keys without quotes, and \uXX
 *not needed. {service:'web', id:'a', ports:{http:{port:80}}, tls:true, nothing:null}
 */
#ifndef SVCD_TESTS_SAY_H
#define SVCD_TESTS_SAY_H

#include "base/bytes.h"

/* Text to msgpack, appended. Aborts on a typing error: the text is the test's own. */
void say(struct buf *out, const char *text);

/* One msgpack value to text in the same form, without spaces, appended and ended with NUL
 * (not counted). */
void tell(struct buf *out, struct bytes value);

#endif
