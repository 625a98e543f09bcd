#include "server/narrator.h"

#include "base/log.h"
#include "wire/value.h"

#define LINES_PER_SECOND 100

void narrator_init(struct narrator *n, struct arena *arena)
{
	n->arena = arena;
	log_gate_init(&n->lines, LINES_PER_SECOND);
}

/* What was said about an instance is no change of its state. */
static bool is_change_of_state(const struct instance_change *i)
{
	return i->gone || (i->cause != CAUSE_UPDATED && i->cause != CAUSE_SERVICE);
}

static struct bytes state_of(struct narrator *n, const struct instance_change *i)
{
	struct value map;
	struct value state;

	if (i->gone)
		return bytes_str("gone");
	if (value_parse(n->arena, i->map, &map) != 0 || !value_find(map, "state", &state))
		return bytes_str("?");
	return state.type == VALUE_STR ? state.s : bytes_str("?");
}

static void tell_instance(struct narrator *n, const struct service_change *s,
	const struct instance_change *i)
{
	log_info("instance_state", L_BYTES("ns", s->key.ns),
		L_BYTES("service", s->key.service), L_BYTES("id", i->id),
		L_BYTES("to", state_of(n, i)), L_STR("cause", cause_name(i->cause)),
		L_U64("rev", s->rev));
	arena_reset(n->arena);
}

void narrator_tell(
	struct narrator *n, const struct changes *c, uint64_t rev, uint64_t now_ms)
{
	uint64_t held = log_gate_report(&n->lines, now_ms);

	if (held > 0)
		log_info("instance_states_not_logged", L_U64("lines", held),
			L_U64("rev", rev));
	if (log_get_level() > LOG_INFO)
		return;
	for (size_t i = 0; i < changes_services(c); i++) {
		const struct service_change *s = changes_service(c, i);

		for (size_t k = s->first; k < s->first + s->n; k++) {
			const struct instance_change *one = changes_instance(c, k);

			if (is_change_of_state(one) && log_gate_pass(&n->lines, now_ms))
				tell_instance(n, s, one);
		}
	}
}
