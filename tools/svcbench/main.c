/*
 * svcbench: an honest load generator for svcd. It starts the servers itself and gives
 * Redis (one server) or ZooKeeper (clusters) the same payload in the same minutes where
 * they are installed.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "svcbench/cases.h"

static const char usage_text[] =
	"usage: svcbench [options] [case ...]\n"
	"\n"
	"  --svcd PATH        the daemon to measure (default: ./svcd, else the one in PATH)\n"
	"  --seconds N        counted time of a run (3)\n"
	"  --rounds N         runs of each side, in turn; medians are shown (3)\n"
	"  --server-cpu N     processor of the servers (0), --client-cpu N ours (1); -1: any\n"
	"  --instances N      of the cases size, catch-up and snapshot (1000000)\n"
	"  --failovers N      of each failover case and handover (20)\n"
	"  --other-failovers N  of each failover case, on the other side (5)\n"
	"  --watchers N       of the case watch (10000)\n"
	"  --leases N         of the case leases (500000)\n"
	"  --no-redis, --no-zookeeper  measure svcd alone\n"
	"  --list             name the cases\n";

#define ROUNDS_MAX 21
#define ZOOKEEPER_ARCHIVE "/usr/share/java/zookeeper.jar" /* where Debian puts it */

static int by_rate(const void *a, const void *b)
{
	const struct result *x = a, *y = b;

	return x->rate < y->rate ? -1 : x->rate > y->rate;
}

static int by_number(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void print_row(const char *side, const char *what, const struct result *r)
{
	printf("  %-9s %-52s %10.0f %9.0f %9.0f %9.0f %8.2f %8.1f %6.2f %s%s\n", side,
		what, r->rate, r->p50_us, r->p99_us, r->p999_us, r->server_us, r->rss_mib,
		r->noise < 0 ? 0 : r->noise, r->errors ? "ERRORS! " : "", r->note);
	fflush(stdout);
}

/* What svcd is in comparison; above 1 is better. */
static double ratio_of(
	enum compared by, const struct result *svcd, const struct result *other)
{
	switch (by) {
	case BY_LAST:
		return other->p99_us / svcd->p99_us;
	case BY_MEDIAN:
		return other->p50_us / svcd->p50_us;
	default:
		return svcd->rate / other->rate;
	}
}

/* Failovers are many rounds by themselves. */
static int rounds_of(const struct bench_case *c, const struct bench_options *o)
{
	return c->other != NULL && c->signal == 0 ? o->rounds : 1;
}

/* Both sides in turn, so that a slow minute of the machine meets both; the ratio is of
 * each pair. */
static bool run_case(const struct bench_case *c, const struct bench_options *o)
{
	struct result svcd[ROUNDS_MAX], other[ROUNDS_MAX];
	double ratio[ROUNDS_MAX];
	bool compare = c->other != NULL && c->other->installed(o);
	int rounds = rounds_of(c, o);
	uint64_t errors = 0;

	printf("%s\n", c->name);
	for (int i = 0; i < rounds; i++) {
		c->run(c, o, false, &svcd[i]);
		errors += svcd[i].errors;
		if (!compare)
			continue;
		c->run(c, o, true, &other[i]);
		ratio[i] = ratio_of(c->compared, &svcd[i], &other[i]);
	}
	qsort(svcd, (size_t)rounds, sizeof svcd[0], by_rate);
	print_row("svcd", c->what, &svcd[rounds / 2]);
	if (compare) {
		qsort(other, (size_t)rounds, sizeof other[0], by_rate);
		qsort(ratio, (size_t)rounds, sizeof ratio[0], by_number);
		print_row(c->other->name, c->other_what, &other[rounds / 2]);
		printf("  ratio     %.2f (%.2f to %.2f), above 1 svcd is %s\n",
			ratio[rounds / 2], ratio[0], ratio[rounds - 1],
			c->compared == BY_RATE ? "faster" : "sooner");
	} else if (c->other != NULL) {
		printf("  %-9s not compared: left out, or not installed (tools/setup "
		       "--bench)\n",
			c->other->name);
	}
	fflush(stdout);
	return errors == 0;
}

static bool wanted(const struct bench_case *c, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], c->name) == 0)
			return true;
	return n == 0;
}

static bool all_known(char **names, int n)
{
	for (int i = 0; i < n; i++) {
		bool known = false;

		for (unsigned k = 0; k < bench_case_count; k++)
			known |= strcmp(names[i], bench_cases[k].name) == 0;
		if (!known) {
			fprintf(stderr,
				"svcbench: error: no case '%s'\nhint: svcbench --list\n",
				names[i]);
			return false;
		}
	}
	return true;
}

static void print_head(const struct bench_options *o)
{
	char date[32];
	time_t now = time(NULL);

	strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", gmtime(&now));
	printf("svcbench %s: %ld processors, servers on %d, client on %d, %.0f s a "
	       "run, redis: %s, zookeeper: %s\n",
		date, sysconf(_SC_NPROCESSORS_ONLN), o->server_cpu, o->client_cpu,
		o->seconds, o->redis ? o->redis : "none",
		rival_zookeeper.installed(o) ? o->zookeeper : "none");
	printf("  %-9s %-52s %10s %9s %9s %9s %8s %8s %6s\n", "side", "case", "op/s",
		"p50 us", "p99 us", "p99.9 us", "cpu us", "rss MiB", "others");
}

enum {
	OPT_SVCD = 256,
	OPT_SECONDS,
	OPT_ROUNDS,
	OPT_SERVER_CPU,
	OPT_CLIENT_CPU,
	OPT_INSTANCES,
	OPT_WATCHERS,
	OPT_LEASES,
	OPT_FAILOVERS,
	OPT_OTHER_FAILOVERS,
	OPT_NO_REDIS,
	OPT_NO_ZOOKEEPER,
	OPT_LIST
};

static const struct option long_options[] = {
	{"svcd", required_argument, NULL, OPT_SVCD},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"rounds", required_argument, NULL, OPT_ROUNDS},
	{"server-cpu", required_argument, NULL, OPT_SERVER_CPU},
	{"client-cpu", required_argument, NULL, OPT_CLIENT_CPU},
	{"instances", required_argument, NULL, OPT_INSTANCES},
	{"watchers", required_argument, NULL, OPT_WATCHERS},
	{"leases", required_argument, NULL, OPT_LEASES},
	{"failovers", required_argument, NULL, OPT_FAILOVERS},
	{"other-failovers", required_argument, NULL, OPT_OTHER_FAILOVERS},
	{"no-redis", no_argument, NULL, OPT_NO_REDIS},
	{"no-zookeeper", no_argument, NULL, OPT_NO_ZOOKEEPER},
	{"list", no_argument, NULL, OPT_LIST},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void list_cases(void)
{
	for (unsigned i = 0; i < bench_case_count; i++)
		printf("%-18s %s\n", bench_cases[i].name, bench_cases[i].what);
}

static bool is_count(int failovers)
{
	return failovers >= 1 && failovers <= FAILOVERS_MAX;
}

/* -1: go on; otherwise the exit status. */
static int read_options(int argc, char **argv, struct bench_options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (c) {
		case OPT_SVCD:
			o->svcd = optarg;
			break;
		case OPT_SECONDS:
			o->seconds = atof(optarg);
			break;
		case OPT_ROUNDS:
			o->rounds = atoi(optarg);
			break;
		case OPT_SERVER_CPU:
			o->server_cpu = atoi(optarg);
			break;
		case OPT_CLIENT_CPU:
			o->client_cpu = atoi(optarg);
			break;
		case OPT_INSTANCES:
			o->instances = strtoul(optarg, NULL, 10);
			break;
		case OPT_WATCHERS:
			o->watchers = strtoul(optarg, NULL, 10);
			break;
		case OPT_LEASES:
			o->leases = strtoul(optarg, NULL, 10);
			break;
		case OPT_FAILOVERS:
			o->failovers = atoi(optarg);
			break;
		case OPT_OTHER_FAILOVERS:
			o->other_failovers = atoi(optarg);
			break;
		case OPT_NO_REDIS:
			o->redis = NULL;
			break;
		case OPT_NO_ZOOKEEPER:
			o->zookeeper = NULL;
			break;
		case OPT_LIST:
			list_cases();
			return 0;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		default:
			fputs(usage_text, stderr);
			return 2;
		}
	}
	if (o->rounds < 1 || o->rounds > ROUNDS_MAX || o->seconds <= 0 ||
		o->instances < 100 || !is_count(o->failovers) ||
		!is_count(o->other_failovers)) {
		fputs("svcbench: error: a number is out of range\n", stderr);
		return 2;
	}
	return -1;
}

int main(int argc, char **argv)
{
	char svcd_path[512], redis_path[512], java_path[512], archive[PATH_MAX];
	struct bench_options o = {.server_cpu = 0,
		.client_cpu = 1,
		.seconds = 3,
		.rounds = 3,
		.instances = 1000000,
		.watchers = 10000,
		.leases = 500000,
		.failovers = 20,
		.other_failovers = 5};
	struct rlimit files;
	bool good = true;
	int status;

	o.redis = find_program("redis-server", redis_path, sizeof redis_path);
	o.java = find_program("java", java_path, sizeof java_path);
	o.zookeeper = realpath(ZOOKEEPER_ARCHIVE, archive); /* named with its version */
	o.svcd = access("./svcd", X_OK) == 0
		? "./svcd"
		: find_program("svcd", svcd_path, sizeof svcd_path);
	status = read_options(argc, argv, &o);
	if (status >= 0)
		return status;
	if (!all_known(argv + optind, argc - optind))
		return 2;
	if (o.svcd == NULL || access(o.svcd, X_OK) != 0) {
		fputs("svcbench: error: svcd not found\nhint: --svcd PATH\n", stderr);
		return 1;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	pin_to(o.client_cpu);
	print_head(&o);
	for (unsigned i = 0; i < bench_case_count; i++)
		if (wanted(&bench_cases[i], argv + optind, argc - optind))
			good &= run_case(&bench_cases[i], &o);
	return good ? 0 : 1;
}
