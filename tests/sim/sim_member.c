/*
 * A member of a sim: disk, log, driver, and a machine with a real catalog.
 *
 * A crash loses of the disk what was not synced. The state may survive it, as that of a
 * killed process does, or be lost, as by a power cut: then the newest checkpoint counts.
 */
#include <stdlib.h>
#include <string.h>

#include "replica/payload.h"
#include "sim.h"

#define TICKS_PER_SECOND_MAX 400

static const struct journal_options journal_options = {
	.segment_bytes = 16384, .cluster = 1, .seed = 9};

bool sim_up(const struct member *m)
{
	return m->life == SIM_UP && !m->disk.crashed;
}

struct member *sim_member(struct sim *s, uint64_t node)
{
	for (size_t i = 0; i < SIM_SLOTS; i++)
		if (s->members[i].life != SIM_NOBODY && s->members[i].node == node)
			return &s->members[i];
	return NULL;
}

/* ---- images ------------------------------------------------------------ */

void sim_image_drop(struct image *i)
{
	if (!i || --i->refs > 0)
		return;
	mem_tables_fini(&i->tables);
	buf_fini(&i->members);
	free(i);
}

struct image *sim_image_of(struct member *m)
{
	struct image *i = calloc(1, sizeof(*i));

	*i = (struct image){
		.refs = 1,
		.index = m->at.index,
		.term = m->at.term,
		.members_index = m->at.members_index,
		.chain = m->at.chain,
	};
	mem_tables_copy(&i->tables, &m->tables);
	buf_put_bytes(&i->members, buf_bytes(&m->members));
	return i;
}

/* The state becomes that of the image; NULL: the empty one. */
static void load_image(struct member *m, const struct image *i)
{
	mem_tables_fini(&m->tables);
	buf_clear(&m->members);
	m->at = (struct position){0};
	m->tables.strict = false;
	if (!i)
		return;
	mem_tables_copy(&m->tables, &i->tables);
	buf_put_bytes(&m->members, buf_bytes(&i->members));
	m->at = (struct position){.index = i->index,
		.term = i->term,
		.members_index = i->members_index,
		.chain = i->chain};
}

/* ---- the machine ------------------------------------------------------- */

static int machine_begin(void *arg)
{
	struct member *m = arg;

	m->n_acking = 0;
	if (m->machine_full)
		return SVCD_ENOSPACE;
	return m->disk.crashed ? 0
			       : catalog_begin(m->sim->catalog, &m->tables.base, NULL);
}

static uint64_t mix(uint64_t chain, uint64_t v)
{
	return bytes_hash_seed(bytes_of(&v, sizeof(v)), chain) | 1;
}

static uint32_t id_of(struct bytes payload)
{
	struct payload p;

	return payload_open(&p, payload) == 0 ? (uint32_t)p.stamp.wall_ms : 0;
}

static uint64_t apply_commands(struct member *m, struct bytes in, uint64_t chain)
{
	static struct outcome out;
	struct sim *s = m->sim;
	struct payload p;
	struct bytes command;

	sim_assert(s, payload_open(&p, in) == 0);
	for (uint32_t i = 0; i < p.n; i++) {
		sim_assert(s, payload_next(&p, &command) == 0);
		sim_assert(s,
			catalog_apply(s->catalog, &m->tables.base, &p.stamp, command,
				&out, NULL) == 0);
		chain = mix(chain, (uint64_t)(int64_t)out.code ^ out.rev);
	}
	if (p.n == 1)
		sim_lease_applied(s, (uint32_t)p.stamp.wall_ms, &out);
	return chain;
}

static int machine_entry(void *arg, const struct driver_entry *e)
{
	struct member *m = arg;
	uint64_t chain = m->at.chain;

	sim_assert(m->sim, e->index == ++m->began);
	if (e->ticket)
		m->tickets--;
	if (m->disk.crashed)
		return 0;
	chain = mix(chain, e->index);
	chain = mix(chain, e->term * 4 + e->type);
	chain = mix(chain, bytes_hash(e->payload));
	if (e->type == ENTRY_COMMANDS)
		chain = apply_commands(m, e->payload, chain);
	if (e->type == ENTRY_MEMBERS) {
		m->at.members_index = e->index;
		buf_clear(&m->members);
		buf_put_bytes(&m->members, e->payload);
	}
	m->at.chain = chain;
	sim_check_entry(m, e, chain);
	if (e->ticket) {
		sim_assert(m->sim, m->n_acking < 4);
		m->acking_at[m->n_acking] = e->index;
		m->acking[m->n_acking++] = e->type == ENTRY_COMMANDS ? id_of(e->payload)
								     : 0;
	}
	return 0;
}

static int machine_commit(void *arg, uint64_t index, uint64_t term)
{
	struct member *m = arg;

	sim_assert(m->sim, index == m->began);
	if (m->disk.crashed)
		return 0;
	/* the points at which members compare their digests */
	sim_assert(m->sim, m->at.index / DRIVER_POINT == (index - 1) / DRIVER_POINT);
	sim_assert(m->sim, catalog_end(m->sim->catalog) == 0);
	m->at.index = index;
	m->at.term = term;
	sim_check_commit(m);
	for (unsigned i = 0; i < m->n_acking; i++) {
		sim_check_ack(m, m->acking_at[i], m->acking[i]);
		sim_lease_done(m, m->acking[i]);
		sim_client_told(m->sim, m->acking[i]);
	}
	return 0;
}

static void machine_abort(void *arg)
{
	(void)arg;
}

/* Tickets are the numbers of writes; those of changes of the members have none. */
static void machine_lost(void *arg, void *ticket, int code)
{
	struct member *m = arg;
	uintptr_t id = (uintptr_t)ticket;

	m->tickets--;
	sim_assert(m->sim, code == SVCD_ENOLEADER || code == SVCD_EUNKNOWN);
	sim_lease_lost(m, (uint32_t)id, code);
	if (m->disk.crashed || id >= SIM_WRITES_MAX)
		return;
	m->sim->counts.lost++;
	if (code == SVCD_ENOLEADER) {
		sim_assert(m->sim, m->sim->fate[id] != WRITE_APPLIED);
		m->sim->fate[id] = WRITE_REFUSED;
	}
}

static void machine_changed(void *arg)
{
	(void)arg;
}

static int machine_install(void *arg, const struct driver_snapshot *snapshot)
{
	struct member *m = arg;

	sim_assert(m->sim, m->staged && m->staged->index == snapshot->index);
	sim_assert(m->sim, snapshot->index > m->at.index || m->disk.crashed);
	sim_assert(m->sim, journal_last(m->journal) == snapshot->index);
	sim_assert(m->sim, journal_term(m->journal, snapshot->index) == snapshot->term);
	m->began = snapshot->index;
	if (m->disk.crashed)
		return 0;
	load_image(m, m->staged);
	sim_check_commit(m);
	return 0;
}

static void machine_read(void *arg, void *ticket, int code, uint64_t index)
{
	struct member *m = arg;

	m->reads--;
	sim_assert(m->sim, code == 0 || code == SVCD_ENOLEADER);
	if ((uintptr_t)ticket & SIM_LEASE_READ) {
		sim_lease_read(m, (uintptr_t)ticket, code);
		return;
	}
	if (code == 0 && !m->disk.crashed)
		sim_check_read(m, (uintptr_t)ticket - 1, index);
	m->sim->counts.reads += code == 0;
	m->sim->counts.reads_lost += code != 0;
}

const struct driver_machine sim_machine = {
	.begin = machine_begin,
	.entry = machine_entry,
	.commit = machine_commit,
	.abort = machine_abort,
	.lost = machine_lost,
	.changed = machine_changed,
	.install = machine_install,
	.read = machine_read,
};

/* ---- lives ------------------------------------------------------------- */

struct member *sim_add(struct sim *s)
{
	struct member *m = NULL;

	for (size_t i = 0; i < SIM_SLOTS && !m; i++)
		if (s->members[i].life == SIM_NOBODY)
			m = &s->members[i];
	if (!m)
		return NULL;
	*m = (struct member){
		.sim = s,
		.slot = (unsigned)(m - s->members),
		.node = ++s->next_node,
		.life = SIM_DOWN,
		.terms = calloc(SIM_INDEX_MAX, sizeof(*m->terms)),
	};
	fake_disk_init(&m->disk);
	mem_tables_init(&m->tables);
	m->tables.strict = false;
	return m;
}

static int open_disk(struct member *m)
{
	struct err e = {0};
	int rc = journal_open(&m->disk.disk, &journal_options, &m->journal, &e);

	if (rc == 0)
		rc = ballot_open(&m->ballot, &m->disk.disk, &e);
	if (rc != 0 && rc != SVCD_ENOSPACE)
		sim_fail(m->sim, "%llu: %s", (unsigned long long)m->node, e.text);
	return rc;
}

static void close_disk(struct member *m)
{
	journal_close(m->journal);
	ballot_close(&m->ballot);
	m->journal = NULL;
	m->ballot = (struct ballot){.file = -1};
}

void sim_bootstrap(struct member *m, const uint64_t *nodes, size_t n)
{
	struct raft_configuration c;
	struct raft_buffer b;
	struct journal_entry e = {.index = 1, .term = 1, .type = ENTRY_MEMBERS};
	char address[24];

	raft_configuration_init(&c);
	for (size_t i = 0; i < n; i++) {
		snprintf(address, sizeof(address), "%016llx",
			(unsigned long long)nodes[i]);
		raft_configuration_add(&c, nodes[i], address, RAFT_VOTER);
	}
	sim_assert(m->sim, raft_configuration_encode(&c, &b) == 0);
	raft_configuration_close(&c);
	e.payload = bytes_of(b.base, b.len);
	sim_assert(m->sim, open_disk(m) == 0);
	sim_assert(m->sim, journal_append(m->journal, &e, 1) == 0);
	journal_sync(m->journal);
	ballot_write(&m->ballot, 1, 0);
	raft_free(b.base);
	m->terms[1] = 1;
	m->last = m->durable = 1;
	close_disk(m);
}

/* A crash between a staged checkpoint and the log that begins behind it, or between that
 * and the state: the checkpoint counts, and the log is made to fit. */
static int fit_together(struct member *m)
{
	const struct image *c = m->checkpoint;
	struct journal *j = m->journal;
	int rc;

	if (c &&
		(c->index > journal_last(j) ||
			(c->index + 1 >= journal_first(j) &&
				journal_term(j, c->index) != c->term))) {
		rc = journal_reset(j, c->index, c->term);
		if (rc != 0)
			return rc;
		load_image(m, c);
	}
	if (m->at.index + 1 < journal_first(j))
		load_image(m, c);
	sim_assert(m->sim, m->at.index + 1 >= journal_first(j));
	sim_assert(m->sim, m->at.index <= journal_last(j));
	return 0;
}

/* A disk may be too full even for that: somebody tries again later. */
static bool open_member(struct member *m)
{
	int rc;

	m->journal = NULL;
	m->ballot = (struct ballot){.file = -1};
	rc = open_disk(m);
	if (rc == 0)
		rc = fit_together(m);
	if (rc == 0)
		return true;
	sim_assert(m->sim, rc == SVCD_ENOSPACE);
	close_disk(m);
	if (m->disk.crashed)
		fake_disk_resume(&m->disk);
	heap_push(&m->sim->timers, &m->timer, m->sim->now_ms + 100);
	return false;
}

void sim_start(struct member *m)
{
	struct sim *s = m->sim;
	struct driver_options o;
	struct err e = {0};

	sim_trace(s, "%llu starts", (unsigned long long)m->node);
	if (!open_member(m))
		return;
	m->life = SIM_UP;
	m->began = m->at.index;
	if (!m->disk.crashed)
		sim_check_start(m);
	o = (struct driver_options){
		.node = m->node,
		.journal = m->journal,
		.ballot = &m->ballot,
		.snapshot = {.index = m->at.index,
			.term = m->at.term,
			.members_index = m->at.members_index,
			.members = buf_bytes(&m->members)},
		.machine = &sim_machine,
		.transport = &sim_transport,
		.arg = m,
		.election_ms = s->p.election_ms,
		.heartbeat_ms = SIM_HEARTBEAT_MS,
		.seed = (uint32_t)rng_next(&s->rng),
		.news_later = s->p.news_later,
	};
	m->ticks = 0;
	m->ticks_since_ms = s->now_ms;
	m->slow_ms = 0;
	m->ops_before = m->disk.ops;
	sim_lease_start(m);
	if (driver_start(&o, s->now_ms, &m->driver, &e) != 0)
		sim_fail(s, "%llu: %s", (unsigned long long)m->node, e.text);
	sim_end(m, 0);
}

void sim_stop(struct member *m)
{
	uint64_t committed = m->sim->committed;

	m->owed = m->durable < committed ? m->durable : committed;
	driver_free(m->driver);
	sim_lease_stop(m);
	sim_assert(m->sim, m->tickets == 0 && m->reads == 0);
	close_disk(m);
	m->driver = NULL;
	m->life = SIM_DOWN;
	heap_remove(&m->sim->timers, &m->timer);
	heap_remove(&m->sim->timers, &m->taken);
	sim_image_drop(m->taking);
	m->taking = NULL;
}

/* Connections break when a process ends; sometimes without that. */
void sim_suspect(struct member *m, uint64_t node)
{
	if (!sim_up(m) || m->node == node)
		return;
	sim_begin(m);
	driver_suspect(m->driver, m->sim->now_ms, node);
	sim_end(m, 0);
}

void sim_crash(struct member *m)
{
	struct sim *s = m->sim;

	sim_trace(s, "%llu crashes", (unsigned long long)m->node);
	m->disk.crash_rng = &s->rng;
	if (!m->disk.crashed)
		fake_disk_crash_in(&m->disk, 0, &s->rng);
	sim_stop(m);
	fake_disk_resume(&m->disk);
	if (rng_below(&s->rng, 3) == 0)
		load_image(m, m->checkpoint);
	if (rng_below(&s->rng, 2) == 0) {
		sim_image_drop(m->staged);
		m->staged = NULL;
	}
	s->counts.crashes++;
	heap_push(&s->timers, &m->timer,
		s->now_ms + 1 + rng_below(&s->rng, s->calm ? 100 : 1000));
	for (size_t i = 0; i < SIM_SLOTS && !s->by_hand; i++)
		if (!s->cut[m->slot][i] && !sim_chance(s, 4))
			sim_suspect(&s->members[i], m->node);
}

void sim_retire(struct member *m)
{
	sim_trace(m->sim, "%llu is thrown away", (unsigned long long)m->node);
	if (m->life == SIM_UP)
		sim_stop(m);
	heap_remove(&m->sim->timers, &m->timer);
	mem_tables_fini(&m->tables);
	buf_fini(&m->members);
	sim_image_drop(m->checkpoint);
	sim_image_drop(m->staged);
	fake_disk_fini(&m->disk);
	free(m->terms);
	for (size_t i = 0; i < SIM_SLOTS; i++)
		m->sim->cut[m->slot][i] = m->sim->cut[i][m->slot] = false;
	*m = (struct member){0};
}

/* ---- calls of the driver ----------------------------------------------- */

void sim_begin(struct member *m)
{
	struct sim *s = m->sim;

	m->ops_before = m->disk.ops;
	m->slow_ms = 0;
	if (!s->calm && s->p.slow && sim_chance(s, 30))
		m->slow_ms = rng_below(&s->rng, 120);
	s->counts.steps++;
}

static void set_timer(struct member *m)
{
	uint64_t due = driver_due_ms(m->driver), now = m->sim->now_ms;

	if (m->sim->by_hand || due == UINT64_MAX) {
		heap_remove(&m->sim->timers, &m->timer);
		return;
	}
	due = due > now ? due : now + 1;
	heap_push(&m->sim->timers, &m->timer, due > m->busy_ms ? due : m->busy_ms);
}

void sim_end(struct member *m, int rc)
{
	if (rc != 0)
		sim_fail(m->sim, "%llu: the driver says %d", (unsigned long long)m->node,
			rc);
	if (m->sim->p.news_later && (m->sim->calm || sim_chance(m->sim, 3)))
		driver_tell_news(m->driver);
	if (m->disk.crashed) {
		sim_crash(m);
		return;
	}
	if (m->slow_ms && m->disk.ops != m->ops_before)
		m->busy_ms = m->sim->now_ms + m->slow_ms;
	sim_check_step(m);
	sim_lease_role(m);
	set_timer(m);
}

/* A driver that wants to be called all the time would eat a processor (T1). */
static void count_tick(struct member *m)
{
	struct sim *s = m->sim;

	if (s->now_ms - m->ticks_since_ms >= 1000) {
		m->ticks_since_ms = s->now_ms;
		m->ticks = 0;
	}
	sim_assert(s, ++m->ticks <= TICKS_PER_SECOND_MAX);
}

void sim_tick(struct member *m)
{
	if (m->busy_ms > m->sim->now_ms) {
		heap_push(&m->sim->timers, &m->timer, m->busy_ms);
		return;
	}
	count_tick(m);
	sim_begin(m);
	sim_end(m, driver_tick(m->driver, m->sim->now_ms));
}

struct member *sim_leader(struct sim *s)
{
	struct member *best = NULL;
	uint64_t best_term = 0;

	for (size_t i = 0; i < SIM_SLOTS; i++) {
		struct member *m = &s->members[i];
		struct driver_status st;

		if (!sim_up(m))
			continue;
		driver_status(m->driver, &st);
		if (st.ready && st.term > best_term) {
			best = m;
			best_term = st.term;
		}
	}
	return best;
}

int sim_submit(struct member *m, struct bytes command)
{
	struct sim *s = m->sim;
	uint32_t id = s->n_writes + 1;
	int rc;

	if (id >= SIM_WRITES_MAX || journal_last(m->journal) + 600 > SIM_INDEX_MAX)
		return SVCD_EBUSY;
	sim_begin(m);
	m->tickets++;
	rc = driver_submit(
		m->driver, s->now_ms, sim_payload(s, id, command), (void *)(uintptr_t)id);
	if (rc != 0)
		m->tickets--;
	else
		s->n_writes++;
	if (rc != 0 && rc != SVCD_EAGAIN && rc != SVCD_ENOLEADER && rc != SVCD_ENOSPACE)
		sim_fail(s, "a write is refused with %d", rc);
	s->counts.full += rc == SVCD_ENOSPACE;
	sim_end(m, 0);
	return rc;
}

bool sim_propose(struct member *m)
{
	return sim_submit(m, BYTES_NONE) == 0;
}

/* What was acknowledged before must be in what is read. */
void sim_read(struct member *m)
{
	struct sim *s = m->sim;
	int rc;

	sim_begin(m);
	m->reads++;
	rc = driver_read(m->driver, s->now_ms, (void *)(uintptr_t)(s->acked + 1));
	if (rc != 0)
		m->reads--;
	sim_assert(s, rc == 0 || rc == SVCD_ENOLEADER);
	sim_end(m, 0);
}

void sim_change(struct member *m, enum driver_change change, uint64_t node)
{
	static const char *const names[] = {"add", "promote", "demote", "remove"};
	struct sim *s = m->sim;
	int rc;

	sim_begin(m);
	m->tickets++;
	rc = driver_change(
		m->driver, s->now_ms, change, node, (void *)(uintptr_t)UINT32_MAX);
	if (rc != 0)
		m->tickets--;
	if (rc == 0) {
		s->counts.changes++;
		sim_trace(s, "%llu: %s %llu", (unsigned long long)m->node, names[change],
			(unsigned long long)node);
	}
	/* M1: a leader does not take itself out */
	if (node == m->node && (change == DRIVER_DEMOTE || change == DRIVER_REMOVE))
		sim_assert(s, rc != 0);
	sim_end(m, 0);
}

void sim_transfer(struct member *m, uint64_t node)
{
	struct sim *s = m->sim;
	int rc;

	sim_begin(m);
	rc = driver_transfer(m->driver, s->now_ms, node);
	s->counts.transfers += rc == 0;
	sim_trace(s, "%llu: transfer to %llu: %d", (unsigned long long)m->node,
		(unsigned long long)node, rc);
	sim_end(m, 0);
}

/* ---- checkpoints ------------------------------------------------------- */

void sim_take_checkpoint(struct member *m)
{
	struct sim *s = m->sim;

	if (m->taking || m->at.index == 0 ||
		(m->checkpoint && m->checkpoint->index >= m->at.index))
		return;
	m->taking = sim_image_of(m);
	heap_push(&s->timers, &m->taken, s->now_ms + 1 + rng_below(&s->rng, 150));
}

void sim_checkpoint_taken(struct member *m)
{
	struct sim *s = m->sim;
	struct image *i = m->taking;
	uint64_t keep = i->index > s->p.trailing ? i->index - s->p.trailing : 0;
	uint64_t streaming = sim_stream_keep(s, m->node);

	m->taking = NULL;
	if (m->checkpoint && m->checkpoint->index >= i->index) {
		sim_image_drop(i); /* a newer one was installed meanwhile */
		return;
	}
	sim_image_drop(m->checkpoint);
	m->checkpoint = i;
	s->counts.checkpoints++;
	sim_begin(m);
	sim_end(m,
		driver_checkpointed(m->driver, s->now_ms, i->index,
			keep < streaming ? keep : streaming));
}
