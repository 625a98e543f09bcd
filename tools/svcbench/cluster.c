/* Clusters of three on this machine: durable writes, catching up, checkpoints. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcbench/cases.h"

static struct message request;

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
	const struct cluster *kind = other ? &zookeeper_cluster : &svcd_cluster;
	struct trio t;
	struct loop loop;
	int leader;

	trio_start(&t, kind, o);
	leader = trio_await_leader(&t);
	if (kind->registers->fill != NULL)
		kind->registers->fill(&t.m[leader]);
	trio_warm(&t, kind->warm_seconds);
	loop_init(&loop, kind->registers, c->depth);
	for (int i = 0; i < c->links; i++) {
		const struct peer *p = asked(&t, leader, c->via, i);

		engine_dial(&loop.e, p->host, p->port);
	}
	loop_measure(&loop, o, t.m[leader].pid, r);
	if (trio_leader(&t) != leader)
		r->errors++;
	snprintf(r->note, sizeof r->note,
		"cpu and memory of the leader; others: with the followers; all share the "
		"processors; %s; after %.0f s of 64 clients",
		kind->settings, kind->warm_seconds);
	engine_fini(&loop.e);
	trio_remove(&t);
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
	struct loop loop;
	struct engine *e = &loop.e;
	uint64_t start, goal;

	loop_init(&loop, &svcd_registers, 1);
	for (int i = 0; i < 64; i++)
		engine_dial(e, t->m[leader].host, t->m[leader].port);
	engine_for(e, 0.5);
	before = rate_for(e, 3);
	goal = svcd_rev(&t->m[leader]);
	start = now_ns();
	peer_restart_svcd(away, &t->o);
	during = (double)e->answers;
	while (svcd_rev(away) < goal) {
		engine_for(e, 0.2); /* nobody writes while it is asked */
		if ((double)(now_ns() - start) / 1e9 > CATCH_UP_SECONDS)
			give_up("the follower does not catch up");
	}
	seconds = (double)(now_ns() - start) / 1e9;
	during = ((double)e->answers - during) / seconds;
	r->rate = during;
	r->p50_us = r->p99_us = r->p999_us = seconds * 1e6;
	r->errors = e->errors + (uint64_t)e->closed;
	snprintf(r->note, sizeof r->note,
		"%lu instances; p50: time until it had them; the leader wrote %.0f/s "
		"before, %.0f/s (%.0f %%) meanwhile",
		t->o.instances, before, during, 100 * during / before);
	engine_fini(e);
}

void case_catch_up(const struct bench_case *c, const struct bench_options *o, bool other,
	struct result *r)
{
	struct trio t;
	int leader;

	(void)c, (void)other;
	memset(r, 0, sizeof *r);
	trio_start(&t, &svcd_cluster, o);
	leader = trio_await_leader(&t);
	peer_kill(&t.m[(leader + 1) % MEMBERS], SIGKILL);
	svcd_fill(&t.m[leader], o->instances);
	catch_up_under_load(&t, leader, r);
	r->rss_mib = process_rss_mib(t.m[leader].pid);
	trio_remove(&t);
}

/* ---- a checkpoint under load --------------------------------------------- */

enum { PING_IDLE = 1, PING_SENT };

struct checkpoint_watch {
	struct engine pings;
	struct loop writes;
	uint64_t next_ping_ns;
	double anon_mib, anon_peak_mib;
	pid_t pid;
};

static void ping_answered(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	(void)p, (void)n, (void)failed;
	l->user = PING_IDLE;
}

static void watch_step(struct checkpoint_watch *w)
{
	struct link *l = w->pings.links[0];
	double anon = process_anon_mib(w->pid);

	if (anon > w->anon_peak_mib)
		w->anon_peak_mib = anon;
	if (l->user == PING_IDLE && now_ns() >= w->next_ping_ns) {
		mp_request(&request, 2, "ping");
		mp_map(&request, 0);
		link_put(l, request.data, request.len);
		link_sent(l);
		link_flush(l);
		l->user = PING_SENT;
		w->next_ping_ns = now_ns() + 500000;
	}
	engine_poll(&w->writes.e, 0);
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

static void open_engine(struct engine *e, const struct peer *p,
	void (*on_answer)(struct link *, const unsigned char *, size_t, bool))
{
	engine_init(e);
	e->answer = svcd_message;
	e->on_open = svcd_hello;
	e->on_answer = on_answer;
	engine_dial(e, p->host, p->port);
}

/* One checkpoint of the leader, asked for as a backup does. Seconds. */
static double take_checkpoint(struct checkpoint_watch *w, const struct peer *p)
{
	uint64_t start = now_ns(), done = 0;
	struct engine e;

	open_engine(&e, p, backup_answered);
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
	trio_start(&t, &svcd_cluster, o);
	p = &t.m[trio_await_leader(&t)];
	svcd_fill(p, o->instances);
	w.pid = p->pid;
	open_engine(&w.pings, p, ping_answered);
	loop_init(&w.writes, &svcd_registers, 1);
	engine_dial(&w.writes.e, p->host, p->port);
	w.pings.links[0]->user = PING_SENT; /* the hello's answer makes it idle */
	watch_for(&w, 2);
	write_before = (double)w.writes.e.hist.max / 1e6;
	hist_clear(&w.pings.hist);
	hist_clear(&w.writes.e.hist);
	w.anon_mib = w.anon_peak_mib = process_anon_mib(p->pid);
	took = take_checkpoint(&w, p);
	watch_for(&w, 1);
	r->rate = (double)o->instances / took;
	r->p50_us = (double)hist_quantile(&w.pings.hist, 0.5) / 1e3;
	r->p99_us = (double)w.pings.hist.max / 1e3;
	r->p999_us = (double)w.writes.e.hist.max / 1e3;
	r->rss_mib = w.anon_peak_mib - w.anon_mib;
	r->errors = w.pings.errors + w.writes.e.errors;
	snprintf(r->note, sizeof r->note,
		"%lu instances in %.1f s; p99: longest ping, p99.9: longest write (%.1f ms "
		"before); rss: extra memory",
		o->instances, took, write_before);
	engine_fini(&w.pings);
	engine_fini(&w.writes.e);
	trio_remove(&t);
}
