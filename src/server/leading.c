#include "server/leading.h"

#include "server/lease_ask.h"

void leading_init(
	struct leading *l, struct server *s, struct reader *reader, struct ageing *a)
{
	*l = (struct leading){.server = s, .reader = reader, .ageing = a};
	for (size_t i = 0; i < REPLICA_MEMBERS_MAX; i++)
		lease_holder_init(&l->members[i].holder);
	list_init(&l->waiting);
}

/* A worker of this member asks, too, when it cannot renew at once; what it holds is held
 * by this member either way. */
static bool is_self(const struct leading *l, uint64_t node)
{
	struct replica_status status;

	replica_status(l->server->replica, &status);
	return status.node == node;
}

/* Members that hold nothing any more make room. NULL: nobody, also fine. */
static struct lease_holder *holder_of(struct leading *l, uint64_t node)
{
	struct leading_member *room = NULL;

	if (is_self(l, node))
		return &l->server->self;
	for (size_t i = 0; i < REPLICA_MEMBERS_MAX; i++) {
		struct leading_member *m = &l->members[i];

		if (m->node == node)
			return &m->holder;
		if (m->node == 0 || list_empty(&m->holder.leases))
			room = m;
	}
	if (room == NULL)
		return NULL;
	room->node = node;
	return &room->holder;
}

/* What the table does not know may still be in the catalog: it was granted by way of
 * another member. */
static uint64_t recall(struct leading *l, uint64_t id, struct lease_holder *holder)
{
	struct tables *t = store_read_begin(l->reader);
	struct lease lease;
	bool there;

	if (t == NULL)
		return 0;
	there = catalog_get_lease(t, id, &lease) &&
		leases_add(l->server->leases, &lease, holder) == 0;
	store_read_end(l->reader);
	return there ? lease.ttl_ms : 0;
}

static uint64_t renew(struct leading *l, uint64_t id, struct lease_holder *holder)
{
	uint64_t ttl_ms = 0;

	if (leases_renew(l->server->leases, &id, 1, holder, &id, &ttl_ms) == 1)
		return recall(l, id, holder);
	return ttl_ms;
}

static enum lease_close close_one(
	struct leading *l, uint64_t id, struct lease_holder *holder)
{
	if (!leases_has(l->server->leases, id))
		recall(l, id, NULL);
	return leases_close(l->server->leases, id, holder);
}

/* The answer's part for each item; returns how many leases were queued to be ended. */
static size_t answer_items(struct leading *l, struct bytes question, size_t n,
	uint64_t node, struct buf *out)
{
	struct lease_holder *holder = holder_of(l, node);
	size_t queued = 0;

	for (size_t i = 0; i < n; i++) {
		enum lease_close closed = LEASE_NOT_CLOSED;
		enum lease_wish wish;
		uint64_t id, ttl_ms = 0;

		lease_ask_at(question, i, &wish, &id);
		if (wish == LEASE_RENEW)
			ttl_ms = renew(l, id, holder);
		else if (wish == LEASE_CLOSE)
			closed = close_one(l, id, holder);
		else
			leases_remove(l->server->leases, id);
		queued += closed == LEASE_QUEUED;
		buf_put_be32(out, closed == LEASE_CLOSE_LATER ? 1 : (uint32_t)ttl_ms);
	}
	return queued;
}

static bool is_doubted(const struct leading *l)
{
	return leases_doubted(l->server->leases, loop_now_ms(l->ageing->loop));
}

static int answer_make(
	struct leading *l, const struct replica_question *q, struct buf *out)
{
	int n = q->kind == ASK_LEASES ? lease_ask_count(q->question) : SVCD_ENOMETHOD;

	if (n < 0)
		return n;
	if (!leases_leading(l->server->leases) || is_doubted(l))
		return SVCD_ENOLEADER;
	buf_put_be64(out, leases_count(l->server->leases));
	if (answer_items(l, q->question, (size_t)n, q->from, out) > 0)
		ageing_poke(l->ageing);
	return out->error;
}

static void answer(struct leading *l, struct replica_question *q)
{
	struct buf answer = {0};
	int rc = answer_make(l, q, &answer);

	replica_answer(
		l->server->replica, q, rc, rc == 0 ? buf_bytes(&answer) : BYTES_NONE);
	buf_fini(&answer);
}

/* The voters have been asked, or will be at the next tick. */
void leading_on_question(void *arg, struct replica_question *q)
{
	struct leading *l = arg;

	if (is_doubted(l))
		list_push(&l->waiting, &q->mail.node);
	else
		answer(l, q);
}

void leading_resume(struct leading *l)
{
	struct list *n;

	while ((n = list_pop(&l->waiting)) != NULL)
		answer(l, container_of(n, struct replica_question, mail.node));
}

bool leading_close(struct leading *l, uint64_t id)
{
	enum lease_close closed = close_one(l, id, &l->server->self);

	if (closed == LEASE_QUEUED)
		ageing_poke(l->ageing);
	return closed != LEASE_CLOSE_LATER;
}
