/* Does it accept connections? Hangs up as soon as the handshake is done, and says
 * nothing. */
#include "health/probe.h"

static void tcp_on_open(struct conn *c, void *arg)
{
	(void)c;
	probe_end(arg, PROBE_PASSED, "connected");
}

static ssize_t tcp_on_data(struct conn *c, struct bytes in, void *arg)
{
	(void)c;
	(void)arg;
	return (ssize_t)in.len;
}

static const struct conn_events tcp_events = {
	.on_open = tcp_on_open,
	.on_data = tcp_on_data,
	.on_close = probe_on_close,
};

static void tcp_start(struct probe *p)
{
	probe_dial(p, conn_knock, &tcp_events);
}

const struct probe_type probe_tcp = {
	.name = "tcp",
	.bytes = sizeof(struct probe),
	.start = tcp_start,
	.cancel = probe_hang_up,
};
