/*
 * Reads that must be current: the leader says which index a state must hold (read index),
 * and the answer is given when ours does. All reads of a round share a question.
 */
#include "replica/replica_internal.h"

#include <stdlib.h>

struct read_group {
	struct list node; /* in reads_settling */
	struct list reads;
	uint64_t index;
};

static void deliver_read(struct mail *m)
{
	struct replica_read *x = container_of(m, struct replica_read, mail);

	x->done(x);
}

static void finish(struct replica_read *x, int code)
{
	x->code = code;
	x->mail.deliver = deliver_read;
	mailbox_post(x->reply, &x->mail);
}

static void finish_all(struct list *reads, int code)
{
	struct list *n;

	while ((n = list_pop(reads)) != NULL)
		finish(container_of(n, struct replica_read, mail.node), code);
}

static void on_read(struct mail *m)
{
	struct replica_read *x = container_of(m, struct replica_read, mail);
	struct replica *r = (struct replica *)(uintptr_t)x->internal[0];

	if (r->stopping)
		finish(x, SVCD_ESHUTDOWN);
	else
		list_push(&r->reads, &x->mail.node);
}

void replica_read_current(struct replica *r, struct replica_read *x)
{
	x->internal[0] = (uintptr_t)r;
	x->mail.deliver = on_read;
	mailbox_post(r->box, &x->mail);
}

/* ---- the question ------------------------------------------------------ */

static void group_end(struct read_group *g, int code)
{
	finish_all(&g->reads, code);
	free(g);
}

/* A read changes nothing: what was lost is asked again by whoever wants to. */
static void on_index(struct replica *r, struct call *c, int code, struct bytes answer)
{
	struct read_group *g = c->arg;
	struct reader in = reader_of(answer);

	g->index = code == 0 ? read_varint(&in) : 0;
	if (code == SVCD_EUNKNOWN || in.bad)
		code = SVCD_ENOLEADER;
	if (code != 0) {
		group_end(g, code);
		return;
	}
	list_push(&r->reads_settling, &g->node);
	reading_applied(r);
}

void reading_round(struct replica *r)
{
	struct read_group *g;
	struct call *c;

	if (list_empty(&r->reads))
		return;
	g = calloc(1, sizeof(*g));
	c = g ? call_new(PEER_READ, on_index, g) : NULL;
	if (!c) {
		free(g);
		finish_all(&r->reads, SVCD_ENOMEM);
		return;
	}
	list_init(&g->reads);
	list_splice(&g->reads, &r->reads);
	call_send(r, c);
}

void reading_applied(struct replica *r)
{
	struct list *it, *tmp;

	list_each(&r->reads_settling, it, tmp) {
		struct read_group *g = container_of(it, struct read_group, node);

		if (g->index > r->applied_index)
			continue;
		list_remove(it);
		group_end(g, 0);
	}
}

void reading_refuse(struct replica *r, int code)
{
	struct list *n;

	finish_all(&r->reads, code);
	while ((n = list_pop(&r->reads_settling)) != NULL)
		group_end(container_of(n, struct read_group, node), code);
}

/* ---- the leader's side ------------------------------------------------- */

void reading_serve(struct replica *r, struct origin from)
{
	struct origin *asked = malloc(sizeof(*asked)); /* comes back with the answer */
	int rc = SVCD_ENOMEM;

	if (asked) {
		*asked = from;
		rc = driver_read(r->driver, replica_now_ms(r), asked);
	}
	if (rc == 0)
		return;
	free(asked);
	calls_answer(r, from, PEER_READ, rc, BYTES_NONE);
}

void reading_done(struct replica *r, void *ticket, int code, uint64_t index)
{
	struct origin *asked = ticket;
	struct buf answer = {0};

	if (code == 0)
		put_varint(&answer, index);
	calls_answer(r, *asked, PEER_READ, answer.error ? answer.error : code,
		buf_bytes(&answer));
	buf_fini(&answer);
	free(asked);
}
