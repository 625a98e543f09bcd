/* Settings: the table, and the few functions that read and write through it. */
#include "daemon/settings.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define ROW(name, type, field, min, max, initial, reload, help) \
	{ \
		name, type, offsetof(struct settings, field), min, max, initial, reload, \
			help, false \
	}
#define COMMON(name, type, field, min, max, initial, help) \
	{ \
		name, type, offsetof(struct settings, field), min, max, initial, false, \
			help, true \
	}

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

const struct setting setting_rows[] = {
	ROW("data-dir", SETTING_TEXT, data_dir, 1, SETTING_TEXT_MAX - 1, "/var/lib/svcd",
		false,
		"Directory of the log, the state and the checkpoints. One process at a time."),
	ROW("listen", SETTING_ADDRESSES, listen, 1, SETTING_LIST_MAX,
		"unix:/run/svcd/svcd.sock, tcp:127.0.0.1:7820", false,
		"Addresses for clients: unix:PATH, tcp:HOST:PORT, or HOST:PORT."),
	ROW("advertise", SETTING_ADDRESS, advertise, 0, SETTING_TEXT_MAX - 1, "", false,
		"Address by which clients on other machines reach this member; "
		"by default the first of listen that is none of this machine alone."),
	ROW("http.listen", SETTING_HTTP, http_listen, 0, SETTING_LIST_MAX, "", false,
		"Addresses for HTTP, which serves /metrics: tcp:HOST:PORT, HOST:PORT or "
		"unix:PATH. Everybody who reaches them may read."),
	ROW("cluster-name", SETTING_TEXT, cluster_name, 0, 63, "svcd", false,
		"Name shown by svcctl status."),
	ROW("workers", SETTING_NUMBER, workers, 0, 64, "0", false,
		"Threads that answer clients; 0 means one for each CPU, at most 8."),
	ROW("log-level", SETTING_LEVEL, log_level, 0, 0, "info", true,
		"Least severe lines that are logged: debug, info, warn or error."),
	ROW("checks", SETTING_SWITCH, checks_enabled, 0, 0, "yes", false,
		"Whether this member runs health checks."),
	ROW("stop-grace", SETTING_DURATION, stop_grace_ms, 0, 60000, "5s", true,
		"How long a stop waits for answers that are being written."),
	ROW("limits.connections", SETTING_NUMBER, connections, 1, 1000000, "16384", false,
		"Client connections at once; more are refused with the error limit."),
	ROW("limits.watches-per-connection", SETTING_NUMBER, watches_per_connection, 1,
		1000000, "1000", false, "Watches that one connection may hold."),
	ROW("limits.writes-per-connection", SETTING_NUMBER, writes_per_connection, 1,
		65536, "256", false,
		"Writes of one connection that may wait for their answer."),
	ROW("limits.output-bytes", SETTING_BYTES, output_bytes, 64 << 10, GIB, "4MiB",
		false,
		"Unsent bytes of one connection; a client that reads so slowly is closed."),
	ROW("limits.watch-budget-bytes", SETTING_BYTES, watch_budget_bytes, 4 << 10,
		64 * MIB, "64KiB", false,
		"Unsent bytes beyond which a watcher gets the latest state later "
		"instead of every change."),
	ROW("limits.answer-cache-bytes", SETTING_BYTES, answer_cache_bytes, 64 << 10,
		16 * GIB, "32MiB", false, "Kept answers to lookups, for each worker."),
	ROW("limits.hello-timeout", SETTING_DURATION, hello_timeout_ms, 100, 3600000,
		"10s", false, "A connection that has not said hello by then is closed."),
	ROW("limits.idle-timeout", SETTING_DURATION, idle_timeout_ms, 0, 86400000, "0",
		false,
		"A connection that has sent nothing for so long is closed; 0 means never."),
	ROW("limits.expiries-per-second", SETTING_NUMBER, expiries_per_second, 1, 1000000,
		"2000", false,
		"Leases that may expire in one second; the others wait their turn."),
	ROW("storage.log-bytes", SETTING_BYTES, log_bytes, MIB, 64 * GIB, "64MiB", false,
		"Size of the log at which a checkpoint is taken and the log is cut."),
	COMMON("storage.history-bytes", SETTING_BYTES, history_bytes, 64 << 10, 64 * GIB,
		"16MiB",
		"Events kept for svcctl history and svcctl why. The same on all members."),
	ROW("storage.reserve-bytes", SETTING_BYTES, reserve_bytes, MIB, 64 * GIB, "64MiB",
		false, "Free disk below which writes are refused."),
	COMMON("storage.tombstones", SETTING_DURATION, tombstone_ms, 1000,
		UINT64_C(2592000000), "1h",
		"How long removed instances are remembered. The same on all members."),
	COMMON("storage.sessions", SETTING_DURATION, session_ms, 1000,
		UINT64_C(2592000000), "1h",
		"How long the last writes of an idle client are remembered. The "
		"same on all members."),
	ROW("member.name", SETTING_NAME, member_name, 0, 63, "", false,
		"Name of this member, a DNS label, unique in the cluster; by default "
		"made of its identity."),
	ROW("peers.listen", SETTING_PEER, peer_listen, 0, SETTING_TEXT_MAX - 1, "", false,
		"Address for the other members: tcp:HOST:PORT or HOST:PORT. Without "
		"it this member is a cluster of its own that nobody can join."),
	ROW("peers.advertise", SETTING_PEER, peer_advertise, 0, SETTING_TEXT_MAX - 1, "",
		false,
		"Address by which the other members reach this one; by default peers.listen."),
	ROW("peers.plain", SETTING_PLAIN, peers_plain, 0, 0, "loopback", false,
		"Where members may talk without TLS: no, loopback (on one machine) or "
		"anywhere."),
	ROW("peers.tls.ca", SETTING_TEXT, tls_ca, 0, SETTING_TEXT_MAX - 1, "", false,
		"PEM file of the authority that signed the certificates of all members."),
	ROW("peers.tls.cert", SETTING_TEXT, tls_cert, 0, SETTING_TEXT_MAX - 1, "", false,
		"PEM file of this member's certificate; read again at a reload."),
	ROW("peers.tls.key", SETTING_TEXT, tls_key, 0, SETTING_TEXT_MAX - 1, "", false,
		"PEM file of this member's private key; read again at a reload."),
	ROW("cluster.join", SETTING_PEERS, join, 0, SETTING_LIST_MAX, "", false,
		"Addresses of members whose cluster is joined at the first start, with an "
		"empty data directory; later they are not looked at."),
	COMMON("cluster.voters", SETTING_NUMBER, voters, 1, 9, "3",
		"Members that vote: standbys are promoted while there are fewer. "
		"The same on all members."),
	COMMON("cluster.election", SETTING_DURATION, election_ms, 100, 60000, "300ms",
		"Silence of the leader after which another one is elected, at the earliest. "
		"The same on all members."),
	COMMON("cluster.heartbeat", SETTING_DURATION, heartbeat_ms, 10, 10000, "50ms",
		"How often the leader says that it is there. The same on all members."),
};

const size_t setting_count = sizeof setting_rows / sizeof setting_rows[0];

static void *field_of(struct settings *s, const struct setting *row)
{
	return (char *)s + row->offset;
}

const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < setting_count; i++)
		if (strcmp(setting_rows[i].name, name) == 0)
			return &setting_rows[i];
	return NULL;
}

const char *setting_nearest(const char *name)
{
	static const char *const sections[] = {
		"http", "limits", "storage", "member", "peers", "peers.tls", "cluster"};
	const char *names[sizeof setting_rows / sizeof setting_rows[0] +
		sizeof sections / sizeof sections[0] + 1];
	size_t n = 0;

	for (size_t i = 0; i < setting_count; i++)
		names[n++] = setting_rows[i].name;
	for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
		names[n++] = sections[i];
	names[n] = NULL;
	return text_did_you_mean(name, names);
}

bool setting_is_list(const struct setting *row)
{
	return row->type == SETTING_ADDRESSES || row->type == SETTING_HTTP ||
		row->type == SETTING_PEERS;
}

void setting_clear(struct settings *s, const struct setting *row)
{
	if (setting_is_list(row))
		((struct address_list *)field_of(s, row))->n = 0;
}

static int set_text(
	char *field, const struct setting *row, const char *text, struct err *e)
{
	size_t len = strlen(text);

	if (len < row->min)
		return err_set(e, SVCD_EINVAL, "must not be empty");
	if (len > row->max)
		return err_set(e, SVCD_EINVAL, "%zu bytes, at most %llu", len,
			(unsigned long long)row->max);
	memcpy(field, text, len + 1);
	return 0;
}

static uint16_t default_port(enum setting_type type)
{
	switch (type) {
	case SETTING_HTTP:
		return SVCD_PORT_HTTP;
	case SETTING_PEER:
	case SETTING_PEERS:
		return SVCD_PORT_PEER;
	default:
		return SVCD_PORT_RPC;
	}
}

/* In its canonical form. Members reach each other by TCP. */
static int set_address(
	char *field, const struct setting *row, const char *text, struct err *e)
{
	bool peer = row->type == SETTING_PEER || row->type == SETTING_PEERS;
	bool bare = strncmp(text, "tcp:", 4) != 0 && strncmp(text, "unix:", 5) != 0;
	char whole[SETTING_TEXT_MAX + 4];
	struct net_addr addr;
	int rc;

	if (text[0] == '\0' && !setting_is_list(row)) {
		field[0] = '\0';
		return 0;
	}
	snprintf(whole, sizeof whole, "%s%s", bare ? "tcp:" : "", text);
	rc = net_addr_parse(whole, default_port(row->type), &addr, e);
	if (rc != 0)
		return rc;
	if (peer && strncmp(addr.text, "tcp:", 4) != 0)
		return err_set(e, SVCD_EINVAL, "'%s' is not tcp:HOST:PORT", text);
	snprintf(field, SETTING_TEXT_MAX, "%s", addr.text);
	return 0;
}

static int add_address(struct address_list *list, const struct setting *row,
	const char *text, struct err *e)
{
	int rc;

	if (list->n == row->max)
		return err_set(e, SVCD_EINVAL, "more than %llu addresses",
			(unsigned long long)row->max);
	rc = set_address(list->at[list->n], row, text, e);
	list->n += rc == 0;
	return rc;
}

static int set_name(
	char *field, const struct setting *row, const char *text, struct err *e)
{
	if (text[0] != '\0' && !text_is_dns_label(bytes_str(text)))
		return err_set(e, SVCD_EINVAL,
			"'%.80s' is not a DNS label: at most 63 of a-z, 0-9 and -", text);
	return set_text(field, row, text, e);
}

static int set_plain(char *field, const char *text, struct err *e)
{
	static const char *const choices[] = {"no", "loopback", "anywhere"};

	for (size_t i = 0; i < 3; i++) {
		if (strcmp(text, choices[i]) == 0) {
			strcpy(field, choices[i]);
			return 0;
		}
	}
	return err_set(e, SVCD_EINVAL, "'%s' is not no, loopback or anywhere", text);
}

static int set_switch(bool *field, const char *text, struct err *e)
{
	static const char *const yes[] = {"yes", "true", "on"},
				 *const no[] = {"no", "false", "off"};

	for (size_t i = 0; i < 3; i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*field = strcmp(text, yes[i]) == 0;
			return 0;
		}
	}
	return err_set(e, SVCD_EINVAL, "'%s' is not yes or no", text);
}

static int parse_number(
	const struct setting *row, const char *text, uint64_t *value, struct err *e)
{
	switch (row->type) {
	case SETTING_BYTES:
		if (text_parse_size(text, value) != 0)
			return err_set(e, SVCD_EINVAL,
				"'%s' is not a size such as 64KiB or 16MiB", text);
		return 0;
	case SETTING_DURATION:
		if (text_parse_duration_ms(text, value) != 0)
			return err_set(e, SVCD_EINVAL,
				"'%s' is not a duration such as 250ms, 10s or 5m", text);
		return 0;
	default:
		if (text_parse_u64(text, 0, UINT64_MAX, value) != 0)
			return err_set(e, SVCD_EINVAL, "'%s' is not a number", text);
		return 0;
	}
}

static char *format_number(
	const struct setting *row, uint64_t value, char *out, size_t cap)
{
	static const char *const units[] = {"", "KiB", "MiB", "GiB"};
	unsigned unit = 0;

	if (row->type == SETTING_DURATION && value != 0)
		return text_format_duration(value, out, cap);
	if (row->type == SETTING_BYTES)
		while (unit < 3 && value != 0 && value % 1024 == 0) {
			value /= 1024;
			unit++;
		}
	snprintf(out, cap, "%llu%s", (unsigned long long)value, units[unit]);
	return out;
}

static int set_number(
	uint64_t *field, const struct setting *row, const char *text, struct err *e)
{
	char low[32], high[32];
	uint64_t value;
	int rc = parse_number(row, text, &value, e);

	if (rc != 0)
		return rc;
	if (value < row->min || value > row->max)
		return err_set(e, SVCD_EINVAL, "%s is not within %s..%s", text,
			format_number(row, row->min, low, sizeof low),
			format_number(row, row->max, high, sizeof high));
	*field = value;
	return 0;
}

int setting_set(
	struct settings *s, const struct setting *row, const char *text, struct err *e)
{
	switch (row->type) {
	case SETTING_TEXT:
		return set_text(field_of(s, row), row, text, e);
	case SETTING_LEVEL:
		if (log_level_from_name(text) < 0)
			return err_set(e, SVCD_EINVAL,
				"'%s' is not debug, info, warn or error", text);
		snprintf(field_of(s, row), SETTING_TEXT_MAX, "%s", text);
		return 0;
	case SETTING_SWITCH:
		return set_switch(field_of(s, row), text, e);
	case SETTING_NAME:
		return set_name(field_of(s, row), row, text, e);
	case SETTING_PLAIN:
		return set_plain(field_of(s, row), text, e);
	case SETTING_ADDRESS:
	case SETTING_PEER:
		return set_address(field_of(s, row), row, text, e);
	case SETTING_ADDRESSES:
	case SETTING_HTTP:
	case SETTING_PEERS:
		return add_address(field_of(s, row), row, text, e);
	default:
		return set_number(field_of(s, row), row, text, e);
	}
}

static uint32_t list_length(const struct settings *s, const struct setting *row)
{
	return ((const struct address_list *)(const void *)((const char *)s +
			row->offset))
		->n;
}

int setting_set_all(
	struct settings *s, const struct setting *row, const char *text, struct err *e)
{
	char item[SETTING_TEXT_MAX];
	int rc = 0;

	if (!setting_is_list(row))
		return setting_set(s, row, text, e);
	setting_clear(s, row);
	while (rc == 0 && *text != '\0') {
		size_t len;

		text += strspn(text, ", ");
		len = strcspn(text, ",");
		if (len >= sizeof item)
			return err_set(e, SVCD_EINVAL,
				"an address is longer than %zu bytes", sizeof item - 1);
		memcpy(item, text, len);
		item[len] = '\0';
		text += len;
		if (len > 0)
			rc = setting_set(s, row, item, e);
	}
	if (rc == 0 && list_length(s, row) < row->min)
		return err_set(e, SVCD_EINVAL, "no address");
	return rc;
}

void settings_init(struct settings *s)
{
	memset(s, 0, sizeof *s);
	for (size_t i = 0; i < setting_count; i++) {
		int rc = setting_set_all(
			s, &setting_rows[i], setting_rows[i].initial, NULL);

		assert(rc == 0);
	}
}

bool setting_print(const struct settings *s, const struct setting *row, uint32_t i,
	char *out, size_t cap)
{
	const char *field = (const char *)s + row->offset;
	uint64_t number;

	if (setting_is_list(row)) {
		if (i >= list_length(s, row))
			return false;
		snprintf(out, cap, "%s",
			((const struct address_list *)(const void *)field)->at[i]);
		return true;
	}
	if (i > 0)
		return false;
	switch (row->type) {
	case SETTING_TEXT:
	case SETTING_LEVEL:
	case SETTING_NAME:
	case SETTING_PLAIN:
	case SETTING_ADDRESS:
	case SETTING_PEER:
		snprintf(out, cap, "%s", field);
		break;
	case SETTING_SWITCH:
		snprintf(out, cap, "%s",
			*(const bool *)(const void *)field ? "yes" : "no");
		break;
	default:
		memcpy(&number, field, sizeof number);
		format_number(row, number, out, cap);
	}
	return true;
}

static void variable_of(const struct setting *row, char *out, size_t cap)
{
	snprintf(out, cap, "SVCD_%s", row->name);
	for (char *p = out; *p != '\0'; p++) {
		if (*p == '.' || *p == '-')
			*p = '_';
		else if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	}
}

int settings_from_environment(struct settings *s, bool *set, struct err *e)
{
	char variable[64];

	for (size_t i = 0; i < setting_count; i++) {
		const char *text;

		variable_of(&setting_rows[i], variable, sizeof variable);
		text = getenv(variable);
		if (set != NULL)
			set[i] = text != NULL;
		if (text == NULL)
			continue;
		if (setting_set_all(s, &setting_rows[i], text, e) != 0) {
			err_prefix(e, "environment: %s", variable);
			return SVCD_EINVAL;
		}
	}
	return 0;
}

int settings_from_argument(struct settings *s, const char *argument, struct err *e)
{
	const char *equals = strchr(argument, '=');
	const struct setting *row;
	char name[64];

	if (equals == NULL || (size_t)(equals - argument) >= sizeof name)
		return err_set(e, SVCD_EINVAL, "'%s' is not NAME=VALUE", argument);
	memcpy(name, argument, (size_t)(equals - argument));
	name[equals - argument] = '\0';
	row = setting_find(name);
	if (row == NULL) {
		const char *near = setting_nearest(name);

		return err_set(e, SVCD_EINVAL, "unknown setting '%s'%s%s%s", name,
			near ? ", did you mean '" : "", near ? near : "",
			near ? "'?" : "");
	}
	if (setting_set_all(s, row, equals + 1, e) != 0) {
		err_prefix(e, "%s", name);
		return SVCD_EINVAL;
	}
	return 0;
}

static bool same_value(
	const struct settings *a, const struct settings *b, const struct setting *row)
{
	char x[SETTING_TEXT_MAX], y[SETTING_TEXT_MAX];

	for (uint32_t i = 0;; i++) {
		bool has_a = setting_print(a, row, i, x, sizeof x);
		bool has_b = setting_print(b, row, i, y, sizeof y);

		if (!has_a || !has_b)
			return has_a == has_b;
		if (strcmp(x, y) != 0)
			return false;
	}
}

uint32_t settings_reload(
	struct settings *running, const struct settings *fresh, char *names, size_t cap)
{
	uint32_t differ = 0;
	size_t len = 0;

	names[0] = '\0';
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *row = &setting_rows[i];
		char text[SETTING_TEXT_MAX];

		if (same_value(running, fresh, row))
			continue;
		if (row->reload) {
			setting_print(fresh, row, 0, text, sizeof text);
			setting_set(running, row, text, NULL);
			continue;
		}
		len += (size_t)snprintf(
			names + len, cap - len, "%s%s", differ ? "," : "", row->name);
		if (len >= cap)
			len = cap - 1;
		differ++;
	}
	return differ;
}
