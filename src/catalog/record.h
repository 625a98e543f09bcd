/*
 * The bytes that the tables hold. Every record starts with a format byte, stores what
 * differs from the common case, and is read with bounds, so that a damaged one is an
 * error and not a crash.
 *
 * An instance that is plainly well (enabled, registered, passing or starting) keeps its
 * words, actor and reason, in its event only: they may be gone with the event, what is
 * left is the owner of its lease. A permanent one keeps its actor.
 *
 * Encoders append to out. Decoders give views into the record; false: damaged.
 */
#ifndef SVCD_CATALOG_RECORD_H
#define SVCD_CATALOG_RECORD_H

#include "catalog/catalog.h"
#include "catalog/keys.h"

/* key is not part of the record: the encoder ignores it, the decoder leaves it. */
void instance_encode(struct buf *out, const struct instance *i);
bool instance_decode(struct bytes record, struct instance *out);
/* Only what stands before the spec; spec and checks stay as they were. */
bool instance_decode_state(struct bytes record, struct instance_state *out);

void service_encode(struct buf *out, const struct service *s);
bool service_decode(struct bytes record, struct service *out);

void lease_encode(struct buf *out, const struct lease *l);
bool lease_decode(struct bytes record, struct lease *out);

/* A registration that was removed. */
struct tombstone {
	uint64_t incarnation;
	uint64_t rev;     /* of the removal */
	uint32_t event_n; /* its event has the key (rev, event_n) */
	uint64_t wall_ms;
	uint64_t due_ms; /* cluster time at which it is forgotten */
	enum cause_kind cause;
	struct bytes actor, reason;
};

/* Nobody removed it: its lease expired. */
bool tombstone_vanished(const struct tombstone *s);
void tombstone_encode(struct buf *out, const struct tombstone *s);
bool tombstone_decode(struct bytes record, struct tombstone *out);

enum event_what {
	EVENT_REGISTERED,
	EVENT_STATE,   /* the effective state changed */
	EVENT_UPDATED, /* something else did */
	EVENT_REMOVED,
	EVENT_SERVICE, /* settings; id is empty */
	EVENT_SERVICE_DELETED,
	EVENT_MEMBER, /* of the cluster: joined or changed; id is its name, ns and service
			 are empty */
	EVENT_MEMBER_REMOVED,
	EVENT_WHAT_COUNT
};

const char *event_what_name(enum event_what w);

struct event_ref { /* rev 0: none */
	uint64_t rev;
	uint32_t n;
};

/* What of an instance an event tells before and after. */
struct event_states {
	enum admin_state admin;
	enum health_state health;
	enum effective_state effective;
};

struct event {
	struct event_ref self; /* the key; not in the record */
	struct instance_key key;
	enum event_what what;
	enum cause_kind cause;
	struct event_states from, to; /* EVENT_REGISTERED: from = to; EVENT_REMOVED:
					 to.effective is down */
	uint64_t incarnation;
	uint64_t wall_ms;
	struct event_ref prev_of_instance, prev_of_service;
	struct bytes actor, reason;
};

void event_encode(struct buf *out, const struct event *e);
bool event_decode(struct bytes record, struct event_ref self, struct event *out);

/* The catalog's own record in TABLE_META. */
struct meta {
	uint64_t rev, time_ms;
	uint64_t sessions;
	struct catalog_totals totals;
};

void meta_encode(struct buf *out, const struct meta *m);
bool meta_decode(struct bytes record, struct meta *out);
/* Zero when there is none yet; a damaged one sets t->error. */
void meta_load(struct tables *t, struct meta *out);
struct bytes meta_key(void);

/* One outcome that a session remembers. */
struct memory {
	uint64_t seq;
	int code;
	uint64_t rev, value;
	struct bytes text; /* when code != 0 */
};

#define MEMORY_TEXT_MAX 160

/*
 * Session records: head, then outcomes in the order of arrival, oldest first. So the
 * usual next write only takes one off the front and adds one at the end. Out of order,
 * some stay a little longer than the window: all were within a window of the first, so
 * there are fewer than twice as many.
 */
struct session_head {
	uint64_t used_ms;
	uint64_t top; /* highest seq */
	uint8_t n;
	struct bytes memories;
};

bool session_decode(struct bytes record, struct session_head *out);
/* Reads one memory off the front; false at the end or when damaged. */
bool session_next(struct bytes *memories, struct memory *out);
/* Appends the record with m added, and those that left the window dropped. old may be
 * empty. */
void session_encode(
	struct buf *out, struct bytes old, uint64_t used_ms, const struct memory *m);

#endif
