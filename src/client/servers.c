#include "client/servers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define DEFAULT_SERVERS "unix:" SVCD_SOCKET_DEFAULT ",tcp:127.0.0.1"
#define ONE_MAX 320 /* bytes of one address */

static bool is_host_name(const char *host)
{
	size_t len = strlen(host);

	if (len == 0 || len > SERVER_HOST_MAX)
		return false;
	for (; *host != '\0'; host++)
		if (!isalnum((unsigned char)*host) && strchr("-._", *host) == NULL)
			return false;
	return true;
}

static int parse_port(const char *text, uint16_t *out, struct err *e)
{
	uint64_t port;

	if (text_parse_u64(text, 1, UINT16_MAX, &port) != 0)
		return err_set(e, SVCD_EINVAL,
			"port \"%s\" is not a number within 1..65535", text);
	*out = (uint16_t)port;
	return 0;
}

/* "NAME" or "NAME:PORT" */
static int parse_name(char *text, struct server *out, struct err *e)
{
	char *colon = strchr(text, ':');

	out->port = SVCD_PORT_RPC;
	if (colon != NULL) {
		*colon = '\0';
		if (parse_port(colon + 1, &out->port, e) != 0)
			return SVCD_EINVAL;
	}
	if (!is_host_name(text))
		return err_set(e, SVCD_EINVAL, "\"%s\" is not a host", text);
	strcpy(out->host, text);
	snprintf(out->text, sizeof(out->text), "tcp:%s:%u", text, out->port);
	return 0;
}

/* A name has a letter in it; what has none was meant as a number. */
static bool looks_numeric(const char *text)
{
	return text[0] == '[' ||
		strcspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") >=
		strcspn(text, ":");
}

static int parse_addr(const char *text, struct server *out, struct err *e)
{
	int rv = net_addr_parse(text, SVCD_PORT_RPC, &out->addr, e);

	if (rv != 0)
		return rv;
	if (net_addr_family(&out->addr) != AF_UNIX &&
		strcmp(strrchr(out->addr.text, ':'), ":0") == 0)
		return err_set(e, SVCD_EINVAL, "port 0 is nobody's");
	strcpy(out->text, out->addr.text);
	return 0;
}

static bool is_localhost(const char *host)
{
	return strncmp(host, "localhost", 9) == 0 && (host[9] == '\0' || host[9] == ':');
}

static int parse_one(char *text, struct server *out, struct err *e)
{
	char full[ONE_MAX + 8];
	char *host = strncmp(text, "tcp:", 4) == 0 ? text + 4 : text;

	*out = (struct server){0};
	if (strncmp(text, "unix:", 5) == 0)
		return parse_addr(text, out, e);
	if (*host == '\0')
		return err_set(e, SVCD_EINVAL,
			"there is an empty address in the list of servers");
	if (strchr(host, '*') != NULL)
		return err_set(
			e, SVCD_EINVAL, "\"%s\" is not one member's address", host);
	if (!is_localhost(host) && !looks_numeric(host))
		return parse_name(host, out, e);
	snprintf(full, sizeof(full), "tcp:%s", host);
	return parse_addr(full, out, e);
}

/* The next address of the list without the blanks around it; moves *list behind its
 * comma. */
static int take_one(const char **list, char out[ONE_MAX + 1], struct err *e)
{
	size_t len = strcspn(*list, ",");
	const char *start = *list;
	const char *end = start + len;

	*list = *end == ',' ? end + 1 : end;
	while (start < end && isspace((unsigned char)*start))
		start++;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	if (end - start > ONE_MAX)
		return err_set(e, SVCD_EINVAL,
			"a server's address is longer than %d bytes", ONE_MAX);
	memcpy(out, start, (size_t)(end - start));
	out[end - start] = '\0';
	return 0;
}

static const char *given_or_default(const char *text)
{
	if (text == NULL || *text == '\0')
		text = secure_getenv("SVCD_ADDR");
	return text == NULL || *text == '\0' ? DEFAULT_SERVERS : text;
}

int servers_parse(const char *text, struct servers *out, struct err *e)
{
	const char *rest = given_or_default(text);
	struct servers found = {0};
	char one[ONE_MAX + 1];
	int rv;

	do {
		if (found.n == SERVERS_MAX)
			return err_set(
				e, SVCD_EINVAL, "more than %d servers", SERVERS_MAX);
		rv = take_one(&rest, one, e);
		if (rv == 0)
			rv = parse_one(one, &found.list[found.n++], e);
		if (rv != 0)
			return rv;
	} while (*rest != '\0');
	*out = found;
	return 0;
}
