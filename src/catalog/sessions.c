/* Sessions: a write that is sent again is applied once. Records live in the memory of a
 * batch. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/work.h"

static struct bytes key_of(const void *item)
{
	return bytes_of(((const struct session_slot *)item)->key, 8);
}

static struct session_slot *take(struct catalog *c)
{
	struct session_slot *s = c->free_sessions;

	if (s != NULL) {
		c->free_sessions = s->next;
		buf_clear(&s->record);
		s->dirty = false;
		return s;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		c->nomem = true;
	return s;
}

static void give_back(struct catalog *c, struct session_slot *s)
{
	s->next = c->free_sessions;
	c->free_sessions = s;
}

static struct session_slot *get(struct catalog *c, struct bytes key)
{
	struct session_slot *s = map_get(&c->sessions, key);
	struct bytes record;

	if (s != NULL)
		return s;
	s = take(c);
	if (s == NULL)
		return NULL;
	memcpy(s->key, key.data, sizeof(s->key));
	if (table_get(c->t, TABLE_SESSION, key, &record))
		buf_put_bytes(&s->record, record);
	if (s->record.error != 0 || map_put(&c->sessions, s) != 0) {
		c->nomem = true;
		give_back(c, s);
		return NULL;
	}
	return s;
}

int session_recall(struct catalog *c, uint64_t session, uint64_t seq, struct memory *m)
{
	struct session_head head;
	struct session_slot *s;
	struct key key;

	key_u64(&key, session);
	s = get(c, key_bytes(&key));
	if (s == NULL)
		return 0;
	if (s->record.len == 0) {
		if (c->meta.sessions < LIMIT_SESSIONS)
			return 0;
		return err_set(&c->why, SVCD_ELIMIT,
			"%d sessions are remembered already: no new one until one was "
			"idle for a while",
			LIMIT_SESSIONS);
	}
	if (!session_decode(buf_bytes(&s->record), &head)) {
		c->t->error = SVCD_ECORRUPT;
		return 0;
	}
	if (seq > head.top)
		return 0;
	while (session_next(&head.memories, m)) {
		if (m->seq == seq)
			return 1;
	}
	if (head.top - seq < LIMIT_SESSION_WINDOW)
		return 0;
	return err_set(&c->why, SVCD_ESTALE,
		"seq: %" PRIu64 " is too old, the session is at %" PRIu64
		" and %d are remembered",
		seq, head.top, LIMIT_SESSION_WINDOW);
}

void session_remember(struct catalog *c, uint64_t session, const struct memory *m)
{
	struct buf record = {0};
	struct session_slot *s;
	struct key key, due;

	key_u64(&key, session);
	s = get(c, key_bytes(&key));
	if (s == NULL)
		return;
	if (s->record.len == 0) {
		c->meta.sessions++;
		key_due(&due, c->meta.time_ms + c->options.session_ms, DUE_SESSION,
			key_bytes(&key));
		table_put(c->t, TABLE_DUE, key_bytes(&due), BYTES_NONE);
	}
	/* Into the spare buffer, then swapped: the old bytes are read while the new are
	 * written. */
	buf_clear(&c->map);
	session_encode(&c->map, buf_bytes(&s->record), c->meta.time_ms, m);
	record = s->record;
	s->record = c->map;
	c->map = record;
	s->dirty = true;
	if (s->record.error != 0)
		c->nomem = true;
}

void session_expire(struct catalog *c, struct bytes name)
{
	struct session_slot *s = name.len == 8 ? get(c, name) : NULL;
	struct session_head head;
	struct key due;

	if (s == NULL || s->record.len == 0)
		return;
	if (!session_decode(buf_bytes(&s->record), &head)) {
		c->t->error = SVCD_ECORRUPT;
		return;
	}
	if (head.used_ms + c->options.session_ms > c->meta.time_ms) {
		key_due(&due, head.used_ms + c->options.session_ms, DUE_SESSION, name);
		table_put(c->t, TABLE_DUE, key_bytes(&due), BYTES_NONE);
		return;
	}
	buf_clear(&s->record);
	s->dirty = true;
	c->meta.sessions--;
}

void sessions_flush(struct catalog *c)
{
	struct session_slot *s;
	size_t cursor = 0;

	while ((s = map_next(&c->sessions, &cursor)) != NULL) {
		if (!s->dirty)
			continue;
		if (s->record.len > 0)
			table_put(c->t, TABLE_SESSION, key_of(s), buf_bytes(&s->record));
		else
			table_del(c->t, TABLE_SESSION, key_of(s));
		s->dirty = false;
	}
}

void sessions_forget(struct catalog *c)
{
	struct session_slot *s;
	size_t cursor = 0;

	while ((s = map_next(&c->sessions, &cursor)) != NULL)
		give_back(c, s);
	map_fini(&c->sessions);
	map_init(&c->sessions, key_of);
}

void sessions_fini(struct catalog *c)
{
	sessions_forget(c);
	while (c->free_sessions != NULL) {
		struct session_slot *next = c->free_sessions->next;

		buf_fini(&c->free_sessions->record);
		free(c->free_sessions);
		c->free_sessions = next;
	}
	map_fini(&c->sessions);
}
