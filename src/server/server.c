/* Start and stop of the server's threads, in an order in which nobody posts to somebody
 * who is gone. */
#include "server/server.h"

#include <sched.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/backup.h"
#include "server/control.h"
#include "server/worker.h"

#define WORKERS_BY_DEFAULT_MAX 8

static uint32_t or_default(uint32_t v, uint32_t otherwise)
{
	return v != 0 ? v : otherwise;
}

static uint32_t cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return (uint32_t)CPU_COUNT(&set);
}

static uint32_t workers_by_default(void)
{
	uint32_t n = cpus();

	return n < WORKERS_BY_DEFAULT_MAX ? n : WORKERS_BY_DEFAULT_MAX;
}

static struct server_options with_defaults(const struct server_options *o)
{
	struct server_options all = *o;

	all.n_listen = all.n_http = 0;
	all.workers = or_default(o->workers, workers_by_default());
	if (all.workers > SERVER_WORKERS_MAX)
		all.workers = SERVER_WORKERS_MAX;
	all.connections_max = or_default(o->connections_max, 20000);
	all.watches_max = or_default(o->watches_max, 1000);
	all.hello_timeout_ms = or_default(o->hello_timeout_ms, 10000);
	all.out_bytes_max = or_default(o->out_bytes_max, 4 << 20);
	if (all.out_bytes_max < OUT_BYTES_MIN)
		all.out_bytes_max = OUT_BYTES_MIN;
	all.watch_budget_bytes = or_default(o->watch_budget_bytes, 64 << 10);
	all.answers_bytes_max = o->answers_bytes_max != 0 ? o->answers_bytes_max
							  : 32 << 20;
	all.expiries_per_second = or_default(o->expiries_per_second, 2000);
	all.writes_in_flight_max = or_default(o->writes_in_flight_max, 256);
	return all;
}

static void server_free(struct server *s)
{
	for (uint32_t i = 0; i < s->n_workers; i++)
		worker_free(s->workers[i]);
	control_free(s->control);
	leases_free(s->leases);
	leases_free(s->held);
	pthread_mutex_destroy(&s->closing);
	free(s);
}

/* Workers first: once the control thread runs, connections come. */
static int server_run(struct server *s)
{
	int rc = 0;

	for (uint32_t i = 0; i < s->options.workers && rc == 0; i++) {
		rc = worker_start(s, i, &s->workers[i]);
		s->n_workers += rc == 0;
	}
	return rc != 0 ? rc : control_run(s->control);
}

int server_start(struct replica *r, const struct server_options *o, struct server **out,
	struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_set(e, SVCD_ENOMEM, "out of memory");
	s->options = with_defaults(o);
	s->replica = r;
	s->store = replica_store(r);
	s->started_ms = clock_now_ms();
	s->leases = leases_new(s->options.expiries_per_second);
	s->held = leases_of_connections();
	lease_holder_init(&s->self);
	pthread_mutex_init(&s->closing, NULL);
	rc = s->leases != NULL && s->held != NULL
		? control_new(s, o, &s->control, e)
		: err_set(e, SVCD_ENOMEM, "out of memory");
	if (rc == 0 && (rc = server_run(s)) != 0)
		err_set(e, rc, "the server's threads cannot be started: %s",
			err_text(rc));
	if (rc != 0) {
		server_stop(s, 0);
		return rc;
	}
	backups_sweep(o->backup_dir);
	*out = s;
	return 0;
}

void server_addr(const struct server *s, uint32_t i, struct net_addr *out)
{
	control_addr(s->control, i, out);
}

void server_http_addr(const struct server *s, uint32_t i, struct net_addr *out)
{
	control_http_addr(s->control, i, out);
}

static struct server *left_behind;

static void server_drain(struct server *s)
{
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < s->n_workers; i++)
			worker_drain(s->workers[i]);
}

static bool is_owed(const struct server *s)
{
	bool owed = s->control != NULL && control_is_owed(s->control);

	for (uint32_t i = 0; i < s->n_workers; i++)
		owed |= s->workers[i]->outstanding > 0;
	return owed;
}

/* The state may be closed; the mailboxes stay for what comes. */
static void server_leave(struct server *s)
{
	log_warn("stop_not_waited_for",
		L_STR("text",
			"the replica owes answers to writes, they are not awaited"));
	for (uint32_t i = 0; i < s->n_workers; i++)
		worker_leave(s->workers[i]);
	control_leave(s->control);
	s->left = left_behind;
	left_behind = s;
}

void server_reap(void)
{
	while (left_behind != NULL) {
		struct server *s = left_behind;

		left_behind = s->left;
		server_drain(s);
		server_free(s);
	}
}

/* Each thread ends before those to whom it posts; then what was posted to threads that
 * have ended is taken in. */
void server_stop(struct server *s, uint32_t grace_ms)
{
	if (s == NULL)
		return;
	atomic_store(&s->stopping, true);
	if (s->control != NULL)
		control_refuse(s->control);
	for (uint32_t i = 0; i < s->n_workers; i++)
		worker_stop(s->workers[i], grace_ms);
	for (uint32_t i = 0; i < s->n_workers; i++)
		worker_join(s->workers[i]);
	if (s->control != NULL)
		control_stop(s->control);
	server_drain(s);
	if (is_owed(s))
		server_leave(s);
	else
		server_free(s);
}

static void stat_add(const struct worker *w, struct server_stat *out)
{
	const struct worker_counters *c = &w->stat;

	out->watches += counted(&c->watches);
	out->requests += counted(&c->requests);
	out->lookups += counted(&c->lookups);
	out->lookups_kept += counted(&c->lookups_kept);
	out->writes += counted(&c->writes);
	out->events_sent += counted(&c->events_sent);
	out->bytes_in += counted(&c->bytes_in);
	out->bytes_out += counted(&c->bytes_out);
	out->renewals += counted(&c->renewals);
}

void server_stat(const struct server *s, struct server_stat *out)
{
	*out = (struct server_stat){.connections = atomic_load(&s->connections)};
	control_stat(s->control, out);
	for (uint32_t i = 0; i < s->n_workers; i++)
		stat_add(s->workers[i], out);
}
