/* svcd: reads its settings, then runs. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/daemon.h"
#include "daemon/offline.h"

static const char *const origin_names[] = {
	"default", "file", "environment", "command line"};

/* The sections that name is in and the one before it was not; returns how deep it is. */
static int print_sections(const char *name, const char *before)
{
	int depth = 0;

	for (const char *part = name, *dot; (dot = strchr(part, '.')) != NULL;
		part = dot + 1) {
		if (strncmp(name, before, (size_t)(dot + 1 - name)) != 0)
			printf("%*s%.*s:\n", 2 * depth, "", (int)(dot - part), part);
		depth++;
	}
	return depth;
}

static void print_value(const struct settings *s, const struct setting *row, int indent)
{
	const char *dot = strrchr(row->name, '.'), *key = dot ? dot + 1 : row->name;
	char text[SETTING_TEXT_MAX];

	if (!setting_is_list(row)) {
		setting_print(s, row, 0, text, sizeof text);
		printf("%*s%s: %s\n", indent, "", key, text[0] ? text : "\"\"");
		return;
	}
	if (!setting_print(s, row, 0, text, sizeof text)) {
		printf("%*s%s: []\n", indent, "", key);
		return;
	}
	printf("%*s%s:\n", indent, "", key);
	for (uint32_t n = 0; setting_print(s, row, n, text, sizeof text); n++)
		printf("%*s  - \"%s\"\n", indent, "", text);
}

/* All settings as a configuration file that svcd accepts, each with what it does and
 * where its value is from. */
static void print_config(const struct settings *s, const enum setting_origin *origins)
{
	const char *before = "";

	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *row = &setting_rows[i];
		int indent = 2 * print_sections(row->name, before);

		printf("%*s# %s (%s)\n", indent, "", row->help, origin_names[origins[i]]);
		print_value(s, row, indent);
		before = row->name;
	}
}

static int remove_entry(
	const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

/* --dev: a data directory of its own that goes away at the end, and loopback only. */
static int run_dev(
	const struct options *o, struct settings *s, const enum setting_origin *origins)
{
	const char *base = getenv("TMPDIR");
	const struct setting *listen = setting_find("listen"),
			     *level = setting_find("log-level");
	char dir[SETTING_TEXT_MAX / 2];
	int status;

	snprintf(dir, sizeof dir, "%s/svcd-dev-XXXXXX", base && base[0] ? base : "/tmp");
	if (mkdtemp(dir) == NULL) {
		fprintf(stderr, "svcd: error: %s: %s\n", dir, strerror(errno));
		return EX_CANTCREAT;
	}
	snprintf(s->data_dir, sizeof s->data_dir, "%s", dir);
	if (origins[listen - setting_rows] == ORIGIN_DEFAULT) {
		setting_clear(s, listen);
		setting_set(s, listen, "tcp:127.0.0.1:7820", NULL);
	}
	if (origins[level - setting_rows] == ORIGIN_DEFAULT)
		setting_set(s, level, "warn", NULL);
	fprintf(stderr,
		"svcd: trying out: nothing is kept after the end; try: svcctl status\n");
	status = daemon_run(o, s);
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return status;
}

int main(int argc, char **argv)
{
	enum setting_origin origins[64];
	struct settings settings;
	struct options options;
	int status = options_parse(argc, argv, &options);

	if (status >= 0)
		return status;
	status = options_load(&options, &settings, origins);
	if (status != EX_OK)
		return status;
	if (options.print_config)
		print_config(&settings, origins);
	else if (options.check_config)
		puts("configuration is good");
	else if (offline_is_wanted(&options))
		status = offline_run(&options, &settings);
	else if (options.dev)
		return run_dev(&options, &settings, origins);
	else
		return daemon_run(&options, &settings);
	return fflush(stdout) == 0 ? status : EX_IOERR;
}
