#include "linear_model.h"

#include <stddef.h>

const char *op_kind_name(enum op_kind k)
{
	static const char *const names[] = {"register", "update", "deregister", "read"};

	return names[k];
}

const char *op_result_name(enum op_result r)
{
	static const char *const names[] = {"ok", "absent", "stale", "unknown"};

	return names[r];
}

/* The incarnation is seen to be this one. */
static bool bind(struct linear_state *s, uint64_t incarnation)
{
	if (incarnation == 0)
		return true;
	if (!s->open)
		return s->incarnation == incarnation;
	if (incarnation <= s->incarnation)
		return false;
	s->incarnation = incarnation;
	s->open = 0;
	return true;
}

static bool register_absent(struct linear_state *s, const struct linear_op *o)
{
	if (o->result == RESULT_STALE)
		return false;
	/* the last one was removed on purpose: there is no other way here */
	if (o->guard != 0 && s->incarnation != 0)
		return o->result == RESULT_ABSENT;
	if (o->result == RESULT_ABSENT)
		return false;
	s->present = 1;
	s->open = 1;
	s->value = o->value;
	return bind(s, o->incarnation);
}

static bool register_present(struct linear_state *s, const struct linear_op *o)
{
	switch (o->result) {
	case RESULT_ABSENT:
		return false;
	case RESULT_STALE:
		if (!s->open)
			return o->guard < s->incarnation;
		if (o->guard > s->incarnation)
			s->incarnation = o->guard;
		return true;
	case RESULT_UNKNOWN:
	case RESULT_OK:
		break;
	}
	s->value = o->value;
	return bind(s, o->incarnation) &&
		(o->guard == 0 || o->guard >= s->incarnation + s->open);
}

/* update and deregister: the instance has to be there, in the incarnation named. */
static bool named(struct linear_state *s, const struct linear_op *o, bool *effect)
{
	*effect = false;
	if (!s->present)
		return o->result == RESULT_ABSENT;
	switch (o->result) {
	case RESULT_ABSENT:
		return false;
	case RESULT_STALE:
		return s->open || o->guard != s->incarnation;
	case RESULT_UNKNOWN:
	case RESULT_OK:
		break;
	}
	*effect = true;
	return bind(s, o->guard) && bind(s, o->incarnation);
}

static bool update(struct linear_state *s, const struct linear_op *o)
{
	bool effect, ok = named(s, o, &effect);

	if (effect)
		s->value = o->value;
	return ok;
}

static bool deregister(struct linear_state *s, const struct linear_op *o)
{
	bool effect, ok = named(s, o, &effect);

	if (!effect)
		return ok;
	s->incarnation += s->open;
	s->present = 0;
	s->open = 0;
	s->value = 0;
	return ok;
}

static bool read_value(struct linear_state *s, const struct linear_op *o)
{
	if (o->result == RESULT_ABSENT)
		return !s->present;
	return s->present && s->value == o->value && bind(s, o->incarnation);
}

bool linear_step(struct linear_state *s, const struct linear_op *o)
{
	switch (o->kind) {
	case OP_REGISTER:
		return s->present ? register_present(s, o) : register_absent(s, o);
	case OP_UPDATE:
		return update(s, o);
	case OP_DEREGISTER:
		return deregister(s, o);
	case OP_READ:
		return read_value(s, o);
	}
	return false;
}
