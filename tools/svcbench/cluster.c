/* Clusters of three on this machine: durable writes, failover, catching up, checkpoints.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "svcbench/cases.h"

#define MEMBERS 3
#define START_SECONDS 30

struct trio {
	struct bench_options o; /* as given, but on any processor */
	int client_cpu;
	struct peer m[MEMBERS];
};

static struct message request;
static unsigned char answer[1 << 20];

static void give_up(const char *what)
{
	fprintf(stderr, "svcbench: error: %s\n", what);
	exit(1);
}

/* ---- the cluster -------------------------------------------------------- */

static size_t ask_member(const struct peer *p, const char *method)
{
	mp_request(&request, 1, method);
	mp_map(&request, 0);
	return p->pid > 0 ? ask_svcd(p, &request, answer, sizeof answer) : 0;
}

static unsigned count_of(size_t n, const char *what, size_t len)
{
	const unsigned char *at = answer, *end = answer + n;
	unsigned found = 0;

	while ((at = memmem(at, (size_t)(end - at), what, len)) != NULL) {
		at += len;
		found++;
	}
	return found;
}

/* The member that leads; -1: none says so. */
static int leader_of(const struct trio *t)
{
	for (int i = 0; i < MEMBERS; i++) {
		size_t n = ask_member(&t->m[i], "status");

		if (count_of(n, "\xa4role\xa6leader", 12) > 0)
			return i;
	}
	return -1;
}

static int await_leader(const struct trio *t)
{
	uint64_t end = now_ns() + START_SECONDS * UINT64_C(1000000000);
	int leader = -1;

	while ((leader = leader_of(t)) < 0)
		if (now_ns() > end)
			give_up("nobody leads the cluster");
	return leader;
}

static void await_voters(const struct trio *t)
{
	uint64_t end = now_ns() + START_SECONDS * UINT64_C(1000000000);

	while (count_of(ask_member(&t->m[0], "members"), "\xa5voter\xc3", 7) < MEMBERS)
		if (now_ns() > end)
			give_up("the members do not all become voters");
}

static void trio_start(struct trio *t, const struct bench_options *o)
{
	t->o = *o;
	t->o.server_cpu = -1;
	t->client_cpu = o->client_cpu;
	pin_to(-1);
	for (int i = 0; i < MEMBERS; i++)
		peer_start_member(&t->m[i], &t->o, i, i > 0 ? &t->m[0] : NULL);
	await_voters(t);
}

static void trio_remove(struct trio *t)
{
	for (int i = 0; i < MEMBERS; i++)
		peer_remove(&t->m[i]);
	pin_to(t->client_cpu);
}

static uint64_t status_of(const struct peer *p, const char *key)
{
	return mp_find_uint(answer, ask_member(p, "status"), key, 0);
}

static uint64_t rev_of(const struct peer *p)
{
	return status_of(p, "\xa3rev");
}

/* Seconds until a has what b had when this was called. */
static double catch_up(const struct peer *a, const struct peer *b, double patience)
{
	uint64_t start = now_ns(), goal = rev_of(b);

	while (rev_of(a) < goal)
		if ((double)(now_ns() - start) / 1e9 > patience)
			give_up("a member does not catch up");
	return (double)(now_ns() - start) / 1e9;
}

/* ---- durable registration ----------------------------------------------- */

static const struct peer *asked(const struct trio *t, int leader, enum via via, int i)
{
	if (via == VIA_ALL)
		return &t->m[i % MEMBERS];
	if (via == VIA_LEADER)
		return &t->m[leader];
	return &t->m[(leader + 1 + i % (MEMBERS - 1)) % MEMBERS];
}

void case_cluster(const struct bench_case *c, const struct bench_options *o, bool other,
	struct result *r)
{
	struct trio t;
	struct engine e;
	int leader;

	(void)other;
	trio_start(&t, o);
	leader = await_leader(&t);
	engine_init(&e);
	e.answer = answer_svcd;
	e.on_open = hello;
	e.on_answer = register_next;
	for (int i = 0; i < c->links; i++) {
		const struct peer *p = asked(&t, leader, c->via, i);

		engine_dial(&e, p->host, p->port);
	}
	run_closed_loop(&e, o, t.m[leader].pid, r);
	if (leader_of(&t) != leader)
		r->errors++;
	snprintf(r->note, sizeof r->note,
		"cpu and memory of the leader; others: with the followers; all share the "
		"processors");
	engine_fini(&e);
	trio_remove(&t);
}

/* ---- failover ------------------------------------------------------------ */

#define FAILOVER_LINKS 48
#define WRITE_EVERY_NS 2000000u /* open loop: 500 a second */
#define REDIAL_EVERY_NS 20000000u
#define WRITES_MAX (1u << 20)
#define WATCH_NS UINT64_C(1500000000) /* after the fault, at least */
#define PATIENCE_NS UINT64_C(20000000000)

enum { LINK_NEW, LINK_IDLE, LINK_BUSY };

struct failover {
	struct trio *t;
	struct engine e;
	uint64_t next, acked, failed;
	uint32_t asking[FAILOVER_LINKS];
	unsigned char *known; /* by instance: it was acknowledged */
	uint64_t next_write_ns, next_dial_ns, last_ack_ns, gap_ns;
	uint64_t acked_after; /* since the gap grew last */
	int turn;
};

static void write_answered(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	struct failover *f = l->engine->arg;
	uint64_t now = now_ns();

	(void)p, (void)n;
	if (l->user == LINK_BUSY && !failed) {
		f->known[f->asking[l->index]] = 1;
		f->acked++;
		f->acked_after++;
		if (f->last_ack_ns != 0 && now - f->last_ack_ns > f->gap_ns) {
			f->gap_ns = now - f->last_ack_ns;
			f->acked_after = 0;
		}
		f->last_ack_ns = now;
	}
	f->failed += l->user == LINK_BUSY && failed;
	l->user = LINK_IDLE;
}

static size_t whole_message(
	struct link *l, const unsigned char *p, size_t n, bool *failed)
{
	unsigned kind;

	(void)l;
	return mp_message(p, n, &kind, failed);
}

static void write_one(struct failover *f, struct link *l)
{
	uint64_t i = f->next++;

	if (f->next == WRITES_MAX)
		give_up("too many writes for one case");
	f->asking[l->index] = (uint32_t)i;
	l->user = LINK_BUSY;
	mp_request(&request, 1, "register");
	mp_map(&request, 1);
	mp_str(&request, "instances");
	mp_array(&request, 1);
	mp_instance(&request, i / 10, i);
	link_put(l, request.data, request.len);
	link_flush(l);
}

static void write_next(struct failover *f)
{
	for (int i = 0; i < FAILOVER_LINKS; i++) {
		struct link *l = f->e.links[f->turn++ % FAILOVER_LINKS];

		if (l->fd >= 0 && l->user == LINK_IDLE) {
			write_one(f, l);
			return;
		}
	}
}

static void redial(struct failover *f)
{
	for (int i = 0; i < FAILOVER_LINKS; i++) {
		const struct peer *p = &f->t->m[i % MEMBERS];
		struct link *l = f->e.links[i];

		if (l->fd < 0 && p->pid > 0) {
			l->user = LINK_NEW;
			link_redial(l, p->host, p->port);
		}
	}
}

static void failover_poll(struct failover *f)
{
	uint64_t now = now_ns();

	if (now >= f->next_write_ns) {
		write_next(f);
		f->next_write_ns = now - f->next_write_ns > WRITE_EVERY_NS
			? now + WRITE_EVERY_NS
			: f->next_write_ns + WRITE_EVERY_NS;
	}
	if (now >= f->next_dial_ns) {
		redial(f);
		f->next_dial_ns = now + REDIAL_EVERY_NS;
	}
	engine_poll(&f->e, 1);
}

static void failover_for(struct failover *f, uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		failover_poll(f);
}

/* Milliseconds without an acknowledged write. */
static double one_failover(struct failover *f, int sig)
{
	int leader = await_leader(f->t);
	struct peer *p = &f->t->m[leader];
	uint64_t start;

	failover_for(f, 500000000);
	f->gap_ns = 0;
	start = now_ns();
	kill(p->pid, sig);
	while (now_ns() - start < WATCH_NS || f->acked_after < 100) {
		failover_poll(f);
		if (now_ns() - start > PATIENCE_NS)
			give_up("no writes after the leader was taken away");
	}
	if (sig == SIGSTOP)
		kill(p->pid, SIGCONT);
	else
		waitpid(p->pid, NULL, 0);
	if (sig != SIGSTOP) {
		p->pid = 0;
		peer_restart_svcd(p, &f->t->o);
	}
	failover_for(f, 500000000);
	return (double)f->gap_ns / 1e6;
}

static uint64_t lost_writes(struct failover *f, const struct peer *p)
{
	uint64_t lost = 0;

	for (uint64_t first = 0; first < f->next; first += 10) {
		char name[32];
		size_t n;

		mp_request(&request, 1, "resolve");
		mp_map(&request, 1);
		mp_str(&request, "service");
		snprintf(name, sizeof name, "svc-%06llu", (unsigned long long)first / 10);
		mp_str(&request, name);
		n = ask_svcd(p, &request, answer, sizeof answer);
		for (uint64_t i = first; i < first + 10 && i < f->next; i++) {
			snprintf(name, sizeof name, "inst-%08llu", (unsigned long long)i);
			lost += f->known[i] &&
				memmem(answer, n, name, strlen(name)) == NULL;
		}
	}
	return lost;
}

static int by_number(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void case_failover(const struct bench_case *c, const struct bench_options *o, bool other,
	struct result *r)
{
	double gaps[FAILOVERS_MAX];
	struct trio t;
	struct failover f = {.t = &t, .known = calloc(WRITES_MAX, 1)};
	int n = o->failovers;

	(void)other;
	trio_start(&t, o);
	engine_init(&f.e);
	f.e.arg = &f;
	f.e.answer = whole_message;
	f.e.on_open = hello;
	f.e.on_answer = write_answered;
	for (int i = 0; i < FAILOVER_LINKS; i++)
		engine_dial(&f.e, t.m[i % MEMBERS].host, t.m[i % MEMBERS].port);
	for (int i = 0; i < n; i++)
		gaps[i] = one_failover(&f, c->signal);
	memset(r, 0, sizeof *r);
	qsort(gaps, (size_t)n, sizeof gaps[0], by_number);
	r->p50_us = gaps[n / 2] * 1e3;
	r->p99_us = gaps[n - 1 - n / 20] * 1e3;
	r->p999_us = gaps[n - 1] * 1e3;
	for (int i = 0; i < MEMBERS; i++) {
		catch_up(&t.m[i], &t.m[await_leader(&t)], 30);
		r->errors += lost_writes(&f, &t.m[i]);
	}
	snprintf(r->note, sizeof r->note,
		"%d rounds: median, second worst of 20, worst gap; %llu acknowledged, "
		"%llu lost, %llu refused",
		n, (unsigned long long)f.acked, (unsigned long long)r->errors,
		(unsigned long long)f.failed);
	engine_fini(&f.e);
	trio_remove(&t);
	free(f.known);
}

/* ---- catching up --------------------------------------------------------- */

#define CATCH_UP_SECONDS 120

static double rate_for(struct engine *e, double seconds)
{
	uint64_t answers = e->answers, start = now_ns();

	engine_for(e, seconds);
	return (double)(e->answers - answers) * 1e9 / (double)(now_ns() - start);
}

/* The same writes as in cluster-64-leader go on while the follower comes back. */
static void catch_up_under_load(struct trio *t, int leader, struct result *r)
{
	struct peer *away = &t->m[(leader + 1) % MEMBERS];
	double before, during, seconds;
	struct engine e;
	uint64_t start, goal;

	engine_init(&e);
	e.answer = answer_svcd;
	e.on_open = hello;
	e.on_answer = register_next;
	for (int i = 0; i < 64; i++)
		engine_dial(&e, t->m[leader].host, t->m[leader].port);
	engine_for(&e, 0.5);
	before = rate_for(&e, 3);
	goal = rev_of(&t->m[leader]);
	start = now_ns();
	peer_restart_svcd(away, &t->o);
	during = (double)e.answers;
	while (rev_of(away) < goal) {
		engine_for(&e, 0.2); /* nobody writes while it is asked */
		if ((double)(now_ns() - start) / 1e9 > CATCH_UP_SECONDS)
			give_up("the follower does not catch up");
	}
	seconds = (double)(now_ns() - start) / 1e9;
	during = ((double)e.answers - during) / seconds;
	r->rate = during;
	r->p50_us = r->p99_us = r->p999_us = seconds * 1e6;
	r->errors = e.errors + (uint64_t)e.closed;
	snprintf(r->note, sizeof r->note,
		"%lu instances; p50: time until it had them; the leader wrote %.0f/s "
		"before, %.0f/s (%.0f %%) meanwhile",
		t->o.instances, before, during, 100 * during / before);
	engine_fini(&e);
}

void case_catch_up(const struct bench_case *c, const struct bench_options *o, bool other,
	struct result *r)
{
	struct trio t;
	int leader;

	(void)c, (void)other;
	memset(r, 0, sizeof *r);
	trio_start(&t, o);
	leader = await_leader(&t);
	peer_kill(&t.m[(leader + 1) % MEMBERS], SIGKILL);
	fill_svcd(&t.m[leader], o->instances);
	catch_up_under_load(&t, leader, r);
	r->rss_mib = process_rss_mib(t.m[leader].pid);
	trio_remove(&t);
}

/* ---- a checkpoint under load --------------------------------------------- */

struct checkpoint_watch {
	struct engine pings, writes;
	uint64_t next_ping_ns;
	double anon_mib, anon_peak_mib;
	pid_t pid;
};

static void ping_answered(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	(void)p, (void)n, (void)failed;
	l->user = LINK_IDLE;
}

static void watch_step(struct checkpoint_watch *w)
{
	struct link *l = w->pings.links[0];
	double anon = process_anon_mib(w->pid);

	if (anon > w->anon_peak_mib)
		w->anon_peak_mib = anon;
	if (l->user == LINK_IDLE && now_ns() >= w->next_ping_ns) {
		mp_request(&request, 2, "ping");
		mp_map(&request, 0);
		link_put(l, request.data, request.len);
		link_sent(l);
		link_flush(l);
		l->user = LINK_BUSY;
		w->next_ping_ns = now_ns() + 500000;
	}
	engine_poll(&w->writes, 0);
	engine_poll(&w->pings, 1);
}

static void watch_for(struct checkpoint_watch *w, double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);

	while (now_ns() < end)
		watch_step(w);
}

static void backup_answered(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	(void)p, (void)n;
	if (l->user++ > 0) {
		if (failed)
			give_up("backup_open was refused");
		*(uint64_t *)l->engine->arg = now_ns();
		return;
	}
	mp_request(&request, 1, "backup_open");
	mp_map(&request, 0);
	link_put(l, request.data, request.len);
}

static void open_engine(struct engine *e, const struct peer *p, int links,
	void (*on_answer)(struct link *, const unsigned char *, size_t, bool))
{
	engine_init(e);
	e->answer = whole_message;
	e->on_open = hello;
	e->on_answer = on_answer;
	for (int i = 0; i < links; i++)
		engine_dial(e, p->host, p->port);
}

/* One checkpoint of the leader, asked for as a backup does. Seconds. */
static double take_checkpoint(struct checkpoint_watch *w, const struct peer *p)
{
	uint64_t start = now_ns(), done = 0;
	struct engine e;

	open_engine(&e, p, 1, backup_answered);
	e.arg = &done;
	while (done == 0) {
		watch_step(w);
		engine_poll(&e, 0);
		if (now_ns() - start > UINT64_C(120000000000))
			give_up("the checkpoint does not end");
	}
	engine_fini(&e);
	return (double)(done - start) / 1e9;
}

void case_snapshot(const struct bench_case *c, const struct bench_options *o, bool other,
	struct result *r)
{
	struct checkpoint_watch w = {0};
	struct trio t;
	const struct peer *p;
	double took, write_before;

	(void)c, (void)other;
	memset(r, 0, sizeof *r);
	trio_start(&t, o);
	p = &t.m[await_leader(&t)];
	fill_svcd(p, o->instances);
	w.pid = p->pid;
	open_engine(&w.pings, p, 1, ping_answered);
	open_engine(&w.writes, p, 1, register_next);
	w.pings.links[0]->user = LINK_BUSY; /* the hello's answer makes it idle */
	watch_for(&w, 2);
	write_before = (double)w.writes.hist.max / 1e6;
	hist_clear(&w.pings.hist);
	hist_clear(&w.writes.hist);
	w.anon_mib = w.anon_peak_mib = process_anon_mib(p->pid);
	took = take_checkpoint(&w, p);
	watch_for(&w, 1);
	r->rate = (double)o->instances / took;
	r->p50_us = (double)hist_quantile(&w.pings.hist, 0.5) / 1e3;
	r->p99_us = (double)w.pings.hist.max / 1e3;
	r->p999_us = (double)w.writes.hist.max / 1e3;
	r->rss_mib = w.anon_peak_mib - w.anon_mib;
	r->errors = w.pings.errors + w.writes.errors;
	snprintf(r->note, sizeof r->note,
		"%lu instances in %.1f s; p99: longest ping, p99.9: longest write (%.1f ms "
		"before); rss: extra memory",
		o->instances, took, write_before);
	engine_fini(&w.pings);
	engine_fini(&w.writes);
	trio_remove(&t);
}
