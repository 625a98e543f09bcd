/* What no single setting can tell: do they fit together? */
#include <stdio.h>
#include <string.h>

#include "daemon/settings.h"

static bool has_tls(const struct settings *s)
{
	return s->tls_ca[0] != '\0';
}

/* All three files or none. */
static int check_tls(const struct settings *s, struct err *e)
{
	const struct {
		const char *name, *value;
	} files[] = {
		{"peers.tls.ca", s->tls_ca},
		{"peers.tls.cert", s->tls_cert},
		{"peers.tls.key", s->tls_key},
	};
	const char *given = NULL, *missing = NULL;

	for (size_t i = 0; i < 3; i++) {
		if (files[i].value[0] != '\0')
			given = files[i].name;
		else
			missing = files[i].name;
	}
	if (given != NULL && missing != NULL)
		return err_set(e, SVCD_EINVAL,
			"%s is set but %s is not: TLS needs peers.tls.ca, "
			"peers.tls.cert and peers.tls.key",
			given, missing);
	return 0;
}

bool address_is_loopback(const char *address)
{
	return strncmp(address, "tcp:127.", 8) == 0 ||
		strncmp(address, "tcp:[::1]", 9) == 0;
}

static bool is_anywhere(const char *address)
{
	return strncmp(address, "tcp:*", 5) == 0 ||
		strncmp(address, "tcp:0.0.0.0:", 12) == 0 ||
		strncmp(address, "tcp:[::]:", 9) == 0;
}

bool address_can_be_dialled(const char *address)
{
	const char *port = strrchr(address, ':');

	return strncmp(address, "tcp:", 4) == 0 && !is_anywhere(address) &&
		strcmp(port, ":0") != 0;
}

static int check_plain(const struct settings *s, struct err *e)
{
	if (has_tls(s) || strcmp(s->peers_plain, "anywhere") == 0)
		return 0;
	if (strcmp(s->peers_plain, "no") == 0)
		return err_set(e, SVCD_EINVAL,
			"peers.listen is set and peers.plain is no: set peers.tls.ca, "
			"peers.tls.cert and peers.tls.key");
	if (!address_is_loopback(s->peer_listen))
		return err_set(e, SVCD_EINVAL,
			"peers.listen: %s can be reached from other machines: set "
			"peers.tls.ca, peers.tls.cert and peers.tls.key, or "
			"peers.plain to anywhere where nobody else is on the network",
			s->peer_listen);
	return 0;
}

static int check_peers(const struct settings *s, struct err *e)
{
	int rc;

	if (s->peer_listen[0] == '\0') {
		if (s->join.n > 0)
			return err_set(e, SVCD_EINVAL,
				"cluster.join is set but peers.listen is not: the "
				"other members have to reach this one");
		return 0;
	}
	rc = check_plain(s, e);
	if (rc == 0 && is_anywhere(s->peer_listen) && s->peer_advertise[0] == '\0')
		rc = err_set(e, SVCD_EINVAL,
			"peers.listen: nobody can dial %s: set peers.advertise to the "
			"address by which the other members reach this one",
			s->peer_listen);
	if (rc == 0 && s->peer_advertise[0] != '\0' &&
		!address_can_be_dialled(s->peer_advertise))
		rc = err_set(e, SVCD_EINVAL, "peers.advertise: nobody can dial %s",
			s->peer_advertise);
	return rc;
}

int settings_check(const struct settings *s, struct err *e)
{
	int rc = check_tls(s, e);

	if (rc == 0)
		rc = check_peers(s, e);
	if (rc == 0 && s->election_ms < 3 * s->heartbeat_ms)
		rc = err_set(e, SVCD_EINVAL,
			"cluster.election: %llums is less than three times "
			"cluster.heartbeat, %llums: a single late heartbeat would "
			"cost the leader its office",
			(unsigned long long)s->election_ms,
			(unsigned long long)s->heartbeat_ms);
	return rc;
}

uint64_t settings_common_hash(const struct settings *s)
{
	char text[SETTING_TEXT_MAX + 80];
	char value[SETTING_TEXT_MAX];
	uint64_t hash = 0;

	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *row = &setting_rows[i];

		if (!row->common || !setting_print(s, row, 0, value, sizeof value))
			continue;
		snprintf(text, sizeof text, "%s=%s", row->name, value);
		hash += bytes_hash(bytes_str(text));
	}
	return hash;
}
