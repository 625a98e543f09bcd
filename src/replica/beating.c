/*
 * What members tell each other every BEAT_MS: how far they are, how they are, and digests
 * of their states. Equal states have equal digests at equal indexes (promise 5): a member
 * that differs from a majority of the voters does not serve any more.
 */
#include "replica/replica_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define ALARM_AGAIN_MS 10000
#define SETTLE_MAX_MS 5000 /* an answer that this member does not get to apply */

/* ---- digests ----------------------------------------------------------- */

/* Called for every transaction: of those that end at a point the digest is kept. */
void beating_note_point(struct replica *r, uint64_t index, uint64_t digest)
{
	r->now = (struct point){index, digest};
	if (index % DRIVER_POINT == 0)
		r->points[index / DRIVER_POINT % POINTS_KEPT] = r->now;
}

static const struct point *own_point(const struct replica *r, uint64_t index)
{
	const struct point *p = &r->points[index / DRIVER_POINT % POINTS_KEPT];

	if (r->now.index == index)
		return &r->now;
	return index % DRIVER_POINT == 0 && p->index == index ? p : NULL;
}

static const struct point *told_point(const struct view *v, uint64_t index)
{
	for (size_t i = 0; i <= BEAT_POINTS; i++)
		if (v->points[i].index == index)
			return &v->points[i];
	return NULL;
}

/* Voters that have digest at index, of those whose word we have. */
static size_t votes_for(const struct replica *r, uint64_t index, uint64_t digest)
{
	size_t n = 0;

	for (size_t i = 0; i < r->roster.n; i++) {
		const struct view *v = &r->roster.views[i];
		const struct point *p = v->node == r->dir.node ? own_point(r, index)
							       : told_point(v, index);

		n += v->voter && p && p->digest == digest;
	}
	return n;
}

static size_t count_voters(const struct replica *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->roster.n; i++)
		n += r->roster.views[i].voter;
	return n;
}

static void set_diverged(struct replica *r, uint64_t index)
{
	if (r->diverged)
		return;
	r->diverged = true;
	r->status_stale = true;
	log_error("diverged", L_U64("index", index),
		L_STR("text",
			"the state of this member differs from that of a majority of the "
			"voters: it answers no lookups any more. Stop it, keep a copy of its "
			"data directory for an analysis, and let it join again with an empty "
			"one"));
}

/* What differs must not decide for the others. */
static void give_up_leadership(struct replica *r)
{
	if (replica_leads(r))
		(void)driver_transfer(r->driver, replica_now_ms(r), 0);
}

static void alarm_about(struct replica *r, struct view *v, uint64_t index)
{
	uint64_t now = replica_now_ms(r);

	if (v->told_ms != 0 && now - v->told_ms < ALARM_AGAIN_MS)
		return;
	v->told_ms = now;
	log_error("digest_differs", L_STR("member", v->name), L_U64("index", index),
		L_STR("text",
			"the states of this member and of that one differ at the same index"));
}

static void compare(struct replica *r, struct view *v, const struct point *theirs)
{
	const struct point *ours = own_point(r, theirs->index);
	size_t half = count_voters(r) / 2;

	if (theirs->index == 0 || !ours)
		return;
	if (ours->digest == theirs->digest) {
		v->differs = v->disputed = false;
		return;
	}
	alarm_about(r, v, theirs->index);
	v->differs = votes_for(r, theirs->index, ours->digest) > half;
	if (votes_for(r, theirs->index, theirs->digest) > half)
		set_diverged(r, theirs->index);
	v->disputed = !v->differs && !r->diverged;
}

/* ---- lost entries ------------------------------------------------------ */

static void note_incomplete(
	const struct replica *r, struct view *v, const struct driver_member *m)
{
	if (m->incomplete && !v->incomplete)
		log_error("entries_lost", L_STR("member", v->name),
			L_U64("has", m->match),
			L_STR("text",
				"its log ends before what it had confirmed: an older copy of its "
				"data directory, or a bad disk. Remove it, and let it join again "
				"with an empty one"));
	v->incomplete = m->incomplete && replica_leads(r);
}

/* What the driver found out as leader; who does not lead does not know. */
static void look_for_lost_entries(struct replica *r)
{
	struct driver_member members[REPLICA_MEMBERS_MAX];
	size_t n = driver_members(r->driver, members, REPLICA_MEMBERS_MAX);

	for (size_t i = 0; i < n && i < REPLICA_MEMBERS_MAX; i++) {
		struct view *v = members_find(r, members[i].node);

		if (v != NULL)
			note_incomplete(r, v, &members[i]);
	}
}

/* The leader says that we lack entries, or do not any more. */
static void set_incomplete(struct replica *r, bool incomplete)
{
	if (r->incomplete == incomplete)
		return;
	r->incomplete = incomplete;
	r->status_stale = true;
	if (incomplete)
		log_error("entries_lost", L_STR("member", r->name),
			L_STR("text",
				"the log of this member ends before what it had confirmed: this "
				"is an older copy of its data directory, or the disk is bad. Let "
				"it be removed, and join again with an empty directory"));
}

/* ---- sending ----------------------------------------------------------- */

static void fill_points(const struct replica *r, struct beat *b)
{
	uint64_t newest = r->now.index / DRIVER_POINT;

	b->now = r->now;
	for (uint64_t i = 0; i < BEAT_POINTS && i < newest; i++) {
		const struct point *p = &r->points[(newest - i) % POINTS_KEPT];

		if (p->index == (newest - i) * DRIVER_POINT)
			b->points[i] = *p;
	}
}

static void fill_beat(struct replica *r, struct beat *b)
{
	struct driver_status s;

	driver_status(r->driver, &s);
	*b = (struct beat){
		.flags = (uint8_t)((s.ready ? BEAT_LEADER : 0) |
			(r->diverged ? BEAT_DIVERGED : 0) |
			(r->incomplete ? BEAT_LACKS : 0) |
			(r->joining ? BEAT_JOINING : 0) |
			(store_space(r->files.store) != 0 ? BEAT_SPACE_LOW : 0)),
		.term = s.term,
		.applied = r->applied_index,
		.rev = r->rev,
		.time_ms = s.ready ? replica_time_ms(r) : 0,
		.wall_ms = clock_wall_ms(),
		.sync_us = s.sync_us,
		.config_hash = r->config_hash,
		.name = bytes_str(r->name),
		.version = bytes_str(SVCD_VERSION),
	};
	fill_points(r, b);
}

/* To a member that we, its leader, do not have in the configuration any more. Not before
 * that is committed: it would keep quiet for nothing. */
static bool is_removed(
	const struct replica *r, const struct beat *b, const struct view *v)
{
	struct driver_status s;

	driver_status(r->driver, &s);
	return (b->flags & BEAT_LEADER) && !s.changing && v->recorded && !v->member;
}

void beating_send(struct replica *r, struct view *v)
{
	struct buf out = {0};
	struct beat b;

	fill_beat(r, &b);
	if (is_removed(r, &b, v))
		b.flags |= BEAT_REMOVED;
	if (v->incomplete)
		b.flags |= BEAT_YOU_LACK;
	b.sent_us = clock_now_us();
	b.echo_us = v->said.sent_us;
	b.held_us = v->said_at_us ? b.sent_us - v->said_at_us : 0;
	beat_encode(&out, &b);
	if (out.error == 0) /* lost ones are followed by others */
		(void)peers_send(
			r->peers, v->node, PEER_RAFT, PEER_BEAT, buf_bytes(&out));
	buf_fini(&out);
}

/* To somebody who takes himself for a member and is none: he was away when he was
 * removed. */
void beating_tell_stranger(struct replica *r, uint64_t node)
{
	struct buf out = {0};
	struct driver_status s;
	struct beat b;

	driver_status(r->driver, &s);
	if (!s.ready || s.changing || replica_now_ms(r) - r->stranger_told_ms < BEAT_MS)
		return;
	r->stranger_told_ms = replica_now_ms(r);
	fill_beat(r, &b);
	b.flags |= BEAT_REMOVED;
	b.sent_us = clock_now_us();
	beat_encode(&out, &b);
	if (out.error == 0)
		(void)peers_reply(r->peers, node, PEER_RAFT, PEER_BEAT, buf_bytes(&out));
	buf_fini(&out);
}

/* A voter that hears us and whose disk has room: the one that has applied most. 0: none
 */
static uint64_t voter_with_room(const struct replica *r)
{
	uint64_t best = 0, most = 0;

	for (size_t i = 0; i < r->roster.n; i++) {
		const struct view *v = &r->roster.views[i];

		if (v->node == r->dir.node || !v->voter || !members_reachable(r, v) ||
			(v->said.flags & (BEAT_SPACE_LOW | BEAT_DIVERGED)) != 0)
			continue;
		if (best == 0 || v->said.applied > most) {
			best = v->node;
			most = v->said.applied;
		}
	}
	return best;
}

/* A leader without room refuses all writes: one that has room had better lead. */
static void look_for_room(struct replica *r)
{
	uint64_t heir;

	if (!replica_leads(r) || store_space(r->files.store) == 0)
		return;
	heir = voter_with_room(r);
	if (heir != 0)
		(void)driver_transfer(r->driver, replica_now_ms(r), heir);
}

void beating_on_timer(void *arg)
{
	struct replica *r = arg;
	uint64_t now = replica_now_ms(r);

	look_for_lost_entries(r);
	for (size_t i = 0; i < r->roster.n && !r->removed; i++) {
		struct view *v = &r->roster.views[i];

		if (v->node == r->dir.node)
			continue;
		beating_send(r, v);
		peers_connect(r->peers, v->node, PEER_FORWARD);
	}
	if (now > SETTLE_MAX_MS)
		forward_give_up(r, now - SETTLE_MAX_MS);
	network_progress(r);
	joining_round(r);
	changing_run(r);
	handover_check(r);
	if (r->diverged)
		give_up_leadership(r);
	look_for_room(r);
	members_copy(r);
	r->status_stale = true;
	timer_set(&r->beat_timer, BEAT_MS);
}

void beating_start(struct replica *r)
{
	timer_set(&r->beat_timer, BEAT_MS);
}

/* ---- receiving --------------------------------------------------------- */

static void note_round_trip(struct view *v, const struct beat *b, uint64_t now_us)
{
	uint64_t passed = now_us - b->echo_us, sample;

	if (b->echo_us == 0 || b->echo_us > now_us || b->held_us > passed)
		return;
	sample = passed - b->held_us;
	v->rtt_us = v->rtt_us ? (7 * v->rtt_us + sample) / 8 : sample;
}

static void note_words(struct view *v, const struct beat *b, uint64_t now_us)
{
	v->said = *b;
	v->said_at_us = now_us;
	v->wall_diff_ms = (int64_t)(b->wall_ms - clock_wall_ms());
	text_copy(v->version, sizeof(v->version), b->version);
	if (!v->name[0])
		text_copy(v->name, sizeof(v->name), b->name);
	v->said.name = v->said.version = BYTES_NONE;
	v->points[0] = b->now;
	memcpy(&v->points[1], b->points, sizeof(b->points));
}

void beating_on_beat(struct replica *r, uint64_t from, struct bytes body)
{
	struct view *v = members_find(r, from);
	uint64_t now_us = clock_now_us();
	struct beat b;

	if (beat_decode(body, &b) != 0) {
		log_warn(
			"peer_frame_damaged", L_STR("kind", "beat"), L_U64("from", from));
		return;
	}
	if ((b.flags & BEAT_REMOVED) && !r->joining)
		members_removed(r, NULL);
	if (b.flags & BEAT_LEADER)
		set_incomplete(r, (b.flags & BEAT_YOU_LACK) != 0);
	if ((b.flags & BEAT_LEADER) && b.time_ms > r->heard_time_ms)
		r->heard_time_ms = b.time_ms;
	if (!v)
		return;
	note_round_trip(v, &b, now_us);
	note_words(v, &b, now_us);
	for (size_t i = 0; i <= BEAT_POINTS; i++)
		compare(r, v, &v->points[i]);
}
