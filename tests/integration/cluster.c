#include "cluster.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../unit/state_look.h"
#include "../unit/unit.h"
#include "base/clock.h"
#include "base/log.h"
#include "wire/pack.h"

#define LOOK_MS 5 /* between two looks at what a condition is about */

/* ---- waiting ----------------------------------------------------------- */

struct waiting {
	struct cluster *cluster;
	bool (*fn)(struct cluster *c, void *arg);
	void *arg;
	bool done;
};

static struct waiting waiting;

static void on_timer(void *arg)
{
	struct cluster *c = arg;

	waiting.done = waiting.fn(c, waiting.arg);
	c->late = clock_now_ms() >= c->until_ms;
	if (waiting.done || c->late)
		loop_stop(c->loop);
	else
		timer_set(&c->timer, LOOK_MS);
}

void cluster_wait(struct cluster *c, bool (*fn)(struct cluster *c, void *arg), void *arg,
	const char *what)
{
	waiting = (struct waiting){.cluster = c, .fn = fn, .arg = arg};
	c->until_ms = clock_now_ms() + CLUSTER_WAIT_MS;
	c->late = false;
	timer_set(&c->timer, 0);
	while (!waiting.done && !c->late) { /* an answer stops the loop too */
		loop_run(c->loop);
		waiting.done = fn(c, arg);
	}
	timer_cancel(&c->timer);
	ck_assert_msg(waiting.done, "waited too long: %s", what);
}

/* ---- life -------------------------------------------------------------- */

void cluster_init(struct cluster *c)
{
	*c = (struct cluster){.voters = 3};
	log_set_level(getenv("SVCD_TEST_LOG") ? LOG_DEBUG : LOG_ERROR);
	scratch_make(&c->scratch);
	c->loop = loop_new();
	c->box = mailbox_new(c->loop);
	ck_assert_int_eq(timer_init(&c->timer, c->loop, on_timer, c), 0);
	for (int i = 0; i < CLUSTER_MAX; i++) {
		snprintf(c->names[i], sizeof(c->names[i]), "m%d", i);
		snprintf(c->dirs[i], sizeof(c->dirs[i]), "%s",
			scratch_path(&c->scratch, c->names[i]));
		strcpy(c->peers[i], "tcp:127.0.0.1:0");
	}
}

void cluster_fini(struct cluster *c)
{
	for (int i = 0; i < CLUSTER_MAX; i++)
		if (c->members[i])
			cluster_stop(c, i);
	mailbox_free(c->box);
	timer_fini(&c->timer);
	loop_free(c->loop);
	scratch_remove(&c->scratch);
}

static struct replica_options options(struct cluster *c, int i)
{
	struct replica_options o = {
		.data_dir = c->dirs[i],
		.cluster_name = "test",
		.reserve_bytes = (uint64_t)1 << 20,
		.log_bytes_max = c->log_bytes_max,
		.election_ms = c->election_ms,
		.heartbeat_ms = c->heartbeat_ms,
		.member_name = c->names[i],
		.peer_listen = c->peers[i],
		.client_advertise = c->names[i],
		.voters = c->voters,
	};

	for (int k = 0; k < CLUSTER_MAX && i != 0; k++)
		if (k != i && c->members[k])
			o.join[o.n_join++] = c->peers[k];
	return o;
}

int cluster_try(struct cluster *c, int i, struct err *e)
{
	struct replica_options o = options(c, i);
	int rc = replica_start(&o, &c->members[i], e);

	if (rc == 0) /* the same port at the next start */
		snprintf(c->peers[i], sizeof(c->peers[i]), "%s",
			cluster_status(c, i).peer);
	return rc;
}

void cluster_start(struct cluster *c, int i)
{
	struct err e = {0};

	ck_assert_msg(cluster_try(c, i, &e) == 0, "%s", e.text);
}

void cluster_stop(struct cluster *c, int i)
{
	replica_stop(c->members[i]);
	c->members[i] = NULL;
}

struct replica_status cluster_status(struct cluster *c, int i)
{
	struct replica_status s;

	replica_status(c->members[i], &s);
	return s;
}

struct replica_member cluster_view(struct cluster *c, int i, int of)
{
	struct replica_member all[REPLICA_MEMBERS_MAX];
	size_t n = replica_members(c->members[i], all, REPLICA_MEMBERS_MAX);

	for (size_t k = 0; k < n; k++)
		if (strcmp(all[k].name, c->names[of]) == 0)
			return all[k];
	return (struct replica_member){0};
}

/* ---- conditions -------------------------------------------------------- */

int cluster_leader(struct cluster *c)
{
	for (int i = 0; i < CLUSTER_MAX; i++)
		if (c->members[i] && cluster_status(c, i).role == ROLE_LEADER)
			return i;
	return -1;
}

static bool has_leader(struct cluster *c, void *arg)
{
	int leader = cluster_leader(c);

	(void)arg;
	if (leader < 0)
		return false;
	for (int i = 0; i < CLUSTER_MAX; i++)
		if (c->members[i] &&
			cluster_status(c, i).leader != cluster_status(c, leader).node)
			return false;
	return true;
}

int cluster_other_than(int leader)
{
	return leader == 0 ? 1 : 0;
}

int cluster_wait_leader(struct cluster *c)
{
	cluster_wait(c, has_leader, NULL, "a leader that all know");
	return cluster_leader(c);
}

struct count {
	int voters;
};

static bool all_voters(struct cluster *c, void *arg)
{
	const struct count *n = arg;
	int voters = 0;

	for (int i = 0; i < CLUSTER_MAX; i++) {
		if (!c->members[i])
			continue;
		if (cluster_status(c, i).joining)
			return false;
		voters += cluster_status(c, i).voter;
	}
	return voters >= n->voters;
}

void cluster_form(struct cluster *c, int n)
{
	struct count count = {n < (int)c->voters ? n : (int)c->voters};

	for (int i = 0; i < n; i++)
		cluster_start(c, i);
	cluster_wait(c, all_voters, &count, "all voters");
	cluster_wait_leader(c);
}

static bool all_equal(struct cluster *c, void *arg)
{
	struct replica_status first = {0};

	(void)arg;
	for (int i = 0; i < CLUSTER_MAX; i++) {
		struct replica_status s;

		if (!c->members[i])
			continue;
		s = cluster_status(c, i);
		if (s.applied_index != s.last_index)
			return false;
		if (first.node == 0)
			first = s;
		else if (s.last_index != first.last_index)
			return false;
	}
	return true;
}

void cluster_wait_equal(struct cluster *c)
{
	cluster_wait(c, all_equal, NULL, "all have applied the same");
}

uint64_t cluster_digest(struct cluster *c, int i)
{
	struct reader *reader = store_reader_new(replica_store(c->members[i]));
	struct tables *t = store_read_begin(reader);
	uint64_t d = store_digest(t);
	struct err e = {0};

	ck_assert_uint_eq(d, store_digest_recompute(t));
	ck_assert_msg(catalog_check(t, &e) == 0, "%s", e.text);
	store_read_end(reader);
	store_reader_free(reader);
	return d;
}

bool cluster_has(struct cluster *c, int i, const char *service, const char *id)
{
	return state_has_instance(c->members[i], service, id);
}

/* ---- writing ----------------------------------------------------------- */

static const struct command_origin origin = {.actor = {(const uint8_t *)"test", 4}};

static void build_register(const char *service, const char *id, size_t bulk,
	uint64_t session, uint64_t seq, struct buf *out)
{
	static const char filler[4000] = {[0 ... 3999] = 'x'};
	struct buf b = {0};
	struct arena *a = arena_new();
	struct value v;
	struct err e = {0};

	pack_map(&b, session ? 3 : 1);
	if (session) {
		pack_kv_u64(&b, "session", session);
		pack_kv_u64(&b, "seq", seq);
	}
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
	ck_assert_int_eq(value_parse(a, buf_bytes(&b), &v), 0);
	ck_assert_msg(command_register(v, &origin, out, &e) == 0, "%s", e.text);
	arena_free(a);
	buf_fini(&b);
}

/* Proposals that are under way together. */
struct bunch {
	struct cluster *cluster;
	int left, done;
	struct one {
		struct proposal p; /* first */
		struct bunch *bunch;
	} ones[];
};

static void on_one_done(struct proposal *p)
{
	struct bunch *b = ((struct one *)p)->bunch;

	b->done += p->outcome.code == 0;
	if (--b->left == 0)
		loop_stop(b->cluster->loop);
}

static struct bunch *bunch_new(struct cluster *c, int n)
{
	struct bunch *b = calloc(1, sizeof(*b) + (size_t)n * sizeof(b->ones[0]));

	ck_assert_ptr_nonnull(b);
	b->cluster = c;
	b->left = n;
	return b;
}

static void bunch_free(struct bunch *b, int n)
{
	for (int i = 0; i < n; i++) {
		buf_fini(&b->ones[i].p.command);
		buf_fini(&b->ones[i].p.outcome.incarnations);
	}
	free(b);
}

static bool never(struct cluster *c, void *arg)
{
	(void)c;
	return *(int *)arg == 0;
}

static void bunch_begin(struct bunch *b, int i, int n)
{
	for (int k = 0; k < n; k++) {
		struct one *o = &b->ones[k];

		o->bunch = b;
		o->p.reply = b->cluster->box;
		o->p.done = on_one_done;
		replica_propose(b->cluster->members[i], &o->p);
	}
}

static void bunch_run(struct bunch *b, int i, int n)
{
	bunch_begin(b, i, n);
	cluster_wait(b->cluster, never, &b->left, "answers");
}

int cluster_register_once(struct cluster *c, int i, const char *service, const char *id,
	uint64_t session, uint64_t seq)
{
	struct bunch *b = bunch_new(c, 1);
	int code;

	build_register(service, id, 0, session, seq, &b->ones[0].p.command);
	bunch_run(b, i, 1);
	code = b->ones[0].p.outcome.code;
	bunch_free(b, 1);
	return code;
}

int cluster_register(struct cluster *c, int i, const char *service, const char *id)
{
	return cluster_register_once(c, i, service, id, 0, 0);
}

static struct bunch *bunch_build(struct cluster *c, const char *service,
	const char *prefix, int n, int bulk, bool sessions)
{
	struct bunch *b = bunch_new(c, n);
	char id[64];

	for (int k = 0; k < n; k++) {
		snprintf(id, sizeof(id), "%s-%d", prefix, k);
		build_register(service, id, (size_t)bulk, sessions ? (uint64_t)k + 1 : 0,
			sessions, &b->ones[k].p.command);
	}
	return b;
}

int cluster_register_many(struct cluster *c, int i, const char *service,
	const char *prefix, int n, int bulk)
{
	struct bunch *b = bunch_build(c, service, prefix, n, bulk, false);
	int done;

	bunch_run(b, i, n);
	done = b->done;
	bunch_free(b, n);
	return done;
}

static struct bunch *begun;
static int begun_n;

void cluster_register_begin(
	struct cluster *c, int i, const char *service, const char *prefix, int n)
{
	ck_assert_ptr_null(begun);
	begun = bunch_build(c, service, prefix, n, 0, true);
	begun_n = n;
	bunch_begin(begun, i, n);
}

int cluster_register_end(struct cluster *c)
{
	int done;

	cluster_wait(c, never, &begun->left, "answers");
	done = begun->done;
	bunch_free(begun, begun_n);
	begun = NULL;
	return done;
}

/* ---- the rest ---------------------------------------------------------- */

struct read_wait {
	struct replica_read x; /* first */
	struct cluster *cluster;
	int left;
};

static void on_read(struct replica_read *x)
{
	struct read_wait *w = (struct read_wait *)x;

	w->left = 0;
	loop_stop(w->cluster->loop);
}

int cluster_read(struct cluster *c, int i)
{
	struct read_wait w = {.cluster = c, .left = 1};

	w.x.reply = c->box;
	w.x.done = on_read;
	replica_read_current(c->members[i], &w.x);
	cluster_wait(c, never, &w.left, "a current read");
	return w.x.code;
}

struct change_wait {
	struct replica_change x; /* first */
	struct cluster *cluster;
	int left;
};

static char change_text[ERR_TEXT_MAX];

static void on_change(struct replica_change *x)
{
	struct change_wait *w = (struct change_wait *)x;

	w->left = 0;
	loop_stop(w->cluster->loop);
}

int cluster_change(struct cluster *c, int i, enum replica_change_kind kind, int target)
{
	struct change_wait w = {.cluster = c, .left = 1};

	w.x.kind = kind;
	w.x.reply = c->box;
	w.x.done = on_change;
	w.x.node = target < 0 ? 0 : cluster_view(c, i, target).node;
	strcpy(w.x.actor, "test");
	replica_change(c->members[i], &w.x);
	cluster_wait(c, never, &w.left, "a change of the members");
	snprintf(change_text, sizeof(change_text), "%s", w.x.text);
	return w.x.code;
}

const char *cluster_change_text(void)
{
	return change_text;
}
