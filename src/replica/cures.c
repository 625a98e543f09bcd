#include "replica/cures.h"

/*
 * S1: a sole voter becomes leader without a vote and within the same term, on start, on
 * timeout and on TimeoutNow: the same (index, term) could then be given to two different
 * entries. So it votes for itself in a new term, durably, before: at the start …
 */
void cure_s1_new_term(struct ballot *b, uint64_t node)
{
	ballot_write(b, b->term + 1, node);
}

/* … and before a timeout, by a request for a vote from ourselves, whose answer nobody
 * gets. The timer must not begin anew by that. */
int cure_s1_vote_first(struct driver *d)
{
	struct raft *r = &d->core;
	struct raft_message m = {
		.type = RAFT_REQUEST_VOTE,
		.server_id = d->o.node,
		.server_address = r->address,
		.request_vote = {.version = 2,
			.term = raft_current_term(r) + 1,
			.candidate_id = d->o.node,
			.last_log_index = raft_last_index(r),
			.last_log_term = raft_current_term(r),
			.disrupt_leader = true},
	};
	struct raft_event ev = {.type = RAFT_RECEIVE, .receive.message = &m};
	raft_time timer = r->election_timer_start;
	int rc;

	if (!driver_sole_voter(d) || raft_state(r) != RAFT_FOLLOWER ||
		d->now_ms < raft_timeout(r))
		return 0;
	rc = driver_feed(d, &ev);
	r->election_timer_start = timer;
	return rc;
}

/* E3: a candidate repeats its elections without a pre-vote, and after one TimeoutNow
 * disrupts leaders for ever: terms inflate, and a member that was removed throws leaders
 * out. */
void cure_e3_calm_candidate(struct driver *d)
{
	struct raft *r = &d->core;

	if (raft_state(r) != RAFT_CANDIDATE || d->now_ms < raft_timeout(r))
		return;
	r->candidate_state.disrupt_leader = false;
	r->candidate_state.in_pre_vote = r->pre_vote;
}

/* X1: a late message about entries that a snapshot covers is taken for new ones and
 * appended at the end. So what the snapshot covers is cut off. */
bool cure_x1_trim(const struct driver *d, struct raft_append_entries *ae)
{
	uint64_t covered;

	if (ae->prev_log_index >= d->snapshot_index)
		return true;
	covered = d->snapshot_index - ae->prev_log_index;
	if (ae->n_entries <= covered)
		return false;
	ae->entries += covered;
	ae->n_entries -= (unsigned)covered;
	ae->prev_log_index = d->snapshot_index;
	ae->prev_log_term = d->snapshot_term;
	return true;
}

/* X3: a late rejection makes the leader send from before what the follower has confirmed;
 * a counter then wraps, and that follower gets nothing but heartbeats. */
bool cure_x3_fresh_result(struct driver *d, const struct raft_message *m)
{
	raft_index match;

	if (raft_state(&d->core) != RAFT_LEADER || m->append_entries_result.rejected == 0)
		return true;
	if (raft_match_index(&d->core, m->server_id, &match) != 0)
		return true;
	return m->append_entries_result.rejected > match;
}

/*
 * P1: a member that is being sent a snapshot rejects heartbeats, and that is how the
 * engine finds out that it did not arrive. But they are anchored at our newest snapshot,
 * and a rejection counts only at the one that was sent: when we took another meanwhile,
 * nothing is sent any more for half a minute. True: m was turned into the same rejection
 * at the snapshot that was sent; where none is under way any more it does no harm.
 */
bool cure_p1_newer_snapshot(struct driver *d, struct raft_message *m)
{
	struct raft_append_entries_result *r = &m->append_entries_result;
	const struct peer *p = driver_leads(d) ? driver_peer(d, m->server_id) : NULL;

	if (!p || p->snapshot == 0 || r->rejected != d->snapshot_index ||
		r->rejected == p->snapshot)
		return false;
	r->rejected = p->snapshot;
	if (r->last_log_index >= r->rejected)
		r->last_log_index = r->rejected - 1;
	return true;
}

/* X4: the answer to a pre-vote is read as that of a candidate in any state: it could bump
 * a leader's term. */
bool cure_x4_vote_result(struct driver *d)
{
	return raft_state(&d->core) == RAFT_CANDIDATE;
}

/* E2, first half: a voter that has heard nothing of a leader for an election timeout
 * still refuses votes for its sake, since on members that do not vote themselves that
 * never ends. Not on a leader: it steps down by itself when it reaches nobody, and until
 * then who merely does not hear it must not throw it out. */
void cure_e2_old_leader(const struct driver *d, struct raft_request_vote *rv)
{
	if (!driver_leads(d) &&
		(d->now_ms - d->heard_ms >= d->o.election_ms || driver_leader_is_gone(d)))
		rv->disrupt_leader = true;
}

/*
 * E2, second half: a member must vote even when its own configuration does not make it a
 * voter (Ongaro's thesis, 4.1): it may be older than the cluster's, even empty. True: the
 * configuration was exchanged for one that has us alone, and the caller puts saved back
 * after the step.
 */
bool cure_e2_must_vote(
	struct driver *d, struct raft_server *self, struct raft_configuration *saved)
{
	struct raft *r = &d->core;

	if (raft_role(r) == RAFT_VOTER || raft_state(r) != RAFT_FOLLOWER)
		return false;
	*saved = r->configuration;
	*self = (struct raft_server){
		.id = d->o.node, .address = r->address, .role = RAFT_VOTER};
	r->configuration = (struct raft_configuration){.servers = self, .n = 1};
	return true;
}

/* U1: a follower that gets a second change of the members before it knows that the first
 * is committed never marks the first so. It is committed, by the rule of one change at a
 * time: say so first. (The other half of U1, that a change must be the first entry of its
 * message, is in driver_receive.) */
int cure_u1_settle_change(struct driver *d)
{
	struct raft_event ev = {.type = RAFT_CONFIGURATION};
	raft_index index = d->core.configuration_uncommitted_index;
	struct journal_entry e;
	int rc;

	if (index == 0)
		return 0;
	rc = journal_read(d->o.journal, index, &d->scratch, &e);
	if (rc == 0)
		rc = driver_parse_members(e.payload, &ev.configuration.conf);
	ev.configuration.index = index;
	return rc == 0 ? driver_feed(d, &ev) : rc;
}

/* X2: the answer to a request of an old term carries an uninitialised index as if it were
 * confirmed. */
void cure_x2_old_request(
	const struct driver *d, const struct raft_event *ev, struct raft_message *m)
{
	const struct raft_message *in = ev->type == RAFT_RECEIVE ? ev->receive.message
								 : NULL;
	uint64_t term;

	if (!in || m->type != RAFT_APPEND_ENTRIES_RESULT)
		return;
	if (in->type == RAFT_APPEND_ENTRIES)
		term = in->append_entries.term;
	else if (in->type == RAFT_INSTALL_SNAPSHOT)
		term = in->install_snapshot.term;
	else
		return;
	if (term >= raft_current_term(&d->core))
		return;
	m->append_entries_result.last_log_index = 0;
	m->append_entries_result.rejected = 0;
}

/* E1: a refused pre-vote echoes the term of the request: the member with the best log and
 * the lowest term never learns the higher one, and nobody else can win: a deadlock for
 * ever. */
void cure_e1_tell_term(const struct driver *d, struct raft_message *m)
{
	struct raft_request_vote_result *r = &m->request_vote_result;

	if (m->type == RAFT_REQUEST_VOTE_RESULT && r->pre_vote && !r->vote_granted &&
		r->term < raft_current_term(&d->core))
		r->term = raft_current_term(&d->core);
}

/* M2: a new leader may commit nothing of its own term for long, and must not change
 * members before it did (the single-server bug of 2015); reads need it too. The engine
 * appends a first entry only when it has uncommitted ones. On a full disk it waits. */
int cure_m2_first_entry(struct driver *d)
{
	struct raft_event ev = {.type = RAFT_SUBMIT};
	struct raft_entry e = {.term = raft_current_term(&d->core), .type = RAFT_BARRIER};

	if (!driver_leads(d) || d->term_first != 0 || d->first_retry_ms > d->now_ms)
		return 0;
	if (journal_room(d->o.journal, 1, 0) != 0) {
		d->first_retry_ms = d->now_ms + RETRY_MS;
		return 0;
	}
	d->first_retry_ms = 0;
	e.batch = raft_malloc(sizeof(uint64_t));
	if (!e.batch)
		return SVCD_ENOMEM;
	d->term_first = raft_last_index(&d->core) + 1;
	ev.submit.entries = &e;
	ev.submit.n = 1;
	return driver_feed(d, &ev);
}
