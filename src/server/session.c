/* Life of a session, and the way of its messages to the methods and back. */
#include "server/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "server/backup.h"
#include "server/request.h"
#include "server/worker.h"

#define PEER_MAX 128

static const bool session_moves[SESSION_STATES][SESSION_STATES] = {
	[SESSION_NEW] = {[SESSION_READY] = true, [SESSION_ENDING] = true},
	[SESSION_READY] = {[SESSION_ENDING] = true},
	[SESSION_ENDING] = {[SESSION_ENDING] = true},
};

static void session_move(struct session *s, enum session_state to)
{
	assert(session_moves[s->state][to]);
	s->state = to;
}

struct session *session_of(const struct watcher *w)
{
	return (struct session *)((uintptr_t)w - offsetof(struct session, watcher));
}

/* ---- back-pressure ----------------------------------------------------- */

static bool session_is_full(const struct session *s)
{
	return s->n_soon >= s->worker->server->options.writes_in_flight_max ||
		conn_pending(s->conn) > PENDING_HIGH_BYTES;
}

static bool session_has_room(const struct session *s)
{
	return s->n_soon <= s->worker->server->options.writes_in_flight_max / 2 &&
		conn_pending(s->conn) <= PENDING_HIGH_BYTES / 2;
}

/* Reads on when there is room again. The connection then offers what it kept. */
void session_relax(struct session *s)
{
	if (!s->paused || s->state == SESSION_ENDING || s->worker->stopping ||
		!session_has_room(s))
		return;
	s->paused = false;
	conn_pause(s->conn, false);
}

/* What the flush leaves of so much was refused by the kernel: on_drained will come. */
static bool session_may_read(struct session *s)
{
	if (s->state == SESSION_ENDING)
		return false;
	if (session_is_full(s))
		conn_flush(s->conn);
	if (!s->worker->stopping && !session_is_full(s))
		return true;
	s->paused = true;
	conn_pause(s->conn, true);
	return false;
}

/* A message that is none: said so with id 0, then the connection ends. */
static ssize_t session_malformed(struct session *s, int code)
{
	struct err e;
	char peer[PEER_MAX];

	err_set(&e, SVCD_EPROTOCOL,
		code == SVCD_ETOOBIG
			? "message beyond the limits (1 MiB, 16 deep, 65536 items)"
			: "not a MessagePack-RPC message");
	session_error(s, 0, &e);
	session_move(s, SESSION_ENDING);
	conn_peer(s->conn, peer, sizeof(peer));
	if (log_gate_pass(&s->worker->refusals, s->worker->now_ms))
		log_info("malformed_message", L_STR("peer", peer), L_ERR(code));
	return code;
}

static ssize_t session_on_data(struct conn *c, struct bytes in, void *arg)
{
	struct session *s = arg;
	size_t used = 0;
	size_t len;
	int rc = 0;

	(void)c;
	worker_refresh(s->worker);
	s->heard_ms = s->worker->now_ms;
	while (rc == 0 && used < in.len && session_may_read(s)) {
		struct bytes rest = bytes_of(in.data + used, in.len - used);

		rc = frame_find(&s->scan, rest, &len);
		if (rc != 0)
			break;
		rc = request_take(s, bytes_of(rest.data, len));
		used += len;
	}
	count(&s->worker->stat.bytes_in, used);
	if (rc != 0 && rc != SVCD_EAGAIN)
		return session_malformed(s, rc);
	return (ssize_t)used;
}

static void session_on_drained(struct conn *c, void *arg)
{
	struct session *s = arg;

	(void)c;
	watcher_drained(s->worker->watches, &s->watcher);
	session_relax(s);
}

/* ---- life -------------------------------------------------------------- */

static void session_forget_laters(struct session *s)
{
	struct list *n;

	while ((n = list_pop(&s->laters)) != NULL)
		container_of(n, struct later, node)->session = NULL;
}

/* Only the client's own end takes its leases with it. */
static bool session_drops_leases(const struct session *s, int reason)
{
	return (reason == SVCD_ECLOSED || reason == SVCD_EIO) &&
		!atomic_load(&s->worker->server->stopping);
}

static void session_on_close(struct conn *c, int reason, void *arg)
{
	struct session *s = arg;
	struct worker *w = s->worker;
	char peer[PEER_MAX];

	conn_peer(c, peer, sizeof(peer));
	log_debug("session_close", L_STR("peer", peer), L_ERR(reason));
	session_forget_laters(s);
	watcher_end(w->watches, &s->watcher);
	backups_end(s);
	worker_leases_released(w,
		leases_release(
			w->server->held, &s->leases, session_drops_leases(s, reason)));
	list_remove(&s->node);
	free(s->actor);
	free(s);
	worker_session_over(w);
}

static const struct conn_events session_events = {
	.on_data = session_on_data,
	.on_drained = session_on_drained,
	.on_close = session_on_close,
};

static struct session *session_new(struct worker *w)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->worker = w;
	s->state = SESSION_NEW;
	s->opened_ms = s->heard_ms = loop_now_ms(w->loop);
	list_init(&s->laters);
	list_init(&s->backups);
	lease_holder_init(&s->leases);
	watcher_init(&s->watcher);
	return s;
}

static struct session *session_adopt(struct worker *w, int fd)
{
	struct session *s = session_new(w);

	if (s == NULL) {
		close(fd);
		return NULL;
	}
	s->conn = conn_adopt(w->loop, fd, &session_events, s);
	if (s->conn == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void session_open(struct worker *w, int fd)
{
	struct session *s = session_adopt(w, fd);
	char peer[PEER_MAX];

	if (s == NULL) {
		worker_session_over(w);
		return;
	}
	conn_set_limits(s->conn, FRAME_BYTES_MAX + 64,
		w->server->options.out_bytes_max + ANSWER_BYTES_MAX);
	list_push(&w->strangers, &s->node);
	count(&w->stat.connections, 1);
	conn_peer(s->conn, peer, sizeof(peer));
	log_debug("session_open", L_STR("peer", peer), L_U64("worker", w->index));
}

/* The host out of "tcp:HOST:PORT" or "tcp:[V6]:PORT"; a local peer is on this host. */
static void session_put_host(struct session *s)
{
	char peer[PEER_MAX];
	const char *host = peer + 4;
	const char *end;

	conn_peer(s->conn, peer, sizeof(peer));
	end = strrchr(peer, ':');
	if (strncmp(peer, "tcp:", 4) != 0 || end == NULL || end < host) {
		host = "127.0.0.1";
		end = host + strlen(host);
	} else if (*host == '[') {
		host++;
		end--;
	}
	snprintf(s->host, sizeof(s->host), "%.*s", (int)(end - host), host);
}

void session_ready(struct session *s, char *actor)
{
	session_put_host(s);
	session_move(s, SESSION_READY);
	s->actor = actor;
	list_remove(&s->node);
	list_push(&s->worker->sessions, &s->node);
}

void session_close(struct session *s, int reason)
{
	char peer[PEER_MAX];

	if (s->state == SESSION_ENDING)
		return;
	session_move(s, SESSION_ENDING);
	conn_peer(s->conn, peer, sizeof(peer));
	if (reason != SVCD_ESHUTDOWN &&
		log_gate_pass(&s->worker->refusals, s->worker->now_ms))
		log_info("session_refused", L_STR("peer", peer), L_ERR(reason));
	conn_close(s->conn, reason, LINGER_MS);
}

void session_sweep(struct session *s, uint64_t now_ms)
{
	const struct server_options *o = &s->worker->server->options;

	if (s->state == SESSION_NEW && now_ms - s->opened_ms >= o->hello_timeout_ms)
		session_close(s, SVCD_ETIMEOUT);
	else if (list_empty(&s->laters) && o->idle_timeout_ms != 0 &&
		now_ms - s->heard_ms >= o->idle_timeout_ms)
		session_close(s, SVCD_ETIMEOUT);
}

bool session_stop(struct session *s)
{
	if (!list_empty(&s->laters))
		return false;
	session_close(s, SVCD_ESHUTDOWN);
	return true;
}

struct command_origin session_origin(const struct session *s)
{
	return (struct command_origin){
		.actor = bytes_str(s->actor), .peer_address = bytes_str(s->host)};
}
