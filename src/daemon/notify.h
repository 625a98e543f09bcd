/*
 * Words to the service manager (sd_notify(3)), when there is one and libsystemd was there
 * at build time; otherwise nothing happens.
 */
#ifndef SVCD_DAEMON_NOTIFY_H
#define SVCD_DAEMON_NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_status(const char *text); /* one line, shown by systemctl status */
void notify_watchdog(void);
uint64_t notify_watchdog_ms(void); /* how often notify_watchdog should be called; 0: not
				      at all */

#endif
