/* Large fleets: leases kept alive, memory, and the first read after a crash. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcbench/cases.h"

#define LEASE_LINKS 64
#define LEASE_WINDOW 32 /* requests on their way per connection */
#define HOLD_SECONDS 15

/* Each lease is granted, gets one instance, and is then renewed when it is due: a queue
 * in order of time. */
struct lease {
	uint64_t id, due_ns;
};

struct fleet {
	struct lease *leases; /* ring: the head is due first */
	size_t cap, head, len;
	uint64_t granted, goal, registered, renewed, lost, late;
	uint64_t interval_ns;
	struct {
		/* One write at a time; renewals are answered in their order, but may
		 * overtake the write. */
		uint64_t registering; /* lease of the register on its way */
		uint64_t lease[DEPTH_MAX];
		unsigned head, len;
	} link[LEASE_LINKS];
};

static struct message request;

/* Ids of the requests: they tell what an answer is to. */
enum { ID_HELLO, ID_GRANT, ID_REGISTER, ID_RENEW };

static void asked(struct link *l)
{
	link_put(l, request.data, request.len);
	link_sent(l);
}

static void grant(struct fleet *f, struct link *l)
{
	f->granted++;
	mp_request(&request, ID_GRANT, "lease_grant");
	mp_map(&request, 2);
	mp_str(&request, "ttl_ms");
	mp_uint(&request, 10000);
	mp_str(&request, "on_close");
	mp_str(&request, "keep");
	asked(l);
}

static void attach(struct fleet *f, struct link *l, uint64_t lease)
{
	uint64_t i = f->registered;

	mp_request(&request, ID_REGISTER, "register");
	mp_map(&request, 2);
	mp_str(&request, "lease");
	mp_uint(&request, lease);
	mp_str(&request, "instances");
	mp_array(&request, 1);
	mp_instance(&request, i / 10, i);
	f->registered++;
	f->link[l->index].registering = lease;
	asked(l);
}

static void queue_renewal(struct fleet *f, uint64_t lease)
{
	struct lease *slot = &f->leases[(f->head + f->len++) % f->cap];

	slot->id = lease;
	slot->due_ns = now_ns() + f->interval_ns;
}

static void renew_due(struct engine *e)
{
	struct fleet *f = e->arg;
	uint64_t now = now_ns();
	int turn = 0, full = 0;

	while (f->len > 0 && f->leases[f->head].due_ns <= now && full < LEASE_LINKS) {
		struct link *l = e->links[turn++ % LEASE_LINKS];

		if (f->link[l->index].len >= LEASE_WINDOW) {
			full++;
			continue;
		}
		full = 0;
		mp_request(&request, ID_RENEW, "renew");
		mp_map(&request, 1);
		mp_str(&request, "lease");
		mp_uint(&request, f->leases[f->head].id);
		if (now - f->leases[f->head].due_ns > f->interval_ns)
			f->late++;
		f->link[l->index]
			.lease[(f->link[l->index].head + f->link[l->index].len++) %
				DEPTH_MAX] = f->leases[f->head].id;
		asked(l);
		f->head = (f->head + 1) % f->cap;
		f->len--;
	}
	for (int i = 0; i < LEASE_LINKS; i++)
		link_flush(e->links[i]);
}

static void on_renewed(struct fleet *f, struct link *l, bool failed)
{
	unsigned i = f->link[l->index].head;

	f->link[l->index].head = (i + 1) % DEPTH_MAX;
	f->link[l->index].len--;
	f->renewed++;
	f->lost += failed;
	if (!failed)
		queue_renewal(f, f->link[l->index].lease[i]);
}

static void on_answer(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	struct fleet *f = l->engine->arg;

	if (p[1] != 1)
		return;
	switch (mp_answer_id(p)) {
	case ID_RENEW:
		on_renewed(f, l, failed);
		return;
	case ID_GRANT:
		f->interval_ns = mp_find_uint(p, n, "interval_ms", 3333) * 1000000u;
		attach(f, l, mp_find_uint(p, n, "\xa5lease", 0));
		return;
	case ID_REGISTER:
		f->lost += failed;
		queue_renewal(f, f->link[l->index].registering);
		break;
	default:
		break;
	}
	if (f->granted < f->goal)
		grant(f, l);
}

static void open_lease_link(struct link *l)
{
	mp_hello(&request);
	asked(l);
}

static uint64_t instances_now(const struct peer *p)
{
	static unsigned char answer[65536];
	size_t n;

	mp_request(&request, 1, "status");
	mp_map(&request, 0);
	n = svcd_ask(p, &request, answer, sizeof answer);
	return mp_find_uint(answer, n, "\xa9instances", 0);
}

static void hold(struct engine *e, double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);

	while (now_ns() < end) {
		engine_poll(e, 2);
		renew_due(e);
	}
}

void case_leases(const struct bench_case *c, const struct bench_options *o, bool other,
	struct result *r)
{
	struct usage before, after;
	struct fleet *f = calloc(1, sizeof *f);
	struct engine e;
	struct peer p;
	uint64_t renewed, start = now_ns();
	double wall;

	(void)c, (void)other;
	f->goal = o->leases;
	f->cap = o->leases + 1;
	f->leases = calloc(f->cap, sizeof *f->leases);
	peer_start_svcd(&p, o);
	engine_init(&e);
	e.arg = f;
	e.answer = svcd_message;
	e.on_open = open_lease_link;
	e.on_answer = on_answer;
	for (int i = 0; i < LEASE_LINKS; i++)
		engine_dial(&e, p.host, p.port);
	while (f->registered < f->goal && now_ns() - start < 300000000000u)
		hold(&e, 0.1);
	hold(&e, 5); /* the rhythm settles */
	hist_clear(&e.hist);
	renewed = f->renewed;
	usage_now(&before, p.pid);
	hold(&e, HOLD_SECONDS);
	usage_now(&after, p.pid);
	renewed = f->renewed - renewed;
	wall = (double)(after.wall_ns - before.wall_ns) / 1e9;
	memset(r, 0, sizeof *r);
	r->rate = (double)renewed / wall;
	r->p50_us = (double)hist_quantile(&e.hist, 0.50) / 1e3;
	r->p99_us = (double)hist_quantile(&e.hist, 0.99) / 1e3;
	r->p999_us = (double)hist_quantile(&e.hist, 0.999) / 1e3;
	r->server_us = renewed
		? (after.process_s - before.process_s) * 1e6 / (double)renewed
		: 0;
	r->rss_mib = process_rss_mib(p.pid);
	r->errors = f->lost;
	snprintf(r->note, sizeof r->note,
		"%llu of %lu instances alive after %d s, renewed every %.1f s, %.2f "
		"server cores, %llu late",
		(unsigned long long)instances_now(&p), o->leases, HOLD_SECONDS,
		(double)f->interval_ns / 1e9, (after.process_s - before.process_s) / wall,
		(unsigned long long)f->late);
	engine_fini(&e);
	peer_remove(&p);
	free(f->leases);
	free(f);
}

void case_size(const struct bench_case *c, const struct bench_options *o, bool other,
	struct result *r)
{
	static unsigned char answer[65536];
	struct peer p;
	double filled, full_mib;
	uint64_t start;

	(void)c, (void)other;
	memset(r, 0, sizeof *r);
	peer_start_svcd(&p, o);
	start = now_ns();
	svcd_fill(&p, o->instances);
	filled = (double)(now_ns() - start) / 1e9;
	full_mib = process_rss_mib(p.pid);
	peer_kill(&p, SIGKILL);
	start = now_ns();
	peer_restart_svcd(&p, o);
	mp_request(&request, 1, "resolve");
	mp_map(&request, 1);
	mp_str(&request, "service");
	mp_str(&request, "svc-000007");
	if (svcd_ask(&p, &request, answer, sizeof answer) == 0)
		r->errors = 1;
	r->p50_us = r->p99_us = r->p999_us = (double)(now_ns() - start) / 1e3;
	r->rate = (double)o->instances / filled;
	r->rss_mib = full_mib;
	snprintf(r->note, sizeof r->note,
		"%lu instances in batches of 100; p50: first read after kill -9; "
		"%.0f MiB after that restart",
		o->instances, process_rss_mib(p.pid));
	peer_remove(&p);
}
