/* The table itself. */
#include <string.h>

#include "svcctl/handlers.h"

#define FORMATS "table|wide|json|yaml|name|csv"

const struct param global_options[] = {
	{"server", 's', KIND_TEXT, "ADDRESS[,...]",
		.help = "members of the registry, default $SVCD_ADDR"},
	{"namespace", 'n', KIND_NAMESPACE, "NAME",
		.help = "namespace, default 'default'"},
	{"output", 'o', KIND_CHOICE, FORMATS, .help = "how results are printed"},
	{"no-headers", 0, KIND_FLAG, NULL,
		.help = "tables and CSV without their first line"},
	{"color", 0, KIND_CHOICE, "auto|always|never",
		.help = "auto: on a terminal, unless NO_COLOR is set"},
	{"timeout", 0, KIND_DURATION, "DURATION",
		.help = "longest wait for an answer, default 5s (60s: wait, drain)"},
	{"quiet", 'q', KIND_FLAG, NULL, .help = "nothing but results and errors"},
	{"verbose", 'v', KIND_FLAG, NULL, .help = "tell what each call took"},
	{"token-file", 0, KIND_FILE, "FILE",
		.help = "file with the token, default $SVCD_TOKEN_FILE"},
	{"help", 'h', KIND_FLAG, NULL, .help = "tell about the command"},
	{"version", 0, KIND_FLAG, NULL, .help = "print the version of svcctl"},
	{NULL},
};

#define ALL_NAMESPACES \
	{ \
		"all-namespaces", 'A', KIND_FLAG, NULL, .help = "of all namespaces" \
	}
#define YES \
	{ \
		"yes", 'y', KIND_FLAG, NULL, \
			.help = "do not ask when all instances of a service are meant" \
	}
#define DRY_RUN \
	{ \
		"dry-run", 0, KIND_FLAG, NULL, .help = "only tell what would be done" \
	}
#define REASON \
	{ \
		"reason", 0, KIND_TEXT, "TEXT", .help = "why, for the history" \
	}
#define ZONE \
	{ \
		"zone", 0, KIND_TEXT, "NAME", .help = "zone" \
	}

static const struct param one_service[] = {{"SERVICE", 0, KIND_SERVICE}, {NULL}};
static const struct param maybe_service[] = {
	{"SERVICE", 0, KIND_SERVICE, .optional = true}, {NULL}};
static const struct param one_target[] = {{"TARGET", 0, KIND_TARGET}, {NULL}};
static const struct param maybe_target[] = {
	{"TARGET", 0, KIND_TARGET, .optional = true}, {NULL}};

/* ---- looking ----------------------------------------------------------- */

static const struct command ls = {
	.name = "ls",
	.help = "List services, or the instances of one",
	.words = maybe_service,
	.run = cmd_ls,
	.options = (const struct param[]){ALL_NAMESPACES, {NULL}},
};

static const struct command get = {
	.name = "get",
	.help = "Show all that is known of a service or an instance",
	.words = one_target,
	.run = cmd_get,
};

static const struct command resolve = {
	.name = "resolve",
	.help = "Print where a service can be reached, HOST:PORT a line",
	.words = one_service,
	.run = cmd_resolve,
	.more = "Without --count all usable instances, lowest tier first. With it, so many of\n"
		"them drawn by weight from the lowest tiers, as a client would. Exits with 5\n"
		"when there is nothing to hand out.\n",
	.options =
		(const struct param[]){
			{"count", 0, KIND_NUMBER, "N", .help = "draw so many by weight"},
			{"all", 0, KIND_FLAG, NULL,
				.help = "also those that drain or are down"},
			{"port", 0, KIND_TEXT, "NAME",
				.help = "this port, not the first one"},
			{"tag", 0, KIND_TEXT, "TAG", .repeat = true,
				.help = "only with this tag"},
			{"version-of", 0, KIND_TEXT, "VERSION",
				.help = "only this version of the service"},
			{"zone", 0, KIND_TEXT, "NAME", .help = "only in this zone"},
			{"meta", 0, KIND_TEXT, "KEY=VALUE", .repeat = true,
				.help = "only with this metadata"},
			{NULL},
		},
};

static const struct command watch = {
	.name = "watch",
	.help = "Tell changes as they come, a line each",
	.words = maybe_target,
	.run = cmd_watch,
	.more = "First what is there, then what changes. -o json prints one object a line.\n",
	.options =
		(const struct param[]){
			ALL_NAMESPACES,
			{"changes", 0, KIND_FLAG, NULL,
				.help = "not what is there at the start"},
			{"count", 0, KIND_NUMBER, "N", .help = "end after so many lines"},
			{NULL},
		},
};

static const struct command why = {
	.name = "why",
	.help = "Explain why a target is or is not handed out",
	.words = one_target,
	.run = cmd_why,
};

static const struct command history = {
	.name = "history",
	.help = "Show what happened, newest first",
	.words = maybe_target,
	.run = cmd_history,
	.options =
		(const struct param[]){
			ALL_NAMESPACES,
			{"limit", 0, KIND_NUMBER, "N",
				.help = "at most so many events, default 20"},
			{NULL},
		},
};

static const struct command status = {
	.name = "status",
	.help = "Show how the registry is, on one screen",
	.run = cmd_status,
};

/* ---- changing ---------------------------------------------------------- */

static const struct command registration = {
	.name = "register",
	.help = "Register an instance, or run a command as one",
	.words = one_service,
	.takes_child = true,
	.run = cmd_register,
	.more = "Without a command the instance stays until it is deregistered. With one, svcctl\n"
		"runs it, keeps it registered while it runs, passes SIGTERM, SIGINT and SIGHUP\n"
		"on and exits as it does. A registry out of reach does not disturb it.\n\n"
		"A check is http=/path or tcp, then what differs from the defaults:\n"
		"  --check http=/health,interval=2s,timeout=500ms,rise=2,fall=3,port=http\n",
	.options =
		(const struct param[]){
			{"id", 0, KIND_TEXT, "ID",
				.help = "of the instance, default HOST-PORT"},
			{"address", 0, KIND_TEXT, "HOST", .repeat = true,
				.help = "where it listens, default: where svcctl calls from"},
			{"port", 'p', KIND_TEXT, "[NAME=]N[/PROTOCOL]", .repeat = true,
				.help = "port that it serves"},
			{"tag", 0, KIND_TEXT, "TAG", .repeat = true, .help = "tag"},
			{"meta", 0, KIND_TEXT, "KEY=VALUE", .repeat = true,
				.help = "metadata"},
			{"weight", 0, KIND_NUMBER, "N", .max = 65535,
				.help = "share of the traffic, default 100"},
			{"tier", 0, KIND_NUMBER, "N", .max = 255,
				.help = "lower tiers are used first, default 0"},
			{"region", 0, KIND_TEXT, "NAME", .help = "region"},
			ZONE,
			{"rack", 0, KIND_TEXT, "NAME", .help = "rack"},
			{"host", 0, KIND_TEXT, "NAME", .help = "host, for people"},
			{"version-of", 0, KIND_TEXT, "VERSION",
				.help = "version of the service"},
			{"check", 0, KIND_CHECK, "TYPE[=PATH][,NAME=VALUE...]",
				.repeat = true,
				.help = "health check that the registry runs"},
			{"ttl", 0, KIND_DURATION, "DURATION",
				.help = "of a command: how long it stays when svcctl is cut off"},
			{"keep", 0, KIND_FLAG, NULL,
				.help = "of a command: it stays so long when svcctl dies, too"},
			{"grace", 0, KIND_DURATION, "DURATION",
				.help = "of a command: drain so long before it is told to stop"},
			{"if-absent", 0, KIND_FLAG, NULL,
				.help = "fail when it is registered already"},
			{NULL},
		},
};

static const struct command deregister = {
	.name = "deregister",
	.help = "Remove an instance, or all of a service",
	.words = one_target,
	.run = cmd_deregister,
	.options = (const struct param[]){YES, DRY_RUN, {NULL}},
};

static const struct command drain = {
	.name = "drain",
	.help = "Send no new traffic to a target; it stays registered",
	.words = one_target,
	.run = cmd_drain,
	.options =
		(const struct param[]){
			REASON,
			{"for", 0, KIND_DURATION, "DURATION",
				.help = "ends by itself after this time"},
			{"wait", 0, KIND_FLAG, NULL,
				.help = "until every watcher has been told"},
			YES,
			DRY_RUN,
			{NULL},
		},
};

static const struct command undrain = {
	.name = "undrain",
	.help = "End draining or maintenance of a target",
	.words = one_target,
	.run = cmd_undrain,
	.options = (const struct param[]){REASON, DRY_RUN, {NULL}},
};

static const struct command maintenance = {
	.name = "maintenance",
	.help = "Take a target out at once; 'undrain' ends it",
	.words = one_target,
	.run = cmd_maintenance,
	.options =
		(const struct param[]){
			REASON,
			{"for", 0, KIND_DURATION, "DURATION",
				.help = "ends by itself after this time"},
			YES,
			DRY_RUN,
			{NULL},
		},
};

static const struct command weight = {
	.name = "weight",
	.help = "Set the share of the traffic that a target gets",
	.words =
		(const struct param[]){
			{"TARGET", 0, KIND_TARGET},
			{"N", 0, KIND_NUMBER, .max = 65535},
			{NULL},
		},
	.run = cmd_weight,
	.options = (const struct param[]){REASON, DRY_RUN, {NULL}},
};

static const struct command service = {
	.name = "service",
	.help = "Show or change the settings of a service",
	.words = one_service,
	.run = cmd_service,
	.options =
		(const struct param[]){
			{"floor", 0, KIND_NUMBER, "N",
				.help = "instances that stay usable, whatever checks say"},
			{"floor-percent", 0, KIND_NUMBER, "N", .max = 100,
				.help = "the same, of the registered ones"},
			{"slow-start", 0, KIND_DURATION, "DURATION",
				.help = "how long a new instance is warm"},
			{"dns-ttl", 0, KIND_DURATION, "DURATION",
				.help = "of answers by DNS"},
			{"policy", 0, KIND_TEXT, "NAME",
				.help = "balancing policy told to clients"},
			{"owner", 0, KIND_TEXT, "TEXT", .help = "whom to ask"},
			{"delete", 0, KIND_FLAG, NULL,
				.help = "forget a service without instances"},
			{NULL},
		},
};

/* ---- waiting and checking ---------------------------------------------- */

static const struct command waiting = {
	.name = "wait",
	.help = "Wait until a target is healthy, or gone",
	.words = one_target,
	.run = cmd_wait,
	.more = "healthy      the instance is up; of a service: at least one is\n"
		"unhealthy    the instance is registered and not up; of a service: none is up\n"
		"gone         it is not registered; of a service: no instance is\n"
		"count>=N     N instances of the service are up; quote it, the shell reads '>'\n\n"
		"Exits with 6 when the time is over. --timeout 0 only looks, and exits with 5.\n",
	.options =
		(const struct param[]){
			{"for", 0, KIND_CONDITION, "healthy|unhealthy|gone|count>=N",
				.help = "what to wait for, default healthy"},
			{NULL},
		},
};

static const struct command ping = {
	.name = "ping",
	.help = "Measure round trips to the registry",
	.run = cmd_ping,
	.options =
		(const struct param[]){
			{"count", 0, KIND_NUMBER, "N", .max = 1000000,
				.help = "so many, default 5"},
			{"interval", 0, KIND_DURATION, "DURATION",
				.help = "pause between them, default 200ms"},
			{NULL},
		},
};

static const struct command version = {
	.name = "version",
	.help = "Print the versions of svcctl, its library and the registry",
	.run = cmd_version,
};

static const struct command config_check = {
	.name = "config-check",
	.help = "Check a configuration file of svcd",
	.run = cmd_config_check,
	.words = (const struct param[]){{"FILE", 0, KIND_FILE}, {NULL}},
};

/* ---- about svcctl ------------------------------------------------------ */

static const struct command help = {
	.name = "help",
	.help = "Tell about svcctl or one of its commands",
	.run = cmd_help,
	.words = (const struct param[]){{"COMMAND", 0, KIND_COMMAND, .optional = true},
		{"SUBCOMMAND", 0, KIND_SUBCOMMAND, .optional = true}, {NULL}},
};

static const struct command completion = {
	.name = "completion",
	.help = "Print the script that completes svcctl's words in a shell",
	.run = cmd_completion,
	.words = (const struct param[]){{"bash|zsh|fish", 0, KIND_CHOICE}, {NULL}},
	.more = "bash:  source <(svcctl completion bash)     in ~/.bashrc\n"
		"zsh:   source <(svcctl completion zsh)      in ~/.zshrc, after compinit\n"
		"fish:  svcctl completion fish | source      in ~/.config/fish/config.fish\n",
};

/* For the scripts: all words up to the one to complete follow "--". */
static const struct command complete = {
	.name = "__complete",
	.help = "Words that may stand next",
	.hidden = true,
	.takes_child = true,
	.run = cmd_complete,
};

/* For the check of the man page. */
static const struct command table = {
	.name = "__table",
	.help = "Commands and options, one a line",
	.hidden = true,
	.run = cmd_table,
};

#define COMMANDS(...) \
	(const struct command *const[]) \
	{ \
		__VA_ARGS__, NULL \
	}

const struct group command_groups[] = {
	{"Look:", COMMANDS(&ls, &get, &resolve, &watch, &why, &history, &status)},
	{"Change:",
		COMMANDS(&registration, &deregister, &drain, &undrain, &maintenance,
			&weight, &service)},
	{"Members and backups:", cluster_commands},
	{"Wait and check:", COMMANDS(&waiting, &ping, &version, &config_check)},
	{"About svcctl:", COMMANDS(&help, &completion, &complete, &table)},
	{NULL, NULL},
};

const struct command *command_at(size_t i)
{
	for (const struct group *g = command_groups; g->name != NULL; g++)
		for (const struct command *const *c = g->commands; *c != NULL; c++)
			if (i-- == 0)
				return *c;
	return NULL;
}

const struct family command_families[] = {
	{"cluster", "Look at the members of the cluster, and change them"},
	{NULL, NULL},
};

const struct family *family_find(const char *name)
{
	for (const struct family *f = command_families; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

const char *command_word_in(const struct command *command, const char *family)
{
	size_t len = strlen(family);

	if (strncmp(command->name, family, len) != 0 || command->name[len] != ' ')
		return NULL;
	return command->name + len + 1;
}

const struct command *command_find_in(const char *family, const char *word)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
		const char *second = command_word_in(c, family);

		if (second != NULL && strcmp(second, word) == 0)
			return c;
	}
	return NULL;
}

const struct command *command_find(const char *name)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)) != NULL; i++)
		if (strcmp(c->name, name) == 0 && strchr(name, ' ') == NULL)
			return c;
	return NULL;
}

const struct param *command_option_at(const struct command *command, size_t i)
{
	const struct param *tables[] = {
		command != NULL ? command->options : NULL, global_options};

	for (size_t t = 0; t < 2; t++)
		for (const struct param *p = tables[t]; p != NULL && p->name != NULL; p++)
			if (i-- == 0)
				return p;
	return NULL;
}

const struct param *command_option(const struct command *command, const char *name)
{
	const struct param *p;

	for (size_t i = 0; (p = command_option_at(command, i)) != NULL; i++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

size_t command_count_words(const struct command *command)
{
	size_t n = 0;

	while (command->words != NULL && command->words[n].name != NULL)
		n++;
	return n;
}
