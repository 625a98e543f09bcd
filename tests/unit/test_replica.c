/* replica/replica.h on a real directory: threads, kills, refusals, checkpoints, a full
 * disk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "replica/replica.h"
#include "scratch_dir.h"
#include "state_look.h"
#include "unit.h"
#include "wire/pack.h"

#define MIB ((uint64_t)1 << 20)

static struct scratch scratch;

static void make_scratch(void)
{
	log_set_level(LOG_ERROR);
	scratch_make(&scratch);
}

/* Who posts a message touches the loop a moment longer than the receiver needs to answer
 * it: loops are freed when the replica does not run any more. */
static struct loop *loops[128];
static size_t n_loops;

static struct loop *make_loop(void)
{
	ck_assert_uint_lt(n_loops, LENGTH(loops));
	loops[n_loops] = loop_new();
	ck_assert_ptr_nonnull(loops[n_loops]);
	return loops[n_loops++];
}

static void remove_scratch(void)
{
	while (n_loops > 0)
		loop_free(loops[--n_loops]);
	scratch_remove(&scratch);
}

static struct replica_options options(void)
{
	static char dir[512];

	strcpy(dir, scratch_path(&scratch, "data"));
	return (struct replica_options){
		.data_dir = dir, .cluster_name = "test", .reserve_bytes = MIB};
}

static struct replica *start_with(const struct replica_options *o)
{
	struct replica *r = NULL;
	struct err e = {0};

	ck_assert_msg(replica_start(o, &r, &e) == 0, "%s", e.text);
	return r;
}

static struct replica *start(void)
{
	struct replica_options o = options();

	return start_with(&o);
}

static void expect_refusal(int code, const char *text)
{
	struct replica_options o = options();
	struct replica *r;
	struct err e = {0};

	ck_assert_int_eq(replica_start(&o, &r, &e), code);
	ck_assert_msg(strstr(e.text, text) != NULL, "%s", e.text);
}

static struct replica_status status_of(struct replica *r)
{
	struct replica_status s;

	replica_status(r, &s);
	return s;
}

/* ---- commands ---------------------------------------------------------- */

static const struct command_origin origin = {.actor = {(const uint8_t *)"test", 4}};

typedef int command_fn(struct value params, const struct command_origin *from,
	struct buf *out, struct err *e);

static void build(command_fn *fn, struct buf *params, struct buf *out)
{
	struct arena *a = arena_new();
	struct value v;
	struct err e = {0};

	ck_assert_int_eq(value_parse(a, buf_bytes(params), &v), 0);
	ck_assert_msg(fn(v, &origin, out, &e) == 0, "%s", e.text);
	arena_free(a);
	buf_fini(params);
}

static void build_register(
	const char *service, const char *id, size_t bulk, struct buf *out)
{
	static const char filler[4000] = {[0 ... 3999] = 'x'};
	struct buf b = {0};

	pack_map(&b, 1);
	pack_cstr(&b, "instances");
	pack_array(&b, 1);
	pack_map(&b, 4);
	pack_kv_cstr(&b, "service", service);
	pack_kv_cstr(&b, "id", id);
	pack_cstr(&b, "addresses");
	pack_array(&b, 1);
	pack_cstr(&b, "10.0.0.1");
	pack_cstr(&b, "meta");
	pack_map(&b, 1);
	pack_kv_str(&b, "bulk", bytes_of(filler, bulk));
	build(command_register, &b, out);
}

static void build_slow_start(const char *service, uint64_t ms, struct buf *out)
{
	struct buf b = {0};

	pack_map(&b, 2);
	pack_kv_cstr(&b, "service", service);
	pack_kv_u64(&b, "slow_start_ms", ms);
	build(command_service_set, &b, out);
}

static uint64_t digest(struct replica *r)
{
	struct reader *reader = store_reader_new(replica_store(r));
	struct tables *t = store_read_begin(reader);
	uint64_t d = store_digest(t);
	struct err e = {0};

	ck_assert_uint_eq(d, store_digest_recompute(t));
	ck_assert_msg(catalog_check(t, &e) == 0, "%s", e.text);
	store_read_end(reader);
	store_reader_free(reader);
	return d;
}

/* ---- one caller with a loop of its own --------------------------------- */

struct caller {
	struct replica *replica;
	struct loop *loop;
	struct mailbox *box;
	struct proposal one;
};

static void caller_init(struct caller *c, struct replica *r)
{
	*c = (struct caller){.replica = r};
	c->loop = make_loop();
	c->box = mailbox_new(c->loop);
	ck_assert_ptr_nonnull(c->box);
}

static void caller_fini(struct caller *c)
{
	buf_fini(&c->one.command);
	buf_fini(&c->one.outcome.incarnations);
	mailbox_free(c->box);
}

static void on_one_done(struct proposal *p)
{
	loop_stop(container_of(p, struct caller, one)->loop);
}

/* Proposes c->one.command and waits. */
static int propose_one(struct caller *c)
{
	c->one.reply = c->box;
	c->one.done = on_one_done;
	replica_propose(c->replica, &c->one);
	loop_run(c->loop);
	return c->one.outcome.code;
}

static int register_one(
	struct caller *c, const char *service, const char *id, size_t bulk)
{
	buf_clear(&c->one.command);
	build_register(service, id, bulk, &c->one.command);
	return propose_one(c);
}

/* Many at once, for those who need much in the log. */
struct bunch {
	struct loop *loop;
	int left;
	struct member {
		struct proposal p; /* first */
		struct bunch *bunch;
	} members[];
};

static void on_member_done(struct proposal *p)
{
	struct bunch *h = ((struct member *)p)->bunch;

	ck_assert_int_eq(p->outcome.code, 0);
	if (--h->left == 0)
		loop_stop(h->loop);
}

static void register_some(struct replica *r, int n, size_t bulk)
{
	struct bunch *h = calloc(1, sizeof(*h) + (size_t)n * sizeof(h->members[0]));
	struct mailbox *box;
	char id[32];

	h->loop = make_loop();
	h->left = n;
	box = mailbox_new(h->loop);
	for (int i = 0; i < n; i++) {
		struct member *m = &h->members[i];

		snprintf(id, sizeof(id), "i-%d", i);
		build_register("web", id, bulk, &m->p.command);
		m->bunch = h;
		m->p.reply = box;
		m->p.done = on_member_done;
		replica_propose(r, &m->p);
	}
	loop_run(h->loop);
	for (int i = 0; i < n; i++) {
		buf_fini(&h->members[i].p.command);
		buf_fini(&h->members[i].p.outcome.incarnations);
	}
	mailbox_free(box);
	free(h);
}

/* ---- start and stop ---------------------------------------------------- */

START_TEST(a_new_member_leads_and_takes_writes)
{
	struct replica *r = start();
	struct replica_status s = status_of(r);
	struct caller c;

	ck_assert_int_eq(s.role, ROLE_LEADER);
	ck_assert_uint_eq(s.leader, s.node);
	ck_assert_uint_ne(s.cluster, 0);
	ck_assert_uint_eq(s.age_ms, 0);
	caller_init(&c, r);
	ck_assert_int_eq(register_one(&c, "web", "a", 0), 0);
	ck_assert_uint_gt(c.one.outcome.rev, 0);
	ck_assert(state_has_instance(r, "web", "a"));
	caller_fini(&c);
	replica_stop(r);
}
END_TEST

START_TEST(everything_is_there_after_a_clean_stop)
{
	struct replica *r = start();
	struct replica_status before, after;
	uint64_t d;

	register_some(r, 50, 10);
	before = status_of(r);
	d = digest(r);
	replica_stop(r);
	r = start();
	after = status_of(r);
	ck_assert_uint_eq(digest(r), d);
	ck_assert_uint_eq(after.rev, before.rev);
	ck_assert_uint_eq(after.cluster, before.cluster);
	ck_assert_uint_eq(after.node, before.node);
	ck_assert_uint_gt(after.term, before.term);
	ck_assert(state_has_instance(r, "web", "i-49"));
	replica_stop(r);
}
END_TEST

START_TEST(cluster_time_goes_on_from_the_last_stamp)
{
	struct replica *r = start();
	uint64_t before, asked;

	register_some(r, 1, 0);
	replica_stop(r);
	r = start();
	before = status_of(r).time_ms;
	asked = clock_now_ms();
	register_some(r, 1, 0);
	ck_assert_uint_ge(status_of(r).time_ms, before);
	ck_assert_uint_le(status_of(r).time_ms, before + (clock_now_ms() - asked) + 1);
	ck_assert_uint_lt(before, 60000); /* begins at 0, not at the clock's time */
	replica_stop(r);
}
END_TEST

START_TEST(a_command_that_is_refused_tells_why)
{
	struct replica *r = start();
	struct caller c;

	caller_init(&c, r);
	buf_put_u8(&c.one.command, 0xff);
	ck_assert_int_ne(propose_one(&c), 0);
	ck_assert_int_eq(register_one(&c, "web", "a", 0), 0);
	caller_fini(&c);
	replica_stop(r);
}
END_TEST

/* ---- many threads ------------------------------------------------------ */

#define THREADS 4
#define PER_THREAD 2500
#define WINDOW 64

struct crowd {
	struct caller caller;
	int number, asked, answered;
	uint64_t last_rev;
	struct one {
		struct proposal p; /* first */
		struct crowd *crowd;
		int turn;
	} ones[WINDOW];
	pthread_t thread;
};

static void crowd_ask(struct one *o)
{
	char id[32];

	o->turn = o->crowd->asked++;
	snprintf(id, sizeof(id), "t%d-%d", o->crowd->number, o->turn % 500);
	buf_clear(&o->p.command);
	build_register("web", id, 0, &o->p.command);
	replica_propose(o->crowd->caller.replica, &o->p);
}

/* In the order of asking, and revisions rise. */
static void on_crowd_done(struct proposal *p)
{
	struct one *o = (struct one *)p;
	struct crowd *c = o->crowd;

	ck_assert_int_eq(p->outcome.code, 0);
	ck_assert_int_eq(o->turn, c->answered);
	ck_assert_uint_gt(p->outcome.rev, c->last_rev);
	c->last_rev = p->outcome.rev;
	c->answered++;
	if (c->asked < PER_THREAD)
		crowd_ask(o);
	else if (c->answered == PER_THREAD)
		loop_stop(c->caller.loop);
}

static void *crowd_main(void *arg)
{
	struct crowd *c = arg;

	for (int i = 0; i < WINDOW; i++) {
		c->ones[i].crowd = c;
		c->ones[i].p.reply = c->caller.box;
		c->ones[i].p.done = on_crowd_done;
		crowd_ask(&c->ones[i]);
	}
	loop_run(c->caller.loop);
	for (int i = 0; i < WINDOW; i++) {
		buf_fini(&c->ones[i].p.command);
		buf_fini(&c->ones[i].p.outcome.incarnations);
	}
	return NULL;
}

START_TEST(four_threads_get_all_their_answers_in_order)
{
	struct replica *r = start();
	struct crowd *crowds = calloc(THREADS, sizeof(*crowds));

	for (int i = 0; i < THREADS; i++) {
		crowds[i].number = i;
		caller_init(&crowds[i].caller, r);
		ck_assert_int_eq(
			pthread_create(&crowds[i].thread, NULL, crowd_main, &crowds[i]),
			0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(crowds[i].thread, NULL);
		ck_assert_int_eq(crowds[i].answered, PER_THREAD);
		caller_fini(&crowds[i].caller);
	}
	ck_assert_uint_eq(status_of(r).queue, 0);
	/* they shared entries */
	ck_assert_uint_lt(status_of(r).last_index, THREADS * PER_THREAD);
	digest(r);
	replica_stop(r);
	free(crowds);
}
END_TEST

struct flood {
	struct loop *loop;
	int answered, applied, refused;
	struct proposal ones[500];
};

static struct flood flood;

static void on_flood_done(struct proposal *p)
{
	ck_assert(p->outcome.code == 0 || p->outcome.code == SVCD_ESHUTDOWN);
	flood.answered++;
	flood.applied += p->outcome.code == 0;
	if (flood.answered == (int)LENGTH(flood.ones))
		loop_stop(flood.loop);
}

START_TEST(stopping_answers_everything_that_was_asked)
{
	struct replica *r = start();
	struct mailbox *box;

	flood.loop = make_loop();
	box = mailbox_new(flood.loop);
	for (size_t i = 0; i < LENGTH(flood.ones); i++) {
		char id[32];

		snprintf(id, sizeof(id), "f-%zu", i);
		build_register("web", id, 0, &flood.ones[i].command);
		flood.ones[i].reply = box;
		flood.ones[i].done = on_flood_done;
		replica_propose(r, &flood.ones[i]);
	}
	replica_stop(r);
	loop_run(flood.loop);
	ck_assert_int_eq(flood.answered, LENGTH(flood.ones));
	r = start();
	for (size_t i = 0; i < LENGTH(flood.ones); i++) {
		char id[32];

		snprintf(id, sizeof(id), "f-%zu", i);
		ck_assert_int_eq(state_has_instance(r, "web", id),
			flood.ones[i].outcome.code == 0);
		buf_fini(&flood.ones[i].command);
		buf_fini(&flood.ones[i].outcome.incarnations);
	}
	replica_stop(r);
	mailbox_free(box);
}
END_TEST

/* ---- publications ------------------------------------------------------ */

struct watcher {
	struct caller caller; /* first */
	uint64_t seen, last_rev;
	enum cause_kind wanted;
	bool found;
};

static void on_publication(void *arg, struct publication *p)
{
	struct watcher *w = arg;

	ck_assert_uint_gt(p->rev, w->last_rev);
	w->last_rev = p->rev;
	w->seen++;
	for (size_t i = 0; i < changes_services(p->changes); i++) {
		const struct service_change *s = changes_service(p->changes, i);

		for (size_t k = 0; k < s->n; k++)
			if (w->wanted &&
				changes_instance(p->changes, s->first + k)->cause ==
					w->wanted) {
				w->found = true;
				loop_stop(w->caller.loop);
			}
	}
}

START_TEST(a_publication_is_there_before_the_answer)
{
	struct replica *r = start();
	struct watcher w = {0};
	struct subscription *s;

	caller_init(&w.caller, r);
	s = replica_subscribe(r, w.caller.box, on_publication, &w);
	for (uint64_t i = 1; i <= 50; i++) {
		char id[32];

		snprintf(id, sizeof(id), "i-%" PRIu64, i);
		ck_assert_int_eq(register_one(&w.caller, "web", id, 0), 0);
		ck_assert_uint_eq(w.seen, i);
		ck_assert_uint_eq(replica_published(r), i);
		ck_assert_uint_eq(w.last_rev, w.caller.one.outcome.rev);
	}
	replica_unsubscribe(s);
	ck_assert_int_eq(register_one(&w.caller, "web", "last", 0), 0);
	ck_assert_uint_eq(w.seen, 50);
	caller_fini(&w.caller);
	replica_stop(r);
}
END_TEST

START_TEST(what_is_due_is_done_without_being_asked)
{
	struct replica *r = start();
	struct watcher w = {.wanted = CAUSE_WARMED};
	struct subscription *s;

	caller_init(&w.caller, r);
	s = replica_subscribe(r, w.caller.box, on_publication, &w);
	build_slow_start("web", 30, &w.caller.one.command);
	ck_assert_int_eq(propose_one(&w.caller), 0);
	ck_assert_int_eq(register_one(&w.caller, "web", "a", 0), 0);
	if (!w.found)
		loop_run(w.caller.loop);
	ck_assert(w.found);
	replica_unsubscribe(s);
	caller_fini(&w.caller);
	replica_stop(r);
}
END_TEST

struct role_seen {
	struct loop *loop;
	enum replica_role role;
	uint64_t term;
	int calls;
};

static void on_role(void *arg, enum replica_role role, uint64_t term)
{
	struct role_seen *seen = arg;

	seen->role = role;
	seen->term = term;
	seen->calls++;
	loop_stop(seen->loop);
}

START_TEST(the_role_is_told_at_the_start)
{
	struct replica *r = start();
	struct caller c;
	struct role_seen seen = {0};

	caller_init(&c, r);
	seen.loop = c.loop;
	replica_on_role(r, c.box, on_role, &seen);
	loop_run(c.loop);
	ck_assert_int_eq(seen.calls, 1);
	ck_assert_int_eq(seen.role, ROLE_LEADER);
	ck_assert_uint_eq(seen.term, status_of(r).term);
	replica_stop(r);
	caller_fini(&c);
}
END_TEST

/* ---- kills ------------------------------------------------------------- */

#define ID_BASE 1000000

struct worker {
	struct caller caller; /* first */
	int out;
	int next;
	struct slot {
		struct proposal p; /* first */
		struct worker *worker;
		int number;
	} slots[32];
};

static void worker_ask(struct slot *s)
{
	char id[32];

	s->number = s->worker->next++;
	snprintf(id, sizeof(id), "k-%d", s->number);
	buf_clear(&s->p.command);
	build_register("web", id, 0, &s->p.command);
	replica_propose(s->worker->caller.replica, &s->p);
}

static void on_worker_done(struct proposal *p)
{
	struct slot *s = (struct slot *)p;

	if (p->outcome.code != 0 ||
		write(s->worker->out, &s->number, sizeof(s->number)) != sizeof(s->number))
		_exit(1);
	worker_ask(s);
}

/* In a child: proposes until it is killed, and says through the pipe what was
 * acknowledged. */
static void work_until_killed(int out, int first)
{
	struct replica_options o = options();
	struct worker *w = calloc(1, sizeof(*w));
	struct replica *r;
	struct err e = {0};

	o.log_bytes_max = 256 << 10; /* with checkpoints all the time */
	if (!w || replica_start(&o, &r, &e) != 0) {
		fprintf(stderr, "%s\n", e.text);
		_exit(1);
	}
	w->caller.replica = r;
	w->caller.loop = make_loop();
	w->caller.box = mailbox_new(w->caller.loop);
	w->out = out;
	w->next = first;
	for (size_t i = 0; i < LENGTH(w->slots); i++) {
		w->slots[i].worker = w;
		w->slots[i].p.reply = w->caller.box;
		w->slots[i].p.done = on_worker_done;
		worker_ask(&w->slots[i]);
	}
	loop_run(w->caller.loop);
	_exit(1);
}

/* Reads acknowledgements until there are n of this life; returns how many there are in
 * all. */
static size_t read_acks(int in, int *acks, size_t have, size_t n)
{
	size_t end = have + n;

	while (have < end && read(in, &acks[have], sizeof(acks[0])) == sizeof(acks[0]))
		have++;
	ck_assert_uint_eq(have, end);
	return have;
}

static size_t one_life(int *acks, size_t have, size_t n, int first)
{
	int fds[2], wait_status;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		work_until_killed(fds[1], first);
	}
	close(fds[1]);
	have = read_acks(fds[0], acks, have, n);
	kill(pid, SIGKILL);
	waitpid(pid, &wait_status, 0);
	ck_assert(WIFSIGNALED(wait_status));
	while (read(fds[0], &acks[have], sizeof(acks[0])) == sizeof(acks[0]))
		have++;
	close(fds[0]);
	return have;
}

static void check_acks(const int *acks, size_t n)
{
	struct replica *r = start();

	for (size_t i = 0; i < n; i++) {
		char id[32];

		snprintf(id, sizeof(id), "k-%d", acks[i]);
		ck_assert_msg(state_has_instance(r, "web", id),
			"%s was acknowledged and is lost", id);
	}
	digest(r);
	replica_stop(r);
}

/* As after a crash of the machine, as far as the state is concerned: it may not be
 * trusted. */
static void forget_boot(void)
{
	FILE *f = fopen(scratch_path(&scratch, "data/clean"), "w");

	ck_assert_ptr_nonnull(f);
	fputs("open 00000000-0000-0000-0000-000000000000\n", f);
	fclose(f);
}

START_TEST(what_was_acknowledged_survives_kill_9)
{
	int *acks = calloc(ID_BASE, sizeof(*acks));
	size_t n = 0;

	for (int life = 0; life < 6; life++) {
		n = one_life(acks, n, 100 + (size_t)life * 200, life * 100000);
		if (life % 2 != 0)
			forget_boot();
		if (life % 3 == 2)
			check_acks(acks, n);
	}
	free(acks);
}
END_TEST

/* ---- rebuilding, refusing ---------------------------------------------- */

static void write_junk(const char *name, off_t at, size_t len)
{
	int fd = open(scratch_path(&scratch, name), O_WRONLY);
	char junk[4096];

	memset(junk, 0x5a, sizeof(junk));
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_le(len, sizeof(junk));
	ck_assert_int_eq(pwrite(fd, junk, len, at), (ssize_t)len);
	close(fd);
}

START_TEST(the_state_is_built_anew_from_the_log)
{
	struct replica *r = start();
	uint64_t d;

	register_some(r, 60, 100);
	d = digest(r);
	replica_stop(r);
	forget_boot();
	write_junk("data/state/data.mdb", 0, 4096);
	r = start();
	ck_assert_uint_eq(digest(r), d);
	replica_stop(r);
	/* A state that LMDB itself refuses, although it is trusted. */
	write_junk("data/state/data.mdb", 0, 4096);
	write_junk("data/state/data.mdb", 4096, 4096);
	r = start();
	ck_assert_uint_eq(digest(r), d);
	replica_stop(r);
}
END_TEST

static size_t list_folder(const char *name, char out[8][64])
{
	DIR *dir = opendir(scratch_path(&scratch, name));
	struct dirent *e;
	size_t n = 0;

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir)) != NULL && n < 8)
		if (e->d_name[0] != '.')
			snprintf(out[n++], 64, "%.63s", e->d_name);
	closedir(dir);
	return n;
}

START_TEST(the_state_is_built_anew_from_checkpoint_and_log)
{
	struct replica_options o = options();
	struct replica *r;
	struct err e = {0};
	uint64_t d;

	o.log_bytes_max = 8 * MIB;
	r = start_with(&o);
	for (int round = 0; round < 3; round++) {
		register_some(r, 1500, 3900); /* 6 MB: more than a segment */
		ck_assert_msg(replica_checkpoint(r, NULL, &e) == 0, "%s", e.text);
	}
	ck_assert_uint_gt(status_of(r).first_index, 1);
	ck_assert_uint_eq(status_of(r).checkpoint_rev, status_of(r).rev);
	register_some(r, 20, 10);
	d = digest(r);
	replica_stop(r);
	for (int damaged = 0; damaged < 2; damaged++) {
		char names[8][64], path[128];

		forget_boot();
		ck_assert_uint_eq(list_folder("data/checkpoint", names), 2);
		if (damaged) {
			/* The newest one: its name is the greater. */
			snprintf(path, sizeof(path), "data/checkpoint/%s",
				strcmp(names[0], names[1]) > 0 ? names[0] : names[1]);
			write_junk(path, 20000, 100);
		}
		r = start_with(&o);
		ck_assert_uint_eq(digest(r), d);
		ck_assert(state_has_instance(r, "web", "i-1499"));
		replica_stop(r);
	}
}
END_TEST

START_TEST(without_any_way_to_build_the_state_it_says_what_to_do)
{
	struct replica_options o = options();
	struct replica *r;
	char names[8][64], path[128];
	size_t n;

	o.log_bytes_max = 8 * MIB;
	r = start_with(&o);
	for (int round = 0; round < 3; round++) {
		register_some(r, 1500, 3900);
		ck_assert_int_eq(replica_checkpoint(r, NULL, NULL), 0);
	}
	ck_assert_uint_gt(status_of(r).first_index, 1);
	replica_stop(r);
	forget_boot();
	n = list_folder("data/checkpoint", names);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "data/checkpoint/%s", names[i]);
		ck_assert_int_eq(unlink(scratch_path(&scratch, path)), 0);
	}
	expect_refusal(SVCD_ECORRUPT, "restore this member from a backup");
}
END_TEST

START_TEST(a_directory_in_use_is_refused)
{
	struct replica *r = start();

	expect_refusal(SVCD_EINUSE, "in use by another svcd");
	replica_stop(r);
	replica_stop(start());
}
END_TEST

static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(scratch_path(&scratch, name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

START_TEST(the_data_of_another_cluster_is_refused)
{
	replica_stop(start());
	write_text("data/identity",
		"svcd 1\ncluster 0000000000001234\nnode 0000000000000001\n");
	expect_refusal(SVCD_ECONFLICT, "another cluster");
}
END_TEST

START_TEST(an_identity_that_cannot_be_used_is_refused)
{
	replica_stop(start());
	write_text("data/identity",
		"svcd 2\ncluster 0000000000001234\nnode 0000000000000001\n");
	expect_refusal(SVCD_EVERSION, "format 2");
	write_text("data/identity", "junk");
	expect_refusal(SVCD_ECORRUPT, "damaged");
	ck_assert_int_eq(unlink(scratch_path(&scratch, "data/identity")), 0);
	expect_refusal(SVCD_ECORRUPT, "no file \"identity\"");
}
END_TEST

START_TEST(a_state_ahead_of_the_log_is_refused)
{
	struct replica *r = start();

	register_some(r, 5, 0);
	replica_stop(r);
	ck_assert_int_eq(
		unlink(scratch_path(&scratch, "data/log/0000000000000001.seg")), 0);
	expect_refusal(SVCD_ECORRUPT, "a part of the log is lost");
}
END_TEST

START_TEST(a_damaged_entry_is_refused)
{
	struct replica *r = start();

	for (int i = 0; i < 5; i++)
		register_some(r, 1, 0); /* an entry each */
	replica_stop(r);
	write_junk("data/log/0000000000000001.seg", 4096 + 250, 20);
	expect_refusal(SVCD_ECORRUPT, "damaged");
}
END_TEST

/* ---- checkpoints, space ------------------------------------------------ */

START_TEST(a_growing_log_is_cut_by_checkpoints)
{
	struct replica_options o = options();
	struct replica *r;
	uint64_t before;
	char names[8][64];

	o.log_bytes_max = MIB;
	r = start_with(&o);
	for (int i = 0; i < 100 && status_of(r).first_index == 1; i++)
		register_some(r, 200, 3900);
	ck_assert_uint_gt(status_of(r).first_index, 1);
	ck_assert_uint_gt(status_of(r).checkpoint_index, 0);
	ck_assert_uint_lt(status_of(r).log_bytes, 40 * MIB);
	before = digest(r);
	replica_stop(r);
	ck_assert_uint_le(list_folder("data/checkpoint", names), 2);
	r = start_with(&o);
	ck_assert_uint_eq(digest(r), before);
	register_some(r, 10, 10);
	replica_stop(r);
}
END_TEST

START_TEST(a_checkpoint_goes_where_it_is_asked_to_go)
{
	struct replica *r = start();
	char path[512];
	struct checkpoint_info info;
	struct err e = {0};

	register_some(r, 20, 0);
	strcpy(path, scratch_path(&scratch, "backup"));
	ck_assert_int_eq(replica_checkpoint(r, path, &e), 0);
	ck_assert_int_eq(store_checkpoint_inspect(path, true, &info, &e), 0);
	ck_assert_uint_eq(info.rev, status_of(r).rev);
	ck_assert_uint_eq(info.cluster, status_of(r).cluster);
	replica_stop(r);
}
END_TEST

static bool mount_small(const char *dir, const char *size)
{
	return unshare(CLONE_NEWNS) == 0 &&
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		mount("tmpfs", dir, "tmpfs", 0, size) == 0;
}

START_TEST(a_full_disk_refuses_writes_until_there_is_room)
{
	struct replica *r;
	struct caller c;
	int rc = 0, done = 0;
	char id[32];

	if (!mount_small(scratch.dir, "size=80m"))
		return;
	r = start();
	caller_init(&c, r);
	while (rc == 0) {
		snprintf(id, sizeof(id), "i-%d", done++);
		rc = register_one(&c, "web", id, 3900);
	}
	ck_assert_int_eq(rc, SVCD_ENOSPACE);
	ck_assert_int_gt(done, 1000);
	ck_assert(status_of(r).space_low);
	ck_assert_int_eq(register_one(&c, "web", "more", 0), SVCD_ENOSPACE);
	ck_assert_int_eq(
		mount("tmpfs", scratch.dir, "tmpfs", MS_REMOUNT, "size=200m"), 0);
	ck_assert_int_eq(register_one(&c, "web", "more", 0), 0);
	ck_assert(!status_of(r).space_low);
	digest(r);
	caller_fini(&c);
	replica_stop(r);
	r = start();
	ck_assert(state_has_instance(r, "web", "more"));
	ck_assert(state_has_instance(r, "web", "i-999"));
	replica_stop(r);
	umount2(scratch.dir, MNT_DETACH);
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
	Suite *s = suite_create("replica");
	TCase *life = case_with_scratch(s, "life");
	TCase *crowd = case_with_scratch(s, "crowd");
	TCase *publish = case_with_scratch(s, "publish");
	TCase *kill9 = case_with_scratch(s, "kill");
	TCase *recovery = case_with_scratch(s, "recovery");
	TCase *space = case_with_scratch(s, "space");

	tcase_add_test(life, a_new_member_leads_and_takes_writes);
	tcase_add_test(life, everything_is_there_after_a_clean_stop);
	tcase_add_test(life, cluster_time_goes_on_from_the_last_stamp);
	tcase_add_test(life, a_command_that_is_refused_tells_why);

	tcase_add_test(crowd, four_threads_get_all_their_answers_in_order);
	tcase_add_test(crowd, stopping_answers_everything_that_was_asked);

	tcase_add_test(publish, a_publication_is_there_before_the_answer);
	tcase_add_test(publish, what_is_due_is_done_without_being_asked);
	tcase_add_test(publish, the_role_is_told_at_the_start);

	tcase_add_test(kill9, what_was_acknowledged_survives_kill_9);

	tcase_add_test(recovery, the_state_is_built_anew_from_the_log);
	tcase_add_test(recovery, the_state_is_built_anew_from_checkpoint_and_log);
	tcase_add_test(recovery, without_any_way_to_build_the_state_it_says_what_to_do);
	tcase_add_test(recovery, a_directory_in_use_is_refused);
	tcase_add_test(recovery, the_data_of_another_cluster_is_refused);
	tcase_add_test(recovery, an_identity_that_cannot_be_used_is_refused);
	tcase_add_test(recovery, a_state_ahead_of_the_log_is_refused);
	tcase_add_test(recovery, a_damaged_entry_is_refused);

	tcase_add_test(space, a_growing_log_is_cut_by_checkpoints);
	tcase_add_test(space, a_checkpoint_goes_where_it_is_asked_to_go);
	tcase_add_test(space, a_full_disk_refuses_writes_until_there_is_room);
	return unit_run(s);
}
