/* Watch fan-out: how long until the last of many watchers knows of a change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svcbench/cases.h"

#define WATCH_ROUNDS 20

struct fanout {
	struct link *publisher;
	uint64_t ready, told;
	uint64_t start_ns;
	uint64_t *told_ns;
	size_t event_len; /* of the last event seen: the payload for Redis */
	bool redis;
};

static struct message request;
static size_t event_len = 700;

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Events count for watchers, answers for nobody. */
static void on_answer(struct link *l, const unsigned char *p, size_t n, bool failed)
{
	struct fanout *f = l->engine->arg;
	bool event = f->redis ? l->user > 0 : p[1] == 2;

	if (failed) {
		fprintf(stderr, "svcbench: error: watching: connection %d got an error\n",
			l->index);
		exit(1);
	}
	if (l == f->publisher)
		return;
	l->user++;
	if (!f->redis && l->user == 1) { /* hello is answered: watch */
		mp_request(&request, 1, "watch");
		mp_map(&request, 1);
		mp_str(&request, "service");
		mp_str(&request, "svc-000007");
		link_put(l, request.data, request.len);
		return;
	}
	if (!event) {
		f->ready += f->redis;
		return;
	}
	if (f->start_ns == 0) {
		f->ready++; /* the first snapshot */
		return;
	}
	f->event_len = n;
	f->told_ns[f->told++] = now_ns() - f->start_ns;
}

static void subscribe(struct link *l)
{
	static const char *const argv[] = {"SUBSCRIBE", "changes"};

	resp_command(&request, 2, argv, NULL);
	link_put(l, request.data, request.len);
}

static void publish(struct fanout *f, int round)
{
	static char payload[65536];
	const char *argv[] = {"PUBLISH", "changes", payload};
	size_t len[] = {0, 0, event_len};

	if (f->redis) {
		memset(payload, 'x', event_len);
		resp_command(&request, 3, argv, len);
	} else {
		mp_request(&request, 2, "update");
		mp_map(&request, 3);
		mp_str(&request, "service");
		mp_str(&request, "svc-000007");
		mp_str(&request, "id");
		mp_str(&request, "svc-000007-inst-00000073");
		mp_str(&request, "weight");
		mp_uint(&request, 100 + (unsigned)round % 2);
	}
	link_put(f->publisher, request.data, request.len);
	f->told = 0;
	f->start_ns = now_ns();
	link_flush(f->publisher);
}

static void fan_out(
	const struct bench_options *o, struct result *r, struct peer *p, bool redis)
{
	struct fanout f = {.redis = redis};
	uint64_t last[WATCH_ROUNDS], median[WATCH_ROUNDS];
	struct usage before, after;
	struct engine e;

	f.told_ns = calloc(o->watchers, sizeof *f.told_ns);
	engine_init(&e);
	e.arg = &f;
	e.answer = redis ? redis_answer : svcd_message;
	e.on_open = redis ? subscribe : svcd_hello;
	e.on_answer = on_answer;
	for (unsigned long i = 0; i < o->watchers; i++) {
		engine_dial(&e, p->host, p->port);
		if (i % 200 == 199)
			engine_poll(&e, 5);
	}
	engine_until(&e, &f.ready, o->watchers, 60);
	e.on_open = redis ? NULL : svcd_hello;
	f.publisher = engine_dial(&e, p->host, p->port);
	engine_for(&e, 0.5);
	memset(r, 0, sizeof *r);
	usage_now(&before, p->pid);
	for (int i = 0; i < WATCH_ROUNDS; i++) {
		publish(&f, i + 1);
		if (!engine_until(&e, &f.told, o->watchers, 10))
			r->errors += o->watchers - f.told;
		qsort(f.told_ns, f.told, sizeof *f.told_ns, by_value);
		median[i] = f.told ? f.told_ns[f.told / 2] : 0;
		last[i] = f.told ? f.told_ns[f.told - 1] : 0;
		engine_for(&e, 0.05);
	}
	usage_now(&after, p->pid);
	qsort(last, WATCH_ROUNDS, sizeof *last, by_value);
	qsort(median, WATCH_ROUNDS, sizeof *median, by_value);
	r->rate = (double)o->watchers / ((double)last[WATCH_ROUNDS / 2] / 1e9);
	r->p50_us = (double)median[WATCH_ROUNDS / 2] / 1e3;
	r->p99_us = (double)last[WATCH_ROUNDS / 2] / 1e3;
	r->p999_us = (double)last[WATCH_ROUNDS - 1] / 1e3;
	r->server_us = (after.process_s - before.process_s) * 1e6 /
		((double)o->watchers * WATCH_ROUNDS);
	r->rss_mib = process_rss_mib(p->pid);
	if (!redis)
		event_len = f.event_len;
	snprintf(r->note, sizeof r->note,
		"%lu watchers, event of %zu bytes; p50: median watcher, p99: last one, "
		"p99.9: last one in the worst of %d rounds",
		o->watchers, event_len, WATCH_ROUNDS);
	engine_fini(&e);
	free(f.told_ns);
}

void case_watch(const struct bench_case *c, const struct bench_options *o, bool redis,
	struct result *r)
{
	struct peer p;

	(void)c;
	if (redis) {
		peer_start_redis(&p, o, false);
	} else {
		peer_start_svcd(&p, o);
		svcd_fill(&p, 1000);
	}
	fan_out(o, r, &p, redis);
	peer_remove(&p);
}
