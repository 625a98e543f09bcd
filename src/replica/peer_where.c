#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "replica/peers_internal.h"
#include "base/text.h"
#include "svcd.h"

/* ---- parsing */

/* "NAME" or "NAME:PORT", where NAME is no number. */
static int where_parse_name(const char *text, struct peer_where *out, struct err *e)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon == NULL ? strlen(text) : (size_t)(colon - text);
	uint64_t port = SVCD_PORT_PEER;

	if (len == 0 || len >= sizeof(out->host))
		return err_set(e, SVCD_EINVAL, "\"tcp:%s\" has no host", text);
	if (colon != NULL && text_parse_u64(colon + 1, 1, UINT16_MAX, &port) != 0)
		return err_set(e, SVCD_EINVAL, "port \"%s\" is not a number in 1..65535",
			colon + 1);
	memcpy(out->host, text, len);
	out->host[len] = '\0';
	out->port = (uint16_t)port;
	return 0;
}

/* What can only be meant as a number: then the parser of numbers says what is wrong. */
static bool looks_numeric(const char *host)
{
	size_t digits = strspn(host, "0123456789.");

	return host[0] == '[' || host[0] == '*' || host[digits] == ':' ||
		host[digits] == '\0' || strchr(host, ':') != strrchr(host, ':') ||
		strncmp(host, "localhost:", 10) == 0 || strcmp(host, "localhost") == 0;
}

int peer_where_parse(const char *text, struct peer_where *out, struct err *e)
{
	*out = (struct peer_where){0};
	if (strncmp(text, "tcp:", 4) == 0 && !looks_numeric(text + 4))
		return where_parse_name(text + 4, out, e);
	out->numeric = true;
	return net_addr_parse(text, SVCD_PORT_PEER, &out->at, e);
}

/* ---- what is allowed in the clear */

static bool is_loopback_v6(const struct sockaddr_in6 *sin6)
{
	const struct in6_addr *a = &sin6->sin6_addr;

	return IN6_IS_ADDR_LOOPBACK(a) ||
		(IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == IN_LOOPBACKNET);
}

static bool is_loopback(const struct net_addr *at)
{
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;

	switch (net_addr_family(at)) {
	case AF_UNIX:
		return true;
	case AF_INET:
		memcpy(&sin, at->sockaddr, sizeof(sin));
		return ntohl(sin.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	default:
		memcpy(&sin6, at->sockaddr, sizeof(sin6));
		return is_loopback_v6(&sin6);
	}
}

int peer_where_allowed(const struct net_addr *at, bool tls, bool anywhere, struct err *e)
{
	if (tls || anywhere || is_loopback(at))
		return 0;
	return err_set(e, SVCD_EDENIED,
		"members would talk in the clear at %s, which is not this host: set "
		"peers.tls.ca, .cert and .key, or peers.plain: anywhere if nobody else "
		"can reach that network",
		at->text);
}
