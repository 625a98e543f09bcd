/* Between the connections to other members and what uses them. */
#include "replica/replica_internal.h"

#include <raft.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define PING_BYTES 16
#define PONG_BYTES 24
#define AWAY_MS 2000

/* The end of this member, or a message that was none. */
void network_driver(struct replica *r, int code, const char *what)
{
	r->status_stale = true;
	if (code == SVCD_EPROTOCOL || code == SVCD_EINVAL)
		log_warn("peer_message_refused", L_STR("what", what), L_ERR(code));
	else if (code != SVCD_ENOSPACE)
		replica_fatal(code, what);
}

static void heard(struct replica *r, uint64_t from)
{
	struct view *v = members_find(r, from);

	if (v)
		v->heard_ms = replica_now_ms(r);
	else if (r->joining)
		r->contact = from;
}

/* ---- what the driver sends --------------------------------------------- */

static void send_message(void *arg, const struct raft_message *m)
{
	struct replica *r = arg;

	if (r->peers && !r->removed)
		(void)peers_send_raft(r->peers, m); /* the engine asks again */
}

static void send_snapshot(void *arg, uint64_t to, uint64_t term)
{
	struct replica *r = arg;
	const struct view *v = members_find(r, to);

	/* For one that is away no log is kept: asked again when it is back. */
	if (r->streams && v && members_reachable(r, v))
		streams_send(r->streams, to, term);
}

static void send_numbers(struct replica *r, enum peer_kind kind, uint64_t to,
	const uint64_t *numbers, size_t n)
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++)
		buf_put_be64(&b, numbers[i]);
	if (r->peers && b.error == 0)
		(void)peers_send(r->peers, to, PEER_RAFT, kind, buf_bytes(&b));
	buf_fini(&b);
}

static void send_ping(void *arg, uint64_t to, uint64_t term, uint64_t round)
{
	send_numbers(arg, PEER_PING, to, (uint64_t[]){term, round}, 2);
}

static void send_pong(
	void *arg, uint64_t to, uint64_t term, uint64_t round, uint64_t last)
{
	send_numbers(arg, PEER_PONG, to, (uint64_t[]){term, round, last}, 3);
}

const struct driver_transport replica_transport = {
	.send = send_message,
	.send_snapshot = send_snapshot,
	.ping = send_ping,
	.pong = send_pong,
};

/* ---- what comes in ----------------------------------------------------- */

static void on_raft(void *arg, struct raft_message *m)
{
	struct replica *r = arg;

	heard(r, m->server_id);
	if (!members_find(r, m->server_id))
		beating_tell_stranger(r, m->server_id);
	if (!r->removed)
		network_driver(
			r, driver_receive(r->driver, replica_now_ms(r), m), "receive");
}

static void on_ping(struct replica *r, uint64_t from, struct bytes body)
{
	if (body.len == PING_BYTES && !r->removed)
		network_driver(r,
			driver_receive_ping(r->driver, replica_now_ms(r), from,
				get_be64(body.data), get_be64(body.data + 8)),
			"read");
}

static void on_pong(struct replica *r, uint64_t from, struct bytes body)
{
	if (body.len == PONG_BYTES && !r->removed)
		network_driver(r,
			driver_receive_pong(r->driver, replica_now_ms(r), from,
				get_be64(body.data), get_be64(body.data + 8),
				get_be64(body.data + 16)),
			"read");
}

static void on_request(
	struct replica *r, uint64_t from, enum peer_kind kind, struct bytes body)
{
	struct reader in = reader_of(body);
	struct origin origin = {.node = from, .id = read_be64(&in)};

	if (!in.bad)
		calls_serve(r, kind, origin, read_rest(&in));
}

static void on_frame(void *arg, uint64_t from, enum peer_channel channel,
	enum peer_kind kind, struct bytes body)
{
	struct replica *r = arg;

	heard(r, from);
	if (channel == PEER_BULK) {
		streams_on_frame(r->streams, from, kind, body);
		return;
	}
	switch (kind) {
	case PEER_PING:
		on_ping(r, from, body);
		return;
	case PEER_PONG:
		on_pong(r, from, body);
		return;
	case PEER_BEAT:
		beating_on_beat(r, from, body);
		return;
	case PEER_PROPOSE:
		forward_on_propose(r, from, body);
		return;
	case PEER_PROPOSED:
		forward_on_proposed(r, from, body);
		return;
	case PEER_READ:
	case PEER_ASK:
	case PEER_CHANGE:
		on_request(r, from, kind, body);
		return;
	case PEER_READ_DONE:
	case PEER_ANSWER:
	case PEER_CHANGED:
		calls_on_reply(r, from, body);
		return;
	default:
		return; /* of a later version */
	}
}

static void on_up(void *arg, uint64_t node, enum peer_channel channel, bool up)
{
	struct replica *r = arg;

	if (channel == PEER_BULK && r->streams)
		streams_on_up(r->streams, node, up);
	if (channel == PEER_RAFT && !up)
		driver_suspect(r->driver, replica_now_ms(r), node);
	if (channel != PEER_FORWARD || up)
		return;
	if (r->forwards.leader == node)
		forward_lost(r);
	calls_lost(r, node);
}

static void on_drained(void *arg, uint64_t node, enum peer_channel channel)
{
	struct replica *r = arg;

	if (channel == PEER_BULK && r->streams)
		streams_on_drained(r->streams, node);
}

static void on_met(
	void *arg, uint64_t node, const char *name, const char *address, bool joining)
{
	struct replica *r = arg;
	struct view *v = members_find(r, node);

	if (v && address[0] && strcmp(v->hello, address) != 0) {
		/* It moved, and cannot tell the leader before the leader reaches it. */
		snprintf(v->hello, sizeof(v->hello), "%s", address);
		r->roster_stale = true;
	}
	if (joining && !v)
		log_info("stranger_met", L_STR("name", name), L_STR("address", address));
}

/* After a start: what happened while this member was away is not in its log. */
static bool on_removed(void *arg, const char *why)
{
	struct replica *r = arg;

	if (!r->joining)
		members_removed(r, why);
	return !r->joining;
}

const struct peers_events replica_peers_events = {
	.raft = on_raft,
	.frame = on_frame,
	.up = on_up,
	.drained = on_drained,
	.met = on_met,
	.removed = on_removed,
};

/* Who leads has changed: what an earlier one was asked is lost. */
void network_leader(struct replica *r)
{
	struct driver_status s;

	driver_status(r->driver, &s);
	if (s.leader == 0 || s.leader == r->leader)
		return;
	r->leader = s.leader;
	if (!r->peers)
		return;
	if (r->forwards.leader != s.leader)
		forward_lost(r);
	calls_new_leader(r, s.leader);
}

/* ---- start and end ----------------------------------------------------- */

static void on_want_checkpoint(void *arg)
{
	checkpointing_wanted(arg);
}

static void on_staged(void *arg, const struct staged *s)
{
	checkpointing_staged(arg, s);
}

static void on_coming(void *arg)
{
	journal_prepare(((struct replica *)arg)->files.journal);
}

static void on_log_range(void *arg, uint64_t *first, uint64_t *last)
{
	struct replica *r = arg;

	*first = journal_first(r->files.journal);
	*last = journal_last(r->files.journal);
}

/* Somebody to keep the log for. A stream to one that comes back goes on where it was. */
static bool still_there(struct replica *r, uint64_t node)
{
	const struct view *v = members_find(r, node);

	return v && v->heard_ms != 0 && replica_now_ms(r) - v->heard_ms < AWAY_MS;
}

/* What members that get a checkpoint have of the log meanwhile. One that does not lead
 * any more keeps nothing for them. */
void network_progress(struct replica *r)
{
	struct driver_member members[REPLICA_MEMBERS_MAX];
	size_t n = driver_members(r->driver, members, REPLICA_MEMBERS_MAX);
	bool leads = replica_leads(r);

	for (size_t i = 0; i < n && i < REPLICA_MEMBERS_MAX; i++)
		if (members[i].node != r->dir.node)
			streams_progress(r->streams, members[i].node,
				leads && still_there(r, members[i].node)
					? members[i].match
					: UINT64_MAX,
				replica_now_ms(r));
}

static int start_streams(struct replica *r, struct err *e)
{
	struct streams_options o = {
		.loop = r->loop,
		.dir = &r->dir,
		.store = r->files.store,
		.peers = r->peers,
		.checkpoints = &r->files.checkpoints,
		.staged = on_staged,
		.coming = on_coming,
		.want_checkpoint = on_want_checkpoint,
		.log_range = on_log_range,
		.arg = r,
	};
	int rc = streams_new(&o, &r->streams);

	return rc == 0 ? 0
		       : err_set(e, rc, "streams of checkpoints cannot be started: %s",
				 err_text(rc));
}

int network_start(struct replica *r, const struct replica_options *o, struct err *e)
{
	struct peers_options p = {
		.loop = r->loop,
		.cluster = r->dir.cluster,
		.former = &r->dir.former,
		.node = r->dir.node,
		.name = r->name,
		.listen = o->peer_listen,
		.advertise = o->peer_advertise,
		.tls = o->tls,
		.plain_anywhere = o->plain_anywhere,
		.events = &replica_peers_events,
		.arg = r,
	};
	int rc = peers_new(&p, &r->peers, e);

	return rc == 0 ? start_streams(r, e) : rc;
}

void network_stop(struct replica *r)
{
	streams_free(r->streams);
	r->streams = NULL;
	peers_free(r->peers);
	r->peers = NULL;
}
