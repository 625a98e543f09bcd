#include "svcctl/peer_address.h"

#include <string.h>

#include "svcctl/mem.h"

char *peer_address_of(const char *text)
{
	const char *host = strncmp(text, "tcp:", 4) == 0 ? text + 4 : text;
	const char *after = host[0] == '[' ? strchr(host, ']') : host;
	const char *colon = after != NULL ? strchr(after, ':') : NULL;

	if (colon == NULL)
		return mem_format("tcp:%s:%d", host, PEER_PORT_DEFAULT);
	if (host[0] != '[' && strchr(colon + 1, ':') != NULL) /* IPv6 without brackets */
		return mem_format("tcp:[%s]:%d", host, PEER_PORT_DEFAULT);
	return mem_format("tcp:%s", host);
}
