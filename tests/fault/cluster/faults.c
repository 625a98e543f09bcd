#include "faults.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "pace.h"
#include "wire/pack.h"

#define START_MS 30000 /* a member that has not come back by then never will */

struct fault {
	const char *name;
	unsigned weight;
	unsigned hold_min_ms, hold_max_ms;
	void (*begin)(struct faults *f, int i);
	void (*undo)(struct faults *f, int i);
	bool leader;    /* happens to the leader, when there is one */
	bool needs_net; /* of our own */
};

static void tell(const struct faults *f, const char *what, int i)
{
	if (f->loud)
		fprintf(stderr, "%10.3f %s%s%s\n", (double)clock_now_ms() / 1e3, what,
			i < 0 ? "" : " ", i < 0 ? "" : f->cluster->member[i].name);
}

static int somebody(struct faults *f)
{
	return (int)rng_below(&f->rng, (uint64_t)f->cluster->n);
}

static int somebody_else(struct faults *f, int i)
{
	return (i + 1 + (int)rng_below(&f->rng, (uint64_t)f->cluster->n - 1)) %
		f->cluster->n;
}

/* ---- kinds -------------------------------------------------------------- */

static void start(struct faults *f, int i)
{
	member_start(f->cluster, i);
	if (member_await(f->cluster, i, START_MS))
		return;
	f->failed++;
	fprintf(stderr, "cluster_run: %s does not come back, see %s\n",
		f->cluster->member[i].name, f->cluster->member[i].log);
}

static void kill_9(struct faults *f, int i)
{
	member_kill(f->cluster, i, SIGKILL);
}

static void move_away(struct faults *f, int i)
{
	kill_9(f, i);
	member_move(f->cluster, i);
}

static void kill_all(struct faults *f, int i)
{
	(void)i;
	for (int k = 0; k < f->cluster->n; k++)
		kill_9(f, k);
}

static void start_all(struct faults *f, int i)
{
	(void)i;
	for (int k = 0; k < f->cluster->n; k++)
		member_start(f->cluster, k);
	for (int k = 0; k < f->cluster->n; k++)
		start(f, k);
}

static void freeze(struct faults *f, int i)
{
	member_freeze(f->cluster, i, true);
}

static void thaw(struct faults *f, int i)
{
	member_freeze(f->cluster, i, false);
}

static void stop(struct faults *f, int i)
{
	int status = member_stop(f->cluster, i, 15000);

	if (status == 0)
		return;
	f->failed++;
	fprintf(stderr, "cluster_run: %s: SIGTERM ended with %d\n",
		f->cluster->member[i].name, status);
}

static void heal_net(struct faults *f, int i)
{
	(void)i;
	net_heal(&f->cluster->net);
}

static void cut_one_way(struct faults *f, int i)
{
	net_cut(&f->cluster->net, i, somebody_else(f, i), true);
}

static void cut_both(struct faults *f, int i, int k)
{
	net_cut(&f->cluster->net, i, k, true);
	net_cut(&f->cluster->net, k, i, true);
}

static void cut_pair(struct faults *f, int i)
{
	cut_both(f, i, somebody_else(f, i));
}

static void isolate(struct faults *f, int i)
{
	uint64_t how = rng_below(&f->rng, 4); /* 0: only what it sends, 1: only what it
						 gets */

	for (int k = 0; k < f->cluster->n; k++) {
		if (how != 0)
			net_cut(&f->cluster->net, k, i, true);
		if (how != 1)
			net_cut(&f->cluster->net, i, k, true);
	}
}

static void unplug(struct faults *f, int i)
{
	for (int k = 0; k < f->cluster->n; k++)
		cut_both(f, i, k);
	cut_both(f, i, NET_HUB);
}

static void set_clock(struct faults *f, int i)
{
	static const long steps[] = {-86400, -3600, -2, 2, 60, 3600, 86400 * 400L};

	f->cluster->member[i].shim->wall_step_s =
		steps[rng_below(&f->rng, sizeof steps / sizeof steps[0])];
}

static void slow_disk(struct faults *f, int i)
{
	f->cluster->member[i].shim->sync_ms = 20 + (long)rng_below(&f->rng, 400);
}

static void fast_disk(struct faults *f, int i)
{
	f->cluster->member[i].shim->sync_ms = 0;
}

static void empty_disk(struct faults *f, int i)
{
	(void)i;
	member_fill_disk(f->cluster, f->small_disk, false);
}

static int change(struct faults *f, int by, const char *op, const char *name)
{
	struct buf *b;

	caller_to(&f->caller, f->cluster->member[by].client);
	b = caller_begin(&f->caller, "member_change");
	pack_map(b, 1 + (uint32_t)(name != NULL));
	pack_kv_cstr(b, "op", op);
	if (name != NULL)
		pack_kv_cstr(b, "node", name);
	return caller_end(&f->caller, 10000);
}

/* Half the time it happens to the leader: it is made so. */
static void full_disk(struct faults *f, int i)
{
	if (f->changes && rng_below(&f->rng, 2) == 0)
		change(f, i, "transfer", f->cluster->member[f->small_disk].name);
	member_fill_disk(f->cluster, f->small_disk, true);
}

static void transfer(struct faults *f, int i)
{
	change(f, i, "transfer", NULL);
}

static void await_voter(struct faults *f, int i)
{
	if (cluster_await_voters(f->cluster, START_MS))
		return;
	f->failed++;
	fprintf(stderr, "cluster_run: %s joined, but does not become a voter\n",
		f->cluster->member[i].name);
}

static void replace(struct faults *f, int i)
{
	struct member *m = &f->cluster->member[i];
	int by = somebody_else(f, i), code = change(f, by, "remove", m->name);

	for (int tries = 0; code != 0 && tries < 20; tries++) {
		nap_ms(200);
		code = change(f, by = somebody_else(f, i), "remove", m->name);
	}
	if (code != 0) {
		f->failed++;
		fprintf(stderr, "cluster_run: %s cannot be removed: %d\n", m->name, code);
		return;
	}
	member_kill(f->cluster, i, SIGKILL);
	member_wipe(f->cluster, i);
}

static void join(struct faults *f, int i)
{
	start(f, i);
	await_voter(f, i);
}

static const struct fault kinds[FAULT_KINDS] = {
	[FAULT_KILL] = {"kill", 10, 0, 2500, kill_9, start, false, false},
	[FAULT_KILL_LEADER] = {"kill leader", 10, 0, 2500, kill_9, start, true, false},
	[FAULT_KILL_ALL] = {"kill all", 3, 0, 500, kill_all, start_all, false, false},
	[FAULT_FREEZE] = {"freeze", 6, 50, 4000, freeze, thaw, false, false},
	[FAULT_FREEZE_LEADER] = {"freeze leader", 8, 50, 4000, freeze, thaw, true, false},
	[FAULT_STOP] = {"stop", 5, 0, 1000, stop, start, false, false},
	[FAULT_CUT_ONE_WAY] = {"cut one way", 8, 200, 4000, cut_one_way, heal_net, false,
		true},
	[FAULT_CUT_PAIR] = {"cut pair", 6, 200, 4000, cut_pair, heal_net, false, true},
	[FAULT_ISOLATE] = {"isolate", 6, 200, 4000, isolate, heal_net, false, true},
	[FAULT_ISOLATE_LEADER] = {"isolate leader", 8, 200, 4000, isolate, heal_net, true,
		true},
	[FAULT_UNPLUG] = {"unplug", 5, 200, 4000, unplug, heal_net, false, true},
	[FAULT_CLOCK] = {"clock", 4, 50, 500, set_clock, NULL, false, false},
	[FAULT_SLOW_DISK] = {"slow disk", 5, 500, 3000, slow_disk, fast_disk, false,
		false},
	[FAULT_FULL_DISK] = {"full disk", 4, 3000, 5000, full_disk, empty_disk, false,
		false},
	[FAULT_TRANSFER] = {"transfer", 5, 50, 500, transfer, NULL, false, false},
	[FAULT_MOVE] = {"move", 3, 0, 500, move_away, start, false, false},
	[FAULT_REPLACE] = {"replace", 3, 0, 500, replace, join, false, false},
};

const char *fault_name(enum fault_kind k)
{
	return kinds[k].name;
}

/* ---- rounds ------------------------------------------------------------- */

/* What this svcd does not know yet cannot be asked of it. */
static bool knows(struct faults *f, const char *method)
{
	return member_ask(f->cluster, &f->caller, 0, method) != SVCD_ENOMETHOD;
}

void faults_init(struct faults *f, struct cluster *c, struct load *l, uint64_t seed,
	bool loopback, int small_disk)
{
	memset(f, 0, sizeof *f);
	f->cluster = c;
	f->load = l;
	f->small_disk = small_disk;
	caller_init(&f->caller);
	rng_seed(&f->rng, seed);
	for (int k = 0; k < FAULT_KINDS; k++)
		f->enabled[k] = !((loopback || c->n == 1) && kinds[k].needs_net);
	f->enabled[FAULT_FULL_DISK] = small_disk >= 0;
	if (c->shim[0] == '\0')
		f->enabled[FAULT_CLOCK] = f->enabled[FAULT_SLOW_DISK] = false;
	f->changes = c->n > 1 && knows(f, "member_change");
	if (!f->changes)
		f->enabled[FAULT_TRANSFER] = f->enabled[FAULT_REPLACE] =
			f->enabled[FAULT_MOVE] = false;
}

void faults_fini(struct faults *f)
{
	caller_fini(&f->caller);
}

static enum fault_kind draw(struct faults *f)
{
	unsigned sum = 0;
	uint64_t dice;
	int k = 0;

	for (int i = 0; i < FAULT_KINDS; i++)
		sum += f->enabled[i] ? kinds[i].weight : 0;
	dice = rng_below(&f->rng, sum);
	for (; !f->enabled[k] || dice >= kinds[k].weight; k++)
		dice -= f->enabled[k] ? kinds[k].weight : 0;
	return (enum fault_kind)k;
}

static uint64_t between(struct faults *f, unsigned min, unsigned max)
{
	return min + rng_below(&f->rng, max - min + 1);
}

/* One in four times something else happens meanwhile, to whom it may. Who is started
 * again meanwhile cannot be asked when it is cut off, too: the round waits for it. */
static void second_fault(struct faults *f, uint64_t hold_ms)
{
	static const enum fault_kind light[] = {
		FAULT_KILL, FAULT_FREEZE, FAULT_CLOCK, FAULT_TRANSFER, FAULT_SLOW_DISK};
	enum fault_kind k = light[rng_below(&f->rng, sizeof light / sizeof light[0])];
	int i = somebody(f);

	if (rng_below(&f->rng, 4) != 0 || !f->enabled[k]) {
		nap_ms(hold_ms);
		return;
	}
	nap_ms(hold_ms / 3);
	tell(f, kinds[k].name, i);
	f->stat[k].times++;
	kinds[k].begin(f, i);
	nap_ms(hold_ms / 3);
	if (k == FAULT_KILL)
		member_start(f->cluster, i);
	else if (kinds[k].undo != NULL)
		kinds[k].undo(f, i);
	nap_ms(hold_ms / 3);
}

static void note_gap(struct faults *f, struct fault_stat *s)
{
	struct load_stat now;

	load_stat(f->load, &now);
	s->times++;
	s->sum_gap_ms += now.worst_gap_ms;
	if (now.worst_gap_ms > s->worst_gap_ms)
		s->worst_gap_ms = now.worst_gap_ms;
}

/* Until writes are acknowledged again. */
static void await_writes(struct faults *f)
{
	uint64_t before = load_acknowledged(f->load), end = clock_now_ms() + START_MS;

	while (load_acknowledged(f->load) < before + 20 && clock_now_ms() < end)
		nap_ms(10);
	if (load_acknowledged(f->load) >= before + 20)
		return;
	f->failed++;
	fprintf(stderr, "cluster_run: no writes are possible %d ms after the fault\n",
		START_MS);
}

void faults_round(struct faults *f)
{
	enum fault_kind k = draw(f);
	const struct fault *fault = &kinds[k];
	uint64_t hold_ms = between(f, fault->hold_min_ms, fault->hold_max_ms), term;
	int i = somebody(f), leader = cluster_leader(f->cluster, &f->caller, &term);

	if (fault->leader && leader >= 0)
		i = leader;
	tell(f, fault->name, k == FAULT_KILL_ALL ? -1 : i);
	fault->begin(f, i);
	second_fault(f, hold_ms);
	if (fault->undo != NULL)
		fault->undo(f, i);
	cluster_look(f->cluster);
	for (int m = 0; m < f->cluster->n; m++)
		start(f, m); /* who ended by itself was counted */
	await_writes(f);
	nap_ms(between(f, 100, 1000));
	note_gap(f, &f->stat[k]);
}

void faults_heal(struct faults *f)
{
	net_heal(&f->cluster->net);
	for (int i = 0; i < f->cluster->n; i++) {
		thaw(f, i);
		fast_disk(f, i);
		if (f->small_disk == i)
			empty_disk(f, i);
		start(f, i);
	}
}
