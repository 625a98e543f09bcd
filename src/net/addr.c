/* Addresses between text and the kernel's form. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/text.h"
#include "svcd.h"

#define UNIX_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)
#define PORT_MAX 65535

_Static_assert(sizeof("unix:") + UNIX_PATH_MAX <= sizeof(((struct net_addr *)NULL)->text),
	"every unix address has room for its text");
_Static_assert(sizeof(struct sockaddr_un) <= sizeof(((struct net_addr *)NULL)->sockaddr),
	"every family has room");

static void addr_store(struct net_addr *out, const void *sa, size_t len)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->sockaddr, sa, len);
	out->len = (uint32_t)len;
}

static void addr_store_v4(struct net_addr *out, struct in_addr host, uint16_t port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host};
	char text[INET_ADDRSTRLEN];

	addr_store(out, &sin, sizeof(sin));
	inet_ntop(AF_INET, &host, text, sizeof(text));
	snprintf(out->text, sizeof(out->text), "tcp:%s:%u", text, port);
}

static void addr_store_v6(
	struct net_addr *out, const struct in6_addr *host, uint16_t port)
{
	struct sockaddr_in6 sin6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *host};
	char text[INET6_ADDRSTRLEN];

	addr_store(out, &sin6, sizeof(sin6));
	inet_ntop(AF_INET6, host, text, sizeof(text));
	snprintf(out->text, sizeof(out->text), "tcp:[%s]:%u", text, port);
}

static void addr_store_all(struct net_addr *out, uint16_t port)
{
	addr_store_v6(out, &in6addr_any, port);
	snprintf(out->text, sizeof(out->text), "tcp:*:%u", port);
}

static void addr_store_unix(struct net_addr *out, const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t len = strlen(path);

	memcpy(sun.sun_path, path, len);
	addr_store(out, &sun, offsetof(struct sockaddr_un, sun_path) + len + 1);
	snprintf(out->text, sizeof(out->text), "unix:%s", path);
}

static int addr_parse_unix(const char *path, struct net_addr *out, struct err *e)
{
	size_t len = strlen(path);

	if (len == 0)
		return err_set(e, SVCD_EINVAL, "unix socket path is empty");
	if (len > UNIX_PATH_MAX)
		return err_set(e, SVCD_ERANGE,
			"unix socket path is %zu bytes, at most %zu", len, UNIX_PATH_MAX);
	addr_store_unix(out, path);
	return 0;
}

static int addr_parse_port(const char *text, uint16_t *out, struct err *e)
{
	uint64_t port;
	int rc = text_parse_u64(text, 0, PORT_MAX, &port);

	if (rc == SVCD_ERANGE)
		return err_set(e, rc, "port %s is not within 0..%d", text, PORT_MAX);
	if (rc != 0)
		return err_set(e, rc, "port \"%s\" is not a number", text);
	*out = (uint16_t)port;
	return 0;
}

/* "HOST", "HOST:PORT", "[V6]" or "[V6]:PORT": where the host is and what follows it. */
static int addr_split(
	const char *text, struct bytes *host, const char **rest, struct err *e)
{
	const char *end;

	if (*text != '[') {
		end = strchrnul(text, ':');
		if (strchr(text, ':') != strrchr(text, ':'))
			return err_set(e, SVCD_EINVAL,
				"IPv6 address \"%s\" must be within [ ]", text);
		*host = bytes_of(text, (size_t)(end - text));
		*rest = end;
		return 0;
	}
	end = strchr(text, ']');
	if (end == NULL)
		return err_set(e, SVCD_EINVAL, "\"%s\" has no closing ]", text);
	*host = bytes_of(text + 1, (size_t)(end - text - 1));
	*rest = end + 1;
	return 0;
}

static int addr_put_host(
	const char *host, bool v6, uint16_t port, struct net_addr *out, struct err *e)
{
	struct in6_addr in6;
	struct in_addr in;

	if (v6) {
		if (inet_pton(AF_INET6, host, &in6) != 1)
			return err_set(e, SVCD_EINVAL,
				"host \"%s\" is not a numeric IPv6 address", host);
		addr_store_v6(out, &in6, port);
		return 0;
	}
	if (strcmp(host, "*") == 0) {
		addr_store_all(out, port);
		return 0;
	}
	if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host,
		    &in) != 1)
		return err_set(e, SVCD_EINVAL,
			"host \"%s\" is not a numeric address, \"localhost\" or \"*\"",
			host);
	addr_store_v4(out, in, port);
	return 0;
}

static int addr_parse_tcp(
	const char *text, uint16_t default_port, struct net_addr *out, struct err *e)
{
	char host[64];
	struct bytes h;
	const char *rest = "";
	uint16_t port = default_port;
	int rc = addr_split(text, &h, &rest, e);

	if (rc != 0)
		return rc;
	if (h.len == 0)
		return err_set(e, SVCD_EINVAL, "there is no host in \"tcp:%s\"", text);
	if (h.len >= sizeof(host))
		return err_set(e, SVCD_EINVAL,
			"host is %zu bytes, no numeric address is that long", h.len);
	if (*rest != '\0' && *rest != ':')
		return err_set(e, SVCD_EINVAL, "\"%s\" is not :PORT", rest);
	if (*rest == ':' && (rc = addr_parse_port(rest + 1, &port, e)) != 0)
		return rc;
	memcpy(host, h.data, h.len);
	host[h.len] = '\0';
	return addr_put_host(host, *text == '[', port, out, e);
}

int net_addr_parse(
	const char *text, uint16_t default_port, struct net_addr *out, struct err *e)
{
	if (strncmp(text, "tcp:", 4) == 0)
		return addr_parse_tcp(text + 4, default_port, out, e);
	if (strncmp(text, "unix:", 5) == 0)
		return addr_parse_unix(text + 5, out, e);
	return err_set(e, SVCD_EINVAL,
		"address \"%s\" does not begin with \"tcp:\" or \"unix:\"", text);
}

static void addr_from_v6(const struct sockaddr_in6 *sin6, struct net_addr *out)
{
	struct in_addr v4;

	if (!IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
		addr_store_v6(out, &sin6->sin6_addr, ntohs(sin6->sin6_port));
		return;
	}
	memcpy(&v4, &sin6->sin6_addr.s6_addr[12], sizeof(v4));
	addr_store_v4(out, v4, ntohs(sin6->sin6_port));
}

/* The kernel need not end a path with NUL, and gives unnamed sockets a length without
 * one. */
static void addr_from_unix(const void *sa, size_t len, struct net_addr *out)
{
	struct sockaddr_un sun = {0};
	char path[UNIX_PATH_MAX + 1] = "";

	memcpy(&sun, sa, len < sizeof(sun) ? len : sizeof(sun));
	memcpy(path, sun.sun_path, UNIX_PATH_MAX);
	addr_store_unix(out, path);
}

void net_addr_from_sockaddr(
	const struct sockaddr *sa, socklen_t len, struct net_addr *out)
{
	struct sockaddr_in sin = {0};
	struct sockaddr_in6 sin6 = {0};

	switch (len >= sizeof(sa_family_t) ? sa->sa_family : AF_UNSPEC) {
	case AF_INET:
		memcpy(&sin, sa, len < sizeof(sin) ? len : sizeof(sin));
		addr_store_v4(out, sin.sin_addr, ntohs(sin.sin_port));
		return;
	case AF_INET6:
		memcpy(&sin6, sa, len < sizeof(sin6) ? len : sizeof(sin6));
		addr_from_v6(&sin6, out);
		return;
	default:
		addr_from_unix(sa, len, out);
	}
}

int net_addr_family(const struct net_addr *a)
{
	sa_family_t family;

	memcpy(&family, a->sockaddr + offsetof(struct sockaddr, sa_family),
		sizeof(family));
	return family;
}
