#include "svcctl/condition.h"

#include <string.h>

#include "svcctl/text.h"

bool condition_parse(const char *text, struct condition *c)
{
	static const char *const names[] = {
		[CONDITION_HEALTHY] = "healthy",
		[CONDITION_UNHEALTHY] = "unhealthy",
		[CONDITION_GONE] = "gone",
	};
	static const char count[] = "count>=";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*c = (struct condition){(int)i, 0};
			return true;
		}
	}
	*c = (struct condition){CONDITION_COUNT, 0};
	return strncmp(text, count, sizeof(count) - 1) == 0 &&
		text_parse_number(text + sizeof(count) - 1, UINT32_MAX, &c->count);
}

static bool is_up(const struct known_instance *i)
{
	return strcmp(i->state, "up") == 0 || strcmp(i->state, "warm") == 0;
}

size_t known_count_up(const struct known_service *s)
{
	size_t up = 0;

	for (size_t i = 0; s != NULL && i < s->n; i++)
		up += is_up(&s->instances[i]);
	return up;
}

static bool instance_holds(const struct condition *c, const struct known_instance *i)
{
	if (c->kind == CONDITION_GONE)
		return i == NULL;
	return i != NULL && is_up(i) == (c->kind == CONDITION_HEALTHY);
}

bool condition_holds(
	const struct condition *c, const struct known_service *s, const char *id)
{
	size_t n = s != NULL ? s->n : 0, up = known_count_up(s);

	if (id != NULL)
		return instance_holds(c, s != NULL ? known_find_instance(s, id) : NULL);
	switch (c->kind) {
	case CONDITION_HEALTHY:
		return up > 0;
	case CONDITION_UNHEALTHY:
		return n > 0 && up == 0;
	case CONDITION_GONE:
		return n == 0;
	default:
		return up >= c->count;
	}
}
