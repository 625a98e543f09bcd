/*
 * Command line of svcd.
 */
#ifndef SVCD_DAEMON_OPTIONS_H
#define SVCD_DAEMON_OPTIONS_H

#include "daemon/settings.h"

#define OPTIONS_SET_MAX 64

struct options {
	const char *config; /* --config; NULL: the default place, which may be missing */
	const char *data_dir;
	const char *set[OPTIONS_SET_MAX]; /* --set NAME=VALUE */
	uint32_t n_set;
	const char *listen[SERVER_LISTEN_MAX];
	uint32_t n_listen;
	const char *join, *peer_listen, *name;
	bool check_config, print_config, dev;
	const char *inspect, *restore; /* files, for offline.h */
	bool recover, force, dry_run;
};

/* Reads argv. -1: go on; otherwise the exit status (help and version are printed,
 * mistakes told). */
int options_parse(int argc, char **argv, struct options *o);

/* File, environment and command line over the defaults, in this order. 0 or an exit
 * status, with everything said on stderr. origins (one per row) may be NULL. */
int options_load(
	const struct options *o, struct settings *s, enum setting_origin *origins);

#endif
