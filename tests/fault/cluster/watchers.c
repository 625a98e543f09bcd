#include "watchers.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/model.h"
#include "pace.h"
#include "wire/pack.h"

#define SERVICES_MAX 4096
#define TRY_MS 1500
#define LAST_WORD_MS 10000

struct watcher {
	struct watchers *all;
	pthread_t thread;
	struct caller caller;
	int index;
	struct model model[SERVICES_MAX];   /* what it was told on this connection */
	_Atomic uint64_t rev[SERVICES_MAX]; /* of that; 0: nothing yet */
};

struct watchers {
	struct cluster *cluster;
	struct watcher *items;
	atomic_bool stop;
	_Atomic uint64_t events, connections, gaps, wrong;
};

static void forget(struct watcher *w, size_t service)
{
	model_fini(&w->model[service]);
	w->rev[service] = 0;
}

static bool watch_all(struct watcher *w)
{
	struct buf *b;

	caller_to(&w->caller, w->all->cluster->member[w->index].client);
	b = caller_begin(&w->caller, "watch");
	pack_map(b, 1);
	pack_kv_cstr(b, "prefix", "s-");
	for (size_t i = 0; i < SERVICES_MAX; i++)
		forget(w, i);
	w->all->connections++;
	return caller_end(&w->caller, TRY_MS) == 0;
}

/* The number in "s-17"; SERVICES_MAX: it is none of ours. */
static size_t service_number(struct bytes name)
{
	char text[32];

	if (name.len < 3 || name.len >= sizeof text)
		return SERVICES_MAX;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	return strtoul(text + 2, NULL, 10);
}

/* Told once, it is watched anew. */
static void complain(struct watcher *w, size_t service, const struct event *ev,
	_Atomic uint64_t *count, const char *what)
{
	(*count)++;
	fprintf(stderr,
		"cluster_run: watcher of %s: s-%zu from revision %" PRIu64 " to %" PRIu64
		", when %" PRIu64 " was told: %s\n",
		w->caller.address, service, ev->from, ev->rev, (uint64_t)w->rev[service],
		what);
	caller_close(&w->caller);
}

/* A service in order, each revision once, and what is told makes up the digest. */
static void judge(struct watcher *w, size_t service, const struct event *ev)
{
	struct model *m = &w->model[service];
	enum model_verdict verdict = MODEL_WRONG;

	if (model_apply(m, ev, 0, false, &verdict) != 0)
		complain(w, service, ev, &w->all->wrong, "the event makes no sense");
	else if (verdict == MODEL_WRONG)
		complain(w, service, ev, &w->all->wrong, "the digest is another");
	else if (verdict == MODEL_GAP)
		complain(w, service, ev, &w->all->gaps, "something is missing");
	else if (verdict == MODEL_SAME)
		complain(w, service, ev, &w->all->gaps, "nothing is new");
	else if (verdict != MODEL_PART)
		w->rev[service] = m->rev;
}

static void on_event(struct watcher *w)
{
	struct event ev = {0};
	size_t service;

	w->all->events++;
	if (event_parse(w->caller.result, w->caller.event, &ev) != 0) {
		complain(w, 0, &ev, &w->all->wrong, "an event cannot be read");
		return;
	}
	service = service_number(ev.service);
	if (service >= SERVICES_MAX)
		return;
	if (ev.kind == EVENT_NO_SERVICE)
		forget(w, service);
	else if (ev.kind == EVENT_SNAPSHOT || ev.kind == EVENT_DELTA)
		judge(w, service, &ev);
}

static void *run_watcher(void *arg)
{
	struct watcher *w = arg;
	int code = CALLER_LOST;

	while (!w->all->stop) {
		if (w->caller.fd < 0 && !watch_all(w)) {
			caller_close(&w->caller);
			nap_ms(100);
			continue;
		}
		code = caller_event(&w->caller, 200);
		if (code == 0)
			on_event(w);
	}
	return NULL;
}

struct watchers *watchers_start(struct cluster *c)
{
	struct watchers *all = calloc(1, sizeof *all);

	assert(all != NULL);
	all->cluster = c;
	all->items = calloc((size_t)c->n, sizeof *all->items);
	assert(all->items != NULL);
	for (int i = 0; i < c->n; i++) {
		struct watcher *w = &all->items[i];

		w->all = all;
		w->index = i;
		caller_init(&w->caller);
		pthread_create(&w->thread, NULL, run_watcher, w);
	}
	return all;
}

/* The revision that the service has; 0: there is none of that name. */
static uint64_t revision_of(struct caller *with, size_t service)
{
	struct buf *b = caller_begin(with, "resolve");
	char name[32];

	snprintf(name, sizeof name, "s-%zu", service);
	pack_map(b, 1);
	pack_kv_cstr(b, "service", name);
	return caller_end(with, TRY_MS) == 0 ? caller_u64(with, "service_rev", 0) : 0;
}

static bool heard(struct watchers *all, size_t service, uint64_t rev)
{
	for (int i = 0; i < all->cluster->n; i++)
		if (all->items[i].rev[service] != rev)
			return false;
	return true;
}

static uint64_t unheard(struct watchers *all)
{
	uint64_t end = clock_now_ms() + LAST_WORD_MS, wrong = 0, rev;
	struct caller with;

	caller_init(&with);
	caller_to(&with, all->cluster->member[0].client);
	for (size_t service = 0; service < SERVICES_MAX; service++) {
		rev = revision_of(&with, service);
		if (rev == 0 && service > 0)
			break;
		while (!heard(all, service, rev) && clock_now_ms() < end)
			nap_ms(10);
		if (heard(all, service, rev))
			continue;
		wrong++;
		fprintf(stderr,
			"cluster_run: s-%zu is at revision %" PRIu64
			", but not all watchers have heard of it\n",
			service, rev);
	}
	caller_fini(&with);
	return wrong;
}

void watchers_end(struct watchers *all, struct watchers_stat *out)
{
	uint64_t wrong = unheard(all);

	all->stop = true;
	for (int i = 0; i < all->cluster->n; i++) {
		pthread_join(all->items[i].thread, NULL);
		caller_fini(&all->items[i].caller);
		for (size_t k = 0; k < SERVICES_MAX; k++)
			forget(&all->items[i], k);
	}
	*out = (struct watchers_stat){.events = all->events,
		.connections = all->connections,
		.gaps = all->gaps,
		.wrong = all->wrong,
		.unheard = wrong};
	free(all->items);
	free(all);
}
