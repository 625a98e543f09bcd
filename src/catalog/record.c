#include "catalog/record.h"

#include "catalog/codec.h"

#define FORMAT 1

/* Which optional parts an instance record has; frequent ones in the low seven bits (one
 * byte). */
enum {
	HAS_LEASE = 1 << 0,
	HAS_WEIGHT = 1 << 1,
	HAS_LATER = 1 << 2,  /* rev differs from incarnation */
	HAS_HEALTH = 1 << 3, /* health_rev differs from incarnation */
	HAS_SINCE = 1 << 4,  /* since_wall_ms differs from registered_wall_ms */
	HAS_EVENT_N = 1 << 5,
	HAS_ACTOR = 1 << 6,
	HAS_TIER = 1 << 7,
	HAS_CHECKS = 1 << 8,
	HAS_REASON = 1 << 9,
	HAS_ADMIN_UNTIL = 1 << 10,
	HAS_WARM_UNTIL = 1 << 11,
	HAS_EXPIRED = 1 << 12,
	HAS_ADMIN_WORDS = 1 << 13,
	HAS_HEALTH_REASON = 1 << 14,
	HAS_ALL = (1 << 15) - 1
};

/* since and registered are display times of different leaders: either may be the larger.
 */
static uint64_t zigzag(uint64_t a, uint64_t base)
{
	int64_t d = (int64_t)(a - base);

	return ((uint64_t)d << 1) ^ (uint64_t)(d >> 63);
}

static uint64_t unzigzag(uint64_t v, uint64_t base)
{
	return base + ((v >> 1) ^ (0 - (v & 1)));
}

static bool plainly_well(const struct instance_state *s)
{
	return s->admin == ADMIN_ENABLED && s->life == LIFE_REGISTERED &&
		(s->health == HEALTH_PASSING || s->health == HEALTH_STARTING);
}

static uint64_t words_of(const struct instance_state *s)
{
	bool well = plainly_well(s);
	uint64_t has = 0;

	if (s->actor.len > 0 && (!well || s->lease == 0))
		has |= HAS_ACTOR;
	if (s->reason.len > 0 && !well)
		has |= HAS_REASON;
	if (s->admin != ADMIN_ENABLED)
		has |= HAS_ADMIN_WORDS;
	if (s->health_reason.len > 0 && s->health != HEALTH_PASSING)
		has |= HAS_HEALTH_REASON;
	return has;
}

static uint64_t parts_of(const struct instance *i)
{
	const struct instance_state *s = &i->state;
	uint64_t has = words_of(s);

	has |= s->lease != 0 ? HAS_LEASE : 0;
	has |= s->weight != WEIGHT_DEFAULT ? HAS_WEIGHT : 0;
	has |= s->rev != s->incarnation ? HAS_LATER : 0;
	has |= s->health_rev != s->incarnation ? HAS_HEALTH : 0;
	has |= s->since_wall_ms != s->registered_wall_ms ? HAS_SINCE : 0;
	has |= s->event_n != 0 ? HAS_EVENT_N : 0;
	has |= s->tier != 0 ? HAS_TIER : 0;
	has |= i->checks.len > 0 ? HAS_CHECKS : 0;
	has |= s->admin_until_ms != 0 ? HAS_ADMIN_UNTIL : 0;
	has |= s->warm_until_ms != 0 ? HAS_WARM_UNTIL : 0;
	has |= s->expired_rev != 0 ? HAS_EXPIRED : 0;
	return has;
}

static void put_if(struct buf *out, uint64_t has, uint64_t part, uint64_t v)
{
	if ((has & part) != 0)
		put_varint(out, v);
}

static void put_words_if(struct buf *out, uint64_t has, uint64_t part, struct bytes v)
{
	if ((has & part) != 0)
		put_blob(out, v);
}

static void encode_head(struct buf *out, const struct instance *i)
{
	const struct instance_state *s = &i->state;

	buf_put(out,
		(const uint8_t[]){FORMAT,
			(uint8_t)(s->admin | s->health << 2 | s->effective << 5),
			(uint8_t)(s->life | s->warming << 2 | s->admin_self << 3 |
				s->cause << 4),
			(uint8_t)i->spec_n},
		4);
}

void instance_encode(struct buf *out, const struct instance *i)
{
	const struct instance_state *s = &i->state;
	uint64_t has = parts_of(i);

	encode_head(out, i);
	put_varint(out, has);
	put_varint(out, s->incarnation);
	put_varint(out, s->registered_wall_ms);
	put_if(out, has, HAS_LEASE, s->lease);
	put_if(out, has, HAS_WEIGHT, s->weight);
	put_if(out, has, HAS_LATER, s->rev - s->incarnation);
	put_if(out, has, HAS_HEALTH, s->health_rev - s->incarnation);
	put_if(out, has, HAS_SINCE, zigzag(s->since_wall_ms, s->registered_wall_ms));
	put_if(out, has, HAS_EVENT_N, s->event_n);
	put_if(out, has, HAS_TIER, s->tier);
	put_if(out, has, HAS_ADMIN_UNTIL, s->admin_until_ms);
	put_if(out, has, HAS_WARM_UNTIL, s->warm_until_ms);
	put_if(out, has, HAS_EXPIRED, s->expired_rev);
	put_words_if(out, has, HAS_ACTOR, s->actor);
	put_words_if(out, has, HAS_REASON, s->reason);
	put_words_if(out, has, HAS_ADMIN_WORDS, s->admin_actor);
	put_words_if(out, has, HAS_ADMIN_WORDS, s->admin_reason);
	put_words_if(out, has, HAS_HEALTH_REASON, s->health_reason);
	put_words_if(out, has, HAS_CHECKS, i->checks);
	buf_put_bytes(out, i->spec);
}

static uint64_t read_if(struct reader *r, uint64_t has, uint64_t part, uint64_t otherwise)
{
	return (has & part) != 0 ? read_varint(r) : otherwise;
}

static struct bytes read_words_if(
	struct reader *r, uint64_t has, uint64_t part, size_t max)
{
	return (has & part) != 0 ? read_blob(r, max) : BYTES_NONE;
}

static uint8_t decode_head(struct reader *r, struct instance_state *s)
{
	uint8_t format = read_u8(r), states = read_u8(r), more = read_u8(r),
		spec_n = read_u8(r);

	s->admin = states & 3;
	s->health = (states >> 2) & 7;
	s->effective = states >> 5;
	s->life = more & 3;
	s->warming = (more >> 2 & 1) != 0;
	s->admin_self = (more >> 3 & 1) != 0;
	s->cause = more >> 4;
	if (format != FORMAT || s->admin >= ADMIN_COUNT || s->health >= HEALTH_COUNT ||
		s->effective >= EFFECTIVE_COUNT || s->life >= LIFE_GONE ||
		s->cause >= CAUSE_COUNT)
		r->bad = true;
	return spec_n;
}

static void decode_numbers(struct reader *r, uint64_t has, struct instance_state *s)
{
	s->incarnation = read_varint(r);
	s->registered_wall_ms = read_varint(r);
	s->lease = read_if(r, has, HAS_LEASE, 0);
	s->weight = (uint16_t)read_if(r, has, HAS_WEIGHT, WEIGHT_DEFAULT);
	s->rev = s->incarnation + read_if(r, has, HAS_LATER, 0);
	s->health_rev = s->incarnation + read_if(r, has, HAS_HEALTH, 0);
	s->since_wall_ms = unzigzag(read_if(r, has, HAS_SINCE, 0), s->registered_wall_ms);
	s->event_n = (uint32_t)read_if(r, has, HAS_EVENT_N, 0);
	s->tier = (uint8_t)read_if(r, has, HAS_TIER, 0);
	s->admin_until_ms = read_if(r, has, HAS_ADMIN_UNTIL, 0);
	s->warm_until_ms = read_if(r, has, HAS_WARM_UNTIL, 0);
	s->expired_rev = read_if(r, has, HAS_EXPIRED, 0);
	s->has_checks = (has & HAS_CHECKS) != 0;
}

static void decode_words(struct reader *r, uint64_t has, struct instance_state *s)
{
	s->actor = read_words_if(r, has, HAS_ACTOR, LIMIT_ACTOR);
	s->reason = read_words_if(r, has, HAS_REASON, LIMIT_REASON);
	s->admin_actor = read_words_if(r, has, HAS_ADMIN_WORDS, LIMIT_ACTOR);
	s->admin_reason = read_words_if(r, has, HAS_ADMIN_WORDS, LIMIT_REASON);
	s->health_reason = read_words_if(r, has, HAS_HEALTH_REASON, LIMIT_REASON);
}

bool instance_decode_state(struct bytes record, struct instance_state *out)
{
	struct reader r = reader_of(record);
	uint64_t has;

	decode_head(&r, out);
	has = read_varint_max(&r, HAS_ALL);
	decode_numbers(&r, has, out);
	decode_words(&r, has, out);
	return !r.bad;
}

bool instance_decode(struct bytes record, struct instance *out)
{
	struct reader r = reader_of(record);
	uint64_t has;

	out->spec_n = decode_head(&r, &out->state);
	has = read_varint_max(&r, HAS_ALL);
	decode_numbers(&r, has, &out->state);
	decode_words(&r, has, &out->state);
	out->checks = read_words_if(&r, has, HAS_CHECKS, UINT16_MAX);
	out->spec = read_rest(&r);
	return !r.bad;
}

void service_encode(struct buf *out, const struct service *s)
{
	buf_put_u8(out, FORMAT);
	buf_put_u8(out, s->configured);
	buf_put_be64(out, s->digest);
	put_varint(out, s->rev);
	put_varint(out, s->known_from);
	put_varint(out, s->event_n);
	put_varint(out, s->count);
	put_varint(out, s->failed);
	put_varint(out, s->vanished);
	for (int i = 0; i < EFFECTIVE_COUNT; i++)
		put_varint(out, s->by_effective[i]);
	if (!s->configured)
		return;
	put_varint(out, s->floor);
	put_varint(out, s->floor_percent);
	put_varint(out, s->slow_start_ms);
	put_varint(out, s->dns_ttl_s);
	put_blob(out, s->policy);
	put_blob(out, s->owner);
}

static void decode_settings(struct reader *r, struct service *s)
{
	s->floor = (uint32_t)read_varint_max(r, UINT32_MAX);
	s->floor_percent = (uint8_t)read_varint_max(r, 100);
	s->slow_start_ms = (uint32_t)read_varint_max(r, UINT32_MAX);
	s->dns_ttl_s = (uint32_t)read_varint_max(r, UINT32_MAX);
	s->policy = read_blob(r, LIMIT_POLICY);
	s->owner = read_blob(r, LIMIT_OWNER);
}

bool service_decode(struct bytes record, struct service *out)
{
	struct reader r = reader_of(record);
	struct service s = {.key = out->key};

	if (read_u8(&r) != FORMAT)
		return false;
	s.configured = read_u8(&r) != 0;
	s.digest = read_be64(&r);
	s.rev = read_varint(&r);
	s.known_from = read_varint(&r);
	s.event_n = (uint32_t)read_varint_max(&r, UINT32_MAX);
	s.count = (uint32_t)read_varint_max(&r, UINT32_MAX);
	s.failed = (uint32_t)read_varint_max(&r, UINT32_MAX);
	s.vanished = (uint32_t)read_varint_max(&r, UINT32_MAX);
	for (int i = 0; i < EFFECTIVE_COUNT; i++)
		s.by_effective[i] = (uint32_t)read_varint_max(&r, UINT32_MAX);
	if (s.configured)
		decode_settings(&r, &s);
	if (!reader_done(&r))
		return false;
	*out = s;
	return true;
}

void lease_encode(struct buf *out, const struct lease *l)
{
	buf_put_u8(out, FORMAT);
	buf_put_u8(out, l->drop_on_close);
	put_varint(out, l->ttl_ms);
	put_varint(out, l->granted_wall_ms);
	buf_put_bytes(out, l->owner);
}

bool lease_decode(struct bytes record, struct lease *out)
{
	struct reader r = reader_of(record);

	if (read_u8(&r) != FORMAT)
		return false;
	out->drop_on_close = read_u8(&r) != 0;
	out->ttl_ms = read_varint(&r);
	out->granted_wall_ms = read_varint(&r);
	out->owner = read_rest(&r);
	return !r.bad;
}

bool tombstone_vanished(const struct tombstone *s)
{
	return s->incarnation != 0 && s->cause == CAUSE_LEASE_EXPIRED;
}

void tombstone_encode(struct buf *out, const struct tombstone *s)
{
	buf_put_u8(out, FORMAT);
	buf_put_u8(out, (uint8_t)s->cause);
	put_varint(out, s->incarnation);
	put_varint(out, s->rev);
	put_varint(out, s->event_n);
	put_varint(out, s->wall_ms);
	put_varint(out, s->due_ms);
	put_blob(out, s->actor);
	buf_put_bytes(out, s->reason);
}

bool tombstone_decode(struct bytes record, struct tombstone *out)
{
	struct reader r = reader_of(record);

	if (read_u8(&r) != FORMAT)
		return false;
	out->cause = read_u8(&r);
	out->incarnation = read_varint(&r);
	out->rev = read_varint(&r);
	out->event_n = (uint32_t)read_varint_max(&r, UINT32_MAX);
	out->wall_ms = read_varint(&r);
	out->due_ms = read_varint(&r);
	out->actor = read_blob(&r, LIMIT_ACTOR);
	out->reason = read_rest(&r);
	return !r.bad && out->cause < CAUSE_COUNT;
}

struct bytes meta_key(void)
{
	return bytes_str("catalog");
}

void meta_encode(struct buf *out, const struct meta *m)
{
	const struct catalog_totals *s = &m->totals;

	buf_put_u8(out, FORMAT);
	put_varint(out, m->rev);
	put_varint(out, m->time_ms);
	put_varint(out, m->sessions);
	put_varint(out, s->services);
	put_varint(out, s->instances);
	put_varint(out, s->leases);
	put_varint(out, s->tombstones);
	put_varint(out, s->events);
	put_varint(out, s->event_bytes);
	for (int i = 0; i < EFFECTIVE_COUNT; i++)
		put_varint(out, s->by_effective[i]);
}

bool meta_decode(struct bytes record, struct meta *out)
{
	struct reader r = reader_of(record);
	struct catalog_totals *s = &out->totals;

	if (read_u8(&r) != FORMAT)
		return false;
	out->rev = read_varint(&r);
	out->time_ms = read_varint(&r);
	out->sessions = read_varint(&r);
	s->services = read_varint(&r);
	s->instances = read_varint(&r);
	s->leases = read_varint(&r);
	s->tombstones = read_varint(&r);
	s->events = read_varint(&r);
	s->event_bytes = read_varint(&r);
	for (int i = 0; i < EFFECTIVE_COUNT; i++)
		s->by_effective[i] = read_varint(&r);
	return reader_done(&r);
}

void meta_load(struct tables *t, struct meta *out)
{
	struct meta m = {0};
	struct bytes record;

	if (table_get(t, TABLE_META, meta_key(), &record) && !meta_decode(record, &m)) {
		t->error = SVCD_ECORRUPT;
		m = (struct meta){0};
	}
	*out = m;
}
