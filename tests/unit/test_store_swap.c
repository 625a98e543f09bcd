/* store/store.h: a state that is replaced beneath its readers, and crashes while it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "crash_steps.h"
#include "scratch_dir.h"
#include "store/store.h"
#include "unit.h"

#define MIB ((uint64_t)1 << 20)
#define KEYS 200

static struct scratch scratch;

static void make_scratch(void)
{
	scratch_make(&scratch);
}

static void remove_scratch(void)
{
	scratch_remove(&scratch);
}

static struct store *open_state(const char *name)
{
	struct store_options o = {.dir = scratch_path(&scratch, name),
		.map_bytes = 64 * MIB,
		.readers = 16,
		.reserve_bytes = 4096,
		.cluster = 7};
	struct store *s = NULL;
	struct err e = {0};

	ck_assert_msg(store_open(&o, &s, &e) == 0, "%s", e.text);
	return s;
}

/* Every key has the same value in one state: who sees two of them sees a mixture. */
static void write_state(struct store *s, uint64_t index)
{
	struct err e = {0};
	struct tables *t = store_write_begin(s, &e);

	ck_assert_msg(t != NULL, "%s", e.text);
	for (uint32_t k = 0; k < KEYS; k++)
		table_put(t, TABLE_EVENT, bytes_of(&k, sizeof(k)),
			bytes_of(&index, sizeof(index)));
	ck_assert_msg(store_write_commit(s, index, 1, &e) == 0, "%s", e.text);
}

/* The value that all keys have; 0: they differ, or some are missing. */
static uint64_t value_of(struct tables *t)
{
	uint64_t value = 0;

	for (uint32_t k = 0; k < KEYS; k++) {
		struct bytes v;
		uint64_t one;

		if (!table_get(t, TABLE_EVENT, bytes_of(&k, sizeof(k)), &v) ||
			v.len != sizeof(one))
			return 0;
		memcpy(&one, v.data, sizeof(one));
		if (k > 0 && one != value)
			return 0;
		value = one;
	}
	return value == store_index(t) ? value : 0;
}

static uint64_t value_now(struct store *s)
{
	struct reader *r = store_reader_new(s);
	struct tables *t = store_read_begin(r);
	uint64_t value = value_of(t);

	ck_assert_uint_eq(store_digest(t), store_digest_recompute(t));
	store_read_end(r);
	store_reader_free(r);
	return value;
}

/* A checkpoint of a state with that value, made elsewhere. */
static void make_checkpoint(const char *name, uint64_t value)
{
	struct store *s = open_state("elsewhere");
	uint64_t index, term;
	struct err e = {0};

	write_state(s, value);
	ck_assert_msg(
		store_checkpoint(s, scratch_path(&scratch, name), &index, &term, &e) == 0,
		"%s", e.text);
	ck_assert_uint_eq(index, value);
	store_close(s);
	store_remove(scratch_path(&scratch, "elsewhere"));
}

static int stage(struct store *s, const char *name, struct err *e)
{
	return store_stage(s, scratch_path(&scratch, name), e);
}

static void stage_and_swap(struct store *s, const char *name)
{
	struct err e = {0};

	ck_assert_msg(stage(s, name, &e) == 0, "%s", e.text);
	ck_assert_msg(store_swap(s, &e) == 0, "%s", e.text);
}

static bool there(const char *name)
{
	return access(scratch_path(&scratch, name), F_OK) == 0;
}

START_TEST(the_state_becomes_the_staged_one)
{
	struct store *s;

	make_checkpoint("new", 50);
	s = open_state("state");
	write_state(s, 3);
	ck_assert_int_eq(stage(s, "new", NULL), 0);
	ck_assert_uint_eq(value_now(s), 3);
	write_state(s, 4);
	ck_assert_int_eq(store_swap(s, NULL), 0);
	ck_assert_uint_eq(value_now(s), 50);
	ck_assert(!there("state.new"));
	write_state(s, 51); /* the writer goes on from there */
	ck_assert_uint_eq(value_now(s), 51);
	store_close(s);
	s = open_state("state");
	ck_assert_uint_eq(value_now(s), 51);
	store_close(s);
}
END_TEST

START_TEST(a_transaction_ends_on_the_state_it_began_with)
{
	struct store *s;
	struct reader *r;
	struct tables *t;

	make_checkpoint("new", 50);
	s = open_state("state");
	write_state(s, 3);
	r = store_reader_new(s);
	t = store_read_begin(r);
	stage_and_swap(s, "new");
	ck_assert_uint_eq(value_of(t), 3);
	stage_and_swap(s, "new");
	ck_assert_uint_eq(value_of(t), 3);
	ck_assert_uint_eq(value_now(s), 50);
	store_read_end(r);
	t = store_read_begin(r);
	ck_assert_uint_eq(value_of(t), 50);
	store_read_end(r);
	store_reader_free(r);
	store_close(s);
}
END_TEST

START_TEST(walks_go_on_in_the_new_state)
{
	struct bytes key, value;
	struct store *s;
	struct reader *r;
	struct tables *t;
	size_t n = 0;

	make_checkpoint("new", 50);
	s = open_state("state");
	r = store_reader_new(s);
	t = store_read_begin(r);
	ck_assert(!table_seek(t, TABLE_EVENT, BYTES_NONE, false, &key, &value));
	store_read_end(r);
	stage_and_swap(s, "new");
	t = store_read_begin(r);
	for (bool more = table_seek(t, TABLE_EVENT, BYTES_NONE, false, &key, &value);
		more; more = table_next(t, TABLE_EVENT, &key, &value))
		n++;
	ck_assert_uint_eq(n, KEYS);
	store_read_end(r);
	store_reader_free(r);
	store_close(s);
}
END_TEST

/* The newer stage replaces the older one. */
START_TEST(what_was_staged_last_is_swapped_in)
{
	struct store *s;

	make_checkpoint("new", 50);
	make_checkpoint("newer", 60);
	s = open_state("state");
	ck_assert_int_eq(stage(s, "new", NULL), 0);
	ck_assert_int_eq(stage(s, "newer", NULL), 0);
	ck_assert_int_eq(store_swap(s, NULL), 0);
	ck_assert_uint_eq(value_now(s), 60);
	ck_assert_int_eq(store_swap(s, NULL), SVCD_ENOTFOUND);
	store_close(s);
}
END_TEST

START_TEST(what_is_staged_and_not_swapped_in_leaves_nothing)
{
	struct store *s;

	make_checkpoint("new", 50);
	s = open_state("state");
	write_state(s, 3);
	ck_assert_int_eq(stage(s, "new", NULL), 0);
	ck_assert(there("state.new"));
	store_close(s);
	ck_assert(!there("state.new"));
	ck_assert_int_eq(mkdir(scratch_path(&scratch, "state.new"), 0700), 0);
	s = open_state("state"); /* of a crash */
	ck_assert(!there("state.new"));
	ck_assert_uint_eq(value_now(s), 3);
	store_close(s);
}
END_TEST

START_TEST(a_damaged_checkpoint_is_not_staged)
{
	struct store *s;
	struct err e = {0};
	uint8_t byte;
	int fd;

	make_checkpoint("new", 50);
	fd = open(scratch_path(&scratch, "new"), O_RDWR);
	ck_assert_int_eq(pread(fd, &byte, 1, 10000), 1);
	byte ^= 1;
	ck_assert_int_eq(pwrite(fd, &byte, 1, 10000), 1);
	close(fd);
	s = open_state("state");
	write_state(s, 3);
	ck_assert_int_eq(stage(s, "new", &e), SVCD_ECORRUPT);
	ck_assert(!there("state.new"));
	ck_assert_int_eq(store_swap(s, NULL), SVCD_ENOTFOUND);
	ck_assert_uint_eq(value_now(s), 3);
	store_close(s);
}
END_TEST

/* All sums are right, but the state is not the one that is described. */
START_TEST(a_checkpoint_with_another_digest_is_not_staged)
{
	struct store *s;
	struct err e = {0};
	uint8_t label[88];
	uint64_t hash;
	struct stat st;
	int fd;

	make_checkpoint("new", 50);
	fd = open(scratch_path(&scratch, "new"), O_RDWR);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(pread(fd, label, sizeof(label), st.st_size - 4096), 88);
	label[72] ^= 1;
	hash = bytes_hash(bytes_of(label, 80));
	memcpy(label + 80, &hash, sizeof(hash));
	ck_assert_int_eq(pwrite(fd, label, sizeof(label), st.st_size - 4096), 88);
	close(fd);
	s = open_state("state");
	ck_assert_int_eq(stage(s, "new", &e), SVCD_ECORRUPT);
	ck_assert_msg(strstr(e.text, "digest") != NULL, "%s", e.text);
	ck_assert(!there("state.new"));
	store_close(s);
}
END_TEST

START_TEST(the_checkpoint_of_another_cluster_is_not_staged)
{
	struct store_options o = {.map_bytes = 8 * MIB, .cluster = 8};
	struct store *s;
	struct err e = {0};
	char dir[600];

	make_checkpoint("new", 50);
	strcpy(dir, scratch_path(&scratch, "state"));
	o.dir = dir;
	ck_assert_int_eq(store_open(&o, &s, &e), 0);
	ck_assert_int_eq(stage(s, "new", &e), SVCD_ECONFLICT);
	ck_assert(!there("state.new"));
	store_close(s);
}
END_TEST

/* Otherwise a second process could open it. */
START_TEST(the_new_state_is_locked_too)
{
	struct store_options o = {.map_bytes = 8 * MIB};
	struct store *s, *second;
	struct err e;
	char dir[600];

	make_checkpoint("new", 50);
	s = open_state("state");
	stage_and_swap(s, "new");
	strcpy(dir, scratch_path(&scratch, "state"));
	o.dir = dir;
	ck_assert_int_eq(store_open(&o, &second, &e), SVCD_EINUSE);
	store_close(s);
}
END_TEST

/* ---- threads ----------------------------------------------------------- */

struct crowd {
	struct store *s;
	_Atomic bool stop;
	_Atomic uint64_t newest; /* swapped in already: nobody may see an older one */
	_Atomic uint64_t reads;
};

static void *read_many(void *arg)
{
	struct crowd *c = arg;
	struct reader *r = store_reader_new(c->s);
	uint64_t last = 0;

	while (!c->stop) {
		uint64_t least = c->newest, value;
		struct tables *t = store_read_begin(r);

		ck_assert_ptr_nonnull(t);
		value = value_of(t);
		ck_assert_uint_ge(value, least);
		ck_assert_uint_ge(value, last);
		last = value;
		store_read_end(r);
		c->reads++;
		store_stat(c->s, &(struct store_stat){0});
	}
	store_reader_free(r);
	return NULL;
}

/* A checkpoint may be made at any time, by another thread. */
static void *checkpoint_many(void *arg)
{
	struct crowd *c = arg;
	char path[600];
	uint64_t index, term;

	strcpy(path, scratch.dir);
	strcat(path, "/copy");
	while (!c->stop) {
		uint64_t least = c->newest;

		ck_assert_int_eq(store_checkpoint(c->s, path, &index, &term, NULL), 0);
		ck_assert_uint_ge(index, least);
	}
	return NULL;
}

START_TEST(readers_go_through_many_swaps)
{
	struct crowd c = {.newest = 1};
	pthread_t threads[4];
	char name[16];

	for (uint64_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "new%d", (int)i);
		make_checkpoint(name, 100 * (i + 1));
	}
	c.s = open_state("state");
	write_state(c.s, 1);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, read_many, &c);
	pthread_create(&threads[3], NULL, checkpoint_many, &c);
	for (uint64_t i = 0; i < 40; i++) {
		uint64_t reads = c.reads;

		snprintf(name, sizeof(name), "new%d", (int)(i / 10));
		stage_and_swap(c.s, name);
		/* the same checkpoint again is older than what was written since */
		c.newest = i % 10 == 9 ? 100 * (i / 10 + 1) : c.newest;
		if (i % 10 == 9)
			write_state(c.s, 100 * (i / 10 + 1) + 1);
		while (c.reads == reads)
			sched_yield();
	}
	c.stop = true;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(value_now(c.s), 401);
	store_close(c.s);
}
END_TEST

/* ---- crashes ----------------------------------------------------------- */

static void swap_in_child(void)
{
	struct err e = {0};
	struct store *s = open_state("state");

	if (stage(s, "new", &e) != 0 || store_swap(s, &e) != 0)
		_exit(1);
}

START_TEST(a_crash_at_any_step_leaves_one_of_the_two)
{
	bool was_old = false, was_new = false, done = false;

	make_checkpoint("new", 50);
	for (int steps = 1; !done; steps++) {
		struct store *s = open_state("state");
		uint64_t value;

		write_state(s, 3);
		store_close(s);
		done = crash_in_child(steps, swap_in_child);
		s = open_state("state");
		value = value_now(s);
		ck_assert_msg(value == 3 || value == 50, "step %d", steps);
		ck_assert(!was_new || value == 50); /* never back */
		was_old |= value == 3;
		was_new |= value == 50;
		ck_assert(!there("state.new"));
		stage_and_swap(s, "new");
		ck_assert_uint_eq(value_now(s), 50);
		store_close(s);
	}
	ck_assert(was_old && was_new);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_swap");
	TCase *tc = unit_case(s, "swap");

	tcase_add_checked_fixture(tc, make_scratch, remove_scratch);
	tcase_add_test(tc, the_state_becomes_the_staged_one);
	tcase_add_test(tc, a_transaction_ends_on_the_state_it_began_with);
	tcase_add_test(tc, walks_go_on_in_the_new_state);
	tcase_add_test(tc, what_was_staged_last_is_swapped_in);
	tcase_add_test(tc, what_is_staged_and_not_swapped_in_leaves_nothing);
	tcase_add_test(tc, a_damaged_checkpoint_is_not_staged);
	tcase_add_test(tc, a_checkpoint_with_another_digest_is_not_staged);
	tcase_add_test(tc, the_checkpoint_of_another_cluster_is_not_staged);
	tcase_add_test(tc, the_new_state_is_locked_too);
	tcase_add_test(tc, readers_go_through_many_swaps);
	tcase_add_test(tc, a_crash_at_any_step_leaves_one_of_the_two);
	return unit_run(s);
}
