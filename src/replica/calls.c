/*
 * Requests to the leader that are no proposals: reads, questions of the server, changes
 * of the members. Where we lead they are served here, by the same functions.
 *
 *	request   be64 id, body
 *	reply     be64 id, varint -code, answer
 */
#include "replica/replica_internal.h"

#include <stdlib.h>

#include "base/log.h"

bool replica_leads(const struct replica *r)
{
	struct driver_status s;

	driver_status(r->driver, &s);
	return s.role == DRIVER_LEADER && s.ready;
}

struct call *call_new(enum peer_kind kind,
	void (*over)(struct replica *r, struct call *c, int code, struct bytes answer),
	void *arg)
{
	struct call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->kind = kind;
	c->over = over;
	c->arg = arg;
	buf_init(&c->body, PEER_FRAME_BYTES_MAX);
	return c;
}

static void call_over(struct replica *r, struct call *c, int code, struct bytes answer)
{
	c->over(r, c, code, answer);
	buf_fini(&c->body);
	free(c);
}

void call_send(struct replica *r, struct call *c)
{
	if (r->stopping)
		call_over(r, c, SVCD_ESHUTDOWN, BYTES_NONE);
	else if (c->body.error)
		call_over(r, c, c->body.error, BYTES_NONE);
	else
		list_push(&r->calls.waiting, &c->node);
}

/* ---- sending ----------------------------------------------------------- */

static int send_one(struct replica *r, struct call *c, uint64_t leader)
{
	struct buf frame = {0};
	int rc;

	buf_init(&frame, PEER_FRAME_BYTES_MAX);
	buf_put_be64(&frame, c->id);
	buf_put_bytes(&frame, buf_bytes(&c->body));
	rc = frame.error
		? frame.error
		: peers_send(r->peers, leader, PEER_FORWARD, c->kind, buf_bytes(&frame));
	buf_fini(&frame);
	return rc;
}

static void serve_here(struct replica *r, struct call *c)
{
	list_push(&r->calls.sent, &c->node);
	calls_serve(
		r, c->kind, (struct origin){.node = 0, .id = c->id}, buf_bytes(&c->body));
}

static bool reachable(struct replica *r, uint64_t node)
{
	if (node == 0)
		return false;
	if (node == r->dir.node || peers_connected(r->peers, node, PEER_FORWARD))
		return true;
	peers_connect(r->peers, node, PEER_FORWARD);
	return false;
}

/* 0, or it cannot be sent now. */
static int hand_over(struct replica *r, struct call *c, uint64_t leader)
{
	uint64_t to = c->to_contact ? r->contact : leader;
	int rc;

	if (!reachable(r, to))
		return SVCD_EUNREACHABLE;
	c->id = ++r->calls.next_id;
	c->to = to;
	if (to == r->dir.node) {
		serve_here(r, c);
		return 0;
	}
	rc = send_one(r, c, to);
	if (rc == SVCD_ETOOBIG) {
		call_over(r, c, rc, BYTES_NONE);
		return 0;
	}
	if (rc == 0)
		list_push(&r->calls.sent, &c->node);
	return rc;
}

void calls_round(struct replica *r, uint64_t leader)
{
	struct list now, *n;

	list_init(&now);
	list_splice(&now, &r->calls.waiting);
	while ((n = list_pop(&now)) != NULL) {
		struct call *c = container_of(n, struct call, node);

		if (hand_over(r, c, leader) != 0)
			list_push(&r->calls.waiting, &c->node);
	}
}

/* ---- the end ----------------------------------------------------------- */

static void refuse_list(struct replica *r, struct list *l, int code)
{
	struct list now, *n;

	list_init(&now);
	list_splice(&now, l); /* over may send another one */
	while ((n = list_pop(&now)) != NULL)
		call_over(r, container_of(n, struct call, node), code, BYTES_NONE);
}

/* Those that were sent to somebody for whom gone is true. */
static void lose(struct replica *r,
	bool (*gone)(const struct replica *r, const struct call *c, uint64_t node),
	uint64_t node)
{
	struct list lost, *it, *tmp;

	list_init(&lost);
	list_each(&r->calls.sent, it, tmp) {
		if (!gone(r, container_of(it, struct call, node), node))
			continue;
		list_remove(it);
		list_push(&lost, it);
	}
	refuse_list(r, &lost, SVCD_EUNKNOWN);
}

static bool was_sent_to(const struct replica *r, const struct call *c, uint64_t node)
{
	(void)r;
	return c->to == node;
}

static bool led_before(const struct replica *r, const struct call *c, uint64_t node)
{
	return !c->to_contact && c->to != node && c->to != r->dir.node;
}

void calls_lost(struct replica *r, uint64_t node)
{
	lose(r, was_sent_to, node);
}

void calls_new_leader(struct replica *r, uint64_t leader)
{
	lose(r, led_before, leader);
}

void calls_refuse(struct replica *r, int code)
{
	refuse_list(r, &r->calls.waiting, code);
	refuse_list(r, &r->calls.sent, code);
}

/* Who wants to join waits for a connection, and not for a leader. */
void calls_refuse_leaderless(struct replica *r)
{
	struct list refused, *it, *tmp;

	list_init(&refused);
	list_each(&r->calls.waiting, it, tmp) {
		if (container_of(it, struct call, node)->to_contact)
			continue;
		list_remove(it);
		list_push(&refused, it);
	}
	refuse_list(r, &refused, SVCD_ENOLEADER);
}

bool calls_pending(const struct replica *r)
{
	return !list_empty(&r->calls.waiting) || !list_empty(&r->calls.sent);
}

static void on_reply(
	struct replica *r, uint64_t from, uint64_t id, int code, struct bytes answer)
{
	struct list *it, *tmp;

	list_each(&r->calls.sent, it, tmp) {
		struct call *c = container_of(it, struct call, node);

		if (c->id != id || c->to != from)
			continue;
		list_remove(it);
		call_over(r, c, code, answer);
		return;
	}
}

void calls_on_reply(struct replica *r, uint64_t from, struct bytes body)
{
	struct reader in = reader_of(body);
	uint64_t id = read_be64(&in);
	int code = -(int)read_varint_max(&in, 1000);
	struct bytes answer = read_rest(&in);

	if (in.bad)
		log_warn("peer_frame_damaged", L_STR("kind", "reply"),
			L_U64("from", from));
	else
		on_reply(r, from, id, code, answer);
}

/* ---- the leader's side ------------------------------------------------- */

static enum peer_kind reply_kind(enum peer_kind kind)
{
	return (enum peer_kind)(kind + 1); /* as in peers.h */
}

void calls_answer(struct replica *r, struct origin to, enum peer_kind kind, int code,
	struct bytes answer)
{
	struct buf frame = {0};

	if (to.node == 0) {
		on_reply(r, r->dir.node, to.id, code, answer);
		return;
	}
	buf_init(&frame, PEER_FRAME_BYTES_MAX);
	buf_put_be64(&frame, to.id);
	put_varint(&frame, (uint64_t)-code);
	buf_put_bytes(&frame, answer);
	if (frame.error == 0) /* without a way back: who asked sees that it is lost */
		(void)peers_reply(r->peers, to.node, PEER_FORWARD, reply_kind(kind),
			buf_bytes(&frame));
	buf_fini(&frame);
}

/* Who is only let in to join asks for that, and nothing else. */
static bool may_ask(struct replica *r, enum peer_kind kind, uint64_t node)
{
	return kind == PEER_CHANGE || node == 0 || members_find(r, node) != NULL;
}

void calls_serve(
	struct replica *r, enum peer_kind kind, struct origin from, struct bytes body)
{
	if (!r->stopping && !replica_leads(r) && kind == PEER_CHANGE &&
		changing_relay(r, from, body))
		return;
	if (!replica_leads(r) || r->stopping || !may_ask(r, kind, from.node))
		calls_answer(r, from, kind, SVCD_ENOLEADER, BYTES_NONE);
	else if (kind == PEER_READ)
		reading_serve(r, from);
	else if (kind == PEER_ASK)
		asks_serve(r, from, body);
	else
		changing_serve(r, from, body);
}
