/* What the files of the life cycle share. Not for others. */
#ifndef SVCD_DAEMON_DAEMON_INTERNAL_H
#define SVCD_DAEMON_DAEMON_INTERNAL_H

#include <signal.h>
#include <stdatomic.h>

#include "daemon/daemon.h"
#include "net/tls.h"
#include "server/server.h"

/* Sent by our own threads to wake the main thread. */
#define SIGNAL_WAKE SIGUSR1

struct daemon {
	const struct options *options;
	struct settings *settings;
	sigset_t signals; /* that the main thread waits for, blocked everywhere */
	struct tls *tls;  /* NULL: plain */
	struct replica *replica;
	struct server *server;
	/* Where it listens. Kept when it starts again in place, so that clients find it
	 * also where the kernel chose the port. */
	struct net_addr bound[SERVER_LISTEN_MAX], http_bound[SERVER_LISTEN_MAX];
	_Atomic bool stop;                  /* a signal asked to end while it starts */
	_Atomic(struct server_join *) join; /* asked for and not answered */
};

/* The next signal, feeding the service manager's watchdog meanwhile. */
int daemon_wait_signal(const struct daemon *d);

/* Replica, then server, with what settings say; an exit status. Ends early with EX_OK and
 * d->stop set when a signal asks for it. What was started before a failure is left to
 * daemon_stop. */
int daemon_start(struct daemon *d);
/* In order, with the grace that the settings give; forgets both. */
void daemon_stop(struct daemon *d);

/* server_options.on_join */
void daemon_on_join(void *arg, struct server_join *j);
/* Answers a join that was asked for. True: it is decided, the daemon has to stop and
 * start again in place. */
bool daemon_take_join(struct daemon *d);

int daemon_refused(const struct err *e); /* logs it; the exit status */

#endif
