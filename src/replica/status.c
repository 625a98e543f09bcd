/*
 * The status, readable by any thread without waiting: a version that is odd while words
 * change. Who has read a word of a newer status sees at least its odd version afterwards.
 */
#include "replica/replica_internal.h"

#include <string.h>

/* What is stored; the clocks become times when it is read. */
struct snapshot {
	struct replica_status status;
	bool clock_runs;
	uint64_t clock_ms, clock_at_ms;
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
	s.clock_runs = r->time.running;
	s.clock_ms = r->time.running ? r->time.base_ms : r->time_ms;
	s.clock_at_ms = r->time.running ? r->time.at_ms : r->applied_at_ms;
	cell_write(&r->status, &s);
}

void replica_status(const struct replica *r, struct replica_status *out)
{
	struct snapshot s;
	uint64_t passed;

	cell_read(&r->status, &s);
	*out = s.status;
	passed = replica_now_ms(r) - s.clock_at_ms;
	out->time_ms = s.clock_ms + (s.clock_runs ? passed : 0);
	out->age_ms = s.clock_runs ? 0 : passed;
	out->queue = atomic_load_explicit(
		&((struct replica *)(uintptr_t)r)->queued, memory_order_relaxed);
	out->space_low = store_space(r->files.store) != 0;
}
