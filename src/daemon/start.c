/* From the settings to a running replica and server, and back. */
#include <pthread.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon_internal.h"
#include "daemon/notify.h"

static int exit_status_of(int code)
{
	switch (code) {
	case SVCD_EDENIED:
		return EX_NOPERM;
	case SVCD_ECORRUPT:
	case SVCD_EVERSION:
		return EX_DATAERR;
	case SVCD_EINVAL:
	case SVCD_ENOTFOUND:
		return EX_CONFIG;
	case SVCD_EINUSE:
	case SVCD_EUNREACHABLE:
		return EX_UNAVAILABLE;
	case SVCD_EIO:
	case SVCD_ENOSPACE:
		return EX_IOERR;
	default:
		return EX_SOFTWARE;
	}
}

int daemon_refused(const struct err *e)
{
	log_error("start_refused", L_ERR(e->code), L_STR("text", e->text));
	return exit_status_of(e->code);
}

/* ---- the replica ------------------------------------------------------- */

/* Members on one machine have clients on that machine. */
static bool is_for_clients(const struct settings *s, const char *address)
{
	return address_can_be_dialled(address) &&
		(address_is_loopback(s->peer_listen) || !address_is_loopback(address));
}

static const char *client_address(const struct settings *s)
{
	if (s->advertise[0] != '\0')
		return s->advertise;
	for (uint32_t i = 0; i < s->listen.n; i++)
		if (is_for_clients(s, s->listen.at[i]))
			return s->listen.at[i];
	return NULL;
}

/* The port may be one that the kernel gave. */
static void advertise_bound(const struct daemon *d)
{
	for (uint32_t i = 0; i < d->settings->listen.n; i++) {
		const char *address = d->bound[i].text;

		if (!is_for_clients(d->settings, address))
			continue;
		replica_advertise(d->replica, address);
		return;
	}
}

static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static struct replica_options replica_options_of(const struct daemon *d)
{
	const struct settings *s = d->settings;

	return (struct replica_options){
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
		.election_ms = (uint32_t)s->election_ms,
		.heartbeat_ms = (uint32_t)s->heartbeat_ms,
		.member_name = or_null(s->member_name),
		.peer_listen = or_null(s->peer_listen),
		.peer_advertise = or_null(s->peer_advertise),
		.client_advertise = client_address(s),
		.tls = d->tls,
		.plain_anywhere = strcmp(s->peers_plain, "anywhere") == 0,
		.stop = &d->stop,
		.voters = (uint32_t)s->voters,
		.config_hash = settings_common_hash(s),
	};
}

/* Starting may take long: recovery, or a cluster that is to be joined and not there yet.
 */
struct starting {
	struct daemon *daemon;
	struct replica_options options;
	struct err e;
	int rc;
	_Atomic bool over;
};

static void *starting_main(void *arg)
{
	struct starting *x = arg;

	x->rc = replica_start(&x->options, &x->daemon->replica, &x->e);
	atomic_store(&x->over, true);
	kill(getpid(), SIGNAL_WAKE);
	return NULL;
}

static int start_with_signals(struct daemon *d, struct starting *x)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, starting_main, x) != 0)
		return err_set(&x->e, SVCD_ENOMEM, "a thread cannot be started");
	while (!atomic_load(&x->over)) {
		int sig = daemon_wait_signal(d);

		if (sig == SIGTERM || sig == SIGINT)
			atomic_store(&d->stop, true);
	}
	pthread_join(thread, NULL);
	return x->rc;
}

static int start_replica(struct daemon *d)
{
	const struct settings *s = d->settings;
	struct starting x = {.daemon = d, .options = replica_options_of(d)};

	for (uint32_t i = 0; i < s->join.n; i++)
		x.options.join[i] = s->join.at[i];
	x.options.n_join = s->join.n;
	notify_status(x.options.n_join > 0 ? "joining" : "recovering the state");
	if (start_with_signals(d, &x) == 0 || atomic_load(&d->stop))
		return EX_OK;
	return daemon_refused(&x.e);
}

/* ---- the server -------------------------------------------------------- */

/* What was bound before stays: who joins in place keeps its ports. */
static void where_to_listen(
	const struct address_list *list, const struct net_addr *bound, const char **out)
{
	for (uint32_t i = 0; i < list->n; i++)
		out[i] = bound[i].len != 0 ? bound[i].text : list->at[i];
}

static int start_server(struct daemon *d)
{
	const struct settings *s = d->settings;
	struct server_options o = {
		.n_listen = s->listen.n,
		.n_http = s->http_listen.n,
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
		.peer_tls = d->tls,
		.backup_dir = s->data_dir,
		.on_join = s->peer_listen[0] != '\0' ? daemon_on_join : NULL,
		.arg = d,
	};
	struct err e;

	where_to_listen(&s->listen, d->bound, o.listen);
	where_to_listen(&s->http_listen, d->http_bound, o.http);
	if (server_start(d->replica, &o, &d->server, &e) != 0)
		return daemon_refused(&e);
	for (uint32_t i = 0; i < s->listen.n; i++)
		server_addr(d->server, i, &d->bound[i]);
	for (uint32_t i = 0; i < s->http_listen.n; i++)
		server_http_addr(d->server, i, &d->http_bound[i]);
	return EX_OK;
}

static void log_ready(const struct daemon *d, uint64_t started_ms)
{
	struct replica_status status;

	replica_status(d->replica, &status);
	for (uint32_t i = 0; i < d->settings->listen.n; i++)
		log_info("listening", L_STR("address", d->bound[i].text));
	for (uint32_t i = 0; i < d->settings->http_listen.n; i++)
		log_info("listening_for_http", L_STR("address", d->http_bound[i].text));
	if (status.peer[0] != '\0')
		log_info("listening_for_members", L_STR("address", status.peer));
	log_info("ready", L_STR("version", SVCD_VERSION), L_STR("member", status.name),
		L_U64("rev", status.rev), L_U64("took_ms", clock_now_ms() - started_ms));
}

/* ---- both -------------------------------------------------------------- */

int daemon_start(struct daemon *d)
{
	uint64_t started_ms = clock_now_ms();
	int status = start_replica(d);

	if (status == EX_OK && !atomic_load(&d->stop))
		status = start_server(d);
	if (status != EX_OK || d->server == NULL)
		return status;
	if (client_address(d->settings) == NULL)
		advertise_bound(d);
	log_ready(d, started_ms);
	return EX_OK;
}

void daemon_stop(struct daemon *d)
{
	if (d->server != NULL)
		server_stop(d->server, (uint32_t)d->settings->stop_grace_ms);
	d->server = NULL;
	if (d->replica != NULL)
		replica_stop(d->replica);
	d->replica = NULL;
	server_reap();
}
