#include "client/link.h"

#include <assert.h>
#include <string.h>

#include "client/link_hello.h"
#include "wire/pack.h"

#define OUT_HIGH ((size_t)1 << 20) /* then the member must take some first */
#define MESSAGE_MAX (FRAME_BYTES_MAX + 64)

/* May state a be followed by state b? */
static const bool legal[LINK_STATES][LINK_STATES] = {
	[LINK_IDLE] =
		{[LINK_RESTING] = true, [LINK_LOOKING] = true, [LINK_DIALING] = true},
	[LINK_RESTING] =
		{[LINK_IDLE] = true, [LINK_LOOKING] = true, [LINK_DIALING] = true},
	[LINK_LOOKING] = {[LINK_IDLE] = true,
		[LINK_RESTING] = true,
		[LINK_LOOKING] = true,
		[LINK_DIALING] = true},
	[LINK_DIALING] = {[LINK_IDLE] = true,
		[LINK_RESTING] = true,
		[LINK_LOOKING] = true,
		[LINK_DIALING] = true,
		[LINK_GREETING] = true},
	[LINK_GREETING] = {[LINK_IDLE] = true,
		[LINK_RESTING] = true,
		[LINK_LOOKING] = true,
		[LINK_DIALING] = true,
		[LINK_READY] = true},
	[LINK_READY] = {[LINK_IDLE] = true, [LINK_RESTING] = true},
};

static void link_move(struct link *l, enum link_state to)
{
	assert(legal[l->state][to]);
	l->state = to;
}

static void link_attempt(struct link *l);
static void link_ended(struct link *l, const struct svcd_fault *why);

static const struct server *link_server(const struct link *l)
{
	return &l->servers->list[l->at];
}

static void link_fail(struct link *l, int code, const char *why)
{
	struct svcd_fault f;

	fault_set(&f, code, "%s", why);
	link_ended(l, &f);
}

/* ---- a round of attempts ----------------------------------------------- */

/* Adds "member: reason" to what went wrong in this round. A member that refuses us says
 * more than one that is not there. */
static void link_note(struct link *l, const struct svcd_fault *why)
{
	int code = l->round.code;
	bool refusal = why->code == SVCD_EDENIED || why->code == SVCD_EVERSION;

	if (code == 0)
		fault_set(&l->round, SVCD_EUNREACHABLE,
			"no member can be reached: %s: %s", link_server(l)->text,
			why->text);
	else
		fault_set(&l->round, code, "%s; %s: %s", l->round.text,
			link_server(l)->text, why->text);
	if (refusal)
		l->round.code = why->code;
}

static void link_begin_round(struct link *l)
{
	l->tried = 0;
	l->round = (struct svcd_fault){0};
	l->retry_after_ms = 0;
	link_attempt(l);
}

static void link_rest(struct link *l)
{
	uint64_t ms = backoff_next_ms(&l->backoff, l->rng);

	link_move(l, LINK_RESTING);
	timer_set(&l->timer, ms > l->retry_after_ms ? ms : l->retry_after_ms);
}

static void link_end_round(struct link *l)
{
	l->trouble = l->round;
	l->rounds_failed++;
	link_rest(l);
	l->ev->on_round_failed(l->arg);
}

static void link_next_member(struct link *l)
{
	l->at = (l->at + 1) % l->servers->n;
	if (++l->tried < l->servers->n)
		link_attempt(l);
	else
		link_end_round(l);
}

/* An attempt came to nothing. */
static void link_missed(struct link *l, const struct svcd_fault *why)
{
	link_note(l, why);
	if (why->retry_after_ms > l->retry_after_ms)
		l->retry_after_ms = why->retry_after_ms;
	link_next_member(l);
}

static void link_lost(struct link *l, const struct svcd_fault *why)
{
	if (loop_now_ms(l->loop) - l->ready_at_ms >= l->opt.settled_ms)
		backoff_reset(&l->backoff);
	fault_set(&l->trouble, SVCD_ECLOSED, "the connection to %s ended: %s",
		link_server(l)->text, why->text);
	timer_cancel(&l->watchdog);
	l->at = (l->at + 1) % l->servers->n;
	l->retry_after_ms = why->retry_after_ms;
	link_rest(l);
	l->ev->on_down(l->arg);
}

/* The one door for every ending; the connection, if there was one, is gone. */
static void link_ended(struct link *l, const struct svcd_fault *why)
{
	bool was_ready = l->state == LINK_READY;
	struct svcd_fault f = l->why.code != 0 ? l->why : *why;

	l->why = (struct svcd_fault){0};
	l->dropping = false;
	timer_cancel(&l->timer);
	if (l->closing) {
		link_move(l, LINK_IDLE);
		timer_cancel(&l->watchdog);
		l->ev->on_closed(l->arg);
	} else if (was_ready) {
		link_lost(l, &f);
	} else {
		link_missed(l, &f);
	}
}

/* ---- one attempt ------------------------------------------------------- */

static void link_dial(struct link *l, const struct net_addr *to)
{
	struct err e = {0};

	link_move(l, LINK_DIALING);
	frame_scan_reset(&l->scan);
	l->last_id = 0;
	l->head = (struct link_head){.source = SVCD_FROM_FOLLOWER};
	l->conn = conn_dial(l->loop, to, &link_conn_events, l, &e);
	if (l->conn == NULL) {
		fault_set(&l->why, e.code, "%s", e.text);
		timer_set(&l->timer, 0);
	} else {
		conn_set_limits(l->conn, MESSAGE_MAX, 4 * OUT_HIGH);
	}
}

static void link_on_address(
	void *arg, int rc, const struct net_addr *to, const char *words)
{
	struct link *l = arg;

	l->question = NULL;
	if (rc == 0)
		link_dial(l, to);
	else
		link_fail(l, rc, words);
}

static void link_attempt(struct link *l)
{
	const struct server *s = link_server(l);

	timer_set(&l->timer, l->opt.connect_timeout_ms);
	if (s->host[0] == '\0') {
		link_dial(l, &s->addr);
		return;
	}
	link_move(l, LINK_LOOKING);
	l->question = resolve_start(l->resolver, s->host, s->port, link_on_address, l);
	if (l->question == NULL)
		timer_set(&l->timer, 0); /* link_on_timer tells the rest */
}

void link_end_conn(struct link *l, int code, const char *why)
{
	if (l->why.code == 0)
		fault_set(&l->why, code, "%s", why);
	l->dropping = true;
	conn_close(l->conn, code, 0);
}

static void link_forget_question(struct link *l)
{
	if (l->question != NULL)
		resolve_cancel(l->question);
	l->question = NULL;
}

static void link_on_timer(void *arg)
{
	struct link *l = arg;

	if (l->state == LINK_RESTING) {
		link_begin_round(l);
		return;
	}
	if (l->conn != NULL) {
		link_end_conn(l, SVCD_ETIMEOUT, "no answer in time");
		return;
	}
	if (l->question == NULL) {
		link_fail(l, SVCD_ENOMEM, "out of memory or threads");
		return;
	}
	link_forget_question(l);
	link_fail(l, SVCD_ETIMEOUT, "the name could not be looked up in time");
}

/* ---- life -------------------------------------------------------------- */

static void link_on_watchdog(void *arg)
{
	struct link *l = arg;
	uint64_t now = loop_now_ms(l->loop);
	uint64_t silent_ms = now - l->heard_at_ms;

	if (!link_is_ready(l))
		return; /* it is being closed */
	if (l->pinged_at_ms > l->heard_at_ms) {
		link_drop(l, SVCD_ETIMEOUT, "it does not answer");
	} else if (silent_ms < l->opt.ping_ms) {
		timer_set(&l->watchdog, l->opt.ping_ms - silent_ms);
	} else {
		link_ping(l);
		l->pinged_at_ms = now;
		timer_set(&l->watchdog, l->opt.ping_wait_ms);
	}
}

void link_be_ready(struct link *l, bool other_cluster)
{
	link_move(l, LINK_READY);
	timer_cancel(&l->timer);
	l->trouble = (struct svcd_fault){0};
	l->ready_at_ms = loop_now_ms(l->loop);
	l->pinged_at_ms = 0;
	timer_set(&l->watchdog, l->opt.ping_ms);
	l->ev->on_up(l->arg, other_cluster);
}

void link_greet(struct link *l)
{
	link_move(l, LINK_GREETING);
	link_hello(l);
}

void link_gone(struct link *l, const struct svcd_fault *why)
{
	l->conn = NULL;
	link_ended(l, why);
}

int link_init(struct link *l, struct loop *loop, struct rng *rng,
	const struct servers *servers, const struct link_options *opt,
	const struct link_events *ev, void *arg)
{
	*l = (struct link){
		.loop = loop,
		.rng = rng,
		.servers = servers,
		.opt = *opt,
		.backoff = opt->backoff,
		.ev = ev,
		.arg = arg,
		.arena = arena_new(),
		.resolver = resolver_new(loop),
	};
	if (l->arena == NULL || l->resolver == NULL)
		return SVCD_ENOMEM;
	if (timer_init(&l->timer, loop, link_on_timer, l) != 0)
		return SVCD_ENOMEM;
	return timer_init(&l->watchdog, loop, link_on_watchdog, l);
}

void link_fini(struct link *l)
{
	link_forget_question(l);
	resolver_free(l->resolver);
	l->resolver = NULL;
	timer_fini(&l->timer);
	timer_fini(&l->watchdog);
	arena_free(l->arena);
	l->arena = NULL;
}

void link_start(struct link *l)
{
	assert(l->state == LINK_IDLE);
	link_begin_round(l);
}

void link_close(struct link *l, uint32_t linger_ms)
{
	if (l->closing)
		return;
	l->closing = true;
	l->dropping = true;
	if (l->conn != NULL) {
		conn_close(l->conn, SVCD_ESHUTDOWN, linger_ms);
		return;
	}
	link_forget_question(l);
	if (l->state != LINK_IDLE)
		link_fail(l, SVCD_ESHUTDOWN, "closed");
	else
		l->ev->on_closed(l->arg);
}

bool link_is_ready(const struct link *l)
{
	return l->state == LINK_READY && !l->dropping;
}

bool link_has_choice(const struct link *l)
{
	return l->servers->n > 1;
}

uint32_t link_next_id(struct link *l)
{
	return ++l->last_id;
}

struct buf *link_out(struct link *l)
{
	assert(link_is_ready(l) || l->state == LINK_GREETING);
	return conn_out(l->conn);
}

void link_flush(struct link *l)
{
	if (l->conn != NULL)
		conn_flush(l->conn); /* an error comes back as on_close */
}

void link_send_now(struct link *l, struct bytes messages)
{
	conn_send_now(l->conn, messages);
}

bool link_has_room(const struct link *l)
{
	return conn_pending(l->conn) < OUT_HIGH;
}

void link_drop(struct link *l, int code, const char *why)
{
	if (link_is_ready(l))
		link_end_conn(l, code, why);
}
