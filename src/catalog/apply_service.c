/* A service's settings. */
#include "catalog/ref.h"
#include "catalog/settings.h"
#include "catalog/work.h"

static bool gives(const struct settings *s, enum setting which)
{
	return (s->given >> which & 1) != 0;
}

/* What is not given stays. */
static void complete(struct settings *s, const struct service *now)
{
	s->floor = gives(s, SETTING_FLOOR) ? s->floor : now->floor;
	s->floor_percent = gives(s, SETTING_FLOOR_PERCENT) ? s->floor_percent
							   : now->floor_percent;
	s->slow_start_ms = gives(s, SETTING_SLOW_START) ? s->slow_start_ms
							: now->slow_start_ms;
	s->dns_ttl_s = gives(s, SETTING_DNS_TTL) ? s->dns_ttl_s : now->dns_ttl_s;
	s->policy = gives(s, SETTING_POLICY) ? s->policy : now->policy;
	s->owner = gives(s, SETTING_OWNER) ? s->owner : now->owner;
}

static bool same(const struct settings *s, const struct service *now)
{
	return now->configured && s->floor == now->floor &&
		s->floor_percent == now->floor_percent &&
		s->slow_start_ms == now->slow_start_ms &&
		s->dns_ttl_s == now->dns_ttl_s && bytes_eq(s->policy, now->policy) &&
		bytes_eq(s->owner, now->owner);
}

static void set(struct service_slot *slot, const struct settings *s)
{
	slot->s.configured = true;
	slot->s.floor = s->floor;
	slot->s.floor_percent = (uint8_t)s->floor_percent;
	slot->s.slow_start_ms = s->slow_start_ms;
	slot->s.dns_ttl_s = s->dns_ttl_s;
	slot_set_words(slot, s->policy, s->owner);
	slot->event = EVENT_SERVICE;
}

int apply_service_set(struct catalog *c, struct reader *r)
{
	struct service_slot *slot;
	struct service_key key;
	struct settings s;

	service_key_read(r, &key);
	settings_read(r, &s);
	if (!reader_done(r))
		return refuse_malformed(c);
	slot = slot_get(c, &key);
	if (slot == NULL)
		return 0;
	slot_create(c, slot);
	complete(&s, &slot->s);
	if (same(&s, &slot->s))
		return 0;
	slot_touch(c, slot);
	set(slot, &s);
	return 0;
}

int apply_service_delete(struct catalog *c, struct reader *r)
{
	struct service_slot *slot;
	struct service_key key;

	service_key_read(r, &key);
	if (!reader_done(r))
		return refuse_malformed(c);
	slot = slot_get(c, &key);
	if (slot == NULL)
		return 0;
	if (!slot->exists)
		return err_set(&c->why, SVCD_ENOSERVICE,
			"no service '" FMT_BYTES "' in '" FMT_BYTES "'",
			ARG_BYTES(key.service), ARG_BYTES(key.ns));
	if (slot->s.count > 0)
		return err_set(&c->why, SVCD_ECONFLICT,
			"service '" FMT_BYTES "' has %u instances",
			ARG_BYTES(key.service), slot->s.count);
	slot_touch(c, slot);
	slot->event = EVENT_SERVICE_DELETED;
	return 0;
}
