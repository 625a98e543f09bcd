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
#include "replica/peers.h"

#define HAND_OVER_MS 2000 /* for another voter to take over before a planned stop */
#define DISCOVER_MS 3000

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

/* The old certificate stays in use when the new one is not good. */
static void reload_certificates(struct daemon *d)
{
	struct err e;
	char name[64];

	if (d->tls == NULL)
		return;
	tls_name(d->tls, name); /* that of the member: it started with it */
	if (tls_reload(d->tls, name, &e) != 0)
		log_error("certificate_refused", L_ERR(e.code), L_STR("text", e.text));
	else
		log_info("certificate", L_STR("name", name),
			L_I64("valid_for_s", tls_valid_for_s(d->tls)));
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
		reload_certificates(d);
	}
	notify_ready();
}

/* ---- joining another cluster ------------------------------------------- */

void daemon_on_join(void *arg, struct server_join *j)
{
	struct daemon *d = arg;
	struct server_join *none = NULL;

	if (!atomic_compare_exchange_strong(&d->join, &none, j))
		server_join_answer(j, SVCD_EBUSY, "this member joins a cluster already");
	else
		kill(getpid(), SIGNAL_WAKE);
}

/* Somebody must be there before anything is given up. */
static int join_decide(struct daemon *d, const char *address, struct err *e)
{
	bool anywhere = strcmp(d->settings->peers_plain, "anywhere") == 0;
	struct replica_status status;
	struct peer_found found;
	int rc = peers_discover(
		&address, 1, d->tls, anywhere, DISCOVER_MS, NULL, &found, e);

	if (rc != 0)
		return rc;
	replica_status(d->replica, &status);
	if (found.cluster == status.cluster && !status.removed)
		return err_set(e, SVCD_EEXISTS,
			"%s is of the cluster that this member belongs to", address);
	return replica_note_join(d->replica, address, e);
}

bool daemon_take_join(struct daemon *d)
{
	struct server_join *j = atomic_load(&d->join);
	char address[sizeof(((struct server_join *)0)->address)];
	struct err e = {0};
	int rc;

	if (j == NULL)
		return false;
	snprintf(address, sizeof address, "%s", j->address);
	rc = join_decide(d, address, &e);
	atomic_store(&d->join, NULL);
	if (rc == 0)
		log_info("join", L_STR("address", address));
	else
		log_info("join_refused", L_STR("address", address), L_ERR(rc),
			L_STR("text", e.text));
	server_join_answer(j, rc, e.text);
	return rc == 0;
}

/* ---- life -------------------------------------------------------------- */

/* True: to be started again, as a member of another cluster. */
static bool serve(struct daemon *d)
{
	for (;;) {
		int sig = daemon_wait_signal(d);

		if (sig == SIGHUP) {
			reload(d);
		} else if (sig == SIGNAL_WAKE) {
			if (daemon_take_join(d))
				return true;
		} else {
			log_info("stopping",
				L_STR("signal", sig == SIGINT ? "INT" : "TERM"));
			return false;
		}
	}
}

static int make_tls(struct daemon *d)
{
	const struct settings *s = d->settings;
	struct tls_options o = {.ca = s->tls_ca, .cert = s->tls_cert, .key = s->tls_key};
	struct err e;

	if (s->tls_ca[0] == '\0')
		return EX_OK;
	return tls_new(&o, &d->tls, &e) == 0 ? EX_OK : daemon_refused(&e);
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
		if (!again)
			replica_hand_over(d->replica, HAND_OVER_MS);
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
	status = make_tls(&d);
	if (status == EX_OK)
		while (run_once(&d, &status))
			;
	tls_free(d.tls);
	if (status == EX_OK)
		log_info("stopped");
	return status;
}
