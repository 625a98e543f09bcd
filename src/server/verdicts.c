#include "server/verdicts.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "catalog/keys.h"

#define IN_FLIGHT_MAX 2
#define BATCH_MAX LIMIT_BATCH
#define RETRY_MS 200

/* The newest verdict of one instance. In the map and in the list `waiting`, or in a batch
 * and nowhere else. */
struct item {
	struct list node;
	uint64_t incarnation;
	enum check_state state;
	uint32_t key_len, reason_len;
	uint8_t reason[LIMIT_REASON];
	uint8_t key[];
};

struct batch {
	struct proposal proposal; /* first */
	struct verdicts *owner;
	struct list items; /* what the verdicts are views of */
	struct verdict verdicts[BATCH_MAX];
};

struct verdicts {
	struct server *server;
	struct mailbox *box;
	struct loop *loop;
	struct map by_key; /* those that wait */
	struct list waiting;
	struct timer retry;
	uint32_t in_flight;
	uint64_t term; /* in which we may speak; 0: not at all */
	char actor[32];
};

static struct bytes item_key(const void *item)
{
	const struct item *i = item;

	return bytes_of(i->key, i->key_len);
}

static enum health_state health_state_of(enum check_state s)
{
	static const enum health_state states[] = {
		[CHECK_STARTING] = HEALTH_STARTING,
		[CHECK_PASSING] = HEALTH_PASSING,
		[CHECK_FAILING] = HEALTH_FAILING,
		[CHECK_UNKNOWN] = HEALTH_UNKNOWN,
	};

	return states[s];
}

static void item_forget(struct verdicts *v, struct item *i)
{
	map_remove(&v->by_key, item_key(i));
	list_remove(&i->node);
	free(i);
}

static void item_set(
	struct item *i, uint64_t incarnation, enum check_state state, struct bytes reason)
{
	i->incarnation = incarnation;
	i->state = state;
	i->reason_len = (uint32_t)(reason.len < LIMIT_REASON ? reason.len : LIMIT_REASON);
	memcpy(i->reason, reason.data, i->reason_len);
}

static bool item_wait(struct verdicts *v, struct item *i)
{
	if (map_put(&v->by_key, i) != 0)
		return false;
	list_push(&v->waiting, &i->node);
	return true;
}

bool verdicts_put(struct verdicts *v, struct bytes key, uint64_t incarnation,
	enum check_state state, struct bytes reason)
{
	struct item *i = map_get(&v->by_key, key);

	if (i != NULL) {
		item_set(i, incarnation, state, reason);
		return true;
	}
	i = calloc(1, sizeof(*i) + key.len);
	if (i == NULL)
		return false;
	i->key_len = (uint32_t)key.len;
	memcpy(i->key, key.data, key.len);
	item_set(i, incarnation, state, reason);
	if (item_wait(v, i))
		return true;
	free(i);
	return false;
}

void verdicts_forget(struct verdicts *v, struct bytes key)
{
	struct item *i = map_get(&v->by_key, key);

	if (i != NULL)
		item_forget(v, i);
}

void verdicts_begin(struct verdicts *v, uint64_t term)
{
	v->term = term;
}

void verdicts_end(struct verdicts *v)
{
	v->term = 0;
	while (!list_empty(&v->waiting))
		item_forget(v, container_of(v->waiting.next, struct item, node));
	timer_cancel(&v->retry);
}

/* ---- batches ----------------------------------------------------------- */

static void batch_free(struct batch *b)
{
	struct list *n;

	while ((n = list_pop(&b->items)) != NULL)
		free(container_of(n, struct item, node));
	buf_fini(&b->proposal.command);
	buf_fini(&b->proposal.outcome.incarnations);
	free(b);
}

/* What it carried waits again, unless there is something newer. */
static void batch_take_back(struct verdicts *v, struct batch *b)
{
	struct list *n;

	while ((n = list_pop(&b->items)) != NULL) {
		struct item *i = container_of(n, struct item, node);

		if (!item_wait(v, i))
			free(i);
	}
	timer_set(&v->retry, RETRY_MS);
}

/* Trying again cannot help: the checks report it anew with their next results. */
static bool is_final(int code)
{
	return code == SVCD_EINVAL || code == SVCD_ETOOBIG || code == SVCD_EPROTOCOL ||
		code == SVCD_ESHUTDOWN;
}

static void batch_done(struct proposal *p)
{
	struct batch *b = (struct batch *)p;
	struct verdicts *v = b->owner;

	v->in_flight--;
	/* of another term: who checks by now sees for himself */
	if (p->outcome.code != 0 && !is_final(p->outcome.code) && p->term == v->term)
		batch_take_back(v, b);
	else if (p->outcome.code != 0 && p->term == v->term)
		log_error("verdicts_refused", L_ERR(p->outcome.code),
			L_STR("text", p->outcome.text));
	batch_free(b);
}

/* Moves up to BATCH_MAX from those that wait; returns how many verdicts it has. */
static size_t batch_fill(struct verdicts *v, struct batch *b)
{
	size_t n = 0;

	while (n < BATCH_MAX && !list_empty(&v->waiting)) {
		struct item *i = container_of(v->waiting.next, struct item, node);

		map_remove(&v->by_key, item_key(i));
		list_remove(&i->node);
		list_push(&b->items, &i->node);
		b->verdicts[n] = (struct verdict){
			.incarnation = i->incarnation,
			.health = health_state_of(i->state),
			.reason = bytes_of(i->reason, i->reason_len),
		};
		n += key_split_instance(item_key(i), &b->verdicts[n].key);
	}
	return n;
}

static bool batch_propose(struct verdicts *v)
{
	struct batch *b = calloc(1, sizeof(*b));
	size_t n;

	if (b == NULL)
		return false;
	b->owner = v;
	list_init(&b->items);
	n = batch_fill(v, b);
	if (command_verdicts(b->verdicts, n, bytes_str(v->actor), &b->proposal.command) !=
		0) {
		batch_take_back(v, b);
		batch_free(b);
		return false;
	}
	b->proposal.reply = v->box;
	b->proposal.done = batch_done;
	b->proposal.term = v->term;
	v->in_flight++;
	replica_propose(v->server->replica, &b->proposal);
	return true;
}

void verdicts_flush(struct verdicts *v)
{
	while (v->in_flight < IN_FLIGHT_MAX && !list_empty(&v->waiting) &&
		!timer_pending(&v->retry))
		if (!batch_propose(v))
			timer_set(&v->retry, RETRY_MS);
}

static void verdicts_on_retry(void *arg)
{
	verdicts_flush(arg);
}

struct verdicts *verdicts_new(struct server *s, struct loop *l, struct mailbox *box)
{
	struct verdicts *v = calloc(1, sizeof(*v));
	struct replica_status status;
	char hex[17];

	if (v == NULL)
		return NULL;
	v->server = s;
	v->box = box;
	v->loop = l;
	map_init(&v->by_key, item_key);
	list_init(&v->waiting);
	replica_status(s->replica, &status);
	strcpy(v->actor, "svcd ");
	strcat(v->actor, text_hex64(status.node, hex));
	if (timer_init(&v->retry, l, verdicts_on_retry, v) == 0)
		return v;
	free(v);
	return NULL;
}

void verdicts_free(struct verdicts *v)
{
	if (v == NULL)
		return;
	verdicts_end(v);
	timer_fini(&v->retry);
	map_fini(&v->by_key);
	free(v);
}

uint32_t verdicts_in_flight(const struct verdicts *v)
{
	return v->in_flight;
}
