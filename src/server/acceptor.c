#include "server/acceptor.h"

#include <unistd.h>

#include "base/log.h"
#include "server/reply.h"
#include "server/worker.h"

#define BACKLOG 4096
#define PARTING_MAX 256
#define LINES_PER_SECOND 5

static ssize_t parting_on_data(struct conn *c, struct bytes in, void *arg)
{
	(void)c;
	(void)arg;
	return (ssize_t)in.len;
}

static void parting_on_close(struct conn *c, int reason, void *arg)
{
	struct acceptor *a = arg;

	(void)c;
	(void)reason;
	a->parting--;
}

/* One too many: told so, then closed. */
static void acceptor_part(struct acceptor *a, int fd)
{
	static const struct conn_events events = {
		.on_data = parting_on_data, .on_close = parting_on_close};
	struct conn *c;
	struct err e;
	char peer[128];

	if (a->parting >= PARTING_MAX) {
		close(fd);
		return;
	}
	c = conn_adopt(a->loop, fd, &events, a);
	if (c == NULL)
		return;
	a->parting++;
	err_set(&e, SVCD_ELIMIT, "this member has %u connections, the limit",
		a->server->options.connections_max);
	reply_error(conn_out(c), 0, &e, "");
	conn_flush(c);
	conn_peer(c, peer, sizeof(peer));
	if (log_gate_pass(&a->lines, loop_now_ms(a->loop)))
		log_info("session_refused", L_STR("peer", peer), L_ERR(SVCD_ELIMIT));
	conn_close(c, SVCD_ELIMIT, LINGER_MS);
}

static void acceptor_on_accept(int fd, void *arg)
{
	struct acceptor *a = arg;
	struct server *s = a->server;

	if (atomic_load(&s->connections) >= s->options.connections_max) {
		acceptor_part(a, fd);
		return;
	}
	worker_adopt(s->workers[a->next], fd);
	a->next = (a->next + 1) % s->n_workers;
}

int acceptor_open(struct acceptor *a, struct server *s, struct loop *l,
	const struct server_options *o, struct err *e)
{
	*a = (struct acceptor){.server = s, .loop = l};
	log_gate_init(&a->lines, LINES_PER_SECOND);
	return listeners_open(&a->listeners, l, o->listen, o->n_listen, SVCD_PORT_RPC,
		BACKLOG, acceptor_on_accept, a, e);
}

void acceptor_close(struct acceptor *a)
{
	listeners_close(&a->listeners);
}
