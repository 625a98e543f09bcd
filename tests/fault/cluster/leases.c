#include "leases.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "pace.h"
#include "wire/pack.h"

#define TTL_MS 2500
#define RENEW_MS 400
#define TRY_MS 1000
#define LONG_AFTER_MS \
	(4 * TTL_MS + 5000) /* the end of an abandoned lease, when all is well */

struct keeper {
	struct keepers *all;
	pthread_t thread;
	struct caller caller;
	struct rng rng;
	int index, member;
	uint64_t session, seq, lease, lives;
	uint64_t sure_ms; /* the lease was renewed at this time or later */
	bool registered;
};

struct keepers {
	struct cluster *cluster;
	struct keeper *items;
	int n;
	atomic_bool stop;
	_Atomic uint64_t granted, renewed, ended, early, never;
};

static void another_member(struct keeper *k)
{
	k->member = (int)rng_below(&k->rng, (uint64_t)k->all->cluster->n);
	caller_to(&k->caller, k->all->cluster->member[k->member].client);
}

static void name_instance(const struct keeper *k, char service[32], char id[32])
{
	snprintf(service, 32, "lease-%d", k->index);
	snprintf(id, 32, "life-%" PRIu64, k->lives);
}

/* It is said to have ended, by an answer that came now. */
static void over(struct keeper *k, const char *how)
{
	uint64_t now = clock_now_ms();

	if (now < k->sure_ms + TTL_MS) {
		k->all->early++;
		fprintf(stderr,
			"cluster_run: lease %" PRIu64 " ended %" PRIu64
			" ms after a renewal (%s at %s), it lives %d ms\n",
			k->lease, now - k->sure_ms, how, k->caller.address, TTL_MS);
	} else {
		k->all->ended++;
	}
	k->lease = 0;
}

/* Tries a write until it has an outcome; 0 or its code. Not forever. */
static int send_write(
	struct keeper *k, void (*pack)(struct keeper *, struct buf *), const char *method)
{
	int code = CALLER_LOST;

	k->seq++;
	for (int i = 0; i < 40 && !k->all->stop; i++) {
		struct buf *b = caller_begin(&k->caller, method);

		pack(k, b);
		code = caller_end(&k->caller, TRY_MS);
		if (code == 0 || code == SVCD_ENOLEASE || code == SVCD_EINVAL)
			return code;
		another_member(k);
		nap_ms(20 + rng_below(&k->rng, 80));
	}
	return code;
}

static void pack_grant(struct keeper *k, struct buf *b)
{
	pack_map(b, 4);
	pack_kv_u64(b, "session", k->session);
	pack_kv_u64(b, "seq", k->seq);
	pack_kv_u64(b, "ttl_ms", TTL_MS);
	pack_kv_cstr(b, "on_close", "keep");
}

static void pack_register(struct keeper *k, struct buf *b)
{
	char service[32], id[32];

	name_instance(k, service, id);
	pack_map(b, 4);
	pack_kv_u64(b, "session", k->session);
	pack_kv_u64(b, "seq", k->seq);
	pack_kv_u64(b, "lease", k->lease);
	pack_cstr(b, "instances");
	pack_array(b, 1);
	pack_map(b, 3);
	pack_kv_cstr(b, "service", service);
	pack_kv_cstr(b, "id", id);
	pack_cstr(b, "addresses");
	pack_array(b, 1);
	pack_cstr(b, "127.0.0.1");
}

static void begin_life(struct keeper *k)
{
	int code;

	k->registered = false;
	k->lives++;
	k->sure_ms = clock_now_ms();
	if (send_write(k, pack_grant, "lease_grant") != 0)
		return;
	k->lease = caller_u64(&k->caller, "lease", 0);
	k->all->granted++;
	code = send_write(k, pack_register, "register");
	if (code == SVCD_ENOLEASE)
		over(k, "register");
	k->registered = code == 0;
}

static void renew(struct keeper *k)
{
	struct buf *b = caller_begin(&k->caller, "renew");
	uint64_t call_ms = clock_now_ms();
	int code;

	pack_map(b, 1);
	pack_kv_u64(b, "lease", k->lease);
	code = caller_end(&k->caller, TRY_MS);
	if (code == 0) {
		k->sure_ms = call_ms;
		k->all->renewed++;
	} else if (code == SVCD_ENOLEASE) {
		over(k, "renew");
	} else {
		another_member(k);
	}
}

/* 1: it is there, 0: it is not, -1: no answer. */
static int look(struct keeper *k)
{
	struct buf *b = caller_begin(&k->caller, "get");
	char service[32], id[32];
	int code;

	name_instance(k, service, id);
	pack_map(b, 3);
	pack_kv_cstr(b, "service", service);
	pack_kv_cstr(b, "id", id);
	pack_kv_cstr(b, "consistency", "current");
	code = caller_end(&k->caller, TRY_MS);
	if (code == 0)
		return 1;
	if (code == SVCD_EGONE || code == SVCD_ENOINSTANCE || code == SVCD_ENOSERVICE)
		return 0;
	another_member(k);
	return -1;
}

/* Renewed for some seconds; sometimes somebody looks whether it is there. */
static void live(struct keeper *k)
{
	uint64_t end = clock_now_ms() + 3000 + rng_below(&k->rng, 12000);

	while (!k->all->stop && k->lease != 0 && clock_now_ms() < end) {
		renew(k);
		if (k->lease != 0 && k->registered && rng_below(&k->rng, 3) == 0 &&
			look(k) == 0)
			over(k, "get");
		if (rng_below(&k->rng, 8) == 0)
			another_member(k);
		nap_ms(RENEW_MS);
	}
}

/* Renewed no more. In trouble it may stay for as long as that goes on. */
static void die(struct keeper *k)
{
	while (!k->all->stop && k->lease != 0) {
		if (!k->registered || look(k) == 0)
			over(k, "get");
		else
			nap_ms(200);
	}
}

static void *run_keeper(void *arg)
{
	struct keeper *k = arg;

	another_member(k);
	while (!k->all->stop) {
		if (k->lease == 0)
			begin_life(k);
		live(k);
		if (rng_below(&k->rng, 2) == 0)
			die(k);
		else
			k->lease = 0; /* left alone: a service of its own tells later */
	}
	return NULL;
}

struct keepers *keepers_start(struct cluster *c, int n, uint64_t seed)
{
	struct keepers *all = calloc(1, sizeof *all);

	assert(all != NULL);
	all->cluster = c;
	all->n = n;
	all->items = calloc((size_t)n, sizeof *all->items);
	assert(all->items != NULL);
	for (int i = 0; i < n; i++) {
		struct keeper *k = &all->items[i];

		k->all = all;
		k->index = i;
		caller_init(&k->caller);
		rng_seed(&k->rng, seed * 7919 + (uint64_t)i);
		k->session = rng_next(&k->rng) | 1;
		pthread_create(&k->thread, NULL, run_keeper, k);
	}
	return all;
}

/* How many instances the keeper's service has; -1: no answer. */
static int left_over(struct keeper *k)
{
	struct buf *b = caller_begin(&k->caller, "resolve");
	char service[32], id[32];
	int code;

	name_instance(k, service, id);
	pack_map(b, 2);
	pack_kv_cstr(b, "service", service);
	pack_kv_cstr(b, "consistency", "current");
	code = caller_end(&k->caller, TRY_MS);
	if (code == SVCD_ENOSERVICE)
		return 0;
	return code == 0 ? (int)caller_u64(&k->caller, "count", 0) : -1;
}

static void await_end(struct keeper *k)
{
	uint64_t end = clock_now_ms() + LONG_AFTER_MS;
	int left = -1;

	while (left != 0 && clock_now_ms() < end) {
		left = left_over(k);
		if (left < 0)
			another_member(k);
		if (left != 0)
			nap_ms(100);
	}
	if (left == 0)
		return;
	k->all->never++;
	fprintf(stderr,
		"cluster_run: lease-%d: %d instances are there %d ms after the last "
		"renewal\n",
		k->index, left, LONG_AFTER_MS);
}

void keepers_end(struct keepers *all, struct leases_stat *out)
{
	all->stop = true;
	for (int i = 0; i < all->n; i++)
		pthread_join(all->items[i].thread, NULL);
	for (int i = 0; i < all->n; i++) {
		await_end(&all->items[i]);
		caller_fini(&all->items[i].caller);
	}
	*out = (struct leases_stat){.granted = all->granted,
		.renewed = all->renewed,
		.ended = all->ended,
		.early = all->early,
		.never = all->never};
	free(all->items);
	free(all);
}
