/*
 * Registering. By (ns, service, id):
 *	absent                        new incarnation
 *	there, same lease, same spec  nothing
 *	there, same lease             the spec is replaced
 *	there, other lease            taken over: new incarnation
 */
#include <inttypes.h>

#include "catalog/ref.h"
#include "catalog/work.h"

/* What one command says of all its instances. */
struct common {
	uint64_t lease;
	bool if_absent;
};

static bool lease_exists(struct catalog *c, uint64_t lease)
{
	struct bytes record;
	struct key key;

	if (lease == 0 || lease == c->known_lease)
		return true;
	key_u64(&key, lease);
	if (!table_get(c->t, TABLE_LEASE, key_bytes(&key), &record))
		return false;
	c->known_lease = lease;
	return true;
}

static int refuse_lease(struct catalog *c, uint64_t lease)
{
	return err_set(&c->why, SVCD_ENOLEASE,
		"no lease %" PRIu64 ": it ended or was never granted", lease);
}

static int refuse_stale(struct catalog *c, const struct ref *ref, const struct touch *t)
{
	return err_set(&c->why, SVCD_ESTALE,
		"'" FMT_BYTES "' of service '" FMT_BYTES "': incarnation %" PRIu64
		" was taken over, the current one is %" PRIu64,
		ARG_BYTES(ref->key.id), ARG_BYTES(ref->key.service), ref->incarnation,
		t->now.state.incarnation);
}

static int refuse_exists(struct catalog *c, const struct ref *ref)
{
	return err_set(&c->why, SVCD_EEXISTS,
		"'" FMT_BYTES "' of service '" FMT_BYTES "' exists",
		ARG_BYTES(ref->key.id), ARG_BYTES(ref->key.service));
}

static void set_spec(struct touch *t, const struct registration *g)
{
	struct instance_state *s = &t->now.state;

	s->weight = g->weight;
	s->tier = g->tier;
	s->has_checks = g->checks.len > 0;
	t->now.spec = g->spec;
	t->now.spec_n = g->spec_n;
	t->now.checks = g->checks;
}

static void set_health(
	struct catalog *c, struct instance_state *s, enum health_state health)
{
	s->health = health;
	s->health_rev = c->rev;
	s->health_reason = BYTES_NONE;
}

/* As the owner asks, unless somebody else has set it. */
static bool set_admin(struct catalog *c, struct instance_state *s, int admin)
{
	if (admin < 0 || (enum admin_state)admin == s->admin)
		return false;
	if (s->admin != ADMIN_ENABLED && !s->admin_self)
		return false;
	s->admin = (enum admin_state)admin;
	s->admin_self = s->admin != ADMIN_ENABLED;
	s->admin_actor = s->admin_self ? c->actor : BYTES_NONE;
	s->admin_reason = BYTES_NONE;
	s->admin_until_ms = 0;
	return true;
}

static void register_new(struct catalog *c, struct touch *t, const struct common *common,
	const struct registration *g, enum cause_kind cause)
{
	t->live = true;
	t->restart = true;
	t->now.state = (struct instance_state){
		.incarnation = c->rev,
		.lease = common->lease,
		.registered_wall_ms = c->wall_ms,
	};
	set_spec(t, g);
	set_health(
		c, &t->now.state, g->checks.len > 0 ? HEALTH_STARTING : HEALTH_PASSING);
	set_admin(c, &t->now.state, g->admin);
	touch_change(t, cause, c->actor, BYTES_NONE);
}

/* The new owner does not undo what somebody else has decided about the instance. */
static void keep_admin(struct instance_state *now, const struct instance_state *before)
{
	if (before->admin == ADMIN_ENABLED || before->admin_self)
		return;
	now->admin = before->admin;
	now->admin_self = false;
	now->admin_actor = before->admin_actor;
	now->admin_reason = before->admin_reason;
	now->admin_until_ms = before->admin_until_ms;
}

static void register_over(struct catalog *c, struct touch *t, const struct common *common,
	const struct registration *g)
{
	struct instance_state before = t->now.state;
	bool taken = before.life == LIFE_REGISTERED;

	register_new(c, t, common, g, taken ? CAUSE_TAKEN_OVER : CAUSE_REGISTERED);
	keep_admin(&t->now.state, &before);
}

static bool same_spec(const struct touch *t, const struct registration *g)
{
	const struct instance *i = &t->now;

	return i->state.weight == g->weight && i->state.tier == g->tier &&
		bytes_eq(i->spec, g->spec) && bytes_eq(i->checks, g->checks);
}

static void register_again(
	struct catalog *c, struct touch *t, const struct registration *g)
{
	struct instance_state *s = &t->now.state;
	bool had_checks = s->has_checks;

	if (set_admin(c, s, g->admin))
		touch_change(t, CAUSE_ADMIN, c->actor, BYTES_NONE);
	if (same_spec(t, g))
		return;
	set_spec(t, g);
	if (had_checks != s->has_checks)
		set_health(c, s, s->has_checks ? HEALTH_STARTING : HEALTH_PASSING);
	touch_change(t, CAUSE_UPDATED, c->actor, BYTES_NONE);
}

static bool removed_on_purpose(const struct tombstone *s)
{
	return s->incarnation != 0 &&
		(s->cause == CAUSE_DEREGISTERED || s->cause == CAUSE_LEASE_REVOKED);
}

static int register_absent(struct catalog *c, struct touch *t,
	const struct common *common, const struct registration *g)
{
	touch_load_tombstone(c, t);
	if (g->ref.incarnation != 0 && removed_on_purpose(&t->tombstone))
		return refuse_missing(c, t);
	register_new(c, t, common, g, CAUSE_REGISTERED);
	return 0;
}

static int register_present(struct catalog *c, struct touch *t,
	const struct common *common, const struct registration *g)
{
	const struct instance_state *s = &t->now.state;

	if (common->if_absent)
		return refuse_exists(c, &g->ref);
	if (g->ref.incarnation != 0 && g->ref.incarnation < s->incarnation)
		return refuse_stale(c, &g->ref, t);
	if (s->life == LIFE_REGISTERED && s->lease == common->lease)
		register_again(c, t, g);
	else
		register_over(c, t, common, g);
	return 0;
}

static int register_one(
	struct catalog *c, const struct common *common, const struct registration *g)
{
	struct touch *t = touch_get(c, &g->ref.key);
	int rv;

	if (t == NULL)
		return 0; /* noted in c: the caller looks */
	rv = t->live ? register_present(c, t, common, g)
		     : register_absent(c, t, common, g);
	if (rv == 0)
		buf_put_be64(&c->out->incarnations, t->now.state.incarnation);
	return rv;
}

static uint32_t read_common(struct reader *r, struct common *out)
{
	out->lease = read_varint(r);
	out->if_absent = read_u8(r) != 0;
	return (uint32_t)read_varint_max(r, LIMIT_BATCH);
}

int apply_register(struct catalog *c, struct reader *r)
{
	struct registration g;
	struct common common;
	uint32_t n = read_common(r, &common);
	int rv = 0;

	if (r->bad || n == 0)
		return refuse_malformed(c);
	if (!lease_exists(c, common.lease))
		return refuse_lease(c, common.lease);
	while (n-- > 0 && rv == 0) {
		registration_read(r, &g);
		rv = r->bad ? refuse_malformed(c) : register_one(c, &common, &g);
	}
	if (rv == 0 && !reader_done(r))
		rv = refuse_malformed(c);
	if (rv == 0 && c->out->incarnations.len > 0)
		c->out->value = get_be64(c->out->incarnations.data);
	return rv;
}

/*
 * The incarnations that were answered first are not stored, but they can be told: an
 * instance whose incarnation is not newer than the command is still the one of then.
 * Another one was replaced or removed since, and the command's own revision is as old as
 * anything about it can be.
 */
static uint64_t incarnation_then(struct catalog *c, const struct instance_key *name)
{
	struct touch *t = touch_get(c, name);

	return t != NULL && t->live && t->now.state.incarnation <= c->out->rev
		? t->now.state.incarnation
		: c->out->rev;
}

void repeat_register(struct catalog *c, struct reader *r)
{
	struct registration g;
	struct common common;
	uint32_t n = read_common(r, &common);

	while (n-- > 0 && !r->bad) {
		registration_read(r, &g);
		if (!r->bad)
			buf_put_be64(
				&c->out->incarnations, incarnation_then(c, &g.ref.key));
	}
	work_reset(c);
}
