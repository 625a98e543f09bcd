/*
 * Messages of the engine, in and out.
 */
#include "replica/driver_internal.h"

#include <stdlib.h>
#include <string.h>

#include "replica/cures.h"

#define MESSAGE_BYTES \
	((size_t)1 << 20) /* of entries in a message, or one that is larger */

/* ---- out --------------------------------------------------------------- */

/* Consecutive entries of one message, as they lie in the log, synced or not. */
struct filling {
	struct raft_entry *entries;
	struct buf bodies;
	unsigned n;
};

static int fill_entry(struct driver *d, struct filling *f, uint64_t index)
{
	struct raft_entry *out = &f->entries[f->n];
	struct journal_entry e;
	int rc = journal_read(d->o.journal, index, &d->scratch, &e);

	if (rc != 0)
		return rc;
	*out = (struct raft_entry){
		.term = e.term, .type = (unsigned short)e.type, .buf.len = e.payload.len};
	buf_put_bytes(&f->bodies, e.payload);
	f->n++;
	return f->bodies.error;
}

/* Pointers when the buffer does not move any more. */
static void place_bodies(struct filling *f)
{
	size_t at = 0;

	for (unsigned i = 0; i < f->n; i++) {
		f->entries[i].buf.base = f->bodies.data + at;
		at += f->entries[i].buf.len;
	}
}

/* Sends the first of the entries that the engine speaks of; how many, 0 when they cannot
 * be read (then nothing was sent, and the next heartbeat finds out). */
static unsigned send_part(struct driver *d, const struct raft_message *m, unsigned first)
{
	struct raft_message part = *m;
	struct raft_append_entries *ae = &part.append_entries;
	struct filling f = {.entries = calloc(ae->n_entries, sizeof(*f.entries))};
	int rc = f.entries ? 0 : SVCD_ENOMEM;

	ae->prev_log_index += first;
	if (first)
		ae->prev_log_term = journal_term(d->o.journal, ae->prev_log_index);
	while (rc == 0 && first + f.n < m->append_entries.n_entries &&
		f.bodies.len < MESSAGE_BYTES)
		rc = fill_entry(d, &f, ae->prev_log_index + 1 + f.n);
	if (rc == 0) {
		place_bodies(&f);
		ae->entries = f.entries;
		ae->n_entries = f.n;
		driver_note_sent(d, &part);
		d->o.transport->send(d->o.arg, &part);
	}
	free(f.entries);
	buf_fini(&f.bodies);
	return rc == 0 ? f.n : 0;
}

/* The engine counts entries, not bytes: a large message becomes several, one behind the
 * other, which is the same to it. */
static void send_entries(struct driver *d, struct raft_message *m)
{
	unsigned n = m->append_entries.n_entries, sent = 0, more;

	if (n == 0) {
		driver_note_sent(d, m);
		d->o.transport->send(d->o.arg, m);
	}
	while (sent < n && (more = send_part(d, m, sent)) > 0)
		sent += more;
}

/* No message for the engine over there, as long as nothing is there yet. */
static void send_snapshot(struct driver *d, const struct raft_message *m)
{
	struct peer *p = driver_peer(d, m->server_id);

	if (p)
		p->snapshot = m->install_snapshot.last_index;
	d->o.transport->send_snapshot(d->o.arg, m->server_id, m->install_snapshot.term);
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
		else if (m.type == RAFT_INSTALL_SNAPSHOT)
			send_snapshot(d, &m);
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

/* It may make us the leader, and a leader begins with an entry. */
static int receive_vote_result(struct driver *d, struct raft_message *m)
{
	if (!cure_x4_vote_result(d) || journal_room(d->o.journal, 1, 0) != 0)
		return 0;
	return receive_plain(d, m);
}

static int receive_fresh_result(struct driver *d, struct raft_message *m)
{
	struct raft_message again = *m;
	int rc = cure_x3_fresh_result(d, m) ? receive_plain(d, m) : 0;

	if (rc == 0 && cure_p1_newer_snapshot(d, &again) &&
		cure_x3_fresh_result(d, &again))
		rc = receive_plain(d, &again);
	return rc;
}

static int receive_result(struct driver *d, struct raft_message *m)
{
	struct peer *p = driver_leads(d) ? driver_peer(d, m->server_id) : NULL;

	if (p && m->append_entries_result.term == raft_current_term(&d->core))
		p->heard_ms = d->now_ms;
	return receive_fresh_result(d, m);
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

static bool sound(const struct raft_append_entries *ae)
{
	if ((ae->prev_log_index == 0) != (ae->prev_log_term == 0))
		return false;
	for (unsigned i = 0; i < ae->n_entries; i++) {
		const struct raft_entry *e = &ae->entries[i];

		if (e->term == 0 || e->type < RAFT_COMMAND || e->type > RAFT_CHANGE)
			return false;
		if (e->type == RAFT_CHANGE &&
			!driver_members_valid(bytes_of(e->buf.base, e->buf.len)))
			return false;
	}
	return true;
}

/* As many as the disk has room for; without any it is a heartbeat: we follow, and the
 * leader tries again. */
static void keep_what_fits(struct driver *d, struct raft_append_entries *ae)
{
	for (; ae->n_entries; ae->n_entries /= 2) {
		uint64_t bytes = 0;

		for (unsigned i = 0; i < ae->n_entries; i++)
			bytes += ae->entries[i].buf.len;
		if (journal_room(d->o.journal, ae->n_entries, bytes) == 0)
			return;
	}
}

static int receive_entries(struct driver *d, struct raft_message *m)
{
	struct raft_append_entries *ae = &m->append_entries;
	int rc = 0;

	if (!sound(ae))
		return SVCD_EPROTOCOL;
	driver_note_contact(d, ae->term);
	if (ae->term >= raft_current_term(&d->core))
		driver_note_commit(d, ae->leader_commit);
	if (!cure_x1_trim(d, ae))
		return 0;
	keep_what_fits(d, ae);
	if (ae->n_entries && ae->entries[0].type == RAFT_CHANGE &&
		ae->prev_log_index + 1 > d->core.configuration_uncommitted_index)
		rc = cure_u1_settle_change(d);
	return rc == 0 ? receive_entries_in_parts(d, m) : rc;
}

/* Snapshots come by a channel of their own; the engine sees one only when all of it is
 * here (driver_install). */
static int receive_snapshot(struct driver *d, struct raft_message *m)
{
	driver_note_contact(d, m->install_snapshot.term);
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
	driver_set_now(d, now_ms);
	if (m->type < RAFT_APPEND_ENTRIES || m->type > RAFT_TIMEOUT_NOW)
		return SVCD_EPROTOCOL;
	return receivers[m->type](d, m);
}
