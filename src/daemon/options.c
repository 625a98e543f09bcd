/* Command line, and the order in which the sources of settings are put together. */
#include "daemon/options.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/config_file.h"

#define CONFIG_DEFAULT SVCD_SYSCONFDIR "/svcd/svcd.conf"

enum {
	OPT_CHECK = 256,
	OPT_PRINT,
	OPT_SET,
	OPT_DEV,
	OPT_JOIN,
	OPT_PEER_LISTEN,
	OPT_NAME,
	OPT_INSPECT,
	OPT_RESTORE,
	OPT_FORCE,
	OPT_RECOVER,
	OPT_DRY_RUN,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"data-dir", required_argument, NULL, 'd'},
	{"listen", required_argument, NULL, 'l'},
	{"join", required_argument, NULL, OPT_JOIN},
	{"peer-listen", required_argument, NULL, OPT_PEER_LISTEN},
	{"name", required_argument, NULL, OPT_NAME},
	{"set", required_argument, NULL, OPT_SET},
	{"dev", no_argument, NULL, OPT_DEV},
	{"check-config", no_argument, NULL, OPT_CHECK},
	{"print-config", no_argument, NULL, OPT_PRINT},
	{"inspect", required_argument, NULL, OPT_INSPECT},
	{"restore", required_argument, NULL, OPT_RESTORE},
	{"force", no_argument, NULL, OPT_FORCE},
	{"recover", no_argument, NULL, OPT_RECOVER},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char usage_text[] =
	"usage: svcd [options]\n"
	"\n"
	"  -c, --config FILE      configuration file (default " CONFIG_DEFAULT ")\n"
	"  -d, --data-dir DIR     directory of the log and the state\n"
	"  -l, --listen ADDRESS   unix:PATH or tcp:HOST:PORT; may be repeated, "
	"replaces the file's\n"
	"      --peer-listen ADDRESS  tcp:HOST:PORT for the other members of the cluster\n"
	"      --join ADDRESS[,ADDRESS]  join the cluster of these members at the first start\n"
	"      --name NAME        name of this member\n"
	"      --set NAME=VALUE   any setting of svcd.conf(5)\n"
	"      --dev              try it out: a throw-away data directory, warnings only\n"
	"      --check-config     check the configuration and exit\n"
	"      --print-config     print all settings and where they come from, and exit\n"
	"      --inspect FILE     tell what a backup holds, and whether it is whole\n"
	"      --restore FILE     make a new cluster of one from a backup; --force puts aside\n"
	"                         what the data directory has\n"
	"      --recover          make this member the only voter of its cluster, when the\n"
	"                         others are lost for good; --dry-run only tells\n"
	"  -V, --version          print the version and exit\n"
	"  -h, --help             this text\n"
	"\n"
	"svcd stays in the foreground and logs to standard error. See svcd(8) and svcd.conf(5).\n";

static int try_help(void)
{
	fputs("hint: svcd --help lists the options\n", stderr);
	return EX_USAGE;
}

static int too_many(const char *what)
{
	fprintf(stderr, "svcd: error: too many %s options\n", what);
	return EX_USAGE;
}

static int take_option(int c, struct options *o)
{
	switch (c) {
	case 'c':
		o->config = optarg;
		return -1;
	case 'd':
		o->data_dir = optarg;
		return -1;
	case OPT_SET:
		if (o->n_set == OPTIONS_SET_MAX)
			return too_many("--set");
		o->set[o->n_set++] = optarg;
		return -1;
	case 'l':
		if (o->n_listen == SERVER_LISTEN_MAX)
			return too_many("--listen");
		o->listen[o->n_listen++] = optarg;
		return -1;
	case OPT_JOIN:
		o->join = optarg;
		return -1;
	case OPT_PEER_LISTEN:
		o->peer_listen = optarg;
		return -1;
	case OPT_NAME:
		o->name = optarg;
		return -1;
	case OPT_DEV:
		o->dev = true;
		return -1;
	case OPT_INSPECT:
		o->inspect = optarg;
		return -1;
	case OPT_RESTORE:
		o->restore = optarg;
		return -1;
	case OPT_FORCE:
		o->force = true;
		return -1;
	case OPT_RECOVER:
		o->recover = true;
		return -1;
	case OPT_DRY_RUN:
		o->dry_run = true;
		return -1;
	case OPT_CHECK:
		o->check_config = true;
		return -1;
	case OPT_PRINT:
		o->print_config = true;
		return -1;
	case 'V':
		puts("svcd " SVCD_VERSION);
		return EX_OK;
	case 'h':
		fputs(usage_text, stdout);
		return EX_OK;
	default:
		return try_help();
	}
}

static int check_together(const struct options *o)
{
	int works = (o->inspect != NULL) + (o->restore != NULL) + o->recover;

	if (works > 1)
		fputs("svcd: error: --inspect, --restore and --recover are for one at a time\n",
			stderr);
	else if (o->force && o->restore == NULL)
		fputs("svcd: error: --force goes with --restore\n", stderr);
	else if (o->dry_run && !o->recover)
		fputs("svcd: error: --dry-run goes with --recover\n", stderr);
	else
		return -1;
	return try_help();
}

int options_parse(int argc, char **argv, struct options *o)
{
	int c;

	memset(o, 0, sizeof *o);
	while ((c = getopt_long(argc, argv, "c:d:l:Vh", long_options, NULL)) != -1) {
		int status = take_option(c, o);

		if (status >= 0)
			return status;
	}
	if (optind < argc) {
		fprintf(stderr, "svcd: error: unexpected argument '%s'\n", argv[optind]);
		return try_help();
	}
	return check_together(o);
}

static int config_mistake(const struct err *e)
{
	fprintf(stderr, "svcd: error: %s\n", e->text);
	return EX_CONFIG;
}

static int load_file(const struct options *o, struct settings *s, bool *set)
{
	const char *path = o->config ? o->config : CONFIG_DEFAULT;
	struct problems p;
	struct buf text;
	struct err e;

	if (config_read(path, &text, &e) != 0) {
		if (e.code == SVCD_ENOTFOUND && o->config == NULL)
			return 0;
		return config_mistake(&e);
	}
	problems_init(&p, path);
	config_parse(buf_bytes(&text), s, set, &p);
	problems_print(&p, buf_bytes(&text), stderr);
	buf_fini(&text);
	return p.n == 0 ? 0 : EX_CONFIG;
}

static void mark(
	enum setting_origin *origins, const bool *set, enum setting_origin origin)
{
	for (size_t i = 0; origins != NULL && i < setting_count; i++)
		if (set[i])
			origins[i] = origin;
}

static int take_argument(struct settings *s, const char *flag, const char *name,
	const char *value, bool *set, struct err *e)
{
	const struct setting *row = setting_find(name);

	if (value == NULL)
		return 0;
	set[row - setting_rows] = true;
	if (setting_set_all(s, row, value, e) == 0)
		return 0;
	err_prefix(e, "--%s", flag);
	return config_mistake(e);
}

static int take_listen(
	const struct options *o, struct settings *s, bool *set, struct err *e)
{
	const struct setting *row = setting_find("listen");

	if (o->n_listen > 0) {
		set[row - setting_rows] = true;
		setting_clear(s, row);
	}
	for (uint32_t i = 0; i < o->n_listen; i++) {
		if (setting_set(s, row, o->listen[i], e) != 0) {
			err_prefix(e, "--listen");
			return config_mistake(e);
		}
	}
	return 0;
}

static int load_flags(const struct options *o, struct settings *s, bool *set)
{
	const struct {
		const char *flag, *setting, *value;
	} rows[] = {
		{"data-dir", "data-dir", o->data_dir},
		{"join", "cluster.join", o->join},
		{"peer-listen", "peers.listen", o->peer_listen},
		{"name", "member.name", o->name},
	};
	struct err e;
	int status = take_listen(o, s, set, &e);

	for (size_t i = 0; status == 0 && i < sizeof rows / sizeof rows[0]; i++)
		status = take_argument(
			s, rows[i].flag, rows[i].setting, rows[i].value, set, &e);
	return status;
}

static int load_arguments(const struct options *o, struct settings *s, bool *set)
{
	struct err e;
	int status = load_flags(o, s, set);

	for (uint32_t i = 0; status == 0 && i < o->n_set; i++) {
		size_t len = strcspn(o->set[i], "=");

		if (settings_from_argument(s, o->set[i], &e) != 0) {
			err_prefix(&e, "--set");
			return config_mistake(&e);
		}
		for (size_t r = 0; r < setting_count; r++)
			if (strlen(setting_rows[r].name) == len &&
				strncmp(setting_rows[r].name, o->set[i], len) == 0)
				set[r] = true;
	}
	return status;
}

int options_load(
	const struct options *o, struct settings *s, enum setting_origin *origins)
{
	bool set[64] = {false};
	struct err e;
	int status;

	assert(setting_count <= sizeof set / sizeof set[0]);
	settings_init(s);
	for (size_t i = 0; origins != NULL && i < setting_count; i++)
		origins[i] = ORIGIN_DEFAULT;
	status = load_file(o, s, set);
	if (status != 0)
		return status;
	mark(origins, set, ORIGIN_FILE);
	if (settings_from_environment(s, set, &e) != 0)
		return config_mistake(&e);
	mark(origins, set, ORIGIN_ENVIRONMENT);
	memset(set, 0, sizeof set);
	status = load_arguments(o, s, set);
	mark(origins, set, ORIGIN_COMMAND_LINE);
	if (status == 0 && settings_check(s, &e) != 0)
		status = config_mistake(&e);
	return status;
}
