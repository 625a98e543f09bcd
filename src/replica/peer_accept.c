/*
 * Connections that others dialled: who is welcome, and which of them is the newest.
 */
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "replica/peers_internal.h"

#define STRANGERS_MAX 64
/* A process that lives says something several times a second. */
#define ALIVE_MS 1000

/* ---- what is logged of those who are turned away */

static void grumble(struct peers *p, const char *address, const char *why)
{
	uint64_t now = loop_now_ms(p->loop);
	uint64_t untold = log_gate_report(&p->grumbles, now);

	if (log_gate_pass(&p->grumbles, now))
		log_warn("peer_refused", L_STR("from", address), L_STR("why", why),
			L_U64("untold", untold));
}

/* ---- who is welcome */

static const char *in_use_at(const struct peer_link *l)
{
	return l->hello.address[0] != '\0' ? l->hello.address : l->address;
}

static int check_versions(const struct peer_link *l, struct err *why)
{
	const struct peer_hello *h = &l->hello;

	if (memcmp(h->nonce, l->nonce, sizeof(h->nonce)) != 0)
		return err_set(why, SVCD_EDENIED,
			"the hello does not answer this connection's challenge");
	if (h->protocol != PEER_PROTOCOL)
		return err_set(why, SVCD_EVERSION,
			"this member speaks protocol %d with other members, and %s "
			"speaks %u: run versions of svcd that fit together",
			PEER_PROTOCOL, l->address, h->protocol);
	return 0;
}

/* The certificate is what proves the name. */
static int check_name(const struct peer_link *l, struct err *why)
{
	const char *proved = conn_peer_name(l->conn);

	if (l->checked || l->hello.cluster == 0 || strcmp(proved, l->hello.name) == 0)
		return 0;
	return err_set(why, SVCD_EDENIED,
		"%s has the certificate of \"%s\", but its name is \"%s\": set member.name "
		"to the certificate's",
		l->address, proved, l->hello.name);
}

/* The cluster went on without it. One whose removal is known is told to end, so that
 * those who were given up are no cluster of their own. */
static int refuse_left_behind(
	const struct peers *p, const struct peer_hello *h, struct err *why)
{
	return err_set(why, peer_is_forgotten(p, h->node) ? SVCD_EGONE : SVCD_EDENIED,
		"the cluster was recovered without %s and is %016llx now: remove the data "
		"directory of %s, and start it with --join %s",
		h->name, (unsigned long long)p->cluster, h->name, p->address);
}

static int check_cluster(
	const struct peers *p, const struct peer_hello *h, struct err *why)
{
	if (former_has(&p->former, h->cluster))
		return refuse_left_behind(p, h, why);
	if (h->cluster != p->cluster)
		return err_set(why, SVCD_EDENIED,
			"%s at %s is of another cluster (%016llx, yours is %016llx): "
			"correct the address, or let the member join with an empty "
			"data directory",
			p->name, p->address, (unsigned long long)p->cluster,
			(unsigned long long)h->cluster);
	if (h->boot == p->boot)
		return err_set(why, SVCD_EINVAL,
			"%s is this member's own address, not that of another",
			p->address);
	if (h->node == p->node)
		return err_set(why, SVCD_EINUSE,
			"node id %016llx is in use by %s at %s: a copied data directory? "
			"Give the copy an empty one and let it join",
			(unsigned long long)h->node, p->name, p->address);
	return 0;
}

static int check_node(const struct peers *p, const struct peer_hello *h, struct err *why)
{
	if (h->node == 0)
		return err_set(why, SVCD_EPROTOCOL, "a member must have a node id");
	if (h->to != 0 && h->to != p->node)
		return err_set(why, SVCD_ENOTFOUND,
			"%s is %s (%016llx), not the member that was meant: correct the "
			"address; when it lost its data, remove the one that it was",
			p->address, p->name, (unsigned long long)p->node);
	if (peer_is_forgotten(p, h->node))
		return err_set(why, SVCD_EGONE,
			"%s (%016llx) was removed from this cluster: stop it, or let it "
			"join again with an empty data directory",
			h->name, (unsigned long long)h->node);
	return 0;
}

/* Another process with this node id, that lives. */
static struct peer_link *other_process(const struct peer *peer, uint64_t boot)
{
	uint64_t now = loop_now_ms(peer->peers->loop);

	for (int i = 0; i < PEER_CHANNELS; i++) {
		struct peer_link *in = peer->lines[i].in;

		if (in != NULL && in->hello.boot != boot &&
			now - in->heard_ms <= ALIVE_MS)
			return in;
	}
	return NULL;
}

static int check_incarnation(
	const struct peer *peer, const struct peer_hello *h, struct err *why)
{
	const struct peer_line *line = &peer->lines[h->channel];
	const struct peer_link *other = other_process(peer, h->boot);

	if (other != NULL)
		return err_set(why, SVCD_EINUSE,
			"node id %016llx is in use by %s at %s: a copied data directory? "
			"Give the copy an empty one and let it join",
			(unsigned long long)h->node, other->hello.name, in_use_at(other));
	if (line->in_boot == h->boot && line->in_serial >= h->serial)
		return err_set(why, SVCD_ESTALE, "a newer connection is there already");
	return 0;
}

/* All of the process before; of this one, the older of the same channel. */
static void drop_older(struct peer *peer, const struct peer_hello *h)
{
	for (int i = 0; i < PEER_CHANNELS; i++) {
		struct peer_line *line = &peer->lines[i];

		if (line->in == NULL ||
			(line->in->hello.boot == h->boot && line->channel != h->channel))
			continue;
		peer_link_drop(line->in);
		line->in = NULL;
	}
}

static int admit(struct peers *p, struct peer_link *l, struct err *why)
{
	const struct peer_hello *h = &l->hello;
	struct peer_line *line;
	struct peer *peer;
	int code = 0;

	if (check_node(p, h, why) != 0)
		return why->code;
	if (peer_check_name(p, h->node, h->name, why) != 0)
		return why->code;
	peer = peer_get(p, h->node, &code);
	if (peer == NULL)
		return err_set(why, code, "%s at %s knows too many members", p->name,
			p->address);
	if (check_incarnation(peer, h, why) != 0)
		return why->code;
	drop_older(peer, h);
	line = &peer->lines[h->channel];
	line->in = l;
	line->in_boot = h->boot;
	line->in_serial = h->serial;
	l->owner = line;
	p->strangers--;
	return 0;
}

static void fill_welcome(const struct peers *p, struct peer_welcome *w)
{
	w->cluster = p->cluster;
	w->node = p->node;
	w->boot = p->boot;
	memcpy(w->name, p->name, sizeof(w->name));
	memcpy(w->address, p->address, sizeof(w->address));
}

/* Cluster 0 only asks. */
static int accepted_greeted(struct peer_link *l, void *arg, struct err *why)
{
	struct peers *p = arg;
	int rc = check_versions(l, why);

	if (rc == 0)
		rc = check_name(l, why);
	if (rc == 0 && l->hello.cluster != 0)
		rc = check_cluster(p, &l->hello, why);
	if (rc == 0 && l->hello.cluster != 0)
		rc = admit(p, l, why);
	if (rc != 0)
		return rc;
	fill_welcome(p, &l->welcome);
	return 0;
}

static void accepted_open(struct peer_link *l, void *arg)
{
	struct peers *p = arg;
	struct peer_line *line = l->owner;
	bool joining;

	if (line == NULL) {
		peer_link_part(l); /* it asked which cluster this is */
		return;
	}
	joining = line->peer->address_set[0] == '\0';
	peer_learn(line->peer, l->hello.name, l->hello.address);
	peer_is_there(line->peer);
	p->ev->met(p->arg, line->peer->node, l->hello.name, l->hello.address, joining);
}

static void accepted_closed(struct peer_link *l, const struct err *why, void *arg)
{
	struct peers *p = arg;
	struct peer_line *line = l->owner;

	if (line != NULL) {
		line->in = NULL;
		return;
	}
	p->strangers--;
	if (l->welcome.node == 0) /* not one that only asked */
		grumble(p, l->address, why->text);
}

static const struct peer_link_events accepted_events = {
	.greeted = accepted_greeted,
	.open = accepted_open,
	.frame = peers_on_frame,
	.drained = peers_on_drained,
	.closed = accepted_closed,
};

void peers_on_accept(int fd, void *arg)
{
	struct peers *p = arg;
	struct peer_link_options o = {
		.loop = p->loop,
		.tls = p->tls,
		.ev = &accepted_events,
		.arg = p,
		.handshake_ms = HANDSHAKE_MS,
	};
	struct peer_link *l;

	if (p->strangers >= STRANGERS_MAX) {
		close(fd);
		grumble(p, "", "too many connections have not said who they are");
		return;
	}
	l = peer_link_accept(&o, fd);
	if (l == NULL)
		return;
	p->strangers++;
	peers_adopt_link(p, l);
}
