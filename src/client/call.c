#include "client/call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "wire/pack.h"

/* A request that ends every connection it is sent on must not go on for ever. */
#define LOSSES_MAX 5
#define HEAD_MAX 256 /* bytes of a request around its params */

/* May state a be followed by state b? Every state may end. */
static const bool legal[CALL_STATES][CALL_STATES] = {
	[CALL_NEW] = {[CALL_QUEUED] = true},
	[CALL_QUEUED] = {[CALL_SENT] = true, [CALL_RESTING] = true},
	[CALL_SENT] = {[CALL_QUEUED] = true, [CALL_RESTING] = true},
	[CALL_RESTING] = {[CALL_QUEUED] = true},
};

static uint64_t now_of(const struct calls *cs)
{
	return loop_now_ms(cs->link->loop);
}

struct call *call_new(const char *method, uint32_t timeout_ms)
{
	struct call *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->kind = method_kind(method);
	strncpy(c->method, method, CALL_METHOD_MAX);
	buf_init(&c->params, FRAME_BYTES_MAX - HEAD_MAX);
	c->timeout_ms = timeout_ms;
	c->deadline_ms = timeout_ms != 0 ? clock_now_ms() + timeout_ms : CALL_NO_DEADLINE;
	return c;
}

void call_free(struct call *c)
{
	if (c == NULL)
		return;
	buf_fini(&c->params);
	free(c);
}

static struct bytes call_key(const void *item)
{
	const struct call *c = item;

	return bytes_of(&c->id, sizeof(c->id));
}

/* ---- moves ------------------------------------------------------------- */

/* A write that has a number goes first: the window stays closed until it is answered. */
static struct list *call_queue(struct calls *cs, const struct call *c)
{
	if ((c->flags & CALL_URGENT) || c->seq != 0)
		return &cs->urgent;
	return c->kind == METHOD_WRITE ? &cs->queued_writes : &cs->reads;
}

static struct list *call_list(struct calls *cs, const struct call *c)
{
	switch (c->state) {
	case CALL_SENT:
		return &cs->sent;
	case CALL_RESTING:
		return &cs->resting;
	default:
		return call_queue(cs, c);
	}
}

static void calls_arm(struct calls *cs)
{
	const struct heap_node *first = heap_min(&cs->due);
	uint64_t now = now_of(cs);

	if (first == NULL || first->key == CALL_NO_DEADLINE)
		timer_cancel(&cs->timer);
	else
		timer_set(&cs->timer, first->key > now ? first->key - now : 0);
}

static void call_move(struct calls *cs, struct call *c, enum call_state to)
{
	uint64_t due = c->deadline_ms;
	int rv;

	assert(legal[c->state][to]);
	if (c->state == CALL_SENT)
		map_remove(&cs->by_id, call_key(c));
	list_remove(&c->node);
	c->state = to;
	list_push(call_list(cs, c), &c->node);
	if (to == CALL_RESTING && c->retry_at_ms < due)
		due = c->retry_at_ms;
	rv = heap_push(&cs->due, &c->due, due);
	assert(rv == 0); /* it is in the heap since calls_submit */
	calls_arm(cs);
}

/* Out of all tables. */
static void call_detach(struct calls *cs, struct call *c)
{
	if (c->state == CALL_SENT)
		map_remove(&cs->by_id, call_key(c));
	list_remove(&c->node);
	list_remove(&c->write_node);
	heap_remove(&cs->due, &c->due);
	cs->n--;
}

/* fault NULL: success. */
static void call_finish(struct calls *cs, struct call *c, const struct svcd_fault *fault,
	const struct value *result)
{
	call_done_fn *done = c->done;
	void *arg = c->arg;
	struct svcd_fault copy = {0};

	if (fault != NULL)
		copy = *fault; /* it may be c's own */
	call_detach(cs, c);
	call_free(c);
	done(arg, fault != NULL ? &copy : NULL, result);
}

/* ---- sending ----------------------------------------------------------- */

/* May one more write be open? */
static bool calls_window_is_open(const struct calls *cs, const struct call *c)
{
	const struct call *oldest;

	if (c->kind != METHOD_WRITE || c->seq != 0 || list_empty(&cs->writes))
		return true;
	oldest = container_of(cs->writes.next, struct call, write_node);
	return cs->last_seq - oldest->seq + 1 < CALL_WINDOW;
}

static void call_number(struct calls *cs, struct call *c)
{
	if (c->kind != METHOD_WRITE || c->seq != 0)
		return;
	c->seq = ++cs->last_seq;
	list_push(&cs->writes, &c->write_node);
}

static void call_write(struct calls *cs, const struct call *c)
{
	struct buf *b = link_out(cs->link);

	pack_request(b, c->id, c->method);
	pack_map(b, c->n_params + (c->seq != 0 ? 2 : 0));
	pack_raw(b, buf_bytes(&c->params));
	if (c->seq != 0) {
		pack_kv_u64(b, "session", cs->session);
		pack_kv_u64(b, "seq", c->seq);
	}
}

static void call_rest(struct calls *cs, struct call *c, const struct svcd_fault *why)
{
	c->last = *why;
	c->tries++;
	c->retry_at_ms = now_of(cs) +
		retry_delay_ms(c->tries, why->retry_after_ms, cs->rng);
	call_move(cs, c, CALL_RESTING);
}

static void call_send(struct calls *cs, struct call *c)
{
	struct svcd_fault fault;

	call_number(cs, c);
	c->id = link_next_id(cs->link);
	if (map_put(&cs->by_id, c) != 0) {
		fault_code(&fault, SVCD_ENOMEM);
		call_rest(cs, c, &fault);
		return;
	}
	call_write(cs, c);
	call_move(cs, c, CALL_SENT);
}

static void calls_send_from(struct calls *cs, struct list *queue)
{
	while (!list_empty(queue) && map_len(&cs->by_id) < CALLS_IN_FLIGHT_MAX) {
		struct call *c = container_of(queue->next, struct call, node);

		if (!calls_window_is_open(cs, c) || !link_has_room(cs->link))
			return;
		call_send(cs, c);
	}
}

static void calls_pump(struct calls *cs)
{
	if (!link_is_ready(cs->link))
		return;
	calls_send_from(cs, &cs->urgent);
	calls_send_from(cs, &cs->queued_writes);
	calls_send_from(cs, &cs->reads);
	link_flush(cs->link);
}

int calls_submit(struct calls *cs, struct call *c)
{
	int rv = c->params.error;

	if (rv == 0 && cs->closed)
		rv = SVCD_ECANCELLED;
	if (rv == 0 && cs->n >= CALLS_MAX)
		rv = SVCD_ELIMIT;
	if (rv == 0)
		rv = heap_push(&cs->due, &c->due, c->deadline_ms);
	if (rv != 0) {
		call_free(c);
		return rv;
	}
	cs->n++;
	call_move(cs, c, CALL_QUEUED);
	calls_pump(cs);
	return 0;
}

void calls_cancel(struct calls *cs, struct call *c)
{
	call_detach(cs, c);
	call_free(c);
	calls_pump(cs);
}

/* ---- endings ----------------------------------------------------------- */

/* Its time is over: says the most that is known about why. */
static void call_expire(struct calls *cs, struct call *c)
{
	const struct svcd_fault *trouble = &cs->link->trouble;
	struct svcd_fault f;

	if (c->kind != METHOD_READ && (c->state == CALL_SENT || c->uncertain))
		fault_set(&f, SVCD_EUNKNOWN,
			"%s: no answer within %u ms; it may have been applied", c->method,
			c->timeout_ms);
	else if (c->last.code != 0)
		f = c->last;
	else if (trouble->code != 0)
		f = *trouble;
	else
		fault_set(&f, SVCD_ETIMEOUT, "%s: no answer within %u ms", c->method,
			c->timeout_ms);
	call_finish(cs, c, &f, NULL);
}

static void calls_on_timer(void *arg)
{
	struct calls *cs = arg;
	uint64_t now = now_of(cs);
	struct heap_node *first;

	while ((first = heap_min(&cs->due)) != NULL && first->key <= now) {
		struct call *c = container_of(first, struct call, due);

		if (c->deadline_ms <= now)
			call_expire(cs, c);
		else
			call_move(cs, c, CALL_QUEUED);
	}
	calls_arm(cs);
	calls_pump(cs);
}

/* Whether a trouble lasts for so long that another member is tried. */
static bool calls_had_enough(struct calls *cs, uint64_t *since_ms, bool there)
{
	uint64_t now = now_of(cs);

	if (!there)
		*since_ms = 0;
	else if (*since_ms == 0)
		*since_ms = now;
	return there && now - *since_ms >= cs->trouble_enough_ms &&
		link_has_choice(cs->link);
}

/* A member in a minority answers for ever that there is no leader, and one that is given
 * the state for as long as that takes that it is not ready. */
static void calls_mind_member(
	struct calls *cs, const struct svcd_fault *fault, enum method_kind kind)
{
	int code = fault != NULL ? fault->code : 0;
	bool enough = calls_had_enough(cs, &cs->not_ready_ms, code == SVCD_ENOTREADY);

	if (kind == METHOD_WRITE || code == SVCD_ENOLEADER)
		enough |= calls_had_enough(cs, &cs->no_leader_ms, code == SVCD_ENOLEADER);
	if (!enough)
		return;
	cs->no_leader_ms = cs->not_ready_ms = 0;
	link_drop(cs->link, code,
		code == SVCD_ENOLEADER ? "it knows no leader"
				       : "it does not know the registry yet");
}

/* What a member holds may be wrong while another one has it right. */
static bool calls_leave_member(
	struct calls *cs, const struct call *c, const struct svcd_fault *fault)
{
	if (fault == NULL || fault->code != SVCD_ECORRUPT || c->kind == METHOD_ONCE ||
		!link_has_choice(cs->link))
		return false;
	link_drop(cs->link, SVCD_ECORRUPT, "its state is not that of the others");
	return true;
}

void calls_answer(struct calls *cs, uint32_t id, const struct svcd_fault *fault,
	const struct value *result)
{
	struct call *c = map_get(&cs->by_id, bytes_of(&id, sizeof(id)));

	if (c == NULL)
		return; /* given up meanwhile */
	calls_mind_member(cs, fault, c->kind);
	if (calls_leave_member(cs, c, fault)) {
		call_rest(cs, c, fault);
	} else if (fault != NULL && error_is_passing(fault->code) &&
		c->kind != METHOD_ONCE) {
		c->uncertain |= fault->code == SVCD_EUNKNOWN;
		call_rest(cs, c, fault);
	} else {
		call_finish(cs, c, fault, result);
	}
	calls_pump(cs);
}

void calls_link_up(struct calls *cs)
{
	cs->no_leader_ms = 0;
	calls_pump(cs);
}

void calls_room(struct calls *cs)
{
	calls_pump(cs);
}

/* Ends with fault all calls of from that flag says, and keeps the others. */
static void calls_end_some(struct calls *cs, struct list *from, unsigned flag, bool with,
	const struct svcd_fault *fault)
{
	struct list now, rest;
	struct list *n;

	list_init(&now);
	list_init(&rest);
	list_splice(&now, from); /* what the callbacks submit is not meant */
	while ((n = list_pop(&now)) != NULL) {
		struct call *c = container_of(n, struct call, node);

		if (((c->flags & flag) != 0) == with)
			call_finish(cs, c, fault, NULL);
		else
			list_push(&rest, n);
	}
	list_splice(&rest, from);
	list_splice(from, &rest);
}

/* The connection that it was sent on is gone. */
static void call_come_back(struct calls *cs, struct call *c)
{
	struct svcd_fault f;

	if (++c->losses >= LOSSES_MAX && !(c->flags & CALL_PATIENT)) {
		fault_set(&f, SVCD_ECLOSED,
			"%s: the connection ended %u times before the answer came",
			c->method, c->losses);
		call_finish(cs, c, &f, NULL);
		return;
	}
	if (c->kind == METHOD_ONCE) {
		fault_set(&f, SVCD_EUNKNOWN,
			"%s: the connection ended before the answer came", c->method);
		call_finish(cs, c, &f, NULL);
		return;
	}
	c->uncertain = true;
	call_move(cs, c, CALL_QUEUED);
	/* In front: the caller begins with the last of them. */
	list_remove(&c->node);
	list_insert_after(call_queue(cs, c), &c->node);
}

void calls_link_down(struct calls *cs)
{
	struct list *lists[] = {
		&cs->sent, &cs->resting, &cs->urgent, &cs->queued_writes, &cs->reads};
	struct svcd_fault f;

	fault_set(&f, SVCD_ECLOSED, "%s", cs->link->trouble.text);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		calls_end_some(cs, lists[i], CALL_ON_LINK, true, &f);
	while (!list_empty(&cs->sent))
		call_come_back(cs, container_of(cs->sent.prev, struct call, node));
}

void calls_refuse(struct calls *cs, const struct svcd_fault *fault)
{
	struct list *lists[] = {
		&cs->resting, &cs->urgent, &cs->queued_writes, &cs->reads};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		calls_end_some(cs, lists[i], CALL_PATIENT, false, fault);
}

void calls_end(struct calls *cs)
{
	struct list *lists[] = {
		&cs->sent, &cs->resting, &cs->urgent, &cs->queued_writes, &cs->reads};
	struct svcd_fault f;

	cs->closed = true;
	fault_set(&f, SVCD_ECANCELLED, "the client was closed before the answer came");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		calls_end_some(cs, lists[i], 0, false, &f);
	assert(cs->n == 0);
}

int calls_init(
	struct calls *cs, struct link *link, struct rng *rng, uint32_t trouble_enough_ms)
{
	*cs = (struct calls){
		.link = link, .rng = rng, .trouble_enough_ms = trouble_enough_ms};
	list_init(&cs->urgent);
	list_init(&cs->reads);
	list_init(&cs->queued_writes);
	list_init(&cs->sent);
	list_init(&cs->resting);
	list_init(&cs->writes);
	map_init(&cs->by_id, call_key);
	heap_init(&cs->due);
	while (cs->session == 0)
		cs->session = rng_next(rng);
	return timer_init(&cs->timer, link->loop, calls_on_timer, cs);
}

void calls_fini(struct calls *cs)
{
	assert(cs->n == 0);
	timer_fini(&cs->timer);
	map_fini(&cs->by_id);
	heap_fini(&cs->due);
}
