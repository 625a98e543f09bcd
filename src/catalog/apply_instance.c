/* Changing and removing single instances; verdicts of the health checks. */
#include <inttypes.h>

#include "catalog/ref.h"
#include "catalog/spec.h"
#include "catalog/update.h"
#include "catalog/work.h"

/* The instance that a command names, if it is there in the incarnation that was named. */
static int find_named(struct catalog *c, const struct ref *ref, struct touch **out)
{
	struct touch *t = touch_get(c, &ref->key);

	*out = t;
	if (t == NULL)
		return SVCD_ENOMEM; /* noted in c, which decides */
	if (!t->live)
		return refuse_missing(c, t);
	if (ref->incarnation != 0 && ref->incarnation != t->now.state.incarnation)
		return err_set(&c->why, SVCD_ESTALE,
			"'" FMT_BYTES "' of service '" FMT_BYTES "': incarnation %" PRIu64
			" is not the current one, %" PRIu64,
			ARG_BYTES(ref->key.id), ARG_BYTES(ref->key.service),
			ref->incarnation, t->now.state.incarnation);
	return 0;
}

int apply_deregister(struct catalog *c, struct reader *r)
{
	uint64_t n = read_varint_max(r, LIMIT_BATCH);
	struct touch *t;
	struct ref ref;

	if (r->bad || n == 0)
		return refuse_malformed(c);
	c->out->value = n;
	while (n-- > 0) {
		int rv;

		ref_read(r, &ref);
		rv = r->bad ? refuse_malformed(c) : find_named(c, &ref, &t);
		if (rv != 0)
			return rv;
		touch_end(c, t, CAUSE_DEREGISTERED, BYTES_NONE);
	}
	return reader_done(r) ? 0 : refuse_malformed(c);
}

static int update_admin(struct catalog *c, struct touch *t, const struct update *u)
{
	struct instance_state *s = &t->now.state;
	bool enabled = u->admin == ADMIN_ENABLED, self = u->self && !enabled;
	uint64_t until_ms = u->for_ms != 0 && !enabled ? c->meta.time_ms + u->for_ms : 0;

	if (u->self && s->admin != ADMIN_ENABLED && !s->admin_self)
		return err_set(&c->why, SVCD_ECONFLICT,
			"%s was set by " FMT_BYTES ", not by the instance itself",
			admin_name(s->admin), ARG_BYTES(s->admin_actor));
	if (s->admin == u->admin && s->admin_until_ms == until_ms &&
		s->admin_self == self &&
		(enabled || bytes_eq(s->admin_reason, u->reason)))
		return 0;
	s->admin = u->admin;
	s->admin_until_ms = until_ms;
	s->admin_self = self;
	s->admin_actor = enabled ? BYTES_NONE : c->actor;
	s->admin_reason = enabled ? BYTES_NONE : u->reason;
	touch_change(t, CAUSE_ADMIN, c->actor, u->reason);
	return 0;
}

static void update_numbers(struct catalog *c, struct touch *t, const struct update *u)
{
	struct instance_state *s = &t->now.state;
	uint16_t weight = u->has_weight ? u->weight : s->weight;
	uint8_t tier = u->has_tier ? u->tier : s->tier;

	if (weight == s->weight && tier == s->tier)
		return;
	s->weight = weight;
	s->tier = tier;
	touch_change(t, CAUSE_UPDATED, c->actor, u->reason);
}

static int update_spec(struct catalog *c, struct touch *t, const struct update *u)
{
	struct buf merged;
	struct bytes spec;
	uint32_t n;
	int rv;

	buf_init(&merged, LIMIT_SPEC_BYTES);
	n = spec_replace(t->now.spec, u->given, u->parts, &merged);
	spec = scratch_copy(&c->scratch, buf_bytes(&merged));
	rv = merged.error;
	buf_fini(&merged);
	if (rv == SVCD_ENOMEM || c->scratch.failed)
		c->nomem = true;
	if (rv != 0)
		return err_set(&c->why, rv,
			"what the instance says of itself: more than %d bytes",
			LIMIT_SPEC_BYTES);
	if (bytes_eq(spec, t->now.spec))
		return 0;
	t->now.spec = spec;
	t->now.spec_n = n;
	touch_change(t, CAUSE_UPDATED, c->actor, u->reason);
	return 0;
}

int apply_update(struct catalog *c, struct reader *r)
{
	struct update u;
	struct touch *t;
	struct ref ref;
	int rv;

	ref_read(r, &ref);
	update_read(r, &u);
	if (!reader_done(r))
		return refuse_malformed(c);
	rv = find_named(c, &ref, &t);
	if (rv == 0 && u.has_admin)
		rv = update_admin(c, t, &u);
	if (rv != 0)
		return rv;
	update_numbers(c, t, &u);
	if (u.given[SPEC_VERSION] || u.given[SPEC_TAGS] || u.given[SPEC_META])
		rv = update_spec(c, t, &u);
	c->out->value = t->now.state.incarnation;
	return rv;
}

static void verdict_one(struct catalog *c, const struct ref *ref,
	enum health_state health, struct bytes reason)
{
	struct touch *t = touch_get(c, &ref->key);
	struct instance_state *s;

	if (t == NULL || !t->live)
		return;
	s = &t->now.state;
	if (s->incarnation != ref->incarnation || !s->has_checks || s->health == health)
		return;
	s->health = health;
	s->health_rev = c->rev;
	s->health_reason = reason;
	touch_change(t, CAUSE_CHECK, c->actor, reason);
}

int apply_verdict(struct catalog *c, struct reader *r)
{
	uint64_t n = read_varint(r);

	while (n-- > 0) {
		enum health_state health;
		struct bytes reason;
		struct ref ref;

		ref_read(r, &ref);
		health = read_u8(r);
		reason = read_blob(r, LIMIT_REASON);
		if (r->bad || health >= HEALTH_COUNT || health == HEALTH_STARTING)
			return refuse_malformed(c);
		verdict_one(c, &ref, health, reason);
	}
	return reader_done(r) ? 0 : refuse_malformed(c);
}
