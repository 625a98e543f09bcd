/*
 * What a leader remembers of each other member, beside what the engine does.
 */
#include "replica/driver_internal.h"

void driver_forget_peers(struct driver *d)
{
	d->n_peers = 0;
}

static struct peer *find(struct driver *d, uint64_t node)
{
	for (size_t i = 0; i < d->n_peers; i++)
		if (d->peers[i].node == node)
			return &d->peers[i];
	return NULL;
}

/* A place for one more: a free one, or that of somebody who is no member any more. */
static struct peer *place(struct driver *d)
{
	if (d->n_peers < MEMBERS_MAX)
		return &d->peers[d->n_peers++];
	for (size_t i = 0; i < d->n_peers; i++)
		if (!driver_server(d, d->peers[i].node))
			return &d->peers[i];
	return NULL;
}

struct peer *driver_peer(struct driver *d, uint64_t node)
{
	struct peer *p = find(d, node);

	if (p || node == d->o.node || !driver_server(d, node))
		return p;
	p = place(d);
	if (p)
		*p = (struct peer){.node = node};
	return p;
}

/* Entries that a message lets its receiver know to be committed. */
void driver_note_sent(struct driver *d, const struct raft_message *m)
{
	const struct raft_append_entries *ae = &m->append_entries;
	struct peer *p = driver_peer(d, m->server_id);
	uint64_t end = ae->prev_log_index + ae->n_entries;
	uint64_t told = ae->leader_commit < end ? ae->leader_commit : end;

	if (p && told > p->told)
		p->told = told;
}

static void tell(struct driver *d, const struct raft_server *s, uint64_t last)
{
	struct raft_message m = {
		.type = RAFT_APPEND_ENTRIES,
		.server_id = s->id,
		.server_address = s->address,
		.append_entries = {.term = raft_current_term(&d->core),
			.prev_log_index = last,
			.prev_log_term = journal_term(d->o.journal, last),
			.leader_commit = raft_commit_index(&d->core)},
	};

	driver_note_sent(d, &m);
	d->o.transport->send(d->o.arg, &m);
}

/* The engine says that entries are committed with the next message only: on an idle
 * leader that is the next heartbeat. Who has confirmed all there is, has nothing under
 * way that could carry it, and is told at once. */
void driver_tell_commit(struct driver *d)
{
	const struct raft_configuration *c = &d->core.configuration;
	uint64_t last, commit = raft_commit_index(&d->core);

	if (!driver_leads(d) || !d->o.transport)
		return;
	last = raft_last_index(&d->core);
	for (unsigned i = 0; i < c->n; i++) {
		const struct raft_server *s = &c->servers[i];
		struct peer *p = driver_peer(d, s->id);
		raft_index match;

		if (p && p->told < commit && s->role != RAFT_SPARE &&
			raft_match_index(&d->core, s->id, &match) == 0 && match == last)
			tell(d, s, last);
	}
}

void driver_tell_news(struct driver *d)
{
	driver_tell_commit(d);
}
