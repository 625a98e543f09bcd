/*
 * replica/driver.h with one voter: crashes at any write, on a disk that tears and
 * forgets. What was acknowledged is applied again by every later life; what is applied
 * once at an index stays what it is.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fake_disk.h"
#include "replica/driver.h"
#include "../unit/unit.h"

#define NODE 5
#define INDEX_MAX 8192

static const struct journal_options journal_options = {
	.segment_bytes = 32768, .cluster = 1, .seed = 9};

/* What the machine has, beside the entries. */
struct position {
	uint64_t applied, term;
	uint64_t members_index;
	uint8_t members[256];
	size_t members_len;
};

/* A member. Its machine survives a crash, as the state of a killed process does, or falls
 * back to its checkpoint. */
struct member {
	struct fake_disk disk;
	struct journal *journal;
	struct ballot ballot;
	struct driver *driver;
	struct rng rng;
	uint64_t now_ms;

	struct position at, checkpoint; /* the machine */
	uint64_t hash[INDEX_MAX];
	uint64_t began; /* newest entry seen, also of a life that has crashed already */
	bool full;      /* says no space */

	uint64_t truth[INDEX_MAX]; /* payload's hash of what was acknowledged at an index;
				      0: nothing */
	uint64_t answered;         /* since this life began */
	uint64_t lost;
};

/* ---- the machine ------------------------------------------------------- */

static int machine_begin(void *arg)
{
	struct member *m = arg;

	return m->full ? SVCD_ENOSPACE : 0;
}

static int machine_entry(void *arg, const struct driver_entry *e)
{
	struct member *m = arg;

	ck_assert_uint_lt(e->index, INDEX_MAX);
	ck_assert_uint_eq(e->index, m->began + 1);
	m->began = e->index;
	if (m->disk.crashed)
		return 0;
	m->hash[e->index] = bytes_hash(e->payload);
	if (e->type == ENTRY_MEMBERS) {
		ck_assert_uint_le(e->payload.len, sizeof(m->at.members));
		memcpy(m->at.members, e->payload.data, e->payload.len);
		m->at.members_len = e->payload.len;
		m->at.members_index = e->index;
	}
	if (m->truth[e->index])
		ck_assert_uint_eq(m->truth[e->index], m->hash[e->index]);
	if (e->ticket) {
		ck_assert_uint_eq((uintptr_t)e->ticket, m->hash[e->index] | 1);
		m->truth[e->index] = m->hash[e->index];
		m->answered++;
	}
	return 0;
}

static int machine_commit(void *arg, uint64_t index, uint64_t term)
{
	struct member *m = arg;

	ck_assert_uint_eq(index, m->began);
	/* A state in memory may be ahead of what a crash leaves only if the entries are
	 * durable. */
	if (!m->disk.crashed) {
		m->at.applied = index;
		m->at.term = term;
	}
	return 0;
}

static void machine_abort(void *arg)
{
	(void)arg;
}

static void machine_lost(void *arg, void *ticket, int code)
{
	struct member *m = arg;

	(void)ticket;
	ck_assert(code == SVCD_EUNKNOWN || code == SVCD_ENOLEADER);
	m->lost++;
}

static const struct driver_machine machine = {
	.begin = machine_begin,
	.entry = machine_entry,
	.commit = machine_commit,
	.abort = machine_abort,
	.lost = machine_lost,
};

/* ---- lives ------------------------------------------------------------- */

static void check_truth(const struct member *m)
{
	for (uint64_t i = 1; i < INDEX_MAX; i++)
		if (m->truth[i]) {
			ck_assert_uint_le(i, m->at.applied);
			ck_assert_uint_eq(m->hash[i], m->truth[i]);
		}
}

static int member_open(struct member *m, struct err *e)
{
	int rc = journal_open(&m->disk.disk, &journal_options, &m->journal, e);

	return rc == 0 ? ballot_open(&m->ballot, &m->disk.disk, e) : rc;
}

static void member_start(struct member *m)
{
	struct driver_options o;
	struct err e = {0};

	ck_assert_msg(member_open(m, &e) == 0, "%s", e.text);
	if (journal_last(m->journal) == 0 && m->ballot.term == 0)
		ck_assert_int_eq(driver_bootstrap(m->journal, &m->ballot, NODE), 0);
	ck_assert_uint_le(m->at.applied, journal_last(m->journal));
	o = (struct driver_options){
		.node = NODE,
		.journal = m->journal,
		.ballot = &m->ballot,
		.snapshot = {.index = m->at.applied,
			.term = m->at.term,
			.members_index = m->at.members_index,
			.members = bytes_of(m->at.members, m->at.members_len)},
		.machine = &machine,
		.arg = m,
		.election_ms = 300,
		.heartbeat_ms = 50,
		.seed = (uint32_t)rng_next(&m->rng),
	};
	m->answered = 0;
	m->began = m->at.applied;
	ck_assert_msg(driver_start(&o, m->now_ms, &m->driver, &e) == 0, "%s", e.text);
	if (m->disk.crashed)
		return;
	ck_assert_uint_eq(m->at.applied, journal_last(m->journal));
	check_truth(m);
}

static void member_stop(struct member *m)
{
	driver_free(m->driver);
	journal_close(m->journal);
	ballot_close(&m->ballot);
	m->driver = NULL;
}

static struct member *member_new(uint64_t seed)
{
	struct member *m = calloc(1, sizeof(*m));

	ck_assert_ptr_nonnull(m);
	log_set_level(LOG_ERROR);
	fake_disk_init(&m->disk);
	rng_seed(&m->rng, seed);
	member_start(m);
	return m;
}

static void member_free(struct member *m)
{
	if (m->driver)
		member_stop(m);
	fake_disk_fini(&m->disk);
	free(m);
}

/* The process is killed, or the machine goes down and the state with it. */
static void member_crash(struct member *m)
{
	member_stop(m);
	fake_disk_resume(&m->disk);
	if (rng_below(&m->rng, 3) == 0)
		m->at = m->checkpoint;
	if (rng_below(&m->rng, 2) == 0)
		fake_disk_crash_in(&m->disk, rng_below(&m->rng, 20), &m->rng);
	member_start(m);
}

static int propose(struct member *m)
{
	uint8_t payload[2000];
	size_t len = 1 + rng_below(&m->rng, sizeof(payload) - 1);
	struct bytes b = bytes_of(payload, len);

	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)rng_next(&m->rng);
	return driver_submit(
		m->driver, m->now_ms, b, (void *)(uintptr_t)(bytes_hash(b) | 1));
}

static void take_checkpoint(struct member *m)
{
	uint64_t keep = m->checkpoint.applied;

	m->checkpoint = m->at;
	ck_assert_int_eq(
		driver_checkpointed(m->driver, m->now_ms, m->at.applied, keep), 0);
}

static void step(struct member *m)
{
	m->now_ms += rng_below(&m->rng, 100);
	if (m->disk.crashed) {
		member_crash(m);
		return;
	}
	switch (rng_below(&m->rng, 30)) {
	case 0:
		fake_disk_crash_in(&m->disk, rng_below(&m->rng, 30), &m->rng);
		break;
	case 1:
		ck_assert_int_eq(driver_tick(m->driver, m->now_ms), 0);
		break;
	case 2:
		take_checkpoint(m);
		break;
	default:
		ck_assert_int_eq(propose(m), 0);
	}
}

static void run(uint64_t seed, int steps, bool sync_lies)
{
	struct member *m = member_new(seed);

	m->disk.sync_lies = sync_lies;
	while (steps-- > 0 && journal_last(m->journal) + 10 < INDEX_MAX)
		step(m);
	while (m->disk.crashed)
		member_crash(m);
	member_crash(m);
	while (m->disk.crashed)
		member_crash(m);
	check_truth(m);
	member_free(m);
}

START_TEST(what_was_acknowledged_survives_a_crash_at_any_write)
{
	for (uint64_t seed = 0; seed < 12; seed++)
		run((uint64_t)_i * 1000 + seed, 300, false);
}
END_TEST

START_TEST(a_sync_that_does_nothing_is_found)
{
	run(1, 2000, true);
}
END_TEST

/* ---- single behaviours ------------------------------------------------- */

START_TEST(a_sole_voter_leads_at_once_and_in_a_new_term)
{
	struct member *m = member_new(1);
	struct driver_status s, again;

	driver_status(m->driver, &s);
	ck_assert_int_eq(s.role, DRIVER_LEADER);
	ck_assert(s.ready);
	ck_assert_uint_eq(s.leader, NODE);
	ck_assert_uint_eq(s.voters, 1);
	ck_assert_uint_eq(m->ballot.vote, NODE);
	ck_assert_uint_eq(driver_due_ms(m->driver), UINT64_MAX); /* by time: nothing */
	member_stop(m);
	member_start(m);
	driver_status(m->driver, &again);
	ck_assert_uint_gt(again.term, s.term);
	member_free(m);
}
END_TEST

START_TEST(an_entry_is_applied_before_submit_returns)
{
	struct member *m = member_new(1);

	for (uint64_t i = 1; i <= 10; i++) {
		ck_assert_int_eq(propose(m), 0);
		ck_assert_uint_eq(m->answered, i);
	}
	member_free(m);
}
END_TEST

START_TEST(a_machine_without_space_is_asked_again_later)
{
	struct member *m = member_new(1);

	m->full = true;
	ck_assert_int_eq(propose(m), 0);
	ck_assert_int_eq(propose(m), 0);
	ck_assert_uint_eq(m->answered, 0);
	ck_assert_int_eq(propose(m), SVCD_EAGAIN); /* enough in flight */
	ck_assert_uint_eq(driver_due_ms(m->driver), m->now_ms + 1000);
	m->full = false;
	ck_assert_int_eq(driver_tick(m->driver, m->now_ms + 999), 0);
	ck_assert_uint_eq(m->answered, 0);
	ck_assert_int_eq(driver_tick(m->driver, m->now_ms + 1000), 0);
	ck_assert_uint_eq(m->answered, 2);
	ck_assert_uint_eq(m->lost, 0);
	ck_assert_uint_eq(driver_due_ms(m->driver), UINT64_MAX);
	member_free(m);
}
END_TEST

START_TEST(a_full_log_disk_refuses_and_nothing_is_pending)
{
	struct member *m = member_new(1);
	int rc = 0;

	m->disk.capacity = 3 * 32768;
	while (rc == 0)
		rc = propose(m);
	ck_assert_int_eq(rc, SVCD_ENOSPACE);
	m->disk.capacity = 0;
	ck_assert_int_eq(propose(m), 0);
	check_truth(m);
	member_free(m);
}
END_TEST

START_TEST(what_is_in_flight_at_the_end_is_unknown)
{
	struct member *m = member_new(1);

	m->full = true;
	ck_assert_int_eq(propose(m), 0);
	member_stop(m);
	ck_assert_uint_eq(m->lost, 1);
	m->full = false;
	member_start(m);
	/* it was in the log, and is applied now */
	ck_assert_uint_eq(m->at.applied, journal_last(m->journal));
	member_free(m);
}
END_TEST

START_TEST(a_checkpoint_cuts_the_log_and_a_start_goes_on_behind_it)
{
	struct member *m = member_new(3);
	uint64_t index;

	for (int i = 0; i < 200; i++)
		ck_assert_int_eq(propose(m), 0);
	index = m->at.applied;
	ck_assert_int_eq(driver_checkpointed(m->driver, m->now_ms, index, index - 50), 0);
	ck_assert_uint_gt(journal_first(m->journal), 50);
	ck_assert_uint_le(journal_first(m->journal), index - 49);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(propose(m), 0);
	for (int i = 0; i < 3; i++) {
		member_stop(m);
		member_start(m);
		ck_assert_int_eq(propose(m), 0);
	}
	index = m->at.applied;
	ck_assert_int_eq(driver_checkpointed(m->driver, m->now_ms, index, index), 0);
	ck_assert_int_eq(driver_checkpointed(m->driver, m->now_ms, index, index),
		0); /* again: nothing to do */
	ck_assert_int_eq(propose(m), 0);
	check_truth(m);
	member_free(m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("driver");
	TCase *sole = unit_case(s, "sole voter");
	TCase *crash = unit_case(s, "crash");

	tcase_add_test(sole, a_sole_voter_leads_at_once_and_in_a_new_term);
	tcase_add_test(sole, an_entry_is_applied_before_submit_returns);
	tcase_add_test(sole, a_machine_without_space_is_asked_again_later);
	tcase_add_test(sole, a_full_log_disk_refuses_and_nothing_is_pending);
	tcase_add_test(sole, what_is_in_flight_at_the_end_is_unknown);
	tcase_add_test(sole, a_checkpoint_cuts_the_log_and_a_start_goes_on_behind_it);

	tcase_add_loop_test(
		crash, what_was_acknowledged_survives_a_crash_at_any_write, 0, 6);
	tcase_add_exit_test(crash, a_sync_that_does_nothing_is_found, 1);
	return unit_run(s);
}
