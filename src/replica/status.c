/*
 * The status, readable by any thread without waiting: a version that is odd while words
 * change. Who has read a word of a newer status sees at least its odd version afterwards.
 */
#include "replica/replica_internal.h"

#include <stdio.h>
#include <string.h>

/* What is stored; the clocks become times when it is read. */
struct snapshot {
	struct replica_status status;
	bool clock_runs; /* we lead */
	uint64_t clock_ms, clock_at_ms;
	uint64_t current_ms; /* the state was current then; 0: not known */
	uint64_t contact_ms; /* last word of the leader; 0: never */
	uint32_t window_ms;  /* of its words */
};
_Static_assert(sizeof(struct snapshot) <= STATUS_WORDS * sizeof(uint64_t),
	"the cell holds a snapshot");

static void cell_write(struct status_cell *c, const struct snapshot *s)
{
	uint64_t words[STATUS_WORDS] = {0};
	uint64_t version = atomic_load_explicit(&c->version, memory_order_relaxed);

	memcpy(words, s, sizeof(*s));
	atomic_store_explicit(&c->version, version + 1, memory_order_relaxed);
	for (size_t i = 0; i < STATUS_WORDS; i++)
		atomic_store_explicit(&c->words[i], words[i], memory_order_release);
	atomic_store_explicit(&c->version, version + 2, memory_order_release);
}

static void cell_read(const struct status_cell *c, struct snapshot *s)
{
	uint64_t words[STATUS_WORDS], before, after;

	do {
		before = atomic_load_explicit(&c->version, memory_order_acquire);
		for (size_t i = 0; i < STATUS_WORDS; i++)
			words[i] = atomic_load_explicit(
				&c->words[i], memory_order_acquire);
		after = atomic_load_explicit(&c->version, memory_order_relaxed);
	} while (before != after || before % 2 != 0);
	memcpy(s, words, sizeof(*s));
}

static void put_names(struct replica *r, struct replica_status *s)
{
	const struct view *leader = s->leader ? members_find(r, s->leader) : NULL;

	snprintf(s->name, sizeof(s->name), "%s", r->name);
	if (s->leader == s->node)
		snprintf(s->leader_client, sizeof(s->leader_client), "%s", r->client);
	else if (leader)
		snprintf(
			s->leader_client, sizeof(s->leader_client), "%s", leader->client);
	if (r->peers)
		snprintf(s->peer, sizeof(s->peer), "%s", peers_address(r->peers));
}

static void put_membership(struct replica *r, struct replica_status *s)
{
	const struct view *self = members_find(r, r->dir.node);
	uint64_t point = r->applied_index / DRIVER_POINT;

	s->joining = r->joining;
	s->removed = r->removed;
	s->voter = self && self->voter && !r->removed;
	s->diverged = r->diverged;
	s->incomplete = r->incomplete;
	s->digest_index = r->points[point % POINTS_KEPT].index;
	s->digest = r->points[point % POINTS_KEPT].digest;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void status_update(struct replica *r)
{
	const struct journal *j = r->files.journal;
	struct snapshot s = {0};
	struct driver_status d;

	if (!r->driver)
		return; /* it is starting */
	driver_status(r->driver, &d);
	s.status = (struct replica_status){
		.cluster = r->dir.cluster,
		.node = r->dir.node,
		.role = r->role,
		.leader = d.leader,
		.term = d.term,
		.first_index = d.first_index,
		.last_index = d.last_index,
		.commit_index = d.commit_index,
		.applied_index = r->applied_index,
		.rev = r->rev,
		.log_bytes = journal_bytes_after(j, d.first_index - 1),
		.checkpoint_index = r->checkpoint_index,
		.checkpoint_rev = r->checkpoint_rev,
		.checkpoint_wall_ms = r->checkpoint_wall_ms,
	};
	put_names(r, &s.status);
	put_membership(r, &s.status);
	s.current_ms = later(d.current_ms, r->led_until_ms);
	s.contact_ms = d.contact_ms;
	s.window_ms = r->election_ms;
	r->status_stale = false;
	s.clock_runs = r->time.running;
	s.clock_ms = r->time.running ? r->time.base_ms : r->time_ms;
	s.clock_at_ms = r->time.running ? r->time.at_ms : r->applied_at_ms;
	cell_write(&r->status, &s);
}

void replica_status(const struct replica *r, struct replica_status *out)
{
	struct snapshot s;
	uint64_t passed, now;

	cell_read(&r->status, &s);
	*out = s.status;
	passed = replica_now_ms(r) - s.clock_at_ms;
	out->time_ms = s.clock_ms + (s.clock_runs ? passed : 0);
	now = replica_now_ms(r);
	if (s.clock_runs)
		out->age_ms = 0;
	else
		out->age_ms = s.current_ms ? now - s.current_ms : UINT64_MAX;
	out->quorum = s.clock_runs ||
		(out->leader != 0 && out->leader != out->node && s.contact_ms != 0 &&
			now - s.contact_ms <= s.window_ms);
	out->queue = atomic_load_explicit(
		&((struct replica *)(uintptr_t)r)->queued, memory_order_relaxed);
	out->space_low = store_space(r->files.store) != 0;
}
