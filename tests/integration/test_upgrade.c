/*
 * Data directories that earlier versions wrote: each of tests/vectors/data-*.tar.gz is
 * opened, as it is and with its state made anew, and holds what was put into it; those of
 * a later format are refused in words.
 *
 *	tests/integration/test_upgrade --make FILE.tar.gz
 *
 * writes one by this version: whenever something on disk changes, one more is kept, and
 * all are opened from then on. data-1: formats 1 of directory, log, state and checkpoint.
 */
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../unit/notation.h"
#include "../unit/scratch_dir.h"
#include "../unit/state_look.h"
#include "../unit/unit.h"
#include "base/log.h"
#include "catalog/command.h"
#include "catalog/member.h"
#include "replica/crc32c.h"
#include "replica/recovery.h"
#include "replica/replica.h"

#define DATA_FORMATS_MAX 16
#define PAGE 4096

static struct scratch scratch;

static const char *data_dir(void)
{
	static char dir[512];

	strcpy(dir, scratch_path(&scratch, "data"));
	return dir;
}

/* ---- writing ------------------------------------------------------------ */

struct caller {
	struct replica *replica;
	struct loop *loop;
	struct mailbox *box;
	struct proposal one;
};

static struct replica *start(void)
{
	struct replica_options o = {.data_dir = data_dir(),
		.cluster_name = "stored",
		.log_bytes_max = 1 << 20,
		.reserve_bytes = 1 << 20};
	struct replica *r = NULL;
	struct err e = {0};

	ck_assert_msg(replica_start(&o, &r, &e) == 0, "%s", e.text);
	return r;
}

static void caller_init(struct caller *c, struct replica *r)
{
	*c = (struct caller){.replica = r, .loop = loop_new()};
	c->box = mailbox_new(c->loop);
	ck_assert_ptr_nonnull(c->box);
}

/* With the replica: who posts an answer is at the loop a moment longer than it takes. */
static void caller_stop(struct caller *c)
{
	buf_fini(&c->one.command);
	buf_fini(&c->one.outcome.incarnations);
	mailbox_free(c->box);
	replica_stop(c->replica);
	loop_free(c->loop);
}

static void on_done(struct proposal *p)
{
	loop_stop(container_of(p, struct caller, one)->loop);
}

static void propose(struct caller *c)
{
	c->one.reply = c->box;
	c->one.done = on_done;
	replica_propose(c->replica, &c->one);
	loop_run(c->loop);
	ck_assert_int_eq(c->one.outcome.code, 0);
	buf_clear(&c->one.command);
}

typedef int command_fn(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e);

static void do_command(struct caller *c, command_fn *fn, const char *params)
{
	static const struct command_origin origin = {.actor = {(const uint8_t *)"me", 2}};
	struct arena *a = arena_new();
	struct buf b = {0};
	struct value v;
	struct err e = {0};

	notation_pack(&b, params);
	ck_assert_int_eq(value_parse(a, buf_bytes(&b), &v), 0);
	ck_assert_msg(fn(v, &origin, &c->one.command, &e) == 0, "%s", e.text);
	propose(c);
	arena_free(a);
	buf_fini(&b);
}

static void do_member(struct caller *c, uint64_t node, const char *name)
{
	struct member m = {.node = node,
		.name = bytes_str(name),
		.peer = bytes_str("tcp:10.0.0.1:7821"),
		.client = bytes_str("tcp:10.0.0.1:7820")};

	ck_assert_int_eq(command_member_set(&m, bytes_str("me"), bytes_str("joined"),
				 &c->one.command),
		0);
	propose(c);
}

/* Something of everything that has a record of its own. */
static void fill(struct caller *c)
{
	char text[200];

	do_command(c, command_service_set,
		"{service:'web',slow_start_ms:60000,min_available:'30%'}");
	do_command(c, command_lease_grant, "{ttl_ms:3600000,session:7,seq:1}");
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text),
			"{instances:[{service:'web',id:'web-%d',addresses:['10.0.0.%d'],"
			"ports:{http:{port:8080}},tags:['blue'],meta:{version:'1.%d'},"
			"checks:[{type:'tcp',port:'http'}]}]}",
			i, i + 1, i);
		do_command(c, command_register, text);
	}
	do_command(c, command_deregister, "{service:'web',id:'web-3'}");
	do_command(c, command_update,
		"{service:'web',id:'web-4',weight:7,admin:'draining'}");
	do_member(c, 0x1111, "one");
}

/* Behind the checkpoint: only the log has it. */
static void fill_more(struct caller *c)
{
	do_command(c, command_register,
		"{instances:[{service:'db',id:'db-1',addresses:['10.0.1.1']}]}");
	do_command(c, command_deregister, "{service:'web',id:'web-5'}");
}

static void write_expectations(void)
{
	struct datadir d;
	struct recovered r;
	struct recovery_options o = {.segment_bytes = 4 << 20};
	struct err e = {0};
	struct reader *reader;
	struct store_stat stat;
	struct tables *t;
	FILE *f;

	ck_assert_int_eq(datadir_open(&d, data_dir(), &e), 0);
	ck_assert_msg(recovery_open(&d, &o, &r, &e) == 0, "%s", e.text);
	reader = store_reader_new(r.store);
	t = store_read_begin(reader);
	f = fopen(scratch_path(&scratch, "data/expect"), "w");
	fprintf(f, "applied %" PRIu64 " rev %" PRIu64 " digest %016" PRIx64 "\n",
		store_index(t), catalog_rev(t), store_digest(t));
	fclose(f);
	store_read_end(reader);
	store_reader_free(reader);
	ck_assert_int_eq(store_sync(r.store, &e), 0);
	store_stat(r.store, &stat);
	recovered_close(&r);
	/* the file is as long as the map, and mostly a hole */
	ck_assert_int_eq(truncate(scratch_path(&scratch, "data/state/data.mdb"),
				 (off_t)stat.used_bytes),
		0);
	ck_assert_int_eq(datadir_mark(&d, true, &e), 0);
	datadir_close(&d);
}

static const char *file_to_make;

START_TEST(make)
{
	struct caller c;
	struct err e = {0};
	char command[2000];

	scratch_make(&scratch);
	caller_init(&c, start());
	fill(&c);
	ck_assert_msg(replica_checkpoint(c.replica, NULL, &e) == 0, "%s", e.text);
	fill_more(&c);
	caller_stop(&c);
	write_expectations();
	unlink(scratch_path(&scratch, "data/log/spare"));
	unlink(scratch_path(&scratch, "data/state/lock.mdb"));
	snprintf(command, sizeof(command),
		"tar -C %s --owner=0 --group=0 --numeric-owner -cf - data | gzip -9n >%s",
		scratch.dir, file_to_make);
	ck_assert_int_eq(system(command), 0);
	scratch_remove(&scratch);
}
END_TEST

/* ---- opening ------------------------------------------------------------ */

static char stored[DATA_FORMATS_MAX][512];
static int n_stored;

static void find_stored(void)
{
	const char *top = getenv("top_srcdir");
	char pattern[400];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/tests/vectors/data-*.tar.gz",
		top ? top : ".");
	if (glob(pattern, 0, NULL, &g) != 0)
		return;
	for (size_t i = 0; i < g.gl_pathc && n_stored < DATA_FORMATS_MAX; i++)
		snprintf(stored[n_stored++], sizeof(stored[0]), "%s", g.gl_pathv[i]);
	globfree(&g);
}

static void unpack(const char *file)
{
	char command[1200];

	log_set_level(LOG_ERROR);
	scratch_make(&scratch);
	snprintf(command, sizeof(command), "gzip -dc %s | tar -C %s -xf -", file,
		scratch.dir);
	ck_assert_int_eq(system(command), 0);
}

static void remove_scratch(void)
{
	scratch_remove(&scratch);
}

static void check_state(struct replica *r)
{
	struct reader *reader = store_reader_new(replica_store(r));
	struct tables *t = store_read_begin(reader);
	struct service_key web = {bytes_str("default"), bytes_str("web")};
	struct catalog_totals totals;
	struct service service;
	struct member m;
	struct err e = {0};

	ck_assert_msg(catalog_check(t, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(store_digest(t), store_digest_recompute(t));
	catalog_totals(t, &totals);
	ck_assert_uint_eq(totals.instances, 19);
	ck_assert_uint_eq(totals.leases, 1);
	ck_assert_uint_eq(totals.tombstones, 2);
	ck_assert(catalog_get_service(t, &web, &service));
	ck_assert(catalog_get_member(t, 0x1111, &m));
	ck_assert(bytes_eq_str(m.name, "one"));
	store_read_end(reader);
	store_reader_free(reader);
}

static void check_rows(struct replica *r)
{
	static const struct {
		const char *service, *id;
		bool there;
	} rows[] = {
		{"web", "web-0", true},
		{"web", "web-19", true},
		{"web", "web-4", true},
		{"web", "web-3", false},
		{"web", "web-5", false},
		{"db", "db-1", true},
	};

	for (size_t i = 0; i < LENGTH(rows); i++)
		ck_assert_msg(state_has_instance(r, rows[i].service, rows[i].id) ==
				rows[i].there,
			"%s", rows[i].id);
}

/* It is as it was left, can be written, and opened again. */
static void live_in_it(void)
{
	struct caller c;

	caller_init(&c, start());
	check_rows(c.replica);
	check_state(c.replica);
	do_command(&c, command_register,
		"{instances:[{service:'db',id:'db-2',addresses:['10.0.1.2']}]}");
	caller_stop(&c);
	c.replica = start();
	check_rows(c.replica);
	ck_assert(state_has_instance(c.replica, "db", "db-2"));
	replica_stop(c.replica);
}

static void check_expectations(void)
{
	uint64_t applied, rev, digest;
	struct datadir d;
	struct recovered r;
	struct recovery_options o = {.segment_bytes = 4 << 20};
	struct err e = {0};
	struct reader *reader;
	struct tables *t;
	FILE *f = fopen(scratch_path(&scratch, "data/expect"), "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "applied %" SCNu64 " rev %" SCNu64 " digest %" SCNx64,
				 &applied, &rev, &digest),
		3);
	fclose(f);
	ck_assert_int_eq(datadir_open(&d, data_dir(), &e), 0);
	ck_assert_msg(recovery_open(&d, &o, &r, &e) == 0, "%s", e.text);
	reader = store_reader_new(r.store);
	t = store_read_begin(reader);
	ck_assert_uint_eq(store_index(t), applied);
	ck_assert_uint_eq(catalog_rev(t), rev);
	ck_assert_uint_eq(store_digest(t), digest);
	ck_assert_uint_eq(store_digest_recompute(t), digest);
	store_read_end(reader);
	store_reader_free(reader);
	recovered_close(&r);
	ck_assert_int_eq(datadir_mark(&d, true, &e), 0);
	datadir_close(&d);
}

START_TEST(a_stored_directory_opens_as_it_is)
{
	unpack(stored[_i]);
	check_expectations();
	live_in_it();
}
END_TEST

START_TEST(its_state_is_made_anew_of_its_checkpoint_and_its_log)
{
	unpack(stored[_i]);
	ck_assert_int_eq(unlink(scratch_path(&scratch, "data/clean")), 0);
	live_in_it();
}
END_TEST

START_TEST(its_state_is_made_anew_when_the_folder_is_gone)
{
	unpack(stored[_i]);
	store_remove(scratch_path(&scratch, "data/state"));
	live_in_it();
}
END_TEST

/* ---- formats to come ------------------------------------------------------ */

static void expect_refusal(const char *what)
{
	struct replica_options o = {.data_dir = data_dir(), .cluster_name = "stored"};
	struct replica *r = NULL;
	struct err e = {0};

	ck_assert_int_eq(replica_start(&o, &r, &e), SVCD_EVERSION);
	ck_assert_msg(strstr(e.text, what) && strstr(e.text, "format"), "%s", e.text);
}

static uint8_t *read_file(const char *name, size_t *len)
{
	int fd = open(scratch_path(&scratch, name), O_RDONLY);
	struct stat st;
	uint8_t *data;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	*len = (size_t)st.st_size;
	data = malloc(*len);
	ck_assert_int_eq(read(fd, data, *len), (ssize_t)*len);
	close(fd);
	return data;
}

static void write_file(const char *name, uint8_t *data, size_t len)
{
	int fd = open(scratch_path(&scratch, name), O_WRONLY | O_TRUNC);

	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	close(fd);
	free(data);
}

START_TEST(a_directory_of_a_later_format_is_refused)
{
	size_t len;
	uint8_t *text;

	unpack(stored[_i]);
	text = read_file("data/identity", &len);
	ck_assert_int_eq(memcmp(text, "svcd ", 5), 0);
	text[5] = '9';
	write_file("data/identity", text, len);
	expect_refusal("data directory");
}
END_TEST

static void glob_one(const char *pattern, char out[512])
{
	char full[600];
	glob_t g;

	snprintf(full, sizeof(full), "%s/%s", scratch.dir, pattern);
	ck_assert_int_eq(glob(full, 0, NULL, &g), 0);
	snprintf(out, 512, "%s", g.gl_pathv[0] + strlen(scratch.dir) + 1);
	globfree(&g);
}

START_TEST(a_log_of_a_later_format_is_refused)
{
	uint32_t format = 9, crc;
	char name[512];
	uint8_t *data;
	size_t len;

	unpack(stored[_i]);
	glob_one("data/log/*.seg", name);
	data = read_file(name, &len);
	memcpy(data + 12, &format, sizeof(format));
	crc = crc32c(0, data + 12, 44); /* as the head has it: magic, crc, format … */
	memcpy(data + 8, &crc, sizeof(crc));
	write_file(name, data, len);
	expect_refusal("log/");
}
END_TEST

START_TEST(a_checkpoint_of_a_later_format_is_refused)
{
	uint64_t format = 9, hash;
	char name[512];
	uint8_t *data, *label;
	size_t len;

	unpack(stored[_i]);
	ck_assert_int_eq(unlink(scratch_path(&scratch, "data/clean")), 0);
	glob_one("data/checkpoint/*.ckpt", name);
	data = read_file(name, &len);
	label = data + len - PAGE;
	memcpy(label + 16, &format, sizeof(format));
	hash = bytes_hash(bytes_of(label, 80));
	memcpy(label + 80, &hash, sizeof(hash));
	write_file(name, data, len);
	expect_refusal("checkpoint");
}
END_TEST

/* The position has the format before the cluster; LMDB has no sums. */
START_TEST(a_state_of_a_later_format_is_refused)
{
	uint64_t was[2] = {1}, format = 9;
	struct datadir d;
	uint8_t *data, *at;
	size_t len;
	int n = 0;

	unpack(stored[_i]);
	ck_assert_int_eq(datadir_open(&d, data_dir(), NULL), 0);
	was[1] = d.cluster;
	datadir_close(&d);
	data = read_file("data/state/data.mdb", &len);
	for (at = data; (at = memmem(at, len - (size_t)(at - data), was, sizeof(was)));
		at += sizeof(was), n++)
		memcpy(at, &format, sizeof(format));
	ck_assert_int_gt(n, 0);
	write_file("data/state/data.mdb", data, len);
	expect_refusal("state");
}
END_TEST

START_TEST(there_are_stored_directories)
{
	ck_assert_int_ge(n_stored, 1);
}
END_TEST

static Suite *suite_to_make(void)
{
	Suite *s = suite_create("make");

	tcase_add_test(unit_case(s, "make"), make);
	return s;
}

static Suite *suite_to_open(void)
{
	Suite *s = suite_create("upgrade");
	TCase *tc = unit_case(s, "stored");

	tcase_add_test(unit_case(s, "vectors"), there_are_stored_directories);
	tcase_add_checked_fixture(tc, NULL, remove_scratch);
	tcase_add_loop_test(tc, a_stored_directory_opens_as_it_is, 0, n_stored);
	tcase_add_loop_test(
		tc, its_state_is_made_anew_of_its_checkpoint_and_its_log, 0, n_stored);
	tcase_add_loop_test(
		tc, its_state_is_made_anew_when_the_folder_is_gone, 0, n_stored);
	tcase_add_loop_test(tc, a_directory_of_a_later_format_is_refused, 0, n_stored);
	tcase_add_loop_test(tc, a_log_of_a_later_format_is_refused, 0, n_stored);
	tcase_add_loop_test(tc, a_checkpoint_of_a_later_format_is_refused, 0, n_stored);
	tcase_add_loop_test(tc, a_state_of_a_later_format_is_refused, 0, n_stored);
	return s;
}

int main(int argc, char **argv)
{
	find_stored();
	if (argc == 3 && strcmp(argv[1], "--make") == 0) {
		file_to_make = argv[2];
		return unit_run(suite_to_make());
	}
	return unit_run(suite_to_open());
}
