/* What is done offline with a data directory: a new cluster from a backup, and the only
 * voter after the loss of a quorum. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "catalog/member.h"
#include "catalog/query.h"
#include "crash_steps.h"
#include "replica/recover.h"
#include "replica/removed.h"
#include "replica/replica.h"
#include "replica/restore.h"
#include "scratch_dir.h"
#include "unit.h"
#include "wire/pack.h"

#define MIB ((uint64_t)1 << 20)
#define OTHER_A 0x1111
#define OTHER_B 0x2222

static struct scratch scratch;
static char data[512], backup[512], other[512];

/* Who posts a message touches the loop a moment longer than the receiver needs to answer
 * it: it is freed at the end. */
static struct loop *loop;

static void make_scratch(void)
{
	log_set_level(LOG_ERROR);
	scratch_make(&scratch);
	strcpy(data, scratch_path(&scratch, "data"));
	strcpy(backup, scratch_path(&scratch, "backup"));
	strcpy(other, scratch_path(&scratch, "other"));
	loop = loop_new();
	ck_assert_ptr_nonnull(loop);
}

static void remove_scratch(void)
{
	loop_free(loop);
	scratch_remove(&scratch);
}

static struct replica *start_in(const char *dir)
{
	struct replica_options o = {
		.data_dir = dir, .cluster_name = "test", .reserve_bytes = MIB};
	struct replica *r = NULL;
	struct err e = {0};

	ck_assert_msg(replica_start(&o, &r, &e) == 0, "%s", e.text);
	return r;
}

static struct replica_status status_of(struct replica *r)
{
	struct replica_status s;

	replica_status(r, &s);
	return s;
}

/* ---- writing ----------------------------------------------------------- */

static void on_done(struct proposal *p)
{
	(void)p;
	loop_stop(loop);
}

/* Proposes a command and waits for its outcome; takes it. */
static void propose(struct replica *r, struct buf *command)
{
	struct proposal p = {.command = *command, .done = on_done};

	p.reply = mailbox_new(loop);
	replica_propose(r, &p);
	loop_run(loop);
	ck_assert_msg(p.outcome.code == 0, "%s", p.outcome.text);
	buf_fini(&p.command);
	buf_fini(&p.outcome.incarnations);
	mailbox_free(p.reply);
}

static void register_one(struct replica *r, const char *id)
{
	const struct command_origin origin = {.actor = bytes_str("test")};
	struct buf params = {0}, command = {0};
	struct arena *a = arena_new();
	struct value v;
	struct err e = {0};

	pack_map(&params, 1);
	pack_cstr(&params, "instances");
	pack_array(&params, 1);
	pack_map(&params, 3);
	pack_kv_cstr(&params, "service", "web");
	pack_kv_cstr(&params, "id", id);
	pack_cstr(&params, "addresses");
	pack_array(&params, 1);
	pack_cstr(&params, "10.0.0.1");
	ck_assert_int_eq(value_parse(a, buf_bytes(&params), &v), 0);
	ck_assert_msg(command_register(v, &origin, &command, &e) == 0, "%s", e.text);
	arena_free(a);
	buf_fini(&params);
	propose(r, &command);
}

static void name_member(struct replica *r, uint64_t node, const char *name)
{
	struct member m = {.node = node,
		.name = bytes_str(name),
		.peer = bytes_str("tcp:10.0.0.1:7821")};
	struct buf command = {0};

	ck_assert_int_eq(
		command_member_set(&m, bytes_str("test"), BYTES_NONE, &command), 0);
	propose(r, &command);
}

/* ---- reading ----------------------------------------------------------- */

struct seen {
	uint64_t incarnation; /* of web/a; 0: not there */
	bool has_a, has_b, has_other;
	size_t members;
};

static bool count_member(void *arg, const struct member *m)
{
	struct seen *s = arg;

	s->has_other |= m->node == OTHER_A || m->node == OTHER_B;
	s->members++;
	return true;
}

static struct seen look(struct replica *r)
{
	struct reader *reader = store_reader_new(replica_store(r));
	struct tables *t = store_read_begin(reader);
	struct seen s = {0};
	struct err e = {0};
	const char *ids[] = {"a", "b"};
	bool *found[] = {&s.has_a, &s.has_b};

	for (size_t i = 0; i < LENGTH(ids); i++) {
		struct instance_key key = {
			bytes_str("default"), bytes_str("web"), bytes_str(ids[i])};
		struct instance one;

		*found[i] = catalog_get_instance(t, &key, &one);
		if (*found[i] && i == 0)
			s.incarnation = one.state.incarnation;
	}
	catalog_each_member(t, count_member, &s);
	ck_assert_int_eq(t->error, 0);
	ck_assert_uint_eq(store_digest(t), store_digest_recompute(t));
	ck_assert_msg(catalog_check(t, &e) == 0, "%s", e.text);
	store_read_end(reader);
	store_reader_free(reader);
	return s;
}

/* The history of members, as clients see it, has this word. */
static bool history_has(struct replica *r, const char *word)
{
	struct reader *reader = store_reader_new(replica_store(r));
	struct tables *t = store_read_begin(reader);
	struct bytes key, record;
	bool found = false,
	     more = table_seek(t, TABLE_EVENT, BYTES_NONE, false, &key, &record);

	for (; more && !found; more = table_next(t, TABLE_EVENT, &key, &record))
		found = memmem(record.data, record.len, word, strlen(word)) != NULL;
	store_read_end(reader);
	store_reader_free(reader);
	return found;
}

/* ---- restore ----------------------------------------------------------- */

/* A member with web/a, and a backup of it. */
static struct replica_status make_backup(void)
{
	struct replica *r = start_in(data);
	struct replica_status s;
	struct err e = {0};

	register_one(r, "a");
	name_member(r, OTHER_A, "n2");
	ck_assert_msg(replica_checkpoint(r, backup, &e) == 0, "%s", e.text);
	s = status_of(r);
	replica_stop(r);
	return s;
}

static int restore(const char *dir, bool force, struct restored *out, struct err *e)
{
	struct restore_options o = {.file = backup,
		.data_dir = dir,
		.force = force,
		.actor = "the test",
		.wall_ms = 1000};

	*e = (struct err){0};
	return restore_run(&o, out, e);
}

START_TEST(a_backup_becomes_a_new_cluster_of_one_with_the_same_data)
{
	struct replica_status before = make_backup(), after;
	struct replica *r = start_in(data);
	uint64_t incarnation = look(r).incarnation;
	struct restored out;
	struct err e;
	struct seen s;

	replica_stop(r);
	ck_assert_msg(restore(other, false, &out, &e) == 0, "%s", e.text);
	ck_assert_uint_ne(out.cluster, before.cluster);
	ck_assert_uint_ne(out.node, before.node);
	for (int i = 0; i < 2; i++) { /* also the next time */
		r = start_in(other);
		after = status_of(r);
		s = look(r);
		ck_assert_int_eq(after.role, ROLE_LEADER);
		ck_assert_uint_eq(after.cluster, out.cluster);
		ck_assert_uint_eq(after.node, out.node);
		ck_assert_uint_ge(after.rev, before.rev);
		ck_assert_uint_gt(after.term, before.term);
		ck_assert_uint_gt(after.last_index, before.applied_index);
		ck_assert_uint_eq(s.incarnation, incarnation);
		ck_assert(!s.has_other);
		ck_assert(history_has(r, "restored from a backup"));
		replica_stop(r);
	}
	r = start_in(other);
	register_one(r, "b");
	ck_assert(look(r).has_b);
	replica_stop(r);
}
END_TEST

START_TEST(the_members_of_before_are_in_no_list)
{
	struct driver_member members[4];
	struct restored out;
	struct recover x;
	struct err e = {0};

	make_backup();
	ck_assert_msg(restore(other, false, &out, &e) == 0, "%s", e.text);
	ck_assert_msg(recover_open(&x, other, &e) == 0, "%s", e.text);
	ck_assert(x.is_sole);
	ck_assert_uint_eq(x.n_members, 1);
	ck_assert_int_eq(
		driver_decode_members(buf_bytes(&x.files.members), members, 4), 1);
	ck_assert_uint_eq(members[0].node, out.node);
	recover_close(&x);
}
END_TEST

START_TEST(a_restored_member_survives_a_crash_of_the_machine)
{
	struct restored out;
	struct err e;
	struct replica *r;

	make_backup();
	ck_assert_msg(restore(other, false, &out, &e) == 0, "%s", e.text);
	/* what a crash leaves: no word that the state can be trusted */
	ck_assert_int_eq(unlink(scratch_path(&scratch, "other/clean")), 0);
	r = start_in(other);
	ck_assert(look(r).has_a);
	ck_assert_int_eq(status_of(r).role, ROLE_LEADER);
	replica_stop(r);
}
END_TEST

START_TEST(data_is_not_restored_over)
{
	struct restored out;
	struct err e;
	struct replica *r;

	make_backup();
	r = start_in(data);
	register_one(r, "b");
	ck_assert_int_eq(restore(data, true, &out, &e), SVCD_EINUSE);
	replica_stop(r);
	ck_assert_int_eq(restore(data, false, &out, &e), SVCD_EEXISTS);
	ck_assert_msg(strstr(e.text, "--force") != NULL, "%s", e.text);
	r = start_in(data);
	ck_assert(look(r).has_b);
	replica_stop(r);

	ck_assert_msg(restore(data, true, &out, &e) == 0, "%s", e.text);
	ck_assert(out.replaced);
	r = start_in(data);
	ck_assert(!look(r).has_b);
	replica_stop(r);
	strcpy(other, scratch_path(&scratch, "data/replaced"));
	r = start_in(other);
	ck_assert(look(r).has_b);
	replica_stop(r);
	ck_assert_int_eq(restore(data, true, &out, &e), SVCD_EEXISTS);
	ck_assert_msg(strstr(e.text, "replaced") != NULL, "%s", e.text);
}
END_TEST

static void damage(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char byte = 0;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte = (char)(byte ^ 1);
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

START_TEST(a_damaged_backup_is_refused_and_nothing_is_made)
{
	struct restored out;
	struct stat st;
	struct err e;

	make_backup();
	ck_assert_int_eq(stat(backup, &st), 0);
	damage(backup, st.st_size / 2);
	ck_assert_int_eq(restore(other, false, &out, &e), SVCD_ECORRUPT);
	ck_assert_int_ne(access(other, F_OK), 0);
	ck_assert_int_eq(truncate(backup, st.st_size / 2), 0);
	ck_assert_int_eq(restore(other, false, &out, &e), SVCD_ECORRUPT);
	ck_assert_int_eq(unlink(backup), 0);
	ck_assert_int_eq(restore(other, false, &out, &e), SVCD_ENOTFOUND);
}
END_TEST

/* A crash after most was moved into place: the directory is not taken for an empty one.
 */
START_TEST(half_a_restore_is_not_started)
{
	struct replica_options o = {.data_dir = other, .reserve_bytes = MIB};
	struct restored out;
	struct replica *r;
	struct err e;

	make_backup();
	ck_assert_int_eq(restore(other, false, &out, &e), 0);
	ck_assert_int_eq(unlink(scratch_path(&scratch, "other/identity")), 0);
	ck_assert_int_eq(replica_start(&o, &r, &e), SVCD_ECORRUPT);
}
END_TEST

/* ---- recover ----------------------------------------------------------- */

static void put_le64(struct buf *b, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		buf_put_u8(b, (uint8_t)(v >> (8 * i)));
}

static void put_server(struct buf *b, uint64_t node, const char *address)
{
	put_le64(b, node);
	buf_put(b, address, strlen(address) + 1);
	buf_put_u8(b, 1); /* voter */
}

/* The others are written into the log of a member that is alone. */
static void join_others(void)
{
	struct recover look_in;
	struct buf members = {0};
	struct journal_entry entry;
	struct err e = {0};

	ck_assert_msg(recover_open(&look_in, data, &e) == 0, "%s", e.text);
	ck_assert(look_in.is_sole);
	buf_put_u8(&members, 1);
	put_le64(&members, 3);
	put_server(&members, OTHER_A, "a");
	put_server(&members, OTHER_B, "b");
	put_server(&members, look_in.dir.node, "c");
	while (members.len % 8 != 0)
		buf_put_u8(&members, 0);
	entry = (struct journal_entry){look_in.last_index + 1, look_in.last_term,
		ENTRY_MEMBERS, buf_bytes(&members)};
	ck_assert_int_eq(journal_append(look_in.files.journal, &entry, 1), 0);
	journal_sync(look_in.files.journal);
	buf_fini(&members);
	recover_close(&look_in);
}

/* A member that was one of three. */
static void make_one_of_three(void)
{
	struct replica *r = start_in(data);

	register_one(r, "a");
	name_member(r, status_of(r).node, "n1");
	name_member(r, OTHER_A, "n2");
	name_member(r, OTHER_B, "n3");
	replica_stop(r);
	join_others();
}

START_TEST(the_log_is_told_and_nothing_is_changed)
{
	struct replica *r;
	struct recover x;
	struct err e = {0};

	make_one_of_three();
	for (int i = 0; i < 2; i++) {
		ck_assert_msg(recover_open(&x, data, &e) == 0, "%s", e.text);
		ck_assert_uint_eq(x.n_members, 3);
		ck_assert(x.is_member && x.is_voter && !x.is_sole);
		ck_assert_str_eq(x.members[0].name, "n2");
		ck_assert_str_eq(x.members[2].name, "n1");
		ck_assert_str_eq(x.members[1].peer, "tcp:10.0.0.1:7821");
		ck_assert_uint_eq(x.commit_index + 1, x.last_index);
		ck_assert_uint_gt(x.rev, 0);
		recover_close(&x);
	}
	r = start_in(data);
	ck_assert_int_ne(status_of(r).role, ROLE_LEADER); /* alone it is no majority */
	replica_stop(r);
}
END_TEST

static void run_recovery(void)
{
	struct recover x;
	struct err e = {0};

	if (recover_open(&x, data, &e) != 0)
		_exit(1);
	if (!x.is_sole && recover_run(&x, "the test", 1000, &e) != 0)
		_exit(1);
	recover_close(&x);
}

START_TEST(a_member_that_is_left_alone_leads_again)
{
	struct replica_status s;
	struct replica *r;
	struct recover x;
	struct err e = {0};
	uint64_t term, cluster, now;
	char ids[64];

	make_one_of_three();
	ck_assert_msg(recover_open(&x, data, &e) == 0, "%s", e.text);
	term = x.term;
	cluster = x.dir.cluster;
	ck_assert_msg(recover_run(&x, "the test", 1000, &e) == 0, "%s", e.text);
	now = x.dir.cluster;
	ck_assert_uint_ne(now, cluster);
	snprintf(ids, sizeof(ids), "%016" PRIx64 " is %016" PRIx64, cluster, now);
	recover_close(&x);
	for (int i = 0; i < 2; i++) {
		struct seen seen;

		r = start_in(data);
		s = status_of(r);
		seen = look(r);
		ck_assert_int_eq(s.role, ROLE_LEADER);
		ck_assert_uint_gt(s.term, term + 1);
		ck_assert_uint_eq(s.cluster, now);
		ck_assert(seen.has_a);
		ck_assert(!seen.has_other);
		ck_assert_uint_eq(seen.members, 1);
		ck_assert(history_has(r, "the only voter now"));
		ck_assert(history_has(r, ids));
		ck_assert(history_has(r, "the test"));
		replica_stop(r);
	}
	r = start_in(data);
	register_one(r, "b");
	ck_assert(look(r).has_b);
	replica_stop(r);
}
END_TEST

/* Ids of removed members in the state. */
static size_t removed_in(struct replica *r, uint64_t out[REMOVED_MAX])
{
	struct reader *reader = store_reader_new(replica_store(r));
	size_t n = removed_read(store_read_begin(reader), out);

	store_read_end(reader);
	store_reader_free(reader);
	return n;
}

static bool are_others(const uint64_t *ids, size_t n)
{
	return n == 2 && ids[0] != ids[1] && (ids[0] == OTHER_A || ids[0] == OTHER_B) &&
		(ids[1] == OTHER_A || ids[1] == OTHER_B);
}

START_TEST(who_was_given_up_is_known_for_good)
{
	uint64_t ids[REMOVED_MAX];
	struct restored out;
	struct replica *r;
	struct err e = {0};

	make_one_of_three();
	r = start_in(data);
	ck_assert_uint_eq(removed_in(r, ids), 0);
	replica_stop(r);
	for (int i = 0; i < 3; i++) {
		run_recovery();
		if (i == 1) /* the state is made again */
			unlink(scratch_path(&scratch, "data/clean"));
		r = start_in(data);
		ck_assert(are_others(ids, removed_in(r, ids)));
		replica_stop(r);
	}
	/* to what is made of a backup they are nobody */
	r = start_in(data);
	ck_assert_msg(replica_checkpoint(r, backup, &e) == 0, "%s", e.text);
	replica_stop(r);
	ck_assert_msg(restore(other, false, &out, &e) == 0, "%s", e.text);
	r = start_in(other);
	ck_assert_uint_eq(removed_in(r, ids), 0);
	replica_stop(r);
}
END_TEST

/* What is checked after the crash of a recovery: never the only voter of the cluster that
 * it was. */
static void check_half_done(uint64_t cluster)
{
	struct recover x;
	struct err e = {0};

	ck_assert_msg(recover_open(&x, data, &e) == 0, "%s", e.text);
	ck_assert(!x.is_sole || x.dir.cluster != cluster);
	ck_assert(x.dir.cluster == cluster || former_has(&x.dir.former, cluster));
	recover_close(&x);
}

/* Before that a member is started by mistake, in the other half of the cases. */
static void crash_while_recovering(int steps, bool machine, bool *done)
{
	struct replica_status s;
	struct replica *r;
	uint64_t cluster;

	make_one_of_three();
	r = start_in(data);
	cluster = status_of(r).cluster;
	replica_stop(r);
	*done = crash_in_child(steps, run_recovery);
	if (machine)
		unlink(scratch_path(&scratch, "data/clean"));
	check_half_done(cluster);
	if (steps % 2 == 0) {
		r = start_in(data);
		ck_assert(status_of(r).role != ROLE_LEADER ||
			status_of(r).cluster != cluster);
		replica_stop(r);
	}
	run_recovery();
	if (machine)
		unlink(scratch_path(&scratch, "data/clean"));
	r = start_in(data);
	s = status_of(r);
	ck_assert_int_eq(s.role, ROLE_LEADER);
	ck_assert_uint_ne(s.cluster, cluster);
	ck_assert(look(r).has_a);
	ck_assert_uint_eq(look(r).members, 1);
	ck_assert(history_has(r, "the only voter now"));
	ck_assert(history_has(r, "the test"));
	replica_stop(r);
}

START_TEST(a_crash_at_any_step_of_a_recovery_is_mended_by_another_one)
{
	bool done = false;
	int steps;

	for (steps = 1; !done; steps++) {
		crash_while_recovering(steps, _i == 1, &done);
		scratch_remove(&scratch);
		scratch_make(&scratch);
		strcpy(data, scratch_path(&scratch, "data"));
	}
	ck_assert_int_gt(steps, 10);
}
END_TEST

START_TEST(what_was_written_before_recoveries_is_its_own)
{
	struct recover x;
	struct replica *r;
	struct err e = {0};
	uint64_t index;

	make_one_of_three();
	run_recovery();
	for (int i = 0; i < 2; i++) {
		r = start_in(data);
		register_one(r, "b");
		ck_assert_msg(replica_checkpoint(r, NULL, &e) == 0, "%s", e.text);
		replica_stop(r);
	}
	for (int i = 0; i < 3; i++) {
		join_others();
		run_recovery();
	}
	ck_assert_msg(recover_open(&x, data, &e) == 0, "%s", e.text);
	ck_assert_uint_eq(x.dir.former.n, 4);
	ck_assert_uint_eq(x.files.checkpoints.n, 2);
	ck_assert_msg(checkpoints_restore(
			      &x.dir, &x.files.checkpoints, 0, other, &index, &e) == 0,
		"%s", e.text);
	ck_assert_uint_eq(index, x.files.checkpoints.index[0]);
	recover_close(&x);
	ck_assert_int_eq(unlink(scratch_path(&scratch, "data/clean")), 0);
	r = start_in(data);
	ck_assert_int_eq(status_of(r).role, ROLE_LEADER);
	ck_assert(look(r).has_a && look(r).has_b);
	replica_stop(r);
}
END_TEST

START_TEST(what_is_of_another_cluster_is_not_its_own)
{
	struct replica_options o = {.data_dir = data, .reserve_bytes = MIB};
	struct recover x;
	struct replica *r;
	struct err e = {0};
	uint64_t strange;

	make_one_of_three();
	run_recovery();
	ck_assert_msg(recover_open(&x, data, &e) == 0, "%s", e.text);
	strange = x.dir.former.id[0] + 1;
	ck_assert_int_eq(datadir_set_cluster(&x.dir, strange, false, &e), 0);
	recover_close(&x);
	ck_assert_int_eq(replica_start(&o, &r, &e), SVCD_ECONFLICT);
}
END_TEST

START_TEST(there_is_an_end_to_recoveries)
{
	struct recover x;
	struct err e = {0};

	make_one_of_three();
	for (int i = 0; i < FORMER_MAX; i++) {
		run_recovery();
		join_others();
	}
	ck_assert_msg(recover_open(&x, data, &e) == 0, "%s", e.text);
	ck_assert_int_eq(recover_run(&x, "the test", 1000, &e), SVCD_ELIMIT);
	ck_assert_msg(strstr(e.text, "make a backup") != NULL, "%s", e.text);
	recover_close(&x);
}
END_TEST

START_TEST(who_is_the_only_voter_needs_no_recovery)
{
	struct replica *r = start_in(data);
	struct recover x;
	struct err e = {0};

	ck_assert_int_eq(recover_open(&x, data, &e), SVCD_EINUSE);
	register_one(r, "a");
	replica_stop(r);
	ck_assert_msg(recover_open(&x, data, &e) == 0, "%s", e.text);
	ck_assert_int_eq(recover_run(&x, "the test", 1000, &e), SVCD_ECONFLICT);
	recover_close(&x);
	r = start_in(data);
	ck_assert(look(r).has_a);
	replica_stop(r);
}
END_TEST

START_TEST(a_directory_without_data_is_not_made_into_one)
{
	struct recover x;
	struct err e = {0};

	ck_assert_int_eq(recover_open(&x, other, &e), SVCD_ENOTFOUND);
	ck_assert_msg(strstr(e.text, "--data-dir") != NULL, "%s", e.text);
	ck_assert_int_ne(access(other, F_OK), 0);
}
END_TEST

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

START_TEST(what_is_to_join_another_cluster_is_not_recovered)
{
	struct recover x;
	struct restored out;
	struct err e = {0};

	make_backup();
	make_file(scratch_path(&scratch, "data/joining"));
	ck_assert_int_eq(recover_open(&x, data, &e), SVCD_ECONFLICT);
	ck_assert_msg(strstr(e.text, "joining") != NULL, "%s", e.text);
	/* nor does it take what is restored with it */
	ck_assert_int_eq(restore(data, true, &out, &e), 0);
	ck_assert_int_ne(access(scratch_path(&scratch, "data/joining"), F_OK), 0);
	ck_assert_int_eq(mkdir(other, 0700), 0);
	make_file(scratch_path(&scratch, "other/joining"));
	ck_assert_int_eq(restore(other, false, &out, &e), SVCD_EEXISTS);
}
END_TEST

static TCase *scratch_case(Suite *s, const char *name)
{
	TCase *tc = unit_case(s, name);

	tcase_add_checked_fixture(tc, make_scratch, remove_scratch);
	return tc;
}

int main(void)
{
	Suite *s = suite_create("restore and recover");
	TCase *tc = scratch_case(s, "restore");

	tcase_add_test(tc, a_backup_becomes_a_new_cluster_of_one_with_the_same_data);
	tcase_add_test(tc, the_members_of_before_are_in_no_list);
	tcase_add_test(tc, a_restored_member_survives_a_crash_of_the_machine);
	tcase_add_test(tc, data_is_not_restored_over);
	tcase_add_test(tc, a_damaged_backup_is_refused_and_nothing_is_made);
	tcase_add_test(tc, half_a_restore_is_not_started);
	tc = scratch_case(s, "recover");
	tcase_add_test(tc, the_log_is_told_and_nothing_is_changed);
	tcase_add_test(tc, a_member_that_is_left_alone_leads_again);
	tcase_add_loop_test(
		tc, a_crash_at_any_step_of_a_recovery_is_mended_by_another_one, 0, 2);
	tcase_add_test(tc, who_was_given_up_is_known_for_good);
	tcase_add_test(tc, what_was_written_before_recoveries_is_its_own);
	tcase_add_test(tc, what_is_of_another_cluster_is_not_its_own);
	tcase_add_test(tc, there_is_an_end_to_recoveries);
	tcase_add_test(tc, who_is_the_only_voter_needs_no_recovery);
	tcase_add_test(tc, what_is_to_join_another_cluster_is_not_recovered);
	tcase_add_test(tc, a_directory_without_data_is_not_made_into_one);
	return unit_run(s);
}
