/*
 * What must hold, by what the members show: their logs and votes on disk, their status,
 * what their machines apply. Figure 3 of the Raft paper, and what svcd promises on top.
 */
#include <stdlib.h>
#include <string.h>

#include "replica/payload.h"
#include "sim.h"

static struct truth *truth_of(struct sim *s, uint64_t index)
{
	sim_assert(s, index < SIM_INDEX_MAX);
	return &s->truth[index];
}

/* ---- logs -------------------------------------------------------------- */

static uint64_t hash_of(const struct journal_entry *e)
{
	return bytes_hash_seed(e->payload, e->type);
}

/* Log matching: index and term tell the entry, and the term of the one before. */
static void check_entry(struct member *m, uint64_t index)
{
	static struct buf scratch;
	struct sim *s = m->sim;
	struct truth *t = truth_of(s, index);
	uint32_t prev = (uint32_t)journal_term(m->journal, index - 1);
	struct journal_entry e;
	size_t i = 0;

	sim_assert(s, journal_read(m->journal, index, &scratch, &e) == 0);
	while (i < SIM_ENTRIES_MAX && t->entries[i].term && t->entries[i].term != e.term)
		i++;
	if (i == SIM_ENTRIES_MAX)
		return; /* more elections lost there than we remember */
	if (t->entries[i].term == 0) {
		t->entries[i].term = (uint32_t)e.term;
		t->entries[i].prev_term = prev;
		t->entries[i].hash = hash_of(&e);
	}
	if (t->entries[i].hash != hash_of(&e) || t->entries[i].prev_term != prev)
		sim_fail(s, "%llu has another entry %llu of term %llu",
			(unsigned long long)m->node, (unsigned long long)index,
			(unsigned long long)e.term);
}

static void forget_entry(struct member *m, uint64_t index)
{
	const struct truth *t = truth_of(m->sim, index);

	if (m->terms[index] && t->committed == m->terms[index])
		sim_fail(m->sim, "%llu gives up the committed entry %llu",
			(unsigned long long)m->node, (unsigned long long)index);
	m->terms[index] = 0;
}

void sim_check_log(struct member *m)
{
	const struct journal *j = m->journal;
	uint64_t first = journal_first(j), last = journal_last(j);
	uint64_t same = m->last < last ? m->last : last;

	sim_assert(m->sim, last < SIM_INDEX_MAX);
	while (same >= first && m->terms[same] != journal_term(j, same))
		same--;
	if (same < first)
		same = first - 1;
	for (uint64_t i = same + 1; i <= m->last; i++)
		forget_entry(m, i);
	for (uint64_t i = same + 1; i <= last; i++) {
		m->terms[i] = (uint16_t)journal_term(j, i);
		check_entry(m, i);
	}
	m->last = last;
}

/* What was known to be committed and was durable here survives anything. */
void sim_check_start(struct member *m)
{
	const struct journal *j = m->journal;
	uint64_t first = journal_first(j), last = journal_last(j);

	for (uint64_t i = first; i <= m->owed; i++) {
		uint64_t committed = truth_of(m->sim, i)->committed;

		if (committed && committed == m->terms[i] &&
			(i > last || journal_term(j, i) != committed))
			sim_fail(m->sim, "%llu has lost the committed entry %llu",
				(unsigned long long)m->node, (unsigned long long)i);
	}
	for (uint64_t i = first; i < SIM_INDEX_MAX && i <= m->last; i++)
		m->terms[i] = 0;
	m->last = first - 1;
	m->commit = 0;
	m->durable = last;
	sim_check_log(m);
}

/* ---- status ------------------------------------------------------------ */

static void check_ballot(struct member *m)
{
	const struct ballot *b = &m->ballot;

	if (b->term < m->known_term ||
		(b->term == m->known_term && m->known_vote && b->vote != m->known_vote))
		sim_fail(m->sim,
			"%llu votes for %llu in term %llu, %llu in term %llu before",
			(unsigned long long)m->node, (unsigned long long)b->vote,
			(unsigned long long)b->term, (unsigned long long)m->known_vote,
			(unsigned long long)m->known_term);
	m->known_term = b->term;
	m->known_vote = b->vote;
}

static bool has(const struct member *m, uint64_t index, uint64_t term)
{
	if (m->at.index >= index || (m->checkpoint && m->checkpoint->index >= index))
		return true;
	return m->durable >= index && m->terms[index] == term;
}

/* Whatever was committed in an earlier term is in the log of a leader. */
static void check_leader(struct member *m, const struct driver_status *st)
{
	struct sim *s = m->sim;

	sim_assert(s, st->term < SIM_TERM_MAX);
	if (s->leader_of[st->term] && s->leader_of[st->term] != m->node)
		sim_fail(s, "%llu and %llu lead in term %llu",
			(unsigned long long)s->leader_of[st->term],
			(unsigned long long)m->node, (unsigned long long)st->term);
	s->counts.elections += s->leader_of[st->term] == 0;
	s->elected_ms[st->term] = s->now_ms;
	s->leader_of[st->term] = m->node;
	m->led_term = st->term;
	sim_trace(s, "%llu leads term %llu", (unsigned long long)m->node,
		(unsigned long long)st->term);
	for (uint64_t i = journal_first(m->journal); i <= s->committed; i++) {
		const struct truth *t = truth_of(s, i);

		if (t->committed && t->committed_in < st->term &&
			journal_term(m->journal, i) != t->committed)
			sim_fail(s, "%llu leads without the committed entry %llu",
				(unsigned long long)m->node, (unsigned long long)i);
	}
}

/* No disk here forgets what it synced: who is said to lack entries is wronged. */
static void check_complaints(struct member *m, const struct driver_status *st)
{
	struct driver_member members[SIM_SLOTS];
	size_t n = st->role == DRIVER_LEADER
		? driver_members(m->driver, members, SIM_SLOTS)
		: 0;

	for (size_t i = 0; i < n && i < SIM_SLOTS; i++)
		if (members[i].incomplete)
			sim_fail(m->sim, "%llu says that %llu lost entries",
				(unsigned long long)m->node,
				(unsigned long long)members[i].node);
}

static void check_committed(struct member *m, const struct driver_status *st)
{
	struct sim *s = m->sim;
	uint64_t i = m->commit + 1;

	if (i < st->first_index)
		i = st->first_index;
	for (; i <= st->commit_index && i <= st->last_index; i++) {
		uint64_t term = journal_term(m->journal, i);
		struct truth *t = truth_of(s, i);

		if (t->committed == 0) {
			t->committed = term;
			t->committed_in = st->term;
		}
		if (t->committed != term)
			sim_fail(s,
				"%llu commits %llu of term %llu, another has term %llu",
				(unsigned long long)m->node, (unsigned long long)i,
				(unsigned long long)term,
				(unsigned long long)t->committed);
	}
	m->commit = st->commit_index;
	if (s->committed < st->commit_index && st->commit_index <= st->last_index)
		s->committed = st->commit_index;
}

void sim_check_step(struct member *m)
{
	struct driver_status st;

	driver_status(m->driver, &st);
	sim_assert(m->sim, st.term == m->ballot.term);
	sim_assert(m->sim, st.applied_index == m->at.index);
	sim_assert(m->sim, st.contact_ms <= m->sim->now_ms);
	sim_assert(m->sim, st.current_ms <= st.contact_ms);
	if (st.leader && m->sim->leader_of[st.term] &&
		m->sim->leader_of[st.term] != st.leader)
		sim_fail(m->sim, "%llu follows %llu, which does not lead",
			(unsigned long long)m->node, (unsigned long long)st.leader);
	check_ballot(m);
	sim_check_log(m);
	m->durable = journal_durable(m->journal);
	sim_assert(m->sim, m->at.index <= m->durable);
	check_committed(m, &st);
	if (st.role == DRIVER_LEADER && st.term != m->led_term)
		check_leader(m, &st);
	check_complaints(m, &st);
}

/* ---- the machine ------------------------------------------------------- */

static void note_members(struct sim *s, const struct driver_entry *e)
{
	struct driver_member members[SIM_SLOTS];
	ssize_t n = driver_decode_members(e->payload, members, SIM_SLOTS);

	sim_assert(s, n > 0 && n <= SIM_SLOTS);
	if (e->index <= s->members_index)
		return;
	s->members_index = e->index;
	s->n_members = (unsigned)n;
	for (ssize_t i = 0; i < n; i++) {
		struct member *m = sim_member(s, members[i].node);

		s->members_now[i] = members[i].node;
		if (m)
			m->was_member = true;
	}
}

static void check_write(struct member *m, const struct driver_entry *e)
{
	struct sim *s = m->sim;
	struct payload p;
	uint64_t id;

	sim_assert(s, payload_open(&p, e->payload) == 0);
	id = p.stamp.wall_ms;
	sim_assert(s, id > 0 && id < SIM_WRITES_MAX);
	if (s->applied_at[id] == 0)
		s->applied_at[id] = (uint32_t)e->index;
	if (s->applied_at[id] != e->index || s->fate[id] == WRITE_REFUSED)
		sim_fail(s, "write %llu is applied twice, or was refused",
			(unsigned long long)id);
	s->fate[id] = WRITE_APPLIED;
}

void sim_check_entry(struct member *m, const struct driver_entry *e, uint64_t chain)
{
	struct truth *t = truth_of(m->sim, e->index);

	if (t->chain == 0)
		t->chain = chain;
	if (t->chain != chain)
		sim_fail(m->sim,
			"%llu applies another entry %llu, or with another result",
			(unsigned long long)m->node, (unsigned long long)e->index);
	if (e->type == ENTRY_COMMANDS)
		check_write(m, e);
	if (e->type == ENTRY_MEMBERS)
		note_members(m->sim, e);
}

static uint64_t table_digest(struct mem_tables *t, enum table table)
{
	struct bytes key, value;
	uint64_t sum = 0;
	bool found = table_seek(&t->base, table, BYTES_NONE, false, &key, &value);

	while (found) {
		sum += bytes_hash_seed(key, bytes_hash(value) + (uint64_t)table);
		found = table_next(&t->base, table, &key, &value);
	}
	return sum;
}

uint64_t sim_digest(struct mem_tables *t)
{
	uint64_t sum = 1;

	for (int table = 0; table < TABLE_COUNT; table++)
		sum += table_digest(t, (enum table)table);
	return sum;
}

/* Equal index, equal bytes. Not at every index: it takes long. */
void sim_check_commit(struct member *m)
{
	struct truth *t = truth_of(m->sim, m->at.index);
	uint64_t digest;

	if (m->at.index % 8 != 0)
		return;
	digest = sim_digest(&m->tables);
	if (t->digest == 0)
		t->digest = digest;
	if (t->digest != digest)
		sim_fail(m->sim, "%llu has other tables at %llu",
			(unsigned long long)m->node, (unsigned long long)m->at.index);
}

/* Acknowledged: durable with a majority of the newest members, with ourselves only when
 * it is. */
void sim_check_ack(struct member *m, uint64_t index, uint32_t id)
{
	struct driver_member members[SIM_SLOTS];
	struct sim *s = m->sim;
	size_t n = driver_members(m->driver, members, SIM_SLOTS);
	unsigned voters = 0, holders = 0;

	sim_assert(s, index <= journal_durable(m->journal));
	for (size_t i = 0; i < n; i++) {
		const struct member *other = sim_member(s, members[i].node);

		if (!members[i].voter)
			continue;
		voters++;
		holders += other && (other == m || has(other, index, m->terms[index]));
	}
	if (2 * holders <= voters)
		sim_fail(s, "%llu acknowledges %llu, which %u of %u voters have",
			(unsigned long long)m->node, (unsigned long long)index, holders,
			voters);
	if (s->acked < index)
		s->acked = index;
	truth_of(s, index)->acked_id = id;
	s->counts.writes++;
}

void sim_check_read(struct member *m, uint64_t floor, uint64_t index)
{
	if (index < floor)
		sim_fail(m->sim, "%llu reads at %llu, %llu was acknowledged before",
			(unsigned long long)m->node, (unsigned long long)index,
			(unsigned long long)floor);
}

/* ---- at the end -------------------------------------------------------- */

static const char *member_disagrees(const struct member *leader, const struct member *m)
{
	if (!m || !sim_up(m))
		return "a member is down";
	if (m->at.index != leader->at.index)
		return "a member has not caught up";
	if (mem_tables_differ(&m->tables, &leader->tables) != TABLE_COUNT)
		return "the tables of members differ";
	return "";
}

const char *sim_disagreement(struct sim *s)
{
	struct member *leader = sim_leader(s);
	struct driver_member members[SIM_SLOTS];
	struct driver_status st;
	size_t n;

	if (!leader)
		return "no leader";
	driver_status(leader->driver, &st);
	if (st.changing)
		return "a change of the members hangs";
	if (st.applied_index != st.last_index)
		return "the leader has not applied its log";
	n = driver_members(leader->driver, members, SIM_SLOTS);
	for (size_t i = 0; i < n; i++) {
		const char *why = member_disagrees(
			leader, sim_member(s, members[i].node));

		if (*why)
			return why;
	}
	for (uint64_t i = 1; i <= s->acked; i++)
		if (s->truth[i].acked_id && i > leader->at.index)
			return "an acknowledged write is missing";
	if (sim_lease_left(s) && s->n_writes + 1 < SIM_WRITES_MAX)
		return "a lease that nobody renews has not ended";
	return "";
}
