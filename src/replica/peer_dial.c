/*
 * Our connections to other members: dialled when somebody wants to send, again after a
 * pause that doubles while it fails. A wish lasts some seconds, so that who asked once
 * and waits is served although the first try fails.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "replica/peers_internal.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 1000
#define DEMAND_MS 5000
#define COMPLAINTS_MS 10000
/* A member that is cut off without a word must not keep the next try waiting. */
#define CONNECT_MS 1000
#define RAFT_HANDSHAKE_MS 1000
/* Refused for so long because of another process with our node id: it lives. The one
 * before ours is counted as alive for a moment after its end (peer_accept.c). */
#define IN_USE_MS 2000

/* ---- trouble */

static void peer_complain(struct peer *peer)
{
	uint64_t now = loop_now_ms(peer->peers->loop);
	char node[17];

	if (peer->complained_ms != 0 && now - peer->complained_ms < COMPLAINTS_MS)
		return;
	peer->complained_ms = now;
	log_warn("peer_unreachable", L_STR("node", text_hex64(peer->node, node)),
		L_STR("name", peer->name), L_STR("address", peer_address(peer)),
		L_STR("why", peer->trouble.text));
}

static void note_in_use(struct peers *p, const struct err *why)
{
	uint64_t now = loop_now_ms(p->loop);

	if (why->code != SVCD_EINUSE)
		return;
	if (p->in_use_ms == 0)
		p->in_use_ms = now;
	if (p->in_use_told || now - p->in_use_ms < IN_USE_MS)
		return;
	p->in_use_told = true;
	log_error("node_id_in_use", L_STR("why", why->text),
		L_STR("text",
			"this member takes no part in the cluster while the other process "
			"runs, and what it has grows old: stop the one of the two that is "
			"the copy"));
}

static void peer_reached(struct peer *peer)
{
	char node[17];

	peer->peers->in_use_ms = 0;
	peer->peers->in_use_told = false;
	peer->trouble = (struct err){0};
	if (peer->complained_ms == 0)
		return;
	peer->complained_ms = 0;
	log_info("peer_reached", L_STR("node", text_hex64(peer->node, node)),
		L_STR("name", peer->name), L_STR("address", peer_address(peer)));
}

/* That this member was removed is one line, and not one for each peer that says so. */
static bool told_removed(struct peers *p, const struct err *why)
{
	return why->code == SVCD_EGONE && p->ev->removed != NULL &&
		p->ev->removed(p->arg, why->text);
}

static void peer_note_trouble(struct peer *peer, const struct err *why)
{
	bool told = told_removed(peer->peers, why);

	note_in_use(peer->peers, why);
	if (why->text[0] == '\0' || strcmp(peer->trouble.text, why->text) == 0)
		return;
	peer->trouble = *why;
	if (!told)
		peer_complain(peer);
}

/* The pause counts from when the last try began. Half of it and a random part of the
 * other half keep members that fail together from coming back together. */
static void line_back_off(struct peer_line *line, const struct err *why)
{
	struct peers *p = line->peer->peers;
	uint64_t gone = loop_now_ms(p->loop) - line->dialled_ms;
	uint32_t ms = line->backoff_ms;
	uint64_t pause = ms / 2 + rng_below(&p->rng, ms / 2 + 1);

	peer_note_trouble(line->peer, why);
	timer_set(&line->again, pause > gone ? pause - gone : 0);
	line->backoff_ms = ms * 2 < BACKOFF_MAX_MS ? ms * 2 : BACKOFF_MAX_MS;
}

/* ---- what happens to a link that we dialled */

/* Whose answer it is was fixed by the hello; here the other side's word is checked. */
static int dialled_greeted(struct peer_link *l, void *arg, struct err *why)
{
	const struct peer_line *line = l->owner;
	const struct peer_welcome *w = &l->welcome;
	const struct peers *p = arg;

	if (p->tls != NULL && strcmp(conn_peer_name(l->conn), w->name) != 0)
		return err_set(why, SVCD_EDENIED,
			"%s has the certificate of \"%s\", but its name is \"%s\": set "
			"member.name there to the certificate's",
			l->address, conn_peer_name(l->conn), w->name);
	if (w->cluster != p->cluster)
		return err_set(why, SVCD_EDENIED,
			"%s is of another cluster (%016llx): correct the member's address",
			l->address, (unsigned long long)w->cluster);
	if (w->node != line->peer->node)
		return err_set(why, SVCD_EDENIED,
			"%s is %s (%016llx), not the member that was meant: correct the "
			"address; when it lost its data, remove the one that it was",
			l->address, w->name, (unsigned long long)w->node);
	return peer_check_name(p, w->node, w->name, why);
}

static void dialled_open(struct peer_link *l, void *arg)
{
	struct peer_line *line = l->owner;
	struct peers *p = arg;
	struct peer *peer = line->peer;
	uint64_t node = peer->node;

	line->up = true;
	line->opened_ms = loop_now_ms(p->loop);
	peer_learn(peer, l->welcome.name, l->welcome.address);
	peer_reached(peer);
	p->ev->up(p->arg, node, line->channel, true);
	if (l->owner != NULL && l->state == PEER_LINK_OPEN)
		p->ev->met(p->arg, node, l->welcome.name, l->welcome.address, false);
}

static void dialled_closed(struct peer_link *l, const struct err *why, void *arg)
{
	struct peer_line *line = l->owner;
	struct peers *p = arg;
	bool was_up = line->up;

	line->out = NULL;
	line->up = false;
	/* One that was welcome and put out at once is no reason to hurry. */
	if (was_up && loop_now_ms(p->loop) - line->opened_ms >= BACKOFF_MAX_MS)
		line->backoff_ms = BACKOFF_FIRST_MS;
	line_back_off(line, why);
	if (was_up)
		p->ev->up(p->arg, line->peer->node, line->channel, false);
}

static const struct peer_link_events dialled_events = {
	.greeted = dialled_greeted,
	.open = dialled_open,
	.frame = peers_on_frame,
	.drained = peers_on_drained,
	.closed = dialled_closed,
};

/* ---- dialling */

static void line_dial_at(struct peer_line *line, const struct net_addr *at)
{
	struct peer *peer = line->peer;
	struct peers *p = peer->peers;
	struct peer_link_options o = {
		.loop = p->loop,
		.tls = p->tls,
		.ev = &dialled_events,
		.arg = p,
		.connect_ms = CONNECT_MS,
		.handshake_ms = line->channel == PEER_RAFT ? RAFT_HANDSHAKE_MS
							   : HANDSHAKE_MS,
	};
	struct peer_hello hello = {
		.channel = line->channel,
		.cluster = p->cluster,
		.node = p->node,
		.to = peer->node,
		.boot = p->boot,
		.serial = ++p->serial,
	};
	struct err why = {0};

	memcpy(hello.name, p->name, sizeof(hello.name));
	memcpy(hello.address, p->address, sizeof(hello.address));
	if (peer_where_allowed(at, p->tls != NULL, p->plain_anywhere, &why) == 0)
		line->out = peer_link_dial(&o, at, &hello, &why);
	if (line->out == NULL) {
		line_back_off(line, &why);
		return;
	}
	line->out->owner = line;
	peers_adopt_link(p, line->out);
}

static void line_on_resolved(
	void *arg, int rc, const struct net_addr *to, const char *words)
{
	struct peer_line *line = arg;
	struct err why = {0};

	line->question = NULL;
	if (rc == 0) {
		line_dial_at(line, to);
		return;
	}
	err_set(&why, rc, "%s", words != NULL ? words : err_text(rc));
	line_back_off(line, &why);
}

static void line_resolve(struct peer_line *line, const struct peer_where *where)
{
	struct peers *p = line->peer->peers;
	static const struct err why = {
		.code = SVCD_ENOMEM, .text = "no memory to look up a name"};

	if (p->resolver == NULL)
		p->resolver = resolver_new(p->loop);
	if (p->resolver != NULL)
		line->question = resolve_start(
			p->resolver, where->host, where->port, line_on_resolved, line);
	if (line->question == NULL)
		line_back_off(line, &why);
}

static void line_dial(struct peer_line *line)
{
	struct peer_where where;
	struct err why = {0};

	if (line->out != NULL || line->question != NULL || timer_pending(&line->again))
		return;
	line->dialled_ms = loop_now_ms(line->peer->peers->loop);
	if (peer_address(line->peer)[0] == '\0')
		err_set(&why, SVCD_EUNREACHABLE, "its address is not known");
	else if (peer_where_parse(peer_address(line->peer), &where, &why) == 0) {
		if (where.numeric)
			line_dial_at(line, &where.at);
		else
			line_resolve(line, &where);
		return;
	}
	line_back_off(line, &why);
}

static void line_on_again(void *arg)
{
	struct peer_line *line = arg;

	if (loop_now_ms(line->peer->peers->loop) - line->demand_ms <= DEMAND_MS)
		line_dial(line);
}

void peer_line_want(struct peer_line *line)
{
	line->demand_ms = loop_now_ms(line->peer->peers->loop);
	line_dial(line);
}

void peer_is_there(struct peer *peer)
{
	for (int i = 0; i < PEER_CHANNELS; i++) {
		struct peer_line *line = &peer->lines[i];

		if (timer_pending(&line->again))
			timer_set(&line->again, 0);
	}
}

int peer_line_init(struct peer_line *line, struct peer *peer, enum peer_channel channel)
{
	line->peer = peer;
	line->channel = channel;
	line->backoff_ms = BACKOFF_FIRST_MS;
	return timer_init(&line->again, peer->peers->loop, line_on_again, line);
}

void peer_line_fini(struct peer_line *line)
{
	timer_fini(&line->again);
	if (line->question != NULL)
		resolve_cancel(line->question);
	peer_link_drop(line->out);
	peer_link_drop(line->in);
}
