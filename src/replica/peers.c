#include "replica/peers.h"

#include <raft.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replica/peers_internal.h"
#include "svcd.h"

#define BACKLOG 64
#define GRUMBLES_PER_SECOND 1
#define LATE_MS 1000 /* of a tick */

/* ---- frames */

static void on_raft(struct peers *p, const struct peer *peer, const struct peer_frame *f,
	struct peer_link *l)
{
	struct raft_message m;
	int rc = peer_get_raft(f->kind, f->body, &p->entries, &m);

	if (rc == SVCD_ENOMEM)
		return; /* as if it had been lost on the way */
	if (rc != 0) {
		peer_link_close(l, rc, "%s sent a malformed message", l->address);
		return;
	}
	m.server_id = peer->node;
	m.server_address = peer->engine_address;
	p->ev->raft(p->arg, &m);
}

void peers_on_frame(struct peer_link *l, const struct peer_frame *f, void *arg)
{
	struct peer_line *line = l->owner;
	struct peers *p = arg;

	if (f->kind > PEER_RAFT_LAST)
		p->ev->frame(p->arg, line->peer->node, line->channel,
			(enum peer_kind)f->kind, f->body);
	else if (line->channel == PEER_RAFT && !l->dialled)
		on_raft(p, line->peer, f, l);
	else
		peer_link_close(l, SVCD_EPROTOCOL,
			"%s sent a message of the engine where none belongs", l->address);
}

void peers_on_drained(struct peer_link *l, void *arg)
{
	const struct peer_line *line = l->owner;
	struct peers *p = arg;

	p->ev->drained(p->arg, line->peer->node, line->channel);
}

/* ---- sending */

static struct peer_line *line_of(
	const struct peers *p, uint64_t node, enum peer_channel channel)
{
	struct peer *peer = peer_find(p, node);

	return peer == NULL ? NULL : &peer->lines[channel];
}

/* The line to send on when it is up; else dialling has begun. */
static struct peer_line *line_up(
	struct peers *p, uint64_t node, enum peer_channel channel)
{
	struct peer_line *line = line_of(p, node, channel);

	if (line == NULL || line->up)
		return line;
	peer_line_want(line);
	return NULL;
}

int peers_send(struct peers *p, uint64_t node, enum peer_channel channel,
	enum peer_kind kind, struct bytes body)
{
	struct peer_line *line = line_up(p, node, channel);

	return line == NULL ? SVCD_EUNREACHABLE
			    : peer_link_send(line->out, (uint8_t)kind, body);
}

int peers_send_raft(struct peers *p, const struct raft_message *m)
{
	struct peer_line *line = line_up(p, m->server_id, PEER_RAFT);

	return line == NULL ? SVCD_EUNREACHABLE : peer_link_send_raft(line->out, m);
}

int peers_reply(struct peers *p, uint64_t node, enum peer_channel channel,
	enum peer_kind kind, struct bytes body)
{
	struct peer_line *line = line_of(p, node, channel);

	if (line == NULL || line->in == NULL)
		return SVCD_EUNREACHABLE;
	return peer_link_send(line->in, (uint8_t)kind, body);
}

void peers_connect(struct peers *p, uint64_t node, enum peer_channel channel)
{
	line_up(p, node, channel);
}

bool peers_connected(const struct peers *p, uint64_t node, enum peer_channel channel)
{
	const struct peer_line *line = line_of(p, node, channel);

	return line != NULL && line->up;
}

size_t peers_pending(const struct peers *p, uint64_t node, enum peer_channel channel)
{
	const struct peer_line *line = line_of(p, node, channel);

	return line != NULL && line->up ? peer_link_pending(line->out) : 0;
}

const char *peers_trouble(const struct peers *p, uint64_t node)
{
	const struct peer *peer = peer_find(p, node);

	return peer == NULL ? "" : peer->trouble.text;
}

int peers_trouble_code(const struct peers *p, uint64_t node)
{
	const struct peer *peer = peer_find(p, node);

	return peer == NULL ? 0 : peer->trouble.code;
}

const char *peers_address(const struct peers *p)
{
	return p->address;
}

/* ---- ticking */

static void peers_on_tick(void *arg)
{
	struct peers *p = arg;
	uint64_t now = loop_now_ms(p->loop);
	bool late = now - p->ticked_ms > LATE_MS;
	struct list *it;
	struct list *tmp;

	p->ticked_ms = now;
	timer_set(&p->tick, PEER_TICK_MS);
	list_each(&p->links, it, tmp) {
		struct peer_link *l = container_of(it, struct peer_link, node);

		/* We slept: what others said meanwhile is still to be read. */
		if (late)
			l->heard_ms = now;
		peer_link_tick(l, now);
	}
}

void peers_adopt_link(struct peers *p, struct peer_link *l)
{
	list_push(&p->links, &l->node);
	if (timer_pending(&p->tick))
		return;
	p->ticked_ms = loop_now_ms(p->loop);
	timer_set(&p->tick, PEER_TICK_MS);
}

/* ---- life */

static int peers_check_names(const struct peers_options *o, struct err *e)
{
	struct bytes name = bytes_str(o->name);

	if (name.len == 0 || name.len > PEER_NAME_MAX || !bytes_is_text(name))
		return err_set(e, SVCD_EINVAL,
			"member.name must have 1 to %d bytes of text", PEER_NAME_MAX);
	if (o->advertise != NULL && strlen(o->advertise) >= PEER_ADDRESS_BYTES)
		return err_set(e, SVCD_EINVAL, "peers.advertise is too long");
	return 0;
}

static int peers_advertise(struct peers *p, const struct peers_options *o, struct err *e)
{
	struct net_addr at;
	struct peer_where where;

	listener_addr(p->listener, &at);
	if (o->advertise == NULL && strncmp(at.text, "tcp:*", 5) == 0)
		return err_set(e, SVCD_EINVAL,
			"peers.listen is %s: set peers.advertise to the address that "
			"others dial",
			at.text);
	if (o->advertise != NULL) {
		int rc = peer_where_parse(o->advertise, &where, e);

		if (rc != 0) {
			err_prefix(e, "peers.advertise");
			return rc;
		}
	}
	snprintf(p->address, sizeof(p->address), "%s",
		o->advertise != NULL ? o->advertise : at.text);
	return 0;
}

static int peers_listen(struct peers *p, const struct peers_options *o, struct err *e)
{
	struct net_addr at;
	int rc = net_addr_parse(o->listen, SVCD_PORT_PEER, &at, e);

	if (rc != 0) {
		err_prefix(e, "peers.listen");
		return rc;
	}
	rc = peer_where_allowed(&at, p->tls != NULL, p->plain_anywhere, e);
	if (rc != 0)
		return rc;
	p->listener = listener_new(p->loop, &at, BACKLOG, peers_on_accept, p, e);
	return p->listener == NULL ? e->code : peers_advertise(p, o, e);
}

static int peers_open(struct peers *p, const struct peers_options *o, struct err *e)
{
	uint64_t seed;

	list_init(&p->links);
	log_gate_init(&p->grumbles, GRUMBLES_PER_SECOND);
	p->loop = o->loop;
	p->tls = o->tls;
	p->ev = o->events;
	p->arg = o->arg;
	p->cluster = o->cluster;
	if (o->former != NULL)
		p->former = *o->former;
	p->node = o->node;
	p->plain_anywhere = o->plain_anywhere;
	snprintf(p->name, sizeof(p->name), "%s", o->name);
	rng_secure(&p->boot, sizeof(p->boot));
	rng_secure(&seed, sizeof(seed));
	rng_seed(&p->rng, seed);
	if (timer_init(&p->tick, p->loop, peers_on_tick, p) != 0)
		return err_set(e, SVCD_ENOMEM, "no memory for the peers");
	return o->listen == NULL ? 0 : peers_listen(p, o, e);
}

int peers_new(const struct peers_options *o, struct peers **out, struct err *e)
{
	struct err dropped;
	struct peers *p;
	int rc;

	if (e == NULL)
		e = &dropped;
	rc = peers_check_names(o, e);
	if (rc != 0)
		return rc;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return err_set(e, SVCD_ENOMEM, "no memory for the peers");
	rc = peers_open(p, o, e);
	if (rc != 0) {
		peers_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void peers_free(struct peers *p)
{
	struct list *n;

	if (p == NULL)
		return;
	listener_free(p->listener);
	while (p->n > 0)
		peer_free(p->table[p->n - 1]);
	while ((n = list_pop(&p->links)) != NULL)
		peer_link_drop(container_of(n, struct peer_link, node));
	resolver_free(p->resolver);
	timer_fini(&p->tick);
	peer_entries_fini(&p->entries);
	free(p->forgotten);
	free(p);
}
