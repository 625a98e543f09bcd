#include "client/event.h"

#include "client/raw.h"

struct wire_event {
	struct bytes kind, ns, service;
	uint64_t from, rev, digest;
	uint32_t part;
	bool more;
	struct value instances, changes;
};

#define ROW(field, kind) \
	{ \
#field, kind, offsetof(struct wire_event, field), false, 0, 0 \
	}
static const struct field rows[] = {
	{"kind", FIELD_TEXT, offsetof(struct wire_event, kind), true, 1, 64},
	ROW(ns, FIELD_TEXT),
	ROW(service, FIELD_TEXT),
	ROW(from, FIELD_U64),
	ROW(rev, FIELD_U64),
	ROW(digest, FIELD_U64), /* row 5: see below */
	ROW(part, FIELD_U32),
	ROW(more, FIELD_BOOL),
	ROW(instances, FIELD_ARRAY),
	ROW(changes, FIELD_ARRAY),
};
#undef ROW
#define DIGEST_GIVEN (UINT64_C(1) << 5)

static const char *const kinds[] = {
	[EVENT_SNAPSHOT] = "snapshot",
	[EVENT_DELTA] = "delta",
	[EVENT_NO_SERVICE] = "no_service",
	[EVENT_SYNCED] = "synced",
};

static enum event_kind kind_of(struct bytes name)
{
	enum event_kind kind = EVENT_SNAPSHOT;

	while (kind < EVENT_OTHER && !bytes_eq_str(name, kinds[kind]))
		kind++;
	return kind;
}

int event_parse(struct value map, struct bytes raw, struct event *out)
{
	struct wire_event w = {.ns = bytes_str("default")};
	uint64_t given = 0;
	struct event ev;

	if (fields_decode(
		    map, rows, sizeof(rows) / sizeof(rows[0]), &w, &given, "", NULL) != 0)
		return SVCD_EPROTOCOL;
	ev = (struct event){
		.kind = kind_of(w.kind),
		.ns = w.ns,
		.service = w.service,
		.from = w.from,
		.rev = w.rev,
		.digest = w.digest,
		.has_digest = (given & DIGEST_GIVEN) != 0,
		.part = w.part,
		.more = w.more,
	};
	if (ev.kind == EVENT_SNAPSHOT) {
		ev.list = w.instances;
		ev.raw_list = raw_find(raw, "instances");
	} else if (ev.kind == EVENT_DELTA) {
		ev.list = w.changes;
		ev.raw_list = raw_find(raw, "changes");
	}
	if (ev.kind <= EVENT_NO_SERVICE && ev.service.len == 0)
		return SVCD_EPROTOCOL;
	*out = ev;
	return 0;
}

int event_change(
	struct value change, struct bytes raw, struct bytes *id, struct item **item)
{
	struct value v;

	*item = NULL;
	if (!value_find(change, "id", &v) || v.type != VALUE_STR)
		return SVCD_EPROTOCOL;
	*id = v.s;
	if (value_find(change, "gone", &v) && v.type == VALUE_BOOL && v.boolean)
		return 0;
	return item_new(change, raw, item);
}
