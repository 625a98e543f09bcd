#include "net.h"

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOWHERE "02:00:00:00:00:ee"

static void ns_name(int i, char out[48])
{
	if (i == NET_HUB)
		snprintf(out, 48, "svcd-fault-%d-hub", (int)getpid());
	else
		snprintf(out, 48, "svcd-fault-%d-%d", (int)getpid(), i);
}

__attribute__((format(printf, 2, 3))) static bool ip(bool loud, const char *format, ...)
{
	char command[512] = "ip ";
	va_list args;

	va_start(args, format);
	vsnprintf(command + 3, sizeof command - 32, format, args);
	va_end(args);
	if (!loud)
		strcat(command, " 2>/dev/null");
	return system(command) == 0;
}

void net_address(const struct net *net, int i, char out[32])
{
	int pid = getpid();

	if (net->n == 0) /* the whole of 127/8 is ours: no other socket has these ports */
		snprintf(
			out, 32, "127.%d.%d.%d", 1 + (pid >> 8 & 127), pid & 255, 10 + i);
	else
		snprintf(out, 32, "10.78.2.%d", i == NET_HUB ? 1 : 10 + i);
}

static bool make_ns(struct net *net, int i)
{
	char name[48], path[80];

	ns_name(i, name);
	if (!ip(true, "netns add %s", name))
		return false;
	snprintf(path, sizeof path, "/run/netns/%s", name);
	net->ns[i] = open(path, O_RDONLY | O_CLOEXEC);
	return net->ns[i] >= 0 && ip(true, "-n %s link set lo up", name);
}

static bool make_member(struct net *net, int i)
{
	char name[48], hub[48], address[32];

	ns_name(i, name);
	ns_name(NET_HUB, hub);
	net_address(net, i, address);
	return make_ns(net, i) &&
		ip(true, "-n %s link add port%d type veth peer name eth0 netns %s", hub,
			i, name) &&
		ip(true, "-n %s link set port%d master bridge up", hub, i) &&
		ip(true, "-n %s addr add %s/24 dev eth0", name, address) &&
		ip(true, "-n %s link set eth0 up", name);
}

static bool make_hub(struct net *net)
{
	char hub[48], address[32];

	ns_name(NET_HUB, hub);
	net_address(net, NET_HUB, address);
	return make_ns(net, NET_HUB) &&
		ip(true, "-n %s link add bridge type bridge", hub) &&
		ip(true, "-n %s addr add %s/24 dev bridge", hub, address) &&
		ip(true, "-n %s link set bridge up", hub);
}

bool net_make(struct net *net, int n)
{
	bool ok;

	memset(net, 0, sizeof *net);
	net->n = n;
	for (int i = 0; i <= NET_HUB; i++)
		net->ns[i] = -1;
	net->made = true;
	ok = make_hub(net);
	for (int i = 0; i < n && ok; i++)
		ok = make_member(net, i);
	if (ok && setns(net->ns[NET_HUB], CLONE_NEWNET) == 0)
		return true;
	fprintf(stderr,
		"cluster_run: error: no network namespaces can be made here; "
		"this needs root, or --loopback\n");
	net_remove(net);
	return false;
}

void net_remove(struct net *net)
{
	char name[48];

	for (int i = 0; net->made && i <= NET_HUB; i++) {
		if (i >= net->n && i != NET_HUB)
			continue;
		if (net->ns[i] >= 0)
			close(net->ns[i]);
		ns_name(i, name);
		ip(false, "netns del %s", name);
	}
	net->made = false;
}

bool net_enter(const struct net *net, int i)
{
	return net->n == 0 || setns(net->ns[i], CLONE_NEWNET) == 0;
}

void net_cut(struct net *net, int from, int to, bool cut)
{
	char name[48], address[32];

	if (net->n == 0 || net->cut[from][to] == cut || from == to)
		return;
	ns_name(from, name);
	net_address(net, to, address);
	net->cut[from][to] = cut;
	if (cut)
		ip(true, "-n %s neigh replace %s lladdr " NOWHERE " dev %s nud permanent",
			name, address, from == NET_HUB ? "bridge" : "eth0");
	else
		ip(true, "-n %s neigh del %s dev %s", name, address,
			from == NET_HUB ? "bridge" : "eth0");
}

void net_heal(struct net *net)
{
	for (int from = 0; from <= NET_HUB; from++)
		for (int to = 0; to <= NET_HUB; to++)
			net_cut(net, from, to, false);
}
