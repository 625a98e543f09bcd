/* Registration, lookup and renewal in closed loops. */
#include "svcbench/cases.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct message scratch, probe; /* probe outlives the hello that goes before it */

size_t answer_svcd(struct link *l, const unsigned char *p, size_t n, bool *failed)
{
	unsigned kind;
	size_t len;

	/* Answers of one kind have one length here; every 64th is walked in full to be
	 * sure. */
	if (l->usual > 0 && l->user % 64 != 0 && n >= l->usual && p[3] == 0xc0 &&
		(n == l->usual || (p[l->usual] == 0x94 && p[l->usual + 1] == 0x01)))
		return l->usual;
	len = mp_message(p, n, &kind, failed);
	if (len > 0 && kind == 1 && !*failed)
		l->usual = len;
	return len;
}

size_t answer_redis(struct link *l, const unsigned char *p, size_t n, bool *failed)
{
	(void)l;
	return resp_answer(p, n, failed);
}

void hello(struct link *l)
{
	mp_hello(&scratch);
	link_put(l, scratch.data, scratch.len);
	link_sent(l);
}

void run_closed_loop(
	struct engine *e, const struct bench_options *o, pid_t server, struct result *r)
{
	struct usage before, after;
	uint64_t answers;
	double wall;

	engine_for(e, 0.5);
	hist_clear(&e->hist);
	answers = e->answers;
	e->errors = 0;
	usage_now(&before, server);
	engine_for(e, o->seconds);
	usage_now(&after, server);
	answers = e->answers - answers;
	wall = (double)(after.wall_ns - before.wall_ns) / 1e9;
	memset(r, 0, sizeof *r);
	r->rate = (double)answers / wall;
	r->p50_us = (double)hist_quantile(&e->hist, 0.50) / 1e3;
	r->p99_us = (double)hist_quantile(&e->hist, 0.99) / 1e3;
	r->p999_us = (double)hist_quantile(&e->hist, 0.999) / 1e3;
	r->server_us = answers
		? (after.process_s - before.process_s) * 1e6 / (double)answers
		: 0;
	r->rss_mib = process_rss_mib(server);
	r->noise = (after.busy_s - before.busy_s) / wall -
		(after.process_s - before.process_s) / wall - 1.0;
	r->errors = e->errors + (uint64_t)e->closed;
}

/* ---- registration ------------------------------------------------------ */

static uint64_t next_instance;

void register_next(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	uint64_t i = next_instance++;

	(void)p, (void)n, (void)failed;
	l->user++;
	mp_request(&scratch, (unsigned)(l->user % 128), "register");
	mp_map(&scratch, 3);
	mp_str(&scratch, "session");
	mp_uint(&scratch, 1000 + (uint64_t)l->index);
	mp_str(&scratch, "seq");
	mp_uint(&scratch, l->user);
	mp_str(&scratch, "instances");
	mp_array(&scratch, 1);
	mp_instance(&scratch, i / 10, i);
	link_put(l, scratch.data, scratch.len);
	link_sent(l);
}

static void hset_one(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	uint64_t i = next_instance++;
	char key[32], field[32], record[512];
	const char *argv[] = {"HSET", key, field, record};

	(void)p, (void)n, (void)failed;
	snprintf(key, sizeof key, "reg:%06llu", (unsigned long long)(i / 10));
	snprintf(field, sizeof field, "%08llu", (unsigned long long)i);
	json_instance(record, sizeof record, i / 10, i);
	resp_command(&scratch, 4, argv, NULL);
	link_put(l, scratch.data, scratch.len);
	link_sent(l);
}

static void open_hset(struct link *l)
{
	hset_one(l, NULL, 0, false);
}

static void registration(const struct bench_case *c, const struct bench_options *o,
	bool redis, struct result *r)
{
	struct engine e;
	struct peer p;

	if (redis)
		peer_start_redis(&p, o, true);
	else
		peer_start_svcd(&p, o);
	next_instance = 0;
	engine_init(&e);
	e.answer = redis ? answer_redis : answer_svcd;
	e.on_open = redis ? open_hset : hello;
	e.on_answer = redis ? hset_one : register_next;
	for (int i = 0; i < c->links; i++)
		engine_dial(&e, p.host, p.port);
	run_closed_loop(&e, o, p.pid, r);
	engine_fini(&e);
	peer_remove(&p);
}

/* ---- filling ----------------------------------------------------------- */

#define FILL_BATCH 100

struct fill {
	uint64_t next, goal, done;
};

static void fill_one(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	struct fill *f = l->engine->arg;

	(void)p, (void)n;
	if (failed) {
		fputs("svcbench: error: filling: an answer is an error\n", stderr);
		exit(1);
	}
	if (l->user++ > 0)
		f->done += FILL_BATCH;
	if (f->next >= f->goal)
		return;
	mp_request(&scratch, 1, "register");
	mp_map(&scratch, 1);
	mp_str(&scratch, "instances");
	mp_array(&scratch, FILL_BATCH);
	for (int i = 0; i < FILL_BATCH; i++, f->next++)
		mp_instance(&scratch, f->next / 10, f->next);
	link_put(l, scratch.data, scratch.len);
	link_sent(l);
}

void fill_svcd(const struct peer *p, uint64_t n)
{
	struct fill f = {.goal = n};
	struct engine e;

	engine_init(&e);
	e.arg = &f;
	e.answer = answer_svcd;
	e.on_open = hello;
	e.on_answer = fill_one;
	for (int i = 0; i < 4; i++)
		engine_dial(&e, p->host, p->port);
	if (!engine_until(&e, &f.done, n, 600)) {
		fputs("svcbench: error: filling did not end\n", stderr);
		exit(1);
	}
	engine_fini(&e);
}

struct question {
	const struct message *request;
	unsigned char *out;
	size_t cap, len;
	uint64_t done;
};

static void question_step(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	struct question *q = l->engine->arg;

	if (l->user++ == 0) {
		link_put(l, q->request->data, q->request->len);
		return;
	}
	if (p[1] != 1)
		return;
	q->len = failed || n > q->cap ? 0 : n;
	memcpy(q->out, p, q->len);
	q->done = 1;
}

size_t ask_svcd(const struct peer *p, const struct message *request, unsigned char *out,
	size_t cap)
{
	struct question q = {.request = request, .out = out, .cap = cap};
	struct engine e;

	engine_init(&e);
	e.arg = &q;
	e.answer = answer_svcd;
	e.on_open = hello;
	e.on_answer = question_step;
	engine_dial(&e, p->host, p->port);
	engine_until(&e, &q.done, 1, 10);
	engine_fini(&e);
	return q.len;
}

/* ---- lookup ------------------------------------------------------------ */

static uint64_t services, random_state = 88172645463325252u;

static uint64_t random_service(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % services;
}

static void resolve_request(struct message *m, unsigned id, uint64_t service)
{
	char name[32];

	mp_request(m, id, "resolve");
	mp_map(m, 1);
	mp_str(m, "service");
	snprintf(name, sizeof name, "svc-%06llu", (unsigned long long)service);
	mp_str(m, name);
}

static void resolve_one(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	(void)p, (void)n, (void)failed;
	l->user++;
	resolve_request(&scratch, (unsigned)(l->user % 128), random_service());
	link_put(l, scratch.data, scratch.len);
	link_sent(l);
}

static void get_one(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	char key[32];
	const char *argv[] = {"GET", key};

	(void)p, (void)n, (void)failed;
	snprintf(key, sizeof key, "list:%06llu", (unsigned long long)random_service());
	resp_command(&scratch, 2, argv, NULL);
	link_put(l, scratch.data, scratch.len);
	link_sent(l);
}

/* With a depth above 1 the first answer starts the others. */
static int depth_now;

static void resolve_deep(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	if (l->user == 0)
		for (int i = 1; i < depth_now; i++)
			resolve_one(l, p, n, failed);
	resolve_one(l, p, n, failed);
}

static void open_get(struct link *l)
{
	for (int i = 0; i < depth_now; i++)
		get_one(l, NULL, 0, false);
}

static unsigned char sample[65536];
static size_t sample_len;

static void set_one(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	struct fill *f = l->engine->arg;
	char key[32];
	const char *argv[] = {"SET", key, (const char *)sample};
	size_t len[] = {0, 0, sample_len};

	(void)p, (void)n, (void)failed;
	f->done++;
	if (f->next >= f->goal)
		return;
	snprintf(key, sizeof key, "list:%06llu", (unsigned long long)f->next++);
	resp_command(&scratch, 3, argv, len);
	link_put(l, scratch.data, scratch.len);
	link_sent(l);
}

static void open_set(struct link *l)
{
	set_one(l, NULL, 0, false);
}

static void fill_redis(const struct peer *p)
{
	struct fill f = {.goal = services};
	struct engine e;

	engine_init(&e);
	e.arg = &f;
	e.answer = answer_redis;
	e.on_open = open_set;
	e.on_answer = set_one;
	for (int i = 0; i < 16; i++)
		engine_dial(&e, p->host, p->port);
	engine_until(&e, &f.done, services + 16, 60);
	engine_fini(&e);
}

static void lookup(const struct bench_case *c, const struct bench_options *o, bool redis,
	struct result *r)
{
	struct engine e;
	struct peer p;

	services = 10000;
	depth_now = c->depth;
	if (redis) {
		peer_start_redis(&p, o, false);
		if (sample_len == 0)
			sample_len = 2500;
		fill_redis(&p);
	} else {
		peer_start_svcd(&p, o);
		fill_svcd(&p, services * 10);
		resolve_request(&probe, 1, 7);
		sample_len = ask_svcd(&p, &probe, sample, sizeof sample);
		if (sample_len == 0) {
			fputs("svcbench: error: a lookup was refused\n", stderr);
			exit(1);
		}
	}
	engine_init(&e);
	e.answer = redis ? answer_redis : answer_svcd;
	e.on_open = redis ? open_get : hello;
	e.on_answer = redis ? get_one : resolve_deep;
	for (int i = 0; i < c->links; i++)
		engine_dial(&e, p.host, p.port);
	run_closed_loop(&e, o, p.pid, r);
	snprintf(r->note, sizeof r->note, "answer of %zu bytes", sample_len);
	engine_fini(&e);
	peer_remove(&p);
}

/* ---- the table --------------------------------------------------------- */

#define HSET .other = "redis", .other_what = "HSET, appendfsync always"
#define GET .other = "redis", .other_what = "GET of the same bytes"

const struct bench_case bench_cases[] = {
	{"register-1", "durable registration, 1 client", registration, HSET, .links = 1},
	{"register-64", "durable registration, 64 clients", registration, HSET,
		.links = 64},
	{"lookup-1", "lookup of 10 instances, 1 connection", lookup, GET, .links = 1,
		.depth = 1},
	{"lookup-64", "lookup of 10 instances, 64 connections", lookup, GET, .links = 64,
		.depth = 1},
	{"lookup-pipelined", "lookup of 10 instances, 16 x 64 pipelined", lookup, GET,
		.links = 16, .depth = 64},
	{"watch", "one change to all watchers, each with its connection", case_watch,
		.other = "redis", .other_what = "PUBLISH of the same bytes",
		.less_is_better = true},
	{"leases", "instances kept alive, each with a lease of 10 s", case_leases},
	{"size", "memory of the registry, and time to the first read after kill -9",
		case_size},
	{"cluster-1", "3 members: durable registration, 1 client of the leader",
		case_cluster, .links = 1, .via = VIA_LEADER},
	{"cluster-1-follower", "3 members: the same through a follower", case_cluster,
		.links = 1, .via = VIA_FOLLOWERS},
	{"cluster-64", "3 members: durable registration, 64 clients of all", case_cluster,
		.links = 64, .via = VIA_ALL},
	{"cluster-64-leader", "3 members: the same, all of the leader", case_cluster,
		.links = 64, .via = VIA_LEADER},
	{"cluster-64-follower", "3 members: the same, all of followers", case_cluster,
		.links = 64, .via = VIA_FOLLOWERS},
	{"failover-kill", "kill -9 of the leader: time without writes", case_failover,
		.signal = SIGKILL},
	{"failover-freeze", "SIGSTOP of the leader: time without writes", case_failover,
		.signal = SIGSTOP},
	{"handover", "SIGTERM of the leader: time without writes", case_failover,
		.signal = SIGTERM},
	{"catch-up", "a follower was away while all instances came", case_catch_up},
	{"snapshot", "a checkpoint under load: longest stop, extra memory",
		case_snapshot},
};

const unsigned bench_case_count = sizeof bench_cases / sizeof bench_cases[0];
