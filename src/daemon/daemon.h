/*
 * Life of the daemon: start the replica and the server, wait for signals, stop in order.
 */
#ifndef SVCD_DAEMON_DAEMON_H
#define SVCD_DAEMON_DAEMON_H

#include "daemon/options.h"

/* Runs until SIGTERM or SIGINT. Returns the exit status. SIGHUP loads the configuration
 * again (o says from where) and takes over what may change while running; a file with
 * mistakes changes nothing. */
int daemon_run(const struct options *o, struct settings *s);

#endif
