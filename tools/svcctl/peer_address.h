/*
 * Where members listen for other members, as people write it. Pure.
 */
#ifndef SVCCTL_PEER_ADDRESS_H
#define SVCCTL_PEER_ADDRESS_H

#define PEER_PORT_DEFAULT 7821

/* "10.0.0.1", "10.0.0.1:7821", "[::1]", "tcp:n1:7821" … as "tcp:HOST:PORT". Caller frees.
 */
char *peer_address_of(const char *text);

#endif
