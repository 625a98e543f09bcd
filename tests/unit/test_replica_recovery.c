/* replica/recovery.h: crashes while a checkpoint of a leader is installed, and what is
 * refused.
 *
 * The member has the state as of entry 8 and a log of its own; the leader's checkpoint
 * has entries up to 20, the last one of term 5. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crash_steps.h"
#include "replica/recovery.h"
#include "scratch_dir.h"
#include "unit.h"

#define MIB ((uint64_t)1 << 20)
#define APPLIED 8
#define SENT 20
#define SENT_TERM 5

static struct scratch scratch;
static struct datadir dir;

static const struct recovery_options options = {
	.segment_bytes = MIB / 8, .map_bytes = 2 * MIB, .reserve_bytes = 4096};

static void make_scratch(void)
{
	log_set_level(LOG_ERROR);
	scratch_make(&scratch);
}

static void remove_scratch(void)
{
	scratch_remove(&scratch);
}

static void open_dir(void)
{
	struct err e = {0};

	ck_assert_msg(datadir_open(&dir, scratch_path(&scratch, "data"), &e) == 0, "%s",
		e.text);
}

static struct recovered recover(void)
{
	struct recovered r;
	struct err e = {0};

	ck_assert_msg(recovery_open(&dir, &options, &r, &e) == 0, "%s", e.text);
	return r;
}

static void append(struct journal *j, uint64_t upto, uint64_t term)
{
	while (journal_last(j) < upto) {
		struct journal_entry e = {.index = journal_last(j) + 1,
			.term = term,
			.type = 1,
			.payload = bytes_str("entry")};

		ck_assert_int_eq(journal_append(j, &e, 1), 0);
	}
	journal_sync(j);
}

static void write_state(struct store *s, uint64_t index, uint64_t term)
{
	struct tables *t = store_write_begin(s, NULL);
	struct buf members = {0};

	ck_assert_ptr_nonnull(t);
	buf_put_be64(&members, 1);
	buf_put(&members, "who", 3);
	table_put(t, TABLE_META, bytes_str(MEMBERS_KEY), buf_bytes(&members));
	table_put(t, TABLE_EVENT, bytes_str("k"), bytes_of(&index, sizeof(index)));
	ck_assert_int_eq(store_write_commit(s, index, term, NULL), 0);
	buf_fini(&members);
}

/* State as of 8 of term 1, log up to last; behind 8 its entries have that term. */
static void make_member(uint64_t last, uint64_t term)
{
	struct recovered r;

	open_dir();
	r = recover();
	append(r.journal, APPLIED, 1);
	append(r.journal, last, term);
	write_state(r.store, APPLIED, 1);
	recovered_close(&r);
	datadir_close(&dir);
}

/* Of the same cluster; as it lies there when all of it has come in. */
static void make_part(void)
{
	struct store_options o = {.map_bytes = 2 * MIB, .reserve_bytes = 4096};
	char at[600];
	struct store *s;
	uint64_t index, term;

	open_dir();
	strcpy(at, scratch_path(&scratch, "elsewhere"));
	o.dir = at;
	o.cluster = dir.cluster;
	ck_assert_int_eq(store_open(&o, &s, NULL), 0);
	write_state(s, SENT, SENT_TERM);
	ck_assert_int_eq(store_checkpoint(s, scratch_path(&scratch, "data/part"), &index,
				 &term, NULL),
		0);
	store_close(s);
	datadir_close(&dir);
}

static void die(int code, const struct err *e)
{
	if (code == 0)
		return;
	fprintf(stderr, "%s\n", e->text);
	_exit(1);
}

static void receive(struct recovered *r)
{
	struct checkpoint_info info;
	struct err e = {0};
	char part[600];

	strcpy(part, scratch_path(&scratch, "data/part"));
	die(store_checkpoint_inspect(part, false, &info, &e), &e);
	if (r)
		die(store_stage(r->store, part, &e), &e);
	die(checkpoint_receive(&dir, part, &info, &e), &e);
}

/* The steps of an install, in their order. */
static void install(void)
{
	int steps = crash_steps_left;
	struct recovered r;
	struct err e = {0};

	crash_steps_left = 0;
	open_dir();
	r = recover();
	crash_steps_left = steps;
	receive(&r);
	die(journal_reset(r.journal, SENT, SENT_TERM), &e);
	die(store_swap(r.store, &e), &e);
}

static uint64_t value_of(struct recovered *r)
{
	struct reader *reader = store_reader_new(r->store);
	struct tables *t = store_read_begin(reader);
	struct bytes v;
	uint64_t value;

	ck_assert(table_get(t, TABLE_EVENT, bytes_str("k"), &v));
	memcpy(&value, v.data, sizeof(value));
	ck_assert_uint_eq(store_digest(t), store_digest_recompute(t));
	store_read_end(reader);
	store_reader_free(reader);
	return value;
}

/* State and log fit together; returns what the state has. */
static uint64_t check(struct recovered *r)
{
	journal_check(r->journal);
	if (r->applied > 0)
		ck_assert_uint_eq(value_of(r), r->applied);
	ck_assert_uint_le(journal_first(r->journal), r->applied + 1);
	ck_assert_uint_ge(journal_last(r->journal), r->applied);
	ck_assert_uint_eq(journal_term(r->journal, r->applied), r->applied_term);
	ck_assert(r->checkpoints.n == 0 ||
		r->checkpoints.index[0] <= journal_last(r->journal));
	return r->applied;
}

static void distrust(void)
{
	ck_assert_int_eq(unlink(scratch_path(&scratch, "data/clean")), 0);
}

/* The log of the member when the checkpoint comes. */
static const struct {
	uint64_t last, term;
} logs[] = {
	{APPLIED, 1},   /* nothing more */
	{12, 4},        /* entries that lost */
	{12, 9},        /* of a leader that was later, and lost */
	{SENT, 4},      /* as far, another one there */
	{SENT + 10, 9}, /* further, all lost */
};

static void crash_everywhere(uint64_t last, uint64_t term, bool trusted)
{
	bool was_old = false, was_new = false, done = false;

	for (int steps = 1; !done; steps++) {
		struct recovered r;
		uint64_t applied;

		make_member(last, term);
		make_part();
		done = crash_in_child(steps, install);
		if (!trusted)
			distrust();
		open_dir();
		r = recover();
		applied = check(&r);
		was_old |= applied != SENT;
		was_new |= applied == SENT;
		ck_assert(applied == SENT || !was_new);
		ck_assert(applied == SENT || applied == (trusted ? APPLIED : 0));
		ck_assert(applied == SENT || journal_last(r.journal) == last);
		append(r.journal, journal_last(r.journal) + 3, 9); /* it goes on */
		recovered_close(&r);
		r = recover();
		ck_assert_uint_eq(check(&r), applied);
		recovered_close(&r);
		datadir_close(&dir);
		scratch_remove(&scratch);
		scratch_make(&scratch);
	}
	ck_assert(was_old && was_new);
}

START_TEST(a_crash_at_any_step_of_an_install_is_recovered)
{
	crash_everywhere(logs[_i].last, logs[_i].term, true);
}
END_TEST

START_TEST(also_when_the_state_cannot_be_trusted)
{
	crash_everywhere(logs[_i].last, logs[_i].term, false);
}
END_TEST

/* ---- named, and not installed --------------------------------------------- */

static void name_part(void)
{
	make_part();
	open_dir();
	receive(NULL);
	datadir_close(&dir);
}

START_TEST(a_log_that_has_the_checkpoint_loses_nothing)
{
	struct recovered r;

	make_member(SENT, SENT_TERM);
	open_dir();
	r = recover();
	append(r.journal, SENT + 10, SENT_TERM);
	recovered_close(&r);
	datadir_close(&dir);
	name_part();
	open_dir();
	r = recover();
	ck_assert_uint_eq(check(&r), APPLIED);
	ck_assert_uint_eq(journal_last(r.journal), SENT + 10);
	recovered_close(&r);
	distrust();
	r = recover(); /* the checkpoint is good for this */
	ck_assert_uint_eq(check(&r), SENT);
	ck_assert_uint_eq(journal_last(r.journal), SENT + 10);
	recovered_close(&r);
	datadir_close(&dir);
}
END_TEST

static void flip_checkpoint(void)
{
	char name[64];
	uint8_t byte;
	int fd;

	snprintf(name, sizeof(name), "data/checkpoint/%016x.ckpt", SENT);
	fd = open(scratch_path(&scratch, name), O_RDWR);
	ck_assert_int_eq(pread(fd, &byte, 1, 9000), 1);
	byte ^= 1;
	ck_assert_int_eq(pwrite(fd, &byte, 1, 9000), 1);
	close(fd);
}

START_TEST(a_damaged_checkpoint_leaves_state_and_log_as_they_are)
{
	struct recovered r;

	make_member(12, 4);
	name_part();
	flip_checkpoint();
	open_dir();
	r = recover();
	ck_assert_uint_eq(check(&r), APPLIED);
	ck_assert_uint_eq(journal_last(r.journal), 12);
	recovered_close(&r);
	distrust();
	r = recover();
	ck_assert_uint_eq(check(&r), 0); /* all of it is in the log */
	ck_assert_uint_eq(journal_last(r.journal), 12);
	recovered_close(&r);
	datadir_close(&dir);
}
END_TEST

/* The end of our log is an interrupted write, whatever a leader's checkpoint reaches. */
START_TEST(a_log_torn_before_a_leaders_checkpoint_is_cut)
{
	struct recovered r;
	uint8_t *data, *at, *last = NULL;
	int fd;

	make_member(12, 4);
	name_part();
	data = malloc(MIB / 8);
	fd = open(scratch_path(&scratch, "data/log/0000000000000001.seg"), O_RDWR);
	ck_assert_int_eq(read(fd, data, MIB / 8), (ssize_t)(MIB / 8));
	for (at = data; (at = memmem(at, MIB / 8 - (size_t)(at - data), "entry", 5));
		at++)
		last = at;
	ck_assert_ptr_nonnull(last);
	ck_assert_int_eq(pwrite(fd, "torn", 4, last - data), 4);
	close(fd);
	free(data);
	distrust();
	open_dir();
	r = recover();
	ck_assert_uint_eq(check(&r), SENT);
	ck_assert_uint_eq(journal_first(r.journal), SENT + 1);
	recovered_close(&r);
	datadir_close(&dir);
}
END_TEST

static void expect_refusal(int code, const char *text)
{
	struct recovered r;
	struct err e = {0};

	open_dir();
	ck_assert_int_eq(recovery_open(&dir, &options, &r, &e), code);
	ck_assert_msg(strstr(e.text, text) != NULL, "%s", e.text);
	datadir_close(&dir);
}

/* What we made ourselves was in our log: it lost its end. */
START_TEST(a_checkpoint_of_our_own_ahead_of_the_log_is_refused)
{
	make_member(12, 4);
	name_part();
	ck_assert_int_eq(unlink(scratch_path(&scratch, "data/received")), 0);
	distrust();
	expect_refusal(SVCD_ECORRUPT, "a part of the log is lost");
}
END_TEST

START_TEST(a_note_of_another_checkpoint_excuses_nothing)
{
	char text[64];
	struct err e = {0};

	make_member(12, 4);
	name_part();
	snprintf(text, sizeof(text), "index %016x term %016x\n", SENT - 1, SENT_TERM);
	open_dir();
	ck_assert_int_eq(datadir_write(&dir, "received", bytes_str(text), &e), 0);
	datadir_close(&dir);
	distrust();
	expect_refusal(SVCD_ECORRUPT, "a part of the log is lost");
}
END_TEST

START_TEST(state_and_log_of_different_histories_are_refused)
{
	struct recovered r;

	make_member(12, 4);
	open_dir();
	r = recover();
	journal_truncate(r.journal, APPLIED);
	append(r.journal, 12, 3);
	recovered_close(&r);
	datadir_close(&dir);
	expect_refusal(SVCD_ECORRUPT, "different histories");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("replica_recovery");
	TCase *tc = unit_case(s, "recovery");

	/* only processes die here: memory is as good a disk, and syncs cost nothing */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);

	tcase_add_checked_fixture(tc, make_scratch, remove_scratch);
	tcase_add_loop_test(
		tc, a_crash_at_any_step_of_an_install_is_recovered, 0, (int)LENGTH(logs));
	tcase_add_loop_test(
		tc, also_when_the_state_cannot_be_trusted, 0, (int)LENGTH(logs));
	tcase_add_test(tc, a_log_that_has_the_checkpoint_loses_nothing);
	tcase_add_test(tc, a_damaged_checkpoint_leaves_state_and_log_as_they_are);
	tcase_add_test(tc, a_log_torn_before_a_leaders_checkpoint_is_cut);
	tcase_add_test(tc, a_checkpoint_of_our_own_ahead_of_the_log_is_refused);
	tcase_add_test(tc, a_note_of_another_checkpoint_excuses_nothing);
	tcase_add_test(tc, state_and_log_of_different_histories_are_refused);
	return unit_run(s);
}
