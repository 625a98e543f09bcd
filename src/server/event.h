/*
 * A watch event as messages: one, or several when it is too large for one frame.
 *
 * Each part repeats the head, says which it is (part: 0, 1 …) and holds some elements of
 * the list; all but the last say more:true. The receiver applies them together when the
 * last one has come. Pure.
 */
#ifndef SVCD_SERVER_EVENT_H
#define SVCD_SERVER_EVENT_H

#include "base/bytes.h"

/* Of one part; below the limits of wire/frame.h. */
#define EVENT_BYTES_MAX ((size_t)900 << 10)
#define EVENT_ITEMS_MAX 60000

/* Appends the notifications for an event of n map entries, of which the last is its list
 * (instances or changes) when it has one. */
void event_pack(struct buf *out, struct bytes entries, uint32_t n);

#endif
