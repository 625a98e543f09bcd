#include "catalog/effective.h"

#include <stdlib.h>

static bool health_bad(enum health_state h)
{
	return h == HEALTH_FAILING || h == HEALTH_UNKNOWN || h == HEALTH_DAMPED;
}

enum base_state effective_base(const struct instance_state *s)
{
	bool expired = s->life != LIFE_REGISTERED;

	if (s->admin == ADMIN_DRAINING && !expired)
		return BASE_DRAIN;
	if (s->admin != ADMIN_ENABLED || s->health == HEALTH_STARTING)
		return BASE_DOWN;
	return expired || health_bad(s->health) ? BASE_FAILED : BASE_UP;
}

bool effective_usable(enum effective_state s)
{
	return s == EFFECTIVE_UP || s == EFFECTIVE_WARM || s == EFFECTIVE_PENDING;
}

uint64_t effective_failed_rev(const struct instance_state *s)
{
	return health_bad(s->health) ? s->health_rev : s->expired_rev;
}

uint32_t floor_demand(const struct service *s, uint32_t base)
{
	uint64_t share = ((uint64_t)s->floor_percent * base + 99) / 100;

	return share > s->floor ? (uint32_t)share : s->floor;
}

uint32_t floor_hold(const struct service *s, uint32_t base, uint32_t up, uint32_t failed)
{
	uint32_t demand = floor_demand(s, base), missing = demand > up ? demand - up : 0;

	return missing < failed ? missing : failed;
}

static int latest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->failed_rev != y->failed_rev)
		return x->failed_rev > y->failed_rev ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

uint32_t floor_choose(const struct service *s, uint32_t base, uint32_t up,
	struct candidate *failed, uint32_t n)
{
	uint32_t hold = floor_hold(s, base, up, n);

	if (n > 0)
		qsort(failed, n, sizeof(*failed), latest_first);
	for (uint32_t i = 0; i < n; i++)
		failed[i].held = i < hold;
	return hold;
}
