/*
 * From the log on disk to a running engine.
 */
#include <stdlib.h>

#include "replica/cures.h"
#include "replica/driver_internal.h"

#define INSTALL_TIMEOUT_MS 30000

/* ---- bootstrap --------------------------------------------------------- */

/* The vote file last: term 1 without an entry would be a member that waits to be invited.
 */
int driver_bootstrap(struct journal *j, struct ballot *b, uint64_t node)
{
	struct journal_entry e = {.index = 1, .term = 1, .type = RAFT_CHANGE};
	struct buf members = {0};
	int rc = driver_encode_sole(node, &members);

	e.payload = buf_bytes(&members);
	if (rc == 0)
		rc = journal_append(j, &e, 1);
	buf_fini(&members);
	if (rc != 0)
		return rc;
	journal_sync(j);
	ballot_write(b, 1, 0);
	return 0;
}

/* ---- start ------------------------------------------------------------- */

/* What RAFT_START gets. The engine wants the payload of changes of the members only. */
struct loading {
	struct raft_entry *entries;
	unsigned n;
	struct buf members; /* payloads of the changes, one behind the other */
	uint64_t *token;
	struct raft_snapshot_metadata snapshot;
};

/* Offsets first, pointers when the buffer does not move any more. */
static int load_entry(struct driver *d, struct loading *l, uint64_t index)
{
	struct journal *j = d->o.journal;
	struct raft_entry *e = &l->entries[l->n++];
	struct journal_entry change;
	int rc;

	*e = (struct raft_entry){.term = journal_term(j, index),
		.type = (unsigned short)journal_type(j, index),
		.batch = l->token};
	if (e->type != RAFT_CHANGE)
		return 0;
	rc = journal_read(j, index, &d->scratch, &change);
	if (rc != 0)
		return rc;
	e->buf.base = (void *)(uintptr_t)l->members.len;
	e->buf.len = change.payload.len;
	if (!driver_members_valid(change.payload))
		return SVCD_ECORRUPT;
	buf_put_bytes(&l->members, change.payload);
	return l->members.error;
}

static void place_members(struct loading *l)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->entries[i].type == RAFT_CHANGE)
			l->entries[i].buf.base = l->members.data +
				(uintptr_t)l->entries[i].buf.base;
}

static int load_entries(struct driver *d, struct loading *l)
{
	uint64_t first = journal_first(d->o.journal), last = journal_last(d->o.journal);
	int rc = 0;

	if (last < first)
		return 0;
	l->entries = raft_malloc((last - first + 1) * sizeof(*l->entries));
	l->token = raft_malloc(sizeof(*l->token));
	if (!l->entries || !l->token)
		return SVCD_ENOMEM;
	for (uint64_t i = first; rc == 0 && i <= last; i++)
		rc = load_entry(d, l, i);
	place_members(l);
	return rc;
}

static int load_snapshot(struct driver *d, struct loading *l)
{
	const struct driver_snapshot *s = &d->o.snapshot;
	int rc;

	if (s->index == 0)
		return 0;
	rc = driver_parse_members(s->members, &l->snapshot.configuration);
	if (rc != 0)
		return rc;
	l->snapshot.index = s->index;
	l->snapshot.term = s->term;
	l->snapshot.configuration_index = s->members_index;
	buf_put_bytes(&d->members, s->members);
	d->members_index = s->members_index;
	d->snapshot_index = s->index;
	d->snapshot_term = s->term;
	return d->members.error;
}

/* Whether the newest members in the log, or else of the snapshot, have us as the one
 * voter. */
static bool starts_alone(const struct driver *d, const struct loading *l)
{
	struct bytes newest = buf_bytes(&d->members);
	struct driver_member members[MEMBERS_MAX];
	unsigned voters = 0;
	bool us = false;
	ssize_t n;

	for (unsigned i = 0; i < l->n; i++)
		if (l->entries[i].type == RAFT_CHANGE)
			newest = bytes_of(l->entries[i].buf.base, l->entries[i].buf.len);
	n = driver_decode_members(newest, members, MEMBERS_MAX);
	for (ssize_t i = 0; i < n; i++) {
		voters += members[i].voter;
		us |= members[i].voter && members[i].node == d->o.node;
	}
	return voters == 1 && us;
}

static int engine_init(struct driver *d)
{
	char address[24];

	if (raft_init(&d->core, NULL, NULL, d->o.node,
		    driver_address(d->o.node, address)) != 0)
		return SVCD_ENOMEM;
	d->core.tracer = NULL; /* it formats every step into one static buffer */
	raft_seed(&d->core, d->o.seed);
	raft_set_election_timeout(&d->core, d->o.election_ms);
	raft_set_heartbeat_timeout(&d->core, 1); /* T1: our ticks are the grid */
	raft_set_install_snapshot_timeout(&d->core, INSTALL_TIMEOUT_MS);
	raft_set_pre_vote(&d->core, true);
	return 0;
}

/* On failure the engine has freed entries and batches. */
static int engine_start(struct driver *d, struct loading *l)
{
	struct raft_event ev = {.type = RAFT_START};
	int rc;

	if (starts_alone(d, l))
		cure_s1_new_term(d->o.ballot, d->o.node);
	ev.start.term = d->o.ballot->term;
	ev.start.voted_for = d->o.ballot->vote;
	ev.start.metadata = l->snapshot.index ? &l->snapshot : NULL;
	ev.start.start_index = journal_first(d->o.journal);
	ev.start.entries = l->entries;
	ev.start.n_entries = l->n;
	rc = driver_event(d, &ev);
	if (rc == 0) {
		raft_free(l->entries);
		raft_free(l->token);
	}
	l->entries = NULL;
	l->token = NULL;
	return rc;
}

static int start_steps(struct driver *d, struct loading *l, struct err *e)
{
	int rc = engine_init(d);

	if (rc == 0)
		rc = load_snapshot(d, l);
	if (rc == 0)
		rc = load_entries(d, l);
	if (rc != 0) {
		raft_free(l->entries);
		raft_free(l->token);
		return err_set(e, rc, "the log cannot be read: %s", err_text(rc));
	}
	rc = engine_start(d, l);
	return rc == 0 ? 0
		       : err_set(e, rc, "consensus cannot be started: %s", err_text(rc));
}

int driver_start(const struct driver_options *o, uint64_t now_ms, struct driver **out,
	struct err *e)
{
	struct driver *d = calloc(1, sizeof(*d));
	struct loading l = {0};
	int rc;

	if (!d)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	d->o = *o;
	rng_seed(&d->rng, o->seed);
	d->now_ms = d->last_tick_ms = d->heard_ms = now_ms;
	d->applied = o->snapshot.index;
	/* a change of the members before the snapshot may be in the log */
	d->settled = journal_first(o->journal) - 1;
	rc = start_steps(d, &l, e);
	buf_fini(&l.members);
	if (rc != 0) {
		driver_free(d);
		return rc;
	}
	*out = d;
	return 0;
}

void driver_free(struct driver *d)
{
	if (!d)
		return;
	driver_lose_tickets(d);
	driver_read_lose(d);
	if (d->core.id)
		raft_close(&d->core, NULL);
	buf_fini(&d->members);
	buf_fini(&d->scratch);
	free(d);
}
