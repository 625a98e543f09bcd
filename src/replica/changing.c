/*
 * Changes of the members. On the leader each request is a job, which goes as far as it
 * can whenever something happened: each step looks at what is, so that it can be repeated
 * after a crash and by the next leader. Who asked asks again when the leader changed.
 *
 * What nobody has to ask for: a standby that has caught up is promoted while there are
 * fewer voters than wanted, unless it was made one by hand.
 */
#include "replica/replica_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "catalog/member.h"

#define JOB_MAX_MS 10000    /* on one leader */
#define ASK_MAX_MS 20000    /* over all leaders */
#define CAUGHT_UP 64        /* entries that a member may lack to be promoted */
#define TELL_REMOVED_MS 100 /* for the word that it is none any more to arrive */
#define JOBS_MAX 64
#define ORPHAN_MS 15000
#define REACH_MS 1500 /* a new leader has connected to all that run, and heard them */

struct job {
	struct list node;
	struct origin from; /* nobody waits when node is UINT64_MAX */
	uint8_t op;
	uint64_t target;
	uint64_t since_ms, removed_ms;
	char actor[LIMIT_ACTOR + 1];
	char name[PEER_NAME_MAX + 1], peer[120], client[120];
	char reason[96]; /* of a note */
	bool noted;
	bool proposing;
	struct proposal p;
	struct replica *replica;
	int code; /* of the proposal */
};

#define NOBODY UINT64_MAX
#define CHANGE_NOTE 32 /* only an event for the history */

/* ---- steps ------------------------------------------------------------- */

/* Steps return 0 (done), SVCD_EAGAIN (not yet) or why it cannot be, with e filled. */

static void on_proposed(struct proposal *p)
{
	struct job *j = container_of(p, struct job, p);

	j->proposing = false;
	j->code = p->outcome.code;
}

static int propose(struct job *j)
{
	if (j->p.command.error)
		return SVCD_ENOMEM;
	j->proposing = true;
	j->p.reply = j->replica->box;
	j->p.done = on_proposed;
	replica_propose(j->replica, &j->p);
	return SVCD_EAGAIN;
}

static int set_record(struct job *j, const struct member *m, const char *reason)
{
	int rc;

	buf_clear(&j->p.command);
	rc = command_member_set(m, bytes_str(j->actor), bytes_str(reason), &j->p.command);
	return rc == 0 ? propose(j) : rc;
}

static struct member record_of(const struct view *v)
{
	return (struct member){.node = v->node,
		.name = bytes_str(v->name),
		.peer = bytes_str(v->peer),
		.client = bytes_str(v->client),
		.standby = v->standby};
}

static int set_standby(
	struct job *j, const struct view *v, bool standby, const char *reason)
{
	struct member m = record_of(v);

	m.standby = standby;
	j->noted = true;
	return set_record(j, &m, reason);
}

static int change(struct replica *r, enum driver_change what, uint64_t node)
{
	int rc;

	if (r->change_in_flight)
		return SVCD_EAGAIN;
	r->change_in_flight = true; /* it may be over when driver_change returns */
	rc = driver_change(r->driver, replica_now_ms(r), what, node, &r->change_ticket);
	if (rc == 0)
		return SVCD_EAGAIN;
	r->change_in_flight = false;
	return rc == SVCD_EBUSY || rc == SVCD_ENOSPACE || rc == SVCD_EEXISTS ? SVCD_EAGAIN
									     : rc;
}

static bool settled(const struct replica *r)
{
	struct driver_status s;

	driver_status(r->driver, &s);
	return !s.changing;
}

static unsigned voters(const struct replica *r)
{
	struct driver_status s;

	driver_status(r->driver, &s);
	return s.voters;
}

/* The leader itself is demoted or removed by its successor. */
static int step_aside(struct replica *r)
{
	int rc = driver_transfer(r->driver, replica_now_ms(r), 0);

	return rc == 0 || rc == SVCD_EBUSY || rc == SVCD_ENOLEADER ? SVCD_EAGAIN : rc;
}

static int no_member(struct err *e)
{
	return err_set(e, SVCD_ENOTFOUND, "no member of the cluster has that name or id");
}

static bool caught_up(struct replica *r, uint64_t node)
{
	struct driver_member members[REPLICA_MEMBERS_MAX];
	size_t n = driver_members(r->driver, members, REPLICA_MEMBERS_MAX);
	struct driver_status s;

	driver_status(r->driver, &s);
	for (size_t i = 0; i < n && i < REPLICA_MEMBERS_MAX; i++)
		if (members[i].node == node)
			return members[i].match != 0 &&
				members[i].match + CAUGHT_UP >= s.last_index;
	return false;
}

/* A voter that is down confirms nothing, and one that cannot take over would stop all
 * writes while it is tried. */
static int reach(struct replica *r, const struct job *j, struct err *e)
{
	const struct view *v = members_find(r, j->target);

	if (!v || members_reachable(r, v))
		return 0;
	if (replica_now_ms(r) - j->since_ms < REACH_MS)
		return SVCD_EAGAIN;
	return err_set(e, SVCD_ECONFLICT, "%s cannot be reached: start it first",
		v->name[0] ? v->name : "that member");
}

static bool record_fits(const struct view *v, const struct job *j)
{
	return v && v->recorded && strcmp(v->name, j->name) == 0 &&
		strcmp(v->peer, j->peer) == 0 && strcmp(v->client, j->client) == 0;
}

static int step_record(struct job *j, const struct view *v)
{
	struct member m = {.node = j->target,
		.name = bytes_str(j->name),
		.peer = bytes_str(j->peer),
		.client = bytes_str(j->client),
		.standby = v && v->standby};

	return set_record(j, &m,
		j->op == CHANGE_JOIN       ? "joined"
			: v && v->recorded ? "its name or address changed"
					   : "began the cluster");
}

static int step_announce(struct replica *r, struct job *j, struct err *e)
{
	struct view *v = members_find(r, j->target);

	if (!v || !v->member)
		return err_set(e, SVCD_ENOTFOUND, "it is no member of this cluster");
	return record_fits(v, j) ? 0 : step_record(j, v);
}

static int step_join(struct replica *r, struct job *j, struct err *e)
{
	struct view *v = members_find(r, j->target);

	if (!j->peer[0])
		return err_set(e, SVCD_EINVAL,
			"it cannot be reached by other members: peers.listen is needed");
	if (!record_fits(v, j))
		return step_record(j, v);
	if (!v->member)
		return change(r, DRIVER_ADD_STANDBY, j->target);
	return settled(r) ? 0 : SVCD_EAGAIN;
}

static int step_promote(struct replica *r, struct job *j, struct err *e)
{
	struct view *v = members_find(r, j->target);
	int rc;

	if (!v || !v->member)
		return no_member(e);
	if (!v->voter && (rc = reach(r, j, e)) != 0)
		return rc;
	if (v->recorded && (v->standby || (!v->voter && !j->noted)))
		return set_standby(j, v, false, "promoted");
	if (!v->voter)
		return caught_up(r, j->target) ? change(r, DRIVER_PROMOTE, j->target)
					       : SVCD_EAGAIN;
	return settled(r) ? 0 : SVCD_EAGAIN;
}

static int step_demote(struct replica *r, struct job *j, struct err *e)
{
	struct view *v = members_find(r, j->target);

	if (!v || !v->member)
		return no_member(e);
	if (v->voter && voters(r) == 1)
		return err_set(e, SVCD_ECONFLICT,
			"it is the only voter: promote another member first");
	if (j->target == r->dir.node)
		return step_aside(r);
	if (v->recorded && !v->standby)
		return set_standby(j, v, true, "demoted");
	if (v->voter)
		return change(r, DRIVER_DEMOTE, j->target);
	return settled(r) ? 0 : SVCD_EAGAIN;
}

static int remove_record(struct replica *r, struct job *j, struct view *v)
{
	uint64_t now = replica_now_ms(r);
	int rc;

	if (j->removed_ms == 0) {
		j->removed_ms = now;
		beating_send(r, v);
	}
	if (now - j->removed_ms < TELL_REMOVED_MS)
		return SVCD_EAGAIN;
	buf_clear(&j->p.command);
	rc = command_member_remove(
		j->target, bytes_str(j->actor), bytes_str("removed"), &j->p.command);
	return rc == 0 ? propose(j) : rc;
}

static int step_remove(struct replica *r, struct job *j, struct err *e)
{
	struct view *v = members_find(r, j->target);

	if (v && v->voter && voters(r) == 1)
		return err_set(e, SVCD_ECONFLICT,
			"it is the only voter: promote another member first");
	if (j->target == r->dir.node)
		return step_aside(r);
	if (v && v->member)
		return change(r, DRIVER_REMOVE, j->target);
	if (!settled(r))
		return SVCD_EAGAIN;
	return v && v->recorded ? remove_record(r, j, v) : 0;
}

static int step_transfer(struct replica *r, struct job *j, struct err *e)
{
	struct driver_status s;
	int rc;

	driver_status(r->driver, &s);
	if (s.role != DRIVER_LEADER && (s.leader == 0 || s.leader == r->dir.node))
		return SVCD_EAGAIN;
	if (s.leader != r->dir.node && s.role != DRIVER_LEADER)
		return j->target == 0 || j->target == s.leader
			? 0
			: err_set(e, SVCD_ECONFLICT, "another member became the leader");
	if (j->target == r->dir.node)
		return 0;
	if (s.transferring)
		return SVCD_EAGAIN;
	rc = reach(r, j, e);
	if (rc != 0)
		return rc;
	rc = driver_transfer(r->driver, replica_now_ms(r), j->target);
	if (rc == SVCD_ENOTFOUND)
		return err_set(e, rc,
			j->target ? "no voter has that name or id"
				  : "there is no other voter");
	return rc == 0 || rc == SVCD_EBUSY ? SVCD_EAGAIN : rc;
}

static int step_note(struct replica *r, struct job *j, struct err *e)
{
	struct view *v = members_find(r, j->target);

	(void)e;
	if (!v || !v->recorded || j->noted)
		return 0;
	return set_standby(j, v, v->standby, j->reason);
}

static int step(struct replica *r, struct job *j, struct err *e)
{
	if (j->op == CHANGE_TRANSFER)
		return step_transfer(r, j, e);
	if (!replica_leads(r))
		return SVCD_ENOLEADER;
	switch (j->op) {
	case CHANGE_PROMOTE:
		return step_promote(r, j, e);
	case CHANGE_DEMOTE:
		return step_demote(r, j, e);
	case CHANGE_REMOVE:
		return step_remove(r, j, e);
	case CHANGE_ANNOUNCE:
		return step_announce(r, j, e);
	case CHANGE_JOIN:
		return step_join(r, j, e);
	default:
		return step_note(r, j, e);
	}
}

/* ---- jobs -------------------------------------------------------------- */

static void job_free(struct job *j)
{
	buf_fini(&j->p.command);
	buf_fini(&j->p.outcome.incarnations);
	free(j);
}

static void job_over(struct replica *r, struct job *j, int code, const char *text)
{
	list_remove(&j->node);
	if (j->from.node != NOBODY)
		calls_answer(r, j->from, PEER_CHANGE, code, bytes_str(text));
	job_free(j);
}

static bool worth_waiting(int code)
{
	return code == SVCD_EAGAIN || code == SVCD_ENOLEADER || code == SVCD_EUNKNOWN ||
		code == SVCD_EBUSY || code == 0;
}

static void job_run(struct replica *r, struct job *j)
{
	struct err e = {0};
	int rc;

	if (j->proposing)
		return;
	if (!worth_waiting(j->code)) {
		job_over(r, j, j->code, j->p.outcome.text);
		return;
	}
	rc = step(r, j, &e);
	if (rc == SVCD_EAGAIN && replica_now_ms(r) - j->since_ms < JOB_MAX_MS)
		return;
	if (j->proposing)
		return; /* it is freed when that is over */
	if (rc == SVCD_EAGAIN)
		rc = err_set(&e, SVCD_EBUSY,
			"it takes longer than expected: look at the members, and try again");
	job_over(r, j, rc, e.text[0] ? e.text : err_text(rc));
}

static struct job *job_new(
	struct replica *r, struct origin from, const struct change_request *q)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->replica = r;
	j->from = from;
	j->op = q->op;
	j->target = q->node;
	j->since_ms = replica_now_ms(r);
	text_copy(j->actor, sizeof(j->actor), q->actor);
	text_copy(j->name, sizeof(j->name), q->name);
	text_copy(j->peer, sizeof(j->peer), q->peer);
	text_copy(j->client, sizeof(j->client), q->client);
	list_push(&r->jobs, &j->node);
	return j;
}

static size_t count_jobs(struct replica *r)
{
	struct list *it, *tmp;
	size_t n = 0;

	list_each(&r->jobs, it, tmp)
		n++;
	return n;
}

/* Id and name are those of the connection, where a certificate proves the name. */
static bool is_of_itself(
	const struct replica *r, struct origin from, const struct change_request *q)
{
	return q->node == from.node &&
		bytes_eq_str(q->name, peers_name(r->peers, from.node));
}

/* What a member says of itself nobody else may say; but a member passes on who wants to
 * join, whom it has looked at. Who is no member, or none any more, asks for nobody else.
 */
static bool may_say(struct replica *r, struct origin from, const struct change_request *q)
{
	const struct view *v = members_find(r, from.node);

	if (from.node == 0)
		return true;
	if (q->op != CHANGE_JOIN && q->op != CHANGE_ANNOUNCE)
		return v || q->node == from.node;
	return is_of_itself(r, from, q) || (q->op == CHANGE_JOIN && v && v->member);
}

static void refuse_to_say(struct replica *r, struct origin from)
{
	calls_answer(r, from, PEER_CHANGE, SVCD_EDENIED,
		bytes_str("who asked is no member, or not the one that this is about"));
}

/* What it has begun to do goes on by the next changing_run. */
void changing_serve(struct replica *r, struct origin from, struct bytes body)
{
	struct change_request q;

	if (!change_request_read(body, &q))
		calls_answer(r, from, PEER_CHANGE, SVCD_EPROTOCOL, BYTES_NONE);
	else if (!may_say(r, from, &q))
		refuse_to_say(r, from);
	else if (count_jobs(r) >= JOBS_MAX || !job_new(r, from, &q))
		calls_answer(r, from, PEER_CHANGE, SVCD_EBUSY, BYTES_NONE);
}

/* A member to be does not know who leads: whom it asks passes that on, once. */
static void on_relayed(struct replica *r, struct call *c, int code, struct bytes text)
{
	struct origin *from = c->arg;

	calls_answer(r, *from, PEER_CHANGE, code, text);
	free(from);
}

bool changing_relay(struct replica *r, struct origin from, struct bytes body)
{
	struct origin *copy;
	struct change_request q;
	struct call *c;

	if (!change_request_read(body, &q) || q.op != CHANGE_JOIN || q.node != from.node)
		return false;
	if (!is_of_itself(r, from, &q)) {
		refuse_to_say(r, from);
		return true;
	}
	copy = malloc(sizeof(*copy));
	c = copy ? call_new(PEER_CHANGE, on_relayed, copy) : NULL;
	if (!c) {
		free(copy);
		return false;
	}
	*copy = from;
	buf_put_bytes(&c->body, body);
	call_send(r, c);
	return true;
}

/* ---- by itself --------------------------------------------------------- */

static void note_promoted(struct replica *r)
{
	struct change_request q = {
		.op = CHANGE_NOTE, .node = r->promoted, .actor = bytes_str("svcd")};
	struct job *j = job_new(r, (struct origin){.node = NOBODY}, &q);

	if (j)
		snprintf(
			j->reason, sizeof(j->reason), "became a voter: it had caught up");
	r->promoted = 0;
}

static bool wants_promotion(struct replica *r, const struct view *v)
{
	return v->member && !v->voter && v->recorded && !v->standby &&
		members_reachable(r, v) && caught_up(r, v->node);
}

static void promote_one(struct replica *r)
{
	for (size_t i = 0; i < r->roster.n; i++) {
		const struct view *v = &r->roster.views[i];

		if (!wants_promotion(r, v))
			continue;
		(void)change(r, DRIVER_PROMOTE, v->node); /* or at the next beat */
		r->promoted = r->change_in_flight ? v->node : 0;
		if (r->promoted)
			log_info("member_promoted", L_STR("name", v->name));
		return;
	}
}

/* What a leader that went left of a member that it removed, or was about to add. */
static void remove_orphans(struct replica *r)
{
	uint64_t now = replica_now_ms(r);

	for (size_t i = 0; i < r->roster.n; i++) {
		struct view *v = &r->roster.views[i];
		struct change_request q = {
			.op = CHANGE_REMOVE, .node = v->node, .actor = bytes_str("svcd")};

		if (!v->recorded || v->member)
			v->orphan_ms = 0;
		else if (v->orphan_ms == 0)
			v->orphan_ms = now;
		else if (now - v->orphan_ms > ORPHAN_MS &&
			job_new(r, (struct origin){.node = NOBODY}, &q))
			v->orphan_ms = now;
	}
}

static void evaluate_rules(struct replica *r)
{
	const struct view *v = r->promoted ? members_find(r, r->promoted) : NULL;

	if (!replica_leads(r) || !settled(r) || r->change_in_flight)
		return;
	remove_orphans(r);
	if (v && v->voter)
		note_promoted(r);
	else if (voters(r) < r->voters)
		promote_one(r);
}

static void send_again(struct replica *r);

void changing_run(struct replica *r)
{
	struct list *it, *tmp;

	if (r->roster_stale)
		members_refresh(r);
	if (r->peers)
		evaluate_rules(r);
	list_each(&r->jobs, it, tmp)
		job_run(r, container_of(it, struct job, node));
	send_again(r);
}

void changing_committed(struct replica *r)
{
	r->change_in_flight = false;
	r->roster_stale = true;
}

void changing_lost(struct replica *r)
{
	r->change_in_flight = false;
	r->promoted = 0;
	r->roster_stale = true;
}

void changing_stop(struct replica *r)
{
	struct list *n;

	while ((n = list_pop(&r->jobs)) != NULL)
		job_free(container_of(n, struct job, node));
}

/* ---- who asks ---------------------------------------------------------- */

static void deliver_change(struct mail *m)
{
	struct replica_change *x = container_of(m, struct replica_change, mail);

	x->done(x);
}

static void finish(struct replica_change *x, int code, struct bytes text)
{
	if (code != 0 && text.len == 0)
		text = bytes_str(err_text(code));
	x->code = code;
	text_copy(x->text, sizeof(x->text), text);
	x->mail.deliver = deliver_change;
	mailbox_post(x->reply, &x->mail);
}

static void on_over(struct replica *r, struct call *c, int code, struct bytes text)
{
	struct replica_change *x = c->arg;
	bool again = code == SVCD_ENOLEADER || code == SVCD_EUNKNOWN;
	bool left = r->removed && x->kind == CHANGE_REMOVE && x->node == r->dir.node;

	if (left) /* the answer was cut off with the rest */
		finish(x, 0, bytes_str(""));
	else if (again && !r->stopping && replica_now_ms(r) - x->internal[1] < ASK_MAX_MS)
		list_push(&r->changes_again, &x->mail.node);
	else
		finish(x, code, text);
}

/* Leadership was to go to anybody, and has gone: the word of it was lost with the leader
 * that it was asked of. To ask the new one would send it on. */
static bool has_gone(const struct replica *r, const struct replica_change *x)
{
	struct driver_status s;

	if (x->kind != CHANGE_TRANSFER || x->node != 0)
		return false;
	driver_status(r->driver, &s);
	return x->internal[2] != 0 && s.leader != 0 && s.leader != x->internal[2];
}

static void ask(struct replica *r, struct replica_change *x)
{
	struct change_request q = {.op = (uint8_t)x->kind,
		.node = x->node,
		.actor = bytes_of(x->actor, strnlen(x->actor, sizeof(x->actor)))};
	struct call *c;

	if (has_gone(r, x)) {
		finish(x, 0, bytes_str(""));
		return;
	}
	c = call_new(PEER_CHANGE, on_over, x);
	if (!c) {
		finish(x, SVCD_ENOMEM, BYTES_NONE);
		return;
	}
	change_request_put(&c->body, &q);
	call_send(r, c);
}

static void send_again(struct replica *r)
{
	struct list now, *n;

	list_init(&now);
	list_splice(&now, &r->changes_again);
	while ((n = list_pop(&now)) != NULL)
		ask(r, container_of(n, struct replica_change, mail.node));
}

void changing_refuse(struct replica *r, int code)
{
	struct list *n;

	while ((n = list_pop(&r->changes_again)) != NULL)
		finish(container_of(n, struct replica_change, mail.node), code,
			BYTES_NONE);
}

static void on_change(struct mail *m)
{
	struct replica_change *x = container_of(m, struct replica_change, mail);
	struct replica *r = (struct replica *)(uintptr_t)x->internal[0];
	struct driver_status s;

	driver_status(r->driver, &s);
	x->internal[1] = replica_now_ms(r);
	x->internal[2] = s.leader;
	ask(r, x);
}

void replica_change(struct replica *r, struct replica_change *x)
{
	x->internal[0] = (uintptr_t)r;
	x->mail.deliver = on_change;
	mailbox_post(r->box, &x->mail);
}

/* What a member says of itself: op is CHANGE_ANNOUNCE or CHANGE_JOIN. */
void changing_put_self(const struct replica *r, uint8_t op, struct buf *out)
{
	struct change_request q = {.op = op,
		.node = r->dir.node,
		.actor = bytes_str(r->name),
		.name = bytes_str(r->name),
		.peer = bytes_str(r->peers ? peers_address(r->peers) : ""),
		.client = bytes_str(r->client)};

	change_request_put(out, &q);
}
