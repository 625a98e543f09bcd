/*
 * replica/driver.h with three and five voters on one simulated network and disks of their
 * own: messages are lost, doubled and late, links break, members crash at any write.
 * Never two leaders in a term, never two entries at an applied index, never an
 * acknowledged entry lost; and when all heals, they agree.
 */
#include <raft.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "fake_disk.h"
#include "replica/driver.h"

#define MEMBERS_MAX 5
#define INDEX_MAX 4096
#define TERM_MAX 4096
#define ELECTION_MS 150
#define HEARTBEAT_MS 40

static const struct journal_options journal_options = {
	.segment_bytes = 65536, .cluster = 1, .seed = 9};

struct sim;

struct member {
	struct sim *sim;
	unsigned number; /* node is number + 1 */
	struct fake_disk disk;
	struct journal *journal;
	struct ballot ballot;
	struct driver *driver; /* NULL: down */
	uint64_t up_ms;        /* when down: time to start again */
	uint64_t applied, applied_term, began, began_term;
	uint64_t members_index;
	struct buf members;
};

struct letter {
	struct heap_node node; /* by time of arrival */
	unsigned to;
	uint64_t life; /* of the receiver: letters to an earlier one are lost */
	struct raft_message m;
	struct raft_entry *entries;
	uint8_t *bodies;
};

struct sim {
	struct rng rng;
	uint64_t now_ms;
	unsigned n;
	struct member members[MEMBERS_MAX];
	uint64_t lives[MEMBERS_MAX];
	bool cut[MEMBERS_MAX][MEMBERS_MAX]; /* from, to */
	bool calm;
	struct heap mail;
	uint64_t leader_of[TERM_MAX];
	uint64_t truth[INDEX_MAX]; /* hash of what was applied at an index by anybody; 0:
				      nothing */
	bool acknowledged[INDEX_MAX];
	uint64_t acks, elections, crashes;
};

/* ---- the machine: all members must apply the same ---------------------- */

static int machine_begin(void *arg)
{
	struct member *m = arg;

	m->began = m->applied;
	return 0;
}

static uint64_t entry_hash(const struct driver_entry *e)
{
	return bytes_hash_seed(e->payload, e->term * 4 + e->type) | 1;
}

static int machine_entry(void *arg, const struct driver_entry *e)
{
	struct member *m = arg;
	struct sim *s = m->sim;
	uint64_t hash = entry_hash(e);

	ck_assert_uint_lt(e->index, INDEX_MAX);
	ck_assert_uint_eq(e->index, ++m->began);
	if (m->disk.crashed)
		return 0;
	ck_assert(s->truth[e->index] == 0 || s->truth[e->index] == hash);
	s->truth[e->index] = hash;
	if (e->type == ENTRY_MEMBERS) {
		m->members_index = e->index;
		buf_clear(&m->members);
		buf_put_bytes(&m->members, e->payload);
	}
	if (e->ticket) {
		s->acknowledged[e->index] = true;
		s->acks++;
	}
	return 0;
}

static int machine_commit(void *arg, uint64_t index, uint64_t term)
{
	struct member *m = arg;

	if (!m->disk.crashed) {
		m->applied = index;
		m->applied_term = term;
	}
	return 0;
}

static void machine_abort(void *arg)
{
	(void)arg;
}

static void machine_lost(void *arg, void *ticket, int code)
{
	(void)arg;
	(void)ticket;
	(void)code;
}

static void machine_changed(void *arg)
{
	struct member *m = arg;
	struct driver_status st;

	if (!m->driver || m->disk.crashed)
		return;
	driver_status(m->driver, &st);
	ck_assert_uint_lt(st.term, TERM_MAX);
	if (st.role != DRIVER_LEADER)
		return;
	ck_assert(m->sim->leader_of[st.term] == 0 ||
		m->sim->leader_of[st.term] == m->number + 1);
	m->sim->elections += m->sim->leader_of[st.term] == 0;
	m->sim->leader_of[st.term] = m->number + 1;
}

static const struct driver_machine machine = {
	.begin = machine_begin,
	.entry = machine_entry,
	.commit = machine_commit,
	.abort = machine_abort,
	.lost = machine_lost,
	.changed = machine_changed,
};

/* ---- the network ------------------------------------------------------- */

static const char *const addresses[MEMBERS_MAX] = {"1", "2", "3", "4", "5"};

static void letter_free(struct letter *l)
{
	free(l->entries);
	free(l->bodies);
	free(l);
}

static void copy_entries(struct letter *l)
{
	struct raft_append_entries *ae = &l->m.append_entries;
	size_t bytes = 0, at = 0;

	for (unsigned i = 0; i < ae->n_entries; i++)
		bytes += ae->entries[i].buf.len;
	l->entries = calloc(ae->n_entries, sizeof(*l->entries));
	l->bodies = malloc(bytes + 1);
	for (unsigned i = 0; i < ae->n_entries; i++) {
		l->entries[i] = ae->entries[i];
		l->entries[i].buf.base = l->bodies + at;
		if (ae->entries[i].buf.len)
			memcpy(l->bodies + at, ae->entries[i].buf.base,
				ae->entries[i].buf.len);
		at += ae->entries[i].buf.len;
	}
	ae->entries = l->entries;
}

static uint64_t delay_ms(struct sim *s)
{
	if (!s->calm && rng_below(&s->rng, 33) == 0)
		return 1 + rng_below(&s->rng, 1500);
	return 1 + rng_below(&s->rng, 30);
}

static void post(struct sim *s, unsigned from, const struct raft_message *m)
{
	struct letter *l = calloc(1, sizeof(*l));

	l->to = (unsigned)m->server_id - 1;
	l->life = s->lives[l->to];
	l->m = *m;
	l->m.server_id = from + 1;
	l->m.server_address = addresses[from];
	if (m->type == RAFT_APPEND_ENTRIES && m->append_entries.n_entries)
		copy_entries(l);
	ck_assert_int_eq(heap_push(&s->mail, &l->node, s->now_ms + delay_ms(s)), 0);
}

static void on_send(void *arg, const struct raft_message *m)
{
	struct member *from = arg;
	struct sim *s = from->sim;

	ck_assert_uint_le(m->server_id, s->n);
	if (from->disk.crashed || s->cut[from->number][m->server_id - 1])
		return;
	if (!s->calm && rng_below(&s->rng, 16) == 0)
		return;
	post(s, from->number, m);
	if (!s->calm && rng_below(&s->rng, 16) == 0)
		post(s, from->number, m);
}

static const struct driver_transport transport = {.send = on_send};

/* ---- members ----------------------------------------------------------- */

static void bootstrap(struct member *m)
{
	struct raft_configuration c;
	struct raft_buffer b;
	struct journal_entry e = {.index = 1, .term = 1, .type = ENTRY_MEMBERS};

	raft_configuration_init(&c);
	for (unsigned i = 0; i < m->sim->n; i++)
		ck_assert_int_eq(
			raft_configuration_add(&c, i + 1, addresses[i], RAFT_VOTER), 0);
	ck_assert_int_eq(raft_configuration_encode(&c, &b), 0);
	raft_configuration_close(&c);
	e.payload = bytes_of(b.base, b.len);
	ck_assert_int_eq(journal_append(m->journal, &e, 1), 0);
	journal_sync(m->journal);
	ballot_write(&m->ballot, 1, 0);
	raft_free(b.base);
}

static void start(struct member *m)
{
	struct sim *s = m->sim;
	struct driver_options o;
	struct err e = {0};

	ck_assert_msg(journal_open(&m->disk.disk, &journal_options, &m->journal, &e) == 0,
		"%s", e.text);
	ck_assert_msg(ballot_open(&m->ballot, &m->disk.disk, &e) == 0, "%s", e.text);
	if (journal_last(m->journal) == 0)
		bootstrap(m);
	ck_assert_uint_le(m->applied, journal_last(m->journal));
	o = (struct driver_options){
		.node = m->number + 1,
		.journal = m->journal,
		.ballot = &m->ballot,
		.snapshot = {.index = m->applied,
			.term = m->applied_term,
			.members_index = m->members_index,
			.members = buf_bytes(&m->members)},
		.machine = &machine,
		.transport = &transport,
		.arg = m,
		.election_ms = ELECTION_MS,
		.heartbeat_ms = HEARTBEAT_MS,
		.seed = (uint32_t)rng_next(&s->rng),
	};
	s->lives[m->number]++;
	ck_assert_msg(driver_start(&o, s->now_ms, &m->driver, &e) == 0, "%s", e.text);
}

static void stop(struct member *m)
{
	driver_free(m->driver);
	journal_close(m->journal);
	ballot_close(&m->ballot);
	m->driver = NULL;
}

static void crash(struct sim *s, struct member *m)
{
	stop(m);
	fake_disk_resume(&m->disk);
	if (rng_below(&s->rng, 3) == 0) {
		m->applied = m->applied_term = m->members_index = 0;
		buf_clear(&m->members);
	}
	m->up_ms = s->now_ms + rng_below(&s->rng, 1000);
	s->crashes++;
}

/* ---- the run ----------------------------------------------------------- */

static void propose(struct sim *s, struct member *m)
{
	uint8_t payload[200];
	size_t len = 8 + rng_below(&s->rng, sizeof(payload) - 8);
	int rc;

	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)rng_next(&s->rng);
	rc = driver_submit(m->driver, s->now_ms, bytes_of(payload, len), s);
	ck_assert(rc == 0 || rc == SVCD_EAGAIN || rc == SVCD_ENOLEADER);
}

static void deliver(struct sim *s)
{
	struct heap_node *n;

	while ((n = heap_min(&s->mail)) != NULL && n->key <= s->now_ms) {
		struct letter *l = container_of(n, struct letter, node);
		struct member *m = &s->members[l->to];

		heap_remove(&s->mail, n);
		if (m->driver && l->life == s->lives[l->to] && !m->disk.crashed)
			ck_assert_int_eq(driver_receive(m->driver, s->now_ms, &l->m), 0);
		letter_free(l);
	}
}

static void trouble(struct sim *s)
{
	unsigned a = (unsigned)rng_below(&s->rng, s->n),
		 b = (unsigned)rng_below(&s->rng, s->n);

	switch (rng_below(&s->rng, 400)) {
	case 0:
		if (s->members[a].driver)
			fake_disk_crash_in(
				&s->members[a].disk, rng_below(&s->rng, 20), &s->rng);
		break;
	case 1:
	case 2:
		s->cut[a][b] = true;
		break;
	case 3:
		for (unsigned i = 0; i < s->n; i++)
			s->cut[a][i] = s->cut[i][a] = true;
		break;
	case 4:
	case 5:
	case 6:
		memset(s->cut, 0, sizeof(s->cut));
		break;
	default:
		break;
	}
}

static void run_member(struct sim *s, struct member *m)
{
	if (m->driver && m->disk.crashed)
		crash(s, m);
	if (!m->driver && s->now_ms >= m->up_ms)
		start(m);
	if (!m->driver)
		return;
	if (driver_due_ms(m->driver) <= s->now_ms)
		ck_assert_int_eq(driver_tick(m->driver, s->now_ms), 0);
	if (rng_below(&s->rng, 20) == 0 && journal_last(m->journal) + 200 < INDEX_MAX)
		propose(s, m);
}

static void run_for(struct sim *s, uint64_t ms)
{
	for (uint64_t end = s->now_ms + ms; s->now_ms < end; s->now_ms++) {
		if (!s->calm)
			trouble(s);
		deliver(s);
		for (unsigned i = 0; i < s->n; i++)
			run_member(s, &s->members[i]);
	}
}

/* A leader, everybody up to its last entry, every acknowledged entry with everybody. */
static bool agrees(struct sim *s)
{
	unsigned leaders = 0;

	for (unsigned i = 0; i < s->n; i++) {
		struct driver_status st;

		if (!s->members[i].driver)
			return false;
		driver_status(s->members[i].driver, &st);
		leaders += st.ready;
		if (s->members[i].applied != s->members[0].applied)
			return false;
	}
	return leaders == 1;
}

static void check_acknowledged(const struct sim *s)
{
	for (uint64_t i = 0; i < INDEX_MAX; i++)
		ck_assert(!s->acknowledged[i] || i <= s->members[0].applied);
}

static void heal(struct sim *s)
{
	s->calm = true;
	memset(s->cut, 0, sizeof(s->cut));
	for (unsigned i = 0; i < s->n; i++)
		s->members[i].disk.crash_at = 0;
	run_for(s, 3000);
	for (int i = 0; i < 5000 && !agrees(s); i++)
		run_for(s, 1);
	ck_assert(agrees(s));
	check_acknowledged(s);
}

static void simulate(uint64_t seed, unsigned n)
{
	struct sim *s = calloc(1, sizeof(*s));
	struct heap_node *mail;

	rng_seed(&s->rng, seed);
	s->n = n;
	heap_init(&s->mail);
	for (unsigned i = 0; i < n; i++) {
		s->members[i].sim = s;
		s->members[i].number = i;
		fake_disk_init(&s->members[i].disk);
	}
	run_for(s, 6000);
	heal(s);
	ck_assert_uint_gt(s->acks, 0);
	if (getenv("SVCD_SIM_SEEDS"))
		fprintf(stderr,
			"seed %llu: %llu acknowledged, %llu elections, %llu crashes\n",
			(unsigned long long)seed, (unsigned long long)s->acks,
			(unsigned long long)s->elections, (unsigned long long)s->crashes);
	for (unsigned i = 0; i < n; i++) {
		stop(&s->members[i]);
		buf_fini(&s->members[i].members);
		fake_disk_fini(&s->members[i].disk);
	}
	while ((mail = heap_min(&s->mail)) != NULL) {
		heap_remove(&s->mail, mail);
		letter_free(container_of(mail, struct letter, node));
	}
	heap_fini(&s->mail);
	free(s);
}

/* SVCD_SIM_SEEDS and SVCD_SIM_FIRST: more of them, from there. */
static uint64_t from_environment(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : fallback;
}

static void simulate_some(unsigned n, uint64_t seeds)
{
	uint64_t first = from_environment("SVCD_SIM_FIRST", 0);

	log_set_level(LOG_ERROR);
	seeds = from_environment("SVCD_SIM_SEEDS", seeds);
	for (uint64_t seed = first; seed < first + seeds; seed++)
		simulate(seed, n);
}

START_TEST(three_members_agree_after_any_trouble)
{
	simulate_some(3, 60);
}
END_TEST

START_TEST(five_members_agree_after_any_trouble)
{
	simulate_some(5, 30);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("driver_cluster");
	TCase *tc = unit_case(s, "trouble");

	tcase_set_timeout(tc, getenv("SVCD_SIM_SEEDS") ? 0 : 120);
	tcase_add_test(tc, three_members_agree_after_any_trouble);
	tcase_add_test(tc, five_members_agree_after_any_trouble);
	return unit_run(s);
}
