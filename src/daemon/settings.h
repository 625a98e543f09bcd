/*
 * Settings of svcd: one table row each.
 *
 * The row serves the configuration file, the environment (SVCD_LIMITS_CONNECTIONS for
 * limits.connections), --set, --print-config and the check of svcd.conf(5). Where several
 * places set a value, the later one of this list wins: default, file, environment,
 * command line.
 */
#ifndef SVCD_DAEMON_SETTINGS_H
#define SVCD_DAEMON_SETTINGS_H

#include "base/err.h"
#include "base/log.h"
#include "server/server.h"

#define SETTING_TEXT_MAX 256

#define SETTING_LIST_MAX 8

struct address_list {
	char at[SETTING_LIST_MAX][SETTING_TEXT_MAX];
	uint32_t n;
};

struct settings {
	char data_dir[SETTING_TEXT_MAX];
	struct address_list listen, http_listen;
	char advertise[SETTING_TEXT_MAX]; /* "": the first of listen that others can use
					   */
	char log_level[SETTING_TEXT_MAX];
	uint64_t workers;
	char cluster_name[SETTING_TEXT_MAX];

	uint64_t connections;
	uint64_t watches_per_connection;
	uint64_t writes_per_connection;
	uint64_t output_bytes;
	uint64_t watch_budget_bytes;
	uint64_t answer_cache_bytes;
	uint64_t hello_timeout_ms;
	uint64_t idle_timeout_ms;
	uint64_t expiries_per_second;

	uint64_t log_bytes;
	uint64_t history_bytes;
	uint64_t reserve_bytes;
	uint64_t tombstone_ms;
	uint64_t session_ms;

	bool checks_enabled;
	uint64_t stop_grace_ms;

	char member_name[SETTING_TEXT_MAX];
	char peer_listen[SETTING_TEXT_MAX], peer_advertise[SETTING_TEXT_MAX];
	char tls_ca[SETTING_TEXT_MAX], tls_cert[SETTING_TEXT_MAX],
		tls_key[SETTING_TEXT_MAX];
	char peers_plain[SETTING_TEXT_MAX];
	struct address_list join;
	uint64_t voters;
	uint64_t election_ms, heartbeat_ms;
};

enum setting_type {
	SETTING_TEXT,
	SETTING_NUMBER,
	SETTING_BYTES,
	SETTING_DURATION, /* milliseconds in the struct */
	SETTING_SWITCH,
	SETTING_LEVEL,
	SETTING_NAME,      /* a DNS label, or empty */
	SETTING_PLAIN,     /* where connections without TLS are allowed */
	SETTING_ADDRESS,   /* of a client's kind, or empty */
	SETTING_ADDRESSES, /* list of those; min to max of them */
	SETTING_HTTP,      /* list of addresses for HTTP; min to max of them */
	SETTING_PEER,      /* of a member for other members, or empty */
	SETTING_PEERS,     /* list of those; min to max of them */
};

struct setting {
	const char *name; /* "section.key" or "key" */
	enum setting_type type;
	size_t offset;
	uint64_t min, max;
	const char *initial; /* as a person would write it */
	bool reload;         /* SIGHUP takes it over; the others need a restart */
	const char *help;
	bool common; /* all members of a cluster should have the same value */
};

extern const struct setting setting_rows[];
extern const size_t setting_count;

/* Where a value came from, in the order of precedence. */
enum setting_origin {
	ORIGIN_DEFAULT,
	ORIGIN_FILE,
	ORIGIN_ENVIRONMENT,
	ORIGIN_COMMAND_LINE
};

void settings_init(struct settings *s); /* all defaults */

/* The row of that name, or NULL. */
const struct setting *setting_find(const char *name);

/* The nearest existing name or section, or NULL: for hints. */
const char *setting_nearest(const char *name);

bool setting_is_list(const struct setting *row);

/* Gives a setting a value from its text. 0, or SVCD_EINVAL with e: what is wrong with the
 * value, without the name. A list takes one address a call and appends; setting_clear
 * empties it first. */
int setting_set(
	struct settings *s, const struct setting *row, const char *text, struct err *e);
void setting_clear(struct settings *s, const struct setting *row);

/* Writes the value as a person would (for lists: item i). False when there is no item i.
 */
bool setting_print(const struct settings *s, const struct setting *row, uint32_t i,
	char *out, size_t cap);

/* Environment: SVCD_ and the name in upper case with _ for . and -. Lists are comma
 * separated. Returns 0, or SVCD_EINVAL with e naming the variable. *set (one flag per
 * row, may be NULL) tells which were there. */
int settings_from_environment(struct settings *s, bool *set, struct err *e);

/* The same for a text that may be a comma separated list, in place of what was there. */
int setting_set_all(
	struct settings *s, const struct setting *row, const char *text, struct err *e);

/* "name=value" of --set. */
int settings_from_argument(struct settings *s, const char *argument, struct err *e);

/* Do they fit together? 0, or SVCD_EINVAL with e: which of them do not, and what to do.
 */
int settings_check(const struct settings *s, struct err *e);

/* Of an address in the form that settings have it. */
bool address_is_loopback(const char *address);
bool address_can_be_dialled(const char *address); /* TCP, of one host, with a port */

/* Of the settings that all members of a cluster should have alike. */
uint64_t settings_common_hash(const struct settings *s);

/* Takes what may change while running from `fresh`; returns how many other rows differ,
 * with their names in `names` (for a log line). */
uint32_t settings_reload(
	struct settings *running, const struct settings *fresh, char *names, size_t cap);

#endif
