/*
 * Random faults on a cluster of real processes, under load; then what the clients were
 * told is judged. See usage_text; 0: nothing is wrong, 1: something is, 77: faults of
 * this kind are not possible here.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "faults.h"
#include "finale.h"
#include "leases.h"
#include "watchers.h"

static const char usage_text[] =
	"usage: cluster_run [options]\n"
	"\n"
	"Starts members of svcd, each in a network namespace of its own, writes and reads\n"
	"through all of them, and kills, freezes, cuts off, slows down, replaces them at\n"
	"random. At the end nothing acknowledged may be missing, all histories must be\n"
	"linearizable, the members equal, and no lease may have ended early.\n"
	"\n"
	"  --minutes N    how long (1); --seconds N\n"
	"  --seed N       of faults and load (of the time)\n"
	"  --members N    1 to 7 (3)\n"
	"  --clients N    threads of load (12), --pause MS: their mean pause (5)\n"
	"  --loopback     no namespaces: kill, freeze, clock and disk faults only\n"
	"  --tls          certificates between the members (needs openssl)\n"
	"  --only A,B     only these faults; --list names them\n"
	"  --small-disk   a file system of its own for one member, also with --loopback\n"
	"  --gap-max MS   no fault may stop the writes for longer\n"
	"  --keep         leave directories and logs where they are\n"
	"  --quiet        do not tell each fault\n"
	"  --svcd PATH    the daemon (./svcd), --shim PATH: its preloaded clock and disk\n";

struct options {
	double seconds;
	uint64_t seed;
	int members, clients, pause_ms;
	bool loopback, keep, quiet, small_disk, tls;
	uint64_t gap_max_ms; /* 0: no limit */
	const char *only, *svcd, *shim;
};

struct totals {
	struct load_stat load;
	struct leases_stat leases;
	struct watchers_stat watchers;
	struct history_verdict history;
	uint64_t caught_up, unequal, services, stops, complaints, terms;
};

static struct cluster cluster;
static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

enum {
	OPT_MINUTES = 256,
	OPT_SECONDS,
	OPT_SEED,
	OPT_MEMBERS,
	OPT_CLIENTS,
	OPT_PAUSE,
	OPT_LOOPBACK,
	OPT_ONLY,
	OPT_LIST,
	OPT_SMALL_DISK,
	OPT_TLS,
	OPT_GAP_MAX,
	OPT_KEEP,
	OPT_QUIET,
	OPT_SVCD,
	OPT_SHIM
};

static const struct option long_options[] = {
	{"minutes", required_argument, NULL, OPT_MINUTES},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"seed", required_argument, NULL, OPT_SEED},
	{"members", required_argument, NULL, OPT_MEMBERS},
	{"clients", required_argument, NULL, OPT_CLIENTS},
	{"pause", required_argument, NULL, OPT_PAUSE},
	{"loopback", no_argument, NULL, OPT_LOOPBACK},
	{"only", required_argument, NULL, OPT_ONLY},
	{"list", no_argument, NULL, OPT_LIST},
	{"tls", no_argument, NULL, OPT_TLS},
	{"small-disk", no_argument, NULL, OPT_SMALL_DISK},
	{"gap-max", required_argument, NULL, OPT_GAP_MAX},
	{"keep", no_argument, NULL, OPT_KEEP},
	{"quiet", no_argument, NULL, OPT_QUIET},
	{"svcd", required_argument, NULL, OPT_SVCD},
	{"shim", required_argument, NULL, OPT_SHIM},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* -1: go on; otherwise the exit status. */
static int read_option(int c, struct options *o)
{
	switch (c) {
	case OPT_MINUTES:
		o->seconds = 60 * atof(optarg);
		return -1;
	case OPT_SECONDS:
		o->seconds = atof(optarg);
		return -1;
	case OPT_SEED:
		o->seed = strtoull(optarg, NULL, 10);
		return -1;
	case OPT_MEMBERS:
		o->members = atoi(optarg);
		return -1;
	case OPT_CLIENTS:
		o->clients = atoi(optarg);
		return -1;
	case OPT_PAUSE:
		o->pause_ms = atoi(optarg);
		return -1;
	case OPT_LOOPBACK:
		o->loopback = true;
		return -1;
	case OPT_ONLY:
		o->only = optarg;
		return -1;
	case OPT_TLS:
		o->tls = true;
		return -1;
	case OPT_SMALL_DISK:
		o->small_disk = true;
		return -1;
	case OPT_GAP_MAX:
		o->gap_max_ms = strtoull(optarg, NULL, 10);
		return -1;
	case OPT_KEEP:
		o->keep = true;
		return -1;
	case OPT_QUIET:
		o->quiet = true;
		return -1;
	case OPT_SVCD:
		o->svcd = optarg;
		return -1;
	case OPT_SHIM:
		o->shim = optarg;
		return -1;
	case OPT_LIST:
		for (int k = 0; k < FAULT_KINDS; k++)
			puts(fault_name((enum fault_kind)k));
		return 0;
	case 'h':
		fputs(usage_text, stdout);
		return 0;
	default:
		fputs(usage_text, stderr);
		return 2;
	}
}

static int read_options(int argc, char **argv, struct options *o)
{
	int c, status = -1;

	while (status < 0 && (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		status = read_option(c, o);
	if (status >= 0)
		return status;
	if (o->members < 1 || o->members > NET_MEMBERS_MAX || o->clients < 1 ||
		o->pause_ms < 0 || o->seconds <= 0) {
		fputs("cluster_run: error: a number is out of range\n", stderr);
		return 2;
	}
	if (access(o->svcd, X_OK) != 0) {
		fprintf(stderr, "cluster_run: error: %s: no such program\n", o->svcd);
		return 2;
	}
	return -1;
}

/* Names of faults, separated by commas. False: one is not known or not possible here. */
static bool choose(struct faults *f, const char *only)
{
	bool wanted[FAULT_KINDS] = {false};

	for (const char *at = only; at != NULL && *at != '\0';) {
		size_t len = strcspn(at, ",");
		int k = 0;

		while (k < FAULT_KINDS &&
			(strlen(fault_name((enum fault_kind)k)) != len ||
				memcmp(fault_name((enum fault_kind)k), at, len) != 0))
			k++;
		if (k == FAULT_KINDS || !f->enabled[k]) {
			fprintf(stderr, "cluster_run: error: fault '%.*s' is %s\n",
				(int)len, at,
				k == FAULT_KINDS ? "not known: --list"
						 : "not possible here");
			return false;
		}
		wanted[k] = true;
		at += len + (at[len] == ',');
	}
	if (only != NULL)
		memcpy(f->enabled, wanted, sizeof wanted);
	return true;
}

/* All run, each is a member, one leads. */
static bool come_up(struct cluster *c)
{
	for (int i = 0; i < c->n; i++) {
		member_start(c, i);
		if (!member_await(c, i, 20000)) {
			fprintf(stderr, "cluster_run: error: %s does not start, see %s\n",
				c->member[i].name, c->member[i].log);
			return false;
		}
	}
	return finale_caught_up(c, 20000) == 0 && cluster_await_voters(c, 20000);
}

static uint64_t term_now(struct cluster *c)
{
	struct caller with;
	uint64_t term;

	caller_init(&with);
	cluster_leader(c, &with, &term);
	caller_fini(&with);
	return term;
}

static void print_faults(const struct faults *f)
{
	printf("  %-16s %6s %16s %16s\n", "fault", "times", "worst gap ms",
		"mean gap ms");
	for (int k = 0; k < FAULT_KINDS; k++)
		if (f->stat[k].times > 0)
			printf("  %-16s %6" PRIu64 " %16" PRIu64 " %16" PRIu64 "\n",
				fault_name((enum fault_kind)k), f->stat[k].times,
				f->stat[k].worst_gap_ms,
				f->stat[k].sum_gap_ms / f->stat[k].times);
}

/* How many kinds of faults stopped the writes for longer than allowed. */
static uint64_t long_gaps(const struct options *o, const struct faults *f)
{
	uint64_t n = 0;

	for (int k = 0; k < FAULT_KINDS && o->gap_max_ms > 0; k++)
		if (f->stat[k].worst_gap_ms > o->gap_max_ms) {
			fprintf(stderr,
				"cluster_run: %s: writes stopped for %" PRIu64 " ms\n",
				fault_name((enum fault_kind)k), f->stat[k].worst_gap_ms);
			n++;
		}
	return n;
}

static bool print_verdict(
	const struct options *o, const struct totals *t, const struct faults *f)
{
	const struct history_verdict *h = &t->history;
	uint64_t wrong = h->not_linear + h->undecided + h->out_of_order + h->outdated +
		t->load.backwards + t->load.unequal + t->load.surprises +
		t->leases.early + t->leases.never + t->watchers.gaps + t->watchers.wrong +
		t->watchers.unheard + t->caught_up + t->unequal + t->stops +
		t->complaints + f->failed + (uint64_t)f->cluster->deaths +
		long_gaps(o, f);

	printf("  %" PRIu64 " operations, %" PRIu64 " writes acknowledged (%" PRIu64
	       " told again), %" PRIu64 " of unknown outcome, %" PRIu64 " refused\n",
		t->load.operations, t->load.acknowledged, t->load.repeated,
		t->load.unknown, t->load.refused);
	printf("  %" PRIu64 " leases granted, %" PRIu64 " renewals, %" PRIu64
	       " ended as they should; %" PRIu64 " elections\n",
		t->leases.granted, t->leases.renewed, t->leases.ended, t->terms);
	print_faults(f);
	printf("  %zu keys: %zu not linearizable, %zu not decided (at most %zu "
	       "configurations)\n",
		h->keys, h->not_linear, h->undecided, h->peak);
	printf("  %zu revisions out of order, %zu reads outdated, %" PRIu64
	       " reads went back, %" PRIu64 " digests differed\n",
		h->out_of_order, h->outdated, t->load.backwards, t->load.unequal);
	printf("  %" PRIu64 " leases ended early, %" PRIu64 " never; %" PRIu64
	       " unexpected answers; %d members died, %" PRIu64 " did not come back\n",
		t->leases.early, t->leases.never, t->load.surprises, f->cluster->deaths,
		f->failed);
	printf("  watchers: %" PRIu64 " events on %" PRIu64 " connections, %" PRIu64
	       " gaps, %" PRIu64 " wrong, %" PRIu64 " services unheard of at the end\n",
		t->watchers.events, t->watchers.connections, t->watchers.gaps,
		t->watchers.wrong, t->watchers.unheard);
	printf("  at the end: %s, %" PRIu64 " of %" PRIu64 " services differ, %" PRIu64
	       " bad stops, %" PRIu64 " complaints in logs\n",
		t->caught_up == 0 ? "together" : "NOT TOGETHER", t->unequal, t->services,
		t->stops, t->complaints);
	printf("%s\n", wrong == 0 ? "nothing is wrong" : "SOMETHING IS WRONG");
	return wrong == 0;
}

/* With a cluster that is up. The exit status. */
static int run(const struct options *o, int small_disk)
{
	uint64_t end = clock_now_ms() + (uint64_t)(o->seconds * 1000);
	uint64_t term = term_now(&cluster);
	struct keepers *keepers = keepers_start(&cluster, 3, o->seed);
	struct watchers *watchers = watchers_start(&cluster);
	struct load *load = load_start(
		&cluster, o->clients, o->seed, (unsigned)o->pause_ms);
	struct history history = {0};
	struct totals t = {0};
	struct faults f;
	bool possible, good;

	faults_init(&f, &cluster, load, o->seed, o->loopback, small_disk);
	f.loud = !o->quiet;
	possible = choose(&f, o->only);
	while (possible && clock_now_ms() < end && !interrupted)
		faults_round(&f);
	faults_heal(&f);
	keepers_end(keepers, &t.leases);
	load_end(load, &history, &t.load);
	t.caught_up = finale_caught_up(&cluster, 60000);
	watchers_end(watchers, &t.watchers);
	t.terms = term_now(&cluster) - term;
	t.unequal = finale_equal(&cluster, &t.services);
	t.stops = finale_stop(&cluster);
	t.complaints = finale_logs(&cluster);
	history_check(&history, &t.history, stderr, load_name_key);
	history_fini(&history);
	good = print_verdict(o, &t, &f);
	faults_fini(&f);
	return !possible ? 77 : good ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct options o = {.seconds = 60,
		.seed = (uint64_t)clock_wall_ms() % 1000000,
		.members = 3,
		.clients = 12,
		.pause_ms = 5,
		.svcd = "./svcd",
		.shim = ""};
	int status = read_options(argc, argv, &o), small_disk;
	struct rlimit no_core = {0};

	if (status >= 0)
		return status;
	small_disk = geteuid() == 0 && (!o.loopback || o.small_disk) ? o.members - 1 : -1;
	cluster.svcd = o.svcd;
	cluster.shim = o.shim;
	cluster.tls = o.tls;
	setvbuf(stdout, NULL, _IOLBF, 0);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (!cluster_make(&cluster, o.members, o.loopback, small_disk)) {
		cluster_remove(&cluster, false);
		return 77;
	}
	printf("cluster_run: %d members, seed %" PRIu64 ", %.0f s%s, %s\n", o.members,
		o.seed, o.seconds, o.loopback ? ", loopback" : "", cluster.base);
	status = come_up(&cluster) ? run(&o, small_disk) : 1;
	if (status == 1)
		printf("directories and logs are kept: %s\n", cluster.base);
	cluster_remove(&cluster, o.keep || status == 1);
	return status;
}
