#include "replica/driver_internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "replica/cures.h"

bool driver_sole_voter(const struct driver *d)
{
	const struct raft_configuration *c = &d->core.configuration;
	unsigned voters = 0;
	bool us = false;

	for (unsigned i = 0; i < c->n; i++) {
		if (c->servers[i].role != RAFT_VOTER)
			continue;
		voters++;
		us |= c->servers[i].id == d->o.node;
	}
	return voters == 1 && us;
}

static int engine_error(int rv)
{
	switch (rv) {
	case RAFT_NOMEM:
		return SVCD_ENOMEM;
	case RAFT_NOTLEADER:
		return SVCD_ENOLEADER;
	case RAFT_NOSPACE:
		return SVCD_ENOSPACE;
	case RAFT_CANTCHANGE:
		return SVCD_EBUSY;
	case RAFT_BADID:
	case RAFT_NOTFOUND:
		return SVCD_ENOTFOUND;
	default:
		return SVCD_ECORRUPT; /* RAFT_SHUTDOWN: what was committed conflicts with
					 what came */
	}
}

/* ---- the parts of one step --------------------------------------------- */

/* The flags of the update are not asked: a term can rise although the step fails. */
static void keep_ballot(struct driver *d)
{
	uint64_t term = raft_current_term(&d->core), vote = raft_voted_for(&d->core);

	if (term != d->o.ballot->term || vote != d->o.ballot->vote)
		ballot_write(d->o.ballot, term, vote);
}

static void note_state(struct driver *d, const struct raft_update *up)
{
	if (!(up->flags & (RAFT_UPDATE_STATE)))
		return;
	d->term_first = 0;
	d->first_retry_ms = 0;
	driver_forget_peers(d);
	if (raft_state(&d->core) != RAFT_LEADER)
		driver_lose_tickets(d);
	else if (up->flags & (RAFT_UPDATE_ENTRIES))
		d->term_first = up->entries.index;
}

/* How long it takes is for people to look at: nothing is decided by it. */
static void sync_log(struct driver *d)
{
	uint64_t began = clock_now_us(), took;

	if (journal_durable(d->o.journal) == journal_last(d->o.journal))
		return;
	journal_sync(d->o.journal);
	took = clock_now_us() - began + 1; /* 0 would say that none was measured */
	d->sync_us = d->sync_us ? (7 * d->sync_us + took) / 8 : took;
}

static int append(struct driver *d, const struct raft_update *up)
{
	struct journal_entry *entries = calloc(up->entries.n, sizeof(*entries));
	int rc;

	if (!entries)
		return SVCD_ENOMEM;
	for (unsigned i = 0; i < up->entries.n; i++) {
		const struct raft_entry *e = &up->entries.batch[i];

		entries[i] = (struct journal_entry){
			.index = up->entries.index + i,
			.term = e->term,
			.type = (uint8_t)e->type,
			.payload = bytes_of(
				e->buf.base, e->type == RAFT_BARRIER ? 0 : e->buf.len),
		};
	}
	rc = journal_append(d->o.journal, entries, up->entries.n);
	free(entries);
	return rc;
}

/* Truncation comes only together with new entries. Not synced here, except where a
 * message may not leave before: a sole voter's (S1). */
static int store_entries(struct driver *d, const struct raft_update *up)
{
	void *token;
	int rc;

	if (!(up->flags & (RAFT_UPDATE_ENTRIES)))
		return 0;
	token = up->entries.batch[0].batch;
	if (up->entries.index <= journal_last(d->o.journal))
		journal_truncate(d->o.journal, up->entries.index);
	rc = append(d, up);
	raft_free(token);
	if (rc == 0 && (driver_sole_voter(d) || raft_state(&d->core) != RAFT_LEADER))
		sync_log(d);
	return rc;
}

static int tell_persisted(struct driver *d)
{
	struct raft_event ev = {.type = RAFT_PERSISTED_ENTRIES};

	sync_log(d);
	ev.persisted_entries.index = journal_durable(d->o.journal);
	if (ev.persisted_entries.index <= d->core.last_stored ||
		d->core.snapshot.installing)
		return 0;
	return driver_feed(d, &ev);
}

/* ---- one step: the order is the safety argument ------------------------ */

/*
 * 1 term and vote are durable before anything else happens
 * 2 entries go to the log
 * 3 messages leave: none depends on the entries of its own update being durable; what
 *   claims that comes out of step 5
 * 4 the log is synced, once for all entries
 * 5 the engine learns it, which may commit entries and make the messages that confirm
 *   them; of an installed snapshot it learns when log and state are that snapshot's
 *
 * and, in driver_event, when nothing is left to feed:
 *
 * 6 committed entries that are durable here are applied, in one transaction
 * 7 callers get their answers, changes of the members are told to the engine
 *
 * The update points into the engine and into ev: all of it is used before the next step.
 */
int driver_feed(struct driver *d, struct raft_event *ev)
{
	struct raft_update up = {0};
	bool has_entries, has_snapshot;
	int rc;

	ev->time = d->now_ms;
	ev->capacity = UINT16_MAX;
	rc = raft_step(&d->core, ev, &up);
	keep_ballot(d);
	if (rc != 0 && ev->type == RAFT_SUBMIT)
		raft_free(ev->submit.entries[0].batch); /* not taken: still ours */
	if (rc != 0)
		return engine_error(rc);
	has_entries = up.flags & (RAFT_UPDATE_ENTRIES);
	has_snapshot = up.flags & (RAFT_UPDATE_SNAPSHOT);
	note_state(d, &up);
	rc = store_entries(d, &up);
	if (rc != 0)
		return rc;
	driver_post(d, ev, &up);
	if (has_snapshot)
		return driver_swap(d, &up.snapshot.metadata);
	return has_entries ? tell_persisted(d) : 0;
}

/* ---- what an event can cause ------------------------------------------- */

bool driver_leads(const struct driver *d)
{
	return d->core.state == RAFT_LEADER;
}

/* A leader that has applied all of earlier terms: it knows the time and may propose. */
bool driver_ready(const struct driver *d)
{
	return driver_leads(d) && d->term_first != 0 && d->applied >= d->term_first &&
		!d->transfer.active;
}

static void tell_changed(struct driver *d)
{
	struct driver_status st;
	struct seen now;

	driver_status(d, &st);
	now = (struct seen){
		.state = d->core.state,
		.ready = st.ready,
		.transferring = st.transferring,
		.term = st.term,
		.leader = st.leader,
		.members = d->members_index,
		.uncommitted = d->core.configuration_uncommitted_index,
	};
	if (now.state == d->seen.state && now.ready == d->seen.ready &&
		now.transferring == d->seen.transferring && now.term == d->seen.term &&
		now.leader == d->seen.leader && now.members == d->seen.members &&
		now.uncommitted == d->seen.uncommitted)
		return;
	d->seen = now;
	if (d->o.machine->changed)
		d->o.machine->changed(d->o.arg);
}

int driver_after(struct driver *d)
{
	int rc = driver_transfer_step(d);

	driver_note_applied(d);
	if (!d->o.news_later)
		driver_tell_commit(d);
	tell_changed(d);
	driver_read_step(d);
	return rc;
}

int driver_event(struct driver *d, struct raft_event *ev)
{
	int rc = driver_feed(d, ev), after;

	if (rc == 0)
		rc = cure_m2_first_entry(d);
	if (rc == 0)
		rc = driver_apply(d);
	after = driver_after(d);
	return rc == 0 ? after : rc;
}

void driver_set_now(struct driver *d, uint64_t now_ms)
{
	if (now_ms > d->now_ms)
		d->now_ms = now_ms;
}

/* ---- proposing --------------------------------------------------------- */

bool driver_may_submit(const struct driver *d)
{
	return driver_ready(d) && d->n_tickets < IN_FLIGHT_MAX;
}

int driver_propose(
	struct driver *d, enum raft_entry_type type, struct bytes payload, void *user)
{
	struct raft_event ev = {.type = RAFT_SUBMIT};
	struct raft_entry e = {.type = type, .term = raft_current_term(&d->core)};
	int rc;

	e.buf = (struct raft_buffer){
		.base = (void *)(uintptr_t)payload.data, .len = payload.len};
	e.batch = raft_malloc(sizeof(uint64_t)); /* the engine's to count references by;
						    the payload stays ours */
	if (!e.batch)
		return SVCD_ENOMEM;
	ev.submit.entries = &e;
	ev.submit.n = 1;
	d->tickets[d->n_tickets++] = (struct ticket){
		.index = raft_last_index(&d->core) + 1,
		.term = e.term,
		.user = user,
	};
	rc = driver_event(d, &ev);
	if (rc != 0)
		driver_forget_ticket(d, user);
	return rc;
}

int driver_submit(struct driver *d, uint64_t now_ms, struct bytes payload, void *user)
{
	int rc;

	driver_set_now(d, now_ms);
	if (!driver_may_submit(d))
		return driver_leads(d) ? SVCD_EAGAIN : SVCD_ENOLEADER;
	rc = journal_room(d->o.journal, 1, payload.len);
	return rc == 0 ? driver_propose(d, RAFT_COMMAND, payload, user) : rc;
}

/* ---- time -------------------------------------------------------------- */

/* A leader without others has nothing to do by time. One with others ticks on its own
 * grid: the engine's timer can stand in the past for ever (T1), and its window of contact
 * begins anew at each tick (T2). */
static uint64_t engine_due_ms(const struct driver *d)
{
	struct raft *r = (struct raft *)(uintptr_t)&d->core;
	uint64_t soonest = d->last_tick_ms + d->o.heartbeat_ms / 8 + 1;

	if (raft_state(r) == RAFT_LEADER)
		return d->core.configuration.n == 1 ? UINT64_MAX
						    : d->last_tick_ms + d->o.heartbeat_ms;
	return raft_timeout(r) > soonest ? raft_timeout(r) : soonest;
}

static uint64_t sooner(uint64_t due, uint64_t other)
{
	return other && other < due ? other : due;
}

uint64_t driver_due_ms(const struct driver *d)
{
	uint64_t due = sooner(engine_due_ms(d), d->suspicion.due_ms);

	return sooner(sooner(due, d->retry_ms), d->first_retry_ms);
}

/* Only what waits for space or for time of ours. */
static int tick_between(struct driver *d)
{
	int rc = cure_m2_first_entry(d), after;

	if (rc == 0)
		rc = driver_apply(d);
	after = driver_after(d);
	return rc == 0 ? after : rc;
}

int driver_tick(struct driver *d, uint64_t now_ms)
{
	struct raft_event ev = {.type = RAFT_TIMEOUT};
	int rc;

	driver_set_now(d, now_ms);
	driver_suspicion_tick(d);
	if (d->now_ms < engine_due_ms(d))
		return tick_between(d);
	rc = cure_s1_vote_first(d);
	if (rc != 0)
		return rc;
	cure_e3_calm_candidate(d);
	d->last_tick_ms = d->now_ms;
	return driver_event(d, &ev);
}
