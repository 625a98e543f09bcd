/*
 * Messages of the engine, in and out.
 */
#include "replica/driver_internal.h"

#include <stdlib.h>
#include <string.h>

#include "replica/cures.h"

/* ---- out --------------------------------------------------------------- */

/* The engine says which entries a message has, and we take them from the log, synced or
 * not. */
static bool fill_entries(
	struct driver *d, struct raft_append_entries *ae, struct buf *bodies)
{
	struct raft_entry *entries = calloc(ae->n_entries, sizeof(*entries));
	size_t at = 0;

	ae->entries = entries;
	for (unsigned i = 0; entries && i < ae->n_entries; i++) {
		struct journal_entry e;

		if (journal_read(d->o.journal, ae->prev_log_index + 1 + i, &d->scratch,
			    &e) != 0)
			return false;
		entries[i].term = e.term;
		entries[i].type = (unsigned short)e.type;
		entries[i].buf.len = e.payload.len;
		buf_put_bytes(bodies, e.payload);
	}
	if (!entries || bodies->error)
		return false;
	for (unsigned i = 0; i < ae->n_entries; i++) {
		entries[i].buf.base = bodies->data + at;
		at += entries[i].buf.len;
	}
	return true;
}

static void send_entries(struct driver *d, struct raft_message *m)
{
	struct buf bodies = {0};

	if (m->append_entries.n_entries == 0 ||
		fill_entries(d, &m->append_entries, &bodies))
		d->o.transport->send(d->o.arg, m);
	if (m->append_entries.n_entries)
		free(m->append_entries.entries);
	buf_fini(&bodies);
}

void driver_post(
	struct driver *d, const struct raft_event *ev, const struct raft_update *up)
{
	if (!d->o.transport || !(up->flags & (RAFT_UPDATE_MESSAGES)))
		return;
	for (unsigned i = 0; i < up->messages.n; i++) {
		struct raft_message m = up->messages.batch[i];

		if (m.server_id == d->o.node)
			continue; /* the answer to our own request for a vote (S1) */
		cure_x2_old_request(d, ev, &m);
		cure_e1_tell_term(d, &m);
		if (m.type == RAFT_APPEND_ENTRIES)
			send_entries(d, &m);
		else
			d->o.transport->send(d->o.arg, &m);
	}
}

/* ---- in ---------------------------------------------------------------- */

static int receive_plain(struct driver *d, struct raft_message *m)
{
	struct raft_event ev = {.type = RAFT_RECEIVE, .receive.message = m};

	return driver_event(d, &ev);
}

static int receive_vote(struct driver *d, struct raft_message *m)
{
	struct raft_configuration saved;
	struct raft_server self;
	bool swapped;
	int rc;

	cure_e2_old_leader(d, &m->request_vote);
	swapped = cure_e2_must_vote(d, &self, &saved);
	rc = receive_plain(d, m);
	if (swapped)
		d->core.configuration = saved;
	return rc;
}

static int receive_vote_result(struct driver *d, struct raft_message *m)
{
	return cure_x4_vote_result(d) ? receive_plain(d, m) : 0;
}

static int receive_result(struct driver *d, struct raft_message *m)
{
	return cure_x3_fresh_result(d, m) ? receive_plain(d, m) : 0;
}

/* S1: a sole voter has nobody to be told by. */
static int receive_timeout_now(struct driver *d, struct raft_message *m)
{
	return driver_sole_voter(d) ? 0 : receive_plain(d, m);
}

/* A part of a message, as one of its own. The engine counts references to the token; the
 * payloads stay ours. */
static int receive_part(
	struct driver *d, struct raft_message *m, unsigned first, unsigned n)
{
	struct raft_message part = *m;
	struct raft_append_entries *ae = &part.append_entries;
	void *token;

	if (first > 0) {
		ae->prev_log_index += first;
		ae->prev_log_term = ae->entries[first - 1].term;
	}
	ae->entries += first;
	ae->n_entries = n;
	if (n == 0)
		return receive_plain(d, &part);
	token = raft_malloc(sizeof(uint64_t));
	if (!token)
		return SVCD_ENOMEM;
	for (unsigned i = 0; i < n; i++)
		ae->entries[i].batch = token;
	return receive_plain(d, &part);
}

static int receive_entries_in_parts(struct driver *d, struct raft_message *m)
{
	struct raft_append_entries *ae = &m->append_entries;
	unsigned first = 0;
	int rc = 0;

	for (unsigned i = 1; rc == 0 && i < ae->n_entries; i++) {
		if (ae->entries[i].type != RAFT_CHANGE)
			continue;
		rc = receive_part(d, m, first, i - first);
		first = i;
		if (rc == 0)
			rc = cure_u1_settle_change(d);
	}
	return rc == 0 ? receive_part(d, m, first, ae->n_entries - first) : rc;
}

static int receive_entries(struct driver *d, struct raft_message *m)
{
	struct raft_append_entries *ae = &m->append_entries;
	uint64_t bytes = 0;
	int rc = 0;

	if (ae->term >= raft_current_term(&d->core))
		d->heard_ms = d->now_ms;
	if (!cure_x1_trim(d, ae))
		return 0;
	for (unsigned i = 0; i < ae->n_entries; i++)
		bytes += ae->entries[i].buf.len;
	if (journal_room(d->o.journal, ae->n_entries, bytes) != 0)
		return 0; /* no answer: the leader tries again */
	if (ae->n_entries && ae->entries[0].type == RAFT_CHANGE &&
		ae->prev_log_index + 1 > d->core.configuration_uncommitted_index)
		rc = cure_u1_settle_change(d);
	return rc == 0 ? receive_entries_in_parts(d, m) : rc;
}

/* Snapshots come by a channel of their own; the engine sees one only when all of it is
 * here. */
static int receive_snapshot(struct driver *d, struct raft_message *m)
{
	if (m->install_snapshot.term >= raft_current_term(&d->core))
		d->heard_ms = d->now_ms;
	return 0;
}

static int (*const receivers[])(struct driver *d, struct raft_message *m) = {
	[RAFT_APPEND_ENTRIES] = receive_entries,
	[RAFT_APPEND_ENTRIES_RESULT] = receive_result,
	[RAFT_REQUEST_VOTE] = receive_vote,
	[RAFT_REQUEST_VOTE_RESULT] = receive_vote_result,
	[RAFT_INSTALL_SNAPSHOT] = receive_snapshot,
	[RAFT_TIMEOUT_NOW] = receive_timeout_now,
};

int driver_receive(struct driver *d, uint64_t now_ms, struct raft_message *m)
{
	if (now_ms > d->now_ms)
		d->now_ms = now_ms;
	if (m->type < RAFT_APPEND_ENTRIES || m->type > RAFT_TIMEOUT_NOW)
		return SVCD_EPROTOCOL;
	return receivers[m->type](d, m);
}
