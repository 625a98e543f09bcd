#include "catalog/catalog.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/command_head.h"
#include "catalog/ref.h"
#include "catalog/work.h"

#define HISTORY_BYTES_DEFAULT ((uint64_t)16 << 20)
#define HOUR_MS 3600000

static uint64_t or_default(uint64_t v, uint64_t otherwise)
{
	return v != 0 ? v : otherwise;
}

struct catalog *catalog_new(const struct catalog_options *o)
{
	struct catalog *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->options.history_bytes = or_default(
		o != NULL ? o->history_bytes : 0, HISTORY_BYTES_DEFAULT);
	c->options.tombstone_ms = or_default(o != NULL ? o->tombstone_ms : 0, HOUR_MS);
	c->options.session_ms = or_default(o != NULL ? o->session_ms : 0, HOUR_MS);
	buf_init(&c->encoded, (size_t)1 << 30);
	buf_init(&c->touches, (size_t)1 << 30);
	c->touched_end = &c->touched;
	slots_forget(c);
	sessions_forget(c);
	return c;
}

void catalog_free(struct catalog *c)
{
	if (c == NULL)
		return;
	work_reset(c);
	slots_fini(c);
	sessions_fini(c);
	scratch_fini(&c->scratch);
	buf_fini(&c->touches);
	buf_fini(&c->encoded);
	buf_fini(&c->map);
	free(c);
}

/* Everything but memory for later. */
static void forget(struct catalog *c)
{
	work_reset(c);
	slots_forget(c);
	sessions_forget(c);
	c->known_lease = 0;
	c->nomem = false;
	c->t = NULL;
}

static int fate(const struct catalog *c)
{
	return c->t->error != 0 ? c->t->error : c->nomem ? SVCD_ENOMEM : 0;
}

static void set_time(struct catalog *c, const struct stamp *stamp)
{
	if (stamp->time_ms > c->meta.time_ms)
		c->meta.time_ms = stamp->time_ms;
	c->wall_ms = stamp->wall_ms;
}

int catalog_begin(struct catalog *c, struct tables *t, const struct stamp *stamp)
{
	int rv;

	forget(c);
	c->t = t;
	meta_load(t, &c->meta);
	if (stamp != NULL)
		set_time(c, stamp);
	rv = fate(c);
	if (rv != 0)
		forget(c);
	return rv;
}

/* The ring keeps the newest events that fit. */
static void trim_events(struct catalog *c)
{
	struct catalog_totals *s = &c->meta.totals;
	struct bytes at, record;
	struct key key;

	while (s->event_bytes > c->options.history_bytes &&
		table_seek(c->t, TABLE_EVENT, BYTES_NONE, false, &at, &record)) {
		assert(at.len <= sizeof(key.data));
		memcpy(key.data, at.data, at.len);
		key.len = at.len;
		s->events--;
		s->event_bytes -= at.len + record.len;
		table_del(c->t, TABLE_EVENT, key_bytes(&key));
	}
}

static void write_meta(struct catalog *c)
{
	buf_clear(&c->encoded);
	meta_encode(&c->encoded, &c->meta);
	if (c->encoded.error != 0)
		c->nomem = true;
	else
		table_put(c->t, TABLE_META, meta_key(), buf_bytes(&c->encoded));
}

int catalog_end(struct catalog *c)
{
	int rv;

	assert(c->t != NULL);
	if (fate(c) == 0) {
		slots_flush(c);
		sessions_flush(c);
		trim_events(c);
		write_meta(c);
	}
	rv = fate(c);
	forget(c);
	return rv;
}

/* One command kind. */
static const struct handler {
	int (*apply)(struct catalog *c, struct reader *r);
	void (*repeat)(struct catalog *c, struct reader *r); /* NULL: the memory says it
								all */
} handlers[] = {
	[COMMAND_REGISTER] = {apply_register, repeat_register},
	[COMMAND_DEREGISTER] = {apply_deregister, NULL},
	[COMMAND_UPDATE] = {apply_update, NULL},
	[COMMAND_LEASE_GRANT] = {apply_lease_grant, repeat_lease_grant},
	[COMMAND_LEASE_REVOKE] = {apply_lease_revoke, NULL},
	[COMMAND_VERDICT] = {apply_verdict, NULL},
	[COMMAND_SERVICE_SET] = {apply_service_set, NULL},
	[COMMAND_SERVICE_DELETE] = {apply_service_delete, NULL},
	[COMMAND_TICK] = {apply_tick, NULL},
	[COMMAND_MEMBER_SET] = {apply_member_set, NULL},
	[COMMAND_MEMBER_REMOVE] = {apply_member_remove, NULL},
};

static void read_head(struct reader *r, struct command_head *out)
{
	uint8_t format = read_u8(r), kind = read_u8(r);

	out->kind = kind;
	out->session = read_varint(r);
	out->seq = read_varint(r);
	if (format != COMMAND_FORMAT || kind < COMMAND_REGISTER ||
		kind > COMMAND_KIND_MAX)
		r->bad = true;
	if ((out->session == 0) != (out->seq == 0))
		r->bad = true;
}

int command_head(struct bytes command, struct command_head *out)
{
	struct reader r = reader_of(command);
	struct command_head head;

	read_head(&r, &head);
	if (r.bad)
		return SVCD_EPROTOCOL;
	*out = head;
	return 0;
}

static void clear_outcome(struct outcome *out)
{
	buf_clear(&out->incarnations);
	out->code = 0;
	out->rev = 0;
	out->value = 0;
	out->ttl_ms = 0;
	out->drop_on_close = false;
	out->repeated = false;
	out->text[0] = '\0';
}

static void refuse(struct catalog *c, int code)
{
	clear_outcome(c->out);
	c->out->code = code;
	snprintf(c->out->text, sizeof(c->out->text), "%s", c->why.text);
}

/* The outcome of the first time. */
static void repeat(struct catalog *c, const struct handler *h, struct reader *r,
	const struct memory *m)
{
	struct outcome *out = c->out;

	out->repeated = true;
	out->code = m->code;
	out->rev = m->rev;
	out->value = m->value;
	if (m->code != 0)
		snprintf(out->text, sizeof(out->text), FMT_BYTES, ARG_BYTES(m->text));
	else if (h->repeat != NULL)
		h->repeat(c, r);
	if (out->incarnations.error != 0)
		c->nomem = true;
}

static void remember(struct catalog *c, const struct command_head *head)
{
	struct memory m = {
		.seq = head->seq,
		.code = c->out->code,
		.rev = c->out->rev,
		.value = c->out->value,
		.text = text_cut(bytes_str(c->out->text), MEMORY_TEXT_MAX),
	};

	if (head->session != 0)
		session_remember(c, head->session, &m);
}

static void execute(struct catalog *c, const struct handler *h, struct reader *r)
{
	int rv;

	c->rev = c->meta.rev + 1;
	c->next_event = 0;
	rv = h->apply(c, r);
	if (c->out->incarnations.error != 0)
		c->nomem = true;
	if (fate(c) != 0)
		return;
	if (rv != 0) {
		work_reset(c);
		refuse(c, rv);
		return;
	}
	work_commit(c);
	c->meta.rev = c->rev;
	c->out->rev = c->rev;
}

static void apply_one(struct catalog *c, struct bytes command)
{
	struct reader r = reader_of(command);
	struct command_head head;
	struct memory m;
	int known = 0;

	read_head(&r, &head);
	c->actor = read_blob(&r, LIMIT_ACTOR);
	if (r.bad) {
		refuse(c, refuse_malformed(c));
		return;
	}
	if (head.session != 0)
		known = session_recall(c, head.session, head.seq, &m);
	if (fate(c) != 0)
		return;
	if (known == 1) {
		repeat(c, &handlers[head.kind], &r, &m);
	} else if (known < 0) {
		refuse(c, known);
	} else {
		execute(c, &handlers[head.kind], &r);
		remember(c, &head);
	}
}

int catalog_apply(struct catalog *c, struct tables *t, const struct stamp *stamp,
	struct bytes command, struct outcome *out, struct changes *changes)
{
	bool alone = c->t == NULL;
	int rv = alone ? catalog_begin(c, t, stamp) : 0;

	if (rv != 0)
		return rv;
	assert(c->t == t);
	clear_outcome(out);
	c->out = out;
	c->changes = changes;
	set_time(c, stamp);
	apply_one(c, command);
	rv = fate(c);
	if (alone)
		rv = catalog_end(c);
	return rv;
}
