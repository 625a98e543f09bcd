/* Life of the daemon. The main thread only waits for signals; all work is in other
 * threads. */
#include "daemon/daemon.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/daemon_internal.h"
#include "daemon/notify.h"

/* Each connection is a descriptor: ask for as many as we are allowed to have. */
static void raise_descriptor_limit(uint64_t connections)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < connections + 256)
		log_warn("descriptor_limit", L_U64("descriptors", limit.rlim_cur),
			L_U64("connections", connections),
			L_STR("text",
				"limits.connections cannot be reached, raise LimitNOFILE"));
}

/* ---- signals ----------------------------------------------------------- */

int daemon_wait_signal(const struct daemon *d)
{
	uint64_t watchdog_ms = notify_watchdog_ms();
	struct timespec timeout = {
		.tv_sec = (time_t)(watchdog_ms / 1000),
		.tv_nsec = (long)(watchdog_ms % 1000) * 1000000,
	};

	for (;;) {
		int sig = watchdog_ms != 0 ? sigtimedwait(&d->signals, NULL, &timeout)
					   : sigwaitinfo(&d->signals, NULL);

		if (sig > 0)
			return sig;
		if (errno == EAGAIN)
			notify_watchdog();
	}
}

/* Inherited by all threads. */
static void block_signals(struct daemon *d)
{
	sigemptyset(&d->signals);
	sigaddset(&d->signals, SIGTERM);
	sigaddset(&d->signals, SIGINT);
	sigaddset(&d->signals, SIGHUP);
	sigaddset(&d->signals, SIGNAL_WAKE);
	pthread_sigmask(SIG_BLOCK, &d->signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- reload ------------------------------------------------------------ */

static void reload_settings(struct daemon *d, const struct settings *fresh)
{
	char names[512];
	uint32_t waiting = settings_reload(d->settings, fresh, names, sizeof names);

	log_set_level((enum log_level)log_level_from_name(d->settings->log_level));
	if (waiting > 0)
		log_warn("reload_partial", L_STR("restart_needed_for", names));
	log_info("reloaded", L_STR("log_level", d->settings->log_level));
	notify_status("ready");
}

static void reload(struct daemon *d)
{
	struct settings fresh;

	notify_reloading();
	if (options_load(d->options, &fresh, NULL) != 0) {
		log_error("reload_refused",
			L_STR("text",
				"the configuration has mistakes, the old one stays"));
		notify_status("reload refused: the configuration has mistakes");
	} else {
		reload_settings(d, &fresh);
	}
	notify_ready();
}

/* ---- life -------------------------------------------------------------- */

/* True: to be started again, as a member of another cluster. */
static bool serve(struct daemon *d)
{
	for (;;) {
		int sig = daemon_wait_signal(d);

		if (sig == SIGHUP) {
			reload(d);
		} else if (sig != SIGNAL_WAKE) {
			log_info("stopping",
				L_STR("signal", sig == SIGINT ? "INT" : "TERM"));
			return false;
		}
	}
}

/* One time from the start to the stop. True: once more. */
static bool run_once(struct daemon *d, int *status)
{
	bool again = false;

	*status = daemon_start(d);
	if (d->server != NULL && *status == EX_OK) {
		notify_status("ready");
		notify_ready();
		again = serve(d);
		notify_stopping();
	}
	daemon_stop(d);
	return again;
}

int daemon_run(const struct options *o, struct settings *s)
{
	struct daemon d = {.options = o, .settings = s};
	int status;

	block_signals(&d);
	log_set_level((enum log_level)log_level_from_name(s->log_level));
	raise_descriptor_limit(s->connections);
	while (run_once(&d, &status))
		;
	if (status == EX_OK)
		log_info("stopped");
	return status;
}
