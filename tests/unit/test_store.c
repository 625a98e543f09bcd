/* store/store.h: against a plain model, with readers, checkpoints, damage and a full
 * disk. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/rng.h"
#include "scratch_dir.h"
#include "store/store.h"
#include "unit.h"

#define MIB ((uint64_t)1 << 20)
#define KEYS 48
#define VALUE_MAX 9000 /* some values need pages of their own */

static struct scratch scratch;

static void make_scratch(void)
{
	scratch_make(&scratch);
}

static void remove_scratch(void)
{
	scratch_remove(&scratch);
}

static struct store *open_with(uint64_t map_bytes, uint64_t cluster)
{
	struct store_options o = {
		.dir = scratch_path(&scratch, "state"),
		.map_bytes = map_bytes,
		.reserve_bytes = 4096,
		.cluster = cluster,
	};
	struct store *s = NULL;
	struct err e = {0};

	ck_assert_msg(store_open(&o, &s, &e) == 0, "%s", e.text);
	return s;
}

static struct store *open_small(void)
{
	return open_with(64 * MIB, 7);
}

static struct tables *begin(struct store *s)
{
	struct err e = {0};
	struct tables *t = store_write_begin(s, &e);

	ck_assert_msg(t != NULL, "%s", e.text);
	return t;
}

static void commit(struct store *s, uint64_t index)
{
	struct err e = {0};

	ck_assert_msg(store_write_commit(s, index, 3, &e) == 0, "%s", e.text);
}

static void put_text(
	struct tables *t, enum table table, const char *key, const char *value)
{
	table_put(t, table, bytes_str(key), bytes_str(value));
	ck_assert_int_eq(t->error, 0);
}

static bool has(struct tables *t, enum table table, const char *key, const char *value)
{
	struct bytes v;

	return table_get(t, table, bytes_str(key), &v) && bytes_eq_str(v, value);
}

/* ---- the model --------------------------------------------------------- */

struct cell {
	bool there;
	size_t len;
	uint8_t fill;
};

struct model {
	struct cell cells[TABLE_COUNT][KEYS];
};

static struct bytes model_key(int k, char out[16])
{
	snprintf(out, 16, "key-%03d", k);
	return bytes_str(out);
}

static struct bytes model_value(const struct cell *c)
{
	static uint8_t data[VALUE_MAX];

	memset(data, c->fill, c->len);
	return bytes_of(data, c->len);
}

static void model_change(struct model *m, struct tables *t, struct rng *r)
{
	enum table table = (enum table)rng_below(r, TABLE_COUNT);
	int k = (int)rng_below(r, KEYS);
	struct cell *c = &m->cells[table][k];
	char key[16];

	if (rng_below(r, 4) == 0) {
		c->there = false;
		table_del(t, table, model_key(k, key));
		return;
	}
	c->there = true;
	c->len = rng_below(r, 8) == 0 ? rng_below(r, VALUE_MAX) : rng_below(r, 200);
	c->fill = (uint8_t)rng_next(r);
	table_put(t, table, model_key(k, key), model_value(c));
}

static void check_cell(struct tables *t, enum table table, int k, const struct cell *c)
{
	struct bytes value;
	char key[16];

	ck_assert_int_eq(table_get(t, table, model_key(k, key), &value), c->there);
	if (c->there)
		ck_assert(bytes_eq(value, model_value(c)));
}

/* Walks with gets in between: they must not move the walk. */
static void check_walk(struct tables *t, enum table table, const struct model *m)
{
	struct bytes key, value;
	bool more = table_seek(t, table, BYTES_NONE, false, &key, &value);
	char want[16];

	for (int k = 0; k < KEYS; k++) {
		if (!m->cells[table][k].there)
			continue;
		ck_assert(more);
		ck_assert(bytes_eq(key, model_key(k, want)));
		ck_assert(bytes_eq(value, model_value(&m->cells[table][k])));
		check_cell(t, table, (k * 7) % KEYS, &m->cells[table][(k * 7) % KEYS]);
		more = table_next(t, table, &key, &value);
	}
	ck_assert(!more);
}

static void check_model(struct tables *t, const struct model *m)
{
	for (int table = 0; table < TABLE_COUNT; table++) {
		for (int k = 0; k < KEYS; k++)
			check_cell(t, (enum table)table, k, &m->cells[table][k]);
		check_walk(t, (enum table)table, m);
	}
	ck_assert_int_eq(t->error, 0);
	ck_assert_uint_eq(store_digest(t), store_digest_recompute(t));
}

static void check_read(struct store *s, const struct model *m, uint64_t index)
{
	struct reader *r = store_reader_new(s);
	struct tables *t = store_read_begin(r);

	check_model(t, m);
	ck_assert_uint_eq(store_index(t), index);
	store_read_end(r);
	store_reader_free(r);
}

START_TEST(tables_agree_with_their_model)
{
	struct model committed = {0};
	struct store *s = open_small();
	uint64_t index = 0;
	struct rng r;

	rng_seed(&r, (uint64_t)_i);
	for (int round = 0; round < 25; round++) {
		struct model changed = committed;
		struct tables *t = begin(s);

		for (uint64_t n = rng_below(&r, 80); n > 0; n--)
			model_change(&changed, t, &r);
		check_model(t, &changed);
		if (rng_below(&r, 4) == 0) {
			store_write_abort(s);
		} else {
			commit(s, ++index);
			committed = changed;
		}
		if (rng_below(&r, 8) == 0) {
			store_close(s);
			s = open_small();
		}
		check_read(s, &committed, index);
	}
	store_close(s);
}
END_TEST

/* ---- reading ----------------------------------------------------------- */

START_TEST(seek_finds_the_first_key_from_there)
{
	static const struct {
		const char *from;
		bool after;
		const char *found; /* NULL: none */
	} rows[] = {
		{"", false, "b"},
		{"", true, "b"},
		{"a", false, "b"},
		{"b", false, "b"},
		{"b", true, "d"},
		{"c", true, "d"},
		{"d", false, "d"},
		{"d", true, NULL},
		{"e", false, NULL},
	};
	struct store *s = open_small();
	struct tables *t = begin(s);

	put_text(t, TABLE_SERVICE, "b", "1");
	put_text(t, TABLE_SERVICE, "d", "2");
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct bytes key, value;
		bool found = table_seek(t, TABLE_SERVICE, bytes_str(rows[i].from),
			rows[i].after, &key, &value);

		ck_assert_int_eq(found, rows[i].found != NULL);
		if (found)
			ck_assert(bytes_eq_str(key, rows[i].found));
	}
	store_write_abort(s);
	store_close(s);
}
END_TEST

START_TEST(last_finds_the_greatest_key)
{
	struct store *s = open_small();
	struct tables *t = begin(s);
	struct bytes key, value;

	ck_assert(!table_last(t, TABLE_EVENT, &key, &value));
	put_text(t, TABLE_EVENT, "1", "one");
	put_text(t, TABLE_EVENT, "2", "two");
	ck_assert(table_last(t, TABLE_EVENT, &key, &value));
	ck_assert(bytes_eq_str(value, "two"));
	store_write_abort(s);
	store_close(s);
}
END_TEST

START_TEST(a_reader_keeps_its_state_until_it_ends)
{
	struct store *s = open_small();
	struct reader *r = store_reader_new(s);
	struct tables *t;

	put_text(begin(s), TABLE_META, "k", "old");
	commit(s, 1);
	t = store_read_begin(r);
	put_text(begin(s), TABLE_META, "k", "new");
	commit(s, 2);
	ck_assert(has(t, TABLE_META, "k", "old"));
	ck_assert_uint_eq(store_index(t), 1);
	store_read_end(r);
	t = store_read_begin(r);
	ck_assert(has(t, TABLE_META, "k", "new"));
	ck_assert_uint_eq(store_index(t), 2);
	ck_assert_uint_eq(store_term(t), 3);
	store_read_end(r);
	store_reader_free(r);
	store_close(s);
}
END_TEST

START_TEST(readers_are_bounded)
{
	struct store_options o = {
		.dir = scratch_path(&scratch, "state"), .map_bytes = MIB, .readers = 2};
	struct reader *r[3];
	struct store *s;

	ck_assert_int_eq(store_open(&o, &s, NULL), 0);
	for (size_t i = 0; i < LENGTH(r); i++)
		r[i] = store_reader_new(s);
	ck_assert_ptr_nonnull(r[1]);
	ck_assert_ptr_null(r[2]);
	store_reader_free(r[0]);
	r[0] = store_reader_new(s);
	ck_assert_ptr_nonnull(r[0]);
	for (size_t i = 0; i < LENGTH(r); i++)
		store_reader_free(r[i]);
	store_close(s);
}
END_TEST

struct load {
	struct store *store;
	_Atomic bool stop;
	uint64_t reads;
};

/* Every state that was ever committed has the same value under all keys, and its own
 * digest. */
static void *read_all_the_time(void *arg)
{
	struct load *load = arg;
	struct reader *r = store_reader_new(load->store);

	while (!atomic_load(&load->stop) || load->reads == 0) {
		struct tables *t = store_read_begin(r);
		uint64_t index = store_index(t);
		struct bytes value;

		for (int k = 0; k < KEYS; k++) {
			char key[16];

			if (table_get(t, TABLE_INSTANCE, model_key(k, key), &value))
				ck_assert_mem_eq(value.data, &index, sizeof(index));
			else
				ck_assert_uint_eq(index, 0);
		}
		ck_assert_uint_eq(store_digest(t), store_digest_recompute(t));
		store_read_end(r);
		load->reads++;
	}
	store_reader_free(r);
	return NULL;
}

START_TEST(readers_in_other_threads_see_whole_states)
{
	struct load load = {.store = open_small()};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, read_all_the_time, &load), 0);
	for (uint64_t index = 1; index <= 300; index++) {
		struct tables *t = begin(load.store);

		for (int k = 0; k < KEYS; k++) {
			char key[16];

			table_put(t, TABLE_INSTANCE, model_key(k, key),
				bytes_of(&index, sizeof(index)));
		}
		commit(load.store, index);
	}
	atomic_store(&load.stop, true);
	pthread_join(thread, NULL);
	store_close(load.store);
}
END_TEST

/* ---- errors ------------------------------------------------------------ */

START_TEST(an_error_sticks_and_nothing_of_it_is_seen)
{
	struct store *s = open_small();
	struct tables *t = begin(s);
	uint8_t key[TABLE_KEY_MAX + 1] = {0};
	struct bytes value;
	struct err e;

	put_text(t, TABLE_META, "k", "v");
	table_put(t, TABLE_META, bytes_of(key, sizeof(key)), BYTES_NONE);
	ck_assert_int_eq(t->error, SVCD_ETOOBIG);
	ck_assert(!table_get(t, TABLE_META, bytes_str("k"), &value));
	ck_assert_int_eq(store_write_commit(s, 1, 1, &e), SVCD_ETOOBIG);
	t = begin(s);
	ck_assert(!table_get(t, TABLE_META, bytes_str("k"), &value));
	ck_assert_int_eq(t->error, 0);
	ck_assert_uint_eq(store_index(t), 0);
	store_write_abort(s);
	store_close(s);
}
END_TEST

START_TEST(a_state_is_opened_once)
{
	struct store *s = open_small();
	struct store_options o = {
		.dir = scratch_path(&scratch, "state"), .map_bytes = MIB};
	struct store *second;
	struct err e;

	ck_assert_int_eq(store_open(&o, &second, &e), SVCD_EINUSE);
	store_close(s);
	ck_assert_int_eq(store_open(&o, &second, &e), 0);
	store_close(second);
}
END_TEST

START_TEST(the_state_of_another_cluster_is_refused)
{
	struct store *s = open_small();
	struct store_options o = {
		.dir = scratch_path(&scratch, "state"), .map_bytes = MIB, .cluster = 8};
	struct err e;

	begin(s);
	commit(s, 1);
	store_close(s);
	ck_assert_int_eq(store_open(&o, &s, &e), SVCD_ECONFLICT);
	ck_assert_ptr_nonnull(strstr(e.text, "0000000000000007"));
}
END_TEST

START_TEST(what_is_no_state_is_refused)
{
	struct store_options o = {
		.dir = scratch_path(&scratch, "state"), .map_bytes = MIB};
	char junk[8192];
	struct store *s;
	struct err e;
	FILE *f;

	memset(junk, 'x', sizeof(junk));
	ck_assert_int_eq(mkdir(o.dir, 0700), 0);
	f = fopen(scratch_path(&scratch, "state/data.mdb"), "w");
	ck_assert_uint_eq(fwrite(junk, sizeof(junk), 1, f), 1);
	fclose(f);
	o.dir = scratch_path(&scratch, "state");
	ck_assert_int_eq(store_open(&o, &s, &e), SVCD_ECORRUPT);
}
END_TEST

/* Puts blocks until it fails, and says how many transactions got through. */
static uint64_t fill(struct store *s, int *error)
{
	static uint8_t block[100000];
	uint64_t done = 0;
	struct err e;

	for (;;) {
		struct tables *t = store_write_begin(s, &e);
		uint64_t key = done;

		if (t) {
			table_put(t, TABLE_EVENT, bytes_of(&key, sizeof(key)),
				bytes_of(block, sizeof(block)));
			e.code = store_write_commit(s, done + 1, 1, &e);
		}
		*error = e.code;
		if (!t || e.code != 0)
			return done;
		done++;
	}
}

static void check_after_fill(struct store *s, uint64_t done)
{
	struct reader *r = store_reader_new(s);
	struct tables *t = store_read_begin(r);

	ck_assert_uint_eq(store_index(t), done);
	ck_assert_uint_eq(store_digest(t), store_digest_recompute(t));
	store_read_end(r);
	store_reader_free(r);
}

START_TEST(a_full_map_is_an_error_and_ends_when_there_is_room)
{
	struct store *s = open_with(8 * MIB, 0);
	struct tables *t;
	uint64_t done;
	int error;

	done = fill(s, &error);
	ck_assert_int_eq(error, SVCD_ENOSPACE);
	ck_assert_uint_gt(done, 50);
	check_after_fill(s, done);
	t = begin(s);
	for (uint64_t key = 0; key < done / 2; key++)
		table_del(t, TABLE_EVENT, bytes_of(&key, sizeof(key)));
	commit(s, done);
	put_text(begin(s), TABLE_META, "k", "v");
	commit(s, done + 1);
	check_after_fill(s, done + 1);
	store_close(s);
}
END_TEST

START_TEST(the_reserve_of_the_map_is_said)
{
	struct store_options o = {.dir = scratch_path(&scratch, "state"),
		.map_bytes = 8 * MIB,
		.reserve_bytes = MIB};
	struct store *s;
	struct tables *t;
	uint64_t done;
	int error;

	ck_assert_int_eq(store_open(&o, &s, NULL), 0);
	ck_assert_int_eq(store_space(s), 0);
	done = fill(s, &error);
	ck_assert_int_eq(store_space(s), SVCD_ENOSPACE);
	t = begin(s);
	for (uint64_t key = 0; key < done; key++)
		table_del(t, TABLE_EVENT, bytes_of(&key, sizeof(key)));
	commit(s, done);
	ck_assert_int_eq(store_space(s), 0);
	store_close(s);
}
END_TEST

/* A small file system of our own, in a mount namespace of our own. False when we may not.
 */
static bool mount_small(const char *dir, const char *size)
{
	return unshare(CLONE_NEWNS) == 0 &&
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount("tmpfs", dir, "tmpfs", 0, size) == 0;
}

START_TEST(a_full_disk_is_an_error_not_a_signal)
{
	struct store *s;
	struct store_stat stat;
	uint64_t done;
	int error;

	if (!mount_small(scratch.dir, "size=24m"))
		return;
	s = open_with(256 * MIB, 0);
	done = fill(s, &error);
	ck_assert_int_eq(error, SVCD_ENOSPACE);
	ck_assert_int_eq(store_space(s), SVCD_ENOSPACE);
	check_after_fill(s, done);
	ck_assert_int_eq(mount("tmpfs", scratch.dir, "tmpfs", MS_REMOUNT, "size=80m"), 0);
	ck_assert_int_eq(store_space(s), 0);
	store_stat(s, &stat);
	ck_assert_uint_gt(stat.free_disk_bytes, 40 * MIB);
	begin(s);
	commit(s, done + 1);
	ck_assert_uint_gt(fill(s, &error), 100);
	ck_assert_int_eq(error, SVCD_ENOSPACE);
	store_close(s);
	umount2(scratch.dir, MNT_DETACH);
}
END_TEST

/* ---- checkpoints ------------------------------------------------------- */

static void fill_some(struct store *s, struct model *m, uint64_t index)
{
	struct tables *t = begin(s);
	struct rng r;

	rng_seed(&r, index);
	for (int n = 0; n < 400; n++)
		model_change(m, t, &r);
	commit(s, index);
}

static char *path_of(const char *name)
{
	return strdup(scratch_path(&scratch, name));
}

START_TEST(a_checkpoint_is_the_state_and_becomes_one_again)
{
	struct model m = {0}, later;
	struct store *s = open_small();
	struct checkpoint_info info;
	char *path = path_of("1.ckpt"), *dir = path_of("state");
	uint64_t index, term;
	struct buf value = {0};
	struct err e;

	fill_some(s, &m, 1);
	put_text(begin(s), TABLE_META, "here", "it is");
	commit(s, 9);
	ck_assert_int_eq(store_checkpoint(s, path, &index, &term, &e), 0);
	ck_assert_uint_eq(index, 9);
	ck_assert_uint_eq(term, 3);
	later = m;
	fill_some(s, &later, 10);
	store_close(s);

	ck_assert_int_eq(store_checkpoint_inspect(path, true, &info, &e), 0);
	ck_assert_uint_eq(info.index, 9);
	ck_assert_uint_eq(info.cluster, 7);
	ck_assert_int_eq(
		store_checkpoint_get(path, TABLE_META, bytes_str("here"), &value, &e), 0);
	ck_assert(bytes_eq_str(buf_bytes(&value), "it is"));
	buf_fini(&value);

	ck_assert_int_eq(store_restore(dir, path, &e), 0);
	s = open_small();
	table_del(begin(s), TABLE_META, bytes_str("here"));
	commit(s, 9);
	check_read(s, &m, 9);
	fill_some(s, &m, 10);
	check_read(s, &m, 10);
	store_close(s);
	free(path);
	free(dir);
}
END_TEST

START_TEST(a_checkpoint_makes_a_state_where_there_was_none)
{
	struct model m = {0};
	struct store *s = open_small();
	char *path = path_of("1.ckpt"), *dir = path_of("state");
	uint64_t index, term;

	fill_some(s, &m, 5);
	ck_assert_int_eq(store_checkpoint(s, path, &index, &term, NULL), 0);
	store_close(s);
	store_remove(dir);
	ck_assert_int_ne(access(dir, F_OK), 0);
	ck_assert_int_eq(store_restore(dir, path, NULL), 0);
	s = open_small();
	check_read(s, &m, 5);
	store_close(s);
	free(path);
	free(dir);
}
END_TEST

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t b;

	ck_assert_int_eq(pread(fd, &b, 1, at), 1);
	b ^= 0x10;
	ck_assert_int_eq(pwrite(fd, &b, 1, at), 1);
	close(fd);
}

START_TEST(a_damaged_checkpoint_is_refused)
{
	struct model m = {0};
	struct store *s = open_small();
	char *path = path_of("1.ckpt"), *dir = path_of("other");
	struct checkpoint_info info;
	uint64_t index, term;
	struct stat st;
	struct err e;

	fill_some(s, &m, 5);
	ck_assert_int_eq(store_checkpoint(s, path, &index, &term, NULL), 0);
	store_close(s);
	ck_assert_int_eq(stat(path, &st), 0);
	for (off_t at = 0; at < st.st_size - 4096 + 88;
		at += at < st.st_size - 4096 - 20011 ? 20011 : 7) {
		flip(path, at);
		ck_assert_int_eq(
			store_checkpoint_inspect(path, true, &info, &e), SVCD_ECORRUPT);
		ck_assert_int_eq(store_restore(dir, path, &e), SVCD_ECORRUPT);
		flip(path, at);
	}
	ck_assert_int_ne(access(dir, F_OK), 0);
	ck_assert_int_eq(store_checkpoint_inspect(path, true, &info, &e), 0);
	for (off_t len = st.st_size - 4096; len >= 0; len -= 4096) {
		ck_assert_int_eq(truncate(path, len), 0);
		ck_assert_int_eq(
			store_checkpoint_inspect(path, true, &info, &e), SVCD_ECORRUPT);
	}
	free(path);
	free(dir);
}
END_TEST

struct copying {
	struct store *store;
	char *path;
	uint64_t index;
	_Atomic bool done;
};

static void *copy(void *arg)
{
	struct copying *c = arg;
	uint64_t term;

	ck_assert_int_eq(store_checkpoint(c->store, c->path, &c->index, &term, NULL), 0);
	atomic_store(&c->done, true);
	return NULL;
}

START_TEST(a_checkpoint_does_not_stop_the_writer)
{
	struct copying c = {.store = open_small(), .path = path_of("1.ckpt")};
	struct checkpoint_info info;
	struct model m = {0};
	uint64_t index = 1;
	pthread_t thread;

	fill_some(c.store, &m, index);
	ck_assert_int_eq(pthread_create(&thread, NULL, copy, &c), 0);
	while (!atomic_load(&c.done) || index < 20)
		fill_some(c.store, &m, ++index);
	pthread_join(thread, NULL);
	ck_assert_int_eq(store_checkpoint_inspect(c.path, true, &info, NULL), 0);
	ck_assert_uint_eq(info.index, c.index);
	ck_assert_uint_le(info.index, index);
	check_read(c.store, &m, index);
	store_close(c.store);
	free(c.path);
}
END_TEST

START_TEST(a_checkpoint_that_finds_the_disk_full_leaves_nothing)
{
	struct model m = {0};
	struct store *s;
	char *path = path_of("small/1.ckpt");
	uint64_t index, term;

	ck_assert_int_eq(mkdir(scratch_path(&scratch, "small"), 0700), 0);
	if (!mount_small(scratch_path(&scratch, "small"), "size=64k"))
		return;
	s = open_small();
	fill_some(s, &m, 1);
	ck_assert_int_eq(store_checkpoint(s, path, &index, &term, NULL), SVCD_ENOSPACE);
	ck_assert_int_ne(access(scratch_path(&scratch, "small/1.ckpt"), F_OK), 0);
	ck_assert_int_ne(access(scratch_path(&scratch, "small/1.ckpt.tmp"), F_OK), 0);
	store_close(s);
	umount2(scratch_path(&scratch, "small"), MNT_DETACH);
	free(path);
}
END_TEST

static TCase *case_with_scratch(Suite *s, const char *name)
{
	TCase *tc = unit_case(s, name);

	tcase_add_checked_fixture(tc, make_scratch, remove_scratch);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("store");
	TCase *tables = case_with_scratch(s, "tables");
	TCase *errors = case_with_scratch(s, "errors");
	TCase *checkpoints = case_with_scratch(s, "checkpoints");

	tcase_add_loop_test(tables, tables_agree_with_their_model, 0, 4);
	tcase_add_test(tables, seek_finds_the_first_key_from_there);
	tcase_add_test(tables, last_finds_the_greatest_key);
	tcase_add_test(tables, a_reader_keeps_its_state_until_it_ends);
	tcase_add_test(tables, readers_are_bounded);
	tcase_add_test(tables, readers_in_other_threads_see_whole_states);

	tcase_add_test(errors, an_error_sticks_and_nothing_of_it_is_seen);
	tcase_add_test(errors, a_state_is_opened_once);
	tcase_add_test(errors, the_state_of_another_cluster_is_refused);
	tcase_add_test(errors, what_is_no_state_is_refused);
	tcase_add_test(errors, a_full_map_is_an_error_and_ends_when_there_is_room);
	tcase_add_test(errors, the_reserve_of_the_map_is_said);
	tcase_add_test(errors, a_full_disk_is_an_error_not_a_signal);

	tcase_add_test(checkpoints, a_checkpoint_is_the_state_and_becomes_one_again);
	tcase_add_test(checkpoints, a_checkpoint_makes_a_state_where_there_was_none);
	tcase_add_test(checkpoints, a_damaged_checkpoint_is_refused);
	tcase_add_test(checkpoints, a_checkpoint_does_not_stop_the_writer);
	tcase_add_test(checkpoints, a_checkpoint_that_finds_the_disk_full_leaves_nothing);
	return unit_run(s);
}
