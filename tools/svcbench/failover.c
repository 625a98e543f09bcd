/* How long a cluster takes no writes after its leader was taken away. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "svcbench/cases.h"

#define FAILOVER_LINKS 48
#define WRITE_EVERY_NS 2000000u /* open loop: 500 a second */
#define REDIAL_EVERY_NS 20000000u
#define LOOK_EVERY_NS 100000000u
#define WRITES_MAX (1u << 20)
#define WATCH_NS UINT64_C(1500000000) /* after the fault, at least */
#define SETTLE_SECONDS 0.5
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
	int turn, redialled;  /* links that were asked, dialled last */
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

static void write_one(struct failover *f, struct link *l)
{
	uint64_t i = f->next++;

	if (f->next == WRITES_MAX)
		give_up("too many writes for one case");
	f->asking[l->index] = (uint32_t)i;
	l->user = LINK_BUSY;
	f->t->kind->writes->put(l, i);
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

/* One closed link of each member: all at once would be much work for a member that is
 * busy becoming leader. */
static void redial(struct failover *f)
{
	for (int m = 0; m < MEMBERS; m++) {
		const struct peer *p = &f->t->m[m];

		for (int i = 0; i < FAILOVER_LINKS; i += MEMBERS) {
			struct link *l =
				f->e.links[(f->redialled + i + m) % FAILOVER_LINKS];

			if (l->fd < 0 && p->pid > 0) {
				l->user = LINK_NEW;
				link_redial(l, p->host, p->port);
				break;
			}
		}
	}
	f->redialled += MEMBERS; /* not the same one again */
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

static void failover_for(struct failover *f, double seconds)
{
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);

	while (now_ns() < end)
		failover_poll(f);
}

/* The leader whom all follow, while the writes go on. */
static int await_leader(struct failover *f)
{
	uint64_t start = now_ns(), look_ns = start;
	int leader = -1;

	while (leader < 0) {
		if (now_ns() - start > START_SECONDS * UINT64_C(1000000000))
			give_up("the members do not all follow one leader again");
		if (now_ns() >= look_ns) {
			leader = trio_leader(f->t);
			look_ns = now_ns() + LOOK_EVERY_NS;
		}
		failover_poll(f);
	}
	return leader;
}

static void bring_back(struct trio *t, struct peer *p, int sig)
{
	if (sig == SIGSTOP) {
		kill(p->pid, SIGCONT);
		return;
	}
	waitpid(p->pid, NULL, 0);
	t->kind->run(p, &t->o);
}

/* Writes at rest before a fault: a server that came back new gets warm again. */
static double calm_seconds(const struct failover *f)
{
	return 2 * SETTLE_SECONDS + f->t->kind->warm_seconds / 4;
}

/* Milliseconds without an acknowledged write. */
static double one_failover(struct failover *f, int sig)
{
	struct peer *p;
	uint64_t start;

	await_leader(f);
	failover_for(f, calm_seconds(f) - SETTLE_SECONDS);
	p = &f->t->m[await_leader(f)];
	failover_for(f, SETTLE_SECONDS); /* the question held up the writes */
	f->gap_ns = f->acked_after = 0;
	start = now_ns();
	kill(p->pid, sig);
	while (now_ns() - start < WATCH_NS || f->acked_after < 100) {
		failover_poll(f);
		if (now_ns() - start > PATIENCE_NS)
			give_up("no writes after the leader was taken away");
	}
	bring_back(f->t, p, sig);
	failover_for(f, SETTLE_SECONDS);
	return (double)f->gap_ns / 1e6;
}

static int by_number(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void case_failover(const struct bench_case *c, const struct bench_options *o, bool other,
	struct result *r)
{
	const struct cluster *kind = other ? &zookeeper_cluster : &svcd_cluster;
	double gaps[FAILOVERS_MAX];
	struct trio t;
	struct failover f = {.t = &t, .known = calloc(WRITES_MAX, 1)};
	int n = other ? o->other_failovers : o->failovers;

	trio_start(&t, kind, o);
	if (kind->writes->fill != NULL)
		kind->writes->fill(&t.m[0]);
	engine_init(&f.e);
	f.e.arg = &f;
	f.e.answer = kind->writes->answer;
	f.e.on_open = kind->writes->greet;
	f.e.on_answer = write_answered;
	for (int i = 0; i < FAILOVER_LINKS; i++)
		engine_dial(&f.e, t.m[i % MEMBERS].host, t.m[i % MEMBERS].port);
	for (int i = 0; i < n; i++)
		gaps[i] = one_failover(&f, c->signal);
	await_leader(&f);
	memset(r, 0, sizeof *r);
	qsort(gaps, (size_t)n, sizeof gaps[0], by_number);
	r->p50_us = gaps[n / 2] * 1e3;
	r->p99_us = gaps[n - 1 - n / 20] * 1e3;
	r->p999_us = gaps[n - 1] * 1e3;
	for (int i = 0; i < MEMBERS; i++)
		r->errors += kind->lost(&t, i, f.known, f.next);
	snprintf(r->note, sizeof r->note,
		"%d rounds: median, second worst of 20, worst gap; %llu acknowledged, "
		"%llu lost, %llu refused; each after %.0f s of writes; %s",
		n, (unsigned long long)f.acked, (unsigned long long)r->errors,
		(unsigned long long)f.failed, calm_seconds(&f), kind->settings);
	engine_fini(&f.e);
	trio_remove(&t);
	free(f.known);
}
