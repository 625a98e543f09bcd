/*
 * The driver's machine: catalog and store. Everything that became committed together is
 * one transaction.
 */
#include "replica/replica_internal.h"

#include <string.h>

#include "base/log.h"
#include "replica/removed.h"

static int apply_begin(void *arg)
{
	struct replica *r = arg;
	struct err e = {0};

	r->tables = store_write_begin(r->files.store, &e);
	if (!r->tables) {
		log_warn("state_not_written", L_STR("text", e.text), L_ERR(e.code));
		return e.code;
	}
	changes_clear(r->changes);
	return catalog_begin(r->catalog, r->tables, NULL);
}

static int apply_command(struct replica *r, struct payload *p, struct outcome *out)
{
	struct bytes command;
	struct command_head head;
	int rc = payload_next(p, &command);

	if (rc == 0 && command_head(command, &head) == 0 &&
		(head.kind == COMMAND_MEMBER_SET || head.kind == COMMAND_MEMBER_REMOVE))
		r->roster_stale = true;
	return rc == 0 ? catalog_apply(r->catalog, r->tables, &p->stamp, command, out,
				 r->changes)
		       : rc;
}

/* The commands of a batch of ours are in the order of its proposals, behind the tick. */
static int apply_commands(struct replica *r, const struct driver_entry *e)
{
	struct batch *b = e->ticket;
	struct payload p;
	int rc = payload_open(&p, e->payload);
	uint32_t i = 0;

	if (rc == 0 && b && b->has_tick) {
		rc = apply_command(r, &p, &r->nobody);
		p.n--;
	}
	for (; rc == 0 && i < p.n; i++)
		rc = apply_command(r, &p, b ? &b->proposals[i]->outcome : &r->nobody);
	if (rc == 0 && b) {
		list_remove(&b->node);
		list_push(&r->applied, &b->node);
	}
	return rc;
}

/* Those that are in it no more are kept. */
static int note_removed(struct tables *t, struct bytes members)
{
	struct bytes before = {0};

	if (table_get(t, TABLE_META, bytes_str(MEMBERS_KEY), &before) && before.len > 8)
		before = bytes_of(before.data + 8, before.len - 8);
	return t->error ? t->error : removed_note(t, before, members);
}

static int apply_members(struct replica *r, const struct driver_entry *e)
{
	struct buf value = {0};
	int rc = note_removed(r->tables, e->payload);

	if (rc != 0)
		return rc;
	buf_put_be64(&value, e->index);
	buf_put_bytes(&value, e->payload);
	if (value.error == 0)
		table_put(
			r->tables, TABLE_META, bytes_str(MEMBERS_KEY), buf_bytes(&value));
	members_applied(r, e->payload);
	if (e->ticket)
		changing_committed(r);
	buf_fini(&value);
	return value.error ? value.error : r->tables->error;
}

static int apply_entry(void *arg, const struct driver_entry *e)
{
	struct replica *r = arg;

	switch (e->type) {
	case ENTRY_COMMANDS:
		return apply_commands(r, e);
	case ENTRY_MEMBERS:
		return apply_members(r, e);
	case ENTRY_BARRIER:
		return 0;
	}
	return SVCD_ECORRUPT;
}

static void read_state(struct replica *r, struct tables *t)
{
	r->rev = catalog_rev(t);
	r->time_ms = catalog_time_ms(t);
	r->next_due_ms = catalog_next_due_ms(t);
	r->applied_at_ms = replica_now_ms(r);
}

static int apply_commit(void *arg, uint64_t index, uint64_t term)
{
	struct replica *r = arg;
	struct err e = {0};
	uint64_t digest;
	int rc = catalog_end(r->catalog);

	if (rc == 0)
		rc = changes_finish(r->changes);
	if (rc != 0)
		return rc;
	read_state(r, r->tables);
	digest = store_digest(r->tables);
	rc = store_write_commit(r->files.store, index, term, &e);
	r->tables = NULL;
	if (rc != 0) {
		log_warn("state_not_written", L_STR("text", e.text), L_ERR(rc));
		return rc;
	}
	r->applied_index = index;
	beating_note_point(r, index, digest);
	checkpointing_after_commit(r);
	/* In this order: who reads a revision from the status finds its publication
	 * posted, and whoever was answered finds both. */
	publish_changes(r, index);
	status_update(r);
	propose_answer(r);
	reading_applied(r);
	return 0;
}

/* The batches stay in flight: the driver tries again with the same entries. */
static void apply_abort(void *arg)
{
	struct replica *r = arg;

	list_init(&r->applied);
	if (r->tables)
		store_write_abort(r->files.store);
	r->tables = NULL;
}

static void apply_lost(void *arg, void *ticket, int code)
{
	struct replica *r = arg;

	if (ticket == &r->change_ticket)
		changing_lost(r);
	else
		propose_lost(r, ticket, code);
}

/* The state is another one. */
static int load_state(struct replica *r, uint64_t index)
{
	struct tables *t = store_read_begin(r->reader);

	if (!t)
		return SVCD_ENOMEM;
	read_state(r, t);
	beating_note_point(r, index, store_digest(t));
	store_read_end(r->reader);
	r->applied_index = index;
	return 0;
}

static int apply_install(void *arg, const struct driver_snapshot *s)
{
	struct replica *r = arg;
	struct err e = {0};
	int rc = store_swap(r->files.store, &e);

	if (rc == 0)
		rc = load_state(r, s->index);
	if (rc != 0) {
		log_error("state_not_replaced", L_STR("text", e.text), L_ERR(rc));
		return rc;
	}
	log_info("state_replaced", L_U64("index", s->index), L_U64("rev", r->rev));
	members_applied(r, s->members);
	publish_reset(r, s->index);
	status_update(r);
	propose_answer(r);
	reading_applied(r);
	return 0;
}

static void apply_read(void *arg, void *ticket, int code, uint64_t index)
{
	reading_done(arg, ticket, code, index);
}

static void apply_changed(void *arg)
{
	struct replica *r = arg;

	if (!r->driver)
		return; /* still in driver_start */
	r->roster_stale = true;
	timing_changed(r);
	publish_role(r);
	status_update(r);
	network_leader(r);
	handover_check(r);
}

const struct driver_machine replica_machine = {
	.begin = apply_begin,
	.entry = apply_entry,
	.commit = apply_commit,
	.abort = apply_abort,
	.lost = apply_lost,
	.changed = apply_changed,
	.install = apply_install,
	.read = apply_read,
};

void apply_load(struct replica *r)
{
	r->next_due_ms = UINT64_MAX;
	if (load_state(r, r->files.applied) != 0)
		r->applied_index = r->files.applied;
	members_applied(r, buf_bytes(&r->files.members));
}
