/*
 * Addresses as text: "tcp:HOST:PORT", "tcp:[V6]:PORT", "unix:PATH". Numeric hosts only,
 * but "localhost" means 127.0.0.1; "*" in a listener means all, IPv4 and IPv6. Port 0
 * asks the kernel. Pure functions, any thread.
 */
#ifndef SVCD_NET_ADDR_H
#define SVCD_NET_ADDR_H

#include <sys/socket.h>

#include "base/bytes.h"
#include "base/err.h"

struct net_addr {
	uint8_t sockaddr[128]; /* of any family, for the kernel; not aligned */
	uint32_t len;
	char text[120]; /* canonical text */
};

/* default_port is for a tcp address without ":PORT". 0, SVCD_EINVAL, SVCD_ERANGE; e (may
 * be NULL) says which part was wrong. */
int net_addr_parse(
	const char *text, uint16_t default_port, struct net_addr *out, struct err *e);

/* From the kernel's form. IPv4 inside of IPv6 is written as IPv4; a socket without a name
 * as "unix:". */
void net_addr_from_sockaddr(
	const struct sockaddr *sa, socklen_t len, struct net_addr *out);

int net_addr_family(const struct net_addr *a); /* AF_INET, AF_INET6, AF_UNIX */

#endif
