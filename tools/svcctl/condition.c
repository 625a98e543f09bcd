#include "svcctl/condition.h"

#include <string.h>

#include "svcctl/text.h"

bool condition_parse(const char *text, struct condition *c)
{
	static const char count[] = "count>=";

	*c = (struct condition){CONDITION_HEALTHY, 1};
	if (strcmp(text, "healthy") == 0)
		return true;
	if (strcmp(text, "gone") == 0) {
		c->kind = CONDITION_GONE;
		return true;
	}
	c->kind = CONDITION_COUNT;
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
	return i != NULL && is_up(i);
}

bool condition_holds(const struct condition *c, const struct known_service *s, const char *id)
{
	if (id != NULL)
		return instance_holds(c, s != NULL ? known_find_instance(s, id) : NULL);
	if (c->kind == CONDITION_GONE)
		return s == NULL || s->n == 0;
	return known_count_up(s) >= c->count;
}
