/*
 * A watch event as the protocol carries it, taken apart. Views into the message. Pure.
 */
#ifndef SVCD_CLIENT_EVENT_H
#define SVCD_CLIENT_EVENT_H

#include "client/item.h"

enum event_kind {
	EVENT_SNAPSHOT,
	EVENT_DELTA,
	EVENT_NO_SERVICE,
	EVENT_SYNCED,
	EVENT_OTHER
};

struct event {
	enum event_kind kind;
	struct bytes ns, service; /* service is empty in EVENT_SYNCED */
	uint64_t from, rev;       /* of the service; from: EVENT_DELTA */
	uint64_t digest;
	bool has_digest;
	uint32_t part;     /* of a snapshot that is too large for one message: 0, 1 … */
	bool more;         /* further parts follow */
	struct value list; /* the instances of a snapshot or the changes of a delta */
	struct bytes raw_list;
};

/* map: the parsed params of the notification, raw: the same as bytes. 0 or
 * SVCD_EPROTOCOL. */
int event_parse(struct value map, struct bytes raw, struct event *out);

/* One change of a delta: an instance (*item is set; the caller unrefs) or the id of one
 * that is gone. 0, SVCD_ENOMEM, SVCD_EPROTOCOL. */
int event_change(
	struct value change, struct bytes raw, struct bytes *id, struct item **item);

#endif
