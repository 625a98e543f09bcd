#include "health/reasons.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct bytes reason_key(const void *item)
{
	const struct reason *reason = item;

	return bytes_of(reason->text, reason->len);
}

void reasons_init(struct reasons *r)
{
	map_init(&r->map, reason_key);
}

void reasons_fini(struct reasons *r)
{
	assert(map_len(&r->map) == 0);
	map_fini(&r->map);
}

static struct reason *reason_new(struct reasons *r, struct bytes text)
{
	struct reason *reason = malloc(sizeof(*reason) + text.len + 1);

	if (reason == NULL)
		return NULL;
	reason->holders = 0;
	reason->len = (uint32_t)text.len;
	memcpy(reason->text, text.data, text.len);
	reason->text[text.len] = '\0';
	if (map_put(&r->map, reason) == 0)
		return reason;
	free(reason);
	return NULL;
}

void reasons_drop(struct reasons *r, struct reason **held)
{
	struct reason *reason = *held;

	*held = NULL;
	if (reason == NULL || --reason->holders > 0)
		return;
	map_remove(&r->map, reason_key(reason));
	free(reason);
}

void reasons_set(struct reasons *r, struct reason **held, const char *text)
{
	struct bytes v = bytes_str(text);
	struct reason *reason;

	if (*held != NULL && bytes_eq(reason_key(*held), v))
		return;
	reason = map_get(&r->map, v);
	if (reason == NULL)
		reason = reason_new(r, v);
	if (reason != NULL)
		reason->holders++;
	reasons_drop(r, held);
	*held = reason;
}
