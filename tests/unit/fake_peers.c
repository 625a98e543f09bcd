#include "fake_peers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void fake_wires_init(struct fake_wires *w)
{
	*w = (struct fake_wires){0};
	list_init(&w->queue);
}

static void frame_free(struct fake_frame *f)
{
	buf_fini(&f->body);
	free(f);
}

static void lose_all(struct fake_wires *w)
{
	while (!list_empty(&w->queue))
		frame_free(container_of(list_pop(&w->queue), struct fake_frame, node));
}

void fake_wires_fini(struct fake_wires *w)
{
	lose_all(w);
	for (size_t i = 0; i < w->n; i++)
		free(w->members[i]);
}

struct peers *fake_peers_new(
	struct fake_wires *w, uint64_t node, const struct fake_events *events, void *arg)
{
	struct peers *p = calloc(1, sizeof(*p));

	assert(p && w->n < 4);
	p->wires = w;
	p->node = node;
	p->events = events;
	p->arg = arg;
	w->members[w->n++] = p;
	return p;
}

static struct peers *member(struct fake_wires *w, uint64_t node)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->members[i]->node == node && !w->members[i]->gone)
			return w->members[i];
	return NULL;
}

static size_t length(struct fake_wires *w)
{
	struct list *it, *tmp;
	size_t n = 0;

	list_each(&w->queue, it, tmp)
		n++;
	return n;
}

static int put(struct peers *p, uint64_t node, bool reply, enum peer_kind kind,
	struct bytes body)
{
	struct fake_wires *w = p->wires;
	struct fake_frame *f;

	if (!member(w, node))
		return SVCD_EUNREACHABLE;
	f = calloc(1, sizeof(*f));
	assert(f);
	*f = (struct fake_frame){
		.to = member(w, node), .from = p->node, .reply = reply, .kind = kind};
	buf_put_bytes(&f->body, body);
	list_push(&w->queue, &f->node);
	return 0;
}

static bool has(const uint64_t set[4], uint64_t node)
{
	for (size_t i = 0; i < 4; i++)
		if (set[i] == node)
			return true;
	return false;
}

static void add(uint64_t set[4], uint64_t node)
{
	for (size_t i = 0; i < 4 && !has(set, node); i++)
		if (set[i] == 0)
			set[i] = node;
}

int peers_send(struct peers *p, uint64_t node, enum peer_channel channel,
	enum peer_kind kind, struct bytes body)
{
	assert(channel == PEER_BULK);
	if (!has(p->up, node)) {
		add(p->dialled, node);
		return SVCD_EUNREACHABLE;
	}
	if (p->wires->room && length(p->wires) >= p->wires->room) {
		p->blocked = true;
		return SVCD_EAGAIN;
	}
	return put(p, node, false, kind, body);
}

int peers_reply(struct peers *p, uint64_t node, enum peer_channel channel,
	enum peer_kind kind, struct bytes body)
{
	assert(channel == PEER_BULK);
	return member(p->wires, node) && has(member(p->wires, node)->up, p->node)
		? put(p, node, true, kind, body)
		: SVCD_EUNREACHABLE;
}

/* ---- delivery ------------------------------------------------------------ */

void fake_wires_break(struct fake_wires *w)
{
	w->cut = true;
	lose_all(w);
	for (size_t i = 0; i < w->n; i++) {
		struct peers *p = w->members[i];
		uint64_t was[4];

		memcpy(was, p->up, sizeof(was));
		memset(p->up, 0, sizeof(p->up));
		for (size_t k = 0; k < 4; k++)
			if (was[k] && !p->gone)
				p->events->up(p->arg, was[k], false);
	}
}

static bool connect_one(struct fake_wires *w)
{
	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < 4; k++) {
			struct peers *p = w->members[i];
			uint64_t node = p->dialled[k];

			if (p->gone || node == 0 || !member(w, node))
				continue;
			p->dialled[k] = 0;
			add(p->up, node);
			p->events->up(p->arg, node, true);
			return true;
		}
	return false;
}

static bool unblock_one(struct fake_wires *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct peers *p = w->members[i];

		if (!p->blocked || length(w) >= w->room)
			continue;
		p->blocked = false;
		for (size_t k = 0; k < 4; k++)
			if (p->up[k])
				p->events->drained(p->arg, p->up[k]);
		return true;
	}
	return false;
}

static void damage(struct fake_wires *w, struct fake_frame *f)
{
	if (w->delivered != w->corrupt_at || f->kind != PEER_CHUNK)
		return;
	f->body.data[f->body.len - 1] ^= 0x10;
	w->corrupted = true;
}

bool fake_wires_step(struct fake_wires *w)
{
	struct fake_frame *f;

	if (unblock_one(w) || connect_one(w))
		return true;
	if (list_empty(&w->queue))
		return false;
	if (++w->delivered == w->cut_at) {
		fake_wires_break(w);
		return true;
	}
	f = container_of(list_pop(&w->queue), struct fake_frame, node);
	damage(w, f);
	if (f->kind == PEER_CHUNK)
		w->chunk_bytes += f->body.len - 24;
	if (!f->to->gone)
		f->to->events->frame(f->to->arg, f->from, f->kind, buf_bytes(&f->body));
	frame_free(f);
	return true;
}
