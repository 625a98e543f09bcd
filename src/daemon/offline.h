/*
 * What svcd does with files instead of running: looks into a backup, makes a data
 * directory from one, recovers a member whose cluster is lost. Says it on standard
 * output, errors on standard error.
 */
#ifndef SVCD_DAEMON_OFFLINE_H
#define SVCD_DAEMON_OFFLINE_H

#include "daemon/options.h"

bool offline_is_wanted(const struct options *o);
int offline_run(const struct options *o, const struct settings *s); /* exit status */

#endif
