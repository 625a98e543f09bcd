/* Life of the daemon. The main thread only waits for signals; all work is in other
 * threads. */
#include "daemon/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/notify.h"

struct daemon {
	const struct options *options;
	struct settings *settings;
	struct replica *replica;
	struct server *server;
};

static int exit_status_of(int code)
{
	switch (code) {
	case SVCD_EDENIED:
		return EX_NOPERM;
	case SVCD_ECORRUPT:
	case SVCD_EVERSION:
		return EX_DATAERR;
	case SVCD_EINVAL:
		return EX_CONFIG;
	case SVCD_EINUSE:
		return EX_UNAVAILABLE;
	case SVCD_EIO:
	case SVCD_ENOSPACE:
		return EX_IOERR;
	default:
		return EX_SOFTWARE;
	}
}

static int start_failed(const char *event, const struct err *e)
{
	log_error(event, L_ERR(e->code), L_STR("text", e->text));
	return exit_status_of(e->code);
}

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

static int start_replica(struct daemon *d)
{
	const struct settings *s = d->settings;
	struct replica_options o = {
		.data_dir = s->data_dir,
		.cluster_name = s->cluster_name,
		.log_bytes_max = s->log_bytes,
		.reserve_bytes = s->reserve_bytes,
		.catalog =
			{
				.history_bytes = s->history_bytes,
				.tombstone_ms = s->tombstone_ms,
				.session_ms = s->session_ms,
			},
	};
	struct err e;

	notify_status("recovering the state");
	if (replica_start(&o, &d->replica, &e) != 0)
		return start_failed("start_refused", &e);
	return EX_OK;
}

static int start_server(struct daemon *d)
{
	const struct settings *s = d->settings;
	struct server_options o = {
		.n_listen = s->n_listen,
		.workers = (uint32_t)s->workers,
		.connections_max = (uint32_t)s->connections,
		.watches_max = (uint32_t)s->watches_per_connection,
		.hello_timeout_ms = (uint32_t)s->hello_timeout_ms,
		.idle_timeout_ms = (uint32_t)s->idle_timeout_ms,
		.out_bytes_max = (uint32_t)s->output_bytes,
		.watch_budget_bytes = (uint32_t)s->watch_budget_bytes,
		.answers_bytes_max = s->answer_cache_bytes,
		.expiries_per_second = (uint32_t)s->expiries_per_second,
		.writes_in_flight_max = (uint32_t)s->writes_per_connection,
		.checks_enabled = s->checks_enabled,
	};
	struct err e;

	for (uint32_t i = 0; i < s->n_listen; i++)
		o.listen[i] = s->listen[i];
	if (server_start(d->replica, &o, &d->server, &e) != 0)
		return start_failed("start_refused", &e);
	return EX_OK;
}

static void reload(struct daemon *d)
{
	struct settings fresh;
	char names[512];

	notify_reloading();
	if (options_load(d->options, &fresh, NULL) != 0) {
		log_error("reload_refused",
			L_STR("text",
				"the configuration has mistakes, the old one stays"));
		notify_status("reload refused: the configuration has mistakes");
	} else {
		uint32_t waiting = settings_reload(
			d->settings, &fresh, names, sizeof names);

		log_set_level(
			(enum log_level)log_level_from_name(d->settings->log_level));
		if (waiting > 0)
			log_warn("reload_partial", L_STR("restart_needed_for", names));
		log_info("reloaded", L_STR("log_level", d->settings->log_level));
		notify_status("ready");
	}
	notify_ready();
}

/* Waits for one of the signals, feeding the service manager's watchdog meanwhile. */
static int wait_signal(const sigset_t *signals)
{
	uint64_t watchdog_ms = notify_watchdog_ms();
	struct timespec timeout = {
		.tv_sec = (time_t)(watchdog_ms / 1000),
		.tv_nsec = (long)(watchdog_ms % 1000) * 1000000,
	};

	for (;;) {
		int sig = watchdog_ms != 0 ? sigtimedwait(signals, NULL, &timeout)
					   : sigwaitinfo(signals, NULL);

		if (sig > 0)
			return sig;
		if (errno == EAGAIN)
			notify_watchdog();
	}
}

static void serve(struct daemon *d, const sigset_t *signals)
{
	for (;;) {
		int sig = wait_signal(signals);

		if (sig == SIGHUP) {
			reload(d);
			continue;
		}
		log_info("stopping", L_STR("signal", sig == SIGINT ? "INT" : "TERM"));
		return;
	}
}

static void log_ready(const struct daemon *d, uint64_t started_ms)
{
	struct replica_status status;

	replica_status(d->replica, &status);
	for (uint32_t i = 0; i < d->settings->n_listen; i++) {
		struct net_addr addr;

		server_addr(d->server, i, &addr);
		log_info("listening", L_STR("address", addr.text));
	}
	log_info("ready", L_STR("version", SVCD_VERSION), L_U64("rev", status.rev),
		L_U64("took_ms", clock_now_ms() - started_ms));
}

int daemon_run(const struct options *o, struct settings *s)
{
	struct daemon d = {.options = o, .settings = s};
	uint64_t started_ms = clock_now_ms();
	sigset_t signals;
	int status;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL); /* inherited by all threads */
	signal(SIGPIPE, SIG_IGN);
	log_set_level((enum log_level)log_level_from_name(s->log_level));
	raise_descriptor_limit(s->connections);

	status = start_replica(&d);
	if (status == EX_OK)
		status = start_server(&d);
	if (status == EX_OK) {
		log_ready(&d, started_ms);
		notify_status("ready");
		notify_ready();
		serve(&d, &signals);
		notify_stopping();
		server_stop(d.server, (uint32_t)s->stop_grace_ms);
	}
	if (d.replica != NULL)
		replica_stop(d.replica);
	if (status == EX_OK)
		log_info("stopped");
	return status;
}
