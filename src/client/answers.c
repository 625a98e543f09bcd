#include "client/answers.h"

#include <stdlib.h>
#include <string.h>

struct answer {
	struct list node;
	struct set *set;
	size_t len;
	uint8_t query[];
};

static struct bytes answer_key(const void *item)
{
	const struct answer *a = item;

	return bytes_of(a->query, a->len);
}

void answers_init(struct answers *as)
{
	map_init(&as->by_query, answer_key);
	list_init(&as->by_age);
}

static void answer_drop(struct answers *as, struct answer *a)
{
	map_remove(&as->by_query, answer_key(a));
	list_remove(&a->node);
	svcd_set_unref(&a->set->pub);
	free(a);
}

void answers_fini(struct answers *as)
{
	struct list *n;

	while (!list_empty(&as->by_age)) {
		n = as->by_age.next;
		answer_drop(as, container_of(n, struct answer, node));
	}
	map_fini(&as->by_query);
}

static struct answer *answer_touch(struct answers *as, struct bytes query)
{
	struct answer *a = map_get(&as->by_query, query);

	if (a == NULL)
		return NULL;
	list_remove(&a->node);
	list_push(&as->by_age, &a->node);
	return a;
}

static struct answer *answer_new(struct answers *as, struct bytes query)
{
	struct answer *a = malloc(sizeof(*a) + query.len);

	if (a == NULL)
		return NULL;
	*a = (struct answer){.len = query.len};
	if (query.len > 0)
		memcpy(a->query, query.data, query.len);
	if (map_put(&as->by_query, a) != 0) {
		free(a);
		return NULL;
	}
	list_push(&as->by_age, &a->node);
	return a;
}

void answers_put(struct answers *as, struct bytes query, struct set *set)
{
	struct answer *a = answer_touch(as, query);

	if (a == NULL)
		a = answer_new(as, query);
	if (a == NULL)
		return;
	svcd_set_ref(&set->pub);
	svcd_set_unref(a->set != NULL ? &a->set->pub : NULL);
	a->set = set;
	if (map_len(&as->by_query) > ANSWERS_MAX)
		answer_drop(as, container_of(as->by_age.next, struct answer, node));
}

struct set *answers_get(struct answers *as, struct bytes query)
{
	struct answer *a = answer_touch(as, query);

	return a != NULL ? a->set : NULL;
}
