/* sd_notify(3), or nothing. The only home of libsystemd. */
#include "daemon/notify.h"

#ifdef HAVE_LIBSYSTEMD

#include <systemd/sd-daemon.h>
#include <time.h>

void notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void notify_reloading(void)
{
	struct timespec now;

	/* systemd compares this stamp with its own CLOCK_MONOTONIC (Type=notify-reload)
	 */
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		(unsigned long long)now.tv_sec * 1000000 +
			(unsigned long long)now.tv_nsec / 1000);
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_status(const char *text)
{
	sd_notifyf(0, "STATUS=%s", text);
}

void notify_watchdog(void)
{
	sd_notify(0, "WATCHDOG=1");
}

uint64_t notify_watchdog_ms(void)
{
	uint64_t us;

	return sd_watchdog_enabled(0, &us) > 0 ? us / 2000 : 0;
}

#else

void notify_ready(void)
{
}

void notify_reloading(void)
{
}

void notify_stopping(void)
{
}

void notify_status(const char *text)
{
	(void)text;
}

void notify_watchdog(void)
{
}

uint64_t notify_watchdog_ms(void)
{
	return 0;
}

#endif
