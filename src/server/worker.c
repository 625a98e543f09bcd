/* A worker's thread: start, rounds, stop. What it does for clients is in session.h and
 * the methods. */
#include "server/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/barrier.h"
#include "server/control.h"
#include "server/renewals.h"
#include "server/resolve.h"
#include "server/session.h"

#define SWEEP_MS 200
#define STOP_SWEEP_MS 5
#define ATTEND_MAX 200 /* watchers told per round: so lookups are not kept waiting */
#define REFUSALS_PER_SECOND 20
#define LEADER_AWAITED_MS 2000 /* after the start */

static void close_watchers(struct worker *w, int reason)
{
	struct list *n;
	struct list *tmp;

	list_each(&w->sessions, n, tmp) {
		struct session *s = container_of(n, struct session, node);

		if (s->watcher.n > 0)
			session_close(s, reason);
	}
}

/* ---- what is published ------------------------------------------------- */

static void worker_publish(struct worker *w, const struct changes *changes)
{
	for (size_t i = 0; i < changes_services(changes); i++)
		answers_drop(w->answers, &changes_service(changes, i)->key);
	watches_publish(w->watches, changes);
}

/* Without a transaction nobody can be told what differs: the clients come back for it. */
static void worker_reset(struct worker *w)
{
	struct tables *t = store_read_begin(w->reader);

	answers_clear(w->answers);
	if (t == NULL) {
		close_watchers(w, SVCD_ENOMEM);
		return;
	}
	watches_reset(w->watches, t);
	store_read_end(w->reader);
}

static void worker_on_publication(void *arg, struct publication *p)
{
	struct worker *w = arg;

	if (p->reset)
		worker_reset(w);
	else
		worker_publish(w, p->changes);
	worker_saw(w, p->rev);
	resolve_unpark(w);
}

void worker_saw(struct worker *w, uint64_t rev)
{
	if (rev > w->rev_seen)
		w->rev_seen = rev;
}

/*
 * A member that joins knows nothing, and one that was away not what changed meanwhile:
 * until it has caught up once. Where nobody leads it goes on with what it has (promise
 * 3).
 */
static bool worker_is_ignorant(
	const struct worker *w, const struct replica_status *s, uint64_t now_ms)
{
	if (s->joining)
		return true;
	if (!w->ignorant || s->age_ms != UINT64_MAX)
		return false;
	return s->quorum || now_ms - w->server->started_ms < LEADER_AWAITED_MS;
}

/*
 * The revision is read before the count of publications: what it covers was posted before
 * it was set, so after the drain we have seen it.
 */
void worker_refresh(struct worker *w)
{
	struct replica_status status;
	uint64_t published;

	replica_status(w->server->replica, &status);
	published = replica_published(w->server->replica);
	if (published != w->published) {
		w->published = published;
		mailbox_drain(w->box);
	}
	worker_saw(w, status.rev);
	w->head = (struct head){
		.rev = w->rev_seen,
		.age_ms = status.age_ms > UINT32_MAX ? UINT32_MAX
						     : (uint32_t)status.age_ms,
		.leader = status.role == ROLE_LEADER,
		.no_quorum = !status.quorum,
	};
	w->diverged = status.diverged;
	w->now_ms = loop_now_ms(w->loop);
	w->ignorant = worker_is_ignorant(w, &status, w->now_ms);
}

/* End of a round: those who missed something are told. */
static void worker_on_idle(void *arg)
{
	struct worker *w = arg;
	struct tables *t;

	if (watches_waiting(w->watches) && (t = store_read_begin(w->reader)) != NULL) {
		watches_attend(w->watches, t, ATTEND_MAX);
		store_read_end(w->reader);
	}
	if (watches_waiting(w->watches))
		timer_set(&w->again, 0);
	renewals_flush(w->renewals);
	count_set(&w->stat.watches, watches_count(w->watches));
	count_set(&w->stat.events_sent, watches_events_sent(w->watches));
}

static void worker_on_again(void *arg)
{
	(void)arg; /* a round was wanted, no more */
}

/* ---- watchers are sessions --------------------------------------------- */

static size_t watcher_pending(const struct watcher *w)
{
	return conn_pending(session_of(w)->conn);
}

static void watcher_send(struct watcher *w, struct bytes event)
{
	struct session *s = session_of(w);

	count(&s->worker->stat.bytes_out, event.len);
	conn_send_now(s->conn, event);
}

static void watcher_put(struct watcher *w, struct bytes event)
{
	struct session *s = session_of(w);

	count(&s->worker->stat.bytes_out, event.len);
	conn_write(s->conn, event);
}

static void watcher_lost(struct watcher *w)
{
	session_close(session_of(w), SVCD_ENOMEM);
}

static const struct watch_ops worker_watch_ops = {
	.pending = watcher_pending,
	.send = watcher_send,
	.put = watcher_put,
	.lost = watcher_lost,
};

/* ---- sessions ---------------------------------------------------------- */

struct adoption {
	struct mail mail;
	struct worker *worker;
	int fd;
};

static void adoption_deliver(struct mail *m)
{
	struct adoption *a = container_of(m, struct adoption, mail);

	if (a->worker->stopping) {
		close(a->fd);
		worker_session_over(a->worker);
	} else {
		session_open(a->worker, a->fd);
	}
	free(a);
}

void worker_adopt(struct worker *w, int fd)
{
	struct adoption *a = calloc(1, sizeof(*a));

	atomic_fetch_add(&w->server->connections, 1);
	if (a == NULL) {
		close(fd);
		worker_session_over(w);
		return;
	}
	*a = (struct adoption){.mail.deliver = adoption_deliver, .worker = w, .fd = fd};
	mailbox_post(w->box, &a->mail);
}

void worker_session_over(struct worker *w)
{
	atomic_fetch_sub(&w->server->connections, 1);
}

void worker_leases_released(struct worker *w, size_t queued)
{
	if (queued > 0)
		control_leases_wait(w->server->control);
}

static void sweep_list(struct list *sessions, uint64_t now_ms)
{
	struct list *n;
	struct list *tmp;

	list_each(sessions, n, tmp)
		session_sweep(container_of(n, struct session, node), now_ms);
}

static void stop_list(struct worker *w, struct list *sessions)
{
	struct list *n;
	struct list *tmp;

	list_each(sessions, n, tmp) {
		struct session *s = container_of(n, struct session, node);

		if (!session_stop(s) && w->closing)
			session_close(s, SVCD_ESHUTDOWN);
	}
}

/* Closes who has all its answers, everybody when the grace is over. What others owe us is
 * awaited a little longer: its memory is ours. */
static void worker_sweep_stopping(struct worker *w)
{
	w->closing = loop_now_ms(w->loop) >= w->stop_by_ms;
	renewals_flush(w->renewals);
	stop_list(w, &w->strangers);
	stop_list(w, &w->sessions);
	if (list_empty(&w->strangers) && list_empty(&w->sessions) &&
		(w->outstanding == 0 ||
			loop_now_ms(w->loop) >= w->stop_by_ms + SERVER_PATIENCE_MS))
		loop_stop(w->loop);
	else
		timer_set(&w->sweep, STOP_SWEEP_MS);
}

static void worker_on_sweep(void *arg)
{
	struct worker *w = arg;
	uint64_t now_ms = loop_now_ms(w->loop);
	uint64_t held;

	atomic_store_explicit(&w->alive_ms, now_ms, memory_order_relaxed);
	worker_refresh(w);
	held = log_gate_report(&w->refusals, now_ms);
	if (held > 0)
		log_info("refusals_not_logged", L_U64("lines", held));
	if (w->stopping) {
		worker_sweep_stopping(w);
		return;
	}
	barriers_sweep(w, false);
	if (w->diverged)
		close_watchers(w, SVCD_ECORRUPT);
	sweep_list(&w->strangers, now_ms);
	if (w->server->options.idle_timeout_ms != 0)
		sweep_list(&w->sessions, now_ms);
	timer_set(&w->sweep, SWEEP_MS);
}

/* ---- start and stop ---------------------------------------------------- */

struct stopping {
	struct mail mail;
	struct worker *worker;
	uint32_t grace_ms;
};

static void stopping_deliver(struct mail *m)
{
	struct stopping *stop = container_of(m, struct stopping, mail);
	struct worker *w = stop->worker;

	w->stopping = true;
	w->stop_by_ms = loop_now_ms(w->loop) + stop->grace_ms;
	free(stop);
	timer_set(&w->sweep, 0);
}

void worker_stop(struct worker *w, uint32_t grace_ms)
{
	struct stopping *stop = calloc(1, sizeof(*stop));

	assert(stop != NULL);
	*stop = (struct stopping){
		.mail.deliver = stopping_deliver, .worker = w, .grace_ms = grace_ms};
	mailbox_post(w->box, &stop->mail);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	loop_run(w->loop);
	return NULL;
}

static bool worker_make(struct worker *w)
{
	const struct server_options *o = &w->server->options;

	w->loop = loop_new();
	if (w->loop == NULL)
		return false;
	w->box = mailbox_new(w->loop);
	w->reader = store_reader_new(w->server->store);
	w->arena = arena_new();
	w->answers = answers_new(o->answers_bytes_max);
	w->watches = watches_new(
		&worker_watch_ops, o->watch_budget_bytes, PREFIX_MEMBERS_MAX);
	w->renewals = renewals_new(w);
	return w->box != NULL && w->renewals != NULL && w->reader != NULL &&
		w->arena != NULL && w->answers != NULL && w->watches != NULL &&
		timer_init(&w->sweep, w->loop, worker_on_sweep, w) == 0 &&
		timer_init(&w->again, w->loop, worker_on_again, w) == 0 &&
		timer_init(&w->parking, w->loop, resolve_on_parking, w) == 0;
}

static int worker_launch(struct worker *w)
{
	struct replica_status status;

	w->subscription = replica_subscribe(
		w->server->replica, w->box, worker_on_publication, w);
	if (w->subscription == NULL)
		return SVCD_ENOMEM;
	replica_status(w->server->replica, &status);
	w->ignorant = status.joining || status.age_ms == UINT64_MAX;
	loop_on_idle(w->loop, worker_on_idle, w);
	timer_set(&w->sweep, SWEEP_MS);
	w->alive_ms = clock_now_ms();
	return pthread_create(&w->thread, NULL, worker_main, w) == 0 ? 0 : SVCD_ENOMEM;
}

int worker_start(struct server *s, uint32_t index, struct worker **out)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return SVCD_ENOMEM;
	w->server = s;
	w->index = index;
	list_init(&w->strangers);
	list_init(&w->sessions);
	list_init(&w->parked);
	list_init(&w->barriers);
	buf_init(&w->entries, ANSWER_BYTES_MAX);
	log_gate_init(&w->refusals, REFUSALS_PER_SECOND);
	if (!worker_make(w) || worker_launch(w) != 0) {
		w->thread = 0;
		worker_free(w);
		return SVCD_ENOMEM;
	}
	*out = w;
	return 0;
}

void worker_join(struct worker *w)
{
	if (w->thread != 0)
		pthread_join(w->thread, NULL);
	w->thread = 0;
	if (w->subscription != NULL)
		replica_unsubscribe(w->subscription);
	w->subscription = NULL;
	barriers_sweep(w, true);
	resolve_forget(w);
}

void worker_drain(struct worker *w)
{
	mailbox_drain(w->box);
}

void worker_leave(struct worker *w)
{
	store_reader_free(w->reader);
	w->reader = NULL;
}

void worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	worker_join(w);
	renewals_free(w->renewals);
	mailbox_free(w->box);
	timer_fini(&w->sweep);
	timer_fini(&w->again);
	timer_fini(&w->parking);
	answers_free(w->answers);
	watches_free(w->watches);
	buf_fini(&w->entries);
	arena_free(w->arena);
	store_reader_free(w->reader);
	loop_free(w->loop);
	free(w);
}
