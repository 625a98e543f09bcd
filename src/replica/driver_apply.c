/*
 * From the committed log to the state machine, and the tickets of those who wait.
 */
#include "replica/driver_internal.h"

#include <raft.h>
#include <string.h>

#define BATCH_BYTES \
	((size_t)4 << 20) /* of entries in one transaction, when catching up */

static struct ticket *ticket_of(struct driver *d, uint64_t index, uint64_t term)
{
	for (size_t i = 0; i < d->n_tickets; i++)
		if (d->tickets[i].index == index && d->tickets[i].term == term)
			return &d->tickets[i];
	return NULL;
}

/* Tickets up to index are done with; one whose place another term's entry took was surely
 * not applied. */
static void settle_tickets(struct driver *d, uint64_t index)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n_tickets; i++) {
		struct ticket t = d->tickets[i];

		if (t.index > index)
			d->tickets[kept++] = t;
		else if (t.user && journal_term(d->o.journal, t.index) != t.term)
			d->o.machine->lost(d->o.arg, t.user, SVCD_ENOLEADER);
	}
	d->n_tickets = kept;
}

void driver_lose_tickets(struct driver *d)
{
	size_t n = d->n_tickets;

	d->n_tickets = 0;
	for (size_t i = 0; i < n; i++)
		d->o.machine->lost(d->o.arg, d->tickets[i].user, SVCD_EUNKNOWN);
}

void driver_forget_ticket(struct driver *d, const void *user)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n_tickets; i++)
		if (d->tickets[i].user != user)
			d->tickets[kept++] = d->tickets[i];
	d->n_tickets = kept;
}

/* A leader's commit may be ahead of its own disk: what is applied must be in the log
 * after a crash. */
static uint64_t applicable(const struct driver *d)
{
	uint64_t commit = raft_commit_index(&d->core),
		 durable = journal_durable(d->o.journal);

	return commit < durable ? commit : durable;
}

static int keep_members(struct driver *d, const struct journal_entry *e)
{
	buf_clear(&d->members);
	buf_put_bytes(&d->members, e->payload);
	d->members_index = e->index;
	return d->members.error;
}

static int apply_entry(struct driver *d, uint64_t index, size_t *bytes)
{
	struct driver_entry out;
	struct journal_entry e;
	struct ticket *t;
	int rc = journal_read(d->o.journal, index, &d->scratch, &e);

	if (rc != 0)
		return rc;
	t = ticket_of(d, index, e.term);
	out = (struct driver_entry){
		.index = index,
		.term = e.term,
		.type = (enum entry_type)e.type,
		.payload = e.payload,
		.ticket = t ? t->user : NULL,
	};
	*bytes += e.payload.len;
	return d->o.machine->entry(d->o.arg, &out);
}

static uint64_t next_point(uint64_t index)
{
	return (index / DRIVER_POINT + 1) * DRIVER_POINT;
}

/* One transaction with the entries behind applied, up to limit or until it is large. */
static int apply_batch(struct driver *d, uint64_t limit)
{
	const struct driver_machine *m = d->o.machine;
	uint64_t index = d->applied, point = next_point(index);
	size_t bytes = 0;
	int rc = m->begin(d->o.arg);

	if (limit > point)
		limit = point;
	while (rc == 0 && index < limit && bytes < BATCH_BYTES)
		rc = apply_entry(d, ++index, &bytes);
	if (rc == 0)
		rc = m->commit(d->o.arg, index, journal_term(d->o.journal, index));
	if (rc != 0) {
		m->abort(d->o.arg);
		return rc;
	}
	d->applied = index;
	settle_tickets(d, index);
	return 0;
}

/* Changes of the members are told to the engine in the order of the log; also those that
 * the state had already. */
static int settle_members(struct driver *d, uint64_t index)
{
	struct raft_event ev = {.type = RAFT_CONFIGURATION};
	struct journal_entry e;
	int rc = journal_read(d->o.journal, index, &d->scratch, &e);

	if (rc == 0)
		rc = keep_members(d, &e);
	if (rc == 0)
		rc = driver_parse_members(buf_bytes(&d->members), &ev.configuration.conf);
	ev.configuration.index = index;
	return rc == 0 ? driver_feed(d, &ev) : rc;
}

static int settle(struct driver *d)
{
	int rc = 0;

	while (rc == 0 && d->settled < d->applied && d->settled < applicable(d)) {
		d->settled++;
		if (journal_type(d->o.journal, d->settled) == RAFT_CHANGE)
			rc = settle_members(d, d->settled);
	}
	return rc;
}

/* No space is no failure: the entries are committed and stay in the log until there is
 * room for them. */
static int apply_all(struct driver *d)
{
	int rc = settle(d);

	while (rc == 0 && d->applied < applicable(d)) {
		rc = apply_batch(d, applicable(d));
		if (rc == SVCD_ENOSPACE) {
			d->retry_ms = d->now_ms + RETRY_MS;
			return 0;
		}
		if (rc == 0)
			rc = settle(d);
	}
	return rc;
}

int driver_apply(struct driver *d)
{
	if (d->retry_ms > d->now_ms)
		return 0;
	d->retry_ms = 0;
	return apply_all(d);
}
