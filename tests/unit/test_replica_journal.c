/* replica/journal.h, ballot.h, crc32c.h: on a disk that tears, forgets and is full. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "replica/ballot.h"
#include "replica/crc32c.h"
#include "replica/journal.h"
#include "../sim/fake_disk.h"
#include "scratch_dir.h"
#include "unit.h"

#define SEGMENT ((uint64_t)16384)
#define ENTRIES_MAX 4096
#define CLUSTER 77

static const struct journal_options options = {
	.segment_bytes = SEGMENT, .cluster = CLUSTER, .seed = 5};

static struct fake_disk disk;

static void make_disk(void)
{
	log_set_level(LOG_ERROR);
	fake_disk_init(&disk);
}

static void drop_disk(void)
{
	fake_disk_fini(&disk);
}

static struct journal *open_with(const struct journal_options *o)
{
	struct journal *j = NULL;
	struct err e = {0};

	ck_assert_msg(journal_open(&disk.disk, o, &j, &e) == 0, "%s", e.text);
	journal_check(j);
	return j;
}

static struct journal *open_journal(void)
{
	return open_with(&options);
}

static void expect_refusal(const struct journal_options *o, int code, const char *text)
{
	struct journal *j;
	struct err e = {0};

	ck_assert_int_eq(journal_open(&disk.disk, o, &j, &e), code);
	ck_assert_msg(strstr(e.text, text) != NULL, "%s", e.text);
	ck_assert_int_eq(disk.open_files, 0);
}

/* An entry whose payload tells who it is. */
static struct journal_entry entry(uint64_t index, uint64_t term, size_t len)
{
	static uint8_t payload[8192];

	ck_assert_uint_le(len, sizeof(payload));
	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)(index * 31 + term * 7 + len * 13 + i);
	return (struct journal_entry){.index = index,
		.term = term,
		.type = 1,
		.payload = bytes_of(payload, len)};
}

static void append(struct journal *j, uint64_t term, size_t len)
{
	struct journal_entry e = entry(journal_last(j) + 1, term, len);

	ck_assert_int_eq(journal_append(j, &e, 1), 0);
}

static void append_synced(struct journal *j, uint64_t term, size_t len, int n)
{
	while (n-- > 0) {
		append(j, term, len);
		journal_sync(j);
	}
}

static void check_entry(struct journal *j, uint64_t index, uint64_t term, size_t len)
{
	struct journal_entry want = entry(index, term, len), got;
	struct buf scratch = {0};

	ck_assert_int_eq(journal_read(j, index, &scratch, &got), 0);
	ck_assert_uint_eq(got.index, index);
	ck_assert_uint_eq(got.term, term);
	ck_assert_int_eq(got.type, 1);
	ck_assert(bytes_eq(got.payload, want.payload));
	buf_fini(&scratch);
}

/* ---- checksums --------------------------------------------------------- */

START_TEST(crc32c_has_the_known_values)
{
	static const uint8_t zeros[32];
	uint8_t ones[32], rising[32];

	memset(ones, 0xff, sizeof(ones));
	for (size_t i = 0; i < sizeof(rising); i++)
		rising[i] = (uint8_t)i;
	ck_assert_uint_eq(crc32c(0, zeros, 32), 0x8a9136aa); /* RFC 3720 B.4 */
	ck_assert_uint_eq(crc32c(0, ones, 32), 0x62a8ab43);
	ck_assert_uint_eq(crc32c(0, rising, 32), 0x46dd794e);
	for (size_t len = 0; len <= 32; len++) {
		ck_assert_uint_eq(
			crc32c(9, rising, len), crc32c_by_table(9, rising, len));
		ck_assert_uint_eq(crc32c(crc32c(0, rising, len), rising + len, 32 - len),
			0x46dd794e);
	}
}
END_TEST

/* ---- the plain life of a journal --------------------------------------- */

START_TEST(a_new_journal_is_empty)
{
	struct journal *j = open_journal();

	ck_assert_uint_eq(journal_first(j), 1);
	ck_assert_uint_eq(journal_last(j), 0);
	ck_assert_uint_eq(journal_term(j, 0), 0);
	ck_assert_uint_eq(journal_bytes_after(j, 0), 0);
	journal_close(j);
	j = open_journal();
	ck_assert_uint_eq(journal_last(j), 0);
	journal_close(j);
}
END_TEST

START_TEST(entries_are_there_after_opening_again)
{
	struct journal *j = open_journal();

	for (int i = 0; i < 200; i++)
		append(j, 1 + (uint64_t)i / 50, (size_t)(i * 13) % 900);
	journal_sync(j);
	for (int round = 0; round < 2; round++) {
		journal_check(j);
		ck_assert_uint_eq(journal_last(j), 200);
		for (uint64_t i = 0; i < 200; i++) {
			check_entry(j, i + 1, 1 + i / 50, (i * 13) % 900);
			ck_assert_uint_eq(journal_term(j, i + 1), 1 + i / 50);
		}
		journal_close(j);
		j = open_journal();
	}
	journal_close(j);
}
END_TEST

START_TEST(many_entries_go_in_at_once_and_over_the_end_of_a_segment)
{
	struct journal *j = open_journal();
	struct journal_entry batch[20];
	uint8_t payload[700];

	memset(payload, 1, sizeof(payload));
	append_synced(j, 1, 1000, 5);
	for (size_t i = 0; i < LENGTH(batch); i++)
		batch[i] = (struct journal_entry){.index = 6 + i,
			.term = 2,
			.type = 1,
			.payload = bytes_of(payload, sizeof(payload))};
	ck_assert_int_eq(journal_append(j, batch, 10), 0);
	ck_assert_int_eq(journal_append(j, batch + 10, 10), 0);
	journal_sync(j);
	journal_close(j);
	j = open_journal();
	ck_assert_uint_eq(journal_last(j), 25);
	ck_assert_uint_eq(journal_term(j, 25), 2);
	journal_close(j);
}
END_TEST

START_TEST(the_bytes_behind_an_index_are_counted)
{
	struct journal *j = open_journal();

	append_synced(j, 1, 968, 100); /* 1000 bytes each: 12 in a segment */
	ck_assert_uint_eq(journal_bytes_after(j, 0), 100000);
	ck_assert_uint_eq(journal_bytes_after(j, 1), 99000);
	ck_assert_uint_eq(journal_bytes_after(j, 12), 88000);
	ck_assert_uint_eq(journal_bytes_after(j, 55), 45000);
	ck_assert_uint_eq(journal_bytes_after(j, 100), 0);
	journal_close(j);
}
END_TEST

/* Entries synced alone, by twos and by threes; the wipe is torn in any place. */
START_TEST(a_crash_while_entries_are_truncated_leaves_a_log)
{
	struct rng rng;

	rng_seed(&rng, (uint64_t)_i);
	for (uint64_t ops = 0; ops < 60; ops++) {
		uint64_t from = 1 + rng_below(&rng, 60), last;
		struct journal *j;

		drop_disk();
		make_disk();
		j = open_journal();
		while (journal_last(j) < 60) {
			append(j, 1, rng_below(&rng, 900));
			if (rng_below(&rng, 2) == 0)
				journal_sync(j);
		}
		journal_sync(j);
		fake_disk_crash_in(&disk, ops, &rng);
		journal_truncate(j, from);
		journal_close(j);
		fake_disk_resume(&disk);
		j = open_journal();
		last = journal_last(j);
		ck_assert_uint_ge(last, from - 1);
		ck_assert_uint_le(last, 60);
		append_synced(j, 2, 100, 3);
		journal_close(j);
		j = open_journal();
		ck_assert_uint_eq(journal_last(j), last + 3);
		ck_assert_uint_eq(journal_term(j, last + 1), 2);
		journal_close(j);
	}
}
END_TEST

START_TEST(truncated_entries_do_not_come_back)
{
	struct journal *j = open_journal();

	append_synced(j, 4, 700, 60);
	journal_truncate(j, 31);
	ck_assert_uint_eq(journal_last(j), 30);
	journal_close(j);
	j = open_journal();
	ck_assert_uint_eq(journal_last(j), 30);
	/* Of the same length as before, and of a lower term than the old ones: nothing of
	 * those may fit on. */
	append_synced(j, 4, 700, 1);
	journal_close(j);
	j = open_journal();
	ck_assert_uint_eq(journal_last(j), 31);
	journal_truncate(j, 1);
	journal_close(j);
	j = open_journal();
	ck_assert_uint_eq(journal_last(j), 0);
	journal_close(j);
}
END_TEST

START_TEST(what_was_dropped_is_gone_and_its_file_is_used_again)
{
	struct journal *j = open_journal();
	uint64_t first;

	append_synced(j, 3, 968, 100);
	journal_drop(j, 50);
	first = journal_first(j);
	ck_assert_uint_gt(first, 30);
	ck_assert_uint_le(first, 51);
	ck_assert_uint_eq(journal_term(j, first - 1), 3);
	ck_assert_uint_eq(journal_term(j, first - 2), 0);
	append_synced(j, 3, 968, 100);
	journal_check(j);
	journal_close(j);
	j = open_journal();
	ck_assert_uint_eq(journal_first(j), first);
	ck_assert_uint_eq(journal_last(j), 200);
	for (uint64_t i = first; i <= 200; i++)
		check_entry(j, i, 3, 968);
	journal_drop(j, 200);
	ck_assert_uint_eq(journal_last(j), 200);
	journal_close(j);
}
END_TEST

START_TEST(a_reset_journal_begins_where_it_was_told)
{
	struct journal *j = open_journal();

	append_synced(j, 3, 968, 40);
	ck_assert_int_eq(journal_reset(j, 1000, 9), 0);
	ck_assert_uint_eq(journal_first(j), 1001);
	ck_assert_uint_eq(journal_last(j), 1000);
	ck_assert_uint_eq(journal_term(j, 1000), 9);
	append_synced(j, 9, 100, 3);
	journal_close(j);
	j = open_journal();
	ck_assert_uint_eq(journal_first(j), 1001);
	ck_assert_uint_eq(journal_last(j), 1003);
	journal_close(j);
}
END_TEST

/* ---- a full disk ------------------------------------------------------- */

START_TEST(a_full_disk_is_said_before_anything_is_written)
{
	struct journal *j = open_journal();
	struct journal_entry e;
	uint64_t last;

	disk.capacity = 2 * SEGMENT;
	while (journal_room(j, 1, 968) == 0)
		append_synced(j, 1, 968, 1);
	last = journal_last(j);
	ck_assert_uint_ge(last, 20);
	append_synced(j, 1, 100, 3); /* the margin */
	e = entry(last + 4, 1, 5000);
	ck_assert_int_eq(journal_append(j, &e, 1), SVCD_ENOSPACE);
	ck_assert_uint_eq(journal_last(j), last + 3);
	journal_close(j);
	disk.capacity = 3 * SEGMENT;
	j = open_journal();
	ck_assert_uint_eq(journal_last(j), last + 3);
	ck_assert_int_eq(journal_room(j, 1, 968), 0);
	append_synced(j, 1, 5000, 1);
	journal_close(j);
}
END_TEST

/* ---- the next segment, made ready beside ------------------------------- */

/* A disk that fills when the test says so. */
static struct {
	struct disk_ops ops;
	int file; /* -1: none */
	uint64_t bytes;
	int begun, waited;
	bool slow;    /* not ready unless waited for */
	int begin_rc; /* of all that are begun */
	int end_rc;   /* of the next that ends */
} filler;

static int begin_fill(struct disk *d, int file, uint64_t bytes)
{
	(void)d;
	ck_assert_int_eq(filler.file, -1);
	if (filler.begin_rc != 0)
		return filler.begin_rc;
	filler.file = file;
	filler.bytes = bytes;
	filler.begun++;
	return 0;
}

static int end_fill(struct disk *d, bool wait)
{
	static const uint8_t zeros[SEGMENT];
	int rc = filler.end_rc, file = filler.file;

	ck_assert_int_ge(file, 0);
	if (filler.slow && !wait)
		return SVCD_EAGAIN;
	filler.waited += filler.slow;
	filler.file = -1;
	filler.end_rc = 0;
	if (rc == 0)
		rc = d->ops->write(d, file, 0, zeros, filler.bytes);
	return rc == 0 ? d->ops->sync(d, file) : rc;
}

static void fill_beside(void)
{
	memset(&filler, 0, sizeof(filler));
	filler.file = -1;
	filler.ops = *disk.disk.ops;
	filler.ops.fill_begin = begin_fill;
	filler.ops.fill_end = end_fill;
	disk.disk.ops = &filler.ops;
}

static void check_all_there(struct journal *j, uint64_t last)
{
	journal_close(j);
	ck_assert_int_eq(filler.file, -1);
	j = open_journal();
	ck_assert_uint_eq(journal_last(j), last);
	for (uint64_t i = 1; i <= last; i++)
		check_entry(j, i, 3, 500);
	journal_close(j);
}

START_TEST(the_next_segment_is_filled_beside)
{
	struct journal *j = open_journal();

	append_synced(j, 3, 500, 100);
	ck_assert_int_ge(filler.begun, 3);
	check_all_there(j, 100);
}
END_TEST

START_TEST(a_segment_that_is_needed_is_waited_for)
{
	struct journal *j = open_journal();

	filler.slow = true;
	append_synced(j, 3, 500, 100);
	ck_assert_int_ge(filler.waited, 3);
	check_all_there(j, 100);
}
END_TEST

/* What is there besides the first segment: each was filled once. */
static int filled_files(void)
{
	int n = -1;

	for (size_t i = 0; i < disk.now.n; i++)
		n += strstr(disk.now.at[i].name, ".seg") != NULL ||
			strcmp(disk.now.at[i].name, "spare") == 0;
	return n;
}

START_TEST(a_fill_that_fails_is_tried_again)
{
	struct journal *j = open_journal();

	filler.end_rc = SVCD_EIO;
	append_synced(j, 3, 500, 100);
	ck_assert_int_eq(filler.end_rc, 0); /* it did fail */
	ck_assert_int_eq(filler.begun, filled_files() + 1);
	check_all_there(j, 100);
}
END_TEST

START_TEST(a_fill_that_cannot_begin_is_done_here)
{
	struct journal *j = open_journal();

	filler.begin_rc = SVCD_ENOMEM;
	append_synced(j, 3, 500, 100);
	ck_assert_int_eq(filler.begun, 0);
	check_all_there(j, 100);
}
END_TEST

START_TEST(a_journal_is_closed_while_its_spare_is_filled)
{
	struct journal *j = open_journal();

	filler.slow = true;
	while (filler.begun == 0)
		append_synced(j, 3, 500, 1);
	ck_assert_int_ge(filler.file, 0);
	check_all_there(j, journal_last(j));
	ck_assert_int_eq(filler.waited, 1);
}
END_TEST

START_TEST(a_reset_that_was_prepared_does_not_wait)
{
	struct journal *j = open_journal();

	append_synced(j, 3, 500, 1);
	journal_prepare(j);
	journal_prepare(j);
	ck_assert_int_eq(filler.begun, 1);
	ck_assert_int_eq(journal_reset(j, 40, 4), 0);
	ck_assert_int_eq(filler.file, -1);
	ck_assert_int_eq(filler.begun, 1);
	append_synced(j, 4, 500, 1);
	check_entry(j, 41, 4, 500);
	journal_close(j);
}
END_TEST

/* With the thread, at its own speed. */
START_TEST(a_real_folder_fills_beside)
{
	struct scratch scratch;
	struct disk *d;
	struct journal *j;
	struct err e = {0};

	scratch_make(&scratch);
	for (int round = 0; round < 3; round++) {
		ck_assert_int_eq(
			disk_open_folder(scratch_path(&scratch, "log"), &d, &e), 0);
		ck_assert_msg(journal_open(d, &options, &j, &e) == 0, "%s", e.text);
		append_synced(j, 3, 500, 100);
		for (uint64_t i = 1; i <= journal_last(j); i++)
			check_entry(j, i, 3, 500);
		ck_assert_uint_eq(journal_last(j), 100 * (uint64_t)(round + 1));
		journal_close(j);
		disk_close_folder(d);
	}
	scratch_remove(&scratch);
}
END_TEST

START_TEST(what_never_fits_into_a_segment_is_too_big)
{
	struct journal *j = open_journal();

	ck_assert_int_eq(journal_room(j, 1, SEGMENT), SVCD_ETOOBIG);
	ck_assert_int_eq(journal_room(j, 1, SEGMENT / 4), 0);
	journal_close(j);
}
END_TEST

static void fail_sync(void)
{
	struct journal *j = open_journal();

	append(j, 1, 10);
	disk.fail_at = disk.ops + 1;
	disk.fail_with = SVCD_EIO;
	journal_sync(j);
}

START_TEST(a_failed_sync_ends_the_process)
{
	log_set_fd(-1);
	fail_sync();
}
END_TEST

/* ---- crashes ----------------------------------------------------------- */

START_TEST(a_last_record_torn_at_any_byte_is_cut_off)
{
	struct journal *j = open_journal();
	struct fake_inode *file;
	size_t begin = SEGMENT_HEAD_BYTES + 2 * record_bytes(40);
	size_t end = begin + record_bytes(40);

	append_synced(j, 1, 40, 3);
	journal_close(j);
	file = fake_disk_file(&disk, "0000000000000001.seg");
	for (size_t at = end; at-- > begin;) {
		file->now[at] = 0;
		j = open_journal();
		/* Cutting off the padding changes nothing. */
		ck_assert_uint_eq(journal_last(j), at >= begin + 72 ? 3 : 2);
		journal_close(j);
	}
	j = open_journal();
	append_synced(j, 1, 40, 1);
	check_entry(j, 3, 1, 40);
	journal_close(j);
}
END_TEST

START_TEST(a_flipped_bit_in_what_was_durable_is_refused)
{
	struct journal *j = open_journal();
	struct fake_inode *file;
	size_t end = SEGMENT_HEAD_BYTES + 2 * record_bytes(40);

	append_synced(j, 1, 40, 3);
	journal_close(j);
	file = fake_disk_file(&disk, "0000000000000001.seg");
	for (size_t at = SEGMENT_HEAD_BYTES; at < end; at++) {
		fake_inode_flip(file, at, (uint8_t)(1 << at % 8));
		expect_refusal(&options, SVCD_ECORRUPT, "restore");
		fake_inode_flip(file, at, (uint8_t)(1 << at % 8));
	}
	journal_close(open_journal());
}
END_TEST

START_TEST(a_flipped_bit_in_an_older_segment_is_refused)
{
	struct journal *j = open_journal();
	struct fake_inode *file;

	append_synced(j, 1, 968, 30);
	journal_close(j);
	file = fake_disk_file(&disk, "0000000000000001.seg");
	for (size_t at = 0; at < SEGMENT_HEAD_BYTES + 12 * 1000;
		at += at < 56 ? 1 : 3 * 997) {
		if (at >= 56 && at < SEGMENT_HEAD_BYTES)
			continue; /* nothing is there */
		fake_inode_flip(file, at, 4);
		expect_refusal(&options, SVCD_ECORRUPT, "restore");
		fake_inode_flip(file, at, 4);
	}
	journal_close(open_journal());
}
END_TEST

START_TEST(damage_at_the_end_is_refused_when_the_state_has_the_entry)
{
	struct journal_options known = options;
	struct journal *j = open_journal();

	append_synced(j, 1, 40, 3);
	journal_close(j);
	known.known_index = 3;
	fake_inode_flip(fake_disk_file(&disk, "0000000000000001.seg"),
		SEGMENT_HEAD_BYTES + 2 * record_bytes(40) + 50, 1);
	expect_refusal(&known, SVCD_ECORRUPT, "entry 3");
	known.known_index = 2;
	j = open_with(&known);
	ck_assert_uint_eq(journal_last(j), 2);
	journal_close(j);
}
END_TEST

START_TEST(a_missing_segment_is_refused)
{
	struct journal *j = open_journal();

	append_synced(j, 1, 968, 40);
	journal_close(j);
	ck_assert_int_eq(disk.disk.ops->remove(&disk.disk, "0000000000000002.seg"), 0);
	expect_refusal(&options, SVCD_ECORRUPT, "missing");
}
END_TEST

START_TEST(a_log_of_another_cluster_is_refused)
{
	struct journal_options other = options;

	journal_close(open_journal());
	other.cluster = 78;
	expect_refusal(&other, SVCD_ECONFLICT, "another cluster");
}
END_TEST

/*
 * The soak: random operations and crashes. The model has for every index the term and
 * length of the entry that was appended there last.
 */
struct soak {
	struct journal *j;
	struct rng r;
	struct {
		uint64_t term;
		size_t len;
	} model[ENTRIES_MAX];
	uint64_t term;
	uint64_t last, durable; /* promised */
	uint64_t base;          /* may be dropped up to here */
	uint64_t kept;          /* never truncated up to here, as if committed */
};

static void soak_append(struct soak *s)
{
	size_t n = 1 + rng_below(&s->r, 4);

	s->term += rng_below(&s->r, 8) == 0;
	for (size_t i = 0; i < n && s->last + 1 < ENTRIES_MAX; i++) {
		size_t len = rng_below(&s->r, rng_below(&s->r, 6) == 0 ? 5000 : 300);
		struct journal_entry e = entry(s->last + 1, s->term, len);

		ck_assert_int_eq(journal_append(s->j, &e, 1), 0);
		s->last++;
		s->model[s->last].term = s->term;
		s->model[s->last].len = len;
	}
}

static void soak_sync(struct soak *s)
{
	journal_sync(s->j);
	s->durable = s->last;
}

static void soak_truncate(struct soak *s)
{
	uint64_t from = s->kept + 1 + rng_below(&s->r, s->last - s->kept + 1);

	if (from > s->last)
		return;
	journal_truncate(s->j, from);
	s->last = from - 1;
	s->durable = s->last;
}

static void soak_drop(struct soak *s)
{
	s->kept = s->durable;
	s->base += rng_below(&s->r, s->kept - s->base + 1);
	journal_drop(s->j, s->base);
}

static void soak_check(struct soak *s)
{
	journal_check(s->j);
	ck_assert_uint_le(journal_first(s->j), s->base + 1);
	for (uint64_t i = journal_first(s->j); i <= journal_last(s->j); i++)
		check_entry(s->j, i, s->model[i].term, s->model[i].len);
}

static void soak_crash(struct soak *s)
{
	journal_close(s->j);
	fake_disk_crash(&disk, &s->r);
	s->j = open_journal();
	ck_assert_uint_ge(journal_last(s->j), s->durable);
	ck_assert_uint_le(journal_last(s->j), s->last);
	s->last = s->durable = journal_last(s->j);
	soak_check(s);
}

/* The process dies, not the machine: what the next one finds, it must be able to build
 * on. */
static void soak_killed(struct soak *s)
{
	journal_close(s->j);
	s->j = open_journal();
	ck_assert_uint_eq(journal_last(s->j), s->last);
	s->durable = s->last;
}

static void soak_step(struct soak *s)
{
	switch (rng_below(&s->r, 24)) {
	case 0:
		soak_truncate(s);
		break;
	case 1:
		soak_drop(s);
		break;
	case 2:
	case 3:
		soak_crash(s);
		break;
	case 4:
		soak_killed(s);
		break;
	case 5:
	case 6:
	case 7:
	case 8:
		soak_sync(s);
		break;
	default:
		soak_append(s);
	}
}

static void soak(uint64_t seed, int steps)
{
	struct soak s = {.j = open_journal(), .term = 1};

	rng_seed(&s.r, seed);
	for (int i = 0; i < steps; i++)
		soak_step(&s);
	soak_crash(&s);
	journal_close(s.j);
}

START_TEST(what_was_synced_survives_every_crash)
{
	for (uint64_t seed = 0; seed < 25; seed++) {
		soak((uint64_t)_i * 1000 + seed, 300);
		fake_disk_fini(&disk);
		fake_disk_init(&disk);
	}
}
END_TEST

START_TEST(the_soak_finds_a_sync_that_does_nothing)
{
	disk.sync_lies = true;
	soak(1, 1000);
}
END_TEST

START_TEST(a_crash_in_a_reset_leaves_the_old_log_or_the_new)
{
	struct rng r;

	for (uint64_t seed = 0; seed < 60; seed++) {
		struct journal *j = open_journal();

		rng_seed(&r, seed);
		append_synced(j, 2, 500, 60);
		/* The folder's changes of the reset itself are what the crash cuts. */
		disk.sync_lies = true;
		ck_assert_int_eq(journal_reset(j, 500, 3), 0);
		disk.sync_lies = false;
		disk.disk.ops->sync(&disk.disk,
			(int)(fake_disk_file(&disk, "0000000000000004.seg") -
				disk.inodes));
		journal_close(j);
		fake_disk_crash(&disk, &r);
		j = open_journal();
		ck_assert(journal_last(j) == 60 ||
			(journal_last(j) == 500 && journal_first(j) == 501));
		journal_close(j);
		fake_disk_fini(&disk);
		fake_disk_init(&disk);
	}
}
END_TEST

/* ---- term and vote ----------------------------------------------------- */

static void check_ballot(uint64_t term, uint64_t vote)
{
	struct ballot b;
	struct err e;

	ck_assert_int_eq(ballot_open(&b, &disk.disk, &e), 0);
	ck_assert_uint_eq(b.term, term);
	ck_assert_uint_eq(b.vote, vote);
	ballot_close(&b);
}

START_TEST(a_ballot_is_kept)
{
	struct ballot b;
	struct err e;

	check_ballot(0, 0);
	ck_assert_int_eq(ballot_open(&b, &disk.disk, &e), 0);
	for (uint64_t term = 1; term < 10; term++) {
		ballot_write(&b, term, term * 3);
		check_ballot(term, term * 3);
	}
	ballot_close(&b);
}
END_TEST

START_TEST(a_torn_ballot_is_the_one_before)
{
	struct ballot b;
	struct err e;

	ck_assert_int_eq(ballot_open(&b, &disk.disk, &e), 0);
	ballot_write(&b, 6, 1);
	ballot_write(&b, 7, 2);
	ballot_close(&b);
	for (size_t at = 8; at < 40; at++) {
		fake_inode_flip(fake_disk_file(&disk, "vote"), 4096 + at, 1);
		check_ballot(6, 1);
		fake_inode_flip(fake_disk_file(&disk, "vote"), 4096 + at, 1);
	}
	check_ballot(7, 2);
	fake_inode_flip(fake_disk_file(&disk, "vote"), 30, 1);
	fake_inode_flip(fake_disk_file(&disk, "vote"), 4096 + 30, 1);
	ck_assert_int_eq(ballot_open(&b, &disk.disk, &e), SVCD_ECORRUPT);
	ck_assert_int_eq(disk.open_files, 0);
}
END_TEST

START_TEST(a_written_ballot_survives_every_crash)
{
	struct rng r;
	struct ballot b;
	uint64_t term = 0;
	struct err e;

	rng_seed(&r, (uint64_t)_i);
	for (int round = 0; round < 200; round++) {
		ck_assert_int_eq(ballot_open(&b, &disk.disk, &e), 0);
		ck_assert_uint_eq(b.term, term);
		ck_assert_uint_eq(b.vote, term % 5);
		for (uint64_t n = rng_below(&r, 3); n > 0; n--) {
			term++;
			ballot_write(&b, term, term % 5);
		}
		ballot_close(&b);
		fake_disk_crash(&disk, &r);
	}
}
END_TEST

START_TEST(a_ballot_of_a_killed_process_is_durable_once_it_was_read)
{
	struct ballot b;
	struct rng r;
	struct err e;

	rng_seed(&r, (uint64_t)_i);
	ck_assert_int_eq(ballot_open(&b, &disk.disk, &e), 0);
	disk.sync_lies = true; /* killed before the sync */
	ballot_write(&b, 9, 4);
	disk.sync_lies = false;
	ballot_close(&b);
	check_ballot(9, 4);
	fake_disk_crash(&disk, &r);
	check_ballot(9, 4);
}
END_TEST

static TCase *case_with_disk(Suite *s, const char *name)
{
	TCase *tc = unit_case(s, name);

	tcase_add_checked_fixture(tc, make_disk, drop_disk);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("replica_journal");
	TCase *life = case_with_disk(s, "life");
	TCase *space = case_with_disk(s, "space");
	TCase *beside = case_with_disk(s, "beside");
	TCase *crash = case_with_disk(s, "crash");
	TCase *ballot = case_with_disk(s, "ballot");

	tcase_add_test(life, crc32c_has_the_known_values);
	tcase_add_test(life, a_new_journal_is_empty);
	tcase_add_test(life, entries_are_there_after_opening_again);
	tcase_add_test(life, many_entries_go_in_at_once_and_over_the_end_of_a_segment);
	tcase_add_test(life, the_bytes_behind_an_index_are_counted);
	tcase_add_test(life, truncated_entries_do_not_come_back);
	tcase_add_loop_test(
		life, a_crash_while_entries_are_truncated_leaves_a_log, 0, 20);
	tcase_add_test(life, what_was_dropped_is_gone_and_its_file_is_used_again);
	tcase_add_test(life, a_reset_journal_begins_where_it_was_told);

	tcase_add_test(space, a_full_disk_is_said_before_anything_is_written);
	tcase_add_test(space, what_never_fits_into_a_segment_is_too_big);
	unit_add_abort_test(space, a_failed_sync_ends_the_process);

	tcase_add_checked_fixture(beside, fill_beside, NULL);
	tcase_add_test(beside, the_next_segment_is_filled_beside);
	tcase_add_test(beside, a_segment_that_is_needed_is_waited_for);
	tcase_add_test(beside, a_fill_that_fails_is_tried_again);
	tcase_add_test(beside, a_fill_that_cannot_begin_is_done_here);
	tcase_add_test(beside, a_journal_is_closed_while_its_spare_is_filled);
	tcase_add_test(beside, a_reset_that_was_prepared_does_not_wait);
	tcase_add_test(beside, a_real_folder_fills_beside);

	tcase_add_test(crash, a_last_record_torn_at_any_byte_is_cut_off);
	tcase_add_test(crash, a_flipped_bit_in_what_was_durable_is_refused);
	tcase_add_test(crash, a_flipped_bit_in_an_older_segment_is_refused);
	tcase_add_test(crash, damage_at_the_end_is_refused_when_the_state_has_the_entry);
	tcase_add_test(crash, a_missing_segment_is_refused);
	tcase_add_test(crash, a_log_of_another_cluster_is_refused);
	tcase_add_loop_test(crash, what_was_synced_survives_every_crash, 0, 4);
	tcase_add_exit_test(crash, the_soak_finds_a_sync_that_does_nothing, 1);
	tcase_add_test(crash, a_crash_in_a_reset_leaves_the_old_log_or_the_new);

	tcase_add_test(ballot, a_ballot_is_kept);
	tcase_add_test(ballot, a_torn_ballot_is_the_one_before);
	tcase_add_loop_test(ballot, a_written_ballot_survives_every_crash, 0, 4);
	tcase_add_loop_test(
		ballot, a_ballot_of_a_killed_process_is_durable_once_it_was_read, 0, 8);
	return unit_run(s);
}
