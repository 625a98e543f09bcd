/*
 * The working set of a command: what it touches, before and after. Not for use outside of
 * the catalog.
 *
 * A command is applied in two steps. Its handler (apply_*.c) reads the tables, decides,
 * and notes new states in touches; it writes nothing, so refusing a command is forgetting
 * its touches. work_commit then settles the services' effective states (settle.c) and
 * writes everything once (commit.c). Views into the tables stay valid until commit begins
 * to write: handlers may keep them.
 *
 * A batch keeps service and session records in memory and writes them at its end
 * (slots.c, sessions.c).
 */
#ifndef SVCD_CATALOG_WORK_H
#define SVCD_CATALOG_WORK_H

#include "base/map.h"
#include "catalog/catalog.h"
#include "catalog/changes.h"
#include "catalog/codec.h"
#include "catalog/record.h"
#include "catalog/scratch.h"

#define WORK_SLICE 1000 /* instances that a command of unknown size handles at once */

/* An instance that the command looks at. */
struct touch {
	struct touch *next;        /* of the same service */
	struct service_slot *slot; /* NULL: service and instance are unknown */
	struct bytes key;          /* table key, in scratch */
	struct instance old, now;  /* now: as it will be; old: as the table has it, when
				      existed */
	bool existed;
	bool live;    /* registered after this command; cleared to remove it */
	bool changed; /* something that is told; without it now is not written */
	bool restart; /* a new incarnation replaces the old one */
	enum cause_kind cause;
	struct bytes actor, reason;
	struct tombstone tombstone; /* incarnation 0: none */
	/* What commit writes, in struct catalog's encoded. */
	size_t record_at, record_len, event_at, event_len;
};

/* A service in the memory of the batch. */
struct service_slot {
	struct bytes key; /* table key, view into key_data */
	uint8_t key_data[2 * LIMIT_NAME + 1];
	struct service s;
	uint8_t policy[LIMIT_POLICY], owner[LIMIT_OWNER];
	bool exists; /* now; the table may not know yet */
	bool dirty;  /* table differs */
	/* of the command */
	bool touched;
	bool changed;          /* there is something to tell */
	enum event_what event; /* EVENT_SERVICE*: its own change; EVENT_WHAT_COUNT: none
				*/
	struct touch *touches, **touches_end; /* in the order of the command */
	struct service_slot *next;            /* of those touched, or free */
};

struct session_slot {
	uint8_t key[8]; /* be64 session */
	struct buf record;
	bool dirty;
	struct session_slot *next; /* free ones */
};

struct catalog {
	struct catalog_options options;

	/* the batch */
	struct tables *t; /* NULL outside of one */
	struct meta meta;
	struct map services; /* struct service_slot */
	struct map sessions; /* struct session_slot */
	struct service_slot *free_services;
	struct session_slot *free_sessions;
	uint64_t known_lease; /* seen in this batch and not ended since; 0: none */
	bool nomem;           /* sticky until the next begin */

	/* the command */
	uint64_t rev; /* that it will have */
	uint64_t wall_ms;
	uint32_t next_event;
	struct bytes command, actor;
	struct outcome *out;
	struct changes *changes;
	struct err why; /* of a refusal */
	struct scratch scratch;
	struct buf touches;   /* struct touch *, in the order of the command */
	struct map touch_map; /* the same, once they are many */
	struct service_slot *touched, **touched_end;

	/* of a commit */
	struct buf encoded, map;
};

/* slots.c. NULL: out of memory (noted in c). The slot of a service that is not there says
 * exists = false. */
struct service_slot *slot_get(struct catalog *c, const struct service_key *key);
/* Puts it on the command's list. */
void slot_touch(struct catalog *c, struct service_slot *s);
void slot_create(struct catalog *c, struct service_slot *s);
void slot_set_words(
	struct service_slot *s, struct bytes policy, struct bytes owner); /* copies */
void slots_flush(struct catalog *c);  /* writes the changed ones */
void slots_forget(struct catalog *c); /* all back to the free list */
void slots_fini(struct catalog *c);

/* sessions.c. Is the outcome of this write remembered? 1: yes, *m is set (views last
 * until the next session call); 0: no, apply it; SVCD_ESTALE / SVCD_ELIMIT with c->why
 * filled. */
int session_recall(struct catalog *c, uint64_t session, uint64_t seq, struct memory *m);
void session_remember(struct catalog *c, uint64_t session, const struct memory *m);
/* What became due: forgets it when it was idle, otherwise looks again later. */
void session_expire(struct catalog *c, struct bytes key);
void sessions_flush(struct catalog *c);
void sessions_forget(struct catalog *c);
void sessions_fini(struct catalog *c);

/* touch.c. The instance with what the table has of it, each once per command. NULL: out
 * of memory or a failing table, noted in c. */
struct touch *touch_get(struct catalog *c, const struct instance_key *key);
struct touch *touch_find(struct catalog *c, struct bytes key); /* NULL: not touched yet */
/* The same from what was read already. */
struct touch *touch_loaded(struct catalog *c, struct bytes key, struct bytes record);
/* Fills t->tombstone when there is one. */
void touch_load_tombstone(struct catalog *c, struct touch *t);
/* Notes why now differs from old. The first cause of a command stays. */
void touch_change(
	struct touch *t, enum cause_kind cause, struct bytes actor, struct bytes reason);
size_t touches_count(const struct catalog *c);
struct touch *touches_at(const struct catalog *c, size_t i);

/* settle.c: effective states of all touches of the service, and of others that its floor
 * then holds or releases. */
void settle_service(struct catalog *c, struct service_slot *s);

/* commit.c */
void work_commit(struct catalog *c); /* writes; then forgets the touches */
void work_reset(struct catalog *c);  /* forgets the touches */
/* Puts the encoded event (c->rev, n). */
void work_put_event(struct catalog *c, uint32_t n, struct bytes record);

/* Handlers: 0 (then the caller commits) or a refusal with c->why filled. */
int apply_register(struct catalog *c, struct reader *r);
int apply_deregister(struct catalog *c, struct reader *r);
int apply_update(struct catalog *c, struct reader *r);
int apply_lease_grant(struct catalog *c, struct reader *r);
int apply_lease_revoke(struct catalog *c, struct reader *r);
int apply_verdict(struct catalog *c, struct reader *r);
int apply_service_set(struct catalog *c, struct reader *r);
int apply_service_delete(struct catalog *c, struct reader *r);
int apply_tick(struct catalog *c, struct reader *r);
int apply_member_set(struct catalog *c, struct reader *r);
int apply_member_remove(struct catalog *c, struct reader *r);
/* What a repeated command answers beside what its session remembers. */
void repeat_register(struct catalog *c, struct reader *r);
void repeat_lease_grant(struct catalog *c, struct reader *r);

int refuse_malformed(struct catalog *c);
/* "no such instance", or who removed it. */
int refuse_missing(struct catalog *c, struct touch *t);
/* Ends an instance's registration for the reason given; where it is the lease's time that
 * ended, the floor may hold it. */
void touch_end(
	struct catalog *c, struct touch *t, enum cause_kind cause, struct bytes reason);

/* For messages: FMT_BYTES with ARG_BYTES(v). */
#define FMT_BYTES "%.*s"
#define ARG_BYTES(v) (int)(v).len, (const char *)(v).data

#endif
