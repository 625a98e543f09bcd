/*
 * A network for the members: one network namespace each, joined by a bridge in a hub
 * namespace, where the clients are. A link between two members is cut by a false hardware
 * address in the neighbour table of the sender: what it sends goes nowhere, silently, in
 * one direction. Without namespaces (loopback) nothing can be cut.
 *
 * Needs CAP_SYS_ADMIN and CAP_NET_ADMIN and ip(8). One thread.
 */
#ifndef TESTS_FAULT_CLUSTER_NET_H
#define TESTS_FAULT_CLUSTER_NET_H

#include <stdbool.h>

#define NET_MEMBERS_MAX 7
#define NET_HUB NET_MEMBERS_MAX /* the clients, as an end of a link */

struct net {
	int n;
	bool made;
	int ns[NET_MEMBERS_MAX + 1];                        /* open namespaces */
	bool cut[NET_MEMBERS_MAX + 1][NET_MEMBERS_MAX + 1]; /* from, to */
};

/* Makes them, with n members, and moves the calling thread into the hub. False, with a
 * sentence on stderr, where that is not allowed; what was made is removed. */
bool net_make(struct net *net, int n);
void net_remove(struct net *net); /* also what is half made */
/* Called in a child before exec: into the namespace of member i. */
bool net_enter(const struct net *net, int i);
/* The address of member i. On loopback each test process has some of its own, so that a
 * member finds its port free when it comes back. */
void net_address(const struct net *net, int i, char out[32]);
/* What from sends to to is lost, or arrives again. Repeatable. */
void net_cut(struct net *net, int from, int to, bool cut);
void net_heal(struct net *net);

#endif
