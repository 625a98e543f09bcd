/*
 * Snapshots: one of ours was taken, one of the leader's has arrived.
 *
 * The engine hears of an arriving one when all of it is staged: from then on it has
 * forgotten its log and cannot go back, so log and state are exchanged in the same step.
 */
#include "replica/driver_internal.h"

#include <assert.h>

int driver_checkpointed(struct driver *d, uint64_t now_ms, uint64_t index, uint64_t keep)
{
	struct raft_event ev = {.type = RAFT_SNAPSHOT};
	struct raft_snapshot_metadata *m = &ev.snapshot.metadata;
	int rc;

	assert(keep <= index && index <= d->applied);
	driver_set_now(d, now_ms);
	if (index <= d->snapshot_index || d->members_index > index)
		return 0;
	m->index = index;
	m->term = journal_term(d->o.journal, index);
	m->configuration_index = d->members_index;
	rc = driver_parse_members(buf_bytes(&d->members), &m->configuration);
	if (rc != 0)
		return rc;
	/* who continues from a checkpoint at keep needs the term of that entry, too */
	keep -= keep > 0;
	ev.snapshot.trailing = (unsigned)(index - keep);
	d->snapshot_index = index;
	d->snapshot_term = m->term;
	rc = driver_event(d, &ev);
	if (rc == 0)
		journal_drop(d->o.journal, keep);
	return rc;
}

/* ---- installing -------------------------------------------------------- */

static int keep_staged(struct driver *d)
{
	const struct driver_snapshot *s = d->staged;

	buf_clear(&d->members);
	buf_put_bytes(&d->members, s->members);
	d->members_index = s->members_index;
	d->snapshot_index = d->applied = d->settled = s->index;
	d->snapshot_term = s->term;
	d->retry_ms = 0;
	d->installed = true;
	return d->members.error;
}

/* The engine has given up its log for the staged snapshot. First the log on disk: a state
 * may not be ahead of it. */
int driver_swap(struct driver *d, struct raft_snapshot_metadata *m)
{
	struct raft_event ev = {.type = RAFT_PERSISTED_SNAPSHOT,
		.persisted_snapshot = {.metadata = *m, .last = true}};
	int rc;

	assert(d->staged && d->staged->index == m->index);
	rc = journal_reset(d->o.journal, m->index, m->term);
	if (rc == 0)
		rc = d->o.machine->install(d->o.arg, d->staged);
	if (rc == 0)
		rc = keep_staged(d);
	if (rc != 0) {
		raft_configuration_close(&ev.persisted_snapshot.metadata.configuration);
		return rc;
	}
	return driver_feed(d, &ev); /* the configuration is the engine's from here on */
}

/*
 * In whose name the snapshot comes. A stream takes long, and its sender may not lead any
 * more; but what it sent is committed, so it is as good from the leader that we follow
 * now, and that one wants to know that we have it. False: nobody can be answered.
 */
static bool accepts(const struct driver *d, uint64_t *from, uint64_t *term)
{
	uint64_t ours = raft_current_term(&d->core);

	if (*term > ours)
		return true;
	if (driver_leads(d))
		return false;
	if (*term == ours)
		return true;
	if (d->core.state != RAFT_FOLLOWER || d->leader_term != ours)
		return false;
	*from = d->core.follower_state.current_leader.id;
	*term = ours;
	return *from != 0;
}

static bool sound(const struct driver_snapshot *s)
{
	return s->index != 0 && s->term != 0 && s->members_index != 0 &&
		s->members_index <= s->index && driver_members_valid(s->members);
}

/* Also when we have all that it holds: the answer lets the leader go on. */
static int feed_snapshot(struct driver *d, uint64_t from, uint64_t term)
{
	const struct driver_snapshot *s = d->staged;
	char address[24];
	struct raft_message m = {
		.type = RAFT_INSTALL_SNAPSHOT,
		.server_id = from,
		.server_address = driver_address(from, address),
		.install_snapshot = {.term = term,
			.last_index = s->index,
			.last_term = s->term,
			.conf_index = s->members_index},
	};
	struct raft_event ev = {.type = RAFT_RECEIVE, .receive.message = &m};
	int rc = driver_parse_members(s->members, &m.install_snapshot.conf);

	return rc == 0 ? driver_event(d, &ev) : rc;
}

int driver_install(struct driver *d, uint64_t now_ms, uint64_t from, uint64_t term,
	const struct driver_snapshot *s, bool *taken)
{
	int rc;

	*taken = false;
	driver_set_now(d, now_ms);
	if (!d->o.machine->install || !sound(s))
		return SVCD_EINVAL;
	if (!accepts(d, &from, &term))
		return 0;
	rc = journal_reset_room(d->o.journal);
	if (rc != 0)
		return rc;
	driver_note_contact(d, term);
	d->staged = s;
	d->installed = false;
	rc = feed_snapshot(d, from, term);
	d->staged = NULL;
	*taken = d->installed;
	return rc;
}
