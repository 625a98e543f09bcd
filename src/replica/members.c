/*
 * What this member knows of all members: the table of their addresses, the configuration
 * of the engine, and what they say of themselves.
 */
#include "replica/replica_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "catalog/member.h"
#include "replica/removed.h"

struct view *members_find(struct replica *r, uint64_t node)
{
	for (size_t i = 0; i < r->roster.n; i++)
		if (r->roster.views[i].node == node)
			return &r->roster.views[i];
	return NULL;
}

static struct view *find_or_add(struct replica *r, uint64_t node)
{
	struct view *v = members_find(r, node);

	if (v || r->roster.n == REPLICA_MEMBERS_MAX)
		return v;
	v = &r->roster.views[r->roster.n++];
	*v = (struct view){.node = node};
	return v;
}

static bool take_record(void *arg, const struct member *m)
{
	struct replica *r = arg;
	struct view *v = find_or_add(r, m->node);

	if (!v)
		return false;
	v->recorded = true;
	v->standby = m->standby;
	text_copy(v->name, sizeof(v->name), m->name);
	text_copy(v->peer, sizeof(v->peer), m->peer);
	text_copy(v->client, sizeof(v->client), m->client);
	return true;
}

static void read_records(struct replica *r)
{
	struct tables *t = store_read_begin(r->reader);

	if (!t)
		return; /* as it was; the next time */
	catalog_each_member(t, take_record, r);
	if (t->error)
		log_warn("members_not_read", L_ERR(t->error));
	store_read_end(r->reader);
}

static void read_configuration(struct replica *r)
{
	struct driver_member members[REPLICA_MEMBERS_MAX];
	size_t n = driver_members(r->driver, members, REPLICA_MEMBERS_MAX);

	for (size_t i = 0; i < n && i < REPLICA_MEMBERS_MAX; i++) {
		struct view *v = find_or_add(r, members[i].node);

		if (!v)
			continue;
		v->member = true;
		v->voter = members[i].voter;
	}
}

static void forget_stranger(struct replica *r, uint64_t node)
{
	if (!r->peers)
		return;
	(void)peers_set_address(r->peers, node, NULL);
	(void)peers_set_name(r->peers, node, NULL);
}

/* Who is in neither is forgotten. It may still be about to join: only those that were
 * members are refused. */
static void drop_gone(struct replica *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->roster.n; i++) {
		struct view *v = &r->roster.views[i];

		if (v->recorded || v->member || v->node == r->dir.node)
			r->roster.views[kept++] = *v;
		else
			forget_stranger(r, v->node);
	}
	r->roster.n = kept;
}

/* Who was a member and is none any more is not talked to. */
static void refuse_removed(struct replica *r)
{
	uint64_t gone[REMOVED_MAX];
	struct tables *t = r->peers ? store_read_begin(r->reader) : NULL;
	size_t n = 0;

	if (!t)
		return;
	n = removed_read(t, gone);
	store_read_end(r->reader);
	for (size_t i = 0; i < n; i++)
		if (!members_find(r, gone[i]))
			peers_forget(r->peers, gone[i]);
}

static void feed_peers(struct replica *r)
{
	for (size_t i = 0; r->peers && i < r->roster.n; i++) {
		const struct view *v = &r->roster.views[i];

		if (v->node == r->dir.node || !v->recorded)
			continue;
		(void)peers_set_address(
			r->peers, v->node, v->hello[0] ? v->hello : v->peer);
		(void)peers_set_name(r->peers, v->node, v->name);
	}
}

void members_refresh(struct replica *r)
{
	r->roster_stale = false;
	for (size_t i = 0; i < r->roster.n; i++)
		r->roster.views[i].recorded = r->roster.views[i].member =
			r->roster.views[i].voter = false;
	find_or_add(r, r->dir.node);
	read_records(r);
	read_configuration(r);
	drop_gone(r);
	refuse_removed(r);
	feed_peers(r);
	members_copy(r);
}

/* ---- the configuration as applied -------------------------------------- */

void members_applied(struct replica *r, struct bytes encoded)
{
	struct driver_member members[REPLICA_MEMBERS_MAX];
	ssize_t n = driver_decode_members(encoded, members, REPLICA_MEMBERS_MAX);
	bool was = r->in_config;

	r->in_config = false;
	for (ssize_t i = 0; i < n && i < REPLICA_MEMBERS_MAX; i++)
		r->in_config |= members[i].node == r->dir.node;
	if (was && !r->in_config && !r->joining)
		members_removed(r, NULL);
	r->roster_stale = true;
}

/* A member that is none any more keeps what it has, and keeps quiet. */
void members_removed(struct replica *r, const char *why)
{
	if (r->removed)
		return;
	r->removed = true;
	r->status_stale = true;
	log_error("removed_from_cluster",
		L_STR("text",
			why != NULL
				? why
				: "this member was removed from its cluster: stop it; to "
				  "let it join again, give it an empty data "
				  "directory"));
}

/* ---- for those who ask ------------------------------------------------- */

bool members_reachable(const struct replica *r, const struct view *v)
{
	uint64_t window = r->election_ms > 3 * BEAT_MS ? r->election_ms : 3 * BEAT_MS;

	return v->node == r->dir.node ||
		(v->heard_ms != 0 && replica_now_ms(r) - v->heard_ms <= window &&
			peers_present(r->peers, v->node));
}

static void fill_self(struct replica *r, struct replica_member *m)
{
	struct stream_progress p = {0};
	struct driver_status s;

	driver_status(r->driver, &s);
	m->self = true;
	m->applied = r->applied_index;
	m->rev = r->rev;
	m->heard_ms = 0;
	m->sync_us = s.sync_us;
	m->config_hash = r->config_hash;
	m->diverged = r->diverged;
	m->incomplete = r->incomplete;
	m->joining = r->joining;
	m->removed = r->removed;
	if (r->streams)
		streams_status(r->streams, 0, &p);
	m->snapshot_done = p.done;
	m->snapshot_bytes = p.bytes;
	snprintf(m->version, sizeof(m->version), "%s", SVCD_VERSION);
	if (!m->name[0])
		snprintf(m->name, sizeof(m->name), "%s", r->name);
	if (!m->peer[0] && r->peers)
		snprintf(m->peer, sizeof(m->peer), "%s", peers_address(r->peers));
	if (!m->client[0])
		snprintf(m->client, sizeof(m->client), "%s", r->client);
}

static void fill_other(struct replica *r, const struct view *v, struct replica_member *m)
{
	struct stream_progress p = {0};

	m->applied = v->said.applied;
	m->rev = v->said.rev;
	m->sync_us = v->said.sync_us;
	m->rtt_us = v->rtt_us;
	m->wall_diff_ms = v->wall_diff_ms;
	m->config_hash = v->said.config_hash;
	m->diverged = v->differs || (v->said.flags & BEAT_DIVERGED);
	m->disputed = v->disputed && !m->diverged && !r->diverged;
	m->incomplete = v->incomplete || (v->said.flags & BEAT_LACKS);
	snprintf(m->version, sizeof(m->version), "%s", v->version);
	if (r->streams)
		streams_status(r->streams, v->node, &p);
	if (p.active && p.sending) {
		m->snapshot_done = p.done;
		m->snapshot_bytes = p.bytes;
	}
	if (r->peers && !m->reachable) {
		snprintf(m->trouble, sizeof(m->trouble), "%s",
			peers_trouble(r->peers, v->node));
		m->trouble_code = peers_trouble_code(r->peers, v->node);
	}
}

static void fill(struct replica *r, const struct view *v, uint64_t leader,
	struct replica_member *m)
{
	uint64_t now = replica_now_ms(r);

	*m = (struct replica_member){
		.node = v->node,
		.leader = v->node == leader,
		.voter = v->voter,
		.reachable = members_reachable(r, v),
		.heard_ms = v->heard_ms ? now - v->heard_ms : UINT64_MAX,
	};
	memcpy(m->name, v->name, sizeof(m->name));
	memcpy(m->peer, v->peer, sizeof(m->peer));
	memcpy(m->client, v->client, sizeof(m->client));
	if (v->node == r->dir.node)
		fill_self(r, m);
	else
		fill_other(r, v, m);
}

/* As leader: how far each one is. */
static void fill_behind(struct replica *r, const struct driver_status *s,
	struct replica_member *out, size_t n)
{
	struct driver_member members[REPLICA_MEMBERS_MAX];
	size_t known = driver_members(r->driver, members, REPLICA_MEMBERS_MAX);

	if (s->role != DRIVER_LEADER)
		return;
	for (size_t i = 0; i < known && i < REPLICA_MEMBERS_MAX; i++)
		for (size_t k = 0; k < n; k++)
			if (out[k].node == members[i].node && !out[k].self)
				out[k].behind = s->last_index - members[i].match;
}

void members_copy(struct replica *r)
{
	struct replica_member all[REPLICA_MEMBERS_MAX];
	struct driver_status s;

	driver_status(r->driver, &s);
	for (size_t i = 0; i < r->roster.n; i++)
		fill(r, &r->roster.views[i], s.leader, &all[i]);
	fill_behind(r, &s, all, r->roster.n);
	pthread_mutex_lock(&r->members_lock);
	memcpy(r->members, all, r->roster.n * sizeof(all[0]));
	r->n_members = r->roster.n;
	pthread_mutex_unlock(&r->members_lock);
}

/* Where there is nobody else the copy is as old as the start: what moves is in the
 * status. */
static void bring_up_to_date(struct replica *r, struct replica_member *self)
{
	struct replica_status s;

	replica_status(r, &s);
	self->applied = s.applied_index;
	self->rev = s.rev;
	self->leader = s.leader == self->node;
}

size_t replica_members(struct replica *r, struct replica_member *out, size_t max)
{
	size_t n;

	pthread_mutex_lock(&r->members_lock);
	n = r->n_members < max ? r->n_members : max;
	memcpy(out, r->members, n * sizeof(*out));
	pthread_mutex_unlock(&r->members_lock);
	for (size_t i = 0; i < n; i++)
		if (out[i].self)
			bring_up_to_date(r, &out[i]);
	return n;
}
