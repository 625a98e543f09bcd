/* Event records. */
#include "catalog/codec.h"
#include "catalog/record.h"

#define FORMAT 1

static const char *const what_names[EVENT_WHAT_COUNT] = {"registered", "state", "updated",
	"removed", "service", "service_deleted", "member", "member_removed"};

const char *event_what_name(enum event_what w)
{
	return w < EVENT_WHAT_COUNT ? what_names[w] : "unknown";
}

static uint8_t states_to_byte(const struct event_states *s)
{
	return (uint8_t)(s->admin | s->health << 2 | s->effective << 5);
}

static bool states_from_byte(uint8_t v, struct event_states *out)
{
	out->admin = v & 3;
	out->health = v >> 2 & 7;
	out->effective = v >> 5;
	return out->admin < ADMIN_COUNT && out->health < HEALTH_COUNT &&
		out->effective < EFFECTIVE_COUNT;
}

/* As the distance back from self; 0 is none (a previous event has a smaller revision, or
 * a smaller n). */
static void put_ref(struct buf *out, struct event_ref self, struct event_ref prev)
{
	put_varint(out, prev.rev == 0 ? 0 : self.rev - prev.rev + 1);
	if (prev.rev != 0)
		put_varint(out, prev.n);
}

static struct event_ref read_ref(struct reader *r, struct event_ref self)
{
	uint64_t back = read_varint(r);
	struct event_ref ref = {0};

	if (back == 0)
		return ref;
	ref.rev = self.rev - (back - 1);
	ref.n = (uint32_t)read_varint_max(r, UINT32_MAX);
	if (ref.rev > self.rev || (ref.rev == self.rev && ref.n >= self.n))
		r->bad = true; /* chains only go back, or walking one might not end */
	return ref;
}

void event_encode(struct buf *out, const struct event *e)
{
	buf_put_u8(out, FORMAT);
	buf_put_u8(out, (uint8_t)(e->what | e->cause << 4));
	buf_put_u8(out, states_to_byte(&e->from));
	buf_put_u8(out, states_to_byte(&e->to));
	put_varint(out, e->incarnation);
	put_varint(out, e->wall_ms);
	put_ref(out, e->self, e->prev_of_instance);
	put_ref(out, e->self, e->prev_of_service);
	put_blob(out, e->key.ns);
	put_blob(out, e->key.service);
	put_blob(out, e->key.id);
	put_blob(out, e->actor);
	buf_put_bytes(out, e->reason);
}

bool event_decode(struct bytes record, struct event_ref self, struct event *out)
{
	struct reader r = reader_of(record);
	uint8_t format = read_u8(&r), kinds = read_u8(&r);

	out->self = self;
	out->what = kinds & 15;
	out->cause = kinds >> 4;
	if (format != FORMAT || out->what >= EVENT_WHAT_COUNT ||
		out->cause >= CAUSE_COUNT)
		return false;
	if (!states_from_byte(read_u8(&r), &out->from) ||
		!states_from_byte(read_u8(&r), &out->to))
		return false;
	out->incarnation = read_varint(&r);
	out->wall_ms = read_varint(&r);
	out->prev_of_instance = read_ref(&r, self);
	out->prev_of_service = read_ref(&r, self);
	out->key.ns = read_blob(&r, LIMIT_NAME);
	out->key.service = read_blob(&r, LIMIT_NAME);
	out->key.id = read_blob(&r, LIMIT_ID);
	out->actor = read_blob(&r, LIMIT_ACTOR);
	out->reason = read_rest(&r);
	return !r.bad;
}
